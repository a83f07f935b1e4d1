package approval_test

import (
	"errors"
	"fmt"
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

func TestAnApprovedRequestRunsAsItWasFrozen(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		id := o.waits()
		o.Clock.Forward(4*time.Hour - time.Microsecond)
		if err := o.Approvals.Approve(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "  seen and good ", Origin: from}); err != nil {
			t.Fatalf("Approve an instant before the end = %v", err)
		}
		if o.called(o.person) != "Renamed" || o.Events(renamed) != 1 {
			t.Errorf("they are called %q", o.called(o.person))
		}
		if got := o.Text("SELECT reason || ' by ' || actor_id FROM audit_events WHERE action = ?", renamed); got != "a wedding by "+o.security.ID {
			t.Errorf("the act is recorded as %q", got)
		}
		if got := o.detail(renamed, "approved_by"); got != o.second.ID {
			t.Errorf("approved by %q", got)
		}
		if got := o.Text("SELECT actor_id || ' ' || target_id || ' ' || reason || ' ' || outcome FROM audit_events WHERE action = ?", audit.ApprovalGiven); got != o.second.ID+" "+id+" seen and good success" {
			t.Errorf("the approval is recorded as %q", got)
		}
		r := o.seen(id, o.security)
		if r.State != approval.Done || r.DecidedBy != o.second.ID || r.Decider.Name != o.second.Name || r.DecisionReason != "seen and good" || !r.DecidedAt.Equal(o.Clock.Now()) {
			t.Errorf("the request is %+v", r)
		}
		WantCode(t, "a second approval", o.approve(id, o.third), "approval.decided")
		WantCode(t, "a refusal after it", o.Approvals.Refuse(ctx, o.Alder.ID, id, o.third.ID, approval.Given{Reason: "too late", Origin: from}), "approval.decided")
		WantCode(t, "a withdrawal after it", o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from), "approval.decided")
		if o.Events(renamed) != 1 {
			t.Error("it ran twice")
		}
	})
}

func TestAHundredApprovalsAtOnceRunItOnce(t *testing.T) {
	offices(t, func(o *office) {
		id := o.waits()
		replicas, approvers := []*office{o, o.replica()}, []user.User{o.second, o.third}
		errs := AtOnce(100, func(i int) error { return replicas[i%2].approve(id, approvers[i/2%2]) })
		if got := Tally(errs); got["done"] != 1 || got["approval.decided"] != 99 {
			o.T.Errorf("a hundred at once: %v", got)
		}
		if acts, given, void := o.Events(renamed), o.Events(audit.ApprovalGiven), o.Events(audit.ApprovalVoid); acts != 1 || given != 1 || void != 0 {
			o.T.Errorf("%d acts, %d approvals and %d void, want 1, 1 and 0", acts, given, void)
		}
	})
}

func TestApproveRefuseAndWithdrawAtOnce(t *testing.T) {
	offices(t, func(o *office) {
		ctx := o.T.Context()
		for round := range 6 {
			id := o.asks(o.rename(o.security, o.person, newName{Name: fmt.Sprint("Name ", round), Loosens: true}))
			errs := AtOnce(9, func(i int) error {
				switch i % 3 {
				case 0:
					return o.approve(id, o.second)
				case 1:
					return o.Approvals.Refuse(ctx, o.Alder.ID, id, o.third.ID, approval.Given{Reason: "no", Origin: from})
				}
				return o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from)
			})
			if got := Tally(errs); got["done"] != 1 || got["approval.decided"] != 8 {
				o.T.Errorf("nine at once: %v", got)
			}
			ran := o.called(o.person) == fmt.Sprint("Name ", round)
			if state := o.state(id); ran != (state == approval.Done) {
				o.T.Errorf("it is %s, and ran: %t", state, ran)
			}
		}
	})
}

func TestTheLastInstantIsTooLate(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		id := o.waits()
		o.Clock.Forward(4 * time.Hour)
		WantCode(t, "Approve", o.approve(id, o.second), "approval.expired")
		WantCode(t, "Refuse", o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "no", Origin: from}), "approval.expired")
		WantCode(t, "Withdraw", o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from), "approval.expired")
		if o.called(o.person) != "person" || o.seen(id, o.second).State != approval.Expired {
			t.Errorf("it is %s", o.seen(id, o.second).State)
		}
	})
}

