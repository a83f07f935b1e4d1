package journey

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"latchkey/app/store"
)

// counted is the computer of somebody who has no hand for a mouse: every key and every
// click counts, and what is typed into a field does not.
type counted struct {
	*pc
	steps []string
}

// press is a key, or a click, by name.
func (c *counted) press(name string, do func()) {
	c.t.Helper()
	c.steps = append(c.steps, name)
	do()
}

// goes presses what leads to another page.
func (c *counted) goes(name string, do func()) {
	c.t.Helper()
	c.leads(func() { c.press(name, do) })
}

// alt presses the key that stands on a link or button.
func (c *counted) alt(key string) {
	c.t.Helper()
	c.goes("Alt+"+key, func() {
		event := input.DispatchKeyEventParams{Key: key, Text: key, UnmodifiedText: key, WindowsVirtualKeyCode: int64(strings.ToUpper(key)[0]), Modifiers: int64(chromedp.ModifierAlt)}
		for _, event.Type = range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeChar, input.DispatchKeyEventTypeKeyUp} {
			call(c.Tab, "press Alt+"+key, input.DispatchKeyEvent, event)
		}
	})
}

func (c *counted) types(text string) {
	c.t.Helper()
	c.Paste(text)
}

// stepsMost is how many keys and clicks lie between the search and the code.
const stepsMost = 12

// TestALostPhoneFromTheCallToTheAuditor is the whole story, with three people and two phones:
// somebody whose phone is broken calls; the agent proves them by what is left of it, lets
// them in for an hour without touching a mouse, and reads the code out; they come in, add
// the new phone with a printed code, the old one is taken away, the case is closed, and an
// auditor reads all of it on one page.
func TestALostPhoneFromTheCallToTheAuditor(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user9@alder.example"
	own, old := h.ready(name)
	old.Forgive("status of 401") // in the end it is nobody's
	own.Open(h.URL + "/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.provesBy(old)
	own.WaitForURL("/me/codes")
	own.Follow("form[action='/me/codes'] button")
	own.WaitFor("[data-code-number] .code")
	sheet := own.paper()
	own.out()

	agent := &counted{pc: h.pc()}
	agent.console("desk@alder.example", "")
	agent.press("/", agent.slash)
	agent.types("user9@")
	agent.WaitForText(".found-one", name)
	agent.press("down", func() { agent.Press(kb.ArrowDown) })
	agent.WaitFor("[role=option][aria-selected=true]")
	agent.goes("Enter", agent.choose)
	agent.WaitForText("h1", "User 9")
	agent.alt("h")
	agent.WaitForText("h1", "Help")
	agent.alt("1")
	agent.WaitFor("#match-number")
	old.approve(strings.TrimSpace(agent.Text("#match-number")))
	old.ended("approved")
	agent.WaitForText("h1", "It is")
	agent.WaitUntil("document.readyState === 'complete' && (document.activeElement?.matches('.attention a.primary') ?? false)") // the page came by itself
	agent.goes("Enter", agent.choose)
	agent.WaitForText(".steps", "proved")
	agent.press("1", func() { agent.Press("1") }) // the first of the desk's reasons, and what is usual for it
	agent.goes("Enter", agent.choose)
	agent.WaitFor("#bypass-code")
	code := strings.TrimSpace(agent.Text("#bypass-code"))
	if len(agent.steps) > stepsMost {
		t.Errorf("from the search to the code it takes %d keys and clicks, want %d at most: %s", len(agent.steps), stepsMost, strings.Join(agent.steps, ", "))
	}
	t.Logf("from the search to the code: %d keys and clicks (%s)", len(agent.steps), strings.Join(agent.steps, ", "))

	pc := h.pc()
	pc.byBypass(name, code)
	pc.Follow("a[href='/me/phones']")
	pc.Follow(addPhone)
	pc.Follow("form:has([value=printed_code]) button")
	pc.byCode(sheet)
	pc.WaitForURL("/me/phones")
	h.add(pc).enable()

	// The cause goes, and then the case.
	agent.Open(h.URL + "/admin/alder/users?q=user9@")
	agent.Follow("tbody th a")
	agent.Click("[data-device]:last-of-type summary")
	agent.Fill("dialog[open] [name=reason]", "The screen is broken")
	agent.Follow("dialog[open] button.danger")
	agent.WaitForText(".flash", "taken")
	agent.Follow("[data-case] a")
	agent.WaitForText("h1", "C-1001")
	agent.Click("#close > summary")
	agent.Fill("dialog[open] [name=reason]", "They have a new phone")
	agent.Follow("dialog[open] button.danger")
	agent.WaitForText("main", "closed")
	where := agent.URL()

	auditor := h.pc()
	auditor.console("auditor@alder.example", "")
	auditor.Open(where)
	for _, part := range []string{"Case opened", "Caller proved", "Bypass given", "Let in by a bypass", "Phone added", "The screen is broken", "Phone removed by an administrator", "Case closed", "They have a new phone"} {
		auditor.WaitForText("main", part)
	}
	auditor.look("story")
}
