package decision

import (
	"time"

	"latchkey/app/store"
)

// Made is a decision that is kept without a sign-in, for tests of what
// reads many.
type Made struct {
	At     time.Time
	ID     string
	UserID string
	Input  Input
}

// Keep keeps decisions by rules in the act tx, as Store does.
func Keep(tx *store.Tx, tenantID string, r *Rules, all []Made) error {
	fingerprint := r.Fingerprint()
	if err := tx.Exec("INSERT INTO decision_rules (tenant_id, fingerprint, rules, first_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING", tenantID, fingerprint, r.Text(), tx.Now).Error; err != nil {
		return err
	}
	rows := make([][]any, len(all))
	for i := range all {
		m := &all[i]
		d, would := Decide(r, &m.Input), Would(r, &m.Input)
		rows[i] = []any{tenantID, m.At, m.ID, m.UserID, "", int(d.Outcome), int64(d.Has), int(would.Outcome), int64(would.Has), fingerprint, record(&m.Input, d)}
	}
	return tx.InsertAll("INSERT INTO decisions (tenant_id, decided_at, id, user_id, attempt_id, outcome, had, would_outcome, would_have, rules, record)", "", rows)
}
