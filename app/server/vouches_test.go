package server_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/app/audit"
)

// TestAManagersWordIsASecondProof: the page offers it in a session that a bypass made, the
// manager's phone gives it, and a phone is bound by it, once.
func TestAManagersWordIsASecondProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, manager = "user23@alder.example", "user24@alder.example"
		ph, _ := w.withPhone(t, manager)
		_, managerID := w.person(t, manager)
		w.act(t, "UPDATE users SET manager_id = ? WHERE name = ?", managerID, name)
		whole := w.browser(t).signIn(t, name)
		whole.get(t, "/me")
		whole.post(t, "/step-up/manager").is(t, http.StatusNotFound)
		desk := w.browser(t).signIn(t, deskOf)
		_, code := desk.bypassFor(t, w, deskOf, name)
		w.act(t, "UPDATE devices SET state = 'revoked' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name) // the phone that proved the caller is gone
		b := w.browser(t).byBypass(t, name, code)
		to := b.post(t, "/me/phones").want(t, http.StatusSeeOther).location()
		if a := b.get(t, to).want(t, http.StatusOK); !strings.Contains(a.body, `action="/step-up/manager"`) || !strings.Contains(a.body, manager) {
			t.Fatalf("the page of the second proof says %s", excerpt(a.body))
		}
		page := b.post(t, "/step-up/manager").want(t, http.StatusSeeOther).location()
		shown := number(b.get(t, page).want(t, http.StatusOK))
		whole.get(t, page).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, manager).get(t, page).is(t, http.StatusNotFound)
		stream := b.watch(t, page)
		stream.says(t, "state pending")
		r := ph.asksCheck(t)
		if r.Kind != "caller_check" || r.Person == "" || !r.Binds || !strings.Contains(r.Act, "about to add") || r.Requester != "" {
			t.Errorf("the phone is shown %+v", r)
		}
		ph.answersCheck(t, r, "approve", shown).want(t, http.StatusOK)
		stream.says(t, "state approved")
		if a := b.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, `href="/me/phones"`) {
			t.Errorf("the page goes on with %s", excerpt(a.body))
		}
		next := w.newPhone(t)
		if a := next.enrol(t, b.invite(t)); a.status != http.StatusCreated {
			t.Errorf("the next phone = %d", a.status)
		}
		if a := b.post(t, "/me/phones"); a.status != http.StatusSeeOther || !strings.HasPrefix(a.location(), "/step-up") {
			t.Errorf("a second one by the same word = %d to %s", a.status, a.location())
		}
		if w.events(t, audit.VouchGiven, "") != 1 {
			t.Error("it is not recorded once")
		}
		// Who proved the caller is no second proof.
		w.act(t, "UPDATE bypasses SET check_via = 'manager'")
		if a := b.get(t, to).want(t, http.StatusOK); strings.Contains(a.body, `action="/step-up/manager"`) || !strings.Contains(a.body, "proved to the helpdesk already") {
			t.Errorf("after the manager proved the caller: %s", excerpt(a.body))
		}
		b.post(t, "/step-up/manager").is(t, http.StatusConflict)
	})
}
