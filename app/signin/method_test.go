package signin_test

import (
	"slices"
	"testing"

	"latchkey/app/audit"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// turnOff turns ways off in Alder, for a use or for all.
func turnOff(h *House, ways user.Ways, columns ...string) {
	h.T.Helper()
	if len(columns) == 0 {
		columns = []string{"no_sign_in", "no_second", "no_recovery"}
	}
	for _, column := range columns {
		h.Set("UPDATE tenants SET "+column+" = "+column+" | ? WHERE id = ?", ways, h.Alder.ID)
	}
}

// TestAWayThatIsOffIsNotOffered, to nobody, and begins nothing.
func TestAWayThatIsOffIsNotOffered(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		turnOff(h, user.WithTOTP)
		for _, name := range []string{u.Name, "nobody@alder.example"} {
			a := h.Attempt(h.Begin(name, signin.TOTP, pc), pc)
			if a.Way != signin.Password {
				t.Errorf("%s begins with %s", name, a.Way)
			}
			offered, err := h.SignIn.Offers(t.Context(), a)
			if err != nil || slices.Contains(offered, signin.TOTP) || !slices.Contains(offered, signin.Phone) {
				t.Errorf("%s is offered %v, %v", name, offered, err)
			}
			WantCode(t, "choosing it", h.SignIn.Choose(t.Context(), a.ID, signin.TOTP, "", pc), "form.wrong")
		}
		turnOff(h, user.WithPassword)
		if a := h.Attempt(h.Begin(u.Name, signin.Password, pc), pc); a.Way == signin.Password || a.Way == signin.TOTP {
			t.Errorf("without a password it begins with %s", a.Way)
		}
		if a := h.Attempt(h.Begin("user1@birch.example", signin.TOTP, pc), pc); a.Way != signin.TOTP {
			t.Errorf("in another tenant it begins with %s", a.Way)
		}
	})
}

// TestAWayThatIsTurnedOffMeanwhileIsNotTaken: between the page and the answer.
func TestAWayThatIsTurnedOffMeanwhileIsNotTaken(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		p, _ := h.PhoneOf(u)
		byPassword := at(h, u, signin.Password, pc)
		turnOff(h, user.WithPassword)
		WantCode(t, "the password", verify(h, byPassword, Password, pc), "signin.refused")
		addressed := approved(h, u, p, pc)
		turnOff(h, user.WithPhone)
		_, err := h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "the phone", err, "signin.refused")
		if n := h.Count("SELECT count(*) FROM sessions WHERE amr <> '' AND browser_digest = ?", pc.BrowserDigest); n != 0 {
			t.Errorf("%d sessions were made", n)
		}
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		if err := verify(h, byPassword, Password, pc); err != nil {
			t.Errorf("on again the password gives %v", err)
		}
		if _, err := h.SignIn.Finish(ctx, addressed, pc); err != nil {
			t.Errorf("on again the phone gives %v", err)
		}
	})
}

// TestASecondFactorThatIsOffIsNone: it is neither offered nor taken halfway, and
// where it was the only one the way in is closed.
func TestASecondFactorThatIsOffIsNone(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		p, _ := h.PhoneOf(u)
		h.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", u.ID)
		a := at(h, u, signin.Password, pc)
		if done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc); err != nil || !done.Halfway {
			t.Fatalf("the first factor gives %+v, %v", done, err)
		}
		r := p.Open()
		if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
			t.Fatal(err)
		}
		turnOff(h, user.WithPhone, "no_second")
		_, err := h.SignIn.Finish(ctx, a.ID, pc)
		WantCode(t, "the second factor that is off now", err, "signin.refused")
		if offered, err := h.SignIn.Offers(ctx, h.Attempt(a.ID, pc)); err != nil || len(offered) != 0 {
			t.Errorf("halfway it is offered %v, %v", offered, err)
		}
		// By itself the phone signs in as before.
		addressed := approved(h, u, p, pc)
		if _, err := h.SignIn.Finish(ctx, addressed, pc); err != nil {
			t.Errorf("by itself the phone gives %v", err)
		}
		// Enabled, and with no second factor that is on: the password is enough.
		h.Set("UPDATE users SET mfa_state = 'enabled' WHERE id = ?", u.ID)
		if done, err := h.SignIn.VerifyPassword(ctx, at(h, u, signin.Password, pc).ID, Password, pc); err != nil || done.Halfway {
			t.Errorf("while it is enabled the password gives %+v, %v", done, err)
		}
	})
}

