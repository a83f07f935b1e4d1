package journey

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"

	"latchkey/app/server/servertest"
	"latchkey/app/session"
	"latchkey/app/store"
)

// A tenant administrator makes a group, puts somebody into it, gives it a role,
// and takes it away again.
func TestAGroupInTheConsole(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder/groups")
	p.WaitForText("table", "office")
	p.look("groups")

	p.Click("#new-group summary")
	p.WaitFor("dialog[open]")
	p.look("groups-new")
	p.Fill("dialog[open] input[name=name]", "pilot")
	p.Fill("dialog[open] input[name=reason]", "A ward that tries it first")
	p.Follow("dialog[open] button.primary")
	p.WaitForText("dialog[open] .field-error", "There is a group of this name already")
	p.look("groups-new-refused")
	p.Fill("dialog[open] input[name=name]", "Night shift of the emergency department, building C")
	p.Follow("dialog[open] button.primary")
	p.WaitForText(".flash", "The group is made")
	p.WaitForText(".empty", "Nobody is in this group")
	p.look("group-empty")

	p.Fill("#add-name", "user7@birch.example")
	p.Fill("#reasonadd", "On this shift from March on")
	p.Follow(".line-form button")
	p.WaitForText("#add-name-error", "Nobody here has this sign-in name")
	p.look("group-add-refused")
	for _, name := range []string{"user7@alder.example", "user8@alder.example"} {
		p.Fill("#add-name", name)
		p.Fill("#reasonadd", "On this shift from March on")
		p.Follow(".line-form button")
		p.WaitForText("table", name)
	}
	p.Click("#role summary")
	p.WaitFor("dialog[open] select")
	Eval[string](p.Tab, "document.querySelector('#role-choice').value = 'helpdesk'")
	p.Fill("#reasonrole", "They help each other at night")
	p.look("group-role")
	p.Follow("dialog[open] button.primary")
	p.WaitForText(".facts", "Helpdesk")
	p.look("group")

	p.Click("tbody tr:first-child summary")
	p.WaitForText("dialog[open]", "They lose the role Helpdesk")
	p.look("group-remove")
	p.Fill("dialog[open] input[name=reason]", "Back to days")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "no longer in the group")

	p.Click("#delete summary")
	p.Fill("#confirmed", "Night shift")
	p.Fill("#reasondelete", "The ward is closed")
	p.Follow("dialog[open] button.danger")
	p.WaitForText("dialog[open] .field-error", "exactly as it stands")
	p.look("group-delete")
	p.Fill("dialog[open] #confirmed", "Night shift of the emergency department, building C")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "The group is deleted")

	p.Fill("#prefix", "xyz")
	p.Follow(".line-form button")
	p.WaitForText(".empty", "No group is called that")
	p.look("groups-nothing")
	p.Open(h.URL)
	p.out()

	// The helpdesk reads, and is offered nothing else.
	p.enter("desk@alder.example")
	p.Open(h.URL + "/admin/alder/groups")
	p.Follow("tbody a")
	if p.Has("main form") {
		t.Error("the helpdesk is offered an act on a group")
	}
}

// Somebody at the helpdesk finds a person with three letters and two keys.
func TestSearchInTheConsole(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.exec("UPDATE users SET display_name = 'Night-Shift of Ambulatory-Wardenclyffe' WHERE name = 'user3@alder.example'")
	h.exec("INSERT INTO user_words (tenant_id, word, user_id) SELECT tenant_id, 'ambulatory', id FROM users WHERE name = 'user3@alder.example'")
	p := h.pc()
	p.enter("desk@alder.example")
	p.Open(h.URL + "/admin/alder/groups")
	p.slash()
	p.WaitUntil("document.activeElement.id === 'search'")
	if got := Eval[string](p.Tab, "document.querySelector('#search').value"); got != "" {
		t.Errorf("the key that leads to the box leaves %q in it", got)
	}
	p.Press("us")
	if p.Has(".found:not([hidden])") {
		t.Error("a list after two letters")
	}
	p.Press("e")
	p.WaitFor("[role=option]")
	if n := p.Count("[role=option]"); n != 8 {
		t.Errorf("%d people are listed, want 8", n)
	}
	p.look("search-list")
	p.Press(kb.ArrowDown)
	p.Press(kb.ArrowDown)
	p.WaitFor("[role=option]:nth-of-type(2)[aria-selected=true], #found-1[aria-selected=true]")
	if got := p.Attribute("#search", "aria-activedescendant"); got != "found-1" {
		t.Errorf("the active one is %q", got)
	}
	p.look("search-list-chosen")
	p.Press(kb.ArrowUp)
	p.Press(kb.ArrowUp)
	p.Press(kb.ArrowUp) // around the end
	p.WaitFor("#found-7[aria-selected=true]")
	p.Press(kb.Escape)
	p.WaitGone(".found")
	if got := Eval[string](p.Tab, "document.querySelector('#search').value"); got != "use" {
		t.Errorf("Escape leaves %q", got)
	}

	// A whole name, and Enter on the choice; the page of a person is elsewhere.
	p.Forgive("404")
	p.Fill("#search", "night ambul")
	p.WaitForText("[role=option]", "Ambulatory")
	p.Fill("#search", "pil")
	p.WaitForText("[role=option]", "pilot")
	p.look("search-list-group")
	p.Press(kb.ArrowDown)
	p.WaitFor("#found-0[aria-selected=true]")
	p.choose()
	p.WaitForURL("/admin/alder/groups/")
	p.WaitForText("h1", "pilot")

	// Enter without a choice goes to the page.
	p.slash()
	p.Press("user1")
	p.Submit()
	p.WaitForURL("/admin/alder/search?q=user1")
	p.WaitForText("#found-people + .rows", "user10@alder.example")
	p.look("search")
	p.Open(h.URL + "/admin/alder/search?q=" + strings.Repeat("x", 40))
	p.look("search-nothing")
	p.Open(h.URL + "/admin/alder/search")
	p.look("search-empty")
}

