package people_test

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func TestLockEndsEverythingAtOnce(t *testing.T) {
	each(t, func(o *office) {
		_, cookie := o.Session(o.nurse)
		phone, _ := o.PhoneOf(o.nurse)
		pc := signintest.Browser("PC")
		attempt := o.Begin(o.nurse.Name, signin.Phone, pc)
		asked := phone.Open()

		o.must(o.desk, people.KindLock, o.nurse, nil)
		if o.state(o.nurse) != user.Locked || o.Alive(cookie) {
			t.Error("the user or their session is still alive")
		}
		if n := o.Count("SELECT count(*) FROM attempts WHERE user_id = ? AND state = 'open'", o.nurse.ID); n != 0 {
			t.Errorf("%d sign-ins are still open", n)
		}
		if got := o.Attempt(attempt, pc).PromptState; got == "pending" {
			t.Errorf("the request is still %s", got)
		}
		if _, err := phone.Answer(asked, "approve", o.Number(asked.ID), signintest.PIN); err == nil {
			t.Error("the phone of a locked user answered")
		}
		if by := o.Text("SELECT locked_by FROM users WHERE id = ? AND locked_at IS NOT NULL", o.nurse.ID); by != o.desk.ID {
			t.Errorf("locked by %q, want the helpdesk", by)
		}
		if n := o.Events(audit.UserLocked); n != 1 || o.told(o.nurse) != audit.UserLocked {
			t.Errorf("%d events, notice %q", n, o.told(o.nurse))
		}
		if why := o.Text("SELECT reason FROM audit_events WHERE action = ?", audit.UserLocked); why != reason {
			t.Errorf("the reason is %q", why)
		}

		// An unlock brings no session back.
		o.must(o.admin, people.KindUnlock, o.nurse, nil)
		if o.state(o.nurse) != user.Active || o.Alive(cookie) {
			t.Error("after the unlock the user is not active, or an old session lives again")
		}
		if o.told(o.nurse) != audit.UserUnlocked || o.Text("SELECT locked_by FROM users WHERE id = ?", o.nurse.ID) != "" {
			t.Error("the unlock left no notice, or the lock's name")
		}
	})
}

// What a role may do to whom (roles.md: user.lock, user.unlock, session.end).
func TestWhoMayLockAndUnlock(t *testing.T) {
	each(t, func(o *office) {
		for _, row := range []struct {
			claim  string
			actor  user.User
			kind   approval.Kind
			target user.User
			want   error
			code   string
		}{
			{"a user locks nobody", o.nurse, people.KindLock, o.desk, fault.Forbidden, "access.forbidden"},
			{"an auditor reads only", o.auditor, people.KindLock, o.nurse, fault.Forbidden, "access.forbidden"},
			{"nobody locks themselves", o.admin, people.KindLock, o.admin, fault.Forbidden, "access.self"},
			{"nor their own rank", o.desk, people.KindLock, o.desk2(), fault.Forbidden, "access.rank"},
			{"nor above", o.desk, people.KindLock, o.admin, fault.Forbidden, "access.rank"},
			{"nor somebody of another tenant", o.admin, people.KindLock, o.stranger, fault.NotFound, "http.not_found"},
			{"nor nobody", o.admin, people.KindLock, user.User{ID: "none", TenantID: o.Alder.ID}, fault.NotFound, "http.not_found"},
			{"who is not locked is not unlocked", o.admin, people.KindUnlock, o.nurse, fault.Conflict, "user.not_locked"},
			{"sessions of another tenant stay", o.security, people.KindEndSessions, o.stranger, fault.NotFound, "http.not_found"},
			{"and of one's own rank", o.lead, people.KindEndSessions, o.admin, fault.Forbidden, "access.rank"},
		} {
			if _, err := o.do(row.actor, row.kind, row.target, nil); fault.Of(err) == nil || fault.Of(err).Kind != row.want || code(err) != row.code {
				t.Errorf("%s: %v, want %v %s", row.claim, err, row.want, row.code)
			}
		}
		if n := o.Count("SELECT count(*) FROM users WHERE state <> 'active'"); n != 0 {
			t.Errorf("%d people are locked", n)
		}

		o.must(o.lead, people.KindLock, o.nurse, nil)
		o.fails(fault.Conflict, o.admin, people.KindLock, o.nurse, nil)
		o.fails(fault.Forbidden, o.lead, people.KindUnlock, o.nurse, nil) // throttles only
		o.fails(fault.Forbidden, o.desk, people.KindUnlock, o.nurse, nil)
		o.must(o.admin, people.KindUnlock, o.nurse, nil)

		o.must(o.security, people.KindLock, o.nurse, nil)
		o.fails(fault.Forbidden, o.security, people.KindUnlock, o.nurse, nil) // not by who locked
		o.must(o.admin, people.KindUnlock, o.nurse, nil)

		// A lock whose maker was not noted is no throttle.
		o.Set("UPDATE users SET state = 'locked', locked_by = '' WHERE id = ?", o.nurse.ID)
		o.fails(fault.Forbidden, o.desk, people.KindUnlock, o.nurse, nil)
		o.must(o.security, people.KindUnlock, o.nurse, nil)
	})
}

func (o *office) desk2() user.User { return o.Admin(o.Alder, "desk2", access.RoleHelpdesk) }

