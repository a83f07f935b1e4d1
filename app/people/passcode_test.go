package people_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/passcode"
	"latchkey/app/people"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// passcodesOn turns static passcodes on in Alder.
func (o *office) passcodesOn() { o.Set("UPDATE tenants SET no_sign_in = 0 WHERE id = ?", o.Alder.ID) }

// granted lets somebody have a static passcode, and gives its id.
func (o *office) granted(u user.User, hours int) string {
	o.T.Helper()
	out, err := o.do(o.admin, people.KindPasscode, u, people.Passcode{Hours: hours})
	if err != nil || !out.Waits() {
		o.T.Fatalf("asking for it = %+v, %v; want it to wait", out, err)
	}
	if err := o.approvals.Approve(o.T.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{Reason: "seen"}); err != nil {
		o.T.Fatal(err)
	}
	return o.Text("SELECT id FROM static_passcodes WHERE user_id = ? AND state = 'approved'", u.ID)
}

func (o *office) show(by user.User, id string) (passcode.Shown, error) {
	return o.people.ShowPasscode(o.T.Context(), o.Alder.ID, by.ID, id, audit.Origin{})
}

// tries types a static passcode for somebody.
func (o *office) tries(u user.User, typed string, from signin.From) (signin.Done, error) {
	o.T.Helper()
	attempt := o.Begin(u.Name, signin.Password, from)
	if err := o.SignIn.Choose(o.T.Context(), attempt, signin.StaticPasscode, "", from); err != nil {
		return signin.Done{}, err
	}
	return o.SignIn.VerifyCode(o.T.Context(), attempt, typed, from)
}

func TestAStaticPasscodeFromItsRequestToItsEnd(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		o.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", o.nurse.ID)
		id := o.granted(o.nurse, 8)
		pc := signintest.Browser("PC")
		if _, err := o.tries(o.nurse, "", pc); !errors.Is(err, fault.Refused) {
			t.Errorf("before it is shown nothing gives %v", err)
		}
		for claim, by := range map[string]user.User{"who asked": o.admin, "the helpdesk": o.desk, "an auditor": o.auditor, "its user": o.nurse} {
			if _, err := o.show(by, id); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s sees it: %v", claim, err)
			}
		}
		var shown passcode.Shown
		won := 0
		for i, err := range signintest.AtOnce(4, func(int) error {
			s, err := o.show(o.security, id)
			if err == nil {
				shown = s
			}
			return err
		}) {
			switch {
			case err == nil:
				won++
			case code(err) != "passcode.not_to_show" && !errors.Is(err, fault.Unavailable):
				t.Errorf("show %d: %v", i, err)
			}
		}
		text := shown.Code.Reveal()
		if won != 1 || len(strings.ReplaceAll(text, "-", "")) < 15 || !shown.ExpiresAt.Equal(o.Clock.Now().Add(8*time.Hour)) {
			t.Fatalf("it was shown %d times, as %d letters, until %v", won, len(text), shown.ExpiresAt)
		}
		if o.Count("SELECT count(*) FROM static_passcodes WHERE hash LIKE ?", "%"+text+"%")+o.Count("SELECT count(*) FROM audit_events WHERE personal LIKE ?", "%"+text+"%") != 0 {
			t.Error("it stands in the database")
		}
		if o.told(o.nurse) != audit.PasscodeIssued || o.Events(audit.PasscodeApproved) != 1 || o.Events(audit.PasscodeIssued) != 1 {
			t.Error("nobody is told")
		}
		if _, err := o.tries(o.nurse, "ABCDE-FGHJK-MNPQR-STVWX", pc); !errors.Is(err, fault.Refused) {
			t.Errorf("another one gives %v", err)
		}
		done, err := o.tries(o.nurse, " "+strings.ToLower(strings.ReplaceAll(text, "-", " ")), pc)
		if err != nil || done.Halfway {
			t.Fatalf("it gives %+v, %v", done, err)
		}
		s, err := session.Find(t.Context(), o.DB, done.Cookie)
		if err != nil || s.AMR != session.ByPasscode || s.FreshBy(session.Weak, o.Clock.Now()) {
			t.Errorf("the session is %+v, %v", s, err)
		}
		if way, err := o.SignIn.Habit(t.Context(), o.nurse.TenantID, o.nurse.Name); err != nil || way == signin.StaticPasscode {
			t.Errorf("it has become a habit: %s, %v", way, err)
		}
		list, err := o.SignIn.Passcodes.List(t.Context(), o.Alder.ID)
		if err != nil || len(list) != 1 || list[0].State != "active" || list[0].Uses != 1 || list[0].RequestedBy != o.admin.Name || list[0].ApprovedBy != o.security.Name {
			t.Errorf("the list is %+v, %v", list, err)
		}
		if _, err := o.do(o.admin, people.KindPasscode, o.nurse, people.Passcode{Hours: 1}); code(err) != "passcode.one" {
			t.Errorf("a second one: %v", err)
		}
		o.must(o.desk, people.KindWithdrawPasscode, o.nurse, nil)
		if _, err := session.Find(t.Context(), o.DB, done.Cookie); err == nil {
			t.Error("its session goes on")
		}
		if _, err := o.tries(o.nurse, text, pc); !errors.Is(err, fault.Refused) {
			t.Errorf("withdrawn it gives %v", err)
		}
		if o.told(o.nurse) != audit.PasscodeWithdrawn || o.Count("SELECT ways & 128 FROM users WHERE id = ?", o.nurse.ID) != 0 {
			t.Error("it is not gone")
		}
	})
}

