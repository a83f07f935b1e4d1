package breakglass_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/breakglass"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/passkey"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// TestTwoPeopleMakeAnAccount: nobody alone, nobody below, and one of the two prints it once.
func TestTwoPeopleMakeAnAccount(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		for _, who := range []user.User{o.admin, o.Admin(o.Alder, "auditor", access.RoleAuditor), o.User(o.Alder, "nurse")} {
			if _, err := o.submit(who, breakglass.KindMake, "", breakglass.Made{Name: one, DisplayName: "The safe"}); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s asks for an account = %v", who.Name, err)
			}
		}
		for field, made := range map[string]breakglass.Made{"name": {Name: "nobody@elsewhere.example", DisplayName: "x"}, "display_name": {Name: one}} {
			_, err := o.submit(o.first, breakglass.KindMake, "", made)
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields[field] == "" || len(f.Fields) != 1 {
				t.Errorf("%+v = %v, want that %s is wrong", made, err, field)
			}
		}
		if _, err := o.submit(o.first, breakglass.KindMake, "", breakglass.Made{Name: o.second.Name, DisplayName: "x"}); fault.Of(err) == nil || fault.Of(err).Fields["name"] != "user.name_taken" {
			t.Errorf("a name that somebody has = %v", err)
		}
		out, err := o.submit(o.first, breakglass.KindMake, "", breakglass.Made{Name: one, DisplayName: "The safe"})
		if err != nil || !out.Waits() {
			t.Fatalf("it = %+v, %v", out, err)
		}
		for _, who := range []user.User{o.first, o.admin} {
			if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, who.ID, approval.Given{}); err == nil {
				t.Errorf("%s approves it", who.Name)
			}
		}
		if err := o.approvals.Approve(t.Context(), o.Alder.ID, out.RequestID, o.second.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		id := o.Text("SELECT id FROM users WHERE name = ? AND break_glass", one)
		if role := o.Text("SELECT role FROM role_assignments WHERE user_id = ?", id); role != string(access.RoleSecurityAdministrator) {
			t.Errorf("it holds %q", role)
		}
		if _, err := o.enter(one, "", "203.0.113.1"); !errors.Is(err, fault.Refused) {
			t.Errorf("before a sheet is printed nothing lets in: %v", err)
		}
		for _, who := range []user.User{o.third, o.admin} {
			if _, err := o.glass.Print(t.Context(), o.Alder.ID, id, who.ID, audit.Origin{}); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s prints it = %v", who.Name, err)
			}
		}
		if _, err := o.glass.Print(t.Context(), o.Birch.ID, id, o.first.ID, audit.Origin{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("another organisation prints it = %v", err)
		}
		won := atomic.Int64{}
		for _, err := range AtOnce(6, func(i int) error {
			by := []user.User{o.first, o.second}[i%2]
			_, err := o.glass.Print(t.Context(), o.Alder.ID, id, by.ID, audit.Origin{})
			if err == nil {
				won.Add(1)
			}
			return err
		}) {
			if err != nil && !errors.Is(err, fault.Conflict) {
				t.Errorf("printing at once: %v", err)
			}
		}
		if won.Load() != 1 || o.Events(audit.BreakGlassSealed) != 1 || o.Events(audit.BreakGlassMade) != 1 {
			t.Errorf("it is printed %d times, with %d events", won.Load(), o.Events(audit.BreakGlassSealed))
		}
		if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.third.ID, audit.BreakGlassSealed); n != 1 {
			t.Errorf("the third is told %d times that it was printed", n)
		}
	})
}

// meanwhile hashes, and something happens before that is done.
type meanwhile struct {
	breakglass.Passwords
	do func()
}

func (m meanwhile) Hash(ctx context.Context, code string) (string, error) {
	m.do()
	return m.Passwords.Hash(ctx, code)
}

// TestWhoMayPrintIsAskedAgain when the sheet is made: hashing may have waited.
func TestWhoMayPrintIsAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id := o.account(one)
		o.glass.Passwords = meanwhile{o.Passwords, func() { o.Set("DELETE FROM role_assignments WHERE user_id = ?", o.first.ID) }}
		if _, err := o.glass.Print(t.Context(), o.Alder.ID, id, o.first.ID, audit.Origin{}); !errors.Is(err, fault.Forbidden) {
			t.Errorf("without the role = %v", err)
		}
		if _, err := o.glass.Print(t.Context(), o.Alder.ID, id, o.second.ID, audit.Origin{}); err != nil {
			t.Errorf("the other of the two = %v", err)
		}
	})
}

