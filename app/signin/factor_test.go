package signin_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// at begins an attempt by a way.
func at(h *House, u user.User, way signin.Way, from signin.From) signin.Attempt {
	h.T.Helper()
	return h.Attempt(h.Begin(u.Name, way, from), from)
}

// types types a code in an attempt.
func types(h *House, a signin.Attempt, code string, from signin.From) error {
	_, err := h.SignIn.VerifyCode(h.T.Context(), a.ID, code, from)
	return err
}

// signsIn fails the story unless done made a session of u, and gives how.
func signsIn(h *House, done signin.Done, err error, u user.User) string {
	h.T.Helper()
	if err != nil || done.Halfway {
		h.T.Fatalf("signing in = %+v, %v", done, err)
	}
	s, err := session.Find(h.T.Context(), h.DB, done.Cookie)
	if err != nil || s.UserID != u.ID || s.ProvedBy != s.AMR {
		h.T.Fatalf("the session is %+v, %v", s, err)
	}
	return s.AMR
}

// halfway fails the story unless done leads on to a way.
func halfway(h *House, a signin.Attempt, done signin.Done, err error, way signin.Way, from signin.From) signin.Attempt {
	h.T.Helper()
	if err != nil || !done.Halfway || !done.Cookie.Empty() {
		h.T.Fatalf("one factor = %+v, %v; want it to lead on", done, err)
	}
	a = h.Attempt(a.ID, from)
	if a.Way != way || !a.Halfway() {
		h.T.Fatalf("it leads on to %q, want %q", a.Way, way)
	}
	return a
}

func offered(h *House, a signin.Attempt) []signin.Way {
	h.T.Helper()
	all, err := h.SignIn.Offers(h.T.Context(), a)
	if err != nil {
		h.T.Fatal(err)
	}
	return all
}

func TestACodeSignsInOnce(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		app := h.AppOf(u)
		a := at(h, u, signin.TOTP, pc)
		if a.Way != signin.TOTP {
			t.Fatalf("the attempt is by %s", a.Way)
		}
		WantCode(t, "the code that proved the app", types(h, a, app.Code(0), pc), "signin.refused")
		code := app.Next()
		done, err := h.SignIn.VerifyCode(ctx, a.ID, code, pc)
		if how := signsIn(h, done, err, u); how != session.ByTOTP {
			t.Errorf("signed in by %s", how)
		}
		for claim, typed := range map[string]string{"the same code": code, "the one before": app.Code(-1)} {
			WantCode(t, claim+" in another attempt", types(h, at(h, u, signin.TOTP, pc), typed, pc), "signin.refused")
		}
		WantCode(t, "the same attempt again", types(h, a, app.Code(1), pc), "signin.refused")
		done, err = h.SignIn.VerifyCode(ctx, at(h, u, signin.TOTP, pc).ID, app.Code(1), pc)
		signsIn(h, done, err, u)
		if got := h.Count("SELECT count(*) FROM totps WHERE last_used_at IS NOT NULL"); got != 1 {
			t.Error("nobody noted when it was used")
		}
	})
}

