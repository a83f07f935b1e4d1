// Package campaign asks people to register a phone, between their sign-in and where
// they go (product.md §4), and knows what became of it.
//
//	asked ──not now──▶ snoozed ──days are over──▶ asked …  (as often as the tenant lets them)
//	  │                                             └─────▶ required: nothing else goes on
//	  └──add a phone──▶ started ──phone sign-in is on──▶ registered
//
// Who is in it the rule of the feature registration_campaign says: for groups, for a
// share, for everyone. Asked is at a sign-in, in the statement that it reads anyway,
// and kept in the row of the session; so a page of somebody who is not in it asks
// nothing more, and one of somebody who is in it asks again whether they still are.
// To register, to put it off, to turn the campaign off, for all or for one: each ends
// it at once, in every browser.
//
// Nobody is locked out who cannot do it. Not asked is whoever may not have a phone
// (package method), whose lost phone is still waited for, who came with a static
// passcode, and who has nothing left to prove themselves by as adding a phone asks of
// them (package session sees to the latter two). Whoever has no fitting phone tells
// the helpdesk from the page, which can give them more time, up to two weeks at once;
// an administrator can put them into a group that the feature excludes.
package campaign
