package ramp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/signin"
	"latchkey/app/store"
)

const (
	lookWait  = time.Minute // between two looks at one ramp
	dayBefore = 24 * time.Hour
	lookMost  = 50 // ramps in one sweep
)

// Sweep looks at every ramp whose time it is: its guard, and whether its next step is
// due. Any replica may run it, at any time; each look falls to one. One of a feature that
// the program does not know is left to one that does; one that cannot be read stops no
// other.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.DB.Now()
	var due []row
	err := s.DB.View(ctx).All(&due, "SELECT "+columns+" FROM ramps WHERE state IN ('running', 'paused') AND look_at <= ? AND feature IN ? ORDER BY look_at LIMIT ?",
		now, feature.All.Features(), lookMost)
	if err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, r := range due {
		within := store.Within(ctx, r.TenantID)
		taken, err := s.DB.CountOne(within, "UPDATE ramps SET look_at = ? WHERE tenant_id = ? AND id = ? AND state = ? AND turn = ? AND look_at <= ?",
			now.Add(lookWait), r.TenantID, r.ID, r.State, r.Turn, now)
		if err == nil && taken == 1 {
			var read Ramp
			if read, err = r.ramp(); err == nil {
				err = s.look(within, read)
			} else {
				err = fmt.Errorf("ramp: %s of tenant %s cannot be read: %w", r.ID, r.TenantID, err)
			}
		}
		all = errors.Join(all, err)
	}
	return all
}

// look does what a ramp needs now, if it needs anything.
func (s *Service) look(ctx context.Context, r Ramp) error {
	tx := s.DB.View(ctx)
	if r.Step >= 0 {
		found, err := figures(tx, r, r.Plan.Guard.Window)
		if err != nil {
			return store.Unusable(err)
		}
		if cause := r.Plan.Guard.Judge(found); cause != "" {
			return s.halt(ctx, r, cause, &found)
		}
		if r, err = s.sample(ctx, r); err != nil {
			return store.Unusable(err)
		}
	}
	if r.State != Running || tx.Now.Before(r.DueAt()) {
		return nil
	}
	if r.Step >= 0 {
		// The whole of the step, once more: what the window did not have enough of.
		found, err := figures(tx, r, tx.Now.Sub(r.EnteredAt))
		if err != nil {
			return store.Unusable(err)
		}
		if cause := r.Plan.Guard.Judge(found); cause != "" {
			return s.halt(ctx, r, cause, &found)
		}
		if r.Last() {
			return s.done(ctx, r)
		}
		if r.Sampled < r.Plan.Steps[r.Step].Sample {
			return nil
		}
	}
	if !r.Plan.Hours.open(tx.Now) {
		return nil
	}
	// While the platform holds the feature back nobody has it, and a step would show nothing.
	if open, err := released(tx, r); err != nil || !open {
		return store.Unusable(err)
	}
	return s.step(ctx, r)
}

// released says whether the platform has released the feature of a ramp to its tenant.
func released(tx *store.Tx, r Ramp) (bool, error) {
	now, err := rollout.In(tx, r.TenantID, r.Feature)
	return now.Released, err
}

// figures counts the sign-ins of a window that were begun since the step.
func figures(tx *store.Tx, r Ramp, window time.Duration) (Figures, error) {
	since := tx.Now.Add(-window)
	if since.Before(r.EnteredAt) {
		since = r.EnteredAt
	}
	have, others, err := signin.Tallies(tx, r.TenantID, r.Feature, since)
	f := Figures{Ring: have}
	f.Baseline, f.By = r.Plan.Guard.Baseline(others, r.Day)
	return f, err
}

// A sign-in is counted for a step a minute after it was decided, when its act has surely
// ended; and no look counts more than some hours of them, should nobody have looked for long.
const (
	sampleAfter = time.Minute
	sampleMost  = 6 * time.Hour
)

