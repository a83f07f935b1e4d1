// Package vouch takes the word of somebody else for the second proof that binds a new
// phone or passkey after a bypass (product.md §5, §9): of a person's manager, or of a
// colleague of the helpdesk who calls them back.
//
//	                ┌─ the right number ─────▶ given ──bind──▶ used for one thing
//	asked: pending ─┼─ deny, a wrong number ─▶ denied
//	                ├─ it is not me ─────────▶ reported: the leads are told
//	                ├─ its time is over ─────▶ expired
//	                ├─ asked anew ───────────▶ withdrawn
//	                └─ something has changed ▶ failed
//
// The page of the person, in the session that the bypass made, shows a number. A manager
// gives it on their own phone, because the person says it to them, and the phone asks
// whether they are with them. A colleague calls the person at a number that was on file
// before the bypass and had no part in it, is told the number of the page, and types it
// with the reason; that takes a step-up. Neither number leaves the page by itself.
//
// A word counts for the session that asked and for no other one, within the ten minutes
// after the bypass, once. It is another proof than what led to the bypass: where the
// manager proved the caller to the helpdesk, theirs is no second one. Nor is it that of
// the agent who asked for the bypass or of whoever approved it, or of somebody whom
// either of them made, promoted, or made the manager within 72 hours (roles.md). Who may
// approve a rebinding gives the word of a call alone, for the bypass was given by somebody
// else; who may only request one (the helpdesk) needs one of those, who approves what
// they say of the call. All of this is asked again by the statement that takes the
// answer; and SpendVouch, which is part of the act that binds, asks again whether session
// and bypass still stand.
package vouch
