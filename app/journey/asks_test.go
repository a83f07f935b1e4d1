package journey

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
)

// Somebody without a phone asks the helpdesk from the sign-in page and gets a number; the
// desk sees it among those that nobody has taken, unproved, and takes it. Their page says
// who has it, by itself.
func TestSomebodyAsksTheHelpdeskInWriting(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user6@alder.example"
	h.promote("user2@alder.example", access.RoleTenantAdministrator)
	admin, second := h.pc(), h.pc()
	admin.console("admin@alder.example", "/settings")
	admin.Fill("#helpdesk_number", "+49 30 123 456")
	admin.Fill("#helpdesk_hours", "around the clock")
	admin.Fill("#helpdesk-reason", "So that people know whom to call")
	admin.look("settings-helpdesk")
	admin.Follow("form[action$='/settings/helpdesk'] button.primary")
	admin.WaitForURL("/admin/alder/approvals/")
	second.console("user2@alder.example", "/approvals")
	second.Follow("main .rows a[href*='/approvals/']")
	second.WaitForText("main", "+49 30 123 456")
	second.look("approval-helpdesk")
	second.Follow(".beside-acts form[action$='/approve'] button")

	own := h.pc()
	own.enter(name)
	own.out()
	own.name(name)
	own.Follow(helpLink)
	own.WaitForText("main", "+49 30 123 456")
	own.look("signin-help-ask")
	own.Follow("#ask")
	own.look("signin-ask")
	own.Fill("[name=words]", " ")
	own.Follow("main button.primary")
	own.WaitForText(".problems", "few words")
	own.look("signin-ask-error")
	own.Click("input[value=lost]")
	own.Fill("[name=words]", "Left on the bus this morning, the shift begins at two")
	own.Follow("main button.primary")
	own.WaitForText("#case-number", "C-1001")
	own.WaitForText("#case-agent", "Nobody has taken it yet")
	own.look("signin-asked")

	strange := h.pc()
	strange.name("nobody@alder.example")
	strange.Follow(helpLink)
	strange.Follow("#ask")
	strange.Click("input[value=lost]")
	strange.Fill("[name=words]", "Let me in")
	strange.Follow("main button.primary")
	strange.WaitForText("#case-number", "C-1002")
	strange.look("signin-asked-stranger")

	var cases int // that the program has made of what was asked, which it does every second
	for end := time.Now().Add(patience); cases == 0; time.Sleep(glance) {
		if _, err := h.DB.View(t.Context()).One(&cases, "SELECT count(*) FROM cases"); err != nil || time.Now().After(end) {
			t.Fatalf("%d cases after %v: %v", cases, patience, err)
		}
	}
	desk := h.pc()
	desk.console("desk@alder.example", "")
	desk.WaitForText("main", "1 case that nobody has taken")
	desk.look("overview-untaken")
	desk.Follow("a[href$='/cases?owner=nobody']")
	desk.WaitForText("tbody th", "C-1001")
	desk.WaitForText("tbody", "not proved")
	desk.look("cases-untaken")
	desk.Follow("tbody th a")
	desk.WaitForText("main", "unverified")
	desk.look("case-asked")
	desk.Follow("form[action$='/take'] button")
	own.WaitForText("#case-agent", "Helpdesk has it")
	own.look("signin-asked-taken")

	// And once more, signed in.
	own.enter(name)
	own.Open(h.URL + "/me/lost-phone")
	own.Click("input[value=lost]")
	own.Fill("[name=words]", "I am at the gate now")
	own.look("me-lost-ask")
	own.Follow("form[action='/me/lost-phone/ask'] button")
	own.WaitForText("#case", "C-1001")
	desk.Reload()
	desk.WaitForText("main", "I am at the gate now")
	desk.look("case-asked-again")

	// The message about it had a link for who never asked.
	var told struct{ TenantID, ID string }
	if _, err := h.DB.View(t.Context()).One(&told, "SELECT tenant_id, id FROM disownings ORDER BY created_at LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	own.Open(h.URL + "/not-me/" + h.Keys.Disowning(told.TenantID, told.ID))
	own.look("disown-ask")
	own.Follow("form[action^='/not-me/'] button.danger")
	own.look("disowned-ask")
	own.Open(h.URL + "/not-me/open")
	own.look("disowned-open")
}
