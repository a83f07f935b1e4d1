// Package role gives and takes administrative roles.
//
// A person holds one role in a tenant: by an assignment of their own, which may
// be limited to groups and may end by itself, or through a group that carries a
// role. A tenant's security administrator may put custom roles together from
// permissions; their rank follows from what is in them (package access).
//
// Whatever takes administrators away, a role taken, a person locked, goes through
// Keep: the last active security administrator stays, and so do two
// administrators who can sign in, as the sign-in itself would judge. Such acts
// queue for the tenant, so that two at once cannot each leave one to the other.
package role
