package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
)

// TestAnOperatorWhoWasLetInActs: within the role of the grant, though their own
// rows stand behind another wall; and not a moment longer.
func TestAnOperatorWhoWasLetInActs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		alderID, userID := w.person(t, "user1@alder.example")
		_, operatorID := w.person(t, "operator@latchkey.example")
		w.act(t, `INSERT INTO operator_grants (tenant_id, id, operator_id, role, reason, granted_by, granted_at, ends_at) VALUES (?,'a-grant',?,?,'a test','',?,?)`,
			alderID, operatorID, access.RoleTenantAdministrator, w.now(), w.now().Add(4*time.Hour))
		w.forward(t, 0)
		o := w.browser(t).signIn(t, "operator@latchkey.example")
		o.get(t, "/admin/alder/roles").want(t, http.StatusOK)
		o.get(t, "/admin/alder/roles/assign?user="+userID).want(t, http.StatusOK)
		give := func() answer {
			return o.post(t, "/admin/alder/users/"+userID+"/role", "role", "helpdesk", "ends_at", "shift", "reason", "Ticket 4711")
		}
		give().want(t, http.StatusSeeOther)
		if list := w.browser(t).signIn(t, "auditor@alder.example").get(t, "/admin/alder/roles?role=helpdesk").want(t, http.StatusOK); !strings.Contains(list.body, "somebody who is no user here") {
			t.Errorf("the list does not say that an operator gave it: %s", excerpt(list.body))
		}
		w.act(t, "UPDATE users SET state = 'locked' WHERE id = ?", operatorID)
		o.post(t, "/admin/alder/users/"+userID+"/role/take", "reason", "Ticket 4711").is(t, http.StatusSeeOther) // to the sign-in
		w.act(t, "UPDATE users SET state = 'active' WHERE id = ?", operatorID)
		var role string
		if w.one(t, &role, "SELECT role FROM role_assignments WHERE user_id = ?", userID); role != "helpdesk" {
			t.Errorf("a locked operator changed the role to %q", role)
		}
		w.act(t, "UPDATE operator_grants SET ended_at = ? WHERE id = 'a-grant'", w.now())
		o.post(t, "/admin/alder/users/"+userID+"/role/take", "reason", "Ticket 4711").is(t, http.StatusForbidden, http.StatusNotFound)
	})
}

// TestARoleIsGivenByItsForm: what is wrong is told beside its field with what was
// typed, what is too much changes nothing, and it takes a proof of five minutes.
func TestARoleIsGivenByItsForm(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		admin := w.browser(t).signIn(t, "admin@alder.example")
		alderID, userID := w.person(t, "user1@alder.example")
		birchID, stranger := w.person(t, "user1@birch.example")
		var pilot, theirs string
		w.one(t, &pilot, "SELECT id FROM groups WHERE tenant_id = ? AND name = 'pilot'", alderID)
		w.one(t, &theirs, "SELECT id FROM groups WHERE tenant_id = ? AND name = 'pilot'", birchID)
		form := "/admin/alder/users/" + userID + "/role"
		before := w.standing(t)
		for claim, c := range map[string]struct {
			pairs []string
			says  string
		}{
			"no role":                        {[]string{"role", "", "reason", "x"}, "Choose one of the roles"},
			"no reason":                      {[]string{"role", "helpdesk", "reason", " "}, "Say why, in a few words"},
			"another organisation's group":   {[]string{"role", "helpdesk", "groups", theirs, "reason", "x"}, "Choose among the groups"},
			"a group that is not there":      {[]string{"role", "helpdesk", "group_names", "pilot, nowhere", "reason", "x"}, "Choose among the groups"},
			"a day that is none":             {[]string{"role", "helpdesk", "ends_at", "on", "ends_on", "31.12.2099", "reason", "x"}, "lies ahead"},
			"a day that is over":             {[]string{"role", "helpdesk", "ends_at", "on", "ends_on", "2020-01-01", "reason", "x"}, "lies ahead"},
			"an end as now, where none is":   {[]string{"role", "helpdesk", "ends_at", "as_now", "reason", "x"}, "lies ahead"},
			"a day beyond a year":            {[]string{"role", "helpdesk", "ends_at", "on", "ends_on", "2999-01-01", "reason", "x"}, "lies ahead"},
			"an end of no choice, no reason": {[]string{"role", "helpdesk", "ends_at", "never ever"}, "Say why"},
		} {
			a := admin.post(t, form, c.pairs...)
			if a.is(t, http.StatusUnprocessableEntity) && !strings.Contains(a.body, c.says) {
				t.Errorf("%s: does not say %q: %s", claim, c.says, excerpt(a.body))
			}
		}
		a := admin.post(t, form, "role", "auditor", "ends_at", "week", "groups", pilot, "reason", "")
		if !strings.Contains(a.body, `value="auditor" checked`) || !strings.Contains(a.body, `value="week" checked`) || !strings.Contains(a.body, `value="`+pilot+`" checked`) {
			t.Errorf("the form does not come back as typed: %s", excerpt(a.body))
		}
		admin.post(t, "/admin/alder/users/"+stranger+"/role", "role", "helpdesk", "reason", "x").is(t, http.StatusNotFound)
		admin.post(t, "/admin/birch/users/"+stranger+"/role", "role", "helpdesk", "reason", "x").is(t, http.StatusNotFound)
		w.unchanged(t, "a form that fails", before)

		admin.post(t, form, "role", "helpdesk", "groups", pilot, "ends_at", "shift", "reason", "Night shift",
			"tenant_id", birchID, "user_id", stranger, "assigned_by", stranger, "assigned_at", "2020-01-01", "scope", theirs, "EndsAt", "2099-01-01", "Role", "security_administrator").
			want(t, http.StatusSeeOther)
		var stored struct {
			TenantID, Role, AssignedBy string
			AssignedAt, EndsAt         time.Time
		}
		_, adminID := w.person(t, "admin@alder.example")
		w.one(t, &stored, "SELECT tenant_id, role, assigned_by, assigned_at, ends_at FROM role_assignments WHERE user_id = ?", userID)
		if stored.TenantID != alderID || stored.Role != "helpdesk" || stored.AssignedBy != adminID || stored.EndsAt.Sub(stored.AssignedAt).Round(time.Minute) != 8*time.Hour {
			t.Errorf("stored is %+v", stored)
		}
		// Changed in one thing, the rest stays as the form has it.
		page := admin.get(t, "/admin/alder/roles/assign?user="+url.QueryEscape("user1@alder.example")).want(t, http.StatusOK)
		for _, kept := range []string{`value="helpdesk" checked`, `value="` + pilot + `" checked`, `value="as_now" checked`} {
			if !strings.Contains(page.body, kept) {
				t.Errorf("the form does not begin with %s", kept)
			}
		}
		admin.post(t, form, "role", "helpdesk_lead", "groups", pilot, "ends_at", "as_now", "reason", "Leads tonight").want(t, http.StatusSeeOther)
		was := stored.EndsAt
		w.one(t, &stored, "SELECT tenant_id, role, assigned_by, assigned_at, ends_at FROM role_assignments WHERE user_id = ?", userID)
		if stored.Role != "helpdesk_lead" || !stored.EndsAt.Equal(was) {
			t.Errorf("with the end as it was: %+v, want until %v", stored, was)
		}

		w.forward(t, 6*time.Minute)
		for _, path := range []string{form, form + "/take"} {
			if a := admin.post(t, path, "role", "auditor", "reason", "x").want(t, http.StatusSeeOther); !strings.HasPrefix(a.location(), "/step-up") {
				t.Errorf("%s without a fresh proof leads to %s", a.asked, a.location())
			}
		}
		if a := admin.get(t, "/admin/alder/roles/assign?user="+userID).want(t, http.StatusSeeOther); a.location() != "/step-up?return_to="+url.QueryEscape("/admin/alder/roles/assign?user="+userID) {
			t.Errorf("the form without a fresh proof leads to %s", a.location())
		}
		admin.get(t, "/admin/alder/roles").is(t, http.StatusOK)
	})
}

