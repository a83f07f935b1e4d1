package replay

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/app/decision"
	"latchkey/app/store"
)

// Times and sizes of those who carry replays out.
const (
	sweepWait = 5 * time.Second  // how late one is found whose hint was lost
	holdLife  = 30 * time.Second // without a sign of life: then another one may take it up
	chunk     = 5_000            // decisions between two signs of life
)

// Hurry asks Run to look at once.
func (s *Service) Hurry() { s.errand.Hurry() }

// Run carries replays out, one after the other, until ctx ends.
func (s *Service) Run(ctx context.Context) { s.errand.Run(ctx, sweepWait, s.Log, "replays", s.TakeUp) }

// TakeUp carries out every replay that waits, and those that whoever held them has
// lost. Any replica may call it at any time.
func (s *Service) TakeUp(ctx context.Context) error {
	now := s.DB.Now()
	var due []row
	err := s.DB.View(ctx).All(&due, "SELECT "+columns+" FROM replays WHERE state = ? AND (held_at IS NULL OR held_at < ?) ORDER BY created_at LIMIT 20", Running, now.Add(-holdLife))
	if err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, r := range due {
		taken, err := s.DB.CountOne(ctx, "UPDATE replays SET held_at = ? WHERE tenant_id = ? AND id = ? AND state = ? AND (held_at IS NULL OR held_at < ?)",
			now, r.TenantID, r.ID, Running, now.Add(-holdLife))
		if err == nil && taken == 1 {
			err = s.carryOut(store.Within(ctx, r.TenantID), r, now)
		}
		all = errors.Join(all, err)
	}
	return all
}

// kept is a decision as it is read.
type kept struct {
	DecidedAt      time.Time
	ID, UserID     string
	Rules, Differs string
	Record         []byte
}

// carryOut goes on with a replay from where it is. While the database cannot be used
// it stays as it is; what cannot be read ends it.
func (s *Service) carryOut(ctx context.Context, r row, held time.Time) error {
	draft, err := decision.Read(r.Draft)
	if err != nil {
		return s.end(ctx, r, held, Failed, nil)
	}
	t, err := r.tally()
	if err != nil {
		return s.end(ctx, r, held, Failed, nil)
	}
	since := r.CreatedAt.Add(-time.Duration(r.Days) * 24 * time.Hour)
	if r.Total == 0 {
		_, err := s.DB.View(ctx).One(&r.Total, "SELECT count(*) FROM (SELECT 1 FROM decisions WHERE tenant_id = ? AND decided_at >= ? AND decided_at <= ? LIMIT ?) d",
			r.TenantID, since, r.CreatedAt, r.Most)
		if err != nil {
			return store.Unusable(err)
		}
	}
	pass := &pass{tenantID: r.TenantID, draft: draft, reader: decision.NewReader(), rules: map[string]*decision.Rules{}}
	for ctx.Err() == nil {
		var some []kept
		tx, least := s.DB.View(ctx), min(chunk, r.Most-t.Seen)
		const selecting = "SELECT decided_at, id, user_id, rules, differs, record FROM decisions WHERE tenant_id = ? AND decided_at >= ? AND "
		if t.LastAt == nil {
			err = tx.All(&some, selecting+"decided_at <= ? ORDER BY decided_at DESC, id DESC LIMIT ?", r.TenantID, since, r.CreatedAt, least)
		} else {
			err = tx.All(&some, selecting+"(decided_at, id) < (?, ?) ORDER BY decided_at DESC, id DESC LIMIT ?", r.TenantID, since, *t.LastAt, t.LastID, least)
		}
		if err != nil {
			return store.Unusable(err)
		}
		if err := pass.over(tx, &t, some); err != nil {
			return errors.Join(err, s.end(ctx, r, held, Failed, &t))
		}
		if len(some) < chunk || t.Seen >= r.Most {
			return s.end(ctx, r, held, Done, &t)
		}
		if held, err = s.note(ctx, r, held, &t); err != nil || held.IsZero() {
			return err
		}
	}
	return nil
}

// pass goes over decisions.
type pass struct {
	tenantID string
	draft    *decision.Rules
	reader   *decision.Reader
	rules    map[string]*decision.Rules // that held, by fingerprint; nil: they are gone
}

func (p *pass) over(tx *store.Tx, t *Tally, some []kept) error {
	var in decision.Input
	for i := range some {
		k := &some[i]
		own, read := p.rules[k.Rules]
		if !read {
			var err error
			if own, err = p.load(tx, k.Rules); err != nil {
				return err
			}
		}
		was, err := p.reader.Read(k.Record, &in)
		if err != nil {
			return err
		}
		again := decision.Decision{}
		if own != nil {
			again = decision.Decide(own, &in)
		}
		t.note(k, &in, was, again, decision.Decide(p.draft, &in))
	}
	if n := len(some); n > 0 {
		t.LastAt, t.LastID = &some[n-1].DecidedAt, some[n-1].ID
	}
	return nil
}

func (p *pass) load(tx *store.Tx, fingerprint string) (*decision.Rules, error) {
	var text string
	found, err := tx.One(&text, "SELECT rules FROM decision_rules WHERE tenant_id = ? AND fingerprint = ?", p.tenantID, fingerprint)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var own *decision.Rules
	if found {
		if own, err = decision.Read(text); err != nil {
			return nil, err
		}
	}
	p.rules[fingerprint] = own
	return own, nil
}

// note gives a sign of life and says how far it is. It gives the time of it, or none
// when somebody else has taken the replay up meanwhile.
func (s *Service) note(ctx context.Context, r row, held time.Time, t *Tally) (time.Time, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return held, err
	}
	now := s.DB.Now()
	if !now.After(held) {
		now = held.Add(time.Microsecond)
	}
	n, err := s.DB.CountOne(ctx, "UPDATE replays SET held_at = ?, total = ?, done = ?, tally = ? WHERE tenant_id = ? AND id = ? AND state = ? AND held_at = ?",
		now, max(r.Total, t.Seen), t.Seen, string(text), r.TenantID, r.ID, Running, held)
	if n == 0 {
		return time.Time{}, err
	}
	return now, err
}

// end ends a replay that is still held.
func (s *Service) end(ctx context.Context, r row, held time.Time, state string, t *Tally) error {
	text := r.Tally
	seen := r.Done
	if t != nil {
		written, err := json.Marshal(t)
		if err != nil {
			return err
		}
		text, seen = string(written), t.Seen
	}
	_, err := s.DB.CountOne(ctx, "UPDATE replays SET state = ?, ended_at = ?, total = ?, done = ?, tally = ? WHERE tenant_id = ? AND id = ? AND state = ? AND held_at = ?",
		state, s.DB.Now(), max(r.Total, seen), seen, text, r.TenantID, r.ID, Running, held)
	return err
}

// Forget deletes old reports.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM replays WHERE ended_at < ?", db.Now().Add(-Memory))
	return err
}
