package rollout_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/rollout"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// later asks for another rule at a time from now, and back at another one; 0 is no time.
func (o *office) later(by user.User, f feature.Feature, r feature.Rule, starts, ends time.Duration) (approval.Outcome, error) {
	d := rollout.Draft{Feature: f, Rule: r, Version: o.now(f).Version}
	for at, in := range map[**time.Time]time.Duration{&d.StartsAt: starts, &d.EndsAt: ends} {
		if in != 0 {
			moment := o.Clock.Now().Add(in)
			*at = &moment
		}
	}
	act := approval.Act{Kind: rollout.KindChange, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(d))
}

// due carries out what is due.
func (o *office) due() {
	o.T.Helper()
	if err := o.rollout.Due(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

func (o *office) schedule(f feature.Feature) *rollout.Scheduled {
	o.T.Helper()
	all, err := o.rollout.Schedules(o.T.Context(), o.Alder.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	if s, ok := all[f]; ok {
		return &s
	}
	return nil
}

func (o *office) unschedule(by user.User, f feature.Feature, id string) (approval.Outcome, error) {
	act := approval.Act{Kind: rollout.KindUnschedule, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(rollout.Unschedule{Feature: f, ID: id}))
}

func TestAChangeIsMadeAtItsTimeAndGoesBackAtItsEnd(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 3*time.Hour))
		o.due()
		s := o.schedule(feature.Passkeys)
		if s == nil || !s.Waits || s.MadeBy != o.admin.Name || o.now(feature.Passkeys).Version != 0 || o.Events(audit.RolloutScheduled) != 1 {
			t.Fatalf("it waits as %+v", s)
		}
		if _, err := o.later(o.security, feature.Passkeys, half, time.Hour, 0); code(err) != "rollout.scheduled" {
			t.Errorf("a second one = %v", err)
		}
		o.Clock.Forward(time.Hour - time.Second)
		o.due()
		if o.now(feature.Passkeys).Version != 0 {
			t.Fatal("it was made before its time")
		}
		o.Clock.Forward(time.Second)
		o.due()
		if r := o.now(feature.Passkeys); r.Rule.Share != 25 || r.Version != 1 {
			t.Fatalf("at its time it is %+v", r)
		}
		if s := o.schedule(feature.Passkeys); s == nil || s.Waits || s.Before.Stage != feature.Everyone {
			t.Fatalf("until its end it waits as %+v", s)
		}
		history, err := o.rollout.History(t.Context(), o.Alder.ID, feature.Passkeys)
		if err != nil || history[0].ChangedBy != "" || history[0].Reason != "a test" {
			t.Errorf("the history says %+v, %v", history[0], err)
		}
		if n := o.Count("SELECT count(*) FROM notices WHERE action = 'rollout.changed'"); n != 2 {
			t.Errorf("%d are told, want both", n)
		}
		o.Clock.Forward(2 * time.Hour)
		o.due()
		o.due()
		if r := o.now(feature.Passkeys); r.Rule.Stage != feature.Everyone || r.Version != 2 || o.schedule(feature.Passkeys) != nil {
			t.Errorf("after its end it is %+v", r)
		}
		// At once, with an end.
		o.must(o.later(o.admin, feature.Passkeys, half, 0, time.Hour))
		if r := o.now(feature.Passkeys); r.Rule.Share != 50 || r.Version != 3 {
			t.Errorf("at once it is %+v", r)
		}
		o.Clock.Forward(time.Hour)
		o.due()
		if r := o.now(feature.Passkeys); r.Rule.Stage != feature.Everyone || r.Version != 4 {
			t.Errorf("after the end it is %+v", r)
		}
	})
}

func TestWhatTimesCannotBe(t *testing.T) {
	each(t, func(o *office) {
		for claim, row := range map[string]struct {
			starts, ends time.Duration
			field        string
		}{
			"a beginning that is over":   {-time.Minute, 0, "starts_at"},
			"in two years":               {2 * 366 * 24 * time.Hour, 0, "starts_at"},
			"an end that is over":        {0, -time.Minute, "ends_at"},
			"an end before it begins":    {2 * time.Hour, time.Hour, "ends_at"},
			"an end at its beginning":    {time.Hour, time.Hour, "ends_at"},
			"an end in years from there": {time.Hour, 800 * 24 * time.Hour, "ends_at"},
		} {
			_, err := o.later(o.admin, feature.Passkeys, quarter, row.starts, row.ends)
			if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields[row.field] == "" {
				o.T.Errorf("%s: %v", claim, err)
			}
		}
		if o.schedule(feature.Passkeys) != nil || o.now(feature.Passkeys).Version != 0 {
			o.T.Error("something was scheduled")
		}
	})
}

