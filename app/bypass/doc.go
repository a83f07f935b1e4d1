// Package bypass lets one person past the phone that they do not have right now
// (product.md §5, §9).
//
//	caller check ──ask──┬──────────────▶ ready ──make──▶ active ──used up──▶ used
//	                    └─four eyes──▶ ready    │  ▲        ├─ its time is over ─▶ expired
//	                                     │      │  └ skip   ├─ revoke, disown ───▶ revoked
//	                                     └ 1 h ─┴─▶ expired └─ another one ──────▶ replaced
//
// Nobody gets one without a fresh caller check, for this person and by this agent, which
// is spent on it (package callercheck). A skip is active at once: the next sign-in needs
// no phone after the password. A pass code is made when its agent shows it, and no
// earlier: it is kept as a keyed digest, in two halves where one goes another way, and
// nothing shows it again. A person has one at a time.
//
// Who asks is limited by their role: a desk to an hour and one use; more, somebody with
// a role, the eleventh of an agent in an hour and the fourth of a person in a week take
// a second person, who approves exactly these parameters (package approval). The
// ceilings of the tenant hold for everybody.
//
// It is used by one statement that asks everything again: state, time, uses, network,
// application, person, tenant; the rules of ways (package method) are asked by the
// statement that ends the sign-in. Expired is expired in that second: the sweep only
// writes it down. The session that it makes is restricted (session.Restricted) and ends
// with it. What is tried and refused stays unused.
package bypass
