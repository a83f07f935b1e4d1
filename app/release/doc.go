// Package release brings features to tenants, from outside: by region, ring and a share
// of the tenants there (product.md §4). It is what the platform operator does.
//
// A feature begins released to all. An operator sets a share for each region and ring,
// stops a feature everywhere at once, lets it go on, and goes back to what was before.
// Each change has a reason and a version, and a form that was filled in over an older
// version changes nothing; only to stop one asks for no version, for whoever stops
// something has no time to look again.
//
//	open ──Change──▶ partly ──Change──▶ …       every arrow is a version
//	  └──────Stop──▶ stopped ──Resume──▶ as it was, with what was changed meanwhile
//
// The rule is rows (feature.Release), which every statement that uses a feature asks in
// its condition, so it holds on every replica from the moment of the commit. Those who
// wait (streams) are rung.
//
// A change may wait for its time, and go back at another one (ChangeAt, Due): whichever
// replica is there first makes it. A change by hand, and a stop, drops what waits, which
// was made from an older version.
//
// No change may shut the operators out: one who could sign in before must be able to
// afterwards.
package release
