package consumer_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/store"
	"latchkey/app/trail"
)

// TestAConsumerIsHandedWhatItsKeeperReads: who adds one reads everything, and it is handed
// the columns of their page, no more; without personal data neither names nor where somebody
// came from.
func TestAConsumerIsHandedWhatItsKeeperReads(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		porter := h.User(h.Alder, "porter")
		for _, e := range []audit.Event{
			{Action: audit.SignInRefused, Outcome: audit.Failure, Reason: "signin.password_wrong", Actor: audit.Claimant("attempt-1"), Target: audit.User(porter.ID), Subject: porter.ID, Thread: "attempt-1", Typed: "Jane Doe"},
			{Action: audit.AccessRefused, Outcome: audit.Denied, Actor: audit.User(porter.ID), Target: audit.Tenant(h.Alder.ID)},
			{Action: audit.BypassIssued, Actor: audit.User(h.security.ID), Target: audit.User(porter.ID), Subject: porter.ID, Reason: "lost it", Details: map[string]string{"ticket": "INC-1"}},
		} {
			e.TenantID, e.Origin = h.Alder.ID, audit.Origin{IP: "203.0.113.77", Browser: "firefox/linux", RequestID: "r-1"}
			h.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
		}
		whole, bare := h.settings(), h.settings()
		bare.Name, bare.Personal = "without", false
		h.add(whole)
		h.add(bare)
		h.seal()
		h.round()
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		who := h.Rules.Standing(h.Alder.ID, h.security.ID)
		if !who.May.Has(access.IntegrationEdit) {
			t.Fatal("who keeps consumers may not")
		}
		rows := map[string]trail.Row{}
		err := (&trail.Service{DB: h.DB}).Each(t.Context(), trail.SightOf(who, h.DB.Now()), trail.Query{}, func(r trail.Row) error {
			rows[r.ID] = r
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		handed := map[bool]int{}
		for _, took := range h.hook.taken() {
			var to struct{ Consumer string }
			if err := json.Unmarshal([]byte(took.body), &to); err != nil {
				t.Fatal(err)
			}
			personal := h.find(to.Consumer).Personal
			for _, given := range took.Events {
				var got eventform.Event
				if err := json.Unmarshal(given.Event, &got); err != nil {
					t.Fatal(err)
				}
				r, there := rows[got.ID]
				if !there || given.Record != string(r.Record) {
					t.Fatalf("it is handed what its keeper does not read: %s", given.Event)
				}
				handed[personal]++
				want := eventform.Event{
					N: got.N, ID: r.ID, At: r.At, Tenant: h.Alder.Slug, Action: string(r.Action), Outcome: string(r.Outcome), Reason: r.Reason, Actor: eventform.Party{Kind: r.Actor.Kind, ID: r.Actor.ID},
					Target: eventform.Party{Kind: r.Target.Kind, ID: r.Target.ID}, Subject: r.Subject, Thread: r.Thread, Request: r.Request, Details: r.Details,
				}
				if personal {
					want.Actor.Name, want.Target.Name, want.SubjectName, want.IP, want.Browser, want.Typed = r.ActorName, r.TargetName, r.SubjectName, r.IP, r.Browser, r.Typed
				}
				if len(want.Details) == 0 {
					want.Details = nil
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("with personal data %t it is handed\n%+v\nof the row\n%+v", personal, got, want)
				}
			}
		}
		if handed[true] == 0 || handed[true] != handed[false] || handed[true] != h.Count("SELECT count(*) FROM audit_events WHERE tenant_id = ?", h.Alder.ID) {
			t.Errorf("they are handed %v events", handed)
		}
	})
}
