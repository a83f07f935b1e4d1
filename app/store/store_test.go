package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Dialects = storetest.Both
	os.Exit(storetest.Main(m))
}

const setting = "INSERT INTO platform_settings (name, value) VALUES (?, ?)"

func count(t *testing.T, db *store.DB, query string, values ...any) int {
	t.Helper()
	var n int
	if _, err := db.View(t.Context()).One(&n, query, values...); err != nil {
		t.Fatal(err)
	}
	return n
}

func settings(t *testing.T, db *store.DB) int {
	t.Helper()
	return count(t, db, "SELECT count(*) FROM platform_settings")
}

func TestAnActHappensWholeOrNotAtAll(t *testing.T) {
	refusal := fault.New(fault.Refused, "signin.refused")
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		for _, row := range []struct {
			claim string
			do    func(tx *store.Tx) error
			want  error // nil: it happens
		}{
			{"two changes", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, tx.Exec(setting, "b", "2").Error)
			}, nil},
			{"two changes, put off", func(tx *store.Tx) error {
				return errors.Join(tx.Later(setting, "a", "1"), tx.Later(setting, "b", "2"))
			}, nil},
			{"a refusal after a change", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, refusal)
			}, fault.Refused},
			{"a refusal after a change that was put off", func(tx *store.Tx) error {
				return errors.Join(tx.Later(setting, "a", "1"), refusal)
			}, fault.Refused},
			{"an error without a kind", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, errors.New("a cable is out"))
			}, fault.Unavailable},
			{"a statement that fails last", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, tx.Exec("INSERT INTO nowhere VALUES (1)").Error)
			}, fault.Unavailable},
			{"a statement put off that fails", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, tx.Later("INSERT INTO nowhere VALUES (1)"))
			}, fault.Unavailable},
			{"a row that stands already", func(tx *store.Tx) error {
				if err := tx.Exec(setting, "a", "1").Error; err != nil {
					return err
				}
				return tx.Exec(setting, "a", "2").Error
			}, store.ErrDuplicate},
			{"a row that stands already, put off", func(tx *store.Tx) error {
				return errors.Join(tx.Exec(setting, "a", "1").Error, tx.Later(setting, "a", "2"))
			}, store.ErrDuplicate},
			{"a row that stands already, found by a query that returns", func(tx *store.Tx) error {
				var name string
				if _, err := tx.One(&name, setting+" RETURNING name", "a", "1"); err != nil {
					return err
				}
				_, err := tx.One(&name, setting+" RETURNING name", "a", "2")
				return err
			}, store.ErrDuplicate},
			{"a row that stands already, put off until a query", func(tx *store.Tx) error {
				var names []string
				if err := errors.Join(tx.Later(setting, "a", "1"), tx.Later(setting, "a", "2")); err != nil {
					return err
				}
				return tx.All(&names, "SELECT name FROM platform_settings")
			}, store.ErrDuplicate},
			{"nothing changed where something had to", func(tx *store.Tx) error {
				if err := tx.Exec(setting, "a", "1").Error; err != nil {
					return err
				}
				return tx.Change(refusal, "UPDATE platform_settings SET value = ? WHERE name = ?", "2", "b")
			}, fault.Refused},
		} {
			t.Run(row.claim, func(t *testing.T) {
				if _, err := db.CountOne(t.Context(), "DELETE FROM platform_settings"); err != nil {
					t.Fatal(err)
				}
				rung := 0
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					tx.After(func() { rung++ })
					return row.do(tx)
				})
				if !errors.Is(err, row.want) {
					t.Fatalf("Act = %v, want %v", err, row.want)
				}
				wantRows, wantRung := 0, 0
				if row.want == nil {
					wantRows, wantRung = 2, 1
				}
				if got := settings(t, db); got != wantRows {
					t.Errorf("%d rows stand, want %d", got, wantRows)
				}
				if rung != wantRung {
					t.Errorf("what follows ran %d times, want %d", rung, wantRung)
				}
				if err := db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(setting, "next", "1").Error }); err != nil {
					t.Errorf("the next act = %v", err)
				}
			})
		}
	})
}

