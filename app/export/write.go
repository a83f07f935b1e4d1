package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/trail"
)

// Times and sizes of those who write.
const (
	sweepWait = 5 * time.Second  // how late one is found whose hint was lost
	holdLife  = 30 * time.Second // without a sign of life: then another one may take it up
	partMost  = 128 << 10        // octets of a part
)

// Hurry asks Run to look at once.
func (s *Service) Hurry() { s.errand.Hurry() }

// Run writes exports, one after the other, until ctx ends.
func (s *Service) Run(ctx context.Context) { s.errand.Run(ctx, sweepWait, s.Log, "exports", s.TakeUp) }

// TakeUp writes every export that waits, and those that whoever held them has lost. Any
// replica may call it at any time.
func (s *Service) TakeUp(ctx context.Context) error {
	var due []Export
	err := s.DB.View(ctx).All(&due, "SELECT tenant_id, id, form, query, many, created_by FROM audit_exports WHERE state = 'running' AND (held_at IS NULL OR held_at < ?) ORDER BY created_at LIMIT 20", s.DB.Now().Add(-holdLife))
	if err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, e := range due {
		now := s.DB.Now() // those before it took their time
		taken, err := s.DB.CountOne(ctx, "UPDATE audit_exports SET held_at = ?, done = 0 WHERE tenant_id = ? AND id = ? AND state = 'running' AND (held_at IS NULL OR held_at < ?)", now, e.TenantID, e.ID, now.Add(-holdLife))
		if err == nil && taken == 1 {
			err = s.write(store.Within(ctx, e.TenantID), e, now)
		}
		all = errors.Join(all, err)
	}
	return all
}

// write writes an export from its first row on. While the database cannot be used it stays
// as it is, to be taken up again; whoever may not export any more gets nothing.
func (s *Service) write(ctx context.Context, e Export, held time.Time) error {
	if _, err := s.DB.CountOne(ctx, "DELETE FROM audit_export_parts WHERE tenant_id = ? AND export_id = ? AND EXISTS (SELECT 1 FROM audit_exports x WHERE x.tenant_id = ? AND x.id = ? AND x.held_at = ?)", e.TenantID, e.ID, e.TenantID, e.ID, held); err != nil {
		return err
	}
	q, err := e.Asked()
	who := s.Rules.Standing(e.TenantID, e.CreatedBy)
	if err != nil || !who.May.Has(access.AuditExport) {
		return s.fail(ctx, e, held)
	}
	var slug string
	if _, err := s.DB.View(ctx).One(&slug, "SELECT slug FROM tenants WHERE id = ?", e.TenantID); err != nil {
		return store.Unusable(err)
	}
	parts := &parts{s: s, ctx: ctx, of: e, held: held, sum: sha256.New()}
	out, err := eventform.NewWriter(e.Form, parts)
	if err != nil {
		return s.fail(ctx, e, held)
	}
	err = s.Trail.Parts(ctx, trail.SightOf(who, s.DB.Now()), q, func(rows []trail.Row) error {
		for _, r := range rows {
			if parts.rows++; parts.rows > AloneMost && !e.Many {
				return errMany
			}
			if err := out.Write(formed(slug, r)); err != nil {
				return err
			}
		}
		return parts.live()
	})
	if errors.Is(err, errMany) {
		return s.fail(ctx, e, parts.held)
	}
	if err = errors.Join(err, out.Flush(), parts.flush()); err != nil {
		if errors.Is(err, errLost) || errors.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return nil // somebody else is at it, or will be
		}
		return errors.Join(err, s.fail(ctx, e, parts.held))
	}
	_, err = s.DB.CountOne(ctx, "UPDATE audit_exports SET state = 'done', ended_at = ?, done = ?, size = ?, digest = ? WHERE tenant_id = ? AND id = ? AND state = 'running' AND held_at = ?",
		s.DB.Now(), parts.rows, parts.size, hex.EncodeToString(parts.sum.Sum(nil)), e.TenantID, e.ID, parts.held)
	return err
}

func (s *Service) fail(ctx context.Context, e Export, held time.Time) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(errLost, "UPDATE audit_exports SET state = 'failed', ended_at = ? WHERE tenant_id = ? AND id = ? AND state = 'running' AND held_at = ?", tx.Now, e.TenantID, e.ID, held)
		if err != nil {
			return err
		}
		failed := audit.Event{TenantID: e.TenantID, Action: audit.ExportFailed, Outcome: audit.Failure, Actor: audit.Service, Target: audit.Party{Kind: audit.KindExport, ID: e.ID}, Thread: e.ID}
		return audit.Record(tx, failed)
	})
}

// formed is a row as it leaves.
func formed(slug string, r trail.Row) eventform.Event {
	return eventform.Event{
		N: -1, ID: r.ID, At: r.At, Tenant: slug, Action: string(r.Action), Outcome: string(r.Outcome), Reason: r.Reason,
		Actor: eventform.Party{Kind: r.Actor.Kind, ID: r.Actor.ID, Name: r.ActorName}, Target: eventform.Party{Kind: r.Target.Kind, ID: r.Target.ID, Name: r.TargetName},
		Subject: r.Subject, SubjectName: r.SubjectName, Thread: r.Thread, Request: r.Request, IP: r.IP, Browser: r.Browser, Typed: r.Typed, Details: r.Details,
	}
}

var (
	errLost = errors.New("export: another one is at it")
	errMany = errors.New("export: whoever began it sees more by now than one person may take")
)

// parts keeps what is written, a part at a time, while the export is held.
type parts struct {
	s    *Service
	ctx  context.Context
	of   Export
	held time.Time
	buf  []byte
	n    int
	rows int64
	size int64
	sum  hash.Hash
}

func (p *parts) Write(text []byte) (int, error) {
	p.buf = append(p.buf, text...)
	p.size += int64(len(text))
	_, _ = p.sum.Write(text) // it never fails
	if len(p.buf) < partMost {
		return len(text), nil
	}
	return len(text), p.flush()
}

// live gives a sign of life while little is written: of a tree that is long, few may be
// asked for.
func (p *parts) live() error {
	if p.s.DB.Now().Before(p.held.Add(holdLife / 3)) {
		return nil
	}
	return p.flush()
}

// flush stores a part with a sign of life, both or none; while there is no part, the sign.
func (p *parts) flush() error {
	now := p.s.DB.Now()
	if !now.After(p.held) {
		now = p.held.Add(time.Microsecond)
	}
	err := p.s.DB.Count(p.ctx, func(tx *store.Tx) error {
		if err := tx.Change(errLost, "UPDATE audit_exports SET held_at = ?, done = ?, size = ? WHERE tenant_id = ? AND id = ? AND state = 'running' AND held_at = ?", now, p.rows, p.size, p.of.TenantID, p.of.ID, p.held); err != nil {
			return err
		}
		if len(p.buf) == 0 {
			return nil
		}
		return tx.Exec("INSERT INTO audit_export_parts (tenant_id, export_id, n, body) VALUES (?,?,?,?)", p.of.TenantID, p.of.ID, p.n, p.buf).Error
	})
	if err != nil {
		return err
	}
	if p.held = now; len(p.buf) > 0 {
		p.n, p.buf = p.n+1, p.buf[:0]
	}
	return nil
}
