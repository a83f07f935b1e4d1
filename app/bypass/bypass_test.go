package bypass_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
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
			{"of no kind", "", func(a *bypass.Asked) { a.Kind = "master_key" }, "kind", "bypass.kind_form"},
			{"by pigeon", "", func(a *bypass.Asked) { a.Delivery = "pigeon" }, "delivery", "bypass.delivery_form"},
			{"read out, where that is off", "bypass_read_out = FALSE", func(*bypass.Asked) {}, "delivery", "bypass.read_out_off"},
			{"to a phone that they do not have", "", func(a *bypass.Asked) { a.Delivery = bypass.SecondChannel }, "delivery", "bypass.no_second_channel"},
			{"split with one that they do not have", "", func(a *bypass.Asked) { a.Delivery = bypass.Split }, "delivery", "bypass.no_second_channel"},
			{"left open: to a phone", "", func(a *bypass.Asked) { a.Delivery = "" }, "delivery", "bypass.no_second_channel"},
			{"skip", "", func(a *bypass.Asked) { a.Kind = bypass.Skip }, "", ""},
		} {
			d.Set("DELETE FROM approval_requests")
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("UPDATE tenants SET bypass_minutes = 480, bypass_uses = 5, bypass_read_out = TRUE")
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

// TestWhenItWorks: not before its start, not in the second of its end, and with no
// sweep having come by.
func TestWhenItWorks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.wants(d.agent, d.nurse)
		starts := d.Clock.Now().Add(3 * time.Hour)
		a.StartsAt, a.Minutes, a.Uses = &starts, 10, 1
		id, code := d.code(d.agent, d.nurse, a)
		for _, row := range []struct {
			claim string
			at    time.Duration // after its start
			want  bool
			why   string
		}{
			{"an instant before its start", -time.Microsecond, false, "signin.bypass_early"},
			{"at its start", 0, true, ""},
			{"an instant before its end", 10*time.Minute - time.Microsecond, true, ""},
			{"at its end", 10 * time.Minute, false, "signin.bypass_over"},
			{"after it", 20 * time.Minute, false, "signin.bypass_over"},
		} {
			d.Set("UPDATE bypasses SET state = 'active', uses_left = 1, ended_at = NULL WHERE id = ?", id)
			d.Set("DELETE FROM throttles")
			d.forward(starts.Add(row.at).Sub(d.Clock.Now()))
			_, err := d.try(d.nurse, code, Browser("PC"))
			if (err == nil) != row.want {
				t.Errorf("%s: %v", row.claim, err)
			}
			if err != nil && d.reason() != row.why {
				t.Errorf("%s: refused because of %s", row.claim, d.reason())
			}
		}
		if err := d.bypasses.Lapse(t.Context()); err != nil || d.state(id) != "expired" || d.Events(audit.BypassExpired) != 1 {
			t.Errorf("the sweep leaves it %s, %v", d.state(id), err)
		}
		_ = d.bypasses.Lapse(t.Context())
		if d.Events(audit.BypassExpired) != 1 {
			t.Error("it expired twice")
		}
		// One that nobody made in an hour is over, too.
		other := d.given(d.agent, d.porter, d.wants(d.agent, d.porter))
		d.forward(time.Hour)
		_, err := d.bypasses.Make(t.Context(), d.porter.TenantID, other, d.agent.ID, audit.Origin{})
		WantCode(t, "made too late", err, "bypass.not_to_make")
	})
}

