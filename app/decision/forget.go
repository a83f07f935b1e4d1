package decision

import (
	"context"
	"errors"
	"time"

	"latchkey/app/store"
)

// Days that a tenant may keep its decisions for.
const (
	DaysLeast = 1
	DaysUsual = 30
	DaysMost  = 90
)

// forgetMost is how many decisions of one tenant go at once.
const forgetMost = 5_000

// Forget deletes decisions that their tenant does not keep for longer. Any replica
// may run it.
func Forget(ctx context.Context, db *store.DB) error {
	now := db.Now()
	var kept []int
	if err := db.View(ctx).All(&kept, "SELECT DISTINCT decision_days FROM tenants"); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, days := range kept {
		// Whole days, so that a day is there until it was counted to its end (package insight).
		before := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
		var tenants []string
		err := db.View(ctx).All(&tenants, `SELECT t.id FROM tenants t WHERE t.decision_days = ?
			AND EXISTS (SELECT 1 FROM decisions d WHERE d.tenant_id = t.id AND d.decided_at < ?)`, days, before)
		all = errors.Join(all, store.Unusable(err))
		for _, id := range tenants {
			_, err := db.CountOne(ctx, `DELETE FROM decisions WHERE tenant_id = ? AND decided_at < ?
				AND id IN (SELECT id FROM decisions WHERE tenant_id = ? AND decided_at < ? ORDER BY decided_at LIMIT ?)`, id, before, id, before, forgetMost)
			all = errors.Join(all, err)
		}
	}
	return all
}
