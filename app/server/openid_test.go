package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/secret"
	"latchkey/app/server"
)

// party is a relying party that knows nothing of this program: discovery, the code flow
// with PKCE and the check of id tokens are those of go-oidc and x/oauth2.
type party struct {
	*world
	oauth2.Config
	provider *oidc.Provider
	slug     string
	kind     application.Kind
}

const landing = "https://rota.example/callback"

// party registers an application of a tenant and discovers the provider.
func (w *world) party(t testing.TB, slug string, kind application.Kind, change ...string) *party {
	t.Helper()
	id, made, digest := application.NewID(), secret.Token{}, ""
	if kind == application.Confidential {
		made = application.NewSecret()
		digest = made.Digest()
	}
	w.act(t, `INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, logout_uris, start_url, created_at, changed_by, changed_at)
		SELECT id, ?, ?, ?, 'on', ?, ?, 'https://rota.example/bye', 'https://rota.example/', ?, '', ? FROM tenants WHERE slug = ?`,
		id, "Rota "+id, kind, digest, landing+"\nhttps://rota.example/other", w.DB.Now(), w.DB.Now(), slug)
	for _, set := range change {
		w.act(t, "UPDATE applications SET "+set+" WHERE id = ?", id)
	}
	p, err := oidc.NewProvider(w.client(t), w.URL+"/t/"+slug)
	if err != nil {
		t.Fatal(err)
	}
	return &party{
		world: w, provider: p, slug: slug, kind: kind,
		Config: oauth2.Config{ClientID: id, ClientSecret: made.Reveal(), Endpoint: p.Endpoint(), RedirectURL: landing, Scopes: []string{"openid", "profile", "email", "offline_access"}},
	}
}

// client is the context in which the party asks.
func (w *world) client(t testing.TB) context.Context {
	return oidc.ClientContext(context.Background(), &http.Client{Transport: w.wire, Timeout: 2 * time.Minute})
}

// journey is one sign-in to a party: what it remembers of it, and where it begins.
type journey struct {
	state, nonce, verifier, start string
}

// begins is a redirect of the party to the provider.
func (p *party) begins(more ...oauth2.AuthCodeOption) journey {
	j := journey{state: oauth2.GenerateVerifier()[:20], nonce: oauth2.GenerateVerifier()[:20], verifier: oauth2.GenerateVerifier()}
	full := p.AuthCodeURL(j.state, append([]oauth2.AuthCodeOption{oidc.Nonce(j.nonce), oauth2.S256ChallengeOption(j.verifier)}, more...)...)
	j.start = strings.TrimPrefix(full, p.URL)
	return j
}

func prompts(text string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("prompt", text) }

// lands reads where a browser was sent, at the party: the code, or the error.
func (p *party) lands(t testing.TB, j journey, a answer) (code, failure string) {
	t.Helper()
	to := a.location()
	if a.status == http.StatusOK {
		_, rest, _ := strings.Cut(a.body, `http-equiv="refresh" content="0;url=`)
		to, _, _ = strings.Cut(strings.ReplaceAll(rest, "&amp;", "&"), `"`)
	}
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, landing+"?") || u.Query().Get("state") != j.state {
		t.Fatalf("%s = %d leads to %q, want the party with its state\n%s", a.asked, a.status, to, excerpt(a.body))
	}
	return u.Query().Get("code"), u.Query().Get("error")
}

// code gets a code for whoever is signed in in a browser.
func (p *party) code(t testing.TB, b *browser, more ...oauth2.AuthCodeOption) (string, journey) {
	t.Helper()
	j := p.begins(more...)
	code, failure := p.lands(t, j, b.get(t, j.start))
	if code == "" {
		t.Fatalf("no code: %s", failure)
	}
	return code, j
}

// redeem redeems a code as the party would.
func (p *party) redeem(t testing.TB, code string, j journey) (*oauth2.Token, error) {
	return p.Exchange(p.client(t), code, oauth2.VerifierOption(j.verifier))
}

// refusal gives the error of OAuth in an error, or what else it is.
func refusal(err error) string {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) {
		return r.ErrorCode
	}
	return fmt.Sprint(err)
}

