// Package risk is the register of what is on in a tenant although it is discouraged: ways in
// that are weak, safeguards that are loosened, people whom they leave out, and what ought to
// be there and is not.
//
// Nothing is kept of a risk itself: each is found by one function when the page is asked for
// (Risks), with how many people it concerns, and since when and by whom it is so, as far as
// the versions of the rules or the audit say.
//
// A risk that is to stay is acknowledged, with a reason and a day on which to look again, a
// year ahead at most. Until that day it stands among those that were looked at; from then on,
// and as soon as it concerns more people than it did, it stands among the open ones again.
// Every acknowledgement is kept.
package risk