// TestAnErrorThatIsPassedOverIsNoCommit: PostgreSQL answers COMMIT with ROLLBACK
// after a statement that failed. Nobody may take that for done.
// TestManyRowsByTheirColumns are all there, each as it was given, and found again among others.
func TestManyRowsByTheirColumns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		for _, many := range []int{0, 1, 127, 300, 12_345} {
			var names, values []string
			for i := range many {
				names, values = append(names, fmt.Sprint(many, " ", i)), append(values, fmt.Sprint("{\"a,", i))
			}
			err := db.Act(t.Context(), func(tx *store.Tx) error {
				return tx.InsertColumns("INSERT INTO platform_settings (name, value)", store.Of[string]{Type: "text", Values: names}, store.Of[string]{Type: "text", Values: values})
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < many; i += 97 {
				if n := count(t, db, "SELECT count(*) FROM platform_settings WHERE name = ? AND value = ?", names[i], values[i]); n != 1 {
					t.Errorf("of %d the row %d is there %d times", many, i, n)
				}
			}
			among, value := db.View(t.Context()).Among("name", append(names[:min(many, 200)], "none"))
			if n := count(t, db, "SELECT count(*) FROM platform_settings WHERE "+among, value); n != min(many, 200) {
				t.Errorf("of %d, %d are found", many, n)
			}
			if n := count(t, db, "SELECT count(*) FROM platform_settings WHERE name LIKE ?", fmt.Sprint(many, " %")); n != many {
				t.Errorf("of %d, %d are there", many, n)
			}
		}
		// One that stands already fails all.
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			return tx.InsertColumns("INSERT INTO platform_settings (name, value)", store.Of[string]{Type: "text", Values: []string{"new", "1 0"}}, store.Of[string]{Type: "text", Values: []string{"", ""}})
		})
		if !errors.Is(err, store.ErrDuplicate) || count(t, db, "SELECT count(*) FROM platform_settings WHERE name = 'new'") != 0 {
			t.Errorf("it is %v", err)
		}
	})
}

func TestAnErrorThatIsPassedOverIsNoCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			if err := tx.Exec(setting, "a", "1").Error; err != nil {
				return err
			}
			_ = tx.Exec("INSERT INTO nowhere VALUES (1)")
			return nil
		})
		if stands := settings(t, db); (err == nil) != (stands == 1) {
			t.Errorf("Act = %v, and %d rows stand", err, stands)
		}
	})
}

func TestAPanicInAnActLeavesTheDatabaseUsable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		for _, run := range []func(context.Context, func(*store.Tx) error) error{db.Act, db.Count} {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				_ = run(t.Context(), func(tx *store.Tx) error {
					_ = tx.Exec(setting, "a", "1")
					panic("a defect")
				})
			}()
			soon, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := db.Act(soon, func(tx *store.Tx) error { return tx.Exec("DELETE FROM platform_settings WHERE name = 'b'").Error }); err != nil {
				t.Errorf("the next act = %v", err)
			}
			cancel()
		}
		if got := settings(t, db); got != 0 {
			t.Errorf("%d rows stand after panics, want none", got)
		}
	})
}

func TestWhatIsCountedStandsThoughItsActFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		ctx := t.Context()
		err := db.Count(ctx, func(tx *store.Tx) error { return tx.Exec(setting, "tries", "1").Error })
		if err != nil {
			t.Fatal(err)
		}
		for want := range 2 {
			changed, err := db.CountOne(ctx, "UPDATE platform_settings SET value = ? WHERE name = 'tries' AND value = ?", "2", "1")
			if err != nil || changed != int64(1-want) {
				t.Errorf("CountOne, call %d = %d, %v; want %d", want+1, changed, err, 1-want)
			}
		}
		if err := db.Act(ctx, func(*store.Tx) error { return fault.New(fault.Refused, "signin.refused") }); err == nil {
			t.Fatal("the act did not fail")
		}
		if got := count(t, db, "SELECT count(*) FROM platform_settings WHERE value = '2'"); got != 1 {
			t.Errorf("%d counts stand, want 1", got)
		}
	})
}

