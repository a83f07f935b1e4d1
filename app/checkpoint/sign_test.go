package checkpoint_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestWhenAHeadIsSigned: with the thousandth event of its own tenant since the last head,
// though no time has passed, and else when that head is a minute old.
func TestWhenAHeadIsSigned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		for _, row := range []struct {
			claim, tenant string
			events        int
			later         time.Duration
			heads, size   int
		}{
			{"the first event", "alder", 1, 0, 1, 1},
			{"the 999th since", "alder", 999, 0, 1, 1},
			{"one of another organisation", "birch", 1, 0, 1, 1},
			{"the 1,000th", "alder", 1, 0, 2, 1001},
			{"the first after that", "alder", 1, 0, 2, 1001},
			{"59 s later", "alder", 0, 59 * time.Second, 2, 1001},
			{"60 s later", "alder", 0, time.Second, 3, 1002},
			{"a minute without an event", "alder", 0, time.Minute, 3, 1002},
			{"an event after that", "alder", 1, 0, 4, 1003},
		} {
			write(t, db, nil, row.tenant, row.events, 333)
			clock.Forward(row.later)
			round(t, s)
			heads, size := count(t, db, "SELECT count(*) FROM audit_checkpoints WHERE tenant_id = 'alder'"), count(t, db, "SELECT max(size) FROM audit_checkpoints WHERE tenant_id = 'alder'")
			if heads != row.heads || size != row.size {
				t.Errorf("%s: %d heads, the last of %d events; want %d, of %d", row.claim, heads, size, row.heads, row.size)
			}
		}
	})
}

// TestWhenACutTailIsFound: as soon as there is a head of it, which is after a thousand events
// or a minute. Nothing else tells of it: the tree is put back to what it was before the tail.
func TestWhenACutTailIsFound(t *testing.T) {
	const tail = 3
	for _, row := range []struct {
		claim  string
		events int
		later  time.Duration
		found  bool
	}{
		{"999 events in no time", 999, 0, false},
		{"1,000 events in no time", 1000, 0, true},
		{"a few, 59 s old", 10, 59 * time.Second, false},
		{"a few, 60 s old", 10, 60 * time.Second, true},
	} {
		t.Run(row.claim, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
				s, in := service(t, db), intruder{t, db}
				write(t, db, nil, "alder", 1, 1)
				round(t, s)
				write(t, db, nil, "alder", row.events-tail, 100)
				round(t, s)
				in.does("CREATE TABLE before AS SELECT size, root, edge FROM audit_trees WHERE tenant_id = 'alder'")
				write(t, db, nil, "alder", tail, 1)
				round(t, s)
				clock.Forward(row.later)
				round(t, s)
				size := int64(1 + row.events)
				if r := verdict(t, s, nil); !r.Whole() || r.Size != size {
					t.Fatalf("before anything is cut it is %+v", r)
				}
				in.does(
					fmt.Sprintf("DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE tenant_id = 'alder' AND n >= %d)", size-tail),
					fmt.Sprintf("DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n >= %d", size-tail),
					"UPDATE audit_trees SET size = (SELECT size FROM before), root = (SELECT root FROM before), edge = (SELECT edge FROM before), signed_size = 1 WHERE tenant_id = 'alder'",
				)
				r := verdict(t, s, nil)
				if !row.found && !r.Whole() {
					t.Errorf("without a head of it the tail is missed: %+v", r.Findings)
				}
				if row.found && (len(r.Findings) != 1 || r.First().What != checkpoint.Cut || r.First().From != size-tail || r.First().To != size-1) {
					t.Errorf("found are %+v, want %s from %d to %d", r.Findings, checkpoint.Cut, size-tail, size-1)
				}
			})
		})
	}
}

