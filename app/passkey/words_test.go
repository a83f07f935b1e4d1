package passkey_test

import (
	"strings"
	"testing"

	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	. "latchkey/app/signin/signintest"
)

// TestWhatIsLoggedTellsNothing: the reason of a refusal goes to the log, and must
// not bring along what was asked, what was signed, or by which passkey.
func TestWhatIsLoggedTellsNothing(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		_, k := h.PasskeyOf(u)
		q := passkey.Question{TenantID: u.TenantID, UserID: u.ID, Subject: "s", About: "a test", Looking: passkey.MustLook}
		for claim, change := range map[string]func(a *passkeytest.Authenticator){
			"of another site":     func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" },
			"for another host":    func(a *passkeytest.Authenticator) { a.RPID = "example" },
			"that did not look":   func(a *passkeytest.Authenticator) { a.Verifies = false },
			"with another key":    func(a *passkeytest.Authenticator) { a.Key = passkeytest.New(t, PublicURL).Key },
			"by another passkey":  func(a *passkeytest.Authenticator) { a.ID = []byte("another one of thirty-two bytes.") },
			"with another handle": func(a *passkeytest.Authenticator) { a.Handle = []byte("somebody") },
		} {
			a := *k
			change(&a)
			options, err := h.Passkeys.Ask(ctx, q, passkey.AnswerLife)
			if err != nil {
				t.Fatal(err)
			}
			answer := a.Sign(t, options)
			_, err = h.Passkeys.Check(ctx, q, answer)
			if err == nil || !strings.Contains(err.Error(), ":") {
				t.Fatalf("%s: %v, want a reason for the log", claim, err)
			}
			for _, secret := range []string{passkeytest.Read(t, options).Challenge, answer[8:40], string(k.Handle), u.Name} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the log would say %s", claim, err)
				}
			}
		}
	})
}
