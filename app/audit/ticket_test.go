package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestWhatIsATicket(t *testing.T) {
	for text, want := range map[string]bool{
		"CHG-1042": true, "a": true, "0": true, "#42": true, "ops/2026.03:7_b": true, strings.Repeat("x", 64): true, "..a": true,
		"": false, " ": false, "..": false, "-": false, "#/.:": false, strings.Repeat("x", 65): false, "CHG 1042": false, "CHG-1042\n": false,
		"Ü-1": false, "a\x00": false, "\xff": false, "<b>": false, "a%2F": false, "a?b": false, `a\b`: false, "a'": false, "a\u200b": false,
	} {
		if got := audit.IsTicket(text); got != want {
			t.Errorf("IsTicket(%q) = %t", text, got)
		}
	}
}

// under records an event under a ticket.
func under(t *testing.T, db *store.DB, tenantID, name, actor, subject string) {
	t.Helper()
	record(t, db, audit.Event{TenantID: tenantID, Action: audit.UserLocked, Actor: audit.User(actor), Target: audit.User(subject), Subject: subject}.Under(name))
}

func TestTheIndexOfTicketsFollowsTheEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		e := said()
		details := e.Details
		record(t, db, e.Under("CHG-1"), e, e.Under(""))
		if len(details) != 2 || e.Details["ticket"] != "" {
			t.Error("the details that an event was made with are another one's now")
		}
		if got := count(t, db, "SELECT count(*) FROM ticket_events"); got != 1 {
			t.Errorf("%d of three events have a ticket", got)
		}
		same := count(t, db, `SELECT count(*) FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id
			WHERE k.ticket = 'CHG-1' AND k.ticket_key = 'chg-1' AND k.subject_id = e.subject_id AND k.actor_id = ''`)
		if same != 1 {
			t.Error("the row leads to no event of its own, or names a phone as who acted")
		}
		// An act that fails leaves neither.
		_ = db.Act(t.Context(), func(tx *store.Tx) error {
			if err := audit.Record(tx, said().Under("CHG-2")); err != nil {
				return err
			}
			return fmt.Errorf("no")
		})
		if got := count(t, db, "SELECT count(*) FROM ticket_events"); got != 1 {
			t.Errorf("%d rows stand after an act that failed", got)
		}
		// Nor is there an act without its row.
		if _, err := db.Pool().ExecContext(t.Context(), "DROP TABLE ticket_events"); err != nil {
			t.Fatal(err)
		}
		before := count(t, db, "SELECT count(*) FROM audit_events")
		err := db.Act(t.Context(), func(tx *store.Tx) error { return audit.Record(tx, said().Under("CHG-3")) })
		if err == nil || count(t, db, "SELECT count(*) FROM audit_events") != before {
			t.Errorf("an act whose ticket cannot be written = %v", err)
		}
	})
}

func TestTicketsAreFoundByTheirBeginning(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		for _, name := range []string{"CHG-1", "chg-1", "CHG-10", "Chg-2", "ops/1", "#7", "chh"} {
			under(t, db, "alder", name, "desk", "user-1")
			clock.Forward(time.Microsecond) // the least that a database tells apart
		}
		for range 200 { // many under one ticket hide none of the others
			under(t, db, "alder", "chg-1", "lead", "user-2")
		}
		under(t, db, "birch", "CHG-9", "desk", "user-9")
		for _, row := range []struct {
			beginning, want string
			part            audit.Part
		}{
			{"chg", "chg-1 CHG-10 Chg-2", audit.Part{}},
			{"CHG-1", "chg-1 CHG-10", audit.Part{}},
			{"#", "#7", audit.Part{}},
			{"OPS/", "ops/1", audit.Part{}},
			{"chg-3", "", audit.Part{}},
			{"%", "", audit.Part{}},
			{"_", "", audit.Part{}},
			{"", "", audit.Part{}},
			{"chg", "chg-1", audit.Part{By: "lead"}},
			{"ops", "", audit.Part{By: "lead"}},
			{"chg", "", audit.Part{Without: []audit.Action{audit.UserLocked}}},
			{"chg", "", audit.Part{Within: []string{"nobody-is-in-it"}}},
		} {
			got, err := audit.TicketsFrom(t.Context(), db, "alder", row.beginning, row.part, 8)
			if err != nil || strings.Join(got, " ") != row.want {
				t.Errorf("from %q by %+v = %q, %v; want %q", row.beginning, row.part, got, err, row.want)
			}
		}
		if got, err := audit.TicketsFrom(t.Context(), db, "alder", "ch", audit.Part{}, 2); err != nil || len(got) != 2 {
			t.Errorf("of many there are %q, %v", got, err)
		}
	})
}

func TestWhatStandsUnderATicketComesPageByPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		for i := range 25 {
			under(t, db, "alder", []string{"CHG-1", "chg-1"}[i%2], "desk", fmt.Sprintf("user-%d", i))
			if i%3 == 0 {
				clock.Forward(1000)
			}
		}
		under(t, db, "birch", "CHG-1", "desk", "other")
		seen := map[string]bool{}
		var last audit.Entry
		for range 3 {
			page, err := audit.UnderTicket(t.Context(), db, "alder", "cHg-1", audit.Part{}, last.At, last.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				if seen[e.ID] || !last.At.IsZero() && e.At.After(last.At) || e.Subject == "other" || !strings.EqualFold(e.Ticket, "CHG-1") || e.ActorID != "desk" {
					t.Errorf("an event is %+v after %v", e, last.At)
				}
				seen[e.ID], last = true, e
			}
		}
		if len(seen) != 25 {
			t.Errorf("three pages have %d events", len(seen))
		}
	})
}
