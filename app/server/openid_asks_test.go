package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/app/application"
	"latchkey/app/audit"
)

// asked gives where a request leads somebody who is signed in.
func (p *party) asked(t testing.TB, b *browser, more ...oauth2.AuthCodeOption) (journey, answer) {
	t.Helper()
	j := p.begins(more...)
	return j, b.get(t, j.start)
}

// stepsUp says whether an answer asks to prove it again, and gives where that leads back to.
func stepsUp(t testing.TB, claim string, a answer) (back string) {
	t.Helper()
	u, err := url.Parse(a.location())
	if err != nil || u.Path != "/step-up" {
		t.Fatalf("%s: %d to %q, want a step-up\n%s", claim, a.status, a.location(), excerpt(a.body))
	}
	return u.Query().Get("return_to")
}

// TestAnApplicationAsksForAProofAgain: after its minutes, and not before; then it goes on.
func TestAnApplicationAsksForAProofAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t).signIn(t, name)
		often, never := w.party(t, "alder", application.Public, "frequency_minutes = 30"), w.party(t, "alder", application.Public)
		often.code(t, b)
		w.forward(t, 29*time.Minute)
		b.get(t, "/me").want(t, http.StatusOK)
		often.code(t, b)
		w.forward(t, time.Minute)
		never.code(t, b)
		j, a := often.asked(t, b)
		back := stepsUp(t, "after thirty minutes", a)
		if failure := silently(t, often, b); failure != "login_required" {
			t.Errorf("with prompt=none: %q", failure)
		}
		b.get(t, back).want(t, http.StatusSeeOther) // without a proof it asks again
		b.prove(t, back)
		code, failure := often.lands(t, j, b.get(t, back).want(t, http.StatusOK))
		token, err := often.redeem(t, code, j)
		if err != nil {
			t.Fatalf("after the proof: %s, %v", failure, err)
		}
		if _, is := often.verify(t, token, j.nonce); w.now().Sub(time.Unix(is.AuthTime, 0)) > time.Minute {
			t.Errorf("it says that the proof was at %s", time.Unix(is.AuthTime, 0))
		}
		often.code(t, b)
		w.forward(t, 30*time.Minute)
		if _, err := often.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" || w.events(t, audit.ApplicationTokensRefused, "application.proof_older") != 1 {
			t.Errorf("thirty minutes later the refresh token: %v", err)
		}
	})
}

// silently asks with prompt=none, and gives the error that the application is told.
func silently(t testing.TB, p *party, b *browser, more ...oauth2.AuthCodeOption) string {
	t.Helper()
	j, a := p.asked(t, b, append(more, prompts("none"))...)
	a.want(t, http.StatusFound)
	_, failure := p.lands(t, j, a)
	return failure
}

// TestARequestAsksForAProof: prompt, max_age and acr_values.
func TestARequestAsksForAProof(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		p := w.party(t, "alder", application.Public)
		if failure := silently(t, p, w.browser(t)); failure != "login_required" {
			t.Errorf("nobody is signed in, and with prompt=none: %q", failure)
		}
		_, b := w.withPhone(t, name)
		b.signIn(t, name)
		if failure := silently(t, p, b); failure != "" {
			t.Errorf("signed in, and with prompt=none: %q", failure)
		}
		w.forward(t, 10*time.Minute)
		age := func(seconds string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("max_age", seconds) }
		p.code(t, b, age("660")) // the test itself takes a moment, too
		for claim, option := range map[string]oauth2.AuthCodeOption{"prompt=login": prompts("login"), "max_age=0": age("0"), "max_age=599": age("599")} {
			j, a := p.asked(t, b, option)
			back := stepsUp(t, claim, a)
			b.prove(t, back)
			if code, failure := p.lands(t, j, b.get(t, back)); code == "" {
				t.Errorf("%s: after a proof: %s", claim, failure)
			}
			w.forward(t, 10*time.Minute)
			b.get(t, "/me").want(t, http.StatusOK)
		}
		if failure := silently(t, p, b, age("1")); failure != "login_required" {
			t.Errorf("max_age=1 and prompt=none: %q", failure)
		}
		acr := func(values string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("acr_values", values) }
		p.code(t, b, acr("1fa"))
		p.code(t, b, acr("gold silver")) // nobody here knows them, and they are voluntary
		p.code(t, b, acr("phr 1fa"))
		_, a := p.asked(t, b, acr("mfa"))
		if !strings.Contains(a.location(), "acr_values=phone") {
			t.Errorf("for two factors one goes to %s", a.location())
		}
		stepsUp(t, "mfa", a)
		if failure := silently(t, p, b, acr("mfa")); failure != "interaction_required" {
			t.Errorf("mfa and prompt=none: %q", failure)
		}
	})
}

