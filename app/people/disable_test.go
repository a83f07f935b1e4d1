package people_test

import (
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/role"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestDisablingEndsEverythingAtOnce(t *testing.T) {
	each(t, func(o *office) {
		_, cookie := o.Session(o.nurse)
		phone, _ := o.PhoneOf(o.nurse)
		pc := signintest.Browser("PC")
		attempt := o.Begin(o.nurse.Name, signin.Phone, pc)
		asked := phone.Open()

		o.must(o.admin, people.KindDisable, o.nurse, nil)
		if o.state(o.nurse) != user.Disabled || o.Alive(cookie) {
			t.Error("the account or a session is still alive")
		}
		if got := o.Attempt(attempt, pc).PromptState; got == "pending" {
			t.Errorf("the request is still %s", got)
		}
		if _, err := phone.Answer(asked, "approve", o.Number(asked.ID), signintest.PIN); err == nil {
			t.Error("the phone of a disabled user answered")
		}
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); err == nil {
			t.Error("a disabled user signed in by password")
		}
		if by := o.Text("SELECT disabled_by FROM users WHERE id = ? AND disabled_at IS NOT NULL", o.nurse.ID); by != o.admin.ID {
			t.Errorf("disabled by %q, want the administrator", by)
		}
		if o.Events(audit.UserDisabled) != 1 || o.told(o.nurse) != audit.UserDisabled || o.Text("SELECT reason FROM audit_events WHERE action = ?", audit.UserDisabled) != reason {
			t.Error("it left no event with its reason, or no notice")
		}
		o.fails(fault.Conflict, o.admin, people.KindDisable, o.nurse, nil)
		o.fails(fault.Conflict, o.admin, people.KindLock, o.nurse, nil)
		if p := o.see(o.admin, o.nurse); p.DisabledAt == nil || p.Names[p.DisabledBy] != o.admin.Name {
			t.Error("the page does not say who disabled the account")
		}

		o.must(o.security, people.KindEnable, o.nurse, nil)
		if o.state(o.nurse) != user.Active || o.Alive(cookie) || o.Text("SELECT disabled_by FROM users WHERE id = ?", o.nurse.ID) != "" {
			t.Error("after enabling the user is not active, an old session lives again, or the name is left")
		}
		if o.Events(audit.UserEnabled) != 1 || o.told(o.nurse) != audit.UserEnabled {
			t.Error("enabling left no event or no notice")
		}
		o.fails(fault.Conflict, o.security, people.KindEnable, o.nurse, nil)
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); err != nil {
			t.Errorf("after enabling: %v", err)
		}
	})
}

func TestWhoMayDisable(t *testing.T) {
	each(t, func(o *office) {
		for _, kind := range []approval.Kind{people.KindDisable, people.KindEnable} {
			for _, row := range []struct {
				claim         string
				actor, target user.User
				want          error
				code          string
			}{
				{"a user", o.nurse, o.desk, fault.Forbidden, "access.forbidden"},
				{"the helpdesk", o.desk, o.nurse, fault.Forbidden, "access.forbidden"},
				{"a lead", o.lead, o.nurse, fault.Forbidden, "access.forbidden"},
				{"an auditor", o.auditor, o.nurse, fault.Forbidden, "access.forbidden"},
				{"oneself", o.security, o.security, fault.Forbidden, "access.self"},
				{"one's own rank", o.admin, o.Admin(o.Alder, "peer-"+string(kind), access.RoleTenantAdministrator), fault.Forbidden, "access.rank"},
				{"above", o.admin, o.security, fault.Forbidden, "access.rank"},
				{"somebody of another tenant", o.security, o.stranger, fault.NotFound, "http.not_found"},
				{"nobody", o.admin, user.User{ID: "none", TenantID: o.Alder.ID}, fault.NotFound, "http.not_found"},
			} {
				if _, err := o.do(row.actor, kind, row.target, nil); fault.Of(err) == nil || fault.Of(err).Kind != row.want || code(err) != row.code {
					t.Errorf("%s, %s: %v, want %v %s", kind, row.claim, err, row.want, row.code)
				}
			}
		}
		// One security administrator on another asks for a second person, both ways.
		for kind, want := range map[approval.Kind]string{people.KindDisable: user.Disabled, people.KindEnable: user.Active} {
			if kind == people.KindEnable {
				o.Set("UPDATE users SET state = 'disabled' WHERE id = ?", o.second.ID)
			}
			out, err := o.do(o.security, kind, o.second, nil)
			if err != nil || !out.Waits() {
				t.Fatalf("%s of another security administrator = %+v, %v", kind, out, err)
			}
			if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.admin.ID, approval.Given{}); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got := o.state(o.second); got != want {
				t.Errorf("after %s the account is %s", kind, got)
			}
			o.Set("UPDATE users SET state = 'active', disabled_at = NULL WHERE id = ?", o.second.ID)
		}
	})
}