func TestRequestsLapseOnceAmongReplicas(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		replicas := []*office{o, o.replica()}
		var ids []string
		for i := range 5 {
			ids = append(ids, o.asks(o.rename(o.security, o.person, newName{Name: fmt.Sprint("Name ", i), Loosens: true})))
		}
		o.Clock.Forward(time.Minute)
		later := o.waits()
		o.Clock.Forward(approval.Life - time.Minute - time.Microsecond)
		if err := o.Approvals.Lapse(ctx); err != nil || o.Events(audit.ApprovalExpired) != 0 {
			t.Fatalf("an instant before the end: %v, and %d lapsed", err, o.Events(audit.ApprovalExpired))
		}
		here, there := o.Hub.Wait(approval.InboxKey(o.Alder.ID)), replicas[1].Hub.Wait(approval.InboxKey(o.Alder.ID))
		defer here.Done()
		defer there.Done()
		o.Clock.Forward(time.Microsecond)
		if got := Tally(AtOnce(6, func(i int) error { return replicas[i%2].Approvals.Lapse(ctx) })); got["done"] != 6 {
			t.Errorf("six sweeps at once: %v", got)
		}
		if got := o.Events(audit.ApprovalExpired); got != 5 {
			t.Errorf("%d lapsed in the audit, want 5", got)
		}
		for _, id := range ids {
			if o.state(id) != approval.Expired {
				t.Errorf("one is %s", o.state(id))
			}
		}
		if o.state(later) != approval.Pending {
			t.Errorf("a later one is %s", o.state(later))
		}
		if len(here.Bell())+len(there.Bell()) == 0 {
			t.Error("who watches the inbox was not woken")
		}
		if told := o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = ?", o.security.ID, audit.ApprovalExpired, renaming); told != 5 {
			t.Errorf("the requester is told %d times, want once of each", told)
		}
		if got := o.Text("SELECT actor_kind || ' ' || outcome || ' ' || subject_id FROM audit_events WHERE action = ? AND target_id = ?", audit.ApprovalExpired, ids[0]); got != "service failure "+o.person.ID {
			t.Errorf("the event is %q", got)
		}
	})
}

func TestAChangeMeanwhileVoidsTheRequest(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		for _, row := range []struct {
			claim  string
			change func()
			back   func()
		}{
			{
				"what it changes reads differently",
				func() { o.Set("UPDATE users SET display_name = 'Other' WHERE id = ?", o.person.ID) },
				func() { o.Set("UPDATE users SET display_name = 'person' WHERE id = ?", o.person.ID) },
			},
			{
				"the requester is demoted",
				func() { o.Set("UPDATE role_assignments SET role = 'auditor' WHERE user_id = ?", o.security.ID) },
				func() {
					o.Set("UPDATE role_assignments SET role = 'security_administrator' WHERE user_id = ?", o.security.ID)
				},
			},
			{
				"the requester's role ends",
				func() {
					o.Set("UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", o.Clock.Now(), o.security.ID)
				},
				func() { o.Set("UPDATE role_assignments SET ends_at = NULL WHERE user_id = ?", o.security.ID) },
			},
			{
				"the requester is limited to groups",
				func() {
					o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Office',?)", o.Alder.ID, o.Clock.Now())
					o.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'g')", o.Alder.ID, o.security.ID)
				},
				func() { o.Set("DELETE FROM role_scopes") },
			},
			{
				"the requester is locked",
				func() { o.Set("UPDATE users SET state = 'locked' WHERE id = ?", o.security.ID) },
				func() { o.Set("UPDATE users SET state = 'active' WHERE id = ?", o.security.ID) },
			},
			{
				"the requester is disabled",
				func() { o.Set("UPDATE users SET state = 'disabled' WHERE id = ?", o.security.ID) },
				func() { o.Set("UPDATE users SET state = 'active' WHERE id = ?", o.security.ID) },
			},
			{
				"the target has risen",
				func() {
					o.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,'operator','',?)", o.Alder.ID, o.person.ID, o.Clock.Now())
				},
				func() { o.Set("DELETE FROM role_assignments WHERE user_id = ?", o.person.ID) },
			},
			{
				"the parameters were changed behind our back",
				func() {
					o.Set(`UPDATE approval_requests SET parameters = '{"name":"Evil","loosens":true}' WHERE state = 'pending'`)
				}, func() {},
			},
			{
				"the target was changed behind our back",
				func() {
					o.Set("UPDATE approval_requests SET target_id = ? WHERE state = 'pending'", o.desk.ID)
				}, func() {},
			},
			{
				"it was made easier to approve behind our back",
				func() {
					o.Set(`UPDATE approval_requests SET eyes = '{"needs":["user.lock"]}' WHERE state = 'pending'`)
				}, func() {},
			},
		} {
			before := o.Events(audit.ApprovalVoid)
			id := o.waits()
			row.change()
			WantCode(t, row.claim, o.approve(id, o.second), "approval.void")
			if o.state(id) != approval.Void || o.Events(audit.ApprovalVoid) != before+1 || o.Events(renamed) != 0 {
				t.Errorf("%s: it is %s, with %d events", row.claim, o.state(id), o.Events(audit.ApprovalVoid)-before)
			}
			row.back()
			WantCode(t, row.claim+", again", o.approve(id, o.second), "approval.decided")
		}
		if o.called(o.desk) != "desk" || o.called(o.person) != "person" {
			t.Errorf("they are called %q and %q", o.called(o.desk), o.called(o.person))
		}
		r := o.seen(o.Text("SELECT id FROM approval_requests LIMIT 1"), o.security)
		if r.DecidedBy != o.second.ID || r.DecidedAt.IsZero() {
			t.Errorf("a void request says %+v", r)
		}
		// The very same may be asked for again.
		if err := o.approve(o.waits(), o.second); err != nil {
			t.Errorf("asked again: %v", err)
		}
	})
}

