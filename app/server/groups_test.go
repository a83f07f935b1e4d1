package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// group gives the id of a group of the demo.
func (w *world) group(t testing.TB, tenant, name string) (id string) {
	t.Helper()
	w.one(t, &id, "SELECT g.id FROM groups g JOIN tenants t ON t.id = g.tenant_id WHERE t.slug = ? AND g.name = ?", tenant, name)
	if id == "" {
		t.Fatalf("%s has no group %s", tenant, name)
	}
	return id
}

func TestGroupsOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "admin@alder.example")
		b.get(t, "/admin/alder/groups").want(t, http.StatusOK)
		a := b.post(t, "/admin/alder/groups", "name", "", "reason", "")
		if a.is(t, http.StatusUnprocessableEntity) && (!strings.Contains(a.body, "Type a name of 1 to 80") || !strings.Contains(a.body, "Say why")) {
			t.Errorf("the form does not say what is wrong: %s", excerpt(a.body))
		}
		a = b.post(t, "/admin/alder/groups", "name", "night <shift>", "reason", "a new ward")
		page := strings.TrimSuffix(a.want(t, http.StatusSeeOther).location(), "?done=group_made")
		if a = b.get(t, page); !strings.Contains(a.want(t, http.StatusOK).body, "night &lt;shift&gt;") {
			t.Error("the page of the group does not show its name")
		}
		for claim, typed := range map[string]string{"nobody": "nobody@alder.example", "somebody elsewhere": "user1@birch.example", "no name": "x"} {
			a := b.post(t, page+"/members", "name", typed, "reason", "moved")
			if a.is(t, http.StatusUnprocessableEntity) && (!strings.Contains(a.body, "Nobody here has this sign-in name") || !strings.Contains(a.body, `value="`+typed+`"`)) {
				t.Errorf("%s: the form comes back as %s", claim, excerpt(a.body))
			}
		}
		b.post(t, page+"/members", "name", " User1@alder.example ", "reason", "moved").want(t, http.StatusSeeOther)
		_, user1 := w.person(t, "user1@alder.example")
		b.post(t, page+"/members", "name", "user1@alder.example", "reason", "moved").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/members/"+user1+"/remove", "reason", "").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/rename", "name", "pilot", "reason", "x").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/rename", "name", "night", "reason", "shorter").want(t, http.StatusSeeOther)
		b.post(t, page+"/delete", "reason", "x", "confirmed", "day").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/role", "role", "emperor", "reason", "x").is(t, http.StatusUnprocessableEntity)
		b.post(t, page+"/role", "role", "tenant_administrator", "reason", "x").is(t, http.StatusForbidden)
		b.post(t, page+"/role", "role", "helpdesk", "reason", "night desk").want(t, http.StatusSeeOther)

		// With a role it takes a fresh proof, and leads back to the group.
		w.forward(t, 6*time.Minute)
		for _, path := range []string{"/members/" + user1 + "/remove", "/members", "/role", "/rename", "/delete"} {
			if a := b.post(t, page+path, "reason", "x"); a.is(t, http.StatusSeeOther) && a.location() != "/step-up?return_to="+strings.ReplaceAll(page, "/", "%2F") {
				t.Errorf("%s leads to %s", a.asked, a.location())
			}
		}
		b.signIn(t, "admin@alder.example")
		b.post(t, page+"/members/"+user1+"/remove", "reason", "back").want(t, http.StatusSeeOther)
		b.post(t, page+"/delete", "reason", "over").want(t, http.StatusSeeOther)
		b.get(t, page).is(t, http.StatusNotFound)
	})
}

