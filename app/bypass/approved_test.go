package bypass_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/provider"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestFourEyes: exactly what was asked for, once, by somebody else, in time.
func TestFourEyes(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		waits := func(by user.User, minutes int) (bypass.Asked, string) {
			t.Helper()
			a := d.wants(by, d.nurse)
			a.Minutes = minutes
			out, err := d.ask(by, d.nurse, a)
			if err != nil || !out.Waits() {
				t.Fatalf("asking for %d minutes = %+v, %v", minutes, out, err)
			}
			return a, out.RequestID
		}
		approve := func(id string, by user.User) error {
			return d.approvals.Approve(t.Context(), d.Alder.ID, id, by.ID, approval.Given{})
		}
		a, id := waits(d.agent, 120)
		if d.Count("SELECT count(*) FROM bypasses") != 0 {
			t.Error("it was given before somebody approved it")
		}
		if err := approve(id, d.agent); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
			t.Errorf("one's own = %v", err)
		}
		if err := approve(id, d.other); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
			t.Errorf("by another desk = %v", err)
		}
		d.forward(3*time.Hour + 59*time.Minute) // the check is long over, and was spent on this
		if err := approve(id, d.lead); err != nil {
			t.Fatalf("by a lead = %v", err)
		}
		WantCode(t, "twice", approve(id, d.admin), "approval.decided")
		if d.state(a.ID) != "ready" || d.Text("SELECT approved_by FROM bypasses WHERE id = ?", a.ID) != d.lead.ID {
			t.Errorf("it is %s", d.state(a.ID))
		}
		_, err := d.bypasses.Make(t.Context(), d.Alder.ID, a.ID, d.lead.ID, audit.Origin{})
		WantCode(t, "made by who approved it", err, "bypass.not_asked_by")
		if _, err := d.bypasses.Make(t.Context(), d.Alder.ID, a.ID, d.agent.ID, audit.Origin{}); err != nil {
			t.Errorf("made by who asked: %v", err)
		}
		d.Set("DELETE FROM disownings")
		d.Set("DELETE FROM bypasses")

		_, id = waits(d.agent, 300)
		WantCode(t, "by a lead, for longer than a lead gives", approve(id, d.lead), "approval.void")
		_, id = waits(d.agent, 300)
		d.Set("UPDATE tenants SET bypass_minutes = 200")
		WantCode(t, "after the ceiling came down", approve(id, d.admin), "approval.void")
		d.Set("UPDATE tenants SET bypass_minutes = 480")
		_, id = waits(d.agent, 300)
		d.forward(approval.Life)
		WantCode(t, "late", approve(id, d.admin), "approval.expired")
		_, id = waits(d.agent, 300)
		d.Lock(d.nurse)
		WantCode(t, "after a lock", approve(id, d.admin), "approval.void")
	})
}

// TestTheCodeGoesToTheNumberThatWasApproved, whichever of their phones somebody used since.
func TestTheCodeGoesToTheNumberThatWasApproved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const shown, later = "+4915112345678", "+4915112345679"
		d.BackupPhoneOf(d.nurse, shown, "sms")
		d.Clock.Forward(time.Second)
		other := d.BackupPhoneOf(d.nurse, later, "sms")
		a := d.wants(d.agent, d.nurse)
		a.Minutes, a.Delivery = 120, bypass.SecondChannel
		out, err := d.ask(d.agent, d.nurse, a)
		if err != nil || !out.Waits() {
			t.Fatalf("asking = %+v, %v", out, err)
		}
		seen, err := d.approvals.Find(t.Context(), d.Alder.ID, out.RequestID, d.lead.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(seen.Lines, approval.Change{Field: "bypass_phone", After: provider.MaskNumber(shown)}) {
			t.Errorf("who approves reads %+v", seen.Lines)
		}
		approve := func(id string) error {
			return d.approvals.Approve(t.Context(), d.Alder.ID, id, d.lead.ID, approval.Given{})
		}
		if err := approve(out.RequestID); err != nil {
			t.Fatal(err)
		}
		uses := func(id string) { d.Set("UPDATE backup_phones SET last_used_at = ? WHERE id = ?", d.Clock.Now(), id) }
		uses(other)
		d.Set("DELETE FROM outbox") // what both were told of it
		if _, err := d.bypasses.Make(t.Context(), d.Alder.ID, a.ID, d.agent.ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if d.Count("SELECT count(*) FROM outbox WHERE target = ?", shown) != 1 || d.Count("SELECT count(*) FROM outbox WHERE target = ?", later) != 0 {
			t.Error("the code goes to another number than who approved it read")
		}

		d.Set("DELETE FROM disownings")
		d.Set("DELETE FROM bypasses")
		d.forward(time.Hour)
		again := d.wants(d.agent, d.nurse)
		again.Minutes, again.Delivery = 120, bypass.SecondChannel
		out, err = d.ask(d.agent, d.nurse, again)
		if err != nil {
			t.Fatal(err)
		}
		d.Set("UPDATE backup_phones SET state = 'ended' WHERE id = ?", other)
		WantCode(t, "after the number was removed", approve(out.RequestID), "approval.void")
	})
}

