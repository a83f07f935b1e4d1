package trail_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/people"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/trail/trailtest"
)

// TestEachQuestionHasItsIndex: behind the wall between tenants PostgreSQL leaves an index
// alone when it cannot know that to ask it tells nothing of others' rows, and reads everything
// instead. So each index is looked at: was it asked?
func TestEachQuestionHasItsIndex(t *testing.T) {
	On(t, store.Postgres, func(h *House) {
		if err := trailtest.Fill(t.Context(), h.DB, h.Alder.ID, 20_000); err != nil {
			t.Fatal(err)
		}
		if _, err := h.DB.Pool().ExecContext(t.Context(), "ANALYZE"); err != nil {
			t.Fatal(err)
		}
		walk := h.DB.Walk(t.Context())
		scans := func(index string) (n int) {
			// One after the other have the same connection, whose counts these are.
			var flushed string
			if _, err := walk.One(&flushed, "SELECT CAST(pg_stat_force_next_flush() AS text)"); err != nil {
				t.Fatal(err)
			}
			if _, err := walk.One(&n, `SELECT COALESCE(sum(s.idx_scan), 0) FROM pg_stat_user_indexes s LEFT JOIN pg_inherits i ON i.inhrelid = s.indexrelid LEFT JOIN pg_class c ON c.oid = i.inhparent WHERE COALESCE(c.relname, s.indexrelname) = ?`, index); err != nil {
				t.Fatal(err)
			}
			return n
		}
		// read is how many rows of the audit were read so far, in any order.
		read := func() (n int) {
			scans("")
			if _, err := walk.One(&n, `SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'audit_events%' OR relname = 'audit_words') + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%' OR relname = 'audit_words')`); err != nil {
				t.Fatal(err)
			}
			return n
		}
		s := &trail.Service{DB: h.DB}
		lead := trail.Sight{TenantID: h.Alder.ID, ReaderID: "u1", Told: people.Helpdesk, Since: h.Clock.Now().Add(-trail.LeadAge)}
		auditor := trail.Sight{TenantID: h.Alder.ID, ReaderID: "u1", Told: people.Everything, Personal: true}
		for _, row := range []struct {
			index string
			q     trail.Query
		}{
			{"audit_events_by_action", trail.Query{Action: string(audit.BypassIssued)}},
			{"audit_words_pkey", trail.Query{Actor: trailtest.Admin}},
			{"audit_words_pkey", trail.Query{Outcome: audit.Denied}},
			{"audit_words_pkey", trail.Query{Text: "signin.password_wrong"}},
			{"audit_events_by_address", trail.Query{Text: trailtest.Address}},
			{"audit_events_of_subject", trail.Query{Target: trailtest.Person}},
			{"audit_events_of_thread", trail.Query{Thread: "a77"}},
		} {
			index, q := row.index, row.q
			before, rows := scans(index), read()
			for range 7 {
				p, err := s.Find(t.Context(), auditor, q, trail.Position{}, trail.Position{})
				if err != nil || len(p.Rows) == 0 {
					t.Fatalf("%+v: %d rows, %v", q, len(p.Rows), err)
				}
			}
			if asked := scans(index) - before; asked < 7 {
				t.Errorf("of 7 times that %+v was looked for, %s was asked %d times", q, index, asked)
			}
			if rows = read() - rows; rows > 7*4*trail.PageLength {
				t.Errorf("for 7 pages of %+v %d rows were read", q, rows)
			}
		}
		rows := read()
		for range 7 {
			if p, err := s.Find(t.Context(), lead, trail.Query{}, trail.Position{}, trail.Position{}); err != nil || p.Older.None() {
				t.Fatalf("%d rows, %v", len(p.Rows), err)
			}
		}
		if rows = read() - rows; rows > 7*4*trail.PageLength {
			t.Errorf("for 7 pages of a lead %d rows were read", rows)
		}
		var days []time.Time
		for day := range 31 {
			days = append(days, h.Clock.Now().AddDate(0, 0, day-30))
		}
		for index, sight := range map[string]trail.Sight{"audit_events_by_action": auditor, "audit_words_pkey": lead} {
			before, read := scans(index), 0
			if _, err := walk.One(&read, "SELECT COALESCE(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%'"); err != nil {
				t.Fatal(err)
			}
			for range 7 {
				figures, err := s.Actions(t.Context(), sight, []audit.Action{audit.SignInFinished, audit.BypassIssued}, days)
				if err != nil || !slices.ContainsFunc(figures["bypass.issued"], func(f trail.Figure) bool { return f.N > 0 }) {
					t.Fatalf("%v, %v", figures, err)
				}
			}
			var after int
			if asked := scans(index) - before; asked < 7 {
				t.Errorf("of 7 times that figures were asked for, %s was asked %d times", index, asked)
			}
			if _, err := walk.One(&after, "SELECT COALESCE(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname LIKE 'audit_events%'"); err != nil || after != read {
				t.Errorf("%d rows are read one after the other for figures, %v", after-read, err)
			}
		}
	})
}
