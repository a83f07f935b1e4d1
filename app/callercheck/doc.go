// Package callercheck proves that whoever is on the line is the user, before the
// helpdesk does something for them that lets them in (product.md §5).
//
//	                ┌─ the right number or code ─▶ proved ──Spend──▶ spent for one act
//	begun: pending ─┼─ deny, a wrong number ─────▶ denied        └─ 10 min ──▶ expired
//	                ├─ it is not me ─────────────▶ reported
//	                ├─ 5 wrong codes, revoked ───▶ failed
//	                ├─ 120 s, of a code 10 min ──▶ expired
//	                └─ the agent begins anew ────▶ withdrawn
//
// There are three ways, and each is recorded with what it is worth:
//
//	phone         strong   the agent reads a number out, the caller gives it on a phone that is still bound
//	backup_phone  weaker   a code goes to a confirmed backup phone, the caller reads it to the agent
//	manager       weakest  the manager of the person says on their own phone that they know who is on the line
//
// A proof is for this person, this agent and one act, and for ten minutes. Spend is the
// one statement by which an act takes it: it asks again whether the person is active
// and has the feature, and whether what the proof was given with is still bound. An act
// that waits for a second person spends it when it is asked for; Spend of the same act
// is then as good as the first, also later.
//
// A check belongs to the case of the person; where none stands, beginning one opens it,
// in the same act. One check of a person waits at a time. An agent who begins another
// takes the one before back; somebody else's stands.
//
// Whoever answers "it is not me" takes with it what was proved for that person before and
// not used yet, and the leads of the helpdesk are told.
//
// How often phones are asked is limited as for sign-ins (package prompt), but counted
// apart, under names of their own: who tries to sign in as somebody cannot keep the
// helpdesk from checking them, and no desk can flood a person. Codes have the brakes of
// package backupphone, with counters of their own for the same reason; the budget of
// the day is the tenant's.
//
// The person can ask the agent for proof in turn. Both the page of the check and the
// prompt on the phone, and the person's own pages, show four letters (AgentCode) that
// are reckoned from the check here: the agent reads them out, the person compares. They
// prove that whoever reads them looks at this check, or is told by somebody who does.
// They are no defence against one who stands between the two and repeats what each
// says; that the prompt names the agent, the case and what is asked is what helps
// there. Nobody sees them who has not signed in.
package callercheck
