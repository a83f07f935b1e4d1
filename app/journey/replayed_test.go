package journey

import (
	"testing"

	"latchkey/app/store"
)

// An organisation wants a replay before rules change: an administrator who forgets it is
// told, tries the change, and saves it from the report.
func TestAChangeIsTriedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	signedIn := h.pc()
	signedIn.enter("user1@alder.example")
	p := h.pc()
	p.console("admin@alder.example", "/settings")
	p.Fill("#decision_days", "91")
	p.Fill("#decisions-reason", "A quarter of a year")
	p.Follow("section:has(#decision_days) form button.primary")
	p.WaitForText("#decision_days-error", "1 to 90")
	p.look("settings-decisions-wrong")
	p.Fill("#decision_days", "60")
	p.Click("[name=replay_first]")
	p.Follow("section:has(#decision_days) form button.primary")
	p.WaitFor("[name=replay_first]:checked")
	p.look("settings-decisions")

	p.Open(h.URL + "/admin/alder/rollout/passkeys")
	p.Click("[name=stage][value=percentage]")
	p.Fill("#percentage", "25")
	p.Fill("#reason", "A quarter of the people")
	p.Follow("#main form button.primary")
	p.WaitForText("#lacks", "wants a replay of exactly this change first")
	p.look("rollout-lacks")
	p.Follow("#main form button[value=replay]")
	p.WaitForText("main", "Go on to save this")
	p.look("replay-saving")
	p.Follow("a.button[href*='stage=percentage']")
	p.Fill("#reason", "A quarter of the people")
	p.Follow("#main form button.primary")
	p.WaitForText("dl.facts", "A percentage, 25 %")

	p.Open(h.URL + "/admin/alder/policy/replay")
	p.Click("tr:has(#groups_phone_sign_in) summary")
	p.Click("[name=include_phone_sign_in][value='" + groupOf(h, "pilot") + "']")
	p.Click("[name=exclude_phone_sign_in][value='" + groupOf(h, "pilot") + "']")
	Eval[string](p.Tab, "document.querySelector('#stage_phone_sign_in').value = 'percentage'")
	p.look("replay-groups")
	p.Follow("#main form button.primary")
	p.WaitForText("#groups_phone_sign_in .field-error", "cannot be included and excluded")
	p.look("replay-groups-wrong")
}
