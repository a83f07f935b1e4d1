package device_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/phone"
	"latchkey/app/proof"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux"}

// tally counts errors by their code; nil is "done".
func tally(errs []error) map[string]int {
	counted := map[string]int{}
	for _, err := range errs {
		switch f := fault.Of(err); {
		case err == nil:
			counted["done"]++
		case f != nil:
			counted[f.Code]++
		default:
			counted[err.Error()]++
		}
	}
	return counted
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Code != code {
		t.Errorf("%s = %v, want %s", what, err, code)
	}
}

func TestALinkEnrolsOnePhoneOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		link := h.Invite(u)
		if got := h.Text("SELECT token_digest FROM enrolments"); got == link.Token.Reveal() {
			t.Error("the link is stored as it is")
		}
		p := h.NewPhone()
		a, err := h.Devices.Enrol(t.Context(), p.Candidate(link.Token), from)
		if err != nil {
			t.Fatalf("Enrol = %v", err)
		}
		if a.ID != p.ID || a.UserID != u.ID || a.TenantSlug != "alder" || a.TenantName != "Alder Health" || a.PhoneSignIn || a.Registered {
			t.Errorf("Enrol = %+v", a)
		}
		if got := h.Text("SELECT pin_digest FROM devices"); got == "" || got == PIN || got == secret.Digest(PIN) {
			t.Errorf("the PIN is stored as %q", got)
		}
		_, err = h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(link.Token), from)
		wantCode(t, "Enrol with the same link", err, "device.link_refused")
		if got := h.Count("SELECT count(*) FROM devices"); got != 1 {
			t.Errorf("%d phones, want 1", got)
		}
		if enrolled, refused := h.Events(audit.DeviceEnrolled), h.Events(audit.DeviceEnrolRefused); enrolled != 1 || refused != 1 {
			t.Errorf("%d phones enrolled and %d refused in the audit, want 1 and 1", enrolled, refused)
		}
	})
}

func TestALinkUsedByEightPhonesAtOnceEnrolsOne(t *testing.T) {
	Each(t, func(h *House) {
		link := h.Invite(h.User(h.Alder, "user1"))
		phones := make([]*Phone, 8)
		for i := range phones {
			phones[i] = h.NewPhone()
		}
		got := tally(AtOnce(8, func(i int) error {
			_, err := h.Devices.Enrol(h.T.Context(), phones[i].Candidate(link.Token), from)
			return err
		}))
		if got["done"] != 1 || got["device.link_refused"] != 7 || h.Count("SELECT count(*) FROM devices") != 1 {
			h.T.Errorf("eight at once: %v, want one done and seven refused", got)
		}
		if got := h.Events(audit.DeviceEnrolled); got != 1 {
			h.T.Errorf("%d enrolments in the audit, want 1", got)
		}
	})
}

func TestLinksThatEnrolNobody(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, row := range []struct {
			claim  string
			before func(u user.User, link *device.Enrolment)
			code   string
		}{
			{"the last instant is too late", func(_ user.User, _ *device.Enrolment) { h.Clock.Forward(device.EnrolmentLife) }, "device.link_refused"},
			{"an instant before is in time", func(_ user.User, _ *device.Enrolment) { h.Clock.Forward(device.EnrolmentLife - time.Microsecond) }, ""},
			{"one that nobody made", func(_ user.User, link *device.Enrolment) {
				link.Token = secret.TokenOf(h.Alder.ID + "." + secret.System.Token().Reveal())
			}, "device.link_refused"},
			{"none at all", func(_ user.User, link *device.Enrolment) { link.Token = secret.TokenOf("") }, "device.link_refused"},
			{"carried to another organisation", func(_ user.User, link *device.Enrolment) {
				link.Token = secret.TokenOf(h.Birch.ID + link.Token.Reveal()[len(h.Alder.ID):])
			}, "device.link_refused"},
			{"its user is locked", func(u user.User, _ *device.Enrolment) { h.Lock(u) }, "device.link_refused"},
			{"the session that made it has ended", func(u user.User, _ *device.Enrolment) {
				if err := session.EndOthers(t.Context(), h.DB, u.TenantID, u.ID, "", audit.User(u.ID), from); err != nil {
					t.Fatal(err)
				}
			}, "device.link_refused"},
			{"the organisation is suspended", func(u user.User, _ *device.Enrolment) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			}, "device.link_refused"},
		} {
			t.Run(row.claim, func(t *testing.T) {
				u := h.User(h.Alder, secret.System.ShortID())
				link := h.Invite(u)
				row.before(u, &link)
				_, err := h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(link.Token), from)
				if row.code != "" {
					wantCode(t, "Enrol", err, row.code)
				} else if err != nil {
					t.Errorf("Enrol = %v", err)
				}
			})
		}
	})
}

