package approval

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/store"
)

// Find gives one request, with whether this person may decide it and why not.
// One of another tenant is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id, viewerID string) (Request, access.Verdict, error) {
	tx := s.DB.View(ctx)
	r, err := find(tx, tenantID, id)
	if err != nil {
		return r, access.Verdict{}, store.Unusable(err)
	}
	v, err := s.viewer(tx, r, viewerID)
	return r, v, store.Unusable(err)
}

func (s *Service) viewer(tx *store.Tx, r Request, viewerID string) (access.Verdict, error) {
	plan, err := s.plan(tx, r.act())
	if err != nil {
		return access.Verdict{Answer: access.No}, err
	}
	return s.mayApprove(tx, r, plan, viewerID)
}

// inboxMost is how many requests are looked at; a tenant that has more waiting
// at once decides these first.
const inboxMost = 200

// Inbox lists the requests of a tenant that wait: those that viewerID may decide.
func (s *Service) Inbox(ctx context.Context, tenantID, viewerID string) ([]Request, error) {
	tx := s.DB.View(ctx)
	waiting, err := list(tx, "WHERE tenant_id = ? AND state = 'pending' AND expires_at > ? ORDER BY created_at LIMIT ?", tenantID, tx.Now, inboxMost)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var mine []Request
	for _, r := range waiting {
		v, err := s.viewer(tx, r, viewerID)
		if err != nil {
			return nil, store.Unusable(err)
		}
		if v.Err() == nil {
			mine = append(mine, r)
		}
	}
	return mine, nil
}

// Recent lists requests of a tenant before a position, newest first; with
// requesterID only those of one person.
func (s *Service) Recent(ctx context.Context, tenantID, requesterID string, before time.Time, beforeID string, limit int) ([]Request, error) {
	tx := s.DB.View(ctx)
	if before.IsZero() {
		before, beforeID = tx.Now.Add(time.Hour), ""
	}
	found, err := list(tx, `WHERE tenant_id = ? AND (? = '' OR requester_id = ?) AND (created_at < ? OR (created_at = ? AND id < ?))
		ORDER BY created_at DESC, id DESC LIMIT ?`, tenantID, requesterID, requesterID, before, before, beforeID, limit)
	return found, store.Unusable(err)
}

func list(tx *store.Tx, which string, values ...any) ([]Request, error) {
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM approval_requests "+which, values...); err != nil {
		return nil, err
	}
	all := make([]Request, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = r.request(tx.Now); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Lapse ends, with their events, requests whose four hours are over. Any replica
// may run it; each lapses once.
func (s *Service) Lapse(ctx context.Context) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		due, err := list(tx, "WHERE state = 'pending' AND expires_at <= ? ORDER BY expires_at LIMIT 200", tx.Now)
		if err != nil {
			return err
		}
		for _, r := range due {
			res := tx.Exec("UPDATE approval_requests SET state = 'expired', decided_at = ? WHERE tenant_id = ? AND id = ? AND state = 'pending'", tx.Now, r.TenantID, r.ID)
			if res.Error != nil {
				return res.Error
			}
			if res.RowsAffected == 0 {
				continue
			}
			tx.After(func() { s.Hub.Ring(InboxKey(r.TenantID)) })
			if err := audit.Record(tx, r.event(audit.ApprovalExpired, "", "", audit.Origin{})); err != nil {
				return err
			}
		}
		return nil
	})
}
