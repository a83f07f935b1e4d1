package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var ticketSecret = regexp.MustCompile(`id="ticket-secret"[^>]*>([^<]+)<`)

// TestATicketSystemFromItsPageToABypass: named, its secret shown once, asked, told, and
// what it said listed.
func TestATicketSystemFromItsPageToABypass(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const system, name = "/admin/alder/settings/ticket-system", "user21@alder.example"
		notes := make(chan string, 8)
		tickets := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `"kind":"note"`) {
				notes <- string(body)
				return
			}
			if strings.Contains(string(body), "INC-1") {
				_, _ = io.WriteString(rw, `{"answer":"open"}`)
				return
			}
			_, _ = io.WriteString(rw, `{"answer":"not_theirs"}`)
		}))
		defer tickets.Close()
		security, agent := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, deskOf)
		agent.get(t, system).want(t, http.StatusForbidden)
		w.browser(t).signIn(t, "admin@alder.example").get(t, system).want(t, http.StatusForbidden)
		security.get(t, system).want(t, http.StatusOK)
		bad := security.post(t, system, "url", "http://10.0.0.1/<i>", "tells", "name", "when_down", "block", "version", "0").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, "http://10.0.0.1/&lt;i&gt;") {
			t.Error("the form does not come back as it was typed")
		}
		security.post(t, system, "url", tickets.URL, "tells", "name", "when_down", "block", "version", "0").want(t, http.StatusSeeOther)
		made := security.get(t, system).want(t, http.StatusOK)
		secret := strings.TrimSpace(first(ticketSecret, made))
		if len(secret) < 32 || made.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the secret is %q, kept by caches as %q", secret, made.header.Get("Cache-Control"))
		}
		if again := security.get(t, system); strings.Contains(again.body, secret) {
			t.Error("the secret is shown twice")
		}
		security.client.Jar.SetCookies(security.at(t), []*http.Cookie{{Name: "latchkey_once", Value: "made-up", Path: "/"}})
		if a := security.get(t, system); strings.Contains(a.body, "made-up") {
			t.Error("a page shows what a cookie says")
		}
		// A page of before, and one whose proof is too old, change nothing.
		security.post(t, system, "url", tickets.URL, "tells", "id", "when_down", "pass", "version", "0").want(t, http.StatusConflict)
		security.post(t, system+"/secret", "version", "7").want(t, http.StatusConflict)

		_, id := w.person(t, name)
		person := "/admin/alder/users/" + id
		check := w.checked(t, deskOf, name)
		other := agent.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "reason", "x", "ticket", "INC-2", "caller_check", check)
		if other.is(t, http.StatusUnprocessableEntity); !strings.Contains(other.body, "not about this person") {
			t.Error("a ticket of somebody else comes back without saying so")
		}
		given := agent.post(t, person+"/bypasses", "kind", "pass_code", "delivery", "read_out", "reason", "x", "ticket", "INC-1", "caller_check", check).want(t, http.StatusSeeOther).location()
		if page := agent.get(t, given).want(t, http.StatusOK); !strings.Contains(page.body, "The ticket system said") {
			t.Error("the page of the bypass does not say what it rests on")
		}
		if a := agent.get(t, given, "Accept", "application/json"); !strings.Contains(a.body, `"ticket_check":"open"`) {
			t.Errorf("for a program it is %s", a.body)
		}
		if page := security.get(t, system).want(t, http.StatusOK); !strings.Contains(page.body, "not of this person") || strings.Count(page.body, "data-answer") != 2 || strings.Contains(page.body, secret) {
			t.Error("the page does not list what it answered")
		}
		var owed int
		if w.one(t, &owed, "SELECT count(*) FROM outbox WHERE kind = 'ticket_note'"); owed != 1 {
			t.Errorf("%d notes are owed", owed)
		}
		select {
		case told := <-notes:
			if !strings.Contains(told, `"ticket":"INC-1"`) || !strings.Contains(told, `"person":"`+name+`"`) {
				t.Errorf("it is told %s", told)
			}
		case <-time.After(time.Minute):
			t.Error("it is told of nothing that was given")
		}
		// One that is refused for good is listed.
		tenantID, _ := w.person(t, name)
		w.act(t, "INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at, failed_at, fault, tries) VALUES (?,'note','ticket_note','INC-9','',?,?,?,?,'refused',1)", tenantID, w.DB.Now(), w.DB.Now(), w.DB.Now(), w.DB.Now())
		if page := security.get(t, system).want(t, http.StatusOK); !strings.Contains(page.body, "was not taken") {
			t.Error("the page does not list a note that did not arrive")
		}
		security.get(t, providers).want(t, http.StatusOK) // which lists messages alone
		security.post(t, system+"/remove").want(t, http.StatusSeeOther)
		if page := security.get(t, system).want(t, http.StatusOK); strings.Contains(page.body, tickets.URL) {
			t.Error("it is there still")
		}
	})
}