// idClaims is what an id token says.
type idClaims struct {
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
	ACR      string   `json:"acr"`
	SID      string   `json:"sid"`
	Email    string   `json:"email"`
	AZP      string   `json:"azp"`
}

// verify checks an id token, independently, and reads it.
func (p *party) verify(t testing.TB, token *oauth2.Token, nonce string) (*oidc.IDToken, idClaims) {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := p.provider.VerifierContext(p.client(t), &oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: []string{"ES256"}}).Verify(p.client(t), raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.Nonce != nonce {
		t.Errorf("nonce %q, want %q", id.Nonce, nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	var is idClaims
	if err := id.Claims(&is); err != nil {
		t.Fatal(err)
	}
	return id, is
}

func (p *party) userinfo(t testing.TB, token *oauth2.Token) (*oidc.UserInfo, error) {
	return p.provider.UserInfo(p.client(t), oauth2.StaticTokenSource(token))
}

// renew redeems a refresh token.
func (p *party) renew(t testing.TB, refresh string) (*oauth2.Token, error) {
	return p.TokenSource(p.client(t), &oauth2.Token{RefreshToken: refresh}).Token()
}

func (w *world) events(t testing.TB, action audit.Action, reason string) (n int) {
	t.Helper()
	query := "SELECT count(*) FROM audit_events WHERE action = ?"
	values := []any{action}
	if reason != "" {
		query, values = query+" AND reason = ?", append(values, reason)
	}
	w.one(t, &n, query, values...)
	return n
}

// TestSomebodySignsInToAnApplication: from the application to the sign-in, back with a
// code, and what it is told for it; a second time without being asked anything.
func TestSomebodySignsInToAnApplication(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		_, userID := w.person(t, name)
		for _, kind := range application.Kinds {
			p := w.party(t, "alder", kind)
			b, j := w.browser(t), p.begins(oauth2.SetAuthURLParam("login_hint", name))
			signin := b.get(t, j.start).want(t, http.StatusSeeOther).location()
			if !strings.HasPrefix(signin, "/signin?return_to=%2Ft%2Falder%2F") || !strings.Contains(signin, "login_hint=user1") {
				t.Fatalf("nobody is signed in, and the browser goes to %s", signin)
			}
			page := b.get(t, signin).want(t, http.StatusOK)
			if !strings.Contains(page.body, "Rota "+p.ClientID) {
				t.Error("the page does not say where it leads")
			}
			u, _ := url.Parse(signin)
			attempt := b.post(t, "/signin", "identifier", name, "return_to", u.Query().Get("return_to")).want(t, http.StatusSeeOther).location()
			if !strings.Contains(b.get(t, attempt).body, "Rota "+p.ClientID) {
				t.Error("the second page does not say where it leads")
			}
			back := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther).location()
			code, failure := p.lands(t, j, b.get(t, back).want(t, http.StatusOK))
			token, err := p.redeem(t, code, j)
			if err != nil {
				t.Fatalf("%s: %s, %v", kind, failure, err)
			}
			id, is := p.verify(t, token, j.nonce)
			if id.Subject != userID || id.Issuer != w.URL+"/t/alder" || is.SID == "" || is.ACR != "1fa" || len(is.AMR) != 1 || is.AMR[0] != "pwd" || is.Email != name ||
				time.Since(time.Unix(is.AuthTime, 0)) > time.Minute {
				t.Errorf("%s: %s says %+v", kind, id.Subject, is)
			}
			if token.TokenType != "Bearer" || time.Until(token.Expiry) > application.AccessLife+time.Second || token.RefreshToken == "" || strings.Count(token.AccessToken, ".") == 2 {
				t.Errorf("%s: type %s until %s", kind, token.TokenType, token.Expiry)
			}
			info, err := p.userinfo(t, token)
			if err != nil || info.Subject != userID || info.Email != name || !info.EmailVerified {
				t.Errorf("%s: userinfo %+v, %v", kind, info, err)
			}
			again, second := p.code(t, b)
			if _, err := p.redeem(t, again, second); err != nil {
				t.Errorf("%s: a second time: %v", kind, err)
			}
			next, err := p.renew(t, token.RefreshToken)
			if err != nil || next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
				t.Fatalf("%s: renewed: %v", kind, err)
			}
			if _, renewed := p.verify(t, next, ""); renewed.ACR != is.ACR || renewed.SID != is.SID || renewed.AuthTime != is.AuthTime {
				t.Errorf("%s: renewed it says %+v, and said %+v", kind, renewed, is)
			}
			if _, err := p.userinfo(t, next); err != nil {
				t.Error(err)
			}
		}
		if entered, issued, renewed := w.events(t, audit.ApplicationEntered, ""), w.events(t, audit.ApplicationTokensIssued, ""), w.events(t, audit.ApplicationTokensRenewed, ""); entered != 4 || issued != 4 || renewed != 2 {
			t.Errorf("events: %d, %d and %d", entered, issued, renewed)
		}
	})
}

