package session_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// byPassword signs a user in with the password.
func byPassword(h *House, u user.User, from signin.From) signin.Done {
	h.T.Helper()
	done, err := h.SignIn.VerifyPassword(h.T.Context(), h.Begin(u.Name, signin.Password, from), Password, from)
	if err != nil || done.Cookie.Empty() {
		h.T.Fatalf("signing in by password = %v", err)
	}
	return done
}

// byPhone signs a user in with their phone, and gives what it was asked.
func byPhone(h *House, u user.User, p *Phone, from signin.From) (signin.Done, prompt.Request) {
	h.T.Helper()
	attempt := h.Begin(u.Name, signin.Phone, from)
	r := p.Open()
	if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
		h.T.Fatalf("Answer: %v", err)
	}
	done, err := h.SignIn.Finish(h.T.Context(), attempt, from)
	if err != nil || done.Cookie.Empty() {
		h.T.Fatalf("signing in by phone = %v", err)
	}
	h.Clock.Forward(11 * time.Minute) // a phone is asked three times in ten
	return done, r
}

// of gives the session of a cookie.
func of(h *House, cookie secret.Token) session.Session {
	h.T.Helper()
	s, err := session.Find(h.T.Context(), h.DB, cookie)
	if err != nil {
		h.T.Fatalf("the session is gone: %v", err)
	}
	return s
}

// told counts the notices of an action that a user has not put away, as they see
// them in a session.
func told(h *House, u user.User, sessionID string, action audit.Action) (n int) {
	h.T.Helper()
	all, err := notify.Unseen(h.T.Context(), h.DB, u.TenantID, u.ID, sessionID)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, one := range all {
		if one.Action == action {
			n++
		}
	}
	return n
}

// stepUp proves a session again by password.
func stepUp(h *House, s session.Session, from signin.From) {
	h.T.Helper()
	attempt, err := h.SignIn.BeginStepUp(h.T.Context(), s, "/", signin.Password, from)
	if err == nil {
		_, err = h.SignIn.VerifyPassword(h.T.Context(), attempt, Password, from)
	}
	if err != nil {
		h.T.Fatalf("a step-up = %v", err)
	}
}

// TestWhatIsNewAndWhatIsLimited: a browser that the user never signed in from is
// told to them; where the phone alone vouches for it, it is limited.
func TestWhatIsNewAndWhatIsLimited(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		home, strange, phoneless := Browser("home"), Browser("a strange PC"), Browser("another PC")
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		check := func(claim string, done signin.Done, isNew, limited bool) session.Session {
			t.Helper()
			s := of(h, done.Cookie)
			if s.Limited != limited {
				t.Errorf("%s: limited = %t", claim, s.Limited)
			}
			notices := h.Count("SELECT count(*) FROM notices WHERE session_id = ? AND action = ? AND user_id = ? AND detail = ?", s.ID, audit.SessionNewBrowser, u.ID, s.Browser)
			if notices == 1 != isNew {
				t.Errorf("%s: %d notices tell of it", claim, notices)
			}
			return s
		}
		first, r := byPhone(h, u, p, home)
		check("the very first sign-in, by phone", first, false, false)
		if !r.NewBrowser {
			t.Error("the phone takes a browser for known that it never saw")
		}
		again, r := byPhone(h, u, p, home)
		check("the same browser", again, false, false)
		if r.NewBrowser {
			t.Error("the phone takes a known browser for new")
		}
		check("a new browser, by password", byPassword(h, u, phoneless), true, false)
		check("the same one, by phone", first0(byPhone(h, u, p, phoneless)), false, false)

		limited, r := byPhone(h, u, p, strange)
		s := check("a new browser, by phone", limited, true, true)
		if !r.NewBrowser || r.Browser != strange.Browser {
			t.Errorf("the phone is asked %+v", r)
		}
		check("once more, though the browser had a session", first0(byPhone(h, u, p, strange)), true, true)

		// What it may not do, until it is proved.
		for claim, err := range map[string]error{
			"to enter the console": session.EnterConsole(t.Context(), h.DB, &s), "to change something": s.Unlimited(),
		} {
			WantCode(t, claim, err, "session.limited")
			if !errors.Is(err, fault.StepUp) || len(fault.Of(err).Proofs) == 0 {
				t.Errorf("%s: %v names no proof", claim, err)
			}
		}
		if s.FreshBy(session.Weak, s.ProvedAt) || s.Fresh(s.ProvedAt) {
			t.Error("a limited session is fresh")
		}
		if h.Count("SELECT count(*) FROM sessions WHERE console_seen_at IS NOT NULL") != 0 {
			t.Error("that it was refused counts as use of the console")
		}
		// Whoever talked the user into approving it may know the password, too.
		stepUp(h, s, strange)
		if s = of(h, limited.Cookie); !s.Limited || s.Unlimited() == nil || s.FreshBy(session.Weak, h.Clock.Now()) {
			t.Errorf("the password lifts it: %+v", s)
		}
		for _, by := range []string{session.ByPasscode, session.BySMS, session.ByPhone} {
			if s = of(h, limited.Cookie); !s.Limited {
				t.Errorf("before %s it is lifted", by)
			}
			h.Act(func(tx *store.Tx) error { return session.Prove(tx, u.TenantID, s.ID, u.ID, by, "") })
		}
		s = of(h, limited.Cookie)
		if err := session.EnterConsole(t.Context(), h.DB, &s); err != nil || s.Limited || s.Unlimited() != nil || !s.FreshBy(session.Weak, h.Clock.Now()) {
			t.Errorf("after the step-up it is %+v, %v", s, err)
		}
		check("the browser after it", first0(byPhone(h, u, p, strange)), false, false)

		// Browsers of others, and those that are forgotten, count for nothing.
		other := h.User(h.Alder, "user2")
		q, _ := h.PhoneOf(other)
		byPassword(h, other, Browser("their first"))
		if done, _ := byPhone(h, other, q, home); !of(h, done.Cookie).Limited {
			t.Error("a browser is known because somebody else used it")
		}
	})
}

// TestAnAppAloneLiftsNoLimit: with the password it does, in either order of proof.
func TestAnAppAloneLiftsNoLimit(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		byPhone(h, u, p, Browser("home"))
		for _, row := range []struct {
			proofs  []string
			limited bool
		}{
			{[]string{session.ByTOTP}, true},
			{[]string{session.ByKey}, true},
			{[]string{session.ByPassword}, true},
			{[]string{session.ByPassword, session.ByTOTP}, false},
			{[]string{session.ByPassword, session.ByKey}, false},
			{[]string{session.ByPasskey}, false},
		} {
			done, _ := byPhone(h, u, p, Browser("a strange PC"))
			s := of(h, done.Cookie)
			h.Set("UPDATE sessions SET limited = TRUE WHERE id = ?", s.ID)
			for _, by := range row.proofs {
				h.Act(func(tx *store.Tx) error { return session.Prove(tx, u.TenantID, s.ID, u.ID, by, "") })
			}
			if got := of(h, done.Cookie).Limited; got != row.limited {
				t.Errorf("after %v it is limited: %t", row.proofs, got)
			}
		}
	})
}

func first0(done signin.Done, _ prompt.Request) signin.Done { return done }

// TestASignInFromANewBrowserIsUndone in one click, once, by the one it is told to.
func TestASignInFromANewBrowserIsUndone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, stranger, foreigner := h.User(h.Alder, "user1"), h.User(h.Alder, "user2"), h.User(h.Birch, "user1")
		home, thief := Browser("home"), Browser("a thief's PC")
		thief.Stay = true
		mine := of(h, byPassword(h, u, home).Cookie)
		done := byPassword(h, u, thief)
		thief.Trusted = kept(secret.Token{}, done.Trust)
		second := byPassword(h, u, thief)
		theirs := of(h, done.Cookie)
		if told(h, u, mine.ID, audit.SessionNewBrowser) != 1 || told(h, u, theirs.ID, audit.SessionNewBrowser) != 0 {
			t.Error("the notice stands where the thief reads it, or not where the user does")
		}
		undo := func(by session.Session) error { return session.Undo(ctx, h.DB, by, theirs.ID, from) }
		for claim, by := range map[string]user.User{"another user": stranger, "a user of another tenant": foreigner} {
			_, cookie := h.Session(by)
			WantCode(t, claim, undo(of(h, cookie)), "http.not_found")
		}
		WantCode(t, "of a session that nobody was told of", session.Undo(ctx, h.DB, mine, mine.ID, from), "http.not_found")
		WantCode(t, "of none", session.Undo(ctx, h.DB, mine, "none", from), "http.not_found")
		if !h.Alive(done.Cookie) || h.Events(audit.SessionUndone) != 0 {
			t.Fatal("it was undone by somebody else")
		}
		got := Tally(AtOnce(6, func(int) error { return undo(mine) }))
		if got["done"] != 1 || got["http.not_found"] != 5 || h.Events(audit.SessionUndone) != 1 {
			t.Errorf("six at once: %v and %d events", got, h.Events(audit.SessionUndone))
		}
		if h.Alive(done.Cookie) || h.Alive(second.Cookie) {
			t.Error("a session of that browser is alive")
		}
		if all, err := session.Of(ctx, h.DB, u.TenantID, u.ID); err != nil || len(all) != 1 || all[0].ID != mine.ID {
			t.Errorf("left are %+v, %v; want the one that undid it", all, err)
		}
		if trusted, err := session.TrustedBrowsers(ctx, h.DB, u.TenantID, u.ID); err != nil || len(trusted) != 0 {
			t.Errorf("the browser is trusted: %v, %v", trusted, err)
		}
		if told(h, u, "", audit.SessionNewBrowser) != 0 {
			t.Error("the notice still stands")
		}
		if s := of(h, byPassword(h, u, thief).Cookie); h.Count("SELECT count(*) FROM notices WHERE session_id = ?", s.ID) != 1 {
			t.Error("afterwards the browser is known")
		}
		// Put away, it is undone no more.
		last := h.Text("SELECT id FROM notices WHERE seen_at IS NULL AND user_id = ?", u.ID)
		session3 := h.Text("SELECT session_id FROM notices WHERE id = ?", last)
		if err := notify.PutAway(ctx, h.DB, u.TenantID, u.ID, last, from); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "what was put away", session.Undo(ctx, h.DB, mine, session3, from), "http.not_found")
	})
}

