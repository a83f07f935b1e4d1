package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/application"
	"latchkey/app/audit"
)

// TestAWeakProofRenewsNothingStrong: where an application asks for two factors again
// after some minutes, the password alone is no such proof.
func TestAWeakProofRenewsNothingStrong(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		p := w.party(t, "alder", application.Public, "strength = 'mfa', frequency_minutes = 30")
		b := w.browser(t).signIn(t, name)
		j, a := p.asked(t, b)
		back := stepsUp(t, "by password alone", a)
		b.proveByPhone(t, ph, back)
		code, _ := p.lands(t, j, b.get(t, back))
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		w.forward(t, 25*time.Minute)
		b.get(t, "/me").want(t, http.StatusOK)
		if token, err = p.renew(t, token.RefreshToken); err != nil {
			t.Fatalf("within the minutes: %v", err)
		}
		b.prove(t, "/me")
		if _, err := p.userinfo(t, token); err == nil {
			t.Error("after a weaker proof the access token is worth something")
		}
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" || w.events(t, audit.ApplicationTokensRefused, "application.proof_less") != 1 {
			t.Errorf("after a weaker proof: %v", err)
		}
		// With the phone everything goes on.
		j, a = p.asked(t, b)
		back = stepsUp(t, "after a weaker proof", a)
		b.proveByPhone(t, ph, back)
		code, _ = p.lands(t, j, b.get(t, back))
		if _, err = p.redeem(t, code, j); err != nil {
			t.Error(err)
		}
	})
}

// TestARequiredPhoneComesBeforeApplications: who is to register one before anything else
// is led there and back, and an application that asks by itself is told so.
func TestARequiredPhoneComesBeforeApplications(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user27@alder.example"
		tenantID, _ := w.person(t, name)
		w.act(t, "UPDATE tenants SET campaign_skips = 1 WHERE id = ?", tenantID)
		w.campaign(t, name)
		b, p := w.browser(t).byPassword(t, name), w.party(t, "alder", application.Public)
		if failure := silently(t, p, b); failure != "interaction_required" {
			t.Errorf("with prompt=none: %q", failure)
		}
		j, a := p.asked(t, b)
		page := a.want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(page, "/register?return_to=%2Ft%2Falder%2Fauthorize%2Fresume") {
			t.Fatalf("it leads to %q", page)
		}
		b.get(t, page).want(t, http.StatusOK)
		_, back, _ := strings.Cut(page, "return_to=")
		back = strings.NewReplacer("%2F", "/", "%3F", "?", "%3D", "=").Replace(back)
		b.get(t, back).want(t, http.StatusSeeOther) // before it is put off it asks again
		b.get(t, page)
		if to := b.post(t, "/register", "return_to", back).want(t, http.StatusSeeOther).location(); to != back {
			t.Errorf("put off it leads to %q", to)
		}
		if code, failure := p.lands(t, j, b.get(t, back)); code == "" {
			t.Errorf("put off: %q", failure)
		}
		p.code(t, b)
	})
}
