package people_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/secret"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

const first = "three words and one more"

// invite invites somebody and gives the link.
func (o *office) invite(actor user.User, name string, groups ...string) (secret.Token, error) {
	link, token := people.NewLink(o.Alder.ID, "")
	_, err := o.do(actor, people.KindInvite, user.User{}, people.Invite{Link: link, Name: name, DisplayName: "New  Person ", Groups: groups})
	return token, err
}

func (o *office) accept(token secret.Token) error {
	_, err := o.people.Accept(o.T.Context(), token, first, first, audit.Origin{})
	return err
}

// called gives a user by the sign-in name.
func (o *office) called(name string) user.User {
	o.T.Helper()
	u, ok, err := user.Named(o.T.Context(), o.DB, o.Alder.ID, name)
	if err != nil || !ok {
		o.T.Fatalf("nobody is called %s: %v", name, err)
	}
	return u
}

func TestInvitationSetsTheFirstPasswordOnce(t *testing.T) {
	each(t, func(o *office) {
		group := o.group(o.Alder, "field")
		token, err := o.invite(o.admin, " New.Person@Alder.example ", group)
		if err != nil {
			t.Fatal(err)
		}
		u := o.called("new.person@alder.example")
		if u.PasswordHash != "" || u.DisplayName != "New Person" || o.Count("SELECT count(*) FROM group_members WHERE user_id = ? AND user_name = ? AND added_by = ?", u.ID, u.Name, o.admin.ID) != 1 {
			t.Errorf("the new user is %+v", u)
		}
		if o.Events(audit.UserInvited) != 1 || o.Events(audit.InvitationMade) != 1 {
			t.Error("the events are missing")
		}
		if n := o.Count("SELECT count(*) FROM audit_events WHERE personal LIKE ?", "%"+token.Reveal()+"%"); n != 0 {
			t.Error("the token stands in the audit")
		}
		who, err := o.people.Welcome(t.Context(), token)
		if err != nil || who.Name != u.Name || who.TenantName != "Alder Health" {
			t.Errorf("Welcome = %+v, %v", who, err)
		}
		for claim, pair := range map[string][2]string{
			"short": {"too short", "too short"}, "long": {strings.Repeat("x", 65), strings.Repeat("x", 65)}, "another": {first, first + "!"},
		} {
			if _, err := o.people.Accept(t.Context(), token, pair[0], pair[1], audit.Origin{}); !errors.Is(err, fault.Invalid) {
				t.Errorf("a password that is %s: %v", claim, err)
			}
		}
		won := 0
		for _, err := range signintest.AtOnce(500, func(int) error { return o.accept(token) }) {
			switch {
			case err == nil:
				won++
			case code(err) != "invitation.link_refused" && !errors.Is(err, fault.Unavailable):
				t.Errorf("a second use gives %v", err)
			}
		}
		if won != 1 || o.Events(audit.PasswordSet) != 1 {
			t.Errorf("the link worked %d times, with %d events", won, o.Events(audit.PasswordSet))
		}
		pc := signintest.Browser("PC")
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(u.Name, signin.Password, pc), first, pc); err != nil {
			t.Errorf("signing in with the new password gives %v", err)
		}
		if _, err := o.people.Welcome(t.Context(), token); code(err) != "invitation.link_refused" {
			t.Errorf("the used link gives %v", err)
		}
	})
}

