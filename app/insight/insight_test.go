package insight_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/insight"
	"latchkey/app/secret"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is the house with who counts.
type office struct {
	*signintest.House
	insights *insight.Service
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) {
		story(&office{House: h, insights: &insight.Service{DB: h.DB, Rules: h.Rules, Log: slog.New(slog.DiscardHandler)}})
	})
}

// noon goes on to a noon, so that no day ends within a story, and gives it.
func (o *office) noon() time.Time {
	noon := o.Clock.Now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour)
	o.Clock.Forward(noon.Sub(o.Clock.Now()))
	return noon
}

// count counts what is due.
func (o *office) count() {
	o.T.Helper()
	if err := o.insights.TakeUp(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

// decided keeps a decision of somebody in alder by the rules that hold.
func (o *office) decided(u user.User, at time.Time, way user.Ways, groups ...string) {
	o.T.Helper()
	o.Act(func(tx *store.Tx) error {
		rules, err := decision.Load(tx, o.Alder.ID)
		if err != nil {
			return err
		}
		in := decision.Input{
			Person: feature.Person{Groups: groups}, MFA: user.MFADisabled, Bound: way | user.WithPassword, Served: way | user.WithPassword, Way: way, Proves: way, Mode: tenant.Pick3,
		}
		return decision.Keep(tx, o.Alder.ID, rules, []decision.Made{{At: at, ID: secret.System.ShortID(), UserID: u.ID, Input: in}})
	})
}

// opens sets the rule of a feature in alder.
func (o *office) opens(f feature.Feature, r feature.Rule) {
	o.T.Helper()
	o.Act(func(tx *store.Tx) error { return feature.Store(tx, o.Alder.ID, f, r, 1) })
}

// figure is one of alder's.
func (o *office) figure(day insight.Day, subject, figure string) (n int) {
	o.T.Helper()
	if _, err := o.DB.View(o.T.Context()).One(&n, "SELECT n FROM insight_days WHERE tenant_id = ? AND day = ? AND subject = ? AND figure = ?", o.Alder.ID, string(day), subject, figure); err != nil {
		o.T.Fatal(err)
	}
	return n
}

// TestAReportSaysWhatItWouldHaveChanged: whom it touches, each person once a day, and what
// would have come out otherwise; of other tenants nothing.
func TestAReportSaysWhatItWouldHaveChanged(t *testing.T) {
	each(t, func(o *office) {
		one, other, out := o.User(o.Alder, "user1"), o.User(o.Alder, "user2"), o.User(o.Alder, "user3")
		now := o.noon()
		yesterday := now.AddDate(0, 0, -1)
		o.Set("UPDATE tenants SET no_sign_in = 0 WHERE id = ?", o.Alder.ID)
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'pilot','pilot',?)", o.Alder.ID, now)
		o.opens(feature.TOTP, feature.Rule{Stage: feature.ReportOnly, Include: []string{"pilot"}})
		o.decided(one, yesterday, user.WithTOTP, "pilot") // stopped, and would be let in
		o.decided(one, yesterday.Add(time.Second), user.WithPassword, "pilot")
		o.decided(other, yesterday, user.WithPassword, "pilot")
		o.decided(out, yesterday, user.WithPassword)
		o.decided(one, now, user.WithPassword, "pilot")
		o.decided(one, now.AddDate(0, 0, -40), user.WithPassword, "pilot") // longer ago than is kept and shown

		if r, err := o.insights.Report(t.Context(), o.Alder.ID, feature.TOTP, 30); err != nil || r.Any() || !r.AsOf.IsZero() || len(r.Days) != 30 {
			t.Errorf("before anything was counted: %+v, %v", r, err)
		}
		o.count()
		r, err := o.insights.Report(o.T.Context(), o.Alder.ID, feature.TOTP, 30)
		if err != nil || !r.Any() || r.AsOf.Before(now) {
			o.T.Fatalf("%+v, %v", r, err)
		}
		want := insight.Report{Day: insight.DayOf(yesterday), SignIns: 4, Touched: 3, People: 2, LetIn: 1}
		if got := r.Days[28]; got != want || got.Would() != 1 {
			o.T.Errorf("yesterday %+v, want %+v", got, want)
		}
		if got := r.Days[29]; got.Touched != 1 || got.People != 1 || got.Would() != 0 {
			o.T.Errorf("today %+v", got)
		}
		if len(r.Samples) != 2 || r.Samples[0].Name != one.Name || r.Samples[0].Was != decision.Blocked || r.Samples[0].Would != decision.Passed || !r.Samples[0].Gets || r.Samples[1].Name != other.Name {
			o.T.Errorf("samples %+v", r.Samples)
		}
		if r, err := o.insights.Report(o.T.Context(), o.Alder.ID, feature.SMS, 30); err != nil || r.Any() || len(r.Samples) != 0 {
			o.T.Errorf("another feature: %+v, %v", r, err)
		}
		if r, err := o.insights.Report(o.T.Context(), o.Birch.ID, feature.TOTP, 30); err != nil || r.Any() || len(r.Samples) != 0 || r.Days[28].SignIns != 0 {
			o.T.Errorf("another tenant: %+v, %v", r, err)
		}
	})
}

// TestADayIsCountedAnewUntilItIsOver: counting twice is counting once, what came later in
// the day is counted the next time, and the day once more when it is over.
func TestADayIsCountedAnewUntilItIsOver(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		noon := o.noon()
		day := insight.DayOf(noon)
		o.decided(u, noon, user.WithPassword)
		o.count()
		o.decided(u, noon.Add(time.Minute), user.WithPassword)
		o.count()
		if n := o.figure(day, "way:password", insight.Passed); n != 1 {
			o.T.Errorf("within the hour %d are counted", n)
		}
		o.Clock.Forward(insight.Age + time.Minute)
		o.count()
		if n := o.figure(day, "way:password", insight.Passed); n != 2 {
			o.T.Errorf("after an hour %d are counted", n)
		}
		o.decided(u, noon.Add(11*time.Hour), user.WithPassword)
		o.Clock.Forward(14 * time.Hour)
		o.decided(u, o.Clock.Now(), user.WithPassword)
		o.count()
		if n, next := o.figure(day, "way:password", insight.Passed), o.figure(day.Next(), "way:password", insight.Passed); n != 3 || next != 1 {
			o.T.Errorf("on the next day %d and %d are counted", n, next)
		}
	})
}

