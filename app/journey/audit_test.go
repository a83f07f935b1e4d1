package journey

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"latchkey/app/store"
)

// By keys alone: three letters of somebody who is not on the page are typed into a filter, they
// are offered, and chosen; and codes of reasons and actions likewise.
func TestAFilterOffersWhoCanBeTyped(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.exec("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT tenant_id, 'zoe', 'zoe.lake@alder.example', 'Zoe Lake', 'active', 'disabled', '', created_at FROM users WHERE name = 'user1@alder.example'")
	h.exec("INSERT INTO user_words (tenant_id, word, user_id) SELECT tenant_id, 'zoe', id FROM users WHERE id = 'zoe'")
	p := h.pc()
	p.console("auditor@alder.example", "/audit")
	p.WaitForText("h1", "Audit")
	if p.Has("#audit-names option[value^=zoe]") {
		t.Fatal("they are on the page as it is")
	}
	tabTo := func(id string) {
		t.Helper()
		for range 60 {
			if Eval[string](p.Tab, "document.activeElement.id") == id {
				return
			}
			p.Press(kb.Tab)
		}
		t.Fatalf("no key leads to %s", id)
	}
	value := func(id string) string {
		t.Helper()
		return Eval[string](p.Tab, "document.getElementById('"+id+"').value")
	}
	tabTo("filter-q")
	p.Press("wrong")
	p.WaitForText("#filter-q-list", "signin.password_wrong")
	p.Press(kb.Escape)
	p.WaitGone("#filter-q-list [role=option]")
	p.Press(kb.Backspace + kb.Backspace + kb.Backspace + kb.Backspace + kb.Backspace)
	tabTo("filter-action")
	p.Press("user.lo")
	p.WaitForText("#filter-action-list [role=option]", "Account locked")
	p.Press(kb.ArrowDown)
	p.choose()
	if got := value("filter-action"); got != "user.locked" {
		t.Errorf("chosen is %q", got)
	}
	tabTo("filter-actor")
	p.Press(kb.ArrowDown) // who is on the page
	p.WaitForText("#filter-actor-list", "@alder.example")
	p.Press(kb.Escape)
	tabTo("filter-target")
	p.Press("zo")
	p.Press("e")
	p.WaitForText("#filter-target-list [role=option]", "Zoe Lake")
	p.WaitUntil("document.querySelectorAll('#filter-target-list [role=option]').length === 1")
	p.Press(kb.ArrowDown)
	p.WaitFor("#filter-target-list-0[aria-selected=true]")
	p.look("audit-offered")
	p.Press(kb.ArrowUp) // back to what was typed
	p.WaitGone("#filter-target-list-0[aria-selected=true]")
	p.Press(kb.ArrowDown)
	p.choose()
	if got := value("filter-target"); got != "zoe.lake@alder.example" || p.Has(".offers .found:not([hidden])") {
		t.Errorf("chosen is %q", got)
	}
	p.choose() // the list is closed: this is for the form
	p.WaitForText(".chips", "zoe.lake@alder.example")
}

// An auditor looks for what happened to somebody, narrows it, and opens what they found with
// its proof.
func TestTheAuditIsRead(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user6")
	desk.Follow("tbody th a")
	desk.act("lock", "Lost the phone on the train")
	desk.WaitForText(".flash", "Locked")

	p := h.pc()
	p.console("auditor@alder.example", "/audit")
	p.WaitForText("h1", "Audit")
	p.look("audit-all")
	p.Fill("#filter-q", "phone train")
	p.Fill("#filter-target", "user6@alder.example")
	p.Follow("main form .filter-acts button")
	p.WaitForText("tbody", "Lost the phone on the train")
	p.WaitForText(".chips", "user6@alder.example")
	p.look("audit")
	var alder string
	if _, err := h.DB.View(t.Context()).One(&alder, "SELECT id FROM tenants WHERE slug = 'alder'"); err != nil {
		t.Fatal(err)
	}
	if err := h.Checkpoints.SignNow(t.Context(), alder); err != nil {
		t.Fatal(err)
	}
	p.Follow("tbody th a")
	p.WaitForText("h1", "Account locked")
	p.WaitForText("#proof ~ *", "checkpoint")
	p.look("audit-event")

	// From there to all that happened to the person, from the first event on, and to paper.
	p.Follow("#stories ~ ul a[href*='/story/person/']")
	p.WaitForText("h1", "Story of user6@alder.example")
	p.WaitForText(".story", "Lost the phone on the train")
	p.look("audit-story")
	if pdf := p.PDF(chromedp.PaperA4); len(pdf) < 1000 {
		t.Errorf("on paper it is %d bytes", len(pdf))
	}
	p.Follow(".story-related a[href*='/story/agent/']")
	p.WaitForText("h1", "What desk@alder.example did")
	p.Follow(".story-event a[href*='/audit/']")
	p.WaitFor("#proof")

	// An agent comes to the story from the page of the person, and is told of their own acts.
	desk.Open(h.URL + "/admin/alder/users?q=user6")
	desk.Follow("tbody th a")
	desk.Follow("a[href*='/story/person/']")
	desk.WaitForText(".fine", "What you yourself did")
	desk.WaitForText(".story", "Account locked")
}
