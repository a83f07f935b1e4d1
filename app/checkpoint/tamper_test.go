package checkpoint_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// intruder is somebody who may do everything in the database, and has no key.
type intruder struct {
	t  *testing.T
	db *store.DB
}

// does runs statements past every guard, and gives back a way to undo them.
func (in intruder) does(statements ...string) {
	in.t.Helper()
	in.unguarded()
	for _, statement := range statements {
		if _, err := in.db.Pool().ExecContext(context.Background(), statement); err != nil {
			in.t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (in intruder) unguarded() {
	in.t.Helper()
	if in.db.Dialect == store.Postgres {
		for _, table := range []string{"audit_events", "audit_leaves", "audit_nodes", "audit_checkpoints"} {
			if _, err := in.db.Pool().ExecContext(context.Background(), "ALTER TABLE "+table+" DISABLE TRIGGER USER"); err != nil {
				in.t.Fatal(err)
			}
		}
		return
	}
	var triggers []string
	if err := in.db.View(in.t.Context()).All(&triggers, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"); err != nil {
		in.t.Fatal(err)
	}
	for _, name := range triggers {
		if _, err := in.db.Pool().ExecContext(context.Background(), "DROP TRIGGER "+name); err != nil {
			in.t.Fatal(err)
		}
	}
}

// at is the condition of the event of a leaf.
func at(tenantID string, n int64) string {
	return fmt.Sprintf("tenant_id = '%s' AND id = (SELECT event_id FROM audit_leaves WHERE tenant_id = '%s' AND n = %d)", tenantID, tenantID, n)
}

// sealed fills a database: three checkpoints of alder, and events after the last one.
func sealed(t *testing.T, db *store.DB, clock *storetest.Clock) (*checkpoint.Service, []checkpoint.Signed) {
	t.Helper()
	file := &checkpoint.File{Path: filepath.Join(t.TempDir(), "witness"), Host: "here"}
	s := service(t, db, file)
	for _, n := range []int{300, 300, 200} {
		write(t, db, clock, "alder", n, 4)
		write(t, db, clock, "birch", 20, 4)
		round(t, s)
		clock.Forward(2 * time.Minute)
		round(t, s)
	}
	if err := s.Tell(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	return s, lines(t, file)
}

// verdict is what the verifier says of alder.
func verdict(t *testing.T, s *checkpoint.Service, witnessed []checkpoint.Signed) checkpoint.Result {
	t.Helper()
	for _, r := range verify(t, s, "alder", witnessed) {
		return r
	}
	t.Fatal("no result")
	return checkpoint.Result{}
}

// TestEachTamperingIsFoundInItsPlace, by the first index that it has made wrong.
func TestEachTamperingIsFoundInItsPlace(t *testing.T) {
	swap := func(a, b int64) []string { // leaves and what they lead to, consistently
		return []string{
			fmt.Sprintf("CREATE TABLE two AS SELECT * FROM audit_leaves WHERE tenant_id = 'alder' AND n IN (%d, %d)", a, b),
			fmt.Sprintf("DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n IN (%d, %d)", a, b),
			fmt.Sprintf("INSERT INTO audit_leaves (tenant_id, n, occurred_at, event_id, hash) SELECT tenant_id, CASE n WHEN %d THEN %d ELSE %d END, occurred_at, event_id, hash FROM two", a, b, a),
			"DROP TABLE two",
		}
	}
	exchange := "UPDATE audit_events SET record = (SELECT o.record FROM audit_events o WHERE o.%s) WHERE %s"
	for _, row := range []struct {
		claim    string
		do       []string
		what     checkpoint.Wrong
		from, to int64
	}{
		{"a column", []string{"UPDATE audit_events SET reason = 'another' WHERE " + at("alder", 17)}, checkpoint.Edited, 17, 17},
		{"an actor", []string{"UPDATE audit_events SET actor_id = 'somebody' WHERE " + at("alder", 0)}, checkpoint.Edited, 0, 0},
		{"a moment", []string{"UPDATE audit_leaves SET occurred_at = '2020-01-01' WHERE tenant_id = 'alder' AND n = 5"}, checkpoint.Removed, 5, 5},
		{"personal data", []string{`UPDATE audit_events SET personal = '{"ip":"192.0.2.1"}' WHERE ` + at("alder", 300)}, checkpoint.Edited, 300, 300},
		{"personal data gone, and nobody erased", []string{"UPDATE audit_events SET personal = '', salt = '', address = '' WHERE " + at("alder", 44)}, checkpoint.Blanked, 44, 44},
		{"an address", []string{"UPDATE audit_events SET address = '192.0.2.1' WHERE " + at("alder", 45)}, checkpoint.Edited, 45, 45},
		{"what an event is found by", []string{"DELETE FROM audit_words WHERE word = ':outcome denied' AND " + strings.Replace(at("alder", 46), "AND id =", "AND event_id =", 1)}, checkpoint.Hidden, 46, 46},
		{"the first event", []string{"DELETE FROM audit_events WHERE " + at("alder", 0)}, checkpoint.Removed, 0, 0},
		{"one in the middle", []string{"DELETE FROM audit_events WHERE " + at("alder", 400)}, checkpoint.Removed, 400, 400},
		{"the last one", []string{"DELETE FROM audit_events WHERE " + at("alder", 799)}, checkpoint.Removed, 799, 799},
		{"a leaf", []string{"DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n = 256"}, checkpoint.Removed, 256, 256},
		{
			"the tail, with its leaves and the size", []string{
				"DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 650)",
				"DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 650", "DELETE FROM audit_nodes WHERE tenant_id = 'alder' AND n >= 2",
				"UPDATE audit_trees SET size = 650, signed_size = 600 WHERE tenant_id = 'alder'",
			}, checkpoint.Cut, 650, 799,
		},
		{
			"the tail, with the checkpoint of it", []string{
				"DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 650)",
				"DELETE FROM audit_leaves WHERE tenant_id = 'alder' AND n >= 650", "UPDATE audit_trees SET size = 650 WHERE tenant_id = 'alder'",
				"DELETE FROM audit_checkpoints WHERE tenant_id = 'alder' AND size > 600",
			}, checkpoint.Cut, 600, 799,
		},
		{"two events that change places", swap(310, 320), checkpoint.Node, 256, 511},
		{"bytes that change places", []string{fmt.Sprintf(exchange, at("alder", 21), at("alder", 20))}, checkpoint.Edited, 20, 20},
		{
			"an event of another organisation in place of one", []string{
				"DELETE FROM audit_events WHERE " + at("alder", 99),
				"UPDATE audit_leaves SET event_id = (SELECT event_id FROM audit_leaves WHERE tenant_id = 'birch' AND n = 3), occurred_at = (SELECT occurred_at FROM audit_leaves WHERE tenant_id = 'birch' AND n = 3) WHERE tenant_id = 'alder' AND n = 99",
				"UPDATE audit_events SET tenant_id = 'alder' WHERE " + at("birch", 3),
			}, checkpoint.Spliced, 99, 99,
		},
		{"a hash of the tree", []string{"UPDATE audit_nodes SET hash = (SELECT hash FROM audit_leaves WHERE tenant_id = 'alder' AND n = 0) WHERE tenant_id = 'alder' AND level = 8 AND n = 1"}, checkpoint.Node, 256, 511},
		{"a checkpoint of another key", []string{"UPDATE audit_checkpoints SET note = (SELECT note FROM audit_checkpoints WHERE tenant_id = 'birch' ORDER BY number LIMIT 1) WHERE tenant_id = 'alder' AND size = 800"}, checkpoint.Signature, 600, 799},
	} {
		t.Run(row.claim, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
				s, _ := sealed(t, db, clock)
				intruder{t, db}.does(row.do...)
				r := verdict(t, s, nil)
				if r.Whole() {
					t.Fatal("it is found whole")
				}
				if f := r.First(); f.From != row.from || f.To > row.to {
					t.Errorf("first is %+v, want %d to %d, of %+v", f, row.from, row.to, r.Findings)
				}
				found := false
				for _, f := range r.Findings {
					found = found || f.What == row.what && f.From == row.from && f.To == row.to
				}
				if !found {
					t.Errorf("found are %+v, want %s from %d to %d", r.Findings, row.what, row.from, row.to)
				}
			})
		})
	}
}

// TestTwoHundredTamperings: at random places, in random ways, each is found where it is and
// goes when it is undone.
func TestTwoHundredTamperings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, _ := sealed(t, db, clock)
		in := intruder{t, db}
		in.unguarded()
		keep := func(statements ...string) {
			for _, statement := range statements {
				if _, err := db.Pool().ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
		}
		whole := "tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt, address"
		if db.Dialect == store.Postgres {
			whole += ", written_in"
		}
		keep("CREATE TABLE kept_events AS SELECT "+whole+" FROM audit_events WHERE 1 = 0", "CREATE TABLE kept_leaves AS SELECT * FROM audit_leaves WHERE 1 = 0")
		columns := []string{"action", "outcome", "reason", "actor_kind", "actor_id", "target_kind", "target_id", "subject_id", "thread_id", "request_id", "personal", "salt", "address"}
		dice := rand.New(rand.NewPCG(1, uint64(len(db.Dialect))))
		for i := range 200 {
			n := dice.Int64N(800)
			event, leaf := at("alder", n), fmt.Sprintf("tenant_id = 'alder' AND n = %d", n)
			keep("DELETE FROM kept_events", "DELETE FROM kept_leaves", "INSERT INTO kept_events SELECT "+whole+" FROM audit_events WHERE "+event, "INSERT INTO kept_leaves SELECT * FROM audit_leaves WHERE "+leaf)
			var do string
			undo := []string{"DELETE FROM audit_events WHERE " + event, "INSERT INTO audit_events (" + whole + ") SELECT " + whole + " FROM kept_events"}
			switch way := dice.IntN(4); way {
			case 0, 1:
				column := columns[dice.IntN(len(columns))]
				other := column + " || 'x'"
				if column == "personal" { // of which SQLite keeps an index, so that it is JSON
					other = `CASE personal WHEN '' THEN '{"x":"x"}' WHEN '{}' THEN '{"x":"x"}' ELSE replace(personal, '":"', '":"x') END`
				}
				do = "UPDATE audit_events SET " + column + " = " + other + " WHERE " + event
			case 2:
				do = "DELETE FROM audit_events WHERE " + event
			case 3:
				do = "DELETE FROM audit_leaves WHERE " + leaf
				undo = []string{"INSERT INTO audit_leaves SELECT * FROM kept_leaves"}
			}
			keep(do)
			r := verdict(t, s, nil)
			if r.Whole() || r.First().From != n || r.First().To != n {
				t.Fatalf("%d: after %s the first is %+v", i, do, r.Findings)
			}
			keep(undo...)
		}
		if r := verdict(t, s, nil); !r.Whole() {
			t.Errorf("after all was undone it is %+v", r.Findings)
		}
	})
}

