package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// Times and sizes of dropping.
const (
	lookWait    = time.Minute
	claimLife   = 15 * time.Minute // after which another replica takes it up
	doneWait    = time.Hour        // until it is looked again for what is due
	failedWait  = 10 * time.Minute
	tidyWait    = 24 * time.Hour // until it is looked for empty partitions though nothing was dropped
	partMost    = 10_000         // events: for so many rows the one writer of SQLite is held
	partsMost   = 10             // of one tenant, then others have their turn
	tenantsMost = 50

	LaggardLife = 30 * 24 * time.Hour // for which what a consumer has not got is kept
)

// Why what is due is not dropped. Add, never rename: the page has words for each.
const (
	FaultUnwitnessed = "unwitnessed" // no checkpoint that all witnesses have
	FaultConsumer    = "consumer"    // one has not got the events yet
	FaultUnsealed    = "unsealed"    // an event is in no tree
	FaultNotWhole    = "not_whole"   // the archive does not verify: an event is not what was sealed
	FaultArchive     = "archive"     // the file cannot be written
	FaultOther       = "other"
)

// Faults are all of them.
var Faults = []string{FaultUnwitnessed, FaultConsumer, FaultUnsealed, FaultNotWhole, FaultArchive, FaultOther}

// stuck is why a turn ended.
type stuck struct {
	fault string
	err   error
}

func (s stuck) Error() string { return "retention: " + s.fault + ": " + fmt.Sprint(s.err) }
func (s stuck) Unwrap() error { return s.err }

// Run drops what is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.errand.Run(ctx, lookWait, s.Log, "retention of the audit", s.Round)
}

