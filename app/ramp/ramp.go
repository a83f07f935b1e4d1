package ramp

import (
	"encoding/json"
	"time"
	_ "time/tzdata" // the zones of working hours, also where the machine has none

	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/rollout"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/user"
)

// State of a ramp. Add, never rename.
type State string

const (
	Running   State = "running"
	Paused    State = "paused" // no step is taken; the guard watches
	Halted    State = "halted"
	Done      State = "done"
	Cancelled State = "cancelled"
	Overtaken State = "overtaken" // by a change of the rule by hand
)

// Over says whether nothing more comes of it.
func (s State) Over() bool { return s == Done || s == Cancelled || s == Overtaken }

// Ramp is one of a feature.
type Ramp struct {
	TenantID, ID   string
	Feature        feature.Feature
	State          State
	Plan           Plan
	Before         feature.Rule // of before the first step
	Step           int          // that holds, from 0; -1: Before
	Version        int          // of the feature, that the step made
	Turn           int          // grows with every change
	EnteredAt      time.Time    // since when the step holds, or was begun anew
	Sampled        int          // sign-ins of people who have the feature, in the step, as far as a step asks for them
	SampledUntil   time.Time    // those decided before it are counted
	Day            signin.Tally // of the day before it was begun, of everybody
	Cause          string       // why it was halted, or empty
	Figures        *Figures     // on which; nil: on none
	Reason, Ticket string
	Note, NotedBy  string // of who acted on it last: words, and a sign-in name
	BegunBy        string // sign-in name
	ApprovedBy     string // sign-in name; empty: nobody had to
	BegunAt        time.Time
	EndedAt        *time.Time
}

type row struct {
	TenantID, ID, Feature, State, Plan, Before, Cause, Figures, Reason, Ticket, Note, NotedBy, BegunBy, ApprovedBy string
	Step, Version, Turn, DayTries, DayFailed, DaySignIns, DayBypassed, Sampled                                     int
	EnteredAt, BegunAt                                                                                             time.Time
	EndedAt, SampledUntil                                                                                          *time.Time
}

const columns = `tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, day_tries, day_failed, day_sign_ins, day_bypassed,
	cause, figures, reason, ticket, note, noted_by, begun_by, approved_by, begun_at, ended_at, sampled, sampled_until`

func (r row) ramp() (Ramp, error) {
	out := Ramp{
		TenantID: r.TenantID, ID: r.ID, Feature: feature.Feature(r.Feature), State: State(r.State), Step: r.Step, Version: r.Version, Turn: r.Turn, EnteredAt: r.EnteredAt,
		Day:   signin.Tally{Tries: r.DayTries, Failed: r.DayFailed, SignIns: r.DaySignIns, Bypassed: r.DayBypassed},
		Cause: r.Cause, Reason: r.Reason, Ticket: r.Ticket, Note: r.Note, NotedBy: r.NotedBy, BegunBy: r.BegunBy, ApprovedBy: r.ApprovedBy, BegunAt: r.BegunAt, EndedAt: r.EndedAt,
	}
	// Whatever begins a step, or begins it anew, begins the count anew by that.
	if out.SampledUntil = r.EnteredAt; r.SampledUntil != nil && !r.SampledUntil.Before(r.EnteredAt) {
		out.Sampled, out.SampledUntil = r.Sampled, *r.SampledUntil
	}
	if err := json.Unmarshal([]byte(r.Plan), &out.Plan); err != nil {
		return out, err
	}
	if r.Figures != "" {
		out.Figures = &Figures{}
		if err := json.Unmarshal([]byte(r.Figures), out.Figures); err != nil {
			return out, err
		}
	}
	return out, json.Unmarshal([]byte(r.Before), &out.Before)
}

func list(tx *store.Tx, which string, values ...any) ([]Ramp, error) {
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM ramps "+which, values...); err != nil {
		return nil, err
	}
	all := make([]Ramp, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = r.ramp(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// find gives a ramp of a feature of a tenant; any other is fault.NotFound.
func find(tx *store.Tx, tenantID string, f feature.Feature, id string) (Ramp, error) {
	found, err := list(tx, "WHERE tenant_id = ? AND id = ? AND feature = ?", tenantID, id, f)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return Ramp{}, err
	}
	return found[0], nil
}

// underWay gives the ramp of a feature that is not over; nil: there is none.
func underWay(tx *store.Tx, tenantID string, f feature.Feature) (*Ramp, error) {
	found, err := list(tx, "WHERE tenant_id = ? AND feature = ? AND ended_at IS NULL", tenantID, f)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Rule gives the rule of a step; that of -1 is the one of before.
func (r Ramp) Rule(step int) feature.Rule {
	if step < 0 || step >= len(r.Plan.Steps) {
		return r.Before
	}
	return r.Plan.Steps[step].Rule
}

// loosens says whether steps that lie ahead take a safeguard away.
func (r Ramp) loosens() bool {
	for step := r.Step; step+1 < len(r.Plan.Steps); step++ {
		if rollout.Loosens(r.Feature, r.Rule(step), r.Rule(step+1)) {
			return true
		}
	}
	return false
}

// Last says whether the last step holds.
func (r Ramp) Last() bool { return r.Step == len(r.Plan.Steps)-1 }

// DueAt is when the step that holds has lasted its time.
func (r Ramp) DueAt() time.Time {
	if r.Step < 0 {
		return r.EnteredAt
	}
	return r.EnteredAt.Add(r.Plan.Steps[r.Step].Stay)
}

// names puts the sign-in names of people in the place of their ids.
func names(tx *store.Tx, tenantID string, all []Ramp) error {
	var ids []string
	for _, r := range all {
		ids = append(ids, r.NotedBy, r.BegunBy, r.ApprovedBy)
	}
	known, err := user.NamesOf(tx, tenantID, ids...)
	for i := range all {
		r := &all[i]
		r.NotedBy, r.BegunBy, r.ApprovedBy = known[r.NotedBy], known[r.BegunBy], known[r.ApprovedBy]
	}
	return err
}
