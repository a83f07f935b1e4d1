package provider

import (
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/app/fault"
	"latchkey/app/notify"
)

// Channel is a way to reach a person. Add, never rename.
type Channel string

const (
	SMS   Channel = notify.KindSMS
	Voice Channel = notify.KindVoice
	Mail  Channel = notify.KindMail
)

// Channels lists them.
var Channels = []Channel{SMS, Voice, Mail}

// Driver is how a provider is spoken to. Add, never rename.
type Driver string

const (
	Twilio  Driver = "twilio"  // the REST API of Twilio, which others have too
	Webhook Driver = "webhook" // see the package
	SMTP    Driver = "smtp"
	Keep    Driver = "kept" // sends nothing: a page shows what would have been sent
)

// Drivers lists those of a channel. Keep is for demonstrations.
func (c Channel) Drivers(demonstration bool) []Driver {
	drivers := []Driver{Twilio, Webhook}
	if c == Mail {
		drivers = []Driver{SMTP, Webhook}
	}
	if demonstration {
		drivers = append(drivers, Keep)
	}
	return drivers
}

// Settings are the provider of one channel of a tenant. The credential is not among
// them: it is written, and never read.
type Settings struct {
	Driver  Driver
	URL     string // https://host of an API, address of a webhook, smtp://host:587 or smtps://host:465
	Account string // Twilio: account SID; SMTP: user name, empty for none
	Sender  string // number, or sender id, or address of the mails
}

var (
	numberForm    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	senderForm    = regexp.MustCompile(`^[A-Za-z0-9 ]{1,11}$`)      // GSM alphanumeric sender
	serviceForm   = regexp.MustCompile(`^MG[0-9a-f]{32}$`)          // Twilio messaging service
	accountForm   = regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,128}$`) // goes into a path
	hostForm      = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	credentialMax = 512
)

// check gives the fields of s that break a rule.
func (s Settings) check(c Channel, demonstration bool, outside notify.Outside) map[string]string {
	wrong := map[string]string{}
	if !slices.Contains(c.Drivers(demonstration), s.Driver) {
		wrong["driver"] = "provider.driver_unknown"
		return wrong
	}
	if s.Driver == Keep {
		return wrong
	}
	if !addressed(s.URL, s.Driver, outside) {
		wrong["url"] = "provider.url_form"
		if s.Driver == SMTP {
			wrong["url"] = "provider.smtp_form"
		}
	}
	switch s.Driver {
	case Twilio:
		if !accountForm.MatchString(s.Account) {
			wrong["account"] = "provider.account_form"
		}
		if !numberForm.MatchString(s.Sender) && (c == Voice || !serviceForm.MatchString(s.Sender) && !senderForm.MatchString(s.Sender)) {
			wrong["sender"] = "provider.number_form"
		}
	case SMTP:
		if s.Account != "" && (len(s.Account) > 256 || strings.ContainsFunc(s.Account, func(r rune) bool { return r < ' ' || r == 0x7f })) {
			wrong["account"] = "provider.account_form"
		}
		if from, err := mail.ParseAddress(s.Sender); err != nil || from.Name != "" || from.Address != s.Sender {
			wrong["sender"] = "provider.mail_form"
		}
	}
	return wrong
}

// addressed says whether text is an address that a driver can speak to. What a name
// stands for is looked at when it is called.
func addressed(text string, driver Driver, outside notify.Outside) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > 1024 || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return false
	}
	if !Reachable(u.Hostname(), outside) {
		return false
	}
	// This machine is there for trying things out, and where it is allowed at all.
	ip, err := netip.ParseAddr(u.Hostname())
	here := err == nil && ip.IsLoopback() || u.Hostname() == "localhost" && outside.Allows(netip.MustParseAddr("127.0.0.1"))
	switch {
	case driver == SMTP:
		return (u.Scheme == "smtp" || u.Scheme == "smtps") && u.Path == "" && u.RawQuery == "" && u.Port() != ""
	case driver == Twilio && (u.RawQuery != "" || strings.Trim(u.Path, "/") != ""):
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && here
}

// Reachable says whether host is the name of one, or an address that may be called.
func Reachable(host string, outside notify.Outside) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return outside.Allows(ip)
	}
	return hostForm.MatchString(strings.ToLower(host))
}

// Addressed says whether text is an address that a signed request can go to: https, and of
// no private network.
func Addressed(text string, outside notify.Outside) bool { return addressed(text, Webhook, outside) }

// Host is what the audit says of an address.
func Host(address string) string { return Settings{URL: address}.host() }

// needsCredential says whether a driver is of no use without one.
func (s Settings) needsCredential() bool {
	return s.Driver == Twilio || s.Driver == Webhook || s.Driver == SMTP && s.Account != ""
}

// trimmed is s without what hands leave around what they type.
func (s Settings) trimmed() Settings {
	s.URL, s.Account, s.Sender = strings.TrimSpace(s.URL), strings.TrimSpace(s.Account), strings.TrimSpace(s.Sender)
	if s.Driver == Twilio {
		s.URL = strings.TrimRight(s.URL, "/")
	}
	if s.Driver == Keep {
		s.URL, s.Account, s.Sender = "", "", ""
	}
	return s
}

// host is what the audit says of an address: paths and queries may hold secrets.
func (s Settings) host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }
