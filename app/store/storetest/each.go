package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// Clock is a clock that a test sets.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Forward moves the clock on.
func (c *Clock) Forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Both are the databases that we run on.
var Both = []store.Dialect{store.SQLite, store.Postgres}

// Dialects are the databases that everything is tested on: both. Under the race
// detector it is PostgreSQL, which lets acts be truly at once and is not slowed
// down itself, as SQLite is that is written in Go. Who runs everything there as
// well need not do it twice: LATCHKEY_TEST_DATABASES=sqlite leaves PostgreSQL to it.
// Package store tests both in any case, and so does journey, which is not run there.
var Dialects = dialects(os.Getenv(asked), race)

const asked = "LATCHKEY_TEST_DATABASES"

func dialects(asked string, race bool) []store.Dialect {
	switch {
	case race:
		return []store.Dialect{store.Postgres}
	case asked == string(store.SQLite):
		return []store.Dialect{store.SQLite}
	case asked == "":
		return Both
	}
	panic("storetest: LATCHKEY_TEST_DATABASES is " + asked + ": it is sqlite, or not set for both")
}

// Breadth are the databases of a test that walks through all there is of something, one
// after the other: every route, every field. There is nothing at once in it that the race
// detector could see, and it would take five times as long; so it is skipped there, and
// without it runs on both, whatever was asked for.
func Breadth(t *testing.T) []store.Dialect {
	t.Helper()
	if race {
		t.Skip("one thing after the other: nothing for the race detector")
	}
	return Both
}

// Walk is Each for a test of Breadth.
func Walk(t *testing.T, test func(t *testing.T, db *store.DB, clock *Clock)) {
	t.Helper()
	for _, dialect := range Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) { On(t, dialect, test) })
	}
}

// Each runs a test on a SQLite and on a PostgreSQL database of its own, with
// the schema and a clock that stands until it is moved.
func Each(t *testing.T, test func(t *testing.T, db *store.DB, clock *Clock)) {
	t.Helper()
	for _, dialect := range Dialects {
		t.Run(string(dialect), func(t *testing.T) { On(t, dialect, test) })
	}
}

// On is Each on one database, for what only one of them can do.
func On(t *testing.T, dialect store.Dialect, test func(t *testing.T, db *store.DB, clock *Clock)) {
	t.Helper()
	// What waits for a lock for five seconds on a busy machine is not at fault for that.
	db, err := store.Open(t.Context(), Address(t, dialect), slog.New(slog.DiscardHandler), store.Patient(time.Minute))
	if err != nil {
		t.Fatalf("open %s: %v", dialect, err)
	}
	t.Cleanup(func() { _ = db.Close() })
	clock := &Clock{now: db.Now()}
	db.SetClock(clock.Now)
	test(t, db, clock)
}

// Address gives the address of a fresh database of a test, removed at its end. It
// has the schema already.
func Address(t testing.TB, dialect store.Dialect) string {
	t.Helper()
	_ = os.Getenv(asked) // so that Go, which keeps results, knows that they hang on it
	if dialect == store.SQLite {
		whole, err := sqliteWithSchema()
		if err != nil {
			t.Fatalf("template database: %v", err)
		}
		path := filepath.Join(sqliteFolder(t), "latchkey.db")
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cluster, err := Start()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	if err := withSchema(cluster); err != nil {
		t.Fatalf("template database: %v", err)
	}
	dsn, drop, err := cluster.Clone("latchkey")
	if err != nil {
		t.Fatalf("clone: %v", err)
	}
	t.Cleanup(drop)
	return dsn
}

// sqliteFolder is where the database of a test is: beside the clusters, since a test of a
// thousand acts would spend most of its time in waiting for a disk. A benchmark waits for it,
// as the program does.
func sqliteFolder(t testing.TB) string {
	t.Helper()
	if _, measures := t.(*testing.B); measures {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(folder(), "lksqlite-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

var (
	once     sync.Once
	onceFail error
)

// withSchema migrates one database that every test gets a clone of.
func withSchema(c *Cluster) error {
	once.Do(func() { onceFail = c.Template("latchkey", migrate) })
	return onceFail
}

// sqliteWithSchema is the file of a migrated database, that every test gets a copy of.
var sqliteWithSchema = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp(folder(), "lksqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "latchkey.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // whole: who closes last empties the log into it
})

func migrate(address string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, address, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer db.Close() // once more does nothing
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := audit.EnsureMonths(ctx, db); err != nil {
		return err
	}
	return db.Close()
}
