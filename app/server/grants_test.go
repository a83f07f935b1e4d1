package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/operator"
)

func TestATenantLetsAnOperatorIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.operated(t)
		alder := w.browser(t).signIn(t, "security@alder.example")
		const grants = "/admin/alder/settings/grants"
		for _, name := range []string{"user1", "desk", "lead", "auditor", "admin"} {
			b := w.browser(t).signIn(t, name+"@alder.example")
			b.get(t, grants).is(t, http.StatusForbidden)
			b.get(t, grants+"/new").is(t, http.StatusForbidden)
			b.post(t, grants, "operator", operatorName, "role", "auditor", "hours", "4", "reason", "a test").is(t, http.StatusForbidden)
			b.post(t, "/admin/alder/settings/grants/"+o.grant+"/end").is(t, http.StatusForbidden)
		}
		if a := alder.get(t, grants).want(t, http.StatusOK); strings.Contains(a.body, "a test") || !strings.Contains(a.body, "Nobody is let in") {
			t.Errorf("the page shows the grant of another tenant: %s", excerpt(a.body))
		}
		give := func(pairs ...string) answer {
			fields := map[string]string{"operator": operatorName, "role": "auditor", "hours": "4", "reason": "Ticket 4711"}
			for i := 0; i < len(pairs); i += 2 {
				fields[pairs[i]] = pairs[i+1]
			}
			var all []string
			for name, value := range fields {
				all = append(all, name, value)
			}
			return alder.post(t, grants, all...)
		}
		// Nobody of the name, and nobody who is an operator, read alike.
		ghost := give("operator", "ghost@latchkey.example").want(t, http.StatusUnprocessableEntity)
		colleague := give("operator", "desk@alder.example").want(t, http.StatusUnprocessableEntity)
		if strings.ReplaceAll(plainBody(ghost), "ghost@latchkey.example", "X") != strings.ReplaceAll(plainBody(colleague), "desk@alder.example", "X") {
			t.Error("a name that is there reads unlike one that is not")
		}
		for field, value := range map[string]string{"role": "security_administrator", "hours": "forever", "reason": ""} {
			if a := give(field, value).want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, "Please look at this again") {
				t.Errorf("%s=%q: %s", field, value, excerpt(a.body))
			}
		}
		birchID, _ := w.person(t, "user1@birch.example")
		give("tenant_id", birchID, "granted_by", "x", "ends_at", "2099-01-01", "operator_id", "x", "id", "x", "hours", "2").want(t, http.StatusSeeOther)
		var g struct {
			ID, TenantID, GrantedBy string
			GrantedAt, EndsAt       time.Time
		}
		alderID, userID := w.person(t, "security@alder.example")
		w.one(t, &g, "SELECT id, tenant_id, granted_by, granted_at, ends_at FROM operator_grants WHERE reason = 'Ticket 4711'")
		if g.TenantID != alderID || g.GrantedBy != userID || g.EndsAt.Sub(g.GrantedAt) != 2*time.Hour {
			t.Errorf("the grant is %+v", g)
		}
		give().is(t, http.StatusUnprocessableEntity) // inside already
		if a := o.b.get(t, "/operator/tenants/alder").want(t, http.StatusOK); !strings.Contains(a.body, "Ticket 4711") || strings.Contains(a.body, "security@alder.example") {
			t.Error("the operator does not see the grant, or sees who gave it")
		}
		// Another tenant's grant is not there.
		other, none := o.birch.post(t, "/admin/birch/settings/grants/"+g.ID+"/end"), o.birch.post(t, "/admin/birch/settings/grants/none/end")
		if other.is(t, http.StatusNotFound) && none.is(t, http.StatusNotFound) && plainBody(other) != plainBody(none) {
			t.Error("another tenant's grant reads unlike none")
		}
		o.birch.post(t, "/admin/alder/settings/grants/"+g.ID+"/end").is(t, http.StatusNotFound)
		o.birch.get(t, grants).is(t, http.StatusNotFound)
		alder.post(t, grants+"/"+g.ID+"/end").want(t, http.StatusSeeOther)
		alder.post(t, grants+"/"+g.ID+"/end").is(t, http.StatusConflict)

		give("hours", "1").want(t, http.StatusSeeOther)
		w.forward(t, time.Hour)
		again := w.browser(t).signIn(t, "security@alder.example")
		if a := again.get(t, grants).want(t, http.StatusOK); strings.Contains(a.body, ">Inside<") {
			t.Error("a grant outlives its hour")
		}
	})
}

