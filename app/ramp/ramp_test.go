package ramp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/ramp"
	"latchkey/app/rollout"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// pilot turns passkeys off and gives a group of one, with the one and somebody else.
func (o *office) pilot() (group string, in, out user.User) {
	o.T.Helper()
	in, out = o.User(o.Alder, "user1"), o.User(o.Alder, "user2")
	group = o.group("pilot", in)
	o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Off}}))
	return group, in, out
}

func TestARampOpensAFeatureWhileEverybodySleeps(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		if r := o.now(feature.Passkeys); r.Rule.Stage != feature.Pilot || r.Version != 2 {
			t.Fatalf("the first step is %+v", r)
		}
		o.pass(59 * time.Minute)
		if r := o.now(feature.Passkeys); r.Version != 2 {
			t.Fatalf("before its time the next step is %+v", r)
		}
		// Another replica, after everything that knew of it is gone, goes on with it.
		o.ramps = services(o.Replica()).ramps
		o.pass(2 * time.Minute)
		if r := o.now(feature.Passkeys); r.Rule.Stage != feature.Percentage || r.Rule.Share != 5 || r.Version != 3 || len(r.Rule.Include) != 1 {
			t.Fatalf("the second step is %+v", r)
		}
		o.pass(62 * time.Minute)
		if r := o.now(feature.Passkeys); r.Rule.Share != 100 || r.Version != 4 {
			t.Fatalf("the third step is %+v", r)
		}
		if l := o.look(feature.Passkeys); l.State != ramp.Running || !l.Last() {
			t.Fatalf("the last step is not watched: %+v", l.Ramp)
		}
		o.pass(62 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Done || l.EndedAt == nil {
			t.Fatalf("it is not done: %+v", l.Ramp)
		}
		history, err := o.rollout.History(t.Context(), o.Alder.ID, feature.Passkeys)
		if err != nil || len(history) != 4 || history[0].ChangedBy != "" || history[1].ChangedBy != "" || history[2].ChangedBy != o.admin.Name || history[0].Reason != "a test" {
			t.Errorf("the history is %+v, %v", history, err)
		}
		for action, want := range map[audit.Action]int{audit.RampBegun: 1, audit.RampStepped: 2, audit.RampDone: 1, audit.RolloutChanged: 4, audit.RampHalted: 0} {
			if got := o.Events(action); got != want {
				t.Errorf("%d events of %s, want %d", got, action, want)
			}
		}
		// Both administrators hear of every step that nobody of them took, and of the end.
		if got := o.Count("SELECT count(*) FROM notices WHERE action IN ('ramp.stepped', 'ramp.done')"); got != 6 {
			t.Errorf("%d notices, want 6", got)
		}
	})
}

