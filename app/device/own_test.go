package device_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

func TestARevokedPhoneIsDeadEverywhere(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		other, b := h.PhoneOf(u)
		var byPhone, byOther secret.Token
		h.Act(func(tx *store.Tx) (err error) {
			if _, byPhone, err = session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPhone, AccountID: a.AccountID}); err != nil {
				return err
			}
			_, byOther, err = session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPhone, AccountID: b.AccountID})
			return err
		})
		stranger := h.User(h.Alder, "user2")
		for claim, err := range map[string]error{
			"by another user":            h.Devices.Revoke(ctx, u.TenantID, stranger.ID, a.AccountID, from),
			"in another organisation":    h.Devices.Revoke(ctx, h.Birch.ID, u.ID, a.AccountID, from),
			"of a phone that is none":    h.Devices.Revoke(ctx, u.TenantID, u.ID, "none", from),
			"renamed by another user":    h.Devices.Rename(ctx, u.TenantID, stranger.ID, a.AccountID, "Mine", from),
			"preferred by another user":  h.Devices.Prefer(ctx, u.TenantID, stranger.ID, a.AccountID, from),
			"renamed from elsewhere":     h.Devices.Rename(ctx, h.Birch.ID, u.ID, a.AccountID, "Mine", from),
			"preferred from elsewhere":   h.Devices.Prefer(ctx, h.Birch.ID, u.ID, a.AccountID, from),
			"the progress of a stranger": errOf(h.Devices.ProgressOf(ctx, u.TenantID, stranger.ID, h.Text("SELECT id FROM enrolments LIMIT 1"))),
		} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("%s = %v, want fault.NotFound", claim, err)
			}
		}
		waiting := h.Hub.Wait(device.UserKey(u.TenantID, u.ID))
		defer waiting.Done()
		if err := h.Devices.Revoke(ctx, u.TenantID, u.ID, a.AccountID, from); err != nil {
			t.Fatalf("Revoke = %v", err)
		}
		select {
		case <-waiting.Bell():
		default:
			t.Error("the open streams of the phone were not woken")
		}
		if h.Alive(byPhone) || !h.Alive(byOther) {
			t.Errorf("sessions alive: by the revoked phone %t, by the other %t", h.Alive(byPhone), h.Alive(byOther))
		}
		if _, err := h.Devices.Accounts(ctx, p.ID); !errors.Is(err, fault.Refused) {
			t.Errorf("Accounts of a revoked phone = %v, want fault.Refused", err)
		}
		if h.Count("SELECT count(*) FROM registrations WHERE device_id = ?", p.ID) != 0 {
			t.Error("the revoked phone is still registered")
		}
		if got := h.Text("SELECT id FROM devices WHERE preferred"); got != other.ID {
			t.Errorf("asked first is %q, want the phone that is left", got)
		}
		for what, err := range map[string]error{
			"Revoke":             h.Devices.Revoke(ctx, u.TenantID, u.ID, a.AccountID, from),
			"Prefer":             h.Devices.Prefer(ctx, u.TenantID, u.ID, a.AccountID, from),
			"EnablePhoneSignIn":  h.Devices.EnablePhoneSignIn(ctx, a, false, from),
			"DisablePhoneSignIn": h.Devices.DisablePhoneSignIn(ctx, a, from),
			"PutPush":            h.Devices.PutPush(ctx, []device.Account{a}, "{}", from),
			"Remove":             h.Devices.Remove(ctx, []device.Account{a}, from),
		} {
			if err == nil {
				t.Errorf("%s of a revoked phone worked", what)
			}
		}
		if h.Count("SELECT count(*) FROM registrations WHERE device_id = ?", p.ID) != 0 {
			t.Error("a refused act registered the revoked phone")
		}
	})
}

func errOf[T any](_ T, err error) error { return err }

func TestPreferredPassesOn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		var accounts []device.Account
		for range 3 {
			_, a := h.PhoneOf(u)
			accounts = append(accounts, a)
			h.Clock.Forward(time.Minute)
		}
		preferred := func() string { return h.Text("SELECT account_id FROM devices WHERE preferred AND user_id = ?", u.ID) }
		if preferred() != accounts[0].AccountID {
			t.Error("the first phone is not the preferred one")
		}
		if err := h.Devices.Prefer(ctx, u.TenantID, u.ID, accounts[2].AccountID, from); err != nil {
			t.Fatal(err)
		}
		if preferred() != accounts[2].AccountID || h.Count("SELECT count(*) FROM devices WHERE preferred AND user_id = ?", u.ID) != 1 {
			t.Error("the third phone was not made the preferred one")
		}
		for i, end := range []int{2, 0} {
			if err := h.Devices.Revoke(ctx, u.TenantID, u.ID, accounts[end].AccountID, from); err != nil {
				t.Fatal(err)
			}
			if want := accounts[i].AccountID; preferred() != want {
				t.Errorf("after the end of phone %d asked first is %q, want %q", end, preferred(), want)
			}
		}
		_, strange := h.PhoneOf(h.User(h.Alder, "user2"))
		if err := h.Devices.Prefer(ctx, u.TenantID, u.ID, strange.AccountID, from); !errors.Is(err, fault.NotFound) {
			t.Errorf("Prefer of another user's phone = %v, want fault.NotFound", err)
		}
		if preferred() != accounts[1].AccountID {
			t.Error("phones of others changed whom this user prefers")
		}
	})
}

