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

// TailOf is Tail for who looks at events of some actions only: those of the next most leaves,
// and where it goes on behind them, which is from itself when there is nothing more.
func TailOf(tx *store.Tx, tenantID string, from int64, most int, actions []audit.Action) (all []Leaf, next int64, err error) {
	if next, err = behind(tx, tenantID, from, most); err != nil || next == from {
		return nil, next, store.Unusable(err)
	}
	err = events(tx, &all, " AND e.action IN ?", tenantID, from, next, actions)
	return all, next, store.Unusable(err)
}

// behind is the place behind the next most leaves, wherever they are.
func behind(tx *store.Tx, tenantID string, from int64, most int) (next int64, err error) {
	for at := from; ; at = next {
		next = at
		if _, err := tx.One(&next, "SELECT COALESCE(max(n) + 1, ?) FROM audit_leaves WHERE tenant_id = ? AND n >= ? AND n < ?", at, tenantID, at, at+int64(most)); err != nil || next > at {
			return next, err
		}
		if next, err = behindDrops(tx, tenantID, at); err != nil || next == at {
			return from, err
		}
	}
}

// window is the events of most leaves.
func window(tx *store.Tx, tenantID string, from int64, most int) (all []Leaf, err error) {
	err = events(tx, &all, "", tenantID, from, from+int64(most))
	return all, err
}

// events reads those of some leaves that meet a condition.
func events(tx *store.Tx, all *[]Leaf, condition, tenantID string, from, before int64, values ...any) error {
	event := "JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id"
	if tx.Dialect == store.Postgres {
		// One event for each leaf, by its key: of a tenant that has grown since it was counted last
		// PostgreSQL would go through all of them for each leaf.
		event = "JOIN LATERAL (SELECT * FROM audit_events e WHERE e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id LIMIT 1) e ON true"
	}
	return tx.All(all, "SELECT l.n, "+audit.Columns+" FROM audit_leaves l "+event+" WHERE l.tenant_id = ? AND l.n >= ? AND l.n < ?"+condition+" ORDER BY l.n", append([]any{tenantID, from, before}, values...)...)
}

// Size is how many events of a tenant are sealed.
func Size(tx *store.Tx, tenantID string) (n int64, err error) {
	_, err = tx.One(&n, "SELECT size FROM audit_trees WHERE tenant_id = ?", tenantID)
	return n, store.Unusable(err)
}
