// Package group keeps the groups of a tenant: sets of users, by which features are
// targeted and roles are limited.
//
//	create ──▶ rename ──▶ delete          needs group.edit
//	add and remove members                needs group.edit, for the group and for the person
//	set_role: what its members hold       needs role.assign besides
//
// A group that carries a role is one that gives it: whatever is done to such a
// group counts as giving or taking that role (roles.md), to each member that
// somebody might not touch. Nobody adds themselves, the last administrators stay
// (role.Keep), and the people concerned are told. It has at most CarriersMost
// members, so that everybody who holds a role can be read at once.
//
// A group that a role is limited to cannot be deleted: without it the role would
// reach the whole tenant. Somebody whose own role is limited to groups sees these
// alone, and moves nobody into them whom they cannot see.
package group
