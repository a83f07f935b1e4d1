package signin_test

import (
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// signedIn gives a user a session that is ten minutes old.
func signedIn(h *House, u user.User) (session.Session, secret.Token) {
	h.T.Helper()
	_, cookie := h.Session(u)
	h.Clock.Forward(10 * time.Minute)
	return current(h, cookie), cookie
}

func current(h *House, cookie secret.Token) session.Session {
	h.T.Helper()
	s, err := session.Find(h.T.Context(), h.DB, cookie)
	if err != nil {
		h.T.Fatalf("the session is gone: %v", err)
	}
	return s
}

// stepUp begins to prove it again.
func stepUp(h *House, s session.Session, way signin.Way, from signin.From) signin.Attempt {
	h.T.Helper()
	addressed, err := h.SignIn.BeginStepUp(h.T.Context(), s, "/me/phones", way, from)
	if err != nil {
		h.T.Fatalf("BeginStepUp = %v", err)
	}
	return h.Attempt(addressed, from)
}

func TestAStepUpProvesTheSessionItIsFor(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		s, cookie := signedIn(h, u)
		_, otherCookie := h.Session(u)
		h.Clock.Forward(session.StepUpLife)
		weakly := func(cookie secret.Token) bool { return current(h, cookie).FreshBy(session.Weak, h.Clock.Now()) }
		if weakly(cookie) {
			t.Fatal("a session of fifteen minutes is fresh")
		}
		before := h.Count("SELECT count(*) FROM sessions")

		a := stepUp(h, s, signin.Password, pc)
		if a.Purpose != signin.ToStepUp || a.Way != signin.Password {
			t.Errorf("the attempt is to %s by %s", a.Purpose, a.Way)
		}
		WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
		if weakly(cookie) {
			t.Error("a wrong password proved it")
		}
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		if err != nil || !done.Cookie.Empty() || done.ReturnTo != "/me/phones" {
			t.Errorf("VerifyPassword = %+v, %v; want no new cookie", done, err)
		}
		if now := current(h, cookie); !weakly(cookie) || now.ProvedBy != session.ByPassword || !now.ProvedAt.Equal(h.Clock.Now()) || !now.CreatedAt.Equal(s.CreatedAt) || !now.ExpiresAt.Equal(s.ExpiresAt) {
			t.Errorf("afterwards the session is %+v, and was %+v", now, s)
		}
		if current(h, cookie).Fresh(h.Clock.Now()) {
			t.Error("the password of somebody with a phone does for every act")
		}
		if weakly(otherCookie) {
			t.Error("another session of the user was proved too")
		}

		h.Clock.Forward(5*time.Minute - time.Microsecond)
		if !weakly(cookie) {
			t.Error("an instant short of five minutes it is not fresh")
		}
		h.Clock.Forward(time.Microsecond)
		if weakly(cookie) {
			t.Error("after five minutes it is fresh")
		}

		a = stepUp(h, s, signin.Phone, pc)
		r := p.Open()
		if r.Kind != string(prompt.StepUp) {
			t.Errorf("the phone is asked for a %s", r.Kind)
		}
		if _, err := p.Answer(r, prompt.Approve, a.Number, PIN); err != nil {
			t.Fatal(err)
		}
		if done, err = h.SignIn.Finish(ctx, a.ID, pc); err != nil || !done.Cookie.Empty() {
			t.Errorf("Finish = %+v, %v; want no new cookie", done, err)
		}
		if now := current(h, cookie); !now.Fresh(h.Clock.Now()) || now.ProvedBy != session.ByPhone {
			t.Errorf("after the phone the session is %+v", now)
		}
		_, err = h.SignIn.Finish(ctx, a.ID, pc)
		WantCode(t, "Finish a second time", err, "signin.refused")
		if got := h.Count("SELECT count(*) FROM sessions"); got != before {
			t.Errorf("there are %d sessions, and were %d", got, before)
		}
		if begun, finished := h.Events(audit.StepUpBegun), h.Events(audit.StepUpFinished); begun != 2 || finished != 2 {
			t.Errorf("%d begun and %d finished in the audit, want 2 and 2", begun, finished)
		}
	})
}

func TestAStepUpTakesTheLastUsedWay(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		h.PhoneOf(u)
		s, _ := signedIn(h, u)
		pc := Browser("a PC")
		if a := stepUp(h, s, "", pc); a.Way != signin.Password {
			t.Errorf("without a habit the way is %s", a.Way)
		}
		if err := h.SignIn.Prefer(t.Context(), u.TenantID, u.ID, u.Name, signin.Phone, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if a := stepUp(h, s, "", pc); a.Way != signin.Phone || a.Number == "" {
			t.Errorf("with the phone as habit the way is %s with the number %q", a.Way, a.Number)
		}
		if a := stepUp(h, s, "carrier pigeon", pc); a.Way != signin.Password {
			t.Errorf("a way that is none becomes %s", a.Way)
		}
	})
}

// TestAStepUpOfASessionThatEndedProvesNothing: and uses the attempt up no more
// than any other refusal.
func TestAStepUpOfASessionThatEndedProvesNothing(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		pc := Browser("a PC")
		for claim, end := range map[string]func(u user.User, s session.Session){
			"it was ended": func(u user.User, s session.Session) {
				if err := session.End(ctx, h.DB, s.TenantID, s.UserID, s.ID, audit.User(u.ID), audit.Origin{}); err != nil {
					t.Fatal(err)
				}
			},
			"its day is over":    func(_ user.User, s session.Session) { h.Clock.Forward(s.ExpiresAt.Sub(h.Clock.Now())) },
			"the user is locked": func(u user.User, _ session.Session) { h.Lock(u) },
			"it is of another user": func(_ user.User, s session.Session) {
				h.Set("UPDATE sessions SET user_id = ? WHERE id = ?", h.User(h.Alder, secret.System.ShortID()).ID, s.ID)
			},
		} {
			u := h.User(h.Alder, secret.System.ShortID())
			s, _ := signedIn(h, u)
			// Past the life of a session, so that its own end is what is met.
			h.Set("UPDATE sessions SET expires_at = ? WHERE id = ?", h.Clock.Now().Add(10*time.Minute), s.ID)
			s.ExpiresAt = h.Clock.Now().Add(10 * time.Minute)
			a := stepUp(h, s, signin.Password, pc)
			end(u, s)
			WantCode(t, claim, verify(h, a, Password, pc), "signin.refused")
			if got := h.Count("SELECT count(*) FROM sessions WHERE id = ? AND proved_at > created_at", s.ID); got != 0 {
				t.Errorf("%s: it was proved", claim)
			}
			if got := h.Attempt(a.ID, pc); got.State != "open" {
				t.Errorf("%s: the attempt is %s", claim, got.State)
			}
		}
		if got := h.Events(audit.StepUpFinished); got != 0 {
			t.Errorf("%d step-ups finished in the audit", got)
		}
	})
}
