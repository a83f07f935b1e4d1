package store_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/migrations"
)

func TestMigrationsUpDownAndUpAgain(t *testing.T) {
	storetest.Walk(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		ctx := t.Context()
		provider := steps(t, db)
		if err := db.Migrate(ctx); err != nil {
			t.Fatalf("the second Migrate = %v", err)
		}
		if current, err := db.Current(ctx); err != nil || !current {
			t.Fatalf("Current = %t, %v", current, err)
		}
		if _, err := provider.DownTo(ctx, 0); err != nil {
			t.Fatalf("down: %v", err)
		}
		if left := tables(t, db); len(left) > 0 {
			t.Errorf("down leaves %v", left)
		}
		if current, err := db.Current(ctx); err != nil || current {
			t.Errorf("Current of an empty database = %t, %v", current, err)
		}
		if err := db.Migrate(ctx); err != nil {
			t.Fatalf("up again: %v", err)
		}
		if err := db.Act(ctx, func(tx *store.Tx) error { return tx.Exec(setting, "a", "1").Error }); err != nil {
			t.Errorf("an act after down and up = %v", err)
		}
	})
}

// steps gives the migrations one by one.
func steps(t *testing.T, db *store.DB) *goose.Provider {
	t.Helper()
	files, err := fs.Sub(migrations.Files, string(db.Dialect))
	if err != nil {
		t.Fatal(err)
	}
	dialect := goose.DialectSQLite3
	if db.Dialect == store.Postgres {
		dialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(dialect, db.Pool(), files)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// tables lists what is in the database, goose's own table left out.
func tables(t *testing.T, db *store.DB) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger')"
	if db.Dialect == store.Postgres {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
			UNION ALL SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = current_schema()`
	}
	var names, left []string
	if err := db.View(t.Context()).All(&names, query); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name != "goose_db_version" && !strings.HasPrefix(name, "sqlite_") {
			left = append(left, name)
		}
	}
	return left
}

func TestSeveralStartersMigrateOnce(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			address := storetest.Address(t, dialect)
			first := open(t, address)
			starters := 1 // SQLite belongs to one process
			if dialect == store.Postgres {
				starters = 4
				for _, statement := range []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"} {
					if _, err := first.Pool().ExecContext(t.Context(), statement); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				address = filepath.Join(t.TempDir(), "empty.db")
				first = open(t, address)
			}
			errs := make(chan error, starters)
			for range starters {
				db := open(t, address)
				go func() { errs <- db.Migrate(t.Context()) }()
			}
			for range starters {
				if err := <-errs; err != nil {
					t.Errorf("Migrate = %v", err)
				}
			}
			if current, err := first.Current(t.Context()); err != nil || !current {
				t.Errorf("Current = %t, %v", current, err)
			}
			if got := count(t, first, "SELECT count(*) FROM goose_db_version WHERE version_id = 1"); got != 1 {
				t.Errorf("step 1 was taken %d times", got)
			}
		})
	}
}

func TestASchemaThatIsNewerIsLeftAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		_, err := db.CountOne(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, ?)", 9999, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Errorf("Migrate beside a newer replica = %v", err)
		}
		if current, err := db.Current(t.Context()); err != nil || !current {
			t.Errorf("Current beside a newer replica = %t, %v", current, err)
		}
	})
}
