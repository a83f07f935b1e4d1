package alarm_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/app/alarm"
	"latchkey/app/audit"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// TestTheTenthBypassOfAnAgentInAnHour raises one alarm; the next ones count on in it.
func TestTheTenthBypassOfAnAgentInAnHour(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		began := h.DB.Now()
		h.bypasses(4)
		h.round()
		h.Clock.Forward(minutes(30))
		h.bypasses(5)
		h.round()
		if open := h.open(); len(open) != 0 {
			t.Fatalf("nine raise %+v", open)
		}
		h.bypasses(1)
		h.round()
		a := h.one("bypasses_by_agent")
		if a.Count != 10 || !a.IsAbout(h.agent.ID) || a.IsAbout(h.security.ID) || !a.FirstAt.Equal(began) || !a.LastAt.Equal(h.DB.Now()) || a.AcknowledgedAt != nil {
			t.Errorf("the alarm is %+v", a)
		}
		if h.Events(audit.AlarmRaised) != 1 || h.noticed(h.security) != 1 || h.noticed(h.second) != 1 || h.noticed(h.agent) != 0 {
			t.Errorf("%d events, and %d, %d and %d are told", h.Events(audit.AlarmRaised), h.noticed(h.security), h.noticed(h.second), h.noticed(h.agent))
		}
		for range 3 {
			h.Clock.Forward(minutes(50))
			h.bypasses(2)
			h.round()
		}
		if a := h.one("bypasses_by_agent"); a.Count != 16 || !a.LastAt.Equal(h.DB.Now()) {
			t.Errorf("it counts on to %+v", a)
		}
		// An hour after the last one it is over: what comes then begins anew.
		h.Clock.Forward(time.Hour)
		h.bypasses(9)
		h.round()
		if a := h.one("bypasses_by_agent"); a.Count != 16 {
			t.Errorf("an hour later it counts on to %d", a.Count)
		}
		h.bypasses(1)
		h.round()
		if open := h.open(); len(open) != 2 || h.Events(audit.AlarmRaised) != 2 || h.noticed(h.second) != 2 {
			t.Errorf("the next tenth: %d are open, told %d times", len(open), h.noticed(h.second))
		}
	})
}

// TestWhatIsSpreadOutIsNoAlarm: the first of ten is an hour old when the tenth comes.
func TestWhatIsSpreadOutIsNoAlarm(t *testing.T) {
	each(t, func(h *house) {
		h.bypasses(1)
		h.round()
		h.Clock.Forward(time.Hour)
		h.bypasses(9)
		h.round()
		if open := h.open(); len(open) != 0 {
			h.T.Errorf("it raises %+v", open)
		}
		h.bypasses(1)
		h.round()
		h.one("bypasses_by_agent")
	})
}

// TestEachIsCountedAlone: by who did it, whom it is about, or the organisation; and who gave
// few to the same person is no agent who gives many.
func TestEachIsCountedAlone(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.happens(2, audit.BypassIssued, h.agent, h.person)
		h.happens(1, audit.BypassIssued, h.security, h.person)
		h.round()
		if a := h.one("bypasses_for_person"); !a.IsAbout(h.person.ID) || a.Count != 3 {
			t.Errorf("the alarm is %+v", a)
		}
		h.happens(1, audit.PromptReported, h.person, h.person)
		h.happens(1, audit.SessionUndone, h.agent, h.agent)
		h.happens(1, audit.BypassDisowned, h.second, h.second)
		h.happens(1, audit.BreakGlassUsed, h.person, h.person)
		h.happens(1, audit.AccessAlarm, h.agent, h.agent)
		h.round()
		var rules []string
		for _, a := range h.open() {
			rules = append(rules, a.Rule+" "+a.AboutKind+" "+strconv.FormatInt(a.Count, 10))
		}
		slices.Sort(rules)
		want := []string{"bypasses_for_person user 3", "break_glass user 1", "not_them tenant 3", "refusals user 1"}
		slices.Sort(want)
		if !slices.Equal(rules, want) {
			t.Errorf("open are %q, want %q", rules, want)
		}
		// Of the use of a break-glass account and of refusals their acts tell.
		if h.noticed(h.security) != 2 {
			t.Errorf("a security administrator is told %d times, want 2", h.noticed(h.security))
		}
	})
}

// TestAFloodIsOneAlarm: of ten thousand events it is one row, one event and one message, and
// what it writes does not grow with them.
func TestAFloodIsOneAlarm(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.set("sign_ins_refused", func(s *alarm.Setting) { s.Active, s.Threshold = true, 250 })
		h.round()
		const flood = 10_000
		for range flood / 100 {
			h.happens(100, audit.SignInRefused, h.person, h.person)
			h.Clock.Forward(time.Millisecond)
		}
		before := h.DB.DurableCommits()
		for range 3 { // the turn of a tenant is 10,000 events long
			h.round()
		}
		if a := h.one("sign_ins_refused"); a.Count != flood {
			t.Errorf("it counts %d of %d", a.Count, flood)
		}
		if rows := h.Count("SELECT count(*) FROM alarms WHERE rule <> 'watching'"); h.raised() != 1 || h.noticed(h.security) != 1 || rows != 1 {
			t.Errorf("%d events, %d notices, %d rows", h.raised(), h.noticed(h.security), rows)
		}
		if commits := h.DB.DurableCommits() - before; commits > flood/2000+10 { // one for each batch, and those of sealing
			t.Errorf("it took %d durable commits", commits)
		}
	})
}

