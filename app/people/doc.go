// Package people is what administrators see of the users of their tenant, and
// do to them.
//
//	List       a page of the people, filtered; as quick among a million as among a hundred
//	Find       one person with everything around them, masked by the role of who looks
//	May        what this actor may do to them now: done, or with a second person
//
// What is done to a person is an act of package approval: it has a reason, an
// audit event, a notice to the person, and it may need four eyes.
//
//	user.lock            out at once, everywhere, until somebody unlocks
//	user.unlock          lifts a lock and what too many failures left; the helpdesk the latter alone
//	user.disable         ends the account of somebody who has left; everything of theirs stays as it is
//	user.enable          brings it back, or back into the lock that was there before
//	session.end          signs the person out of every browser
//	authenticator.reset  takes a phone away that was lost
//	user.mfa             disabled → enabled → enforced; backwards by four eyes
//	user.manager         whose word the helpdesk may take for who is on the line
//	user.photo           what the helpdesk is shown of them, at the desk
//	user.invite          a new user and the link to the first password
//	user.invitation      a new link, which ends the one before
//
// An invitation is a one-time link of 24 hours. It belongs to a user who has no
// way in and never had one: the link sets the first password, and never another.
//
//	made ──▶ used | ended (by a newer one) | expired
//
// Whoever is limited to groups finds the members of these alone; everybody else
// is not there for them, like the people of another tenant.
package people
