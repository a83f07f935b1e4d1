package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/server"
)

// send posts a form as an application does; basic is a name and a password.
func (p *party) send(t testing.TB, path string, form url.Values, basic ...string) answer {
	t.Helper()
	r := newRequest(t, http.MethodPost, p.URL+"/t/"+p.slug+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	if len(basic) == 2 {
		r.SetBasicAuth(basic[0], basic[1])
	}
	return send(t, &http.Client{Transport: p.wire}, r)
}

// redeeming is the form by which a code is redeemed.
func (p *party) redeeming(code string, j journey) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {p.ClientID}, "code": {code}, "redirect_uri": {landing}, "code_verifier": {j.verifier}}
}

// TestWhatIsInTheAddressIsNotTaken: addresses are kept in logs. Nor is what is said twice.
func TestWhatIsInTheAddressIsNotTaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Confidential)
		code, j := p.code(t, b)
		whole := p.redeeming(code, j)
		whole.Set("client_secret", p.ClientSecret)
		for _, field := range []string{"client_id", "client_secret", "code", "redirect_uri", "code_verifier", "grant_type"} {
			rest, moved := url.Values{}, url.Values{field: whole[field]}
			for name, values := range whole {
				if name != field {
					rest[name] = values
				}
			}
			if a := p.send(t, "/token?"+moved.Encode(), rest); !a.is(t, http.StatusBadRequest, http.StatusUnauthorized) {
				t.Errorf("%s was taken from the address: %s", field, a.body)
			}
			twice := url.Values{}
			for name, values := range whole {
				twice[name] = values
			}
			twice[field] = append([]string{whole.Get(field)}, whole[field]...)
			if a := p.send(t, "/token", twice); !a.is(t, http.StatusBadRequest) || !strings.Contains(a.body, "invalid_request") {
				t.Errorf("%s twice: %s", field, a.body)
			}
		}
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatalf("and then as it should be: %v", err)
		}
		p.send(t, "/revoke?"+url.Values{"token": {token.RefreshToken}}.Encode(), url.Values{}, p.ClientID, p.ClientSecret)
		p.send(t, "/revoke", url.Values{"token": {token.RefreshToken, token.RefreshToken}}, p.ClientID, p.ClientSecret).is(t, http.StatusBadRequest)
		p.send(t, "/revoke?client_secret="+p.ClientSecret, url.Values{"token": {token.RefreshToken}, "client_id": {p.ClientID}}).is(t, http.StatusUnauthorized)
		address := url.Values{"access_token": {token.AccessToken}}
		b.get(t, "/t/alder/userinfo?"+address.Encode()).is(t, http.StatusUnauthorized)
		p.send(t, "/userinfo?"+address.Encode(), url.Values{}).is(t, http.StatusUnauthorized)
		p.send(t, "/userinfo", url.Values{"access_token": {token.AccessToken, token.AccessToken}}).is(t, http.StatusBadRequest)
		p.send(t, "/userinfo", address).is(t, http.StatusOK)
		if _, err := p.renew(t, token.RefreshToken); err != nil {
			t.Errorf("it was revoked by what stands in an address, or twice: %v", err)
		}
	})
}

// TestNobodyAuthenticatesByAnAssertion, and it is told, to whoever asks.
func TestNobodyAuthenticatesByAnAssertion(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Confidential)
		code, j := p.code(t, b)
		const jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
		for claim, form := range map[string]url.Values{
			"a refresh token": {"grant_type": {"refresh_token"}, "refresh_token": {"x"}},
			"a code":          p.redeeming(code, j),
			"a token":         {"token": {"x"}},
		} {
			path := "/token"
			if form.Has("token") {
				path = "/revoke"
			}
			for _, more := range []url.Values{{"client_assertion": {"x"}, "client_assertion_type": {jwt}}, {"client_assertion_type": {jwt}}, {"client_assertion": {"a.b.c"}}} {
				form.Set("client_id", p.ClientID)
				form.Del("client_assertion")
				form.Del("client_assertion_type")
				for name, values := range more {
					form[name] = values
				}
				if a := p.send(t, path, form); !a.is(t, http.StatusUnauthorized) || !strings.Contains(a.body, "invalid_client") {
					t.Errorf("%s: %s", claim, a.body)
				}
			}
		}
		if _, err := p.redeem(t, code, j); err != nil {
			t.Errorf("and then with its secret: %v", err)
		}
	})
}

