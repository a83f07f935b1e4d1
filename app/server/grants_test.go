package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
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
