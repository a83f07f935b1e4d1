package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/application"
	"latchkey/app/audit"
)

// TestWhoIdledSignsOutOfEverything: the session opens no page any more, and the
// application lives by it; signing out, here and from there, ends it all the same.
func TestWhoIdledSignsOutOfEverything(t *testing.T) {
	t.Parallel()
	const name = "user1@alder.example"
	type leaving struct {
		*browser
		csrf string // of a page from when the session was alive
		end  url.Values
	}
	for claim, leave := range map[string]func(t *testing.T, w *world, l leaving){
		"signing out": func(t *testing.T, w *world, l leaving) {
			l.browser.csrf = l.csrf
			l.post(t, "/signout").want(t, http.StatusSeeOther)
		},
		"from the application": func(t *testing.T, w *world, l leaving) {
			page := l.get(t, "/t/alder/end-session?"+l.end.Encode()).want(t, http.StatusOK)
			if !strings.Contains(page.body, name) {
				t.Errorf("it is not asked whether %s leaves: %s", name, excerpt(page.body))
			}
			var form []string
			for field := range l.end {
				form = append(form, field, l.end.Get(field))
			}
			if a := l.post(t, "/t/alder/end-session/confirm", form...).want(t, http.StatusOK); !strings.Contains(a.body, "https://rota.example/bye") {
				t.Errorf("it leads to: %s", excerpt(a.body))
			}
		},
		"in another browser": func(t *testing.T, w *world, l leaving) {
			id := w.sessionOf(t, name)
			b := w.browser(t).signIn(t, name)
			page := b.get(t, "/me/sessions").want(t, http.StatusOK)
			if !strings.Contains(page.body, "applications still use it") || !strings.Contains(page.body, "Also in Rota") {
				t.Errorf("what an application lives by is not on the page: %s", excerpt(page.body))
			}
			b.post(t, "/me/sessions/"+id+"/end").want(t, http.StatusSeeOther)
			if page := b.get(t, "/me/sessions").want(t, http.StatusOK); strings.Contains(page.body, id) {
				t.Error("the page shows what has ended")
			}
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
				hint, _ := token.Extra("id_token").(string)
				b.get(t, "/me")
				l := leaving{b, b.csrf, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://rota.example/bye"}}}
				w.forward(t, 61*time.Minute)
				if b.signedIn(t) {
					t.Fatal("it does not idle")
				}
				if token, err = p.renew(t, token.RefreshToken); err != nil {
					t.Fatalf("while it idles: %v", err)
				}
				leave(t, w, l)
				if _, err := p.renew(t, token.RefreshToken); refusal(err) != "invalid_grant" {
					t.Errorf("the refresh token: %v", err)
				}
				if _, err := p.userinfo(t, token); err == nil {
					t.Error("the access token is worth something")
				}
				if got := w.events(t, audit.SessionEnded, ""); got != 1 {
					t.Errorf("%d sessions ended, by the audit", got)
				}
			})
		})
	}
}

// TestNobodyElseEndsWhatIdles: not with a form of another site, nor with that of another
// session, and another tenant's application ends nothing.
func TestNobodyElseEndsWhatIdles(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *world) {
		b, p, birch := w.browser(t).signIn(t, "user1@alder.example"), w.party(t, "alder", application.Public), w.party(t, "birch", application.Public)
		code, j := p.code(t, b)
		token, err := p.redeem(t, code, j)
		if err != nil {
			t.Fatal(err)
		}
		other := w.browser(t).signIn(t, "user2@alder.example")
		w.forward(t, 61*time.Minute)
		for claim, csrf := range map[string]string{"none": "", "another session's": other.csrf} {
			b.csrf = csrf
			if a := b.post(t, "/signout"); !a.is(t, http.StatusForbidden) {
				t.Errorf("with the token of %s: to %q", claim, a.location())
			}
			b.post(t, "/t/alder/end-session/confirm").is(t, http.StatusForbidden)
		}
		if to := b.get(t, "/t/birch/end-session?client_id="+birch.ClientID+"&post_logout_redirect_uri=https%3A%2F%2Frota.example%2Fbye").want(t, http.StatusFound).location(); to != "https://rota.example/bye" {
			t.Errorf("another tenant's leads to %q", to)
		}
		if _, err := p.renew(t, token.RefreshToken); err != nil {
			t.Errorf("the refresh token: %v", err)
		}
		// Without an application that lives by it nothing is listed that idles.
		w.act(t, "UPDATE authorizations SET ended_at = ?", w.now())
		w.forward(t, 0)
		again := w.browser(t).signIn(t, "user1@alder.example")
		if page := again.get(t, "/me/sessions").want(t, http.StatusOK); strings.Contains(page.body, "applications still use it") {
			t.Error("the page lists a session that is worth nothing")
		}
	})
}