// TestACodeThatComesBackFromSomebodyElse ends nothing: who does not know the secret of
// the application may have read it anywhere.
func TestACodeThatComesBackFromSomebodyElse(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Confidential)
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"", "wrong"} {
			form := p.redeeming(code, j)
			form.Set("client_secret", secret)
			if a := p.send(t, "/token", form); !a.is(t, http.StatusUnauthorized) || !strings.Contains(a.body, "invalid_client") {
				t.Errorf("with the secret %q: %s", secret, a.body)
			}
			form.Del("client_secret")
			p.send(t, "/token", form, p.ClientID, secret).is(t, http.StatusUnauthorized)
		}
		if _, err := p.userinfo(t, token); err != nil {
			t.Errorf("the access token: %v", err)
		}
		if token, err = p.renew(t, token.RefreshToken); err != nil {
			t.Fatalf("the refresh token: %v", err)
		}
		if _, err := p.redeem(t, code, j); refusal(err) != "invalid_grant" {
			t.Errorf("again, by the application: %v", err)
		}
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" {
			t.Errorf("after its code came back: %v", err)
		}
	})
}

// TestAnApplicationThatAsksByItselfKeepsNothingAlive: that is no use of a session.
func TestAnApplicationThatAsksByItselfKeepsNothingAlive(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public)
		w.forward(t, 50*time.Minute)
		if failure := silently(t, p, b); failure != "" {
			t.Fatalf("within the hour: %q", failure)
		}
		w.forward(t, 11*time.Minute)
		if failure := silently(t, p, b); failure != "login_required" || b.signedIn(t) {
			t.Errorf("after the hour: %q", failure)
		}
		// Whoever goes to the application themselves uses it.
		b.signIn(t, "user1@alder.example")
		w.forward(t, 50*time.Minute)
		p.code(t, b)
		w.forward(t, 11*time.Minute)
		p.code(t, b)
	})
}

// TestAnAnswerSaysWhoGivesIt (RFC 9207): a code, and an error, wherever it stands.
func TestAnAnswerSaysWhoGivesIt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		p := w.party(t, "alder", application.Public)
		var d struct {
			Says bool `json:"authorization_response_iss_parameter_supported"`
		}
		if err := p.provider.Claims(&d); err != nil || !d.Says {
			t.Errorf("discovery does not say so: %v", err)
		}
		says := func(claim string, a answer) {
			t.Helper()
			to := a.location()
			if a.status == http.StatusOK {
				_, rest, _ := strings.Cut(a.body, `http-equiv="refresh" content="0;url=`)
				to, _, _ = strings.Cut(strings.ReplaceAll(rest, "&amp;", "&"), `"`)
			}
			u, err := url.Parse(to)
			if err != nil || !strings.HasPrefix(to, landing) {
				t.Fatalf("%s: %d to %q", claim, a.status, to)
			}
			said := u.Query()["iss"]
			if u.Fragment != "" {
				f, _ := url.ParseQuery(u.Fragment)
				said = f["iss"]
			}
			if len(said) != 1 || said[0] != w.URL+"/t/alder" {
				t.Errorf("%s: the answer is from %q: %s", claim, said, to)
			}
		}
		_, a := p.asked(t, w.browser(t), prompts("none"))
		says("nobody is signed in", a)
		b := w.browser(t).signIn(t, "user1@alder.example")
		_, a = p.asked(t, b)
		says("a code", a)
		_, a = p.asked(t, b, oauth2.SetAuthURLParam("scope", "profile"))
		says("a wrong scope", a)
		_, a = p.asked(t, b, oauth2.SetAuthURLParam("response_type", "id_token"))
		says("an answer in the fragment", a)
		_, a = p.asked(t, b, prompts("login"))
		back := stepsUp(t, "prompt=login", a)
		b.prove(t, back)
		says("a code after a page", b.get(t, back))
	})
}

