package journey

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/store"
)

// A security administrator puts a role together and gives it for a shift within
// a group; its holder finds that group and nobody else, and the page that says
// why agrees.
func TestACustomRoleWithinAGroupForAShift(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("security@alder.example", "/roles")
	p.WaitForText(".side [aria-current=page]", "Roles")
	if n := p.Count("section:has(#holders) tbody tr"); n != 6 {
		t.Errorf("%d people hold a role, want the six of the demo", n)
	}
	p.look("roles")
	p.Open(h.URL + "/admin/alder/roles?role=auditor")
	p.WaitForText("tbody th", "auditor@alder.example")
	p.Open(h.URL + "/admin/alder/roles?role=custom%3Anone")
	p.WaitForText(".empty", "Nobody with this role")

	// Put together: first with a name that is not to be had.
	p.Open(h.URL + "/admin/alder/roles")
	p.Follow("a[href$='/roles/custom/new']")
	for _, permission := range []string{"authenticator.view", "user.lock", "session.end"} {
		p.Click("[name=permissions][value='" + permission + "']")
	}
	p.look("roles-compose")
	p.Fill("#name", "helpdesk lead")
	p.Fill("#reason", "Wards look after their own")
	p.Follow("#main form button.primary")
	p.WaitForText("#name-error", "every organisation has")
	if n := p.Count("[name=permissions]:checked"); n != 3 {
		t.Errorf("%d permissions are still chosen, want 3", n)
	}
	p.look("roles-compose-error")
	p.Fill("#name", "Ward desk")
	p.Follow("#main form button.primary")
	p.WaitForText(".flash", "custom role is there")
	p.WaitForText("section:has(#customs)", "Ward desk")

	// Given, within the group pilot, for eight hours.
	p.Follow("a.primary[href$='/roles/assign']")
	p.look("roles-assign-whom")
	p.Fill("#user", "nobody@alder.example")
	p.Follow("#main form button.primary")
	p.WaitForText("#user-error", "nobody with this name")
	p.Fill("#user", "user1@alder.example")
	p.Follow("#main form button.primary")
	p.WaitForText(".facts", "user1@alder.example")
	p.WaitForText(".choices", "a second person must approve")
	p.Click("[name=role][value^='custom:']")
	p.Click(".scroll label:nth-of-type(3) input") // by name: field, office, pilot
	p.Click("[name=ends_at][value=shift]")
	p.look("roles-assign")
	p.Fill("#reason", "Night shift")
	p.Follow("#main form button.primary")
	p.WaitForText(".flash", "The role is given")
	p.WaitForText(".facts", "Ward desk")
	p.WaitForText(".facts", "pilot")
	p.WaitForText(".facts", "in 7 hours") // and nearly one more
	p.look("roles-assigned")
	p.Click("#main form button.primary")
	p.WaitFor("#reason:invalid") // the browser asks for a reason by itself

	// The holder is called what the role is called, and finds their group alone.
	holder := h.pc()
	holder.enter("user1@alder.example")
	holder.WaitForText("main", "Ward desk")
	holder.Open(h.URL + "/admin/alder/users")
	holder.WaitForText(".bar-role", "Ward desk")
	if n := holder.Count("tbody tr"); n != 5 {
		t.Errorf("the holder finds %d people, want the five of pilot", n)
	}
	holder.look("roles-holder-people")
	if holder.Has(".side a[href$='/roles']") {
		t.Error("the holder is offered a place that is not theirs")
	}

	// Why: within the group yes, outside there is nobody.
	why := func(target, answer, because string) {
		t.Helper()
		p.Open(h.URL + "/admin/alder/roles/why?user=user1%40alder.example&permission=user.lock&target=" + target)
		p.WaitForText("#answer", answer)
		p.WaitForText("table", because)
	}
	why("user2%40alder.example", "Yes:", "people in the groups")
	p.look("roles-why-yes")
	why("user20%40alder.example", "there is nobody like that", "not in the groups")
	p.look("roles-why-nobody")
	why("admin%40alder.example", "there is nobody like that", "with them or above them")
	p.Open(h.URL + "/admin/alder/roles/why")
	p.look("roles-why")
	p.Open(h.URL + "/admin/alder/roles/why?user=nobody&permission=user.lock")
	p.WaitForText("#user-error", "nobody with this name")

	// More for those who hold it waits for a second person.
	p.Open(h.URL + "/admin/alder/roles")
	p.Follow("section:has(#customs) .row-head a")
	p.WaitForText(".facts", "1 person")
	p.look("roles-custom")
	p.Click("[name=permissions][value='user.unlock']")
	p.Fill("#reason", "They unlock too")
	p.Follow("form[action$='/change'] button.primary")
	p.WaitForText("h1", "Change a custom role")
	if url := p.URL(); !strings.Contains(url, "/approvals/") {
		t.Errorf("more for a holder leads to %s, want the request", url)
	}
	p.look("roles-change-waits")

	// Taken, at once.
	p.Open(h.URL + "/admin/alder/roles?role=")
	p.Follow("a[aria-label='Change: user1@alder.example']")
	p.Click("#take summary")
	p.WaitForText("dialog[open]", "at once and everywhere")
	p.look("roles-take")
	p.Fill("dialog[open] input[name=reason]", "The shift is over")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "The role is taken")
	p.WaitForText(".facts", "User")
	holder.Forgive("status of 403")
	end := time.Now().Add(patience)
	for holder.Has("table"); ; time.Sleep(100 * time.Millisecond) {
		holder.Open(h.URL + "/admin/alder/users")
		if !holder.Has("table") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v after it was taken the role still opens the console", patience)
		}
	}

	// Ended, for good.
	p.Open(h.URL + "/admin/alder/roles")
	p.Follow("section:has(#customs) .row-head a")
	p.Click("#retire summary")
	p.WaitForText("dialog[open]", "cannot be given any more")
	p.look("roles-retire")
	p.Fill("dialog[open] input[name=reason]", "Not needed any more")
	p.Follow("dialog[open] button.danger")
	p.WaitForText(".flash", "has ended")
	p.WaitForText("section:has(#customs)", "None yet")
}

