package journey

import (
	"errors"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// An auditor looks how much happened: before there was anything of some kinds, and after weeks
// of it; and comes from a figure to its events.
func TestTheAuditIsDrawn(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	now := h.DB.Now().UTC()
	h.later(now.Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(now)) // to a noon: no day ends in between
	p := h.pc()
	p.console("auditor@alder.example", "/audit")
	p.Follow(".acts a[href$='/audit/charts']")
	p.WaitForText("h1", "Charts of the audit")
	p.WaitForText("#chart-bypasses", "Nothing of this")
	p.look("audit-charts-few")

	var alder, desk, user6 string
	for into, query := range map[*string]string{&alder: "SELECT id FROM tenants WHERE slug = 'alder'", &desk: "SELECT id FROM users WHERE name = 'desk@alder.example'", &user6: "SELECT id FROM users WHERE name = 'user6@alder.example'"} {
		if _, err := h.DB.View(t.Context()).One(into, query); err != nil {
			t.Fatal(err)
		}
	}
	err := h.DB.Act(t.Context(), func(tx *store.Tx) (all error) {
		then := *tx
		record := func(n int, e audit.Event) {
			for range n {
				e.TenantID, e.Subject, e.Target = alder, user6, audit.User(user6)
				all = errors.Join(all, audit.Record(&then, e))
			}
		}
		for day := range 30 {
			then.Now = tx.Now.AddDate(0, 0, -day)
			for i, by := range []string{"phone", "pwd,otp", "passkey", "pwd", "sms", "printed_code"} {
				record(12-2*i+(day*(i+3))%7, audit.Event{Action: audit.SignInFinished, Actor: audit.User(user6), Details: map[string]string{"by": by}})
			}
			record(2+day%5, audit.Event{Action: audit.SignInRefused, Outcome: audit.Failure, Actor: audit.Claimant("")})
			for i, a := range []audit.Action{audit.BypassIssued, audit.BypassUsed, audit.BypassExpired, audit.BypassRevoked, audit.PromptDenied, audit.PromptReported, audit.AccessRefused, audit.WayPaused, audit.CallerCheckReported} {
				record((day+i)%(i+2), audit.Event{Action: a, Actor: audit.User(desk)})
			}
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Follow("a[href$='range=month']")
	p.WaitFor("a[href$='range=month'][aria-current=page]")
	p.WaitForText("#chart-ways .chart-legend", "other ways")
	p.look("audit-charts-month")
	p.Click("#chart-outcomes summary")
	p.Click("#chart-refusals summary")
	p.look("audit-charts")
	if pdf := p.PDF(chromedp.PaperA4); len(pdf) < 1000 {
		t.Errorf("on paper it is %d bytes", len(pdf))
	}
	p.Follow("#chart-outcomes tbody tr:nth-last-child(3) td:nth-of-type(2) a")
	p.WaitForText("h1", "Audit")
	if n := p.Count("tbody tr"); n != 4 {
		t.Errorf("a figure of 4 leads to %d events", n)
	}
	p.Back()
	p.Follow("#chart-ways .chart-legend a[href*='by=phone']")
	p.WaitForText(".chips", "Signed in by: phone")
	p.Open(h.URL + "/admin/alder/audit/charts?range=day")
	p.WaitForText("#chart-outcomes .chart-legend", "Signed in")
	p.look("audit-charts-day")
}

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
	p.Paste("user.lo")
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
	p.Paste("zoe")
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
	p.leads(p.choose) // the list is closed: this is for the form
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
