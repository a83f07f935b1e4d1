package signin_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/app/fault"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// tried are the ways that the differential story has real authenticators of.
var tried = []struct {
	way signin.Way
	bit user.Ways
}{
	{signin.Password, user.WithPassword},
	{signin.Phone, user.WithPhone},
	{signin.TOTP, user.WithTOTP},
	{signin.Passkey, user.WithPasskey},
}

// situation is somebody with what they have, and a tenant with what it allows.
type situation struct {
	has      user.Ways
	mfa      string
	state    string
	off      user.Ways // ways that too many failures turned off
	noSignIn user.Ways
	noSecond user.Ways
	limited  user.Ways // ways for a group that they are in, or not
	member   bool
	tenant   string // its state
	verified bool   // its domain
	places   string
}

// named is a tenant that asks for more outside of a place that it has a name for.
const named = `[{"id":"office","name":"Office","networks":["198.51.100.0/24"]}]`

// situations are such as a generator makes them: what matters most often, whole, and of
// the rest enough for each to meet each.
func situations() (all []situation) {
	dice := rand.New(rand.NewPCG(3, 1415))
	pick := func(of ...user.Ways) user.Ways { return of[dice.IntN(len(of))] }
	some := func() (w user.Ways) { // mostly nothing
		if dice.IntN(3) == 0 {
			w = tried[dice.IntN(len(tried))].bit | pick(0, 0, tried[dice.IntN(len(tried))].bit)
		}
		return w
	}
	for _, mfa := range []string{user.MFADisabled, user.MFAEnabled, user.MFAEnforced} {
		for has := range 1 << len(tried) {
			s := situation{mfa: mfa, state: user.Active, tenant: "active", verified: true}
			for i, t := range tried {
				if has&(1<<i) != 0 {
					s.has |= t.bit
				}
			}
			all = append(all, s) // with nothing in its way
			whole := s
			for range 5 {
				s := whole
				s.off, s.noSignIn, s.noSecond, s.limited, s.member = some(), some(), some(), some(), dice.IntN(2) == 0
				if dice.IntN(2) == 0 { // as a tenant turns ways off: for every use
					s.noSignIn = tried[dice.IntN(len(tried))].bit
					s.noSecond = s.noSignIn
				}
				s.places = []string{"", named}[dice.IntN(2)]
				switch dice.IntN(12) {
				case 0:
					s.state = user.Locked
				case 1:
					s.state = user.Disabled
				case 2:
					s.tenant = "suspended"
				case 3:
					s.verified = false
				}
				all = append(all, s)
			}
		}
	}
	return all
}

// somebody is a user with authenticators that work.
type somebody struct {
	user.User
	phone *Phone
	app   *App
	key   *passkeytest.Authenticator
}

// TestWhoIsAbleSignsIn: what the guards count by is what a sign-in decides. Whoever is
// said to be able gets a session by trying all that they have, and nobody else does.
func TestWhoIsAbleSignsIn(t *testing.T) {
	Each(t, func(h *House) {
		h.SignIn.Passwords = plain{}
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','Ward',?)", h.Alder.ID, h.Clock.Now())
		yes, no := 0, 0
		for i, s := range situations() {
			who := equip(h, s, i)
			able, err := signin.Able(h.DB.View(h.T.Context()), h.Keys, h.Alder.ID, []string{who.ID})
			if err != nil {
				h.T.Fatal(err)
			}
			by, signsIn := tries(h, who, i)
			if able[who.ID] != signsIn {
				h.T.Errorf("%+v: Able says %t, and the sign-in %t by %s", s, able[who.ID], signsIn, by)
			}
			if signsIn {
				yes++
			} else {
				no++
			}
			settle(h)
		}
		if yes < 20 || no < 20 {
			h.T.Errorf("%d can sign in and %d cannot: that tells little", yes, no)
		}
	})
}