// TestASheetThatIsNotPrintedLapses, and another one can be asked for.
func TestASheetThatIsNotPrintedLapses(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id := o.account(one)
		if _, err := o.submit(o.first, breakglass.KindSeal, id, nil); fault.Of(err) == nil || fault.Of(err).Code != "break_glass.waits" {
			t.Errorf("a second one = %v", err)
		}
		o.Clock.Forward(breakglass.PrintLife)
		if _, err := o.glass.Print(t.Context(), o.Alder.ID, id, o.first.ID, audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("at the last instant = %v", err)
		}
		replicas := []*office{o, o.beside()}
		for _, err := range AtOnce(4, func(i int) error { return replicas[i%2].glass.Lapse(t.Context()) }) {
			if err != nil {
				t.Error(err)
			}
		}
		if n := o.Events(audit.BreakGlassLapsed); n != 1 {
			t.Errorf("it lapsed %d times", n)
		}
		o.twice(breakglass.KindSeal, id, nil)
		o.print(id)
	})
}

// TestASheetLetsInOnce: of many at once one, with the bells rung, and never again until it
// is sealed anew.
func TestASheetLetsInOnce(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		o.PhoneOf(o.third)
		o.Set("UPDATE devices SET push_subscription = '{}' WHERE user_id = ?", o.third.ID)
		o.Set("DELETE FROM notices")
		code := sheet.Code.Reveal()
		if len(breakglass.Typed(code)) != 28 {
			t.Errorf("the code has %d letters", len(breakglass.Typed(code)))
		}
		won := make([]breakglass.Entered, 24)
		for i, err := range AtOnce(len(won), func(i int) (err error) {
			won[i], err = o.enter(one, strings.ToLower(strings.ReplaceAll(code, "-", " ")), "203.0.113.1")
			return err
		}) {
			if err != nil && !errors.Is(err, fault.Refused) && !errors.Is(err, fault.Throttled) && !errors.Is(err, fault.Unavailable) {
				t.Errorf("%d: %v", i, err)
			}
		}
		sessions := o.Count("SELECT count(*) FROM sessions WHERE user_id = ?", id)
		if sessions != 1 || o.Events(audit.BreakGlassUsed) != 1 {
			t.Fatalf("it made %d sessions, with %d events", sessions, o.Events(audit.BreakGlassUsed))
		}
		for _, who := range []user.User{o.first, o.second, o.third, o.admin} {
			if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", who.ID, audit.BreakGlassUsed); n != 1 {
				t.Errorf("%s is told %d times", who.Name, n)
			}
		}
		if n := o.Count("SELECT count(*) FROM outbox WHERE kind = 'web_push'"); n < 1 {
			t.Errorf("%d pushes are owed", n)
		}
		if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ?", id); n != 0 {
			t.Errorf("the account is told of itself %d times", n)
		}
		if _, err := o.enter(one, code, "203.0.113.2"); !errors.Is(err, fault.Refused) {
			t.Errorf("the same sheet again = %v", err)
		}
		if a := o.found(id); a.Works() || a.UsedAt == nil || a.UsedFor != breakglass.ForSignIn || !a.SignedIn {
			t.Errorf("it is %+v", a)
		}
		var since *time.Time
		o.Act(func(tx *store.Tx) (err error) { since, err = breakglass.Open(tx, o.Alder.ID); return err })
		if since == nil {
			t.Error("the console does not say that it was used")
		}
		// The session is that of an hour.
		for _, in := range won {
			if in.Cookie.Empty() {
				continue
			}
			if in.Limited {
				t.Error("without a passkey it is limited")
			}
			o.Clock.Forward(breakglass.SessionLife - time.Second)
			o.Set("UPDATE sessions SET last_seen_at = ?", o.Clock.Now())
			if !o.Alive(in.Cookie) {
				t.Error("within the hour the session is over")
			}
			o.Clock.Forward(time.Second)
			if o.Alive(in.Cookie) {
				t.Error("it outlives the hour")
			}
		}
		o.twice(breakglass.KindSeal, id, nil)
		next := o.print(id)
		if _, err := o.enter(one, code, "203.0.113.3"); !errors.Is(err, fault.Refused) {
			t.Errorf("the sheet of before = %v", err)
		}
		if in, err := o.enter(one, next.Code.Reveal(), "203.0.113.4"); err != nil || in.Cookie.Empty() {
			t.Errorf("the next one = %+v, %v", in, err)
		}
	})
}