// TestAFirstFactorThatIsGoneCountsForNothingHalfway: it was removed, or turned off,
// between the first factor and the second one.
func TestAFirstFactorThatIsGoneCountsForNothingHalfway(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		for name, gone := range map[string]func(u user.User){
			"removed": func(u user.User) {
				if err := h.TOTPs.Remove(ctx, totp.Owner{TenantID: u.TenantID, UserID: u.ID}, audit.Origin{}); err != nil {
					t.Fatal(err)
				}
			},
			"replaced":  func(u user.User) { h.AppOf(u) },
			"off":       func(user.User) { turnOff(h, user.WithTOTP) },
			"unbound":   func(u user.User) { h.Set("UPDATE totps SET state = 'ended' WHERE user_id = ?", u.ID) },
			"untouched": func(user.User) {},
		} {
			u, pc := h.User(h.Alder, "user-"+name), Browser("PC")
			app := h.AppOf(u)
			p, _ := h.PhoneOf(u)
			h.Demand(u, user.MFAEnforced)
			proved := func() string {
				a := at(h, u, signin.TOTP, pc)
				if done, err := h.SignIn.VerifyCode(ctx, a.ID, app.Next(), pc); err != nil || !done.Halfway {
					t.Fatalf("%s: the first factor gives %+v, %v", name, done, err)
				}
				return a.ID
			}
			byPhone := proved()
			r := p.Open()
			if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
				t.Fatal(err)
			}
			byPassword := proved()
			if err := h.SignIn.Choose(ctx, byPassword, signin.Password, "", pc); err != nil {
				t.Fatal(err)
			}
			gone(u)
			_, err := h.SignIn.Finish(ctx, byPhone, pc)
			_, also := h.SignIn.VerifyPassword(ctx, byPassword, Password, pc)
			h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
			if name == "untouched" {
				if err != nil || also != nil {
					t.Errorf("untouched: %v, %v", err, also)
				}
				continue
			}
			WantCode(t, name+", by phone", err, "signin.refused")
			WantCode(t, name+", by password", also, "signin.refused")
		}
	})
}

// TestNoStepUpByWhatProvesNothing: a static passcode is the password's page instead.
func TestNoStepUpByWhatProvesNothing(t *testing.T) {
	Each(t, func(h *House) {
		h.Set("UPDATE tenants SET no_sign_in = 0, no_second = 0, no_recovery = 0")
		u := h.User(h.Alder, "user1")
		s, _ := signedIn(h, u)
		for _, way := range []signin.Way{signin.StaticPasscode, signin.SMS, signin.Voice} {
			a := stepUp(h, s, way, Browser("PC"))
			if a.Way != signin.Password {
				h.T.Errorf("a step-up by %s begins with %s", way, a.Way)
			}
			h.Set("UPDATE attempts SET way = ? WHERE state = 'open'", way)
			_, err := h.SignIn.VerifyCode(h.T.Context(), a.ID, "x", Browser("PC"))
			WantCode(h.T, "proving it so", err, "signin.refused")
		}
	})
}

// TestAWayForAGroupIsForItsMembers: to others it is shown, so that the page does not
// tell who is in a group, and not taken.
func TestAWayForAGroupIsForItsMembers(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.SignIn.Passwords = plain{}
		in, out, pc := h.User(h.Alder, "user1"), h.User(h.Alder, "user2"), Browser("PC")
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'g','Field',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'g',?,?)", h.Alder.ID, in.ID, in.Name)
		h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'g')", h.Alder.ID, user.WithPassword)
		h.Set("UPDATE tenants SET limited_ways = ? WHERE id = ?", user.WithPassword, h.Alder.ID)
		if err := verify(h, at(h, in, signin.Password, pc), Password, pc); err != nil {
			t.Errorf("a member: %v", err)
		}
		WantCode(t, "somebody else", verify(h, at(h, out, signin.Password, pc), Password, pc), "signin.refused")
		id, cookie := h.Session(out)
		h.Set("UPDATE sessions SET amr = ? WHERE id = ?", session.ByPhone, id) // by a way that is on
		if s, err := session.Find(t.Context(), h.DB, cookie); err != nil || s.Ways.Has(user.WithPassword) {
			t.Errorf("in a session of theirs it counts: %b, %v", s.Ways, err)
		}
		h.Set("DELETE FROM group_members WHERE user_id = ?", in.ID)
		WantCode(t, "a member of before", verify(h, at(h, in, signin.Password, pc), Password, pc), "signin.refused")
	})
}

// TestTheStrongestFirst: where the policy says so habit does not count, and a
// browser that is new is not told what a name has.
func TestTheStrongestFirst(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, home := h.User(h.Alder, "user1"), Browser("home")
		knownTo(h, u, home)
		h.Set("UPDATE tenants SET strongest_first = TRUE WHERE id = ?", h.Alder.ID)
		first := func(name string, from signin.From) signin.Way {
			return h.Attempt(h.Begin(name, signin.Password, from), from).Way
		}
		strongest := first("nobody@alder.example", Browser("new"))
		if strongest == signin.Password || first(u.Name, Browser("new")) != strongest {
			t.Errorf("a browser that is new sees %s of a name and %s of nobody", first(u.Name, Browser("new")), strongest)
		}
		if way := first(u.Name, home); way != signin.Password {
			t.Errorf("at home somebody with a password alone sees %s", way)
		}
		h.PhoneOf(u)
		if way := first(u.Name, home); way != signin.Phone {
			t.Errorf("at home somebody with a phone sees %s", way)
		}
		if way := h.Attempt(h.Begin("user9@birch.example", signin.Password, home), home).Way; way != signin.Password {
			t.Errorf("in another tenant it is %s", way)
		}
	})
}

