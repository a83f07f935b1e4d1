package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

func TestOnlyATrustedProxySaysWhereARequestCameFrom(t *testing.T) {
	for _, c := range []struct {
		claim     string
		trusted   []string
		peer      string
		forwarded []string
		want      string
	}{
		{"nobody is trusted", nil, "127.0.0.1", []string{"203.0.113.9"}, "127.0.0.1"},
		{"not even a private network", nil, "10.1.2.3", []string{"203.0.113.9"}, "10.1.2.3"},
		{"a peer that is not the proxy", []string{"10.0.0.0/8"}, "192.0.2.1", []string{"203.0.113.9"}, "192.0.2.1"},
		{"the proxy", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"203.0.113.9"}, "203.0.113.9"},
		{"the proxy, by its address", []string{"10.1.2.3/32"}, "10.1.2.3", []string{"203.0.113.9"}, "203.0.113.9"},
		{"the proxy says nothing", []string{"10.0.0.0/8"}, "10.1.2.3", nil, "10.1.2.3"},
		{"what the client put before counts for nothing", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"127.0.0.1, 198.51.100.7, 203.0.113.9"}, "203.0.113.9"},
		{"a chain of two proxies", []string{"10.0.0.0/8", "172.16.0.0/12"}, "10.1.2.3", []string{"198.51.100.7, 203.0.113.9, 172.16.0.5"}, "203.0.113.9"},
		{"a chain in two headers", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"198.51.100.7", "203.0.113.9"}, "203.0.113.9"},
		{"a client that poses as a proxy", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"198.51.100.7, 10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"what is no address", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"<script>"}, "10.1.2.3"},
		{"an address with a port", []string{"10.0.0.0/8"}, "10.1.2.3", []string{"203.0.113.9:4711"}, "10.1.2.3"},
		{"a proxy by version 6", []string{"2001:db8::/32"}, "2001:db8::1", []string{"2001:db9::7"}, "2001:db9::7"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			w := quiet(servertest.Empty(t, store.SQLite, "https://id.example.org", trusting(c.trusted...)))
			w.wire = direct{w.Handler, c.peer}
			b := w.browser(t)
			b.get(t, "/signin")
			r := b.request(t, http.MethodPost, "/signin", strings.NewReader(b.form("identifier", "user1@alder.example").Encode()), "Content-Type", formType)
			for _, value := range c.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			// Others that some programs believe.
			for _, name := range []string{"X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "Forwarded"} {
				r.Header.Set(name, "198.51.100.200")
			}
			send(t, b.client, r).want(t, http.StatusSeeOther)
			var ip, personal string
			w.one(t, &ip, "SELECT ip FROM attempts")
			w.one(t, &personal, "SELECT personal FROM audit_events WHERE action = 'signin.begun'")
			if ip != c.want || !strings.Contains(personal, `"ip":"`+c.want+`"`) {
				t.Errorf("the attempt came from %s, the audit says %s, want %s", ip, personal, c.want)
			}
		})
	}
}

// TestForwardedSchemeIsNotBelieved: what stands in a header decides neither about
// the cookies nor about where links lead.
func TestForwardedSchemeIsNotBelieved(t *testing.T) {
	for public, secure := range map[string]bool{"http://localhost:8080": false, "https://id.example.org": true} {
		w := quiet(servertest.Quiet(t, store.SQLite, public, trusting("127.0.0.0/8")))
		for _, header := range [][]string{
			nil,
			{"X-Forwarded-Proto", "https"},
			{"X-Forwarded-Proto", "http"},
			{"X-Forwarded-Ssl", "on"},
			{"X-Url-Scheme", "https"},
			{"Front-End-Https", "on"},
			{"Forwarded", "for=203.0.113.9;proto=https;host=evil.example"},
			{"X-Forwarded-Host", "evil.example"},
			{"X-Forwarded-Port", "444"},
			{"X-Forwarded-Prefix", "/evil"},
		} {
			a := w.browser(t).get(t, "/signin", header...).want(t, http.StatusOK)
			for _, c := range a.cookies() {
				if c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure {
					t.Errorf("%s with %v sets %s", public, header, c.Raw)
				}
			}
			if got := a.header.Get("Strict-Transport-Security") != ""; got != secure {
				t.Errorf("%s with %v: Strict-Transport-Security %t, want %t", public, header, got, secure)
			}
			if to := w.browser(t).get(t, "/me", header...).want(t, http.StatusSeeOther).location(); to != "/signin?return_to="+url.QueryEscape("/me") {
				t.Errorf("%s with %v leads to %q", public, header, to)
			}
		}
	}
}
