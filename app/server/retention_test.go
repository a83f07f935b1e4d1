package server_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/retention"
	"latchkey/app/server"
)

var holdEnd = regexp.MustCompile(`action="([^"]*/holds/[^"]*/end)"`)

// TestHowLongTheAuditIsKept: one says it, a second person agrees, a day goes by, and what was
// old is in an archive that anybody can prove.
func TestHowLongTheAuditIsKept(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const at = "/admin/alder/audit/retention"
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		security := w.browser(t).signIn(t, firstSecurity)
		if page := security.get(t, at).want(t, http.StatusOK); !strings.Contains(page.body, "for ever") || !strings.Contains(page.body, "Nothing was dropped") || !strings.Contains(page.body, "There is no hold") {
			t.Error("the page does not say that everything is kept")
		}
		if list := security.get(t, "/admin/alder/audit").want(t, http.StatusOK); !strings.Contains(list.body, `href="`+at+`"`) {
			t.Error("the audit does not lead there")
		}
		for _, name := range []string{"admin@alder.example", deskOf} {
			other := w.browser(t).signIn(t, name)
			other.get(t, at).want(t, http.StatusForbidden)
			if list := other.get(t, "/admin/alder/audit").want(t, http.StatusOK); strings.Contains(list.body, at) {
				t.Errorf("the audit leads %s there", name)
			}
			other.post(t, at, "signins", "3", "administration", "13", "version", "0", "reason", "mine").want(t, http.StatusForbidden)
			other.post(t, at+"/holds", "reason", "mine").want(t, http.StatusForbidden)
		}
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		if page := auditor.get(t, at).want(t, http.StatusOK); strings.Contains(page.body, "<form method=\"post\" action=\""+at) {
			t.Error("an auditor may change it")
		}
		auditor.post(t, at+"/holds", "reason", "mine").want(t, http.StatusForbidden)

		bad := security.post(t, at, "signins", "2", "administration", "<i>", "version", "0", "reason", " ").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, `value="&lt;i&gt;"`) || strings.Count(bad.body, `class="field-error"`) < 2 {
			t.Error("the form does not come back as it was typed, with what is wrong")
		}
		request := security.post(t, at, "signins", "3", "administration", "0", "version", "0", "reason", "we need no more").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(request, "/admin/alder/approvals/") {
			t.Fatalf("to keep it for less time leads to %s", request)
		}
		second := w.browser(t).signIn(t, secondSecurity)
		if page := second.get(t, request).want(t, http.StatusOK); !strings.Contains(page.body, "Sign-ins are kept") || !strings.Contains(page.body, "3 months") {
			t.Error("who approves does not see what")
		}
		second.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
		security.post(t, at, "signins", "0", "administration", "0", "version", "0", "reason", "as it was").want(t, http.StatusConflict)

		hold := security.post(t, at+"/holds", "reason", "<i>a court</i>").want(t, http.StatusSeeOther).location()
		page := security.get(t, hold).want(t, http.StatusOK)
		if !strings.Contains(page.body, "&lt;i&gt;a court&lt;/i&gt;") || !strings.Contains(page.body, "Nothing is dropped while there is a hold") {
			t.Error("the page does not have the hold")
		}
		end := first(holdEnd, page)

		// Five months later.
		w.sealed(t)
		w.forward(t, 5*31*24*time.Hour)
		w.sealed(t)
		round := func() {
			t.Helper()
			if err := w.Retention.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		round()
		if w.count(t, "SELECT count(*) FROM audit_drops") != 0 {
			t.Fatal("it was dropped under a hold")
		}
		security, second = w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, secondSecurity)
		request = security.post(t, end, "reason", "it is over").want(t, http.StatusSeeOther).location()
		second.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
		security.post(t, end, "reason", "again").want(t, http.StatusConflict)
		before := w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.SignInFinished)
		w.forward(t, retention.GraceLife+time.Hour)
		until(t, "a drop", func() bool { // by this round, or by one in the background
			round()
			return w.count(t, "SELECT count(*) FROM audit_drops") == 1
		})
		if w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.SignInFinished) >= before {
			t.Fatal("nothing was dropped")
		}
		security = w.browser(t).signIn(t, firstSecurity)
		page = security.get(t, at).want(t, http.StatusOK)
		var file string
		w.one(t, &file, "SELECT archive FROM audit_drops")
		if !strings.Contains(page.body, file) || !strings.Contains(page.body, "Sign-ins of 20") || !strings.Contains(page.body, "Ended by") {
			t.Error("the page does not have the drop, or not that the hold is ended")
		}
		// What is left is read as before.
		security.get(t, "/admin/alder/audit").want(t, http.StatusOK)
		security.get(t, "/admin/alder/audit/proofs/inclusion?index=0").want(t, http.StatusOK)
		w.sealed(t)

		text, err := os.ReadFile(filepath.Join(w.Retention.Folder, file))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "archive.zip")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		keys, err := w.Checkpoints.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&server.AuditVerify{Bundle: path, Key: keys}).Run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "alder, signins of 20") || !strings.Contains(out.String(), "whole") || !strings.Contains(page.body, first(digestSaid, answer{body: out.String()})) {
			t.Errorf("the archive: %v, %s", err, &out)
		}
		out.Reset()
		if err := (&server.AuditVerify{Bundle: path, Tenant: "birch", Key: keys}).Run(t.Context(), &out); err == nil {
			t.Error("it passes for another tenant's")
		}
		out.Reset()
		if err := (&server.AuditVerify{Bundle: path, Key: []string{"another+00000000+AAAA"}}).Run(t.Context(), &out); err == nil {
			t.Error("it passes under another key")
		}

		w.forward(t, 6*time.Minute)
		for _, path := range []string{at, end} {
			if to := security.post(t, path, "signins", "4", "administration", "0", "version", "1", "reason", "a test").want(t, http.StatusSeeOther).location(); !strings.HasPrefix(to, "/step-up") {
				t.Errorf("%s without a fresh proof leads to %s", path, to)
			}
		}
		security.post(t, at+"/holds", "reason", "at once").want(t, http.StatusSeeOther)
	})
}

var digestSaid = regexp.MustCompile(`SHA-256 of the file is ([0-9a-f]{64})`)
