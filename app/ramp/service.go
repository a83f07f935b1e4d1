package ramp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/secret"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// Acts of this package.
const (
	KindBegin  approval.Kind = "rollout.ramp"
	KindChange approval.Kind = "rollout.ramp_change" // the steps that lie ahead, the guard and the hours
	KindPause  approval.Kind = "rollout.ramp_pause"
	KindResume approval.Kind = "rollout.ramp_resume"
	KindNext   approval.Kind = "rollout.ramp_next" // before its time
	KindCancel approval.Kind = "rollout.ramp_cancel"
)

// Service begins, carries out and ends ramps.
type Service struct {
	DB      *store.DB
	Roles   *role.Service
	Rollout *rollout.Service
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{
		KindBegin: s.Roles.Kept(s.begin), KindChange: s.Roles.Kept(s.change), KindNext: s.Roles.Kept(s.next),
		KindPause: s.pause, KindResume: s.resume, KindCancel: s.cancel,
	}
}

// Begin is a ramp to be begun.
type Begin struct {
	Feature feature.Feature `json:"feature"`
	Version int             `json:"version"` // of the feature, that it was made from
	Plan
}

// On is an act on a ramp that there is.
type On struct {
	Feature feature.Feature `json:"feature"`
	Ramp    string          `json:"ramp"`
	Step    int             `json:"step,omitempty"` // with KindNext: that is to be taken, from 0
}

// Change is what lies ahead of a ramp, in another form.
type Change struct {
	Feature feature.Feature `json:"feature"`
	Ramp    string          `json:"ramp"`
	Turn    int             `json:"turn"` // that it was made from
	Plan
}

// plan judges a ramp from a step on: the steps before it are behind it already.
func (s *Service) plan(tx *store.Tx, act approval.Act, f feature.Feature, now feature.Rule, p *Plan, from int) (approval.Plan, error) {
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RolloutEdit}}}
	if plan.Wrong = p.check(); plan.Wrong != nil {
		return plan, nil
	}
	was := now
	for i := from; i < len(p.Steps); i++ {
		step := &p.Steps[i]
		rule, err := rollout.Checked(tx, act.TenantID, step.Rule)
		switch {
		case errors.Is(err, fault.Invalid):
			plan.Wrong = OfStep(err, i)
			return plan, nil
		case err != nil:
			return plan, err
		}
		if step.Rule = rule; decision.Same(was, rule) {
			plan.Wrong = fault.Wrong("form.wrong", map[string]string{"stage_" + strconv.Itoa(i+1): "ramp.same_step"})
			return plan, nil
		}
		plan.Questions[0].Loosens = plan.Questions[0].Loosens || rollout.Loosens(f, was, rule)
		was = rule
	}
	var err error
	if plan.Difference, err = p.lines(tx, act.TenantID, f, now, from); err != nil {
		return plan, err
	}
	if plan.Wrong, err = s.keeps(tx, act.TenantID, f, *p, from); err == nil && plan.Wrong == nil && from < len(p.Steps) {
		// Where a replay has to stand first it is one of where the ramp leads to.
		plan.Wrong, err = approval.Wrongly(s.Rollout.Replayed(tx, act.TenantID, rollout.Draft{Feature: f, Rule: was}))
	}
	return plan, err
}

// lines are what somebody who approves a plan approves: its steps from one on, after the
// rule that holds now, its guard and its hours.
func (p Plan) lines(tx *store.Tx, tenantID string, f feature.Feature, now feature.Rule, from int) (all []approval.Change, err error) {
	rules := []feature.Rule{now}
	for _, step := range p.Steps[min(from, len(p.Steps)):] {
		rules = append(rules, step.Rule)
	}
	named, err := rollout.Names(tx, tenantID, rules...)
	if err != nil {
		return nil, err
	}
	for i, after := range rules[1:] {
		all = append(all, approval.Change{Field: "feature_" + string(f), Before: rollout.Said(rules[i], named), After: rollout.Said(after, named)},
			approval.Change{Field: "ramp_step", After: p.Steps[from+i].terms(from + i)})
	}
	return append(all, approval.Change{Field: "ramp_guard", After: p.Guard.terms()}, approval.Change{Field: "ramp_hours", After: p.Hours.terms()}), nil
}

