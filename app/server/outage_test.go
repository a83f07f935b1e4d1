package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	consolepages "latchkey/app/web/console"
)

// loss is a way in which the database cannot be used for a while.
type loss struct {
	claim string
	cut   func(t *testing.T, w *world) (restore func())
}

// rename takes tables away and gives them back.
func rename(tables ...string) func(t *testing.T, w *world) func() {
	return func(t *testing.T, w *world) func() {
		for _, table := range tables {
			w.act(t, "ALTER TABLE "+table+" RENAME TO "+table+"_gone")
		}
		return func() {
			for _, table := range tables {
				w.act(t, "ALTER TABLE "+table+"_gone RENAME TO "+table)
			}
		}
	}
}

// hangUp ends every connection of the database and lets no other in.
func hangUp(t *testing.T, w *world) func() {
	if w.DB.Dialect == store.SQLite {
		return rename("tenants", "users", "sessions", "attempts", "prompts", "devices", "audit_events")(t, w)
	}
	address, err := url.Parse(w.DB.DSN)
	if err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{strings.TrimPrefix(address.Path, "/")}.Sanitize()
	address.Path = "/postgres"
	conn, err := pgx.Connect(t.Context(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	do := func(statement string, values ...any) {
		if _, err := conn.Exec(context.Background(), statement, values...); err != nil {
			t.Fatal(err)
		}
	}
	do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	for range 3 { // who is just coming in is not in the list yet
		do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", strings.Trim(name, `"`))
		time.Sleep(50 * time.Millisecond)
	}
	return func() {
		do("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true")
		_ = conn.Close(context.Background())
	}
}

var losses = []loss{
	{"the database is gone", hangUp},
	{"the audit cannot be written", rename("audit_events")},
}

// inside are words that no answer needs.
var inside = regexp.MustCompile(`(?i)\b(sql|sqlite|sqlstate|postgres|pgx|gorm|database|audit_events|connection|relation|no such|goroutine|panic|\w+\.go)\b`)

// unavailable checks an answer that says: not now, and nothing has changed.
func (a answer) unavailable(t testing.TB) {
	t.Helper()
	if !a.is(t, http.StatusServiceUnavailable) {
		return
	}
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
		t.Errorf("%s = 503 with Retry-After %q", a.asked, a.header.Get("Retry-After"))
	}
	if a.location() != "" || len(a.cookies()) > 0 {
		t.Errorf("%s = 503 with Location %q and the cookies %v", a.asked, a.location(), a.cookies())
	}
	if inside.MatchString(excerpt(a.body)) {
		t.Errorf("%s = 503 and tells of its inside: %s", a.asked, excerpt(a.body))
	}
	headersOf(t, a)
}

func TestWithoutTheDatabaseNothingHappens(t *testing.T) {
	t.Parallel()
	for _, lost := range losses {
		t.Run(lost.claim, func(t *testing.T) {
			walking(t, func(t *testing.T, w *world) {
				acts := everyAct(t, w)
				known := map[string]bool{
					"POST /setup/:token": true, // see TestSetUpWithoutAnAuditDoesNotHappen
					// They are the same by an address, or only tell something.
					"POST /t/:tenant/authorize": true, "POST /t/:tenant/end-session": true, "POST /t/:tenant/userinfo": true,
				}
				for _, act := range acts {
					known[act.route] = true
				}
				for _, route := range w.Site.Routes() {
					if route.Method != http.MethodGet && route.Method != http.MethodOptions && !known[route.Method+" "+route.Path] {
						t.Errorf("%s %s: this test knows no act for it; add one", route.Method, route.Path)
					}
				}
				b := w.browser(t)
				b.get(t, "/readyz").want(t, http.StatusOK)
				before := w.standing(t)

				restore := lost.cut(t, w)
				for _, act := range acts {
					act.do().unavailable(t)
				}
				until(t, "readiness to end", func() bool { return b.get(t, "/readyz").status == http.StatusServiceUnavailable })
				b.get(t, "/readyz").unavailable(t)
				b.get(t, "/healthz").is(t, http.StatusOK)
				b.get(t, "/signin").is(t, http.StatusOK)
				b.get(t, "/static/style.css").is(t, http.StatusOK)
				b.get(t, "/phone").is(t, http.StatusOK)
				restore()

				until(t, "readiness", func() bool { return b.get(t, "/readyz").status == http.StatusOK })
				w.unchanged(t, "what was answered with 503", before)
				for _, act := range acts {
					a := act.do()
					for range 10 { // a pool may still hold connections that it does not know to be dead
						if a.status != http.StatusServiceUnavailable {
							break
						}
						a = act.do()
					}
					if a.status != act.want {
						t.Errorf("afterwards %s = %d, want %d\n%s", a.asked, a.status, act.want, excerpt(a.body))
					}
				}
			})
		})
	}
}

func TestReadingWithoutTheDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		s.pc.get(t, "/me").want(t, http.StatusOK)
		restore := hangUp(t, w)
		defer restore()
		for _, route := range w.Site.Routes() {
			path := s.filled(route.Path)
			switch {
			case route.Method != http.MethodGet:
			case strings.HasPrefix(path, api) && path != api+"/push-key":
				s.ph.call(t, http.MethodGet, strings.TrimPrefix(path, api), nil).unavailable(t)
			case strings.HasPrefix(path, "/signin/"):
				s.b.get(t, path).unavailable(t)
			case path != "/healthz" && path != consolepages.StatementKeyPath && !strings.HasPrefix(path, "/static/") && !strings.HasPrefix(path, "/phone") && path != "/favicon.ico":
				s.pc.get(t, path).unavailable(t)
			}
		}
	})
}

func TestARefusalThatCannotBeRemembered(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		b.get(t, "/admin/alder").want(t, http.StatusForbidden)
		restore := rename("audit_events")(t, w)
		b.get(t, "/admin/alder").unavailable(t)
		b.get(t, "/me").is(t, http.StatusOK)
		restore()
		b.get(t, "/admin/alder").is(t, http.StatusForbidden)
	})
}

func TestRolesThatCannotBeReadAreTrustedForAMinute(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "security@alder.example")
		restore := rename("role_assignments")(t, w)
		w.ahead.Add(int64(30 * time.Second))
		b.get(t, "/admin").is(t, http.StatusOK)
		w.ahead.Add(int64(40 * time.Second))
		b.get(t, "/admin").unavailable(t)
		b.get(t, "/me").unavailable(t)
		b.get(t, "/signin").is(t, http.StatusOK)
		restore()
		until(t, "the roles to be read again", func() bool { return b.get(t, "/admin/alder").status == http.StatusOK })
	})
}

func TestAStreamOutlivesTheDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "user1@alder.example")
		r, shown := s.ph.asks(t), number(s.b.get(t, s.attempt))
		page := s.b.watch(t, s.attempt)
		page.says(t, "state pending")
		restore := hangUp(t, w)
		s.b.get(t, s.attempt+"/state").unavailable(t)
		restore()
		until(t, "readiness", func() bool { return s.b.get(t, "/readyz").status == http.StatusOK })
		until(t, "the answer", func() bool { return s.ph.answers(t, r, "approve", shown).status == http.StatusOK })
		page.says(t, "state approved", "(ended)")
	})
}

func TestADatabaseThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, servertest.Start(t, store.Postgres, servertest.Hurried), &atomic.Int64{})
	b := w.browser(t)
	b.get(t, "/signin")
	conn, err := pgx.Connect(t.Context(), w.DB.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	lock, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	// More than there are connections: whoever gets none must not wait for ever either.
	many := make([]*http.Request, 60)
	for i := range many {
		form := b.form("identifier", fmt.Sprintf("user%d@alder.example", i))
		many[i] = b.request(t, http.MethodPost, "/signin", strings.NewReader(form.Encode()), "Content-Type", formType)
	}
	before := time.Now()
	for _, a := range allAtOnce(t, b.client, many) {
		a.unavailable(t)
	}
	if took := time.Since(before); took > 25*time.Second {
		t.Errorf("it took %s to say so", took)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "a sign-in", func() bool {
		return b.post(t, "/signin", "identifier", "user1@alder.example").status == http.StatusSeeOther
	})
}

func TestSetUpWithoutAnAuditDoesNotHappen(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Empty(t, dialect, "https://id.example.org"))
			link, needed, err := w.Setup.Link(t.Context())
			if err != nil || !needed {
				t.Fatalf("Link = %t, %v", needed, err)
			}
			b := w.browser(t)
			page := "/setup/" + link.Reveal()
			b.get(t, page).want(t, http.StatusOK)
			fill := func() answer {
				return b.post(t, page, "tenant_name", "Cedar", "tenant_slug", "cedar", "domain", "cedar.example", "region", "eu",
					"admin_name", "security", "password", passwordOfAll, "password_again", passwordOfAll)
			}
			before := w.standing(t)
			restore := rename("audit_events")(t, w)
			fill().unavailable(t)
			restore()
			w.unchanged(t, "a set-up without an audit", before)
			fill().want(t, http.StatusSeeOther)
			fill().is(t, http.StatusNotFound)
			w.browser(t).signIn(t, "security@cedar.example").get(t, "/admin/cedar").is(t, http.StatusOK)
		})
	}
}

// TestRolesThatAreEmptyOrCorruptLetNobodyIn: whoever holds nothing that the policy
// knows may nothing: an act at once, a page on the next read of the table.
func TestRolesThatAreEmptyOrCorruptLetNobodyIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "admin@alder.example"
		b := w.browser(t).signIn(t, name)
		tenantID, adminID := w.person(t, name)
		_, userID := w.person(t, "user5@alder.example")
		page := "/admin/alder/users/" + userID
		b.get(t, page).want(t, http.StatusOK)
		for claim, broken := range map[string]struct {
			statement string
			values    []any
		}{
			"nobody holds anything":        {"DELETE FROM role_assignments", nil},
			"a role that is none":          {"UPDATE role_assignments SET role = 'emperor' WHERE user_id = ?", []any{adminID}},
			"a role without a name":        {"UPDATE role_assignments SET role = '' WHERE user_id = ?", []any{adminID}},
			"a role of the platform":       {"UPDATE role_assignments SET role = 'operator' WHERE user_id = ?", []any{adminID}},
			"a custom role that is gone":   {"UPDATE role_assignments SET role = 'custom:none' WHERE user_id = ?", []any{adminID}},
			"a custom role full of noise":  {"UPDATE role_assignments SET role = 'custom:noise' WHERE user_id = ?", []any{adminID}},
			"an assignment that has ended": {"UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", []any{w.DB.Now().Add(-time.Hour), adminID}},
		} {
			w.act(t, "DELETE FROM custom_roles")
			w.act(t, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:noise','Noise',?,'',?,?)",
				tenantID, "p, *, *;user.lock user.disable,,\n,database.drop", w.DB.Now(), w.DB.Now())
			w.act(t, broken.statement, broken.values...)
			// What an act asks are the rows as they stand: it waits for no table to be read.
			if a := b.post(t, page+"/lock", "reason", "a test"); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
				t.Errorf("%s: locking somebody = %d", claim, a.status)
			}
			if err := w.Rules.Reload(t.Context()); err != nil {
				t.Errorf("%s: Reload = %v", claim, err)
			}
			for _, path := range []string{page, "/admin/alder/users", "/admin/alder/roles", "/admin/alder/policy"} {
				if a := b.get(t, path); a.status != http.StatusForbidden {
					t.Errorf("%s: %s = %d, want 403", claim, path, a.status)
				}
			}
			var state string
			w.one(t, &state, "SELECT state FROM users WHERE id = ?", userID)
			if state != "active" {
				t.Errorf("%s: somebody is %s", claim, state)
			}
			w.act(t, "DELETE FROM role_assignments WHERE user_id = ?", adminID)
			w.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'tenant_administrator','',?)", tenantID, adminID, w.DB.Now())
			if err := w.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.get(t, page).want(t, http.StatusOK)
		}
	})
}