func TestHelpdeskLiftsWhatTooManyFailuresLeft(t *testing.T) {
	each(t, func(o *office) {
		pc := signintest.Browser("PC")
		for range 2 {
			attempt := o.Begin(o.nurse.Name, signin.Password, pc)
			for range 5 {
				_, _ = o.SignIn.VerifyPassword(t.Context(), attempt, "wrong", pc)
			}
		}
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); code(err) != "signin.paused" {
			t.Fatalf("after ten failures: %v, want a pause", err)
		}
		p := o.see(o.desk, o.nurse)
		if len(p.Throttles) != 1 || p.Throttles[0].Way != "password" || !p.Throttles[0].Until.Equal(o.Clock.Now().Add(15*time.Minute)) {
			t.Errorf("the helpdesk sees %+v, want the password paused for 15 minutes", p.Throttles)
		}
		o.must(o.desk, people.KindUnlock, o.nurse, nil)
		if o.Events(audit.WaysRestored) != 1 || o.told(o.nurse) != audit.WaysRestored {
			t.Error("no event, or no notice")
		}
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); err != nil {
			t.Errorf("after that the right password gives %v", err)
		}
		o.fails(fault.Conflict, o.desk, people.KindUnlock, o.nurse, nil)

		o.Set("UPDATE throttles SET in_a_row = 100 WHERE subject = ?", o.Keys.Subject(o.nurse.Name))
		if p := o.see(o.lead, o.nurse); len(p.Throttles) != 1 || !p.Throttles[0].Until.IsZero() {
			t.Errorf("a way that is off is shown as %+v", p.Throttles)
		}
		o.must(o.lead, people.KindUnlock, o.nurse, nil)
	})
}

func TestSessionsEnd(t *testing.T) {
	each(t, func(o *office) {
		_, one := o.Session(o.nurse)
		_, two := o.Session(o.nurse)
		_, mine := o.Session(o.desk)
		o.must(o.desk, people.KindEndSessions, o.nurse, nil)
		if o.Alive(one) || o.Alive(two) || !o.Alive(mine) {
			t.Error("a session of the user lives, or one of somebody else ended")
		}
		if o.Events(audit.SessionsEnded) != 1 || o.told(o.nurse) != audit.SessionsEnded {
			t.Error("no event, or no notice")
		}
	})
}

// Twenty at once: one lock, one event, one notice.
func TestLockHappensOnce(t *testing.T) {
	each(t, func(o *office) {
		done := 0
		for _, err := range signintest.AtOnce(20, func(i int) error {
			_, err := o.do([]user.User{o.desk, o.lead, o.admin, o.security}[i%4], people.KindLock, o.nurse, nil)
			return err
		}) {
			switch {
			case err == nil:
				done++
			case fault.Of(err) == nil || fault.Of(err).Kind != fault.Conflict:
				t.Errorf("a second lock gives %v, want a conflict", err)
			}
		}
		notices := o.Count("SELECT count(*) FROM notices WHERE user_id = ?", o.nurse.ID)
		if done != 1 || o.Events(audit.UserLocked) != 1 || notices != 1 {
			t.Errorf("%d locks, %d events, %d notices; want one of each", done, o.Events(audit.UserLocked), notices)
		}
	})
}

func TestSecurityAdministratorsNeedFourEyesForOneAnother(t *testing.T) {
	each(t, func(o *office) {
		third := o.Admin(o.Alder, "third", access.RoleSecurityAdministrator)
		out, err := o.do(o.security, people.KindLock, o.second, nil)
		if err != nil || !out.Waits() || o.state(o.second) != user.Active {
			t.Fatalf("a lock of one's own rank = %+v, %v, state %s; want it to wait", out, err, o.state(o.second))
		}
		approve := func(by user.User) error {
			return o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, by.ID, approval.Given{Reason: "seen"})
		}
		for _, by := range []user.User{o.security, o.second, o.desk} {
			if err := approve(by); err == nil {
				t.Errorf("%s approved it", by.Name)
			}
		}
		if err := approve(third); err != nil || o.state(o.second) != user.Locked {
			t.Errorf("approved: %v, state %s", err, o.state(o.second))
		}
		if by := o.Text("SELECT locked_by FROM users WHERE id = ?", o.second.ID); by != o.security.ID {
			t.Errorf("locked by %q, want who asked for it", by)
		}
		// Whoever asked for the lock may not undo it; the others may, by four eyes.
		o.fails(fault.Forbidden, o.security, people.KindUnlock, o.second, nil)
		if out, err := o.do(third, people.KindUnlock, o.second, nil); err != nil || !out.Waits() {
			t.Errorf("an unlock = %+v, %v; want it to wait", out, err)
		}
	})
}

// Two administrators lock the last two at once: one of them must fail.
func TestAdministratorsStay(t *testing.T) {
	each(t, func(o *office) {
		o.must(o.security, people.KindLock, o.admin, nil)
		o.Set("DELETE FROM role_assignments WHERE user_id = ?", o.second.ID)
		admin2 := o.Admin(o.Alder, "admin2", access.RoleTenantAdministrator)
		if _, err := o.do(o.security, people.KindLock, admin2, nil); code(err) != "role.two_administrators" {
			t.Errorf("locking the second of two administrators gives %v", err)
		}
	})
}
