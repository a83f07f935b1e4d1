package checkpoint_test

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestATransactionThatCommitsLate is sealed once, after those that began later and were
// committed before it, and holds none of them up.
func TestATransactionThatCommitsLate(t *testing.T) {
	storetest.On(t, store.Postgres, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		write(t, db, clock, "alder", 3, 1)
		round(t, s)
		written, commit, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			done <- db.Act(context.Background(), func(tx *store.Tx) error {
				if err := audit.Record(tx, event("alder", 1000)); err != nil {
					return err
				}
				var sent int
				_, err := tx.One(&sent, "SELECT 1")
				close(written)
				<-commit
				return err
			})
		}()
		<-written
		for i := range 5 {
			write(t, db, clock, "alder", 2, 1)
			round(t, s)
			if got := count(t, db, "SELECT size FROM audit_trees WHERE tenant_id = 'alder'"); got != 3+2*(i+1) {
				t.Errorf("beside an act that is not over %d events are sealed, want %d", got, 3+2*(i+1))
			}
		}
		close(commit)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		write(t, db, clock, "alder", 1, 1)
		round(t, s)
		if got := count(t, db, "SELECT size FROM audit_trees WHERE tenant_id = 'alder'"); got != 15 {
			t.Errorf("%d events are sealed, want 15", got)
		}
		clock.Forward(2 * time.Minute)
		round(t, s)
		if r := verdict(t, s, nil); !r.Whole() || r.Size != 15 {
			t.Errorf("it is %+v", r)
		}
	})
}

// TestReplicasSealAtOnce while acts go on, and one of them is killed now and then in the
// middle of it: there is one tree, with every event once.
func TestReplicasSealAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		const replicas, events = 3, 240
		ctx, stop := context.WithCancel(t.Context())
		var sealing, acting sync.WaitGroup
		for i := range replicas {
			other := db
			if i > 0 {
				var err error
				if other, err = store.Open(t.Context(), db.DSN, slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				other.SetClock(clock.Now)
				t.Cleanup(func() { _ = other.Close() })
			}
			s := service(t, other)
			s.BatchMost = 7
			sealing.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					// A round that ends before it is done, as by a kill, leaves nothing behind.
					life := time.Second
					if n%3 == 0 {
						life = time.Duration(n%7) * time.Millisecond
					}
					short, cancel := context.WithTimeout(ctx, life)
					_ = s.Round(short)
					cancel()
				}
			})
		}
		for _, tenant := range []string{"alder", "birch"} {
			acting.Go(func() { write(t, db, clock, tenant, events, 2) })
		}
		acting.Wait()
		stop()
		sealing.Wait()
		s := service(t, db) // after the restart nothing is left out
		until := func(left string) {
			for end := time.Now().Add(time.Minute); count(t, db, left) > 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
				round(t, s) // which passes over it while who was killed last holds it still
			}
		}
		until("SELECT count(*) FROM audit_events e WHERE NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id)")
		clock.Forward(2 * time.Minute)
		until("SELECT count(*) FROM audit_trees WHERE signed_size < size")
		if n := count(t, db, "SELECT count(*) FROM (SELECT 1 FROM audit_checkpoints GROUP BY tenant_id, size HAVING count(*) > 1) twice"); n != 0 {
			t.Errorf("%d heads are signed twice", n)
		}
		for _, r := range verify(t, s, "", nil) {
			if !r.Whole() || r.Pending != 0 || (r.TenantID == "alder" || r.TenantID == "birch") && r.Size != events {
				t.Errorf("it is %+v", r)
			}
		}
	})
}

