package outage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/outage"
	"latchkey/app/relaxation"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestWhatMayBeAskedFor(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		for _, row := range []struct {
			claim  string
			change func(a *outage.Asked)
			field  string // that is wrong; empty: none
		}{
			{"as it is", func(*outage.Asked) {}, ""},
			{"nothing failed", func(a *outage.Asked) { a.Failed = nil }, "failed"},
			{"something that is no channel failed", func(a *outage.Asked) { a.Failed = []outage.Channel{"pigeons"} }, "failed"},
			{"nothing is relaxed", func(a *outage.Asked) { a.Relaxes = nil }, "relaxes"},
			{"something is relaxed that is not on the list", func(a *outage.Asked) { a.Relaxes = []relaxation.Relaxation{"password_alone"} }, "relaxes"},
			{"codes are read out while calls and messages work", func(a *outage.Asked) {
				a.Failed, a.Relaxes = []outage.Channel{outage.Push, outage.Mail}, []relaxation.Relaxation{relaxation.ReadOut}
			}, "relaxes"},
			{"codes are read out while calls do not", func(a *outage.Asked) {
				a.Failed, a.Relaxes = []outage.Channel{outage.Voice}, []relaxation.Relaxation{relaxation.ReadOut}
			}, ""},
			{"a quarter of an hour", func(a *outage.Asked) { a.Minutes = 15 }, ""},
			{"less", func(a *outage.Asked) { a.Minutes = 14 }, "minutes"},
			{"four hours", func(a *outage.Asked) { a.Minutes = 240 }, ""},
			{"more", func(a *outage.Asked) { a.Minutes = 241 }, "minutes"},
			{"for a group", func(a *outage.Asked) { a.Groups = []string{"pilot"} }, ""},
			{"for a group that there is not", func(a *outage.Asked) { a.Groups = []string{"nobody"} }, "groups"},
		} {
			a := asked(relaxation.HeldBackWays)
			row.change(&a)
			out, err := w.submit(w.first, outage.KindDeclare, a)
			f := fault.Of(err)
			switch {
			case row.field == "" && (err != nil || !out.Waits()):
				t.Errorf("%s: %+v, %v; want that it waits", row.claim, out, err)
			case row.field != "" && (f == nil || f.Kind != fault.Invalid || f.Fields[row.field] == "" || len(f.Fields) != 1):
				t.Errorf("%s: %v, want that %s is wrong", row.claim, err, row.field)
			}
		}
	})
}

func TestTwoPeopleDeclareAnOutage(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		admin, desk := w.Admin(w.Alder, "admin", access.RoleTenantAdministrator), w.Admin(w.Alder, "desk", access.RoleHelpdesk)
		for _, who := range []user.User{admin, desk, w.nurse} {
			if _, err := w.submit(who, outage.KindDeclare, asked(relaxation.HeldBackWays)); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s asks for an outage = %v", who.Name, err)
			}
		}
		request := w.ask(asked(relaxation.HeldBackWays))
		if w.Count("SELECT count(*) FROM outages") != 0 {
			t.Fatal("it runs before anybody approved it")
		}
		for _, who := range []user.User{w.first, admin} {
			if err := w.approve(request, who); err == nil {
				t.Errorf("%s approves it", who.Name)
			}
		}
		if _, err := w.byApp(); err == nil {
			t.Error("a way that is held back counts while the outage waits for approval")
		}
		if err := w.approve(request, w.second); err != nil {
			t.Fatal(err)
		}
		if w.Count("SELECT count(*) FROM outages WHERE requested_by = ? AND approved_by = ?", w.first.ID, w.second.ID) != 1 || w.Events(audit.OutageDeclared) != 1 {
			t.Error("it is not written down whose it is")
		}
		if n := w.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", audit.OutageDeclared, w.third.ID); n != 1 {
			t.Errorf("the third one is told %d times", n)
		}
		if err := w.approve(request, w.third); err == nil {
			t.Error("it is approved a second time")
		}
		if _, err := w.submit(w.first, outage.KindDeclare, asked(relaxation.NoCampaign)); fault.Of(err) == nil || fault.Of(err).Code != "outage.one" {
			t.Errorf("asking for another one = %v", err)
		}
	})
}

