package retention

import (
	"context"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
)

// Drop is one as it is shown.
type Drop struct {
	checkpoint.Drop
	File, Host string
}

const shown = 50

// Drops gives the last ones of a tenant, the newest first. Whoever wants to know whether
// they are good asks the verifier.
func (s *Service) Drops(ctx context.Context, tenantID string) (all []Drop, err error) {
	var rows []struct{ Note, Archive, Host string }
	if err := s.DB.View(ctx).All(&rows, "SELECT note, archive, host FROM audit_drops WHERE tenant_id = ? ORDER BY made_at DESC, class, month DESC, part DESC LIMIT ?", tenantID, shown); err != nil {
		return nil, store.Unusable(err)
	}
	for _, r := range rows {
		d, err := checkpoint.UnsignedDrop(r.Note)
		if err != nil {
			continue // the verifier finds it
		}
		all = append(all, Drop{d, r.Archive, r.Host})
	}
	return all, nil
}

// Next is what will be dropped of a class.
type Next struct {
	Class audit.Keeping
	Month time.Time // of its oldest event; zero: it has none
	At    time.Time // when that month may go; zero: never
}

// Next gives, of each class, its oldest month and when that will be dropped.
func (s *Service) Next(ctx context.Context, tenantID string, k Keeping) (all []Next, err error) {
	tx := s.DB.View(ctx)
	for _, class := range audit.Keepings {
		n := Next{Class: class}
		month, there, err := oldest(tx, tenantID, class)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if there {
			n.Month = month
			if n.At = k.Due(class, month); !n.At.IsZero() && n.At.Before(k.DueAt) {
				n.At = k.DueAt
			}
		}
		all = append(all, n)
	}
	return all, nil
}
