// Package rollout changes how far a tenant has opened its features, and shows before
// what a change would do (package feature has the rules, and what asks them).
//
//	draft ──preview──▶ who gets it, who loses it, who is locked out
//	  └─────change──▶ planned ──▶ the next version
//	                     └──loosens──▶ four eyes ──▶ the next version
//
// What takes a safeguard away needs a second person (roles.md): to give codes by
// message, backup phones, trusted browsers and their like to more people, or the typed
// number to fewer. A change is a version: it names the one that it was made from, and
// finds nothing when somebody else was there first. Every version is kept, shows its
// difference, and can be restored, which is a change like any other.
//
// No change leaves fewer than two administrators who can sign in (product.md §4),
// judged by what judges sign-ins (role.Service.Keep, signin.Able).
package rollout