// What became tighter since it was approved holds when it is shown, a way that is
// for others is asked for nobody, and a lock leaves its event.
func TestTheRulesOfAStaticPasscodeHoldWhenItIsShown(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		id := o.granted(o.nurse, 8)
		o.Set("UPDATE tenants SET passcode_hours = 2 WHERE id = ?", o.Alder.ID)
		shown, err := o.show(o.security, id)
		if err != nil || !shown.ExpiresAt.Equal(o.Clock.Now().Add(2*time.Hour)) {
			t.Errorf("it works until %v, %v; want two hours", shown.ExpiresAt, err)
		}
		o.must(o.admin, people.KindLock, o.nurse, nil)
		if o.Events(audit.PasscodeWithdrawn) != 1 || o.Count("SELECT count(*) FROM static_passcodes WHERE state = 'withdrawn'") != 1 {
			t.Error("the lock withdrew it, and no event says so")
		}
		o.must(o.admin, people.KindUnlock, o.nurse, nil)
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Field',?)", o.Alder.ID, o.Clock.Now())
		o.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'g')", o.Alder.ID, user.WithStaticPasscode)
		o.Set("UPDATE tenants SET limited_ways = ? WHERE id = ?", user.WithStaticPasscode, o.Alder.ID)
		if _, err := o.do(o.admin, people.KindPasscode, o.nurse, people.Passcode{Hours: 1}); code(err) != "passcode.off" {
			t.Errorf("for somebody in none of the groups: %v", err)
		}
	})
}

func TestAStaticPasscodeEndsByTheClock(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		shown, err := o.show(o.security, o.granted(o.nurse, 1))
		if err != nil {
			t.Fatal(err)
		}
		pc := signintest.Browser("PC")
		done, err := o.tries(o.nurse, shown.Code.Reveal(), pc)
		if err != nil {
			t.Fatal(err)
		}
		o.Clock.Forward(time.Hour - time.Microsecond)
		if _, err := o.tries(o.nurse, shown.Code.Reveal(), pc); err != nil {
			t.Errorf("the last instant before the end: %v", err)
		}
		o.Clock.Forward(time.Microsecond)
		if _, err := o.tries(o.nurse, shown.Code.Reveal(), pc); !errors.Is(err, fault.Refused) {
			t.Errorf("the last instant is too late: %v", err)
		}
		for range 2 {
			if err := o.SignIn.Passcodes.Lapse(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := session.Find(t.Context(), o.DB, done.Cookie); err == nil || o.Events(audit.PasscodeExpired) != 1 {
			t.Errorf("its session goes on: %v, with %d events", err, o.Events(audit.PasscodeExpired))
		}
		// One that is not shown in time is over as well.
		id := o.granted(o.nurse, 1)
		o.Clock.Forward(passcode.ShowLife)
		if _, err := o.show(o.security, id); code(err) != "passcode.not_to_show" {
			t.Errorf("too late to show: %v", err)
		}
	})
}

// TestAStaticPasscodeWorksForADayAtMost, whatever its tenant says.
func TestAStaticPasscodeWorksForADayAtMost(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		for _, hours := range []int{0, -1, 25, 1000} {
			_, err := o.do(o.admin, people.KindPasscode, o.nurse, people.Passcode{Hours: hours})
			if !errors.Is(err, fault.Invalid) || fault.Of(err).Fields["hours"] != "passcode.hours" {
				t.Errorf("%d hours: %v, want passcode.hours", hours, err)
			}
		}
		shown, err := o.show(o.security, o.granted(o.nurse, 24))
		if err != nil || !shown.ExpiresAt.Equal(o.Clock.Now().Add(24*time.Hour)) {
			t.Errorf("a day: until %v, %v", shown.ExpiresAt, err)
		}
	})
}