// TestAnotherSheetEndsWhatTheOneBeforeOpened.
func TestAnotherSheetEndsWhatTheOneBeforeOpened(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		in, err := o.enter(one, sheet.Code.Reveal(), "203.0.113.1")
		if err != nil {
			t.Fatal(err)
		}
		o.twice(breakglass.KindSeal, id, nil)
		if !o.Alive(in.Cookie) {
			t.Error("the session ends before the next sheet is printed")
		}
		o.print(id)
		if o.Alive(in.Cookie) {
			t.Error("it outlives the next sheet")
		}
	})
}

// TestWhatIsCheckedIsCheckedAgainWhenItIsUsed: the lock, the removal, the tenant.
func TestWhatIsCheckedIsCheckedAgainWhenItIsUsed(t *testing.T) {
	for claim, change := range map[string]func(o *office, id string){
		"locked":                func(o *office, id string) { o.Lock(user.User{TenantID: o.Alder.ID, ID: id}) },
		"removed":               func(o *office, id string) { o.twice(breakglass.KindRemove, id, nil) },
		"the tenant suspended":  func(o *office, _ string) { o.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", o.Alder.ID) },
		"sealed anew":           func(o *office, id string) { o.twice(breakglass.KindSeal, id, nil); o.print(id) },
		"the user no longer so": func(o *office, id string) { o.Set("UPDATE users SET break_glass = FALSE WHERE id = ?", id) },
	} {
		t.Run(claim, func(t *testing.T) {
			each(t, func(t *testing.T, o *office) {
				id, sheet := o.sealed(one)
				change(o, id)
				if in, err := o.enter(one, sheet.Code.Reveal(), "203.0.113.1"); !errors.Is(err, fault.Refused) || !in.Cookie.Empty() {
					t.Errorf("it lets in: %v", err)
				}
				if n := o.Count("SELECT count(*) FROM sessions WHERE user_id = ? AND ended_at IS NULL", id); n != 0 {
					t.Errorf("there are %d sessions", n)
				}
			})
		})
	}
}

// TestNobodyIsLockedOutByTheTriesOfOthers: failures pause the name from one address, for a
// while, and ring ten times; from elsewhere the sheet lets in all the time.
func TestNobodyIsLockedOutByTheTriesOfOthers(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		_, sheet := o.sealed(one)
		o.Set("DELETE FROM notices")
		refused, paused := 0, 0
		for day := range 3 {
			for range 130 {
				switch _, err := o.enter(one, "ABCD", "198.51.100.7"); {
				case errors.Is(err, fault.Refused):
					refused++
				case errors.Is(err, fault.Throttled):
					paused++
				default:
					t.Fatal(err)
				}
				o.Clock.Forward(10 * time.Minute)
			}
			if day == 0 && (refused > 100 || paused == 0) {
				t.Errorf("of 130 tries within a day %d were looked at", refused)
			}
		}
		if n := o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.admin.ID, audit.BreakGlassRefused); n == 0 || n > refused {
			t.Errorf("an administrator is told of %d refusals of %d", n, refused)
		}
		for range 30 {
			_, _ = o.enter(one, "ABCD", "198.51.100."+string(rune('1'+refused%9)))
			_, _ = o.enter("nobody@alder.example", "ABCD", "198.51.100.8")
		}
		if _, err := o.enter(one, sheet.Code.Reveal(), "203.0.113.1"); err != nil {
			t.Errorf("from elsewhere = %v", err)
		}
	})
}

// TestRefusalsRingTenTimesAnHour.
func TestRefusalsRingTenTimesAnHour(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.sealed(one)
		o.Set("DELETE FROM notices")
		tries := func(n int) {
			for i := range n {
				if _, err := o.enter(one, "ABCD", "198.51.100."+string(rune('A'+i))); !errors.Is(err, fault.Refused) {
					t.Fatal(err)
				}
			}
		}
		told := func() int {
			return o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.admin.ID, audit.BreakGlassRefused)
		}
		if tries(25); told() != 10 || o.Events(audit.BreakGlassRefused) != 25 {
			t.Errorf("of 25 refusals %d ring, and %d stand in the audit", told(), o.Events(audit.BreakGlassRefused))
		}
		o.Clock.Forward(time.Hour)
		if tries(1); told() != 11 {
			t.Errorf("in the next hour the first makes %d", told())
		}
	})
}

// TestNamesAreAlike: a name that is no account leaves the same and is answered alike.
func TestNamesAreAlike(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.sealed(one)
		o.Set("DELETE FROM notices")
		for _, name := range []string{one, o.second.Name, "nobody@alder.example", "nobody@nowhere.example", "no name"} {
			for i := range 11 {
				_, err := o.enter(name, "ABCD", "198.51.100.7")
				if want := map[bool]fault.Kind{true: fault.Refused, false: fault.Throttled}[i < 10]; !errors.Is(err, want) {
					t.Errorf("%q, try %d = %v, want %s", name, i+1, err, want)
				}
			}
		}
		if n := o.Count("SELECT count(DISTINCT detail) FROM notices WHERE action = ?", audit.BreakGlassRefused); n != 1 {
			t.Errorf("bells ring for %d names", n)
		}
	})
}

