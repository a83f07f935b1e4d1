package signin_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

const wrong = "not their password"

// plain compares without the slow hash, in stories of how tries are counted.
type plain struct{}

func (plain) Verify(_ context.Context, phc, password string) (bool, error) {
	return phc != "" && password == Password, nil
}

func (plain) Hash(_ context.Context, password string) (string, error) { return password, nil }

func (plain) Outdated(string) bool { return false }

// verify tries a password in an attempt.
func verify(h *House, a signin.Attempt, password string, from signin.From) error {
	_, err := h.SignIn.VerifyPassword(h.T.Context(), a.ID, password, from)
	return err
}

// inARow is the count of failures that stands against a name.
func inARow(h *House, name string) int {
	h.T.Helper()
	return h.Count("SELECT COALESCE(sum(in_a_row), 0) FROM throttles WHERE subject = ?", h.Keys.Subject(name))
}

func TestARightPasswordMakesASession(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		a := begin(h, u.Name, pc)
		WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		if err != nil || done.ReturnTo != "/me" {
			t.Fatalf("VerifyPassword = %+v, %v", done, err)
		}
		s, err := session.Find(ctx, h.DB, done.Cookie)
		if err != nil || s.UserID != u.ID || s.AMR != session.ByPassword || s.ProvedBy != session.ByPassword || s.AccountID != "" || s.Browser != pc.Browser || s.IP != pc.IP {
			t.Errorf("the session is %+v, %v", s, err)
		}
		if got := inARow(h, u.Name); got != 0 {
			t.Errorf("after a success %d failures stand in a row", got)
		}
		if got := h.Attempt(a.ID, pc); got.State != "finished" {
			t.Errorf("the attempt is %s", got.State)
		}
		WantCode(t, "the same attempt again", verify(h, a, Password, pc), "signin.refused")
		if sessions, finished, refused := h.Count("SELECT count(*) FROM sessions"), h.Events(audit.SignInFinished), h.Events(audit.SignInRefused); sessions != 1 || finished != 1 || refused != 2 {
			t.Errorf("%d sessions, %d finished and %d refused in the audit; want 1, 1 and 2", sessions, finished, refused)
		}
	})
}

func TestPasswordsThatOpenNothing(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, none := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", none.ID)
		pc := Browser("a PC")
		for claim, at := range map[string]struct{ name, typed string }{
			"nothing":                        {u.Name, ""},
			"with a space behind":            {u.Name, Password + " "},
			"in capitals":                    {u.Name, strings.ToUpper(Password)},
			"longer than any":                {u.Name, strings.Repeat(Password, 1000)},
			"of a user who has none":         {none.Name, Password},
			"nothing of a user who has none": {none.Name, ""},
		} {
			WantCode(t, claim, verify(h, begin(h, at.name, pc), at.typed, pc), "signin.refused")
		}
		if got := h.Count("SELECT count(*) FROM sessions"); got != 0 {
			t.Errorf("%d sessions were made", got)
		}
	})
}

func TestFiveFailuresEndAnAttempt(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		a := begin(h, u.Name, pc)
		for i := range 5 {
			// Nothing that is asked anew makes the count begin anew.
			if i == 3 {
				for _, way := range []signin.Way{signin.Phone, signin.Password} {
					if err := h.SignIn.Choose(ctx, a.ID, way, "", pc); err != nil {
						t.Fatal(err)
					}
				}
			}
			WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
		}
		WantCode(t, "the right one after five", verify(h, a, Password, pc), "signin.refused")
		WantCode(t, "another way after five", h.SignIn.Choose(ctx, a.ID, signin.Phone, "", pc), "signin.refused")
		if got := inARow(h, u.Name); got != 5 {
			t.Errorf("%d failures count, want the five that were checked", got)
		}
		if err := verify(h, begin(h, u.Name, pc), Password, pc); err != nil {
			t.Errorf("the right one in another attempt = %v", err)
		}

		// The fifth try may be the right one, and the last instant is too late.
		a = begin(h, u.Name, pc)
		for range 4 {
			WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
		}
		if err := verify(h, a, Password, pc); err != nil {
			t.Errorf("the right one at the fifth try = %v", err)
		}
		early, late := begin(h, u.Name, pc), begin(h, u.Name, pc)
		h.Clock.Forward(15*time.Minute - time.Microsecond)
		if err := verify(h, early, Password, pc); err != nil {
			t.Errorf("an instant before the end = %v", err)
		}
		h.Clock.Forward(time.Microsecond)
		WantCode(t, "the last instant", verify(h, late, Password, pc), "signin.refused")
	})
}