// TestAStaticPasscodeLeavesNothingInItsBrowser: it is not trusted, the cookie ends
// with it, and it is as new to the user as before.
func TestAStaticPasscodeLeavesNothingInItsBrowser(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now(), o.nurse.ID)
		shown, err := o.show(o.security, o.granted(o.nurse, 8))
		if err != nil {
			t.Fatal(err)
		}
		pc := signintest.Browser("PC")
		pc.Stay = true
		for range 2 {
			done, err := o.tries(o.nurse, shown.Code.Reveal(), pc)
			if err != nil || done.Life != 0 || !done.Trust.Token.Empty() {
				t.Fatalf("it gives %+v, %v", done, err)
			}
			s, err := session.Find(t.Context(), o.DB, done.Cookie)
			if err != nil {
				t.Fatal(err)
			}
			if n := o.Count("SELECT count(*) FROM notices WHERE session_id = ? AND action = ?", s.ID, audit.SessionNewBrowser); n != 1 {
				t.Errorf("%d notices tell of the browser", n)
			}
		}
		if o.Count("SELECT count(*) FROM trusted_browsers")+o.Count("SELECT count(*) FROM sessions WHERE browser_digest = ?", pc.BrowserDigest) != 0 {
			t.Error("the browser is trusted, or known")
		}
		// Another way of the same user makes it known as ever.
		pc.Stay = false
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); err != nil {
			t.Fatal(err)
		}
		if o.Count("SELECT count(*) FROM sessions WHERE user_id = ? AND browser_digest = ?", o.nurse.ID, pc.BrowserDigest) != 1 {
			t.Error("the password does not make it known")
		}
	})
}

// TestAStaticPasscodeIsNeverForAdministrators, whatever they became meanwhile, nor
// where the policy has it off.
func TestAStaticPasscodeIsNeverForAdministrators(t *testing.T) {
	each(t, func(o *office) {
		if _, err := o.do(o.admin, people.KindPasscode, o.nurse, people.Passcode{Hours: 1}); code(err) != "passcode.off" {
			t.Errorf("off by default: %v", err)
		}
		pc := signintest.Browser("PC")
		if _, err := o.tries(o.nurse, "x", pc); !errors.Is(err, fault.Invalid) {
			t.Errorf("off it can be chosen: %v", err)
		}
		o.passcodesOn()
		for claim, row := range map[string]struct {
			actor, target user.User
			hours         int
			want          string
		}{
			"the helpdesk asks for none": {o.desk, o.nurse, 1, "access.forbidden"},
			"nor an auditor":             {o.auditor, o.nurse, 1, "access.forbidden"},
			"not for the helpdesk":       {o.security, o.desk, 1, "passcode.administrator"},
			"not for more than a day":    {o.admin, o.nurse, 25, "form.wrong"},
			"nor for no time":            {o.admin, o.nurse, 0, "form.wrong"},
			"not in another tenant":      {o.admin, o.stranger, 1, "http.not_found"},
		} {
			if _, err := o.do(row.actor, people.KindPasscode, row.target, people.Passcode{Hours: row.hours}); code(err) != row.want {
				t.Errorf("%s: %v", claim, err)
			}
		}
		// A security administrator asks, and another one approves.
		out, err := o.do(o.security, people.KindPasscode, o.nurse, people.Passcode{Hours: 1})
		if err != nil || !out.Waits() {
			t.Fatalf("a security administrator asks: %+v, %v", out, err)
		}
		for _, by := range []user.User{o.security, o.admin, o.lead} {
			if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, by.ID, approval.Given{Reason: "seen"}); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s approves it: %v", by.Name, err)
			}
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.second.ID, approval.Given{Reason: "seen"}); err != nil {
			t.Fatal(err)
		}
		id := o.Text("SELECT id FROM static_passcodes WHERE state = 'approved'")
		group := o.group(o.Alder, "carriers", o.nurse)
		o.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleAuditor, group)
		if _, err := o.show(o.security, id); code(err) != "passcode.not_to_show" {
			t.Errorf("for somebody who has a role through a group now: %v", err)
		}
		o.Set("UPDATE groups SET role = '' WHERE id = ?", group)
		shown, err := o.show(o.security, id)
		if err != nil {
			t.Fatal(err)
		}
		for claim, pair := range map[string][2]string{
			"a role of their own":      {"INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) SELECT tenant_id, id, 'auditor', '', created_at FROM users WHERE name LIKE 'nurse@%'", "DELETE FROM role_assignments WHERE user_id = (SELECT id FROM users WHERE name LIKE 'nurse@%')"},
			"a role through a group":   {"UPDATE groups SET role = 'auditor'", "UPDATE groups SET role = ''"},
			"turned off meanwhile":     {"UPDATE tenants SET no_sign_in = no_sign_in | 128 WHERE id = '" + o.Alder.ID + "'", "UPDATE tenants SET no_sign_in = 0"},
			"a user who is locked now": {"UPDATE users SET state = 'locked' WHERE name LIKE 'nurse@%'", "UPDATE users SET state = 'active'"},
		} {
			attempt := o.Begin(o.nurse.Name, signin.Password, pc)
			if err := o.SignIn.Choose(t.Context(), attempt, signin.StaticPasscode, "", pc); err != nil {
				t.Fatal(err)
			}
			o.Set(pair[0])
			if _, err := o.SignIn.VerifyCode(t.Context(), attempt, shown.Code.Reveal(), pc); !errors.Is(err, fault.Refused) {
				t.Errorf("%s: %v", claim, err)
			}
			o.Set(pair[1])
		}
		if _, err := o.tries(o.nurse, shown.Code.Reveal(), pc); err != nil {
			t.Errorf("after all of it: %v", err)
		}
		// A lock ends it for good.
		o.must(o.admin, people.KindLock, o.nurse, nil)
		o.must(o.admin, people.KindUnlock, o.nurse, nil)
		if _, err := o.tries(o.nurse, shown.Code.Reveal(), pc); !errors.Is(err, fault.Refused) {
			t.Errorf("after a lock: %v", err)
		}
	})
}

