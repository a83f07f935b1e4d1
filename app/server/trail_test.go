package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// auditList is what a program gets of the audit.
type auditList struct {
	Events []struct {
		ID, Href, Action, Outcome, Reason, IP, Typed, Record string
		Actor, Target, Subject                               struct{ Kind, ID, Name string }
		Details                                              map[string]string
	}
	Next, Previous string
	Count          *int
}

func (b *browser) auditOf(t *testing.T, query string) (all auditList) {
	t.Helper()
	b.get(t, "/admin/alder/audit"+query, "Accept", "application/json").want(t, http.StatusOK).decode(t, &all)
	return all
}

// TestTheAuditOverHTTP: what was done is found by each filter, opens whole with its proof, and
// tells each role as much as is theirs; looking is an event, and without one nothing is shown.
func TestTheAuditOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const page = "/admin/alder/audit"
		desk, security := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "security@alder.example")
		admin := w.browser(t).signIn(t, "admin@alder.example")
		desk.post(t, w.at(t, "user5")+"/lock", "reason", "lost the <b>phone</b>", "ticket", "CHG-7").want(t, http.StatusSeeOther)
		w.browser(t).signIn(t, "user7@alder.example").get(t, page).is(t, http.StatusForbidden)

		for claim, query := range map[string]string{
			"words": "?q=phone+lost", "an action": "?action=user.locked", "an actor": "?actor=desk@alder.example&action=user.", "a person": "?target=user5@alder.example&outcome=success&action=user.locked", "a ticket": "?q=chg-7", "a time": "?range=hour&q=phone", "the other end of it": "?to=2100-01-01&q=phone",
		} {
			if all := security.auditOf(t, query); len(all.Events) != 1 || all.Events[0].Action != "user.locked" || all.Events[0].Actor.Name != "desk@alder.example" || all.Events[0].Subject.Name != "user5@alder.example" {
				t.Errorf("by %s there is %+v", claim, all)
			}
		}
		for _, query := range []string{"?q=bicycle", "?actor=nobody@alder.example", "?action=nothing", "?target=case:x", "?to=1999-01-01", "?from=2100-01-01", "?thread=x"} {
			if all := security.auditOf(t, query); len(all.Events) != 0 {
				t.Errorf("by %s there is %+v", query, all)
			}
		}
		if all := security.auditOf(t, "?action=user.locked&count=1"); all.Count == nil || *all.Count != 1 {
			t.Errorf("counted: %+v", all.Count)
		}
		shown := security.get(t, page+"?q=phone&outcome=success").want(t, http.StatusOK)
		for _, part := range []string{"lost the &lt;b&gt;phone&lt;/b&gt;", `class="tag chip"`, `value="phone"`, "/admin/alder/tickets/CHG-7", `list="audit-names"`, `<option value="desk@alder.example">`} {
			if !strings.Contains(shown.body, part) {
				t.Errorf("the list has no %s", part)
			}
		}
		if none := security.get(t, page+"?range=ever&outcome=odd&from=then").want(t, http.StatusOK); strings.Contains(none.body, `class="tag chip"`) {
			t.Error("the list shows filters that are none")
		}
		event := security.auditOf(t, "?action=user.locked").Events[0]
		w.sealed(t)
		for name, b := range map[string]*browser{"security": security, "admin": admin} {
			a := b.get(t, event.Href).want(t, http.StatusOK)
			for _, part := range []string{"user.locked", event.ID, "proof-record", "proof-root", page + "/story/person/" + event.Subject.ID} {
				if !strings.Contains(a.body, part) {
					t.Errorf("%s sees an event without %s", name, part)
				}
			}
		}
		if a := desk.get(t, event.Href).want(t, http.StatusOK); strings.Contains(a.body, "proof-record") {
			t.Error("the helpdesk sees where an event stands in the tree")
		}
		w.browser(t).signIn(t, "desk2@alder.example").get(t, event.Href).is(t, http.StatusNotFound)
		security.get(t, strings.Replace(event.Href, "/alder/", "/birch/", 1)).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "security@birch.example").get(t, strings.Replace(event.Href, "/alder/", "/birch/", 1)).is(t, http.StatusNotFound)

		// What is masked is masked in each form, and is not found.
		whole, masked := security.auditOf(t, "?actor=desk@alder.example&action=user.locked"), admin.auditOf(t, "?actor=desk@alder.example&action=user.locked")
		if len(masked.Events) != 1 || whole.Events[0].IP != "127.0.0.1" || masked.Events[0].IP != "127.0.0.0/24" {
			t.Errorf("addresses are %+v and %+v", whole.Events, masked.Events)
		}
		if all := admin.auditOf(t, "?q=127.0.0.1"); len(all.Events) != 0 {
			t.Error("a tenant administrator finds events by an address")
		}
		if all := security.auditOf(t, "?q=127.0.0.1"); len(all.Events) == 0 {
			t.Error("a security administrator finds nothing by an address")
		}
		if all := admin.auditOf(t, "?action=access.refused&count=1"); len(all.Events) != 0 || *all.Count != 0 {
			t.Error("a tenant administrator finds or counts security events")
		}
		if all := security.auditOf(t, "?action=access.refused"); len(all.Events) == 0 {
			t.Error("the refusal of above is no event")
		}

		// Pages.
		first := security.auditOf(t, "?range=day")
		if first.Next == "" || first.Previous != "" || len(first.Events) != 50 {
			t.Fatalf("the first page has %d events and %q", len(first.Events), first.Next)
		}
		second := security.auditOf(t, first.Next[strings.IndexByte(first.Next, '?'):])
		if len(second.Events) == 0 || second.Previous == "" || second.Events[0].ID == first.Events[0].ID {
			t.Errorf("the second page: %+v", second)
		}
		if back := security.auditOf(t, second.Previous[strings.IndexByte(second.Previous, '?'):]); len(back.Events) != 50 || back.Events[49].ID != first.Events[49].ID {
			t.Error("back is not where one came from")
		}
		if turned, err := url.Parse(second.Previous); err != nil || turned.Query().Get("range") != "day" {
			t.Errorf("the filters are lost at %s", second.Previous)
		}

		var looks int
		w.one(t, &looks, "SELECT count(*) FROM audit_events WHERE action = 'audit.viewed'")
		security.get(t, page+"?range=day")
		var again int
		if w.one(t, &again, "SELECT count(*) FROM audit_events WHERE action = 'audit.viewed'"); looks < 20 || again != looks {
			t.Errorf("%d looks, and after one more page of one of them %d", looks, again)
		}
		restore := rename("audit_events")(t, w)
		security.get(t, page+"?q=another").unavailable(t)
		restore()
	})
}

