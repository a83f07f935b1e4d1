package passkey_test

import (
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/prompt"
	"latchkey/app/proof"
	"latchkey/app/secret"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// pocket is a phone whose authenticator unlocks the account on it.
type pocket struct {
	h     *House
	u     user.User
	phone *Phone
	id    string
	face  *passkeytest.Authenticator
}

func pocketOf(h *House, name string) *pocket {
	h.T.Helper()
	u := h.User(h.Alder, name)
	p, a := h.PhoneOf(u)
	k := &pocket{h: h, u: u, phone: p, id: a.AccountID, face: passkeytest.New(h.T, PublicURL)}
	if err := k.set(k.face); err != nil {
		h.T.Fatalf("BindUnlock: %v", err)
	}
	return k
}

func (k *pocket) account() device.Account { return k.phone.Account(k.id) }

func (k *pocket) ask() string {
	k.h.T.Helper()
	options, err := k.h.Passkeys.BeginUnlock(k.h.T.Context(), k.account(), audit.Origin{})
	if err != nil {
		k.h.T.Fatalf("BeginUnlock: %v", err)
	}
	return options
}

func (k *pocket) set(a *passkeytest.Authenticator) error {
	k.h.T.Helper()
	return k.h.Passkeys.BindUnlock(k.h.T.Context(), k.account(), a.Make(k.h.T, k.ask()), audit.Origin{})
}

// request is one on the phone, with the text of an approval of it.
func (k *pocket) request() (prompt.Request, string) {
	k.h.T.Helper()
	k.h.Set("DELETE FROM prompts")
	k.h.Begin(k.u.Name, signin.Phone, Browser("a PC"))
	r := k.phone.Open()
	return r, k.phone.Text(k.phone.Claims(r, prompt.Approve, k.h.Number(r.ID)))
}

// sends sends an answer with what unlocks the phone for it.
func (k *pocket) sends(r prompt.Request, text string, unlocking device.Unlocking) (prompt.State, error) {
	k.h.T.Helper()
	signed, err := proof.Parse(text)
	if err != nil {
		k.h.T.Fatal(err)
	}
	return k.h.Prompts.Answer(k.h.T.Context(), k.phone.Proof(), r.ID, signed, unlocking, audit.Origin{})
}

// over is what the authenticator signs over an answer.
func over(k *pocket, a *passkeytest.Authenticator, text string) device.Unlocking {
	a.Challenge = secret.Fingerprint(text)
	return device.Unlocking{Signed: a.Sign(k.h.T, "{}"), Over: secret.Fingerprint(text)}
}

func TestAFaceUnlocksThePhoneInPlaceOfThePIN(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		k := pocketOf(h, "user1")
		if asked := passkeytest.Read(t, k.ask()); asked.Selection.UserVerification != "required" || asked.RP.ID != "id.example" {
			t.Errorf("the phone is asked for %+v", asked)
		}
		h.Set("UPDATE devices SET pin_tries = 7")
		r, text := k.request()
		if state, err := k.sends(r, text, over(k, k.face, text)); err != nil || state != prompt.Approved {
			t.Fatalf("the answer = %s, %v", state, err)
		}
		if got := h.Count("SELECT count(*) FROM devices WHERE unlock_count = 1 AND last_used_at IS NOT NULL AND pin_tries = 7"); got != 1 {
			t.Error("its use was not noted, or forgave wrong PINs")
		}
		record := h.Text("SELECT record FROM audit_events WHERE action = ?", audit.PromptApproved)
		if !strings.Contains(record, `"unlocked":"signed"`) || h.Events(audit.DeviceUnlockSet) != 1 {
			t.Error("the audit does not say so")
		}
		// The PIN stays as the other way.
		r, text = k.request()
		if state, err := k.sends(r, text, device.Unlocking{PIN: PIN}); err != nil || state != prompt.Approved {
			t.Errorf("by PIN = %s, %v", state, err)
		}
		// It is no way to sign in, and nothing of its user's passkeys.
		if bound, err := h.Passkeys.Of(ctx, k.u.TenantID, k.u.ID); err != nil || len(bound) > 0 {
			t.Errorf("its user has the passkeys %v, %v", bound, err)
		}
		k.face.Challenge = ""
		options, err := h.SignIn.AskNameless(ctx, Browser("a PC"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.SignIn.ByPasskey(ctx, k.face.Sign(t, options), "/", Browser("a PC"))
		WantCode(t, "signing in with it", err, "signin.refused")

		if err := h.Passkeys.EndUnlock(ctx, k.account(), audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		r, text = k.request()
		_, err = k.sends(r, text, over(k, k.face, text))
		WantCode(t, "after it was given up", err, "device.unlock_wrong")
	})
}

func TestFacesThatUnlockNothing(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		k, other := pocketOf(h, "user1"), pocketOf(h, "user2")
		for claim, change := range map[string]func(a *passkeytest.Authenticator){
			"of another site":               func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" },
			"for another host":              func(a *passkeytest.Authenticator) { a.RPID = "example" },
			"that did not see who holds it": func(a *passkeytest.Authenticator) { a.Verifies = false },
			"that nobody touched":           func(a *passkeytest.Authenticator) { a.Absent = true },
			"made, not signed":              func(a *passkeytest.Authenticator) { a.Type = "webauthn.create" },
			"of somebody else":              func(a *passkeytest.Authenticator) { *a = *other.face },
			"with another key":              func(a *passkeytest.Authenticator) { a.Key = other.face.Key },
			"with another's handle":         func(a *passkeytest.Authenticator) { a.Handle = other.face.Handle },
		} {
			a := *k.face
			change(&a)
			r, text := k.request()
			_, err := k.sends(r, text, over(k, &a, text))
			WantCode(t, claim, err, "device.unlock_wrong")
		}
		// Over another answer: that to an earlier request, or another number of this one.
		before, old := k.request()
		r, text := k.request()
		for claim, signed := range map[string]string{
			"over the answer to another request": old, "over another number": k.phone.Text(k.phone.Claims(r, prompt.Approve, Other(h.Number(r.ID)))),
			"over a denial": k.phone.Text(k.phone.Claims(r, prompt.Deny, "")), "over nothing": "",
		} {
			u := over(k, k.face, signed)
			u.Over = secret.Fingerprint(text) // as the server finds it
			_, err := k.sends(r, text, u)
			WantCode(t, claim, err, "device.unlock_wrong")
		}
		for _, rubbish := range []string{"{}", `"text"`, "[]", k.face.Make(t, k.ask())} {
			_, err := k.sends(r, text, device.Unlocking{Signed: rubbish, Over: secret.Fingerprint(text)})
			WantCode(t, "rubbish", err, "device.unlock_wrong")
		}
		_, err := k.sends(r, text, device.Unlocking{})
		WantCode(t, "neither a face nor a PIN", err, "device.pin_wrong")
		if got := h.Count("SELECT pin_tries FROM devices WHERE user_id = ?", k.u.ID); got != 1 {
			t.Errorf("%d tries of the PIN are counted; a face is not guessed at", got)
		}
		if h.Events(audit.PromptApproved) != 0 {
			t.Fatal("one of them approved")
		}
		u := over(k, k.face, text)
		if state, err := k.sends(r, text, u); err != nil || state != prompt.Approved {
			t.Fatalf("the right one = %s, %v", state, err)
		}
		_, err = k.sends(r, text, u)
		WantCode(t, "the same again", err, "prompt.decided")
		if h.Events(audit.DeviceUnlockFailed) < 15 {
			t.Error("failures are missing from the audit")
		}
		_ = before
	})
}

