package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is the one NOTIFY channel; its payload is a list of keys to ring.
const channel = "latchkey"

// Listen calls heard for every notification until ctx ends, on a connection of
// its own, connecting again when it is lost. After each new connection it calls
// heard with "", because something may have been missed. On SQLite there is
// nobody else, and it waits for the end.
func (db *DB) Listen(ctx context.Context, heard func(payload string)) {
	if db.Dialect == SQLite {
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		if err := db.listenOnce(ctx, heard); err != nil && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (db *DB) listenOnce(ctx context.Context, heard func(string)) error {
	conn, err := pgx.Connect(ctx, db.DSN)
	if err != nil {
		return fmt.Errorf("store: listen: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("store: listen: %w", err)
	}
	heard("")
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("store: listen: %w", err)
		}
		heard(n.Payload)
	}
}

// Notify sends payload to every replica, this one too, as a statement of its
// own: inside an act it would take a lock of the whole database at commit.
func (db *DB) Notify(ctx context.Context, payload string) error {
	if db.Dialect == SQLite {
		return nil
	}
	_, err := db.closers[1].ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, payload)
	return unavailable(err)
}

// Bare makes one durable commit of one row through the driver alone, without
// gorm: what every act is measured against. The table bench_commits must exist.
func (db *DB) Bare(ctx context.Context, id string) error {
	leave, err := db.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	statement := "INSERT INTO bench_commits (id, body) VALUES ($1, $2)"
	_, err = db.Pool().ExecContext(ctx, statement, id, "a row of about the size of an attempt, so that the log grows alike, and no more than that")
	return unavailable(err)
}
