package device_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/phone"
	"latchkey/app/proof"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux"}

// tally counts errors by their code; nil is "done".

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
			got := Tally(AtOnce(2, func(i int) error { return h.Devices.EnablePhoneSignIn(h.T.Context(), accounts[i], false, from) }))
			if got["done"] != 1 || got["registered_elsewhere"] != 1 {
				h.T.Errorf("two at once: %v, want one done and one registered_elsewhere", got)
			}
			if on := h.Count("SELECT count(*) FROM devices WHERE id = ? AND phone_sign_in", p.ID); on != 1 {
				h.T.Errorf("phone sign-in is on for %d organisations, want 1", on)
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
		take := func(h *House, signed *proof.Signed) ([]device.Account, error) {
			by, err := h.Devices.Check(ctx, signed, request)
			if err != nil {
				return nil, err
			}
			return h.Devices.Prove(ctx, by)
		}
		once := prove(p, p.ID)
		accounts, err := take(h, once)
		if err != nil || len(accounts) != 1 || accounts[0].ID != p.ID {
			t.Fatalf("Prove = %v, %v", accounts, err)
		}
		_, err = take(h, once)
		WantCode(t, "the same proof again", err, "phone.proof")
		other := Build(t, h.DB, h.Clock)
		_, err = take(other, once)
		WantCode(t, "the same proof on another replica", err, "phone.proof")

		stranger := h.NewPhone()
		_, err = take(h, prove(stranger, p.ID))
		WantCode(t, "a stranger's key under our id", err, "phone.proof")
		if _, err = take(h, prove(stranger, stranger.ID)); !errors.Is(err, fault.Refused) {
			t.Errorf("a phone that nobody enrolled = %v, want fault.Refused", err)
		}
		late := prove(p, p.ID)
		h.Clock.Forward(proof.Drift + time.Second)
		_, err = take(h, late)
		WantCode(t, "a proof that is too old", err, "phone.proof")

		same := prove(p, p.ID)
		if got := Tally(AtOnce(8, func(int) error { return errOf(take(h, same)) })); got["done"] != 1 || got["phone.proof"] != 7 {
			t.Errorf("one proof eight times at once: %v, want one done", got)
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