func TestCodesThatOpenNothing(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u, other, none, locked := h.User(h.Alder, "user1"), h.User(h.Birch, "user1"), h.User(h.Alder, "user2"), h.User(h.Alder, "user3")
		app, theirs, gone := h.AppOf(u), h.AppOf(other), h.AppOf(locked)
		h.Clock.Forward(time.Minute)
		for Shows(app.Code, theirs.Code(0)) { // else it would be right by chance
			theirs = h.AppOf(other)
		}
		h.Lock(locked)
		for claim, at := range map[string]struct{ name, typed string }{
			"nothing":                   {u.Name, ""},
			"another one":               {u.Name, app.Wrong()},
			"that of somebody else":     {u.Name, theirs.Code(0)},
			"of a user who has no app":  {none.Name, app.Code(0)},
			"of nobody":                 {"nobody@alder.example", app.Code(0)},
			"of a name of nowhere":      {"user1@nowhere.example", app.Code(0)},
			"right, of somebody locked": {locked.Name, gone.Code(0)},
			"the password":              {u.Name, Password},
		} {
			a := h.Attempt(h.Begin(at.name, signin.TOTP, pc), pc)
			WantCode(t, claim, types(h, a, at.typed, pc), "signin.refused")
		}
		if got := h.Events(audit.SignInFinished); got != 0 {
			t.Errorf("%d sign-ins", got)
		}
		// On a page for another way, in another browser, and after it was taken away.
		WantCode(t, "a code on the password page", types(h, at(h, u, signin.Password, pc), app.Code(0), pc), "signin.refused")
		WantCode(t, "a code in another browser", types(h, at(h, u, signin.TOTP, pc), app.Code(0), Browser("another")), "http.not_found")
		WantCode(t, "a password on the page of codes", verify(h, at(h, u, signin.TOTP, pc), Password, pc), "signin.refused")
		h.Act(func(tx *store.Tx) error { _, err := h.TOTPs.Take(tx, u.TenantID, u.ID); return err })
		WantCode(t, "a code of an app that was taken away", types(h, at(h, u, signin.TOTP, pc), app.Code(0), pc), "signin.refused")
	})
}

// TestWhoNeedsASecondFactorGivesTwo: in either order, and no two of one kind.
func TestWhoNeedsASecondFactorGivesTwo(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		app := h.AppOf(u)
		h.Demand(u, user.MFAEnforced)

		a := at(h, u, signin.Password, pc)
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.TOTP, pc)
		if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.TOTP}) {
			t.Errorf("halfway it offers %v", got)
		}
		WantCode(t, "the password twice", verify(h, a, Password, pc), "signin.refused")
		for _, way := range []signin.Way{signin.Password, signin.Phone, "pigeon", ""} {
			WantCode(t, "going over to "+string(way), h.SignIn.Choose(ctx, a.ID, way, "", pc), "form.wrong")
		}
		if _, err := h.SignIn.Finish(ctx, a.ID, pc); err == nil {
			t.Error("finishing halfway makes a session")
		}
		WantCode(t, "a wrong code", types(h, a, app.Wrong(), pc), "signin.refused")
		if h.Count("SELECT count(*) FROM sessions WHERE amr LIKE '%,%'") != 0 || h.Events(audit.SignInFinished) != 0 {
			t.Fatal("there is a session already")
		}
		done, err = h.SignIn.VerifyCode(ctx, a.ID, app.Next(), pc)
		if how := signsIn(h, done, err, u); how != "pwd,otp" {
			t.Errorf("signed in by %s", how)
		}

		a = at(h, u, signin.TOTP, pc)
		done, err = h.SignIn.VerifyCode(ctx, a.ID, app.Next(), pc)
		a = halfway(h, a, done, err, signin.Password, pc)
		WantCode(t, "a second code for the password", types(h, a, app.Next(), pc), "signin.refused")
		WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		if how := signsIn(h, done, err, u); how != "otp,pwd" {
			t.Errorf("signed in by %s", how)
		}
		if got := h.Events(audit.SignInHalfway); got != 2 {
			t.Errorf("%d times halfway in the audit", got)
		}
		// The first page is the one of the first way.
		if way, _ := h.SignIn.Habit(ctx, u.TenantID, u.Name); way != signin.TOTP {
			t.Errorf("the first way is %s", way)
		}
	})
}

