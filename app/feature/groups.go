package feature

import (
	"strings"

	"latchkey/app/store"
)

// JoiningLoosens is the condition that to join a group takes a safeguard away: a rule
// includes it for a feature that weakens, or excludes it from one that strengthens.
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
	return `EXISTS (SELECT 1 FROM rollout_groups n WHERE n.tenant_id = ` + tenant + ` AND n.group_id = ` + group + `
		AND (` + gains + ` AND n.feature IN (` + strings.Join(widens, ",") + `) OR ` + loses + ` AND n.feature IN (` + strings.Join(narrows, ",") + `)))`
}

// Movement is what it means for the features of people that they join or leave a group.
type Movement struct {
	Named   bool // some rule speaks of the group
	Loosens bool // see JoiningLoosens
}

// Moves judges that somebody joins groups, or leaves them.
func Moves(tx *store.Tx, tenantID string, joins bool, groups ...string) (m Movement, err error) {
	if len(groups) == 0 {
		return m, nil
	}
	_, err = tx.One(&m, `SELECT count(*) > 0 AS named, COALESCE(max(CASE WHEN `+moving("g.tenant_id", "g.id", joins)+` THEN 1 ELSE 0 END), 0) > 0 AS loosens
		FROM groups g WHERE g.tenant_id = ? AND g.id IN ? AND EXISTS (SELECT 1 FROM rollout_groups r WHERE r.tenant_id = g.tenant_id AND r.group_id = g.id)`, tenantID, groups)
	return m, err
}
