package password_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/password"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

const other = "quite another one, also long"

// each runs a story on both databases.
func each(t *testing.T, story func(h *signintest.House, s *password.Service)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) {
		story(h, &password.Service{DB: h.DB, Keys: h.Keys, Passwords: h.Passwords, Hub: h.Hub})
	})
}

func code(err error, field string) string {
	if f := fault.Of(err); f != nil {
		if f.Fields != nil {
			return f.Fields[field]
		}
		return f.Code
	}
	return ""
}

func TestAChangedPasswordIsTheOnlyOne(t *testing.T) {
	each(t, func(h *signintest.House, s *password.Service) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		h.Set("INSERT INTO invitations (tenant_id, id, token_digest, user_id, purpose, created_by, created_at, expires_at) VALUES (?,'link','digest',?,'password','',?,?)",
			u.TenantID, u.ID, h.Clock.Now(), h.Clock.Now())
		id, here := h.Session(u)
		_, elsewhere := h.Session(u)
		stranger := h.User(h.Alder, "user2")
		_, theirs := h.Session(stranger)
		pc, tablet := signintest.Browser("PC"), signintest.Browser("tablet")

		// Somebody is halfway with the old password.
		h.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", u.ID)
		h.PhoneOf(u)
		halfway := h.Begin(u.Name, signin.Password, tablet)
		if done, err := h.SignIn.VerifyPassword(ctx, halfway, signintest.Password, tablet); err != nil || !done.Halfway {
			t.Fatalf("the first factor gives %+v, %v", done, err)
		}
		h.Set("UPDATE users SET mfa_state = 'disabled' WHERE id = ?", u.ID)
		for range 12 {
			_, _ = h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), "wrong", pc)
		}

		by := password.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: id}
		if err := s.Change(ctx, by, signintest.Password, signintest.Password, audit.Origin{}); code(err, "password") != "user.password_same" {
			t.Errorf("the same one: %v", err)
		}
		if err := s.Change(ctx, by, "too short", "too short", audit.Origin{}); code(err, "password") != "user.password_short" {
			t.Errorf("a short one: %v", err)
		}
		if err := s.Change(ctx, by, other, other, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if !h.Alive(here) || h.Alive(elsewhere) || !h.Alive(theirs) {
			t.Error("the wrong sessions have ended")
		}
		if h.Attempt(halfway, tablet).State != "ended" {
			t.Error("what is halfway with the old one goes on")
		}
		if n := h.Count("SELECT count(*) FROM invitations WHERE ended_at IS NOT NULL"); n != 1 {
			t.Errorf("%d links have ended", n)
		}
		told, err := notify.Unseen(ctx, h.DB, u.TenantID, u.ID, "")
		if err != nil || len(told) == 0 || told[0].Action != audit.PasswordChanged || h.Events(audit.PasswordChanged) != 1 {
			t.Errorf("told %+v, %v, with %d events", told, err, h.Events(audit.PasswordChanged))
		}
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), signintest.Password, pc); !errors.Is(err, fault.Refused) {
			t.Errorf("the old one: %v", err)
		}
		if _, err := h.SignIn.VerifyPassword(ctx, h.Begin(u.Name, signin.Password, pc), other, pc); err != nil {
			t.Errorf("the new one, whatever was tried before: %v", err)
		}
	})
}

// together lets nobody go on to hash before all have read what stands.
type together struct {
	password.Passwords
	all *sync.WaitGroup
}

func (p together) Hash(ctx context.Context, typed string) (string, error) {
	p.all.Done()
	p.all.Wait()
	return p.Passwords.Hash(ctx, typed)
}

func TestOneOfTwoChangesAtOnceIsMade(t *testing.T) {
	each(t, func(h *signintest.House, s *password.Service) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		id, _ := h.Session(u)
		const atOnce = 4
		all := together{s.Passwords, &sync.WaitGroup{}}
		all.all.Add(atOnce)
		s.Passwords = all
		won := 0
		for _, err := range signintest.AtOnce(atOnce, func(i int) error {
			typed := other + string(rune('a'+i))
			return s.Change(ctx, password.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: id}, typed, typed, audit.Origin{})
		}) {
			switch {
			case err == nil:
				won++
			case code(err, "") != "user.password_meanwhile" && !errors.Is(err, fault.Unavailable):
				t.Errorf("one of them: %v", err)
			}
		}
		if won != 1 || h.Events(audit.PasswordChanged) != 1 {
			t.Errorf("%d won, with %d events", won, h.Events(audit.PasswordChanged))
		}
	})
}

func TestASessionThatIsOverChangesNothing(t *testing.T) {
	each(t, func(h *signintest.House, s *password.Service) {
		t, ctx := h.T, h.T.Context()
		u, stranger := h.User(h.Alder, "user1"), h.User(h.Birch, "user1")
		id, _ := h.Session(u)
		theirs, _ := h.Session(stranger)
		change := func(session string) error {
			return s.Change(ctx, password.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, other, other, audit.Origin{})
		}
		if err := change(theirs); code(err, "") != "user.password_meanwhile" {
			t.Errorf("in a session of somebody else: %v", err)
		}
		h.Lock(u)
		if err := change(id); code(err, "") != "user.password_meanwhile" {
			t.Errorf("locked: %v", err)
		}
		h.Set("UPDATE users SET state = 'active' WHERE id = ?", u.ID)
		h.Set("UPDATE sessions SET ended_at = ? WHERE id = ?", h.Clock.Now(), id)
		if err := change(id); code(err, "") != "user.password_meanwhile" {
			t.Errorf("in a session that has ended: %v", err)
		}
		if h.Events(audit.PasswordChanged) != 0 {
			t.Error("something has changed")
		}
	})
}

// TestEightCharactersBesideASecondFactor: and such a password is noted.
func TestEightCharactersBesideASecondFactor(t *testing.T) {
	each(t, func(h *signintest.House, s *password.Service) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		h.Set("UPDATE users SET mfa_state = ?, password_hash = '' WHERE id = ?", user.MFAEnforced, u.ID)
		id, _ := h.Session(u)
		if kept, err := s.Of(ctx, u.TenantID, u.ID); err != nil || kept.Set || kept.Least != 8 {
			t.Errorf("Of = %+v, %v", kept, err)
		}
		if err := s.Change(ctx, password.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: id}, "kvorpel!", "kvorpel!", audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if h.Count("SELECT count(*) FROM users WHERE id = ? AND NOT password_alone AND password_set_at IS NOT NULL", u.ID) != 1 || h.Events(audit.PasswordSet) != 1 {
			t.Error("it is not noted as short, or as the first")
		}
	})
}
