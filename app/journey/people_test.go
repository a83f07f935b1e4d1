package journey

import (
	"testing"

	"latchkey/app/store"
)

// console signs somebody in and opens a place of the console.
func (p *pc) console(name, place string) {
	p.t.Helper()
	p.enter(name)
	p.Open(p.house.URL + "/admin/alder" + place)
}

// act opens the form of an act, gives the reason and does it.
func (p *pc) act(form, reason string) {
	p.t.Helper()
	p.Click("#" + form + " > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.Fill("dialog[open] input[name=reason]", reason)
	p.Follow("dialog[open] .acts button:not([type=button])")
}

// The helpdesk finds a caller who lost a phone, sees what they have, takes the
// phone away, ends sessions and locks; unlocking is for an administrator.
func TestHelpdeskFindsAndLocksSomebody(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	caller, phone := h.ready("user6@alder.example")
	phone.Forgive("status of 401") // in the end it is none any more
	p := h.pc()
	p.console("desk@alder.example", "/users")
	p.WaitForText(".side [aria-current=page]", "People")
	p.look("people")
	p.Fill("#filter-q", "User 6")
	p.Follow(".people-filter button")
	p.WaitForText("tbody th", "user6@alder.example")
	if n := p.Count("tbody tr"); n != 1 {
		t.Errorf("%d people are found, want one", n)
	}
	p.look("people-found")
	p.Fill("#filter-q", "nobody")
	p.Follow(".people-filter button")
	p.WaitForText(".empty", "Nobody fits")
	p.look("people-nobody")
	p.Follow(".empty a")

	p.Open(h.URL + "/admin/alder/users?q=user6")
	p.Follow("tbody th a")
	p.WaitForText("h1", "User 6")
	p.WaitForText("[data-device] .row-head", "…")
	p.look("person")
	p.Click("#lock > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.look("person-lock")
	p.Fill("dialog[open] input[name=reason]", " ")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText("dialog[open] .field-error", "Say why")
	p.look("person-lock-error")
	p.Fill("dialog[open] input[name=reason]", "Lost the phone")
	p.Fill("dialog[open] input[name=ticket]", "TICKET-12")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText(".flash", "Locked")
	p.WaitForText(".row-head", "Locked")
	if p.Has("#unlock") {
		t.Error("the helpdesk is offered to unlock what is locked")
	}
	p.look("person-locked")
	caller.Forgive("status of 401")
	caller.Open(h.URL + "/me")
	caller.WaitFor("#identifier")

	p.act("end_sessions", "To be sure")
	p.WaitForText(".flash", "Every session has ended")
	p.Click("[data-device] summary")
	p.WaitForText("dialog[open]", "Take")
	p.Fill("dialog[open] input[name=reason]", "Lost")
	p.Fill("dialog[open] input[name=ticket]", "TICKET-12")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText(".flash", "taken away")

	// One ticket, whatever was done under it.
	p.Follow("a.ticket")
	p.WaitForText("h1", "TICKET-12")
	if n := p.Count("tbody tr"); n != 2 {
		t.Errorf("%d things were done under the ticket, want 2", n)
	}
	p.look("ticket-own")
	p.out()

	p.console("admin@alder.example", "/users?state=locked")
	p.Follow("tbody th a")
	p.look("person-admin")
	p.act("unlock", "Back with a new phone, TICKET-12")
	p.WaitForText(".flash", "Unlocked")

	// Somebody else has left. Their account is disabled, and enabled when they return.
	p.Open(h.URL + "/admin/alder/users?q=user8")
	p.Follow("tbody th a")
	p.Click("#disable > summary")
	p.WaitFor("dialog[open] input[name=reason]")
	p.look("person-disable")
	p.Fill("dialog[open] input[name=reason]", "Has left, TICKET-13")
	p.Follow("dialog[open] .acts button.danger")
	p.WaitForText(".flash", "Disabled")
	p.WaitForText(".row-head", "Disabled")
	p.look("person-disabled")
	p.act("enable", "Is back, TICKET-14")
	p.WaitForText(".flash", "Enabled again")

	// The person reads on their own pages what was done.
	caller.enter("user6@alder.example")
	caller.WaitForText("main", "What happened to your account")
	caller.look("home-notices")
}

// A tenant administrator invites somebody, who sets a first password and signs in.
func TestInvitationLeadsToTheFirstPassword(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/users")
	p.Follow(".head .primary")
	p.WaitFor("#display_name")
	p.look("invite")
	p.Fill("#name", "new.person@elsewhere.example")
	p.Fill("#display_name", "New Person")
	p.Fill("#reason", " ")
	p.Follow("main button.primary")
	p.WaitForText("#name-error", "domain of your organisation")
	p.WaitForText("#reason-error", "Say why")
	p.look("invite-error")
	p.Fill("#name", "new.person@alder.example")
	p.Click("input[name=groups]")
	p.Fill("#reason", "Starts on Monday")
	p.Follow("main button.primary")
	link := p.Text("#invitation-link")
	p.look("invited")
	p.Follow("main p > a.button")
	p.WaitForText("h1", "New Person")
	p.look("person-new")

	newcomer := h.pc()
	newcomer.Open(link)
	newcomer.WaitForText("h1", "Welcome, New Person")
	newcomer.look("first-password")
	newcomer.Fill("#password", "too short")
	newcomer.Fill("#password_again", "too short")
	newcomer.Follow(primary)
	newcomer.WaitForText("#password-error", "15 characters")
	newcomer.look("first-password-error")
	newcomer.Fill("#password", "three words and one more")
	newcomer.Fill("#password_again", "three words and one more")
	newcomer.Follow(primary)
	newcomer.WaitFor("#identifier")
	newcomer.Follow(primary)
	newcomer.Fill("#password", "three words and one more")
	newcomer.Follow(primary)
	newcomer.signedIn("new.person@alder.example")
	newcomer.out()
	newcomer.Open(link)
	newcomer.WaitFor("body[data-step=problem][data-state='404']")
	newcomer.look("invitation-used")
}

// Without script the same works: forms fold open, and the page says what is missing.
func TestPeopleWithoutScript(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pcLike(Options{NoScript: true})
	p.console("desk@alder.example", "/users")
	p.Fill("#filter-q", "user7")
	p.Follow(".people-filter button")
	p.Follow("tbody th a")
	p.Click("#lock > summary")
	p.look("noscript-person-lock")
	p.Fill("#lock[open] input[name=reason]", "Asked for it")
	p.Follow("#lock[open] .acts button")
	p.WaitForText(".flash", "Locked")
}
