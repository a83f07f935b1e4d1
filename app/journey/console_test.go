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

// A tenant administrator gives the network of the office a name, and asks for more
// everywhere else; the phone says the name, and where there is none six digits.
func TestPlacesOfAnOrganisation(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/settings/places")
	p.WaitForText(".empty", "No place has a name")
	p.WaitForText("#here", "this very computer")
	p.look("console-places-none")
	p.Follow(".head .button.primary")
	p.Fill("#name", "Reception")
	p.Fill("#networks", "127.0.0.0/8\n::1, head office")
	p.Fill("#reason", "The desk in the hall")
	p.Follow("#main form button.primary")
	p.WaitForText("#networks ~ .field-error", "with its length")
	p.look("console-place-wrong")
	p.Fill("#networks", "127.0.0.0/8\n::1")
	p.Follow("#main form button.primary")
	p.WaitForText(".rows", "127.0.0.0/8, ::1")
	p.WaitForText("#here", "“Reception”")
	p.Click("[name=match_mode_elsewhere][value=type6]")
	p.Fill("#reason", "Fewer blind guesses from outside")
	p.Follow("form[action$='/elsewhere'] button.primary")
	p.WaitFor("[name=match_mode_elsewhere][value=type6]:checked")
	p.look("console-places")

	p.Open(h.URL + "/me/sessions")
	p.WaitForText("#main", "127.0.0.1 · Reception")
	p.Open(h.URL + "/me/activity")
	p.WaitForText("#main", "127.0.0.1 · Reception")
	p.Open(h.URL + "/admin/alder/settings/places")

	// One more network makes it easier there, and waits for a second person.
	p.Follow(".row .button.quiet[href]")
	p.Fill("#networks", "127.0.0.0/8\n::1\n203.0.113.0/24")
	p.Fill("#reason", "The new wing")
	p.Follow("#main form button.primary")
	p.WaitForText("#main", "Reception: 127.0.0.0/8, 203.0.113.0/24, ::1")
	p.look("console-places-waits")
	p.Open(h.URL + "/admin/alder/settings/places")
	p.Click(".row summary")
	p.Fill("dialog [name=reason], details[open] [name=reason]", "Closed")
	p.Follow("dialog button.danger, details[open] button.danger")
	p.WaitForText(".empty", "No place has a name")
}
