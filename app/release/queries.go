package release

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/store"
)

// of reads what the platform says of a feature.
func of(tx *store.Tx, e *feature.Entry) (r Released, err error) {
	r.Entry = e
	var row struct {
		Killed    bool
		Version   int
		ChangedAt time.Time
	}
	found, err := tx.One(&row, "SELECT killed, version, changed_at FROM releases WHERE feature = ?", e.Feature)
	if err != nil || !found {
		return r, err
	}
	r.Rule.Stopped, r.Version, r.ChangedAt = row.Killed, row.Version, row.ChangedAt
	var cells []feature.Cell
	if err := tx.All(&cells, "SELECT region, ring, share FROM release_cells WHERE feature = ?", e.Feature); err != nil {
		return r, err
	}
	r.Rule.Cells, _ = checked(cells)
	return r, nil
}

// tenantsOf reads what rules ask of all tenants, but the platform, which is none.
func tenantsOf(tx *store.Tx) (all []Tenant, err error) {
	err = tx.All(&all, "SELECT region, ring, seed FROM tenants WHERE id <> ?", access.Platform)
	return all, err
}

func versions(tx *store.Tx, f feature.Feature) ([]Version, error) {
	var rows []struct {
		Version
		RuleText, Lines string
	}
	err := tx.All(&rows, `SELECT v.version, v.rule AS rule_text, v.difference AS lines, v.reason, v.changed_at, COALESCE(u.name, '') AS by
		FROM release_versions v LEFT JOIN users u ON u.tenant_id = ? AND u.id = v.changed_by
		WHERE v.feature = ? ORDER BY v.version DESC LIMIT ?`, access.Platform, f, versionsListed)
	var all []Version
	for _, row := range rows {
		if err := json.Unmarshal([]byte(row.RuleText), &row.Rule); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(row.Lines), &row.Difference); err != nil {
			return nil, err
		}
		all = append(all, row.Version)
	}
	return all, err
}

// Changed gives the look of the hub for those who wait for Key: when something was
// released since the last look, they are rung, should the hint have been lost.
func (s *Service) Changed() func(ctx context.Context, keys []string) ([]string, error) {
	var mu sync.Mutex
	last := -1
	return func(ctx context.Context, keys []string) ([]string, error) {
		var now int
		if _, err := s.DB.View(ctx).One(&now, "SELECT COALESCE(sum(version), 0) FROM releases"); err != nil {
			return nil, store.Unusable(err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen := last
		if last = now; seen < 0 || seen == now {
			return nil, nil
		}
		return keys, nil
	}
}