// TestAnUndoWithoutItsEventDoesNotHappen: no audit, no act.
func TestAnUndoWithoutItsEventDoesNotHappen(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		mine := of(h, byPassword(h, u, Browser("home")).Cookie)
		done := byPassword(h, u, Browser("a strange PC"))
		theirs := of(h, done.Cookie)
		h.Set("ALTER TABLE audit_events RENAME TO audit_gone")
		if err := session.Undo(t.Context(), h.DB, mine, theirs.ID, from); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Undo = %v", err)
		}
		h.Set("ALTER TABLE audit_gone RENAME TO audit_events")
		if !h.Alive(done.Cookie) || told(h, u, mine.ID, audit.SessionNewBrowser) != 1 {
			t.Error("it happened all the same")
		}
		if err := session.Undo(t.Context(), h.DB, mine, theirs.ID, from); err != nil || h.Alive(done.Cookie) {
			t.Errorf("afterwards Undo = %v", err)
		}
	})
}

// TestTheLimitsOfTheTenantHoldAtOnce, for the sessions that there are, wherever they
// are asked for.
func TestTheLimitsOfTheTenantHoldAtOnce(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		seen := func(u user.User, id string, cookie secret.Token) [3]bool {
			t.Helper()
			_, err := session.Find(ctx, h.DB, cookie)
			listed, err2 := session.Of(ctx, h.DB, u.TenantID, u.ID)
			alive, err3 := session.Alive(h.DB.View(ctx), u.TenantID, id)
			if err2 != nil || err3 != nil {
				t.Fatal(err2, err3)
			}
			_, ok := alive[id]
			return [3]bool{err == nil, len(listed) == 1 && listed[0].ID == id, ok}
		}
		dead, lives := [3]bool{}, [3]bool{true, true, true}
		for i, row := range []struct {
			claim       string
			age, unused time.Duration
			minutes     int
			hours       int
			want        [3]bool
			looser      bool // and lives again when the limit is loosened
		}{
			{"ten minutes unused, of ten", 10 * time.Minute, 10 * time.Minute, 10, 24, dead, true},
			{"ten minutes unused but an instant, of ten", 10*time.Minute - time.Microsecond, 10*time.Minute - time.Microsecond, 10, 24, lives, false},
			{"two hours old, of two", 2 * time.Hour, time.Minute, 60, 2, dead, true},
			{"two hours old but an instant, of two", 2*time.Hour - time.Microsecond, time.Minute, 60, 2, lives, false},
			{"the tightest", 4 * time.Minute, 4 * time.Minute, 5, 1, lives, false},
		} {
			u := h.User(h.Alder, "limit"+string(rune('a'+i)))
			id, cookie := h.Session(u)
			h.Clock.Forward(row.age)
			h.Set("UPDATE sessions SET last_seen_at = ? WHERE id = ?", h.Clock.Now().Add(-row.unused), id)
			h.Set("UPDATE tenants SET idle_minutes = 60, session_hours = 24")
			if row.age < time.Hour && row.unused < time.Hour {
				if alive, _ := session.Alive(h.DB.View(ctx), u.TenantID, id); len(alive) != 1 {
					t.Errorf("%s: it was dead before", row.claim)
				}
			}
			h.Set("UPDATE tenants SET idle_minutes = ?, session_hours = ? WHERE id = ?", row.minutes, row.hours, h.Alder.ID)
			if got := seen(u, id, cookie); got != row.want {
				t.Errorf("%s: found, listed and alive = %v", row.claim, got)
			}
			h.Set("UPDATE tenants SET idle_minutes = 60, session_hours = 24")
			h.Set("DELETE FROM sessions WHERE id = ?", id)
		}
		// Another tenant's limits are not this one's.
		u := h.User(h.Birch, "user1")
		id, cookie := h.Session(u)
		h.Set("UPDATE tenants SET idle_minutes = 5, session_hours = 1 WHERE id = ?", h.Alder.ID)
		h.Clock.Forward(30 * time.Minute)
		if got := seen(u, id, cookie); got != lives {
			t.Errorf("by the limits of another tenant: %v", got)
		}
		s := of(h, cookie)
		if at, last := s.EndsAt(); last || !at.Equal(h.Clock.Now().Add(time.Hour)) {
			t.Errorf("it ends at %v (%t), an hour from its last use", at, last)
		}
	})
}

