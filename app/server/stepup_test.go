package server_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/session"
	"latchkey/app/store/storetest"
)

// prove proves it again by password.
func (b *browser) prove(t testing.TB, returnTo string) {
	t.Helper()
	attempt := b.post(t, "/step-up", "return_to", returnTo, "acr_values", "pwd", "method", "password").want(t, http.StatusSeeOther).location()
	if to := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther).location(); to != returnTo {
		t.Errorf("after the step-up one is at %q", to)
	}
}

// proveByPhone proves it again by phone, which knows what it is asked.
func (b *browser) proveByPhone(t testing.TB, ph *phone, returnTo string) {
	t.Helper()
	attempt := b.post(t, "/step-up", "return_to", returnTo, "method", "phone").want(t, http.StatusSeeOther).location()
	if r := ph.asks(t); r.Kind != "step_up" {
		t.Errorf("the phone is asked for a %s", r.Kind)
	}
	ph.approves(t, b, attempt)
	if to := b.post(t, attempt+"/finish").want(t, http.StatusSeeOther).location(); to != returnTo {
		t.Errorf("after the step-up one is at %q", to)
	}
}

var methodMark = regexp.MustCompile(`name="method" value="([a-z_]*)"`)

// offers gives the ways that a page has buttons for.
func offers(a answer) (ways []string) {
	for _, found := range methodMark.FindAllStringSubmatch(a.body, -1) {
		ways = append(ways, found[1])
	}
	return ways
}

const (
	stepUpStrictly = "/step-up?return_to=%2Fme%2Fphones"
	stepUpAnyhow   = "/step-up?return_to=%2Fme%2Fphones&acr_values=phone+pwd"
)

func TestASensitiveActWantsAProofOfTheLastFiveMinutes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, b := w.withPhone(t, "user1@alder.example")
		revoke := "/me/phones/" + ph.account + "/revoke"
		w.forward(t, 5*time.Minute)
		for _, c := range []struct{ path, to, proofs string }{
			{"/me/phones", stepUpStrictly, `acr_values="phone"`},
			{revoke, stepUpAnyhow, `acr_values="phone pwd"`},
		} {
			if to := b.post(t, c.path).want(t, http.StatusSeeOther).location(); to != c.to {
				t.Errorf("POST %s without a step-up leads to %q", c.path, to)
			}
			r := b.request(t, http.MethodPost, c.path, strings.NewReader(b.form().Encode()), "Content-Type", formType, "Accept", "application/json")
			a := send(t, b.client, r).want(t, http.StatusUnauthorized)
			challenge := a.header.Get("WWW-Authenticate")
			if !strings.Contains(a.body, `"error":"insufficient_user_authentication"`) || !strings.HasPrefix(challenge, `Bearer error="insufficient_user_authentication", max_age="300", `) || !strings.HasSuffix(challenge, c.proofs) {
				t.Errorf("%s = %s, WWW-Authenticate %q", a.asked, a.body, challenge)
			}
		}
		// Going back to where one was, by a proof that is one.
		attempt := b.post(t, "/step-up", "return_to", "/me/phones", "acr_values", "pwd", "method", "password").want(t, http.StatusSeeOther).location()
		b.post(t, attempt+"/verify", "password", "wrong").want(t, http.StatusUnauthorized)
		b.post(t, revoke).want(t, http.StatusSeeOther)
		if page := b.get(t, "/me/phones").body; !strings.Contains(page, revoke) {
			t.Error("a wrong password did for removing the phone")
		}
		b.proveByPhone(t, ph, "/me/phones")
		b.post(t, "/me/phones").want(t, http.StatusOK)
		w.forward(t, 6*time.Minute)
		b.post(t, "/me/phones").want(t, http.StatusSeeOther)
		b.proveByPhone(t, ph, "/me/phones")
		if to := b.post(t, revoke).want(t, http.StatusSeeOther).location(); to != "/me/phones?done=revoked" {
			t.Errorf("removing the phone leads to %q", to)
		}
		// Somebody else's proof is nobody's.
		other := w.browser(t).signIn(t, "user2@alder.example")
		w.forward(t, 5*time.Minute)
		attempt = b.post(t, "/step-up", "method", "password").want(t, http.StatusSeeOther).location()
		other.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusNotFound)
		other.post(t, "/me/phones").want(t, http.StatusSeeOther)
		// Whoever has no phone proves it by password.
		other.prove(t, "/me/phones")
		other.post(t, "/me/phones").want(t, http.StatusOK)
	})
}

