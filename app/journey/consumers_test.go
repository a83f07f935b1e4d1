package journey

import (
	"testing"
	"time"

	"latchkey/app/store"
)

// A security administrator adds a receiver of events, sees its secret once, and that it
// takes nothing.
func TestAReceiverOfEventsIsAdded(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	security := h.pc()
	security.console("security@alder.example", "/webhooks")
	security.look("consumers-none")
	security.types("input[name=name]", "Our SIEM")
	security.types("input[name=url]", "https://siem.example/in")
	security.Submit()
	security.WaitFor("#consumer-secret")
	security.look("consumer-secret")
	h.exec("UPDATE consumers SET failures = 4, fault = 'unreachable', failing_since = ?, tested_at = ?, test_fault = 'slow', due_at = ?", h.DB.Now().Add(-2*time.Hour), h.DB.Now(), h.DB.Now().AddDate(0, 0, 1))
	security.Open(h.URL + "/admin/alder/webhooks")
	security.WaitFor("[data-consumer]")
	security.look("consumers")
	security.Follow("[data-consumer] a")
	security.WaitFor("#consumer-fault")
	security.look("consumer")
}

// An auditor has what they have found in the audit written into a file and gets a link to it.
func TestTheAuditIsExported(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	auditor := h.pc()
	auditor.console("auditor@alder.example", "/audit?action=signin.finished&range=week")
	auditor.Follow("main a[href*='/audit/export?']")
	auditor.WaitForText("h1", "Export of the audit")
	if got := Eval[string](auditor.Tab, "document.querySelector('input[name=action]').value"); got != "signin.finished" {
		t.Errorf("the form asks for %q", got)
	}
	auditor.Follow("main form button.primary")
	auditor.WaitFor("#export-rows")
	h.exec("UPDATE audit_exports SET state = 'done', ended_at = ?", h.DB.Now())
	auditor.Open(h.URL + "/admin/alder/audit/export")
	auditor.WaitFor("[data-export]")
	auditor.look("exports")
	auditor.Follow("[data-export] a")
	auditor.WaitFor("form[action$='/link']")
	auditor.Follow("form[action$='/link'] button")
	auditor.WaitFor("#export-link")
	auditor.look("export")
}
