package server_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"latchkey/app/passkey/passkeytest"
	"latchkey/app/secret"
)

// beginsUnlock asks for what to make, with the PIN.
func (ph *phone) beginsUnlock(t testing.TB) string {
	t.Helper()
	return ph.call(t, http.MethodPost, "/accounts/"+ph.account+"/unlock", map[string]any{"pin": ph.pin}).want(t, http.StatusOK).body
}

// withFace lets the authenticator of a phone unlock it.
func (ph *phone) withFace(t testing.TB) *passkeytest.Authenticator {
	t.Helper()
	a := passkeytest.New(t, ph.publicURL)
	made := a.Make(t, ph.beginsUnlock(t))
	ph.call(t, http.MethodPut, "/accounts/"+ph.account+"/unlock", map[string]any{"credential": json.RawMessage(made)}).want(t, http.StatusNoContent)
	return a
}

// looked is an answer, unlocked by the face of a.
func (ph *phone) looked(t testing.TB, a *passkeytest.Authenticator, id, jws string) answer {
	t.Helper()
	a.Challenge = secret.Fingerprint(jws)
	return ph.call(t, http.MethodPost, "/requests/"+id+"/answer", map[string]any{"answer": jws, "unlock": json.RawMessage(a.Sign(t, "{}"))})
}

// TestAFaceInPlaceOfThePIN walks the amendment of the protocol, and what was before
// it goes on.
func TestAFaceInPlaceOfThePIN(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		ids := func() string {
			var list []struct {
				UnlockID string `json:"unlock_id"`
			}
			ph.call(t, http.MethodGet, "/accounts", nil).want(t, http.StatusOK).decode(t, &list)
			return list[0].UnlockID
		}
		if ids() != "" {
			t.Error("a new phone has something that unlocks it")
		}
		unlock := "/accounts/" + ph.account + "/unlock"
		wrong := ph.call(t, http.MethodPost, unlock, map[string]any{"pin": "111222"}).want(t, http.StatusUnauthorized)
		var said struct{ Error string }
		if wrong.decode(t, &said); said.Error != "pin_wrong" {
			t.Errorf("a wrong PIN is %q", said.Error)
		}
		ph.call(t, http.MethodPut, unlock, map[string]any{"credential": map[string]any{}}).want(t, http.StatusUnauthorized)
		ph.call(t, http.MethodPost, "/accounts/nothing/unlock", map[string]any{"pin": ph.pin}).want(t, http.StatusNotFound)
		face := ph.withFace(t)
		if ids() != encode(face.ID) {
			t.Error("the phone is not told what unlocks it")
		}

		b := w.browser(t)
		attempt := b.askPhone(t, name)
		r, shown := ph.asks(t), number(b.get(t, attempt))
		jws := ph.decision(r, "approve", shown).compact()
		stranger := passkeytest.New(t, ph.publicURL)
		refused := ph.looked(t, stranger, r.ID, jws).want(t, http.StatusUnauthorized)
		if refused.decode(t, &said); said.Error != "unlock_refused" {
			t.Errorf("the face of somebody else is %q", said.Error)
		}
		for _, empty := range []map[string]any{{"answer": jws}, {"answer": jws, "unlock": nil}, {"answer": jws, "unlock": "x", "pin": ph.pin}} {
			ph.call(t, http.MethodPost, "/requests/"+r.ID+"/answer", empty).want(t, http.StatusUnauthorized)
		}
		if got := b.state(t, attempt); got != "pending" {
			t.Fatalf("the request is %s", got)
		}
		ph.looked(t, face, r.ID, jws).want(t, http.StatusOK)
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		if !b.signedIn(t) {
			t.Error("it does not sign in")
		}
		// A phone that does not know of it goes on with the PIN.
		w.browser(t).byPhone(t, ph, name)

		ph.call(t, http.MethodDelete, unlock, nil).want(t, http.StatusNoContent)
		other := w.browser(t)
		attempt = other.askPhone(t, name)
		r = ph.asks(t)
		ph.looked(t, face, r.ID, ph.decision(r, "approve", number(other.get(t, attempt))).compact()).want(t, http.StatusUnauthorized)
	})
}
