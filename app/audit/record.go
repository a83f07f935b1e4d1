package audit

import (
	"context"
	"database/sql"
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
	if err := tx.Later(intoEvents+" VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row...); err != nil {
		return unwritable(err)
	}
	id := row[1].(string)
	if err := e.index(tx, id); err != nil {
		return unwritable(err)
	}
	return unwritable(e.indexWords(tx, id))
}

// RecordAll writes many events in the act tx, several in a statement. They are
// those that Record would write, in their order, with their marks. Under its ticket, and by the
// words that somebody typed, such an act is found by the one event that stands for them all.
func RecordAll(tx *store.Tx, events []Event) error {
	rows, marks := make([][]any, len(events)), [][]any(nil)
	for i, e := range events {
		var err error
		if rows[i], err = e.row(tx); err != nil {
			return err
		}
		marks = append(marks, e.wordRows(tx, rows[i][1].(string), e.marks())...)
	}
	return unwritable(errors.Join(tx.InsertAll(intoEvents, "", rows), tx.InsertAll(intoWords, "", marks)))
}

const intoEvents = `INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id,
	target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt, address)`

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
		e.Target.Kind, e.Target.ID, e.Subject, e.Thread, e.Origin.RequestID, record, string(own), salt, e.Origin.IP,
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
	Ticket    string // that it was done under; or empty
	ActorKind string
	ActorID   string
	Target    Party
	Subject   string // the user whose story it belongs to; or empty
	Thread    string
	Browser   string
	IP        string
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
		if err := ensureMonth(ctx, db.Pool(), from); err != nil && !covered(err) {
			return fmt.Errorf("audit: partition of %s: %w", from.Format("2006-01"), err)
		}
	}
	return nil
}

// ensureMonth makes the partition of a month with its guard against TRUNCATE,
// which no guard of the whole table is asked about. A partition without one was
// made by a replica of the version before.
func ensureMonth(ctx context.Context, pool *sql.DB, from time.Time) error {
	// A CREATE takes no values; all come from the clock alone.
	table := "audit_events_" + from.Format("2006_01")
	var guarded bool
	err := pool.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass($1) AND tgname = 'audit_events_stay_whole')", table).Scan(&guarded)
	if err != nil || guarded {
		return err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to take back
	for _, statement := range []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s PARTITION OF audit_events FOR VALUES FROM ('%s') TO ('%s')",
			table, from.Format(time.DateOnly), from.AddDate(0, 1, 0).Format(time.DateOnly)),
		"CREATE OR REPLACE TRIGGER audit_events_stay_whole BEFORE TRUNCATE ON " + table + " FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay()",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
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