// TestWhatIsScheduledIsAskedAgainAtItsTime lets something stand against it each time.
func TestWhatIsScheduledIsAskedAgainAtItsTime(t *testing.T) {
	for cause, against := range map[string]func(o *office, maker user.User, desks string){
		rollout.DropApproval: func(o *office, maker user.User, _ string) {
			o.Set("DELETE FROM role_assignments WHERE user_id = ?", maker.ID)
		},
		rollout.DropGroup: func(o *office, _ user.User, desks string) {
			o.Set("DELETE FROM groups WHERE id = ?", desks)
		},
		rollout.DropAdministrators: func(o *office, maker user.User, _ string) {
			// Of three two are left who can sign in, one of them by a passkey alone.
			o.Set("UPDATE users SET state = 'locked' WHERE id = ?", o.security.ID)
			o.PasskeyOf(o.admin)
			o.Set("UPDATE users SET password_hash = '' WHERE id = ?", o.admin.ID)
			o.Set("UPDATE users SET password_hash = '' WHERE id = ?", maker.ID)
			o.PasskeyOf(maker)
		},
	} {
		t.Run(cause, func(t *testing.T) {
			each(t, func(o *office) {
				maker := o.Admin(o.Alder, "maker", access.RoleTenantAdministrator)
				desks := o.group("desks")
				o.must(o.later(maker, feature.Passkeys, feature.Rule{Stage: feature.Pilot, Include: []string{desks}}, time.Hour, 0))
				against(o, maker, desks)
				o.Clock.Forward(2 * time.Hour)
				o.due()
				o.due()
				if o.now(feature.Passkeys).Version != 0 || o.schedule(feature.Passkeys) != nil || o.Events(audit.RolloutDropped) != 1 {
					o.T.Fatalf("it is %+v, waits %+v, %d events", o.now(feature.Passkeys), o.schedule(feature.Passkeys), o.Events(audit.RolloutDropped))
				}
				if got := o.Text("SELECT reason FROM audit_events WHERE action = 'rollout.dropped'"); got != cause {
					o.T.Errorf("the cause is %q", got)
				}
				if o.Count("SELECT count(*) FROM notices WHERE action = 'rollout.dropped'") == 0 {
					o.T.Error("nobody is told")
				}
			})
		})
	}
}

func TestAChangeByHandDropsWhatWaits(t *testing.T) {
	each(t, func(o *office) {
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 0))
		o.must(o.change(o.security, feature.Passkeys, half))
		if o.schedule(feature.Passkeys) != nil || o.Events(audit.RolloutDropped) != 1 || o.Count("SELECT count(*) FROM notices WHERE action = 'rollout.dropped'") != 1 {
			o.T.Error("what was made from an older version still waits, or nobody heard of it")
		}
		o.Clock.Forward(2 * time.Hour)
		o.due()
		if o.now(feature.Passkeys).Rule.Share != 50 {
			o.T.Errorf("it is %+v", o.now(feature.Passkeys))
		}
		// What was changed behind its back is found at its time.
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 0))
		o.Set("UPDATE rollouts SET version = version + 1")
		o.Clock.Forward(time.Hour)
		o.due()
		if o.now(feature.Passkeys).Rule.Share != 50 || o.Events(audit.RolloutDropped) != 2 {
			o.T.Errorf("over another version it is %+v", o.now(feature.Passkeys))
		}
	})
}

// TestWhatLoosensLaterNeedsTwoNow: the approval is given before, and must still stand.
func TestWhatLoosensLaterNeedsTwoNow(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.must(o.change(o.admin, feature.SMS, nobody))
		out, err := o.later(o.admin, feature.SMS, half, time.Hour, 2*time.Hour)
		if err != nil || !out.Waits() || o.schedule(feature.SMS) != nil {
			t.Fatalf("alone: %+v, %v", out, err)
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		if s := o.schedule(feature.SMS); s == nil || s.Approved != o.security.Name {
			t.Fatalf("approved, it waits as %+v", s)
		}
		o.Clock.Forward(time.Hour)
		o.due()
		if o.now(feature.SMS).Rule.Share != 50 {
			t.Fatalf("at its time it is %+v", o.now(feature.SMS))
		}
		// To keep for good what was to end is more than was approved.
		if out, err := o.unschedule(o.admin, feature.SMS, o.schedule(feature.SMS).ID); err != nil || !out.Waits() {
			t.Errorf("to keep it: %+v, %v", out, err)
		}
		// To take it away for an hour gives it back afterwards, which needs two as well.
		if out, err := o.later(o.admin, feature.Voice, nobody, 0, time.Hour); err != nil || !out.Waits() {
			t.Errorf("to close it for an hour: %+v, %v", out, err)
		}
		o.Clock.Forward(time.Hour)
		o.due()
		if o.now(feature.SMS).Rule.Stage != feature.Off {
			t.Errorf("after its end it is %+v", o.now(feature.SMS))
		}
	})
}

func TestWhatWaitsIsCancelled(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 0))
		id := o.schedule(feature.Passkeys).ID
		if _, err := o.unschedule(o.Admin(o.Alder, "desk", access.RoleHelpdesk), feature.Passkeys, id); !errors.Is(err, fault.Forbidden) {
			t.Errorf("by the helpdesk: %v", err)
		}
		if _, err := o.unschedule(o.admin, feature.TOTP, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("of another feature: %v", err)
		}
		o.must(o.unschedule(o.security, feature.Passkeys, id))
		if _, err := o.unschedule(o.security, feature.Passkeys, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("again: %v", err)
		}
		o.Clock.Forward(2 * time.Hour)
		o.due()
		if o.now(feature.Passkeys).Version != 0 || o.Events(audit.RolloutUnscheduled) != 1 {
			t.Errorf("it is %+v", o.now(feature.Passkeys))
		}
	})
}

