package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindUnschedule is the act that takes back a change for later, or the end of one.
const KindUnschedule approval.Kind = "rollout.unschedule"

// scheduleMost is how far ahead a change may lie, and last.
const scheduleMost = 366 * 24 * time.Hour

// States of a schedule.
const (
	waits = "waits" // for its time
	holds = "holds" // until its end
)

// Why a change that was scheduled is not made. Add, never rename.
const (
	DropChanged        = "changed"        // the feature has another version than the one that it was made from
	DropAdministrators = "administrators" // it would leave too few who can sign in
	DropGroup          = "group"          // it speaks of a group that is gone
	DropApproval       = "approval"       // who made it, or who approved it, may not any more
)

// Scheduled is the change of a feature that waits for its time, or that ends by itself.
type Scheduled struct {
	ID       string
	Feature  feature.Feature
	Waits    bool         // else it holds, until At
	Rule     feature.Rule // that comes, or holds
	Before   feature.Rule // that it replaces, and that comes back
	At       time.Time    // of what happens next
	EndsAt   *time.Time   // nil: never
	Reason   string
	MadeBy   string // sign-in name
	Approved string // sign-in name; empty: nobody had to
}

type scheduleRow struct {
	TenantID, Feature, ID, State, Rule, Before, Reason, Ticket, MadeBy, ApprovedBy string
	Version                                                                        int
	Loosens                                                                        bool
	At, MadeAt                                                                     time.Time
	EndsAt                                                                         *time.Time
}

const scheduleColumns = "tenant_id, feature, id, state, rule, before, version, at, ends_at, loosens, reason, ticket, made_by, approved_by, made_at"

func (r scheduleRow) scheduled() (out Scheduled, err error) {
	out = Scheduled{ID: r.ID, Feature: feature.Feature(r.Feature), Waits: r.State == waits, At: r.At, EndsAt: r.EndsAt, Reason: r.Reason, MadeBy: r.MadeBy, Approved: r.ApprovedBy}
	return out, errors.Join(json.Unmarshal([]byte(r.Rule), &out.Rule), json.Unmarshal([]byte(r.Before), &out.Before))
}

// Schedules gives what waits for its time in a tenant, by feature.
func (s *Service) Schedules(ctx context.Context, tenantID string) (map[feature.Feature]Scheduled, error) {
	tx := s.DB.View(ctx)
	var rows []scheduleRow
	if err := tx.All(&rows, "SELECT "+scheduleColumns+" FROM rollout_schedules WHERE tenant_id = ?", tenantID); err != nil {
		return nil, store.Unusable(err)
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.MadeBy, r.ApprovedBy)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	if err != nil {
		return nil, store.Unusable(err)
	}
	all := map[feature.Feature]Scheduled{}
	for _, r := range rows {
		out, err := r.scheduled()
		if err != nil {
			return nil, err
		}
		out.MadeBy, out.Approved = names[out.MadeBy], names[out.Approved]
		all[out.Feature] = out
	}
	return all, nil
}

// Timed says whether a draft is for later, or ends by itself.
func (d Draft) Timed() bool { return d.StartsAt != nil || d.EndsAt != nil }

// timed judges the times of a draft, after the rest of it.
func (s *Service) timed(tx *store.Tx, tenantID string, was Rollout, next Draft) error {
	fields, from := map[string]string{}, tx.Now
	if next.StartsAt != nil {
		if from = *next.StartsAt; !from.After(tx.Now) || from.After(tx.Now.Add(scheduleMost)) {
			fields["starts_at"] = "rollout.starts_at"
		}
	}
	if next.EndsAt != nil && (!next.EndsAt.After(from) || next.EndsAt.After(from.Add(scheduleMost))) {
		fields["ends_at"] = "rollout.ends_at"
	}
	if len(fields) > 0 {
		return fault.Wrong("form.wrong", fields)
	}
	switch ramps, waits, err := Busy(tx, tenantID, next.Feature); {
	case err != nil:
		return err
	case ramps:
		return fault.New(fault.Conflict, "rollout.ramp_runs")
	case waits:
		return fault.New(fault.Conflict, "rollout.scheduled")
	}
	if err := s.Try(tx, tenantID, next.Feature, next.Rule); err != nil {
		return err
	}
	return s.Try(tx, tenantID, next.Feature, was.Rule)
}

