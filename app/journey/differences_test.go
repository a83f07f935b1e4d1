package journey

import (
	"fmt"
	"testing"
	"time"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// decided keeps a decision of a user of Alder by the rules that hold, so many days ago.
func (h *house) decided(name string, days, n int, way user.Ways) {
	h.t.Helper()
	err := h.DB.Act(h.t.Context(), func(tx *store.Tx) error {
		var who struct{ TenantID, ID string }
		if _, err := tx.One(&who, "SELECT tenant_id, id FROM users WHERE name = ?", name); err != nil {
			return err
		}
		rules, err := decision.Load(tx, who.TenantID)
		if err != nil {
			return err
		}
		person, _, err := feature.PersonOf(tx, who.TenantID, who.ID)
		if err != nil {
			return err
		}
		var all []decision.Made
		for i := range n {
			all = append(all, decision.Made{
				At: tx.Now.AddDate(0, 0, -days).Add(-time.Duration(i) * time.Second), ID: fmt.Sprint(name, days, i), UserID: who.ID,
				Input: decision.Input{Person: person, MFA: user.MFADisabled, Bound: user.WithPassword | way, Served: user.WithPassword | way, Way: way, Proves: way, Mode: tenant.Pick3},
			})
		}
		return decision.Keep(tx, who.TenantID, rules, all)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// What is only reported is drawn on the page of its feature, and what is a defect stands
// on a page with all that it was made of.
func TestWhatWasDecidedIsLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.console("admin@alder.example", "/policy/differences")
	p.WaitForText("main", "No sign-in was decided in two ways")
	p.look("differences-none")

	p.Open(h.URL + "/admin/alder/rollout/totp")
	p.Click("[name=stage][value=report_only]")
	p.Fill("#percentage", "60")
	p.Fill("#reason", "We look first")
	p.Follow("#main form button.primary")
	p.WaitForText("dl.facts", "Report only, 60 %")
	for day := range 20 {
		for i := range 12 {
			h.decided(fmt.Sprintf("user%d@alder.example", 1+(day*7+i*3)%40), day+1, 1+(day+i)%4, []user.Ways{user.WithPassword, user.WithPassword, user.WithTOTP}[i%3])
		}
	}
	h.Counted(t)
	p.Open(h.URL + "/admin/alder/rollout/totp")
	p.WaitForText("#report", "would have come out otherwise")
	p.look("rollout-report")
	p.Click("#report summary")
	p.look("rollout-report-table")

	h.exec("UPDATE decisions SET differs = 'ways limited' WHERE id = 'user1@alder.example10' OR id LIKE 'user4@%'")
	h.exec("UPDATE decision_rules SET rules = replace(rules, '\"percentage\":60', '\"percentage\":10')")
	p.Open(h.URL + "/admin/alder/policy/replay")
	p.Follow("#main form button.primary")
	p.WaitForText("#defects", "a defect of the program")
	p.look("replay-defects")
	p.Open(h.URL + "/admin/alder")
	p.Follow("main a[href$='/policy/differences']")
	p.WaitForText("main", "which ways are on")
	p.look("differences")
	p.Follow("tbody th a")
	p.WaitForText("#differs", "did not agree in")
	p.look("difference")
}