// TestWhereItWorks: from its network alone; what is refused stays unused.
func TestWhereItWorks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("UPDATE tenants SET places = ? WHERE id = ?", `[{"id":"a","name":"Head office","networks":["198.51.100.0/24"]}]`, d.Alder.ID)
		for _, row := range []struct {
			network, ip string
			want        bool
		}{
			{"203.0.113.0/24", "203.0.113.200", true},
			{"203.0.113.0/24", "203.0.114.1", false},
			{"203.0.113.0/24", "::ffff:203.0.113.7", true},
			{"203.0.113.0/24", "", false},
			{"203.0.113.0/24", "nonsense", false},
			{"Head office", "198.51.100.9", true},
			{"Head office", "203.0.113.9", false},
			{"head office", "198.51.100.9", true},
			{"", "nonsense", true},
		} {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("DELETE FROM throttles")
			a := d.wants(d.agent, d.nurse)
			a.Network = row.network
			id, code := d.code(d.agent, d.nurse, a)
			d.forward(25 * time.Hour) // of the week's and the hour's counts
			d.Set("UPDATE bypasses SET starts_at = ?, ends_at = ?", d.Clock.Now(), d.Clock.Now().Add(time.Hour))
			from := Browser("PC")
			from.IP = row.ip
			_, err := d.try(d.nurse, code, from)
			if (err == nil) != row.want {
				t.Errorf("from %q of %q: %v", row.ip, row.network, err)
			}
			if err != nil && (d.state(id) != "active" || d.reason() != "signin.bypass_network") {
				t.Errorf("from %q of %q: it is %s, refused because of %s", row.ip, row.network, d.state(id), d.reason())
			}
		}
		// The place was forgotten since: then it is nowhere.
		d.Set("DELETE FROM disownings")
		d.Set("DELETE FROM bypasses")
		a := d.wants(d.agent, d.nurse)
		a.Network = "Head office"
		_, code := d.code(d.agent, d.nurse, a)
		d.Set("UPDATE tenants SET places = ''")
		from := Browser("PC")
		from.IP = "198.51.100.9"
		_, err := d.try(d.nurse, code, from)
		WantCode(t, "from a place that has no name any more", err, "signin.refused")
	})
}

// TestWhoElseTriesIt: another person, another tenant, another way, after a lock, when the
// way is off: refused, and still unused.
func TestWhoElseTriesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		elsewhere := d.User(d.Birch, "nurse")
		pc := Browser("PC")
		for claim, try := range map[string]func() error{
			"another person":    func() error { _, err := d.try(d.porter, code, pc); return err },
			"in another tenant": func() error { _, err := d.try(elsewhere, code, pc); return err },
			"as a password": func() error {
				_, err := d.SignIn.VerifyPassword(t.Context(), d.Begin(d.nurse.Name, signin.Password, pc), code, pc)
				return err
			},
			"as a printed code": func() error {
				_, err := d.SignIn.VerifyCode(t.Context(), d.Begin(d.nurse.Name, signin.PrintedCode, pc), code, pc)
				return err
			},
			"without a code": func() error { _, err := d.try(d.nurse, "", pc); return err },
			"a little of it": func() error { _, err := d.try(d.nurse, code[:9], pc); return err },
			"in another's browser": func() error {
				_, err := d.SignIn.VerifyCode(t.Context(), d.Begin(d.nurse.Name, signin.Bypass, pc), code, Browser("another"))
				return err
			},
			"after a lock": func() error {
				d.Set("UPDATE users SET state = 'locked' WHERE id = ?", d.nurse.ID)
				_, err := d.try(d.nurse, code, pc)
				d.Set("UPDATE users SET state = 'active' WHERE id = ?", d.nurse.ID)
				return err
			},
			"while the way is off": func() error {
				attempt := d.Begin(d.nurse.Name, signin.Bypass, pc)
				d.Set("UPDATE tenants SET no_sign_in = 384")
				_, err := d.SignIn.VerifyCode(t.Context(), attempt, code, pc)
				d.Set("UPDATE tenants SET no_sign_in = 128")
				return err
			},
		} {
			d.Set("DELETE FROM throttles")
			if err := try(); !errors.Is(err, fault.Refused) && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", claim, err)
			}
			if d.state(id) != "active" {
				t.Fatalf("%s: it is %s", claim, d.state(id))
			}
		}
		if n := d.Count("SELECT count(*) FROM sessions WHERE bypass_id <> ''"); n != 0 {
			t.Errorf("%d sessions were made", n)
		}
		if _, err := d.try(d.nurse, code, pc); err != nil {
			t.Errorf("its person, after all that: %v", err)
		}
	})
}