// TestACodeWorksOnce: for its application, its redirect URI and its verifier, within a
// minute; one that comes back ends what was made from it.
func TestACodeWorksOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		p, other, birch := w.party(t, "alder", application.Confidential), w.party(t, "alder", application.Confidential), w.party(t, "birch", application.Confidential)
		public := w.party(t, "alder", application.Public)
		for claim, spoil := range map[string]func(p party, code string, j journey) error{
			"another verifier": func(p party, code string, j journey) error {
				j.verifier = oauth2.GenerateVerifier()
				_, err := p.redeem(t, code, j)
				return err
			},
			"no verifier": func(p party, code string, j journey) error { _, err := p.Exchange(p.client(t), code); return err },
			"another redirect URI": func(p party, code string, j journey) error {
				p.RedirectURL = "https://rota.example/other"
				_, err := p.redeem(t, code, j)
				return err
			},
			"no redirect URI": func(p party, code string, j journey) error {
				p.RedirectURL = ""
				_, err := p.redeem(t, code, j)
				return err
			},
			"another application":  func(p party, code string, j journey) error { _, err := other.redeem(t, code, j); return err },
			"a public application": func(p party, code string, j journey) error { _, err := public.redeem(t, code, j); return err },
			"another tenant":       func(p party, code string, j journey) error { _, err := birch.redeem(t, code, j); return err },
			"the id at another tenant": func(p party, code string, j journey) error {
				p.Endpoint = birch.Endpoint
				_, err := p.redeem(t, code, j)
				return err
			},
			"a wrong secret": func(p party, code string, j journey) error {
				p.ClientSecret += "x"
				_, err := p.redeem(t, code, j)
				return err
			},
			"no secret": func(p party, code string, j journey) error {
				p.ClientSecret = ""
				_, err := p.redeem(t, code, j)
				return err
			},
			"another code": func(p party, code string, j journey) error { _, err := p.redeem(t, "x"+code[1:], j); return err },
		} {
			code, j := p.code(t, b)
			if err := spoil(*p, code, j); err == nil {
				t.Errorf("%s: tokens", claim)
			} else if got := refusal(err); got != "invalid_grant" && got != "invalid_client" && got != "invalid_request" {
				t.Errorf("%s: %s", claim, got)
			}
			if _, err := p.redeem(t, code, j); err != nil {
				t.Errorf("%s: and then the right one: %v", claim, err)
			}
		}
		if w.events(t, audit.ApplicationTokensRefused, "application.secret_wrong") < 1 || w.events(t, audit.ApplicationTokensRefused, "") < 6 {
			t.Errorf("%d refusals are in the audit", w.events(t, audit.ApplicationTokensRefused, ""))
		}

		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.redeem(t, code, j); refusal(err) != "invalid_grant" {
			t.Errorf("again: %v", err)
		}
		if _, err := p.userinfo(t, token); err == nil {
			t.Error("after its code came back an access token is worth something")
		}
		if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" {
			t.Errorf("after its code came back: %v", err)
		}

		code, j = p.code(t, b)
		w.ahead.Add(int64(application.CodeLife))
		if _, err := p.redeem(t, code, j); refusal(err) != "invalid_grant" {
			t.Errorf("the last instant is not too late: %v", err)
		}
	})
}

