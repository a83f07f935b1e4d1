// Package policy changes which ways in a tenant has on: for what, for whom, and
// within which limits (package method has the table, and what asks it).
//
//	before ──change──▶ planned ──tightens──▶ the next version
//	                        └──loosens──▶ four eyes ──▶ the next version
//
// A way or a use that is turned on, a group more, a limit that grows and a user's
// habit in the place of the strongest way are loosening (roles.md). Limits go up to
// those of product.md §9 and never beyond.
//
// A change is a version: it names the one that it was made from, and finds nothing
// when somebody else was there first. Every version keeps its difference.
//
// The phone cannot be the only way of a tenant: somebody without one gets in, on any
// day (product.md §6). And no change leaves fewer than two administrators who can
// sign in, judged by what judges sign-ins (role.Service.Keep, signin.Able).
package policy