// TestATreeMadeAnewIsFound: with events, leaves, nodes and trees that fit each other, and
// without the key.
func TestATreeMadeAnewIsFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		s, witnessed := sealed(t, db, clock)
		in := intruder{t, db}
		start := "3:3:"
		if db.Dialect == store.SQLite {
			start = "0"
		}
		in.does("DELETE FROM audit_events WHERE "+at("alder", 123), "DELETE FROM audit_leaves", "DELETE FROM audit_nodes", "DELETE FROM audit_trees",
			"UPDATE audit_sealing SET done = '"+start+"', goal = '', upto = '1', walking = false")
		for { // a tree that is made by the program's own hand, but not signed
			_, more, err := s.Seal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
		}
		r := verdict(t, s, nil)
		if r.Whole() || r.First().From != 0 || r.First().To != 299 {
			t.Errorf("beside the old checkpoints it is %+v", r.Findings)
		}
		// The program does not sign it.
		clock.Forward(2 * time.Minute)
		if _, err := s.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count(t, db, "SELECT count(*) FROM audit_trees WHERE tenant_id = 'alder' AND fault = 'cut'"); got != 1 {
			t.Error("a tree made anew was signed")
		}
		if h, err := checkpoint.Look(t.Context(), db); err != nil || h.Faults == 0 {
			t.Errorf("the health is %+v, %v", h, err)
		}
		// Without its checkpoints it shows by the ones that are not there; and the witness knows.
		in.does("DELETE FROM audit_checkpoints")
		if r := verdict(t, s, nil); r.Whole() {
			t.Error("a tree without checkpoints is whole")
		}
		if r := verdict(t, s, witnessed); r.Whole() || r.First().From != 0 {
			t.Errorf("beside the witness it is %+v", r.Findings)
		}
	})
}