// equip makes the user of a situation, and the tenant as it is there.
func equip(h *House, s situation, i int) somebody {
	h.T.Helper()
	who := somebody{User: h.User(h.Alder, fmt.Sprintf("u%d", i))}
	if s.has.Has(user.WithPhone) {
		who.phone, _ = h.PhoneOf(who.User)
	}
	if s.has.Has(user.WithTOTP) {
		who.app = h.AppOf(who.User)
	}
	if s.has.Has(user.WithPasskey) {
		_, who.key = h.PasskeyOf(who.User)
	}
	if !s.has.Has(user.WithPassword) {
		h.Set("UPDATE users SET password_hash = '', ways = ways & ~1 WHERE id = ?", who.ID)
	}
	if got := user.Ways(h.Count("SELECT ways FROM users WHERE id = ?", who.ID)); got != s.has {
		h.T.Fatalf("they have %d, want %d", got, s.has)
	}
	h.Set("UPDATE users SET state = ?, mfa_state = ? WHERE id = ?", s.state, s.mfa, who.ID)
	for _, t := range tried {
		if s.off.Has(t.bit) {
			h.Set("INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?,?,?,?,?)", h.Alder.ID, h.Keys.Subject(who.Name), t.way, throttle.OffAfter, h.Clock.Now())
		}
		if s.limited.Has(t.bit) {
			h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,'ward')", h.Alder.ID, t.bit)
		}
	}
	if s.member {
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, who.ID, who.Name)
	}
	h.Set("UPDATE tenants SET state = ?, no_sign_in = ?, no_second = ?, limited_ways = ?, places = ?, match_mode_elsewhere = ? WHERE id = ?",
		s.tenant, s.noSignIn, s.noSecond, s.limited, s.places, tenant.Type6, h.Alder.ID)
	if !s.verified {
		h.Set("UPDATE domains SET verified_at = NULL WHERE tenant_id = ?", h.Alder.ID)
	}
	return who
}

// settle puts the tenant back.
func settle(h *House) {
	h.T.Helper()
	h.Set("DELETE FROM method_groups")
	h.Set("DELETE FROM throttles")
	h.Set("UPDATE tenants SET state = 'active', no_sign_in = 0, no_second = 0, limited_ways = 0")
	h.Set("UPDATE domains SET verified_at = ? WHERE verified_at IS NULL", h.Clock.Now())
}

// tries tries each way first and, halfway, each that is offered then. It gives by which
// somebody got a session.
func tries(h *House, who somebody, i int) (by string, signsIn bool) {
	h.T.Helper()
	for _, first := range tried {
		for _, second := range tried {
			h.Clock.Forward(time.Hour) // so that the phone may be asked again
			pc := Browser(fmt.Sprint("browser ", i, first.way, second.way))
			a := at(h, who.User, first.way, pc)
			if a.Way != first.way {
				break // it is not offered
			}
			done, err := proves(h, who, a, pc)
			if err != nil {
				break
			}
			if done.Halfway {
				if h.SignIn.Choose(h.T.Context(), a.ID, second.way, "", pc) != nil {
					continue
				}
				if done, err = proves(h, who, h.Attempt(a.ID, pc), pc); err != nil || done.Halfway {
					continue
				}
			}
			s, err := session.Find(h.T.Context(), h.DB, done.Cookie)
			if err != nil || s.UserID != who.ID {
				h.T.Fatalf("the session is %+v, %v", s, err)
			}
			return s.AMR, true
		}
	}
	return "nothing", false
}

var errHasNone = errors.New("they have none")

// proves gives in an attempt what it asks for, when they have it. Whatever is no answer
// to that question fails the story.
func proves(h *House, who somebody, a signin.Attempt, pc signin.From) (done signin.Done, err error) {
	h.T.Helper()
	ctx := h.T.Context()
	defer func() {
		if err != nil && !errors.Is(err, errHasNone) && !errors.Is(err, fault.Refused) && !errors.Is(err, fault.Throttled) {
			h.T.Fatalf("%s of %s: %v", a.Way, who.Name, err)
		}
	}()
	switch a.Way {
	case signin.Password:
		return h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
	case signin.TOTP:
		if who.app == nil {
			return done, errHasNone
		}
		return h.SignIn.VerifyCode(ctx, a.ID, who.app.Next(), pc)
	case signin.Passkey:
		if who.key == nil {
			return done, errHasNone
		}
		return signs(h, a, who.key.Sign(h.T, h.AskPasskey(a, pc)), pc)
	}
	if who.phone == nil {
		return done, errHasNone
	}
	open, err := h.Prompts.Open(ctx, who.phone.ID)
	if err != nil || len(open) != 1 {
		return done, errors.Join(err, errHasNone)
	}
	if _, err := who.phone.Answer(open[0], prompt.Approve, h.Number(open[0].ID), PIN); err != nil {
		return done, err
	}
	return h.SignIn.Finish(ctx, a.ID, pc)
}
