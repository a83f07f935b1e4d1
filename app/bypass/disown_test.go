package bypass_test

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/cases"
	"latchkey/app/disown"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// asked lets a stranger ask the helpdesk in a name, and gives both forms of the link that
// its person is told by.
func (d *desk) asked(u user.User) (long, short string) {
	d.T.Helper()
	from := Browser("thief")
	by, err := d.SignIn.Asker(d.T.Context(), d.Attempt(d.Begin(u.Name, signin.Password, from), from), from)
	if err != nil {
		d.T.Fatal(err)
	}
	of := d.bypasses.Cases
	if err := of.Ask(d.T.Context(), by, cases.Ask{Cause: "lost", Words: "It is me"}, from.Origin); err != nil {
		d.T.Fatal(err)
	}
	if err := of.TakeIn(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
	d.forward(time.Second)
	id := d.Text("SELECT id FROM disownings WHERE user_id = ? AND ask_id IS NOT NULL ORDER BY created_at DESC LIMIT 1", u.ID)
	return d.Keys.Disowning(d.Alder.ID, id), d.Keys.ShortDisowning(d.Alder.ID, id)
}

// disowns says by a link that it was not its person.
func (d *desk) disowns(link string) error {
	_, err := d.bypasses.Disown(d.T.Context(), link, audit.Origin{})
	return err
}

// TestAPersonSaysThatTheyDidNotAsk: nothing was given, so the desk is warned and nobody is
// locked; by both forms of the link, which are one.
func TestAPersonSaysThatTheyDidNotAsk(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		security := d.Admin(d.Alder, "security", access.RoleSecurityAdministrator)
		at := d.Clock.Now()
		long, short := d.asked(d.nurse)
		for _, link := range []string{long, short} {
			if about, err := d.bypasses.Look(t.Context(), link); err != nil || about.Kind != "" || about.TenantName != d.Alder.Name || about.At.Before(at) || about.Reason != "" || len(about.Given) != 0 {
				t.Errorf("the link is about %+v, %v", about, err)
			}
		}
		d.Set("UPDATE cases SET owner_id = ?", d.agent.ID)
		for claim, wrong := range map[string]string{"another's": d.Keys.Disowning(d.Birch.ID, "x"), "a made-up one": long[:len(long)-1] + "/", "short and made up": "abcdefghijklmnop", "none": "x"} {
			_, err := d.bypasses.Disown(t.Context(), wrong, audit.Origin{})
			WantCode(t, claim, err, "bypass.link_gone")
		}
		got := Tally(AtOnce(8, func(i int) error {
			ended, err := d.bypasses.Disown(t.Context(), []string{short, long}[i%2], audit.Origin{})
			if err == nil && ended != bypass.Warned {
				t.Errorf("it ended as %q", ended)
			}
			return err
		}))
		if got["done"] != 1 || got["bypass.link_gone"] != 7 {
			t.Errorf("eight times at once: %v", got)
		}
		for claim, u := range map[string]user.User{"security": security, "the lead": d.lead, "the agent": d.agent} {
			if d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", u.ID, audit.CaseAskDisowned) != 1 {
				t.Errorf("%s is not told", claim)
			}
		}
		if d.Events(audit.CaseAskDisowned) != 1 || d.Events(audit.UserLocked) != 0 || d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID) != "active" {
			t.Error("it is not recorded, or somebody is locked")
		}

		late, _ := d.asked(d.porter)
		d.forward(disown.Life)
		_, err := d.bypasses.Disown(t.Context(), late, audit.Origin{})
		WantCode(t, "after a week", err, "bypass.link_gone")
	})
}

// TestHowADisownedRequestWarns: what a phone says, whoever holds it may say.
func TestHowADisownedRequestWarns(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		row := func() cases.Row {
			t.Helper()
			whole, err := d.bypasses.Cases.Find(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), d.Text("SELECT id FROM cases"), cases.Position{})
			if err != nil {
				t.Fatal(err)
			}
			return whole.Row
		}
		_, short := d.asked(d.nurse)
		if got := row(); got.Disowned || got.OnPhone {
			t.Errorf("before anybody said so: %+v", got)
		}
		for _, step := range []struct {
			link    func() string
			onPhone bool
		}{{func() string { return short }, true}, {func() string { long, _ := d.asked(d.nurse); return long }, false}} {
			if _, err := d.bypasses.Disown(t.Context(), step.link(), audit.Origin{}); err != nil {
				t.Fatal(err)
			}
			if got := row(); !got.Disowned || got.OnPhone != step.onPhone {
				t.Errorf("disowned %t, on a phone alone %t, want %t", got.Disowned, got.OnPhone, step.onPhone)
			}
		}
	})
}

// TestWhatWasGivenSinceTheyDidNotAskIsTakenBack: the first mail comes too late, and the link
// in it does what that of the bypass would.
func TestWhatWasGivenSinceTheyDidNotAskIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		security := d.Admin(d.Alder, "security", access.RoleSecurityAdministrator)
		long, _ := d.asked(d.nurse)
		id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		done, err := d.try(d.nurse, code, Browser("thief"))
		if err != nil {
			t.Fatal(err)
		}
		d.Set("UPDATE cases SET state = 'closed', closed_at = ? WHERE user_id = ?", d.Clock.Now(), d.nurse.ID)
		if about, err := d.bypasses.Look(t.Context(), long); err != nil || len(about.Given) != 1 {
			t.Errorf("the link is about %+v, %v", about, err)
		}
		ended, err := d.bypasses.Disown(t.Context(), long, audit.Origin{})
		if err != nil || ended != bypass.Locked {
			t.Errorf("it ended as %q, %v", ended, err)
		}
		if d.state(id) != "revoked" || d.Alive(done.Cookie) || d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID) != "locked" || d.Text("SELECT state FROM cases WHERE user_id = ?", d.nurse.ID) != "open" {
			t.Errorf("the bypass is %s, its session lives %t, they are %s, the case is %s", d.state(id), d.Alive(done.Cookie), d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID), d.Text("SELECT state FROM cases WHERE user_id = ?", d.nurse.ID))
		}
		if d.Events(audit.BypassDisowned) != 1 || d.Events(audit.CaseAskDisowned) != 1 || d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", security.ID, audit.BypassDisowned) != 1 {
			t.Error("it is not recorded, or nobody who looks after security is told")
		}
	})
}

// TestWhatWasGivenBeforeARequestStays: it is of somebody who was proved.
func TestWhatWasGivenBeforeARequestStays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id := d.given(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		d.forward(time.Second)
		long, _ := d.asked(d.nurse)
		ended, err := d.bypasses.Disown(t.Context(), long, audit.Origin{})
		if err != nil || ended != bypass.Warned || d.state(id) == "revoked" {
			t.Errorf("it ended as %q, %v, and the bypass is %s", ended, err, d.state(id))
		}
	})
}
