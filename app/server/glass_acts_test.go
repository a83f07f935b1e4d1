package server_test

import (
	"net/http"
	"testing"
	"time"
)

// actsOnGlass prepares what is done with break-glass accounts, and what counts and judges
// what is on.
func actsOnGlass(t *testing.T, w *world) []doing {
	t.Helper()
	s := w.glass(t, glassName)
	code, _ := s.printed(t)
	another := func(name string) sealing {
		t.Helper()
		s.asks.get(t, glassPage).want(t, http.StatusOK)
		s.approved(t, s.asks.post(t, glassPage, "name", name, "display_name", "The safe", "reason", "a test"))
		other := s
		_, other.id = w.person(t, name)
		other.base = glassPage + "/" + other.id
		return other
	}
	unprinted, third, fourth := another("break-glass-2@alder.example"), another("break-glass-3@alder.example"), another("break-glass-4@alder.example")
	_, outside := third.printed(t)
	seconds, _ := fourth.printed(t)
	s.approves.get(t, outages+"/new").want(t, http.StatusOK) // who did not make the account
	request := s.approves.post(t, outages, "failed", "mail", "relaxes", "longer_sessions", "minutes", "45", "reason", "a test").want(t, http.StatusSeeOther).location()
	enters := w.browser(t)
	enters.get(t, "/break-glass").want(t, http.StatusOK)
	w.act(t, "UPDATE users SET mfa_state = 'disabled' WHERE name = 'user40@alder.example'")
	const console = "/admin/:tenant"
	form := func(b *browser, path string, pairs ...string) func() answer {
		return func() answer { return b.post(t, path, pairs...) }
	}
	until := w.now().AddDate(0, 1, 0).Format(time.DateOnly)
	return []doing{
		{"POST /break-glass", form(enters, "/break-glass", "identifier", glassName, "code", code), http.StatusSeeOther},
		{"POST " + console + "/break-glass", form(s.asks, glassPage, "name", "break-glass-5@alder.example", "display_name", "x", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST " + console + "/break-glass/:glass/print", form(s.asks, unprinted.base+"/print"), http.StatusOK},
		{"POST " + console + "/break-glass/:glass/drill", form(s.asks, third.base+"/drill", "outside", outside, "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST " + console + "/break-glass/:glass/seal", form(s.asks, third.base+"/seal", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST " + console + "/break-glass/:glass/remove", form(s.asks, third.base+"/remove", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST " + console + "/approvals/:request/sheet", form(s.approves, request+"/sheet", "identifier", "break-glass-4@alder.example", "code", seconds), http.StatusSeeOther},
		{"POST " + console + "/census", form(s.asks, "/admin/alder/census", "reason", "a test", "ticket", "CHG-1"), http.StatusSeeOther},
		{"POST " + console + "/risks/:risk", form(s.asks, "/admin/alder/risks/mfa_disabled", "reason", "a test", "ticket", "CHG-1", "until", until), http.StatusSeeOther},
	}
}