// sample counts the sign-ins of people who have the feature, in a step that asks for
// some, on from where the last look had come to, and gives the ramp with it.
func (s *Service) sample(ctx context.Context, r Ramp) (Ramp, error) {
	if r.Last() || r.Sampled >= r.Plan.Steps[r.Step].Sample {
		return r, nil
	}
	tx, since := s.DB.View(ctx), r.SampledUntil
	until := tx.Now.Add(-sampleAfter)
	if most := since.Add(sampleMost); until.After(most) {
		until = most
	}
	if !until.After(since) {
		return r, nil
	}
	e, _ := feature.Find(r.Feature)
	var n int
	if _, err := tx.One(&n, "SELECT count(*) FROM decisions WHERE tenant_id = ? AND decided_at >= ? AND decided_at < ? AND outcome = 1 AND had & ? <> 0", r.TenantID, since, until, e.Bit); err != nil {
		return r, err
	}
	r.Sampled, r.SampledUntil = r.Sampled+n, until
	_, err := s.DB.CountOne(ctx, "UPDATE ramps SET sampled = ?, sampled_until = ? WHERE tenant_id = ? AND id = ? AND turn = ?", r.Sampled, until, r.TenantID, r.ID, r.Turn)
	return r, err
}

// errGone says in an act that somebody else was there first: there is nothing to do.
var errGone = errors.New("ramp: it is another one's")

// step takes the next step, if the ramp is as it was read and its time is there.
func (s *Service) step(ctx context.Context, r Ramp) error {
	next := r.Step + 1
	return s.carryOut(ctx, r, func(tx *store.Tx) error {
		return s.Roles.Keep(tx, r.TenantID, func() error {
			stay := time.Duration(0)
			if r.Step >= 0 {
				stay = r.Plan.Steps[r.Step].Stay
			}
			err := tx.Change(errGone, `UPDATE ramps SET turn = turn + 1, step = ?, version = version + 1, entered_at = ?, look_at = ?
				WHERE tenant_id = ? AND id = ? AND (state = ? AND turn = ? AND step = ? AND entered_at <= ?) IS TRUE`,
				next, tx.Now, tx.Now.Add(lookWait), r.TenantID, r.ID, Running, r.Turn, r.Step, tx.Now.Add(-stay))
			if err != nil {
				return err
			}
			if err := s.Rollout.Stands(tx, r.TenantID, r.BegunBy, r.ApprovedBy, rollout.Loosens(r.Feature, r.Rule(r.Step), r.Rule(next))); err != nil {
				return err
			}
			if _, err := s.Rollout.Take(tx, rollout.Itself(r.TenantID, rollout.Draft{Feature: r.Feature, Rule: r.Rule(next), Version: r.Version}, r.Reason)); err != nil {
				return err
			}
			if err := s.tell(tx, r, audit.RampStepped, "", "", fmt.Sprintf("%d %d", next+1, len(r.Plan.Steps))); err != nil {
				return err
			}
			return s.event(tx, byItself(r, audit.RampStepped, r.Reason), r, map[string]string{"step": strconv.Itoa(next + 1)})
		})
	})
}

// done ends a ramp whose last step has been watched for its time.
func (s *Service) done(ctx context.Context, r Ramp) error {
	return s.carryOut(ctx, r, func(tx *store.Tx) error {
		err := tx.Change(errGone, "UPDATE ramps SET turn = turn + 1, state = ?, ended_at = ? WHERE tenant_id = ? AND id = ? AND (state = ? AND turn = ?) IS TRUE",
			Done, tx.Now, r.TenantID, r.ID, Running, r.Turn)
		if err != nil {
			return err
		}
		if err := s.tell(tx, r, audit.RampDone, "", "", ""); err != nil {
			return err
		}
		return s.event(tx, byItself(r, audit.RampDone, ""), r, nil)
	})
}

// reasons are those of the version by which a halt goes back; words are
// rollout.reason.REASON.
var reasons = map[string]string{CauseFailure: "ramp.halted.failure", CauseBypass: "ramp.halted.bypass"}

