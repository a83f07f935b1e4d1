package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHowTheRolloutGoesStandsOnAPage: what was counted, as of when, and nothing of
// another organisation; who looks after the helpdesk alone is not shown it.
func TestHowTheRolloutGoesStandsOnAPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/insights"
		w.forward(t, w.now().UTC().Truncate(24*time.Hour).Add(36*time.Hour).Sub(w.now())) // to noon, so that all is of one day
		w.browser(t).signIn(t, "user1@alder.example")
		w.browser(t).signIn(t, "user1@birch.example")
		admin := w.browser(t).signIn(t, "admin@alder.example")
		w.act(t, "UPDATE users SET ways = 0 WHERE name IN ('user7@alder.example', 'user8@birch.example')")
		w.act(t, "UPDATE attempts SET expires_at = ?", w.now())
		w.act(t, "DELETE FROM platform_settings WHERE name = 'insight_attempts'")
		w.Counted(t)
		a := admin.get(t, page).want(t, http.StatusOK)
		for _, said := range []string{
			"As of", "No way that leads in", "user7@alder.example", "/admin/alder/users?way=no_strong", "From enabled to signing in by phone", "May sign in by phone",
			"/admin/alder/rollout/passkeys", `aria-label="2 signed in, 0 failed, 0 given up."`, `aria-current="page">7 days`,
		} {
			if !strings.Contains(a.body, said) {
				t.Errorf("the page lacks %q", said)
			}
		}
		if strings.Contains(a.body, "birch.example") {
			t.Error("it shows people of another organisation")
		}
		if a := admin.get(t, page+"?days=30").want(t, http.StatusOK); !strings.Contains(a.body, `aria-current="page">30 days`) {
			t.Error("30 days are not what it shows")
		}
		if a := admin.get(t, page+"?days=1000000").want(t, http.StatusOK); !strings.Contains(a.body, `aria-current="page">7 days`) {
			t.Error("what is no range is one")
		}
		admin.get(t, "/admin/birch/insights").want(t, http.StatusNotFound)
		w.browser(t).signIn(t, "desk@alder.example").get(t, page).want(t, http.StatusForbidden)
		if !strings.Contains(admin.get(t, "/admin/alder/users?way=no_strong").want(t, http.StatusOK).body, "user7@alder.example") {
			t.Error("the list does not have who has nothing")
		}
	})
}