// TestOfTwoOutagesOneBegins: two asks are approved at the same moment.
func TestOfTwoOutagesOneBegins(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		requests := []string{w.ask(asked(relaxation.HeldBackWays)), w.ask(asked(relaxation.NoCampaign))}
		errs := AtOnce(2, func(i int) error { return w.approve(requests[i], w.second) })
		if got := Tally(errs); got["done"] != 1 || w.Count("SELECT count(*) FROM outages") != 1 {
			t.Errorf("approved at once: %v, and %d outages", got, w.Count("SELECT count(*) FROM outages"))
		}
		id := w.Text("SELECT id FROM outages")
		ends := AtOnce(4, func(int) error {
			_, err := w.submit(w.first, outage.KindEnd, outage.On{Outage: id})
			return err
		})
		if got := Tally(ends); got["done"] != 1 || got["outage.over"] != 3 || w.Events(audit.OutageEnded) != 1 {
			t.Errorf("ended at once: %v, with %d events", got, w.Events(audit.OutageEnded))
		}
	})
}

func TestAWayThatIsHeldBackCountsWhileAnOutageRuns(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		in := func(want bool, when string) {
			t.Helper()
			done, err := w.byApp()
			if got := err == nil && !done.Cookie.Empty(); got != want {
				t.Fatalf("%s: the nurse is in is %t (%v), want %t", when, got, err, want)
			}
		}
		in(false, "before")
		w.declare(asked(relaxation.NoCampaign))
		in(false, "while something else is relaxed")
		w.end(w.Text("SELECT id FROM outages WHERE ended_at IS NULL"))
		id := w.declare(asked(relaxation.HeldBackWays))
		in(true, "while it is relaxed")
		if w.uses(relaxation.HeldBackWays) != 1 || w.Events(audit.OutageUsed) != 1 {
			t.Errorf("%d uses are kept, with %d events", w.uses(relaxation.HeldBackWays), w.Events(audit.OutageUsed))
		}
		if got := w.Count("SELECT count(*) FROM outage_uses u JOIN sessions s ON s.id = u.session_id WHERE u.user_id = ? AND u.way = 'otp,pwd' AND u.outage_id = ?", w.nurse.ID, id); got != 1 {
			t.Error("it is not kept who signed in, how and in which session")
		}
		for claim, change := range map[string]func() (undo func()){
			"the feature is off": func() func() {
				w.rule(feature.TOTP, feature.Rule{Stage: feature.Off})
				return func() { w.rule(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}}) }
			},
			"they are in an excluded group": func() func() {
				w.group("out", w.nurse)
				w.rule(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}, Exclude: []string{"out"}})
				return func() { w.rule(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}}) }
			},
			"the tenant has turned the way off": func() func() {
				w.Set("UPDATE tenants SET no_sign_in = no_sign_in | 4, no_second = no_second | 4, method_version = method_version + 1 WHERE id = ?", w.Alder.ID)
				return func() {
					w.Set("UPDATE tenants SET no_sign_in = no_sign_in & ~4, no_second = no_second & ~4, method_version = method_version + 1 WHERE id = ?", w.Alder.ID)
				}
			},
			"they are locked": func() func() {
				w.Lock(w.nurse)
				return func() { w.Set("UPDATE users SET state = 'active' WHERE id = ?", w.nurse.ID) }
			},
		} {
			undo := change()
			in(false, "while an outage runs and "+claim)
			undo()
			in(true, "no more so that "+claim)
		}
		w.Clock.Forward(time.Hour)
		in(false, "after its time")
		w.lapse()
		w.reproduces()
		if got := w.Text("SELECT ending FROM outages WHERE id = ?", id); got != outage.ByClock {
			t.Errorf("it ended by %q", got)
		}
	})
}

