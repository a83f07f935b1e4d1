package policy_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/passcode"
	"latchkey/app/policy"
	"latchkey/app/role"
	"latchkey/app/session"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is the house with those who may change the policy.
type office struct {
	*signintest.House
	policy          *policy.Service
	approvals       *approval.Service
	security, admin user.User
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) {
		o := &office{House: h}
		o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Performers: map[approval.Kind]approval.Performer{}}
		o.policy = &policy.Service{DB: h.DB, Roles: &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: o.approvals}}
		maps.Copy(o.approvals.Performers, o.policy.Performers())
		o.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		story(o)
	})
}

// now is the policy of Alder.
func (o *office) now() policy.Policy {
	o.T.Helper()
	p, err := o.policy.Of(o.T.Context(), o.Alder.ID)
	if err != nil {
		o.T.Fatal(err)
	}
	return p
}

// change asks for another policy.
func (o *office) change(by user.User, p policy.Policy) (approval.Outcome, error) {
	act := approval.Act{Kind: policy.KindChange, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(p))
}

// without turns a way off.
func without(p policy.Policy, ways ...string) policy.Policy {
	rules := maps.Clone(p.Rules)
	for _, way := range ways {
		rules[way] = policy.Rule{}
	}
	p.Rules = rules
	return p
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

func TestATighterPolicyIsTheNextVersionAtOnce(t *testing.T) {
	each(t, func(o *office) {
		p := o.now()
		if p.Version != 1 || !p.Rules["password"].SignIn || !p.Rules["totp"].Recovery || p.Rules["sms"].Recovery || p.Rules["static_passcode"].On() || p.TriesMost != 10 {
			t.Errorf("the policy of a new tenant is %+v", p)
		}
		if out, err := o.change(o.admin, without(p, "sms", "voice")); err != nil || out.Waits() {
			t.Fatalf("it gives %+v, %v", out, err)
		}
		next := o.now()
		if next.Version != 2 || next.Rules["sms"].On() || next.Rules["voice"].On() || !next.Rules["totp"].On() || o.Events(audit.PolicyChanged) != 1 {
			t.Errorf("the policy is now %+v, with %d events", next, o.Events(audit.PolicyChanged))
		}
		history, err := o.policy.History(t.Context(), o.Alder.ID)
		if err != nil || len(history) != 1 || history[0].Version != 2 || len(history[0].Difference) != 2 || history[0].ChangedBy != o.admin.Name || history[0].Reason != "a test" {
			t.Errorf("the history is %+v, %v", history, err)
		}
		if _, err := o.change(o.admin, without(p, "totp")); code(err) != "settings.changed_meanwhile" {
			t.Errorf("from the version before: %v", err)
		}
		if _, err := o.change(o.admin, next); code(err) != "settings.same" {
			t.Errorf("without a change: %v", err)
		}
		for _, by := range []user.User{o.Admin(o.Alder, "desk", access.RoleHelpdesk), o.Admin(o.Alder, "auditor", access.RoleAuditor), o.User(o.Alder, "user1")} {
			if _, err := o.change(by, without(next, "totp")); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", by.Name, err)
			}
		}
		if other, err := o.policy.Of(t.Context(), o.Birch.ID); err != nil || other.Version != 1 || !other.Rules["sms"].On() {
			t.Errorf("another tenant has %+v, %v", other, err)
		}
	})
}

