package retention

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Hold says that nothing of a tenant is dropped, until somebody ends it.
type Hold struct {
	ID          string
	Reason      string
	Ticket      string
	BegunBy     string // name
	BegunAt     time.Time
	EndedBy     string // name
	EndedAt     *time.Time
	EndedReason string
}

// holdsMost stand at once, and are shown beside those that are ended.
const holdsMost = 20

// Holds gives those that stand, and the last that are ended, the newest first.
func (s *Service) Holds(ctx context.Context, tenantID string) (standing, ended []Hold, err error) {
	tx := s.DB.View(ctx)
	var all []Hold
	err = tx.All(&all, `SELECT id, reason, ticket, begun_by, begun_at, ended_by, ended_at, ended_reason FROM audit_holds WHERE tenant_id = ?
		ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, begun_at DESC, id LIMIT ?`, tenantID, 2*holdsMost)
	if err != nil {
		return nil, nil, store.Unusable(err)
	}
	var who []string
	for _, h := range all {
		who = append(who, h.BegunBy, h.EndedBy)
	}
	names, err := user.NamesOf(tx, tenantID, who...)
	for _, h := range all {
		h.BegunBy, h.EndedBy = names[h.BegunBy], names[h.EndedBy]
		if h.EndedAt == nil {
			standing = append(standing, h)
		} else {
			ended = append(ended, h)
		}
	}
	return standing, ended, store.Unusable(err)
}

// hold plans to begin a hold. It takes nothing away, so one person does it.
func (s *Service) hold(_ *store.Tx, act approval.Act) (approval.Plan, error) {
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.IntegrationEdit}},
		Difference: []approval.Change{{Field: "audit_hold", After: "yes"}},
	}
	plan.Do = func(tx *store.Tx) error {
		if err := ensure(tx, act.TenantID); err != nil {
			return err
		}
		if err := tx.Change(fault.New(fault.Conflict, "retention.enough_holds"), "UPDATE audit_keeping SET holds = holds + 1 WHERE tenant_id = ? AND holds < ?", act.TenantID, holdsMost); err != nil {
			return err
		}
		id := secret.System.ShortID()
		if err := tx.Exec("INSERT INTO audit_holds (tenant_id, id, reason, ticket, begun_by, begun_at) VALUES (?,?,?,?,?,?)", act.TenantID, id, act.Reason, act.Ticket, act.ActorID, tx.Now).Error; err != nil {
			return err
		}
		e := act.Event(audit.RetentionHeld)
		e.Target, e.Thread = audit.Party{Kind: audit.KindHold, ID: id}, id
		return audit.Record(tx, e)
	}
	return plan, nil
}

// Release is the act of ending a hold.
type Release struct {
	Hold string `json:"hold"`
}

// release plans to end a hold: what it kept may be dropped then, so it takes two.
func (s *Service) release(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked Release
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	var h Hold
	found, err := tx.One(&h, "SELECT id, reason, begun_at, ended_at FROM audit_holds WHERE tenant_id = ? AND id = ?", act.TenantID, asked.Hold)
	if err != nil {
		return approval.Plan{}, err
	}
	if !found {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.IntegrationEdit, Loosens: true}},
		Difference: []approval.Change{{Field: "audit_hold_reason", Before: h.Reason}},
	}
	over := fault.New(fault.Conflict, "retention.hold_over")
	if h.EndedAt != nil {
		plan.Wrong = over
	}
	plan.Do = func(tx *store.Tx) error {
		if err := tx.Change(over, "UPDATE audit_holds SET ended_by = ?, ended_at = ?, ended_reason = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL", act.ActorID, tx.Now, act.Reason, act.TenantID, h.ID); err != nil {
			return err
		}
		err := tx.Change(meanwhile(), "UPDATE audit_keeping SET holds = holds - 1, due_at = CASE WHEN due_at > ? THEN due_at ELSE ? END WHERE tenant_id = ? AND holds > 0", tx.Now.Add(GraceLife), tx.Now.Add(GraceLife), act.TenantID)
		if err != nil {
			return err
		}
		e := act.Event(audit.RetentionReleased)
		e.Target, e.Thread = audit.Party{Kind: audit.KindHold, ID: h.ID}, h.ID
		return audit.Record(tx, e)
	}
	return plan, nil
}