// TestAnApplicationAsksForAStrength: two factors, or a passkey, which not everybody has.
func TestAnApplicationAsksForAStrength(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		two, passkey := w.party(t, "alder", application.Public, "strength = 'mfa'"), w.party(t, "alder", application.Public, "strength = 'phr'")
		ph, _ := w.withPhone(t, name)
		b := w.browser(t).signIn(t, name)
		j, a := two.asked(t, b)
		back := stepsUp(t, "by password alone", a)
		b.proveByPhone(t, ph, back)
		code, failure := two.lands(t, j, b.get(t, back))
		token, err := two.redeem(t, code, j)
		if err != nil {
			t.Fatalf("after the phone: %s, %v", failure, err)
		}
		if _, is := two.verify(t, token, j.nonce); is.ACR != "mfa" || strings.Join(is.AMR, " ") != "swk mfa" {
			t.Errorf("after the phone it says %+v", is)
		}
		_, a = passkey.asked(t, b)
		if a.is(t, http.StatusForbidden); !strings.Contains(a.body, "stronger way in") || w.events(t, audit.ApplicationRefused, "application.proof_missing") != 1 {
			t.Errorf("without a passkey: %s", excerpt(a.body))
		}
		k := b.makePasskey(t)
		j, a = passkey.asked(t, b)
		back = stepsUp(t, "by phone", a)
		attempt := b.post(t, "/step-up", "return_to", back, "acr_values", "passkey", "method", "passkey").want(t, http.StatusSeeOther).location()
		options := optionsOf(t, b.get(t, attempt).want(t, http.StatusOK))
		b.post(t, attempt+"/verify", "credential", k.Sign(t, options)).want(t, http.StatusSeeOther)
		code, failure = passkey.lands(t, j, b.get(t, back))
		if token, err = passkey.redeem(t, code, j); err != nil {
			t.Fatalf("after the passkey: %s, %v", failure, err)
		}
		if _, is := passkey.verify(t, token, j.nonce); is.ACR != "phr" {
			t.Errorf("after the passkey it says %+v", is)
		}
	})
}

// TestALimitedSessionGoesNowhere before it is proved: it may have been talked out of its
// user, and what an application learnt cannot be taken back.
func TestALimitedSessionGoesNowhere(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		p := w.party(t, "alder", application.Public)
		ph, _ := w.withPhone(t, name)
		b := w.browser(t).byPhone(t, ph, name)
		j, a := p.asked(t, b)
		back := stepsUp(t, "from a browser that nobody knows", a)
		if failure := silently(t, p, b); failure != "interaction_required" {
			t.Errorf("with prompt=none: %q", failure)
		}
		b.get(t, "/step-up")
		b.proveByPhone(t, ph, back)
		if code, failure := p.lands(t, j, b.get(t, back)); code == "" {
			t.Errorf("after a proof: %s", failure)
		}
	})
}