// Busy says whether a ramp of a feature is under way, and whether a change of it waits for
// its time, or for its end.
func Busy(tx *store.Tx, tenantID string, f feature.Feature) (ramps, waits bool, err error) {
	var busy struct{ Ramps, Schedules bool }
	_, err = tx.One(&busy, `SELECT EXISTS (SELECT 1 FROM ramps WHERE tenant_id = ? AND feature = ? AND ended_at IS NULL) AS ramps,
		EXISTS (SELECT 1 FROM rollout_schedules WHERE tenant_id = ? AND feature = ?) AS schedules`, tenantID, f, tenantID, f)
	return busy.Ramps, busy.Schedules, err
}

// Try says whether a rule would leave two administrators who can sign in.
func (s *Service) Try(tx *store.Tx, tenantID string, f feature.Feature, r feature.Rule) error {
	return s.Roles.Would(tx, tenantID, func() error { return feature.Store(tx, tenantID, f, r, 0) })
}

// times are the lines of a difference that say when.
func (d Draft) times() (lines []approval.Change) {
	if d.StartsAt != nil {
		lines = append(lines, approval.Change{Field: "starts_at", After: d.StartsAt.UTC().Format(time.RFC3339)})
	}
	if d.EndsAt != nil {
		lines = append(lines, approval.Change{Field: "goes_back_at", After: d.EndsAt.UTC().Format(time.RFC3339)})
	}
	return lines
}

// schedule stores, in the act tx, a draft for later, or the end of one that has just been
// made: of two at once the second is fault.Conflict.
func schedule(tx *store.Tx, act approval.Act, was Rollout, next Draft, loosens bool) error {
	rule, err := json.Marshal(next.Rule)
	if err != nil {
		return err
	}
	before, err := json.Marshal(was.Rule)
	if err != nil {
		return err
	}
	state, version, at := waits, was.Version, next.StartsAt
	if at == nil {
		state, version, at = holds, was.Version+1, next.EndsAt
	}
	id := secret.System.ID()
	err = tx.Change(fault.New(fault.Conflict, "rollout.scheduled"), "INSERT INTO rollout_schedules ("+scheduleColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
		act.TenantID, next.Feature, id, state, string(rule), string(before), version, *at, next.EndsAt, loosens, act.Reason, act.Ticket, act.ActorID, act.ApprovedBy, tx.Now)
	if err != nil {
		return err
	}
	e := act.Event(audit.RolloutScheduled)
	e.Thread = id
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["feature"], e.Details["state"], e.Details["at"] = string(next.Feature), state, at.UTC().Format(time.RFC3339)
	return audit.Record(tx, e)
}

// unschedule plans to take back what waits for its time. To keep for good what was to end
// may take a safeguard away, which needs a second person.
func (s *Service) unschedule(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var on Unschedule
	if err := act.Read(&on); err != nil {
		return approval.Plan{}, err
	}
	var r scheduleRow
	found, err := tx.One(&r, "SELECT "+scheduleColumns+" FROM rollout_schedules WHERE tenant_id = ? AND feature = ? AND id = ?", act.TenantID, on.Feature, on.ID)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return approval.Plan{}, err
	}
	waiting, err := r.scheduled()
	if err != nil {
		return approval.Plan{}, err
	}
	return approval.Plan{
		Questions: []access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RolloutEdit, Loosens: !waiting.Waits && Loosens(waiting.Feature, waiting.Before, waiting.Rule),
		}},
		Difference: []approval.Change{{Field: "feature", After: r.Feature}, {Field: "starts_at", Before: r.At.UTC().Format(time.RFC3339)}},
		Do: func(tx *store.Tx) error {
			if err := tx.Change(fault.New(fault.Conflict, "rollout.schedule_over"), "DELETE FROM rollout_schedules WHERE tenant_id = ? AND feature = ? AND id = ? AND state = ?", r.TenantID, r.Feature, r.ID, r.State); err != nil {
				return err
			}
			e := act.Event(audit.RolloutUnscheduled)
			return r.record(tx, e, nil)
		},
	}, nil
}

// Unschedule is what KindUnschedule takes.
type Unschedule struct {
	Feature feature.Feature `json:"feature"`
	ID      string          `json:"id"`
}

