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