// TestWrongPasscodesAreCounted as those of every way, for names that have none alike.
func TestWrongPasscodesAreCounted(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		if _, err := o.show(o.security, o.granted(o.nurse, 1)); err != nil {
			t.Fatal(err)
		}
		for _, u := range []user.User{o.nurse, o.desk, {Name: "nobody@alder.example"}} {
			for i := range 11 {
				_, err := o.tries(u, "ABCDE", signintest.Browser("PC"))
				if want := map[bool]error{true: fault.Refused, false: fault.Throttled}[i < 10]; !errors.Is(err, want) {
					t.Errorf("%s, try %d: %v", u.Name, i+1, err)
				}
			}
		}
	})
}

// TestTheFormOffersNoMoreHoursThanThePolicy.
func TestTheFormOffersNoMoreHoursThanThePolicy(t *testing.T) {
	each(t, func(o *office) {
		o.passcodesOn()
		for most, want := range map[int][]int{24: {1, 4, 8, 24}, 8: {1, 4, 8}, 6: {1, 4, 6}, 1: {1}} {
			o.Set("UPDATE tenants SET passcode_hours = ?", most)
			var nurse people.Person
			nurse.ID = o.nurse.ID
			offers, err := o.people.May(o.T.Context(), o.Alder.ID, o.admin.ID, nurse)
			i := slices.IndexFunc(offers, func(of people.Offer) bool { return of.Kind == people.KindPasscode })
			if err != nil || i < 0 || !slices.Equal(offers[i].Hours, want) {
				o.T.Errorf("of at most %d hours: %+v, %v; want %v", most, offers, err, want)
			}
		}
	})
}

// TestOfManyWithOnePasscodeOneSignsIn in one attempt, and of many wrong ones five are
// checked. Those that wait too long for their turn are asked to come again, and do not
// count.
func TestOfManyWithOnePasscodeOneSignsIn(t *testing.T) {
	each(t, func(o *office) {
		const many = 500
		o.passcodesOn()
		shown, err := o.show(o.security, o.granted(o.nurse, 1))
		if err != nil {
			o.T.Fatal(err)
		}
		pc := signintest.Browser("PC")
		typed := func(text string) map[string]int {
			o.T.Helper()
			o.Set("DELETE FROM throttles")
			a := o.Begin(o.nurse.Name, signin.Password, pc)
			if err := o.SignIn.Choose(o.T.Context(), a, signin.StaticPasscode, "", pc); err != nil {
				o.T.Fatal(err)
			}
			return signintest.Tally(signintest.AtOnce(many, func(int) error {
				_, err := o.SignIn.VerifyCode(o.T.Context(), a, text, pc)
				return err
			}))
		}
		sessions, done := o.Count("SELECT count(*) FROM sessions"), o.Events(audit.SignInFinished)
		right := typed(shown.Code.Reveal())
		if right["done"] != 1 || right["done"]+right["signin.refused"]+right["password.busy"] != many {
			o.T.Errorf("of %d with the right passcode: %v", many, right)
		}
		if made, told := o.Count("SELECT count(*) FROM sessions")-sessions, o.Events(audit.SignInFinished)-done; made != 1 || told != 1 {
			o.T.Errorf("%d sessions and %d events of success, want one of each", made, told)
		}
		wrong := typed("ABCDE-FGHJK-MNPQR-STVWX")
		if checked := o.Count("SELECT count(*) FROM audit_events WHERE reason = 'signin.passcode_wrong'"); wrong["done"] != 0 || checked < 1 || checked > 5 {
			o.T.Errorf("of %d wrong ones %d were checked: %v", many, checked, wrong)
		}
	})
}
