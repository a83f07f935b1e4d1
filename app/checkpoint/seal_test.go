package checkpoint_test

import (
	"testing"
	"time"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestEveryEventIsSealedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		s.BatchMost = 50
		write(t, db, clock, "alder", 700, 3)
		write(t, db, clock, "birch", 20, 20)
		round(t, s)
		clock.Forward(time.Minute)
		write(t, db, clock, "alder", 30, 1)
		round(t, s)
		for _, row := range []struct {
			claim, query string
			want         int
		}{
			{"events of alder and their leaves", "SELECT count(*) FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id WHERE l.tenant_id = 'alder'", 730},
			{"events without a leaf", "SELECT count(*) FROM audit_events e WHERE e.tenant_id <> 'platform' AND NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.event_id = e.id)", 0},
			{"the size of alder", "SELECT size FROM audit_trees WHERE tenant_id = 'alder'", 730},
			{"the last leaf of birch", "SELECT max(n) FROM audit_leaves WHERE tenant_id = 'birch'", 19},
			{"checkpoints of alder", "SELECT count(*) FROM audit_checkpoints WHERE tenant_id = 'alder'", 2},
			{"faults", "SELECT count(*) FROM audit_trees WHERE fault <> ''", 0},
			{"nodes", "SELECT count(*) FROM audit_nodes WHERE tenant_id = 'alder' AND level = 8", 2},
		} {
			if got := count(t, db, row.query); got != row.want {
				t.Errorf("%s: %d, want %d", row.claim, got, row.want)
			}
		}
	})
}