// TestNothingElseLetsTheAccountIn: not a password, not a passkey, though both are bound.
func TestNothingElseLetsTheAccountIn(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, _ := o.sealed(one)
		o.Set("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE id = ?) WHERE id = ?", o.first.ID, id)
		pc := Browser("PC")
		attempt := o.Begin(one, "password", pc)
		if done, err := o.SignIn.VerifyPassword(t.Context(), attempt, Password, pc); !errors.Is(err, fault.Refused) || !done.Cookie.Empty() {
			t.Errorf("a password = %v", err)
		}
		u := user.User{TenantID: o.Alder.ID, ID: id, Name: one}
		_, key := o.PasskeyOf(u)
		attempt = o.Begin(one, "passkey", pc)
		a := o.Attempt(attempt, pc)
		if done, err := o.SignIn.VerifyPasskey(t.Context(), attempt, key.Sign(t, o.AskPasskey(a, pc)), pc); !errors.Is(err, fault.Refused) || !done.Cookie.Empty() {
			t.Errorf("a passkey = %v", err)
		}
		if n := o.Count("SELECT count(*) FROM sessions WHERE user_id = ? AND ended_at IS NULL AND amr <> 'pwd'", id); n > 1 { // PasskeyOf made one to bind it in
			t.Errorf("there are %d sessions", n)
		}
	})
}

// TestRulesHoldNoSuchAccountBack: with every way off and passkeys rolled out to nobody, its
// passkey proves the session; the code alone is limited once there is one.
func TestRulesHoldNoSuchAccountBack(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, first := o.sealed(one)
		o.Act(func(tx *store.Tx) error {
			return feature.Store(tx, o.Alder.ID, feature.Passkeys, feature.Rule{Stage: feature.Off}, 1)
		})
		o.Set("UPDATE tenants SET no_sign_in = 511, no_second = 511, no_recovery = 511 WHERE id = ?", o.Alder.ID)
		in, err := o.enter(one, first.Code.Reveal(), "203.0.113.1")
		if err != nil {
			t.Fatal(err)
		}
		s, err := session.Find(t.Context(), o.DB, in.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Fresh(o.Clock.Now()) || s.Strongest() != session.Weak || s.Level() != session.OneFactor || !s.BreakGlass() {
			t.Errorf("the first session is %+v", s)
		}
		o.BindPasskey(passkey.Owner{TenantID: o.Alder.ID, UserID: id, UserName: one, SessionID: s.ID}, passkeytest.New(t, PublicURL))
		if s, err = session.Find(t.Context(), o.DB, in.Cookie); err != nil || !s.Ways.Has(user.WithPasskey) || s.Strongest() != session.Strong || s.Fresh(o.Clock.Now()) {
			t.Errorf("with a passkey it is %+v, %v", s, err)
		}
		o.twice(breakglass.KindSeal, id, nil)
		second := o.print(id)
		if in, err = o.enter(one, second.Code.Reveal(), "203.0.113.1"); err != nil || !in.Limited {
			t.Fatalf("the second sheet = %+v, %v", in, err)
		}
		if s, err = session.Find(t.Context(), o.DB, in.Cookie); err != nil || s.Unlimited() == nil {
			t.Errorf("it is not limited: %v", err)
		}
		if offers := s.Offers([]string{session.ByPasskey}); len(offers) != 1 {
			t.Errorf("it is proved by %v", offers)
		}
	})
}

// TestRemovingTakesEverything.
func TestRemovingTakesEverything(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		in, err := o.enter(one, sheet.Code.Reveal(), "203.0.113.1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.submit(o.admin, breakglass.KindRemove, id, nil); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a tenant administrator removes it = %v", err)
		}
		o.twice(breakglass.KindRemove, id, nil)
		if o.Alive(in.Cookie) || o.Text("SELECT state FROM users WHERE id = ?", id) != user.Disabled || o.Count("SELECT count(*) FROM role_assignments WHERE user_id = ?", id) != 0 {
			t.Error("something of it is left")
		}
		if _, err := o.submit(o.first, breakglass.KindRemove, id, nil); !errors.Is(err, fault.NotFound) {
			t.Errorf("removing it again = %v", err)
		}
		if all, err := o.glass.List(t.Context(), o.Alder.ID); err != nil || len(all) != 0 {
			t.Errorf("the list has %d, %v", len(all), err)
		}
	})
}

