package bypass_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestACodeSignsInOnce: from the check to the session, and what that may do.
func TestACodeSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		if bits := len(strings.ReplaceAll(code, "-", "")) * 49 / 10; bits < 60 {
			t.Errorf("the code %s has about %d bits", code, bits)
		}
		kept := d.Text("SELECT code_digest || agent_digest || other_digest FROM bypasses WHERE id = ?", id)
		if strings.Contains(kept, code) || strings.Contains(kept, strings.ReplaceAll(code, "-", "")) {
			t.Error("the code is kept")
		}
		if _, err := d.bypasses.Make(t.Context(), d.nurse.TenantID, id, d.agent.ID, audit.Origin{}); fault.Of(err) == nil || fault.Of(err).Code != "bypass.not_to_make" {
			t.Errorf("made twice: %v", err)
		}
		pc := Browser("a shared PC")
		done, err := d.try(d.nurse, strings.ToLower(strings.ReplaceAll(code, "-", " ")), pc)
		if err != nil || done.Cookie.Empty() {
			t.Fatalf("the code = %v", err)
		}
		if d.state(id) != "used" || d.Count("SELECT ways & 256 FROM users WHERE id = ?", d.nurse.ID) != 0 {
			t.Errorf("afterwards it is %s", d.state(id))
		}
		_, err = d.try(d.nurse, code, pc)
		WantCode(t, "the same code again", err, "signin.refused")

		s, err := session.Find(t.Context(), d.DB, done.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		now := d.Clock.Now()
		if !s.Restricted() || s.Level() != session.OneFactor || s.Fresh(now) || s.FreshBy(session.Weak, now) || s.BypassID != id || len(s.LevelProofs(session.MultiFactor, now)) != 0 {
			t.Errorf("the session is %+v", s)
		}
		WantCode(t, "the console", session.EnterConsole(t.Context(), d.DB, &s), "session.restricted")
		WantCode(t, "binding by the bypass alone", s.Rebinds(now), "session.rebind")
		for _, by := range []string{session.ByPassword, session.ByBypass, session.ByPasscode} {
			proved := s
			proved.ProvedBy = by
			WantCode(t, "binding by "+by, proved.Rebinds(now), "session.rebind")
		}
		for _, by := range []string{session.ByPrintedCode, session.BySMS, session.ByVoice, session.ByTOTP, session.ByPasskey, session.ByPhone} {
			proved := s
			proved.ProvedBy = by
			if err := proved.Rebinds(now); err != nil {
				t.Errorf("binding by %s: %v", by, err)
			}
			WantCode(t, "later, by "+by, proved.Rebinds(now.Add(5*time.Minute)), "session.rebind")
			proved.ProvedAt = s.CreatedAt.Add(10 * time.Minute)
			WantCode(t, "after ten minutes, by "+by, proved.Rebinds(s.CreatedAt.Add(10*time.Minute)), "session.rebind_over")
			proved.ProvedAt = s.CreatedAt.Add(9 * time.Minute)
			if err := proved.Rebinds(s.CreatedAt.Add(10*time.Minute - time.Microsecond)); err != nil {
				t.Errorf("in the last instant, by %s: %v", by, err)
			}
		}
		// It ends with the bypass, though the bypass is used up.
		ends, last := s.EndsAt()
		if want := d.Clock.Now().Add(time.Hour); last && !ends.Equal(want) || ends.After(want) {
			t.Errorf("it ends at %v (%t)", ends, last)
		}
		d.forward(59 * time.Minute)
		if !d.Alive(done.Cookie) {
			t.Error("it ended before the bypass")
		}
		d.forward(time.Minute)
		if d.Alive(done.Cookie) {
			t.Error("it outlives the bypass")
		}
		if d.Events(audit.BypassIssued) != 1 || d.Events(audit.BypassMade) != 1 || d.Events(audit.BypassUsed) != 1 {
			t.Error("the audit does not have given, made and used")
		}
	})
}