// TestWhoAnApplicationIsNotFor: they are told, on a page of ours, and it learns nothing.
func TestWhoAnApplicationIsNotFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, other := w.browser(t).signIn(t, "user1@alder.example"), w.browser(t).signIn(t, "user1@birch.example")
		p := w.party(t, "alder", application.Confidential)
		stays := func(claim string, a answer, status int, code string) {
			t.Helper()
			if a.is(t, status); a.location() != "" || strings.Contains(a.body, "rota.example") || !strings.Contains(a.body, "<main") {
				t.Errorf("%s: to %q: %s", claim, a.location(), excerpt(a.body))
			}
			if code != "" && w.events(t, audit.ApplicationRefused, code) == 0 {
				t.Errorf("%s: %s is not in the audit", claim, code)
			}
		}
		_, a := p.asked(t, other)
		stays("of another tenant", a, http.StatusForbidden, "application.other_tenant")
		if failure := silently(t, p, other); failure != "login_required" {
			t.Errorf("of another tenant, and with prompt=none: %q", failure)
		}
		w.limitTo(t, p, "field")
		_, a = p.asked(t, b)
		stays("in none of its groups", a, http.StatusForbidden, "application.not_for_you")
		if failure := silently(t, p, b); failure != "access_denied" {
			t.Errorf("in none of its groups, and with prompt=none: %q", failure)
		}
		p.code(t, w.browser(t).signIn(t, "user21@alder.example"))

		// Turned off between the page and the code; and gone.
		q := w.party(t, "alder", application.Public, "frequency_minutes = 1")
		w.forward(t, time.Minute)
		_, a = q.asked(t, b)
		back := stepsUp(t, "after a minute", a)
		b.prove(t, back)
		w.act(t, "UPDATE applications SET state = 'off' WHERE id = ?", q.ClientID)
		stays("turned off meanwhile", b.get(t, back), http.StatusForbidden, "application.off")
		_, a = q.asked(t, b)
		stays("turned off", a, http.StatusForbidden, "")
		w.act(t, "UPDATE applications SET state = 'on', redirect_uris = 'https://rota.example/other' WHERE id = ?", q.ClientID)
		stays("its address taken away meanwhile", b.get(t, back), http.StatusForbidden, "application.changed")
		stays("its address taken away", b.get(t, q.begins().start), http.StatusBadRequest, "")
	})
}

// TestNothingGoesToAnAddressThatWasNotAgreed: neither a code nor an error.
func TestNothingGoesToAnAddressThatWasNotAgreed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		p, birch := w.party(t, "alder", application.Public), w.party(t, "birch", application.Public)
		set := oauth2.SetAuthURLParam
		for claim, option := range map[string]oauth2.AuthCodeOption{
			"another host":             set("redirect_uri", "https://evil.example/callback"),
			"another path":             set("redirect_uri", landing+"/more"),
			"a query more":             set("redirect_uri", landing+"?x=1"),
			"another case":             set("redirect_uri", strings.ToUpper(landing)),
			"a fragment":               set("redirect_uri", landing+"#x"),
			"a port":                   set("redirect_uri", "https://rota.example:444/callback"),
			"http":                     set("redirect_uri", "http://rota.example/callback"),
			"none":                     set("redirect_uri", ""),
			"an application of nobody": set("client_id", application.NewID()),
			"another tenant's":         set("client_id", birch.ClientID),
			"none at all":              set("client_id", ""),
		} {
			for _, more := range []oauth2.AuthCodeOption{prompts("login"), prompts("none"), set("response_type", "token")} {
				_, a := p.asked(t, b, option, more)
				if a.is(t, http.StatusBadRequest); a.location() != "" || !strings.Contains(a.body, "<main") || strings.Contains(a.body, "evil.example") {
					t.Errorf("%s: to %q: %s", claim, a.location(), excerpt(a.body))
				}
			}
		}
		// What else is wrong is told to the application, and gets no code.
		for claim, option := range map[string]oauth2.AuthCodeOption{
			"no PKCE":             set("code_challenge", ""),
			"PKCE in the plain":   set("code_challenge_method", "plain"),
			"PKCE of some kind":   set("code_challenge_method", ""),
			"a short challenge":   set("code_challenge", "abc"),
			"a token at once":     set("response_type", "token"),
			"an id token at once": set("response_type", "id_token"),
			"a form post":         set("response_mode", "form_post"),
			"no scope openid":     set("scope", "profile"),
			"no scope":            set("scope", ""),
			"none with login":     set("prompt", "none login"),
			"a request object":    set("request", "e30.e30."),
			"a state without end": set("nonce", strings.Repeat("x", 1025)),
			"a hint of nobody":    set("id_token_hint", "e30.e30.e30"),
		} {
			_, a := p.asked(t, b, option)
			u, err := url.Parse(a.location())
			failure := ""
			if err == nil {
				failure = u.Query().Get("error")
				if u.Fragment != "" { // where the answer of that type stands
					f, _ := url.ParseQuery(u.Fragment)
					failure = f.Get("error")
				}
			}
			if a.is(t, http.StatusFound); !strings.HasPrefix(a.location(), landing) || failure == "" || strings.Contains(a.location(), "code=") {
				t.Errorf("%s: to %q", claim, a.location())
			}
		}
	})
}

