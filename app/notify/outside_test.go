package notify_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"latchkey/app/notify"
)

// names is a name server that answers with another address each time.
func names(t *testing.T, addresses ...string) (*net.Resolver, *atomic.Int64) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				ip := netip.MustParseAddr(addresses[min(int(asked.Add(1)), len(addresses))-1])
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: ip.As4()},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}, &asked
}

// TestANameThatChangesLeadsNowhere: a name that is public when it is looked at, and
// of the house when it is called, is not called.
func TestANameThatChangesLeadsNowhere(t *testing.T) {
	t.Parallel()
	reached := atomic.Bool{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer s.Close()
	port := must(url.Parse(s.URL)).Port()

	resolver, asked := names(t, "192.88.99.1", "127.0.0.1")
	outside := notify.Outside{Resolver: resolver}
	if found, err := resolver.LookupNetIP(t.Context(), "ip4", "changes.example."); err != nil || !outside.Allows(found[0]) {
		t.Fatalf("at first it is %v, %v", found, err)
	}
	client := outside.Client()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://changes.example.:"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("a call = %v, want a refusal", err)
		}
		cancel()
	}
	if reached.Load() || asked.Load() < 4 {
		t.Errorf("reached: %t, after %d look-ups", reached.Load(), asked.Load())
	}
	// The same name is called where its network is allowed.
	outside.Allowed = notify.Loopback
	answer, err := outside.Client().Post("http://changes.example.:"+port+"/", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if !reached.Load() {
		t.Error("it did not arrive where it is allowed")
	}
}

// TestAllowedNetworksAreNoMore: what is allowed lets nothing else in.
func TestAllowedNetworksAreNoMore(t *testing.T) {
	o := notify.Outside{Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fd00:1::1": true, "9.9.9.9": true, "2606:4700::1111": true,
		"10.2.0.1": false, "::ffff:10.2.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "fd00:2::1": false, "::1": false, "0.0.0.0": false, "100.64.0.1": false,
	} {
		if got := o.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("Allows(%s) = %t, want %t", text, got, want)
		}
	}
}
