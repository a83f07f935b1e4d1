package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const providers = "/admin/alder/settings/providers"

// TestAProviderFromItsPageToItsPage: what is typed comes back when it was wrong, the
// credential never.
func TestAProviderFromItsPageToItsPage(t *testing.T) {
	const canary = "canary-of-a-credential"
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "security@alder.example")
		b.get(t, providers).want(t, http.StatusOK)
		var pages []string
		look := func(a answer) answer {
			pages = append(pages, a.body, fmt.Sprint(a.header))
			return a
		}
		form := func(pairs ...string) answer { return look(b.post(t, providers+"/sms", pairs...)) }
		typed := form("driver", "twilio", "url", "http://sms.example", "account", "AC1", "sender", "+15550100", "credential", canary, "version", "0").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(typed.body, `value="http://sms.example"`) || !strings.Contains(typed.body, "begins with https://") {
			t.Errorf("the form comes back as %s", excerpt(typed.body))
		}
		form("driver", "twilio", "url", "https://sms.example", "account", "AC1", "sender", "+15550100", "credential", canary, "version", "0").want(t, http.StatusSeeOther)
		form("driver", "twilio", "url", "https://sms.example", "account", "AC1", "sender", "+15550100", "credential", "", "version", "0").want(t, http.StatusConflict)
		form("driver", "twilio", "url", "https://evil.example", "account", "AC1", "sender", "+15550100", "credential", "", "version", "1").want(t, http.StatusUnprocessableEntity)
		look(b.get(t, providers).want(t, http.StatusOK))
		shown := look(b.get(t, providers+"/sms").want(t, http.StatusOK))
		if !strings.Contains(shown.body, "One is kept") || !strings.Contains(shown.body, "https://sms.example") {
			t.Errorf("the page shows %s", excerpt(shown.body))
		}
		look(b.get(t, "/me/activity"))
		if strings.Contains(strings.Join(pages, ""), canary) {
			t.Error("the credential is on a page")
		}
		for table, rows := range w.standing(t) {
			if strings.Contains(strings.Join(rows, ""), canary) {
				t.Errorf("the credential stands in %s", table)
			}
		}
		look(b.post(t, providers+"/limits", "countries", "de, xx", "daily", "many").want(t, http.StatusUnprocessableEntity))
		if to := b.post(t, providers+"/limits", "countries", "de fr", "daily", "5").want(t, http.StatusSeeOther).location(); to != providers+"?done=saved" {
			t.Errorf("it leads to %s", to)
		}
		if page := b.get(t, providers); !strings.Contains(page.body, `value="DE, FR"`) {
			t.Error("the countries are not shown")
		}
		// While its codes are the second factor of all who run the tenant it stays.
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name LIKE '%@alder.example'")
		w.act(t, `INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at)
			SELECT tenant_id, 'phone of ' || id, id, '', '+4930901820', 'sms', 'active', '', created_at, created_at, created_at FROM users WHERE name LIKE '%@alder.example'`)
		if kept := b.post(t, providers+"/sms/remove").want(t, http.StatusConflict); !strings.Contains(kept.body, "fewer than two administrators") {
			t.Errorf("removing it is refused with %s", excerpt(kept.body))
		}
		w.act(t, "UPDATE users SET mfa_state = 'disabled' WHERE name LIKE '%@alder.example'")
		b.post(t, providers+"/sms/remove").want(t, http.StatusSeeOther)
		// What only the demonstration may: nowhere else.
		form("driver", "kept", "version", "0").want(t, http.StatusUnprocessableEntity)
		w.browser(t).get(t, "/demo/outbox").is(t, http.StatusNotFound)
	})
}

// TestProvidersAskForAFreshProof: before anything is shown or changed.
func TestProvidersAskForAFreshProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "security@alder.example")
		b.get(t, "/admin/alder")
		w.forward(t, 6*time.Minute)
		before := w.standing(t)
		for _, path := range []string{"/sms", "/sms/remove", "/limits", "/messages/unsent/again"} {
			if to := b.post(t, providers+path, "driver", "webhook", "url", "https://sms.example", "credential", "x", "version", "0", "countries", "DE", "daily", "1").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
				t.Errorf("%s leads to %s", path, to)
			}
		}
		if to := b.get(t, providers+"/sms").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
			t.Errorf("the form leads to %s", to)
		}
		b.get(t, providers).is(t, http.StatusOK)
		for _, table := range []string{"providers", "message_limits", "outbox"} {
			if got := w.standing(t)[table]; len(got) != len(before[table]) {
				t.Errorf("%s has changed", table)
			}
		}
	})
}