func TestFiveHundredTriesAtOnceGetFive(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		for _, name := range []string{h.User(h.Alder, "user1").Name, "nobody@alder.example"} {
			pc := Browser("a PC")
			a := begin(h, name, pc)
			got := Tally(AtOnce(500, func(int) error { return verify(h, a, wrong, pc) }))
			if got["signin.refused"] != 500 {
				t.Errorf("%s: five hundred at once: %v", name, got)
			}
			checked := h.Count("SELECT count(*) FROM audit_events e JOIN attempts a ON a.id = e.thread_id WHERE a.name = ? AND e.reason = 'signin.password_wrong'", name)
			if checked != 5 || inARow(h, name) != 5 {
				t.Errorf("%s: %d passwords were checked and %d count, want 5", name, checked, inARow(h, name))
			}
		}
	})
}

func TestTenInARowPauseTheWay(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u := h.User(h.Alder, "user1")
		other := h.User(h.Alder, "user2")
		pc := Browser("a PC")
		for _, name := range []string{"nobody@alder.example", u.Name} {
			paused := func(claim string, wait time.Duration) {
				t.Helper()
				err := verify(h, begin(h, name, pc), Password, pc)
				if f := fault.Of(err); f == nil || f.Kind != fault.Throttled || f.Code != "signin.paused" || f.RetryAfter != wait {
					t.Errorf("%s: %s = %v (%v), want signin.paused for %v", name, claim, err, f, wait)
				}
			}
			first, second := begin(h, name, pc), begin(h, name, pc)
			for i := range 10 {
				a := first
				if i%2 == 1 {
					a = second
				}
				WantCode(t, "a wrong password", verify(h, a, wrong, pc), "signin.refused")
			}
			paused("the right one after ten", 15*time.Minute)
			h.Clock.Forward(15*time.Minute - time.Microsecond)
			paused("an instant before the end of the pause", time.Microsecond)
			if got := inARow(h, name); got != 10 {
				t.Errorf("%s: tries in the pause count: %d in a row", name, got)
			}
			h.Clock.Forward(time.Microsecond)
			WantCode(t, "a wrong password after the pause", verify(h, begin(h, name, pc), wrong, pc), "signin.refused")
		}
		if err := verify(h, begin(h, u.Name, pc), Password, pc); err != nil {
			t.Errorf("the right one after the pause = %v", err)
		}
		if got := inARow(h, u.Name); got != 0 {
			t.Errorf("after a success %d failures stand in a row", got)
		}
		if err := verify(h, begin(h, other.Name, pc), Password, pc); err != nil {
			t.Errorf("another user meanwhile = %v", err)
		}
		if got := h.Events(audit.WayPaused); got != 4 {
			t.Errorf("%d refusals by the pause in the audit, want 4", got)
		}
	})
}

