package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func count(t *testing.T, db *store.DB, query string, values ...any) int {
	t.Helper()
	var n int
	if _, err := db.View(t.Context()).One(&n, query, values...); err != nil {
		t.Fatal(err)
	}
	return n
}

func record(t *testing.T, db *store.DB, events ...audit.Event) {
	t.Helper()
	err := db.Act(t.Context(), func(tx *store.Tx) error {
		for _, e := range events {
			if err := audit.Record(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Record = %v", err)
	}
}

// row is an event as it is kept.
type row struct {
	TenantID, ID, Action, Outcome, Reason, ActorKind, ActorID, TargetKind, TargetID, SubjectID, ThreadID, RequestID, Personal, Salt string
	OccurredAt                                                                                                                      time.Time
	Record                                                                                                                          []byte
}

// TestWhatIsKeptGivesTheSameBytes: from the columns, the personal data and the
// salt of a row its canonical bytes come out again.
func TestWhatIsKeptGivesTheSameBytes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		strange := said()
		strange.Reason, strange.Origin.Browser, strange.Typed = "ünïcode </script> \u2028 \"'\\", "Firefox on ☃", "o'neil+x@alder.example"
		little := audit.Event{TenantID: "alder", Action: audit.SetupLinkMade, Actor: audit.Service}
		record(t, db, said(), strange, little)
		var rows []row
		if err := db.View(t.Context()).All(&rows, "SELECT * FROM audit_events"); err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		ids, salts := map[string]bool{}, map[string]bool{}
		for _, r := range rows {
			var personal struct{ IP, Browser, Typed string }
			if err := json.Unmarshal([]byte(r.Personal), &personal); err != nil {
				t.Fatal(err)
			}
			var read struct{ Details map[string]string }
			if err := json.Unmarshal(r.Record, &read); err != nil {
				t.Fatal(err)
			}
			again, _, err := audit.Event{
				TenantID: r.TenantID, Action: audit.Action(r.Action), Outcome: audit.Outcome(r.Outcome), Reason: r.Reason,
				Actor: audit.Party{Kind: r.ActorKind, ID: r.ActorID}, Target: audit.Party{Kind: r.TargetKind, ID: r.TargetID},
				Subject: r.SubjectID, Thread: r.ThreadID, Origin: audit.Origin{IP: personal.IP, Browser: personal.Browser, RequestID: r.RequestID},
				Details: read.Details, Typed: personal.Typed,
			}.Canonical(r.ID, r.Salt, r.OccurredAt)
			if err != nil || !bytes.Equal(again, r.Record) {
				t.Errorf("kept are\n%s\nand what is kept gives\n%s, %v", r.Record, again, err)
			}
			if !r.OccurredAt.Equal(clock.Now()) {
				t.Errorf("it happened at %v, want the time of its act, %v", r.OccurredAt, clock.Now())
			}
			if len(r.Salt) != 26 || salts[r.Salt] || ids[r.ID] {
				t.Errorf("id %q and salt %q are not its own", r.ID, r.Salt)
			}
			ids[r.ID], salts[r.Salt] = true, true
		}
		if got := count(t, db, "SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'success'", audit.SetupLinkMade); got != 1 {
			t.Error("an event without an outcome is no success")
		}
	})
}

func TestAnEventStandsAndFallsWithItsAct(t *testing.T) {
	const change = "INSERT INTO platform_settings (name, value) VALUES ('a', '1')"
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		ctx := t.Context()
		both := func() [2]int {
			return [2]int{count(t, db, "SELECT count(*) FROM platform_settings"), count(t, db, "SELECT count(*) FROM audit_events")}
		}
		refusal := fault.New(fault.Refused, "signin.refused")
		err := db.Act(ctx, func(tx *store.Tx) error {
			if err := errors.Join(tx.Exec(change).Error, audit.Record(tx, said())); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, fault.Refused) || both() != [2]int{0, 0} {
			t.Errorf("an act that failed = %v, and leaves %v changes and events", err, both())
		}
		broken := said()
		broken.Subject = "no column takes a \x00 or \xff" // on SQLite it does
		err = db.Act(ctx, func(tx *store.Tx) error { return errors.Join(tx.Exec(change).Error, audit.Record(tx, broken)) })
		if db.Dialect == store.Postgres && (!errors.Is(err, fault.Unavailable) || both() != [2]int{0, 0}) {
			t.Errorf("an act whose event cannot be written = %v, and leaves %v changes and events", err, both())
		}
		if both()[0] != both()[1] {
			t.Errorf("%v changes and events stand", both())
		}
		if _, err := db.Pool().ExecContext(ctx, "ALTER TABLE audit_events RENAME TO audit_events_gone"); err != nil {
			t.Fatal(err)
		}
		if err := audit.Writable(ctx, db); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Writable without a table = %v, want fault.Unavailable", err)
		}
		err = db.Act(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.Exec("INSERT INTO platform_settings (name, value) VALUES ('b', '1')").Error, audit.Record(tx, said()))
		})
		if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
			t.Errorf("an act without an audit = %v, want fault.Unavailable with a time to try again", err)
		}
		if got := count(t, db, "SELECT count(*) FROM platform_settings WHERE name = 'b'"); got != 0 {
			t.Error("it changed something")
		}
		if _, err := db.Pool().ExecContext(ctx, "ALTER TABLE audit_events_gone RENAME TO audit_events"); err != nil {
			t.Fatal(err)
		}
		before := both()
		if err := audit.Writable(ctx, db); err != nil || both() != before {
			t.Errorf("Writable = %v, and leaves %v changes and events, want %v", err, both(), before)
		}
	})
}