// TestTheNextKey signs the last head of every tenant beside the key before it: whoever has
// the new one alone knows everything up to there, and whoever has the old one alone follows.
func TestTheNextKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s := service(t, db)
		for range 2 {
			write(t, db, clock, "alder", 20, 5)
			write(t, db, clock, "birch", 10, 5)
			round(t, s)
			clock.Forward(2 * time.Minute)
			round(t, s)
		}
		next, err := s.Rotate(t.Context(), "yearly")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := s.PublicKeys(t.Context())
		if err != nil || len(keys) != 2 || keys[0] != next {
			t.Fatalf("the keys are %q, %v", keys, err)
		}
		for tenant, size := range map[string]int{"alder": 40, "birch": 20, "platform": 1} {
			var last struct {
				Size int
				Note string
			}
			if _, err := db.View(t.Context()).One(&last, "SELECT size, note FROM audit_checkpoints WHERE tenant_id = ? ORDER BY number DESC LIMIT 1", tenant); err != nil {
				t.Fatal(err)
			}
			if last.Size != size {
				t.Errorf("the last head of %s is of %d events, want %d", tenant, last.Size, size)
			}
			for _, key := range keys {
				verifier, err := note.NewVerifier(key)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := note.Open([]byte(last.Note), note.VerifierList(verifier)); err != nil {
					t.Errorf("the last head of %s is not signed by %s: %v", tenant, key, err)
				}
			}
		}

		// The old key alone, over heads that the new one has signed alone.
		write(t, db, clock, "birch", 5, 5)
		clock.Forward(2 * time.Minute)
		round(t, s)
		b := bundle(t, s, "birch", true)
		_, r, trusted, err := checkpoint.VerifyBundle(bytes.NewReader(b), int64(len(b)), keys[1:], nil)
		if err != nil || !r.Whole() || r.Size != 26 || r.Covered != r.Size || len(trusted) != 2 {
			t.Errorf("by the old key alone it is %+v, by %q, %v", r, trusted, err)
		}

		// The new key alone. What the old one has signed alone counts for nothing by it, and there
		// is nothing wrong with an event.
		if _, err := db.Pool().ExecContext(t.Context(), "DELETE FROM audit_keys WHERE handover = ''"); err != nil {
			t.Fatal(err)
		}
		r = verdict(t, s, nil)
		if r.Size != 40 || r.Covered != r.Size || r.Checkpoints != 1 {
			t.Errorf("by the new key alone it is %+v", r)
		}
		for _, f := range r.Findings {
			if f.What != checkpoint.Signature || f.From < r.Covered {
				t.Errorf("by the new key alone this is found: %+v", f)
			}
		}
	})
}

// TestKeysThatAreGone: events are recorded and sealed as before, nothing is signed and no key
// is made in their place, and the health says so. When they are back signing goes on.
func TestKeysThatAreGone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, in := service(t, db), intruder{t, db}
		late := func() bool {
			t.Helper()
			h, err := checkpoint.Look(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			return h.Late(clock.Now())
		}
		write(t, db, nil, "alder", 20, 5)
		round(t, s)
		clock.Forward(time.Minute)
		write(t, db, nil, "alder", 10, 5)
		round(t, s)
		signed := count(t, db, "SELECT count(*) FROM audit_checkpoints")
		in.does("CREATE TABLE kept_keys AS SELECT * FROM audit_keys", "DELETE FROM audit_keys")
		size := 30
		for _, row := range []struct {
			later time.Duration // since the last head
			late  bool
		}{{time.Minute, false}, {2 * time.Minute, false}, {3 * time.Minute, true}} {
			write(t, db, nil, "alder", 5, 5)
			size += 5
			clock.Forward(time.Minute)
			if err := s.Round(t.Context()); err == nil {
				t.Errorf("after %s the round goes well", row.later)
			}
			if n, err := s.Sign(t.Context()); err == nil || n != 0 {
				t.Errorf("after %s Sign = %d, %v", row.later, n, err)
			}
			if public, err := s.Rotate(t.Context(), "a try"); err == nil {
				t.Errorf("after %s the next key, that none names, is %s", row.later, public)
			}
			if got := count(t, db, "SELECT size FROM audit_trees WHERE tenant_id = 'alder'"); got != size {
				t.Errorf("after %s %d events are sealed, want %d", row.later, got, size)
			}
			if n := count(t, db, "SELECT count(*) FROM audit_keys"); n != 0 {
				t.Errorf("after %s %d keys are made", row.later, n)
			}
			if n := count(t, db, "SELECT count(*) FROM audit_checkpoints"); n != signed {
				t.Errorf("after %s there are %d heads, want %d", row.later, n, signed)
			}
			if got := late(); got != row.late {
				t.Errorf("after %s it is late: %t", row.later, got)
			}
		}
		in.does("INSERT INTO audit_keys SELECT * FROM kept_keys")
		round(t, s)
		if late() {
			t.Error("with the keys it is late still")
		}
		for _, r := range verify(t, s, "", nil) {
			if !r.Whole() || r.Pending != 0 || r.Covered != r.Size || r.TenantID == "alder" && r.Size != int64(size) {
				t.Errorf("with the keys it is %+v", r)
			}
		}
	})
}