// TestRulesThatChangeAreCountedSoon, and of two who count at once one does.
func TestRulesThatChangeAreCountedSoon(t *testing.T) {
	each(t, func(o *office) {
		o.count()
		at := func() (at time.Time) {
			_, err := o.DB.View(o.T.Context()).One(&at, "SELECT taken_at FROM insights WHERE tenant_id = ?", o.Alder.ID)
			if err != nil {
				o.T.Fatal(err)
			}
			return at
		}
		first := at()
		o.Clock.Forward(time.Minute)
		o.count()
		if at() != first {
			o.T.Error("it was counted again within the hour")
		}
		o.opens(feature.TOTP, feature.Rule{Stage: feature.Off})
		o.Clock.Forward(time.Minute)
		for _, err := range signintest.AtOnce(4, func(int) error { return o.insights.TakeUp(o.T.Context()) }) {
			if err != nil {
				o.T.Error(err)
			}
		}
		if !at().After(first) || o.Count("SELECT count(*) FROM insights WHERE held_at IS NOT NULL") != 0 {
			o.T.Error("it was not counted after its rules changed, or is still held")
		}
		// Whoever held it has lost it: another one takes it up later.
		o.Clock.Forward(2 * time.Hour)
		o.Set("UPDATE insights SET held_at = ? WHERE tenant_id = ?", o.Clock.Now(), o.Alder.ID)
		last := at()
		if o.count(); at() != last {
			o.T.Error("it was taken from who holds it")
		}
		o.Clock.Forward(time.Hour)
		if o.count(); at() == last {
			o.T.Error("it was never taken up again")
		}
	})
}

