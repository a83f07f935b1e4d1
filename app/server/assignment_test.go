package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
)

// outcomes is what the acts of everyAct leave, without what differs from one run
// to the next: ids, times and secrets.
func (w *world) outcomes(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for what, query := range map[string]string{
		"users":       "SELECT name || ' ' || state || ' ' || mfa_state || ' ' || CAST(ways AS text) || ' ' || display_name FROM users",
		"roles":       "SELECT u.name || ' ' || a.role || ' ' || CASE WHEN a.ends_at IS NULL THEN 'open' ELSE 'ends' END FROM role_assignments a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id",
		"scopes":      "SELECT u.name || ' ' || g.name FROM role_scopes s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN groups g ON g.tenant_id = s.tenant_id AND g.id = s.group_id",
		"custom":      "SELECT name || ' ' || permissions || ' ' || CASE WHEN retired_at IS NULL THEN 'in use' ELSE 'retired' END FROM custom_roles",
		"tenants":     "SELECT slug || ' ' || name || ' ' || state || ' ' || region || ' ' || ring || ' ' || match_mode || ' ' || match_mode_elsewhere || ' ' || places || ' ' || platforms || ' ' || CAST(idle_minutes AS text) || ' ' || CAST(session_hours AS text) || ' ' || CAST(trust_days AS text) FROM tenants",
		"domains":     "SELECT d.domain || ' ' || t.slug || ' ' || CASE WHEN d.verified_at IS NULL THEN 'claimed' ELSE 'verified' END FROM domains d JOIN tenants t ON t.id = d.tenant_id",
		"groups":      "SELECT t.slug || ' ' || g.name || ' ' || g.role FROM groups g JOIN tenants t ON t.id = g.tenant_id",
		"members":     "SELECT g.name || ' ' || m.user_name FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id",
		"phones":      "SELECT u.name || ' ' || d.state || ' ' || CAST(d.phone_sign_in AS text) || ' ' || d.platform || ' ' || d.name FROM devices d JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id",
		"apps":        "SELECT u.name || ' ' || o.state FROM totps o JOIN users u ON u.tenant_id = o.tenant_id AND u.id = o.user_id",
		"passkeys":    "SELECT u.name || ' ' || k.state || ' ' || k.name FROM passkeys k JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id",
		"requests":    "SELECT kind || ' ' || state || ' ' || reason || ' ' || ticket FROM approval_requests",
		"tickets":     "SELECT ticket || ' ' || e.action FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id",
		"grants":      "SELECT role || ' ' || reason || ' ' || CASE WHEN ended_at IS NULL THEN 'open' ELSE 'ended' END FROM operator_grants",
		"invitations": "SELECT u.name || ' ' || CASE WHEN i.used_at IS NULL THEN 'open' ELSE 'used' END FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id",
		"browsers":    "SELECT u.name || ' ' || CASE WHEN r.ended_at IS NULL THEN 'trusted' ELSE 'ended' END FROM trusted_browsers r JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id",
		"sessions":    "SELECT u.name || ' ' || s.amr || ' ' || CASE WHEN s.ended_at IS NULL THEN 'open' ELSE 'ended' END FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id",
	} {
		var rows []string
		if err := w.DB.View(t.Context()).All(&rows, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		for i := range rows {
			rows[i] = madeUp.ReplaceAllString(rows[i], `"id":"…"`)
		}
		slices.Sort(rows)
		all[what] = rows
	}
	return all
}

// madeUp is an id within a text, another one in each run.
var madeUp = regexp.MustCompile(`"id":"[a-z0-9]{10}"`)

// TestFieldsThatNoFormHasChangeNothing runs every act once as its page sends it,
// and once with the names of columns and rights beside its own fields: both leave
// the same.
func TestFieldsThatNoFormHasChangeNothing(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run := func(more url.Values) map[string][]string {
				w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
				acts := everyAct(t, w)
				w.more = more
				for _, act := range acts {
					if a := act.do(); a.status != act.want && a.status != http.StatusSeeOther {
						t.Errorf("%s = %d, want %d", act.route, a.status, act.want)
					}
				}
				return w.outcomes(t)
			}
			more := url.Values{}
			for _, name := range strings.Fields(`tenant tenant_id user user_id id actor actor_id requester_id target target_id subject rank admin is_admin
				state locked locked_by locked_at created_by assigned_by approved_by added_by role_by verified verified_at expires_at ends ended_at used_at
				password_hash ways mfa mfa_state digest amr proved_by proved_at account_id phone_sign_in preferred scope permissions eyes four_eyes approved`) {
				more.Set(name, "security_administrator")
			}
			more.Set("state", "active")
			more.Set("role", "security_administrator")
			plain, stuffed := run(nil), run(more)
			for what := range plain {
				if !slices.Equal(plain[what], stuffed[what]) {
					t.Errorf("%s are not the same:\n%s\nwith more fields:\n%s", what, strings.Join(plain[what], "\n"), strings.Join(stuffed[what], "\n"))
				}
			}
		})
	}
}