// TestTheAuditIsLive: what comes in is told to who watches, as much as they see, and looking on
// is an event. A sign-in says rule by rule why it went as it did.
func TestTheAuditIsLive(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		live := func(name, query string) *stream {
			b := w.browser(t).signIn(t, name)
			return open(t, b.client, b.request(t, http.MethodGet, "/admin/alder/audit/live"+query, nil))
		}
		if a := live("user7@alder.example", "").answer; a.status != http.StatusForbidden {
			t.Errorf("somebody without a role watches: %d", a.status)
		}
		security := live("security@alder.example", "?action=user.locked&q=train")
		security.answer.want(t, http.StatusOK)
		other := live("desk2@alder.example", "?action=user.")
		other.answer.want(t, http.StatusOK)
		desk, desk2 := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "desk2@alder.example")
		desk.post(t, w.at(t, "user5")+"/lock", "reason", "on the train").want(t, http.StatusSeeOther)
		desk2.post(t, w.at(t, "user6")+"/lock", "reason", "in the bus").want(t, http.StatusSeeOther)
		w.sealed(t)
		if told := security.next(late); !strings.Contains(told, "on the train") || !strings.Contains(told, `"who":"desk@alder.example","whom":"user5@alder.example"`) {
			t.Errorf("the first event is %s", told)
		}
		if told := other.next(late); !strings.Contains(told, "in the bus") {
			t.Errorf("an agent is told %s", told)
		}
		// More at once than is looked at in one go is told to its end.
		many := live("security@alder.example", "?target=group:burst")
		many.answer.want(t, http.StatusOK)
		var alder string
		w.one(t, &alder, "SELECT id FROM tenants WHERE slug = 'alder'")
		burst := make([]audit.Event, 600)
		for i := range burst {
			burst[i] = audit.Event{TenantID: alder, Action: audit.GroupMemberAdded, Actor: audit.Service, Target: audit.Party{Kind: audit.KindGroup, ID: "burst"}}
		}
		if err := w.DB.Act(t.Context(), func(tx *store.Tx) error { return audit.RecordAll(tx, burst) }); err != nil {
			t.Fatal(err)
		}
		w.sealed(t)
		for n := range burst {
			if told := many.next(late); !strings.Contains(told, "/admin/alder/audit/") {
				t.Fatalf("of %d events at once, after %d there is %s", len(burst), n, told)
			}
		}
		whole := w.browser(t).signIn(t, "security@alder.example")
		entered := whole.auditOf(t, "?action=signin.finished&target=desk@alder.example")
		if len(entered.Events) == 0 {
			t.Fatal("no sign-in is there")
		}
		for name, want := range map[string]bool{"security": true, "admin": true, "lead": false} {
			a := w.browser(t).signIn(t, name+"@alder.example").get(t, entered.Events[0].Href)
			if says := strings.Contains(a.body, `id="why-0"`); says != want {
				t.Errorf("%s is told why: %t (%d)", name, says, a.status)
			}
		}
	})
}
