package bypass_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestTakingItBack: by an agent, by its person, by a lock; and what came in by it.
func TestTakingItBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for claim, take := range map[string]func(id string) error{
			"by another agent": func(id string) error {
				act := approval.Act{Kind: bypass.KindRevoke, TenantID: d.Alder.ID, ActorID: d.other.ID, TargetID: d.nurse.ID, Reason: "called again"}
				_, err := d.approvals.Submit(t.Context(), act.With(bypass.Of{ID: id}))
				return err
			},
			"by its person": func(string) error { return d.bypasses.RevokeOwn(t.Context(), d.Alder.ID, d.nurse.ID, audit.Origin{}) },
			"by a lock": func(string) error {
				act := approval.Act{Kind: "user.lock", TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "strange"}
				_, err := d.approvals.Submit(t.Context(), act)
				return err
			},
		} {
			for _, used := range []bool{false, true} {
				d.Set("DELETE FROM disownings")
				d.Set("DELETE FROM bypasses")
				d.Set("DELETE FROM throttles")
				d.Set("UPDATE users SET state = 'active', locked_at = NULL WHERE id = ?", d.nurse.ID)
				id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
				var cookie secret.Token
				if used {
					done, err := d.try(d.nurse, code, Browser("PC"))
					if err != nil {
						t.Fatal(err)
					}
					cookie = done.Cookie
				}
				if err := take(id); err != nil {
					t.Errorf("%s, used %t: %v", claim, used, err)
				}
				if d.state(id) != "revoked" {
					t.Errorf("%s, used %t: it is %s", claim, used, d.state(id))
				}
				d.Set("UPDATE users SET state = 'active', locked_at = NULL WHERE id = ?", d.nurse.ID)
				if used && d.Alive(cookie) {
					t.Errorf("%s: what came in by it lives on", claim)
				}
				if _, err := d.try(d.nurse, code, Browser("PC")); err == nil {
					t.Errorf("%s, used %t: it works still", claim, used)
				}
			}
		}
		act := approval.Act{Kind: bypass.KindRevoke, TenantID: d.Alder.ID, ActorID: d.other.ID, TargetID: d.porter.ID, Reason: "x"}
		_, err := d.approvals.Submit(t.Context(), act.With(bypass.Of{ID: d.Text("SELECT id FROM bypasses")}))
		WantCode(t, "as somebody else's", err, "http.not_found")
	})
}

// TestItWasNotMe: the link locks, ends, opens the case again, and works once.
func TestItWasNotMe(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		security := d.Admin(d.Alder, "security", access.RoleSecurityAdministrator)
		id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		done, err := d.try(d.nurse, code, Browser("PC"))
		if err != nil {
			t.Fatal(err)
		}
		d.Set("UPDATE cases SET state = 'closed', closed_at = ? WHERE user_id = ?", d.Clock.Now(), d.nurse.ID)
		link := d.Keys.Disowning(d.Alder.ID, d.Text("SELECT id FROM disownings WHERE bypass_id = ?", id))
		d.forward(time.Minute)
		_, thiefs := d.PhoneOf(d.nurse) // bound while it could be
		about, err := d.bypasses.Look(t.Context(), link)
		if err != nil || about.Kind != bypass.PassCode || about.TenantName != d.Alder.Name {
			t.Fatalf("Look = %+v, %v", about, err)
		}
		if !d.Alive(done.Cookie) || d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID) != "active" {
			t.Error("that somebody looks changes something")
		}
		for claim, wrong := range map[string]string{
			"nothing": "", "half of it": link[:40], "of another tenant": strings.Replace(link, d.Alder.ID, d.Birch.ID, 1), "with another key": otherEnd(link), "with more": link + "-x",
		} {
			WantCode(t, "a link: "+claim, d.disowns(wrong), "bypass.link_gone")
		}
		d.forward(7*24*time.Hour - time.Minute - time.Microsecond)
		got := Tally(AtOnce(20, func(int) error { return d.disowns(link) }))
		if got["done"] != 1 || got["bypass.link_gone"] != 19 {
			t.Errorf("twenty at once: %v", got)
		}
		if d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID) != "locked" || d.Alive(done.Cookie) || d.Text("SELECT state FROM cases WHERE user_id = ?", d.nurse.ID) != "open" {
			t.Errorf("they are %s, the session lives %t, the case is %s", d.Text("SELECT state FROM users WHERE id = ?", d.nurse.ID), d.Alive(done.Cookie), d.Text("SELECT state FROM cases WHERE user_id = ?", d.nurse.ID))
		}
		if got := d.Text("SELECT state FROM devices WHERE account_id = ?", thiefs.AccountID); got == "active" {
			t.Error("the phone that was bound meanwhile still signs in")
		}
		if got := d.Text("SELECT state FROM devices WHERE account_id = ?", d.account.AccountID); got != "active" {
			t.Errorf("the phone that they had before is %s", got)
		}
		for claim, u := range map[string]user.User{"security": security, "the lead": d.lead, "the agent, whose case it is": d.agent} {
			if d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", u.ID, audit.BypassDisowned) != 1 {
				t.Errorf("%s is not told", claim)
			}
		}
		if d.Events(audit.BypassDisowned) != 1 || d.Events(audit.UserLocked) != 1 {
			t.Error("the audit does not have it")
		}
		other := d.given(d.agent, d.porter, d.wants(d.agent, d.porter))
		late := d.Keys.Disowning(d.Alder.ID, d.Text("SELECT id FROM disownings WHERE bypass_id = ?", other))
		d.forward(7 * 24 * time.Hour)
		WantCode(t, "after a week", d.disowns(late), "bypass.link_gone")
	})
}

