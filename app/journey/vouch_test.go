package journey

import (
	"strings"
	"testing"

	"latchkey/app/store"
)

// Somebody lost their phone and has nothing else: the helpdesk lets them in, and the word
// of their manager binds the new phone. The number is told from one to the other.
func TestAManagerVouchesForANewPhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name, manager = "user8@alder.example", "user9@alder.example"
	_, lost := h.ready(name)
	_, matron := h.ready(manager)
	if err := h.DB.Act(t.Context(), func(tx *store.Tx) error {
		return tx.Exec("UPDATE users SET manager_id = (SELECT m.id FROM users m WHERE m.name = ?) WHERE name = ?", manager, name).Error
	}); err != nil {
		t.Fatal(err)
	}
	pc := h.letIn(name, lost)
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	pc.WaitForText("h1", "Confirm that it is you")
	pc.look("vouch-offered")
	pc.Follow("form[action='/step-up/manager'] button")
	pc.WaitFor("#match-number")
	pc.look("vouch-asked")
	matron.at("request", "[data-stage=number]")
	matron.look("request-vouch")
	matron.answer(strings.TrimSpace(pc.Text("#match-number")))
	pc.WaitForText("main", "They gave their word")
	pc.look("vouch-given")
	pc.Follow("a[href='/me/phones']")
	pc.Follow("form[action='/me/phones'] button")
	if link := pc.Text("#enrolment-link"); !strings.Contains(link, "#enrol=") {
		t.Errorf("the link is %q", link)
	}
}