// TestWhoKnowsOnlyThePasswordAddsNoPhone: to somebody with a phone, nor after
// removing it as if it were lost.
func TestWhoKnowsOnlyThePasswordAddsNoPhone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		thief := w.browser(t).signIn(t, name)
		for _, moment := range []string{"just signed in", "just proved it"} {
			if to := thief.post(t, "/me/phones").want(t, http.StatusSeeOther).location(); to != stepUpStrictly {
				t.Errorf("%s: adding a phone leads to %q", moment, to)
			}
			thief.prove(t, "/me/phones")
		}
		page := thief.get(t, stepUpStrictly).want(t, http.StatusOK)
		if got := offers(page); !slices.Equal(got, []string{"phone"}) {
			t.Errorf("the page offers %v", got)
		}
		if !strings.Contains(page.body, "Your password alone is not enough here") {
			t.Error("the page does not say why the password is missing")
		}
		if got := offers(thief.get(t, stepUpAnyhow).want(t, http.StatusOK)); !slices.Equal(got, []string{"phone", "password"}) {
			t.Errorf("for an act that takes more the page offers %v", got)
		}
		if got := offers(thief.get(t, stepUpStrictly+"&acr_values=pigeon+%3Cb%3E").want(t, http.StatusOK)); !slices.Equal(got, []string{"phone"}) {
			t.Errorf("for a proof that is none the page offers %v", got)
		}
		// By hand neither one that it does not offer, nor none.
		for _, way := range []string{"password", "totp", "static_passcode", "sms", "pigeon", ""} {
			thief.post(t, "/step-up", "return_to", "/me/phones", "method", way).want(t, http.StatusUnprocessableEntity)
		}
		// Past the page of ways no other one leads.
		attempt := thief.post(t, "/step-up", "return_to", "/me/phones", "method", "phone").want(t, http.StatusSeeOther).location()
		if page := thief.get(t, attempt).want(t, http.StatusOK); slices.Contains(offers(page), "password") || !strings.Contains(html.UnescapeString(page.body), `href="`+stepUpStrictly+`"`) {
			t.Errorf("the number page offers %v", offers(page))
		}
		if to := thief.get(t, attempt+"/help").want(t, http.StatusSeeOther).location(); to != stepUpStrictly {
			t.Errorf("the help page leads to %q", to)
		}

		// They may remove the phone, as its owner may who has lost it. That does not
		// make way for another one, for a day.
		thief.post(t, "/me/phones/"+ph.account+"/revoke").want(t, http.StatusSeeOther)
		if got := ph.call(t, http.MethodGet, "/accounts", nil).status; got != http.StatusUnauthorized {
			t.Errorf("the phone that was removed is answered %d", got)
		}
		for _, wait := range []time.Duration{0, 23*time.Hour + 59*time.Minute} {
			w.forward(t, wait)
			b := w.browser(t).signIn(t, name)
			if to := b.post(t, "/me/phones").want(t, http.StatusSeeOther).location(); to != stepUpStrictly {
				t.Errorf("%s after the phone is gone adding another one leads to %q", wait, to)
			}
			if page := b.get(t, stepUpStrictly).want(t, http.StatusOK); len(offers(page)) > 0 || !strings.Contains(page.body, "Your phone was removed with your password alone") {
				t.Errorf("without the phone the page offers %v: %s", offers(page), excerpt(page.body))
			}
		}
		w.forward(t, time.Minute)
		w.browser(t).signIn(t, name).invite(t)
	})
}

