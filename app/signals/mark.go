package signals

import (
	"strconv"
	"time"

	"latchkey/app/store"
)

const (
	AgainSpan = 30 * 24 * time.Hour // within which the same person again is a signal
	TeamMost  = 100                 // people of a group that is a team
)

// team is the condition that the agent and the person of a bypass b are of one team.
var team = `(EXISTS (SELECT 1 FROM group_members a JOIN group_members p ON p.tenant_id = a.tenant_id AND p.group_id = a.group_id
		WHERE a.user_id = b.requested_by AND a.tenant_id = b.tenant_id AND p.user_id = b.user_id
		AND (SELECT count(*) FROM (SELECT 1 FROM group_members n WHERE n.tenant_id = a.tenant_id AND n.group_id = a.group_id LIMIT ` + strconv.Itoa(TeamMost+1) + `) few) <= ` + strconv.Itoa(TeamMost) + `)
	OR EXISTS (SELECT 1 FROM users a JOIN users p ON p.tenant_id = a.tenant_id AND p.manager_id = a.manager_id
		WHERE a.tenant_id = b.tenant_id AND a.id = b.requested_by AND a.manager_id <> '' AND p.id = b.user_id))`

// Mark keeps with a bypass, in the act tx that gives it, what is true of it now and may not
// be told afterwards: hours change, and people change their teams.
func Mark(tx *store.Tx, tenantID, bypassID string) error {
	hours, err := HoursOf(tx, tenantID)
	if err != nil {
		return err
	}
	return tx.Exec(`UPDATE bypasses AS b SET out_of_hours = ?, own_team = `+team+`,
		again = EXISTS (SELECT 1 FROM bypasses o WHERE o.user_id = b.user_id AND o.tenant_id = b.tenant_id AND o.requested_by = b.requested_by AND o.created_at > ? AND o.id <> b.id)
		WHERE b.tenant_id = ? AND b.id = ?`, !hours.Within(tx.Now), tx.Now.Add(-AgainSpan), tenantID, bypassID).Error
}