// TestACustomRoleReachesEveryReplica: given, changed and retired on one, known on
// the other within five seconds; mostly long before.
func TestACustomRoleReachesEveryReplica(t *testing.T) {
	t.Parallel()
	one := onPostgres(t)
	two := one.beside(t)
	security := one.browser(t).signIn(t, "security@alder.example")
	holder := one.browser(t).signIn(t, "user1@alder.example")
	_, userID := one.person(t, "user1@alder.example")
	var alderID string
	one.one(t, &alderID, "SELECT id FROM tenants WHERE slug = 'alder'")
	security.post(t, "/admin/alder/roles/custom", "name", "Watch", "permissions", "authenticator.view", "reason", "x").want(t, http.StatusSeeOther)
	var id string
	one.one(t, &id, "SELECT id FROM custom_roles WHERE name = 'Watch'")
	page := "/admin/alder/roles/custom/" + strings.TrimPrefix(id, access.CustomPrefix)

	known := func(claim string, status int) {
		t.Helper()
		for _, w := range []*world{one, two} {
			soon(t, claim, func() bool { return holder.on(w).get(t, "/admin/alder/users").status == status })
		}
	}
	known("no role", http.StatusForbidden)
	security.post(t, "/admin/alder/users/"+userID+"/role", "role", id, "reason", "x").want(t, http.StatusSeeOther)
	known("given", http.StatusOK)
	// More for a holder waits for a second person, and changes nothing yet.
	more := security.form("name", "Watch", "version", "1", "reason", "x")
	more["permissions"] = []string{"authenticator.view", "user.lock"}
	if a := security.saw(send(t, security.client, security.request(t, http.MethodPost, page+"/change", strings.NewReader(more.Encode()), "Content-Type", formType))); !strings.HasPrefix(a.location(), "/admin/alder/approvals/") {
		t.Errorf("more for a holder leads to %d, %q", a.status, a.location())
	}
	security.post(t, page+"/change", "name", "Night watch", "permissions", "authenticator.view", "version", "1", "reason", "x").want(t, http.StatusSeeOther)
	soon(t, "another name on the other replica", func() bool { return two.Rules.Standing(alderID, userID).Name == "Night watch" })
	security.post(t, page+"/change", "name", "Old watch", "permissions", "authenticator.view", "version", "1", "reason", "x").is(t, http.StatusConflict)
	security.post(t, page+"/retire", "version", "1", "reason", "x").is(t, http.StatusConflict)
	security.post(t, page+"/retire", "version", "2", "reason", "").is(t, http.StatusUnprocessableEntity)
	security.post(t, page+"/retire", "version", "2", "reason", "x").want(t, http.StatusSeeOther)
	known("retired", http.StatusForbidden)
	security.on(two).get(t, page).is(t, http.StatusNotFound)
}