// halt stops a ramp and goes back to the rule before, in one act. Where that would
// leave too few administrators it stays where it is.
func (s *Service) halt(ctx context.Context, r Ramp, cause string, on *Figures) error {
	back := on != nil // there are none of before the first step
	halting := func(back bool) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			text, step, version := "", r.Step, r.Version
			if on != nil {
				written, err := json.Marshal(on)
				if err != nil {
					return err
				}
				text = string(written)
			}
			if back {
				step, version = r.Step-1, r.Version+1
			}
			err := tx.Change(errGone, `UPDATE ramps SET turn = turn + 1, state = ?, step = ?, version = ?, cause = ?, figures = ?, entered_at = ?, note = '', noted_by = ''
				WHERE tenant_id = ? AND id = ? AND (state = ? AND turn = ? AND step = ?) IS TRUE`,
				Halted, step, version, cause, text, tx.Now, r.TenantID, r.ID, r.State, r.Turn, r.Step)
			if err != nil {
				return err
			}
			details := map[string]string{"cause": cause, "step": strconv.Itoa(step + 1)}
			if on != nil {
				figuresIn(details, *on)
			}
			if back {
				changed, err := s.Rollout.Take(tx, rollout.Itself(r.TenantID, rollout.Draft{Feature: r.Feature, Rule: r.Rule(step), Version: r.Version}, reasons[cause]))
				if err == nil && !changed {
					err = rollout.ChangedMeanwhile() // no two steps that follow each other are the same
				}
				if err != nil {
					return err
				}
			}
			if err := s.tell(tx, r, audit.RampHalted, "", "", cause); err != nil {
				return err
			}
			e := byItself(r, audit.RampHalted, cause)
			e.Outcome = audit.Failure
			return s.event(tx, e, r, details)
		}
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		return s.Roles.Keep(tx, r.TenantID, func() error { return halting(back)(tx) })
	})
	if back && (role.Keeps(err) || errors.Is(err, fault.Invalid) || conflicts(err)) {
		err = s.DB.Act(ctx, halting(false))
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

func conflicts(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Kind == fault.Conflict
}

// figuresIn writes the figures of a halt into its event.
func figuresIn(details map[string]string, f Figures) {
	for name, n := range map[string]int{
		"ring_tries": f.Ring.Tries, "ring_failed": f.Ring.Failed, "ring_sign_ins": f.Ring.SignIns, "ring_bypassed": f.Ring.Bypassed,
		"baseline_tries": f.Baseline.Tries, "baseline_failed": f.Baseline.Failed, "baseline_sign_ins": f.Baseline.SignIns, "baseline_bypassed": f.Baseline.Bypassed,
	} {
		details[name] = strconv.Itoa(n)
	}
	details["baseline"] = f.By
}

// carryOut runs what the clock does to a ramp. A step that would leave too few
// administrators, or whose rule cannot be any more, halts it where it is.
func (s *Service) carryOut(ctx context.Context, r Ramp, do func(tx *store.Tx) error) error {
	err := s.DB.Act(ctx, do)
	switch {
	case errors.Is(err, errGone):
		return nil
	case role.Keeps(err):
		return s.halt(ctx, r, CauseAdministrators, nil)
	case errors.Is(err, rollout.ErrNotApproved):
		return s.halt(ctx, r, CauseApproval, nil)
	case errors.Is(err, fault.Invalid):
		return s.halt(ctx, r, CauseGroup, nil)
	case conflicts(err):
		return s.lost(ctx, r)
	}
	return err
}

// lost ends a ramp whose feature has another version than the one that it made, by
// something that did not say so.
func (s *Service) lost(ctx context.Context, r Ramp) error {
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(errGone, "UPDATE ramps SET turn = turn + 1, state = ?, ended_at = ? WHERE tenant_id = ? AND id = ? AND (turn = ? AND ended_at IS NULL) IS TRUE",
			Overtaken, tx.Now, r.TenantID, r.ID, r.Turn)
		if err != nil {
			return err
		}
		if err := s.tell(tx, r, audit.RampOvertaken, "", "", ""); err != nil {
			return err
		}
		return s.event(tx, byItself(r, audit.RampOvertaken, ""), r, nil)
	})
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

func byItself(r Ramp, action audit.Action, reason string) audit.Event {
	return audit.Event{TenantID: r.TenantID, Action: action, Reason: reason, Actor: audit.Service}
}

// tell leaves a notice for everybody who may change the rollout, but who did it.
func (s *Service) tell(tx *store.Tx, r Ramp, action audit.Action, by, reason, detail string) error {
	n := notify.Notice{Action: action, Reason: reason, Detail: string(r.Feature)}
	if detail != "" {
		n.Detail += " " + detail
	}
	return s.Rollout.Tell(tx, r.TenantID, by, n)
}
