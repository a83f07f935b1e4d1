package bypass_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

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

// TestFiveHundredUseItAtOnce: one session, whatever the replica, twenty times.
func TestFiveHundredUseItAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		replicas := []*desk{d, open(d.Replica())}
		rounds, many := 20, 500
		if testing.Short() {
			rounds, many = 2, 100
		}
		var attempts []string
		var from []signin.From
		for i := range many {
			from = append(from, Browser(fmt.Sprint("PC ", i)))
			attempts = append(attempts, d.Begin(d.nurse.Name, signin.Bypass, from[i]))
		}
		for round := range rounds {
			// The browsers stand before the page that takes the code, as if they had just come.
			d.Set("UPDATE attempts SET state = 'open', failures = 0, finished_at = NULL, proved = ''")
			d.Set("DELETE FROM disownings")
			d.Set("DELETE FROM bypasses")
			d.Set("DELETE FROM throttles")
			id, code := d.code(d.agent, d.nurse, d.wants(d.agent, d.nurse))
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