// TestThePhoneIsEnoughByItself, as the first way and as the second one.
func TestThePhoneIsEnoughByItself(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		app := h.AppOf(u)
		h.Demand(u, user.MFAEnforced)
		answered := func(a signin.Attempt, kind prompt.Kind) string {
			r := p.Open()
			if r.Kind != string(kind) {
				t.Errorf("the phone is asked for a %s, want %s", r.Kind, kind)
			}
			if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
				t.Fatal(err)
			}
			done, err := h.SignIn.Finish(ctx, a.ID, pc)
			return signsIn(h, done, err, u)
		}
		if how := answered(at(h, u, signin.Phone, pc), prompt.SignIn); how != "phone" {
			t.Errorf("signed in by %s", how)
		}
		a := at(h, u, signin.Password, pc)
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.Phone, pc)
		if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.Phone, signin.TOTP}) {
			t.Errorf("halfway it offers %v", got)
		}
		if how := answered(a, prompt.SecondFactor); how != "pwd,phone" {
			t.Errorf("signed in by %s", how)
		}
		// Whoever takes the code once is asked for it first the next time.
		a = at(h, u, signin.Password, pc)
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.Phone, pc)
		if err := h.SignIn.Choose(ctx, a.ID, signin.TOTP, "", pc); err != nil {
			t.Fatal(err)
		}
		done, err = h.SignIn.VerifyCode(ctx, a.ID, app.Next(), pc)
		signsIn(h, done, err, u)
		a = at(h, u, signin.Password, pc)
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		halfway(h, a, done, err, signin.TOTP, pc)
		if way, _ := h.SignIn.Habit(ctx, u.TenantID, u.Name); way != signin.Password {
			t.Errorf("the first way is %s: the second one must not change it", way)
		}
	})
}

func TestEnabledAsksForNothingUntilSomethingIsBound(t *testing.T) {
	Each(t, func(h *House) {
		ctx, pc := h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		h.Demand(u, user.MFAEnabled)
		done, err := h.SignIn.VerifyPassword(ctx, at(h, u, signin.Password, pc).ID, Password, pc)
		signsIn(h, done, err, u)
		h.AppOf(u)
		a := at(h, u, signin.Password, pc)
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		halfway(h, a, done, err, signin.TOTP, pc)
	})
}

// TestEnforcedWithoutASecondFactorGoesNoFurther: the password alone makes nothing.
func TestEnforcedWithoutASecondFactorGoesNoFurther(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		h.Demand(u, user.MFAEnforced)
		a := at(h, u, signin.Password, pc)
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.Password, pc)
		if !a.Stuck() || len(offered(h, a)) > 0 {
			t.Errorf("stuck: %t, and it offers %v", a.Stuck(), offered(h, a))
		}
		for range 3 {
			WantCode(t, "the password again", verify(h, a, Password, pc), "signin.refused")
		}
		for _, way := range []signin.Way{signin.Password, signin.Phone, signin.TOTP} {
			WantCode(t, "going over to "+string(way), h.SignIn.Choose(ctx, a.ID, way, "", pc), "form.wrong")
		}
		able, err := signin.Able(h.DB.View(ctx), h.Keys, u.TenantID, []string{u.ID})
		if err != nil || able[u.ID] {
			t.Errorf("Able = %v, %v", able, err)
		}
		if got := h.Events(audit.SignInFinished); got != 0 {
			t.Errorf("%d sign-ins", got)
		}
	})
}

// TestWhoIsAbleHasADomainOfTheTenant: as the sign-in finds nobody by another one.
func TestWhoIsAbleHasADomainOfTheTenant(t *testing.T) {
	Each(t, func(h *House) {
		t, u := h.T, h.User(h.Alder, "u1")
		for _, row := range []struct {
			claim, change string
			want          bool
		}{
			{"as it was made", "UPDATE domains SET tenant_id = tenant_id", true},
			{"a domain that is not verified", "UPDATE domains SET verified_at = NULL WHERE domain = 'alder.example'", false},
			{"one that is verified again", "UPDATE domains SET verified_at = '2026-01-01 00:00:00+00:00' WHERE domain = 'alder.example'", true},
			{"a domain that is another tenant's", "UPDATE domains SET tenant_id = (SELECT id FROM tenants WHERE slug = 'birch') WHERE domain = 'alder.example'", false},
			{"a domain that is nobody's", "DELETE FROM domains WHERE domain = 'alder.example'", false},
		} {
			h.Set(row.change)
			able, err := signin.Able(h.DB.View(t.Context()), h.Keys, u.TenantID, []string{u.ID})
			_, signs := h.SignIn.VerifyPassword(t.Context(), h.Begin(u.Name, signin.Password, Browser("PC")), Password, Browser("PC"))
			if err != nil || able[u.ID] != row.want || (signs == nil) != row.want {
				t.Errorf("%s: Able = %v, %v, and the sign-in says %v; want %t", row.claim, able, err, signs, row.want)
			}
		}
	})
}