// TestADrillOpensNothing: the number on the outside proves that the sheet is there; a wrong
// one is remembered, the envelope stays shut, and the sheet works afterwards.
func TestADrillOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		_, other := o.sealed("break-glass-2@alder.example")
		number := sheet.Outside.Reveal()
		for claim, typed := range map[string]string{"a wrong number": "ABCD-EFGH", "that of another sheet": other.Outside.Reveal(), "none": "", "the code": sheet.Code.Reveal()} {
			if err := o.drill(o.third, id, typed); fault.Of(err) == nil || fault.Of(err).Fields["outside"] == "" {
				t.Errorf("%s = %v", claim, err)
			}
		}
		for _, who := range []user.User{o.admin, o.User(o.Alder, "nurse")} {
			if err := o.drill(who, id, number); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s does it = %v", who.Name, err)
			}
		}
		if o.found(id).DrilledAt != nil {
			t.Fatal("it counts as done")
		}
		if err := o.drill(o.third, id, strings.ToLower(number)); err != nil {
			t.Fatal(err)
		}
		if a := o.found(id); a.DrilledAt == nil || !a.Works() {
			t.Errorf("afterwards it is %+v", a)
		}
		if n := o.Count("SELECT count(*) FROM sessions WHERE user_id = ?", id); n != 0 {
			t.Errorf("it made %d sessions", n)
		}
		if n := o.Count("SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'failure'", audit.BreakGlassDrilled); n != 4 {
			t.Errorf("%d wrong numbers are remembered", n)
		}
		o.Lock(user.User{TenantID: o.Alder.ID, ID: id})
		if err := o.drill(o.third, id, number); fault.Of(err) == nil || fault.Of(err).Code != "break_glass.locked" {
			t.Errorf("of a locked one = %v", err)
		}
		o.Set("UPDATE users SET state = 'active' WHERE id = ?", id)
		if _, err := o.enter(one, sheet.Code.Reveal(), "203.0.113.1"); err != nil {
			t.Errorf("after the drill the sheet = %v", err)
		}
		if err := o.drill(o.third, id, number); fault.Of(err) == nil || fault.Of(err).Code != "break_glass.not_sealed" {
			t.Errorf("of a spent one = %v", err)
		}
	})
}

// TestWrongNumbersPauseADrill, and never for longer than a day.
func TestWrongNumbersPauseADrill(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		for range 10 {
			if err := o.drill(o.third, id, "ABCD-EFGH"); !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		if err := o.drill(o.third, id, sheet.Outside.Reveal()); !errors.Is(err, fault.Throttled) {
			t.Errorf("after ten wrong ones = %v", err)
		}
		if err := o.drill(o.second, id, sheet.Outside.Reveal()); err != nil {
			t.Errorf("somebody else = %v", err)
		}
		o.Set("UPDATE throttles SET in_a_row = 100")
		o.Clock.Forward(24 * time.Hour)
		if err := o.drill(o.third, id, sheet.Outside.Reveal()); err != nil {
			t.Errorf("a day later = %v", err)
		}
	})
}

// TestADrillIsAskedForOnceAQuarter, whichever replica is first.
func TestADrillIsAskedForOnceAQuarter(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		id, sheet := o.sealed(one)
		replicas := []*office{o, o.beside()}
		watch := func() int {
			t.Helper()
			for _, err := range AtOnce(4, func(i int) error { return replicas[i%2].glass.Watch(t.Context()) }) {
				if err != nil {
					t.Error(err)
				}
			}
			return o.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", o.third.ID, audit.BreakGlassDrillDue)
		}
		o.Clock.Forward(breakglass.DrillSpan - time.Second)
		if n := watch(); n != 0 {
			t.Errorf("a second before it is due %d are told", n)
		}
		o.Clock.Forward(time.Second)
		if n := watch(); n != 1 || o.Events(audit.BreakGlassDrillDue) != 1 {
			t.Errorf("when it is due they are told %d times", n)
		}
		if n := watch(); n != 1 {
			t.Errorf("asked again they are told %d times", n)
		}
		if err := o.drill(o.first, id, sheet.Outside.Reveal()); err != nil {
			t.Fatal(err)
		}
		o.Clock.Forward(breakglass.DrillSpan - time.Second)
		if n := watch(); n != 1 || o.found(id).DrillDue(o.Clock.Now()) {
			t.Errorf("before the next one they are told %d times", n)
		}
		o.Clock.Forward(time.Second)
		if n := watch(); n != 2 || !o.found(id).DrillDue(o.Clock.Now()) {
			t.Errorf("at the next one they are told %d times", n)
		}
	})
}
