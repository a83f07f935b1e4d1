package phone

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestParseLink(t *testing.T) {
	for claim, row := range map[string]struct{ link, publicURL, token string }{
		"https":                         {"https://id.example/phone#enrol=abc", "https://id.example", "abc"},
		"a port and spaces":             {" https://id.example:8443/phone#enrol=a-b_c\n", "https://id.example:8443", "a-b_c"},
		"a slash at the end":            {"https://id.example/phone/#enrol=abc", "https://id.example", "abc"},
		"a service under a path":        {"https://example.org/id/phone#enrol=abc", "https://example.org/id", "abc"},
		"http on loopback":              {"http://127.0.0.1:8080/phone#enrol=abc", "http://127.0.0.1:8080", "abc"},
		"http on the name of loopback":  {"http://localhost:8080/phone#enrol=abc", "http://localhost:8080", "abc"},
		"http elsewhere is refused":     {"http://id.example/phone#enrol=abc", "", ""},
		"another scheme is refused":     {"ftp://127.0.0.1/phone#enrol=abc", "", ""},
		"no token is refused":           {"https://id.example/phone#enrol=", "", ""},
		"a token in a query is refused": {"https://id.example/phone?enrol=abc", "", ""},
		"another page is refused":       {"https://id.example/me#enrol=abc", "", ""},
		"no host is refused":            {"/phone#enrol=abc", "", ""},
		"a user in it is refused":       {"https://id.example@evil.example/phone#enrol=abc", "", ""},
		"no link at all is refused":     {"%", "", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			publicURL, token, err := ParseLink(row.link)
			if publicURL != row.publicURL || token != row.token || (err != nil) != (row.token == "") {
				t.Errorf("ParseLink(%q) = %q, %q, %v; want %q, %q", row.link, publicURL, token, err, row.publicURL, row.token)
			}
			if err != nil && strings.Contains(err.Error(), "abc") {
				t.Errorf("the error prints the token: %v", err)
			}
		})
	}
}

func TestOnlyP256Signs(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Proof(key, "device-1", "GET", "https://id.example/", time.Now()); err == nil {
		t.Error("Proof took a key on P-384")
	}
}

func TestEveryCall(t *testing.T) {
	f, c := enrolled(t)
	ctx := t.Context()
	if c.DeviceID != "device-1" {
		t.Errorf("DeviceID = %q", c.DeviceID)
	}
	if err := c.EnablePhoneSignIn(ctx, "account-1", false); err != nil {
		t.Errorf("EnablePhoneSignIn = %v", err)
	}
	accounts, err := c.Accounts(ctx)
	if err != nil || len(accounts) != 1 || !accounts[0].PhoneSignIn || !accounts[0].Registered {
		t.Errorf("Accounts = %+v, %v", accounts, err)
	}
	if err := c.DisablePhoneSignIn(ctx, "account-1"); err != nil || f.enabled {
		t.Errorf("DisablePhoneSignIn = %v, enabled %t", err, f.enabled)
	}
	var s Subscription
	s.Endpoint, s.Keys.Auth = "https://push.example/1", "auth"
	if err := c.PutPush(ctx, s); err != nil || f.push != s {
		t.Errorf("PutPush = %v, stored %+v", err, f.push)
	}
	if id, err := c.Test(ctx, "account-1"); id != "" || err != nil {
		t.Errorf("Test without such a service = %q, %v", id, err)
	}
	if err := c.RemoveSelf(ctx); err != nil {
		t.Errorf("RemoveSelf = %v", err)
	}
	if _, err := c.Accounts(ctx); StatusOf(err) != http.StatusUnauthorized {
		t.Errorf("Accounts after RemoveSelf = %v", err)
	}
}