// TestWhatChangesMeanwhileIsAskedAgain: between one factor and the other.
func TestWhatChangesMeanwhileIsAskedAgain(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		for claim, change := range map[string]func(u user.User, a signin.Attempt){
			"the user is locked": func(u user.User, _ signin.Attempt) { h.Lock(u) },
			"the tenant is suspended": func(u user.User, _ signin.Attempt) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			},
			"the app is taken away":        func(u user.User, _ signin.Attempt) { h.Set("UPDATE totps SET state = 'ended' WHERE user_id = ?", u.ID) },
			"the attempt is over":          func(_ user.User, _ signin.Attempt) { h.Clock.Forward(15 * time.Minute) },
			"five codes were wrong before": func(u user.User, a signin.Attempt) { h.Set("UPDATE attempts SET failures = 5 WHERE user_id = ?", u.ID) },
		} {
			h.Set("UPDATE tenants SET state = 'active'")
			pc := Browser(claim)
			u := h.User(h.Alder, "user-"+pc.BrowserDigest[:8])
			app := h.AppOf(u)
			h.Demand(u, user.MFAEnforced)
			h.Clock.Forward(time.Minute)
			a := at(h, u, signin.Password, pc)
			done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
			a = halfway(h, a, done, err, signin.TOTP, pc)
			change(u, a)
			WantCode(t, claim, types(h, a, app.Code(0), pc), "signin.refused")
		}
		if got := h.Events(audit.SignInFinished); got != 0 {
			t.Errorf("%d sign-ins", got)
		}
	})
}

// TestTheHalvesOfTwoAttemptsMakeNoWhole: what was proved in one attempt is worth
// nothing in another one, of another browser or of another name.
func TestTheHalvesOfTwoAttemptsMakeNoWhole(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc, other := h.T, h.T.Context(), Browser("a PC"), Browser("another")
		u, thief := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		app, theirs := h.AppOf(u), h.AppOf(thief)
		h.Demand(u, user.MFAEnforced)
		h.Demand(thief, user.MFAEnforced)
		h.Clock.Forward(time.Minute)
		for Shows(app.Code, theirs.Code(0)) { // else it would be right by chance
			theirs = h.AppOf(thief)
		}
		a := at(h, u, signin.Password, pc)
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.TOTP, pc)
		b := at(h, u, signin.TOTP, pc)
		done, err = h.SignIn.VerifyCode(ctx, b.ID, app.Code(0), pc)
		halfway(h, b, done, err, signin.Password, pc)
		WantCode(t, "the code of somebody else", types(h, a, theirs.Code(0), pc), "signin.refused")
		WantCode(t, "the code in another browser", types(h, a, app.Code(1), other), "http.not_found")
		if got := h.Events(audit.SignInFinished); got != 0 {
			t.Errorf("%d sign-ins", got)
		}
	})
}

// TestOfManyRightCodesAtOnceOneSignsIn, in one attempt and in many.
func TestOfManyRightCodesAtOnceOneSignsIn(t *testing.T) {
	const many = 500
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		app := h.AppOf(u)
		attempts := make([]signin.Attempt, many)
		for i := range attempts {
			attempts[i] = at(h, u, signin.TOTP, pc)
		}
		for claim, of := range map[string]func(i int) signin.Attempt{
			"many attempts": func(i int) signin.Attempt { return attempts[i] },
			"one attempt":   func(int) signin.Attempt { return attempts[many-1] },
		} {
			h.Set("DELETE FROM throttles")
			before := h.Events(audit.SignInFinished)
			h.Set("UPDATE attempts SET failures = 0, state = 'open'")
			h.Set("UPDATE attempts SET expires_at = ?", h.Clock.Now().Add(time.Hour))
			code := app.Next()
			tally := Tally(AtOnce(many, func(i int) error { return types(h, of(i), code, pc) }))
			if tally["done"] != 1 || h.Events(audit.SignInFinished) != before+1 {
				t.Errorf("%s: of %d at once %v, with %d events", claim, many, tally, h.Events(audit.SignInFinished)-before)
			}
		}
		if got := h.Count("SELECT count(*) FROM sessions WHERE amr = 'otp'"); got != 2 {
			t.Errorf("%d sessions", got)
		}
	})
}