func (r scheduleRow) record(tx *store.Tx, e audit.Event, details map[string]string) error {
	e.Thread = r.ID
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["feature"], e.Details["state"] = r.Feature, r.State
	for name, value := range details {
		e.Details[name] = value
	}
	return audit.Record(tx, e)
}

// keepsLoose says whether a rule is looser than the one that would come back by itself:
// a change by hand takes that return away, and what was loosened for a time would be so
// for good.
func keepsLoose(tx *store.Tx, tenantID string, e *feature.Entry, next feature.Rule) (bool, error) {
	var r scheduleRow
	found, err := tx.One(&r, "SELECT "+scheduleColumns+" FROM rollout_schedules WHERE tenant_id = ? AND feature = ? AND state = ?", tenantID, e.Feature, holds)
	if err != nil || !found {
		return false, err
	}
	holding, err := r.scheduled()
	return err != nil || loosens(e, holding.Before, next), nil // what cannot be read may have been anything
}

// overtaken drops, in the act tx of a change by hand, what waited for its time: it was
// made from another version.
func (s *Service) overtaken(tx *store.Tx, act approval.Act, f feature.Feature) error {
	var r scheduleRow
	found, err := tx.One(&r, "DELETE FROM rollout_schedules WHERE tenant_id = ? AND feature = ? RETURNING "+scheduleColumns, act.TenantID, f)
	if err != nil || !found {
		return err
	}
	if err := s.Tell(tx, act.TenantID, act.ActorID, notify.Notice{Action: audit.RolloutDropped, Reason: act.Reason, Detail: r.Feature + " " + DropChanged}); err != nil {
		return err
	}
	return r.record(tx, act.Event(audit.RolloutDropped), map[string]string{"cause": DropChanged})
}

// Tell leaves a notice for everybody who may change the rollout, but who did it.
func (s *Service) Tell(tx *store.Tx, tenantID, by string, n notify.Notice) error {
	holders, err := s.Roles.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return err
	}
	if by != "" {
		n.By = s.Roles.Rules.Role(tenantID, by)
	}
	for _, h := range holders {
		if !h.May.Has(access.RolloutEdit) || h.UserID == by {
			continue
		}
		if err := notify.Tell(tx, tenantID, h.UserID, n); err != nil {
			return err
		}
	}
	return nil
}

// againAfter is when a rule of before that could not come back is tried again.
const againAfter = 15 * time.Minute

// dueMost is how many schedules one sweep carries out.
const dueMost = 50

// Due carries out what was scheduled for now or before. Any replica may run it; each
// falls to one. Everything is asked again: the version, the approval, the two
// administrators, the groups. What cannot be is dropped, and its makers are told; a return
// that cannot be is tried again. What is of a feature that the program does not know is
// left to one that does.
func (s *Service) Due(ctx context.Context) error {
	var due []scheduleRow
	if err := s.DB.View(ctx).All(&due, "SELECT "+scheduleColumns+" FROM rollout_schedules WHERE at <= ? AND feature IN ? ORDER BY at LIMIT ?", s.DB.Now(), feature.All.Features(), dueMost); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, r := range due {
		all = errors.Join(all, s.carryOut(store.Within(ctx, r.TenantID), r))
	}
	return all
}

var (
	errAnother = errors.New("rollout: another replica was there first")
	// ErrNotApproved is the failure of Stands.
	ErrNotApproved = errors.New("rollout: who made it, or approved it, may not any more")
)

func (s *Service) carryOut(ctx context.Context, r scheduleRow) error {
	waiting, err := r.scheduled()
	if err != nil {
		return err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		return s.Roles.Keep(tx, r.TenantID, func() error { return s.apply(tx, r, waiting) })
	})
	switch f := fault.Of(err); {
	case err == nil, errors.Is(err, errAnother):
		return nil
	case errors.Is(err, ErrNotApproved):
		return s.drop(ctx, r, DropApproval)
	case role.Keeps(err):
		return s.cannot(ctx, r, DropAdministrators)
	case f != nil && f.Kind == fault.Invalid:
		return s.cannot(ctx, r, DropGroup)
	case f != nil && f.Kind == fault.Conflict:
		return s.drop(ctx, r, DropChanged)
	}
	return err
}