func TestWhatAPhoneMayBringToEnrol(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		link := h.Invite(h.User(h.Alder, "user1"))
		h.Set("UPDATE tenants SET platforms = 'ios,android' WHERE id = ?", h.Alder.ID)
		for _, row := range []struct {
			claim  string
			change func(c *device.Candidate)
			field  string
		}{
			{"no name", func(c *device.Candidate) { c.Name = " " }, "name"},
			{"a name too long", func(c *device.Candidate) { c.Name = string(make([]byte, 61)) }, "name"},
			{"a name with a line break", func(c *device.Candidate) { c.Name = "my\nphone" }, "name"},
			{"a PIN of five digits", func(c *device.Candidate) { c.PIN = "24681" }, "pin"},
			{"a PIN of seventeen digits", func(c *device.Candidate) { c.PIN = "24681357902468135" }, "pin"},
			{"a PIN with a letter", func(c *device.Candidate) { c.PIN = "24681x" }, "pin"},
			{"a PIN in other digits", func(c *device.Candidate) { c.PIN = "٢٤٦٨١٣" }, "pin"},
			{"one digit six times", func(c *device.Candidate) { c.PIN = "777777" }, "pin"},
			{"a run up", func(c *device.Candidate) { c.PIN = "345678" }, "pin"},
			{"a run down", func(c *device.Candidate) { c.PIN = "987654" }, "pin"},
			{"a platform that nobody knows", func(c *device.Candidate) { c.Platform = "toaster" }, "platform"},
		} {
			c := h.NewPhone().Candidate(link.Token)
			row.change(&c)
			_, err := h.Devices.Enrol(t.Context(), c, from)
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields[row.field] == "" {
				t.Errorf("%s: Enrol = %v, want a word on %s", row.claim, err, row.field)
			}
		}
		for _, platform := range []string{"desktop", "terminal"} {
			c := h.NewPhone().Candidate(link.Token)
			c.Platform = platform
			_, err := h.Devices.Enrol(t.Context(), c, from)
			if f := fault.Of(err); f == nil || f.Kind != fault.Forbidden || f.Code != "platform_not_allowed" || f.Detail != "Alder Health" {
				t.Errorf("Enrol of a %s = %v, want platform_not_allowed that names the organisation", platform, err)
			}
		}
		// Nothing of all that has used the link up.
		if _, err := h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(link.Token), from); err != nil {
			t.Errorf("Enrol afterwards = %v", err)
		}
	})
}

func TestFivePhonesAndNoSixth(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		links := make([]device.Enrolment, device.PhonesMost+3)
		for i := range links {
			links[i] = h.Invite(u)
		}
		got := tally(AtOnce(len(links), func(i int) error {
			_, err := h.Devices.Enrol(t.Context(), h.NewPhone().Candidate(links[i].Token), from)
			return err
		}))
		if got["done"] != 5 || got["device.too_many"] != 3 {
			t.Errorf("eight links at once: %v, want five done and three too many", got)
		}
		if got := h.Count("SELECT count(*) FROM devices WHERE preferred"); got != 1 {
			t.Errorf("%d phones are preferred, want 1", got)
		}
		id, _ := h.Session(u)
		_, err := h.Devices.Invite(t.Context(), u.TenantID, u.ID, id, from)
		wantCode(t, "Invite with five phones", err, "device.too_many")

		account := h.Text("SELECT account_id FROM devices LIMIT 1")
		if err := h.Devices.Revoke(t.Context(), u.TenantID, u.ID, account, from); err != nil {
			t.Fatal(err)
		}
		h.NewPhone().Enrol(u) // there is room again
	})
}

func TestAPhoneHoldsAnAccountOnce(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		p := h.NewPhone()
		a := p.Enrol(u)
		_, err := h.Devices.Enrol(h.T.Context(), p.Candidate(h.Invite(u).Token), from)
		wantCode(h.T, "Enrol of the same phone again", err, "device.enrolled_already")

		p.Enrol(h.User(h.Birch, "user1")) // another organisation's account on the same key
		if got := len(p.Accounts()); got != 2 {
			h.T.Errorf("the phone holds %d accounts, want 2", got)
		}
		if err := h.Devices.Remove(h.T.Context(), []device.Account{a}, from); err != nil {
			h.T.Fatal(err)
		}
		p.Enrol(u) // after it was removed it may come back
	})
}

