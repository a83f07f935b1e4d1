// Package totp knows authenticator apps: a seed that user and server share, and
// six digits that follow from it and from the time (RFC 6238).
//
//	begun ──▶ new ──the code that proves it──▶ active ──▶ ended
//	           └── 10 min, 5 wrong codes, another session: over
//
// A user has one. The seed is 160 bits, sealed under a key of the tenant and shown
// only while it is new, in the session that began it. A step is 30 seconds; one
// step of drift is allowed to either side, and no step at or before the last one
// that was taken (product.md §9): so a code signs in once, and the one that proved
// the app signs in nobody.
//
// What counts tries and pauses the way is the caller's (package signin); the last
// step falls to one conditional statement here.
package totp
