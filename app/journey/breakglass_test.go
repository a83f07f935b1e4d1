package journey

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
)

// A break-glass account is made by two, its sheet printed and used, the alarm seen, a
// passkey bound, the account sealed again; a drill is done, the ways in are counted, a risk
// is left standing, and an outage declared by the sheet.
func TestBreakGlassFromTheMakingToTheSealing(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const first, second, name = "security@alder.example", "user38@alder.example", "break-glass-1@alder.example"
	h.promote(second, access.RoleSecurityAdministrator)
	asks, other := h.pc(), h.pc()
	asks.console(first, "/break-glass")
	asks.WaitForText("h1", "Break-glass")
	asks.look("break-glass-none")
	asks.Fill("#name", "nobody@elsewhere.example")
	asks.Fill("#display_name", "The safe of the head office")
	asks.Fill("#reason", "For the worst day")
	asks.Follow("main form button.primary")
	asks.WaitForText(".field-error", "domain")
	asks.look("break-glass-wrong")
	asks.Fill("#name", name)
	asks.Follow("main form button.primary")
	asks.WaitForText("main", "Make a break-glass account")
	approve := func() {
		t.Helper()
		other.Open(h.URL + "/admin/alder/approvals")
		other.Follow("main .rows a")
		other.Follow("form[action$='/approve'] button")
	}
	other.console(second, "/approvals")
	approve()
	asks.Open(h.URL + "/admin/alder/break-glass")
	asks.look("break-glass-to-print")
	var id string
	if _, err := h.DB.View(t.Context()).One(&id, "SELECT id FROM users WHERE name = ?", name); err != nil {
		t.Fatal(err)
	}
	printSheet := func() (code, outside string) {
		t.Helper()
		asks.Click("#print-" + id + " > summary")
		asks.WaitFor("dialog[open]")
		asks.Follow("dialog[open] .acts button:not([type=button])")
		asks.WaitFor(".glass-sheet")
		return asks.Text("#glass-code"), asks.Text("#glass-outside")
	}
	code, _ := printSheet()
	asks.look("glass-sheet")
	asks.printsOnOnePage("glass-sheet")
	if file := asks.Attribute("a[download^='break-glass-']", "href"); !strings.HasPrefix(file, "data:application/pdf;base64,") {
		t.Errorf("the link holds %.60q", file)
	}
	asks.Follow(".screen-only a.button:not([download])")
	asks.WaitForText(".row-head", "Sealed")
	asks.look("break-glass-sealed")

	glass := h.pc()
	glass.Authenticator(BuiltIn, true)
	glass.Open(h.URL + "/break-glass")
	glass.look("signin-break-glass")
	glass.Fill("#identifier", name)
	glass.Fill("#code", "ABCD-EFGH")
	glass.Follow("main form button.primary")
	glass.WaitForText("#code-error", "letter by letter")
	glass.look("signin-break-glass-wrong")
	glass.Fill("#code", strings.ToLower(code))
	glass.Follow("main form button.primary")
	glass.WaitForURL("/admin")
	glass.Open(h.URL + "/me/passkeys/new")
	glass.WaitFor(askPasskey)
	glass.Fill("#name", "The key in the envelope")
	glass.Follow(askPasskey)
	glass.WaitForText(".flash", "The passkey is added")

	asks.Open(h.URL + "/")
	asks.WaitForText("main", "The break-glass account "+name+" was used")
	asks.look("home-break-glass")
	asks.Open(h.URL + "/admin/alder/break-glass")
	asks.WaitForText("#alarm", "not sealed again")
	asks.look("break-glass-used")
	asks.act("seal-"+id, "It was used to try it")
	approve()
	asks.Open(h.URL + "/admin/alder/break-glass")
	code, outside := printSheet()
	asks.Follow(".screen-only a.button:not([download])")
	if asks.Has("#alarm") {
		t.Error("sealed again, the page says that it was used")
	}
	asks.Click("#drill-" + id + " > summary")
	asks.WaitFor("dialog[open]")
	asks.Fill("#outside-"+id, "WRONG")
	asks.Fill("#reason-drill-"+id, "The quarterly drill")
	asks.Follow("dialog[open] .acts button:not([type=button])")
	asks.WaitForText(".field-error", "not the number")
	asks.look("break-glass-drill")
	asks.Fill("#outside-"+id, outside)
	asks.Follow("dialog[open] .acts button:not([type=button])")
	asks.WaitForText(".flash", "in its place")

	asks.Open(h.URL + "/admin/alder/census")
	asks.look("censuses-none")
	for range 2 {
		asks.act("take", "To see where we stand")
		asks.WaitForText(".flash", "counted, signed and kept")
		h.exec("UPDATE users SET mfa_state = 'disabled' WHERE name = 'user40@alder.example'")
		h.exec("UPDATE users SET mfa_state = 'enforced' WHERE name = 'user39@alder.example'")
		h.exec("INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, created_at, changed_by, changed_at) SELECT id, 'rota', 'Rota', 'confidential', 'on', '', 'https://rota.example/', ?, '', ? FROM tenants WHERE slug = 'alder' ON CONFLICT DO NOTHING", h.DB.Now(), h.DB.Now())
	}
	asks.WaitForText("[data-census='2']", "Rising")
	asks.look("censuses")
	asks.Follow("[data-census='2'] a")
	asks.WaitForText("main", "Keys of applications: 1")
	asks.Click("details:has(.names) > summary")
	asks.look("census")

	asks.Open(h.URL + "/admin/alder/risks")
	asks.WaitForText("[data-risk=break_glass_few]", "1 account is missing")
	asks.look("risks")
	asks.Click("#acknowledge-break_glass_few > summary")
	asks.WaitFor("dialog[open]")
	asks.Fill("#reason-break_glass_few", "The second one comes in spring")
	asks.day("#until-break_glass_few", "2020-01-01")
	asks.Follow("dialog[open] .acts button:not([type=button])")
	asks.WaitForText(".field-error", "a year ahead")
	asks.look("risks-wrong")
	asks.day("#until-break_glass_few", h.DB.Now().AddDate(0, 1, 0).Format(time.DateOnly))
	asks.Follow("dialog[open] .acts button:not([type=button])")
	asks.WaitForText(".flash", "Kept")
	asks.WaitForText("section:has(#resting-risks)", "comes in spring")
	asks.look("risks-resting")

	// Who asked for the account gets nothing approved by it for three days.
	other.Open(h.URL + "/admin/alder/outage/new")
	other.Click("input[value=push]")
	other.Fill("#reason", "Nothing arrives, and nobody else gets in")
	other.Follow("main form button.primary")
	other.WaitFor("#by-sheet")
	other.look("outage-alone")
	other.Follow("#by-sheet a")
	other.Fill("#identifier", name)
	other.look("by-sheet")
	other.Fill("#code", code)
	other.Follow("main form button.primary")
	other.WaitForText(".flash", "The outage runs")
	other.look("outage-by-sheet")
}

// day gives a field of a date its day.
func (p *pc) day(selector, text string) {
	p.t.Helper()
	p.WaitFor(selector)
	Eval[bool](p.Tab, "(document.querySelector("+quote(selector)+").value = "+quote(text)+", true)")
}
