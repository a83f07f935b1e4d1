package operator_test

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/setup"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux"}

// office is a house with the platform, two operators, and a DNS of its own.
type office struct {
	*House
	*operator.Service
	zone  *zone
	chief user.User // an operator
	by    audit.Party
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := &office{House: h, zone: &zone{}}
		o.Service = &operator.Service{DB: h.DB, Resolver: o.zone, Setup: &setup.Service{DB: h.DB, Passwords: h.Passwords, Rules: h.Rules}, Roles: &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules}}
		h.Set(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('platform','platform','Latchkey','eu','stable','active','type2','ios',?)`, h.Clock.Now())
		h.Set("INSERT INTO domains (domain, tenant_id, verified_at) VALUES ('platform.example', 'platform', ?)", h.Clock.Now())
		platform := tenant.Tenant{ID: access.Platform, Slug: "platform"}
		o.chief = h.Admin(platform, "operator", access.RoleOperator)
		h.Admin(platform, "second", access.RoleOperator)
		h.User(platform, "nobody")
		o.by = audit.Operator(o.chief.ID)
		story(o)
	})
}

// zone is what name servers say.
type zone struct {
	mu      sync.Mutex
	records map[string][]string
	fail    error
	hang    bool // until the caller gives up
	deaf    chan struct{}
	asked   []string
}

func (z *zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	z.mu.Lock()
	z.asked = append(z.asked, name)
	records, ok := z.records[name]
	fail, hang, deaf := z.fail, z.hang, z.deaf
	z.mu.Unlock()
	switch {
	case deaf != nil:
		<-deaf
		return records, nil
	case hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case fail != nil:
		return nil, fail
	case !ok:
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return slices.Clone(records), nil
}

// publish puts records where the claim on a domain is looked for.
func (z *zone) publish(domain string, records ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.records == nil {
		z.records = map[string][]string{}
	}
	z.records["_latchkey."+domain+"."] = records
}

// hangs says whether name servers keep silent.
func (z *zone) hangs(yes bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.hang = yes
}

// token is the one of a claim.
func (o *office) token(slug, domain string) string {
	o.T.Helper()
	token := o.Text("SELECT c.token FROM domain_claims c JOIN tenants t ON t.id = c.tenant_id WHERE t.slug = ? AND c.domain = ?", slug, domain)
	if token == "" {
		o.T.Fatalf("%s does not claim %s", slug, domain)
	}
	return token
}

func (o *office) must(err error) {
	o.T.Helper()
	if err != nil {
		o.T.Fatal(err)
	}
}

// claim makes a claim that can be verified.
func (o *office) claim(slug, domain string) {
	o.T.Helper()
	o.must(o.Claim(o.T.Context(), slug, domain, o.by, from))
	o.zone.publish(domain, "latchkey-verification="+o.token(slug, domain))
}

func (o *office) verify(slug, domain string) error {
	o.T.Helper()
	return o.Verify(o.T.Context(), slug, domain, o.by, from)
}

// cedar is what a new tenant is made of.
func cedar() operator.New {
	return operator.New{Name: "Cedar Works", Slug: "cedar", Domain: "cedar.example", Region: "us", Ring: "early"}
}

func (o *office) create(n operator.New) secret.Token {
	o.T.Helper()
	made, err := o.Create(o.T.Context(), n, o.by, from)
	o.must(err)
	return made.Link
}

func (o *office) tenant(slug string) operator.Details {
	o.T.Helper()
	d, err := o.Tenant(o.T.Context(), slug)
	o.must(err)
	return d
}

// twice fails the story unless an action was recorded so often in each of two
// audits: the tenant's and the platform's.
func (o *office) twice(action audit.Action, tenantID string, times int) {
	o.T.Helper()
	for _, id := range []string{tenantID, access.Platform} {
		got := o.Count(`SELECT count(*) FROM audit_events WHERE action = ? AND tenant_id = ? AND (thread_id = ? OR thread_id = '')`, action, id, tenantID)
		if got != times {
			o.T.Errorf("%s stands %d times in the audit of %s, want %d", action, got, id, times)
		}
	}
}

// wantField fails the story unless err is about these fields and codes, in pairs.
func wantField(t testing.TB, what string, err error, pairs ...string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Fields) != len(pairs)/2 {
		t.Errorf("%s = %v (%v), want fault.Invalid with %v", what, err, fieldsOf(f), pairs)
		return
	}
	for i := 0; i < len(pairs); i += 2 {
		if f.Fields[pairs[i]] != pairs[i+1] {
			t.Errorf("%s: the field %s has %q, want %q", what, pairs[i], f.Fields[pairs[i]], pairs[i+1])
		}
	}
}

func fieldsOf(f *fault.Error) map[string]string {
	if f == nil {
		return nil
	}
	return f.Fields
}