// TestADatabaseThatWasPutBack: everything in it is whole, and only the witness can say so.
func TestADatabaseThatWasPutBack(t *testing.T) {
	storetest.On(t, store.SQLite, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		path := filepath.Join(t.TempDir(), "witness")
		s := service(t, db, &checkpoint.File{Path: path, Host: "here"})
		write(t, db, clock, "alder", 50, 5)
		round(t, s)
		old := filepath.Join(t.TempDir(), "old.db")
		if _, err := db.Pool().ExecContext(t.Context(), "VACUUM INTO '"+old+"'"); err != nil {
			t.Fatal(err)
		}
		clock.Forward(2 * time.Minute)
		write(t, db, clock, "alder", 40, 5)
		round(t, s)
		if err := s.Tell(t.Context(), s.Witnesses[0]); err != nil {
			t.Fatal(err)
		}
		back, err := store.Open(t.Context(), old, s.Log)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		back.SetClock(clock.Now)
		file := &checkpoint.File{Path: path, Host: "here"}
		restored := service(t, back, file)
		if r := verdict(t, restored, nil); !r.Whole() {
			t.Errorf("by itself it is %+v", r.Findings)
		}
		r := verdict(t, restored, lines(t, file))
		if r.Whole() || r.First().What != checkpoint.Cut || r.First().From != 50 || r.First().To != 89 {
			t.Errorf("beside the witness it is %+v", r.Findings)
		}
		// Nothing is signed in it, acts go on, and the health says why.
		write(t, back, clock, "alder", 70, 5)
		clock.Forward(2 * time.Minute)
		if err := restored.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "older than its witness") {
			t.Errorf("Round = %v", err)
		}
		if err := restored.Tell(t.Context(), file); err == nil {
			t.Error("the witness follows")
		}
		// Nor from the command line, which only seals and signs.
		for claim, does := range map[string]func(*checkpoint.Service) error{
			"a bundle": func(s *checkpoint.Service) error {
				_, err := s.Bundle(t.Context(), "alder", "alder", true, audit.Service, io.Discard)
				return err
			},
			"another key": func(s *checkpoint.Service) error { _, err := s.Rotate(t.Context(), "yearly"); return err },
		} {
			line := &checkpoint.Service{DB: back, Keys: s.Keys, Log: s.Log, Witnesses: []checkpoint.Witness{&checkpoint.File{Path: path, Host: "here"}}}
			if err := does(line); err == nil || !strings.Contains(err.Error(), "older than its witness") {
				t.Errorf("%s = %v", claim, err)
			}
		}
		if h, err := checkpoint.Look(t.Context(), back); err != nil || len(h.Witnesses) != 1 || h.Witnesses[0].Fault == "" || !h.Late(clock.Now()) {
			t.Errorf("the health is %+v, %v", h, err)
		}
		// Whoever runs it has looked, and moved the file away.
		if err := os.Rename(path, path+".old"); err != nil {
			t.Fatal(err)
		}
		again := service(t, back, &checkpoint.File{Path: path, Host: "here"})
		round(t, again)
		if err := again.Tell(t.Context(), again.Witnesses[0]); err != nil {
			t.Fatal(err)
		}
		if r := verdict(t, again, lines(t, &checkpoint.File{Path: path})); !r.Whole() {
			t.Errorf("afterwards it is %+v", r.Findings)
		}
	})
}
