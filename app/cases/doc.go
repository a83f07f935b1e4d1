// Package cases keeps what the helpdesk does for somebody together, from the call to
// the day its cause is gone (product.md, Words and §5).
//
//	          ┌── wait ──▶ waiting ──┐
//	open ─────┤◀─ resume ───┘        ├── close ──▶ closed ── reopen ──▶ open
//	          └──────────────────────┘
//
// A person has at most one case that is not closed. It belongs to an agent, its owner:
// whoever opens or takes it, or whom it is handed to. What was lost is linked to it,
// and while that phone still signs the person in, the case closes only with a reason.
// Notes are added and never changed, which the database refuses too. A case of somebody
// who had another one within 30 days says so.
//
// Who cannot sign in, or has lost a phone, asks for a case by themselves (Ask): it is
// nobody's until an agent takes it, and not proved until a caller check of it is. Asked is
// in a name that anybody can type, so a request has a number and a page whether or not
// there is such a person, made by the same statements; TakeIn looks afterwards whose it
// is. Asked again, it is a note in the case that stands. The person is told that somebody
// asked, by a notice without the number, which a stranger who calls would prove themselves
// by, and with a link by which they say that it was not them (package disown).
//
// Everything that is done is an act of package approval, on the person: with a reason
// or the words of a note, a ticket, the rules of rank and groups, and an event whose
// thread is the case. The person is told when it is opened, closed and reopened, by its
// number, such as C-1042; an agent, when it is handed to them or taken from them.
package cases
