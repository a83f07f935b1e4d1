package journey

import (
	"strings"
	"testing"

	"latchkey/app/store"
)

// Somebody lost their phone and has only a number that the organisation knows: the helpdesk
// lets them in, and a lead who had no part in it calls them back. What is said on the
// telephone binds the new phone.
func TestTheHelpdeskCallsBackForANewPhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user10@alder.example"
	_, lost := h.ready(name)
	if err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
		return tx.Exec(`INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at)
			SELECT tenant_id, 'theirs', id, '', '+4930901823', 'voice', 'active', '', ?, ?, ? FROM users WHERE name = ?`, tx.Now, tx.Now, tx.Now, name).Error
	}); err != nil {
		t.Fatal(err)
	}
	pc := h.letIn(name, lost)
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	pc.WaitForText("h1", "Confirm that it is you")
	pc.Follow("form[action='/step-up/call-back'] button")
	pc.WaitFor("#match-number")
	pc.look("call-back-asked")

	lead := h.pc()
	lead.console("lead@alder.example", "/call-backs")
	lead.look("call-backs")
	lead.Follow("tbody th a")
	lead.look("call-back")
	if lead.Text("#agent-code") != pc.Text("#agent-code") {
		t.Error("who calls and who is called have other letters")
	}
	lead.Click("input[name=phone]")
	lead.Fill("input[name=number]", strings.TrimSpace(pc.Text("#match-number")))
	lead.Fill("#call-reason", "It is their voice")
	lead.Follow("main form button.primary")
	lead.WaitForText("main", "it is them")
	pc.WaitForText("main", "They gave their word")
	pc.look("call-back-given")
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	if link := pc.Text("#enrolment-link"); !strings.Contains(link, "#enrol=") {
		t.Errorf("the link is %q", link)
	}
}