// TestSkippingThePhone: after the password, once, and never without it.
func TestSkippingThePhone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.wants(d.agent, d.nurse)
		a.Kind = bypass.Skip
		id := d.given(d.agent, d.nurse, a)
		pc := Browser("PC")
		for _, code := range []string{"", "skip"} {
			_, err := d.try(d.nurse, code, pc)
			WantCode(t, "without the password", err, "signin.refused")
		}
		attempt := d.Begin(d.nurse.Name, signin.Password, pc)
		done, err := d.SignIn.VerifyPassword(t.Context(), attempt, Password, pc)
		if err != nil || !done.Halfway {
			t.Fatalf("the password = %+v, %v", done, err)
		}
		found, _, err := d.SignIn.Find(t.Context(), attempt, pc.BrowserDigest)
		if err != nil || found.Way != signin.Bypass {
			t.Fatalf("after the password it goes on to %s, %v", found.Way, err)
		}
		if n := d.Count("SELECT count(*) FROM prompts WHERE user_id = ?", d.nurse.ID); n != 0 {
			t.Errorf("%d requests went to the phone that is at home", n)
		}
		if skips, err := d.SignIn.Skips(t.Context(), found); err != nil || !skips {
			t.Errorf("Skips = %t, %v", skips, err)
		}
		if done, err = d.SignIn.VerifyCode(t.Context(), attempt, "", pc); err != nil || done.Cookie.Empty() {
			t.Fatalf("going on = %v", err)
		}
		s, err := session.Find(t.Context(), d.DB, done.Cookie)
		if err != nil || !s.Restricted() || s.AMR != "pwd,bypass" || s.Level() != session.OneFactor {
			t.Errorf("the session is %+v, %v", s, err)
		}
		if d.state(id) != "used" {
			t.Errorf("it is %s", d.state(id))
		}
		// The next one goes on to the phone.
		attempt = d.Begin(d.nurse.Name, signin.Password, pc)
		if done, err = d.SignIn.VerifyPassword(t.Context(), attempt, Password, pc); err != nil || !done.Halfway {
			t.Fatalf("the next password = %+v, %v", done, err)
		}
		if found, _, _ = d.SignIn.Find(t.Context(), attempt, pc.BrowserDigest); found.Way != signin.Phone {
			t.Errorf("the next one goes on to %s", found.Way)
		}
	})
}

// TestFiveHundredUseItAtOnce: one session, whatever the replica.
func TestFiveHundredUseItAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		replicas := []*desk{d, open(d.Replica())}
		rounds := 20
		if testing.Short() {
			rounds = 2
		}
		for round := range rounds {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("DELETE FROM throttles")
			id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
			var attempts []string
			var from []signin.From
			many := 25
			if round == 0 {
				many = 500
			}
			for i := range many {
				from = append(from, Browser(fmt.Sprint("PC ", round, " ", i)))
				attempts = append(attempts, d.Begin(d.nurse.Name, signin.Bypass, from[i]))
			}
			before := d.Count("SELECT count(*) FROM sessions WHERE bypass_id <> ''")
			got := Tally(AtOnce(many, func(i int) error {
				_, err := replicas[i%2].SignIn.VerifyCode(t.Context(), attempts[i], code, from[i])
				return err
			}))
			if made := d.Count("SELECT count(*) FROM sessions WHERE bypass_id <> ''") - before; got["done"] != 1 || made != 1 || d.state(id) != "used" {
				t.Fatalf("round %d: %v, %d sessions, %s", round, got, made, d.state(id))
			}
		}
	})
}

// TestFiveHundredWrongCodesAreNone: they are counted and paused, and it is unused.
func TestFiveHundredWrongCodesAreNone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id, _ := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		var attempts []string
		pc := Browser("PC")
		for range 100 {
			attempts = append(attempts, d.Begin(d.nurse.Name, signin.Bypass, pc))
		}
		got := Tally(AtOnce(500, func(i int) error {
			_, err := d.SignIn.VerifyCode(t.Context(), attempts[i%100], fmt.Sprintf("AAAA-BBBB-CCCC-%04d", i), pc)
			return err
		}))
		if got["done"] != 0 || got["signin.paused"]+got["signin.throttled"] == 0 && got["signin.refused"] == 500 {
			t.Errorf("five hundred wrong ones: %v", got)
		}
		if d.state(id) != "active" || d.Count("SELECT count(*) FROM sessions WHERE bypass_id <> ''") != 0 {
			t.Errorf("it is %s", d.state(id))
		}
	})
}

