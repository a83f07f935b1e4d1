// Package breakglass keeps break-glass accounts: the way in for the day on which every
// other one has failed (product.md §7).
//
//	asked for ──four eyes──▶ approved ──printed once──▶ sealed ─┬─ signed in with ──▶ used
//	   ▲                        └── 4 h: expired                ├─ for an outage ───▶ used
//	   │                                                        └─ printed anew ────▶ replaced
//	   └──────────── to be sealed again, by four eyes ◀──────────── used
//
// Such an account is a user of its own, of nobody in particular, who holds the role of a
// security administrator. Two security administrators make it and seal it each time, for
// that is what giving that role and changing how one of them signs in takes (roles.md). A
// tenant does well with two of them at least.
//
// Its sheet is made when one of the two prints it, and not before, and is shown this once:
// a code of 28 letters and digits that nobody takes for others (137 bits), kept as a slow
// hash, and a number for the outside of the envelope. The code works once, on a page of its
// own and with nothing that is sent: no push, no message, no outage that somebody has to
// declare. Then it is spent, and the account takes another sheet.
//
// Nothing but the sheet lets the account in: an attempt to sign in that ends in its name is
// refused (session.Enter), whatever was bound to it. And nothing that is decided about ways,
// features and outages holds it back (package method). Two people can lock it or remove it.
//
// The session of a sheet lasts an hour. It may what roles.md gives its role, and nobody
// approves by it what they asked for in the last three days, if they asked for the account as
// well. It is one factor: once its user has bound a passkey to the account, which the first
// session is for, a session begins limited and does nothing until that passkey has proved it.
// It binds passkeys and nothing else.
//
// Every use rings every bell: each administrator is told on their pages, by mail, by a push to
// each phone and by SMS to each confirmed number. Refusals ring too, ten times in an hour, and
// by SMS the first time. Failures pause the page for the name and the address that they came
// from, longer each time, and never for longer than a day or for anybody else: who holds the
// sheet and goes elsewhere gets in.
//
// Each quarter somebody proves that the sheet is where it should be: the number on its
// outside, which opens nothing, says that it is the one that works now, and the rest is
// looked up. The envelope stays shut. When a drill is due the security administrators are
// told, once.
package breakglass