// TestAPlanThatFailsVoids: there is nothing any more to do it to.
func TestAPlanThatFailsVoids(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		for _, row := range []struct {
			kind fault.Kind
			want string
			is   approval.State
		}{
			{fault.NotFound, "approval.void", approval.Void},
			{fault.Conflict, "approval.void", approval.Void},
			{fault.Invalid, "approval.void", approval.Void},
			{fault.Unavailable, "store.unusable", approval.Pending},
		} {
			o.Approvals.Performers[renaming] = rename
			id := o.asks(o.rename(o.security, o.person, newName{Name: string(row.kind), Loosens: true}))
			o.Approvals.Performers[renaming] = failing(fault.New(row.kind, "store.unusable"))
			if n, err := o.Approvals.Waiting(t.Context(), o.Alder.ID, o.second.ID); n == 0 || err != nil {
				t.Errorf("%s: the inbox counts %d, %v", row.kind, n, err)
			}
			WantCode(t, string(row.kind), o.approve(id, o.second), row.want)
			if o.state(id) != row.is {
				t.Errorf("%s: it is %s, want %s", row.kind, o.state(id), row.is)
			}
		}
	})
}

// TestWhatCannotBeDoneLeavesTheRequest: the last words are those of the act.
func TestWhatCannotBeDoneLeavesTheRequest(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		id := o.waits()
		o.Approvals.Performers[renaming] = stuck
		WantCode(t, "Approve", o.approve(id, o.second), "role.two_administrators")
		if o.state(id) != approval.Pending || o.Events(audit.ApprovalGiven) != 0 {
			t.Errorf("it is %s", o.state(id))
		}
		o.Approvals.Performers[renaming] = rename
		if err := o.approve(id, o.second); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestWhoDecidesAndWhoMayNot(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		peer := o.Admin(o.Birch, "security", access.RoleSecurityAdministrator)
		locked := o.Admin(o.Alder, "locked", access.RoleSecurityAdministrator)
		o.Lock(locked)
		auditor := o.Admin(o.Alder, "auditor", access.RoleAuditor)
		made := o.Admin(o.Alder, "made", access.RoleSecurityAdministrator)
		o.Set("UPDATE users SET created_by = ? WHERE id = ?", o.security.ID, made.ID)
		promoted := o.Admin(o.Alder, "promoted", access.RoleSecurityAdministrator)
		o.Set("UPDATE role_assignments SET assigned_by = ? WHERE user_id = ?", o.security.ID, promoted.ID)
		joined, lifted := o.User(o.Alder, "joined"), o.User(o.Alder, "lifted")
		for group, u := range map[string]user.User{"joined": joined, "lifted": lifted} {
			o.Set("INSERT INTO groups (tenant_id, id, name, created_at, role, role_by, role_at) VALUES (?,?,?,?,'security_administrator',?,?)", o.Alder.ID, group, group, o.Clock.Now(), o.second.ID, o.Clock.Now())
			o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_by, added_at) VALUES (?,?,?,?,?,?)", o.Alder.ID, group, u.ID, u.Name, o.second.ID, o.Clock.Now())
		}
		o.Set("UPDATE group_members SET added_by = ? WHERE group_id = 'joined'", o.security.ID)
		o.Set("UPDATE groups SET role_by = ? WHERE id = 'lifted'", o.security.ID)

		id := o.asks(o.rename(o.security, o.third, newName{Name: "Renamed"})) // of the same rank
		for _, row := range []struct {
			claim string
			by    user.User
			want  string
		}{
			{"the requester", o.security, "access.requester"},
			{"the target", o.third, "access.target"},
			{"somebody they made", made, "access.made"},
			{"somebody they promoted", promoted, "access.made"},
			{"somebody they put into a group with a role", joined, "access.made"},
			{"somebody on whose group they put a role", lifted, "access.made"},
			{"helpdesk", o.desk, "http.not_found"},
			{"an auditor", auditor, "access.forbidden"},
			{"a user", o.person, "http.not_found"},
			{"somebody locked", locked, "access.forbidden"},
			{"somebody of another tenant", peer, "http.not_found"},
			{"nobody", user.User{ID: "nobody"}, "http.not_found"},
			{"no id at all", user.User{}, "http.not_found"},
		} {
			before := o.Events(audit.AccessRefused)
			WantCode(t, row.claim+" approves", o.approve(id, row.by), row.want)
			WantCode(t, row.claim+" refuses", o.Approvals.Refuse(ctx, o.Alder.ID, id, row.by.ID, approval.Given{Reason: "no", Origin: from}), row.want)
			if got := o.Events(audit.AccessRefused) - before; got != 2 {
				t.Errorf("%s: %d refusals are remembered, want 2", row.claim, got)
			}
			if n, err := o.Approvals.Waiting(ctx, o.Alder.ID, row.by.ID); n != 0 || err != nil {
				t.Errorf("%s: the inbox counts %d, %v", row.claim, n, err)
			}
		}
		if o.state(id) != approval.Pending || o.called(o.third) != "third" {
			t.Fatalf("it is %s", o.state(id))
		}
		if got := o.detail(audit.AccessRefused, "kind"); got != "approval.refuse" && got != "approval.approve" {
			t.Errorf("the refusal is of %q", got)
		}
		for _, by := range []user.User{o.second, o.admin} { // the part of an approver is to see
			if n, err := o.Approvals.Waiting(ctx, o.Alder.ID, by.ID); n != 1 || err != nil {
				t.Errorf("the inbox of %s counts %d, %v", by.DisplayName, n, err)
			}
		}
		o.Clock.Forward(access72)
		late := o.asks(o.rename(o.security, o.third, newName{Name: "Renamed"}))
		WantCode(t, "somebody they made 72 hours ago, but for an instant", o.approve(late, made), "access.made")
		o.Clock.Forward(time.Microsecond)
		for _, by := range []user.User{promoted, joined, lifted} {
			if n, err := o.Approvals.Waiting(ctx, o.Alder.ID, by.ID); n != 1 || err != nil {
				t.Errorf("after 72 hours the inbox of %s counts %d, %v", by.DisplayName, n, err)
			}
		}
		if err := o.approve(late, made); err != nil {
			t.Errorf("somebody they made 72 hours ago: %v", err)
		}
	})
}