// TestTheConsoleClosesWithTheSession: a session that ends before the console would
// says so.
func TestTheConsoleClosesWithTheSession(t *testing.T) {
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		claim string
		lives session.Lives
		want  time.Duration
		last  bool
	}{
		{"by default after a quarter of an hour", session.Lives{IdleMinutes: 60, SessionHours: 24}, 15 * time.Minute, false},
		{"unused for five minutes", session.Lives{IdleMinutes: 5, SessionHours: 24}, 5 * time.Minute, false},
		{"after the one hour that it has", session.Lives{IdleMinutes: 60, SessionHours: 1}, 10 * time.Minute, true},
	} {
		s := session.Session{CreatedAt: noon.Add(-50 * time.Minute), ProvedAt: noon, LastSeenAt: noon, Lives: row.lives}
		if at, last := s.ConsoleEndsAt(); !at.Equal(noon.Add(row.want)) || last != row.last {
			t.Errorf("%s: it closes after %v (%t)", row.claim, at.Sub(noon), last)
		}
	}
}

// TestTheConsoleIsOpenForTwelveHours: however much it is used, and proved.
func TestTheConsoleIsOpenForTwelveHours(t *testing.T) {
	morning := time.Date(2026, time.March, 1, 6, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		claim string
		used  time.Duration // after it began
		want  time.Duration
		last  bool
	}{
		{"used an instant short of a quarter of an hour before", 11*time.Hour + 45*time.Minute - time.Microsecond, 12*time.Hour - time.Microsecond, false},
		{"used a quarter of an hour before", 11*time.Hour + 45*time.Minute, 12 * time.Hour, true},
		{"used just now", 12*time.Hour - time.Microsecond, 12 * time.Hour, true},
	} {
		used := morning.Add(row.used)
		s := session.Session{CreatedAt: morning, ProvedAt: used, ConsoleSeenAt: &used, LastSeenAt: used, Lives: session.Lives{IdleMinutes: 60, SessionHours: 24}}
		if at, last := s.ConsoleEndsAt(); !at.Equal(morning.Add(row.want)) || last != row.last {
			t.Errorf("%s: it closes %v after it began (%t), want %v (%t)", row.claim, at.Sub(morning), last, row.want, row.last)
		}
	}
}

// TestACheckReadsOnceAndWritesNothing: what every page costs.
func TestACheckReadsOnceAndWritesNothing(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		_, cookie := h.Session(h.User(h.Alder, "user1"))
		var statements []string
		h.DB.Watch(func(statement string) { statements = append(statements, statement) })
		for range 20 {
			if _, err := session.Find(t.Context(), h.DB, cookie); err != nil {
				t.Fatal(err)
			}
		}
		h.DB.Watch(func(string) {})
		if len(statements) != 20 {
			t.Errorf("20 checks are %d statements: %v", len(statements), statements)
		}
		for _, statement := range statements {
			if statement[:6] != "SELECT" {
				t.Errorf("a check writes: %s", statement)
			}
		}
	})
}
