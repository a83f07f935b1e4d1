package approval_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestAnActIsDoneRefusedOrHeld(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()

		out, err := o.Approvals.Submit(ctx, o.rename(o.admin, o.person, newName{Name: "Person One"}))
		if err != nil || out.Waits() {
			t.Errorf("what is permitted: %+v, %v", out, err)
		}
		if o.called(o.person) != "Person One" || o.Events(renamed) != 1 || o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND reason = 'a wedding'", o.person.ID) != 1 {
			t.Errorf("they are called %q, with %d events", o.called(o.person), o.Events(renamed))
		}
		if got := o.Text("SELECT reason || ' by ' || actor_id FROM audit_events WHERE action = ?", renamed); got != "a wedding by "+o.admin.ID {
			t.Errorf("the audit says %q", got)
		}

		_, err = o.Approvals.Submit(ctx, o.rename(o.admin, o.security, newName{Name: "Security One"}))
		WantCode(t, "somebody of a higher rank", err, "access.rank")
		_, err = o.Approvals.Submit(ctx, o.rename(o.person, o.desk, newName{Name: "Desk One"}))
		WantCode(t, "by somebody without a role", err, "access.forbidden")
		_, err = o.Approvals.Submit(ctx, o.rename(o.admin, o.admin, newName{Name: "Me"}))
		WantCode(t, "oneself", err, "access.self")
		elsewhere := o.User(o.Birch, "person")
		act := o.rename(o.admin, elsewhere, newName{Name: "Theirs"})
		act.TenantID = o.Alder.ID
		_, err = o.Approvals.Submit(ctx, act)
		WantCode(t, "somebody of another tenant", err, "http.not_found")
		act.TenantID = o.Birch.ID
		_, err = o.Approvals.Submit(ctx, act)
		WantCode(t, "in another tenant", err, "access.forbidden")
		if o.Events(renamed) != 1 || o.called(elsewhere) != "person" || o.called(o.security) != "security" {
			t.Error("a refusal changed something")
		}
		if got := o.Events(audit.AccessRefused); got != 5 {
			t.Errorf("%d refusals are remembered, want 5", got)
		}
		if got := o.Text("SELECT actor_id FROM audit_events WHERE action = ? AND tenant_id = ?", audit.AccessRefused, o.Birch.ID); got != o.admin.ID {
			t.Errorf("in the other tenant the refusal is of %q", got)
		}

		waiting := o.Hub.Wait(approval.InboxKey(o.Alder.ID))
		defer waiting.Done()
		id := o.waits()
		if o.called(o.person) != "Person One" || o.state(id) != approval.Pending || o.Events(audit.ApprovalRequested) != 1 {
			t.Errorf("what waits: they are called %q, and it is %s", o.called(o.person), o.state(id))
		}
		if len(waiting.Bell()) != 1 {
			t.Error("who watches the inbox was not woken")
		}
	})
}

func TestAnUnknownActIsADefect(t *testing.T) {
	offices(t, func(o *office) {
		act := o.rename(o.admin, o.person, newName{})
		act.Kind = "test.unknown"
		if _, err := o.Approvals.Submit(o.T.Context(), act); !errors.Is(err, fault.Unavailable) {
			o.T.Errorf("Submit = %v", err)
		}
		o.Approvals.Performers["test.unknown"] = nothing
		if _, err := o.Approvals.Submit(o.T.Context(), act); !errors.Is(err, fault.Unavailable) {
			o.T.Errorf("Submit of an act that asks nothing = %v", err)
		}
	})
}

