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
		"users":          "SELECT name || ' ' || state || ' ' || mfa_state || ' ' || CAST(ways AS text) || ' ' || display_name FROM users",
		"roles":          "SELECT u.name || ' ' || a.role || ' ' || CASE WHEN a.ends_at IS NULL THEN 'open' ELSE 'ends' END FROM role_assignments a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id",
		"scopes":         "SELECT u.name || ' ' || g.name FROM role_scopes s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id JOIN groups g ON g.tenant_id = s.tenant_id AND g.id = s.group_id",
		"custom":         "SELECT name || ' ' || permissions || ' ' || CASE WHEN retired_at IS NULL THEN 'in use' ELSE 'retired' END FROM custom_roles",
		"tenants":        "SELECT slug || ' ' || name || ' ' || state || ' ' || region || ' ' || ring || ' ' || match_mode || ' ' || match_mode_elsewhere || ' ' || places || ' ' || platforms || ' ' || CAST(idle_minutes AS text) || ' ' || CAST(session_hours AS text) || ' ' || CAST(trust_days AS text) || ' ' || CAST(bypass_minutes AS text) || ' ' || CAST(bypass_uses AS text) || ' ' || bypass_kinds || ' ' || bypass_deliveries || ' ' || check_ways || ' ' || check_ways_privileged || ' ' || desk_reasons || ' ' || ticket_pattern FROM tenants",
		"policies":       "SELECT slug || ' ' || CAST(no_sign_in AS text) || ' ' || CAST(no_second AS text) || ' ' || CAST(no_recovery AS text) || ' ' || CAST(limited_ways AS text) || ' ' || CAST(strongest_first AS text) || ' ' || CAST(password_least AS text) || ' ' || CAST(tries_most AS text) || ' ' || CAST(passcode_hours AS text) || ' ' || CAST(method_version AS text) || ' ' || CAST(version AS text) FROM tenants",
		"features":       "SELECT t.slug || ' ' || r.feature || ' ' || r.stage || ' ' || CAST(r.share AS text) || ' ' || COALESCE(g.name, '') FROM rollouts r JOIN tenants t ON t.id = r.tenant_id LEFT JOIN rollout_groups n ON n.tenant_id = r.tenant_id AND n.feature = r.feature LEFT JOIN groups g ON g.tenant_id = n.tenant_id AND g.id = n.group_id",
		"limited":        "SELECT t.slug || ' ' || CAST(l.way AS text) || ' ' || g.name FROM method_groups l JOIN tenants t ON t.id = l.tenant_id JOIN groups g ON g.tenant_id = l.tenant_id AND g.id = l.group_id",
		"exports":        "SELECT t.slug || ' ' || x.form || ' ' || x.state || ' ' || CASE WHEN x.link = '' THEN '' ELSE 'link' END FROM audit_exports x JOIN tenants t ON t.id = x.tenant_id WHERE x.state <> 'running' AND x.id IN ('draft', 'done')",
		"views":          "SELECT t.slug || ' ' || u.name || ' ' || v.name || ' ' || CAST(v.shared AS text) || ' ' || CAST(v.version AS text) FROM audit_views v JOIN tenants t ON t.id = v.tenant_id JOIN users u ON u.tenant_id = v.tenant_id AND u.id = v.owner_id",
		"consumers":      "SELECT t.slug || ' ' || c.name || ' ' || c.kind || ' ' || c.form || ' ' || c.url || ' ' || c.state || ' ' || CAST(c.personal AS text) FROM consumers c JOIN tenants t ON t.id = c.tenant_id",
		"holds":          "SELECT t.slug || ' ' || h.reason || ' ' || CASE WHEN h.ended_at IS NULL THEN 'stands' ELSE 'ended' END FROM audit_holds h JOIN tenants t ON t.id = h.tenant_id",
		"keeping":        "SELECT t.slug || ' ' || CAST(k.signins AS text) || ' ' || CAST(k.administration AS text) || ' ' || CAST(k.holds AS text) || ' ' || CAST(k.version AS text) FROM audit_keeping k JOIN tenants t ON t.id = k.tenant_id",
		"alarms":         "SELECT t.slug || ' ' || a.rule || ' ' || CASE WHEN a.test THEN 'test' ELSE 'alarm' END || ' ' || a.note FROM alarms a JOIN tenants t ON t.id = a.tenant_id WHERE a.id = 'loud' OR a.test",
		"alarm rules":    "SELECT t.slug || ' ' || r.rule || ' ' || CAST(r.active AS text) || ' ' || CAST(r.threshold AS text) || ' ' || CAST(r.minutes AS text) || ' ' || CAST(r.mail AS text) || ' ' || r.consumer_id || ' ' || CAST(r.version AS text) FROM alarm_rules r JOIN tenants t ON t.id = r.tenant_id",
		"ticket systems": "SELECT t.slug || ' ' || s.url || ' ' || s.tells || ' ' || s.when_down || ' ' || CAST(s.version AS text) FROM ticket_systems s JOIN tenants t ON t.id = s.tenant_id",
		"providers":      "SELECT t.slug || ' ' || p.channel || ' ' || p.driver || ' ' || p.url || ' ' || p.account || ' ' || p.sender || ' ' || CASE WHEN p.credential = '' THEN 'open' ELSE 'sealed' END || ' ' || CAST(p.version AS text) FROM providers p JOIN tenants t ON t.id = p.tenant_id",
		"brakes":         "SELECT t.slug || ' ' || l.countries || ' ' || CAST(l.daily_most AS text) FROM message_limits l JOIN tenants t ON t.id = l.tenant_id",
		"passcodes":      "SELECT u.name || ' ' || p.state || ' ' || CAST(p.hours AS text) || ' ' || CAST(p.uses AS text) || ' ' || p.reason || ' ' || CASE WHEN p.requested_by = p.approved_by THEN 'one' ELSE 'two' END || ' ' || CASE WHEN p.ended_at IS NULL THEN 'open' ELSE 'ended' END FROM static_passcodes p JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id",
		"numbers":        "SELECT u.name || ' ' || b.number || ' ' || b.channel || ' ' || b.state || ' ' || CAST(b.tries AS text) || ' ' || CASE WHEN b.confirmed_at IS NULL THEN 'new' ELSE 'confirmed' END FROM backup_phones b JOIN users u ON u.tenant_id = b.tenant_id AND u.id = b.user_id",
		"imports":        "SELECT t.slug || ' ' || i.file_name || ' ' || CAST(i.total AS text) || ' ' || i.reason || ' ' || u.name FROM imports i JOIN tenants t ON t.id = i.tenant_id JOIN users u ON u.id = i.created_by",
		"unlocks":        "SELECT u.name || ' ' || CASE WHEN d.unlock_id = '' THEN 'pin' ELSE 'face' END || ' ' || CAST(d.unlock_count AS text) FROM devices d JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id",
		"domains":        "SELECT d.domain || ' ' || t.slug || ' ' || CASE WHEN d.verified_at IS NULL THEN 'claimed' ELSE 'verified' END FROM domains d JOIN tenants t ON t.id = d.tenant_id",
		"groups":         "SELECT t.slug || ' ' || g.name || ' ' || g.role FROM groups g JOIN tenants t ON t.id = g.tenant_id",
		"members":        "SELECT g.name || ' ' || m.user_name FROM group_members m JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id",
		"phones":         "SELECT u.name || ' ' || d.state || ' ' || CAST(d.phone_sign_in AS text) || ' ' || d.platform || ' ' || d.name FROM devices d JOIN users u ON u.tenant_id = d.tenant_id AND u.id = d.user_id",
		"apps":           "SELECT u.name || ' ' || o.state FROM totps o JOIN users u ON u.tenant_id = o.tenant_id AND u.id = o.user_id",
		"sheets":         "SELECT u.name || ' ' || s.state || ' ' || s.custody || ' ' || CAST(s.codes_left AS text) FROM code_sheets s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id",
		"batches":        "SELECT b.state || ' ' || b.paper || ' ' || b.instructions || ' ' || b.reason || ' ' || CAST(b.total AS text) || ' ' || u.name FROM code_sheet_batches b JOIN users u ON u.tenant_id = b.tenant_id AND u.id = b.created_by",
		"papers":         "SELECT u.name || ' ' || s.state || ' ' || s.custody || ' ' || COALESCE(h.name, '') || ' ' || CAST(s.tries AS text) FROM code_sheets s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id LEFT JOIN users h ON h.tenant_id = s.tenant_id AND h.id = s.holder_id WHERE s.batch_id IS NOT NULL",
		"passkeys":       "SELECT u.name || ' ' || k.state || ' ' || k.name FROM passkeys k JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id",
		"requests":       "SELECT kind || ' ' || state || ' ' || reason || ' ' || ticket FROM approval_requests",
		"cases":          "SELECT u.name || ' ' || c.cause || ' ' || c.words || ' ' || c.state || ' ' || o.name || ' ' || c.ticket FROM cases c JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id JOIN users o ON o.tenant_id = c.tenant_id AND o.id = c.owner_id",
		"tickets":        "SELECT ticket || ' ' || e.action FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id",
		"grants":         "SELECT role || ' ' || reason || ' ' || CASE WHEN ended_at IS NULL THEN 'open' ELSE 'ended' END FROM operator_grants",
		"invitations":    "SELECT u.name || ' ' || CASE WHEN i.used_at IS NULL THEN 'open' ELSE 'used' END FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id",
		"browsers":       "SELECT u.name || ' ' || CASE WHEN r.ended_at IS NULL THEN 'trusted' ELSE 'ended' END FROM trusted_browsers r JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id",
		"sessions":       "SELECT u.name || ' ' || s.amr || ' ' || CASE WHEN s.ended_at IS NULL THEN 'open' ELSE 'ended' END FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id",
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
// and once with the names of columns and rights beside its own fields, in forms, in
// the form that brings a file and in the calls of the phone: both leave the same.
func TestFieldsThatNoFormHasChangeNothing(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Breadth(t) {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run := func(more url.Values) map[string][]string {
				w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
				acts := append(everyAct(t, w), actsWithGroups(t, w)...)
				w.more = more
				ever := map[string][]string{} // also what a later act takes away again
				for _, act := range acts {
					if a := act.do(); a.status != act.want && a.status != http.StatusSeeOther {
						t.Errorf("%s = %d, want %d", act.route, a.status, act.want)
					}
					for what, rows := range w.outcomes(t) {
						ever[what] = append(ever[what], rows...)
						slices.Sort(ever[what])
						ever[what] = slices.Compact(ever[what])
					}
				}
				return ever
			}
			plain := run(nil)
			for what, rows := range plain {
				if len(rows) == 0 {
					t.Errorf("no act leaves any %s: nothing is compared", what)
				}
			}
			alike(t, plain, run(stuffing()))
		})
	}
}