// TestARequestIsOfOneBrowser, and of half an hour.
func TestARequestIsOfOneBrowser(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		p := w.party(t, "alder", application.Public)
		b := w.browser(t)
		_, a := p.asked(t, b)
		u, _ := url.Parse(a.want(t, http.StatusSeeOther).location())
		back := u.Query().Get("return_to")
		thief := w.browser(t).signIn(t, "user2@alder.example")
		for claim, a := range map[string]answer{
			"in another browser":  thief.get(t, back),
			"of another tenant":   b.get(t, strings.Replace(back, "/t/alder/", "/t/birch/", 1)),
			"of nobody":           b.get(t, "/t/alder/authorize/resume?id="+application.NewID()),
			"without an id":       b.get(t, "/t/alder/authorize/resume"),
			"of a tenant of none": b.get(t, "/t/nowhere/authorize/resume?id=x"),
		} {
			if a.is(t, http.StatusGone, http.StatusNotFound); a.location() != "" {
				t.Errorf("%s: to %s", claim, a.location())
			}
		}
		w.forward(t, application.RequestLife)
		b.signIn(t, "user1@alder.example")
		b.get(t, back).want(t, http.StatusGone)

		j, a := p.asked(t, b, prompts("login"))
		back = stepsUp(t, "prompt=login", a)
		b.prove(t, back)
		if code, _ := p.lands(t, j, b.get(t, back)); code == "" {
			t.Fatal("no code")
		}
		b.get(t, back).want(t, http.StatusGone) // it was given its code
	})
}

// TestTheKeysAreRotated: the old one is known for as long as its tokens may come back.
func TestTheKeysAreRotated(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public)
		one := func() (*oauth2.Token, journey) {
			code, j := p.code(t, b)
			token, err := p.redeem(t, code, j)
			if err != nil {
				t.Fatal(err)
			}
			p.verify(t, token, j.nonce)
			return token, j
		}
		keys := func() (n int) {
			var set struct{ Keys []map[string]any }
			b.get(t, "/t/alder/keys").want(t, http.StatusOK).decode(t, &set)
			for _, k := range set.Keys {
				if k["d"] != nil || k["alg"] != "ES256" || k["use"] != "sig" || k["crv"] != "P-256" {
					t.Errorf("a key is %v", k)
				}
			}
			return len(set.Keys)
		}
		old, j := one()
		one()
		if keys() != 1 || w.events(t, audit.ApplicationKeyMade, "") != 1 {
			t.Errorf("%d keys", keys())
		}
		w.act(t, "UPDATE application_keys SET created_at = ?", w.now().Add(-application.KeyLife))
		one()
		if keys() != 2 {
			t.Errorf("%d keys after the first is old", keys())
		}
		p.verify(t, old, j.nonce)
		w.act(t, "UPDATE application_keys SET created_at = ? WHERE created_at < ?", w.now().Add(-application.KeyLife-49*time.Hour), w.now().Add(-time.Hour))
		if keys() != 1 {
			t.Errorf("%d keys when the tokens of the first are long over", keys())
		}
		var sealed string
		w.one(t, &sealed, "SELECT private FROM application_keys LIMIT 1")
		if !strings.HasPrefix(sealed, "1.") {
			t.Error("a key is not sealed")
		}
	})
}

