package server_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
)

// TestAnAlarmFromItsEventToItsNote: five refusals of an administrator are an alarm, whom it is
// about does not acknowledge it, and somebody else does, once.
func TestAnAlarmFromItsEventToItsNote(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/alarms"
		security, auditor, admin := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "auditor@alder.example"), w.browser(t).signIn(t, "admin@alder.example")
		if page := security.get(t, list).want(t, http.StatusOK); !strings.Contains(page.body, "No alarm is open") || !strings.Contains(page.body, "An administrator is often refused") {
			t.Error("the list does not say that nothing is open, and by which rules")
		}
		for range 5 {
			admin.get(t, list).want(t, http.StatusForbidden)
		}
		w.browser(t).signIn(t, deskOf).get(t, list).want(t, http.StatusForbidden)
		at := waitForAlarm(t, w, "refusals")
		page := auditor.get(t, at).want(t, http.StatusOK)
		if !strings.Contains(page.body, "admin@alder.example") || strings.Contains(page.body, "/acknowledge") {
			t.Error("an auditor does not see whom it is about, or may acknowledge it")
		}
		auditor.post(t, at+"/acknowledge", "note", "mine").want(t, http.StatusForbidden)
		auditor.get(t, list+"/rules/refusals").want(t, http.StatusForbidden)
		if events := security.get(t, html.UnescapeString(first(alarmEvents, security.get(t, at).want(t, http.StatusOK)))).want(t, http.StatusOK); !strings.Contains(events.body, "Often not permitted: alarm") {
			t.Error("its events are not behind its link")
		}
		if over := security.get(t, "/admin/alder").want(t, http.StatusOK); !strings.Contains(over.body, "1 alarm is open") {
			t.Error("the overview does not say that one is open")
		}
		bad := security.post(t, at+"/acknowledge", "note", " ").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, "field-error") {
			t.Error("without a note the form does not say what is wrong")
		}
		security.post(t, at+"/acknowledge", "note", "<i>They</i> were new").want(t, http.StatusSeeOther)
		security.post(t, at+"/acknowledge", "note", "again").want(t, http.StatusConflict)
		if page := auditor.get(t, list).want(t, http.StatusOK); !strings.Contains(page.body, "&lt;i&gt;They&lt;/i&gt; were new") || !strings.Contains(page.body, "No alarm is open") {
			t.Error("the list does not have the note")
		}
		security.get(t, list+"/none").want(t, http.StatusNotFound)
		security.get(t, list+"/rules/none").want(t, http.StatusNotFound)

		// One about whoever asks.
		w.act(t, "UPDATE alarms SET acknowledged_at = NULL, acknowledged_by = '', about_id = (SELECT id FROM users WHERE name = ?)", firstSecurity)
		if page := security.get(t, at).want(t, http.StatusOK); !strings.Contains(page.body, "about you") || strings.Contains(page.body, "/acknowledge") {
			t.Error("it does not say that somebody else acknowledges it")
		}
		before := w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.AccessRefused)
		security.post(t, at+"/acknowledge", "note", "it was nothing").want(t, http.StatusForbidden)
		if w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.AccessRefused) != before+1 || w.count(t, "SELECT count(*) FROM alarms WHERE acknowledged_at IS NULL") != 1 {
			t.Error("their refusal is no event, or it is acknowledged")
		}
	})
}

// TestARuleOfAlarmsIsChanged: the form comes back as it was typed, the second of two who
// changed it is told, what was and what is stands in the audit, and a test is sent.
func TestARuleOfAlarmsIsChanged(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const rule = "/admin/alder/alarms/rules/bypasses_by_agent"
		security := w.browser(t).signIn(t, firstSecurity)
		typed := []string{"active", "yes", "threshold", "5", "window", "60", "mail", "yes", "consumer", "", "version", "0"}
		bad := security.post(t, rule, "active", "yes", "threshold", "<i>", "window", "61", "consumer", "none", "version", "0").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, "&lt;i&gt;") || strings.Count(bad.body, "field-error") < 3 {
			t.Error("the form does not come back as it was typed, with what is wrong")
		}
		security.post(t, rule, typed...).want(t, http.StatusSeeOther)
		security.post(t, rule, "active", "yes", "threshold", "6", "window", "60", "version", "0").want(t, http.StatusConflict)
		if page := security.get(t, rule).want(t, http.StatusOK); !strings.Contains(page.body, `value="5"`) {
			t.Error("the page does not have the threshold")
		}
		if w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.AlarmRuleChanged) != 1 {
			t.Error("the change is no event")
		}
		at := security.post(t, rule+"/test").want(t, http.StatusSeeOther).location()
		if page := security.get(t, at).want(t, http.StatusOK); !strings.Contains(page.body, "This is a test") {
			t.Error("the page does not say that it is a test")
		}
		security.post(t, rule+"/test").want(t, http.StatusConflict)
		w.forward(t, 6*time.Minute)
		for _, path := range []string{rule, rule + "/test"} {
			if to := security.post(t, path, typed...).want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
				t.Errorf("%s without a fresh proof leads to %s", path, to)
			}
		}
	})
}

// waitForAlarm gives the page of the open alarm of a rule, as soon as there is one.
func waitForAlarm(t *testing.T, w *world, rule string) string {
	t.Helper()
	id := ""
	until(t, "an alarm of "+rule, func() bool {
		// It is done in the background, too; whoever is first.
		if err := w.Checkpoints.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Alarms.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.one(t, &id, "SELECT id FROM alarms WHERE rule = ? AND acknowledged_at IS NULL", rule)
		return id != ""
	})
	return "/admin/alder/alarms/" + id
}

var alarmEvents = regexp.MustCompile(`id="alarm-events" href="([^"]+)"`)