// TestOverIsOverInThatSecond: also where nobody has written it down.
func TestOverIsOverInThatSecond(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		began := w.Clock.Now()
		w.declare(asked(relaxation.HeldBackWays))
		from := Browser("last")
		code := w.app.Next()
		attempt := w.Begin(w.nurse.Name, signin.TOTP, from)
		if done, err := w.SignIn.VerifyCode(t.Context(), attempt, code, from); err != nil || !done.Halfway {
			t.Fatalf("the code = %+v, %v", done, err)
		}
		w.Clock.Forward(began.Add(time.Hour - time.Microsecond).Sub(w.Clock.Now()))
		a := w.Attempt(attempt, from)
		if a.Outage.OutageEndsAt == nil {
			t.Error("in its last instant the page says nothing of it")
		}
		w.Clock.Forward(time.Microsecond)
		if a := w.Attempt(attempt, from); a.Outage.OutageEndsAt != nil {
			t.Error("when it is over the page says that it runs")
		}
		// The attempt began while it ran; what it proved then is worth nothing now.
		if _, err := w.SignIn.VerifyPassword(t.Context(), attempt, Password, from); !errors.Is(err, fault.Refused) {
			t.Errorf("a sign-in that was halfway = %v", err)
		}
		if w.uses(relaxation.HeldBackWays) != 0 {
			t.Error("a sign-in that came to nothing is on the list")
		}
		errs := AtOnce(4, func(int) error { return w.outages.Lapse(t.Context()) })
		if got := Tally(errs); got["done"] != 4 || w.Events(audit.OutageEnded) != 1 {
			t.Errorf("four replicas write it down: %v, %d events", got, w.Events(audit.OutageEnded))
		}
		if got := w.Count("SELECT count(*) FROM outages WHERE ended_at = ends_at"); got != 1 {
			t.Error("it did not end when its time was over")
		}
		// And the next one finds its place free, whether or not somebody has.
		w.declare(asked(relaxation.HeldBackWays))
		w.Clock.Forward(2 * time.Hour)
		w.declare(asked(relaxation.HeldBackWays))
		if got := w.Count("SELECT count(*) FROM outages WHERE ending = 'clock'"); got != 2 {
			t.Errorf("%d ended by the clock", got)
		}
	})
}

// TestTheFeatureOffEndsEverything: by the tenant or by the platform, at once and before
// anybody has written it down; and on again it does not come back.
func TestTheFeatureOffEndsEverything(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		off := map[string]func(on bool){
			"tenant": func(on bool) {
				w.rule(feature.OutageMode, feature.Rule{Stage: map[bool]feature.Stage{true: feature.Everyone, false: feature.Off}[on]})
			},
			"platform": func(on bool) { w.release(feature.OutageMode, on) },
		}
		for by, turn := range off {
			id := w.declare(asked(relaxation.HeldBackWays, relaxation.LongerSessions))
			done, err := w.byApp()
			if err != nil || !w.Alive(done.Cookie) {
				t.Fatalf("%s: the nurse is not in: %v", by, err)
			}
			turn(false)
			if w.Alive(done.Cookie) {
				t.Errorf("%s: a session that a way made which is held back lives on", by)
			}
			if _, err := w.byApp(); err == nil {
				t.Errorf("%s: off, the way counts", by)
			}
			if _, err := w.submit(w.first, outage.KindDeclare, asked(relaxation.HeldBackWays)); fault.Of(err) == nil || fault.Of(err).Code != "outage.off" {
				t.Errorf("%s: off, asking = %v", by, err)
			}
			w.lapse()
			if got := w.Text("SELECT ending FROM outages WHERE id = ?", id); got != outage.ByFeature {
				t.Errorf("%s: it ended by %q", by, got)
			}
			turn(true)
			if _, err := w.byApp(); err == nil {
				t.Errorf("%s: on again, the outage is back", by)
			}
		}
	})
}

