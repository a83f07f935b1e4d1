package alarm

import (
	"context"
	"errors"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
)

// Times of conditions.
const (
	conditionsWait = time.Minute
	witnessLate    = 10 * time.Minute // that a checkpoint may be without a witness
	saidAgain      = 20 * time.Minute // after which one that lasts is written down again
	conditionsMost = 200              // alarms in one round
)

// KindWitness is what an alarm of a witness is about, by its name.
const KindWitness = "witness"

// holding is a condition of a tenant that lasts.
type holding struct{ TenantID, ID string }

// conditions looks, once a minute, at what is no event: a tree that did not grow out of what
// was signed, and a witness that has not the checkpoints of a tenant.
func (s *Service) conditions(ctx context.Context) error {
	tx := s.DB.View(ctx)
	s.mu.Lock()
	soon := tx.Now.Before(s.looked.Add(conditionsWait))
	if !soon {
		s.looked = tx.Now
	}
	s.mu.Unlock()
	if soon {
		return nil
	}
	// What was said lately is left out here already: a witness that is gone must not have every
	// tenant written to again and again.
	const lately = " AND NOT EXISTS (SELECT 1 FROM alarms a WHERE a.tenant_id = t.tenant_id AND a.rule = ? AND a.about_kind = ? AND a.last_at > ? AND a.test = FALSE"
	var faulty, behind []holding
	err := tx.All(&faulty, "SELECT t.tenant_id, t.tenant_id AS id FROM audit_trees t JOIN tenants o ON o.id = t.tenant_id WHERE t.fault <> ''"+lately+") LIMIT ?",
		"verification", audit.KindTenant, tx.Now.Add(-saidAgain), conditionsMost)
	if err != nil {
		return store.Unusable(err)
	}
	err = tx.All(&behind, `SELECT t.tenant_id, w.name AS id FROM audit_witnesses w CROSS JOIN audit_trees t JOIN tenants o ON o.id = t.tenant_id
		WHERE w.seen_at > ? AND w.reached < (SELECT s.checkpoints FROM audit_sealing s WHERE s.id = 1)
			AND EXISTS (SELECT 1 FROM audit_checkpoints c WHERE c.tenant_id = t.tenant_id AND c.number > w.reached AND c.made_at <= ?)`+lately+` AND a.about_id = w.name) LIMIT ?`,
		tx.Now.Add(-checkpoint.WitnessGone), tx.Now.Add(-witnessLate), "witness", KindWitness, tx.Now.Add(-saidAgain), conditionsMost)
	if err != nil {
		return store.Unusable(err)
	}
	var all []error
	for _, h := range faulty {
		all = append(all, s.holds(store.Within(ctx, h.TenantID), "verification", h.TenantID, audit.Tenant(h.TenantID)))
	}
	for _, h := range behind {
		all = append(all, s.holds(store.Within(ctx, h.TenantID), "witness", h.TenantID, audit.Party{Kind: KindWitness, ID: h.ID}))
	}
	return errors.Join(all...)
}

// holds raises the alarm of a condition, or notes in the one that there is that it lasts,
// acknowledged or not: whoever acknowledged it knows.
func (s *Service) holds(ctx context.Context, rule, tenantID string, about audit.Party) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := hold(tx, tenantID); err != nil {
			return err
		}
		set, err := settingOf(tx, tenantID, rule)
		if err != nil || !set.Active {
			return err
		}
		runs, err := last(tx, tenantID, rule, about)
		if err != nil {
			return err
		}
		switch {
		case runs == nil, !tx.Now.Before(runs.LastAt.Add(set.Window)):
			return raise(tx, Alarm{TenantID: tenantID, ID: s.Secrets.ID(), Rule: rule, AboutKind: about.Kind, AboutID: about.ID, Count: 1, FirstAt: tx.Now, LastAt: tx.Now, RaisedAt: tx.Now}, set)
		case tx.Now.Before(runs.LastAt.Add(saidAgain)):
			return nil // another replica was first
		}
		return tx.Exec("UPDATE alarms SET count = count + 1, last_at = ? WHERE tenant_id = ? AND id = ?", tx.Now, tenantID, runs.ID).Error
	})
}
