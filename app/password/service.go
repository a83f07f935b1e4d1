package password

import (
	"context"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// Passwords hashes and checks passwords.
type Passwords interface {
	Verify(ctx context.Context, phc, password string) (bool, error)
	Hash(ctx context.Context, password string) (string, error)
}

// Service changes passwords.
type Service struct {
	DB        *store.DB
	Keys      *secret.Keys
	Passwords Passwords
	Hub       *wake.Hub
}

// Owner is a user in a session of theirs.
type Owner struct{ TenantID, UserID, SessionID string }

// Kept is what is known of the password of a user.
type Kept struct {
	Set   bool
	SetAt time.Time // zero: before it was noted
	Least int       // characters that a new one needs
}

// facts are what a new password of a user is judged by.
type facts struct {
	Name, DisplayName, MFAState, PasswordHash, TenantName, TenantSlug string
	Ways                                                              user.Ways
	PasswordLeast                                                     int
	PasswordSetAt                                                     *time.Time
}

func read(tx *store.Tx, tenantID, userID string) (f facts, err error) {
	ok, err := tx.One(&f, `SELECT u.name, u.display_name, u.mfa_state, u.password_hash, u.ways, u.password_set_at, t.password_least, t.name AS tenant_name, t.slug AS tenant_slug
		FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?`, tenantID, userID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return f, err
}

// Of gives what is known of the password of a user.
func (s *Service) Of(ctx context.Context, tenantID, userID string) (Kept, error) {
	f, err := read(s.DB.View(ctx), tenantID, userID)
	k := Kept{Set: f.PasswordHash != "", Least: LeastFor(f.MFAState, f.Ways, f.PasswordLeast)}
	if f.PasswordSetAt != nil {
		k.SetAt = *f.PasswordSetAt
	}
	return k, store.Unusable(err)
}

// Change gives a user another password, or a first one, and ends what was begun
// with the one before, but for the session that it is done in. It fails with
// fault.Invalid when the new one breaks a rule, and with fault.Conflict when
// something changed meanwhile. That the user has proved it freshly is the
// caller's to ask.
func (s *Service) Change(ctx context.Context, by Owner, typed, again string, from audit.Origin) error {
	f, err := read(s.DB.View(ctx), by.TenantID, by.UserID)
	if err != nil {
		return store.Unusable(err)
	}
	if wrong := Check(typed, again, LeastFor(f.MFAState, f.Ways, f.PasswordLeast), f.Name, f.DisplayName, f.TenantName, f.TenantSlug); len(wrong) > 0 {
		return fault.Wrong("form.wrong", wrong)
	}
	if f.PasswordHash != "" {
		same, err := s.Passwords.Verify(ctx, f.PasswordHash, typed)
		if err != nil {
			return store.Unusable(err)
		}
		if same {
			return fault.Wrong("form.wrong", map[string]string{"password": "user.password_same"})
		}
	}
	hash, err := s.Passwords.Hash(ctx, typed)
	if err != nil {
		return err
	}
	action := audit.PasswordChanged
	if f.PasswordHash == "" {
		action = audit.PasswordSet
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "user.password_meanwhile"), `UPDATE users SET password_hash = ?, password_set_at = ?, password_alone = ?
			WHERE tenant_id = ? AND id = ? AND (state = 'active' AND password_hash = ? AND mfa_state = ? AND ways = ?) IS TRUE
			AND EXISTS (SELECT 1 FROM sessions s WHERE s.tenant_id = users.tenant_id AND s.user_id = users.id AND s.id = ?) AND `+session.Stands,
			hash, tx.Now, Alone(typed, f.PasswordLeast), by.TenantID, by.UserID, f.PasswordHash, f.MFAState, f.Ways, by.SessionID, by.TenantID, by.SessionID)
		if err != nil {
			return err
		}
		if err := s.Replaced(tx, by.TenantID, by.UserID, by.SessionID); err != nil {
			return err
		}
		if err := notify.Tell(tx, by.TenantID, by.UserID, notify.Notice{Action: action}); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: by.TenantID, Action: action, Actor: audit.User(by.UserID), Target: audit.User(by.UserID), Subject: by.UserID,
			Thread: by.SessionID, Origin: from,
		})
	})
}

// Replaced ends, in the act tx, what was begun with the password that a user had
// before: their sessions but keep (empty: none), sign-ins that are halfway, links
// to set one, and the count of wrong ones.
func (s *Service) Replaced(tx *store.Tx, tenantID, userID, keep string) error {
	if _, err := session.Close(tx, tenantID, userID, keep); err != nil {
		return err
	}
	if err := tx.Exec("UPDATE attempts SET state = 'ended' WHERE tenant_id = ? AND user_id = ? AND state = 'open' AND proved <> ''", tenantID, userID).Error; err != nil {
		return err
	}
	if err := EndLinks(tx, tenantID, userID); err != nil {
		return err
	}
	var name string
	if _, err := tx.One(&name, "SELECT name FROM users WHERE tenant_id = ? AND id = ?", tenantID, userID); err != nil {
		return err
	}
	// Streams look again, and find that their session is over.
	tx.After(func() { s.Hub.Ring(device.UserKey(tenantID, userID)) })
	return throttle.Passed(tx, tenantID, s.Keys.Subject(name), "password")
}

// EndLinks ends, in the act tx, the one-time links of a user that still work.
func EndLinks(tx *store.Tx, tenantID, userID string) error {
	return tx.Exec("UPDATE invitations SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND used_at IS NULL AND ended_at IS NULL",
		tx.Now, tenantID, userID).Error
}
