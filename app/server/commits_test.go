package server_test

import (
	"context"
	"encoding/binary"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// sheet counts durable commits by what a database is told.
type sheet interface {
	// of does something and gives the commits that waited for the disk for it.
	of(t *testing.T, do func()) []string
}

// of is the sheet of PostgreSQL.
func (s tapSheet) of(_ *testing.T, do func()) []string { return durable(s.tap.of(do)) }

type tapSheet struct{ tap *tap }

// liteSheet is that of SQLite, whose one writer says when it commits, and how.
type liteSheet struct {
	db *store.DB

	mu   sync.Mutex
	told []string
	full bool // how the writer commits now
}

func newLiteSheet(db *store.DB) *liteSheet {
	s := &liteSheet{db: db, full: true}
	db.Watch(func(statement string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, statement)
	})
	return s
}

// of also reads the log of the database: what the writer says is what it did.
func (s *liteSheet) of(t *testing.T, do func()) []string {
	t.Helper()
	// What does not only count waits for the disk, this too, and what comes after it
	// says when it does not.
	if _, err := s.db.Pool().Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.told, s.full = nil, true
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	var commits []string
	all, open, wrote := 0, false, false
	for i, statement := range s.told {
		if i+1 < len(s.told) && !open && strings.HasPrefix(s.told[i+1], "PRAGMA synchronous") && !strings.HasPrefix(statement, "PRAGMA") {
			s.full = s.told[i+1] == "PRAGMA synchronous(FULL)" // which the connection does before a statement without a BEGIN
		}
		switch {
		case statement == "PRAGMA synchronous(FULL)":
			s.full = true
		case statement == "PRAGMA synchronous(NORMAL)":
			s.full = false
		case statement == "BEGIN IMMEDIATE":
			open, wrote = true, false
		case statement == "ROLLBACK":
			open = false
		case statement == "COMMIT" || !open && writes.MatchString(statement):
			if open && !wrote {
				open = false
				continue // SQLite writes nothing then
			}
			open = false
			all++
			if s.full {
				commits = append(commits, statement)
			}
		case writes.MatchString(statement):
			wrote = true
		}
	}
	if kept := framesOf(t, s.db.DSN+"-wal"); kept > all || kept < len(commits) {
		t.Errorf("the log of the database holds %d commits; it was told of %d, of which %d wait for the disk", kept, all, len(commits))
	}
	return commits
}

// framesOf counts the commits in a write-ahead log (sqlite.org/fileformat2.html, §4.1).
func framesOf(t *testing.T, path string) (commits int) {
	t.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) < 32 {
		return 0
	}
	page := int(binary.BigEndian.Uint32(log[8:]))
	salts := log[16:24]
	for frame := log[32:]; len(frame) >= 24+page && slices.Equal(frame[8:16], salts); frame = frame[24+page:] {
		if binary.BigEndian.Uint32(frame[4:]) != 0 { // the size of the database after a commit
			commits++
		}
	}
	return commits
}