// TestTwoReplicasCountEachEventOnce, however they meet.
func TestTwoReplicasCountEachEventOnce(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		for range 6 {
			h.bypasses(7)
			h.seal()
			var working sync.WaitGroup
			for range 4 {
				other := h.replica()
				working.Go(func() {
					if err := other.Round(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			working.Wait()
		}
		h.round()
		if a := h.one("bypasses_by_agent"); a.Count != 42 {
			t.Errorf("42 are counted as %d", a.Count)
		}
		if h.Events(audit.AlarmRaised) != 1 || h.noticed(h.second) != 1 {
			t.Errorf("it is raised %d times, told %d times", h.Events(audit.AlarmRaised), h.noticed(h.second))
		}
	})
}

// TestARestartInBetween, and a database that is gone in the middle of an act: nothing is
// missed and nothing counted twice.
func TestARestartInBetween(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.bypasses(6)
		h.round()
		h.alarms = h.replica()
		h.bypasses(4)
		h.seal()
		// The messages cannot be written: neither stands anything else of it.
		h.Set("ALTER TABLE notices RENAME TO notices_gone")
		if err := h.alarms.Round(t.Context()); err == nil {
			t.Fatal("it says nothing of what failed")
		}
		if len(h.open()) != 0 || h.Events(audit.AlarmRaised) != 0 {
			t.Error("half of it stands")
		}
		h.Set("ALTER TABLE notices_gone RENAME TO notices")
		h.alarms = h.replica()
		h.round()
		if a := h.one("bypasses_by_agent"); a.Count != 10 || h.noticed(h.security) != 1 {
			t.Errorf("then it is %+v, told %d times", a, h.noticed(h.security))
		}
	})
}

// TestARuleThatIsChangedMeanwhile holds from the next events on, and counts what lies within
// its window.
func TestARuleThatIsChangedMeanwhile(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.bypasses(4)
		h.round()
		h.set("bypasses_by_agent", func(s *alarm.Setting) { s.Threshold = 3 })
		h.round()
		if open := h.open(); len(open) != 0 {
			t.Fatalf("what was before raises %+v by itself", open)
		}
		h.bypasses(1)
		h.round()
		if a := h.one("bypasses_by_agent"); a.Count != 3 { // and those before it are no alarm of their own
			t.Errorf("it counts %d", a.Count)
		}
		h.set("bypasses_by_agent", func(s *alarm.Setting) { s.Active = false })
		h.bypasses(5)
		h.round()
		if a := h.one("bypasses_by_agent"); a.Count != 3 {
			t.Errorf("a rule that is off counts on to %d", a.Count)
		}
	})
}

// TestWhatWasBroughtAlongRaisesNothing: a history that is older than a day.
func TestWhatWasBroughtAlongRaisesNothing(t *testing.T) {
	each(t, func(h *house) {
		h.bypasses(12)
		h.Clock.Forward(25 * time.Hour)
		h.round()
		if open := h.open(); len(open) != 0 {
			h.T.Errorf("it raises %+v", open)
		}
	})
}

// TestAnotherTenantHearsNothing.
func TestAnotherTenantHearsNothing(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.bypasses(10)
		h.round()
		a := h.one("bypasses_by_agent")
		if open, _, err := h.alarms.Lists(t.Context(), h.Birch.ID); err != nil || len(open) != 0 {
			t.Errorf("another tenant lists %d, %v", len(open), err)
		}
		_, err := h.alarms.Find(t.Context(), h.Birch.ID, a.ID)
		WantCode(t, "another tenant finds it", err, "http.not_found")
		WantCode(t, "another tenant acknowledges it", h.alarms.Acknowledge(t.Context(), h.Birch.ID, h.security.ID, a.ID, "mine", audit.Origin{}), "http.not_found")
		if n, err := h.alarms.Open(t.Context(), h.Alder.ID); err != nil || n != 1 {
			t.Errorf("it counts %d, %v", n, err)
		}
	})
}

