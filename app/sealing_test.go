package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/secret"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// sealed is a house whose audit is sealed by processes, while acts go on in it.
type sealed struct {
	db          *store.DB
	seals       *checkpoint.Service
	witness     string
	environment []string
	acts        atomic.Int64 // that were answered
	stop        func()       // ends the acts
}

// sealedAt brings a database up to date and begins with acts of two tenants, four at once.
func sealedAt(t *testing.T, address string) *sealed {
	t.Helper()
	master, folder := []byte("a master key that only tests have"), t.TempDir()
	db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	must(t, db.Migrate(t.Context()), audit.EnsureMonths(t.Context(), db))
	keys, err := secret.NewKeys(master)
	must(t, err)
	s := &sealed{db: db, witness: filepath.Join(folder, "witness")}
	s.seals = &checkpoint.Service{DB: db, Keys: keys, Log: slog.New(slog.DiscardHandler)}
	s.environment = []string{
		"LATCHKEY_LISTEN=" + servertest.FreeAddress(t), "LATCHKEY_DATA=" + folder, "LATCHKEY_DATABASE_URL=" + address,
		"LATCHKEY_MASTER_KEY=" + hex.EncodeToString(master), "LATCHKEY_AUDIT_WITNESS=" + s.witness,
	}
	ctx, cancel := context.WithCancel(context.Background())
	var acting sync.WaitGroup
	for i := range 4 {
		acting.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := db.Act(ctx, func(tx *store.Tx) error {
					for range 5 {
						e := audit.Event{TenantID: fmt.Sprint("tenant-", i%2), Action: audit.SignInBegun, Actor: audit.Service, Target: audit.User("user-1"), Reason: fmt.Sprint(i, " ", n)}
						if err := audit.Record(tx, e); err != nil {
							return err
						}
					}
					return nil
				})
				if err == nil {
					s.acts.Add(1)
				}
				time.Sleep(time.Duration(20+rand.IntN(40)) * time.Millisecond)
			}
		})
	}
	s.stop = sync.OnceFunc(func() {
		cancel()
		acting.Wait()
	})
	t.Cleanup(s.stop)
	return s
}

func (s *sealed) count(t *testing.T, query string) (n int64) {
	t.Helper()
	if _, err := s.db.View(t.Context()).One(&n, query); err != nil {
		t.Fatal(err)
	}
	return n
}

// whole ends the acts, waits until the process that runs has sealed what there is, and
// goes through all of it.
func (s *sealed) whole(t *testing.T) {
	t.Helper()
	s.stop()
	const left = "SELECT (SELECT count(*) FROM audit_events) - (SELECT count(*) FROM audit_leaves)"
	for end := time.Now().Add(3 * time.Minute); s.count(t, left) != 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if n := s.count(t, left); n != 0 {
		t.Errorf("%d events are in no tree, three minutes after the last one", n)
	}
	if n := s.count(t, "SELECT count(*) FROM (SELECT 1 FROM audit_checkpoints GROUP BY tenant_id, size HAVING count(*) > 1) twice"); n != 0 {
		t.Errorf("%d heads are signed twice", n)
	}
	for _, tenantID := range []string{"tenant-0", "tenant-1"} {
		must(t, s.seals.SignNow(t.Context(), tenantID))
	}
	witnessed := s.witnessed(t)
	if len(witnessed) == 0 {
		t.Error("the witness has seen nothing")
	}
	sum := int64(0)
	must(t, s.seals.Verify(t.Context(), "", witnessed, func(r checkpoint.Result) {
		sum += r.Size
		if !r.Whole() || r.Pending != 0 {
			t.Errorf("it is %+v", r)
		}
	}))
	if all, acts := s.count(t, "SELECT count(*) FROM audit_events WHERE tenant_id LIKE 'tenant-%'"), s.acts.Load(); all < 5*acts || sum < all {
		t.Errorf("%d acts of five events were answered; there are %d, and %d are sealed", acts, all, sum)
	}
	t.Logf("%d events of %d acts are sealed under %d checkpoints, %d of them with the witness", sum, s.acts.Load(), s.count(t, "SELECT count(*) FROM audit_checkpoints"), len(witnessed))
}

// witnessed gives what the file of the witness has; the first of it is waited for, which the
// program tells it in the background.
func (s *sealed) witnessed(t *testing.T) (all []checkpoint.Signed) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); len(all) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		file, err := os.Open(s.witness)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		must(t, err)
		all, err = checkpoint.ReadWitness(file)
		must(t, errors.Join(err, file.Close()))
	}
	return all
}

// TestNothingIsLeftUnsealedWhenTheProgramIsKilled: one process after another dies without a
// word while it seals and signs, in the middle of acts. The last one seals everything: no
// event is left out, no leaf comes twice, and no head is of another history.
func TestNothingIsLeftUnsealedWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			s := sealedAt(t, storetest.Address(t, dialect))
			leaves := func() int64 { return s.count(t, "SELECT count(*) FROM audit_leaves") }
			for kill := range 10 {
				p := begin(t, s.environment, "serve")
				p.says(t, "listens on ")
				if kill%2 == 0 { // in the middle of its first batch, or before it
					time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond)
				} else { // in a later one
					was := leaves()
					for end := time.Now().Add(30 * time.Second); leaves() == was && time.Now().Before(end); {
						time.Sleep(10 * time.Millisecond)
					}
					if leaves() == was {
						t.Fatalf("nothing is sealed:\n%s", p.out)
					}
					time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
				}
				must(t, p.command.Process.Kill())
				<-p.ended
			}
			p := begin(t, s.environment, "serve")
			p.says(t, "listens on ")
			s.whole(t)
			p.stop(t)
		})
	}
}

// TestTheAuditIsWholeWhenTheDatabaseFallsOver while it is written and sealed, five times,
// under one and the same process, which goes on by itself. It is of PostgreSQL whatever was
// asked for: SQLite is part of the program, and cannot fall over without it.
func TestTheAuditIsWholeWhenTheDatabaseFallsOver(t *testing.T) {
	t.Parallel()
	server := storetest.Own(t)
	// An act that was answered stays: the servers of tests else promise nothing.
	s := sealedAt(t, server.New(t)+"&synchronous_commit=on")
	p := begin(t, s.environment, "serve")
	p.says(t, "listens on ")
	started := func() (at time.Time) {
		_, _ = s.db.View(t.Context()).One(&at, "SELECT pg_postmaster_start_time()") // while it is away there is none
		return at
	}
	was := started()
	for range 5 {
		time.Sleep(time.Duration(300+rand.IntN(400)) * time.Millisecond)
		server.Restart(t) // only begins it
		at := started()
		for end := time.Now().Add(30 * time.Second); at.IsZero() || at.Equal(was); at = started() {
			if time.Now().After(end) {
				t.Fatalf("the database does not come back:\n%s", p.out)
			}
			time.Sleep(10 * time.Millisecond)
		}
		was = at
		before := s.acts.Load()
		for end := time.Now().Add(30 * time.Second); s.acts.Load() < before+20 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		if s.acts.Load() < before+20 {
			t.Fatalf("acts do not go on after the database is back:\n%s", p.out)
		}
	}
	s.whole(t)
	p.stop(t)
}
