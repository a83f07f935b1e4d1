package checkpoint

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/fault"
	"latchkey/app/store"
)

// Newest is the last checkpoint of a tenant, with the keys that checkpoints are signed by.
type Newest struct {
	Head
	Note string
	Keys []string // the newest first
}

// Newest gives the last checkpoint of a tenant. It fails with fault.NotFound when there is
// none yet.
func (s *Service) Newest(ctx context.Context, tenantID string) (n Newest, err error) {
	tx := s.DB.View(ctx)
	keys, _, err := s.keys(tx)
	if err != nil {
		return n, store.Unusable(err)
	}
	found, err := tx.One(&n.Note, "SELECT note FROM audit_checkpoints WHERE tenant_id = ? ORDER BY number DESC LIMIT 1", tenantID)
	if err != nil {
		return n, store.Unusable(err)
	}
	if !found {
		return n, fault.New(fault.NotFound, "http.not_found")
	}
	n.Keys = publics(keys)
	n.Head, err = open(n.Note, verifiers(n.Keys))
	return n, err
}

// Inclusion proves that an event is in the tree of a checkpoint (RFC 9162 §2.1.3).
type Inclusion struct {
	Index int64
	Leaf  tlog.Hash
	Path  []tlog.Hash
	In    Newest
}

// Inclusion proves the event of a leaf under the newest checkpoint. It fails with
// fault.NotFound when that has no such leaf.
func (s *Service) Inclusion(ctx context.Context, tenantID string, index int64) (p Inclusion, err error) {
	if p.In, err = s.Newest(ctx, tenantID); err != nil {
		return p, err
	}
	if index < 0 || index >= p.In.Size {
		return p, fault.New(fault.NotFound, "http.not_found")
	}
	stored := hashesOf(s.DB.View(ctx), tenantID)
	p.Index = index
	if p.Leaf, err = stored.node(0, index); err != nil {
		return p, store.Unusable(err)
	}
	if p.Path, err = tlog.ProveRecord(p.In.Size, index, stored); err != nil {
		return p, store.Unusable(err)
	}
	return p, nil
}

// IndexOf gives the leaf of an event. It fails with fault.NotFound when it is not sealed yet,
// or there is none.
func (s *Service) IndexOf(ctx context.Context, tenantID, eventID string, at time.Time) (index int64, err error) {
	found, err := s.DB.View(ctx).One(&index, "SELECT n FROM audit_leaves WHERE tenant_id = ? AND occurred_at = ? AND event_id = ?", tenantID, at.UTC(), eventID)
	if err != nil {
		return 0, store.Unusable(err)
	}
	if !found {
		return 0, fault.New(fault.NotFound, "http.not_found")
	}
	return index, nil
}

// Consistency proves that the tree of one size grew out of that of another one (RFC 9162 §2.1.4).
type Consistency struct {
	From, To int64
	Path     []tlog.Hash
	In       Newest
}

// Consistency proves that a tree of a later size begins with one of an earlier size; to 0 is
// that of the newest checkpoint. It fails with fault.NotFound for sizes that it has not had.
func (s *Service) Consistency(ctx context.Context, tenantID string, from, to int64) (p Consistency, err error) {
	if p.In, err = s.Newest(ctx, tenantID); err != nil {
		return p, err
	}
	if to == 0 {
		to = p.In.Size
	}
	if from < 1 || from > to || to > p.In.Size {
		return p, fault.New(fault.NotFound, "http.not_found")
	}
	p.From, p.To = from, to
	p.Path, err = tlog.ProveTree(to, from, hashesOf(s.DB.View(ctx), tenantID))
	return p, store.Unusable(err)
}
