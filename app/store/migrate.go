package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"latchkey/migrations"
)

// Migrate brings the schema up to date. It is safe to run twice, and several
// starters on one PostgreSQL wait for one another. A schema newer than this
// program is left alone: a replica of the version before goes on working.
func (db *DB) Migrate(ctx context.Context) error {
	provider, err := db.provider()
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// Current says whether the schema has every step that this program knows.
func (db *DB) Current(ctx context.Context) (bool, error) {
	provider, err := db.provider()
	if err != nil {
		return false, err
	}
	pending, err := provider.HasPending(ctx)
	return !pending, unavailable(err)
}

func (db *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations.Files, string(db.Dialect))
	if err != nil {
		return nil, err
	}
	if db.Dialect == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, db.Pool(), files)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db.Pool(), files, goose.WithSessionLocker(locker))
}
