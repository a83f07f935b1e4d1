package device

import (
	"context"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Phone is an enrolled phone as its user sees it.
type Phone struct {
	AccountID   string
	ID          string
	Name        string
	Platform    string
	State       string
	PhoneSignIn bool
	Preferred   bool
	CreatedAt   time.Time
	LastUsedAt  *time.Time
	EndedAt     *time.Time
}

// Of lists a user's phones, those in use first, and of the ended ones the last few.
func (s *Service) Of(ctx context.Context, tenantID, userID string) ([]Phone, error) {
	var phones []Phone
	err := s.DB.View(ctx).All(&phones, `SELECT account_id, id, name, platform, state, phone_sign_in, preferred, created_at, last_used_at, ended_at
		FROM devices WHERE tenant_id = ? AND user_id = ? ORDER BY CASE WHEN state = 'active' THEN 0 ELSE 1 END, created_at DESC LIMIT 15`, tenantID, userID)
	return phones, store.Unusable(err)
}

// Rename gives a phone another name.
func (s *Service) Rename(ctx context.Context, tenantID, userID, accountID, name string, from audit.Origin) error {
	name = strings.TrimSpace(name)
	if !nameFits(name) {
		return fault.Wrong("form.wrong", map[string]string{"name": "device.name_form"})
	}
	return s.own(ctx, tenantID, userID, accountID, audit.DeviceRenamed, "", from, func(tx *store.Tx) error {
		return tx.Change(fault.New(fault.NotFound, "http.not_found"),
			"UPDATE devices SET name = ? WHERE tenant_id = ? AND account_id = ? AND user_id = ? AND state = 'active'", name, tenantID, accountID, userID)
	})
}

// Prefer makes a phone the one that is woken first.
func (s *Service) Prefer(ctx context.Context, tenantID, userID, accountID string, from audit.Origin) error {
	return s.own(ctx, tenantID, userID, accountID, audit.DevicePreferred, "", from, func(tx *store.Tx) error {
		if err := user.Alone(tx, tenantID, userID); err != nil {
			return err
		}
		var name string
		there, err := tx.One(&name, "UPDATE devices SET preferred = TRUE WHERE tenant_id = ? AND account_id = ? AND user_id = ? AND state = 'active' RETURNING name", tenantID, accountID, userID)
		if err == nil && !there {
			err = fault.New(fault.NotFound, "http.not_found")
		}
		if err != nil {
			return err
		}
		err = tx.Exec("UPDATE devices SET preferred = FALSE WHERE tenant_id = ? AND user_id = ? AND account_id <> ? AND preferred",
			tenantID, userID, accountID).Error
		if err != nil {
			return err
		}
		return tellOthers(tx, tenantID, userID, accountID, notify.Notice{Action: audit.DevicePreferred, Detail: name})
	})
}

// tellOthers tells a user what became of one of their phones: on their pages, by mail, and
// on every other phone of theirs.
func tellOthers(tx *store.Tx, tenantID, userID, accountID string, n notify.Notice) error {
	if err := notify.Tell(tx, tenantID, userID, n); err != nil {
		return err
	}
	_, err := notify.TellPhones(tx, tenantID, userID, n.Told(tx), []string{accountID}, notify.Told{})
	return err
}

// Check is asked in the act that ends a phone, before it ends.
type Check func(tx *store.Tx, tenantID, userID, accountID string) error

// Waited fails with fault.Conflict when the phone by which its user proved it is younger
// than NewWait, and younger than the one that ends: whoever adds a phone of theirs to
// somebody's account is not to remove the owner's at once. Another proof does.
func Waited(provedAccount string) Check {
	return func(tx *store.Tx, tenantID, userID, accountID string) error {
		var young bool
		_, err := tx.One(&young, `SELECT EXISTS (SELECT 1 FROM devices y JOIN devices o ON o.tenant_id = y.tenant_id AND o.user_id = y.user_id AND o.created_at < y.created_at
			WHERE y.tenant_id = ? AND y.user_id = ? AND y.account_id = ? AND y.created_at > ? AND o.account_id = ?)`,
			tenantID, userID, provedAccount, tx.Now.Add(-NewWait), accountID)
		if err == nil && young {
			err = fault.New(fault.Conflict, "device.young")
		}
		return err
	}
}

// Revoke ends a phone of the user. The sessions that it approved end with it,
// and so do its open streams.
func (s *Service) Revoke(ctx context.Context, tenantID, userID, accountID string, from audit.Origin, checks ...Check) error {
	return s.revoke(ctx, tenantID, userID, accountID, "", from, checks...)
}

// Lose is Revoke on less proof than the phone itself would be, because the phone
// may be gone. When it signed its user in, it still counts as something they have
// for as long as session says: else whoever knows their password would remove it
// and add one of their own.
func (s *Service) Lose(ctx context.Context, tenantID, userID, accountID string, from audit.Origin, checks ...Check) error {
	return s.revoke(ctx, tenantID, userID, accountID, "device.lost", from, checks...)
}

// Recover is what somebody does who lost the phone and helps themselves: Revoke when
// the proof was enough, else Lose. Where it is not for them it is fault.Forbidden, also
// when it was until a moment ago.
func (s *Service) Recover(ctx context.Context, tenantID, userID, accountID string, enough bool, from audit.Origin, checks ...Check) error {
	reason := "device.lost"
	if enough {
		reason = ""
	}
	return s.revoke(ctx, tenantID, userID, accountID, reason, from, append(checks, mayRecover)...)
}

var recovers = feature.With(feature.SelfServiceRecovery)

func mayRecover(tx *store.Tx, tenantID, userID, _ string) error {
	var may bool
	_, err := tx.One(&may, "SELECT "+recovers+" FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND u.id = ?", tenantID, userID)
	if err == nil && !may {
		err = fault.New(fault.Forbidden, "recovery.helpdesk")
	}
	return err
}

// lostLately says whether a user removed a phone that signed them in by less than it, not long
// enough ago: the next one is for who helps themselves.
func lostLately(tx *store.Tx, tenantID, userID string) (lost bool, err error) {
	_, err = tx.One(&lost, "SELECT EXISTS (SELECT 1 FROM devices WHERE tenant_id = ? AND user_id = ? AND lost_at > ?)", tenantID, userID, tx.Now.Add(-LostWait))
	return lost, err
}

func (s *Service) revoke(ctx context.Context, tenantID, userID, accountID, reason string, from audit.Origin, checks ...Check) error {
	err := s.own(ctx, tenantID, userID, accountID, audit.DeviceRevoked, reason, from, func(tx *store.Tx) error {
		for _, check := range checks {
			if err := check(tx, tenantID, userID, accountID); err != nil {
				return err
			}
		}
		if reason != "" {
			err := tx.Later("UPDATE devices SET lost_at = ? WHERE tenant_id = ? AND account_id = ? AND user_id = ? AND state = 'active' AND phone_sign_in",
				tx.Now, tenantID, accountID, userID)
			if err != nil {
				return err
			}
		}
		var phone struct{ ID, Name string }
		if _, err := tx.One(&phone, "SELECT id, name FROM devices WHERE tenant_id = ? AND account_id = ? AND user_id = ?", tenantID, accountID, userID); err != nil {
			return err
		}
		if err := end(tx, tenantID, userID, accountID, phone.ID, Revoked); err != nil {
			return err
		}
		return tellOthers(tx, tenantID, userID, accountID, notify.Notice{Action: audit.DeviceRevoked, Detail: phone.Name})
	})
	s.Hub.Ring(UserKey(tenantID, userID))
	return err
}

func (s *Service) own(ctx context.Context, tenantID, userID, accountID string, action audit.Action, reason string, from audit.Origin, do func(*store.Tx) error) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: action, Reason: reason, Actor: audit.User(userID), Target: audit.Device(accountID), Subject: userID, Origin: from,
		})
	})
}

// Take ends a phone of a user in the act tx, with the sessions that it approved
// and the streams that are open for it, and gives its name. The event is the
// caller's. A phone that is none of theirs, or that has ended, is fault.NotFound.
func (s *Service) Take(tx *store.Tx, tenantID, userID, accountID string) (name string, err error) {
	var phone struct{ ID, Name string }
	if _, err := tx.One(&phone, "SELECT id, name FROM devices WHERE tenant_id = ? AND account_id = ? AND user_id = ?", tenantID, accountID, userID); err != nil {
		return "", err
	}
	if err := end(tx, tenantID, userID, accountID, phone.ID, Revoked); err != nil {
		return "", err
	}
	tx.After(func() { s.Hub.Ring(UserKey(tenantID, userID)) })
	return phone.Name, tx.Exec("UPDATE sessions SET ended_at = ? WHERE tenant_id = ? AND user_id = ? AND account_id = ? AND ended_at IS NULL",
		tx.Now, tenantID, userID, accountID).Error
}
