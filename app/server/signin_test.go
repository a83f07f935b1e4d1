package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFromNameToSessionByPhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		pc := w.browser(t).signIn(t, name)

		// The phone is added by the link, and the link is dead.
		token, ph := pc.invite(t), w.newPhone(t)
		var done struct {
			DeviceID  string `json:"device_id"`
			PublicURL string `json:"public_url"`
			Account   struct {
				ID, Tenant, User string
				TenantName       string `json:"tenant_name"`
			}
		}
		a := ph.enrol(t, token).want(t, http.StatusCreated)
		a.decode(t, &done)
		if done.PublicURL != w.URL || done.Account.Tenant != "alder" || done.Account.TenantName != "Alder Health" || done.Account.User != name || done.DeviceID == "" {
			t.Errorf("enrolment answers %+v", done)
		}
		ph.enrolled(t, a)
		ph.enrol(t, token).is(t, http.StatusUnauthorized)

		// Before phone sign-in is on, nobody is asked.
		accounts := func() string { return ph.call(t, http.MethodGet, "/accounts", nil).want(t, http.StatusOK).body }
		if got := accounts(); !strings.Contains(got, `"phone_sign_in":false`) || !strings.Contains(got, `"registered":false`) {
			t.Errorf("GET /accounts after enrolment = %s", got)
		}
		ph.call(t, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
		if got := accounts(); !strings.Contains(got, `"phone_sign_in":true`) || !strings.Contains(got, `"registered":true`) {
			t.Errorf("GET /accounts after enabling = %s", got)
		}

		// Name, password page, the link to the app, the number.
		other := w.browser(t)
		attempt := other.begin(t, name)
		page := other.get(t, attempt).want(t, http.StatusOK)
		if step(page) != "password" || !strings.Contains(page.body, "Use the authenticator app instead") {
			t.Fatalf("a user who never used the phone gets the step %q", step(page))
		}
		other.post(t, attempt+"/method", "method", "phone").want(t, http.StatusSeeOther)
		page = other.get(t, attempt).want(t, http.StatusOK)
		if step(page) != "phone" || first(stateMark, page) != "pending" || len(number(page)) != 2 {
			t.Fatalf("number page: step %q, state %q, number %q", step(page), first(stateMark, page), number(page))
		}
		waiting := other.watch(t, attempt)
		waiting.says(t, "state pending")

		r := ph.asks(t)
		if r.Kind != "sign_in" || r.Tenant != "alder" || r.User != name || r.Mode != "pick3" || r.Browser != "Firefox on Linux" || r.IP != "127.0.0.1" || !r.NewBrowser || len(r.Nonce) < 43 {
			t.Errorf("request = %+v", r)
		}
		if len(r.Numbers) != 3 || !slices.Contains(r.Numbers, number(page)) {
			t.Errorf("numbers = %v, of which one must be %s", r.Numbers, number(page))
		}
		if life := r.ExpiresAt.Sub(r.CreatedAt); life != 120*time.Second {
			t.Errorf("the request lives for %s, want 2m0s", life)
		}
		ph.approves(t, other, attempt)
		waiting.says(t, "state approved", "(ended)")
		if got := other.state(t, attempt); got != "approved" {
			t.Errorf("state = %q, want approved", got)
		}
		if len(ph.requests(t)) != 0 {
			t.Error("the phone is still asked after its answer")
		}
		if to := other.post(t, attempt+"/finish").want(t, http.StatusSeeOther).location(); to != "/" {
			t.Errorf("finish leads to %q, want /", to)
		}
		other.get(t, "/").want(t, http.StatusOK)

		// The last used way is the next one.
		third := w.browser(t)
		if got := step(third.get(t, third.begin(t, name))); got != "phone" {
			t.Errorf("the next sign-in begins with %q, want phone", got)
		}
	})
}

func TestPhoneAnswersEndTheAttempt(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i, c := range []struct{ claim, decision, state string }{
			{"a declined request is denied", "deny", "denied"},
			{"a reported request looks denied to the page", "report", "reported"},
			{"a wrong number is denied", "approve", "denied"},
		} {
			t.Run(c.claim, func(t *testing.T) {
				name := []string{"user1", "user2", "user3"}[i] + "@alder.example"
				ph, _ := w.withPhone(t, name)
				b := w.browser(t)
				attempt := b.askPhone(t, name)
				waiting := b.watch(t, attempt)
				waiting.says(t, "state pending")
				r, shown := ph.asks(t), number(b.get(t, attempt))
				wrong := r.Numbers[0]
				if wrong == shown {
					wrong = r.Numbers[1]
				}
				a := ph.answers(t, r, c.decision, wrong).want(t, http.StatusOK)
				if !strings.Contains(a.body, `"state":"`+c.state+`"`) {
					t.Errorf("%s answers %s, want %s", c.decision, a.body, c.state)
				}
				waiting.says(t, "state denied", "(ended)")
				ph.answers(t, r, "approve", shown).is(t, http.StatusConflict)
				b.post(t, attempt+"/finish").is(t, http.StatusUnauthorized)
				if b.signedIn(t) {
					t.Error("signed in after all")
				}
			})
		}
	})
}