// What is wrong with a link is all one to whoever holds it.
func TestLinksThatDoNotWork(t *testing.T) {
	each(t, func(o *office) {
		token, err := o.invite(o.admin, "new@alder.example")
		if err != nil {
			t.Fatal(err)
		}
		u := o.called("new@alder.example")
		refused := func(claim string, token secret.Token) {
			t.Helper()
			_, looked := o.people.Welcome(t.Context(), token)
			if used := o.accept(token); code(looked) != "invitation.link_refused" || code(used) != "invitation.link_refused" {
				t.Errorf("%s: looking gives %v, using %v", claim, looked, used)
			}
		}
		tenantID, text, _ := strings.Cut(token.Reveal(), ".")
		refused("nothing", secret.TokenOf(""))
		refused("without its tenant", secret.TokenOf(text))
		refused("of another tenant", secret.TokenOf(o.Birch.ID+"."+text))
		refused("of no tenant", secret.TokenOf("."+text))
		refused("another token", secret.TokenOf(tenantID+"."+secret.System.Token().Reveal()))
		refused("the digest", secret.TokenOf(tenantID+"."+secret.Digest(text)))

		o.Set("UPDATE users SET state = 'locked' WHERE id = ?", u.ID)
		refused("of a locked user", token)
		o.Set("UPDATE users SET state = 'active' WHERE id = ?", u.ID)
		o.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", o.Alder.ID)
		refused("of a suspended tenant", token)
		o.Set("UPDATE tenants SET state = 'active' WHERE id = ?", o.Alder.ID)
		o.Set("UPDATE users SET password_hash = 'x' WHERE id = ?", u.ID)
		refused("of somebody who has a password", token)
		o.Set("UPDATE users SET password_hash = '' WHERE id = ?", u.ID)
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now(), u.ID)
		refused("of somebody who has been in", token)
		o.Set("UPDATE users SET last_signin_at = NULL WHERE id = ?", u.ID)

		link, newer := people.NewLink(o.Alder.ID, "")
		o.must(o.admin, people.KindInvitation, u, link)
		refused("replaced", token)
		o.Clock.Forward(people.InvitationLife - time.Microsecond)
		if _, err := o.people.Welcome(t.Context(), newer); err != nil {
			t.Errorf("the last instant before the end: %v", err)
		}
		o.Clock.Forward(time.Microsecond)
		refused("too old: the last instant is too late", newer)
		if n := o.Count("SELECT count(*) FROM invitations WHERE used_at IS NOT NULL"); n != 0 {
			t.Errorf("%d links are used", n)
		}
	})
}

// TestOfFiveHundredWrongLinksNoneIsWorkedOn: guesses at a link that is there are looked
// up and let go, neither it nor anybody's password pays for them.
func TestOfFiveHundredWrongLinksNoneIsWorkedOn(t *testing.T) {
	each(t, func(o *office) {
		token, err := o.invite(o.admin, "new@alder.example")
		if err != nil {
			t.Fatal(err)
		}
		o.people.Passwords = &secret.Passwords{} // a gate without a place: what comes to hashing is told so
		tenantID, _, _ := strings.Cut(token.Reveal(), ".")
		wrong := make([]secret.Token, 500)
		for i := range wrong {
			wrong[i] = secret.TokenOf(tenantID + "." + secret.System.Token().Reveal())
		}
		got := signintest.Tally(signintest.AtOnce(len(wrong), func(i int) error { return o.accept(wrong[i]) }))
		if got["invitation.link_refused"] != len(wrong) {
			t.Errorf("five hundred guesses: %v", got)
		}
		if err := o.accept(token); code(err) != "password.busy" {
			t.Fatalf("the right link comes to hashing, and gives %v", err)
		}
		o.people.Passwords = o.Passwords
		if err := o.accept(token); err != nil {
			t.Errorf("the right link afterwards: %v", err)
		}
	})
}

func TestWhoMayInviteWhom(t *testing.T) {
	each(t, func(o *office) {
		field, other, desk := o.group(o.Alder, "field"), o.group(o.Alder, "other"), o.group(o.Alder, "desk")
		theirs := o.group(o.Birch, "theirs")
		o.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleSecurityAdministrator, desk)
		scoped := o.Admin(o.Alder, "scoped", access.RoleTenantAdministrator)
		o.limit(scoped, field)
		for _, row := range []struct {
			claim  string
			actor  user.User
			name   string
			groups []string
			want   string // "done", "waits", or what fails
		}{
			{"the helpdesk invites nobody", o.desk, "a@alder.example", nil, "access.forbidden"},
			{"a domain of another tenant", o.admin, "a@birch.example", nil, "name user.name_domain"},
			{"a domain of nobody", o.admin, "a@nowhere.example", nil, "name user.name_domain"},
			{"no name", o.admin, "somebody", nil, "name user.name_form"},
			{"a taken name", o.admin, "NURSE@alder.example", nil, "name user.name_taken"},
			{"a group of another tenant", o.admin, "a@alder.example", []string{theirs}, "groups group.unknown"},
			{"a group with a role above one's own", o.admin, "a@alder.example", []string{desk}, "access.duty"},
			{"a group with the highest role needs four eyes", o.security, "a@alder.example", []string{desk}, "waits"},
			{"whoever is limited invites into their groups", scoped, "b@alder.example", []string{field}, "done"},
			{"not into others", scoped, "c@alder.example", []string{field, other}, "http.not_found"},
			{"nor into none", scoped, "c@alder.example", nil, "access.scope"},
			{"the others into any or none", o.admin, "d@alder.example", []string{field, other, field}, "done"},
		} {
			link, _ := people.NewLink(o.Alder.ID, "")
			out, err := o.do(row.actor, people.KindInvite, user.User{}, people.Invite{Link: link, Name: row.name, DisplayName: "Somebody", Groups: row.groups})
			got := "done"
			switch f := fault.Of(err); {
			case out.Waits():
				got = "waits"
			case f != nil && f.Kind == fault.Invalid:
				for field, code := range f.Fields {
					got = field + " " + code
				}
			case err != nil:
				got = code(err)
			}
			if got != row.want {
				t.Errorf("%s: %s, want %s", row.claim, got, row.want)
			}
		}
	})
}

