package server_test

import (
	"errors"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
)

var (
	charted   = regexp.MustCompile(`<a href="(/admin/alder/audit\?[^"]*)" aria-label="[^"]*: ([0-9]+)">`)
	allOfKind = regexp.MustCompile(`<a href="(/admin/alder/audit\?[^"]*)">[^<]*</a>\s*<b>([0-9]+)</b>`)
)

// happened records events of a tenant at moments that have been.
func (w *world) happened(t testing.TB, ago map[time.Duration][]audit.Event) {
	t.Helper()
	err := w.DB.Act(t.Context(), func(tx *store.Tx) (all error) {
		for back, events := range ago {
			then := *tx
			then.Now = then.Now.Add(-back)
			for _, e := range events {
				if _, err := tx.One(&e.TenantID, "SELECT id FROM tenants WHERE slug = 'alder'"); err != nil {
					return err
				}
				all = errors.Join(all, audit.Record(&then, e))
			}
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEveryFigureOfAChartIsThatOfItsList: each figure leads to a list with as many events, for
// each role and however far back; and nobody is told of what they do not see.
func TestEveryFigureOfAChartIsThatOfItsList(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/audit/charts"
		var desk, user5, user6, limited string
		for name, id := range map[string]*string{"desk": &desk, "user5": &user5, "user6": &user6, "user9": &limited} {
			w.one(t, id, "SELECT id FROM users WHERE name = ?", name+"@alder.example")
		}
		var tenantID string
		w.one(t, &tenantID, "SELECT id FROM tenants WHERE slug = 'alder'")
		w.promote(t, "user9@alder.example", "tenant_administrator")
		w.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,'user5@alder.example') ON CONFLICT DO NOTHING", tenantID, w.group(t, "alder", "pilot"), user5)
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, limited, w.group(t, "alder", "pilot"))
		if err := w.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		ago := map[time.Duration][]audit.Event{}
		for n := range 40 {
			subject, by := []string{user5, user6}[n%2], []string{"phone", "pwd", "pwd,otp", "passkey", "sms", "smoke_signal", "a<b"}[n%7]
			back := time.Duration(n*n) * time.Hour
			ago[back] = append(
				ago[back],
				audit.Event{Action: audit.SignInFinished, Actor: audit.User(subject), Subject: subject, Details: map[string]string{"by": by}},
				audit.Event{Action: audit.SignInRefused, Outcome: audit.Failure, Reason: "signin.password_wrong", Actor: audit.Claimant(""), Subject: subject},
				audit.Event{Action: audit.BypassIssued, Actor: audit.User(desk), Target: audit.User(subject), Subject: subject},
				audit.Event{Action: audit.CallerCheckReported, Actor: audit.Device("d"), Subject: subject},
				audit.Event{Action: audit.AccessRefused, Outcome: audit.Denied, Actor: audit.User(desk), Subject: desk},
			)
		}
		w.happened(t, ago)
		for name, least := range map[string]int{"security": 50, "auditor": 50, "admin": 50, "user9": 20, "lead": 20, "desk": 10, "desk2": 0} {
			b := w.browser(t).signIn(t, name+"@alder.example")
			for _, asked := range []string{"day", "week", "month", "quarter"} {
				a := b.get(t, page+"?range="+asked).want(t, http.StatusOK)
				found := append(charted.FindAllStringSubmatch(a.body, -1), allOfKind.FindAllStringSubmatch(a.body, -1)...)
				if asked == "quarter" && len(found) < least {
					t.Errorf("%s has %d figures", name, len(found))
				}
				if strings.Contains(a.body, "at least") {
					t.Errorf("%s is told of what may be more", name)
				}
				if hides := name != "security" && name != "auditor"; hides == strings.Contains(a.body, "Not permitted") || hides == strings.Contains(a.body, "action=access.refused") {
					t.Errorf("%s reads of security events, or should: %t", name, hides)
				}
				if strings.Contains(a.body, "a<b") {
					t.Error("a way stands in the page as it is")
				}
				for i, f := range found {
					if asked != "day" && i%5 != 0 {
						continue // each is a look
					}
					n, err := strconv.Atoi(f[2])
					if err != nil {
						t.Fatal(err)
					}
					list := b.auditOf(t, strings.TrimPrefix(html.UnescapeString(f[1]), "/admin/alder/audit")+"&count=1")
					if list.Count == nil || *list.Count != n || n == 0 {
						t.Errorf("%s has %d at %s, of which the list has %+v", name, n, f[1], list.Count)
					}
				}
			}
		}
		b := w.browser(t).signIn(t, "auditor@alder.example")
		looks := func() int {
			return w.count(t, "SELECT count(*) FROM audit_events WHERE action = 'audit.viewed' AND actor_id = (SELECT id FROM users WHERE name = 'auditor@alder.example')")
		}
		w.browser(t).signIn(t, "user7@alder.example").get(t, page).want(t, http.StatusForbidden)
		b.get(t, "/admin/birch/audit/charts").want(t, http.StatusNotFound)
		if a := b.get(t, page+"?range=ever").want(t, http.StatusOK); !strings.Contains(a.body, `range=week" aria-current="page"`) {
			t.Error("what is no range is one")
		}
		before := looks()
		b.get(t, page)
		if looks() != before {
			t.Error("one look is two")
		}
		if a := b.get(t, "/admin/alder/audit").want(t, http.StatusOK); !strings.Contains(a.body, `href="`+page+`"`) {
			t.Error("the list does not lead to the charts")
		}
		if a := b.get(t, "/admin/alder/audit?action=signin.finished&by=pwd%2Cotp").want(t, http.StatusOK); !strings.Contains(a.body, "Signed in by: password, then code from an app") || !strings.Contains(a.body, "export?action=signin.finished&amp;by=pwd%2Cotp") {
			t.Error("the list is not narrowed by a way, or its export is not")
		}
		w.act(t, `INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt)
			WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 2800)
			SELECT tenant_id, 'many-' || n, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt
			FROM audit_events, i WHERE id = (SELECT min(id) FROM audit_events WHERE action = 'signin.refused' AND subject_id = ? AND actor_kind = 'claimant')`, user6)
		if a := w.browser(t).signIn(t, "security@alder.example").get(t, page+"?range=quarter").want(t, http.StatusOK); strings.Count(a.body, "at least 2\u00a0777") < 2 || !strings.Contains(a.body, "There is more than can be counted") {
			t.Error("it does not say that there are more")
		}
		restore := rename("audit_events")(t, w)
		b.get(t, page+"?range=day").unavailable(t)
		restore()
	})
}