// TestABundleHasWhatHappenedAMomentAgo, also when another replica is sealing in this moment.
func TestABundleHasWhatHappenedAMomentAgo(t *testing.T) {
	storetest.On(t, store.Postgres, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		write(t, db, clock, "alder", 3, 1)
		round(t, s)
		held, release, sealing := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			sealing <- db.Count(context.Background(), func(tx *store.Tx) error {
				var id int
				_, err := tx.One(&id, "SELECT id FROM audit_sealing FOR UPDATE")
				close(held)
				<-release
				return err
			})
		}()
		<-held
		made := make(chan checkpoint.About, 1)
		go func() {
			about, err := s.Bundle(context.Background(), "alder", "alder", true, audit.Service, io.Discard)
			if err != nil {
				t.Error(err)
			}
			made <- about
		}()
		for len(made) == 0 && count(t, db, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0 {
			time.Sleep(time.Millisecond)
		}
		close(release)
		if about := <-made; about.Size != 4 {
			t.Errorf("it has %d events, want 4 with that of itself", about.Size)
		}
		if err := <-sealing; err != nil {
			t.Error(err)
		}
	})
}

// TestADatabaseInAnotherServer has transactions whose numbers mean something else: its events
// are walked through, none is sealed twice, and new ones are sealed as before.
func TestADatabaseInAnotherServer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		s.BatchMost = 20
		write(t, db, clock, "alder", 60, 3)
		round(t, s)
		write(t, db, clock, "alder", 5, 1) // committed, and not sealed when the copy is made
		far := "9000000000:9000000000:"
		if db.Dialect == store.SQLite {
			far = "9000000000"
		}
		intruder{t, db}.does("UPDATE audit_sealing SET cluster = 'another', done = '" + far + "'")
		write(t, db, clock, "alder", 10, 1)
		round(t, s)
		write(t, db, clock, "alder", 25, 1)
		round(t, s)
		clock.Forward(2 * time.Minute)
		round(t, s)
		if r := verdict(t, s, nil); !r.Whole() || r.Size != 100 || r.Pending != 0 {
			t.Errorf("it is %+v", r)
		}
	})
}

// TestEventsFromBeforeThereWasSealing are sealed in the order of time.
func TestEventsFromBeforeThereWasSealing(t *testing.T) {
	storetest.On(t, store.Postgres, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		s.BatchMost = 30
		write(t, db, clock, "alder", 100, 1)
		write(t, db, clock, "birch", 10, 1)
		intruder{t, db}.does("UPDATE audit_events SET written_in = '1'", "ALTER TABLE audit_events ENABLE TRIGGER USER")
		write(t, db, clock, "alder", 10, 1)
		round(t, s)
		if got := count(t, db, "SELECT count(*) FROM audit_leaves a JOIN audit_leaves b ON b.tenant_id = a.tenant_id AND b.n = a.n + 1 AND b.occurred_at < a.occurred_at"); got != 0 {
			t.Errorf("%d leaves are before an older one", got)
		}
		clock.Forward(2 * time.Minute)
		round(t, s)
		if r := verdict(t, s, nil); !r.Whole() || r.Size != 110 {
			t.Errorf("it is %+v", r)
		}
	})
}

// TestAKeyOfSomebodyElse that stands in the database signs nothing that counts.
func TestAKeyOfSomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, _ := sealed(t, db, clock)
		other := &checkpoint.Service{DB: db, Keys: otherKeys(t), Log: s.Log}
		if _, err := other.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, db, clock, "alder", 10, 1)
		if _, _, err := other.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.Forward(2 * time.Minute)
		if _, err := other.Sign(t.Context()); err == nil {
			t.Error("with another master key something is signed")
		}
		if _, err := db.Pool().ExecContext(t.Context(), "INSERT INTO audit_keys SELECT 'foreign', public, private, '', made_at FROM audit_keys"); err != nil {
			t.Fatal(err)
		}
		round(t, s)
		if r := verdict(t, s, nil); !r.Whole() {
			t.Errorf("it is %+v", r.Findings)
		}
		if keys, err := s.PublicKeys(t.Context()); err != nil || len(keys) != 1 {
			t.Errorf("the keys are %q, %v", keys, err)
		}
	})
}
