package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Record writes e in the act tx. Its failure fails the act with
// fault.Unavailable: no audit, no act.
func Record(tx *store.Tx, e Event) error {
	row, err := e.row(tx)
	if err != nil {
		return err
	}
	return unwritable(tx.Later(intoEvents+" VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row...))
}

// RecordAll writes many events in the act tx, several in a statement. They are
// those that Record would write, in their order.
func RecordAll(tx *store.Tx, events []Event) error {
	rows := make([][]any, len(events))
	for i, e := range events {
		var err error
		if rows[i], err = e.row(tx); err != nil {
			return err
		}
	}
	return unwritable(tx.InsertAll(intoEvents, "", rows))
}

const intoEvents = `INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id,
	target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt)`

// row is e as it is stored.
func (e Event) row(tx *store.Tx) ([]any, error) {
	if e.Outcome == "" {
		e.Outcome = Success
	}
	id, salt := secret.System.ID(), secret.System.ID()
	record, own, err := e.Canonical(id, salt, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("audit: record: %w", err)
	}
	return []any{
		e.TenantID, id, tx.Now, e.Action, e.Outcome, e.Reason, e.Actor.Kind, e.Actor.ID,
		e.Target.Kind, e.Target.ID, e.Subject, e.Thread, e.Origin.RequestID, record, string(own), salt,
	}, nil
}

func unwritable(err error) error {
	if err == nil {
		return nil
	}
	f := fault.New(fault.Unavailable, "audit.unwritable")
	f.RetryAfter = 5 * time.Second
	return f.Because(err)
}

// Entry is an event as people read it.
type Entry struct {
	ID        string
	At        time.Time
	Action    Action
	Outcome   Outcome
	Reason    string
	ActorKind string
	ActorID   string
	Target    Party
	Browser   string
	IP        string
}

// Story gives up to limit events of one user before a position, newest first.
// A position is an Entry's time and id; the zero one is the beginning.
func Story(ctx context.Context, db *store.DB, tenantID, userID string, before time.Time, beforeID string, limit int) ([]Entry, error) {
	tx := db.View(ctx)
	if before.IsZero() {
		before, beforeID = tx.Now.Add(time.Hour), ""
	}
	var rows []struct {
		ID, Action, Outcome, Reason, ActorKind, ActorID, TargetKind, TargetID, Personal string
		OccurredAt                                                                      time.Time
	}
	err := tx.All(&rows, `SELECT id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, personal
		FROM audit_events WHERE tenant_id = ? AND subject_id = ? AND (occurred_at < ? OR (occurred_at = ? AND id < ?))
		ORDER BY occurred_at DESC, id DESC LIMIT ?`, tenantID, userID, before, before, beforeID, limit)
	if err != nil {
		return nil, store.Unusable(err)
	}
	entries := make([]Entry, len(rows))
	for i, r := range rows {
		var own personal
		if err := json.Unmarshal([]byte(r.Personal), &own); err != nil && r.Personal != "" {
			return nil, fmt.Errorf("audit: personal data of %s: %w", r.ID, err)
		}
		entries[i] = Entry{
			ID: r.ID, At: r.OccurredAt, Action: Action(r.Action), Outcome: Outcome(r.Outcome), Reason: r.Reason,
			ActorKind: r.ActorKind, ActorID: r.ActorID, Target: Party{r.TargetKind, r.TargetID}, Browser: own.Browser, IP: own.IP,
		}
	}
	return entries, nil
}

// EnsureMonths makes the partitions of this month and the next two on
// PostgreSQL, so that no event falls into the net below them.
func EnsureMonths(ctx context.Context, db *store.DB) error {
	if db.Dialect != store.Postgres {
		return nil
	}
	now := db.Now()
	for i := range 3 {
		from := time.Date(now.Year(), now.Month()+time.Month(i), 1, 0, 0, 0, 0, time.UTC)
		// A CREATE takes no values; both come from the clock alone.
		statement := fmt.Sprintf(`CREATE TABLE IF NOT EXISTS audit_events_%s PARTITION OF audit_events FOR VALUES FROM ('%s') TO ('%s')`,
			from.Format("2006_01"), from.Format(time.DateOnly), from.AddDate(0, 1, 0).Format(time.DateOnly))
		if _, err := db.Pool().ExecContext(ctx, statement); err != nil && !covered(err) {
			return fmt.Errorf("audit: partition of %s: %w", from.Format("2006-01"), err)
		}
	}
	return nil
}

// covered says whether a month that could not be made has its place all the
// same: another replica made it in this moment, or, after a clock that was wrong,
// the net holds events of it and takes the others too.
func covered(err error) bool {
	const duplicateTable, uniqueViolation, checkViolation = "42P07", "23505", "23514"
	var failed *pgconn.PgError
	return errors.As(err, &failed) && (failed.Code == duplicateTable || failed.Code == uniqueViolation || failed.Code == checkViolation)
}

// Writable says whether events can be written now, without leaving one.
func Writable(ctx context.Context, db *store.DB) error {
	tried := fault.New(fault.Conflict, "audit.tried")
	err := db.Act(ctx, func(tx *store.Tx) error {
		if err := Record(tx, Event{TenantID: "readiness", Action: "readiness.tried", Actor: Service, Target: Service}); err != nil {
			return err
		}
		// A read sends what Record put off; the end of this act would drop it.
		var sent int
		if _, err := tx.One(&sent, "SELECT 1"); err != nil {
			return err
		}
		return tried
	})
	if errors.Is(err, fault.Conflict) {
		return nil
	}
	return err
}