func TestAFailingRingIsHaltedWithinItsWindowAndGoesBack(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, out := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		// Ten sign-ins in ten minutes, of which three fail; outside one of twenty fails.
		halted := false
		for range 3 {
			o.sign(in, "passkey", 10, 3)
			o.sign(out, "password", 20, 1)
			o.pass(10 * time.Minute)
			if halted = o.look(feature.Passkeys).State == ramp.Halted; halted {
				break
			}
		}
		l := o.look(feature.Passkeys)
		if !halted || l.Cause != ramp.CauseFailure {
			t.Fatalf("within a window of 30 minutes it is %+v", l.Ramp)
		}
		if r := o.now(feature.Passkeys); r.Rule.Stage != feature.Off || r.Version != 3 {
			t.Errorf("it went back to %+v", r)
		}
		if l.Step != -1 || l.Figures == nil || l.Figures.Ring.Tries != 20 || l.Figures.Ring.Failed != 6 || l.Figures.By != ramp.ByOthers || l.Figures.Baseline.Tries != 40 || l.Figures.Baseline.Failed != 2 {
			t.Errorf("it decided on %+v", l.Figures)
		}
		if o.Events(audit.RampHalted) != 1 || o.Count("SELECT count(*) FROM notices WHERE action = 'ramp.halted'") != 2 {
			t.Errorf("%d events, %d notices", o.Events(audit.RampHalted), o.Count("SELECT count(*) FROM notices WHERE action = 'ramp.halted'"))
		}
		var event struct{ Record []byte }
		if _, err := o.DB.View(t.Context()).One(&event, "SELECT record FROM audit_events WHERE action = 'ramp.halted'"); err != nil || !strings.Contains(string(event.Record), `"ring_failed":"6"`) {
			t.Errorf("the event says %s, %v", event.Record, err)
		}
		// It stays halted until a person says otherwise.
		o.pass(3 * time.Hour)
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || o.now(feature.Passkeys).Version != 3 {
			t.Fatalf("by itself it went on: %+v", l.Ramp)
		}
		o.must(o.on(o.security, ramp.KindResume, feature.Passkeys))
		o.pass(2 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Running || l.Step != 0 || l.Cause != "" || o.now(feature.Passkeys).Rule.Stage != feature.Pilot {
			t.Errorf("resumed, it is %+v", l.Ramp)
		}
		// The window is that of the step as it was begun anew: what failed before is not held against it.
		o.pass(30 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Running {
			t.Errorf("it was halted for what was before: %+v", l.Ramp)
		}
	})
}

// TestInjectedFailuresAreSeenInTime injects thirty percent at every moment of a step.
func TestInjectedFailuresAreSeenInTime(t *testing.T) {
	signintest.Walk(t, func(h *signintest.House) {
		o := open(h)
		t := o.T
		group, in, out := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		for at := time.Duration(0); at < 30*time.Minute; at += 7 * time.Minute {
			begun := o.Clock.Now()
			for o.Clock.Now().Sub(begun) < 30*time.Minute && o.look(feature.Passkeys).State == ramp.Running {
				fail := 0
				if o.Clock.Now().Sub(begun) >= at {
					fail = 3
				}
				o.sign(in, "passkey", 10, fail)
				o.sign(out, "password", 10, 0)
				o.pass(3 * time.Minute)
			}
			window := at + 30*time.Minute
			for o.Clock.Now().Sub(begun) < window && o.look(feature.Passkeys).State == ramp.Running {
				o.sign(in, "passkey", 10, 3)
				o.pass(3 * time.Minute)
			}
			l := o.look(feature.Passkeys)
			if l.State != ramp.Halted || o.now(feature.Passkeys).Rule.Stage != feature.Off {
				t.Fatalf("failures from minute %v on are not seen within the window: %+v", at.Minutes(), l.Ramp)
			}
			o.Set("DELETE FROM attempts")
			o.must(o.on(o.admin, ramp.KindResume, feature.Passkeys))
			o.pass(time.Minute)
		}
	})
}

func TestWhatTheGuardCounts(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, out := o.pilot()
		stranger := o.User(o.Birch, "user9")
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		o.Clock.Forward(time.Minute)
		o.sign(in, "passkey", 4, 1)
		o.sign(in, "password", 7, 3) // by another way: nothing that the ring is to blame for
		o.sign(in, "bypass", 2, 0)
		o.sign(out, "password", 5, 2)
		o.sign(stranger, "password", 50, 50)
		if now := o.look(feature.Passkeys).Now; now.Ring.SignIns != 0 {
			t.Errorf("what has just begun counts: %+v", now)
		}
		o.Clock.Forward(5 * time.Minute)
		o.sign(in, "passkey", 9, 9) // not settled yet
		now := o.look(feature.Passkeys).Now
		if now.Ring.Tries != 4 || now.Ring.Failed != 1 || now.Ring.SignIns != 13 || now.Ring.Bypassed != 2 {
			t.Errorf("the ring is %+v", now.Ring)
		}
		if now.Baseline.Tries != 5 || now.Baseline.Failed != 2 || now.By != ramp.ByBoth {
			t.Errorf("the baseline is %+v by %s", now.Baseline, now.By)
		}
		o.Clock.Forward(31 * time.Minute)
		if now := o.look(feature.Passkeys).Now; now.Ring.SignIns != 0 {
			t.Errorf("what is older than the window counts: %+v", now.Ring)
		}
	})
}

