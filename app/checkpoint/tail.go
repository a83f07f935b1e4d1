package checkpoint

import (
	"latchkey/app/audit"
	"latchkey/app/store"
)

// Leaf is an event with its place in the tree of its tenant.
type Leaf struct {
	N int64
	audit.Kept
}

// Tail gives up to most sealed events of a tenant from the one at from on, in their order
// in the tree. There is no gap in it but for what was dropped (package retention), and what
// came once never comes in another place: so whoever keeps how far they are misses none,
// however late it was committed.
func Tail(tx *store.Tx, tenantID string, from int64, most int) (all []Leaf, err error) {
	for {
		if all, err = window(tx, tenantID, from, most); err != nil || len(all) > 0 {
			return all, store.Unusable(err)
		}
		// None of these has an event: there are no more, or they were dropped.
		next, err := behindDrops(tx, tenantID, from)
		if err != nil || next == from {
			return nil, store.Unusable(err)
		}
		from = next
	}
}

// window is the events of most leaves.
func window(tx *store.Tx, tenantID string, from int64, most int) (all []Leaf, err error) {
	event := "JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id"
	if tx.Dialect == store.Postgres {
		// One event for each leaf, by its key: of a tenant that has grown since it was counted last
		// PostgreSQL would go through all of them for each leaf.
		event = "JOIN LATERAL (SELECT * FROM audit_events e WHERE e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id LIMIT 1) e ON true"
	}
	err = tx.All(&all, "SELECT l.n, "+audit.Columns+" FROM audit_leaves l "+event+" WHERE l.tenant_id = ? AND l.n >= ? AND l.n < ? ORDER BY l.n", tenantID, from, from+int64(most))
	return all, err
}

// Size is how many events of a tenant are sealed.
func Size(tx *store.Tx, tenantID string) (n int64, err error) {
	_, err = tx.One(&n, "SELECT size FROM audit_trees WHERE tenant_id = ?", tenantID)
	return n, store.Unusable(err)
}