// An approved invitation makes the user and no link: it is made, and seen, on
// the person's page.
func TestApprovedInvitationHasNoLinkThatNobodySaw(t *testing.T) {
	each(t, func(o *office) {
		group := o.group(o.Alder, "top")
		o.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleSecurityAdministrator, group)
		link, token := people.NewLink(o.Alder.ID, "")
		act := approval.Act{Kind: people.KindInvite, TenantID: o.Alder.ID, ActorID: o.security.ID, Reason: reason}
		out, err := o.approvals.Submit(t.Context(), act.With(people.Invite{Link: link, Name: "new@alder.example", DisplayName: "New", Groups: []string{group}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.second.ID, approval.Given{Reason: "seen"}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.people.Welcome(t.Context(), token); code(err) != "invitation.link_refused" {
			t.Errorf("the link of the request gives %v", err)
		}
		if u := o.called("new@alder.example"); o.Rules.Reload(t.Context()) != nil || o.Rules.Role(o.Alder.ID, u.ID) != access.RoleSecurityAdministrator {
			t.Error("the new user does not hold the role of the group")
		}
	})
}

// The form knows its link: sent twice, it makes one.
func TestFormSentTwiceMakesOneLink(t *testing.T) {
	each(t, func(o *office) {
		id := secret.System.ID()
		link, _ := people.NewLink(o.Alder.ID, id)
		in := people.Invite{Link: link, Name: "new@alder.example", DisplayName: "New"}
		o.must(o.admin, people.KindInvite, user.User{}, in)
		again, _ := people.NewLink(o.Alder.ID, id)
		in.Link = again
		if _, err := o.do(o.admin, people.KindInvite, user.User{}, in); code(err) != "invitation.shown" {
			t.Errorf("sent again: %v", err)
		}
		if _, err := o.do(o.admin, people.KindInvitation, o.called("new@alder.example"), again); code(err) != "invitation.shown" {
			t.Errorf("on the person's page: %v", err)
		}
		for _, odd := range []string{"", "short", strings.Repeat("A", 26), strings.Repeat("a", 27), "../../../../../../../../../"} {
			if made, _ := people.NewLink(o.Alder.ID, odd); made.ID == odd || len(made.ID) != 26 {
				t.Errorf("a link is called %q", made.ID)
			}
		}
		// One who has a way in gets no second invitation.
		for _, u := range []user.User{o.nurse, o.lead} {
			link, _ := people.NewLink(o.Alder.ID, "")
			if _, err := o.do(o.admin, people.KindInvitation, u, link); code(err) != "invitation.not_needed" {
				t.Errorf("an invitation for %s: %v", u.Name, err)
			}
		}
	})
}

// An administrator sends a link for another password, and sets none.
func TestALinkForAnotherPassword(t *testing.T) {
	each(t, func(o *office) {
		const another = "quite another one, also long"
		send := func(actor, target user.User) (secret.Token, error) {
			link, token := people.NewLink(o.Alder.ID, "")
			_, err := o.do(actor, people.KindPasswordLink, target, link)
			return token, err
		}
		for claim, row := range map[string]struct{ actor, target user.User }{
			"the helpdesk": {o.desk, o.nurse}, "a lead": {o.lead, o.nurse}, "to oneself": {o.admin, o.admin}, "to a higher rank": {o.admin, o.security},
		} {
			if _, err := send(row.actor, row.target); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", claim, err)
			}
		}
		for _, colleague := range []user.User{o.desk, o.lead} {
			if _, err := send(o.admin, colleague); code(err) != "invitation.not_for_administrators" {
				t.Errorf("for a colleague: %v", err)
			}
		}
		if _, err := send(o.admin, o.stranger); !errors.Is(err, fault.NotFound) {
			t.Errorf("to somebody of another tenant: %v", err)
		}
		token, err := send(o.admin, o.nurse)
		if err != nil {
			t.Fatal(err)
		}
		if o.told(o.nurse) != audit.PasswordLinkMade || o.Events(audit.PasswordLinkMade) != 1 {
			t.Error("nobody is told of the link")
		}
		pc := signintest.Browser("PC")
		if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), signintest.Password, pc); err != nil {
			t.Errorf("until it is used the old password gives %v", err)
		}
		_, open := o.Session(o.nurse)
		if _, err := o.people.Accept(t.Context(), token, "alder health 2026", "alder health 2026", audit.Origin{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("the name of the organisation: %v", err)
		}
		won := 0
		for _, err := range signintest.AtOnce(500, func(int) error {
			_, err := o.people.Accept(t.Context(), token, another, another, audit.Origin{})
			return err
		}) {
			switch {
			case err == nil:
				won++
			case code(err) != "invitation.link_refused" && !errors.Is(err, fault.Unavailable):
				t.Errorf("a second use gives %v", err)
			}
		}
		if won != 1 || o.Events(audit.PasswordRenewed) != 1 || o.told(o.nurse) != audit.PasswordRenewed {
			t.Errorf("it worked %d times, with %d events, and told %s", won, o.Events(audit.PasswordRenewed), o.told(o.nurse))
		}
		if o.Alive(open) {
			t.Error("a session of before goes on")
		}
		for typed, want := range map[string]error{signintest.Password: fault.Refused, another: nil} {
			if _, err := o.SignIn.VerifyPassword(t.Context(), o.Begin(o.nurse.Name, signin.Password, pc), typed, pc); !errors.Is(err, want) {
				t.Errorf("%q gives %v, want %v", typed, err, want)
			}
		}
		// A lock ends a link for good.
		if token, err = send(o.admin, o.nurse); err != nil {
			t.Fatal(err)
		}
		o.must(o.admin, people.KindLock, o.nurse, nil)
		o.must(o.admin, people.KindUnlock, o.nurse, nil)
		if _, err := o.people.Welcome(t.Context(), token); code(err) != "invitation.link_refused" {
			t.Errorf("after a lock the link gives %v", err)
		}
		// Somebody who never was in gets an invitation instead.
		link, _ := people.NewLink(o.Alder.ID, "")
		o.must(o.admin, people.KindInvite, user.User{}, people.Invite{Link: link, Name: "fresh@alder.example", DisplayName: "Fresh"})
		if _, err := send(o.admin, o.called("fresh@alder.example")); code(err) != "invitation.not_needed" {
			t.Errorf("for somebody new: %v", err)
		}
	})
}

