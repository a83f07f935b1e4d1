package settings

import (
	"context"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/signals"
	"latchkey/app/store"
)

// KindHours is the act that changes when the desk of a tenant works.
const KindHours approval.Kind = "desk.hours"

// Hours gives when the desk of a tenant works.
func (s *Service) Hours(ctx context.Context, tenantID string) (signals.Hours, error) {
	h, err := signals.HoursOf(s.DB.View(ctx), tenantID)
	return h, store.Unusable(err)
}

// changeHours plans to change them. Longer hours are loosening: less stands out in them.
func changeHours(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next signals.Hours
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := signals.HoursOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	q := access.Question{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit}
	plan := approval.Plan{Wrong: next.Wrong()}
	switch {
	case plan.Wrong != nil:
	case next.Text() == was.Text():
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	default:
		q.Loosens = next.Wider(was)
		plan.Difference = []approval.Change{{Field: "desk_hours", Before: was.Text(), After: next.Text()}}
	}
	plan.Questions = []access.Question{q}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"), "UPDATE tenants SET desk_hours = ? WHERE id = ? AND desk_hours = ?", next.Text(), act.TenantID, was.Text())
		if err != nil {
			return err
		}
		return record(tx, act, audit.SettingsChanged, plan.Difference)
	}
	return plan, nil
}