// TestOneSessionAsksForSoMuch: also for applications of others, where each is remembered,
// and whatever it asks for is kept once.
func TestOneSessionAsksForSoMuch(t *testing.T) {
	t.Parallel()
	onBothWith(t, func(s *server.Settings) { s.SignInsPerMinute = 8 }, func(t *testing.T, w *world) {
		p := w.party(t, "alder", application.Public)
		other, b := w.browser(t).signIn(t, "user1@birch.example"), w.browser(t).signIn(t, "user1@alder.example")
		many := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("scope", strings.Repeat("openid profile nonsense ", 100)), oauth2.SetAuthURLParam("acr_values", strings.Repeat("1fa phr nonsense ", 50))}
		got := map[int]int{}
		stop := w.now() // on a busy machine twelve are not at once, and more are let in
		w.DB.SetClock(func() time.Time { return stop })
		for range 12 {
			_, a := p.asked(t, other, many...)
			got[a.status]++
		}
		w.DB.SetClock(w.now)
		if got[http.StatusForbidden] != 8 || got[http.StatusTooManyRequests] != 4 || w.events(t, audit.ApplicationRefused, "") != 8 {
			t.Errorf("twelve at once are answered %v, and %d remembered", got, w.events(t, audit.ApplicationRefused, ""))
		}
		code, j := p.code(t, b, many...) // at the same address, and somebody else
		if _, err := p.redeem(t, code, j); err != nil {
			t.Error(err)
		}
		var kept struct{ Scopes, AcrValues string }
		if w.one(t, &kept, "SELECT scopes, acr_values FROM authorizations WHERE session_id <> ''"); kept.Scopes != "openid profile" || kept.AcrValues != "1fa phr" {
			t.Errorf("what it asks for is kept as %q and %q", kept.Scopes, kept.AcrValues)
		}
	})
}

// TestAnApplicationThatTakesSomebodyToBeThere is given nobody else, however it asks.
func TestAnApplicationThatTakesSomebodyToBeThere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const one, two = "user1@alder.example", "user2@alder.example"
		p := w.party(t, "alder", application.Public)
		b, other := w.browser(t).signIn(t, one), w.browser(t).signIn(t, two)
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := token.Extra("id_token").(string)
		hint := oauth2.SetAuthURLParam("id_token_hint", raw)
		if failure := silently(t, p, b, hint); failure != "" {
			t.Errorf("who it is: %q", failure)
		}
		if failure := silently(t, p, other, hint); failure != "login_required" || w.events(t, audit.ApplicationRefused, "application.other_user") != 1 {
			t.Errorf("somebody else, silently: %q", failure)
		}
		j, a := p.asked(t, other, hint)
		if _, failure := p.lands(t, j, a.want(t, http.StatusFound)); failure != "login_required" {
			t.Errorf("somebody else: %q", failure)
		}
		for name, want := range map[string]string{one: "", two: "login_required"} {
			in := w.browser(t)
			j, a := p.asked(t, in, hint)
			u, _ := url.Parse(a.want(t, http.StatusSeeOther).location())
			back := u.Query().Get("return_to")
			in.signIn(t, name)
			if code, failure := p.lands(t, j, in.get(t, back).want(t, http.StatusOK)); failure != want || (code == "") != (want != "") {
				t.Errorf("%s signs in: %q", name, failure)
			}
		}
	})
}