// otherEnd is a link with one digit of its key changed.
func otherEnd(link string) string {
	last := len(link) - 1
	if link[last] == '0' {
		return link[:last] + "1"
	}
	return link[:last] + "0"
}

// TestALinkShutsNobodyOutWhoRunsTheTenant: for the last of them it ends what the bypass
// did, and does not lock.
func TestALinkShutsNobodyOutWhoRunsTheTenant(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		security, second := d.Admin(d.Alder, "security", access.RoleSecurityAdministrator), d.Admin(d.Alder, "security2", access.RoleSecurityAdministrator)
		for _, last := range []bool{false, true} {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			if last {
				d.Set("DELETE FROM role_assignments WHERE user_id = ?", second.ID)
			}
			if err := d.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			id := d.given(d.agent, d.porter, d.wants(d.agent, d.porter))
			d.Set("UPDATE bypasses SET user_id = ? WHERE id = ?", security.ID, id)
			d.Set("UPDATE disownings SET user_id = ? WHERE bypass_id = ?", security.ID, id)
			link := d.Keys.Disowning(d.Alder.ID, d.Text("SELECT id FROM disownings WHERE bypass_id = ?", id))
			_, cookie := d.Session(security)
			if last {
				d.Set("UPDATE users SET state = 'active', locked_at = NULL WHERE id = ?", security.ID)
				_, cookie = d.Session(security)
			}
			ended, err := d.bypasses.Disown(t.Context(), link, audit.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			if wanted := map[bool]bypass.Ended{false: bypass.Locked, true: bypass.Unlocked}[last]; ended != wanted {
				t.Errorf("the last one: %t: whoever says so is told %q, want %q", last, ended, wanted)
			}
			want := map[bool]string{false: "locked", true: "active"}[last]
			if got := d.Text("SELECT state FROM users WHERE id = ?", security.ID); got != want || d.state(id) != "revoked" {
				t.Errorf("the last one: %t: they are %s, the bypass is %s", last, got, d.state(id))
			}
			if !last && d.Alive(cookie) {
				t.Error("a locked account has a session")
			}
		}
	})
}

// TestTwoLinksAtOnceLeaveOneWhoRunsTheTenant: each would leave the other administrator, and
// both together nobody.
func TestTwoLinksAtOnceLeaveOneWhoRunsTheTenant(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		both := []user.User{d.Admin(d.Alder, "security", access.RoleSecurityAdministrator), d.Admin(d.Alder, "security2", access.RoleSecurityAdministrator)}
		if err := d.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		var links []string
		for i, u := range both {
			id := d.given(d.agent, []user.User{d.porter, d.nurse}[i], d.wants(d.agent, []user.User{d.porter, d.nurse}[i]))
			d.Set("UPDATE bypasses SET user_id = ? WHERE id = ?", u.ID, id)
			d.Set("UPDATE disownings SET user_id = ? WHERE bypass_id = ?", u.ID, id)
			links = append(links, d.Keys.Disowning(d.Alder.ID, d.Text("SELECT id FROM disownings WHERE bypass_id = ?", id)))
		}
		got := Tally(AtOnce(2, func(i int) error { return d.disowns(links[i]) }))
		if got["done"] != 2 {
			t.Errorf("two links at once: %v", got)
		}
		if n := d.Count("SELECT count(*) FROM users WHERE state = 'active' AND id IN (?, ?)", both[0].ID, both[1].ID); n != 1 {
			t.Errorf("%d security administrators are left, want 1", n)
		}
		if n := d.Count("SELECT count(*) FROM bypasses WHERE state = 'revoked'"); n != 2 {
			t.Errorf("%d bypasses are taken back, want 2", n)
		}
	})
}
