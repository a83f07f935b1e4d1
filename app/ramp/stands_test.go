package ramp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/feature"
	"latchkey/app/ramp"
	"latchkey/app/rollout"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// twice has the second one approve what the first one asked for.
func (o *office) twice(out approval.Outcome, err error) {
	o.T.Helper()
	if err == nil && out.Waits() {
		err = o.approvals.Approve(o.T.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{})
	} else if err == nil {
		err = errors.New("nobody else was needed")
	}
	if err != nil {
		o.T.Fatal(err)
	}
}

// sms begins, by two, a ramp of a feature that weakens.
func (o *office) sms() {
	o.T.Helper()
	p := plan(o.group("desks", o.User(o.Alder, "user1")))
	o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.SMS, Rule: feature.Rule{Stage: feature.Off}}))
	o.twice(o.begin(o.admin, feature.SMS, p))
}

// TestWhatAHaltTookBackIsLoosenedAgainByTwo.
func TestWhatAHaltTookBackIsLoosenedAgainByTwo(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.sms()
		in := user.User{TenantID: o.Alder.ID, ID: o.Text("SELECT user_id FROM group_members WHERE group_id = 'desks'")}
		o.pass(time.Minute)
		o.sign(in, "sms", 30, 30)
		o.pass(6 * time.Minute)
		if l := o.look(feature.SMS); l.State != ramp.Halted || l.Step != -1 {
			t.Fatalf("all fail, and it is %+v", l.Ramp)
		}
		out, err := o.on(o.admin, ramp.KindResume, feature.SMS)
		if err != nil || !out.Waits() || o.look(feature.SMS).State != ramp.Halted {
			t.Fatalf("resumed alone: %+v, %v", out, err)
		}
		// Whoever approves it sees every step that lies ahead, with its time.
		seen, err := o.approvals.Find(t.Context(), o.Alder.ID, out.RequestID, o.security.ID)
		if err != nil {
			t.Fatal(err)
		}
		var rules, terms []string
		for _, line := range seen.Difference {
			switch line.Field {
			case "feature_sms":
				rules = append(rules, line.Before+" > "+line.After)
			case "ramp_step":
				terms = append(terms, line.After)
			}
		}
		if got := strings.Join(rules, ", "); got != "off > pilot|+desks, pilot|+desks > percentage|5 %|+desks, percentage|5 %|+desks > percentage|100 %|+desks" {
			t.Errorf("the difference is %s", got)
		}
		if got := strings.Join(terms, ", "); got != "1|60|0, 2|60|0, 3|60|0" {
			t.Errorf("the terms are %s", got)
		}
		o.twice(out, nil)
		o.pass(2 * time.Minute)
		if l := o.look(feature.SMS); l.State != ramp.Running || l.Step != 0 {
			t.Errorf("resumed by two, it is %+v", l.Ramp)
		}
	})
}

// TestNoStepIsTakenWhileThePlatformHoldsTheFeatureBack.
func TestNoStepIsTakenWhileThePlatformHoldsTheFeatureBack(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		group, _, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		var cell feature.Cell
		if _, err := o.DB.View(t.Context()).One(&cell, "SELECT region, ring FROM tenants WHERE id = ?", o.Alder.ID); err != nil {
			t.Fatal(err)
		}
		o.Act(func(tx *store.Tx) error { return feature.Release(tx, feature.Passkeys, []feature.Cell{cell}) })
		o.pass(70 * time.Minute)
		l := o.look(feature.Passkeys)
		if l.Step != 0 || l.State != ramp.Running || len(l.Waits) != 2 || l.Waits[1].For != "released" || l.Waits[1].Met {
			t.Fatalf("stopped, it is %+v, waits %+v", l.Ramp, l.Waits)
		}
		// Nor by hand, and nothing that was stopped goes on.
		signintest.WantCode(t, "the next step", second(o.on(o.admin, ramp.KindNext, feature.Passkeys)), "ramp.held_back")
		o.must(o.on(o.admin, ramp.KindPause, feature.Passkeys))
		signintest.WantCode(t, "to go on", second(o.on(o.admin, ramp.KindResume, feature.Passkeys)), "ramp.held_back")
		o.Act(func(tx *store.Tx) error { return feature.Release(tx, feature.Passkeys, nil) })
		o.must(o.on(o.admin, ramp.KindResume, feature.Passkeys))
		o.pass(2 * time.Minute)
		if l := o.look(feature.Passkeys); l.Step != 1 {
			t.Errorf("released again, it is %+v", l.Ramp)
		}
	})
}