// OfStep gives the failure of a rule, fault.Invalid, the names of the fields of its step,
// from 0. Groups are chosen for all steps at once.
func OfStep(err error, i int) error {
	fields := map[string]string{}
	for field, code := range fault.Of(err).Fields {
		if field == "stage" || field == "percentage" {
			field += "_" + strconv.Itoa(i+1)
		}
		fields[field] = code
	}
	return fault.Wrong("form.wrong", fields)
}

// keeps says whether every step leaves two administrators who can sign in: each is
// tried, and undone. When one is taken it is asked again, as things are then.
func (s *Service) keeps(tx *store.Tx, tenantID string, f feature.Feature, p Plan, from int) (wrong, err error) {
	for i := from; i < len(p.Steps); i++ {
		err := s.Rollout.Try(tx, tenantID, f, p.Steps[i].Rule)
		if role.Keeps(err) {
			return fault.Wrong("form.wrong", map[string]string{"stage_" + strconv.Itoa(i+1): "ramp.two_administrators"}), nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *Service) begin(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var b Begin
	if err := act.Read(&b); err != nil {
		return approval.Plan{}, err
	}
	now, err := rollout.In(tx, act.TenantID, b.Feature)
	if err != nil {
		return approval.Plan{}, err
	}
	plan, err := s.plan(tx, act, b.Feature, now.Rule, &b.Plan, 0)
	if err != nil {
		return plan, err
	}
	ramps, waits, err := rollout.Busy(tx, act.TenantID, b.Feature)
	if err != nil {
		return plan, err
	}
	switch {
	case b.Version != now.Version:
		plan.Wrong = rollout.ChangedMeanwhile()
	case ramps:
		plan.Wrong = fault.New(fault.Conflict, "ramp.one")
	case waits:
		plan.Wrong = fault.New(fault.Conflict, "ramp.schedule_waits")
	}
	plan.Do = func(tx *store.Tx) error {
		have, others, err := signin.Tallies(tx, act.TenantID, b.Feature, tx.Now.Add(-dayBefore))
		if err != nil {
			return err
		}
		day := have.Add(others)
		text, err := json.Marshal(b.Plan)
		if err != nil {
			return err
		}
		before, err := json.Marshal(now.Rule)
		if err != nil {
			return err
		}
		r := Ramp{TenantID: act.TenantID, ID: secret.System.ID(), Feature: b.Feature, Plan: b.Plan, Before: now.Rule}
		err = tx.Change(fault.New(fault.Conflict, "ramp.one"), `INSERT INTO ramps (tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, look_at,
			day_tries, day_failed, day_sign_ins, day_bypassed, reason, ticket, begun_by, approved_by, begun_at) VALUES (?,?,?,?,?,?,0,?,1,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
			r.TenantID, r.ID, b.Feature, Running, string(text), string(before), now.Version+1, tx.Now, tx.Now.Add(lookWait),
			day.Tries, day.Failed, day.SignIns, day.Bypassed, act.Reason, act.Ticket, act.ActorID, act.ApprovedBy, tx.Now)
		if err != nil {
			return err
		}
		if err := s.record(tx, act, r, audit.RampBegun, map[string]string{"steps": strconv.Itoa(len(b.Steps))}); err != nil {
			return err
		}
		_, err = s.Rollout.Take(tx, rollout.StepOf(act, rollout.Draft{Feature: b.Feature, Rule: b.Steps[0].Rule, Version: now.Version}))
		return err
	}
	return plan, nil
}

// record writes the event of an act on a ramp.
func (s *Service) record(tx *store.Tx, act approval.Act, r Ramp, action audit.Action, details map[string]string) error {
	e := act.Event(action)
	return s.event(tx, e, r, details)
}

func (s *Service) event(tx *store.Tx, e audit.Event, r Ramp, details map[string]string) error {
	e.Target, e.Thread = audit.Party{Kind: audit.KindRamp, ID: r.ID}, r.ID
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["feature"] = string(r.Feature)
	for name, value := range details {
		e.Details[name] = value
	}
	return audit.Record(tx, e)
}

// on reads the ramp of an act, and what everybody who acts on one is asked.
func on(tx *store.Tx, act approval.Act) (On, Ramp, approval.Plan, error) {
	var o On
	if err := act.Read(&o); err != nil {
		return o, Ramp{}, approval.Plan{}, err
	}
	r, err := find(tx, act.TenantID, o.Feature, o.Ramp)
	return o, r, approval.Plan{
		Questions:  []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.RolloutEdit}},
		Difference: []approval.Change{{Field: "feature", After: string(r.Feature)}},
	}, err
}

// ended is the failure of an act for which a ramp is not in the state any more.
func ended() error { return fault.New(fault.Conflict, "ramp.state") }

// turn makes, in the act tx, the next state of a ramp out of some, and writes the
// event. What was done to it meanwhile is fault.Conflict.
func (s *Service) turn(tx *store.Tx, act approval.Act, r Ramp, from []State, set string, values []any, action audit.Action, details map[string]string) error {
	all := append(slices.Clone(values), act.Reason, act.ActorID, r.TenantID, r.ID, from, r.Turn)
	if err := tx.Change(ended(), "UPDATE ramps SET turn = turn + 1, "+set+", note = ?, noted_by = ? WHERE tenant_id = ? AND id = ? AND state IN ? AND turn = ?", all...); err != nil {
		return err
	}
	return s.record(tx, act, r, action, details)
}

func (s *Service) pause(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	_, r, plan, err := on(tx, act)
	if r.State != Running {
		plan.Wrong = ended()
	}
	plan.Do = func(tx *store.Tx) error {
		return s.turn(tx, act, r, []State{Running}, "state = ?", []any{Paused}, audit.RampPaused, nil)
	}
	return plan, err
}

// resume lets a ramp go on: where it was paused; or after a halt, from the beginning of
// the step that it went back to. What loosens needs a second person after a halt: the
// first approval was for a ramp that its guard had not stopped. They approve all that
// lies ahead.
func (s *Service) resume(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	_, r, plan, err := on(tx, act)
	if err != nil {
		return plan, err
	}
	switch {
	case r.State != Paused && r.State != Halted:
		plan.Wrong = ended()
	default:
		if plan.Wrong, err = held(tx, r); err != nil {
			return plan, err
		}
	}
	if r.State == Halted && r.loosens() {
		plan.Questions[0].Loosens = true
		ahead, err := r.Plan.lines(tx, act.TenantID, r.Feature, r.Rule(r.Step), r.Step+1)
		if err != nil {
			return plan, err
		}
		plan.Difference = append(plan.Difference, ahead...)
	}
	plan.Do = func(tx *store.Tx) error {
		set, values := "state = ?, look_at = ?", []any{Running, tx.Now}
		if r.State == Halted {
			set, values = set+", entered_at = ?, cause = '', figures = ''", append(values, tx.Now)
		}
		if r.Cause == CauseApproval { // others vouch for what lies ahead from here on
			set, values = set+", begun_by = ?, approved_by = ?", append(values, act.ActorID, act.ApprovedBy)
		}
		return s.turn(tx, act, r, []State{r.State}, set, values, audit.RampResumed, nil)
	}
	return plan, nil
}

// held is the failure of an act for which a feature must be released to the tenant: while
// the platform holds it back nobody has it, and no step shows anything.
func held(tx *store.Tx, r Ramp) (wrong, err error) {
	open, err := released(tx, r)
	if err == nil && !open {
		wrong = fault.New(fault.Conflict, "ramp.held_back")
	}
	return wrong, err
}

// cancel ends a ramp; the rule stays as it is.
func (s *Service) cancel(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	_, r, plan, err := on(tx, act)
	if r.State.Over() {
		plan.Wrong = ended()
	}
	plan.Do = func(tx *store.Tx) error {
		return s.turn(tx, act, r, []State{Running, Paused, Halted}, "state = ?, ended_at = ?", []any{Cancelled, tx.Now}, audit.RampCancelled, nil)
	}
	return plan, err
}

// next takes a step before its time. What loosens needs a second person once more: the
// first approval was for the times that the ramp had.
func (s *Service) next(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	o, r, plan, err := on(tx, act)
	if err != nil {
		return plan, err
	}
	plan.Questions[0].Loosens = rollout.Loosens(r.Feature, r.Rule(r.Step), r.Rule(r.Step+1))
	switch {
	case r.State != Running && r.State != Paused || o.Step != r.Step+1:
		plan.Wrong = ended()
	case r.Last():
		plan.Wrong = fault.New(fault.Conflict, "ramp.no_next")
	default:
		if plan.Wrong, err = held(tx, r); err != nil {
			return plan, err
		}
	}
	if plan.Wrong == nil {
		named, err := rollout.Names(tx, act.TenantID, r.Rule(r.Step), r.Rule(o.Step))
		if err != nil {
			return plan, err
		}
		plan.Difference = []approval.Change{{Field: "feature_" + string(r.Feature), Before: rollout.Said(r.Rule(r.Step), named), After: rollout.Said(r.Rule(o.Step), named)}}
	}
	plan.Do = func(tx *store.Tx) error {
		err := s.turn(tx, act, r, []State{Running, Paused}, "step = ?, version = version + 1, entered_at = ?, look_at = ?", []any{o.Step, tx.Now, tx.Now.Add(lookWait)},
			audit.RampStepped, map[string]string{"step": strconv.Itoa(o.Step + 1), "early": "yes"})
		if err != nil {
			return err
		}
		_, err = s.Rollout.Take(tx, rollout.StepOf(act, rollout.Draft{Feature: r.Feature, Rule: r.Rule(o.Step), Version: r.Version}))
		return err
	}
	return plan, nil
}

// change puts other steps in the place of those that lie ahead, and another guard.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var c Change
	if err := act.Read(&c); err != nil {
		return approval.Plan{}, err
	}
	r, err := find(tx, act.TenantID, c.Feature, c.Ramp)
	if err != nil {
		return approval.Plan{}, err
	}
	ahead := r.Step + 1
	for i := range min(ahead, len(c.Steps)) {
		c.Steps[i].Rule = r.Plan.Steps[i].Rule // what was taken stays; how long it lasts may change
	}
	plan, err := s.plan(tx, act, r.Feature, r.Rule(r.Step), &c.Plan, ahead)
	if err != nil {
		return plan, err
	}
	switch {
	case r.State.Over() || c.Turn != r.Turn:
		plan.Wrong = ended()
	case plan.Wrong == nil && len(c.Steps) < max(ahead, 1):
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"stage_1": "ramp.steps"})
	case plan.Wrong == nil && fmt.Sprint(c.Plan) == fmt.Sprint(r.Plan):
		plan.Wrong = fault.New(fault.Conflict, "settings.same")
	}
	plan.Do = func(tx *store.Tx) error {
		text, err := json.Marshal(c.Plan)
		if err != nil {
			return err
		}
		approved := r.ApprovedBy
		if act.ApprovedBy != "" {
			if approved = act.ApprovedBy; approved == r.BegunBy {
				approved = act.ActorID // the other one of the two
			}
		}
		return s.turn(tx, act, r, []State{Running, Paused, Halted}, "plan = ?, look_at = ?, approved_by = ?", []any{string(text), tx.Now, approved}, audit.RampChanged, map[string]string{"steps": strconv.Itoa(len(c.Steps))})
	}
	return plan, nil
}

// Overtake ends the ramp of a feature in the act tx of a change by hand; see
// rollout.Service.
func (s *Service) Overtake(tx *store.Tx, tenantID string, f feature.Feature, by, reason string, from audit.Origin) error {
	r, err := underWay(tx, tenantID, f)
	if err != nil || r == nil {
		return err
	}
	err = tx.Change(rollout.ChangedMeanwhile(), "UPDATE ramps SET turn = turn + 1, state = ?, ended_at = ?, note = ?, noted_by = ? WHERE tenant_id = ? AND id = ? AND turn = ? AND ended_at IS NULL",
		Overtaken, tx.Now, reason, by, tenantID, r.ID, r.Turn)
	if err != nil {
		return err
	}
	if err := s.tell(tx, *r, audit.RampOvertaken, by, reason, ""); err != nil {
		return err
	}
	e := audit.Event{TenantID: tenantID, Action: audit.RampOvertaken, Reason: reason, Actor: audit.User(by), Origin: from}
	return s.event(tx, e, *r, nil)
}

// Looked is a ramp with what its guard sees now, and what it waits for.
type Looked struct {
	Ramp
	Now   Figures
	Waits []Wait
}

// Wait is something that must be before the next step.
type Wait struct {
	For        string // time, hours, sample, released; words are ramp.wait.FOR
	Met        bool
	Have, Need int // of sample
}

// Look gives the ramp of a feature that is under way, or the last one that is over;
// nil when there never was one.
func (s *Service) Look(ctx context.Context, tenantID string, f feature.Feature) (*Looked, error) {
	tx := s.DB.View(ctx)
	found, err := list(tx, "WHERE tenant_id = ? AND feature = ? ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, ended_at DESC LIMIT 1", tenantID, f)
	if err != nil || len(found) == 0 {
		return nil, store.Unusable(err)
	}
	if err := names(tx, tenantID, found); err != nil {
		return nil, store.Unusable(err)
	}
	look := &Looked{Ramp: found[0]}
	if look.State.Over() {
		return look, nil
	}
	if look.Now, err = figures(tx, look.Ramp, look.Plan.Guard.Window); err != nil {
		return nil, store.Unusable(err)
	}
	if look.Step >= 0 && !look.Last() {
		step := look.Plan.Steps[look.Step]
		look.Waits = append(look.Waits, Wait{For: "time", Met: !tx.Now.Before(look.DueAt())})
		if step.Sample > 0 {
			look.Waits = append(look.Waits, Wait{For: "sample", Met: look.Sampled >= step.Sample, Have: min(look.Sampled, step.Sample), Need: step.Sample})
		}
		if look.Plan.Hours.Working {
			look.Waits = append(look.Waits, Wait{For: "hours", Met: look.Plan.Hours.open(tx.Now)})
		}
		open, err := released(tx, look.Ramp)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if !open {
			look.Waits = append(look.Waits, Wait{For: "released"})
		}
	}
	return look, nil
}

// UnderWay gives the ramp of a feature that is under way, as it was begun and changed;
// nil: there is none.
func (s *Service) UnderWay(ctx context.Context, tenantID string, f feature.Feature) (*Ramp, error) {
	r, err := underWay(s.DB.View(ctx), tenantID, f)
	return r, store.Unusable(err)
}

// Brief says how far a ramp is, for lists.
type Brief struct {
	Feature     feature.Feature
	State       State
	Step, Steps int // of how many, from 1
}

// All gives the ramps of a tenant that are under way.
func (s *Service) All(ctx context.Context, tenantID string) ([]Brief, error) {
	found, err := list(s.DB.View(ctx), "WHERE tenant_id = ? AND ended_at IS NULL", tenantID)
	all := make([]Brief, len(found))
	for i, r := range found {
		all[i] = Brief{Feature: r.Feature, State: r.State, Step: r.Step + 1, Steps: len(r.Plan.Steps)}
	}
	return all, store.Unusable(err)
}