// TestWhoMayAskIsOfTheRule: a share or a pilot group is of those who declare; what runs is
// for everybody.
func TestWhoMayAskIsOfTheRule(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.rule(feature.OutageMode, feature.Rule{Stage: feature.Pilot, Include: []string{w.group("those", w.first, w.second)}})
		if _, err := w.submit(w.third, outage.KindDeclare, asked(relaxation.HeldBackWays)); fault.Of(err) == nil || fault.Of(err).Code != "outage.off" {
			t.Errorf("who is not in the pilot asks = %v", err)
		}
		request := w.ask(asked(relaxation.HeldBackWays))
		if err := w.approve(request, w.third); fault.Of(err) == nil || fault.Of(err).Code != "outage.off" {
			t.Errorf("who is not in the pilot approves = %v", err)
		}
		if err := w.approve(request, w.second); err != nil {
			t.Errorf("afterwards who is in it approves = %v", err)
		}
		if _, err := w.byApp(); err != nil {
			t.Errorf("the nurse, who is in no pilot, is not in: %v", err)
		}
		if _, err := w.submit(w.third, outage.KindEnd, outage.On{Outage: w.Text("SELECT id FROM outages")}); err != nil {
			t.Errorf("who is not in the pilot ends it = %v", err)
		}
	})
}

func TestAnOutageOfGroupsIsForThoseWhoWereInThem(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.group("field", w.User(w.Alder, "porter"))
		a := asked(relaxation.HeldBackWays)
		a.Groups = []string{"field"}
		w.declare(a)
		if _, err := w.byApp(); err == nil {
			t.Error("it is for somebody in none of its groups")
		}
		w.Clock.Forward(time.Minute)
		w.join("field", w.nurse)
		if _, err := w.byApp(); err == nil {
			t.Error("it is for somebody who joined since")
		}
		w.end(w.Text("SELECT id FROM outages WHERE ended_at IS NULL"))
		w.declare(a)
		if _, err := w.byApp(); err != nil {
			t.Errorf("the next one is not for them: %v", err)
		}
	})
}

// TestPasswordAloneIsNeverEnough: with everything relaxed, for everybody.
func TestPasswordAloneIsNeverEnough(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		var all []relaxation.Relaxation
		for _, e := range relaxation.All {
			all = append(all, e.Relaxation)
		}
		w.declare(asked(all...))
		bare := w.User(w.Alder, "bare")
		w.Demand(bare, user.MFAEnforced)
		enabled := w.User(w.Alder, "enabled")
		w.rule(feature.TOTP, feature.Rule{Stage: feature.Everyone})
		w.AppOf(enabled)
		w.rule(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}})
		w.Demand(enabled, user.MFAEnabled)
		for _, u := range []user.User{w.nurse, bare, enabled} {
			from := Browser(u.Name)
			done, err := w.SignIn.VerifyPassword(t.Context(), w.Begin(u.Name, signin.Password, from), Password, from)
			if err == nil && !done.Cookie.Empty() {
				t.Errorf("%s is in by a password alone", u.Name)
			}
		}
	})
}

// TestAdministratorsGetNoCodesByIt: backup phones are opened to nobody with a role.
func TestAdministratorsGetNoCodesByIt(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.rule(feature.BackupPhones, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}})
		w.declare(asked(relaxation.HeldBackWays))
		for who, open := range map[user.User]bool{w.nurse: true, w.third: false} {
			var off user.Ways
			if _, err := w.DB.View(t.Context()).One(&off, "SELECT "+relaxation.WaysOff+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", who.TenantID, who.ID); err != nil {
				t.Fatal(err)
			}
			if off.Has(user.WithSMS) == open || off.Has(user.WithTOTP) {
				t.Errorf("%s: the ways that are off are %b", who.Name, off)
			}
		}
	})
}