// TestAnApplicationEndsTheSession: the user is asked, and then led back.
func TestAnApplicationEndsTheSession(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public)
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		hint, _ := token.Extra("id_token").(string)
		end := "/t/alder/end-session?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rota.example/bye"}, "state": {"s1"}}.Encode()
		for claim, path := range map[string]string{
			"another address": strings.Replace(end, "bye", "evil", 1), "another hint": strings.Replace(end, "id_token_hint=e", "id_token_hint=f", 1),
			"another tenant's": strings.Replace(end, "/t/alder", "/t/birch", 1),
		} {
			if a := b.get(t, path); !a.is(t, http.StatusBadRequest) || a.location() != "" {
				t.Errorf("%s: to %q", claim, a.location())
			}
		}
		page := b.get(t, end).want(t, http.StatusOK)
		if !strings.Contains(page.body, "Rota "+p.ClientID) || !b.signedIn(t) {
			t.Fatalf("it was not asked: %s", excerpt(page.body))
		}
		b.get(t, end)
		u, _ := url.Parse(end)
		var form []string
		for name := range u.Query() {
			form = append(form, name, u.Query().Get(name))
		}
		csrf := b.csrf
		b.csrf = "another"
		b.post(t, "/t/alder/end-session/confirm", form...).want(t, http.StatusForbidden)
		b.csrf = csrf
		a := b.post(t, "/t/alder/end-session/confirm", form...).want(t, http.StatusOK)
		if !strings.Contains(a.body, `content="0;url=https://rota.example/bye?state=s1"`) || b.signedIn(t) {
			t.Errorf("it leads to: %s", a.body)
		}
		if to := b.get(t, end).want(t, http.StatusFound).location(); to != "https://rota.example/bye?state=s1" {
			t.Errorf("who is signed out goes to %s", to)
		}
		if to := b.get(t, "/t/alder/end-session").want(t, http.StatusFound).location(); to != "/signed-out" {
			t.Errorf("without an application one goes to %s", to)
		}
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" {
			t.Errorf("the refresh token: %v", err)
		}
	})
}

// TestATokenIsRevokedByItsApplication, and by no other one.
func TestATokenIsRevokedByItsApplication(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p, other := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Confidential), w.party(t, "alder", application.Confidential)
		revoke := func(by *party, token string) answer {
			r := newRequest(t, http.MethodPost, w.URL+"/t/alder/revoke", strings.NewReader(url.Values{"token": {token}}.Encode()))
			r.Header.Set("Content-Type", formType)
			r.SetBasicAuth(by.ClientID, by.ClientSecret)
			return send(t, &http.Client{Transport: w.wire}, r)
		}
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range []string{token.AccessToken, token.RefreshToken, "nonsense"} {
			revoke(other, one).is(t, http.StatusOK)
		}
		if _, err := p.userinfo(t, token); err != nil {
			t.Errorf("another application revoked it: %v", err)
		}
		revoke(p, token.AccessToken).is(t, http.StatusOK)
		if _, err := p.userinfo(t, token); err == nil {
			t.Error("a revoked access token is worth something")
		}
		next, err := p.renew(t, token.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		revoke(p, next.RefreshToken).is(t, http.StatusOK)
		if _, err := p.renew(t, next.RefreshToken); refusal(err) != "invalid_grant" {
			t.Errorf("a revoked refresh token: %v", err)
		}
		if _, err := p.userinfo(t, next); err == nil {
			t.Error("its access token is worth something")
		}
		wrong := *p
		wrong.ClientSecret = "wrong"
		revoke(&wrong, next.RefreshToken).is(t, http.StatusBadRequest, http.StatusUnauthorized)
	})
}