// TestTooManyTakeTwo: the eleventh of an agent within an hour, and the fourth of a person
// within a week.
func TestTooManyTakeTwo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		waits := func(by, on user.User) bool {
			t.Helper()
			d.Set("UPDATE bypasses SET state = 'used' WHERE state <> 'used'")
			out, err := d.ask(by, on, d.wants(by, on))
			if err != nil {
				t.Fatal(err)
			}
			return out.Waits()
		}
		for i := range 10 {
			if waits(d.agent, d.User(d.Alder, fmt.Sprint("caller", i))) {
				t.Fatalf("number %d of an agent waits", i+1)
			}
		}
		last := d.User(d.Alder, "one-more")
		if !waits(d.agent, last) {
			t.Error("the eleventh of an agent within an hour does not wait")
		}
		if waits(d.other, last) {
			t.Error("that of another agent waits")
		}
		d.forward(time.Hour)
		if waits(d.agent, d.User(d.Alder, "an-hour-later")) {
			t.Error("an hour later it still waits")
		}
		for i := range 3 {
			d.forward(2 * time.Hour)
			if waits(d.agent, d.nurse) {
				t.Errorf("number %d of a person waits", i+1)
			}
		}
		if !waits(d.other, d.nurse) {
			t.Error("the fourth of a person within a week does not wait, whoever gives it")
		}
		d.forward(7 * 24 * time.Hour)
		if waits(d.other, d.nurse) {
			t.Error("a week later it still waits")
		}
	})
}

// TestWhatChangedSinceItWasGiven: a ceiling that came down, and somebody who was given a
// role since.
func TestWhatChangedSinceItWasGiven(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		lower := func(set string) (bypass.Made, error) {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("UPDATE tenants SET bypass_read_out = TRUE, bypass_minutes = 480")
			id := d.given(d.agent, d.porter, d.wants(d.agent, d.porter))
			d.Set(set)
			if err := d.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			return d.bypasses.Make(t.Context(), d.porter.TenantID, id, d.agent.ID, audit.Origin{})
		}
		if made, err := lower("UPDATE tenants SET bypass_minutes = 20"); err != nil || !made.EndsAt.Equal(d.Clock.Now().Add(20*time.Minute)) {
			t.Errorf("under a lower ceiling: %+v, %v", made.EndsAt, err)
		}
		if _, err := lower("UPDATE tenants SET bypass_minutes = 20"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE minutes = 20") != 1 {
			t.Errorf("the page says %s minutes, %v", d.Text("SELECT minutes FROM bypasses"), err)
		}
		if _, err := lower("UPDATE bypasses SET uses = 3, uses_left = 3, approved_by = 'somebody'"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE uses_left = 3") != 1 {
			t.Errorf("three uses under a ceiling of five: %v", err)
		}
		d.Set("UPDATE tenants SET bypass_uses = 2")
		if _, err := lower("UPDATE bypasses SET uses = 3, uses_left = 3, approved_by = 'somebody'"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE uses = 2 AND uses_left = 2") != 1 {
			t.Errorf("three uses under a ceiling of two: %v", err)
		}
		if _, err := lower("UPDATE bypasses SET minutes = 120, approved_by = 'somebody'"); err != nil {
			t.Errorf("longer than its agent gives, which somebody approved: %v", err)
		}
		_, err := lower("UPDATE bypasses SET minutes = 120") // as if its agent had a higher role then
		WantCode(t, "longer than its agent gives by now", err, "bypass.not_to_make")
		_, err = lower("UPDATE tenants SET bypass_read_out = FALSE")
		WantCode(t, "read out, where that is off by now", err, "bypass.not_to_make")
		if _, err := lower("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) SELECT tenant_id, id, 'auditor', '', created_at FROM users WHERE name = '" + d.porter.Name + "'"); err == nil {
			t.Error("for somebody who has a role by now it is made without a second person")
		}
	})
}
