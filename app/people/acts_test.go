package people_test

import (
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestLostPhoneIsTakenAway(t *testing.T) {
	each(t, func(o *office) {
		phone, account := o.PhoneOf(o.nurse)
		_, other := o.PhoneOf(o.nurse)
		byPhone, cookie := o.Session(o.nurse)
		o.Set("UPDATE sessions SET account_id = ? WHERE id = ?", account.AccountID, byPhone)
		_, byPassword := o.Session(o.nurse)

		o.must(o.desk, people.KindReset, o.nurse, people.Reset{Device: account.AccountID})
		if _, err := o.Devices.Accounts(t.Context(), phone.ID); err == nil {
			t.Error("the phone still holds an account")
		}
		if o.Alive(cookie) || !o.Alive(byPassword) {
			t.Error("a session that the phone approved lives, or one that it did not has ended")
		}
		if o.Count("SELECT count(*) FROM sessions WHERE id = ? AND ended_at IS NOT NULL", byPhone) != 1 {
			t.Error("the session is dead and not ended")
		}
		if o.Count("SELECT count(*) FROM devices WHERE account_id = ? AND state = 'active'", other.AccountID) != 1 {
			t.Error("the other phone is gone too")
		}
		if o.Events(audit.AuthenticatorReset) != 1 || o.told(o.nurse) != audit.AuthenticatorReset {
			t.Error("no event, or no notice")
		}
		if name := o.Text("SELECT detail FROM notices WHERE user_id = ? AND action = ?", o.nurse.ID, audit.AuthenticatorReset); name != "A phone" {
			t.Errorf("the notice names %q", name)
		}
		o.fails(fault.Conflict, o.desk, people.KindReset, o.nurse, people.Reset{Device: account.AccountID})
	})
}

func TestWhoMayTakeAPhoneAway(t *testing.T) {
	each(t, func(o *office) {
		_, theirPhone := o.PhoneOf(o.nurse)
		_, leads := o.PhoneOf(o.lead)
		_, theirs := o.PhoneOf(o.stranger)
		o.fails(fault.Forbidden, o.nurse, people.KindReset, o.nurse, people.Reset{Device: theirPhone.AccountID})
		o.fails(fault.Forbidden, o.auditor, people.KindReset, o.nurse, people.Reset{Device: theirPhone.AccountID})
		o.fails(fault.Forbidden, o.desk, people.KindReset, o.lead, people.Reset{Device: leads.AccountID})
		o.fails(fault.NotFound, o.admin, people.KindReset, o.stranger, people.Reset{Device: theirs.AccountID})
		o.fails(fault.NotFound, o.admin, people.KindReset, o.nurse, people.Reset{Device: theirs.AccountID})
		o.fails(fault.NotFound, o.admin, people.KindReset, o.nurse, people.Reset{Device: leads.AccountID})
		o.fails(fault.NotFound, o.admin, people.KindReset, o.nurse, people.Reset{Device: ""})
		if n := o.Count("SELECT count(*) FROM devices WHERE state = 'active'"); n != 3 {
			t.Errorf("%d phones are left, want all three", n)
		}
		o.must(o.admin, people.KindReset, o.lead, people.Reset{Device: leads.AccountID})
		done := 0
		for _, err := range signintest.AtOnce(8, func(int) error {
			_, err := o.do(o.desk, people.KindReset, o.nurse, people.Reset{Device: theirPhone.AccountID})
			return err
		}) {
			if err == nil {
				done++
			}
		}
		if done != 1 || o.Events(audit.AuthenticatorReset) != 2 {
			t.Errorf("one phone was taken away %d times, with %d events", done, o.Events(audit.AuthenticatorReset)-1)
		}
	})
}

// The phone may be the only way in of an administrator who must stay.
func TestLastWayOfAnAdministratorStays(t *testing.T) {
	each(t, func(o *office) {
		o.Set("DELETE FROM role_assignments WHERE user_id IN (?, ?)", o.second.ID, o.lead.ID)
		_, account := o.PhoneOf(o.admin)
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", o.admin.ID)
		if _, err := o.do(o.security, people.KindReset, o.admin, people.Reset{Device: account.AccountID}); code(err) != "role.two_administrators" {
			t.Errorf("taking the last way in of the second administrator gives %v", err)
		}
		o.Set("UPDATE users SET password_hash = 'x' WHERE id = ?", o.admin.ID)
		o.must(o.security, people.KindReset, o.admin, people.Reset{Device: account.AccountID})
	})
}

func TestSecondFactorTightensAtOnceAndLoosensByFourEyes(t *testing.T) {
	each(t, func(o *office) {
		state := func() string { return o.Text("SELECT mfa_state FROM users WHERE id = ?", o.nurse.ID) }
		to := func(s string) people.MFA { return people.MFA{State: s} }
		o.fails(fault.Forbidden, o.lead, people.KindMFA, o.nurse, to("enabled"))
		o.fails(fault.Forbidden, o.admin, people.KindMFA, o.security, to("enabled"))
		o.fails(fault.Forbidden, o.admin, people.KindMFA, o.admin, to("enabled"))
		o.fails(fault.NotFound, o.admin, people.KindMFA, o.stranger, to("enabled"))
		o.fails(fault.Invalid, o.admin, people.KindMFA, o.nurse, to("disabled"))
		o.fails(fault.Invalid, o.admin, people.KindMFA, o.nurse, to("never"))
		o.fails(fault.Invalid, o.admin, people.KindMFA, o.nurse, to(""))

		o.must(o.admin, people.KindMFA, o.nurse, to("enabled"))
		o.must(o.admin, people.KindMFA, o.nurse, to("enforced"))
		if state() != "enforced" || o.Events(audit.MFAChanged) != 2 || o.told(o.nurse) != audit.MFAChanged {
			t.Errorf("the state is %s, with %d events", state(), o.Events(audit.MFAChanged))
		}
		// Enabled for somebody who has one already it is enforced by itself, and they are told so.
		o.PhoneOf(o.desk)
		o.must(o.admin, people.KindMFA, o.desk, to("enabled"))
		if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = 'enforced' AND by_role = ''", o.desk.ID, audit.MFAChanged); n != 1 ||
			o.Text("SELECT mfa_state FROM users WHERE id = ?", o.desk.ID) != "enforced" {
			t.Error("what follows by itself is not told")
		}
		out, err := o.do(o.admin, people.KindMFA, o.nurse, to("disabled"))
		if err != nil || !out.Waits() || state() != "enforced" {
			t.Fatalf("loosening = %+v, %v, state %s; want it to wait", out, err, state())
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{Reason: "seen"}); err != nil || state() != "disabled" {
			t.Errorf("approved: %v, state %s", err, state())
		}
	})
}

// A role that is limited to groups acts on their members alone, and sets nobody's
// second factor: that is a policy of the whole tenant.
func TestScopedRoleActsInItsGroupsAlone(t *testing.T) {
	each(t, func(o *office) {
		o.limit(o.desk, o.group(o.Alder, "field", o.nurse))
		o.limit(o.admin, o.group(o.Alder, "office", o.nurse))
		outside := o.User(o.Alder, "outside")
		o.fails(fault.NotFound, o.desk, people.KindLock, outside, nil)
		o.fails(fault.NotFound, o.desk, people.KindEndSessions, outside, nil)
		o.fails(fault.NotFound, o.desk, people.KindUnlock, outside, nil)
		o.fails(fault.Forbidden, o.admin, people.KindMFA, o.nurse, people.MFA{State: "enabled"})
		o.must(o.desk, people.KindLock, o.nurse, nil)
		if o.state(outside) != user.Active {
			t.Error("somebody outside is locked")
		}
	})
}

// Whoever lost their role, or is locked, acts no more: the act asks the rows.
func TestDemotedAdministratorActsNoMore(t *testing.T) {
	each(t, func(o *office) {
		o.Set("DELETE FROM role_assignments WHERE user_id = ?", o.desk.ID)
		if err := o.Rules.Allow(o.Alder.ID, o.desk.ID, access.UserLock); err != nil {
			t.Fatalf("the table in memory should not know yet: %v", err)
		}
		o.fails(fault.Forbidden, o.desk, people.KindLock, o.nurse, nil)
	})
}
