package insight

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/store"
)

// Times of counting.
const (
	Age        = time.Hour        // that figures may have
	attemptAge = 15 * time.Minute // and those of attempts
	sweepWait  = time.Minute      // how late it is found out that they have it
	holdLife   = 10 * time.Minute // after which a tenant is taken from whoever lost it
	atOnce     = 200              // tenants that one sweep takes up
)

// Service counts, and gives what was counted.
type Service struct {
	DB    *store.DB
	Rules *access.Rules
	Log   *slog.Logger
}

// Run counts whatever is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepWait)
	defer tick.Stop()
	for {
		if err := s.TakeUp(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("insights", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// due is a tenant whose figures are too old, or older than its rules.
type due struct {
	ID           string
	DecisionDays int
	TakenAt      *time.Time
}

// TakeUp counts every tenant that is due. Any replica may call it at any time: each
// tenant is taken up by one of them.
func (s *Service) TakeUp(ctx context.Context) error {
	now := s.DB.Now()
	var found []due
	err := s.DB.View(ctx).All(&found, `SELECT t.id, t.decision_days, i.taken_at FROM tenants t LEFT JOIN insights i ON i.tenant_id = t.id
		WHERE t.state = 'active' AND (i.held_at IS NULL OR i.held_at < ?) AND (i.taken_at IS NULL OR i.taken_at < ?
		OR EXISTS (SELECT 1 FROM rollouts r WHERE r.tenant_id = t.id AND r.changed_at > i.taken_at)
		OR EXISTS (SELECT 1 FROM method_versions m WHERE m.tenant_id = t.id AND m.changed_at > i.taken_at))
		AND t.id <> ? ORDER BY CASE WHEN i.taken_at IS NULL THEN 0 ELSE 1 END, i.taken_at LIMIT ?`, now.Add(-holdLife), now.Add(-Age), access.Platform, atOnce)
	if err != nil {
		return store.Unusable(err)
	}
	all := s.takeAttempts(ctx)
	for _, d := range found {
		if ctx.Err() != nil {
			break
		}
		all = errors.Join(all, s.take(ctx, d))
	}
	return all
}

// take counts a tenant, if nobody else does.
func (s *Service) take(ctx context.Context, d due) error {
	within, now := store.Within(ctx, d.ID), s.DB.Now()
	n, err := s.DB.CountOne(within, `INSERT INTO insights (tenant_id, held_at) VALUES (?,?) ON CONFLICT (tenant_id) DO UPDATE SET held_at = excluded.held_at
		WHERE (insights.held_at IS NULL OR insights.held_at < ?) AND (insights.taken_at IS NULL OR insights.taken_at = ?)`, d.ID, now, now.Add(-holdLife), d.TakenAt)
	if err != nil || n == 0 {
		return err
	}
	people, err := "", s.signIns(within, d.ID, daysSince(d.TakenAt, now, d.DecisionDays))
	if err == nil {
		people, err = s.people(within, d.ID)
	}
	return s.taken(within, d, now, people, err)
}

// takeAttempts counts the attempts of all tenants, once in a while.
func (s *Service) takeAttempts(ctx context.Context) error {
	const name, form = "insight_attempts", "2006-01-02T15:04:05Z"
	now := s.DB.Now()
	var last string
	known, err := s.DB.View(ctx).One(&last, "SELECT value FROM platform_settings WHERE name = ?", name)
	if err != nil {
		return store.Unusable(err)
	}
	n, err := s.DB.CountOne(ctx, "INSERT INTO platform_settings (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE platform_settings.value < ?",
		name, now.Format(form), now.Add(-attemptAge).Format(form))
	if err != nil || n == 0 {
		return err
	}
	days := attemptDays
	if !known {
		days = attemptDaysFirst
	}
	return s.attempts(ctx, Last(days, now))
}

// taken lets a tenant go. What failed leaves the figures as old as they were, and is
// tried again when the hold is over.
func (s *Service) taken(ctx context.Context, d due, at time.Time, people string, failed error) error {
	if failed != nil {
		return failed
	}
	_, err := s.DB.CountOne(ctx, "UPDATE insights SET people = ?, taken_at = ?, held_at = NULL WHERE tenant_id = ? AND held_at = ?", people, at, d.ID, at)
	return err
}

// daysSince lists the days to be counted: from that of the last time on, which was not
// over then, or the first time all that may be there.
func daysSince(last *time.Time, now time.Time, most int) []Day {
	all := Last(most+1, now)
	if last != nil {
		for i, d := range all {
			if d == DayOf(*last) {
				return all[i:]
			}
		}
	}
	return all
}

// keep stores the figures of a day of a tenant.
func (s *Service) keep(ctx context.Context, tenantID string, day Day, of figures) error {
	rows := make([][]any, 0, len(of))
	// In one order: two who write the same rows wait for one another, and not crosswise.
	for _, key := range slices.SortedFunc(maps.Keys(of), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		rows = append(rows, []any{tenantID, string(day), key[0], key[1], of[key]})
	}
	if len(rows) == 0 {
		return nil
	}
	return s.DB.Count(ctx, func(tx *store.Tx) error {
		return tx.InsertAll("INSERT INTO insight_days (tenant_id, day, subject, figure, n)", "ON CONFLICT (tenant_id, day, subject, figure) DO UPDATE SET n = excluded.n", rows)
	})
}

// Forget deletes old figures.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM insight_days WHERE day < ?", string(DayOf(db.Now().AddDate(0, 0, -Kept))))
	return err
}