// TestWithoutProofNobodyIsLetPast: no proof, one that is over, of somebody else, by
// another agent, used already.
func TestWithoutProofNobodyIsLetPast(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		refused := func(claim string, by, on user.User, change func(*bypass.Asked)) {
			t.Helper()
			a := bypass.Asked{ID: secret.System.ID(), Delivery: bypass.ReadOut, Minutes: 10}
			change(&a)
			_, err := d.ask(by, on, a)
			WantCode(t, claim, err, "callercheck.none")
			if !errors.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", claim, err)
			}
		}
		refused("none", d.agent, d.nurse, func(*bypass.Asked) {})
		refused("made up", d.agent, d.nurse, func(a *bypass.Asked) { a.Check = secret.System.ID() })
		refused("of somebody else", d.agent, d.nurse, func(a *bypass.Asked) { a.Check = d.proved(d.agent, d.porter) })
		refused("by another agent", d.agent, d.nurse, func(a *bypass.Asked) { a.Check = d.proved(d.other, d.nurse) })
		old := d.proved(d.agent, d.nurse)
		d.forward(10 * time.Minute)
		refused("ten minutes old", d.agent, d.nurse, func(a *bypass.Asked) { a.Check = old })
		used := d.wants(d.agent, d.nurse)
		id := d.given(d.agent, d.nurse, used)
		refused("used before", d.agent, d.nurse, func(a *bypass.Asked) { a.Check, a.Replaces = used.Check, id })
		taken := d.proved(d.agent, d.porter)
		d.Set("UPDATE devices SET state = 'revoked' WHERE user_id = ?", d.porter.ID)
		refused("whose phone was revoked since", d.agent, d.porter, func(a *bypass.Asked) { a.Check = taken })
		if n := d.Count("SELECT count(*) FROM bypasses"); n != 1 {
			t.Errorf("there are %d bypasses", n)
		}
	})
}

// TestWhoMayGiveOne: by roles.md, cell by cell; what more takes two.
func TestWhoMayGiveOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		security, auditor := d.Admin(d.Alder, "security", access.RoleSecurityAdministrator), d.Admin(d.Alder, "auditor", access.RoleAuditor)
		const no, alone, eyes = "no", "alone", "eyes"
		for _, row := range []struct {
			claim   string
			by, on  user.User
			minutes int
			uses    int
			want    string
		}{
			{"a desk, for an hour", d.agent, d.nurse, 60, 1, alone},
			{"a desk, for longer", d.agent, d.nurse, 61, 1, eyes},
			{"a desk, twice", d.agent, d.nurse, 60, 2, eyes},
			{"a lead, for four hours", d.lead, d.nurse, 240, 1, alone},
			{"a lead, for longer", d.lead, d.nurse, 241, 1, eyes},
			{"an administrator, for eight hours", d.admin, d.nurse, 480, 1, alone},
			{"an administrator, twice", d.admin, d.nurse, 480, 2, eyes},
			{"security, for eight hours", security, d.nurse, 480, 1, alone},
			{"a lead, for a desk", d.lead, d.agent, 10, 1, eyes},
			{"an administrator, for an auditor", d.admin, auditor, 10, 1, eyes},
			{"a desk, for a colleague", d.agent, d.other, 10, 1, no},
			{"a desk, for a lead", d.agent, d.lead, 10, 1, no},
			{"a desk, for themselves", d.agent, d.agent, 10, 1, no},
			{"an auditor", auditor, d.nurse, 10, 1, no},
			{"somebody without a role", d.porter, d.nurse, 10, 1, no},
		} {
			d.Set("DELETE FROM approval_requests")
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			a := d.wants(row.by, row.on)
			a.Minutes, a.Uses = row.minutes, row.uses
			out, err := d.ask(row.by, row.on, a)
			got := map[bool]string{true: eyes, false: alone}[out.Waits()]
			if err != nil {
				got = no
				if !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s: %v", row.claim, err)
				}
			}
			if got != row.want {
				t.Errorf("%s: %s, want %s", row.claim, got, row.want)
			}
			spent := d.Text("SELECT spent_for FROM caller_checks WHERE id = ?", a.Check)
			if (spent == a.ID) != (got != no) {
				t.Errorf("%s: the proof is spent for %q", row.claim, spent)
			}
		}
	})
}