// TestAnActThatMetAnotherRunsAgain: of two that make the same row at once, the
// second sees the first when it runs again.
func TestAnActThatMetAnotherRunsAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					var value string
					there, err := tx.One(&value, "SELECT value FROM platform_settings WHERE name = 'first'")
					if err != nil || there {
						return err
					}
					if err := tx.Later(setting, "first", "1"); err != nil {
						return err
					}
					_, err = tx.One(&value, "SELECT value FROM platform_settings WHERE name = 'first'")
					return err
				})
				if err != nil {
					t.Errorf("Act = %v", err)
				}
			})
		}
		all.Wait()
		if got := settings(t, db); got != 1 {
			t.Errorf("%d rows stand, want 1", got)
		}
	})
}

// TestActsThatMeetSeveralOthersRunAsOften: four take the next number at once, and each
// gets one.
func TestActsThatMeetSeveralOthersRunAsOften(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		const rounds, atOnce = 10, 4
		for range rounds {
			var all sync.WaitGroup
			begun := make(chan struct{})
			for range atOnce {
				all.Go(func() {
					<-begun
					err := db.Act(t.Context(), func(tx *store.Tx) error {
						var n int
						if _, err := tx.One(&n, "SELECT count(*) FROM platform_settings WHERE name LIKE 'number %'"); err != nil {
							return err
						}
						return tx.Exec(setting, fmt.Sprintf("number %d", n), "1").Error
					})
					if err != nil {
						t.Errorf("Act = %v", err)
					}
				})
			}
			close(begun)
			all.Wait()
		}
		if got := settings(t, db); got != rounds*atOnce {
			t.Errorf("%d rows stand, want %d", got, rounds*atOnce)
		}
	})
}

// SQLite has one writer: nobody waits in a circle there.
func TestActsThatWaitForEachOtherBothHappen(t *testing.T) {
	storetest.On(t, store.Postgres, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		for _, name := range []string{"a", "b"} {
			if err := db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(setting, name, "").Error }); err != nil {
				t.Fatal(err)
			}
		}
		add := func(tx *store.Tx, name, what string) error {
			return tx.Exec("UPDATE platform_settings SET value = value || ? WHERE name = ?", what, name).Error
		}
		var both, runs sync.WaitGroup
		var begun atomic.Int32
		both.Add(2)
		for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			runs.Go(func() {
				first := true
				err := db.Act(t.Context(), func(tx *store.Tx) error {
					begun.Add(1)
					if err := add(tx, order[0], "+"); err != nil {
						return err
					}
					if first {
						first = false
						both.Done()
						both.Wait() // each holds its first row now
					}
					return add(tx, order[1], "+")
				})
				if err != nil {
					t.Errorf("Act = %v", err)
				}
			})
		}
		runs.Wait()
		if n := count(t, db, "SELECT count(*) FROM platform_settings WHERE name IN ('a', 'b') AND value = '++'"); n != 2 {
			t.Errorf("%d rows have what both added, want 2", n)
		}
		if n := begun.Load(); n < 3 { // or more often: on a busy machine they meet twice
			t.Errorf("the two acts ran %d times, want 3 at least: one of them again", n)
		}
	})
}

func TestAHundredActsAtOnceLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if _, err := db.CountOne(t.Context(), setting, "sum", "0"); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				add := func(tx *store.Tx) error {
					return tx.Change(errors.New("no row"), "UPDATE platform_settings SET value = CAST(CAST(value AS integer) + 1 AS text) WHERE name = 'sum'")
				}
				run := db.Act
				if i%2 == 0 {
					run = db.Count
				}
				if err := run(t.Context(), add); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := count(t, db, "SELECT CAST(value AS integer) FROM platform_settings WHERE name = 'sum'"); got != 100 {
			t.Errorf("the sum is %d, want 100", got)
		}
	})
}