// TestTheFormLosesNoGroupOfALaterStep, however many there are.
func TestTheFormLosesNoGroupOfALaterStep(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		for i := range 205 {
			o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", o.Alder.ID, fmt.Sprintf("g%03d", i), fmt.Sprintf("group %03d", i), o.Clock.Now())
		}
		group, _, _ := o.pilot() // is behind all of them
		p := plan("g201")
		p.Steps[1].Rule.Include = []string{"g202"}
		o.must(o.begin(o.admin, feature.Passkeys, p))
		later := o.Clock.Now().Add(time.Hour)
		o.must(o.submit(o.admin, rollout.KindChange, rollout.Draft{Feature: feature.TOTP, Rule: feature.Rule{Stage: feature.Everyone, Exclude: []string{group}}, StartsAt: &later}))
		groups, err := o.rollout.Groups(t.Context(), o.Alder.ID)
		var last []string
		for _, g := range groups[max(0, len(groups)-4):] {
			last = append(last, g.ID)
		}
		if err != nil || len(groups) != 203 || strings.Join(last, " ") != "g199 g201 g202 "+group {
			t.Errorf("it shows %d groups, at last %v, %v", len(groups), last, err)
		}
		o.must(o.on(o.admin, ramp.KindCancel, feature.Passkeys))
		if groups, err := o.rollout.Groups(t.Context(), o.Alder.ID); err != nil || len(groups) != 202 {
			t.Errorf("without what lay ahead it shows %d, %v", len(groups), err)
		}
	})
}

// TestARampThatCannotBeReadStopsNoOther has one broken row, and one of a program to come.
func TestARampThatCannotBeReadStopsNoOther(t *testing.T) {
	each(t, func(o *office) {
		group, _, _ := o.pilot()
		o.must(o.begin(o.admin, feature.Passkeys, plan(group)))
		for f, plan := range map[string]string{"totp": "{", "teleport": `{"steps":[{"rule":{"stage":"off"}}]}`} {
			o.Set(`INSERT INTO ramps (tenant_id, id, feature, state, plan, before, step, version, turn, entered_at, look_at, day_tries, day_failed, day_sign_ins, day_bypassed,
				reason, ticket, begun_by, approved_by, begun_at) VALUES (?,?,?,'running',?,'{}',0,1,1,?,?,0,0,0,0,'','','','',?)`,
				o.Birch.ID, f, f, plan, o.Clock.Now(), o.Clock.Now(), o.Clock.Now())
		}
		o.Clock.Forward(61 * time.Minute)
		if err := o.ramps.Sweep(o.T.Context()); err == nil || !strings.Contains(err.Error(), "totp") {
			o.T.Errorf("of the broken one is said %v", err)
		}
		if l := o.look(feature.Passkeys); l.Step != 1 {
			o.T.Errorf("it is %+v", l.Ramp)
		}
	})
}

// TestARampWhoseMakerMayNotAnyMoreIsHalted, and goes on when others answer for it.
func TestARampWhoseMakerMayNotAnyMoreIsHalted(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.sms()
		third := o.Admin(o.Alder, "third", access.RoleTenantAdministrator)
		o.Set("DELETE FROM role_assignments WHERE user_id = ?", o.admin.ID)
		o.pass(62 * time.Minute)
		if l := o.look(feature.SMS); l.State != ramp.Halted || l.Cause != ramp.CauseApproval || l.Step != 0 || o.Count("SELECT count(*) FROM notices WHERE action = 'ramp.halted'") != 2 {
			t.Fatalf("it is %+v", l.Ramp)
		}
		o.twice(o.on(third, ramp.KindResume, feature.SMS))
		o.pass(62 * time.Minute)
		if l := o.look(feature.SMS); l.State != ramp.Running || l.Step != 1 || l.BegunBy != third.Name || l.ApprovedBy != o.security.Name {
			t.Errorf("taken over, it is %+v", l.Ramp)
		}
	})
}

// TestWhoApprovesAChangeOfARampAnswersForItsSteps.
func TestWhoApprovesAChangeOfARampAnswersForItsSteps(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		off := feature.Rule{Stage: feature.Off}
		desks := o.group("desks")
		p := plan(desks)
		p.Steps = []ramp.Step{{Rule: off, Stay: time.Hour}}
		o.must(o.begin(o.admin, feature.SMS, p)) // closes, by one
		l := o.look(feature.SMS)
		p.Steps = append(p.Steps, ramp.Step{Rule: feature.Rule{Stage: feature.Pilot, Include: []string{desks}}, Stay: time.Hour})
		o.twice(o.submit(o.admin, ramp.KindChange, ramp.Change{Feature: feature.SMS, Ramp: l.ID, Turn: l.Turn, Plan: p}))
		o.pass(62 * time.Minute)
		if l := o.look(feature.SMS); l.State != ramp.Running || l.Step != 1 || l.ApprovedBy != o.security.Name {
			t.Errorf("it is %+v", l.Ramp)
		}
	})
}
