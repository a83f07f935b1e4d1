package device

import (
	"context"
	"errors"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// CountTry counts a try of an account's PIN before it is checked, so that a
// hundred at once get ten tries as well as a hundred in a row. It counts in the
// name of one call, which finds that name in PINTry when it was counted, and
// only when the further condition on the row holds.
func CountTry(tx *store.Tx, deviceID, accountID, call, condition string, values ...any) error {
	return tx.Later("UPDATE devices SET pin_tries = pin_tries + 1, pin_try = ? WHERE id = ? AND account_id = ? AND state = 'active' AND pin_tries < ? AND "+condition,
		append([]any{call, deviceID, accountID, PINTriesMost}, values...)...)
}

// Unlock checks the PIN of an account, as it was read after CountTry for this
// call. A try that was not counted is not made: fault.Throttled. A wrong PIN is
// fault.Refused, and the tenth in a row disables the account on this phone.
func (s *Service) Unlock(ctx context.Context, a Account, call, pin string, from audit.Origin) error {
	if a.PINTry != call {
		return fault.Wait("device.pin_busy", 2*time.Second)
	}
	if secret.Same(s.Keys.PINDigest(a.AccountID, pin), a.PINDigest) {
		return nil
	}
	disabled := false
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		failed := event(a, audit.DeviceUnlockFailed, from)
		failed.Outcome, failed.Reason = audit.Failure, "device.pin_wrong"
		if err := audit.Record(tx, failed); err != nil {
			return err
		}
		var state string
		spent, err := tx.One(&state, "SELECT state FROM devices WHERE tenant_id = ? AND account_id = ? AND state = 'active' AND pin_tries >= ?",
			a.TenantID, a.AccountID, PINTriesMost)
		if err != nil || !spent {
			return err
		}
		err = end(tx, a.TenantID, a.UserID, a.AccountID, a.ID, Disabled)
		if errors.Is(err, fault.NotFound) {
			return nil // ended meanwhile
		}
		if err != nil {
			return err
		}
		disabled = true
		off := event(a, audit.DeviceDisabled, from)
		off.Actor, off.Reason = audit.Service, "device.pin_wrong"
		return audit.Record(tx, off)
	})
	if disabled {
		s.Hub.Ring(UserKey(a.TenantID, a.UserID))
	}
	if err != nil {
		return err
	}
	return fault.New(fault.Refused, "device.pin_wrong")
}

// Unlocked forgets the counted tries after a right PIN whose act came to nothing.
func (s *Service) Unlocked(ctx context.Context, a Account) error {
	_, err := s.DB.CountOne(ctx, "UPDATE devices SET pin_tries = 0 WHERE tenant_id = ? AND account_id = ? AND state = 'active'", a.TenantID, a.AccountID)
	return err
}

// Unlocking is what unlocks an account for one answer: its PIN, or in place of the
// PIN what the authenticator of the phone itself signed, having seen a face or a
// finger.
type Unlocking struct {
	PIN    string
	Signed string // JSON as of navigator.credentials.get; empty: the PIN it is
	Over   string // what it must have signed: secret.Fingerprint of the answer
}

// Given says whether there is anything at all.
func (u Unlocking) Given() bool { return u.PIN != "" || u.Signed != "" }

// Authenticators checks what the authenticator of a phone signed. The package
// passkey does it, which stands above this one.
type Authenticators interface {
	// Unlocks gives how often it has been used, by its own count. What does not hold
	// is fault.Refused.
	Unlocks(a Account, over, signed string) (count int64, err error)
}

// UnlockSigned checks what unlocks an account in place of its PIN, and gives the
// count that UnlockedBy takes up. Whatever is wrong is fault.Refused, and
// remembered; it is not guessed at, so it is not counted either.
func (s *Service) UnlockSigned(ctx context.Context, a Account, u Unlocking, from audit.Origin) (int64, error) {
	refused := fault.New(fault.Refused, "device.unlock_wrong")
	var count int64
	var err error = refused
	if s.Authenticators != nil && a.UnlockID != "" {
		count, err = s.Authenticators.Unlocks(a, u.Over, u.Signed)
	}
	if !errors.Is(err, fault.Refused) {
		return count, err
	}
	why := err
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		failed := event(a, audit.DeviceUnlockFailed, from)
		failed.Outcome, failed.Reason = audit.Failure, "device.unlock_wrong"
		return audit.Record(tx, failed)
	})
	if err != nil {
		return 0, err
	}
	return 0, refused.Because(why)
}

// UnlockedBy notes in the act tx that an account was unlocked in place of its PIN.
// What unlocks it was taken away, or has been used since: fault.Refused.
func UnlockedBy(tx *store.Tx, a Account, count int64) error {
	return tx.Change(fault.New(fault.Refused, "device.unlock_wrong"), `UPDATE devices SET unlock_count = ?, last_used_at = ? WHERE tenant_id = ? AND account_id = ?
		AND (state = 'active' AND unlock_id = ? AND (unlock_count < ? OR unlock_count = 0 AND ? = 0)) IS TRUE`,
		count, tx.Now, a.TenantID, a.AccountID, a.UnlockID, count, count)
}

// SetUnlock lets something unlock an account in place of its PIN, in the act tx, or
// with an empty id nothing any more; its event is the caller's. It fails with
// fault.NotFound when the account has ended.
func SetUnlock(tx *store.Tx, a Account, id, key string, count int64) error {
	return tx.Change(fault.New(fault.NotFound, "http.not_found"), `UPDATE devices SET unlock_id = ?, unlock_key = ?, unlock_count = ? WHERE tenant_id = ? AND account_id = ?
		AND (id = ? AND state = 'active') IS TRUE AND EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id
		WHERE u.tenant_id = devices.tenant_id AND u.id = devices.user_id AND (u.state = 'active' AND t.state = 'active') IS TRUE)`,
		id, key, count, a.TenantID, a.AccountID, a.ID)
}

// ProvePIN uses a proof up and checks the PIN of an account of the device, counted
// before it is checked. It fails with fault.NotFound when the account is none of the
// device's, and in the ways of Use and Unlock.
func (s *Service) ProvePIN(ctx context.Context, p Proof, accountID, pin string, from audit.Origin) (Account, error) {
	var accounts []Account
	err := s.Use(ctx, p, func(tx *store.Tx) (err error) {
		if err := CountTry(tx, p.Device, accountID, p.Call, "TRUE"); err != nil {
			return err
		}
		accounts, err = s.accounts(tx, p.Device)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	for _, a := range accounts {
		if a.AccountID == accountID {
			if err := s.Unlock(ctx, a, p.Call, pin, from); err != nil {
				return Account{}, err
			}
			return a, s.Unlocked(ctx, a)
		}
	}
	return Account{}, fault.New(fault.NotFound, "http.not_found")
}
