// Package codesheet keeps sheets of printed codes: look-up secrets (SP 800-63B-4
// §3.1.2) for who has no phone at hand and no signal (product.md §6, §9).
//
//	made by its user, shown and printed once ──────┐
//	made for them, handed over (package stock) ──▶ with_user, confirmed by its first code
//	                                               ▼
//	                                            active ──▶ used_up
//	                                               ├─────▶ replaced, by another one
//	                                               ├─────▶ removed, by its user or an administrator
//	                                               └─────▶ lost, destroyed, voided
//
// A sheet has ten codes of 80 bits, numbered, in letters and digits that nobody takes
// for another one, and a serial number by which it is found and which opens nothing.
// A user has one sheet that works, and one more that is on its way to them at most: it
// opens nothing before they have confirmed that they hold it, and takes the place of the
// other one in that moment. A code is kept as a slow hash, for it has less than
// 112 bits; a sign-in asks for one by its number, the lowest that is left, so that a
// try costs one hash. It falls to one conditional statement and is gone.
//
// What a code proves is that its user has the paper, and nothing else: it completes a
// password. A sheet is a reserve that runs out, not a second factor for every day: to
// have one makes no second factor required, and no step-up harder.
//
// Who counts tries and pauses the way is the caller (package signin).
package codesheet