// TestTriesAndFailuresByWay counts attempts by the way that they ended on.
func TestTriesAndFailuresByWay(t *testing.T) {
	each(t, func(o *office) {
		now, n := o.noon(), 0
		attempt := func(tenantID, way, state, userID, purpose, prompt string, failures int, at time.Time) {
			n++
			o.Set(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, prompt_id, state, failures, ip, browser, created_at, expires_at)
				VALUES (?,?,'','','',?,?,'/',?,?,?,?,'','',?,?)`, tenantID, fmt.Sprint("attempt", n), userID, purpose, way, prompt, state, failures, at, at.Add(15*time.Minute))
		}
		ago := now.Add(-time.Hour)
		attempt(o.Alder.ID, "password", "finished", "u", "sign_in", "", 0, ago)
		attempt(o.Alder.ID, "password", "finished", "u", "sign_in", "", 2, ago)
		attempt(o.Alder.ID, "password", "open", "u", "sign_in", "", 2, ago)
		attempt(o.Alder.ID, "password", "open", "u", "sign_in", "", 0, ago)
		attempt(o.Alder.ID, "password", "open", "u", "sign_in", "", 1, now)     // it may still go on
		attempt(o.Alder.ID, "password", "finished", "u", "step_up", "", 0, ago) // no sign-in
		attempt(o.Alder.ID, "password", "open", "", "sign_in", "", 3, ago)      // nobody's name
		attempt(o.Alder.ID, "phone", "ended", "u", "sign_in", "p1", 0, ago)     // declined
		attempt(o.Alder.ID, "phone", "open", "u", "sign_in", "", 0, ago)        // held: nothing was sent
		attempt(o.Birch.ID, "phone", "finished", "u", "sign_in", "p2", 0, ago)
		o.count()
		day := insight.DayOf(now)
		for claim, want := range map[[2]string]int{
			{"way:password", insight.Finished}: 2, {"way:password", insight.Failed}: 1, {"way:password", insight.Left}: 1,
			{"way:phone", insight.Failed}: 1, {"way:phone", insight.Left}: 1, {"way:phone", insight.Finished}: 0,
		} {
			if got := o.figure(day, claim[0], claim[1]); got != want {
				o.T.Errorf("%s %s: %d, want %d", claim[0], claim[1], got, want)
			}
		}
		if got := o.Count("SELECT n FROM insight_days WHERE tenant_id = ? AND subject = 'way:phone'", o.Birch.ID); got != 1 {
			o.T.Errorf("another tenant's: %d", got)
		}
	})
}

// TestADayKeepsItsFiguresWhenItsAttemptsGo: they are deleted two days after they end, one by
// one, and the day is not counted by those that are left.
func TestADayKeepsItsFiguresWhenItsAttemptsGo(t *testing.T) {
	each(t, func(o *office) {
		noon := o.noon()
		day := insight.DayOf(noon)
		o.count() // the first time
		for i, at := range []time.Time{noon, noon.Add(6 * time.Hour)} {
			o.Set(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, prompt_id, state, failures, ip, browser, created_at, expires_at)
				VALUES (?,?,'','','','u','sign_in','/','password','','finished',0,'','',?,?)`, o.Alder.ID, fmt.Sprint("attempt", i), at, at.Add(15*time.Minute))
		}
		finished := func() int { return o.figure(day, "way:password", insight.Finished) }
		o.Clock.Forward(24 * time.Hour)
		if o.count(); finished() != 2 {
			o.T.Errorf("the day after, %d are counted", finished())
		}
		o.Clock.Forward(26 * time.Hour)
		o.Set("DELETE FROM attempts WHERE expires_at < ?", o.Clock.Now().Add(-48*time.Hour))
		if left := o.Count("SELECT count(*) FROM attempts"); left != 1 {
			o.T.Fatalf("%d attempts are left, want the later one", left)
		}
		if o.count(); finished() != 2 {
			o.T.Errorf("two days after, %d are counted", finished())
		}
	})
}

// TestWhichWaysSomebodyUsed: first and last, to the day, and never what was stopped.
func TestWhichWaysSomebodyUsed(t *testing.T) {
	each(t, func(o *office) {
		u := o.User(o.Alder, "user1")
		now := o.noon()
		o.opens(feature.TOTP, feature.Rule{Stage: feature.Off})
		o.decided(u, now.AddDate(0, 0, -5), user.WithPassword)
		o.decided(u, now.AddDate(0, 0, -3), user.WithPassword)
		o.decided(u, now.AddDate(0, 0, -4), user.WithPasskey)
		o.decided(u, now.AddDate(0, 0, -4), user.WithTOTP)
		o.decided(user.User{ID: "nobody"}, now, user.WithPassword)
		o.count()
		var uses []struct {
			Way             user.Ways
			FirstAt, LastAt time.Time
		}
		if err := o.DB.View(o.T.Context()).All(&uses, "SELECT way, first_at, last_at FROM way_uses WHERE tenant_id = ? ORDER BY way", o.Alder.ID); err != nil {
			o.T.Fatal(err)
		}
		begin := func(days int) time.Time { return insight.DayOf(now.AddDate(0, 0, -days)).Begin() }
		if len(uses) != 2 || uses[0].Way != user.WithPassword || !uses[0].FirstAt.Equal(begin(5)) || !uses[0].LastAt.Equal(begin(3)) || uses[1].Way != user.WithPasskey {
			o.T.Errorf("%+v", uses)
		}
		o.decided(u, now.Add(time.Minute), user.WithPassword)
		o.Clock.Forward(2 * time.Hour)
		o.count()
		if n := o.Count("SELECT count(*) FROM way_uses WHERE way = ? AND last_at = ? AND first_at = ?", int(user.WithPassword), insight.DayOf(now.Add(time.Minute)).Begin(), begin(5)); n != 1 {
			o.T.Error("the last use is not today's")
		}
	})
}