// TestSetUpTakesNoFieldsThatItsFormDoesNotHave is the same for the form by which the
// first organisation is made, before anybody is there to send another one.
func TestSetUpTakesNoFieldsThatItsFormDoesNotHave(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run := func(more url.Values) map[string][]string {
				w := quiet(servertest.Empty(t, dialect, "https://id.example.org"))
				link, needed, err := w.Setup.Link(t.Context())
				if err != nil || !needed {
					t.Fatalf("Link = %t, %v", needed, err)
				}
				b, page := w.browser(t), "/setup/"+link.Reveal()
				b.get(t, page).want(t, http.StatusOK)
				w.more = more
				b.post(t, page, "tenant_name", "Cedar", "tenant_slug", "cedar", "domain", "cedar.example", "region", "eu",
					"admin_name", "security", "password", passwordOfAll, "password_again", passwordOfAll).want(t, http.StatusSeeOther)
				return w.outcomes(t)
			}
			plain := run(nil)
			for _, what := range []string{"users", "roles", "tenants", "policies", "domains"} {
				if len(plain[what]) == 0 {
					t.Errorf("set-up leaves no %s: nothing is compared", what)
				}
			}
			alike(t, plain, run(stuffing()))
		})
	}
}

// actsWithGroups prepares the forms that name groups, which the acts of everyAct leave
// to everybody: a role in one group alone, and a way in for its members alone.
func actsWithGroups(t *testing.T, w *world) []doing {
	t.Helper()
	security, birch := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "admin@birch.example")
	_, limited := w.person(t, "user25@alder.example")
	pilot, there := w.group(t, "alder", "pilot"), w.group(t, "birch", "pilot")
	form := func(b *browser, path string, pairs ...string) func() answer {
		b.get(t, "/me")
		return func() answer { return b.post(t, path, pairs...) }
	}
	return []doing{
		{"POST /admin/:tenant/users/:user/role", form(security, "/admin/alder/users/"+limited+"/role", "role", "helpdesk", "groups", pilot, "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/rollout/:feature", form(birch, "/admin/birch/rollout/passkeys", "stage", "pilot", "include_groups", there, "version", "0", "reason", "a test"), http.StatusSeeOther},
		{"POST /admin/:tenant/policy", form(birch, "/admin/birch/policy", append(policyForm(), "groups_totp", there)...), http.StatusSeeOther},
	}
}

