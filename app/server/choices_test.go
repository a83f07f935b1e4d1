package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/app/feature"
	"latchkey/app/store"
)

const chosenPath = "/me/preferences/features/"

// TestAFeatureIsChosenOnThePageOfPreferences: offered to whom it is left, turned on by one
// tap, in effect at once, and off again.
func TestAFeatureIsChosenOnThePageOfPreferences(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, excluded = "user1@alder.example", "user30@alder.example"
		pilot, field := w.group(t, "alder", "pilot"), w.group(t, "alder", "field")
		offered := func(b *browser) bool {
			return strings.Contains(b.get(t, "/me/preferences").want(t, http.StatusOK).body, `action="`+chosenPath)
		}
		own, other := w.browser(t).signIn(t, name), w.browser(t).signIn(t, excluded)
		if offered(own) {
			t.Error("what is left to nobody is offered")
		}
		w.rule(t, feature.Passkeys, feature.Rule{Stage: feature.UsersChoice, Include: []string{pilot}, Exclude: []string{field}})
		if !offered(own) || offered(other) {
			t.Errorf("offered to whom it is left: %t; to who is excluded: %t", offered(own), offered(other))
		}
		usable := says(t, own, "/me/passkeys")
		if usable() {
			t.Error("nobody has turned it on, and it is on")
		}
		if to := own.post(t, chosenPath+"passkeys", "on", "yes").want(t, http.StatusSeeOther).location(); to != "/me/preferences?done=choice_on" {
			t.Errorf("it leads to %s", to)
		}
		if page := own.get(t, "/me/preferences?done=choice_on").body; !usable() || !strings.Contains(page, "Turn off") || !strings.Contains(page, "It is on, from now on.") {
			t.Error("it is not on at once")
		}
		admin := w.browser(t).signIn(t, "admin@alder.example")
		if page := admin.get(t, "/admin/alder/rollout/passkeys/explain?user="+url.QueryEscape(name)).body; !strings.Contains(page, "Has it: Passkeys") || !strings.Contains(page, "They turned it on themselves.") {
			t.Error("the explanation does not say so")
		}
		for _, row := range []struct {
			claim  string
			b      *browser
			path   string
			on     string
			status int
		}{
			{"who is excluded", other, "passkeys", "yes", http.StatusConflict},
			{"what is open to everyone", own, "trusted_browsers", "yes", http.StatusConflict},
			{"what there is not", own, "teleport", "yes", http.StatusNotFound},
			{"neither on nor off", own, "passkeys", "perhaps", http.StatusBadRequest},
			{"nothing said", own, "passkeys", "", http.StatusBadRequest},
		} {
			if a := row.b.post(t, chosenPath+row.path, "on", row.on); !a.is(t, row.status) {
				t.Errorf("%s: %d, want %d", row.claim, a.status, row.status)
			}
		}
		// Not released it is neither offered nor taken; released again, the choice holds.
		release := func(share int) {
			if err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
				return feature.Release(tx, feature.Passkeys, []feature.Cell{{Region: "eu", Ring: "early", Share: share}})
			}); err != nil {
				t.Fatal(err)
			}
		}
		release(0)
		if offered(own) || usable() {
			t.Error("what the platform has stopped is offered")
		}
		own.post(t, chosenPath+"passkeys", "on", "no").is(t, http.StatusConflict)
		release(100)
		if !offered(own) || !usable() {
			t.Error("released again it is not as it was")
		}
		own.post(t, chosenPath+"passkeys", "on", "no").want(t, http.StatusSeeOther)
		if usable() {
			t.Error("it is not off at once")
		}
	})
}

// TestAChoiceThatTakesASafeguardAwayAsksForAProof, the other way it does not; and who
// did it with the way that goes is signed out.
func TestAChoiceThatTakesASafeguardAwayAsksForAProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for f, guarded := range map[feature.Feature]string{
			feature.TypedNumberMatch: "no", feature.TrustedBrowsers: "yes", feature.SelfServiceRecovery: "yes", feature.BackupPhones: "yes", feature.Passkeys: "no", feature.Applications: "",
		} {
			w.rule(t, f, feature.Rule{Stage: feature.UsersChoice})
			b := w.browser(t).signIn(t, "user1@alder.example")
			w.act(t, "DELETE FROM rollout_choices")
			for _, on := range []string{"yes", "no"} {
				w.act(t, "UPDATE sessions SET proved_at = ?", w.now().Add(-6*60*1e9))
				a := b.post(t, chosenPath+string(f), "on", on).want(t, http.StatusSeeOther)
				if asks := strings.HasPrefix(a.location(), "/step-up?return_to=%2Fme%2Fpreferences"); asks != (on == guarded) {
					t.Errorf("%s %s leads to %s", f, on, a.location())
				}
				w.act(t, "UPDATE sessions SET proved_at = ?", w.now())
				b.post(t, chosenPath+string(f), "on", on).want(t, http.StatusSeeOther)
			}
		}
		const name = "user2@alder.example"
		ph, b := w.withPhone(t, name)
		w.rule(t, feature.PhoneSignIn, feature.Rule{Stage: feature.UsersChoice})
		tenantID, userID := w.person(t, name)
		w.act(t, "INSERT INTO rollout_choices (tenant_id, feature, user_id, chosen_at) VALUES (?,'phone_sign_in',?,?)", tenantID, userID, w.now())
		b.byPhone(t, ph, name)
		if !strings.Contains(b.get(t, "/me/preferences").body, "it signs you out") {
			t.Error("the page does not say that it signs out")
		}
		if to := b.post(t, chosenPath+"phone_sign_in", "on", "no").want(t, http.StatusSeeOther).location(); !strings.HasSuffix(to, "?done=choice_off") {
			t.Errorf("it leads to %s", to)
		}
		if b.signedIn(t) {
			t.Error("what the phone made goes on without it")
		}
	})
}
