// Package vouch takes the word of a person's manager for the second proof that binds a new
// phone or passkey after a bypass (product.md §5, §9).
//
//	                ┌─ the right number ─────▶ given ──bind──▶ used for one thing
//	asked: pending ─┼─ deny, a wrong number ─▶ denied
//	                ├─ it is not me ─────────▶ reported: the leads are told
//	                ├─ 120 s ────────────────▶ expired
//	                ├─ asked anew ───────────▶ withdrawn
//	                └─ something has changed ▶ failed
//
// The page of the person, in the session that the bypass made, shows a number; the manager
// gives it on their own phone, because the person says it to them, and the phone asks
// whether they are with them. The number never leaves that page by itself.
//
// A word counts for the session that asked and for no other one, within the ten minutes
// after the bypass, once. It is another proof than what led to the bypass: where the
// manager proved the caller to the helpdesk, theirs is no second one. Nor is it that of
// the agent who asked for the bypass or of whoever approved it, or of somebody whom
// either of them made, promoted, or made the manager within 72 hours (roles.md). All of
// this is asked again by the statement that takes the answer; and Spend, which is part of
// the act that binds, asks again whether session and bypass still stand.
package vouch