func TestTimeOfAnActStandsAndIsKeptWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		clock.Forward(time.Hour + 123456789*time.Nanosecond)
		var first, second time.Time
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			first = tx.Now
			clock.Forward(time.Minute)
			second = tx.Now
			return tx.Exec("INSERT INTO setup_links (token_digest, created_at) VALUES (?,?)", "link", tx.Now).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if first != second || first.Location() != time.UTC || first.Nanosecond()%1000 != 0 {
			t.Errorf("the time of the act is %v, then %v; want one, in UTC and whole microseconds", first, second)
		}
		var kept time.Time
		if _, err := db.View(t.Context()).One(&kept, "SELECT created_at FROM setup_links"); err != nil || !kept.Equal(first) {
			t.Errorf("the database keeps %v, %v; want %v", kept, err, first)
		}
		for _, row := range []struct {
			claim string
			at    time.Time
			want  int
		}{
			{"a microsecond before", first.Add(-time.Microsecond), 0},
			{"the very moment", first, 0},
			{"a microsecond after", first.Add(time.Microsecond), 1},
			{"the next second, without a fraction", first.Truncate(time.Second).Add(time.Second), 1},
			{"a day after", first.Add(24 * time.Hour), 1},
		} {
			if got := count(t, db, "SELECT count(*) FROM setup_links WHERE created_at < ?", row.at); got != row.want {
				t.Errorf("%s: %d rows are older, want %d", row.claim, got, row.want)
			}
		}
	})
}

func TestTheClockIsTheDatabases(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			db := open(t, storetest.Address(t, dialect))
			var off time.Duration
			for range 5 { // a busy machine may stop for a second between two looks at a clock
				if err := db.SyncClock(t.Context()); err != nil {
					t.Fatal(err)
				}
				if off = time.Since(db.Now()).Abs(); off <= time.Second {
					return
				}
			}
			t.Errorf("the clock is off by %v", off)
		})
	}
}

func TestADatabaseThatIsGoneIsUnavailable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatalf("Ping = %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		_, counted := db.CountOne(t.Context(), setting, "a", "1")
		for name, err := range map[string]error{
			"Ping":     db.Ping(t.Context()),
			"Act":      db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(setting, "a", "1").Error }),
			"CountOne": counted,
		} {
			if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
				t.Errorf("%s = %v, want fault.Unavailable with a time to try again", name, err)
			}
		}
	})
}

func TestAReaderCannotWrite(t *testing.T) {
	db := open(t, storetest.Address(t, store.SQLite))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.View(t.Context()).Exec(setting, "a", "1").Error; err == nil {
		t.Error("a view of SQLite wrote a row")
	}
}

func open(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestAddressesOfDatabases(t *testing.T) {
	for address, want := range map[string]bool{
		"postgres://u@h/d": true, "postgresql://h/d": true, "host=/run dbname=d": true,
		"data/latchkey.db": false, "/var/lib/latchkey/latchkey.db": false, "postgres.db": false,
	} {
		if got := store.IsPostgres(address); got != want {
			t.Errorf("IsPostgres(%q) = %t, want %t", address, got, want)
		}
	}
	if _, err := store.Open(t.Context(), "postgres://%zz", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an address that is none was opened")
	}
	path := filepath.Join(t.TempDir(), "a new folder", "latchkey.db")
	if err := open(t, path).Ping(t.Context()); err != nil {
		t.Errorf("Ping of a SQLite file in a new folder = %v", err)
	}
}

func TestHintsReachOtherReplicas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		if db.Dialect == store.SQLite {
			if err := db.Notify(t.Context(), "nobody listens"); err != nil {
				t.Errorf("Notify = %v", err)
			}
			return
		}
		ctx, stop := context.WithCancel(t.Context())
		heard, ended := make(chan string, 10), make(chan struct{})
		go func() {
			db.Listen(ctx, func(payload string) { heard <- payload })
			close(ended)
		}()
		if got := <-heard; got != "" {
			t.Fatalf("first heard %q, want the sign that something may have been missed", got)
		}
		if err := db.Notify(t.Context(), "key\nkey"); err != nil {
			t.Fatal(err)
		}
		if got := <-heard; got != "key\nkey" {
			t.Errorf("heard %q", got)
		}
		// The connection is cut; the listener comes back and says so.
		var cut sql.NullBool
		if err := db.Pool().QueryRowContext(t.Context(), `SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND query = 'LISTEN latchkey'`).Scan(&cut); err != nil || !cut.Bool {
			t.Fatalf("nobody was cut off: %v, %v", cut, err)
		}
		if got := <-heard; got != "" {
			t.Errorf("after the cut heard %q, want the sign that something may have been missed", got)
		}
		stop()
		<-ended
	})
}
