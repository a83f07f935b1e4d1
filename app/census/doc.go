// Package census counts the ways into a tenant that stand beside its rules: break-glass
// accounts, static passcodes, bypasses, trusted browsers, keys of applications, and people
// whom the rules leave out (product.md §7).
//
//	each week, by itself ──┐
//	                       ├──▶ counted ──▶ signed ──▶ kept, never changed
//	somebody asks for one ─┘        │
//	                                └─ more than the one before: flagged, and told
//
// A week is one of ISO 8601, in UTC. Whichever replica is first makes the census of a week,
// once: the index lets no second one in. A tenant that was made within a week begins with
// the next.
//
// What is signed is a statement: the figures, for each of them a digest of who is behind it
// (as many as are kept by name), and a digest of the statement before, so that none can be
// taken out of the middle. The signature is that of the installation
// (secret.Keys.SignStatement), whose public key stands at an address of its own. Who has the
// file checks it without us (Verify). The names behind the figures are kept beside the
// statement and are in no file: who may see them sees them on the page, as many as were kept.
package census
