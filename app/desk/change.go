package desk

import (
	"context"
	"strconv"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// The acts on what a tenant says of its desk.
const (
	KindChange approval.Kind = "desk.change"
	KindSet    approval.Kind = "desk.set_reason"    // a new one, or another text or place of one
	KindRemove approval.Kind = "desk.remove_reason" // what was given by it keeps its words
)

// Service reads and changes what tenants say of their desks.
type Service struct{ DB *store.DB }

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindChange: change, KindSet: set, KindRemove: remove}
}

// Of gives what a tenant says of its desk.
func (s *Service) Of(ctx context.Context, tenantID string) (Desk, error) {
	found, err := Of(s.DB.View(ctx), tenantID)
	return found, store.Unusable(err)
}

// Change is how the rules shall be. Version is that of the rules which whoever changes
// them has read.
type Change struct {
	Rules
	Version string `json:"version"`
}

// ReasonChange is how a reason shall be, and where it shall stand. Was is the code of the
// one in whose place it comes; empty: it is a new one. Version is that of the list which
// whoever changes it has read.
type ReasonChange struct {
	Reason
	Was     string `json:"was,omitempty"`
	Place   int    `json:"place,omitempty"` // from 1; 0: the last
	Version string `json:"version"`
}

func meanwhile() error { return fault.New(fault.Conflict, "settings.changed_meanwhile") }

// change plans to change the rules.
func change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Change
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := Of(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	next.Rules = next.settled()
	plan := approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit,
			Loosens: next.loosens(was.Rules) || Desk{Rules: next.Rules, Reasons: was.Reasons}.loosens(was),
		}},
		Difference: next.difference(was.Rules), Wrong: next.wrong(),
	}
	switch {
	case next.Version != was.Version():
		plan.Wrong = meanwhile()
	case plan.Wrong == nil && len(plan.Difference) == 0:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	plan.Do = func(tx *store.Tx) error {
		if err := write(tx, act.TenantID, was.Rules, next.Rules); err != nil {
			return err
		}
		return record(tx, act, plan.Difference)
	}
	return plan, nil
}

// write writes the rules down. The statement asks again how they were: of two at once
// the second changes no row.
func write(tx *store.Tx, tenantID string, was, next Rules) error {
	values := func(r Rules) []any {
		others := among(Deliveries[:2], strings.Join(r.Deliveries, ","))
		return []any{
			r.Minutes, r.Uses, len(others) < len(r.Deliveries), strings.Join(r.Kinds, ","), strings.Join(others, ","), strings.Join(r.Ways, ","), strings.Join(r.Privileged, ","),
			r.OwnReasons, r.Pattern, r.Example,
		}
	}
	return tx.Change(meanwhile(), `UPDATE tenants SET bypass_minutes = ?, bypass_uses = ?, bypass_read_out = ?, bypass_kinds = ?, bypass_deliveries = ?, check_ways = ?, check_ways_privileged = ?,
			own_reasons = ?, ticket_pattern = ?, ticket_example = ?
		WHERE bypass_minutes = ? AND bypass_uses = ? AND bypass_read_out = ? AND bypass_kinds = ? AND bypass_deliveries = ? AND check_ways = ? AND check_ways_privileged = ?
			AND own_reasons = ? AND ticket_pattern = ? AND ticket_example = ? AND id = ?`,
		append(append(values(next), values(was)...), tenantID)...)
}

// set plans to set a reason, and where it stands.
func set(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked ReasonChange
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := Of(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	asked.Code, asked.Words = strings.TrimSpace(asked.Code), strings.TrimSpace(asked.Words)
	before, there := was.Reasons.Of(asked.Was)
	if asked.Was != "" && !there {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	next := was
	next.Reasons = was.Reasons.With(asked.Reason, asked.Was, asked.Place)
	line := approval.Change{Field: "desk_reason", After: asked.Text()}
	if there {
		line.Before = before.Text()
	}
	lines := []approval.Change{line}
	if from, to := was.Reasons.Place(asked.Was), next.Reasons.Place(asked.Code); there && from != to {
		lines = append(lines, approval.Change{Field: "desk_place", Before: strconv.Itoa(from), After: strconv.Itoa(to)})
	}
	plan := next.from(was, act, lines)
	switch wrong := asked.wrong(was.Reasons.Without(asked.Was), was.Rules); {
	case asked.Version != was.Reasons.Version():
		plan.Wrong = meanwhile()
	case wrong != nil:
		plan.Wrong = wrong
	case len(next.Reasons) > ReasonsMost:
		plan.Wrong = fault.New(fault.Conflict, "desk.reasons_many")
	case next.Reasons.Text() == was.reasons:
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	return plan, nil
}

// remove plans to remove a reason.
func remove(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var asked ReasonChange
	if err := act.Read(&asked); err != nil {
		return approval.Plan{}, err
	}
	was, err := Of(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	before, there := was.Reasons.Of(asked.Code)
	if !there {
		return approval.Plan{}, fault.New(fault.NotFound, "http.not_found")
	}
	next := was
	next.Reasons = was.Reasons.Without(asked.Code)
	plan := next.from(was, act, []approval.Change{{Field: "desk_reason", Before: before.Text()}})
	if asked.Version != was.Reasons.Version() {
		plan.Wrong = meanwhile()
	}
	return plan, nil
}

// from plans the way of the list from was to d.
func (d Desk) from(was Desk, act approval.Act, difference []approval.Change) approval.Plan {
	plan := approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit, Loosens: d.loosens(was)}},
		Difference: difference,
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(meanwhile(), "UPDATE tenants SET desk_reasons = ? WHERE id = ? AND desk_reasons = ?", d.Reasons.Text(), act.TenantID, was.reasons)
		if err != nil {
			return err
		}
		return record(tx, act, difference)
	}
	return plan
}

func record(tx *store.Tx, act approval.Act, difference []approval.Change) error {
	e := act.Event(audit.DeskChanged)
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	for _, d := range difference {
		e.Details[d.Field] = strings.TrimSpace(d.Before + " → " + d.After)
	}
	return audit.Record(tx, e)
}
