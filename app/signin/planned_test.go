package signin_test

import (
	"testing"
	"time"

	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// TestASignInPlannedAmongFewFindsItsRowsAmongMany: a connection keeps the plans that it made
// when hardly anybody had signed in yet, such as at night, when all of yesterday is cleared away.
// A table may be walked through then; it must not be when there are thousands of attempts,
// and nothing was analysed since.
func TestASignInPlannedAmongFewFindsItsRowsAmongMany(t *testing.T) {
	On(t, store.Postgres, func(h *House) {
		t, pc := h.T, Browser("a PC")
		u := h.User(h.Alder, "user1")
		ph, _ := h.PhoneOf(u)
		signsIn := func() {
			addressed := h.Begin(u.Name, signin.Phone, pc)
			h.Attempt(addressed, pc)
			r := ph.Open()
			if state, err := ph.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil || state != prompt.Approved {
				t.Fatalf("the answer is %s, %v", state, err)
			}
			if _, err := h.SignIn.Finish(t.Context(), addressed, pc); err != nil {
				t.Fatal(err)
			}
			h.Clock.Forward(time.Hour)
		}
		// many writes rows like the first of a table, each somebody's of their own.
		many := func(table string, n int) {
			h.Set(`INSERT INTO `+table+` SELECT r.* FROM (SELECT * FROM `+table+` ORDER BY 1, 2 LIMIT 1) x, generate_series(1, CAST(? AS int)) i,
				jsonb_populate_record(CAST(NULL AS `+table+`), to_jsonb(x) || (SELECT jsonb_object_agg(k, CASE k WHEN 'user_id' THEN 1 + i % 500 ELSE i END || v) FROM jsonb_each_text(to_jsonb(x)) e (k, v)
					WHERE v <> '' AND k IN ('id', 'name', 'subject', 'user_id', 'browser_digest', 'token_digest', 'prompt_id', 'attempt_id', 'account_id'))) r`, n)
		}
		many("users", 500)
		if _, err := h.DB.Pool().ExecContext(t.Context(), "VACUUM ANALYZE"); err != nil {
			t.Fatal(err)
		}
		for range 8 { // a plan is one for any values from the sixth time on
			signsIn()
		}
		// A page that waits may look for its prompt by the organisation alone, until the database has
		// looked at the table again, a minute later.
		for _, table := range []string{"sessions", "attempts"} {
			many(table, 10_000)
		}
		read := func() map[string]int {
			var rows []struct {
				Name string
				N    int
			}
			h.Act(func(tx *store.Tx) error {
				var flushed string
				_, err := tx.One(&flushed, "SELECT CAST(pg_stat_force_next_flush() AS text)")
				return err
			})
			err := h.DB.View(t.Context()).All(&rows, `SELECT t.relname AS name, t.seq_tup_read + COALESCE((SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0) AS n FROM pg_stat_user_tables t`)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]int{}
			for _, r := range rows {
				all[r.Name] = r.N
			}
			return all
		}
		before := read()
		const times, most = 3, 200
		for range times {
			signsIn()
		}
		after, some := read(), 0
		for table, n := range after {
			n -= before[table]
			some += n
			if n > times*most {
				t.Errorf("to sign in %d times read %d rows of %s", times, n, table)
			}
		}
		if some < times*10 {
			t.Errorf("to sign in %d times read %d rows, so nobody counts them", times, some)
		}
	})
}