func TestTenWrongPINsInARowDisableThePhone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		second, _ := h.PhoneOf(u)
		for i := range device.PINTriesMost - 1 {
			wantCode(t, "a wrong PIN", h.Devices.Unlock(ctx, a, "111222", from), "device.pin_wrong")
			if got := h.Text("SELECT state FROM devices WHERE account_id = ?", a.AccountID); got != device.Active {
				t.Fatalf("after %d wrong PINs the phone is %s", i+1, got)
			}
		}
		if err := h.Devices.Unlock(ctx, a, PIN, from); err != nil {
			t.Fatalf("the right PIN after nine wrong ones = %v", err)
		}
		if err := h.Devices.Unlocked(ctx, a); err != nil {
			t.Fatal(err)
		}
		for range device.PINTriesMost {
			wantCode(t, "a wrong PIN", h.Devices.Unlock(ctx, a, "111222", from), "device.pin_wrong")
		}
		if err := h.Devices.Unlock(ctx, a, PIN, from); err == nil {
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
		got := tally(AtOnce(100, func(int) error { return h.Devices.Unlock(h.T.Context(), a, "111222", from) }))
		if tried := h.Events(audit.DeviceUnlockFailed); tried > device.PINTriesMost || tried != got["device.pin_wrong"] {
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
		for range device.PINTriesMost {
			_ = h.Devices.Unlock(h.T.Context(), a, "111222", from)
		}
		if err := h.Devices.Unlock(h.T.Context(), b, PIN, from); err != nil {
			h.T.Errorf("the other account's PIN = %v", err)
		}
	})
}

func TestPhoneSignInIsRegisteredWithOneOrganisation(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		p, alder := h.PhoneOf(h.User(h.Alder, "user1"))
		birch := p.Enrol(h.User(h.Birch, "user1"))
		err := h.Devices.EnablePhoneSignIn(ctx, birch, false, from)
		if f := fault.Of(err); f == nil || f.Kind != fault.Conflict || f.Code != "registered_elsewhere" || f.Detail != "Alder Health" {
			t.Fatalf("EnablePhoneSignIn elsewhere = %v, want registered_elsewhere that names Alder Health", err)
		}
		if p.Account(birch.AccountID).PhoneSignIn || !p.Account(alder.AccountID).PhoneSignIn {
			t.Error("the refusal changed something")
		}
		if err := h.Devices.EnablePhoneSignIn(ctx, birch, true, from); err != nil {
			t.Fatalf("EnablePhoneSignIn with move = %v", err)
		}
		a, b := p.Account(alder.AccountID), p.Account(birch.AccountID)
		if a.PhoneSignIn || a.Registered || !b.PhoneSignIn || !b.Registered {
			t.Errorf("after the move alder has %t/%t and birch %t/%t", a.PhoneSignIn, a.Registered, b.PhoneSignIn, b.Registered)
		}
		if got := h.Count("SELECT count(*) FROM audit_events WHERE tenant_id = ? AND action = ?", h.Alder.ID, audit.PhoneSignInMoved); got != 1 {
			t.Errorf("the organisation that lost the phone has %d events of it, want 1", got)
		}
		if err := h.Devices.DisablePhoneSignIn(ctx, b, from); err != nil {
			t.Fatal(err)
		}
		if err := h.Devices.EnablePhoneSignIn(ctx, a, false, from); err != nil {
			t.Errorf("EnablePhoneSignIn after the other let go = %v", err)
		}
	})
}

func TestTwoOrganisationsAtOnceCannotBothHaveThePhone(t *testing.T) {
	Each(t, func(h *House) {
		for range 8 {
			p := h.NewPhone()
			accounts := []device.Account{p.Enrol(h.User(h.Alder, secret.System.ShortID())), p.Enrol(h.User(h.Birch, secret.System.ShortID()))}
			got := tally(AtOnce(2, func(i int) error { return h.Devices.EnablePhoneSignIn(h.T.Context(), accounts[i], false, from) }))
			if got["done"] != 1 || got["registered_elsewhere"] != 1 {
				h.T.Errorf("two at once: %v, want one done and one registered_elsewhere", got)
			}
			if on := h.Count("SELECT count(*) FROM devices WHERE id = ? AND phone_sign_in", p.ID); on != 1 {
				h.T.Errorf("phone sign-in is on for %d organisations, want 1", on)
			}
		}
	})
}

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
			got := tally(AtOnce(5, func(i int) error {
				return h.Devices.Prefer(h.T.Context(), u.TenantID, u.ID, accounts[i].AccountID, from)
			}))
			if n := h.Count("SELECT count(*) FROM devices WHERE preferred"); n != 1 || got["done"] != 5 {
				h.T.Fatalf("%d phones are preferred, want 1: %v", n, got)
			}
		}
	})
}

