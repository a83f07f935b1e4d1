package feature

import (
	"strings"

	"latchkey/app/store"
)

// JoiningLoosens is the condition that to join a group takes a safeguard away: a rule
// includes it for a feature that weakens, or excludes it from one that strengthens; or a
// rule for either of them that may come by itself speaks of it.
// Tenant and group are columns of the statement around it.
func JoiningLoosens(tenant, group string) string { return moving(tenant, group, true) }

// LeavingLoosens is the same of leaving it.
func LeavingLoosens(tenant, group string) string { return moving(tenant, group, false) }

func moving(tenant, group string, joins bool) string {
	var widens, narrows []string
	for _, e := range Catalogue {
		if e.Widens {
			widens = append(widens, "'"+string(e.Feature)+"'")
		}
		if e.Narrows {
			narrows = append(narrows, "'"+string(e.Feature)+"'")
		}
	}
	gains, loses := "NOT n.excluded", "n.excluded"
	if !joins {
		gains, loses = loses, gains
	}
	return `(EXISTS (SELECT 1 FROM rollout_groups n WHERE n.tenant_id = ` + tenant + ` AND n.group_id = ` + group + `
		AND (` + gains + ` AND n.feature IN (` + strings.Join(widens, ",") + `) OR ` + loses + ` AND n.feature IN (` + strings.Join(narrows, ",") + `)))
		OR ` + pending(tenant, group, "AND p.feature IN ("+strings.Join(append(widens, narrows...), ",")+")") + `)`
}

// pending is the condition that a rule that may come by itself speaks of a group: of a
// schedule, or the one that its end brings back; of a ramp that is not over. Who is in the
// group then is what was approved, so it is watched from the approval on. On which side
// of the rule it stands is not asked: ids are looked for in the text.
func pending(tenant, group, which string) string {
	speaks := func(column string) string { return `p.` + column + ` LIKE '%"' || ` + group + ` || '"%'` }
	return `EXISTS (SELECT 1 FROM rollout_schedules p WHERE p.tenant_id = ` + tenant + ` AND (` + speaks("rule") + ` OR ` + speaks("before") + `) ` + which + `)
		OR EXISTS (SELECT 1 FROM ramps p WHERE p.tenant_id = ` + tenant + ` AND p.ended_at IS NULL AND (` + speaks("plan") + ` OR ` + speaks("before") + `) ` + which + `)`
}

// Speaks is the condition that some rule speaks of a group, now or when its time comes.
// Tenant and group are columns of the statement around it.
func Speaks(tenant, group string) string {
	return `(EXISTS (SELECT 1 FROM rollout_groups n WHERE n.tenant_id = ` + tenant + ` AND n.group_id = ` + group + `) OR ` + pending(tenant, group, "") + `)`
}

// Movement is what it means for the features of people that they join or leave a group.
type Movement struct {
	Named   bool // some rule speaks of the group; see Speaks
	Loosens bool // see JoiningLoosens
}

// Moves judges that somebody joins groups, or leaves them.
func Moves(tx *store.Tx, tenantID string, joins bool, groups ...string) (m Movement, err error) {
	if len(groups) == 0 {
		return m, nil
	}
	_, err = tx.One(&m, `SELECT count(*) > 0 AS named, COALESCE(max(CASE WHEN `+moving("g.tenant_id", "g.id", joins)+` THEN 1 ELSE 0 END), 0) > 0 AS loosens
		FROM groups g WHERE g.tenant_id = ? AND g.id IN ? AND `+Speaks("g.tenant_id", "g.id"), tenantID, groups)
	return m, err
}