// A password of eight characters is never all that is asked.
func TestASecondFactorIsNotTakenFromAShortPassword(t *testing.T) {
	each(t, func(o *office) {
		o.Set("UPDATE users SET mfa_state = 'enforced', password_alone = FALSE WHERE id = ?", o.nurse.ID)
		_, err := o.do(o.admin, people.KindMFA, o.nurse, people.MFA{State: user.MFADisabled})
		if f := fault.Of(err); f == nil || f.Fields["mfa_state"] != "user.mfa_password_short" {
			t.Errorf("it gives %v", err)
		}
	})
}

// Whoever is invited into a group that a way in is for is let in by one way more.
func TestAnInvitationIntoAGroupThatAWayInIsForTakesTwo(t *testing.T) {
	each(t, func(o *office) {
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Field',?)", o.Alder.ID, o.Clock.Now())
		invite := func(name string) approval.Outcome {
			link, _ := people.NewLink(o.Alder.ID, "")
			out, err := o.do(o.admin, people.KindInvite, user.User{}, people.Invite{Link: link, Name: name, DisplayName: "New", Groups: []string{"g"}})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if out := invite("one@alder.example"); out.Waits() {
			t.Error("a plain group takes two")
		}
		o.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'g')", o.Alder.ID, user.WithPassword)
		if out := invite("two@alder.example"); !out.Waits() {
			t.Error("nobody else sees it")
		}
	})
}