// Whoever leaves the console alone is warned, may stay, and else proves it again.
func TestTheConsoleWarnsBeforeItCloses(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder/groups")
	other := &pc{Tab: p.Another(Options{}), house: h}
	other.Open(h.URL + "/admin/alder/groups")

	// wait lets time pass for the page as well: it counts by its own clock.
	wait := func(tab *pc, d time.Duration) {
		t.Helper()
		h.later(d)
		tab.later(d)
	}
	wait(p, 13*time.Minute+10*time.Second)
	p.WaitFor("#console-end[open]")
	p.WaitForText("[data-left]", "min")
	p.look("console-end")
	p.Click("[data-stay]")
	p.WaitGone("#console-end")
	// The other window has heard nothing, asks, and keeps still.
	other.later(13*time.Minute + 30*time.Second)
	time.Sleep(300 * time.Millisecond)
	if other.Has("#console-end[open]") {
		t.Error("a window warns though the console was used in another one")
	}

	// What is typed stays while one stays; alone for too long, the console asks.
	p.Forgive("401")
	other.Forgive("401")
	wait(p, 13*time.Minute+30*time.Second)
	p.WaitFor("#console-end[open]")
	wait(p, 2*time.Minute)
	p.WaitForURL("/step-up?return_to=%2Fadmin%2Falder%2Fgroups")

	p.Follow("form:has([value=password]) button")
	p.Fill("#password", servertest.Password)
	p.Follow(primary)
	p.WaitForURL("/admin/alder/groups")

	// After twelve hours it closes for good, and says so once.
	h.exec("UPDATE sessions SET created_at = ?", h.DB.Now().Add(115*time.Second-session.ConsoleLife))
	p.Reload()
	p.WaitForText("#console-end[open]", "twelve hours after signing in")
	p.look("console-end-for-good")
	p.Click("[data-close]")
	p.WaitGone("#console-end")
	wait(p, 10*time.Second)
	if p.Has("#console-end[open]") {
		t.Error("it is said twice")
	}
	wait(p, 2*time.Minute)
	p.WaitForURL("/signin")
}

// later moves the clock of a page on, which then looks at it as after a sleep.
func (p *pc) later(d time.Duration) {
	p.t.Helper()
	Eval[bool](p.Tab, fmt.Sprintf(`(() => {
		const now = Date.now.bind(Date);
		Date.now = () => now() + %d;
		document.dispatchEvent(new Event("visibilitychange"));
		return true;
	})()`, d.Milliseconds()))
}

// key presses a key whose letter a page may keep from being typed; Press sends
// keys and letters apart.
func (p *pc) key(key, code, text string, number int64) {
	p.t.Helper()
	down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: code, Text: text, WindowsVirtualKeyCode: number}
	call(p.Tab, "press "+key, input.DispatchKeyEvent, down)
	up := down
	up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
	call(p.Tab, "release "+key, input.DispatchKeyEvent, up)
}

func (p *pc) slash()  { p.t.Helper(); p.key("/", "Slash", "/", 191) }
func (p *pc) choose() { p.t.Helper(); p.key("Enter", "Enter", "\r", 13) }
