package signin_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// knownTo gives a user a session in a browser, some time ago.
func knownTo(h *House, u user.User, from signin.From) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error {
		_, _, err := session.Begin(tx, session.Beginning{TenantID: u.TenantID, UserID: u.ID, AMR: session.ByPassword, BrowserDigest: from.BrowserDigest})
		return err
	})
	h.Set("UPDATE sessions SET ended_at = ? WHERE user_id = ?", h.Clock.Now(), u.ID)
}

// fail gives wrong passwords for a name, each in an attempt of its own.
func fail(h *House, name string, times int, from signin.From) {
	h.T.Helper()
	for range times {
		WantCode(h.T, "a wrong password", verify(h, begin(h, name, from), wrong, from), "signin.refused")
	}
}

// waits gives how long a try of the right password is told to wait.
func waits(h *House, name string, from signin.From) time.Duration {
	h.T.Helper()
	f := fault.Of(verify(h, begin(h, name, from), Password, from))
	if f == nil || f.Kind != fault.Throttled {
		h.T.Fatalf("%s from %s is not throttled: %v", name, from.Browser, f)
	}
	return f.RetryAfter
}

// TestStrangersDoNotLockTheOwnerOut: who types wrong passwords for a name pauses
// it for browsers that are new, and for nobody else.
func TestStrangersDoNotLockTheOwnerOut(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u, home, stranger := h.User(h.Alder, "user1"), Browser("home"), Browser("elsewhere")
		knownTo(h, u, home)
		fail(h, u.Name, 10, stranger)
		if wait := waits(h, u.Name, stranger); wait != 15*time.Minute {
			t.Errorf("a stranger waits for %v", wait)
		}
		if wait := waits(h, u.Name, Browser("a new one of theirs")); wait != 15*time.Minute {
			t.Errorf("a browser that is new waits for %v", wait)
		}
		stopped := func() []signin.Stopped {
			all, err := signin.StoppedWays(h.DB.View(t.Context()), u.TenantID, h.Keys.Subject(u.Name))
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		if all := stopped(); len(all) != 1 || all[0].Known || all[0].Tries != 10 || !all[0].Until.Equal(h.Clock.Now().Add(15*time.Minute)) {
			t.Errorf("the helpdesk is told %+v", all)
		}
		// At home the right one works, and ten wrong ones there pause home too.
		if err := verify(h, begin(h, u.Name, home), Password, home); err != nil {
			t.Errorf("at home the right one gives %v", err)
		}
		fail(h, u.Name, 10, stranger)
		fail(h, u.Name, 10, home)
		if wait := waits(h, u.Name, home); wait != 15*time.Minute {
			t.Errorf("after ten wrong ones at home one waits for %v", wait)
		}
		if all := stopped(); len(all) != 2 || all[0].Known == all[1].Known {
			t.Errorf("the helpdesk is told %+v", all)
		}
		// The phone is another way: it signs in, and clears all counts.
		p, _ := h.PhoneOf(u)
		addressed := approved(h, u, p, stranger)
		if _, err := h.SignIn.Finish(t.Context(), addressed, stranger); err != nil {
			t.Fatal(err)
		}
		for _, from := range []signin.From{home, Browser("new")} {
			if err := verify(h, at(h, u, signin.Password, from), Password, from); err != nil {
				t.Errorf("after the phone signed in the password from %s gives %v", from.Browser, err)
			}
		}
	})
}

// TestAHundredIsTheEndWhereverTheyWereTyped: known browsers have a pause of their
// own and no hundred of their own.
func TestAHundredIsTheEndWhereverTheyWereTyped(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		u, home, stranger := h.User(h.Alder, "user1"), Browser("home"), Browser("elsewhere")
		knownTo(h, u, home)
		fail(h, u.Name, 5, home)
		fail(h, u.Name, 1, stranger)
		h.Set("UPDATE throttles SET in_a_row = 99 WHERE way = 'password'")
		fail(h, u.Name, 1, home)
		waits(h, u.Name, home)
		all, err := signin.StoppedWays(h.DB.View(t.Context()), u.TenantID, h.Keys.Subject(u.Name))
		if err != nil || len(all) != 1 || !all[0].Until.IsZero() {
			t.Errorf("the helpdesk is told %+v, %v", all, err)
		}
		h.Act(func(tx *store.Tx) error { return h.SignIn.Restore(tx, u.TenantID, u.ID) })
		if err := verify(h, begin(h, u.Name, home), Password, home); err != nil {
			t.Errorf("after it was restored: %v", err)
		}
	})
}