// TestALockOutlivesThatTheAccountIsDisabled: to disable and enable somebody is no way
// around who may unlock.
func TestALockOutlivesThatTheAccountIsDisabled(t *testing.T) {
	each(t, func(o *office) {
		for _, who := range []string{o.security.ID, ""} {
			o.must(o.security, people.KindLock, o.nurse, nil)
			if who == "" { // a lock from before its maker was noted
				o.Set("UPDATE users SET locked_by = '', locked_at = NULL WHERE id = ?", o.nurse.ID)
			}
			o.must(o.security, people.KindDisable, o.nurse, nil)
			o.must(o.security, people.KindEnable, o.nurse, nil)
			if o.state(o.nurse) != user.Locked || o.Text("SELECT locked_by FROM users WHERE id = ?", o.nurse.ID) != who {
				t.Errorf("locked by %q, and then %s", who, o.state(o.nurse))
			}
			if who != "" {
				o.fails(fault.Forbidden, o.security, people.KindUnlock, o.nurse, nil) // not by who locked
			}
			o.must(o.admin, people.KindUnlock, o.nurse, nil)
		}
	})
}

func TestDisablingEndsAnInvitation(t *testing.T) {
	each(t, func(o *office) {
		link, token := people.NewLink(o.Alder.ID, "")
		o.must(o.admin, people.KindInvite, user.User{TenantID: o.Alder.ID}, people.Invite{Link: link, Name: "new@alder.example", DisplayName: "New"})
		id := o.Text("SELECT id FROM users WHERE name = 'new@alder.example'")
		newcomer := user.User{TenantID: o.Alder.ID, ID: id, Name: "new@alder.example"}
		if o.told(newcomer) != audit.InvitationMade {
			t.Errorf("who is invited finds the notice %q", o.told(newcomer))
		}
		o.must(o.admin, people.KindDisable, newcomer, nil)
		if _, err := o.people.Welcome(t.Context(), token); code(err) != "invitation.link_refused" {
			t.Errorf("the link of a disabled account: %v", err)
		}
		o.must(o.admin, people.KindEnable, newcomer, nil)
		if _, err := o.people.Welcome(t.Context(), token); code(err) != "invitation.link_refused" {
			t.Errorf("the link from before: %v", err)
		}
	})
}

// TestTheLastAreNotDisabled, nor lose their last way in to a reset.
func TestTheLastAreNotDisabled(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE users SET state = 'disabled' WHERE id = ?", o.second.ID)
		for _, kind := range []approval.Kind{people.KindLock, people.KindDisable} {
			if _, err := o.do(o.security, kind, o.admin, nil); code(err) != "role.two_administrators" {
				t.Errorf("%s of one of two: %v", kind, err)
			}
		}
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", o.admin.ID)
		_, account := o.PhoneOf(o.admin)
		if _, err := o.do(o.security, people.KindReset, o.admin, people.Reset{Device: account.AccountID}); code(err) != "role.two_administrators" {
			t.Errorf("the last way in of one of two: %v", err)
		}
		third := o.Admin(o.Alder, "third", access.RoleTenantAdministrator)
		o.must(o.security, people.KindReset, o.admin, people.Reset{Device: account.AccountID})
		if _, err := o.do(o.security, people.KindDisable, third, nil); code(err) != "role.two_administrators" {
			t.Errorf("one of two who can sign in: %v", err)
		}
		o.must(o.security, people.KindDisable, o.admin, nil) // who cannot sign in is none of them
		if o.state(o.admin) != user.Disabled || o.state(third) != user.Active {
			t.Error("the wrong one is disabled")
		}
	})
}

// TestTwoDisableAtOnce: of four administrators at two are left, whoever is faster,
// and an account is disabled once.
func TestTwoDisableAtOnce(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE users SET state = 'disabled' WHERE id = ?", o.second.ID)
		third := o.Admin(o.Alder, "third", access.RoleTenantAdministrator)
		for range 20 {
			errs := signintest.AtOnce(4, func(i int) error {
				_, err := o.do(o.security, people.KindDisable, []user.User{o.admin, third}[i%2], nil)
				return err
			})
			done := 0
			for _, err := range errs {
				switch {
				case err == nil:
					done++
				case code(err) != "role.two_administrators" && code(err) != "user.state_changed":
					t.Fatalf("%v", errs)
				}
			}
			if left := o.Count("SELECT count(*) FROM users WHERE id IN ? AND state = 'active'", []string{o.admin.ID, third.ID}); done != 1 || left != 1 {
				t.Fatalf("%d were disabled, %d are left: %v", done, left, errs)
			}
			o.Set("UPDATE users SET state = 'active', disabled_at = NULL WHERE id IN ?", []string{o.admin.ID, third.ID})
		}
		if n := o.Events(audit.UserDisabled); n != 20 {
			t.Errorf("%d events of twenty", n)
		}
	})
}

// TestWhoLosesTheirRoleWhileAnActWaits does not do it: what is kept is judged again
// when it is its turn.
func TestWhoLosesTheirRoleWhileAnActWaits(t *testing.T) {
	each(t, func(o *office) {
		o.Admin(o.Alder, "third", access.RoleTenantAdministrator)
		act := approval.Act{Kind: people.KindDisable, TenantID: o.Alder.ID, ActorID: o.admin.ID, TargetID: o.nurse.ID, Reason: reason}
		plan, err := o.people.Performers()[act.Kind](o.DB.View(t.Context()), act.With(nil))
		if err != nil || plan.Wrong != nil {
			t.Fatal(err, plan.Wrong)
		}
		o.must(o.security, role.KindTake, o.admin, nil)
		if err := o.DB.Act(t.Context(), plan.Do); code(err) != "access.forbidden" || o.state(o.nurse) != user.Active {
			t.Errorf("the act of one whose role is gone: %v; the account is %s", err, o.state(o.nurse))
		}
	})
}