// Round drops what is due of every tenant, a turn each, and the partitions that are empty
// after that.
func (s *Service) Round(ctx context.Context) error {
	now := s.DB.Now()
	var due []struct{ TenantID, Slug string }
	err := s.DB.View(ctx).All(&due, `SELECT k.tenant_id, t.slug FROM audit_keeping k JOIN tenants t ON t.id = k.tenant_id
		WHERE (k.signins > 0 OR k.administration > 0) AND k.holds = 0 AND k.due_at <= ? AND (k.claimed_until IS NULL OR k.claimed_until <= ?) ORDER BY k.due_at LIMIT ?`, now, now, tenantsMost)
	if err != nil {
		return store.Unusable(err)
	}
	var all []error
	some := false
	for _, d := range due {
		dropped, err := s.turn(store.Within(ctx, d.TenantID), d.TenantID, d.Slug)
		some = some || dropped > 0
		all = append(all, err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if some || now.UnixNano() >= s.tidyAt.Load() {
		err := audit.DropEmptyMonths(ctx, s.DB, now.AddDate(0, -SignInsLeast, 0))
		next := now.Add(tidyWait)
		if err != nil {
			next = now.Add(failedWait)
		}
		s.tidyAt.Store(next.UnixNano())
		all = append(all, err)
	}
	return errors.Join(all...)
}

// turn claims a tenant and drops a few parts, of which it says the number. Who dies
// meanwhile leaves a claim that lapses.
func (s *Service) turn(ctx context.Context, tenantID, slug string) (dropped int, err error) {
	now, claim := s.DB.Now(), s.Secrets.ID()
	n, err := s.DB.CountOne(ctx, "UPDATE audit_keeping SET claim = ?, claimed_until = ? WHERE tenant_id = ? AND holds = 0 AND due_at <= ? AND (claimed_until IS NULL OR claimed_until <= ?)",
		claim, now.Add(claimLife), tenantID, now, now)
	if err != nil || n == 0 {
		return 0, err
	}
	k, err := s.Of(ctx, tenantID)
	if err != nil {
		return 0, err
	}
	wait, more := doneWait, true
	for more && dropped < partsMost && err == nil && ctx.Err() == nil {
		if more, err = s.part(ctx, tenantID, slug, claim, k); more && err == nil {
			dropped++
		}
	}
	why := ""
	var is stuck
	switch {
	case errors.Is(err, fault.Conflict) && !errors.As(err, &is):
		wait, err = 0, nil // a hold, other months, somebody erased, or another replica
	case err != nil:
		wait, why = failedWait, FaultOther
		if errors.As(err, &is) {
			why = is.fault
		}
		if why == FaultConsumer || why == FaultUnwitnessed {
			err = nil // that passes, and the page says it
		}
	case more:
		wait = 0
	}
	now = s.DB.Now()
	_, noted := s.DB.CountOne(context.WithoutCancel(ctx), "UPDATE audit_keeping SET claim = '', claimed_until = NULL, fault = ?, due_at = CASE WHEN version = ? AND due_at <= ? THEN ? ELSE due_at END WHERE tenant_id = ? AND claim = ?",
		why, k.Version, now, now.Add(wait), tenantID, claim)
	return dropped, errors.Join(err, noted)
}

// part archives and drops the next part of a tenant, and says whether there was one.
func (s *Service) part(ctx context.Context, tenantID, slug, claim string, k Keeping) (there bool, err error) {
	p, found, err := s.next(ctx, tenantID, k.Months)
	if err != nil || !found {
		return false, err
	}
	tx := s.DB.View(ctx)
	in, settled, err := s.Checkpoints.Settled(tx, tenantID)
	if err != nil {
		return false, store.Unusable(err)
	}
	if !settled {
		return false, stuck{FaultUnwitnessed, nil}
	}
	upto, err := s.got(tx, tenantID)
	if err != nil {
		return false, err
	}
	where, a, err := s.archive(ctx, p, slug, min(upto, in.Size), in)
	if err != nil {
		return false, err
	}
	if a.Events == 0 {
		if upto < in.Size {
			return false, stuck{FaultConsumer, nil}
		}
		return false, stuck{FaultUnwitnessed, nil}
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		// The row is locked from here on: a hold that is begun, or months that are changed,
		// come before this or after it.
		err := tx.Change(meanwhile(), "UPDATE audit_keeping SET claimed_until = ? WHERE tenant_id = ? AND claim = ? AND claimed_until > ? AND holds = 0 AND version = ? AND due_at <= ?",
			tx.Now.Add(claimLife), tenantID, claim, tx.Now, k.Version, tx.Now)
		if err != nil {
			return err
		}
		_, err = s.Checkpoints.Drop(tx, a, where)
		return err
	})
	if errors.Is(err, fault.Conflict) {
		s.forget(where) // of anything else nobody knows whether it was committed
	}
	if err == nil {
		s.Log.Info("events of the audit were dropped into an archive", "tenant", tenantID, "events", a.Events, "archive", where.File)
	}
	return true, err
}

// next gives the portion that is dropped next: of the oldest month of a class, if its time
// has come.
func (s *Service) next(ctx context.Context, tenantID string, m Months) (p checkpoint.Portion, found bool, err error) {
	tx := s.DB.View(ctx)
	for _, class := range Droppable {
		if m.Of(class) == Ever {
			continue
		}
		month, there, err := oldest(tx, tenantID, class)
		if err != nil {
			return p, false, store.Unusable(err)
		}
		if !there || tx.Now.Before(m.Due(class, month)) {
			continue
		}
		p = checkpoint.Portion{TenantID: tenantID, Class: class, Month: month}
		_, err = tx.One(&p.Part, "SELECT COALESCE(max(part), 0) + 1 FROM audit_drops WHERE tenant_id = ? AND class = ? AND month = ?", tenantID, class, month.Format(monthForm))
		return p, err == nil, store.Unusable(err)
	}
	return p, false, nil
}

const monthForm = "2006-01"

// oldest gives the month of the oldest event of a class: of each action by its index.
func oldest(tx *store.Tx, tenantID string, class audit.Keeping) (month time.Time, there bool, err error) {
	said := "substr(min(e.occurred_at), 1, 7)"
	if tx.Dialect == store.Postgres {
		said = "to_char(min(e.occurred_at) AT TIME ZONE 'UTC', 'YYYY-MM')"
	}
	var actions []string
	for _, a := range class.Kept() {
		actions = append(actions, string(a))
	}
	each, values := store.Each(actions)
	var text string
	_, err = tx.One(&text, "SELECT COALESCE(min(m.month), '') FROM (SELECT (SELECT "+said+" FROM audit_events e WHERE e.action = v.column1 AND e.tenant_id = ?) AS month FROM "+each+") m", append([]any{tenantID}, values...)...)
	if err != nil || text == "" {
		return month, false, err
	}
	month, err = time.Parse(monthForm, text)
	return month, err == nil, err
}

// got is the first leaf that a consumer has not got for which it is waited.
func (s *Service) got(tx *store.Tx, tenantID string) (n int64, err error) {
	const nobody = 1 << 62
	_, err = tx.One(&n, `SELECT COALESCE(min(next_n), ?) FROM consumers WHERE tenant_id = ? AND
		(state = 'active' AND (failing_since IS NULL OR failing_since > ?) OR state = 'paused' AND changed_at > ?)`, int64(nobody), tenantID, tx.Now.Add(-LaggardLife), tx.Now.Add(-LaggardLife))
	return n, store.Unusable(err)
}
