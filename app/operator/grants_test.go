package operator_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/operator"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// offer is what an administrator grants, if nothing else is said.
func offer() operator.Offer {
	return operator.Offer{Operator: "operator@platform.example", Role: access.RoleAuditor, Hours: operator.GrantHours, Reason: "Sign-ins fail since noon"}
}

func (o *office) grant(admin user.User, change func(*operator.Offer)) (string, error) {
	o.T.Helper()
	given := offer()
	if change != nil {
		change(&given)
	}
	return o.Grant(o.T.Context(), admin.TenantID, admin.ID, given, from)
}

// inside says as what an operator may be in which tenants, now.
func (o *office) inside() map[string]access.Role {
	o.T.Helper()
	grants, err := operator.ActiveGrants(o.T.Context(), o.House.DB)
	o.must(err)
	roles := map[string]access.Role{}
	for _, g := range grants {
		roles[g.TenantID+" "+g.OperatorID] = g.Role
	}
	return roles
}

func TestAGrantEndsByTheClock(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		admin := o.Admin(o.Alder, "security", access.RoleSecurityAdministrator)
		key := o.Alder.ID + " " + o.chief.ID
		id, err := o.grant(admin, nil)
		o.must(err)
		if got := o.inside(); len(got) != 1 || got[key] != access.RoleAuditor {
			t.Errorf("inside are %v", got)
		}
		o.twice(audit.GrantGiven, o.Alder.ID, 1)
		for _, slug := range []string{"alder", "birch"} {
			if got, want := len(o.tenant(slug).Grants), map[string]int{"alder": 1, "birch": 0}[slug]; got != want {
				t.Errorf("%s shows %d grants, want %d", slug, got, want)
			}
		}
		o.must(o.Lapse(ctx)) // not yet
		o.Clock.Forward(operator.GrantHours*time.Hour - time.Microsecond)
		if len(o.inside()) != 1 {
			t.Error("the grant ended before its time")
		}
		o.Clock.Forward(time.Microsecond)
		if got := o.inside(); len(got) != 0 {
			t.Errorf("the last instant is in time: %v", got)
		}
		WantCode(t, "EndGrant of one that is over", o.EndGrant(ctx, admin.TenantID, admin.ID, id, from), "grant.ended_already")
		if got := Tally(AtOnce(4, func(int) error { return o.Lapse(ctx) })); got["done"] != 4 {
			t.Errorf("four at once: %v", got)
		}
		o.twice(audit.GrantEnded, o.Alder.ID, 1)
		grants, err := o.GrantsOf(ctx, o.Alder.ID)
		o.must(err)
		if len(grants) != 1 || grants[0].EndedAt == nil || !grants[0].EndedAt.Equal(grants[0].EndsAt) || grants[0].Active(o.Clock.Now()) ||
			grants[0].Operator != "operator@platform.example" || grants[0].GrantedBy != admin.Name || grants[0].Role != access.RoleAuditor {
			t.Errorf("GrantsOf = %+v", grants)
		}
		if _, err := o.grant(admin, nil); err != nil {
			t.Errorf("another grant after the first = %v", err)
		}
	})
}

func TestAGrantIsEndedAtOnce(t *testing.T) {
	each(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		alder, birch := o.Admin(o.Alder, "security", access.RoleSecurityAdministrator), o.Admin(o.Birch, "security", access.RoleSecurityAdministrator)
		id, err := o.grant(alder, func(g *operator.Offer) { g.Role, g.Hours = access.RoleTenantAdministrator, operator.GrantHoursMost })
		o.must(err)
		WantCode(t, "EndGrant by another tenant", o.EndGrant(ctx, birch.TenantID, birch.ID, id, from), "http.not_found")
		WantCode(t, "EndGrant of none", o.EndGrant(ctx, alder.TenantID, alder.ID, "none", from), "http.not_found")
		if o.inside()[o.Alder.ID+" "+o.chief.ID] != access.RoleTenantAdministrator {
			t.Errorf("inside are %v", o.inside())
		}
		if got := Tally(AtOnce(4, func(int) error { return o.EndGrant(ctx, alder.TenantID, alder.ID, id, from) })); got["done"] != 1 || got["grant.ended_already"] != 3 {
			t.Errorf("four at once: %v, want one", got)
		}
		if len(o.inside()) != 0 {
			t.Errorf("inside are %v", o.inside())
		}
		o.twice(audit.GrantEnded, o.Alder.ID, 1)
		o.Clock.Forward(100 * time.Hour)
		o.must(o.Lapse(ctx))
		o.twice(audit.GrantEnded, o.Alder.ID, 1)
		// The tenant's event is of its administrator's story, the platform's of the operator's.
		for tenantID, subject := range map[string]string{o.Alder.ID: alder.ID, access.Platform: o.chief.ID} {
			if got := o.Count("SELECT count(*) FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND action LIKE 'grant.%'", tenantID, subject); got != 2 {
				t.Errorf("in the audit of %s %d events are of the story, want 2", tenantID, got)
			}
		}
	})
}