// TestOfManyWrongCodesAtOnceFiveAreChecked in one attempt.
func TestOfManyWrongCodesAtOnceFiveAreChecked(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		wrong := h.AppOf(u).Wrong()
		a := at(h, u, signin.TOTP, pc)
		Tally(AtOnce(500, func(int) error { return types(h, a, wrong, pc) }))
		if got := h.Count("SELECT count(*) FROM audit_events WHERE reason = 'signin.code_wrong'"); got != 5 {
			t.Errorf("%d of them were checked", got)
		}
		if got := inARow(h, u.Name); got != 5 {
			t.Errorf("%d failures in a row", got)
		}
	})
}

func TestTenWrongCodesPauseCodesAlone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		app := h.AppOf(u)
		for range 2 {
			a := at(h, u, signin.TOTP, pc)
			for range 5 {
				WantCode(t, "a wrong code", types(h, a, app.Wrong(), pc), "signin.refused")
			}
		}
		WantCode(t, "a right code in the pause", types(h, at(h, u, signin.TOTP, pc), app.Next(), pc), "signin.paused")
		done, err := h.SignIn.VerifyPassword(ctx, at(h, u, signin.Password, pc).ID, Password, pc)
		signsIn(h, done, err, u)
		h.Clock.Forward(15 * time.Minute)
		done, err = h.SignIn.VerifyCode(ctx, at(h, u, signin.TOTP, pc).ID, app.Code(0), pc)
		signsIn(h, done, err, u)
	})
}

// TestACodeProvesASessionThatKnowsThePassword, and no other.
func TestACodeProvesASessionThatKnowsThePassword(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		app := h.AppOf(u)
		s, cookie := signedIn(h, u)
		fresh := func() bool { return current(h, cookie).Fresh(h.Clock.Now()) }
		if _, err := h.SignIn.VerifyPassword(ctx, stepUp(h, s, signin.Password, pc).ID, Password, pc); err != nil || fresh() {
			t.Errorf("the password of somebody with an app = %v, fresh %t", err, fresh())
		}
		if _, err := h.SignIn.VerifyCode(ctx, stepUp(h, s, signin.TOTP, pc).ID, app.Next(), pc); err != nil || !fresh() {
			t.Errorf("a code = %v, fresh %t", err, fresh())
		}
		// In a session that a code made, it takes the password before.
		h.Set("UPDATE sessions SET amr = 'otp', proved_by = 'otp' WHERE id = ?", s.ID)
		if _, err := h.SignIn.VerifyCode(ctx, stepUp(h, s, signin.TOTP, pc).ID, app.Next(), pc); err != nil || fresh() {
			t.Errorf("a code alone = %v, fresh %t", err, fresh())
		}
		for _, prove := range []func() error{
			func() error {
				_, err := h.SignIn.VerifyPassword(ctx, stepUp(h, s, signin.Password, pc).ID, Password, pc)
				return err
			},
			func() error {
				_, err := h.SignIn.VerifyCode(ctx, stepUp(h, s, signin.TOTP, pc).ID, app.Next(), pc)
				return err
			},
		} {
			if err := prove(); err != nil {
				t.Fatal(err)
			}
		}
		if !fresh() {
			t.Error("the password and then a code are not enough")
		}
		h.Clock.Forward(session.StepUpLife)
		if fresh() {
			t.Error("it is enough for longer than five minutes")
		}
	})
}
