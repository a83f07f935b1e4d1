package consumer

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/app/eventform"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Kind is how a consumer is spoken to. Add, never rename.
type Kind string

const (
	Webhook Kind = "webhook"
	Syslog  Kind = "syslog"
)

// Kinds are in the order in which they are offered.
var Kinds = []Kind{Webhook, Syslog}

// Forms are those that a kind takes.
func (k Kind) Forms() []eventform.Form {
	if k == Syslog {
		return []eventform.Form{eventform.CEF, eventform.JSONL, eventform.OCSF}
	}
	return []eventform.Form{eventform.JSONL, eventform.OCSF}
}

// State says whether a consumer gets events. Add, never rename.
type State string

const (
	Active State = "active"
	Paused State = "paused"
)

// Most is how many consumers a tenant has at most.
const Most = 10

// Settings are what somebody says of a consumer when it is added. The secret is not among
// them: it is shown once, when it is made.
type Settings struct {
	Kind      Kind
	Name      string
	Form      eventform.Form
	URL       string
	Roots     string // certificates, PEM; syslog alone
	Personal  bool
	FromStart bool // from the first event on; else from the next one
}

// Consumer is one as it stands.
type Consumer struct {
	TenantID, ID string
	Kind         Kind
	Name         string
	Form         eventform.Form
	URL          string
	Roots        string
	Personal     bool
	State        State
	FirstN       int64
	NextN        int64
	Failures     int
	Fault        string
	FailingSince *time.Time
	DeliveredAt  *time.Time
	TestedAt     *time.Time
	TestFault    string
	Version      int
	ChangedAt    time.Time
	ChangedBy    string // sign-in name
	Size         int64  // events that are sealed
}

// Behind is how many events it has not.
func (c Consumer) Behind() int64 { return max(0, c.Size-c.NextN) }

// SilentAfter is how long a consumer may take nothing before somebody is told.
const SilentAfter = time.Hour

// Silent says whether it has taken nothing for longer than it may.
func (c Consumer) Silent(now time.Time) bool {
	return c.State == Active && c.FailingSince != nil && !now.Before(c.FailingSince.Add(SilentAfter))
}

// Host is what a page and the audit say of its address.
func (c Consumer) Host() string { return provider.Host(c.URL) }

// Service keeps the consumers of tenants, and feeds them.
type Service struct {
	DB      *store.DB
	Keys    *secret.Keys
	Secrets secret.Source
	Outside notify.Outside
	Client  *http.Client  // of Outside
	Host    string        // of this program, in syslog
	Goodbye time.Duration // for the other side of syslog to close, or to break off; 1 s when zero
	Log     *slog.Logger
}

const (
	nameMost  = 60
	rootsMost = 32 << 10
)

// check gives the fields of s that break a rule.
func (s Settings) check(outside notify.Outside) map[string]string {
	wrong := map[string]string{}
	if s.Name == "" || utf8.RuneCountInString(s.Name) > nameMost || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		wrong["name"] = "consumer.name_form"
	}
	switch s.Kind {
	case Webhook:
		if !provider.Addressed(s.URL, outside) {
			wrong["url"] = "provider.url_form"
		}
		if s.Roots != "" {
			wrong["roots"] = "consumer.roots_form"
		}
	case Syslog:
		if _, ok := target(s.URL, outside); !ok {
			wrong["url"] = "consumer.syslog_form"
		}
		if s.Roots != "" && (len(s.Roots) > rootsMost || !x509.NewCertPool().AppendCertsFromPEM([]byte(s.Roots))) {
			wrong["roots"] = "consumer.roots_form"
		}
	default:
		wrong["kind"] = "consumer.kind_form"
	}
	if !slices.Contains(s.Kind.Forms(), s.Form) {
		wrong["form"] = "consumer.form_form"
	}
	return wrong
}

// target is where messages of syslog go: tls://host:port, and of no private network. What a
// name stands for is looked at when it is connected to.
func target(text string, outside notify.Outside) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || len(text) > 300 || u.Scheme != "tls" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.Port() == "" {
		return nil, false
	}
	return u, provider.Reachable(u.Hostname(), outside)
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }
func changed() error  { return fault.New(fault.Conflict, "consumer.changed_meanwhile") }

const selected = `SELECT c.tenant_id, c.id, c.kind, c.name, c.form, c.url, c.roots, c.personal, c.state, c.first_n, c.next_n, c.failures, c.fault, c.failing_since, c.delivered_at, c.tested_at, c.test_fault,
	c.version, c.changed_at, COALESCE(u.name, '') AS changed_by, COALESCE(t.size, 0) AS size
	FROM consumers c LEFT JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.changed_by LEFT JOIN audit_trees t ON t.tenant_id = c.tenant_id WHERE c.tenant_id = ?`

// List gives the consumers of a tenant, by name.
func (s *Service) List(ctx context.Context, tenantID string) (all []Consumer, err error) {
	err = s.DB.View(ctx).All(&all, selected+" ORDER BY c.name, c.id", tenantID)
	return all, store.Unusable(err)
}

// Find gives one. None is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id string) (c Consumer, err error) {
	found, err := s.DB.View(ctx).One(&c, selected+" AND c.id = ?", tenantID, id)
	if err == nil && !found {
		return c, notFound()
	}
	return c, store.Unusable(err)
}

// Silent counts the consumers, over all tenants, that have taken nothing for too long.
func Silent(ctx context.Context, db *store.DB) (n int, err error) {
	_, err = db.View(ctx).One(&n, "SELECT count(*) FROM consumers WHERE state = 'active' AND failing_since <= ?", db.Now().Add(-SilentAfter))
	return n, store.Unusable(err)
}