func TestSessionsGoOnToTheEndOfAnOutage(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.Set("UPDATE tenants SET session_hours = 8 WHERE id = ?", w.Alder.ID)
		id, cookie := w.Session(w.nurse)
		_, older := w.Session(w.first)
		use := func(until time.Duration) { // used all the time, so that it does not idle
			for ; until > 0; until -= 30 * time.Minute {
				w.Clock.Forward(min(until, 30*time.Minute))
				w.Alive(cookie)
			}
		}
		use(7*time.Hour + 30*time.Minute)
		w.declare(asked(relaxation.LongerSessions))
		use(29 * time.Minute)
		if !w.Alive(cookie) || w.uses(relaxation.LongerSessions) != 0 {
			t.Fatal("before its end nothing is as ever")
		}
		use(time.Minute)
		s, err := session.Find(t.Context(), w.DB, cookie)
		if err != nil {
			t.Fatalf("when its whole time is over: %v", err)
		}
		if at, last := s.ConsoleEndsAt(); at.After(s.CreatedAt.Add(8 * time.Hour)) {
			t.Errorf("the console is open until %v, %t", at, last)
		}
		w.Alive(cookie)
		if w.uses(relaxation.LongerSessions) != 1 || w.Text("SELECT session_id FROM outage_uses") != id {
			t.Errorf("%d uses are kept", w.uses(relaxation.LongerSessions))
		}
		if w.Alive(older) {
			t.Error("a session that idles lives on")
		}
		w.Lock(w.nurse)
		if w.Alive(cookie) {
			t.Error("a lock does not end it")
		}
		w.Set("UPDATE users SET state = 'active' WHERE id = ?", w.nurse.ID)
		if !w.Alive(cookie) {
			t.Fatal("unlocked, it is gone")
		}
		use(29 * time.Minute)
		if !w.Alive(cookie) {
			t.Fatal("before the end of the outage it is gone")
		}
		use(time.Minute)
		if w.Alive(cookie) {
			t.Error("it outlives the outage")
		}
		// One that was over before the outage began does not come back by it.
		w.declare(asked(relaxation.LongerSessions))
		if w.Alive(cookie) {
			t.Error("the next outage brings it back")
		}
	})
}

// TestLongerThanADay: also what holds for every tenant is made longer, and not what a
// static passcode made.
func TestLongerThanADay(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		_, cookie := w.Session(w.nurse)
		handed, given := w.Session(w.nurse)
		w.Set("UPDATE sessions SET amr = 'static_passcode' WHERE id = ?", handed)
		for range 47 {
			w.Clock.Forward(30 * time.Minute)
			w.Alive(cookie)
			w.Alive(given)
		}
		w.declare(asked(relaxation.LongerSessions))
		w.Clock.Forward(30 * time.Minute)
		if !w.Alive(cookie) {
			t.Error("after a day it is gone")
		}
		if w.Alive(given) {
			t.Error("what a static passcode made lives on")
		}
		list, err := session.Of(t.Context(), w.DB, w.nurse.TenantID, w.nurse.ID)
		if err != nil || !slices.ContainsFunc(list, func(l session.Listed) bool {
			at, _ := l.EndsAt()
			return at.Equal(w.Clock.Now().Add(30 * time.Minute))
		}) {
			t.Errorf("the list of sessions is %+v, %v", list, err)
		}
	})
}

func TestTheReviewIsSignedOffByWhoHadNoPartInIt(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		id := w.declare(asked(relaxation.HeldBackWays))
		for range 2 {
			if _, err := w.byApp(); err != nil {
				t.Fatal(err)
			}
		}
		w.Set("INSERT INTO outage_uses (tenant_id, outage_id, at, id, relaxation, user_id, way, session_id, bypass_id, agent_id) VALUES (?,?,?,'own','held_back_ways',?,'otp,pwd','','','')", w.Alder.ID, id, w.Clock.Now(), w.third.ID)
		sign := func(by user.User, use string) error {
			_, err := w.submit(by, outage.KindSign, outage.On{Outage: id, Use: use})
			return err
		}
		for _, who := range []user.User{w.first, w.second} {
			WantCode(t, who.Name+" signs it off", sign(who, ""), "outage.sign_own")
		}
		if err := sign(w.Admin(w.Alder, "admin", access.RoleTenantAdministrator), ""); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a tenant administrator signs it off = %v", err)
		}
		review, err := w.outages.Review(t.Context(), w.Alder.ID, id, "", false)
		if err != nil || review.Total != 3 || review.Unsigned != 3 || len(review.Uses) != 3 || review.Uses[0].UserName != w.nurse.Name {
			t.Fatalf("the list is %+v, %v", review, err)
		}
		if err := sign(w.third, review.Uses[0].ID); err != nil {
			t.Errorf("one of them = %v", err)
		}
		WantCode(t, "it again", sign(w.third, review.Uses[0].ID), "outage.signed")
		WantCode(t, "one's own", sign(w.third, "own"), "outage.signed")
		if err := sign(w.third, ""); err != nil {
			t.Errorf("all of them = %v", err)
		}
		w.end(id)
		WantCode(t, "all that are left, which are one's own", sign(w.third, ""), "outage.signed")
		fourth := w.Admin(w.Alder, "fourth", access.RoleSecurityAdministrator)
		errs := AtOnce(3, func(int) error { return sign(fourth, "") })
		if got := Tally(errs); got["done"] != 1 || w.Events(audit.OutageSigned) != 1 {
			t.Errorf("three times at once: %v, %d events", got, w.Events(audit.OutageSigned))
		}
		if got := w.Text("SELECT signed_by FROM outages WHERE id = ?", id); got != fourth.ID {
			t.Errorf("it is signed off by %q", got)
		}
		if n := w.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", audit.OutageEnded, w.third.ID); n != 1 {
			t.Errorf("the third one is told of the end %d times", n)
		}
	})
}