// letIn gives the operator a role in alder, by the word of its security administrator.
func (w *world) letIn(t testing.TB, role access.Role) (grant string) {
	t.Helper()
	tenantID, userID := w.person(t, "security@alder.example")
	grant, err := w.Operator.Grant(t.Context(), tenantID, userID, operator.Offer{Operator: operatorName, Role: role, Hours: 4, Reason: "a visit"}, audit.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	w.forward(t, 0)
	return grant
}

// bar is what stands at the top of a page.
func bar(a answer) string {
	head, _, _ := strings.Cut(a.body, "</header>")
	_, head, _ = strings.Cut(head, "<header")
	return strings.Join(strings.Fields(tag.ReplaceAllString(head, " ")), " ")
}

func TestAnOperatorChoosesAmongThoseWhoLetThemIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.operated(t)
		w.letIn(t, access.RoleTenantAdministrator)
		a := o.b.get(t, "/admin").want(t, http.StatusOK)
		for _, shown := range []string{`href="/admin/alder"`, "Alder Health", "Tenant administrator", `href="/admin/birch"`, "Auditor", "region Europe", "ends in 3 hours"} {
			if !strings.Contains(a.body, shown) {
				t.Errorf("the choice lacks %q: %s", shown, excerpt(a.body))
			}
		}
		if strings.Contains(a.body, "/admin/elm") || strings.Contains(a.body, "/admin/platform") {
			t.Error("it has others")
		}
		for slug, says := range map[string]string{"alder": "Alder Health Tenant administrator , ends in 3 hours", "birch": "Birch Freight Auditor , ends in 3 hours"} {
			a := o.b.get(t, "/admin/"+slug).want(t, http.StatusOK)
			if !strings.Contains(bar(a), says) || strings.Contains(bar(a), "Platform operator") || !strings.Contains(a.body, `href="/admin">Other organisations`) {
				t.Errorf("the bar in %s says %q", slug, bar(a))
			}
		}
		if a := o.b.get(t, "/operator/tenants").want(t, http.StatusOK); !strings.Contains(bar(a), "Platform operator") || !strings.Contains(a.body, `href="/admin"`) {
			t.Errorf("the bar of the operator console says %q", bar(a))
		}
		own := w.browser(t).signIn(t, "security@alder.example")
		if a := own.get(t, "/admin").want(t, http.StatusOK); !strings.Contains(a.body, `href="/admin/alder"`) || strings.Contains(a.body, "birch") {
			t.Errorf("an administrator may choose %s", excerpt(a.body))
		}
		if a := own.get(t, "/admin/alder").want(t, http.StatusOK); strings.Contains(a.body, "Other organisations") || !strings.Contains(bar(a), "Alder Health Security administrator") {
			t.Errorf("the bar of who has one tenant alone says %q", bar(a))
		}

		// A grant that is over is no choice, and opens nothing.
		o.birch.get(t, "/admin/birch/settings/grants")
		o.birch.post(t, "/admin/birch/settings/grants/"+o.grant+"/end").want(t, http.StatusSeeOther)
		w.forward(t, 0)
		if a := o.b.get(t, "/admin").want(t, http.StatusOK); strings.Contains(a.body, "birch") || !strings.Contains(a.body, "alder") {
			t.Errorf("after the end of one grant: %s", excerpt(a.body))
		}
		o.b.get(t, "/admin/birch").is(t, http.StatusNotFound)
		w.act(t, "UPDATE tenants SET state = 'suspended' WHERE slug = 'alder'")
		if a := o.b.get(t, "/admin").want(t, http.StatusOK); strings.Contains(a.body, "alder") {
			t.Errorf("a suspended tenant is a choice: %s", excerpt(a.body))
		}
		w.act(t, "UPDATE tenants SET state = 'active' WHERE slug = 'alder'")
		w.forward(t, 4*time.Hour)
		o.b.signIn(t, operatorName)
		if a := o.b.get(t, "/admin").want(t, http.StatusOK); strings.Contains(a.body, "alder") {
			t.Errorf("after four hours: %s", excerpt(a.body))
		}
		o.b.get(t, "/admin/alder").is(t, http.StatusNotFound)
	})
}

