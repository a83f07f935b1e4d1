// Package passcode keeps static passcodes: the way in for the worst day of somebody
// who has no other one (product.md §6, §9).
//
//	asked for ──four eyes──▶ approved ──shown once──▶ active ──▶ expired
//	                            │  └── 4 h: expired      └─────▶ withdrawn
//	                            └────────────────────────────────▶ withdrawn
//
// The server makes it when it is shown, and not before: 20 letters and digits, kept
// as a slow hash, good for as many hours as were approved and 24 at most. It signs in
// by itself, for two people have let its user past the second factor; a session that
// it makes is worth nothing for an act that asks for a fresh proof, and ends with it.
//
// It is never for somebody with an administrative role, whatever gave it to them and
// when: every step asks that again. A user has one at a time. The tenant must have
// turned the way on, which it is not by itself (package method). Until it is gone it
// stands in the list of the console.
package passcode