func TestTwoPreferredAtOnceLeaveOne(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		var accounts []device.Account
		for range 5 {
			_, a := h.PhoneOf(u)
			accounts = append(accounts, a)
		}
		for range 4 {
			got := Tally(AtOnce(5, func(i int) error {
				return h.Devices.Prefer(h.T.Context(), u.TenantID, u.ID, accounts[i].AccountID, from)
			}))
			if n := h.Count("SELECT count(*) FROM devices WHERE preferred"); n != 1 || got["done"] != 5 {
				h.T.Fatalf("%d phones are preferred, want 1: %v", n, got)
			}
		}
	})
}

func TestPhonesAreListedForTheirUserAlone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		_, gone := h.PhoneOf(u)
		h.Clock.Forward(time.Minute)
		_, kept := h.PhoneOf(u)
		h.PhoneOf(other)
		if err := h.Devices.Revoke(ctx, u.TenantID, u.ID, gone.AccountID, from); err != nil {
			t.Fatal(err)
		}
		if err := h.Devices.Rename(ctx, u.TenantID, u.ID, kept.AccountID, "  Work phone ", from); err != nil {
			t.Fatal(err)
		}
		phones, err := h.Devices.Of(ctx, u.TenantID, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range phones {
			got = append(got, p.Name+" "+p.State)
		}
		if want := []string{"Work phone active", "A phone revoked"}; !slices.Equal(got, want) {
			t.Errorf("phones are %q, want %q", got, want)
		}
		if phones, err := h.Devices.Of(ctx, h.Birch.ID, u.ID); err != nil || len(phones) != 0 {
			t.Errorf("in another organisation the user has %d phones, %v", len(phones), err)
		}
		if err := h.Devices.Rename(ctx, u.TenantID, u.ID, kept.AccountID, "\t", from); !errors.Is(err, fault.Invalid) {
			t.Errorf("Rename to nothing = %v, want fault.Invalid", err)
		}
	})
}

// TestANewPhoneDoesNotRemoveAnOlderOne: for a day it proves nothing for that; the older
// one, another proof, and a phone that is newer still are not held.
func TestANewPhoneDoesNotRemoveAnOlderOne(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		bind := func() device.Account {
			_, a := h.PhoneOf(u)
			h.Clock.Forward(time.Hour)
			return a
		}
		old, young, youngest := bind(), bind(), bind()
		revoke := func(target, proved device.Account) error {
			return h.Devices.Revoke(ctx, u.TenantID, u.ID, target.AccountID, from, device.Waited(proved.AccountID))
		}
		for _, end := range []func(context.Context, string, string, string, audit.Origin, ...device.Check) error{h.Devices.Revoke, h.Devices.Lose} {
			WantCode(t, "an older one, by a new phone", end(ctx, u.TenantID, u.ID, old.AccountID, from, device.Waited(young.AccountID)), "device.young")
		}
		if err := revoke(youngest, young); err != nil {
			t.Errorf("a newer one, by a new phone: %v", err)
		}
		h.Clock.Forward(device.NewWait - 2*time.Hour - time.Minute)
		WantCode(t, "a minute before the day is over", revoke(old, young), "device.young")
		h.Clock.Forward(time.Minute)
		if err := revoke(old, young); err != nil {
			t.Errorf("after a day: %v", err)
		}
		if err := revoke(young, young); err != nil {
			t.Errorf("itself: %v", err)
		}
		last, next := bind(), bind()
		if err := revoke(next, last); err != nil {
			t.Errorf("a new one, by the older: %v", err)
		}
		if err := revoke(last, device.Account{}); err != nil {
			t.Errorf("by another proof: %v", err)
		}
	})
}

// TestEveryPhoneHearsOfTheOthers: what is added, put first and removed is told on the pages
// of its owner, and on every phone but the one that it is about.
func TestEveryPhoneHearsOfTheOthers(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		_, a := h.PhoneOf(u)
		h.Set("UPDATE devices SET push_subscription = '{}' WHERE account_id = ?", a.AccountID)
		h.Set("DELETE FROM outbox")
		h.Set("DELETE FROM notices")
		b := h.NewPhone().Enrol(u)
		told := func(action audit.Action) {
			t.Helper()
			if n := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", u.ID, action); n != 1 {
				t.Errorf("%d notices of %s, want 1", n, action)
			}
			if n := h.Count("SELECT count(*) FROM outbox WHERE kind = 'web_push' AND body LIKE ?", "%"+string(action)+"%"); n != 1 {
				t.Errorf("%d phones are told of %s, want the other one", n, action)
			}
		}
		told(audit.DeviceEnrolled)
		h.Set("UPDATE devices SET push_subscription = '{}' WHERE account_id = ?", b.AccountID)
		if err := h.Devices.Prefer(ctx, u.TenantID, u.ID, b.AccountID, from); err != nil {
			t.Fatal(err)
		}
		told(audit.DevicePreferred)
		if err := h.Devices.Revoke(ctx, u.TenantID, u.ID, b.AccountID, from); err != nil {
			t.Fatal(err)
		}
		told(audit.DeviceRevoked)
	})
}