// TestTheDatabaseRefusesToChangeAnEvent: there is no code that would, and if
// there were, the database says no.
func TestTheDatabaseRefusesToChangeAnEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		record(t, db, said())
		tables := []string{"audit_events"}
		if db.Dialect == store.Postgres {
			clock.Forward(100 * 24 * time.Hour) // also what was made after the migration
			if err := audit.EnsureMonths(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			if err := db.View(t.Context()).All(&tables, "SELECT CAST(relid AS text) FROM pg_partition_tree('audit_events')"); err != nil || len(tables) < 8 {
				t.Fatalf("the parts are %v, %v", tables, err)
			}
		}
		var before row
		if _, err := db.View(t.Context()).One(&before, "SELECT * FROM audit_events"); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			held := count(t, db, "SELECT count(*) FROM "+table) > 0
			statements := []string{
				"UPDATE " + table + " SET reason = 'another'",
				"UPDATE " + table + " SET record = record, occurred_at = occurred_at",
				"UPDATE " + table + " SET tenant_id = 'birch' WHERE action = 'prompt.denied'",
				"DELETE FROM " + table,
				"DELETE FROM " + table + " WHERE tenant_id = 'alder'",
			}
			if !held {
				statements = nil // what changes no event is let through
			}
			if db.Dialect == store.Postgres {
				statements = append(statements, "TRUNCATE "+table, "TRUNCATE "+table+" CASCADE")
			}
			for _, statement := range statements {
				err := db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement).Error })
				if err == nil || !strings.Contains(err.Error(), "never changed or deleted") {
					t.Errorf("%s = %v, want a refusal", statement, err)
				}
				if _, err := db.CountOne(t.Context(), statement); err == nil {
					t.Errorf("%s past the acts worked", statement)
				}
			}
		}
		var after row
		if _, err := db.View(t.Context()).One(&after, "SELECT * FROM audit_events"); err != nil || !bytes.Equal(after.Record, before.Record) || after.Reason != before.Reason || after.TenantID != before.TenantID {
			t.Errorf("the event was %+v and is %+v, %v", before, after, err)
		}
	})
}

func TestMonthsAreMadeAhead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		if err := audit.EnsureMonths(t.Context(), db); err != nil { // a month may have begun since the template was made
			t.Fatalf("EnsureMonths = %v", err)
		}
		if db.Dialect == store.SQLite {
			return
		}
		in := func(table string) int { return count(t, db, "SELECT count(*) FROM "+table) }
		month := func(ahead int) string {
			return "audit_events_" + time.Date(clock.Now().Year(), clock.Now().Month()+time.Month(ahead), 1, 0, 0, 0, 0, time.UTC).Format("2006_01")
		}
		record(t, db, said())
		if in("audit_events_rest") != 0 || in(month(0)) != 1 {
			t.Errorf("an event of now fell into the net, or is not in %s", month(0))
		}
		// The last instant of a month and the first of the next stand apart.
		first := time.Date(clock.Now().Year(), clock.Now().Month()+2, 1, 0, 0, 0, 0, time.UTC)
		last, next := month(1), month(2)
		clock.Forward(first.Sub(clock.Now()) - time.Microsecond)
		record(t, db, said())
		clock.Forward(time.Microsecond)
		record(t, db, said())
		if in(last) != 1 || in(next) != 1 || in("audit_events_rest") != 0 {
			t.Errorf("the turn of a month: %d in %s, %d in %s, %d in the net", in(last), last, in(next), next, in("audit_events_rest"))
		}

		// Several replicas make the same months at the same moment.
		var replicas []*store.DB
		for range 4 {
			other, err := store.Open(t.Context(), db.DSN, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() })
			other.SetClock(clock.Now)
			replicas = append(replicas, other)
		}
		for range 6 {
			clock.Forward(100 * 24 * time.Hour)
			errs := make(chan error, len(replicas))
			for _, other := range replicas {
				go func() { errs <- audit.EnsureMonths(t.Context(), other) }()
			}
			for range replicas {
				if err := <-errs; err != nil {
					t.Errorf("EnsureMonths of several at once = %v", err)
				}
			}
			record(t, db, said())
			if in("audit_events_rest") != 0 {
				t.Fatal("an event fell into the net")
			}
		}

		// A month of which the net holds events already, after a clock that was
		// wrong, is no reason not to start.
		clock.Forward(100 * 24 * time.Hour)
		record(t, db, said())
		if in("audit_events_rest") != 1 {
			t.Fatal("the event is not in the net")
		}
		if err := audit.EnsureMonths(t.Context(), db); err != nil {
			t.Errorf("EnsureMonths with events in the net = %v", err)
		}
		record(t, db, said())
		first = time.Date(clock.Now().Year(), clock.Now().Month()+1, 1, 0, 0, 0, 0, time.UTC)
		clock.Forward(first.Sub(clock.Now()))
		record(t, db, said())
		if got := in("audit_events_rest"); got != 2 {
			t.Errorf("%d events in the net, want those of the one month", got)
		}
	})
}

