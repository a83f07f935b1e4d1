package server_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/server"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

// TestMain lets more of the parallel stories run at once than there are processors: most
// of those wait, for a poll, a pause or a client that stalls.
func TestMain(m *testing.M) {
	flag.Parse()
	if given := flag.Lookup("test.parallel"); given.Value.String() == given.DefValue {
		if err := flag.Set("test.parallel", "6"); err != nil {
			panic(err)
		}
	}
	os.Exit(storetest.Main(m))
}

// world is the whole program on a database of its own, with a clock that runs
// and can be moved on.
type world struct {
	*servertest.Program
	ahead *atomic.Int64 // nanoseconds
	stood time.Time     // see walking; zero where the clock runs
	wire  http.RoundTripper
	more  url.Values // see browser
}

// onBoth runs a story against a program on SQLite and one on PostgreSQL.
func onBoth(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	onBothWith(t, func(*server.Settings) {}, story)
}

// onBothWith is onBoth with other settings.
func onBothWith(t *testing.T, change func(*server.Settings), story func(t *testing.T, w *world)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) { story(t, newWorld(t, servertest.Start(t, dialect, change), &atomic.Int64{})) })
	}
}

// walking is onBoth for a test of storetest.Breadth. A walk takes minutes on a busy machine,
// and what was begun for it must live to its end: its clock all but stands, each look at it
// being a microsecond later.
func walking(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			w := &world{Program: servertest.Start(t, dialect), ahead: &atomic.Int64{}, stood: time.Now()}
			w.begin(t)
			story(t, w)
		})
	}
}

// trusting names the networks whose proxies are believed.
func trusting(networks ...string) func(*server.Settings) {
	return func(s *server.Settings) { s.TrustedProxies = networks }
}

// onPostgres runs the first of several replicas.
func onPostgres(t testing.TB) *world {
	t.Helper()
	return newWorld(t, servertest.Start(t, store.Postgres), &atomic.Int64{})
}

func newWorld(t testing.TB, p *servertest.Program, ahead *atomic.Int64) *world {
	w := &world{Program: p, ahead: ahead}
	w.begin(t)
	return w
}

func (w *world) begin(t testing.TB) {
	w.wire = transport
	t.Cleanup(transport.CloseIdleConnections) // so that the program need not wait for them
	w.DB.SetClock(w.now)
}

// quiet is a program without background work, asked without a network.
func quiet(p *servertest.Program) *world {
	w := &world{Program: p, ahead: &atomic.Int64{}, wire: direct{p.Handler, "127.0.0.1"}}
	p.DB.SetClock(w.now)
	return w
}

// direct hands requests to a handler in the same process, as if from an address.
type direct struct {
	handler http.Handler
	peer    string
}

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	inward := r.Clone(r.Context())
	inward.RemoteAddr, inward.RequestURI = net.JoinHostPort(d.peer, "1"), r.URL.RequestURI()
	if inward.Host == "" {
		inward.Host = r.URL.Host
	}
	if inward.Body == nil {
		inward.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	d.handler.ServeHTTP(rec, inward)
	return rec.Result(), nil
}

// beside starts another replica over the database of w, on w's clock.
func (w *world) beside(t testing.TB) *world {
	t.Helper()
	return newWorld(t, servertest.Replica(t, w.DB.DSN, w.URL), w.ahead)
}

func (w *world) now() time.Time {
	if w.stood.IsZero() {
		return time.Now().Add(time.Duration(w.ahead.Load()))
	}
	return w.stood.Add(time.Duration(w.ahead.Add(int64(time.Microsecond))))
}

