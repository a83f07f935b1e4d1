package journey

import (
	"testing"

	"latchkey/app/store"
)

// A caller lost a phone: the helpdesk opens a case under a ticket, keeps notes, takes
// the phone away and closes it; the lead finds it on the board, and everything that was
// done under its ticket. The person sees the number and the agent.
func TestHelpdeskKeepsACase(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	caller, phone := h.ready("user6@alder.example")
	phone.Forgive("status of 401") // in the end it is none any more
	p := h.pc()
	p.console("desk@alder.example", "/users?q=user6")
	p.Follow("tbody th a")
	p.WaitForText("#cases", "Cases")
	p.Click("#case > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.Click("dialog[open] input[value=lost]")
	_ = Eval[bool](p.Tab, "(() => { const s = document.querySelector('dialog[open] select[name=device]'); s.selectedIndex = 1; return true; })()")
	p.Fill("dialog[open] input[name=reason]", "Left on the bus this morning")
	p.Fill("dialog[open] input[name=ticket]", "no ticket")
	p.look("case-open")
	p.Follow("dialog[open] .acts button.primary, dialog[open] .acts button:not([type=button])")
	p.WaitForText("dialog[open] .field-error", "look otherwise")
	p.look("case-open-error")
	p.Fill("dialog[open] input[name=ticket]", "CHG-1042")
	p.Follow("dialog[open] .acts button:not([type=button])")
	p.WaitForText("h1", "Case C-1001")
	p.look("case")
	p.Fill("#reason-note", "Calls back at noon")
	p.Follow("section[aria-labelledby=notes] button")
	p.WaitForText(".flash", "added")
	p.Click("#close > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.Fill("dialog[open] input[name=reason]", " ")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText("dialog[open] .field-error", "still signs the person in")
	p.look("case-close-error")

	caller.Open(h.URL + "/me")
	caller.WaitForText("#case", "Your case C-1001")
	caller.WaitForText("main", "desk@alder.example")
	caller.look("me-case")

	p.Open(h.URL + "/admin/alder/users?q=user6")
	p.Follow("tbody th a")
	p.WaitForText("[data-case]", "C-1001")
	p.look("person-case")
	p.Click("[data-device] summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.Fill("dialog[open] input[name=reason]", "Left on the bus")
	p.Fill("dialog[open] input[name=ticket]", "chg-1042")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText(".flash", "taken away")
	p.Follow("[data-case] a")
	p.Click("#close > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText(".flash", "closed")
	p.look("case-closed")
	p.Open(h.URL + "/admin/alder/cases")
	p.WaitForText(".empty", "No case is here")
	p.look("cases-none")
	p.out()

	p.console("lead@alder.example", "/cases?state=closed")
	p.WaitForText("tbody th", "C-1001")
	p.look("cases")
	p.Press("j")
	p.Submit()
	p.WaitForText("h1", "Case C-1001")
	p.Open(h.URL + "/admin/alder/search?q=chg-10")
	p.WaitForText("main", "CHG-1042")
	p.Follow("section .rows a")
	p.WaitForText("h1", "Ticket")
	p.look("ticket")
}
