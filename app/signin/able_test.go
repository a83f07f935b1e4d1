package signin_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/passcode"
	"latchkey/app/passkey/passkeytest"
	"latchkey/app/prompt"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// tried are all ways, of which the differential story has real authenticators: those
// that a user has for long, and those that they have besides.
var (
	tried = []struct {
		way signin.Way
		bit user.Ways
	}{
		{signin.Password, user.WithPassword},
		{signin.Phone, user.WithPhone},
		{signin.TOTP, user.WithTOTP},
		{signin.Passkey, user.WithPasskey},
		{signin.PrintedCode, user.WithPrintedCode},
		{signin.Voice, user.WithVoice},
		{signin.SMS, user.WithSMS},
		{signin.StaticPasscode, user.WithStaticPasscode},
	}
	lasting, besides = tried[:4], tried[4:]
)

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
	carried  bool   // it has somebody who carries codes
	role     string // that was given when they had all this
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
	add := func(mfa string, has user.Ways) {
		s := situation{mfa: mfa, has: has, state: user.Active, tenant: "active", verified: true, carried: true}
		all = append(all, s) // with nothing in its way
		whole := s
		for range 2 {
			s := whole
			s.off, s.noSignIn, s.noSecond, s.limited, s.member = some(), some(), some(), some(), dice.IntN(2) == 0
			if dice.IntN(2) == 0 { // as a tenant turns ways off: for every use
				s.noSignIn = tried[dice.IntN(len(tried))].bit
				s.noSecond = s.noSignIn
			}
			s.places = []string{"", named}[dice.IntN(2)]
			switch dice.IntN(16) {
			case 0:
				s.state = user.Locked
			case 1:
				s.state = user.Disabled
			case 2:
				s.tenant = "suspended"
			case 3:
				s.verified = false
			case 4, 5:
				s.carried = false
			case 6, 7:
				s.role = string(access.RoleHelpdesk)
			}
			all = append(all, s)
		}
	}
	subset := func(of int, ways []struct {
		way signin.Way
		bit user.Ways
	},
	) (has user.Ways) {
		for i, t := range ways {
			if of&(1<<i) != 0 {
				has |= t.bit
			}
		}
		return has
	}
	states := []string{user.MFADisabled, user.MFAEnabled, user.MFAEnforced}
	for _, mfa := range states {
		for some := range 1 << len(lasting) {
			add(mfa, subset(some, lasting)|pick(0, subset(dice.IntN(1<<len(besides)), besides)))
		}
	}
	for some := range 1 << len(besides) {
		add(states[dice.IntN(len(states))], subset(some, besides)|pick(0, user.WithPassword, lasting[dice.IntN(len(lasting))].bit))
	}
	return all
}

// somebody is a user with authenticators that work.
type somebody struct {
	user.User
	phone *Phone
	app   *App
	key   *passkeytest.Authenticator

	sheet    []secret.Token // of codes, those that are left
	numbers  map[signin.Way]string
	passcode secret.Token
}

