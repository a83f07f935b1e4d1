package checkpoint_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestADatabaseOfAServerThatWasPutBack is TestADatabaseThatWasPutBack on PostgreSQL: a backup
// takes the place of the database, under the same name and on the same server, whose numbers
// of transactions have gone on meanwhile.
func TestADatabaseOfAServerThatWasPutBack(t *testing.T) {
	storetest.On(t, store.Postgres, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		config, err := pgx.ParseConfig(db.DSN)
		if err != nil {
			t.Fatal(err)
		}
		cluster, err := storetest.Start()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), cluster.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		run := func(statement string) {
			t.Helper()
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		// Nobody may be connected to a database that is copied: the program is stopped for it.
		between := func(db *store.DB, statements ...string) *store.DB {
			t.Helper()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			for _, statement := range statements {
				run(statement)
			}
			next, err := store.Open(t.Context(), db.DSN, slog.New(slog.DiscardHandler), store.Patient(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = next.Close() })
			next.SetClock(clock.Now)
			return next
		}
		live := pgx.Identifier{config.Database}.Sanitize()
		old := pgx.Identifier{config.Database + "_old"}.Sanitize()
		defer run("DROP DATABASE IF EXISTS " + old)

		path := filepath.Join(t.TempDir(), "witness")
		witness := func() *checkpoint.File { return &checkpoint.File{Path: path, Host: "here"} }
		write(t, db, clock, "alder", 50, 5)
		round(t, service(t, db, witness()))
		db = between(db, "CREATE DATABASE "+old+" TEMPLATE "+live)
		s := service(t, db, witness())
		clock.Forward(2 * time.Minute)
		write(t, db, clock, "alder", 40, 5)
		round(t, s)
		if err := s.Tell(t.Context(), s.Witnesses[0]); err != nil {
			t.Fatal(err)
		}
		if r := verdict(t, s, lines(t, witness())); !r.Whole() || r.Size != 90 {
			t.Fatalf("before it is put back it is %+v", r)
		}
		back := between(db, "DROP DATABASE "+live, "ALTER DATABASE "+old+" RENAME TO "+live)

		file := witness()
		restored := service(t, back, file)
		if r := verdict(t, restored, nil); !r.Whole() || r.Size != 50 {
			t.Errorf("by itself it is %+v", r)
		}
		if r := verdict(t, restored, lines(t, file)); r.Whole() || r.First().What != checkpoint.Cut || r.First().From != 50 || r.First().To != 89 {
			t.Errorf("beside the witness it is %+v", r.Findings)
		}
		// Acts go on and are sealed, and nothing is signed: neither while the tree is shorter
		// than the one that was signed, nor when it has outgrown it.
		for _, n := range []int{20, 50} {
			write(t, back, clock, "alder", n, 5)
			clock.Forward(2 * time.Minute)
			if err := restored.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "older than its witness") {
				t.Errorf("Round = %v", err)
			}
			if err := restored.SignNow(t.Context(), "alder"); err == nil || !strings.Contains(err.Error(), "older than its witness") {
				t.Errorf("SignNow = %v", err)
			}
		}
		if size, signed := count(t, back, "SELECT size FROM audit_trees WHERE tenant_id = 'alder'"), count(t, back, "SELECT count(*) FROM audit_checkpoints"); size != 120 || signed != 1 {
			t.Errorf("%d events are sealed under %d checkpoints, want 120 under 1", size, signed)
		}
		if r := verdict(t, restored, lines(t, file)); r.Whole() || r.First().What != checkpoint.Forked || r.First().From != 50 || r.First().To != 89 {
			t.Errorf("grown again, beside the witness it is %+v", r.Findings)
		}
		if err := restored.Tell(t.Context(), file); err == nil {
			t.Error("the witness follows")
		}
		if h, err := checkpoint.Look(t.Context(), back); err != nil || len(h.Witnesses) != 1 || h.Witnesses[0].Fault == "" || !h.Late(clock.Now()) {
			t.Errorf("the health is %+v, %v", h, err)
		}
		// A replica that lived through it needs no witness: it remembers the head that it signed.
		s.DB = back
		err = s.SignNow(t.Context(), "alder")
		if got := count(t, back, "SELECT count(*) FROM audit_checkpoints WHERE tenant_id = 'alder'"); got != 1 {
			t.Errorf("a replica that lived through it has signed %d more heads, %v", got-1, err)
		}
		// Whoever runs it has looked, and moved the file away.
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		clock.Forward(2 * time.Minute)
		again := service(t, back, witness())
		round(t, again)
		if err := again.Tell(t.Context(), again.Witnesses[0]); err != nil {
			t.Fatal(err)
		}
		if r := verdict(t, again, lines(t, witness())); !r.Whole() || r.Size != 120 {
			t.Errorf("afterwards it is %+v", r)
		}
	})
}