func TestAnswer(t *testing.T) {
	for claim, row := range map[string]struct {
		mode          Mode
		decision      Decision
		number, state string
	}{
		"the right pick approves":         {Pick3, Approve, "48", "approved"},
		"a wrong pick denies":             {Pick3, Approve, "16", "denied"},
		"two typed digits approve":        {Type2, Approve, "48", "approved"},
		"six typed digits approve":        {Type6, Approve, "123456", "approved"},
		"a refusal denies":                {Pick3, Deny, "", "denied"},
		"a number is not sent with a no":  {Pick3, Deny, "48", "denied"},
		"that it is not me is remembered": {Type2, Report, "", "reported"},
	} {
		t.Run(claim, func(t *testing.T) {
			f, c := enrolled(t)
			f.ask("request-1", row.mode)
			waiting, err := c.Requests(t.Context())
			if err != nil || len(waiting) != 1 || waiting[0].Nonce != "nonce-request-1" {
				t.Fatalf("Requests = %+v, %v", waiting, err)
			}
			state, err := c.Answer(t.Context(), "account-1", waiting[0], row.decision, row.number, goodPIN)
			if state != row.state || err != nil {
				t.Errorf("Answer = %q, %v; want %q", state, err, row.state)
			}
			_, err = c.Answer(t.Context(), "account-1", waiting[0], row.decision, row.number, goodPIN)
			if StatusOf(err) != http.StatusConflict {
				t.Errorf("a second Answer = %v, want 409", err)
			}
		})
	}
}

func TestAWrongPINIsRefused(t *testing.T) {
	f, c := enrolled(t)
	_, err := c.Answer(t.Context(), "account-1", f.ask("request-1", Pick3), Approve, "48", "000000")
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 401 || refused.Code != "refused" || refused.Message != "Not accepted." {
		t.Errorf("Answer = %#v", err)
	}
}

func TestAnotherOrganisationHoldsThePhone(t *testing.T) {
	f, c := enrolled(t)
	f.other = "Birch Freight"
	err := c.EnablePhoneSignIn(t.Context(), "account-1", false)
	var refused *Error
	if !errors.Is(err, ErrRegisteredElsewhere) || !errors.As(err, &refused) || refused.TenantName != "Birch Freight" {
		t.Fatalf("EnablePhoneSignIn = %v", err)
	}
	if err := c.EnablePhoneSignIn(t.Context(), "account-1", true); err != nil || !f.enabled {
		t.Errorf("EnablePhoneSignIn with move = %v, enabled %t", err, f.enabled)
	}
}

func TestEvents(t *testing.T) {
	f, c := enrolled(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := c.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"request-1", "request-2"} {
		f.ask(id, Type2)
		if got := <-events; got != id {
			t.Errorf("event = %q, want %q", got, id)
		}
	}
	cancel()
	if id, open := <-events; open {
		t.Errorf("event after the end: %q", id)
	}
	c.DeviceID = "device-2"
	if _, err := c.Events(t.Context()); StatusOf(err) != http.StatusUnauthorized {
		t.Errorf("Events of an unknown device = %v", err)
	}
}

func TestReadEvents(t *testing.T) {
	var got []string
	readEvents(strings.NewReader(": comment\n\nevent: request\r\ndata: a\r\n\r\nevent:request\ndata:b\ndata: c\nid: 7\n\nevent: request\n\ndata: d\n\ndata: cut off"),
		func(event, data string) bool {
			got = append(got, event+"="+data)
			return true
		})
	if want := "request=a|request=b\nc|=d"; strings.Join(got, "|") != want {
		t.Errorf("events = %q, want %q", strings.Join(got, "|"), want)
	}
}

func TestAServiceThatNamesAnotherAddress(t *testing.T) {
	f := newFake(t)
	relay := httptest.NewServer(f.Config.Handler) // says f.URL
	defer relay.Close()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{BaseURL: relay.URL, Key: key}
	if _, err := c.Enrol(t.Context(), goodToken, "x", "terminal", goodPIN); err == nil || c.DeviceID != "" {
		t.Errorf("Enrol = %v, device %q", err, c.DeviceID)
	}
	replica := &Client{BaseURL: relay.URL, PublicURL: f.URL, Key: key}
	if _, err := replica.Enrol(t.Context(), f.link(), "x", "terminal", goodPIN); err != nil {
		t.Errorf("Enrol at a replica = %v", err)
	}
	if _, err := replica.Accounts(t.Context()); err != nil {
		t.Errorf("Accounts at a replica = %v", err)
	}
}

func TestRefusalsThatAreNoJSON(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/accounts") {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
			return
		}
		w.Header().Set("Retry-After", "7")
		http.Error(w, "<h1>\x1b[2Jbusy</h1>", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{BaseURL: server.URL, Key: key}
	_, err = c.Requests(t.Context())
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 503 || refused.RetryAfter != 7*time.Second {
		t.Errorf("Requests = %#v", err)
	}
	if _, err = c.Accounts(t.Context()); StatusOf(err) != http.StatusFound {
		t.Errorf("a redirect was followed: %v", err)
	}
}
