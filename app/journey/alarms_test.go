package journey

import (
	"testing"
	"time"

	"latchkey/app/store"
)

// A security administrator finds an alarm in the list, reads whom it is about, acknowledges it,
// and has its rule raise the next one sooner.
func TestAnAlarmIsAcknowledgedAndItsRuleChanged(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	h.exec(`INSERT INTO alarms (tenant_id, id, rule, about_kind, about_id, test, count, first_at, last_at, next_n, raised_at)
		SELECT u.tenant_id, 'loud', 'bypasses_by_agent', 'user', u.id, FALSE, 12, ?, ?, 0, ? FROM users u WHERE u.name = 'desk@alder.example'`, h.DB.Now().Add(-time.Hour), h.DB.Now().Add(-time.Minute), h.DB.Now().Add(-time.Hour))
	h.exec(`INSERT INTO alarms (tenant_id, id, rule, about_kind, about_id, test, count, first_at, last_at, next_n, raised_at, acknowledged_at, acknowledged_by, note)
		SELECT u.tenant_id, 'past', 'sign_ins_refused', 'tenant', u.tenant_id, TRUE, 1, ?, ?, 0, ?, ?, u.id, 'A test of ours' FROM users u WHERE u.name = 'security@alder.example'`,
		h.DB.Now().Add(-48*time.Hour), h.DB.Now().Add(-48*time.Hour), h.DB.Now().Add(-48*time.Hour), h.DB.Now().Add(-47*time.Hour))
	security := h.pc()
	security.console("security@alder.example", "/alarms")
	security.look("alarms")
	security.Follow("[data-alarm] a")
	security.WaitFor("#alarm-about")
	security.look("alarm")
	security.types("input[name=note]", "Thirty phones were handed out today")
	security.Submit()
	security.WaitFor("#alarm-note")
	security.look("alarm-acknowledged")
	security.Open(h.URL + "/admin/alder/alarms/rules/bypasses_by_agent")
	security.WaitFor("input[name=threshold]")
	security.look("alarm-rule")
	security.types("input[name=threshold]", "5")
	security.Submit()
	security.WaitFor("[role=status]")
	security.Follow("form[action$='/test'] button")
	security.WaitFor("#alarm-count")
	security.look("alarm-test")
}