// TestEveryTenantHasItsTurn in one round, however many there are and however much one has.
func TestEveryTenantHasItsTurn(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.Act(func(tx *store.Tx) error {
			for n := range 250 {
				slug := "tenant-" + strconv.Itoa(n)
				if _, err := tenant.Create(tx, tenant.New{Slug: slug, Name: slug, Domain: slug + ".example", Region: "eu", Ring: "stable"}, audit.Service, audit.Origin{}); err != nil {
					return err
				}
			}
			return nil
		})
		h.round()
		if n := h.Count("SELECT count(*) FROM audit_trees t JOIN tenants o ON o.id = t.tenant_id LEFT JOIN alarm_positions p ON p.tenant_id = t.tenant_id WHERE t.size > COALESCE(p.next_n, 0)"); n != 0 {
			t.Errorf("%d tenants were not looked at", n)
		}
		if n := h.Count("SELECT count(*) FROM alarm_positions"); n < 250 {
			t.Errorf("%d were", n)
		}
	})
}

// TestTheAuditItself: a tree that did not grow out of what was signed, and a witness that has
// not its checkpoints, are alarms for as long as that lasts, each once.
func TestTheAuditItself(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.Clock.Forward(2 * time.Minute)
		h.happens(1, audit.UserLocked, h.security, h.person)
		h.round() // with a checkpoint
		h.Set("INSERT INTO audit_witnesses (name, reached, seen_at) VALUES ('far away', 0, ?)", h.DB.Now().Add(time.Hour))
		h.Clock.Forward(minutes(5))
		h.round()
		if open := h.open(); len(open) != 0 {
			t.Fatalf("a witness that is five minutes late raises %+v", open)
		}
		h.Clock.Forward(minutes(6))
		for range 30 {
			h.Clock.Forward(minutes(2))
			h.round()
		}
		a := h.one("witness")
		if a.AboutKind != "witness" || a.AboutID != "far away" || a.Count < 2 || a.Count > 5 || h.noticed(h.security) != 1 {
			t.Errorf("it is %+v, told %d times", a, h.noticed(h.security))
		}
		if err := h.acknowledge(h.security.ID, a.ID); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			h.Clock.Forward(minutes(2))
			h.round()
		}
		if open := h.open(); len(open) != 0 {
			t.Errorf("what somebody knows of is raised again: %+v", open)
		}
		h.Set("UPDATE audit_witnesses SET reached = 1000000")
		h.Clock.Forward(2 * time.Hour)
		h.round()
		if open := h.open(); len(open) != 0 {
			t.Fatalf("a witness that follows raises %+v", open)
		}

		h.Set("UPDATE audit_trees SET fault = 'forked' WHERE tenant_id = ?", h.Alder.ID) // as package checkpoint finds it
		h.Clock.Forward(2 * time.Minute)
		if err := h.alarms.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := h.one("verification"); h.noticed(h.second) != 2 || a.AboutID != h.Alder.ID {
			t.Errorf("it is %+v, told %d times in all", a, h.noticed(h.second))
		}
		var working sync.WaitGroup
		for range 4 {
			other := h.replica()
			working.Go(func() {
				if err := other.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		h.one("verification")
	})
}

// TestTwoReplicasSeeOneCondition, and raise one alarm.
func TestTwoReplicasSeeOneCondition(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.Set("UPDATE audit_trees SET fault = 'forked' WHERE tenant_id = ?", h.Alder.ID)
		h.Clock.Forward(2 * time.Minute)
		var working sync.WaitGroup
		for range 6 {
			other := h.replica()
			working.Go(func() {
				if err := other.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		h.one("verification")
		if h.noticed(h.security) != 1 {
			t.Errorf("it is told %d times", h.noticed(h.security))
		}
	})
}

// TestWhatWatchesIsWatched: whoever changes who is told of what is told of to the others, by
// mail too, and neither turns that off nor acknowledges it.
func TestWhatWatchesIsWatched(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		for _, name := range []string{"not_them", "watching"} {
			set, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, name)
			if err != nil {
				t.Fatal(err)
			}
			next := set.Setting
			next.Active, next.Mail = false, false
			if err := h.alarms.Save(t.Context(), h.Alder.ID, h.security.ID, name, next, set.Version, audit.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		h.round()
		a := h.one("watching")
		if !a.IsAbout(h.security.ID) || a.Count != 1 { // of itself nothing was changed
			t.Errorf("the alarm is %+v", a)
		}
		if set, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, "watching"); err != nil || !set.Active || !set.Mail {
			t.Errorf("it is %+v, %v", set.Setting, err)
		}
		if n := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = 'alarm.raised' AND detail = 'watching'", h.second.ID); n != 1 {
			t.Errorf("the other administrator has %d notices of it", n)
		}
		for _, action := range []audit.Action{audit.ConsumerPaused, audit.ConsumerRemoved, audit.ConsumerSecretMade, audit.RetentionChanged, audit.RetentionReleased} {
			h.happens(1, action, h.security, h.security)
		}
		h.round()
		if a = h.one("watching"); a.Count != 6 {
			t.Errorf("the alarm counts %d of 6", a.Count)
		}
		if err := h.acknowledge(h.security.ID, a.ID); err == nil {
			t.Error("whom it is about has acknowledged it")
		}
		if err := h.acknowledge(h.second.ID, a.ID); err != nil {
			t.Errorf("the other one: %v", err)
		}
	})
}