// access72 is an instant short of the time for which one's maker is not approved for.
const access72 = 72*time.Hour - time.Microsecond

func TestARequestOfAnotherTenantIsNotThere(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		peer := o.Admin(o.Birch, "security", access.RoleSecurityAdministrator)
		id := o.waits()
		_, err := o.Approvals.Find(ctx, o.Birch.ID, id, peer.ID)
		WantCode(t, "Find", err, "http.not_found")
		WantCode(t, "Approve", o.Approvals.Approve(ctx, o.Birch.ID, id, peer.ID, approval.Given{Origin: from}), "http.not_found")
		WantCode(t, "Refuse", o.Approvals.Refuse(ctx, o.Birch.ID, id, peer.ID, approval.Given{Reason: "no", Origin: from}), "http.not_found")
		WantCode(t, "Withdraw", o.Approvals.Withdraw(ctx, o.Birch.ID, id, o.security.ID, from), "http.not_found")
		if n, err := o.Approvals.Waiting(ctx, o.Birch.ID, peer.ID); n != 0 || err != nil {
			t.Errorf("Waiting = %d, %v", n, err)
		}
		if o.state(id) != approval.Pending {
			t.Errorf("it is %s", o.state(id))
		}
		if _, err := o.Approvals.Find(ctx, o.Alder.ID, id, peer.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("Find by somebody of another tenant = %v", err)
		}
	})
}