// TestWhoReplacesAPhoneByItselfGoesOn: who removes their phone by a proof of that
// phone adds the next one at once.
func TestWhoReplacesAPhoneByItselfGoesOn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, b := w.withPhone(t, "user1@alder.example")
		b.proveByPhone(t, ph, "/me/phones")
		b.post(t, "/me/phones/"+ph.account+"/revoke").want(t, http.StatusSeeOther)
		b.invite(t)
		w.forward(t, time.Hour)
		w.browser(t).signIn(t, "user1@alder.example").invite(t)

		// A phone that never signed anybody in is no loss.
		b = w.browser(t).signIn(t, "user2@alder.example")
		spare := w.newPhone(t)
		spare.enrolled(t, spare.enrol(t, b.invite(t)))
		b.post(t, "/me/phones/"+spare.account+"/revoke").want(t, http.StatusSeeOther)
		b.invite(t)
	})
}

// challenged says what is wrong with an answer to a program that must prove it
// again (RFC 9470 §3), or nothing.
func challenged(a answer, proofs string) string {
	var body struct{ Error, Message string }
	err := json.Unmarshal([]byte(a.body), &body)
	challenge := a.header.Get("WWW-Authenticate")
	switch {
	case a.status != http.StatusUnauthorized:
		return "the status"
	case challenge != `Bearer error="insufficient_user_authentication", max_age="300", acr_values="`+proofs+`"`:
		return "the challenge " + challenge
	case err != nil || body.Error != "insufficient_user_authentication" || body.Message == "":
		return "the body"
	case a.location() != "":
		return "that it leads elsewhere"
	}
	return ""
}

// TestAProgramIsToldWhichProofIsMissing: whatever leads a person to the step-up
// answers a program with a challenge, and nothing else does.
func TestAProgramIsToldWhichProofIsMissing(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			c := newCast(t, dialect)
			b := c.actors[access.RoleSecurityAdministrator]
			b.get(t, "/admin/alder").want(t, http.StatusOK)
			c.forward(t, 5*time.Minute)
			asked := 0
			for _, route := range c.consoleRoutes() {
				path := c.by(access.RoleUser, "alder", c.fill(t, route.Path, "alder", c.targets["alder"][access.RoleUser], "device-alder-"+string(access.RoleUser)))
				ask := func(header ...string) answer {
					if route.Method == http.MethodGet {
						return b.get(t, path, header...)
					}
					return send(t, b.client, b.request(t, route.Method, path, strings.NewReader(b.form().Encode()), append(header, "Content-Type", formType)...))
				}
				program := ask("Accept", "application/json")
				person := ask()
				if strings.HasPrefix(person.location(), "/step-up") {
					asked++
					if wrong := challenged(program, session.ByPassword); wrong != "" {
						t.Errorf("%s as a program = %d, wrong is %s: %s", program.asked, program.status, wrong, excerpt(program.body))
					}
				} else if program.status == http.StatusUnauthorized || program.header.Get("WWW-Authenticate") != "" {
					t.Errorf("%s as a program = %d, and as a person %d", program.asked, program.status, person.status)
				}
			}
			if asked < 18 {
				t.Errorf("%d routes ask for a proof; there are more", asked)
			}

			// A console that nobody used for a quarter of an hour asks the same of every
			// page, and after twelve hours for a new sign-in.
			c.forward(t, 15*time.Minute)
			for _, path := range []string{"/admin", "/admin/alder", "/admin/alder/users", "/admin/alder/roles"} {
				if a := b.get(t, path, "Accept", "application/json"); challenged(a, session.ByPassword) != "" {
					t.Errorf("%s when the console is idle = %d, wrong is %s", a.asked, a.status, challenged(a, session.ByPassword))
				}
				if a := b.get(t, path); a.is(t, http.StatusSeeOther) && a.location() != "/step-up?return_to="+url.QueryEscape(path) {
					t.Errorf("%s when the console is idle leads to %q", a.asked, a.location())
				}
			}
			c.forward(t, 12*time.Hour)
			if a := b.get(t, "/admin/alder", "Accept", "application/json"); a.is(t, http.StatusUnauthorized) && strings.Contains(a.body, "insufficient_user_authentication") {
				t.Error("after twelve hours a proof would do")
			}
		})
	}
}