// TestTurningStaticPasscodesOffEndsThem, with the sessions that they made, of those
// who may not use them any more: on again they stay ended.
func TestTurningStaticPasscodesOffEndsThem(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE tenants SET no_sign_in = 0")
		u, v := o.User(o.Alder, "user1"), o.User(o.Birch, "user1")
		made := map[string]string{}
		for _, of := range []user.User{u, v} {
			o.Act(func(tx *store.Tx) error {
				_, err := passcode.Add(tx, passcode.Grant{TenantID: of.TenantID, UserID: of.ID, Hours: 1})
				if err != nil {
					return err
				}
				made[of.ID], _, err = session.Begin(tx, session.Beginning{TenantID: of.TenantID, UserID: of.ID, AMR: session.ByPasscode})
				return err
			})
		}
		password, _ := o.Session(u)
		ended := func(id string) bool {
			return o.Count("SELECT count(*) FROM sessions WHERE id = ? AND ended_at IS NOT NULL", id) == 1
		}
		if _, err := o.change(o.admin, without(o.now(), "sms")); err != nil || ended(made[u.ID]) {
			t.Fatalf("another way off: %v, its session ended: %t", err, ended(made[u.ID]))
		}
		if _, err := o.change(o.admin, without(o.now(), "static_passcode")); err != nil {
			t.Fatal(err)
		}
		if !ended(made[u.ID]) || ended(made[v.ID]) || ended(password) {
			t.Error("not its session alone has ended")
		}
		if n := o.Count("SELECT count(*) FROM static_passcodes WHERE user_id = ? AND state = 'withdrawn' AND hash = '' AND ended_by = ?", u.ID, o.admin.ID); n != 1 {
			t.Errorf("%d are withdrawn", n)
		}
		if o.Count("SELECT count(*) FROM static_passcodes WHERE user_id = ? AND state = 'approved'", v.ID) != 1 || o.Events(audit.PasscodeWithdrawn) != 1 ||
			o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", u.ID, audit.PasscodeWithdrawn) != 1 {
			t.Error("another tenant's is withdrawn too, or nobody is told")
		}
	})
}

// TestLimitingStaticPasscodesToAGroupEndsThoseOfOthers.
func TestLimitingStaticPasscodesToAGroupEndsThoseOfOthers(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE tenants SET no_sign_in = 0")
		in, out := o.User(o.Alder, "user1"), o.User(o.Alder, "user2")
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", o.Alder.ID, "field", "Field", o.Clock.Now())
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", o.Alder.ID, "field", in.ID, in.Name)
		for _, of := range []user.User{in, out} {
			o.Act(func(tx *store.Tx) error {
				_, err := passcode.Add(tx, passcode.Grant{TenantID: of.TenantID, UserID: of.ID, Hours: 1})
				return err
			})
		}
		p := o.now()
		p.Rules = maps.Clone(p.Rules)
		p.Rules["static_passcode"] = policy.Rule{SignIn: true, Groups: []string{"field"}}
		if _, err := o.change(o.admin, p); err != nil {
			t.Fatal(err)
		}
		for of, want := range map[string]string{in.ID: "approved", out.ID: "withdrawn"} {
			if got := o.Text("SELECT state FROM static_passcodes WHERE user_id = ?", of); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		}
	})
}

func TestOneOfTwoChangesAtOnceIsMade(t *testing.T) {
	each(t, func(o *office) {
		p := o.now()
		won := 0
		for _, err := range signintest.AtOnce(4, func(i int) error {
			_, err := o.change(o.admin, without(p, []string{"sms", "voice", "totp", "sms"}[i]))
			return err
		}) {
			switch {
			case err == nil:
				won++
			case code(err) != "settings.changed_meanwhile":
				t.Errorf("one of them: %v", err)
			}
		}
		if won != 1 || o.now().Version != 2 {
			t.Errorf("%d were made, and the version is %d", won, o.now().Version)
		}
	})
}

