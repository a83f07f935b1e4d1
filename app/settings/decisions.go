package settings

import (
	"context"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// KindDecisions is the act that changes what is kept of sign-ins, and what is asked of
// replays over them.
const KindDecisions approval.Kind = "decisions.change"

// Decisions is how long decisions about sign-ins are kept (package decision), and whether
// rules change only after a replay of exactly the change (replay.Fresh).
type Decisions struct {
	Days        int  `json:"decision_days" gorm:"column:decision_days"`
	ReplayFirst bool `json:"replay_first" gorm:"column:replay_first"`
}

// Decisions gives what a tenant says of them.
func (s *Service) Decisions(ctx context.Context, tenantID string) (Decisions, error) {
	found, err := decisionsOf(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

func decisionsOf(tx *store.Tx, tenantID string) (d Decisions, err error) {
	ok, err := tx.One(&d, "SELECT decision_days, replay_first FROM tenants WHERE id = ?", tenantID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return d, err
}

// changeDecisions plans to change them. That no replay is wanted any more is loosening.
func changeDecisions(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Decisions
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := decisionsOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: was.ReplayFirst && !next.ReplayFirst,
		}},
		Difference: next.difference(was),
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "settings.changed_meanwhile"),
			"UPDATE tenants SET decision_days = ?, replay_first = ? WHERE id = ? AND decision_days = ? AND replay_first = ?",
			next.Days, next.ReplayFirst, act.TenantID, was.Days, was.ReplayFirst)
		if err != nil {
			return err
		}
		return record(tx, act, audit.SettingsChanged, plan.Difference)
	}
	switch {
	case next.Days < decision.DaysLeast || next.Days > decision.DaysMost:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"decision_days": "settings.decision_days_form"})
	case len(plan.Difference) == 0:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

func (d Decisions) difference(was Decisions) (lines []approval.Change) {
	if was.Days != d.Days {
		lines = append(lines, approval.Change{Field: "decision_days", Before: strconv.Itoa(was.Days), After: strconv.Itoa(d.Days)})
	}
	if was.ReplayFirst != d.ReplayFirst {
		said := map[bool]string{true: "yes", false: "no"}
		lines = append(lines, approval.Change{Field: "replay_first", Before: said[was.ReplayFirst], After: said[d.ReplayFirst]})
	}
	return lines
}
