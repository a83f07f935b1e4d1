package user

import (
	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/store"
)

// Assign gives a user their one administrative role in a tenant, in the act tx.
func Assign(tx *store.Tx, tenantID, userID string, role access.Role, by audit.Party, from audit.Origin) error {
	err := tx.Exec(`INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,?,?)
		ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at`,
		tenantID, userID, role, by.ID, tx.Now).Error
	if err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.RoleAssigned, Actor: by, Target: audit.User(userID), Subject: userID, Origin: from,
		Details: map[string]string{"role": string(role)},
	})
}
