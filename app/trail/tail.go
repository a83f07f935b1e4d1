package trail

import (
	"context"
	"slices"
	"strings"

	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// tailMost is how many events of a tenant are looked at for a live list at once.
const tailMost = 500

// Size is how many events of a tenant stand in its tree: where a live list begins. It tells a
// reader nothing, for it stays in the program.
func (s *Service) Size(ctx context.Context, tenantID string) (int64, error) {
	return checkpoint.Size(s.DB.View(ctx), tenantID)
}

// Tail gives what came into the tree behind a size and fits a query, the oldest first, and the
// size to go on from. By the order of the tree nothing is missed that is committed late.
func (s *Service) Tail(ctx context.Context, sight Sight, q Query, size int64) (rows []Row, next int64, err error) {
	tx := s.DB.View(ctx)
	plan, err := sight.plan(tx, q)
	if err != nil {
		return nil, size, store.Unusable(err)
	}
	if _, err = tx.One(&next, "SELECT count(*) FROM audit_leaves WHERE tenant_id = ? AND n >= ? AND n < ?", sight.TenantID, size, size+tailMost); err != nil {
		return nil, size, store.Unusable(err)
	}
	next += size
	if next == size || len(plan.streams) == 0 {
		return nil, next, nil
	}
	filter := plan.whole()
	if !plan.from.IsZero() {
		filter.and("e.occurred_at >= ?", plan.from)
	}
	if !plan.to.IsZero() {
		filter.and("e.occurred_at < ?", plan.to)
	}
	err = tx.Each("SELECT "+columns+" FROM audit_leaves l JOIN audit_events e ON e.tenant_id = l.tenant_id AND e.occurred_at = l.occurred_at AND e.id = l.event_id WHERE l.tenant_id = ? AND l.n >= ? AND l.n < ? AND "+
		filter.text+" ORDER BY l.n", func(scan func(...any) error) error {
		r, err := scanned(scan)
		rows = append(rows, r)
		return err
	}, slices.Concat([]any{sight.TenantID, size, next}, filter.values)...)
	if err != nil {
		return nil, size, store.Unusable(err)
	}
	return rows, next, store.Unusable(sight.named(tx, rows))
}

// TailKey is what those wait on who watch the audit of a tenant.
func TailKey(tenantID string) string { return tailKind + tenantID }

const tailKind = "trail:"

// Grown is the look of the hub for live lists: those of tenants whose trees have grown since it
// looked last.
func (s *Service) Grown() wake.Look {
	sizes := map[string]int64{}
	return func(ctx context.Context, keys []string) (grown []string, err error) {
		tenants := make([]string, len(keys))
		for i, key := range keys {
			tenants[i] = strings.TrimPrefix(key, tailKind)
		}
		var rows []struct {
			TenantID string
			Size     int64
		}
		if err := s.DB.View(ctx).All(&rows, "SELECT tenant_id, size FROM audit_trees WHERE tenant_id IN ?", tenants); err != nil {
			return nil, err
		}
		for _, r := range rows {
			if sizes[r.TenantID] != r.Size {
				sizes[r.TenantID] = r.Size
				grown = append(grown, TailKey(r.TenantID))
			}
		}
		return grown, nil
	}
}
