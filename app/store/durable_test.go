package store_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestAnActWaitsForTheDiskAndACountDoesNot, by what the database itself says inside
// of each. The cluster of the tests waits for no disk at all; this database is told to.
func TestAnActWaitsForTheDiskAndACountDoesNot(t *testing.T) {
	for dialect, c := range map[store.Dialect]struct{ pace, waits, swift string }{
		store.Postgres: {"current_setting('synchronous_commit')", "on", "off"},
		store.SQLite:   {"(SELECT synchronous FROM pragma_synchronous)", "2", "1"}, // FULL and NORMAL
	} {
		t.Run(string(dialect), func(t *testing.T) {
			address := storetest.Address(t, dialect)
			if dialect == store.Postgres {
				waitForTheDisk(t, address)
			}
			db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			keep := "INSERT INTO platform_settings (name, value) SELECT ?, " + c.pace
			ways := map[string]func(name string) error{
				"an act": func(name string) error {
					return db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(keep, name).Error })
				},
				"a count": func(name string) error {
					return db.Count(t.Context(), func(tx *store.Tx) error { return tx.Exec(keep, name).Error })
				},
				"a count and a read": func(name string) error {
					return db.CountAndRead(t.Context(), func(tx *store.Tx) error { return tx.Later(keep, name) })
				},
				"a single count": func(name string) error {
					_, err := db.CountOne(t.Context(), keep, name)
					return err
				},
			}
			// In turn, since on SQLite it is one connection that does both.
			for _, way := range []string{"an act", "a count", "an act", "a single count", "a count and a read", "an act", "an act", "a count", "a count"} {
				if _, err := db.CountOne(t.Context(), "DELETE FROM platform_settings"); err != nil {
					t.Fatal(err)
				}
				if err := ways[way](way); err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				var got []string
				if err := db.View(t.Context()).All(&got, "SELECT value FROM platform_settings"); err != nil {
					t.Fatal(err)
				}
				want := c.swift
				if way == "an act" {
					want = c.waits
				}
				if !slices.Equal(got, []string{want}) {
					t.Errorf("%s is committed with %v, want %s", way, got, want)
				}
			}
		})
	}
}

// waitForTheDisk sets that commits wait for the disk in a database where nobody
// says otherwise.
func waitForTheDisk(t *testing.T, address string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{conn.Config().Database}.Sanitize()+" SET synchronous_commit = on"); err != nil {
		t.Fatal(err)
	}
}
