package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/app/notify"
	"latchkey/app/provider"
)

// Settings is everything that one process can be told, by flag or environment.
// The zero value of a new field must behave as before the field was there.
type Settings struct {
	Listen           string        `help:"Address to listen on, host:port. Plain http is accepted on loopback only; put a proxy with TLS in front of anything else." default:"127.0.0.1:8080" env:"LATCHKEY_LISTEN"`
	PublicURL        string        `help:"Scheme and host by which browsers and phones reach this, such as https://id.example.org. Default: http://localhost and the port, when listening on loopback." env:"LATCHKEY_PUBLIC_URL" name:"public-url"`
	DatabaseURL      string        `help:"postgres:// address of the database. Default: an embedded SQLite file in the data folder." env:"LATCHKEY_DATABASE_URL" name:"database-url"`
	Data             string        `help:"Folder for the embedded database and the master key." default:"data" env:"LATCHKEY_DATA" type:"path"`
	MasterKey        string        `help:"The master key, 64 hex digits. Default: the file master.key in the data folder, made at the first start. All replicas need the same one." env:"LATCHKEY_MASTER_KEY" name:"master-key" placeholder:"HEX"`
	SignInsPerMinute int           `help:"Sign-ins that one client address may begin in a minute, and wrong passwords and codes within ten after which it waits; 0 for no limit. Raise it where many people share one address." default:"60" env:"LATCHKEY_SIGN_INS_PER_MINUTE" name:"sign-ins-per-minute"`
	Countries        string        `help:"File in MaxMind's format that tells the country of an address, such as GeoLite2-Country.mmdb. Default: no countries." env:"LATCHKEY_COUNTRIES" type:"path"`
	MetricsListen    string        `help:"Loopback address for /metrics; empty for none." env:"LATCHKEY_METRICS_LISTEN" name:"metrics-listen"`
	TrustedProxies   []string      `help:"Networks (CIDR) of proxies whose X-Forwarded-For is believed." env:"LATCHKEY_TRUSTED_PROXIES" name:"trusted-proxies"`
	PrivateNetworks  []string      `help:"Private networks (CIDR) that providers of SMS, calls and mail may stand in, such as 10.1.0.0/16 for a mail relay. Default: none; other calls to private addresses are refused." env:"LATCHKEY_PRIVATE_NETWORKS" name:"private-networks"`
	PushContact      string        `help:"mailto: or https: address that push services may use to reach whoever runs this." default:"mailto:postmaster@localhost" env:"LATCHKEY_PUSH_CONTACT" name:"push-contact"`
	Drain            time.Duration `help:"How long open requests may finish after a signal to stop." default:"10s" env:"LATCHKEY_DRAIN"`
	LogLevel         string        `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"LATCHKEY_LOG_LEVEL" name:"log-level"`

	AuditWitness       string `help:"File to which every checkpoint of the audit is appended, and synced. Put it where whoever may write into the database may not. Default: none." env:"LATCHKEY_AUDIT_WITNESS" name:"audit-witness" type:"path"`
	AuditWitnessTenant string `help:"Slug of an organisation in whose own audit every checkpoint of the others is written, too. Default: none." env:"LATCHKEY_AUDIT_WITNESS_TENANT" name:"audit-witness-tenant" placeholder:"SLUG"`
	AuditWitnessURL    string `help:"Address that gets every checkpoint of the audit in a signed request. Default: none." env:"LATCHKEY_AUDIT_WITNESS_URL" name:"audit-witness-url"`
	AuditWitnessSecret string `help:"Secret under which requests to it are signed, 32 characters or more." env:"LATCHKEY_AUDIT_WITNESS_SECRET" name:"audit-witness-secret" placeholder:"SECRET"`

	AuditArchive string `help:"Folder for what is dropped from the audit when an organisation keeps it for a time: one file for each part of a month, which nothing here deletes. Put it where it lasts. Default: archive, in the data folder." env:"LATCHKEY_AUDIT_ARCHIVE" name:"audit-archive" type:"path"`

	Trial `kong:"-"`
}

