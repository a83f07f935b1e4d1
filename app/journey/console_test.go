package journey

import (
	"testing"

	"latchkey/app/store"
)

// A tenant administrator tightens how the number is given back; loosening it
// again waits for a second person.
func TestSettingsOfAnOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder")
	p.WaitForText("h1", "Overview")
	p.look("console-overview")
	p.Follow(".side a[href$='/settings']")
	p.look("console-settings")
	p.Click("[name=match_mode][value=type2]")
	p.Click("#main form button")
	p.WaitFor("#reason:invalid") // the browser asks for a reason by itself
	p.Fill("[name=reason]", "Fewer blind guesses")
	p.Follow("#main form button")
	p.WaitFor(".flash")
	p.WaitFor("[name=match_mode][value=type2]:checked")
}