func (s *Service) apply(tx *store.Tx, r scheduleRow, waiting Scheduled) error {
	const due = " WHERE tenant_id = ? AND feature = ? AND (id = ? AND state = ? AND at <= ?) IS TRUE"
	values := []any{r.TenantID, r.Feature, r.ID, r.State, tx.Now}
	rule := waiting.Rule
	switch {
	case !waiting.Waits:
		rule = waiting.Before
		fallthrough
	case waiting.EndsAt == nil:
		if err := tx.Change(errAnother, "DELETE FROM rollout_schedules"+due, values...); err != nil {
			return err
		}
	default:
		if err := tx.Change(errAnother, "UPDATE rollout_schedules SET state = 'holds', version = version + 1, at = ends_at"+due, values...); err != nil {
			return err
		}
	}
	if waiting.Waits {
		if err := s.Stands(tx, r.TenantID, r.MadeBy, r.ApprovedBy, r.Loosens); err != nil {
			return err
		}
	}
	changed, err := s.Take(tx, Itself(r.TenantID, Draft{Feature: waiting.Feature, Rule: rule, Version: r.Version}, r.Reason))
	if err == nil && !changed {
		err = ChangedMeanwhile()
	}
	if err != nil {
		return err
	}
	return s.Tell(tx, r.TenantID, "", notify.Notice{Action: audit.RolloutChanged, Detail: r.Feature})
}

// Stands fails with ErrNotApproved when who made a change may not make it any more, or
// who approved it, if anybody had to, may not approve it.
func (s *Service) Stands(tx *store.Tx, tenantID, madeBy, approvedBy string, loosens bool) error {
	q := access.Question{TenantID: tenantID, ActorID: madeBy, Needs: access.RolloutEdit, Loosens: loosens}
	verdict, err := s.Roles.Rules.Ask(tx, q)
	switch {
	case err != nil:
		return err
	case verdict.Err() != nil, verdict.Answer == access.FourEyes && approvedBy == "":
		return ErrNotApproved
	case approvedBy == "":
		return nil
	}
	verdicts, err := s.Roles.Rules.AskApprover(tx, tenantID, approvedBy, access.Approval{RequesterID: madeBy, Eyes: access.EyesFor("", q)})
	if err == nil && verdicts[0].Err() != nil {
		err = ErrNotApproved
	}
	return err
}

// cannot drops what waits and cannot be. A rule of before that cannot come back yet is
// tried again: what was for a time must not stay for good because of it.
func (s *Service) cannot(ctx context.Context, r scheduleRow, cause string) error {
	if r.State != holds {
		return s.drop(ctx, r, cause)
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(errAnother, "UPDATE rollout_schedules SET at = ? WHERE tenant_id = ? AND feature = ? AND (id = ? AND state = ? AND at <= ?) IS TRUE",
			tx.Now.Add(againAfter), r.TenantID, r.Feature, r.ID, r.State, tx.Now); err != nil {
			return err
		}
		if r.EndsAt != nil && r.At.After(*r.EndsAt) {
			return nil // it was tried before, and they were told
		}
		if err := s.Tell(tx, r.TenantID, "", notify.Notice{Action: audit.RolloutStuck, Detail: r.Feature + " " + cause}); err != nil {
			return err
		}
		e := audit.Event{TenantID: r.TenantID, Action: audit.RolloutStuck, Outcome: audit.Failure, Reason: cause, Actor: audit.Service, Target: audit.Tenant(r.TenantID)}
		return r.record(tx, e, map[string]string{"cause": cause})
	})
	if errors.Is(err, errAnother) {
		return nil
	}
	return err
}

func (s *Service) drop(ctx context.Context, r scheduleRow, cause string) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(errAnother, "DELETE FROM rollout_schedules WHERE tenant_id = ? AND feature = ? AND (id = ? AND state = ? AND at <= ?) IS TRUE", r.TenantID, r.Feature, r.ID, r.State, tx.Now); err != nil {
			return err
		}
		if err := s.Tell(tx, r.TenantID, "", notify.Notice{Action: audit.RolloutDropped, Detail: r.Feature + " " + cause}); err != nil {
			return err
		}
		e := audit.Event{TenantID: r.TenantID, Action: audit.RolloutDropped, Outcome: audit.Failure, Reason: cause, Actor: audit.Service, Target: audit.Tenant(r.TenantID)}
		return r.record(tx, e, map[string]string{"cause": cause})
	})
	if errors.Is(err, errAnother) {
		return nil
	}
	return err
}