// A role that was given for a time is gone when it is over; the auditor looks at
// the same page and gives nothing.
func TestARoleThatEndsByItself(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/roles/assign?user=user3%40alder.example")
	if p.Has("[name=role][value=security_administrator], [name=role][value=tenant_administrator]") {
		t.Error("a tenant administrator is offered roles that are not below theirs")
	}
	p.Click("[name=role][value=helpdesk]")
	p.Click("[name=ends_at][value=on]")
	p.Fill("#reason", "A day of help")
	p.Follow("#main form button.primary")
	p.WaitForText("#ends_at .field-error", "lies ahead")
	p.WaitFor("[name=role][value=helpdesk]:checked")
	p.Click("[name=ends_at][value=day]")
	p.Follow("#main form button.primary")
	p.WaitForText(".facts", "in 23 hours")
	p.Open(h.URL + "/admin/alder/roles/assign?user=security%40alder.example")
	p.WaitForText(".empty", "No role that you may give")
	p.look("roles-assign-nothing")
	p.Follow(".empty a")
	p.WaitForText("#answer", "No:")

	auditor := h.pc()
	auditor.console("auditor@alder.example", "/roles")
	auditor.WaitForText("table", "user3@alder.example")
	if auditor.Has("a[href*='/roles/assign'], a[href$='/custom/new']") {
		t.Error("the auditor is offered to give roles")
	}
	h.later(24 * time.Hour)
	auditor = h.pc()
	auditor.console("auditor@alder.example", "/roles")
	auditor.WaitForText("table", "desk2@alder.example")
	if strings.Contains(auditor.Text("table"), "user3@alder.example") {
		t.Error("a role that is over is still in the list")
	}
	auditor.Open(h.URL + "/admin/alder/roles/why?user=user3%40alder.example&permission=user.lock")
	auditor.WaitForText("table", "They hold no role here")
}