// forward moves the clock on. The table of rules has a best-before date of its
// own and is read again, as it is every two seconds.
func (w *world) forward(t testing.TB, d time.Duration) {
	t.Helper()
	w.ahead.Add(int64(d))
	if err := w.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// act runs a statement on the database behind the program's back.
func (w *world) act(t testing.TB, statement string, values ...any) {
	t.Helper()
	if err := w.DB.Act(context.Background(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// one reads one value.
func (w *world) one(t testing.TB, dest any, query string, values ...any) {
	t.Helper()
	if _, err := w.DB.View(t.Context()).One(dest, query, values...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// person gives the tenant and the id of a user.
func (w *world) person(t testing.TB, name string) (tenantID, userID string) {
	t.Helper()
	var row struct{ TenantID, ID string }
	w.one(t, &row, "SELECT tenant_id, id FROM users WHERE name = ?", name)
	if row.ID == "" {
		t.Fatalf("nobody is called %s", name)
	}
	return row.TenantID, row.ID
}

// standing is all that stands in the database, by table, but for what a mere
// look leaves (the proofs seen, and when a session was seen last), counters at
// zero, the signs of life of the program, what it counts, seals and signs by itself, and how often the
// helpdesk was asked, which is counted before anything is looked at.
func (w *world) standing(t testing.TB) map[string][]string {
	t.Helper()
	names := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('proofs', 'replicas', 'goose_db_version', 'insights', 'insight_days', 'way_uses', 'case_ask_counts', 'censuses', 'alarm_positions') AND (name NOT LIKE 'audit_%' OR name IN ('audit_events', 'audit_views'))"
	if w.DB.Dialect == store.Postgres {
		names = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace AND relname NOT IN ('proofs', 'replicas', 'goose_db_version', 'insights', 'insight_days', 'way_uses', 'case_ask_counts', 'censuses', 'alarm_positions') AND (relname NOT LIKE 'audit_%' OR relname IN ('audit_events', 'audit_views'))"
	}
	var tables []string
	if err := w.DB.View(t.Context()).All(&tables, names); err != nil || len(tables) < 15 {
		t.Fatalf("tables %v: %v", tables, err)
	}
	all := map[string][]string{}
	for _, table := range tables {
		var rows []map[string]any
		if err := w.DB.View(t.Context()).All(&rows, "SELECT * FROM "+table); err != nil {
			t.Fatal(err)
		}
		all[table] = []string{}
		for _, row := range rows {
			if table == "throttles" && fmt.Sprint(row["in_a_row"]) == "0" {
				continue
			}
			if row["action"] == "audit.key_made" {
				continue // by the program itself, soon after it has begun
			}
			if table == "platform_settings" && row["name"] == "insight_attempts" {
				continue // when it has counted
			}
			if table == "alarms" && fmt.Sprint(row["next_n"]) != "0" || strings.Contains(fmt.Sprint(row), string(audit.AlarmRaised)) {
				continue // likewise, some time after the events that it counts
			}
			delete(row, "last_seen_at")
			delete(row, "console_seen_at")
			delete(row, "pin_try") // the name of the last try that was counted
			all[table] = append(all[table], fmt.Sprint(row))
		}
		slices.Sort(all[table])
	}
	return all
}

// unchanged compares what stands now with what stood before, but for rows that
// may come.
func (w *world) unchanged(t testing.TB, what string, before map[string][]string, may ...func(row string) bool) {
	t.Helper()
	for table, now := range w.standing(t) {
		for _, comes := range may {
			now = slices.DeleteFunc(now, func(row string) bool { return !slices.Contains(before[table], row) && comes(row) })
		}
		if slices.Equal(now, before[table]) {
			continue
		}
		t.Errorf("%s changed %s:", what, table)
		for _, row := range now {
			if !slices.Contains(before[table], row) {
				t.Logf("  now    %.900s", row)
			}
		}
		for _, row := range before[table] {
			if !slices.Contains(now, row) {
				t.Logf("  before %.900s", row)
			}
		}
	}
}

// remembered is a row that a refusal leaves: its event, the alarm, who is told.
func remembered(row string) bool {
	return strings.Contains(row, "action:access.refused") || strings.Contains(row, "action:access.alarm")
}

// until waits for a condition, a minute at most.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	holdsWithin(t, time.Minute, what, holds)
}

// soon waits for a condition that must hold within dead.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	holdsWithin(t, late, what, holds)
}

func holdsWithin(t testing.TB, most time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for: %s", most, what)
		}
	}
}

// sealed seals and signs what is recorded at alder. The program does it too, and who comes
// while it does would find nothing to do: this waits.
func (w *world) sealed(t testing.TB) {
	t.Helper()
	var alder string
	w.one(t, &alder, "SELECT id FROM tenants WHERE slug = 'alder'")
	if err := w.Checkpoints.SignNow(t.Context(), alder); err != nil {
		t.Fatal(err)
	}
}

func (w *world) lock(t testing.TB, name string) {
	t.Helper()
	tenantID, userID := w.person(t, name)
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		return user.Lock(tx, tenantID, userID, "a test", audit.Service, audit.Origin{})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// disable disables an account as an administrator does.
func (w *world) disable(t testing.TB, name string) {
	t.Helper()
	_, userID := w.person(t, name)
	b := w.browser(t).signIn(t, "admin@alder.example")
	b.get(t, "/admin/alder/users/"+userID)
	b.post(t, "/admin/alder/users/"+userID+"/disable", "reason", "a test").want(t, http.StatusSeeOther)
}

// scene is somebody at the number page with their phone in hand.
type scene struct {
	*world
	name    string
	pc, b   *browser // the one that added the phone, and the one that signs in
	ph      *phone
	attempt string
	other   string // id of somebody else, who does nothing
}

func (w *world) scene(t testing.TB, name string) *scene {
	t.Helper()
	s := &scene{world: w, name: name, b: w.browser(t)}
	s.ph, s.pc = w.withPhone(t, name)
	s.attempt = s.b.askPhone(t, name)
	_, s.other = w.person(t, "user8@alder.example")
	return s
}

// revoke removes the phone on the page of the one who has it.
func (s *scene) revoke(t testing.TB) {
	t.Helper()
	s.pc.post(t, "/me/phones/"+s.ph.account+"/revoke").want(t, http.StatusSeeOther)
}