// TestFiftyRedeemACodeAtOnce, and a refresh token: one of them gets something.
func TestFiftyRedeemACodeAtOnce(t *testing.T) {
	t.Parallel()
	onBothWith(t, func(s *server.Settings) { s.SignInsPerMinute = 0 }, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		p := w.party(t, "alder", application.Public)
		race := func(form url.Values) (won int, tokens []string) {
			requests := make([]*http.Request, 50)
			for i := range requests {
				requests[i] = newRequest(t, http.MethodPost, p.Endpoint.TokenURL, strings.NewReader(form.Encode()))
				requests[i].Header.Set("Content-Type", formType)
			}
			for _, a := range allAtOnce(t, &http.Client{Transport: w.wire}, requests) {
				var got struct {
					Access  string `json:"access_token"`
					Refresh string `json:"refresh_token"`
				}
				if a.is(t, http.StatusOK, http.StatusBadRequest); a.status == http.StatusOK {
					a.decode(t, &got)
					won, tokens = won+1, append(tokens, got.Access, got.Refresh)
				}
			}
			return won, tokens
		}
		over := func(claim string, tokens []string) {
			t.Helper()
			if _, err := p.userinfo(t, &oauth2.Token{AccessToken: tokens[0]}); err == nil {
				t.Errorf("%s: the access token is worth something", claim)
			}
			if _, err := p.renew(t, tokens[1]); refusal(err) != "invalid_grant" {
				t.Errorf("%s: the refresh token: %v", claim, err)
			}
		}
		code, j := p.code(t, b)
		won, tokens := race(url.Values{"grant_type": {"authorization_code"}, "client_id": {p.ClientID}, "code": {code}, "redirect_uri": {landing}, "code_verifier": {j.verifier}})
		if won != 1 || w.events(t, audit.ApplicationTokensIssued, "") != 1 {
			t.Fatalf("%d of fifty got tokens", won)
		}
		over("forty-nine showed the code again", tokens)

		code, j = p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		won, tokens = race(url.Values{"grant_type": {"refresh_token"}, "client_id": {p.ClientID}, "refresh_token": {token.RefreshToken}})
		if won != 1 {
			t.Fatalf("%d of fifty got the next refresh token", won)
		}
		over("forty-nine showed the refresh token again", tokens)
	})
}

// TestWhatAnApplicationHoldsLivesByTheSession: every way in which that ends, and what
// ends with the application, within five seconds on every replica.
func TestWhatAnApplicationHoldsLivesByTheSession(t *testing.T) {
	t.Parallel()
	const name = "user1@alder.example"
	for claim, end := range map[string]func(t *testing.T, w *world, b *browser, p *party){
		"signed out": func(t *testing.T, w *world, b *browser, p *party) { b.get(t, "/me"); b.post(t, "/signout") },
		"locked":     func(t *testing.T, w *world, b *browser, p *party) { w.lock(t, name) },
		"disabled":   func(t *testing.T, w *world, b *browser, p *party) { w.disable(t, name) },
		"the tenant suspended": func(t *testing.T, w *world, b *browser, p *party) {
			w.act(t, "UPDATE tenants SET state = 'suspended' WHERE slug = 'alder'")
		},
		"the application off": func(t *testing.T, w *world, b *browser, p *party) {
			w.act(t, "UPDATE applications SET state = 'off' WHERE id = ?", p.ClientID)
		},
		"out of its groups":   func(t *testing.T, w *world, b *browser, p *party) { w.limitTo(t, p, "field") },
		"the session too old": func(t *testing.T, w *world, b *browser, p *party) { w.ahead.Add(int64(24 * time.Hour)) },
		"its address taken away": func(t *testing.T, w *world, b *browser, p *party) {
			w.act(t, "UPDATE applications SET redirect_uris = 'https://rota.example/other' WHERE id = ?", p.ClientID)
		},
		"a stronger proof asked": func(t *testing.T, w *world, b *browser, p *party) {
			w.act(t, "UPDATE applications SET strength = 'phr' WHERE id = ?", p.ClientID)
		},
		"a proof asked again": func(t *testing.T, w *world, b *browser, p *party) {
			w.act(t, "UPDATE applications SET frequency_minutes = 3 WHERE id = ?", p.ClientID)
			w.ahead.Add(int64(3 * time.Minute))
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, w *world) {
				b, p := w.browser(t).signIn(t, name), w.party(t, "alder", application.Public)
				code, j := p.code(t, b)
				token, err := p.redeem(t, code, j)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.userinfo(t, token); err != nil {
					t.Fatal(err)
				}
				waiting, k := p.code(t, b)
				end(t, w, b, p)
				if _, err := p.redeem(t, waiting, k); err == nil {
					t.Error("a code that waited got tokens")
				}
				if _, err := p.userinfo(t, token); err == nil {
					t.Error("the access token is worth something")
				}
				if _, err := p.renew(t, token.RefreshToken); err == nil {
					t.Error("the refresh token got tokens")
				}
			})
		})
	}
}