func TestWhoMaySeeAndChangeGroups(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		pilot, there := w.group(t, "alder", "pilot"), w.group(t, "birch", "pilot")
		_, user1 := w.person(t, "user1@alder.example")
		acts := map[string][]string{
			"":                       {"name", "x"},
			"/" + pilot + "/rename":  {"name", "x"},
			"/" + pilot + "/role":    {"role", "helpdesk"},
			"/" + pilot + "/delete":  {"confirmed", "pilot"},
			"/" + pilot + "/members": {"name", "user9@alder.example"},
			"/" + pilot + "/members/" + user1 + "/remove": nil,
		}
		for name, sees := range map[string]int{
			"user2@alder.example": http.StatusForbidden, "desk@alder.example": http.StatusOK, "lead@alder.example": http.StatusOK, "auditor@alder.example": http.StatusOK,
		} {
			b := w.browser(t).signIn(t, name)
			b.get(t, "/admin/alder/groups").is(t, sees)
			if a := b.get(t, "/admin/alder/groups/"+pilot); a.is(t, sees) && strings.Contains(mainPart.FindString(a.body), `method="post"`) {
				t.Errorf("%s is offered an act", name)
			}
			before := w.standing(t)
			for path, fields := range acts {
				b.post(t, "/admin/alder/groups"+path, append(fields, "reason", "x")...).is(t, http.StatusForbidden)
			}
			after := w.standing(t)
			for _, table := range []string{"groups", "group_members", "role_assignments", "notices"} {
				if fmt.Sprint(before[table]) != fmt.Sprint(after[table]) && table != "notices" { // of the alarm
					t.Errorf("%s changed %s", name, table)
				}
			}
		}

		// Another organisation's group is not there, by whatever way it is named.
		b := w.browser(t).signIn(t, "security@alder.example")
		none := b.get(t, "/admin/alder/groups/none")
		none.is(t, http.StatusNotFound)
		for _, path := range []string{"/admin/alder/groups/" + there, "/admin/birch/groups/" + there, "/admin/birch/groups"} {
			if a := b.get(t, path); a.is(t, http.StatusNotFound) && plainBody(a) != plainBody(none) {
				t.Errorf("%s reads unlike none", a.asked)
			}
		}
		before := w.standing(t)
		_, other := w.person(t, "user1@birch.example")
		b.get(t, "/admin/alder/groups")
		for path, fields := range acts {
			path = strings.ReplaceAll(path, pilot, there)
			if path == "" {
				continue
			}
			b.post(t, "/admin/alder/groups"+path, append(fields, "reason", "x", "tenant", "birch", "tenant_id", "birch")...).is(t, http.StatusNotFound)
			b.post(t, "/admin/birch/groups"+path, append(fields, "reason", "x")...).is(t, http.StatusNotFound)
		}
		b.post(t, "/admin/alder/groups/"+pilot+"/members/"+other+"/remove", "reason", "x").is(t, http.StatusNotFound)
		after := w.standing(t)
		for _, table := range []string{"groups", "group_members"} {
			if fmt.Sprint(before[table]) != fmt.Sprint(after[table]) {
				t.Errorf("a stranger changed %s", table)
			}
		}
	})
}

func TestWhoIsLimitedToAGroupFindsNoOther(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		tenantID, desk := w.person(t, "desk@alder.example")
		_, admin := w.person(t, "admin@alder.example")
		field, pilot := w.group(t, "alder", "field"), w.group(t, "alder", "pilot")
		for _, who := range []string{desk, admin} {
			w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, who, field)
		}
		w.forward(t, 0)
		for _, name := range []string{"desk@alder.example", "admin@alder.example"} {
			b := w.browser(t).signIn(t, name)
			a := b.get(t, "/admin/alder/groups").want(t, http.StatusOK)
			if !strings.Contains(a.body, field) || strings.Contains(a.body, pilot) {
				t.Errorf("%s sees other groups than theirs: %s", name, excerpt(a.body))
			}
			b.get(t, "/admin/alder/groups/"+field).is(t, http.StatusOK)
			b.get(t, "/admin/alder/groups/"+pilot).is(t, http.StatusNotFound)
		}
		b := w.browser(t).signIn(t, "admin@alder.example")
		b.get(t, "/admin/alder/groups/"+field)
		b.post(t, "/admin/alder/groups/"+pilot+"/rename", "name", "x", "reason", "x").is(t, http.StatusNotFound)
		b.post(t, "/admin/alder/groups", "name", "x", "reason", "x").is(t, http.StatusForbidden)
		a := b.post(t, "/admin/alder/groups/"+field+"/members", "name", "user1@alder.example", "reason", "x") // who is there, elsewhere
		if a.is(t, http.StatusUnprocessableEntity) && !strings.Contains(a.body, "Nobody here has this sign-in name") {
			t.Errorf("somebody outside reads unlike nobody: %s", excerpt(a.body))
		}
		b.post(t, "/admin/alder/groups/"+field+"/delete", "confirmed", "field", "reason", "x").is(t, http.StatusConflict)
	})
}
