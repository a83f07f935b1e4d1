package checkpoint

import (
	"context"
	"time"

	"latchkey/app/store"
)

// Times after which sealing, and a witness, are late.
const (
	SealOld     = 10 * time.Second
	forgetAfter = 7 * 24 * time.Hour // a witness that nobody has spoken of
)

// Health is how the audit is kept whole, now.
type Health struct {
	UnsealedAt time.Time // of the oldest event that is not sealed; zero for none
	UnsignedAt time.Time // when the tree that waits longest was signed last, or should have been; zero for none
	Faults     int       // trees that are not what was signed
	Witnesses  []WitnessHealth
}

// WitnessHealth is how a witness follows.
type WitnessHealth struct {
	Name   string
	Behind int64     // checkpoints that it has not
	Since  time.Time // when the first of them was made; zero for none
	Fault  string
}

// Late says whether events are in no tree, or trees are without a checkpoint, for longer
// than they may be.
func (h Health) Late(now time.Time) bool {
	return !h.UnsealedAt.IsZero() && now.Sub(h.UnsealedAt) > SealOld || !h.UnsignedAt.IsZero() && now.Sub(h.UnsignedAt) > 2*SignWait
}

// Late says whether a witness is behind for longer than it may be.
func (w WitnessHealth) Late(now time.Time) bool {
	return !w.Since.IsZero() && now.Sub(w.Since) > WitnessOld
}

// Look gives the health, over all tenants.
func Look(ctx context.Context, db *store.DB) (h Health, err error) {
	tx := db.View(ctx)
	oldest := "SELECT e.occurred_at FROM audit_events e WHERE e.rowid > (SELECT CAST(done AS integer) FROM audit_sealing WHERE id = 1) ORDER BY e.rowid LIMIT 1"
	if tx.Dialect == store.Postgres {
		oldest = `SELECT e.occurred_at FROM audit_events e, audit_sealing s WHERE s.id = 1 AND NOT s.walking AND e.written_in > '1' AND e.written_in >= pg_snapshot_xmin(CAST(s.done AS pg_snapshot))
			AND NOT pg_visible_in_snapshot(e.written_in, CAST(s.done AS pg_snapshot)) ORDER BY e.written_in LIMIT 1`
	}
	if _, err := tx.One(&h.UnsealedAt, oldest); err != nil {
		return h, store.Unusable(err)
	}
	if _, err := tx.One(&h.UnsignedAt, "SELECT signed_at FROM audit_trees WHERE size > signed_size AND signed_at IS NOT NULL ORDER BY signed_at LIMIT 1"); err != nil {
		return h, store.Unusable(err)
	}
	// A tree that was never signed should have been since its first event.
	var never time.Time
	if _, err := tx.One(&never, `SELECT l.occurred_at FROM audit_trees t JOIN audit_leaves l ON l.tenant_id = t.tenant_id AND l.n = 0
		WHERE t.size > t.signed_size AND t.signed_at IS NULL ORDER BY l.occurred_at LIMIT 1`); err != nil {
		return h, store.Unusable(err)
	}
	if !never.IsZero() && (h.UnsignedAt.IsZero() || never.Before(h.UnsignedAt)) {
		h.UnsignedAt = never
	}
	if _, err := tx.One(&h.Faults, "SELECT count(*) FROM audit_trees WHERE fault <> ''"); err != nil {
		return h, store.Unusable(err)
	}
	var rows []struct {
		Name, Fault string
		Behind      int64
		Since       *time.Time
	}
	err = tx.All(&rows, `SELECT w.name, w.fault, s.checkpoints - w.reached AS behind, (SELECT c.made_at FROM audit_checkpoints c WHERE c.number > w.reached ORDER BY c.number LIMIT 1) AS since
		FROM audit_witnesses w, audit_sealing s WHERE s.id = 1 AND w.seen_at > ? ORDER BY w.name`, tx.Now.Add(-forgetAfter))
	for _, r := range rows {
		w := WitnessHealth{Name: r.Name, Behind: r.Behind, Fault: r.Fault}
		if r.Since != nil {
			w.Since = *r.Since
		}
		h.Witnesses = append(h.Witnesses, w)
	}
	return h, store.Unusable(err)
}

// Forget takes witnesses off the list that nobody has spoken of for a week: of replicas
// that are no more.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM audit_witnesses WHERE seen_at < ?", db.Now().Add(-forgetAfter))
	return err
}