// stuffing is names of columns and rights, with what somebody would like them to be.
func stuffing() url.Values {
	more := url.Values{}
	for _, name := range strings.Fields(`tenant tenant_id user user_id id actor actor_id requester_id target target_id subject rank admin is_admin
		state locked locked_by locked_at created_by assigned_by approved_by added_by role_by verified verified_at expires_at ends ended_at used_at
		password_hash ways mfa mfa_state digest amr proved_by proved_at account_id phone_sign_in preferred scope permissions eyes four_eyes approved
		rows total problems done uses requested_by shown_by confirmed_at tries unlock_id unlock_key unlock_count lost_at device_id
		method_version no_sign_in no_second limited_ways changed_by credential_id sign_count made_for made_user ring
		custody holder holder_id sealed batch_id people named codes_left moved_at`) {
		more.Set(name, "security_administrator")
	}
	more.Set("state", "active")
	more.Set("role", "security_administrator")
	return more
}

// alike compares what was left without more fields and with them.
func alike(t *testing.T, plain, stuffed map[string][]string) {
	t.Helper()
	for what := range plain {
		if !slices.Equal(plain[what], stuffed[what]) {
			t.Errorf("%s are not the same:\n%s\nwith more fields:\n%s", what, strings.Join(plain[what], "\n"), strings.Join(stuffed[what], "\n"))
		}
	}
}