func TestALooserPolicyTakesASecondPerson(t *testing.T) {
	each(t, func(o *office) {
		p := o.now()
		looser := p
		looser.Rules = maps.Clone(p.Rules)
		looser.Rules["static_passcode"] = policy.Rule{SignIn: true}
		out, err := o.change(o.admin, looser)
		if err != nil || !out.Waits() || o.now().Version != 1 {
			t.Fatalf("it gives %+v, %v, and the version %d", out, err, o.now().Version)
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.admin.ID, approval.Given{Reason: "mine"}); err == nil {
			t.Error("the requester approves it")
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{Reason: "seen"}); err != nil {
			t.Fatal(err)
		}
		history, err := o.policy.History(t.Context(), o.Alder.ID)
		if err != nil || !o.now().Rules["static_passcode"].SignIn || len(history) != 1 || history[0].ApprovedBy != o.security.Name {
			t.Errorf("the history is %+v, %v", history, err)
		}
		// What was asked for before something else changed is void.
		back := o.now()
		back.TriesMost = 5
		if _, err := o.change(o.admin, back); err != nil {
			t.Fatal(err)
		}
		back = o.now()
		back.TriesMost = 10
		if out, err = o.change(o.admin, back); err != nil || !out.Waits() {
			t.Fatalf("more tries: %+v, %v", out, err)
		}
		if _, err := o.change(o.admin, without(o.now(), "sms")); err != nil {
			t.Fatal(err)
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.security.ID, approval.Given{Reason: "seen"}); err == nil || o.now().TriesMost != 5 {
			t.Errorf("it gives %v, and %d tries", err, o.now().TriesMost)
		}
	})
}

// TestTwoAdministratorsCanAlwaysSignIn: judged by what judges sign-ins.
func TestTwoAdministratorsCanAlwaysSignIn(t *testing.T) {
	each(t, func(o *office) {
		p := o.now()
		if _, err := o.change(o.admin, without(p, "password")); code(err) != "role.two_administrators" {
			t.Errorf("without the password that both have: %v", err)
		}
		staff := o.now()
		staff.Rules = maps.Clone(p.Rules)
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Field',?)", o.Alder.ID, o.Clock.Now())
		staff.Rules["password"] = policy.Rule{SignIn: true, Second: true, Recovery: true, Groups: []string{"g"}}
		if _, err := o.change(o.admin, staff); code(err) != "role.two_administrators" {
			t.Errorf("for a group that they are not in: %v", err)
		}
		for _, u := range []user.User{o.security, o.admin} {
			o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'g',?,?)", o.Alder.ID, u.ID, u.Name)
		}
		if _, err := o.change(o.admin, staff); err != nil {
			t.Errorf("for a group that they are in: %v", err)
		}
		o.PhoneOf(o.security)
		o.PhoneOf(o.admin)
		if _, err := o.change(o.admin, without(o.now(), "password")); err != nil {
			t.Errorf("with phones: %v", err)
		}
		if _, err := o.change(o.admin, without(o.now(), "phone")); code(err) != "role.two_administrators" {
			t.Errorf("and then without the phone: %v", err)
		}
		// Where a second factor is asked, the second one must be on, too.
		o.Set("UPDATE tenants SET no_sign_in = 128, no_second = 128, no_recovery = 128, limited_ways = 0")
		o.Set("DELETE FROM method_groups")
		o.Set("UPDATE users SET mfa_state = 'enforced' WHERE tenant_id = ?", o.Alder.ID)
		second := o.now()
		second.Rules = maps.Clone(second.Rules)
		r := second.Rules["phone"]
		r.SignIn, r.Second = false, false
		second.Rules["phone"] = r
		if _, err := o.change(o.admin, second); code(err) != "role.two_administrators" {
			t.Errorf("without their second factor: %v", err)
		}
	})
}

// TestTheFormLosesNoGroup, however many there are: what it does not show it would
// take away.
func TestTheFormLosesNoGroup(t *testing.T) {
	each(t, func(o *office) {
		for i := range 205 {
			o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", o.Alder.ID, fmt.Sprintf("g%d", i), fmt.Sprintf("Group %03d", i), o.Clock.Now())
		}
		o.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'g204')", o.Alder.ID, user.WithTOTP)
		groups, err := o.policy.Groups(o.T.Context(), o.Alder.ID)
		if err != nil || len(groups) != 201 || groups[200].ID != "g204" {
			o.T.Errorf("it shows %d groups, %v", len(groups), err)
		}
		if other, err := o.policy.Groups(o.T.Context(), o.Birch.ID); err != nil || len(other) != 0 {
			o.T.Errorf("birch is shown %v, %v", other, err)
		}
	})
}
