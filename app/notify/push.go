package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/SherClockHolmes/webpush-go"
)

// Push sends Web Push messages (RFC 8030, encrypted by RFC 8291, VAPID by RFC 8292).
type Push struct {
	Client     *http.Client
	Subscriber string // mailto: or https: address of whoever runs this
	Public     string // VAPID, base64url
	Private    string
}

// CheckSubscription reads a subscription that a browser gave, and says whether
// it can be one at all: an https address and two keys.
func CheckSubscription(text []byte) (string, error) {
	var s webpush.Subscription
	if err := json.Unmarshal(text, &s); err != nil {
		return "", fmt.Errorf("notify: subscription: %w", err)
	}
	address, err := url.Parse(s.Endpoint)
	if err != nil || address.Host == "" || (address.Scheme != "https" && address.Hostname() != "127.0.0.1") || s.Keys.P256dh == "" || s.Keys.Auth == "" || len(text) > 4096 {
		return "", errors.New("notify: not a push subscription")
	}
	kept, err := json.Marshal(s)
	return string(kept), err
}

// Send sends body to the subscription target, whose push service keeps it for a
// phone that is away for no longer than life.
func (p *Push) Send(ctx context.Context, target, body string, life time.Duration) error {
	var s webpush.Subscription
	if err := json.Unmarshal([]byte(target), &s); err != nil {
		return ErrGone
	}
	// The library says mailto: by itself.
	subscriber := strings.TrimPrefix(p.Subscriber, "mailto:")
	answer, err := webpush.SendNotificationWithContext(ctx, []byte(body), &s, &webpush.Options{
		HTTPClient: p.Client, Subscriber: subscriber, TTL: int(life / time.Second), Urgency: webpush.UrgencyHigh,
		VAPIDPublicKey: p.Public, VAPIDPrivateKey: p.Private,
	})
	var underWay *url.Error
	switch {
	case err != nil && !errors.As(err, &underWay):
		return fmt.Errorf("%w: its keys are none: %w", ErrGone, err) // nothing was sent, and nothing ever will be
	case err != nil:
		return fmt.Errorf("notify: push: %w", err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone:
		return ErrGone
	case answer.StatusCode >= 300:
		return fmt.Errorf("notify: push: the service answered %d", answer.StatusCode)
	}
	return nil
}

// Outward is the one client for calls to addresses that others gave: it follows
// no redirect and connects to no private address, unless loopback is allowed.
func Outward(allowLoopback bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := to.Addr().Unmap()
		if allowLoopback && ip.IsLoopback() {
			return nil
		}
		if !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(special, func(of netip.Prefix) bool { return of.Contains(ip) }) {
			return fmt.Errorf("notify: %s is not a public address", ip)
		}
		return nil
	}}
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// special are addresses that look public and are not, or lead on to any other
// (IANA special-purpose address registries).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by customers of a carrier, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // IPv4 behind a translator, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"), // IPv4 in a tunnel, RFC 4380
	netip.MustParsePrefix("2002::/16"), // and RFC 3056
	netip.MustParsePrefix("fec0::/10"),
}
