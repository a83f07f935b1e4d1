package journey

import (
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/role"
	"latchkey/app/store"
)

// An auditor reads everything that stands in the console and is offered nothing to
// change: who there is, what was done to them, who may do it and why, and what
// waits for a second person.
func TestAnAuditorReadsAndChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	person, phone := h.ready("user6@alder.example")
	person.Forgive("status of 401") // both are out when they are locked
	phone.Forgive("status of 401")
	h.promote(approver, access.RoleSecurityAdministrator)
	h.submits(role.KindAssign, asker, "desk@alder.example", role.Assignment{Role: access.RoleSecurityAdministrator})
	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user6")
	desk.Follow("tbody th a")
	desk.act("lock", "Lost the phone, TICKET-12")
	desk.WaitForText(".flash", "Locked")

	p := h.pc()
	p.console("auditor@alder.example", "")
	p.WaitForText(".bar", "Auditor")
	p.look("auditor-overview")
	offers := func(place string) {
		t.Helper()
		// What leaves the page is the search, the filters and signing out.
		if n := Eval[int](p.Tab, "document.querySelectorAll('#main form[method=post]').length"); n != 0 {
			t.Errorf("%s offers an auditor %d forms that change something", place, n)
		}
	}
	offers("the overview")

	p.Fill("#search", "user6")
	p.Submit()
	p.WaitForText("h1", "Search")
	p.look("auditor-search")
	p.Follow("#main a[href*='/users/']")
	p.WaitForText("h1", "User 6")
	p.WaitForText("main", "Your role may look at this person")
	p.WaitForText("#history ~ *", "Lost the phone, TICKET-12")
	if name := p.Text("[data-device] .row-head"); !strings.Contains(name, "…") {
		t.Errorf("the phone is called %q, and an auditor sees no names of phones", name)
	}
	offers("the page of a person")
	p.look("auditor-person")

	p.Open(h.URL + "/admin/alder/users?state=locked")
	p.WaitForText("tbody th", "user6@alder.example")
	offers("the list of people")
	p.Open(h.URL + "/admin/alder/roles")
	p.WaitForText("table", "desk@alder.example")
	offers("the roles")
	p.look("auditor-roles")
	p.Open(h.URL + "/admin/alder/roles/why?user=desk%40alder.example&permission=user.lock&target=admin%40alder.example")
	p.WaitForText("#answer", "No:")
	p.look("auditor-why")
	p.Open(h.URL + "/admin/alder/groups")
	p.Follow("tbody th a")
	offers("a group")
	p.look("auditor-group")

	p.Open(h.URL + "/admin/alder/approvals")
	p.WaitForText("main", "Give a role")
	p.look("auditor-approvals")
	p.Follow("#main a[href*='/approvals/']")
	p.WaitForText("main", "Waiting")
	offers("a request that waits")
	p.look("auditor-approval")

	// What is not theirs says so, and stays shut.
	p.Forgive("403")
	for _, place := range []string{"/users/new", "/users/import", "/roles/custom/new", "/settings/grants"} {
		p.Open(h.URL + "/admin/alder" + place)
		p.WaitFor("body[data-state='403']")
	}
}
