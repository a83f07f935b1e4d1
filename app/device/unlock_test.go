package device_test

import (
	"errors"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// try counts and makes one try of the PIN, as a call of the phone does.
func try(h *House, a device.Account, pin string) error {
	call := secret.System.ID()
	err := h.DB.Count(h.T.Context(), func(tx *store.Tx) error {
		if err := device.CountTry(tx, a.ID, a.AccountID, call, "TRUE"); err != nil {
			return err
		}
		_, err := tx.One(&a.PINTry, "SELECT pin_try FROM devices WHERE tenant_id = ? AND account_id = ?", a.TenantID, a.AccountID)
		return err
	})
	if err != nil {
		return err
	}
	return h.Devices.Unlock(h.T.Context(), a, call, pin, from)
}

func TestTenWrongPINsInARowDisableThePhone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		second, _ := h.PhoneOf(u)
		for i := range 9 {
			WantCode(t, "a wrong PIN", try(h, a, "111222"), "device.pin_wrong")
			if got := h.Text("SELECT state FROM devices WHERE account_id = ?", a.AccountID); got != device.Active {
				t.Fatalf("after %d wrong PINs the phone is %s", i+1, got)
			}
		}
		if err := try(h, a, PIN); err != nil {
			t.Fatalf("the right PIN after nine wrong ones = %v", err)
		}
		if err := h.Devices.Unlocked(ctx, a); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			WantCode(t, "a wrong PIN", try(h, a, "111222"), "device.pin_wrong")
		}
		if err := try(h, a, PIN); err == nil {
			t.Error("the right PIN opened a disabled phone")
		}
		if _, err := h.Devices.Accounts(ctx, p.ID); !errors.Is(err, fault.Refused) {
			t.Errorf("Accounts of a disabled phone = %v, want fault.Refused", err)
		}
		if failed, off := h.Events(audit.DeviceUnlockFailed), h.Events(audit.DeviceDisabled); failed != 19 || off != 1 {
			t.Errorf("%d failed and %d disabled in the audit, want 19 and 1", failed, off)
		}
		// Nothing of it stays behind: the key is free, and the other phone is asked first.
		if got := h.Count("SELECT count(*) FROM registrations WHERE device_id = ?", p.ID); got != 0 {
			t.Error("the disabled phone is still registered")
		}
		if got := h.Text("SELECT id FROM devices WHERE preferred"); got != second.ID {
			t.Errorf("the phone asked first is %q, want the second", got)
		}
	})
}

func TestAHundredWrongPINsAtOnceGetTenTries(t *testing.T) {
	Each(t, func(h *House) {
		_, a := h.PhoneOf(h.User(h.Alder, "user1"))
		got := Tally(AtOnce(100, func(int) error { return try(h, a, "111222") }))
		if tried := h.Events(audit.DeviceUnlockFailed); tried > 10 || tried != got["device.pin_wrong"] {
			h.T.Errorf("%d PINs were looked at, want 10 at most: %v", tried, got)
		}
		if got["done"] != 0 || got["device.pin_wrong"]+got["device.pin_busy"] != 100 {
			h.T.Errorf("a hundred at once: %v", got)
		}
		if state := h.Text("SELECT state FROM devices"); state != device.Disabled || h.Events(audit.DeviceDisabled) != 1 {
			h.T.Errorf("the phone is %s, and %d times disabled in the audit", state, h.Events(audit.DeviceDisabled))
		}
	})
}

func TestPINsAreOfOneAccount(t *testing.T) {
	Each(t, func(h *House) {
		p, a := h.PhoneOf(h.User(h.Alder, "user1"))
		b := p.Enrol(h.User(h.Birch, "user1"))
		if a.PINDigest == b.PINDigest {
			h.T.Error("the same PIN of two accounts is stored alike")
		}
		for range 10 {
			_ = try(h, a, "111222")
		}
		if err := try(h, b, PIN); err != nil {
			h.T.Errorf("the other account's PIN = %v", err)
		}
	})
}