// TestFiveHundredFacesAtOnceApproveOnce: neither a request nor a signature serves twice.
func TestFiveHundredFacesAtOnceApproveOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		k := pocketOf(h, "user1")
		r, text := k.request()
		u := over(k, k.face, text)
		got := Tally(AtOnce(500, func(int) error { _, err := k.sends(r, text, u); return err }))
		if got["done"] != 1 || h.Events(audit.PromptApproved) != 1 {
			t.Errorf("five hundred at once: %v", got)
		}
	})
}

func TestWhatUnlocksIsSetUpByThePhoneItself(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		k, other := pocketOf(h, "user1"), pocketOf(h, "user2")
		for claim, change := range map[string]func(a *passkeytest.Authenticator){
			"of another site":               func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" },
			"that did not see who holds it": func(a *passkeytest.Authenticator) { a.Verifies = false },
		} {
			a := passkeytest.New(t, PublicURL)
			change(a)
			WantCode(t, claim, k.set(a), "device.unlock_wrong")
		}
		made := passkeytest.New(t, PublicURL)
		answer := made.Make(t, k.ask())
		WantCode(t, "on another phone", h.Passkeys.BindUnlock(ctx, other.account(), answer, audit.Origin{}), "device.unlock_wrong")
		account := k.account()
		if err := h.Passkeys.BindUnlock(ctx, account, answer, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "a second time", h.Passkeys.BindUnlock(ctx, account, answer, audit.Origin{}), "device.unlock_wrong")
		late := passkeytest.New(t, PublicURL).Make(t, k.ask())
		h.Clock.Forward(passkey.AnswerLife)
		WantCode(t, "too late", h.Passkeys.BindUnlock(ctx, account, late, audit.Origin{}), "device.unlock_wrong")
		answer = passkeytest.New(t, PublicURL).Make(t, k.ask())
		h.Act(func(tx *store.Tx) error { _, err := h.Devices.Take(tx, k.u.TenantID, k.u.ID, k.id); return err })
		WantCode(t, "of a phone that was taken away meanwhile", h.Passkeys.BindUnlock(ctx, account, answer, audit.Origin{}), "http.not_found")
		// Locked between the question and the answer: the account is not there any more.
		locked := other.account()
		answer = passkeytest.New(t, PublicURL).Make(t, other.ask())
		h.Lock(other.u)
		WantCode(t, "of somebody locked meanwhile", h.Passkeys.BindUnlock(ctx, locked, answer, audit.Origin{}), "http.not_found")
	})
}

// TestWhatUnlocksTakesThePINOnceMore, counted like every try of it.
func TestWhatUnlocksTakesThePINOnceMore(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		k, other := pocketOf(h, "user1"), pocketOf(h, "user2")
		try := func(account, pin string) error {
			_, err := h.Devices.ProvePIN(ctx, k.phone.Proof(), account, pin, audit.Origin{})
			return err
		}
		if err := try(k.id, PIN); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "an account of another phone", try(other.id, PIN), "http.not_found")
		if got := h.Count("SELECT sum(pin_tries) FROM devices"); got != 0 {
			t.Errorf("%d tries stand", got)
		}
		for range device.PINTriesMost {
			WantCode(t, "a wrong PIN", try(k.id, "111222"), "device.pin_wrong")
		}
		if got := h.Text("SELECT state FROM devices WHERE account_id = ?", k.id); got != device.Disabled {
			t.Errorf("after ten of them the phone is %s", got)
		}
	})
}
