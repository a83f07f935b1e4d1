package server_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/operator"
	"latchkey/app/settings"
	"latchkey/app/tenant"
)

// TestAnOperatorWhoWasLetInDecides: by the role of the grant, with an account that
// the tenant does not have, and not for who let them in.
func TestAnOperatorWhoWasLetInDecides(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, secondSecurity, access.RoleSecurityAdministrator)
		tenantID, firstID := w.person(t, firstSecurity)
		_, secondID := w.person(t, secondSecurity)
		_, err := w.Operator.Grant(t.Context(), tenantID, firstID, operator.Offer{Operator: operatorName, Role: access.RoleTenantAdministrator, Hours: 4, Reason: "a test"}, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.act(t, "UPDATE tenants SET match_mode = 'type2' WHERE id = ?", tenantID)
		loosens := func(by, reason string) string {
			t.Helper()
			act := approval.Act{Kind: settings.KindChange, TenantID: tenantID, ActorID: by, Reason: reason}
			out, err := w.Approvals.Submit(t.Context(), act.With(settings.Settings{MatchMode: tenant.Pick3, Platforms: []string{"ios", "android", "desktop"}}))
			if err != nil || !out.Waits() {
				t.Fatalf("Submit = %+v, %v", out, err)
			}
			return inbox + "/" + out.RequestID
		}
		ph, b := w.withPhone(t, operatorName)
		b.byPhone(t, ph, operatorName)
		b.get(t, inbox).want(t, http.StatusOK)
		live := open(t, b.client, b.request(t, http.MethodGet, inbox+"/live", nil))
		live.says(t, "count 0")
		theirs, others := loosens(firstID, "of who let them in"), loosens(secondID, "of another one")
		live.says(t, "count 1")
		if a := b.get(t, theirs).want(t, http.StatusOK); !strings.Contains(a.body, "Whoever asked gave you your account, a link to its password, or your role") {
			t.Errorf("of who let them in: %s", excerpt(a.body))
		}
		b.post(t, theirs+"/approve").is(t, http.StatusForbidden)

		b.get(t, others).want(t, http.StatusOK)
		attempt := b.post(t, others+"/phone").want(t, http.StatusSeeOther).location()
		shown := number(b.get(t, attempt))
		var told []struct {
			ActHash string `json:"act_hash"`
		}
		ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &told)
		yes := ph.decision(ph.asks(t), "approve", shown)
		yes.claims["act"] = told[0].ActHash
		ph.deliver(t, ph.asks(t).ID, yes.compact()).want(t, http.StatusOK)
		b.get(t, attempt)
		if a := b.post(t, attempt+"/finish"); a.status != http.StatusSeeOther || a.location() != others {
			t.Errorf("finish = %d to %q: %s", a.status, a.location(), excerpt(a.body))
		}
		if a := b.get(t, others).want(t, http.StatusOK); !strings.Contains(a.body, operatorName) || !strings.Contains(a.body, "Approved") {
			t.Errorf("afterwards: %s", excerpt(a.body))
		}
		if a := w.browser(t).signIn(t, firstSecurity).get(t, others).want(t, http.StatusOK); strings.Contains(a.body, "/approve") {
			t.Errorf("to the tenant: %s", excerpt(a.body))
		}

		// An act of their own, on somebody of the tenant.
		_, target := w.person(t, "user7@alder.example")
		page := "/admin/alder/users/" + target
		b.get(t, page).want(t, http.StatusOK)
		b.post(t, page+"/lock", "reason", "a test").want(t, http.StatusSeeOther)
		var state string
		if w.one(t, &state, "SELECT state FROM users WHERE id = ?", target); state != "locked" {
			t.Errorf("the user is %s", state)
		}
		// The grant of an operator who is locked opens nothing.
		live.says(t, "count 0")
		w.lock(t, operatorName)
		if got := live.next(late); got != "(ended)" {
			t.Errorf("the stream says %q", got)
		}
	})
}