func TestWhatCannotBeGranted(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		admin := o.Admin(o.Alder, "security", access.RoleSecurityAdministrator)
		o.Admin(o.Birch, "operator", access.RoleOperator) // of a tenant, which is nobody
		for claim, row := range map[string]struct {
			change func(g *operator.Offer)
			fields []string
		}{
			"nobody's name":           {func(g *operator.Offer) { g.Operator = "ghost@platform.example" }, []string{"operator", "grant.operator_unknown"}},
			"what is no name":         {func(g *operator.Offer) { g.Operator = "ghost" }, []string{"operator", "grant.operator_unknown"}},
			"no name":                 {func(g *operator.Offer) { g.Operator = "" }, []string{"operator", "grant.operator_unknown"}},
			"a colleague":             {func(g *operator.Offer) { g.Operator = admin.Name }, []string{"operator", "grant.operator_unknown"}},
			"a user of the platform":  {func(g *operator.Offer) { g.Operator = "nobody@platform.example" }, []string{"operator", "grant.operator_unknown"}},
			"an operator of a tenant": {func(g *operator.Offer) { g.Operator = "operator@birch.example" }, []string{"operator", "grant.operator_unknown"}},
			"a higher role":           {func(g *operator.Offer) { g.Role = access.RoleSecurityAdministrator }, []string{"role", "grant.role_unknown"}},
			"the operator's own role": {func(g *operator.Offer) { g.Role = access.RoleOperator }, []string{"role", "grant.role_unknown"}},
			"no role":                 {func(g *operator.Offer) { g.Role = "" }, []string{"role", "grant.role_unknown"}},
			"no time":                 {func(g *operator.Offer) { g.Hours = 0 }, []string{"hours", "grant.hours_form"}},
			"a time before":           {func(g *operator.Offer) { g.Hours = -1 }, []string{"hours", "grant.hours_form"}},
			"more than three days":    {func(g *operator.Offer) { g.Hours = 73 }, []string{"hours", "grant.hours_form"}},
			"no reason":               {func(g *operator.Offer) { g.Reason = " " }, []string{"reason", "operator.reason_form"}},
			"a reason like a book":    {func(g *operator.Offer) { g.Reason = strings.Repeat("a", 201) }, []string{"reason", "operator.reason_form"}},
			"every fault at once":     {func(g *operator.Offer) { *g = operator.Offer{} }, []string{"operator", "grant.operator_unknown", "role", "grant.role_unknown", "hours", "grant.hours_form", "reason", "operator.reason_form"}},
		} {
			_, err := o.grant(admin, row.change)
			wantField(t, claim, err, row.fields...)
		}
		o.Set("UPDATE users SET state = 'locked' WHERE name = 'second@platform.example'")
		_, err := o.grant(admin, func(g *operator.Offer) { g.Operator = "second@platform.example" })
		wantField(t, "an operator who is locked", err, "operator", "grant.operator_unknown")
		if n := o.Count("SELECT count(*) FROM operator_grants"); n != 0 {
			t.Errorf("refusals left %d grants", n)
		}

		// One at a time for each operator; the name in any writing.
		got := Tally(AtOnce(6, func(i int) error {
			_, err := o.grant(admin, func(g *operator.Offer) { g.Operator = " OPERATOR@platform.example"; g.Hours = 1 + i })
			return err
		}))
		if n := o.Count("SELECT count(*) FROM operator_grants"); n != 1 || got["done"] != 1 || got["form.wrong"] != 5 {
			t.Errorf("six at once make %d: %v, want one", n, got)
		}
		_, err = o.grant(admin, nil)
		wantField(t, "a second grant", err, "operator", "grant.active_already")
	})
}

// TestAGrantIsOfAnActiveOperatorAndAnActiveTenant: otherwise it opens nothing.
func TestAGrantIsOfAnActiveOperatorAndAnActiveTenant(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		admin := o.Admin(o.Alder, "security", access.RoleSecurityAdministrator)
		_, err := o.grant(admin, nil)
		o.must(err)
		for claim, set := range map[string][2]string{
			"the operator is locked":    {"UPDATE users SET state = 'locked' WHERE id = ?", "UPDATE users SET state = 'active' WHERE id = ?"},
			"the operator is none":      {"UPDATE role_assignments SET role = 'auditor' WHERE user_id = ?", "UPDATE role_assignments SET role = 'operator' WHERE user_id = ?"},
			"the tenant is suspended":   {"UPDATE tenants SET state = 'suspended' WHERE slug = 'alder' AND '' <> ?", "UPDATE tenants SET state = 'active' WHERE slug = 'alder' AND '' <> ?"},
			"and all of it is as usual": {"UPDATE users SET state = 'active' WHERE id = ?", "UPDATE users SET state = 'active' WHERE id = ?"},
		} {
			o.Set(set[0], o.chief.ID)
			if got, want := len(o.inside()), map[bool]int{true: 1, false: 0}[strings.HasPrefix(claim, "and")]; got != want {
				t.Errorf("%s: %d grants, want %d", claim, got, want)
			}
			o.Set(set[1], o.chief.ID)
		}
	})
}
