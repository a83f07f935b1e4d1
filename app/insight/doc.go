// Package insight counts, for the pages that show how a rollout goes (product.md §4).
//
//	decisions of a day ─▶ sign-ins by way and outcome ─┐
//	         │        └─▶ what reports would change    ├─▶ figures of days
//	attempts of a day ─▶ tries and failures by way ────┘
//	         └─▶ who used which way, first and last ─┐
//	everybody, by the rules that hold ───────────────┴─▶ who may, who has, who uses it;
//	                                                     how far they came; who is at risk
//
// A tenant has up to a million people and as many sign-ins a day, so nothing of it is
// counted while a page is loaded: whichever replica takes a tenant up counts it once an
// hour, and soon after its rules changed, and pages say as of when their figures are. A
// day that is not over is counted anew from its beginning each time, and once more when
// it is over; so counting twice, or half and then again, comes to the same.
package insight
