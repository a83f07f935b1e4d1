package journey

import (
	"testing"
	"time"

	"latchkey/app/feature"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// Everybody of a group is asked for a phone after they sign in: one puts it off, one
// cannot and is helped, one adds a phone and goes on to where they wanted to.
func TestAskedForAPhoneBetweenSignInAndWhereOneGoes(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	var group struct{ TenantID, ID string }
	if _, err := h.DB.View(t.Context()).One(&group, "SELECT tenant_id, id FROM groups WHERE name = 'pilot' AND tenant_id = (SELECT id FROM tenants WHERE slug = 'alder')"); err != nil {
		t.Fatal(err)
	}
	err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
		return feature.Store(tx, group.TenantID, feature.RegistrationCampaign, feature.Rule{Stage: feature.Pilot, Include: []string{group.ID}}, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	asked := func(name, to string) *pc {
		p := h.pc()
		p.Open(h.URL + "/signin?return_to=" + to)
		p.Fill("#identifier", name)
		p.Follow(primary)
		p.Fill("#password", servertest.Password)
		p.Follow(primary)
		p.WaitFor("body[data-step=register]")
		return p
	}

	putsOff := asked("user1@alder.example", "/me/activity")
	putsOff.WaitForText("main", "You can put this off 3 more times.")
	putsOff.look("register")
	putsOff.Follow("form[action='/register'] button")
	putsOff.WaitForURL("/me/activity")

	cannot := asked("user2@alder.example", "/me")
	h.exec("UPDATE tenants SET campaign_skips = 0")
	cannot.Open(h.URL + "/me")
	cannot.WaitForText("main", "It cannot be put off any more")
	cannot.look("register-required")
	cannot.Follow("a[href^='/register/help']")
	cannot.look("register-help")
	cannot.Follow("form[action='/register/help'] button")
	cannot.WaitForText("main", "You told the helpdesk")
	cannot.look("register-help-asked")

	desk := h.pc()
	desk.console("desk@alder.example", "/users")
	desk.Fill("#filter-q", "user2@alder.example")
	desk.Follow(".people-filter button")
	desk.Follow("tbody th a")
	desk.act("postpone", "The new phone comes on Monday")
	desk.WaitForText(".flash", "They have more time")
	cannot.Follow("main a.button")
	cannot.WaitFor(startPage)

	adds := asked("user3@alder.example", "/me/activity")
	adds.Follow("form[action='/me/phones'] button")
	phone := h.handset()
	phone.enrol(adds.Text("#enrolment-link"))
	adds.WaitFor("body[data-state=test] #match-number")
	phone.approve(adds.Text("#match-number"))
	phone.ended("approved")
	phone.at("menu", "")
	adds.WaitForText("main", "One thing is left")
	adds.look("register-added")
	adds.Follow("section:not([hidden]) a.button")
	adds.WaitFor("body[data-step=register]")
	adds.look("register-enable")
	phone.enable()
	adds.Follow("main a.button")
	adds.WaitForURL("/me/activity")

	admin := h.pc()
	admin.console("admin@alder.example", "/campaign")
	admin.WaitForText("tbody", "Phone sign-in is on")
	admin.look("campaign")
	admin.Fill("#snooze_days", "15")
	admin.Fill("#reason", "A longer month")
	admin.Follow("#rules ~ form button.primary")
	admin.WaitForText("#snooze_days-error", "0 to 14")
	admin.look("campaign-wrong")

	phone.Forgive("status of 401") // its proofs are days old then
	h.later(3 * 24 * time.Hour)
	asked("user1@alder.example", "/me").WaitForText("main", "It cannot be put off any more")
}