func TestPausesGrow(t *testing.T) {
	Each(t, func(h *House) {
		h.SignIn.Passwords = plain{}
		for _, name := range []string{h.User(h.Alder, "user1").Name, "nobody@alder.example"} {
			pc := Browser("PC")
			for i, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour} {
				fail(h, name, 10, pc)
				if wait := waits(h, name, pc); wait != want {
					h.T.Errorf("%s: the pause number %d is %v, want %v", name, i+1, wait, want)
				}
				h.Clock.Forward(want)
			}
		}
	})
}

// TestAnAddressThatTriesManyNamesWaits, and those behind it who are known do not.
func TestAnAddressThatTriesManyNamesWaits(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		h.SignIn.AddressMost = 20
		u, home := h.User(h.Alder, "user1"), Browser("home")
		knownTo(h, u, home)
		from := func(ip string) signin.From { f := Browser("sprayer"); f.IP = ip; return f }
		spray := func(times int, ip string) {
			t.Helper()
			for i := range times {
				name := fmt.Sprintf("somebody%d-%s@alder.example", i, h.Clock.Now().Format("150405"))
				WantCode(t, "a wrong password", verify(h, begin(h, name, from(ip)), wrong, from(ip)), "signin.refused")
			}
		}
		spray(20, "2001:db8:1:2::1")
		for _, ip := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9"} {
			if wait := waits(h, u.Name, from(ip)); wait != time.Minute {
				t.Errorf("%s waits for %v", ip, wait)
			}
		}
		if got := h.Count("SELECT count(*) FROM throttles WHERE subject = ? AND in_a_row > 0", h.Keys.Subject(u.Name)); got != 0 {
			t.Error("what the address was refused counts against the name")
		}
		WantCode(t, "another network", verify(h, begin(h, u.Name, from("2001:db8:1:3::1")), wrong, from("2001:db8:1:3::1")), "signin.refused")
		known := home
		known.IP = "2001:db8:1:2::1"
		if err := verify(h, begin(h, u.Name, known), Password, known); err != nil {
			t.Errorf("a known browser from there gives %v", err)
		}
		h.Clock.Forward(time.Minute)
		spray(20, "2001:db8:1:2::1")
		if wait := waits(h, u.Name, from("2001:db8:1:2::1")); wait != 2*time.Minute {
			t.Errorf("the second time it waits for %v", wait)
		}
		h.Clock.Forward(10 * time.Minute)
		spray(19, "2001:db8:1:2::1")
		// Who gets in takes their own try off the count.
		if err := verify(h, begin(h, u.Name, from("2001:db8:1:2::1")), Password, from("2001:db8:1:2::1")); err != nil {
			t.Errorf("the right one gives %v", err)
		}
		if got := h.Count("SELECT in_a_row FROM throttles WHERE way = 'address' AND subject = ?", h.Keys.Subject("address 2001:db8:1:2::/64")); got != 19 {
			t.Errorf("%d count against the address, want 19", got)
		}
	})
}

// TestManyBrowsersAtOnceGetTenCodes: many attempts for one name, all at once.
func TestManyBrowsersAtOnceGetTenCodes(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		attempts := make([]signin.Attempt, 100)
		for i := range attempts {
			attempts[i] = at(h, u, signin.TOTP, Browser(fmt.Sprint(i)))
		}
		Tally(AtOnce(500, func(i int) error { return types(h, attempts[i%100], "000000", Browser(fmt.Sprint(i%100))) }))
		if got := h.Count("SELECT count(*) FROM audit_events WHERE reason = 'signin.code_wrong'"); got == 0 || got > 10 {
			t.Errorf("%d codes were looked at, want ten at most", got)
		}
	})
}

