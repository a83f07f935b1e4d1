package journey

import (
	"testing"

	"latchkey/app/store"
)

// An administrator opens a feature to a pilot: looks first, saves, asks why somebody
// has it, and goes back to where they were.
func TestAFeatureIsOpenedStepByStep(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/rollout")
	p.look("rollouts")
	p.Follow("a[href$='/rollout/phone_sign_in']")
	p.WaitForText("dl.facts", "Everyone")
	p.look("rollout")

	p.Click("[name=stage][value=pilot]")
	p.Fill("#reason", "The pilot first")
	p.Follow("#main form button.primary")
	p.WaitForText("#include_groups .field-error", "at least one group")
	p.look("rollout-wrong")

	p.Click("[name=include_groups][value='" + groupOf(h, "pilot") + "']")
	p.Follow("#main form button[value=preview]")
	p.WaitForText("#preview", "Lose it")
	p.WaitForText("dl.facts", "Everyone") // to look changes nothing
	p.look("rollout-preview")
	p.Follow("#main form button.primary")
	p.WaitForText("dl.facts", "Pilot groups, with pilot")
	p.WaitForText("ol.rows", "The pilot first")
	p.look("rollout-pilot")

	p.Follow("a[href$='/explain']")
	p.Fill("#user", "user1@alder.example")
	p.Follow("#main form button.primary")
	p.WaitForText("#verdict", "Has it")
	p.Fill("#user", "user30@alder.example")
	p.Follow("#main form button.primary")
	p.WaitForText("#verdict", "Has it not")
	p.look("rollout-explain")

	p.Open(h.URL + "/admin/alder/rollout/phone_sign_in")
	p.Click("[name=stage][value=percentage]")
	p.Fill("#percentage", "25")
	p.Fill("#reason", "A quarter")
	p.Follow("#main form button.primary")
	p.WaitForText("dl.facts", "A percentage, 25 %, with pilot")
	p.Follow("ol.rows li:nth-child(2) a[href*='stage=']")
	p.WaitForText("#preview", "Lose it")
	p.Follow("#main form button.primary")
	p.WaitForText("ol.rows", "Back to version 1")
	p.WaitForText("dl.facts", "Pilot groups, with pilot")
}

// groupOf gives the id of a group of Alder.
func groupOf(h *house, name string) (id string) {
	h.t.Helper()
	if _, err := h.DB.View(h.t.Context()).One(&id, "SELECT g.id FROM groups g JOIN tenants t ON t.id = g.tenant_id WHERE t.slug = 'alder' AND g.name = ?", name); err != nil {
		h.t.Fatal(err)
	}
	return id
}
