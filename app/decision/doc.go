// Package decision says what becomes of a sign-in, by one function (product.md §4).
//
//	rules of the tenant ─┐
//	                     ├─▶ Decide ─▶ passed · asked · blocked, and by which rule
//	what the sign-in is ─┘      │
//	                            └─ the same, live, in a report, in what-if and in a replay
//
// The rules are who has which feature (package feature) and which ways in are on, for
// what and for whom (package method). The sign-in is who it is, what they have bound,
// what they proved and where they are. Decide takes both and nothing else: no clock,
// no database, no chance. So a decision that is kept with what it was made of can be
// made again, by the rules that held or by others.
//
// Live is the function at work: at each moment that decides a sign-in it reads both
// within the act, decides, and keeps what it was asked and what it said. The statement
// that redeems a way asks the same rules on its own (feature.WaysOff), and a sign-in
// needs both. Where the two differ the program is wrong: that is logged, counted, and
// marked on the decision.
//
// An outage that lifts stages (package relaxation) is part of what the sign-in is, and of
// no rule: Input has which stages it lifted for the person.
//
// Rules that are only reported (feature.ReportOnly) are decided by as well, without
// effect, and kept beside the decision that counted.
package decision