// TestAKnownBrowserAsksThePhoneWhileStrangersDo: it takes back what they asked, and
// is not held by it. “It is not me” holds everybody.
func TestAKnownBrowserAsksThePhoneWhileStrangersDo(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, home := h.User(h.Alder, "user1"), Browser("home")
		p, _ := h.PhoneOf(u)
		knownTo(h, u, home)
		var asked []string
		for i := range 3 {
			stranger := Browser(fmt.Sprint("stranger ", i))
			asked = append(asked, h.Begin(u.Name, signin.Phone, stranger))
			if i < 2 {
				h.Clock.Forward(2 * time.Minute)
				if err := h.Prompts.Lapse(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if held := heldFor(h, u.Name, Browser("a fourth")); held == "" {
			t.Error("a fourth stranger is not held")
		}
		own := h.Begin(u.Name, signin.Phone, home)
		if got := h.State(own, home); got != prompt.Pending {
			t.Fatalf("at home the request is %s", got)
		}
		if got := h.State(asked[2], Browser("stranger 2")); got != prompt.Expired {
			t.Errorf("the last one of the strangers is %s", got)
		}
		r := p.Open()
		if _, err := p.Answer(r, prompt.Report, "", ""); err != nil {
			t.Fatal(err)
		}
		if held := heldFor(h, u.Name, home); held != "reported" {
			t.Errorf("after “It is not me” home is held by %q", held)
		}
	})
}

// heldFor begins an attempt by phone and says why it is held.
func heldFor(h *House, name string, from signin.From) string {
	h.T.Helper()
	a := h.Attempt(h.Begin(name, signin.Phone, from), from)
	if a.PromptID != "" {
		return ""
	}
	pause, err := h.SignIn.HeldUntil(h.T.Context(), a)
	if err != nil {
		h.T.Fatal(err)
	}
	return pause.Reason
}

// TestAPauseIsRememberedInTheAudit by its way and in words that tell no more.
func TestAPauseIsRememberedInTheAudit(t *testing.T) {
	Each(t, func(h *House) {
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		fail(h, u.Name, 10, pc)
		if err := verify(h, begin(h, u.Name, pc), Password, pc); !errors.Is(err, fault.Throttled) || h.Events(audit.WayPaused) != 1 {
			h.T.Errorf("it gives %v, with %d events", err, h.Events(audit.WayPaused))
		}
	})
}

// TestASuccessDoesNotStandInTheWayOfTheNextTry: the success of a browser and a try
// of another that is known take the counts of a way in one order, so that neither
// waits for the other without end.
func TestASuccessDoesNotStandInTheWayOfTheNextTry(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		if h.DB.Dialect == store.SQLite {
			return // one writer at a time
		}
		const row = "INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?, 'somebody', ?, 1, ?)"
		for _, way := range []string{"password", "password:here"} {
			h.Set(row, h.Alder.ID, way, h.Clock.Now())
		}
		over := make(chan error, 1)
		err := h.DB.Act(ctx, func(tx *store.Tx) error {
			count := func(way string) error {
				return tx.Exec("UPDATE throttles SET in_a_row = in_a_row + 1 WHERE tenant_id = ? AND subject = 'somebody' AND way = ?", h.Alder.ID, way).Error
			}
			if err := count("password:here"); err != nil {
				return err
			}
			go func() {
				over <- h.DB.Act(ctx, func(tx *store.Tx) error {
					return errors.Join(throttle.Passed(tx, h.Alder.ID, "somebody", "password"), throttle.Clear(tx, h.Alder.ID, "somebody"))
				})
			}()
			for h.Count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
			return count("password")
		})
		if err != nil {
			t.Errorf("the try: %v", err)
		}
		if err := <-over; err != nil {
			t.Errorf("the success: %v", err)
		}
		if got := h.Count("SELECT sum(in_a_row) FROM throttles WHERE subject = 'somebody'"); got != 0 {
			t.Errorf("%d are counted after the success", got)
		}
	})
}
