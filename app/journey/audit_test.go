package journey

import (
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/app/store"
)

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
