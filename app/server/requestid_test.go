package server_test

import (
	"net/http"
	"slices"
	"testing"

	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
)

// TestAnEventNamesItsRequest: by the id that its answer carries, which is what
// somebody who asks for help reads out.
func TestAnEventNamesItsRequest(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
			const name = "user1@alder.example"
			seen := map[string]bool{}
			// events gives the actions that stand since the last time, by their request.
			events := func() map[string][]string {
				t.Helper()
				var rows []struct{ ID, Action, RequestID string }
				if err := w.DB.View(t.Context()).All(&rows, "SELECT id, action, request_id FROM audit_events"); err != nil {
					t.Fatal(err)
				}
				fresh := map[string][]string{}
				for _, row := range rows {
					if !seen[row.ID] {
						seen[row.ID] = true
						fresh[row.RequestID] = append(fresh[row.RequestID], row.Action)
					}
				}
				return fresh
			}
			ids := map[string]bool{}
			is := func(a answer, action string) {
				t.Helper()
				id := a.header.Get("X-Request-Id")
				if len(id) < 10 || ids[id] {
					t.Errorf("%s has the request id %q, which is short or was another's", a.asked, id)
				}
				ids[id] = true
				if fresh := events(); len(fresh) != 1 || !slices.Contains(fresh[id], action) {
					t.Errorf("%s = %d with the id %q leaves the events %v, want %s of that id alone", a.asked, a.status, id, fresh, action)
				}
			}

			ph, pc := w.withPhone(t, name)
			admin := w.browser(t).signIn(t, "admin@alder.example")
			_, userID := w.person(t, name)
			b := w.browser(t)
			b.get(t, "/signin")
			events()
			begun := b.post(t, "/signin", "identifier", name).want(t, http.StatusSeeOther)
			is(begun, "signin.begun")
			attempt := begun.location()
			is(b.post(t, attempt+"/verify", "password", "wrong").want(t, http.StatusUnauthorized), "signin.refused")
			is(b.post(t, attempt+"/method", "method", "phone").want(t, http.StatusSeeOther), "signin.way_chosen")
			shown, r := number(b.get(t, attempt)), ph.asks(t)
			is(ph.answers(t, r, "approve", shown).want(t, http.StatusOK), "prompt.approved")
			is(b.post(t, attempt+"/finish").want(t, http.StatusSeeOther), "signin.finished")
			admin.get(t, "/admin/alder/users/"+userID)
			events() // a look may be one
			is(admin.post(t, "/admin/alder/users/"+userID+"/end-sessions", "reason", "a test").want(t, http.StatusSeeOther), "sessions.ended")
			pc.signIn(t, name)
			events()
			is(pc.post(t, "/me/phones/"+ph.account+"/revoke").want(t, http.StatusSeeOther), "device.revoked")
			pc.get(t, "/me")
			is(pc.post(t, "/admin/alder/users/"+userID+"/lock", "reason", "a test").want(t, http.StatusForbidden), "access.refused")
			pc.get(t, "/me")
			is(pc.post(t, "/signout").want(t, http.StatusSeeOther), "session.ended")
		})
	}
}