// TestOfManyReplicasOneMakesTheChange sweeps at once.
func TestOfManyReplicasOneMakesTheChange(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 2*time.Hour))
		all := []*rollout.Service{o.rollout}
		for range 5 {
			all = append(all, replicaOf(o.Replica()))
		}
		for version := 1; version <= 2; version++ {
			o.Clock.Forward(time.Hour)
			for _, err := range signintest.AtOnce(len(all), func(i int) error { return all[i].Due(t.Context()) }) {
				if err != nil {
					t.Error(err)
				}
			}
			if o.now(feature.Passkeys).Version != version || o.Events(audit.RolloutChanged) != version || o.Events(audit.RolloutDropped) != 0 {
				t.Fatalf("it is at version %d, with %d changes and %d drops, want %d", o.now(feature.Passkeys).Version, o.Events(audit.RolloutChanged), o.Events(audit.RolloutDropped), version)
			}
		}
	})
}

// replicaOf is the service of another replica.
func replicaOf(h *signintest.House) *rollout.Service {
	return services(h).rollout
}

// TestWhatIsLooseForATimeIsKeptByTwo: a change by hand takes the return away.
func TestWhatIsLooseForATimeIsKeptByTwo(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		o.must(o.change(o.admin, feature.SMS, nobody))
		o.twice(o.later(o.admin, feature.SMS, half, 0, time.Hour))
		if r := o.now(feature.SMS); r.Rule.Share != 50 || o.schedule(feature.SMS) == nil {
			t.Fatalf("loose for an hour it is %+v", r)
		}
		if out, err := o.change(o.admin, feature.SMS, quarter); err != nil || !out.Waits() || o.schedule(feature.SMS) == nil {
			t.Fatalf("less of it, for good: %+v, %v", out, err)
		}
		o.must(o.change(o.admin, feature.SMS, nobody)) // is where it goes back to
		if o.now(feature.SMS).Rule.Stage != feature.Off || o.schedule(feature.SMS) != nil {
			t.Errorf("it is %+v", o.now(feature.SMS))
		}
	})
}

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

// TestAReturnThatCannotBeIsTriedAgain lets the group of the rule before be gone for an hour.
func TestAReturnThatCannotBeIsTriedAgain(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		desks := o.group("desks")
		pilot := feature.Rule{Stage: feature.Pilot, Include: []string{desks}}
		o.must(o.change(o.admin, feature.SMS, pilot))
		o.twice(o.later(o.admin, feature.SMS, half, 0, time.Hour))
		o.Set("UPDATE groups SET id = 'elsewhere'")
		for range 5 {
			o.Clock.Forward(time.Hour)
			o.due()
			o.due()
		}
		if o.schedule(feature.SMS) == nil || o.now(feature.SMS).Rule.Share != 50 || o.Events(audit.RolloutDropped) != 0 {
			t.Fatalf("it is %+v, waits %+v", o.now(feature.SMS), o.schedule(feature.SMS))
		}
		if told := o.Count("SELECT count(*) FROM notices WHERE action = 'rollout.stuck'"); told != 2 || o.Events(audit.RolloutStuck) != 1 {
			t.Errorf("%d notices and %d events, want 2 and 1", told, o.Events(audit.RolloutStuck))
		}
		o.Set("UPDATE groups SET id = ?", desks)
		o.Clock.Forward(time.Hour)
		o.due()
		if r := o.now(feature.SMS); r.Rule.Stage != feature.Pilot || o.schedule(feature.SMS) != nil {
			t.Errorf("with the group again it is %+v", r)
		}
	})
}

// TestWhatCannotBeReadStopsNoOther has one broken row, and one of a program to come.
func TestWhatCannotBeReadStopsNoOther(t *testing.T) {
	each(t, func(o *office) {
		o.must(o.later(o.admin, feature.Passkeys, quarter, time.Hour, 0))
		for f, rule := range map[string]string{"totp": "{", "teleport": "{}"} {
			o.Set(`INSERT INTO rollout_schedules (tenant_id, feature, id, state, rule, before, version, at, loosens, reason, ticket, made_by, approved_by, made_at)
				VALUES (?,?,?,'waits',?,'{}',1,?,FALSE,'','','','',?)`, o.Birch.ID, f, f, rule, o.Clock.Now(), o.Clock.Now())
		}
		o.Clock.Forward(time.Hour)
		if err := o.rollout.Due(o.T.Context()); err == nil {
			o.T.Error("nobody hears of the broken one")
		}
		if o.now(feature.Passkeys).Rule.Share != 25 || o.Count("SELECT count(*) FROM rollout_schedules") != 2 {
			o.T.Errorf("it is %+v, and %d wait", o.now(feature.Passkeys), o.Count("SELECT count(*) FROM rollout_schedules"))
		}
	})
}
