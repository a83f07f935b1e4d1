package approval_test

import (
	"strings"
	"testing"

	"latchkey/app/approval"
	"latchkey/app/audit"
	. "latchkey/app/signin/signintest"
)

func TestATicketIsFrozenWithTheAct(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		under := func(ticket string) []string {
			t.Helper()
			var actions []string
			err := o.DB.View(ctx).All(&actions, `SELECT e.action FROM ticket_events k JOIN audit_events e ON e.tenant_id = k.tenant_id AND e.occurred_at = k.occurred_at AND e.id = k.event_id
				WHERE k.ticket = ? ORDER BY e.action`, ticket)
			if err != nil {
				t.Fatal(err)
			}
			return actions
		}
		act := o.rename(o.admin, o.person, newName{Name: "Person One"})
		act.Ticket = "  CHG-1 "
		if out, err := o.Approvals.Submit(ctx, act); err != nil || out.Waits() {
			t.Fatalf("Submit = %+v, %v", out, err)
		}
		if got := strings.Join(under("CHG-1"), " "); got != "test.renamed" || o.detail(renamed, "ticket") != "CHG-1" {
			t.Errorf("under the ticket stands %q", got)
		}
		for _, wrong := range []string{"two words", "..", strings.Repeat("x", 65), "Ü"} {
			act.Ticket = wrong
			_, err := o.Approvals.Submit(ctx, act)
			WantCode(t, wrong, err, "form.wrong")
		}

		// Frozen, in the digest, and shown to who is to approve.
		act = o.rename(o.security, o.person, newName{Name: "Renamed", Loosens: true})
		plain := o.asks(act)
		act.Ticket = "CHG-2"
		id := o.asks(act) // the same under a ticket is another one
		if seen := o.seen(id, o.second); seen.Ticket != "CHG-2" || seen.Digest == o.seen(plain, o.second).Digest {
			t.Errorf("the approver sees the ticket %q", seen.Ticket)
		}
		o.Set("UPDATE approval_requests SET ticket = 'CHG-3' WHERE id = ?", id)
		WantCode(t, "under a ticket that was changed", o.approve(id, o.second), "approval.void")
		o.Set("UPDATE approval_requests SET ticket = 'CHG-3' WHERE id = ?", plain)
		WantCode(t, "under one that was put in", o.approve(plain, o.second), "approval.void")

		id = o.asks(act)
		if err := o.Approvals.Approve(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Ticket: "OTHER-1", Origin: from}); err != nil {
			t.Fatalf("Approve = %v", err)
		}
		// What was void is under it as well, and that it was asked for each time.
		if got := strings.Join(under("CHG-2"), " "); got != "approval.given approval.requested approval.requested test.renamed" {
			t.Errorf("under the ticket stands %q", got)
		}
		if got := under("OTHER-1"); len(got) != 0 {
			t.Errorf("the ticket of who approved took the place of the request's: %v", got)
		}

		// A request without one may be decided under one.
		id = o.asks(o.rename(o.security, o.person, newName{Name: "Again", Loosens: true}))
		refuse := func(ticket string) error {
			return o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "no", Ticket: ticket, Origin: from})
		}
		WantCode(t, "a refusal under no ticket's name", refuse("no ticket"), "form.wrong")
		WantCode(t, "an approval under no ticket's name", o.Approvals.Approve(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Ticket: "no ticket", Origin: from}), "form.wrong")
		if err := refuse("OTHER-2"); err != nil || o.detail(audit.ApprovalRefused, "ticket") != "OTHER-2" {
			t.Errorf("a refusal = %v under %q", err, o.detail(audit.ApprovalRefused, "ticket"))
		}
	})
}
