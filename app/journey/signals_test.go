package journey

import (
	"fmt"
	"testing"

	"latchkey/app/store"
)

// let writes down that an agent let somebody in some days ago, with what more is to be so.
func (h *house) let(agent, name string, days, n int, changes ...string) {
	h.t.Helper()
	id, at := fmt.Sprintf("let-%s-%d", agent[:5], n), h.DB.Now().AddDate(0, 0, -days)
	h.exec(`INSERT INTO cases (tenant_id, id, number, user_id, cause, words, ticket, state, owner_id, opened_by, repeats, opened_at, closed_at)
		SELECT p.tenant_id, ?, ?, p.id, 'lost', '', '', 'closed', a.id, a.id, 0, ?, ? FROM users a JOIN users p ON p.tenant_id = a.tenant_id WHERE a.name = ? AND p.name = ?`, "case-"+id, 5000+h.numbered(), at, at, agent, name)
	h.exec(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, spent_at, spent_for)
		SELECT p.tenant_id, ?, p.id, a.id, ?, 'phone', p.id, 'proved', ?, ?, ?, ?, ?, ? FROM users a JOIN users p ON p.tenant_id = a.tenant_id WHERE a.name = ? AND p.name = ?`, "check-"+id, "case-"+id, at, at, at, at, at, id, agent, name)
	h.exec(`INSERT INTO bypasses (tenant_id, id, user_id, case_id, kind, state, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at, last_used_at)
		SELECT p.tenant_id, ?, p.id, ?, 'pass_code', 'used', 60, 1, 0, 'a reason', ?, 'phone', 'strong', a.id, ?, ?, ?, ? FROM users a JOIN users p ON p.tenant_id = a.tenant_id WHERE a.name = ? AND p.name = ?`,
		id, "case-"+id, "check-"+id, at, at, at, at, agent, name)
	for _, change := range changes {
		h.exec("UPDATE bypasses SET "+change+" WHERE id = ?", id)
	}
}

// numbered counts.
func (h *house) numbered() int {
	h.t.Helper()
	var n int
	if _, err := h.DB.View(h.t.Context()).One(&n, "SELECT count(*) FROM cases"); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// An auditor sees who of the desk does it otherwise than the others, and goes on to what is
// behind it; an administrator sets the hours of the desk; an agent sees themselves.
func TestAgentsAreLookedAt(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	admin := h.pc()
	admin.console("admin@alder.example", "/insights/agents")
	admin.WaitForText("main", "Nobody was let in")
	admin.look("signals-none")
	admin.Follow("a[href$='/settings/desk-hours']")
	admin.Fill("input[name=zone]", "Nowhere")
	admin.Click("input[name=days][value='1']")
	admin.Fill("input[name=reason]", "The night desk is elsewhere")
	admin.Follow("main form button.primary")
	admin.WaitForText(".field-error", "Europe/Berlin")
	admin.look("desk-hours-wrong")
	admin.Fill("input[name=zone]", "Europe/Berlin")
	admin.look("desk-hours")
	admin.Follow("main form button.primary")
	admin.WaitForText("main", "Saved")
	admin.Open(h.URL + "/admin/alder/insights/agents")
	admin.WaitForText("main", "Mon, 08:00 to 17:00 (Europe/Berlin)")

	for n := range 36 {
		agent := []string{"desk@alder.example", "lead@alder.example", "admin@alder.example"}[n%3]
		changes := []string{}
		if n%5 == 0 {
			changes = append(changes, "check_via = 'backup_phone', check_strength = 'weaker'")
		}
		if n%12 == 0 {
			changes = append(changes, "out_of_hours = TRUE")
		}
		h.let(agent, fmt.Sprintf("user%d@alder.example", 1+n), n%20, n, changes...)
	}
	for n := range 14 {
		changes := []string{"again = TRUE"}
		if n%2 == 0 {
			changes = append(changes, "check_via = 'manager', check_strength = 'weakest'", "state = 'expired', last_used_at = NULL")
		}
		h.let("desk2@alder.example", fmt.Sprintf("user%d@alder.example", 1+n%3), n, n, changes...)
	}

	p := h.pc()
	p.console("auditor@alder.example", "/insights/agents")
	p.WaitForText("#signal-flags ~ ul", "desk2@alder.example")
	p.WaitForText("#signal-flags ~ ul", "By the word of a manager")
	p.WaitForText("main", "0 of 50")
	p.look("signals")
	p.Click("#bypasses summary")
	p.look("signals-table")
	p.Follow("a[href$='weeks=13']")
	p.WaitFor("a[href$='weeks=13'][aria-current=page]")
	p.Follow("#signal-flags ~ ul a[href*='signal=weakest']")
	p.WaitForText("h1", "desk2@alder.example")
	p.WaitForText("#signal-rows", "By the word of a manager")
	p.look("signals-agent")
	p.Follow("main tbody a[href*='/cases/']")
	p.WaitForText("h1", "C-5")

	desk := h.pc()
	desk.console("desk@alder.example", "/insights/agents")
	desk.WaitForText(".lead", "What you did")
	if desk.Has("a[href*='signal=']") || !desk.Has("#signal-agents") {
		t.Error("an agent is compared with others")
	}
	desk.look("signals-own")
}