// TestAtAndUnderAndOverItsLimits goes through the knobs.
func TestAtAndUnderAndOverItsLimits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("UPDATE tenants SET places = ? WHERE id = ?", `[{"id":"a","name":"Head office","networks":["198.51.100.0/24"]}]`, d.Alder.ID)
		in := func(after time.Duration) func(*bypass.Asked) {
			return func(a *bypass.Asked) { at := d.Clock.Now().Add(after); a.StartsAt = &at }
		}
		minutes := func(n int) func(*bypass.Asked) { return func(a *bypass.Asked) { a.Minutes = n } }
		uses := func(n int) func(*bypass.Asked) { return func(a *bypass.Asked) { a.Uses = n } }
		network := func(text string) func(*bypass.Asked) { return func(a *bypass.Asked) { a.Network = text } }
		for _, row := range []struct {
			claim string
			set   string // of the tenant
			knob  func(*bypass.Asked)
			field string // that is wrong; empty: none
			code  string
		}{
			{"nothing said: an hour, once", "", func(a *bypass.Asked) { a.Minutes, a.Uses = 0, 0 }, "", ""},
			{"ten minutes", "", minutes(10), "", ""},
			{"nine minutes", "", minutes(9), "minutes", "bypass.minutes_form"},
			{"eight hours", "", minutes(480), "", ""},
			{"a minute more", "", minutes(481), "minutes", "bypass.minutes_form"},
			{"no number", "", minutes(-1), "minutes", "bypass.minutes_form"},
			{"at the ceiling", "bypass_minutes = 30", minutes(30), "", ""},
			{"over the ceiling", "bypass_minutes = 30", minutes(31), "minutes", "bypass.minutes_ceiling"},
			{"five uses", "", uses(5), "", ""},
			{"six uses", "", uses(6), "uses", "bypass.uses_form"},
			{"over the ceiling of uses", "bypass_uses = 1", uses(2), "uses", "bypass.uses_ceiling"},
			{"in a week", "", in(7 * 24 * time.Hour), "", ""},
			{"in more than a week", "", in(7*24*time.Hour + time.Second), "starts_at", "bypass.start_form"},
			{"a day ago", "", in(-24 * time.Hour), "starts_at", "bypass.start_form"},
			{"a time that could not be read", "", func(a *bypass.Asked) { a.Unread = "starts_at" }, "starts_at", "bypass.start_form"},
			{"from a network", "", network("203.0.113.0/24"), "", ""},
			{"from a place", "", network("head OFFICE"), "", ""},
			{"from nowhere", "", network("the moon"), "network", "bypass.network_form"},
			{"from two networks", "", network("203.0.113.0/24, 198.51.100.0/24"), "network", "bypass.network_form"},
			{"for no application", "", func(a *bypass.Asked) { a.Application = "none" }, "application", "bypass.application_form"},
			{"a kind that is not given here", "bypass_kinds = 'skip'", func(*bypass.Asked) {}, "kind", "bypass.kind_off"},
			{"a skip that is not given here", "bypass_kinds = 'pass_code'", func(a *bypass.Asked) { a.Kind = bypass.Skip }, "kind", "bypass.kind_off"},
			{"split, where that is off", "bypass_deliveries = 'second_channel'", func(a *bypass.Asked) { a.Delivery = bypass.Split }, "delivery", "bypass.delivery_off"},
			{"to a phone, where that is off", "bypass_deliveries = 'split'", func(a *bypass.Asked) { a.Delivery = bypass.SecondChannel }, "delivery", "bypass.delivery_off"},
			{"of no kind", "", func(a *bypass.Asked) { a.Kind = "master_key" }, "kind", "bypass.kind_form"},
			{"by pigeon", "", func(a *bypass.Asked) { a.Delivery = "pigeon" }, "delivery", "bypass.delivery_form"},
			{"read out, where that is off", "bypass_read_out = FALSE", func(*bypass.Asked) {}, "delivery", "bypass.delivery_off"},
			{"to a phone that they do not have", "", func(a *bypass.Asked) { a.Delivery = bypass.SecondChannel }, "delivery", "bypass.no_second_channel"},
			{"split with one that they do not have", "", func(a *bypass.Asked) { a.Delivery = bypass.Split }, "delivery", "bypass.no_second_channel"},
			{"left open: to a phone", "", func(a *bypass.Asked) { a.Delivery = "" }, "delivery", "bypass.no_second_channel"},
			{"skip", "", func(a *bypass.Asked) { a.Kind = bypass.Skip }, "", ""},
		} {
			d.Set("DELETE FROM approval_requests")
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("UPDATE tenants SET bypass_minutes = 480, bypass_uses = 5, bypass_read_out = TRUE, bypass_kinds = 'pass_code,skip', bypass_deliveries = 'second_channel,split'")
			if row.set != "" {
				d.Set("UPDATE tenants SET " + row.set)
			}
			a := d.wants(d.admin, d.nurse)
			row.knob(&a)
			_, err := d.ask(d.admin, d.nurse, a)
			got := ""
			if f := fault.Of(err); f != nil {
				got = f.Fields[row.field]
			}
			if (err == nil) != (row.field == "") || got != row.code {
				t.Errorf("%s: %v (%s), want %s", row.claim, err, got, row.code)
			}
		}
	})
}

