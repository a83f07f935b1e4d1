package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestSignalsOnAgentsOverHTTP: what was given over HTTP is counted, linked to what is behind
// it, and shown to nobody who may not read of it; looking is an event.
func TestSignalsOnAgentsOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, page = "user27@alder.example", "/admin/alder/insights/agents"
		_, person := w.person(t, name)
		_, agent := w.person(t, deskOf)
		desk, lead := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, "lead@alder.example")
		bypass, _ := desk.bypassFor(t, w, deskOf, name)
		shown := lead.get(t, page).want(t, http.StatusOK)
		for _, part := range []string{"0 of 1", page + "/" + agent} {
			if !strings.Contains(shown.body, part) {
				t.Errorf("a lead does not see %q", part)
			}
		}
		behind := lead.get(t, page+"/"+agent+"?weeks=13").want(t, http.StatusOK)
		for _, part := range []string{bypass, "/admin/alder/cases/", "/admin/alder/users/" + person} {
			if !strings.Contains(behind.body, part) {
				t.Errorf("what is behind a figure does not lead to %s", part)
			}
		}
		lead.get(t, page+"/"+agent+"?signal=nothing").is(t, http.StatusNotFound)
		lead.get(t, page+"/nobody").is(t, http.StatusNotFound)
		if own := desk.get(t, page).want(t, http.StatusOK); strings.Contains(own.body, "signal-flags") {
			t.Error("an agent is compared with others")
		}
		desk.get(t, page+"/"+agent).is(t, http.StatusOK)
		_, other := w.person(t, "desk2@alder.example")
		desk.get(t, page+"/"+other).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "user1@alder.example").get(t, page).is(t, http.StatusForbidden)
		var looks int
		if w.one(t, &looks, "SELECT count(*) FROM audit_events WHERE action = 'signals.viewed'"); looks != 4 {
			t.Errorf("%d looks are events, want 4", looks)
		}
		restore := rename("audit_events")(t, w)
		lead.get(t, page).unavailable(t)
		restore()

		admin := w.browser(t).signIn(t, "admin@alder.example")
		const hours = "/admin/alder/settings/desk-hours"
		admin.get(t, hours).want(t, http.StatusOK)
		set := func(days, from, until, zone string) answer {
			pairs := []string{"from", from, "until", until, "zone", zone, "reason", "a test"}
			if days != "" {
				pairs = append(pairs, "days", days)
			}
			return admin.post(t, hours, pairs...)
		}
		for claim, wrong := range map[string][4]string{"no zone": {"1", "08:00", "17:00", "Mars"}, "no time": {"1", "25:00", "17:00", "UTC"}, "no length": {"1", "08:00", "08:00", "UTC"}} {
			if a := set(wrong[0], wrong[1], wrong[2], wrong[3]); !a.is(t, http.StatusUnprocessableEntity) {
				t.Errorf("%s: %d", claim, a.status)
			}
		}
		set("", "08:00", "17:00", "UTC").is(t, http.StatusConflict) // there are none yet
		if a := set("1", "08:00", "17:00", "UTC"); !a.is(t, http.StatusSeeOther) || !strings.Contains(a.location(), "/settings?done=saved") {
			t.Errorf("the first hours lead to %s", a.location())
		}
		if a := set("1", "07:00", "17:00", "UTC"); !a.is(t, http.StatusSeeOther) || !strings.Contains(a.location(), "/approvals/") {
			t.Errorf("longer hours lead to %s, want a second person", a.location())
		}
		if a := set("1", "09:00", "17:00", "UTC"); !a.is(t, http.StatusSeeOther) || strings.Contains(a.location(), "/approvals/") {
			t.Errorf("shorter hours lead to %s", a.location())
		}
		lead.post(t, hours, "days", "1", "from", "08:00", "until", "17:00", "zone", "UTC", "reason", "a test").is(t, http.StatusForbidden)
		if shown := lead.get(t, page).want(t, http.StatusOK); !strings.Contains(shown.body, "Mon, 09:00 to 17:00 (UTC)") {
			t.Error("a lead does not see the hours")
		}
	})
}
