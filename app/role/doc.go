// Package role gives and takes administrative roles, puts custom ones together,
// and keeps a tenant from losing those who run it.
//
// A person holds one role in a tenant: by an assignment of their own, which may
// be limited to groups and may end by itself, or through a group that carries a
// role; their own comes first. A tenant's security administrator may put custom
// roles together from permissions; their rank follows from what is in them
// (package access).
//
//	assign, take               a role of one person, below the actor's and for no more than their groups
//	compose, change, retire    a custom role; more for those who hold it needs a second person
//	Holders, Carriers, Customs who holds what
//	Why                        why somebody may or may not, rule by rule
//	Lapse                      puts away what has ended by itself
//
// # Keep
//
// Whatever may take an administrator away goes through Keep: a role taken or
// lowered, a person locked or disabled, a group that carries a role or a member of
// it, a custom role with less in it, the removal of somebody's last way in or of the
// provider that carries their codes, a policy under which they could not sign in.
// Keep counts before and after, by the function that judges sign-ins, and fails the
// act when the last active security administrator would be gone, or one of the last
// two administrators who can sign in. Who holds a role for a time only, or within
// groups, does not count.
//
//	Do: func(tx *store.Tx) error {
//		return roles.Keep(tx, act.TenantID, func() error {
//			// the change, with its event and its notices
//		})
//	}
//
// Acts within Keep queue for their tenant. Two at once cannot each leave one to
// the other, but the second has been judged before it had to wait: another one may
// just have taken the actor's own role. So it is planned and judged again under the
// lock. Kept does all of this to the performer of an act, which then needs no Keep
// of its own:
//
//	KindLock: roles.Kept(s.lock)
//
// To call it for people who are no administrators costs two counts and is right;
// so whoever changes somebody's account need not look first whether it matters.
package role