func TestAHundredInARowTurnTheWayOff(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		WantCode(t, "a wrong password", verify(h, begin(h, u.Name, pc), wrong, pc), "signin.refused")
		h.Set("UPDATE throttles SET in_a_row = 98")
		for i := range 2 {
			WantCode(t, "a wrong password", verify(h, begin(h, u.Name, pc), wrong, pc), "signin.refused")
			if got := inARow(h, u.Name); got != 99+i {
				t.Errorf("%d in a row, want %d", got, 99+i)
			}
		}
		for _, later := range []time.Duration{0, 15 * time.Minute, 24 * time.Hour, 400 * 24 * time.Hour} {
			h.Clock.Forward(later)
			if err := verify(h, begin(h, u.Name, pc), Password, pc); !errors.Is(err, fault.Throttled) {
				t.Errorf("the right one %v later = %v, want fault.Throttled", later, err)
			}
		}
		if got := h.Events(audit.WayTurnedOff); got != 4 {
			t.Errorf("%d refusals by a way that is off in the audit, want 4", got)
		}
		// The phone is another way, has limits of its own, and brings the password back.
		p, _ := h.PhoneOf(u)
		addressed := approved(h, u, p, pc)
		byPassword := func() signin.Attempt { return h.Attempt(h.Begin(u.Name, signin.Password, pc), pc) }
		if err := verify(h, byPassword(), Password, pc); !errors.Is(err, fault.Throttled) {
			t.Errorf("before the session that the phone makes = %v, want fault.Throttled", err)
		}
		if _, err := h.SignIn.Finish(t.Context(), addressed, pc); err != nil {
			t.Fatal(err)
		}
		if err := verify(h, byPassword(), Password, pc); err != nil {
			t.Errorf("the right one after a sign-in by phone = %v", err)
		}
	})
}

// TestRestoreGivesAUserTheirWaysBack: all of one user, and nobody else's.
func TestRestoreGivesAUserTheirWaysBack(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		for _, name := range []string{u.Name, other.Name} {
			WantCode(t, "a wrong password", verify(h, begin(h, name, pc), wrong, pc), "signin.refused")
		}
		h.Set("INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?,?,'phone',100,?)", u.TenantID, h.Keys.Subject(u.Name), h.Clock.Now())
		h.Set("UPDATE throttles SET in_a_row = 100, paused_until = ?", h.Clock.Now().Add(time.Hour))
		restore := func(tenantID, userID string) error {
			return h.DB.Act(t.Context(), func(tx *store.Tx) error { return h.SignIn.Restore(tx, tenantID, userID) })
		}
		if err := restore(u.TenantID, "nobody"); !errors.Is(err, fault.NotFound) {
			t.Errorf("Restore of nobody = %v, want fault.NotFound", err)
		}
		if err := restore(h.Birch.ID, u.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("Restore in another organisation = %v, want fault.NotFound", err)
		}
		if inARow(h, u.Name) != 200 {
			t.Errorf("%d failures stand, want 200", inARow(h, u.Name))
		}
		if err := restore(u.TenantID, u.ID); err != nil {
			t.Fatalf("Restore = %v", err)
		}
		if err := verify(h, begin(h, u.Name, pc), Password, pc); err != nil {
			t.Errorf("the right password = %v", err)
		}
		h.Begin(u.Name, signin.Phone, pc)
		p.Open()
		if err := verify(h, begin(h, other.Name, pc), Password, pc); !errors.Is(err, fault.Throttled) {
			t.Errorf("another user = %v, want fault.Throttled", err)
		}
	})
}

// TestManyBrowsersAtOnceGetTenTries: attempts are free, so the name counts too.
func TestManyBrowsersAtOnceGetTenTries(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		var attempts []signin.Attempt
		for range 12 {
			attempts = append(attempts, begin(h, u.Name, pc))
		}
		got := Tally(AtOnce(24, func(i int) error { return verify(h, attempts[i%12], wrong, pc) }))
		if got["signin.refused"] != 10 || got["signin.paused"] != 14 || inARow(h, u.Name) != 10 {
			t.Errorf("twenty-four at once: %v, and %d in a row; want ten that were checked", got, inARow(h, u.Name))
		}
	})
}

func TestFiveHundredRightPasswordsAtOnceMakeOneSession(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		a := begin(h, u.Name, pc)
		got := Tally(AtOnce(500, func(int) error { return verify(h, a, Password, pc) }))
		if got["done"] != 1 || got["signin.refused"] != 499 || h.Count("SELECT count(*) FROM sessions") != 1 {
			h.T.Errorf("five hundred at once: %v, want one session", got)
		}
	})
}

// meanwhile hashes, and has something happen meanwhile.
type meanwhile struct {
	signin.Passwords
	happens func()
}