// TestWhatCouldNotBeUsedIsNotGiven: the account, the ways, the password.
func TestWhatCouldNotBeUsedIsNotGiven(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		skip := func(a *bypass.Asked) { a.Kind = bypass.Skip }
		code := func(*bypass.Asked) {}
		reset := func() {
			d.Set("UPDATE tenants SET no_sign_in = 128, no_second = 128, no_recovery = 128")
			d.Set("UPDATE users SET state = 'active', mfa_state = 'enforced' WHERE id = ?", d.nurse.ID)
		}
		for _, row := range []struct {
			claim string
			set   string
			kind  func(*bypass.Asked)
			want  string
		}{
			{"a code, where the way is off", "UPDATE tenants SET no_sign_in = 384, no_second = 384, no_recovery = 384", code, "bypass.off"},
			{"a skip, where it is off as the second factor", "UPDATE tenants SET no_second = 384", skip, "bypass.off"},
			{"a code, where it comes after the password", "UPDATE tenants SET no_sign_in = 384", code, ""},
			{"a code, where it would come after a password that is off", "UPDATE tenants SET no_sign_in = 385", code, "bypass.no_password"},
			{"a skip, where passwords are off", "UPDATE tenants SET no_sign_in = 129", skip, "bypass.no_password"},
			{"a skip, where nothing is asked after the password", "UPDATE users SET mfa_state = 'disabled'", skip, "bypass.nothing_to_skip"},
		} {
			reset()
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set(row.set)
			a := d.wants(d.agent, d.nurse)
			row.kind(&a)
			_, err := d.ask(d.agent, d.nurse, a)
			if row.want == "" && err != nil {
				t.Errorf("%s: %v", row.claim, err)
			} else if row.want != "" {
				WantCode(t, row.claim, err, row.want)
			}
		}
		reset()
		a := d.wants(d.agent, d.porter)
		d.Lock(d.porter)
		if _, err := d.ask(d.agent, d.porter, a); !errors.Is(err, fault.Conflict) {
			t.Errorf("for an account that is locked: %v", err)
		}
	})
}

// TestOneAtATime: a second one takes the place of the first only when it says so.
func TestOneAtATime(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		done, err := d.try(d.nurse, "nonsense", Browser("PC"))
		if err == nil {
			t.Fatalf("nonsense = %+v", done)
		}
		_, err = d.ask(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		WantCode(t, "a second one", err, "bypass.one")
		a := d.wants(d.agent, d.nurse)
		a.Replaces = "another"
		_, err = d.ask(d.agent, d.nurse, a)
		WantCode(t, "in the place of one that it is not", err, "bypass.one")
		a = d.wants(d.agent, d.nurse)
		a.Replaces = first
		second := d.given(d.agent, d.nurse, a)
		if d.state(first) != "replaced" || d.state(second) != "ready" {
			t.Errorf("they are %s and %s", d.state(first), d.state(second))
		}
		_, err = d.try(d.nurse, code, Browser("PC"))
		WantCode(t, "the code of the first", err, "signin.refused")

		// One whose time is over holds nobody's place, whoever has written that down.
		d.forward(2 * time.Hour)
		third := d.given(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		if d.state(second) != "expired" || d.state(third) != "ready" {
			t.Errorf("they are %s and %s", d.state(second), d.state(third))
		}
		// Many at once are one.
		d.Set("DELETE FROM disownings")
		d.Set("DELETE FROM bypasses")
		var asked []bypass.Asked
		for range 8 {
			asked = append(asked, d.wants(d.agent, d.nurse))
		}
		got := Tally(AtOnce(8, func(i int) error { _, err := d.ask(d.agent, d.nurse, asked[i]); return err }))
		if got["done"] != 1 || got["bypass.one"] != 7 {
			t.Errorf("eight at once: %v", got)
		}
	})
}
