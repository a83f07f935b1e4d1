package role

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// lapseMost is how many assignments one sweep puts away.
const lapseMost = 200

// Lapse puts away assignments that have ended, each with its event, and tells those
// who held them. They gave
// nothing since their last instant, whether anybody sweeps or not. Any replica
// may run it; each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var due []struct {
			TenantID, UserID, Role string
			EndsAt                 time.Time
		}
		if err := tx.All(&due, "SELECT tenant_id, user_id, role, ends_at FROM role_assignments WHERE ends_at <= ? LIMIT ?", tx.Now, lapseMost); err != nil {
			return err
		}
		for _, d := range due {
			res := tx.Exec("DELETE FROM role_assignments WHERE tenant_id = ? AND user_id = ? AND role = ? AND ends_at <= ?", d.TenantID, d.UserID, d.Role, tx.Now)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				continue
			}
			err := audit.Record(tx, audit.Event{
				TenantID: d.TenantID, Action: audit.RoleEnded, Actor: audit.Service, Target: audit.User(d.UserID), Subject: d.UserID,
				Details: map[string]string{"role": d.Role, "ends_at": instant(&d.EndsAt)},
			})
			if err != nil {
				return err
			}
			name, err := lastName(tx, d.TenantID, d.Role)
			if err != nil {
				return err
			}
			if err := notify.Tell(tx, d.TenantID, d.UserID, notify.Notice{Action: audit.RoleEnded, Detail: name}); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastName is how a role is told to somebody who held it: a custom one by its
// name, also when it has been retired.
func lastName(tx *store.Tx, tenantID, role string) (string, error) {
	if !strings.HasPrefix(role, access.CustomPrefix) {
		return role, nil
	}
	var name string
	_, err := tx.One(&name, "SELECT name FROM custom_roles WHERE tenant_id = ? AND id = ?", tenantID, role)
	return access.CustomPrefix + name, err
}