func (m meanwhile) Verify(ctx context.Context, phc, password string) (bool, error) {
	m.happens()
	return m.Passwords.Verify(ctx, phc, password)
}

// TestWhoIsLockedWhileTheirPasswordIsHashed: hashing takes a moment, and what
// was true before it is asked again after it.
func TestWhoIsLockedWhileTheirPasswordIsHashed(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		pc := Browser("a PC")
		for claim, end := range map[string]func(u user.User){
			"the user is locked":            h.Lock,
			"the organisation is suspended": func(u user.User) { h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID) },
			"the attempt is over":           func(user.User) { h.Clock.Forward(15 * time.Minute) },
			"another way was chosen":        func(user.User) { h.Set("UPDATE attempts SET way = 'phone'") },
		} {
			u := h.User(h.Birch, secret.System.ShortID())
			a := begin(h, u.Name, pc)
			h.SignIn.Passwords = meanwhile{h.Passwords, func() { end(u) }}
			WantCode(t, claim, verify(h, a, Password, pc), "signin.refused")
			h.Set("UPDATE tenants SET state = 'active'")
		}
		if got := h.Count("SELECT count(*) FROM sessions"); got != 0 {
			t.Errorf("%d sessions were made", got)
		}
	})
}

// TestATryThatWasNotCheckedDoesNotCount: too many hash at once, and the program
// says so, and takes the try back.
func TestATryThatWasNotCheckedDoesNotCount(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		pc := Browser("a PC")
		a := begin(h, u.Name, pc)
		h.Set("UPDATE users SET password_hash = '$argon2id$v=19$m=19456,t=2,p=1$not base64$x' WHERE id = ?", u.ID)
		if err := verify(h, a, Password, pc); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a hash that cannot be read = %v, want fault.Unavailable", err)
		}
		if got := h.Attempt(a.ID, pc).Failures; got != 0 || inARow(h, u.Name) != 0 {
			t.Errorf("it counts: %d in the attempt, %d in a row", got, inARow(h, u.Name))
		}
	})
}

// TestNoAuditNoAct: when the event cannot be written nothing has changed.
func TestNoAuditNoAct(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		byPassword, byPhone := begin(h, u.Name, pc), h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		if _, err := p.Answer(r, "approve", h.Number(r.ID), PIN); err != nil {
			t.Fatal(err)
		}
		counted := func() (n []int) {
			for _, table := range []string{"attempts", "prompts", "sessions", "habits", "attempts WHERE state = 'finished'", "habits WHERE way = 'password'"} {
				n = append(n, h.Count("SELECT count(*) FROM "+table))
			}
			return n
		}
		before := counted()
		if _, err := h.DB.Pool().ExecContext(ctx, "ALTER TABLE audit_events RENAME TO audit_events_gone"); err != nil {
			t.Fatal(err)
		}
		_, begun := h.SignIn.Begin(ctx, u.Name, "/", pc)
		_, verified := h.SignIn.VerifyPassword(ctx, byPassword.ID, Password, pc)
		_, refused := h.SignIn.VerifyPassword(ctx, byPassword.ID, wrong, pc)
		_, finished := h.SignIn.Finish(ctx, byPhone, pc)
		for what, err := range map[string]error{
			"Begin": begun, "VerifyPassword": verified, "VerifyPassword of a wrong one": refused, "Finish": finished,
			"Choose": h.SignIn.Choose(ctx, byPhone, signin.Password, "", pc),
			"Prefer": h.SignIn.Prefer(ctx, u.TenantID, u.ID, u.Name, signin.Password, audit.Origin{}),
		} {
			if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
				t.Errorf("%s = %v, want fault.Unavailable with a time to try again", what, err)
			}
		}
		for i, n := range counted() {
			if n != before[i] {
				t.Errorf("without an audit the counts went from %v to %v", before, counted())
				break
			}
		}
		if _, err := h.DB.Pool().ExecContext(ctx, "ALTER TABLE audit_events_gone RENAME TO audit_events"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.SignIn.Finish(ctx, byPhone, pc); err != nil {
			t.Errorf("Finish with the audit back = %v", err)
		}
	})
}