// TestScriptsOfApplicationsMayAsk at the addresses that take no cookie, and at no other.
func TestScriptsOfApplicationsMayAsk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public)
		cross := []string{"Origin", "https://rota.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}
		for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/userinfo"} {
			if a := b.get(t, "/t/alder"+path, cross...); a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %v", path, a.header)
			}
		}
		code, j := p.code(t, b)
		r := newRequest(t, http.MethodPost, w.URL+"/t/alder/token", strings.NewReader(url.Values{
			"grant_type": {"authorization_code"}, "client_id": {p.ClientID}, "code": {code}, "redirect_uri": {landing}, "code_verifier": {j.verifier},
		}.Encode()))
		for i := 0; i < len(cross); i += 2 {
			r.Header.Set(cross[i], cross[i+1])
		}
		r.Header.Set("Content-Type", formType)
		if a := send(t, &http.Client{Transport: w.wire}, r).want(t, http.StatusOK); a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("a token: %v", a.header)
		}
		for _, path := range []string{"/authorize", "/end-session"} {
			if a := b.get(t, "/t/alder"+path, cross...); a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s lets scripts of others read it", path)
			}
		}
		// A form of another site is the same request by an address.
		r = b.request(t, http.MethodPost, "/t/alder/authorize", strings.NewReader("client_id=x&prompt=none"), append(cross, "Content-Type", formType)...)
		if a := send(t, b.client, r).want(t, http.StatusSeeOther); a.location() != "/t/alder/authorize?client_id=x&prompt=none" {
			t.Errorf("a form leads to %s", a.location())
		}
	})
}

// TestWhatDiscoverySays is what is there.
func TestWhatDiscoverySays(t *testing.T) {
	t.Parallel()
	w := onPostgres(t)
	p := w.party(t, "alder", application.Public)
	var d struct {
		Issuer     string   `json:"issuer"`
		Grants     []string `json:"grant_types_supported"`
		Responses  []string `json:"response_types_supported"`
		Methods    []string `json:"code_challenge_methods_supported"`
		Algs       []string `json:"id_token_signing_alg_values_supported"`
		ACRs       []string `json:"acr_values_supported"`
		End        string   `json:"end_session_endpoint"`
		Device     string   `json:"device_authorization_endpoint"`
		Introspect string   `json:"introspection_endpoint"`
	}
	if err := p.provider.Claims(&d); err != nil {
		t.Fatal(err)
	}
	join := func(all []string) string { return strings.Join(all, " ") }
	if d.Issuer != w.URL+"/t/alder" || join(d.Grants) != "authorization_code refresh_token" || join(d.Responses) != "code" || join(d.Methods) != "S256" || join(d.Algs) != "ES256" ||
		join(d.ACRs) != "1fa mfa phr" || d.End != w.URL+"/t/alder/end-session" || d.Device != "" || d.Introspect != "" {
		t.Errorf("discovery says %+v", d)
	}
	if _, err := oidc.NewProvider(w.client(t), w.URL+"/t/nowhere"); err == nil {
		t.Error("a tenant that is not there has a provider")
	}
	for _, grant := range []string{"client_credentials", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:device_code", ""} {
		r := newRequest(t, http.MethodPost, w.URL+"/t/alder/token", strings.NewReader(url.Values{"grant_type": {grant}, "client_id": {p.ClientID}}.Encode()))
		r.Header.Set("Content-Type", formType)
		if a := send(t, &http.Client{Transport: w.wire}, r); !a.is(t, http.StatusBadRequest) || !strings.Contains(a.body, "unsupported_grant_type") {
			t.Errorf("%s: %s", grant, a.body)
		}
	}
}
