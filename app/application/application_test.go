package application

import (
	"slices"
	"strings"
	"testing"
)

func TestWhereCodesMayGo(t *testing.T) {
	for uri, want := range map[string]bool{
		"https://app.example/callback":                        true,
		"https://app.example:8443/callback?tenant=1":          true,
		"http://localhost:4000/cb":                            true,
		"http://127.0.0.1/cb":                                 true,
		"http://[::1]:4000/cb":                                true,
		"http://app.example/callback":                         false,
		"http://localhost.app.example/cb":                     false,
		"http://127.0.0.1.app.example/cb":                     false,
		"https://*.app.example/callback":                      false,
		"https://app.example/callback#here":                   false,
		"https://user@app.example/callback":                   false,
		"https://localhost@evil.example/":                     false,
		"https:///callback":                                   false,
		"https:callback":                                      false,
		"//app.example/callback":                              false,
		"/callback":                                           false,
		"javascript:alert(1)":                                 false,
		"data:text/html,x":                                    false,
		"com.example.app:/callback":                           false,
		"https://app.example/a b":                             false,
		"https://app.example\\@evil.example/":                 false,
		"https://app.example/\r\nSet-Cookie: a=b":             false,
		"https://äpp.example/callback":                        false,
		"":                                                    false,
		"https://app.example/" + strings.Repeat("x", uriMost): false,
	} {
		if got := proper(uri); got != want {
			t.Errorf("proper(%q) = %t, want %t", uri, got, want)
		}
	}
}

func TestWhatLoosens(t *testing.T) {
	base := Settings{
		Name: "Rota", Redirects: []string{"https://a.example/cb", "https://b.example/cb"}, Logouts: []string{"https://a.example/out"},
		Frequency: 30, Strength: "mfa", Groups: []string{"g1", "g2"}, Start: "https://a.example/",
	}
	with := func(change func(s *Settings)) Settings {
		s := base
		s.Redirects, s.Logouts, s.Groups = slices.Clone(s.Redirects), slices.Clone(s.Logouts), slices.Clone(s.Groups)
		change(&s)
		return s
	}
	for claim, row := range map[string]struct {
		next Settings
		want bool
	}{
		"nothing changes":               {base, false},
		"another name":                  {with(func(s *Settings) { s.Name = "Other" }), false},
		"another start":                 {with(func(s *Settings) { s.Start = "https://a.example/other" }), true},
		"no start":                      {with(func(s *Settings) { s.Start = "" }), false},
		"an address less":               {with(func(s *Settings) { s.Redirects = s.Redirects[:1] }), false},
		"an address more":               {with(func(s *Settings) { s.Redirects = append(s.Redirects, "https://c.example/cb") }), true},
		"another address":               {with(func(s *Settings) { s.Redirects[0] = "https://c.example/cb" }), true},
		"an address after the sign-out": {with(func(s *Settings) { s.Logouts = append(s.Logouts, "https://c.example/") }), true},
		"more often":                    {with(func(s *Settings) { s.Frequency = 10 }), false},
		"less often":                    {with(func(s *Settings) { s.Frequency = 31 }), true},
		"never":                         {with(func(s *Settings) { s.Frequency = 0 }), true},
		"a stronger proof":              {with(func(s *Settings) { s.Strength = "phr" }), false},
		"any proof":                     {with(func(s *Settings) { s.Strength = "" }), true},
		"a group less":                  {with(func(s *Settings) { s.Groups = s.Groups[:1] }), false},
		"a group more":                  {with(func(s *Settings) { s.Groups = append(s.Groups, "g3") }), true},
		"everybody":                     {with(func(s *Settings) { s.Groups = nil }), true},
		"turned off":                    {with(func(s *Settings) { s.SignInsOff = true }), false},
	} {
		if got := row.next.loosens(base); got != row.want {
			t.Errorf("%s: loosens = %t, want %t", claim, got, row.want)
		}
	}
	free := Settings{Name: "Rota", Redirects: base.Redirects}
	if !(Settings{Name: "Rota", Redirects: base.Redirects, Start: "https://a.example/"}).loosens(free) {
		t.Error("a first start does not loosen")
	}
	if tight := base; tight.loosens(free) != true { // an address after the sign-out is new
		t.Error("a first address after the sign-out does not loosen")
	}
	if (Settings{Name: "Rota", Redirects: base.Redirects, Frequency: 5, Strength: "phr", Groups: []string{"g1"}}).loosens(free) {
		t.Error("the first frequency, strength and group loosen")
	}
}
