package signin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/tenant"
)

// begin begins an attempt as the first page does, without touching habits.
func begin(h *House, name string, from signin.From) signin.Attempt {
	h.T.Helper()
	addressed, err := h.SignIn.Begin(h.T.Context(), name, "/me", from)
	if err != nil {
		h.T.Fatalf("Begin(%q) = %v", name, err)
	}
	return h.Attempt(addressed, from)
}

func TestTheDomainDecidesTheOrganisation(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		h.User(h.Alder, "user1")
		h.Set("INSERT INTO domains (domain, tenant_id, verified_at) VALUES ('second.example', ?, ?), ('unverified.example', ?, NULL)", h.Alder.ID, h.Clock.Now(), h.Alder.ID)
		suspended := h.Birch
		h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", suspended.ID)
		for typed, want := range map[string]string{
			"user1@alder.example":      h.Alder.ID,
			" User1@ALDER.example\t":   h.Alder.ID,
			"nobody@alder.example":     h.Alder.ID,
			"user1@second.example":     h.Alder.ID,
			"user1@unverified.example": tenant.Nowhere,
			"user1@sub.alder.example":  tenant.Nowhere,
			"user1@birch.example":      tenant.Nowhere,
			"user1@nowhere.example":    tenant.Nowhere,
		} {
			a := begin(h, typed, Browser("a PC"))
			name := ""
			if want == h.Alder.ID {
				name = "Alder Health"
			}
			if a.TenantID != want || a.TenantName != name || a.Name != strings.ToLower(strings.TrimSpace(typed)) {
				t.Errorf("Begin(%q) is for %s (%q) as %q, want %s (%q)", typed, a.TenantID, a.TenantName, a.Name, want, name)
			}
			if a.Way != signin.Password || !a.Open(h.Clock.Now()) || a.ExpiresAt.Sub(h.Clock.Now()) != 15*time.Minute {
				t.Errorf("Begin(%q) = %+v, want the password page for fifteen minutes", typed, a)
			}
		}
		for _, typed := range []string{"", "user1", "@alder.example", "user1@", "user1@alder@example", "user 1@alder.example", "user1@alder.example\x00", strings.Repeat("a", 65) + "@alder.example", "u@" + strings.Repeat("a", 253)} {
			_, err := h.SignIn.Begin(t.Context(), typed, "/", Browser("a PC"))
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields["identifier"] == "" {
				t.Errorf("Begin(%q) = %v, want a word on the name", typed, err)
			}
		}
	})
}

// TestTheLastUsedWayComesFirst is the story of product.md §1, 2.
func TestTheLastUsedWayComesFirst(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		wants := func(claim string, way signin.Way) signin.Attempt {
			t.Helper()
			a := begin(h, u.Name, pc)
			if a.Way != way {
				t.Errorf("%s the page asks for the %s, want the %s", claim, a.Way, way)
			}
			return a
		}
		a := wants("at first", signin.Password)
		if err := h.SignIn.Choose(ctx, a.ID, signin.Phone, "", pc); err != nil {
			t.Fatal(err)
		}
		if r := p.Open(); r.Kind != string(prompt.SignIn) {
			t.Errorf("the phone is asked for %s", r.Kind)
		}
		h.Clock.Forward(prompt.Life)
		a = wants("after the phone was chosen once, and not answered,", signin.Phone)
		if r := p.Open(); a.Number == "" || a.PromptID != r.ID {
			t.Errorf("the number %q is for the request %s, and the phone shows %s", a.Number, a.PromptID, r.ID)
		}
		if _, err := p.Answer(p.Open(), prompt.Deny, "", ""); err != nil {
			t.Fatal(err)
		}
		h.Clock.Forward(10 * time.Minute)
		a = wants("after a decline", signin.Phone)
		if err := h.SignIn.Choose(ctx, a.ID, signin.Password, "", pc); err != nil {
			t.Fatal(err)
		}
		wants("after the password was chosen", signin.Password)
		if err := h.SignIn.Prefer(ctx, u.TenantID, u.ID, u.Name, signin.Phone, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		a = wants("after the phone was preferred", signin.Phone)
		if err := h.SignIn.Choose(ctx, a.ID, signin.Password, "", pc); err != nil {
			t.Fatal(err)
		}
		if err := h.SignIn.Prefer(ctx, u.TenantID, u.ID, u.Name, signin.Phone, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc); err != nil {
			t.Fatal(err)
		}
		wants("after a sign-in with the password", signin.Password)
		if way, err := h.SignIn.Habit(ctx, u.TenantID, u.Name); way != signin.Password || err != nil {
			t.Errorf("Habit = %s, %v", way, err)
		}
		h.Set("UPDATE habits SET way = 'a way of a newer replica'")
		wants("with a way that this program does not know", signin.Password)

		for what, err := range map[string]error{
			"Prefer": h.SignIn.Prefer(ctx, u.TenantID, u.ID, u.Name, "carrier pigeon", audit.Origin{}),
			"Choose": h.SignIn.Choose(ctx, a.ID, "carrier pigeon", "", pc),
		} {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s of a way that is none = %v, want fault.Invalid", what, err)
			}
		}
		if got := h.Events(audit.PreferenceChanged); got != 2 {
			t.Errorf("%d changes of preference in the audit, want 2", got)
		}
	})
}