// TestFewerTriesWhereThePolicySaysSo.
func TestFewerTriesWhereThePolicySaysSo(t *testing.T) {
	Each(t, func(h *House) {
		h.SignIn.Passwords = plain{}
		h.Set("UPDATE tenants SET tries_most = 3 WHERE id = ?", h.Alder.ID)
		u, pc := h.User(h.Alder, "user1"), Browser("PC")
		fail(h, u.Name, 3, pc)
		waits(h, u.Name, pc)
	})
}

// TestNothingIsBoundOfAWayThatIsOff, begun before or after; what is bound stays.
func TestNothingIsBoundOfAWayThatIsOff(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u, other := h.User(h.Alder, "user1"), h.User(h.Birch, "user1")
		app := h.AppOf(u)
		session, _ := h.Session(u)
		by, passkeys := totp.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, h.OwnerOf(u)
		begun, err := h.TOTPs.Begin(ctx, by, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := h.TOTPs.Show(ctx, by, begun, "Alder Health", u.Name)
		if err != nil {
			t.Fatal(err)
		}
		options, err := h.Passkeys.Begin(ctx, passkeys)
		if err != nil {
			t.Fatal(err)
		}
		link := h.Invite(u)
		turnOff(h, user.WithTOTP|user.WithPasskey|user.WithPhone)

		code, err := secret.OneTimeCode(shown.Seed, totp.Step(h.Clock.Now()))
		if err != nil {
			t.Fatal(err)
		}
		for claim, do := range map[string]func() error{
			"an app begun":    func() error { _, err := h.TOTPs.Begin(ctx, by, audit.Origin{}); return err },
			"an app proved":   func() error { return h.TOTPs.Confirm(ctx, by, begun, code, audit.Origin{}) },
			"a passkey asked": func() error { _, err := h.Passkeys.Begin(ctx, passkeys); return err },
			"a passkey made": func() error {
				_, err := h.Passkeys.Bind(ctx, passkeys, "Laptop", passkeytest.New(t, PublicURL).Make(t, options), audit.Origin{})
				return err
			},
			"a phone invited": func() error { _, err := h.Devices.Invite(ctx, u.TenantID, u.ID, session, audit.Origin{}); return err },
			"a phone that comes": func() error {
				_, err := h.Devices.Enrol(ctx, h.NewPhone().Candidate(link.Token), audit.Origin{})
				return err
			},
		} {
			WantCode(t, claim, do(), "method.off")
		}
		if n := h.Count("SELECT count(*) FROM totps WHERE id = ? AND state = 'active'", app.ID); n != 1 {
			t.Error("the app that was there is gone")
		}
		if n := h.Count("SELECT count(*) FROM devices") + h.Count("SELECT count(*) FROM passkeys"); n != 0 {
			t.Errorf("%d were bound", n)
		}
		h.PhoneOf(other) // another organisation has it on
	})
}

// TestWhatMayComeFirst: nobody prefers what is off, what is sent, or what is gone
// tomorrow.
func TestWhatMayComeFirst(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		prefer := func(w signin.Way) error {
			return h.SignIn.Prefer(ctx, u.TenantID, u.ID, u.Name, w, audit.Origin{})
		}
		h.Set("UPDATE tenants SET no_sign_in = 0") // static passcodes are on as well
		may, err := h.SignIn.Preferable(ctx, u.TenantID, u.ID)
		if want := []signin.Way{signin.Passkey, signin.Phone, signin.TOTP, signin.PrintedCode, signin.Password}; err != nil || !slices.Equal(may, want) {
			t.Errorf("%v, %v; want %v", may, err, want)
		}
		for _, w := range []signin.Way{signin.StaticPasscode, signin.SMS, signin.Voice, "none", ""} {
			WantCode(t, "preferring "+string(w), prefer(w), "form.wrong")
		}
		if err := prefer(signin.TOTP); err != nil {
			t.Error(err)
		}
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'staff','Staff',?)", u.TenantID, h.Clock.Now())
		h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'staff')", u.TenantID, user.WithPasskey)
		h.Set("UPDATE tenants SET limited_ways = ? WHERE id = ?", user.WithPasskey, u.TenantID)
		turnOff(h, user.WithTOTP, "no_sign_in")
		may, err = h.SignIn.Preferable(ctx, u.TenantID, u.ID)
		if want := []signin.Way{signin.Phone, signin.PrintedCode, signin.Password}; err != nil || !slices.Equal(may, want) {
			t.Errorf("with an app off and passkeys for a group %v, %v; want %v", may, err, want)
		}
		for _, w := range []signin.Way{signin.TOTP, signin.Passkey} {
			WantCode(t, "preferring "+string(w), prefer(w), "form.wrong")
		}
		if way, err := h.SignIn.Habit(ctx, u.TenantID, u.Name); err != nil || way != signin.TOTP {
			t.Errorf("what is preferred is %s, %v", way, err)
		}
	})
}
