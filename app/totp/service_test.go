package totp_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/totp"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// setup is a user in a session who has begun to set up an app.
type setup struct {
	*House
	u   user.User
	by  totp.Owner
	id  string
	new totp.New

	begun int // how often
}

func begun(h *House, name string) *setup {
	h.T.Helper()
	s := &setup{House: h, u: h.User(h.Alder, name)}
	session, _ := h.Session(s.u)
	s.by = totp.Owner{TenantID: s.u.TenantID, UserID: s.u.ID, SessionID: session}
	s.again()
	return s
}

// again begins anew, until no two codes about now are the same.
func (s *setup) again() {
	s.T.Helper()
	for alike := true; alike; alike = Alike(s.code) {
		var err error
		if s.id, err = s.TOTPs.Begin(s.T.Context(), s.by, audit.Origin{}); err != nil {
			s.T.Fatalf("Begin: %v", err)
		}
		if s.new, err = s.TOTPs.Show(s.T.Context(), s.by, s.id, "Alder Health", s.u.Name); err != nil {
			s.T.Fatalf("Show: %v", err)
		}
		s.begun++
	}
}

func (s *setup) confirm(by totp.Owner, typed string) error {
	return s.TOTPs.Confirm(s.T.Context(), by, s.id, typed, audit.Origin{})
}

func (s *setup) code(steps int64) string { return code(s.T, s.new.Seed, s.Clock.Now(), steps) }

// wrong is none of the codes about now.
func (s *setup) wrong() string { return NoneOf(s.code) }

func TestAnAppIsBoundByItsCode(t *testing.T) {
	Each(t, func(h *House) {
		t, s := h.T, begun(h, "user1")
		if !strings.Contains(s.new.Link, s.new.Seed.Reveal()) || !s.new.ExpiresAt.Equal(h.Clock.Now().Add(10*time.Minute)) {
			t.Errorf("what is shown ends at %s, with a link of another seed or none", s.new.ExpiresAt)
		}
		if got := h.Count("SELECT count(*) FROM totps WHERE seed LIKE '%' || ? || '%'", s.new.Seed.Reveal()); got != 0 {
			t.Error("the seed stands in the database as it is")
		}
		WantCode(t, "a wrong code", s.confirm(s.by, s.wrong()), "form.wrong")
		if h.Count("SELECT ways FROM users WHERE id = ?", s.u.ID) != 1 {
			t.Error("an app that is not proved counts as a way in")
		}
		if err := s.confirm(s.by, s.code(0)); err != nil {
			t.Fatalf("Confirm: %v", err)
		}
		if got := h.Count("SELECT ways FROM users WHERE id = ?", s.u.ID); got != 5 {
			t.Errorf("the user has the ways %b", got)
		}
		if _, ok, err := h.TOTPs.Of(t.Context(), s.u.TenantID, s.u.ID); !ok || err != nil {
			t.Errorf("Of = %t, %v", ok, err)
		}
		if h.Events(audit.TOTPBegun) != s.begun || h.Events(audit.TOTPRefused) != 1 || h.Events(audit.TOTPBound) != 1 {
			t.Error("what happened is not in the audit, or twice")
		}
		if got := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = 'totp.bound'", s.u.ID); got != 1 {
			t.Errorf("the user is told %d times", got)
		}
		// What proved it is burnt, and it is shown no more.
		held, err := h.TOTPs.Holding(t.Context(), s.u.TenantID, s.u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := held.Match(s.code(0), h.Clock.Now()); ok {
			t.Error("the code that proved the app is taken again")
		}
		if _, ok, _ := held.Match(s.code(1), h.Clock.Now()); !ok {
			t.Error("the next code is not taken")
		}
		_, err = h.TOTPs.Show(t.Context(), s.by, s.id, "", "")
		WantCode(t, "showing it again", err, "totp.over")
		WantCode(t, "proving it again", s.confirm(s.by, s.code(1)), "totp.over")
	})
}

func TestASetUpBelongsToItsSessionAndItsTime(t *testing.T) {
	Each(t, func(h *House) {
		t, s := h.T, begun(h, "user1")
		other := begun(h, "user2")
		elsewhere, _ := h.Session(s.u)
		for claim, by := range map[string]totp.Owner{
			"another session of the user": {TenantID: s.u.TenantID, UserID: s.u.ID, SessionID: elsewhere},
			"another user":                other.by,
			"another tenant":              {TenantID: h.Birch.ID, UserID: s.u.ID, SessionID: s.by.SessionID},
		} {
			if _, err := h.TOTPs.Show(t.Context(), by, s.id, "", ""); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
				t.Errorf("shown to %s: %v", claim, err)
			}
			WantCode(t, "proved by "+claim, s.confirm(by, s.code(0)), "http.not_found")
		}
		if h.Count("SELECT tries FROM totps WHERE id = ?", s.id) != 0 {
			t.Error("tries of others count")
		}
		// Five codes, and no more, be the next one right.
		for range 5 {
			WantCode(t, "a wrong code", s.confirm(s.by, s.wrong()), "form.wrong")
		}
		WantCode(t, "a right code after five wrong ones", s.confirm(s.by, s.code(0)), "totp.over")
		s.again()
		h.Clock.Forward(10 * time.Minute)
		WantCode(t, "a right code after ten minutes", s.confirm(s.by, s.code(0)), "totp.over")
		first := s.id
		s.again()
		second := s.new
		s.again()
		if err := h.TOTPs.Confirm(t.Context(), s.by, first, code(t, second.Seed, h.Clock.Now(), 0), audit.Origin{}); err == nil {
			t.Error("one that was begun before is bound")
		}
		h.Lock(s.u)
		WantCode(t, "a right code of a locked user", s.confirm(s.by, s.code(0)), "totp.over")
		if h.Count("SELECT count(*) FROM totps WHERE state = 'active'") != 0 {
			t.Error("something is bound")
		}
		h.Clock.Forward(time.Hour)
		if err := totp.Forget(t.Context(), h.DB); err != nil {
			t.Fatal(err)
		}
		if got := h.Count("SELECT count(*) FROM totps WHERE seed <> ''"); got != 0 {
			t.Errorf("%d seeds are kept that nobody proved", got)
		}
	})
}