// TestNobodyLearnsWhoIsWho: unknown, locked, disabled and phoneless names get
// the same pages, the same made-up number, the same wait and the same refusals
// as a user whose phone lies in a drawer (product.md §1, 6).
func TestNobodyLearnsWhoIsWho(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		h.SignIn.Passwords = plain{}
		u, locked, disabled, phoneless, revoked := h.User(h.Alder, "user1"), h.User(h.Alder, "user2"), h.User(h.Alder, "user3"), h.User(h.Alder, "user4"), h.User(h.Alder, "user5")
		h.PhoneOf(u)
		h.PhoneOf(locked)
		h.PhoneOf(disabled)
		_, a := h.PhoneOf(revoked)
		h.Lock(locked)
		h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", disabled.ID)
		if err := h.Devices.Revoke(ctx, revoked.TenantID, revoked.ID, a.AccountID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		tell := func(err error) string {
			f := fault.Of(err)
			if f == nil {
				return "done"
			}
			return string(f.Kind) + " " + f.Code + " " + f.RetryAfter.String()
		}
		transcript := func(name string) (told []string) {
			pc := Browser("the PC of " + name)
			say := func(what string) {
				a := h.Attempt(begin(h, name, pc).ID, pc)
				told = append(told, strings.Join([]string{what, string(a.Way), string(a.PhoneState(h.Clock.Now())), a.TenantName, strings.Map(digit, a.Number), a.PromptEndsAt.Sub(h.Clock.Now()).String()}, " "))
			}
			say("first")
			a := begin(h, name, pc)
			_, err := h.SignIn.VerifyPassword(ctx, a.ID, "not their password", pc)
			told = append(told, "a wrong password: "+tell(err))
			told = append(told, "the phone: "+tell(h.SignIn.Choose(ctx, a.ID, signin.Phone, "", pc)))
			a = h.Attempt(a.ID, pc)
			told = append(told, "then "+string(a.PhoneState(h.Clock.Now()))+" "+strings.Map(digit, a.Number))
			_, err = h.SignIn.Finish(ctx, a.ID, pc)
			told = append(told, "finished too early: "+tell(err))
			say("again")
			h.Clock.Forward(prompt.Life)
			say("a third time")
			say("a fourth time")
			a = begin(h, name, pc)
			pause, err := h.SignIn.HeldUntil(ctx, a)
			told = append(told, "held by "+pause.Reason+" for "+pause.Until.Sub(h.Clock.Now()).String()+" "+tell(err))
			told = append(told, "back to the password: "+tell(h.SignIn.Choose(ctx, a.ID, signin.Password, "", pc)))
			for range 6 {
				_, err = h.SignIn.VerifyPassword(ctx, a.ID, "not their password", pc)
				told = append(told, "a wrong password: "+tell(err))
			}
			return told
		}
		want := transcript(u.Name)
		if !slices.ContainsFunc(want, func(line string) bool { return strings.HasPrefix(line, "again phone pending Alder Health 00") }) {
			t.Fatalf("the transcript tells nothing: %q", want)
		}
		for claim, name := range map[string]string{
			"unknown": "nobody@alder.example", "locked": locked.Name, "disabled": disabled.Name, "phoneless": phoneless.Name, "whose phone was revoked": revoked.Name,
		} {
			if got := transcript(name); !slices.Equal(got, want) {
				for i := range want {
					if got[i] != want[i] {
						t.Errorf("one who is %s is told\n%q, a user\n%q", claim, got[i], want[i])
					}
				}
			}
		}
		// The right password of one who may not sign in is refused like a wrong one.
		for _, name := range []string{locked.Name, disabled.Name} {
			h.Clock.Forward(time.Hour)
			h.Set("UPDATE habits SET way = 'password'")
			pc := Browser("a PC")
			_, err := h.SignIn.VerifyPassword(ctx, begin(h, name, pc).ID, Password, pc)
			WantCode(t, "the right password of "+name, err, "signin.refused")
		}
		if got := h.Count("SELECT count(*) FROM sessions WHERE user_id IN (?, ?)", locked.ID, disabled.ID); got != 2 { // made to enrol their phones
			t.Errorf("%d sessions of users who may not sign in", got)
		}
	})
}