// TestAnOperatorWhoWasLetInDoesWhatTheRoleMay: behind the wall of the tenant, though
// account, phone and session are the platform's; and the tenant sees who it was.
func TestAnOperatorWhoWasLetInDoesWhatTheRoleMay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, b := w.withPhone(t, operatorName)
		w.letIn(t, access.RoleTenantAdministrator)
		security := w.browser(t).signIn(t, "security@alder.example")
		b.byPhone(t, ph, operatorName)
		b.get(t, "/admin/alder/groups").want(t, http.StatusOK)
		group := strings.TrimSuffix(b.post(t, "/admin/alder/groups", "name", "visited", "reason", "a visit").want(t, http.StatusSeeOther).location(), "?done=group_made")
		b.post(t, group+"/members", "name", "user1@alder.example", "reason", "a visit").want(t, http.StatusSeeOther)
		for name, who := range map[string]*browser{"the operator": b, "the tenant": security} {
			if a := who.get(t, group).want(t, http.StatusOK); strings.Count(excerptAll(a.body), operatorName) < 2 {
				t.Errorf("to %s the group does not say who made it and who put somebody in: %s", name, excerptAll(a.body))
			}
		}
		_, user1 := w.person(t, "user1@alder.example")
		person := "/admin/alder/users/" + user1
		b.get(t, person).want(t, http.StatusOK)
		b.post(t, person+"/mfa", "mfa_state", "enforced", "reason", "a visit").want(t, http.StatusSeeOther)
		asked := b.post(t, person+"/mfa", "mfa_state", "disabled", "reason", "another visit").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(asked, inbox+"/") {
			t.Fatalf("what takes a safeguard away leads to %q", asked)
		}
		if a := security.get(t, asked).want(t, http.StatusOK); !strings.Contains(a.body, operatorName) {
			t.Errorf("the request does not say who asked: %s", excerpt(a.body))
		}
		security.post(t, asked+"/approve").want(t, http.StatusSeeOther)
		var state string
		if w.one(t, &state, "SELECT mfa_state FROM users WHERE id = ?", user1); state != "disabled" {
			t.Errorf("after the approval the second factor is %s", state)
		}
		if a := security.get(t, person).want(t, http.StatusOK); !strings.Contains(a.body, operatorName) {
			t.Errorf("the history does not say who acted: %s", excerptAll(a.body))
		}
		if a := b.get(t, "/").want(t, http.StatusOK); !strings.Contains(a.body, "Your request was approved: ") {
			t.Errorf("the operator is not told what became of the request: %s", excerptAll(a.body))
		}

		// A stream of the tenant rests on a session of the platform.
		s := open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
		s.answer.want(t, http.StatusOK)
		s.says(t, "count 0")
		admin := w.browser(t).signIn(t, "admin@alder.example")
		admin.get(t, person)
		admin.post(t, person+"/mfa", "mfa_state", "enforced", "reason", "tighter").want(t, http.StatusSeeOther)
		asked = admin.post(t, person+"/mfa", "mfa_state", "enabled", "reason", "looser").want(t, http.StatusSeeOther).location()
		s.says(t, "count 1")

		// And the operator approves on the phone, which is the platform's.
		b.get(t, asked).want(t, http.StatusOK)
		attempt := b.post(t, asked+"/phone").want(t, http.StatusSeeOther).location()
		shown := number(b.get(t, attempt).want(t, http.StatusOK))
		var told []struct {
			ActHash string `json:"act_hash"`
		}
		ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &told)
		if len(told) != 1 {
			t.Fatalf("the phone is asked %d times", len(told))
		}
		r := ph.asks(t)
		answer := ph.decision(r, "approve", shown)
		answer.claims["act"] = told[0].ActHash
		ph.deliver(t, r.ID, answer.compact()).want(t, http.StatusOK)
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		if w.one(t, &state, "SELECT mfa_state FROM users WHERE id = ?", user1); state != "enabled" {
			t.Errorf("after the approval on the phone the second factor is %s", state)
		}
		s.says(t, "count 0")

		// What the role may not is refused and remembered, in the tenant.
		b.get(t, "/admin/alder/settings/grants").is(t, http.StatusForbidden)
		var refusals int
		if w.one(t, &refusals, "SELECT count(*) FROM audit_events e JOIN tenants t ON t.id = e.tenant_id AND t.slug = 'alder' WHERE e.action = 'access.refused'"); refusals != 1 {
			t.Errorf("%d refusals are remembered", refusals)
		}
	})
}

// excerptAll is the text of a page's main part.
func excerptAll(body string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(mainPart.FindString(body), " ")), " ")
}