func TestRefuseAndWithdraw(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		id := o.waits()
		for _, reason := range []string{"", "  ", strings.Repeat("x", 501)} {
			err := o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: reason, Origin: from})
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields["reason"] == "" {
				t.Errorf("Refuse with %d letters = %v", len(reason), err)
			}
		}
		err := o.Approvals.Approve(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: strings.Repeat("x", 501), Origin: from})
		if f := fault.Of(err); f == nil || f.Fields["reason"] != "approval.reason_long" {
			t.Errorf("Approve with 501 letters = %v", err)
		}
		if err := o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: " not now ", Origin: from}); err != nil {
			t.Fatalf("Refuse = %v", err)
		}
		if r := o.seen(id, o.security); r.State != approval.Refused || r.DecisionReason != "not now" || r.DecidedBy != o.second.ID {
			t.Errorf("it is %+v", r)
		}
		if got := o.Text("SELECT reason || ' ' || outcome FROM audit_events WHERE action = ?", audit.ApprovalRefused); got != "not now failure" {
			t.Errorf("the event says %q", got)
		}
		WantCode(t, "Approve afterwards", o.approve(id, o.third), "approval.decided")

		id = o.waits()
		for _, by := range []user.User{o.second, o.admin, o.desk, o.person} {
			WantCode(t, "Withdraw by "+by.DisplayName, o.Approvals.Withdraw(ctx, o.Alder.ID, id, by.ID, from), "http.not_found")
		}
		if err := o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from); err != nil {
			t.Fatalf("Withdraw = %v", err)
		}
		if o.state(id) != approval.Withdrawn || o.Events(audit.ApprovalWithdrawn) != 1 || o.Events(renamed) != 0 {
			t.Errorf("it is %s", o.state(id))
		}
		WantCode(t, "Withdraw again", o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from), "approval.decided")
		WantCode(t, "and by another one", o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.second.ID, from), "http.not_found")
	})
}

// TestNoAuditNoApproval: when the audit is gone nothing happens, and the request
// still waits.
func TestNoAuditNoApproval(t *testing.T) {
	offices(t, func(o *office) {
		t, ctx := o.T, o.T.Context()
		id := o.waits()
		move := func(is, was string) {
			t.Helper()
			if _, err := o.DB.Pool().ExecContext(ctx, "ALTER TABLE "+was+" RENAME TO "+is); err != nil {
				t.Fatal(err)
			}
		}
		move("audit_events_gone", "audit_events")
		for claim, do := range map[string]func() error{
			"Approve": func() error { return o.approve(id, o.second) },
			"Refuse": func() error {
				return o.Approvals.Refuse(ctx, o.Alder.ID, id, o.second.ID, approval.Given{Reason: "no", Origin: from})
			},
			"Withdraw": func() error { return o.Approvals.Withdraw(ctx, o.Alder.ID, id, o.security.ID, from) },
			"Submit": func() error {
				_, err := o.Approvals.Submit(ctx, o.rename(o.admin, o.person, newName{Name: "x"}))
				return err
			},
			"freezing": func() error {
				_, err := o.Approvals.Submit(ctx, o.rename(o.admin, o.person, newName{Name: "x", Loosens: true}))
				return err
			},
			"a refusal": func() error { return o.approve(id, o.security) },
		} {
			if err := do(); !errors.Is(err, fault.Unavailable) {
				t.Errorf("%s = %v, want fault.Unavailable", claim, err)
			}
		}
		o.Clock.Forward(approval.Life)
		if err := o.Approvals.Lapse(ctx); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Lapse = %v", err)
		}
		o.Clock.Forward(-approval.Life)
		move("audit_events", "audit_events_gone")
		if o.state(id) != approval.Pending || o.called(o.person) != "person" || o.Count("SELECT count(*) FROM approval_requests") != 1 || o.Count("SELECT count(*) FROM notices") != 0 {
			t.Errorf("it is %s, and they are called %q", o.state(id), o.called(o.person))
		}
		if err := o.approve(id, o.second); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