// limitTo makes an application one for a group.
func (w *world) limitTo(t testing.TB, p *party, group string) {
	t.Helper()
	w.act(t, "UPDATE applications SET limited = TRUE WHERE id = ?", p.ClientID)
	w.act(t, "INSERT INTO application_groups (tenant_id, application_id, group_id) SELECT tenant_id, id, ? FROM applications WHERE id = ?", w.group(t, p.slug, group), p.ClientID)
}

// TestAnIdleSessionKeepsItsTokens: its user works in the application, not here.
func TestAnIdleSessionKeepsItsTokens(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public)
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		w.ahead.Add(int64(2 * time.Hour))
		if b.signedIn(t) {
			t.Fatal("the session does not idle")
		}
		if _, err := p.userinfo(t, token); err == nil {
			t.Error("an access token lasts for two hours")
		}
		if _, err := p.renew(t, token.RefreshToken); err != nil {
			t.Errorf("the refresh token: %v", err)
		}
	})
}

// forApplications are the requests at which no cookie has a part, and whose answers
// everybody may read.
var forApplications = regexp.MustCompile(`^[A-Z]+ /t/[^/]+/(\.well-known/openid-configuration|keys|token|revoke|userinfo)( |$)`)

// tokenActs prepares what an application does with tokens that it holds: to renew one, and to
// revoke one.
func (w *world) tokenActs(t testing.TB) (redeems, revokes func() answer) {
	t.Helper()
	p := w.party(t, "alder", application.Public)
	b := w.browser(t).signIn(t, "user32@alder.example")
	act := func(path string, form url.Values, field string) func() answer {
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("client_id", p.ClientID)
		form.Set(field, token.RefreshToken)
		return func() answer {
			r := newRequest(t, http.MethodPost, w.URL+"/t/alder"+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", formType)
			return send(t, &http.Client{Transport: w.wire}, r)
		}
	}
	return act("/token", url.Values{"grant_type": {"refresh_token"}}, "refresh_token"), act("/revoke", url.Values{}, "token")
}

// applicationsGate is the gate of applications.
func applicationsGate(t *testing.T, w *world, _ int, name, other string) gate {
	p, own, theirs := w.party(t, "alder", application.Confidential), w.browser(t).signIn(t, name), w.browser(t).signIn(t, other)
	code, j := p.code(t, own)
	held, journey := p.code(t, own)
	token, err := p.redeem(t, held, journey)
	if err != nil {
		t.Fatal(err)
	}
	return gate{
		own:  func() bool { return strings.Contains(own.get(t, "/").want(t, http.StatusOK).body, "Rota "+p.ClientID) },
		acts: func() bool { return silently(t, p, theirs) == "" },
		kept: func() bool {
			var n int
			w.one(t, &n, "SELECT count(*) FROM applications WHERE id = ? AND state = 'on'", p.ClientID)
			return n == 1
		},
		begun: map[string]func() bool{
			"a code": func() bool { _, err := p.redeem(t, code, j); return err == nil },
			"a token that is renewed": func() bool {
				next, err := p.renew(t, token.RefreshToken)
				if err == nil {
					token = next
				}
				return err == nil
			},
			"a token that asks": func() bool { _, err := p.userinfo(t, token); return err == nil },
		},
	}
}