// TestFourEyes: exactly what was asked for, once, by somebody else, in time.
func TestFourEyes(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		waits := func(by user.User, minutes int) (bypass.Asked, string) {
			t.Helper()
			a := d.wants(by, d.nurse)
			a.Minutes = minutes
			out, err := d.ask(by, d.nurse, a)
			if err != nil || !out.Waits() {
				t.Fatalf("asking for %d minutes = %+v, %v", minutes, out, err)
			}
			return a, out.RequestID
		}
		approve := func(id string, by user.User) error {
			return d.approvals.Approve(t.Context(), d.Alder.ID, id, by.ID, approval.Given{})
		}
		a, id := waits(d.agent, 120)
		if d.Count("SELECT count(*) FROM bypasses") != 0 {
			t.Error("it was given before somebody approved it")
		}
		if err := approve(id, d.agent); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
			t.Errorf("one's own = %v", err)
		}
		if err := approve(id, d.other); !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.NotFound) {
			t.Errorf("by another desk = %v", err)
		}
		d.forward(3*time.Hour + 59*time.Minute) // the check is long over, and was spent on this
		if err := approve(id, d.lead); err != nil {
			t.Fatalf("by a lead = %v", err)
		}
		WantCode(t, "twice", approve(id, d.admin), "approval.decided")
		if d.state(a.ID) != "ready" || d.Text("SELECT approved_by FROM bypasses WHERE id = ?", a.ID) != d.lead.ID {
			t.Errorf("it is %s", d.state(a.ID))
		}
		_, err := d.bypasses.Make(t.Context(), d.Alder.ID, a.ID, d.lead.ID, audit.Origin{})
		WantCode(t, "made by who approved it", err, "bypass.not_asked_by")
		if _, err := d.bypasses.Make(t.Context(), d.Alder.ID, a.ID, d.agent.ID, audit.Origin{}); err != nil {
			t.Errorf("made by who asked: %v", err)
		}
		d.Set("DELETE FROM disownings")
		d.Set("DELETE FROM bypasses")

		_, id = waits(d.agent, 300)
		WantCode(t, "by a lead, for longer than a lead gives", approve(id, d.lead), "approval.void")
		_, id = waits(d.agent, 300)
		d.Set("UPDATE tenants SET bypass_minutes = 200")
		WantCode(t, "after the ceiling came down", approve(id, d.admin), "approval.void")
		d.Set("UPDATE tenants SET bypass_minutes = 480")
		_, id = waits(d.agent, 300)
		d.forward(approval.Life)
		WantCode(t, "late", approve(id, d.admin), "approval.expired")
		_, id = waits(d.agent, 300)
		d.Lock(d.nurse)
		WantCode(t, "after a lock", approve(id, d.admin), "approval.void")
	})
}