func TestTheFifthRefusalRaisesTheAlarmOnce(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		// A security administrator through a group, and one whose own role is another.
		grouped, busy := o.User(o.Alder, "grouped"), o.Admin(o.Alder, "busy", access.RoleAuditor)
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at, role) VALUES (?,'g','Night watch',?,?)", o.Alder.ID, o.Clock.Now(), access.RoleSecurityAdministrator)
		for _, u := range []user.User{grouped, busy} {
			o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'g',?,?)", o.Alder.ID, u.ID, u.Name)
		}
		try := func(by user.User) {
			t.Helper()
			_, err := o.Approvals.Submit(t.Context(), o.rename(by, o.security, newName{Name: "No"}))
			if !errors.Is(err, fault.Forbidden) {
				t.Fatalf("Submit = %v, want a refusal", err)
			}
		}
		told := func(u user.User) int {
			return o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = ?", u.ID, audit.AccessAlarm, o.desk.ID)
		}
		for range 4 {
			try(o.desk)
			o.Clock.Forward(time.Minute)
		}
		for range 9 {
			try(o.person) // who administers nothing
		}
		if o.Events(audit.AccessAlarm) != 0 {
			t.Fatal("an alarm after four")
		}
		o.Clock.Forward(6*time.Minute - time.Microsecond)
		try(o.desk) // the first was ten minutes ago, but for an instant
		if o.Events(audit.AccessAlarm) != 1 || told(o.security) != 1 || told(o.second) != 1 || told(grouped) != 1 || told(busy) != 0 || told(o.admin) != 0 {
			t.Errorf("the fifth: %d alarms, told %d, %d, %d and %d, %d", o.Events(audit.AccessAlarm), told(o.security), told(o.second), told(grouped), told(busy), told(o.admin))
		}
		for range 3 {
			try(o.desk)
		}
		if o.Events(audit.AccessAlarm) != 1 || told(o.security) != 1 {
			t.Errorf("the sixth: %d alarms", o.Events(audit.AccessAlarm))
		}
		o.Clock.Forward(11 * time.Minute)
		for range 4 {
			try(o.desk)
		}
		if o.Events(audit.AccessAlarm) != 1 {
			t.Error("four after a pause raise the alarm")
		}
		try(o.desk)
		if o.Events(audit.AccessAlarm) != 2 {
			t.Error("five after a pause raise none")
		}
	})
}

func TestRefusalsAtOnceRaiseOneAlarm(t *testing.T) {
	offices(t, func(o *office) {
		replicas := []*office{o, o.replica()}
		errs := AtOnce(16, func(i int) error {
			_, err := replicas[i%2].Approvals.Submit(o.T.Context(), o.rename(o.desk, o.security, newName{Name: "No"}))
			return err
		})
		if got := Tally(errs); got["access.rank"] != 16 {
			o.T.Errorf("sixteen at once: %v", got)
		}
		if refused, alarms := o.Events(audit.AccessRefused), o.Events(audit.AccessAlarm); refused != 16 || alarms != 1 {
			o.T.Errorf("%d refusals and %d alarms, want 16 and 1", refused, alarms)
		}
	})
}

func TestEveryActTakesAReason(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		for _, row := range []struct {
			claim, reason string
			p             newName
			want          map[string]string
		}{
			{"none", "", newName{Name: "x"}, map[string]string{"reason": "approval.reason_missing"}},
			{"blank", " \t\r\n ", newName{Name: "x"}, map[string]string{"reason": "approval.reason_missing"}},
			{"too long", strings.Repeat("ä", 501), newName{Name: "x"}, map[string]string{"reason": "approval.reason_long"}},
			{"none, and another field", "", newName{Name: "x", Wrong: "user.name_form"}, map[string]string{"reason": "approval.reason_missing", "name": "user.name_form"}},
			{"none where four eyes are needed", "", newName{Name: "x", Loosens: true}, map[string]string{"reason": "approval.reason_missing"}},
			{"none, and a conflict", "", newName{Name: "x", Clash: "user.state_changed"}, map[string]string{"reason": "approval.reason_missing"}},
			{"another field alone", "a wedding", newName{Name: "x", Wrong: "user.name_form"}, map[string]string{"name": "user.name_form"}},
		} {
			act := o.rename(o.admin, o.person, row.p)
			act.Reason = row.reason
			_, err := o.Approvals.Submit(t.Context(), act)
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid || len(f.Fields) != len(row.want) {
				t.Errorf("%s: Submit = %v, want %v", row.claim, err, row.want)
				continue
			}
			for field, code := range row.want {
				if f.Fields[field] != code {
					t.Errorf("%s: %s is %q, want %q", row.claim, field, f.Fields[field], code)
				}
			}
		}
		act := o.rename(o.admin, o.person, newName{Name: "x", Clash: "user.state_changed"})
		_, err := o.Approvals.Submit(t.Context(), act)
		WantCode(t, "a conflict", err, "user.state_changed")
		if o.Events(audit.AccessRefused)+o.Events(renamed)+o.Count("SELECT count(*) FROM approval_requests") != 0 {
			t.Error("a field that is wrong left something behind")
		}
		act = o.rename(o.admin, o.person, newName{Name: "x"})
		act.Reason = "  " + strings.Repeat("ä", 500) + "  "
		if _, err := o.Approvals.Submit(t.Context(), act); err != nil {
			t.Errorf("five hundred letters: %v", err)
		}
		if got := o.Text("SELECT reason FROM audit_events WHERE action = ?", renamed); got != strings.Repeat("ä", 500) {
			t.Errorf("the reason is kept as %q", got)
		}
		// What is wrong is told to nobody who may not do it.
		_, err = o.Approvals.Submit(t.Context(), o.rename(o.desk, o.security, newName{Name: "x", Wrong: "user.name_form"}))
		WantCode(t, "a wrong field of somebody who may not", err, "access.rank")
	})
}