func digit(r rune) rune {
	if r >= '0' && r <= '9' {
		return '0'
	}
	return r
}

// TestAdministratorsLookLikeUsersOnThePage: an administrator types the number,
// which only the phone is told.
func TestAdministratorsLookLikeUsersOnThePage(t *testing.T) {
	Each(t, func(h *House) {
		p, _ := h.PhoneOf(h.Admin(h.Alder, "security", access.RoleSecurityAdministrator))
		pc := Browser("a PC")
		a := h.Attempt(h.Begin("security@alder.example", signin.Phone, pc), pc)
		if r := p.Open(); r.Mode != string(tenant.Type2) || r.Numbers != "" {
			h.T.Errorf("the phone of an administrator gets the mode %s with %q", r.Mode, r.Numbers)
		}
		if len(a.Number) != 2 {
			h.T.Errorf("the page shows %q", a.Number)
		}
	})
}

func TestAnAttemptBelongsToItsBrowser(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		mine, theirs := Browser("a PC"), Browser("another PC")
		addressed := h.Begin(u.Name, signin.Phone, mine)
		r := p.Open()
		if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(addressed, "-")
		for claim, at := range map[string]struct {
			address string
			from    signin.From
		}{
			"another browser":                  {addressed, theirs},
			"a browser without a cookie":       {addressed, signin.From{BrowserDigest: "none"}},
			"in another organisation":          {h.Birch.ID + "-" + id, mine},
			"an attempt that nobody began":     {h.Alder.ID + "-" + strings.Repeat("a", 26), mine},
			"no address":                       {"", mine},
			"an address without organisation":  {"-" + id, mine},
			"an address that is too long":      {addressed + "a", mine},
			"an address with a quotation mark": {h.Alder.ID + "'-" + id, mine},
		} {
			_, _, found := h.SignIn.Find(ctx, at.address, at.from.BrowserDigest)
			_, verified := h.SignIn.VerifyPassword(ctx, at.address, Password, at.from)
			_, finished := h.SignIn.Finish(ctx, at.address, at.from)
			for what, err := range map[string]error{
				"Find": found, "VerifyPassword": verified, "Finish": finished,
				"Choose": h.SignIn.Choose(ctx, at.address, signin.Password, "", at.from),
			} {
				if !errors.Is(err, fault.NotFound) {
					t.Errorf("%s: %s = %v, want fault.NotFound", claim, what, err)
				}
			}
		}
		if got := h.Count("SELECT count(*) FROM throttles"); got != 0 {
			t.Errorf("%d tries were counted for others", got)
		}
		if got := h.Count("SELECT count(*) FROM sessions WHERE amr = 'phone'"); got != 0 {
			t.Errorf("%d sessions were made for others", got)
		}
		if _, err := h.SignIn.Finish(ctx, addressed, mine); err != nil {
			t.Errorf("Finish in the browser that began = %v", err)
		}
	})
}