// TestTheReviewIsReadPageByPage: keyset, also while it grows.
func TestTheReviewIsReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		id := w.declare(asked(relaxation.HeldBackWays))
		for i := range 120 {
			w.Set("INSERT INTO outage_uses (tenant_id, outage_id, at, id, relaxation, user_id, way, session_id, bypass_id, agent_id) VALUES (?,?,?,?,'held_back_ways',?,'otp,pwd','','','')",
				w.Alder.ID, id, w.Clock.Now(), "use"+strings.Repeat("0", 3)+string(rune('a'+i/26))+string(rune('a'+i%26)), w.nurse.ID)
		}
		seen, after := map[string]bool{}, ""
		for pages := 0; ; pages++ {
			r, err := w.outages.Review(t.Context(), w.Alder.ID, id, after, true)
			if err != nil || pages > 3 {
				t.Fatalf("page %d: %v", pages, err)
			}
			for _, u := range r.Uses {
				if seen[u.ID] {
					t.Errorf("%s is there twice", u.ID)
				}
				seen[u.ID] = true
			}
			if after = r.After; after == "" {
				break
			}
		}
		if len(seen) != 120 {
			t.Errorf("%d are seen", len(seen))
		}
		if r, err := w.outages.Review(t.Context(), w.Birch.ID, id, "", false); err != nil || r.Total != 0 {
			t.Errorf("another organisation sees %+v, %v", r, err)
		}
	})
}

// TestEveryActStandsUnderItsTicket: declaring, ending, signing off and a drill.
func TestEveryActStandsUnderItsTicket(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		submit := func(by user.User, kind approval.Kind, parameters any) approval.Outcome {
			t.Helper()
			act := approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, Reason: "a test", Ticket: "CHG-7"}
			out, err := w.approvals.Submit(t.Context(), act.With(parameters))
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			return out
		}
		if err := w.approve(submit(w.first, outage.KindDeclare, asked(relaxation.HeldBackWays)).RequestID, w.second); err != nil {
			t.Fatal(err)
		}
		id := w.Text("SELECT id FROM outages")
		submit(w.first, outage.KindEnd, outage.On{Outage: id})
		submit(w.third, outage.KindSign, outage.On{Outage: id})
		submit(w.first, outage.KindRehearse, outage.Rehearsed{ID: "drill", Asked: outage.Asked{Failed: []outage.Channel{outage.Push}}})
		for _, action := range []audit.Action{audit.OutageDeclared, audit.OutageEnded, audit.OutageSigned, audit.OutageRehearsed} {
			if n := w.Count("SELECT count(*) FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.id = k.event_id WHERE e.action = ?", action); n != 1 {
				t.Errorf("%s stands under its ticket %d times", action, n)
			}
		}
	})
}

func TestAnOutageOfAnotherOrganisationIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		id := w.declare(asked(relaxation.HeldBackWays))
		other := w.Admin(w.Birch, "security", access.RoleSecurityAdministrator)
		for _, kind := range []approval.Kind{outage.KindEnd, outage.KindSign} {
			if _, err := w.submit(other, kind, outage.On{Outage: id}); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s = %v", kind, err)
			}
		}
		if w.Count("SELECT count(*) FROM outages WHERE ended_at IS NULL") != 1 {
			t.Error("it is over")
		}
	})
}
