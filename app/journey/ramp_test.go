package journey

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"latchkey/app/secret"
	"latchkey/app/store"
)

// reach goes on with the Tab key until something has the focus.
func (p *pc) reach(selector string) {
	p.t.Helper()
	p.WaitFor(selector)
	for range 400 {
		if Eval[bool](p.Tab, "document.activeElement?.matches("+quote(selector)+") ?? false") {
			return
		}
		p.Press(kb.Tab)
	}
	p.t.Fatalf("the Tab key never comes to %s", selector)
}

// enters presses Enter on a link or a button, and waits for the page that it leads to.
func (p *pc) enters(selector string) {
	p.t.Helper()
	p.reach(selector)
	p.Submit()
}

// types puts text into a field in place of what it held.
func (p *pc) types(selector, text string) {
	p.t.Helper()
	p.reach(selector)
	Eval[bool](p.Tab, "(document.activeElement.select(), true)")
	p.Press(text)
}

// does opens an act by its button, gives the reason and does it.
func (p *pc) does(act, reason string) {
	p.t.Helper()
	p.reach("#" + act + " > summary")
	p.Press(kb.Enter)
	p.WaitFor("dialog[open] input[name=reason]")
	p.types("dialog[open] input[name=reason]", reason)
	p.enters("dialog[open] .acts button:not([type=button])")
}

// An administrator opens a feature step by step without a mouse: looks first, saves,
// begins a ramp, is told that it was halted and on which figures, lets it go on, and goes
// back to how it was.
func TestAFeatureIsRampedHaltedAndRestoredByKeyboard(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/rollout/passkeys")
	p.WaitForText("#ramp", "Begin a ramp")

	p.reach("[name=stage]:checked")
	for range 8 {
		if Eval[string](p.Tab, "document.querySelector('[name=stage]:checked').value") == "off" {
			break
		}
		p.Press(kb.ArrowUp)
	}
	p.types("#reason", "From nobody on")
	p.enters("#main form button[value=preview]")
	p.WaitForText("#preview", "Lose it")
	p.enters("#main form button.primary")
	p.WaitForText("ol.rows", "From nobody on")

	p.enters("a[href$='/passkeys/ramp']")
	p.look("ramp-form")
	p.types("#reason", "Passkeys for all")
	p.enters("#main form button.primary")
	p.WaitForText("#include_groups .field-error", "at least one group")
	p.look("ramp-form-wrong")
	p.reach("[name=include_groups][value='" + groupOf(h, "pilot") + "']")
	p.Press(" ")
	p.types("#sample", "20")
	p.enters("#main form button[value=preview]")
	p.WaitForText("#preview", "Get it")
	p.look("ramp-preview")
	p.enters("#main form button.primary")
	p.WaitForText("#ramp", "Under way")
	p.WaitForText("#ramp .now", "Pilot groups, with pilot")
	p.look("ramp")
	p.Open(h.URL + "/admin/alder/rollout")
	p.WaitForText("tbody", "Step 1 of 4")
	p.look("ramp-in-list")

	// Who has it fails a third of the time, and nobody else does.
	begun := h.DB.Now()
	for i := range 60 {
		name, state := "user1@alder.example", "finished"
		if i%2 == 1 {
			name = "user30@alder.example"
		} else if i%6 == 0 {
			state = "open"
		}
		h.exec(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, state, ip, browser, created_at, expires_at)
			SELECT tenant_id, ?, '', '', '', id, 'sign_in', '/', 'passkey', ?, '', '', ?, ? FROM users WHERE name = ?`, secret.System.ID(), state, begun, begun.Add(15*time.Minute), name)
	}
	h.later(7 * time.Minute)
	h.exec("UPDATE sessions SET proved_at = ?", h.DB.Now()) // the administrator has proved it again since
	p.Open(h.URL + "/admin/alder/rollout/passkeys")
	p.until("#ramp [role=alert]", true) // the program sweeps every second
	p.WaitForText("#ramp", "Halted, and one step back")
	p.WaitForText("#ramp table", "10 of 30 (33.3 %)")
	p.WaitForText("#ramp .now", "Nobody")
	p.WaitForText("ol.rows", "Back, because too many sign-ins failed")
	p.look("ramp-halted")
	p.Open(h.URL + "/")
	p.WaitForText("main", "A ramp was halted")

	p.Open(h.URL + "/admin/alder/rollout/passkeys")
	h.exec("DELETE FROM attempts WHERE way = 'passkey'")
	p.does("ramp-resume", "The proxy was at fault, and is mended")
	p.WaitForText("#ramp", "The proxy was at fault")
	for range 200 {
		if Eval[bool](p.Tab, "document.querySelector('#ramp .now')?.innerText.includes('Pilot groups') ?? false") {
			break
		}
		time.Sleep(100 * time.Millisecond)
		p.Reload()
	}
	p.WaitForText("#ramp .now", "Pilot groups, with pilot")
	p.does("ramp-pause", "Over the weekend")
	p.WaitForText("#ramp", "Paused")
	p.look("ramp-paused")

	// Back to the very first version, by hand: that ends the ramp.
	p.enters("ol.rows li:last-child a[href*='stage=']")
	p.WaitForText("#preview", "What it would do")
	p.types("#reason", "Another time")
	p.enters("#main > form button.primary")
	p.WaitForText("#ramp", "Ended by a change by hand")
	p.WaitForText("dl.facts", "Nobody")
	p.look("ramp-over")
}
