package trailview

import (
	"context"
	"errors"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/store"
)

// Lapse deletes the private views of those who may read the audit of their tenant no more,
// each with its event. They were nobody's to see since then, whether anybody sweeps or not.
// Any replica may run it; each goes once. What is shared stays, for the others.
func (s *Service) Lapse(ctx context.Context) (all error) {
	var owners []struct{ TenantID, OwnerID string }
	if err := s.DB.View(ctx).All(&owners, "SELECT DISTINCT tenant_id, owner_id FROM audit_views WHERE shared = FALSE"); err != nil {
		return store.Unusable(err)
	}
	for _, o := range owners {
		if s.Rules.Standing(o.TenantID, o.OwnerID).May.Has(access.AuditRead) {
			continue
		}
		all = errors.Join(all, s.DB.Act(ctx, func(tx *store.Tx) error {
			// By the rows themselves: the table may be older than a role that they were given.
			who, err := s.Rules.StandingIn(tx, o.TenantID, o.OwnerID)
			if err != nil || who.May.Has(access.AuditRead) {
				return err
			}
			return forget(tx, o.TenantID, o.OwnerID, "role_lost")
		}))
	}
	return all
}

// Erase deletes, in the act tx in which a person is erased from the audit, their private views.
// What they shared stays, as what they did stays.
func Erase(tx *store.Tx, tenantID, userID string) error {
	return forget(tx, tenantID, userID, "erased")
}

// forget deletes the private views of somebody. Nothing that they typed stands in its events.
func forget(tx *store.Tx, tenantID, userID, cause string) error {
	var ids []string
	if err := tx.All(&ids, "SELECT id FROM audit_views WHERE tenant_id = ? AND owner_id = ? AND shared = FALSE ORDER BY id", tenantID, userID); err != nil {
		return err
	}
	for _, id := range ids {
		res := tx.Exec("DELETE FROM audit_views WHERE tenant_id = ? AND owner_id = ? AND id = ? AND shared = FALSE", tenantID, userID, id)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			continue
		}
		err := audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.ViewDeleted, Actor: audit.Service, Target: audit.Party{Kind: audit.KindView, ID: id},
			Details: map[string]string{"owner": userID, "cause": cause},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