func TestOnePhoneIsRegisteredWithOneOrganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user1@alder.example")
		second := *ph
		second.enrolled(t, second.enrol(t, w.browser(t).signIn(t, "user1@birch.example").invite(t)))
		if second.device != ph.device {
			t.Errorf("the same key has two device ids, %s and %s", ph.device, second.device)
		}
		a := second.call(t, http.MethodPut, "/accounts/"+second.account+"/phone-sign-in", nil).want(t, http.StatusConflict)
		if !strings.Contains(a.body, `"error":"registered_elsewhere"`) || !strings.Contains(a.body, `"tenant_name":"Alder Health"`) {
			t.Errorf("enabling a second organisation = %s", a.body)
		}
		second.call(t, http.MethodPut, "/accounts/"+second.account+"/phone-sign-in?move=true", nil).want(t, http.StatusNoContent)
		w.browser(t).byPhone(t, &second, "user1@birch.example")

		b := w.browser(t)
		b.askPhone(t, "user1@alder.example")
		if got := ph.requests(t); len(got) != 0 {
			t.Errorf("the phone is asked for the organisation that it left: %+v", got)
		}
		second.call(t, http.MethodDelete, "/accounts/"+second.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
		second.call(t, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
	})
}

func TestAdministratorsTypeTheNumber(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "desk@alder.example")
		b := w.browser(t)
		attempt := b.askPhone(t, "desk@alder.example")
		if r := ph.asks(t); r.Mode != "type2" || len(r.Numbers) != 0 {
			t.Errorf("request for an administrator = mode %s with numbers %v, want type2 without", r.Mode, r.Numbers)
		}
		ph.approves(t, b, attempt)
	})
}

func TestSixDigitsAreTypedWhereTheTenantSaysSo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user1@alder.example")
		w.act(t, "UPDATE tenants SET match_mode = 'type6' WHERE slug = 'alder'")
		b := w.browser(t)
		attempt := b.askPhone(t, "user1@alder.example")
		if r, shown := ph.asks(t), number(b.get(t, attempt)); r.Mode != "type6" || len(r.Numbers) != 0 || len(shown) != 6 {
			t.Errorf("mode %s, numbers %v, number shown %s", r.Mode, r.Numbers, shown)
		}
		ph.approves(t, b, attempt)
	})
}

func TestUnsupportedPlatformIsToldPlainly(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.act(t, "UPDATE tenants SET platforms = 'ios,android' WHERE slug = 'alder'")
		token, ph := w.browser(t).signIn(t, "user1@alder.example").invite(t), w.newPhone(t)
		for _, platform := range []string{"desktop", "terminal"} {
			a := ph.plain(t, http.MethodPost, "/enrolments", map[string]any{
				"token": token, "name": "x", "platform": platform, "public_key": jwk(ph.key), "pin": ph.pin,
			})
			if a.is(t, http.StatusForbidden) && !strings.Contains(a.body, `"error":"platform_not_allowed"`) {
				t.Errorf("%s answers %s", platform, a.body)
			}
		}
		ph.enrol(t, token).want(t, http.StatusCreated) // the link was not used up by that
	})
}

// TestSigningInInTwoWindowsAtOnce: what one window does does not spoil the form
// that stands in the other.
func TestSigningInInTwoWindowsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t)
		first := b.begin(t, name)
		nameToken := tokenOf(b.get(t, "/signin"))
		passwordToken := tokenOf(b.get(t, first))

		second := *b // another window of the same browser
		second.signIn(t, name)
		b.csrf = nameToken
		b.post(t, "/signin", "identifier", name).want(t, http.StatusSeeOther)
		b.csrf = passwordToken
		b.post(t, first+"/method", "method", "phone").want(t, http.StatusSeeOther)
		b.csrf = passwordToken
		b.post(t, first+"/method", "method", "password").want(t, http.StatusSeeOther)
		b.csrf = passwordToken
		b.post(t, first+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)

		// The other way round: a page of while one was signed in.
		next := second.begin(t, name)
		token := tokenOf(second.get(t, next))
		second.get(t, "/me")
		second.post(t, "/signout").want(t, http.StatusSeeOther)
		second.csrf = token
		second.post(t, next+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		// What belongs to a session wants the token of that session.
		second.csrf = token
		second.post(t, "/me/sessions/end-others").is(t, http.StatusForbidden)
		second.post(t, "/signout").is(t, http.StatusForbidden)
		if !second.signedIn(t) {
			t.Error("a form of no session ended one")
		}
	})
}

func tokenOf(a answer) string { return first(formToken, a) }

// TestSigningOutOfASessionThatIsOver: the page was open for too long, and one is
// signed out all the same.
func TestSigningOutOfASessionThatIsOver(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		w.forward(t, time.Hour)
		for _, moment := range []string{"with its cookie", "without one"} {
			if to := b.post(t, "/signout").want(t, http.StatusSeeOther).location(); to != "/signed-out" {
				t.Errorf("%s signing out leads to %q", moment, to)
			}
		}
		if to := w.browser(t).post(t, "/signout").want(t, http.StatusSeeOther).location(); to != "/signed-out" {
			t.Errorf("who never signed in is led to %q", to)
		}
	})
}
