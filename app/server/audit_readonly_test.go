package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// refuseEvents lets the audit be read, and no event be written, until it is put back.
func refuseEvents(t *testing.T, w *world) (restore func()) {
	t.Helper()
	if w.DB.Dialect == store.Postgres {
		w.act(t, "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$")
		w.act(t, "CREATE TRIGGER no_more BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION no_more()")
		return func() {
			w.act(t, "DROP TRIGGER no_more ON audit_events")
			w.act(t, "DROP FUNCTION no_more")
		}
	}
	w.act(t, "CREATE TRIGGER no_more BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	return func() { w.act(t, "DROP TRIGGER no_more") }
}

// TestWhenTheAuditCanOnlyBeReadNothingHappens: what leaves an event is not done, a first look
// at the audit included; what leaves none goes on, and who watches over the program is told.
func TestWhenTheAuditCanOnlyBeReadNothingHappens(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const seen, unseen = "/admin/alder/audit", "/admin/alder/audit?outcome=denied"
		tenantID, userID := w.person(t, "user5@alder.example")
		page := "/admin/alder/users/" + userID
		admin, auditor, operator, b := w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, "auditor@alder.example"), w.operator(t), w.browser(t)
		admin.get(t, page).want(t, http.StatusOK)
		auditor.get(t, seen).want(t, http.StatusOK)
		b.get(t, "/signin").want(t, http.StatusOK)
		begin := func() answer { return b.post(t, "/signin", "identifier", "user1@alder.example") }
		lock := func() answer { return admin.post(t, page+"/lock", "reason", "a test") }
		look := func() answer { return auditor.get(t, unseen) }
		w.sealed(t) // with the first key, which is an event
		until(t, "nothing to be owed", func() bool {
			return w.count(t, "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL") == 0
		})
		before := w.standing(t)

		restore := refuseEvents(t, w)
		if n := w.count(t, "SELECT count(*) FROM audit_events"); n == 0 {
			t.Fatal("the audit cannot be read")
		}
		begin().unavailable(t)
		lock().unavailable(t)
		look().unavailable(t)
		auditor.get(t, seen).is(t, http.StatusOK) // a look that is written down already
		admin.get(t, page).is(t, http.StatusOK)
		admin.get(t, "/me").is(t, http.StatusOK)
		b.get(t, "/signin").is(t, http.StatusOK)
		b.get(t, "/healthz").is(t, http.StatusOK)
		until(t, "readiness to end", func() bool { return b.get(t, "/readyz").status == http.StatusServiceUnavailable })
		b.get(t, "/readyz").unavailable(t)
		health := operator.get(t, "/operator/health").want(t, http.StatusOK)
		healthLines(health).says(t, "Audit", "bad", "No act happens")
		healthLines(health).says(t, "Schema", "good", "")
		if !strings.Contains(health.body, "Something is broken") {
			t.Errorf("with an audit that can only be read the platform is said to be %s", excerpt(health.body))
		}
		w.unchanged(t, "what was answered with 503", before)
		restore()

		until(t, "readiness", func() bool { return b.get(t, "/readyz").status == http.StatusOK })
		begin().is(t, http.StatusSeeOther)
		lock().is(t, http.StatusSeeOther)
		look().is(t, http.StatusOK)
		var state string
		w.one(t, &state, "SELECT state FROM users WHERE id = ?", userID)
		if n := w.count(t, "SELECT count(*) FROM audit_events WHERE tenant_id = ? AND action = ? AND target_id = ?", tenantID, audit.UserLocked, userID); state != "locked" || n != 1 {
			t.Errorf("afterwards somebody is %s, with %d events of it", state, n)
		}
		healthLines(operator.get(t, "/operator/health").want(t, http.StatusOK)).says(t, "Audit", "good", "No act happens")
	})
}

// healthLines are the lines of the page of the health.
type healthLines answer

// says compares the tone of a line, whose name begins so, and a part of its note.
func (c healthLines) says(t testing.TB, name, tone, note string) {
	t.Helper()
	line := regexp.MustCompile(`(?s)<p class="row-head">\s*` + name + `[^<]*<span class="tag (\w+)">[^<]*</span></p>\s*<p class="row-note">([^<]*)`).FindStringSubmatch(c.body)
	if line == nil {
		t.Errorf("%s has no line that begins with %q", c.asked, name)
	} else if line[1] != tone || !strings.Contains(line[2], note) {
		t.Errorf("%q is said to be %s: %s; want %s: %s", name, line[1], line[2], tone, note)
	}
}

// TestTheHealthPageTellsWhatIsNotProved: events that are in no tree, trees that nobody has
// signed, a witness that cannot be reached and one that is behind, each until it is made good.
func TestTheHealthPageTellsWhatIsNotProved(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "elsewhere")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org", func(s *server.Settings) { s.AuditWitness = filepath.Join(folder, "witness") }))
			w.stood = time.Now() // what is late is late by the clock alone
			b := w.operator(t)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			seal := func() { t.Helper(); must(w.Checkpoints.Round(t.Context())) }
			tell := func() error { return w.Checkpoints.Tell(t.Context(), w.Checkpoints.Witnesses[0]) }
			const sealing, witness, late = "Proof of the audit", "Witness: file ", "for longer than they should"
			says := func(name, tone, note string) {
				t.Helper()
				healthLines(b.get(t, "/operator/health").want(t, http.StatusOK)).says(t, name, tone, note)
			}
			well := func() {
				t.Helper()
				says(sealing, "good", "sealed within a second")
				says(witness, "good", "It has every checkpoint")
			}
			_, _, err := w.Checkpoints.Seal(t.Context()) // and nothing was ever signed
			must(err)
			w.forward(t, 2*checkpoint.SignWait+time.Second)
			says(sealing, "warn", late)
			seal()
			must(tell())
			well()

			w.lock(t, "user1@alder.example")
			w.forward(t, checkpoint.SealOld-time.Second)
			well()
			w.forward(t, 2*time.Second)
			says(sealing, "warn", late)
			says(witness, "good", "It has every checkpoint")
			_, _, err = w.Checkpoints.Seal(t.Context())
			must(err)
			well()

			w.forward(t, 2*checkpoint.SignWait)
			says(sealing, "warn", late)
			says(witness, "good", "It has every checkpoint")
			must(os.Rename(folder, folder+" no more"))
			seal()
			if tell() == nil {
				t.Error("a witness takes a checkpoint that it has no place for")
			}
			says(sealing, "warn", "")
			says(witness, "warn", "What it said last: checkpoint: witness: open ")
			must(os.Rename(folder+" no more", folder))
			must(tell())
			well()

			w.lock(t, "user2@alder.example")
			w.forward(t, checkpoint.SignWait)
			seal()
			says(sealing, "good", "sealed within a second")
			says(witness, "good", "It lacks 1 checkpoint.")
			w.forward(t, checkpoint.WitnessOld+time.Second)
			says(sealing, "warn", "")
			says(witness, "warn", "It lacks 1 checkpoint.")
			must(tell())
			well()
		})
	}
}
