package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// valuesOf is what is offered for a filter of the audit, with spaces between.
func (b *browser) valuesOf(t *testing.T, field, typed string) string {
	t.Helper()
	var answer struct {
		Values []struct{ Value, Label string }
	}
	b.get(t, "/admin/alder/audit/values?field="+field+"&q="+url.QueryEscape(typed), "Accept", "application/json").want(t, http.StatusOK).decode(t, &answer)
	if len(answer.Values) > 10 {
		t.Errorf("for %q %d are offered", typed, len(answer.Values))
	}
	var all []string
	for _, v := range answer.Values {
		all = append(all, v.Value)
	}
	return strings.Join(all, " ")
}

// TestWhatCanBeTypedIsOffered: people as far as the list of people has them for the reader, or
// else as far as the audit does; actions that they can meet; codes of reasons. Of other
// organisations nobody is told.
func TestWhatCanBeTypedIsOffered(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		tenantID, limited := w.person(t, "user9@alder.example")
		w.promote(t, "user9@alder.example", "tenant_administrator")
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, limited, w.group(t, "alder", "pilot"))
		w.act(t, "DELETE FROM group_members WHERE tenant_id = ? AND group_id = ?", tenantID, w.group(t, "alder", "pilot"))
		_, user5 := w.person(t, "user5@alder.example")
		w.act(t, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,'user5@alder.example')", tenantID, w.group(t, "alder", "pilot"), user5)
		// Two readers of the audit who may not look at people: one has acted, the other has not.
		w.act(t, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:readers','Readers','audit.read','',?,?)", tenantID, w.now(), w.now())
		for _, name := range []string{"user7@alder.example", "user8@alder.example"} {
			_, id := w.person(t, name)
			w.act(t, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'custom:readers','',?)", tenantID, id, w.now())
		}
		w.act(t, "INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) SELECT tenant_id, 'jo', 'jo@alder.example', 'Quentin <b>Lake</b>', 'active', 'disabled', '', created_at FROM users WHERE id = ?", user5)
		w.act(t, "INSERT INTO user_words (tenant_id, word, user_id) VALUES (?,'quentin','jo'), (?,'jo','jo')", tenantID, tenantID)
		w.forward(t, 0)
		w.browser(t).signIn(t, "user5@alder.example").get(t, "/admin/alder/audit/values?field=actor&q=user", "Accept", "application/json").want(t, http.StatusForbidden)
		browsers := map[string]*browser{}
		for _, name := range []string{"security", "auditor", "admin", "lead", "desk", "user9", "user7", "user8"} {
			browsers[name] = w.browser(t).signIn(t, name+"@alder.example")
		}
		for name, b := range browsers {
			for _, field := range []string{"actor", "target"} {
				people, by, self := "user5@alder.example", "jo@alder.example", ""
				switch name {
				case "user9":
					by = ""
				case "user7", "user8":
					people, by, self = "", "", name+"@alder.example"
				}
				if got := b.valuesOf(t, field, "user5"); got != people {
					t.Errorf("%s is offered %q for user5 in %s", name, got, field)
				}
				if got := b.valuesOf(t, field, " Quen"); got != by {
					t.Errorf("%s is offered %q for a display name in %s", name, got, field)
				}
				if self != "" {
					if got := b.valuesOf(t, field, "USER"); got != self {
						t.Errorf("%s, who may not look at people, is offered %q in %s", name, got, field)
					}
				}
				for _, typed := range []string{"user5@birch", "user", "birch", "security@b"} {
					if got := b.valuesOf(t, field, typed); strings.Contains(got, "birch") {
						t.Errorf("%s is offered %q, of another organisation", name, got)
					}
				}
			}
			all := name == "security" || name == "auditor"
			if got := b.valuesOf(t, "action", "access.ref"); (got == "access.refused") != all {
				t.Errorf("%s is offered the action %q", name, got)
			}
			if got := b.valuesOf(t, "action", "accou lock"); got != "user.locked" {
				t.Errorf("%s is offered the action %q by its words", name, got)
			}
			if got := b.valuesOf(t, "reason", "signin.pass"); got != "signin.password_wrong" {
				t.Errorf("%s is offered the reason %q", name, got)
			}
		}
		b := browsers["security"]
		if got := b.valuesOf(t, "actor", "serv"); !strings.HasPrefix(got, "service") {
			t.Errorf("for the program itself %q is offered", got)
		}
		for _, nothing := range [][2]string{{"actor", ""}, {"actor", "  "}, {"", "user5"}, {"password_hash", "a"}, {"actor", "%"}, {"actor", "_ser5"}, {"actor", "user5' OR '1'='1"}, {"target", strings.Repeat("u", 300)}, {"action", "drop table"}} {
			if got := b.valuesOf(t, nothing[0], nothing[1]); got != "" {
				t.Errorf("for %q in %q there is %q", nothing[1], nothing[0], got)
			}
		}
		b.get(t, "/admin/alder/audit/values?field=actor&q=%00").is(t, http.StatusBadRequest)
		b.get(t, "/admin/birch/audit/values?field=actor&q=user").is(t, http.StatusNotFound)
		w.browser(t).get(t, "/admin/alder/audit/values?field=actor&q=user", "Accept", "application/json").is(t, http.StatusUnauthorized)

		// They act on somebody, and are told of them from then on.
		reader := browsers["user7"]
		w.act(t, "UPDATE custom_roles SET permissions = 'audit.read,user.lock'")
		w.forward(t, 0)
		reader.post(t, w.at(t, "user6")+"/lock", "reason", "a test").want(t, http.StatusSeeOther)
		w.act(t, "UPDATE custom_roles SET permissions = 'audit.read'")
		w.forward(t, 0)
		if got := reader.valuesOf(t, "target", "user"); got != "user6@alder.example user7@alder.example" {
			t.Errorf("who acted on somebody is offered %q", got)
		}
		if got := browsers["user8"].valuesOf(t, "target", "user"); got != "user8@alder.example" {
			t.Errorf("who did not is offered %q", got)
		}
		restore := rename("audit_events")(t, w)
		w.forward(t, 0)
		reader.get(t, "/admin/alder/audit/values?field=actor&q=other").unavailable(t)
		restore()
		if a := b.get(t, "/admin/alder/audit").want(t, http.StatusOK); !strings.Contains(a.body, `data-values="/admin/alder/audit/values"`) || !strings.Contains(a.body, "audit-values") {
			t.Error("the page does not say where values are offered")
		}
	})
}
