// Package feature knows which features there are, and who has them (product.md §4).
//
// Two layers say who has a feature, and both must: the platform releases it to a
// share of the tenants of each region and ring, and the tenant opens it to its people.
// A feature that needs another one is had by nobody who has not that one.
//
// A rule lets in by a stage: nobody, pilot groups, a percentage, everyone, or whoever
// chooses it. Groups that are excluded always win. A percentage is a place that
// everybody has for each feature, from 0 to 9,999, and that never changes: who is
// in at 5 percent is in at 25 percent, and who is early in one feature is not for
// that early in another.
//
// There are two ways to ask. Table.Of is the rule as a function: it decides live, in a
// preview and in a replay alike, and can explain itself. WaysOff and PartsOff are
// the same rule as parts of a statement, for the condition of whatever uses a
// feature: what was turned off between the page and the answer is not taken, on
// any replica, from the moment the change is committed. A test holds the two against
// each other.
//
// Package rollout changes the rules.
package feature