// TestAStoryIsReadPageByPage: every event of one user once, newest first, also
// those of the same moment, and also while new ones come.
func TestAStoryIsReadPageByPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		ctx := t.Context()
		of := func(tenantID, userID string, n int) audit.Event {
			e := said()
			e.TenantID, e.Subject, e.Reason = tenantID, userID, fmt.Sprint(n)
			return e
		}
		n := 0
		for range 6 {
			var same []audit.Event
			for range 4 { // of one moment
				n++
				same = append(same, of("alder", "user-1", n), of("alder", "user-2", n), of("birch", "user-1", n))
			}
			record(t, db, same...)
			clock.Forward(time.Second)
		}
		story := func(limit int, meanwhile func()) (all []audit.Entry) {
			t.Helper()
			var before time.Time
			var id string
			for range 50 {
				page, err := audit.Story(ctx, db, "alder", "user-1", before, id, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) > limit {
					t.Fatalf("a page of %d has %d", limit, len(page))
				}
				all = append(all, page...)
				if len(page) < limit {
					return all
				}
				before, id = page[len(page)-1].At, page[len(page)-1].ID
				meanwhile()
			}
			t.Fatal("the pages have no end")
			return nil
		}
		whole := story(1000, func() {})
		for _, limit := range []int{1, 3, 4, 7, 24} {
			all := story(limit, func() { record(t, db, of("alder", "user-2", 0), of("birch", "user-1", 0)) })
			seen := map[string]bool{}
			for i, e := range all {
				if seen[e.Reason] {
					t.Errorf("in pages of %d event %s comes twice", limit, e.Reason)
				}
				seen[e.Reason] = true
				if i > 0 && (e.At.After(all[i-1].At) || e.At.Equal(all[i-1].At) && e.ID >= all[i-1].ID) {
					t.Errorf("in pages of %d event %s comes after an older one", limit, e.Reason)
				}
				if e != whole[i] {
					t.Errorf("in pages of %d event %d is %+v, and %+v in the whole", limit, i, e, whole[i])
				}
			}
			if len(all) != 24 {
				t.Errorf("in pages of %d there are %d events, want 24", limit, len(all))
			}
		}
		first := true
		grown := story(5, func() {
			if first {
				record(t, db, of("alder", "user-1", 99))
			}
			first = false
		})
		if len(grown) != 24 {
			t.Errorf("while a new one came there were %d events, want the 24 before it", len(grown))
		}
		e := whole[0]
		if e.Action != audit.PromptDenied || e.Outcome != audit.Failure || e.ActorKind != audit.KindDevice || e.ActorID != "account-1" ||
			e.Target != audit.Prompt("prompt-1") || e.Browser != "Firefox on Windows" || e.IP != "203.0.113.9" {
			t.Errorf("an entry says %+v", e)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.Story(ctx, db, "alder", "user-1", time.Time{}, "", 5); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Story without a database = %v, want fault.Unavailable", err)
		}
	})
}

// TestAnErasedEventIsStillTold: without its personal data, and with all the rest.
func TestAnErasedEventIsStillTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		e := said()
		record(t, db, e)
		// What erasing will do needs a way past the guard that no act has.
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			return tx.Exec(`INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id,
				subject_id, thread_id, request_id, record, personal, salt)
				SELECT tenant_id, 'erased', occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id,
				subject_id, thread_id, request_id, record, '', '' FROM audit_events`).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		entries, err := audit.Story(t.Context(), db, e.TenantID, e.Subject, time.Time{}, "", 10)
		if err != nil || len(entries) != 2 {
			t.Fatalf("Story = %d entries, %v", len(entries), err)
		}
		for _, told := range entries {
			if erased := told.ID == "erased"; erased != (told.IP == "") || erased != (told.Browser == "") || told.Action != e.Action {
				t.Errorf("told is %+v", told)
			}
		}
	})
}
