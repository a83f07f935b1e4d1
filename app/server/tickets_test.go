package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestATicketFromTheFormToItsPage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		desk, admin := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "admin@alder.example")
		page := w.at(t, "user5")
		a := desk.post(t, page+"/lock", "reason", "lost the phone", "ticket", "two <words>").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, `value="two &lt;words&gt;"`) || !strings.Contains(a.body, "Use letters, digits and") || !strings.Contains(a.body, `value="lost the phone"`) {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		const name = "Ops/7#3:a.b_c-1"
		address := "/admin/alder/tickets/" + url.PathEscape(name)
		desk.get(t, address).is(t, http.StatusNotFound)
		desk.post(t, page+"/lock", "reason", "lost the phone", "ticket", " "+name+" ").want(t, http.StatusSeeOther)
		admin.post(t, page+"/unlock", "reason", "found it", "ticket", strings.ToLower(name)).want(t, http.StatusSeeOther)
		admin.post(t, "/admin/alder/groups", "name", "night", "reason", "a new ward", "ticket", name).want(t, http.StatusSeeOther)
		a = admin.get(t, page).want(t, http.StatusOK)
		if strings.Count(a.body, `href="`+address+`"`) != 1 || !strings.Contains(a.body, `href="/admin/alder/tickets/`+url.PathEscape(strings.ToLower(name))+`"`) {
			t.Error("the history of the person does not lead to the ticket")
		}
		if got := admin.search(t, "ops/7").of("tickets"); got != name+" "+address {
			t.Errorf("the search finds %q", got)
		}
		type listed struct {
			Ticket, Next string
			Events       []struct{ Action, Actor, Target, Reason string }
		}
		var all listed
		admin.get(t, address, "Accept", "application/json").want(t, http.StatusOK).decode(t, &all)
		if len(all.Events) != 3 || all.Ticket != name || all.Events[0].Action != "group.created" || all.Events[0].Target != "" ||
			all.Events[2].Actor != "desk@alder.example" || all.Events[2].Target != "user5@alder.example" || all.Events[2].Reason != "lost the phone" {
			t.Errorf("the page says %+v", all)
		}
		var own listed
		desk.get(t, "/admin/alder/tickets/"+url.PathEscape(strings.ToUpper(name)), "Accept", "application/json").want(t, http.StatusOK).decode(t, &own)
		if len(own.Events) != 1 || own.Events[0].Action != "user.locked" {
			t.Errorf("the helpdesk is told %+v", own)
		}
		if a := desk.get(t, address).want(t, http.StatusOK); strings.Contains(a.body, "127.0.0.1") || strings.Contains(a.body, "found it") || !strings.Contains(a.body, "What you yourself did") {
			t.Error("the page of the helpdesk tells more than their own acts")
		}
		admin.get(t, "/admin/birch/tickets/"+url.PathEscape(name)).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "security@birch.example").get(t, "/admin/birch/tickets/"+url.PathEscape(name)).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "user1@alder.example").get(t, address).is(t, http.StatusForbidden)
		for _, path := range []string{"..", "%2e%2e", "%00", "%ff", strings.Repeat("x", 65)} {
			if a := admin.get(t, "/admin/alder/tickets/"+path); a.status < 300 || a.status >= 500 {
				t.Errorf("%s = %d", a.asked, a.status)
			}
		}

		// Every form that asks for a reason takes one, and says when it is none.
		for path, fields := range map[string][]string{
			"/settings":                  {"match_mode", "type6", "platforms", "ios"},
			"/settings/places/elsewhere": {"match_mode_elsewhere", "type2"},
			"/settings/places":           {"name", "Office", "networks", "203.0.113.7"},
			"/groups":                    {"name", "day"},
			"/users":                     {"name", "new@alder.example", "display_name", "New"},
			"/policy":                    policyForm("passkey.second_factor"),
		} {
			before := w.standing(t)
			a := admin.post(t, "/admin/alder"+path, append(fields, "reason", "x", "ticket", "no ticket")...).want(t, http.StatusUnprocessableEntity)
			if !strings.Contains(a.body, `value="no ticket"`) || !strings.Contains(a.body, "Use letters, digits and") {
				t.Errorf("%s came back as %s", path, excerpt(a.body))
			}
			w.unchanged(t, path, before)
			admin.post(t, "/admin/alder"+path, append(fields, "reason", "x", "ticket", "FORM-1")...).is(t, http.StatusSeeOther, http.StatusOK)
		}
		_, user6 := w.person(t, "user6@alder.example")
		for _, ticket := range []string{"no ticket", "FORM-1"} {
			want := map[bool]int{true: http.StatusSeeOther, false: http.StatusUnprocessableEntity}[ticket == "FORM-1"]
			admin.post(t, "/admin/alder/users/"+user6+"/role", "role", "helpdesk", "reason", "x", "ticket", ticket).is(t, want)
		}
		for _, ticket := range []string{"no ticket", "FORM-1"} {
			want := map[bool]int{true: http.StatusSeeOther, false: http.StatusUnprocessableEntity}[ticket == "FORM-1"]
			if a := admin.post(t, "/admin/alder/users/"+user6+"/role/take", "reason", "x", "ticket", ticket); a.is(t, want) && want == http.StatusUnprocessableEntity && !strings.Contains(a.body, `value="no ticket"`) {
				t.Errorf("the form that takes a role came back as %s", excerpt(a.body))
			}
		}
		var shown listed
		w.browser(t).signIn(t, "security@alder.example").get(t, "/admin/alder/tickets/form-1", "Accept", "application/json").want(t, http.StatusOK).decode(t, &shown)
		if len(shown.Events) < 8 {
			t.Errorf("under the ticket stand %+v", shown.Events)
		}
	})
}
