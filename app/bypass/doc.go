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
//
// Its person is told on every channel that they have: on their pages, by mail, by SMS to
// each confirmed number and by a push to each phone that is still bound, with the agent,
// the case, the kind and until when. Each has a link by which they say, without signing in,
// that it was not them; all of them are one row, which works once and for a week. What
// cannot be owed fails the act; a brake that holds, or a tenant that nobody carries text
// messages for, leaves that channel out.
//
// A channel may be in the wrong hands: the lost phone is bound still, and a number that got
// the code may have been taken over. They are told all the same, for often they are not, and
// then they are what a victim has. So whatever the link does is to take away, and nothing
// that it does gives anything: it locks, ends sessions and the bypass, and removes what was
// bound in them; unlocking is up to somebody with a role, after a call. A thief who follows
// it locks themselves out too, and rings the bell. What it shows by its short form, and what a
// phone hears that its case says is lost, has no names and no words of the agent.
package bypass
