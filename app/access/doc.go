// Package access answers one question, for pages, API and imports alike: may
// this person do this to that person, here, now?
//
//	Allow     may they at all? From memory, for every request: no query.
//	Ask       may they do it to this target? In the transaction of the act, from
//	          the rows as they stand there, so that a role taken a moment ago is gone.
//	Explain   the same rules, one by one, for the page that says why.
//
// Casbin decides on names of permissions, default deny, deny overrides. The
// table role → permission is a file of constant size (policies/); who holds
// which role is in the database, and only administrators have a row there:
// everybody else holds the role user. Both are loaded, checked, and swapped in
// whole; an error on the way is no permission. Casbin is asked once for each
// role and permission, when the policy is loaded; its answers are the sets that
// Allow reads.
//
// Beside the table stand the rules that casbin cannot see (judge.go): nobody acts
// on themselves or on somebody of their own rank or above, a role may be limited
// to groups, some permissions end at a rank, some acts need four eyes.
//
// A custom role is a set of permissions put together by a tenant's security
// administrator. Its rank follows from them: the least rank that a built-in role
// with the same permission has, the highest of all. What only security
// administrators may is in no custom role. Whoever may act on people sees them, and
// whoever gives roles sees who holds which: both come along by themselves.
package access