// TestTooManyTakeTwo: the eleventh of an agent within an hour, and the fourth of a person
// within a week.
func TestTooManyTakeTwo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		waits := func(by, on user.User) bool {
			t.Helper()
			d.Set("UPDATE bypasses SET state = 'used' WHERE state <> 'used'")
			out, err := d.ask(by, on, d.wants(by, on))
			if err != nil {
				t.Fatal(err)
			}
			return out.Waits()
		}
		for i := range 10 {
			if waits(d.agent, d.User(d.Alder, fmt.Sprint("caller", i))) {
				t.Fatalf("number %d of an agent waits", i+1)
			}
		}
		last := d.User(d.Alder, "one-more")
		if !waits(d.agent, last) {
			t.Error("the eleventh of an agent within an hour does not wait")
		}
		if waits(d.other, last) {
			t.Error("that of another agent waits")
		}
		d.forward(time.Hour)
		if waits(d.agent, d.User(d.Alder, "an-hour-later")) {
			t.Error("an hour later it still waits")
		}
		for i := range 3 {
			d.forward(2 * time.Hour)
			if waits(d.agent, d.nurse) {
				t.Errorf("number %d of a person waits", i+1)
			}
		}
		if !waits(d.other, d.nurse) {
			t.Error("the fourth of a person within a week does not wait, whoever gives it")
		}
		d.forward(7 * 24 * time.Hour)
		if waits(d.other, d.nurse) {
			t.Error("a week later it still waits")
		}
	})
}

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
			"nothing": "", "half of it": link[:40], "of another tenant": strings.Replace(link, d.Alder.ID, d.Birch.ID, 1), "with another key": link[:len(link)-2] + "00", "with more": link + "-x",
		} {
			WantCode(t, "a link: "+claim, d.bypasses.Disown(t.Context(), wrong, audit.Origin{}), "bypass.link_gone")
		}
		d.forward(7*24*time.Hour - time.Minute - time.Microsecond)
		got := Tally(AtOnce(20, func(int) error { return d.bypasses.Disown(t.Context(), link, audit.Origin{}) }))
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
		WantCode(t, "after a week", d.bypasses.Disown(t.Context(), late, audit.Origin{}), "bypass.link_gone")
	})
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
			if err := d.bypasses.Disown(t.Context(), link, audit.Origin{}); err != nil {
				t.Fatal(err)
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
		got := Tally(AtOnce(2, func(i int) error { return d.bypasses.Disown(t.Context(), links[i], audit.Origin{}) }))
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

// TestWhatChangedSinceItWasGiven: a ceiling that came down, and somebody who was given a
// role since.
func TestWhatChangedSinceItWasGiven(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		lower := func(set string) (bypass.Made, error) {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("UPDATE tenants SET bypass_read_out = TRUE, bypass_minutes = 480")
			id := d.given(d.agent, d.porter, d.wants(d.agent, d.porter))
			d.Set(set)
			if err := d.Rules.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			return d.bypasses.Make(t.Context(), d.porter.TenantID, id, d.agent.ID, audit.Origin{})
		}
		if made, err := lower("UPDATE tenants SET bypass_minutes = 20"); err != nil || !made.EndsAt.Equal(d.Clock.Now().Add(20*time.Minute)) {
			t.Errorf("under a lower ceiling: %+v, %v", made.EndsAt, err)
		}
		if _, err := lower("UPDATE tenants SET bypass_minutes = 20"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE minutes = 20") != 1 {
			t.Errorf("the page says %s minutes, %v", d.Text("SELECT minutes FROM bypasses"), err)
		}
		if _, err := lower("UPDATE bypasses SET uses = 3, uses_left = 3, approved_by = 'somebody'"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE uses_left = 3") != 1 {
			t.Errorf("three uses under a ceiling of five: %v", err)
		}
		d.Set("UPDATE tenants SET bypass_uses = 2")
		if _, err := lower("UPDATE bypasses SET uses = 3, uses_left = 3, approved_by = 'somebody'"); err != nil || d.Count("SELECT count(*) FROM bypasses WHERE uses = 2 AND uses_left = 2") != 1 {
			t.Errorf("three uses under a ceiling of two: %v", err)
		}
		if _, err := lower("UPDATE bypasses SET minutes = 120, approved_by = 'somebody'"); err != nil {
			t.Errorf("longer than its agent gives, which somebody approved: %v", err)
		}
		_, err := lower("UPDATE bypasses SET minutes = 120") // as if its agent had a higher role then
		WantCode(t, "longer than its agent gives by now", err, "bypass.not_to_make")
		_, err = lower("UPDATE tenants SET bypass_read_out = FALSE")
		WantCode(t, "read out, where that is off by now", err, "bypass.not_to_make")
		if _, err := lower("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) SELECT tenant_id, id, 'auditor', '', created_at FROM users WHERE name = '" + d.porter.Name + "'"); err == nil {
			t.Error("for somebody who has a role by now it is made without a second person")
		}
	})
}

// TestASessionKeepsToItsApplication that its bypass was given for.
func TestASessionKeepsToItsApplication(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.SignIn.ApplicationOf = func(*store.Tx, string, string) (signin.Application, error) {
			return signin.Application{TenantID: d.Alder.ID, ID: "wards", Name: "Wards"}, nil
		}
		for _, row := range []struct {
			application string
			want        bool
		}{{"wards", true}, {"payroll", false}, {"", true}} {
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
			d.Set("UPDATE bypasses SET application_id = ? WHERE id = ?", row.application, id)
			done, err := d.try(d.nurse, code, Browser("PC"))
			if (err == nil) != row.want {
				t.Errorf("for %q: %v", row.application, err)
				continue
			}
			if err != nil {
				if d.reason() != "signin.bypass_application" || d.state(id) != "active" {
					t.Errorf("for %q: refused because of %s, it is %s", row.application, d.reason(), d.state(id))
				}
				continue
			}
			if s, err := session.Find(t.Context(), d.DB, done.Cookie); err != nil || s.ApplicationID != row.application {
				t.Errorf("for %q: the session is for %q, %v", row.application, s.ApplicationID, err)
			}
		}
	})
}