// TestASignInIsThreeDurableCommits, from the name to the session (product.md §1),
// the phone being the way that its user takes. Whatever is added to it must fall
// into one of the three acts, or be counted without waiting for the disk.
func TestASignInIsThreeDurableCommits(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			var w *world
			var s sheet
			if dialect == store.Postgres {
				tp, through := openTap(t)
				w, s = quiet(servertest.Quiet(t, dialect, "https://id.example.org", through)), tapSheet{tp}
			} else {
				w = quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
				s = newLiteSheet(w.DB)
			}
			const name = "user1@alder.example"
			ph, _ := w.withPhone(t, name)
			w.browser(t).byPhone(t, ph, name) // now it is the way last used
			// It changes something each time: SQLite writes no page that is as it was.
			fourth := func() { w.act(t, "UPDATE tenants SET name = name || '.'") }

			// The sheet itself: what counts, and what does not.
			for _, row := range []struct {
				claim string
				do    func() error
				want  int
			}{
				{"an act", func() error { fourth(); return nil }, 1},
				{"two acts and a count between them", func() error {
					fourth()
					err := w.DB.Count(t.Context(), func(tx *store.Tx) error { return tx.Exec("UPDATE tenants SET name = name || '.'").Error })
					fourth()
					return err
				}, 2},
				{"a count in one statement", func() error {
					_, err := w.DB.CountOne(t.Context(), "UPDATE tenants SET name = name || '.'")
					return err
				}, 0},
				{"an act that fails", func() error {
					_ = w.DB.Act(t.Context(), func(tx *store.Tx) error {
						_ = tx.Exec("UPDATE tenants SET name = name || '.'")
						return context.Canceled
					})
					return nil
				}, 0},
				{"a look", func() error { return w.DB.Ping(t.Context()) }, 0},
				{"a change past the acts", func() error {
					_, err := w.DB.Pool().ExecContext(t.Context(), "UPDATE tenants SET name = name || '.' WHERE slug = 'alder'")
					return err
				}, 1},
			} {
				if dialect == store.SQLite && row.claim == "a change past the acts" {
					continue // there Pool is not watched
				}
				got := s.of(t, func() {
					if err := row.do(); err != nil {
						t.Fatalf("%s: %v", row.claim, err)
					}
				})
				if len(got) != row.want {
					t.Errorf("%s makes %d durable commits, want %d: %q", row.claim, len(got), row.want, got)
				}
			}

			for _, row := range []struct {
				claim string
				also  func()
				want  int
			}{{"a sign-in", func() {}, 3}, {"a sign-in and one act more", fourth, 4}} {
				b := w.browser(t)
				told := w.DB.DurableCommits() // which is what the bench reads
				commits := map[string]int{}
				step := func(what string, do func()) {
					commits[what] = len(s.of(t, do))
				}
				var attempt, shown string
				var r asked
				step("the name", func() { attempt = b.begin(t, name) })
				step("the number", func() { shown = number(b.get(t, attempt).want(t, http.StatusOK)) })
				step("the request", func() { r = ph.asks(t) })
				step("the answer", func() { ph.answers(t, r, "approve", shown).want(t, http.StatusOK); row.also() })
				step("the news", func() {
					if got := b.state(t, attempt); got != "approved" {
						t.Errorf("the page hears %q", got)
					}
				})
				step("the session", func() { b.post(t, attempt+"/finish").want(t, http.StatusSeeOther) })
				step("a page", func() { b.get(t, "/me").want(t, http.StatusOK) })
				sum := 0
				for _, n := range commits {
					sum += n
				}
				if told = w.DB.DurableCommits() - told; told != int64(sum) {
					t.Errorf("%s makes %d durable commits, and the program says %d", row.claim, sum, told)
				}
				if sum != row.want {
					t.Errorf("%s makes %d durable commits, want %d: %v", row.claim, sum, row.want, commits)
				}
			}
		})
	}
}

// TestNotifyStaysOutsideOfEveryAct: within one it would take a lock of the whole
// database at commit, and end group commit (architecture.md).
func TestNotifyStaysOutsideOfEveryAct(t *testing.T) {
	tp, through := openTap(t)
	w := newWorld(t, servertest.Start(t, store.Postgres, through), &atomic.Int64{})
	const name = "user1@alder.example"

	// The tap tells one that does not.
	inside := func(tx *store.Tx) error { return tx.Exec("SELECT pg_notify('elsewhere', 'x')").Error }
	for claim, do := range map[string]func() error{
		"in an act": func() error { return w.DB.Act(t.Context(), inside) },
		"put off in an act": func() error {
			return w.DB.Act(t.Context(), func(tx *store.Tx) error { return tx.Later("SELECT pg_notify('elsewhere', 'x')") })
		},
		"together with a change": func() error {
			return w.DB.CountAndRead(t.Context(), func(tx *store.Tx) error {
				if err := tx.Later("DELETE FROM platform_settings WHERE name = 'nobody'"); err != nil {
					return err
				}
				return inside(tx)
			})
		},
	} {
		var err error
		said := tp.of(func() { err = do() })
		if _, found := notes(said); err != nil || len(found) != 1 {
			t.Errorf("a NOTIFY %s is not seen: %v, %v", claim, found, err)
		}
	}

	from := tp.mark()
	s := w.scene(t, name)
	page, listening := s.b.watch(t, s.attempt), s.ph.listen(t)
	page.says(t, "state pending")
	listening.says(t, "request "+s.ph.asks(t).ID)
	answered := tp.mark()
	s.ph.approves(t, s.b, s.attempt)
	page.says(t, "state approved", "(ended)")
	s.b.post(t, s.attempt+"/finish").want(t, http.StatusSeeOther)
	until(t, "the hint of the answer", func() bool {
		alone, _ := notes(tp.since(answered))
		return len(alone) > 0
	})
	alone, found := notes(tp.since(from))
	if len(found) > 0 {
		t.Errorf("NOTIFY in a transaction with something else: %q", found)
	}
	t.Logf("%d statements, of which %d are a NOTIFY alone", len(tp.since(from)), len(alone))
}
