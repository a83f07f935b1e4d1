package feature

import (
	"fmt"
	"strings"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// place is Entry.Place of a seed, by the gate that has the alias.
func place(seed, gate string) string {
	h := fmt.Sprintf("((%s * %s.mix + %s.shift) %% 2147483647)", seed, gate, gate)
	return fmt.Sprintf("((%s * %s + %s.mix) %% 2147483647 %% 10000)", h, h, gate)
}

// member says whether a user u is in a group that the rule of the gate g names.
func member(excluded string) string {
	return `EXISTS (SELECT 1 FROM rollout_groups n JOIN group_members m ON m.tenant_id = n.tenant_id AND m.group_id = n.group_id
		WHERE n.tenant_id = g.tenant_id AND n.feature = g.feature AND n.excluded = ` + excluded + ` AND m.user_id = u.id)`
}

// shut says that a gate g of the tenant does not let a user u in; see Entry.lets.
var shut = `(g.nobody OR ` + member("TRUE") + ` OR NOT ` + lets + `)`

// lets says that its stage lets them in. Each question of rows stands in it once: every
// page asks this of its session, and a part that is never come to is planned and opened too.
var lets = `(g.stage = 'everyone' OR g.stage = 'percentage' AND ` + place("u.seed", "g") + ` < g.share
	OR CASE g.stage WHEN 'pilot' THEN TRUE WHEN 'percentage' THEN TRUE
		WHEN 'users_choice' THEN EXISTS (SELECT 1 FROM rollout_choices c WHERE c.tenant_id = g.tenant_id AND c.feature = g.feature AND c.user_id = u.id) ELSE FALSE END
		AND (g.stage = 'users_choice' AND NOT g.narrowed OR ` + member("FALSE") + `))`

// released is what the platform has not released to a tenant t.
func released(what string) string {
	return `COALESCE((SELECT sum(DISTINCT r.` + what + `) FROM release_gates r WHERE r.region = t.region AND r.ring = t.ring AND r.` + what + ` <> 0
		AND ` + place("t.seed", "r") + ` >= r.share), 0)`
}

// closed is what the gates of a tenant t for which a condition holds take away. Most
// tenants have none, and are not asked.
func closed(what, condition string) string {
	return `(CASE WHEN t.ruled = 0 THEN 0 ELSE COALESCE((SELECT sum(DISTINCT g.` + what + `) FROM rollout_gates g WHERE g.tenant_id = t.id AND g.` + what + ` <> 0
		AND ` + condition + `), 0) END)`
}

// Parts of statements about a user u in a tenant t.
var (
	// WaysOff gives the ways in that the user has not, as the bits of users.ways.
	WaysOff = "(" + closed("way", shut) + " | " + released("way") + ")"
	// PartsOff gives the features that they have not.
	PartsOff = fmt.Sprintf("(%d & ~t.ruled | %s | %s)", StartsOff, closed("part", shut), released("part"))
	// Unreleased gives the features that the platform has not released to the tenant t. It
	// asks for no user.
	Unreleased = released("part")
	// NobodysWays gives the ways in that nobody in the tenant t has. It asks for no user.
	NobodysWays = "(" + closed("way", "g.nobody") + " | " + released("way") + ")"
	// NobodysParts gives the features that nobody in the tenant has.
	NobodysParts = fmt.Sprintf("(%d & ~t.ruled | %s | %s)", StartsOff, closed("part", "g.nobody"), released("part"))
)

// WaysOffBut is WaysOff for who is held back by no stage of the gates g for which a
// condition holds; see Table.Ways.
func WaysOffBut(lifted string) string {
	held := `(` + member("TRUE") + ` OR g.stage IN ('off', 'report_only') OR (g.nobody OR NOT ` + lets + `) AND NOT ` + lifted + `)`
	return "(" + closed("way", held) + " | " + released("way") + ")"
}

// NobodysWaysBut is the same of NobodysWays.
func NobodysWaysBut(lifted string) string {
	return "(" + closed("way", "(g.nobody AND (g.stage IN ('off', 'report_only') OR NOT "+lifted+"))") + " | " + released("way") + ")"
}

// With is a condition that a user u in a tenant t has a feature. It asks for the
// gates of that one alone.
func With(f Feature) string { return one(f, shut) }

// Somebody is a condition that somebody in a tenant t has a feature. It asks for no
// user.
func Somebody(f Feature) string { return one(f, "g.nobody") }

func one(f Feature, closes string) string {
	e, ok := Find(f)
	if !ok {
		panic("feature: there is no " + string(f))
	}
	unruled := "TRUE"
	if StartsOff&e.Bit != 0 {
		unruled = "FALSE"
	}
	return fmt.Sprintf(`(CASE WHEN EXISTS (SELECT 1 FROM release_gates r WHERE r.region = t.region AND r.ring = t.ring AND r.part = %[1]d AND %[2]s >= r.share) THEN FALSE
		WHEN t.ruled & %[1]d = 0 AND NOT %[3]s THEN FALSE WHEN t.ruled = 0 THEN TRUE
		ELSE NOT EXISTS (SELECT 1 FROM rollout_gates g WHERE g.tenant_id = t.id AND g.part = %[1]d AND %[4]s) END)`, e.Bit, place("t.seed", "r"), unruled, closes)
}

// LeftOut is a condition that a user u is in a group that the rule for some feature excludes.
const LeftOut = `EXISTS (SELECT 1 FROM group_members m JOIN rollout_groups n ON n.tenant_id = m.tenant_id AND n.group_id = m.group_id AND n.excluded
	WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id)`

// Included is a condition that a user, a column of the statement around it, is in a group
// that the rule for a feature includes, whatever else it says. It takes the tenant. It reads the members once, and goes through
// no other rows for each of them: how many there are no plan guesses well.
func Included(f Feature, user string) string {
	return `(` + user + ` IN (SELECT m.user_id FROM rollout_groups n JOIN group_members m ON m.tenant_id = n.tenant_id AND m.group_id = n.group_id
		WHERE n.tenant_id = ? AND n.feature = '` + string(f) + `' AND NOT n.excluded)) IS TRUE`
}

// Choosable is a condition that a user u in a tenant t may turn a feature on and off by
// themselves; see Table.Choosable.
func Choosable(f Feature) string {
	e, ok := Find(f)
	if !ok {
		panic("feature: there is no " + string(f))
	}
	parts := []string{fmt.Sprintf(`EXISTS (SELECT 1 FROM rollout_gates g WHERE g.tenant_id = t.id AND g.feature = '%s' AND g.part = %d AND g.stage = '%s'
		AND NOT %s AND (NOT g.narrowed OR %s))`, e.Feature, e.Bit, UsersChoice, member("TRUE"), member("FALSE")), fmt.Sprintf(
		`NOT EXISTS (SELECT 1 FROM release_gates r WHERE r.region = t.region AND r.ring = t.ring AND r.part = %d AND %s >= r.share)`, e.Bit, place("t.seed", "r"))}
	for _, needed := range e.Needs {
		parts = append(parts, With(needed)) // which is not without what that one needs
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// Had gives the features that a user has now.
func Had(tx *store.Tx, tenantID, userID string) (Set, error) {
	off := All
	_, err := tx.One(&off, "SELECT "+PartsOff+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", tenantID, userID)
	return All &^ off, err
}

// Must fails with fault.Conflict when a user has not a feature.
func Must(tx *store.Tx, tenantID, userID string, f Feature) error {
	had, err := Had(tx, tenantID, userID)
	if err == nil && !had.Has(f) {
		err = fault.New(fault.Conflict, "feature.off")
	}
	return err
}

// Offered gives the features that somebody in a tenant has.
func Offered(tx *store.Tx, tenantID string) (Set, error) {
	off := All
	_, err := tx.One(&off, "SELECT "+NobodysParts+" FROM tenants t WHERE t.id = ?", tenantID)
	return All &^ off, err
}

// OfWay gives the feature by which a way in is opened.
func OfWay(way user.Ways) (Feature, bool) {
	for _, e := range Catalogue {
		if e.Way == way && way != 0 {
			return e.Feature, true
		}
	}
	return "", false
}
