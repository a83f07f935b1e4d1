package journey

import (
	"strconv"
	"testing"
	"time"

	"latchkey/app/store"
)

// What went wrong is told on one page, in words: what it was and what to do.
func TestProblemPages(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	problem := func(status, name string) {
		t.Helper()
		p.WaitFor("body[data-step=problem][data-state='" + status + "']")
		p.look("problem-" + name)
	}

	p.Open(h.URL + "/nothing/here")
	problem("404", "404-no-page")

	p.name("user7@alder.example")
	attempt := p.URL()
	h.later(16 * time.Minute)
	p.Open(attempt)
	problem("401", "401")

	p.name("user7@alder.example")
	Eval[string](p.Tab, "document.querySelector('[name=csrf]').value = 'old'") // as from a page of yesterday
	p.Fill("#password", "whatever it may be")
	p.Follow(primary)
	problem("403", "403-form")

	p.enter("user7@alder.example")
	p.Open(h.URL + "/admin/alder")
	problem("403", "403")
	p.Follow(primary) // the way on
	p.out()

	for range 5 {
		p.name("user8@alder.example")
		for range 2 {
			p.Fill("#password", "not the password at all")
			p.Follow(primary)
		}
	}
	p.name("user8@alder.example")
	p.Fill("#password", "not the password at all")
	p.Follow(primary)
	problem("429", "429")

	// No audit, no act.
	h.exec("ALTER TABLE audit_events RENAME TO audit_events_elsewhere")
	p.Open(h.URL + "/signin")
	p.Fill("#identifier", "user7@alder.example")
	p.Follow(primary)
	problem("503", "503")
	h.exec("ALTER TABLE audit_events_elsewhere RENAME TO audit_events")
	p.name("user7@alder.example")
	p.WaitFor("#password")
}

// Each administrator sees the places of the console that their role opens, and
// an ordinary user none.
func TestConsoleShowsWhatARoleMayOpen(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("security@alder.example")
	p.look("home-administrator")
	p.Follow(".bar-link")
	p.WaitForURL("/admin/alder")
	all := p.Count(".side a")
	p.look("console")
	for i := range all {
		p.Follow(".side li:nth-child(" + strconv.Itoa(i+1) + " of :not(.side-head)) a")
		p.WaitFor(".side [aria-current=page]")
	}
	p.look("console-last")
	p.Open(h.URL + "/admin")
	p.WaitForText("main", "Alder Health")
	p.look("console-chooser")
	p.Open(h.URL + "/admin/birch") // somebody else's
	p.WaitFor("body[data-state='404']")
	p.Open(h.URL)
	p.out()

	p.enter("desk@alder.example")
	p.Open(h.URL + "/admin/alder")
	if n := p.Count(".side a"); n == 0 || n >= all {
		t.Errorf("the helpdesk sees %d places of the console, the security administrator %d", n, all)
	}
}