func TestARequestIsFrozen(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		act := o.rename(o.security, o.person, newName{Name: "Renamed", Loosens: true})
		id := o.asks(act)
		r := o.seen(id, o.second)
		if r.Kind != renaming || r.RequesterID != o.security.ID || r.TargetID != o.person.ID || string(r.Parameters) != string(act.Parameters) || r.Reason != "a wedding" {
			t.Errorf("it is kept as %+v", r)
		}
		if len(r.Lines) != 1 || r.Lines[0] != (approval.Change{Field: "name", Before: "person", After: "Renamed"}) {
			t.Errorf("the difference is %+v", r.Lines)
		}
		if !r.CreatedAt.Equal(o.Clock.Now()) || !r.ExpiresAt.Equal(o.Clock.Now().Add(4*time.Hour)) || r.State != approval.Pending || !r.DecidedAt.IsZero() {
			t.Errorf("it waits from %v to %v", r.CreatedAt, r.ExpiresAt)
		}
		if r.Requester.Name != o.security.Name || r.Target.DisplayName != "person" || r.Decider.Name != "" {
			t.Errorf("it names %+v, %+v and %+v", r.Requester, r.Target, r.Decider)
		}
		if got := o.Text("SELECT target_kind || ' ' || target_id || ' ' || subject_id FROM audit_events WHERE action = ?", audit.ApprovalRequested); got != "request "+id+" "+o.person.ID {
			t.Errorf("the event is about %q", got)
		}
		if got := o.detail(audit.ApprovalRequested, "digest"); got != r.Digest || len(got) < 32 {
			t.Errorf("the event has the digest %q, the request %q", got, r.Digest)
		}

		_, err := o.Approvals.Submit(t.Context(), act)
		WantCode(t, "the same again", err, "approval.waits_already")
		for claim, change := range map[string]func(*approval.Act){
			"other parameters":  func(a *approval.Act) { *a = a.With(newName{Name: "Other", Loosens: true}) },
			"another reason":    func(a *approval.Act) { a.Reason = "a divorce" },
			"another target":    func(a *approval.Act) { a.TargetID = o.desk.ID },
			"another requester": func(a *approval.Act) { a.ActorID = o.third.ID },
		} {
			other := act
			change(&other)
			if got := o.seen(o.asks(other), o.second).Digest; got == r.Digest {
				t.Errorf("%s has the same digest", claim)
			}
		}
		if got := o.Events(audit.ApprovalRequested); got != 5 {
			t.Errorf("%d requests in the audit, want 5", got)
		}
	})
}

func TestTheSameRequestWaitsOnceAlsoAtOnce(t *testing.T) {
	offices(t, func(o *office) {
		replicas := []*office{o, o.replica()}
		ask := func(i int) error {
			_, err := replicas[i%2].Approvals.Submit(o.T.Context(), o.rename(o.security, o.person, newName{Name: "Renamed", Loosens: true}))
			return err
		}
		if got := Tally(AtOnce(12, ask)); got["done"] != 1 || got["approval.waits_already"] != 11 {
			o.T.Errorf("twelve at once: %v", got)
		}
		// Its time is over, and nobody has noticed yet.
		o.Clock.Forward(approval.Life)
		if got := Tally(AtOnce(12, ask)); got["done"] != 1 || got["approval.waits_already"] != 11 {
			o.T.Errorf("twelve at once after four hours: %v", got)
		}
		if asked, expired := o.Events(audit.ApprovalRequested), o.Events(audit.ApprovalExpired); asked != 2 || expired != 1 {
			o.T.Errorf("%d requests and %d that expired in the audit, want 2 and 1", asked, expired)
		}
	})
}