func TestAnotherAppTakesThePlaceOfTheFirst(t *testing.T) {
	Each(t, func(h *House) {
		t, s := h.T, begun(h, "user1")
		if err := s.confirm(s.by, s.code(0)); err != nil {
			t.Fatal(err)
		}
		old := code(t, s.new.Seed, h.Clock.Now(), 1)
		s.again()
		for Shows(s.code, old) { // else it would be taken for the new app's
			s.again()
		}
		if held, _ := h.TOTPs.Holding(t.Context(), s.u.TenantID, s.u.ID); held.ID == "" {
			t.Error("beginning anew ends the first app")
		}
		if err := s.confirm(s.by, s.code(0)); err != nil {
			t.Fatalf("Confirm: %v", err)
		}
		held, err := h.TOTPs.Holding(t.Context(), s.u.TenantID, s.u.ID)
		if err != nil || held.ID != s.id {
			t.Errorf("Holding = %s, %v", held.ID, err)
		}
		if _, ok, _ := held.Match(old, h.Clock.Now()); ok {
			t.Error("the first app is taken still")
		}
		if got := h.Count("SELECT count(*) FROM totps WHERE user_id = ? AND seed <> ''", s.u.ID); got != 1 {
			t.Errorf("%d seeds are kept", got)
		}
	})
}

func TestBindingAnAppEnforcesWhatIsEnabled(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for before, want := range map[string]string{"disabled": "disabled", "enabled": "enforced", "enforced": "enforced"} {
			s := begun(h, "user-"+before)
			h.Set("UPDATE users SET mfa_state = ? WHERE id = ?", before, s.u.ID)
			if err := s.confirm(s.by, s.code(0)); err != nil {
				t.Fatal(err)
			}
			if got := h.Text("SELECT mfa_state FROM users WHERE id = ?", s.u.ID); got != want {
				t.Errorf("%s becomes %s, want %s", before, got, want)
			}
		}
		if got := h.Events(audit.MFAChanged); got != 1 {
			t.Errorf("%d events say that it was enforced", got)
		}
		u := h.User(h.Alder, "user-phone")
		h.Set("UPDATE users SET mfa_state = 'enabled' WHERE id = ?", u.ID)
		h.PhoneOf(u)
		if got := h.Text("SELECT mfa_state FROM users WHERE id = ?", u.ID); got != "enforced" {
			t.Errorf("with a phone enabled becomes %s", got)
		}
	})
}

func TestRemovingAnAppEndsWhatItMade(t *testing.T) {
	Each(t, func(h *House) {
		t, s := h.T, begun(h, "user1")
		err := h.TOTPs.Remove(t.Context(), s.by, audit.Origin{})
		if fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
			t.Errorf("removing none = %v", err)
		}
		if err := s.confirm(s.by, s.code(0)); err != nil {
			t.Fatal(err)
		}
		h.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", s.u.ID)
		WantCode(t, "removing the only second factor", h.TOTPs.Remove(t.Context(), s.by, audit.Origin{}), "totp.last_factor")
		if _, ok, _ := h.TOTPs.Of(t.Context(), s.u.TenantID, s.u.ID); !ok {
			t.Fatal("it is gone all the same")
		}
		h.Set("UPDATE users SET mfa_state = 'disabled' WHERE id = ?", s.u.ID)
		_, made := h.Session(s.u)
		_, other := h.Session(s.u)
		h.Set("UPDATE sessions SET amr = 'pwd,otp' WHERE token_digest <> ? ", "")
		h.Set("UPDATE sessions SET amr = 'pwd' WHERE token_digest = ?", digestOf(other.Reveal()))
		if err := h.TOTPs.Remove(t.Context(), s.by, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if h.Alive(made) || !h.Alive(other) {
			t.Errorf("the session that it made is alive: %t; the other one: %t", h.Alive(made), h.Alive(other))
		}
		if got := h.Count("SELECT count(*) FROM sessions WHERE id = ? AND ended_at IS NULL", s.by.SessionID); got != 1 {
			t.Error("the session in which it was removed has ended")
		}
		if h.Count("SELECT ways FROM users WHERE id = ?", s.u.ID) != 1 || h.Events(audit.TOTPRemoved) != 1 {
			t.Error("it counts still, or its end is not in the audit")
		}
	})
}

// TestOfManyCodesAtOnceFiveAreTried, and of many right ones one binds.
func TestOfManyCodesAtOnceFiveAreTried(t *testing.T) {
	Each(t, func(h *House) {
		t, s := h.T, begun(h, "user1")
		wrong := s.wrong()
		tally := Tally(AtOnce(500, func(int) error { return s.confirm(s.by, wrong) }))
		if tally["form.wrong"] != 5 || tally["totp.over"] != 495 {
			t.Errorf("of five hundred wrong codes: %v", tally)
		}
		s.again()
		right := s.code(0)
		tally = Tally(AtOnce(500, func(int) error { return s.confirm(s.by, right) }))
		if tally["done"] != 1 || tally["totp.over"] != 499 {
			t.Errorf("of five hundred right codes: %v", tally)
		}
	})
}

func digestOf(cookie string) string {
	_, token, _ := strings.Cut(cookie, ".")
	return secret.Digest(token)
}
