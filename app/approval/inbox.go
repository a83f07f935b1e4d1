package approval

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
)

// How many requests a list shows.
const (
	waitingMost = 200 // a tenant that has more at once decides these first
	ownMost     = 50
	PageLength  = 25
)

// Waiting counts the requests of a tenant that viewerID may decide. It is asked for
// every page of the console, and is one query where nothing waits.
func (s *Service) Waiting(ctx context.Context, tenantID, viewerID string) (count int, err error) {
	waiting, verdicts, err := s.waiting(s.DB.View(ctx), tenantID, viewerID)
	for i := range waiting {
		if verdicts[i].Err() == nil {
			count++
		}
	}
	return count, store.Unusable(err)
}

// waiting reads what waits in a tenant, oldest first, and whether viewerID may
// decide it.
func (s *Service) waiting(tx *store.Tx, tenantID, viewerID string) ([]Request, []access.Verdict, error) {
	waiting, err := list(tx, "WHERE tenant_id = ? AND state = 'pending' AND expires_at > ? ORDER BY created_at, id LIMIT ?", tenantID, tx.Now, waitingMost)
	if err != nil || len(waiting) == 0 {
		return nil, nil, err
	}
	asked := make([]access.Approval, len(waiting))
	for i, r := range waiting {
		asked[i] = access.Approval{RequesterID: r.RequesterID, Eyes: r.Eyes}
	}
	verdicts, err := s.Rules.AskApprover(tx, tenantID, viewerID, asked...)
	return waiting, verdicts, err
}

// Inbox is the page of approvals, as somebody sees it.
type Inbox struct {
	Yours   []Seen // that they may decide, oldest first
	Own     []Seen // that they asked for, newest first
	Others  []Seen // that others decide, for those who watch over the tenant
	Decided []Seen // newest first, a page of them
	More    bool   // older ones follow
}

// Position is where a page of decided requests ends. The zero one is the beginning.
type Position struct {
	At time.Time
	ID string
}

// Inbox gives what waits and what was decided in a tenant, as far as viewerID may
// see it.
func (s *Service) Inbox(ctx context.Context, tenantID, viewerID string, before Position) (box Inbox, err error) {
	tx := s.DB.View(ctx)
	waiting, verdicts, err := s.waiting(tx, tenantID, viewerID)
	if err != nil {
		return box, store.Unusable(err)
	}
	viewer, err := s.Rules.StandingIn(tx, tenantID, viewerID)
	if err != nil {
		return box, store.Unusable(err)
	}
	all, err := show(tx, tenantID, waiting, verdicts)
	if err != nil {
		return box, store.Unusable(err)
	}
	for _, r := range all {
		switch {
		case r.RequesterID == viewerID:
		case r.Verdict.Err() == nil:
			box.Yours = append(box.Yours, r)
		case watches(viewer):
			box.Others = append(box.Others, r)
		}
	}
	own, err := list(tx, "WHERE tenant_id = ? AND requester_id = ? AND state = 'pending' AND expires_at > ? ORDER BY created_at DESC, id DESC LIMIT ?", tenantID, viewerID, tx.Now, ownMost)
	if err != nil {
		return box, store.Unusable(err)
	}
	if box.Own, err = show(tx, tenantID, own, nil); err != nil {
		return box, store.Unusable(err)
	}
	decided, err := decided(tx, tenantID, viewer, before)
	if err != nil {
		return box, store.Unusable(err)
	}
	if box.More = len(decided) > PageLength; box.More {
		decided = decided[:PageLength]
	}
	box.Decided, err = show(tx, tenantID, decided, nil)
	return box, store.Unusable(err)
}

// decided reads one request more than a page holds.
func decided(tx *store.Tx, tenantID string, viewer access.Standing, before Position) ([]Request, error) {
	if before.At.IsZero() {
		before.At = tx.Now.Add(time.Hour)
	}
	const (
		which = "tenant_id = ? AND state <> 'pending' AND (decided_at < ? OR decided_at = ? AND id < ?)"
		order = " ORDER BY decided_at DESC, id DESC LIMIT ?"
	)
	values := []any{tenantID, before.At, before.At, before.ID, PageLength + 1}
	if watches(viewer) {
		return list(tx, "WHERE "+which+order, values...)
	}
	own := "SELECT * FROM (SELECT id FROM approval_requests WHERE "
	values = append(append([]any{tenantID, viewer.UserID}, values...), append([]any{viewer.UserID}, values...)...)
	return list(tx, "WHERE tenant_id = ? AND id IN ("+own+"requester_id = ? AND "+which+order+") asked UNION "+own+"decided_by = ? AND "+which+order+") decided)"+order,
		append(values, PageLength+1)...)
}

// lateWait is how far back Changed looks: longer than a hint may be late.
const lateWait = 10 * time.Second

// Changed is the look of the hub for inboxes: those of tenants where something
// was asked for or decided a moment ago. Streams count, and say only what is new.
func (s *Service) Changed(ctx context.Context, keys []string) ([]string, error) {
	tx := s.DB.View(ctx)
	tenants := make([]string, len(keys))
	for i, key := range keys {
		tenants[i] = strings.TrimPrefix(key, InboxKey(""))
	}
	since := tx.Now.Add(-lateWait)
	var changed []string
	err := tx.All(&changed, `SELECT tenant_id FROM approval_requests WHERE tenant_id IN ? AND state = 'pending' AND (created_at > ? OR expires_at <= ?)
		UNION SELECT tenant_id FROM approval_requests WHERE tenant_id IN ? AND state <> 'pending' AND decided_at > ?`, tenants, since, tx.Now, tenants, since)
	for i, id := range changed {
		changed[i] = InboxKey(id)
	}
	return changed, err
}

// Lapse ends, with their events, requests whose four hours are over. Any replica
// may run it; each lapses once.
func (s *Service) Lapse(ctx context.Context) error {
	due, err := list(s.DB.View(ctx), "WHERE state = 'pending' AND expires_at <= ? ORDER BY expires_at, tenant_id, id LIMIT 200", s.DB.Now())
	if err != nil || len(due) == 0 {
		return store.Unusable(err)
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		for _, r := range due {
			if err := s.lapse(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}
