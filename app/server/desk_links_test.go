package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestTheDeskLeadsBothWays: from the case, the person, the bypass and the check to each of
// the others.
func TestTheDeskLeadsBothWays(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user35@alder.example"
		desk := w.browser(t).signIn(t, deskOf)
		bypass, _ := desk.bypassFor(t, w, deskOf, name)
		person := w.at(t, "user35")
		var caseID, checkID string
		w.one(t, &caseID, "SELECT id FROM cases WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
		w.one(t, &checkID, "SELECT check_id FROM bypasses WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
		pages := map[string]string{"the person": person, "the case": "/admin/alder/cases/" + caseID, "the bypass": strings.Split(bypass, "?")[0], "the check": "/admin/alder/caller-checks/" + checkID}
		for from, page := range pages {
			body := desk.get(t, page).want(t, http.StatusOK).body
			for to, other := range pages {
				if from != to && !strings.Contains(body, `href="`+other) {
					t.Errorf("%s does not lead to %s", from, to)
				}
			}
		}
	})
}