// Trial is what no flag sets: the demonstration and tests do.
type Trial struct {
	KeepMessages   bool // on a page, instead of sending them
	CheapPasswords bool // hashes that cost nothing; a program that is no test refuses

	// Patience is how long an answer, a lock and a turn to hash are waited for where that
	// is longer than usual: a test shares its machine with others, and time decides nothing.
	Patience time.Duration
}

// check finishes the settings and gives all their faults at once.
func (s Settings) check() (Settings, error) {
	var wrong []error
	host, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return s, fmt.Errorf("LATCHKEY_LISTEN: %w", err)
	}
	if s.PublicURL == "" {
		if !isLoopback(host) {
			wrong = append(wrong, errors.New("LATCHKEY_PUBLIC_URL: needed when listening beyond loopback"))
		}
		s.PublicURL = "http://localhost:" + port
	}
	public, err := url.Parse(strings.TrimSuffix(s.PublicURL, "/"))
	switch {
	case len(wrong) > 0: // there is none
	case err != nil || public.Hostname() == "" || public.Path != "" || public.RawQuery != "" || public.ForceQuery || public.Fragment != "" || public.User != nil:
		wrong = append(wrong, errors.New("LATCHKEY_PUBLIC_URL: not a scheme and a host"))
	case public.Scheme == "http" && (!isLoopback(public.Hostname()) || !isLoopback(host)):
		wrong = append(wrong, errors.New("LATCHKEY_PUBLIC_URL: plain http is accepted on loopback only"))
	case public.Scheme != "http" && public.Scheme != "https":
		wrong = append(wrong, errors.New("LATCHKEY_PUBLIC_URL: not http or https"))
	default:
		// As browsers write it: what they send is compared with it.
		s.PublicURL = public.Scheme + "://" + strings.ToLower(public.Host)
	}
	for _, network := range s.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			wrong = append(wrong, fmt.Errorf("LATCHKEY_TRUSTED_PROXIES: %w", err))
		}
	}
	for _, network := range s.PrivateNetworks {
		if _, err := netip.ParsePrefix(network); err != nil {
			wrong = append(wrong, fmt.Errorf("LATCHKEY_PRIVATE_NETWORKS: %w", err))
		}
	}
	if s.SignInsPerMinute < 0 {
		wrong = append(wrong, errors.New("LATCHKEY_SIGN_INS_PER_MINUTE: less than none"))
	}
	if s.CheapPasswords && !testing.Testing() {
		wrong = append(wrong, errors.New("cheap passwords outside a test"))
	}
	if s.AuditWitnessURL != "" {
		if !provider.Addressed(s.AuditWitnessURL, s.outside()) {
			wrong = append(wrong, errors.New("LATCHKEY_AUDIT_WITNESS_URL: not https, or in a private network that is not allowed"))
		}
		if len(s.AuditWitnessSecret) < witnessSecretLeast {
			wrong = append(wrong, errors.New("LATCHKEY_AUDIT_WITNESS_SECRET: shorter than 32 characters"))
		}
	}
	if s.MetricsListen != "" {
		if host, _, err := net.SplitHostPort(s.MetricsListen); err != nil || !isLoopback(host) {
			wrong = append(wrong, errors.New("LATCHKEY_METRICS_LISTEN: not a loopback address"))
		}
	}
	return s, errors.Join(wrong...)
}

const witnessSecretLeast = 32

// host is the host of the public address.
func (s Settings) host() string {
	public, err := url.Parse(s.PublicURL)
	if err != nil {
		return "localhost"
	}
	return public.Hostname()
}

// outside is the way to what others named: public addresses, and the networks that
// are allowed. A program that is on loopback itself reaches loopback.
func (s Settings) outside() notify.Outside {
	var out notify.Outside
	if strings.HasPrefix(s.PublicURL, "http:") {
		out.Allowed = append(out.Allowed, notify.Loopback...)
	}
	for _, network := range s.PrivateNetworks {
		out.Allowed = append(out.Allowed, netip.MustParsePrefix(network).Masked())
	}
	return out
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
