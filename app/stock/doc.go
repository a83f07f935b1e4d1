// Package stock makes sheets of printed codes for others, in batches, and knows where
// each paper is until its user has confirmed that they hold it (product.md §6).
//
// A batch:
//
//	draft ──▶ making ──▶ made ──▶ printed
//	              └────────┴─────────┴──▶ voided   every code of it is dead
//
// A draft says for whom: the members of a group, people by name, or both. Each is judged
// like somebody for whom one sheet would be printed (roles.md); its page says how many
// get one, and of everybody else why not. It is started by whoever drew it up, for exactly
// those whom they saw; where a rule asks for four eyes, when a second person has approved.
//
// Then it is made in the background, one person after the other, on whichever replica
// holds it: codes, their slow hashes (secret.HashPatiently), and until they are printed the
// codes themselves, sealed. Who has got a sheet is in the rows, so another replica goes on
// where the first one stopped, and nobody gets two. It is printed once, by whoever asked
// for it, within a day: the same act wipes what was sealed.
//
// A sheet of it:
//
//	unprinted ─▶ printed ─▶ with_agent ─▶ with_user ─▶ active ─▶ used_up, replaced, removed
//	     └──────────┴─────────┴──────┴────────┴──────▶ lost, destroyed, voided
//
// Its printer gives it to an agent; agents may pass it on among them; the agent who has it
// gives it to its user; and it works when the user has typed its first code (package
// codesheet). No step can be left out, and none be gone back: it is fault.Conflict. Each is
// kept with who took it, when and to whom. The older sheet of its user works until then,
// and is replaced in that moment. A paper that has ended stays listed with whom it was
// last, so that somebody can look for it.
package stock