func TestAccountsOfLockedUsersAndSuspendedOrganisationsAreNone(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for claim, end := range map[string]func(u user.User){
			"a locked user":            h.Lock,
			"a disabled user":          func(u user.User) { h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", u.ID) },
			"a suspended organisation": func(u user.User) { h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID) },
		} {
			u := h.User(h.Birch, secret.System.ShortID())
			p, _ := h.PhoneOf(u)
			end(u)
			if _, err := h.Devices.Accounts(t.Context(), p.ID); !errors.Is(err, fault.Refused) {
				t.Errorf("Accounts of %s = %v, want fault.Refused", claim, err)
			}
			h.Set("UPDATE tenants SET state = 'active'")
		}
	})
}

func TestAProofIsTakenOnce(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		p, _ := h.PhoneOf(h.User(h.Alder, "user1"))
		request := proof.Request{Method: "GET", PublicURL: PublicURL, Path: "/phone/api/v1/requests"}
		prove := func(p *Phone, id string) *proof.Signed {
			text, err := phone.Proof(p.Key, id, request.Method, request.PublicURL+request.Path, h.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			signed, err := proof.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		once := prove(p, p.ID)
		accounts, err := h.Devices.Prove(ctx, once, request)
		if err != nil || len(accounts) != 1 || accounts[0].ID != p.ID {
			t.Fatalf("Prove = %v, %v", accounts, err)
		}
		_, err = h.Devices.Prove(ctx, once, request)
		wantCode(t, "the same proof again", err, "phone.proof")
		other := Build(t, h.DB, h.Clock)
		_, err = other.Devices.Prove(ctx, once, request)
		wantCode(t, "the same proof on another replica", err, "phone.proof")

		stranger := h.NewPhone()
		_, err = h.Devices.Prove(ctx, prove(stranger, p.ID), request)
		wantCode(t, "a stranger's key under our id", err, "phone.proof")
		if _, err = h.Devices.Prove(ctx, prove(stranger, stranger.ID), request); !errors.Is(err, fault.Refused) {
			t.Errorf("a phone that nobody enrolled = %v, want fault.Refused", err)
		}
		late := prove(p, p.ID)
		h.Clock.Forward(proof.Drift + time.Second)
		_, err = h.Devices.Prove(ctx, late, request)
		wantCode(t, "a proof that is too old", err, "phone.proof")

		same := prove(p, p.ID)
		if got := tally(AtOnce(8, func(int) error { return errOf(h.Devices.Prove(ctx, same, request)) })); got["done"] != 1 || got["phone.proof"] != 7 {
			t.Errorf("one proof eight times at once: %v, want one done", got)
		}
	})
}

func TestProgressOfAnEnrolment(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		link := h.Invite(u)
		progress := func() device.Progress {
			p, err := h.Devices.ProgressOf(ctx, u.TenantID, u.ID, link.ID)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if got := progress(); got.State != "waiting" || got.Number != "" {
			t.Errorf("before the phone came: %+v", got)
		}
		p := h.NewPhone()
		a, err := h.Devices.Enrol(ctx, p.Candidate(link.Token), from)
		if err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "enrolled" || got.Name != "A phone" || got.AccountID != a.AccountID {
			t.Errorf("when the phone came: %+v", got)
		}
		id, err := h.Prompts.Test(ctx, a, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "testing" || got.Number != h.Number(id) {
			t.Errorf("while it is tested: %+v", got)
		}
		if _, err := p.Answer(p.Open(), "approve", h.Number(id), PIN); err != nil {
			t.Fatal(err)
		}
		if got := progress(); got.State != "done" {
			t.Errorf("after the test: %+v", got)
		}
		unused := h.Invite(u)
		h.Clock.Forward(device.EnrolmentLife)
		if got, err := h.Devices.ProgressOf(ctx, u.TenantID, u.ID, unused.ID); err != nil || got.State != "expired" {
			t.Errorf("a link that nobody used: %+v, %v", got, err)
		}
	})
}

func TestAPushServiceThatForgotAPhoneIsForgotten(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		_, a := h.PhoneOf(u)
		if err := h.Devices.PutPush(ctx, []device.Account{a}, "subscription", from); err != nil {
			t.Fatal(err)
		}
		if err := h.Devices.PushGone(ctx, "subscription"); err != nil {
			t.Fatal(err)
		}
		if got := h.Text("SELECT push_subscription FROM devices"); got != "" {
			t.Errorf("the subscription is still %q", got)
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
