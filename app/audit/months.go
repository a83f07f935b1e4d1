package audit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/app/store"
)

var monthTable = regexp.MustCompile(`^audit_events_(\d{4}_\d{2})$`)

// DropEmptyMonths drops, on PostgreSQL, the partitions of months that were over at a moment
// and in which no tenant has an event any more. Whoever writes waits for it, so it waits for
// nobody longer than a second: it is tried again another time.
func DropEmptyMonths(ctx context.Context, db *store.DB, before time.Time) error {
	if db.Dialect != store.Postgres {
		return nil
	}
	rows, err := db.Pool().QueryContext(ctx, "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_events'::regclass")
	if err != nil {
		return store.Unusable(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return store.Unusable(err)
		}
		name := monthTable.FindStringSubmatch(table)
		if name == nil {
			continue
		}
		if month, err := time.Parse("2006_01", name[1]); err == nil && !month.AddDate(0, 1, 0).After(before) {
			tables = append(tables, table)
		}
	}
	if err := rows.Err(); err != nil {
		return store.Unusable(err)
	}
	for _, table := range tables {
		if err := dropEmpty(ctx, db, table); err != nil && !anotherTime(err) {
			return fmt.Errorf("audit: partition %s: %w", table, err)
		}
	}
	return nil
}

// anotherTime says whether a partition that was not dropped is gone already, by another
// replica, or somebody was at it for longer than it is waited.
func anotherTime(err error) bool {
	const undefinedTable, lockNotAvailable = "42P01", "55P03"
	var failed *pgconn.PgError
	return errors.As(err, &failed) && (failed.Code == undefinedTable || failed.Code == lockNotAvailable)
}

// dropEmpty drops a partition unless it has an event, which it asks twice: before it locks
// anybody out, and then.
func dropEmpty(ctx context.Context, db *store.DB, table string) error {
	var filled bool
	there := "SELECT EXISTS (SELECT 1 FROM " + table + ")"
	if err := db.Pool().QueryRowContext(ctx, there).Scan(&filled); err != nil || filled {
		return err
	}
	tx, err := db.Pool().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing to take back
	for _, statement := range []string{"SET LOCAL lock_timeout = '1s'", "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, there).Scan(&filled); err != nil || filled {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
		return err
	}
	return tx.Commit()
}