// TestTheGuardSeesAFewAmongMany has a ring of one, whose sign-ins are older than thousands
// of others; and one by percentage.
func TestTheGuardSeesAFewAmongMany(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, out := o.pilot()
		many := func() {
			numbers := "generate_series(1, 6000) AS i"
			if o.DB.Dialect == store.SQLite {
				numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) SELECT i FROM n)"
			}
			o.Set(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, state, ip, browser, created_at, expires_at)
				SELECT ?, ? || i, '', '', '', ?, 'sign_in', '/', 'password', 'finished', '', '', ?, ? FROM `+numbers, o.Alder.ID, o.Clock.Now().Format("150405-"), out.ID, o.Clock.Now(), o.Clock.Now().Add(15*time.Minute))
		}
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		o.Clock.Forward(time.Minute)
		o.sign(in, "passkey", 20, 5)
		o.Clock.Forward(time.Minute)
		many()
		o.Clock.Forward(6 * time.Minute)
		if now := o.look(feature.Passkeys).Now; now.Ring.Tries != 20 || now.Ring.Failed != 5 || now.Baseline.Tries != 5000 || now.By != ramp.ByOthers {
			t.Errorf("of the few is seen %+v", now)
		}
		o.sweep()
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || l.Cause != ramp.CauseFailure {
			t.Errorf("it is %+v", l.Ramp)
		}
		// And those whom the percentage of a tenant of many takes in.
		p := plan(group)
		p.Steps = p.Steps[1:]
		o.must(o.on(o.admin, ramp.KindCancel, feature.Passkeys))
		e, _ := feature.Find(feature.Passkeys)
		seed := int64(1)
		for e.Place(seed) < 500 {
			seed++
		}
		o.Set("UPDATE users SET seed = ? WHERE id = ?", seed, out.ID)
		o.must(o.begin(o.admin, feature.Passkeys, p))
		o.Clock.Forward(time.Minute)
		o.sign(in, "passkey", 7, 1)
		o.Clock.Forward(time.Minute)
		many()
		o.Clock.Forward(6 * time.Minute)
		if now := o.look(feature.Passkeys).Now; now.Ring.Tries != 7 || now.Ring.Failed != 1 || now.Baseline.Tries != 5000 {
			t.Errorf("of a share is seen %+v", now)
		}
	})
}

func TestBypassesHaltARamp(t *testing.T) {
	each(t, func(o *office) {
		group, in, out := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		o.pass(time.Minute)
		o.sign(in, "password", 27, 0)
		o.sign(in, "bypass", 3, 0)
		o.sign(out, "password", 30, 0)
		o.pass(6 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || l.Cause != ramp.CauseBypass {
			o.T.Errorf("a tenth by bypass: %+v", l.Ramp)
		}
	})
}

func TestAStepWaitsForItsSampleAndItsHours(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, _ := o.pilot()
		p := plan(group)
		p.Steps[0].Sample, p.Steps[1].Sample = 3, 1
		p.Hours = ramp.Hours{Working: true, Zone: "UTC"}
		o.must(o.begin(o.admin, feature.Passkeys, p))
		bit := feature.Set(0)
		if e, ok := feature.Find(feature.Passkeys); ok {
			bit = e.Bit
		}
		decided := func(id string, had feature.Set, outcome int) {
			o.Set("INSERT INTO decisions (tenant_id, decided_at, id, user_id, attempt_id, outcome, had, would_outcome, would_have, rules, record) VALUES (?,?,?,?,'',?,?,1,0,'',?)",
				o.Alder.ID, o.Clock.Now(), id, in.ID, outcome, int(had), []byte{1})
		}
		o.Clock.Forward(time.Minute)
		decided("1", bit, 1)
		decided("2", bit, 1)
		decided("3", 0, 1)   // of somebody who is not in the ring
		decided("4", bit, 3) // blocked
		o.Clock.Forward(2 * time.Hour)
		o.sweep()
		if l := o.look(feature.Passkeys); l.Step != 0 || len(l.Waits) != 3 || l.Waits[1].Have != 2 || l.Waits[1].Met || !l.Waits[0].Met {
			t.Fatalf("it waits for %+v at step %d", l.Waits, l.Step)
		}
		decided("5", bit, 1)
		// To the next Saturday at noon, and from there to Monday at half past eight.
		for o.Clock.Now().Weekday() != time.Saturday {
			o.Clock.Forward(time.Hour)
		}
		o.sweep()
		monday := o.Clock.Now().Truncate(24 * time.Hour).Add(2*24*time.Hour + 8*time.Hour + 30*time.Minute)
		o.Clock.Forward(monday.Sub(o.Clock.Now()))
		o.sweep()
		if l := o.look(feature.Passkeys); l.Step != 0 {
			t.Fatalf("a step was taken outside of working hours: %+v", l.Ramp)
		}
		o.Clock.Forward(31 * time.Minute)
		o.sweep()
		if l := o.look(feature.Passkeys); l.Step != 1 {
			t.Errorf("within working hours it is %+v, waits %+v", l.Ramp, l.Waits)
		}
		// What was counted for one step counts for no other.
		o.Clock.Forward(2 * time.Hour)
		o.sweep()
		if l := o.look(feature.Passkeys); l.Step != 1 || l.Waits[1].Have != 0 {
			t.Fatalf("the second step waits for %+v", l.Waits)
		}
		decided("6", bit, 1)
		o.sweep()
		if l := o.look(feature.Passkeys); l.Waits[1].Have != 0 {
			t.Errorf("what may not be written yet is counted: %+v", l.Waits)
		}
		o.Clock.Forward(2 * time.Minute)
		o.sweep()
		if l := o.look(feature.Passkeys); l.Step != 2 || l.Sampled != 0 {
			t.Errorf("the third step is %+v", l.Ramp)
		}
	})
}

func TestARampIsPausedTakenOnAndCancelled(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		first := o.look(feature.Passkeys).ID
		if _, err := o.begin(o.admin, feature.Passkeys, plan(group)); fault.Of(err) == nil || fault.Of(err).Kind != fault.Invalid && fault.Of(err).Code != "ramp.one" {
			t.Errorf("a second one = %v", err)
		}
		o.must(o.on(o.security, ramp.KindPause, feature.Passkeys))
		signintest.WantCode(t, "to pause it again", second(o.on(o.security, ramp.KindPause, feature.Passkeys)), "ramp.state")
		o.pass(2 * time.Hour)
		if l := o.look(feature.Passkeys); l.Step != 0 || l.State != ramp.Paused || l.Note != "a test" || l.NotedBy != o.security.Name {
			t.Fatalf("paused, it is %+v", l.Ramp)
		}
		o.must(o.on(o.admin, ramp.KindNext, feature.Passkeys))
		if l := o.look(feature.Passkeys); l.Step != 1 || o.now(feature.Passkeys).Rule.Share != 5 {
			t.Fatalf("taken on, it is %+v", l.Ramp)
		}
		// The same press twice takes one step.
		if _, err := o.submit(o.admin, ramp.KindNext, ramp.On{Feature: feature.Passkeys, Ramp: first, Step: 1}); fault.Of(err) == nil || fault.Of(err).Code != "ramp.state" {
			t.Errorf("the same step again = %v", err)
		}
		// The guard watches what is paused.
		o.pass(time.Minute)
		o.sign(in, "passkey", 30, 30)
		o.pass(6 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || l.Step != 0 || o.now(feature.Passkeys).Rule.Stage != feature.Pilot {
			t.Fatalf("paused, and all fail: %+v", l.Ramp)
		}
		signintest.WantCode(t, "to take on what is halted", second(o.on(o.admin, ramp.KindNext, feature.Passkeys)), "ramp.state")
		o.must(o.on(o.admin, ramp.KindCancel, feature.Passkeys))
		if l := o.look(feature.Passkeys); l.State != ramp.Cancelled || o.now(feature.Passkeys).Rule.Stage != feature.Pilot {
			t.Errorf("cancelled, it is %+v", l.Ramp)
		}
		for _, kind := range []approval.Kind{ramp.KindPause, ramp.KindResume, ramp.KindNext, ramp.KindCancel} {
			signintest.WantCode(t, string(kind)+" of what is over", second(o.on(o.admin, kind, feature.Passkeys)), "ramp.state")
		}
		// Another one may begin.
		o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Off}, Version: o.now(feature.Passkeys).Version}))
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
	})
}

func second(_ approval.Outcome, err error) error { return err }

func TestWhatLiesAheadOfARampIsChanged(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		l := o.look(feature.Passkeys)
		next := l.Plan
		next.Steps = append([]ramp.Step(nil), next.Steps...)
		next.Steps[0].Rule = feature.Rule{Stage: feature.Everyone} // is behind it, and stays
		next.Steps[1].Rule.Share = 10
		next.Steps[2].Stay = 3 * time.Hour
		signintest.WantCode(t, "from a turn that never was", second(o.submit(o.admin, ramp.KindChange, ramp.Change{Feature: feature.Passkeys, Ramp: l.ID, Turn: l.Turn + 1, Plan: next})), "ramp.state")
		o.must(o.submit(o.admin, ramp.KindChange, ramp.Change{Feature: feature.Passkeys, Ramp: l.ID, Turn: l.Turn, Plan: next}))
		signintest.WantCode(t, "over an older turn", second(o.submit(o.admin, ramp.KindChange, ramp.Change{Feature: feature.Passkeys, Ramp: l.ID, Turn: l.Turn, Plan: next})), "ramp.state")
		o.pass(61 * time.Minute)
		if r := o.now(feature.Passkeys); r.Rule.Share != 10 {
			t.Errorf("the changed step is %+v", r)
		}
		if l := o.look(feature.Passkeys); l.Plan.Steps[0].Rule.Stage != feature.Pilot || l.Plan.Steps[2].Stay != 3*time.Hour {
			t.Errorf("the plan is %+v", l.Plan)
		}
	})
}

func TestAChangeByHandEndsTheRamp(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		o.must(o.submit(o.security, rollout.KindChange, rollout.Draft{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Percentage, Share: 50}, Version: o.now(feature.Passkeys).Version}))
		l := o.look(feature.Passkeys)
		if l.State != ramp.Overtaken || l.NotedBy != o.security.Name || o.Events(audit.RampOvertaken) != 1 {
			t.Fatalf("overtaken, it is %+v", l.Ramp)
		}
		if got := o.Count("SELECT count(*) FROM notices WHERE action = 'ramp.overtaken'"); got != 1 {
			t.Errorf("%d are told; who did it knows", got)
		}
		o.pass(2 * time.Hour)
		if r := o.now(feature.Passkeys); r.Rule.Share != 50 {
			t.Errorf("what was said by hand is %+v", r)
		}
	})
}

// TestARampThatLoosensNeedsASecondPersonForAllOfIt has the approval of exactly these steps.
func TestARampThatLoosensNeedsASecondPersonForAllOfIt(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group := o.group("pilot", o.User(o.Alder, "user1"))
		o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.SMS, Rule: feature.Rule{Stage: feature.Off}}))
		out, err := o.begin(o.admin, feature.SMS, plan(group))
		if err != nil || !out.Waits() {
			t.Fatalf("begun alone: %+v, %v", out, err)
		}
		if o.now(feature.SMS).Rule.Stage != feature.Off {
			t.Fatal("it opens before it is approved")
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.admin.ID, approval.Given{}); !errors.Is(err, fault.Forbidden) {
			t.Errorf("who asked approves: %v", err)
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		if l := o.look(feature.SMS); l.BegunBy != o.admin.Name || l.ApprovedBy != o.security.Name {
			t.Errorf("it is %+v", l.Ramp)
		}
		// The steps need no further eyes, but one before its time does.
		if out, err := o.on(o.admin, ramp.KindNext, feature.SMS); err != nil || !out.Waits() {
			t.Errorf("a step before its time: %+v, %v", out, err)
		}
		o.must(o.on(o.admin, ramp.KindPause, feature.SMS))
		o.must(o.on(o.admin, ramp.KindResume, feature.SMS))
		o.pass(63 * time.Minute)
		if r := o.now(feature.SMS); r.Rule.Share != 5 {
			t.Errorf("the second step is %+v", r)
		}
		// More of it than was approved needs them again.
		l := o.look(feature.SMS)
		wider := l.Plan
		wider.Steps = append([]ramp.Step(nil), wider.Steps...)
		wider.Steps[2].Rule.Include = nil
		if out, err := o.submit(o.admin, ramp.KindChange, ramp.Change{Feature: feature.SMS, Ramp: l.ID, Turn: l.Turn, Plan: wider}); err != nil || !out.Waits() {
			t.Errorf("another last step: %+v, %v", out, err)
		}
	})
}

func TestWhatARampCannotBe(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		for claim, row := range map[string]struct {
			change func(p *ramp.Plan)
			field  string
		}{
			"no steps":                         {func(p *ramp.Plan) { p.Steps = nil }, "stage_1"},
			"too many":                         {func(p *ramp.Plan) { p.Steps = append(append(p.Steps, p.Steps...), p.Steps...) }, "stage_1"},
			"a step that is none":              {func(p *ramp.Plan) { p.Steps[1].Rule.Stage = "most" }, "stage_2"},
			"more than all":                    {func(p *ramp.Plan) { p.Steps[1].Rule.Share = 101 }, "percentage_2"},
			"a pilot of nobody":                {func(p *ramp.Plan) { p.Steps[0].Rule.Include = nil }, "include_groups"},
			"a group that is none":             {func(p *ramp.Plan) { p.Steps[1].Rule.Include = []string{"x"} }, "include_groups"},
			"a step like the one before":       {func(p *ramp.Plan) { p.Steps[2].Rule = p.Steps[1].Rule }, "stage_3"},
			"a first step like what holds":     {func(p *ramp.Plan) { p.Steps[0].Rule = feature.Rule{Stage: feature.Off} }, "stage_1"},
			"a step shorter than the window":   {func(p *ramp.Plan) { p.Steps[0].Stay = 29 * time.Minute }, "hours_1"},
			"a step of a year":                 {func(p *ramp.Plan) { p.Steps[0].Stay = 365 * 24 * time.Hour }, "hours_1"},
			"less than no sample":              {func(p *ramp.Plan) { p.Steps[0].Sample = -1 }, "sample_1"},
			"a window of a minute":             {func(p *ramp.Plan) { p.Guard.Window = time.Minute }, "window"},
			"a guard that judges by one":       {func(p *ramp.Plan) { p.Guard.Sample = 1 }, "sample"},
			"no margin":                        {func(p *ramp.Plan) { p.Guard.Failure = 0 }, "failure"},
			"a margin of more than everything": {func(p *ramp.Plan) { p.Guard.Bypass = 100 }, "bypass"},
			"a zone that is none":              {func(p *ramp.Plan) { p.Hours = ramp.Hours{Working: true, Zone: "Nowhere/Land"} }, "zone"},
		} {
			p := plan(group)
			row.change(&p)
			_, err := o.begin(o.admin, feature.Passkeys, p)
			if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields[row.field] == "" {
				t.Errorf("%s: %v with %v, want something about %s", claim, err, fault.Of(err), row.field)
			}
		}
		_, err := o.submit(o.admin, ramp.KindBegin, ramp.Begin{Feature: feature.Passkeys, Version: 7, Plan: plan(group)})
		signintest.WantCode(t, "from a version that never was", err, "settings.changed_meanwhile")
		if _, err := o.submit(o.admin, ramp.KindBegin, ramp.Begin{Feature: "teleport", Plan: plan(group)}); !errors.Is(err, fault.NotFound) {
			t.Errorf("of a feature that is none: %v", err)
		}
		if n := o.Count("SELECT count(*) FROM ramps"); n != 0 || o.now(feature.Passkeys).Version != 1 {
			t.Errorf("%d ramps stand, and version %d", n, o.now(feature.Passkeys).Version)
		}
	})
}

// TestEveryStepLeavesTwoAdministrators is refused beforehand, and halts when it turns
// out later.
func TestEveryStepLeavesTwoAdministrators(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.PasskeyOf(o.admin)
		desks := o.group("desks", o.admin)
		closing := func() ramp.Plan {
			p := plan()
			p.Steps = []ramp.Step{
				{Rule: feature.Rule{Stage: feature.Percentage, Share: 50, Include: []string{desks}}, Stay: time.Hour},
				{Rule: feature.Rule{Stage: feature.Off}, Stay: time.Hour},
			}
			return p
		}
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", o.admin.ID)
		_, err := o.begin(o.security, feature.Passkeys, closing())
		if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields["stage_2"] != "ramp.two_administrators" || o.now(feature.Passkeys).Version != 0 {
			t.Fatalf("a last step that shuts one of two out = %v", err)
		}
		o.Set("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = ?) WHERE id = ?", o.security.ID, o.admin.ID)
		o.must(o.begin(o.security, feature.Passkeys, closing()))
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", o.admin.ID)
		o.pass(62 * time.Minute)
		l := o.look(feature.Passkeys)
		if l.State != ramp.Halted || l.Cause != ramp.CauseAdministrators || l.Step != 0 || o.now(feature.Passkeys).Version != 1 {
			t.Errorf("it is %+v, and the rule %+v", l.Ramp, o.now(feature.Passkeys))
		}
	})
}

func TestAGroupThatIsGoneHaltsTheRamp(t *testing.T) {
	each(t, func(o *office) {
		group, _, _ := o.pilot()
		later := o.group("later")
		p := plan(group)
		p.Steps[1].Rule.Include = []string{later}
		o.must(o.begin(o.admin, feature.Passkeys, p))
		o.Set("DELETE FROM groups WHERE id = ?", later)
		o.pass(62 * time.Minute)
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || l.Cause != ramp.CauseGroup || l.Step != 0 {
			o.T.Errorf("it is %+v", l.Ramp)
		}
	})
}

// TestWhoMayRamp asks by every role, and for the ramp of another tenant.
func TestWhoMayRamp(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		stranger := o.Admin(o.Birch, "admin", access.RoleTenantAdministrator)
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		l := o.look(feature.Passkeys)
		for _, role := range []access.Role{access.RoleHelpdesk, access.RoleHelpdeskLead, access.RoleAuditor, ""} {
			who := stranger
			if role != "" {
				who = o.Admin(o.Alder, "as-"+strings.ReplaceAll(string(role), "_", "-"), role)
			}
			for kind, parameters := range map[approval.Kind]any{
				ramp.KindBegin: ramp.Begin{Feature: feature.TOTP, Plan: plan(group)}, ramp.KindChange: ramp.Change{Feature: feature.Passkeys, Ramp: l.ID, Turn: l.Turn, Plan: l.Plan},
				ramp.KindPause: ramp.On{Feature: feature.Passkeys, Ramp: l.ID}, ramp.KindResume: ramp.On{Feature: feature.Passkeys, Ramp: l.ID}, ramp.KindNext: ramp.On{Feature: feature.Passkeys, Ramp: l.ID, Step: 1}, ramp.KindCancel: ramp.On{Feature: feature.Passkeys, Ramp: l.ID},
			} {
				if _, err := o.submit(who, kind, parameters); !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s by %q: %v", kind, role, err)
				}
			}
		}
		act := approval.Act{Kind: ramp.KindCancel, TenantID: o.Birch.ID, ActorID: stranger.ID, Reason: "a test"}
		if _, err := o.approvals.Submit(t.Context(), act.With(ramp.On{Feature: feature.Passkeys, Ramp: l.ID})); !errors.Is(err, fault.NotFound) {
			t.Errorf("the ramp of another tenant: %v", err)
		}
		if l := o.look(feature.Passkeys); l.State != ramp.Running {
			t.Errorf("it is %+v", l.Ramp)
		}
	})
}

// TestOfManyReplicasOneTakesAStep sweeps at once, at every step and at the halt, with
// replicas that die after their look.
func TestOfManyReplicasOneTakesAStep(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, in, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		replicas := []*ramp.Service{o.ramps}
		for range 5 {
			replicas = append(replicas, services(o.Replica()).ramps)
		}
		atOnce := func() {
			t.Helper()
			for _, err := range signintest.AtOnce(len(replicas), func(i int) error { return replicas[i].Sweep(t.Context()) }) {
				if err != nil {
					t.Error(err)
				}
			}
		}
		for step := 1; step <= 2; step++ {
			o.Clock.Forward(61 * time.Minute)
			// One takes the look, and is gone before it does anything.
			o.Set("UPDATE ramps SET look_at = ?", o.Clock.Now().Add(time.Minute))
			atOnce()
			if l := o.look(feature.Passkeys); l.Step != step-1 {
				t.Fatalf("somebody looked where another one does: %+v", l.Ramp)
			}
			o.Clock.Forward(time.Minute)
			atOnce()
			atOnce()
			if l := o.look(feature.Passkeys); l.Step != step || o.now(feature.Passkeys).Version != step+2 || o.Events(audit.RampStepped) != step {
				t.Fatalf("after step %d it is %+v, version %d, with %d events", step, l.Ramp, o.now(feature.Passkeys).Version, o.Events(audit.RampStepped))
			}
		}
		o.Clock.Forward(2 * time.Minute)
		o.sign(in, "passkey", 30, 30)
		o.Clock.Forward(6 * time.Minute)
		atOnce()
		o.Clock.Forward(time.Minute)
		atOnce()
		if l := o.look(feature.Passkeys); l.State != ramp.Halted || l.Step != 1 || o.Events(audit.RampHalted) != 1 || o.now(feature.Passkeys).Version != 5 {
			t.Errorf("halted it is %+v, with %d events", l.Ramp, o.Events(audit.RampHalted))
		}
	})
}

// TestAPauseBeatsTheStepOrComesAfterIt has both at the same moment.
func TestAPauseBeatsTheStepOrComesAfterIt(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		for round := range 4 {
			o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
			r := o.look(feature.Passkeys)
			o.Clock.Forward(61 * time.Minute)
			errs := signintest.AtOnce(2, func(i int) error {
				if i == 0 {
					return o.ramps.Sweep(t.Context())
				}
				return second(o.submit(o.admin, ramp.KindPause, ramp.On{Feature: feature.Passkeys, Ramp: r.ID}))
			})
			l := o.look(feature.Passkeys)
			if errs[0] != nil || errs[1] != nil && fault.Of(errs[1]).Code != "ramp.state" {
				t.Fatalf("round %d: %v", round, errs)
			}
			if errs[1] == nil != (l.State == ramp.Paused) || l.Version != o.now(feature.Passkeys).Version {
				t.Errorf("round %d: %v, and it is %+v, the feature at %d", round, errs, l.Ramp, o.now(feature.Passkeys).Version)
			}
			o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.Passkeys, Rule: feature.Rule{Stage: feature.Off}, Version: o.now(feature.Passkeys).Version}))
		}
	})
}
