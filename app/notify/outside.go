package notify

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// Outside is the way to addresses that others gave: push services, providers of
// SMS, voice and mail. It reaches no private address, whatever a name stands for at
// the moment of the connection, except in the networks that are allowed.
type Outside struct {
	Allowed  []netip.Prefix
	Resolver *net.Resolver // nil: the system's
}

// Loopback is the networks of this machine, for programs that are on loopback
// themselves.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Allows says whether a connection may be made to an address.
func (o Outside) Allows(ip netip.Addr) bool {
	ip = ip.Unmap()
	within := func(of netip.Prefix) bool { return of.Contains(ip) }
	return slices.ContainsFunc(o.Allowed, within) || ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, within)
}

// Dialer connects to addresses that are allowed. It looks at the address of the
// connection itself, after names were resolved and as often as they are.
func (o Outside) Dialer() *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, Resolver: o.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if !o.Allows(to.Addr()) {
			return fmt.Errorf("notify: %s is not a public address", to.Addr().Unmap())
		}
		return nil
	}}
}

// Client calls through the Dialer and follows no redirect. It knows no proxy: one
// would connect in its place.
func (o Outside) Client() *http.Client {
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DialContext: o.Dialer().DialContext, TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Unaddressed is why a call failed, without the address that was called: the paths of
// push services and webhooks are secrets, and errors are logged. What the other side
// said stays out too, as it may repeat the address; hosts may be told.
func Unaddressed(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		err = call.Err
	}
	var (
		network     net.Error
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	if errors.As(err, &network) || errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, io.EOF) {
		return err
	}
	return errors.New("notify: no answer in HTTP")
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