// TestWhoIsAbleSignsIn: what the guards count by is what a sign-in decides. Whoever is
// said to be able gets a session by trying all that they have, and nobody else does.
func TestWhoIsAbleSignsIn(t *testing.T) {
	Walk(t, func(h *House) {
		h.SignIn.Passwords = plain{}
		swiftly(h)
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','Ward',?)", h.Alder.ID, h.Clock.Now())
		yes, no := 0, 0
		for i, s := range situations() {
			who := equip(h, s, i)
			able, err := signin.Able(h.DB.View(h.T.Context()), h.Keys, h.Alder.ID, []string{who.ID})
			if err != nil {
				h.T.Fatal(err)
			}
			by, signsIn := tries(h, &who, i)
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
	if s.has.Has(user.WithPrintedCode) {
		made := h.SheetOf(who.User)
		who.sheet = made.Codes[:]
	}
	carried(h, h.Alder.ID)
	who.numbers = map[signin.Way]string{}
	for n, way := range []signin.Way{signin.SMS, signin.Voice} {
		if s.has.Has(boundTo(way)) {
			who.numbers[way] = fmt.Sprintf("+4915%d1%07d", n, i)
			numbered(h, who.User, who.numbers[way], provider.Channel(way))
		}
	}
	if !s.carried {
		h.Set("DELETE FROM providers")
	}
	if s.has.Has(user.WithStaticPasscode) {
		who.passcode = passcodeOf(h, who.User)
	}
	if s.role != "" {
		h.Act(func(tx *store.Tx) error {
			return user.Assign(tx, h.Alder.ID, who.ID, access.Role(s.role), audit.Service, audit.Origin{})
		})
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

// boundTo is what the user of a way has bound.
func boundTo(way signin.Way) user.Ways {
	for _, t := range tried {
		if t.way == way {
			return t.bit
		}
	}
	return 0
}

// passcodeOf gives somebody a static passcode for a day, which two people approved.
func passcodeOf(h *House, u user.User) secret.Token {
	h.T.Helper()
	h.Set("UPDATE tenants SET no_sign_in = no_sign_in & ~CAST(? AS integer) WHERE id = ?", user.WithStaticPasscode, u.TenantID)
	var id string
	h.Act(func(tx *store.Tx) (err error) {
		id, err = passcode.Add(tx, passcode.Grant{TenantID: u.TenantID, UserID: u.ID, RequestedBy: "one", ApprovedBy: "another", Reason: "a story", Hours: 24})
		return err
	})
	shown, err := h.SignIn.Passcodes.Show(h.T.Context(), u.TenantID, id, "one", audit.Origin{})
	if err != nil {
		h.T.Fatal(err)
	}
	return shown.Code
}

// settle puts the tenant back.
func settle(h *House) {
	h.T.Helper()
	h.Set("DELETE FROM method_groups")
	h.Set("DELETE FROM throttles")
	h.Set("DELETE FROM providers")
	h.Set("UPDATE tenants SET state = 'active', no_sign_in = 0, no_second = 0, limited_ways = 0")
	h.Set("UPDATE domains SET verified_at = ? WHERE verified_at IS NULL", h.Clock.Now())
}

// tries tries each way first and, halfway, each that is offered then. It gives by which
// somebody got a session.
func tries(h *House, who *somebody, i int) (by string, signsIn bool) {
	h.T.Helper()
	for _, first := range tried {
		for _, second := range tried {
			// Time goes by, so that the phone may be asked and a code be sent again; but not
			// the day that a static passcode works.
			h.Clock.Forward(time.Minute)
			h.Set("DELETE FROM prompts")
			h.Set("DELETE FROM code_times")
			h.Set("DELETE FROM message_days")
			pc := Browser(fmt.Sprint("browser ", i, first.way, second.way))
			a := at(h, who.User, first.way, pc)
			if a.Way != first.way { // one that is sent comes first to nobody, and to who asks for it
				if h.SignIn.Choose(h.T.Context(), a.ID, first.way, "", pc) != nil {
					break // it is not offered
				}
				a = h.Attempt(a.ID, pc)
			}
			done, err := proves(h, who, a, pc)
			if err != nil {
				break
			}
			if done.Halfway {
				if h.Attempt(a.ID, pc).Way != second.way && h.SignIn.Choose(h.T.Context(), a.ID, second.way, "", pc) != nil {
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
func proves(h *House, who *somebody, a signin.Attempt, pc signin.From) (done signin.Done, err error) {
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
	case signin.PrintedCode:
		if who.sheet == nil {
			return done, errHasNone
		}
		return h.SignIn.VerifyCode(ctx, a.ID, who.sheet[a.CodeNumber-1].Reveal(), pc)
	case signin.SMS, signin.Voice:
		code := codeTo(h, who.numbers[a.Way])
		if code == "" {
			return done, errHasNone
		}
		return h.SignIn.VerifyPhoneCode(ctx, a.ID, code, pc)
	case signin.StaticPasscode:
		if who.passcode.Empty() {
			return done, errHasNone
		}
		return h.SignIn.VerifyCode(ctx, a.ID, who.passcode.Reveal(), pc)
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
