// Package tenant knows the organisations: their slug, domains, region, ring and
// the few rules of their own that sign-in asks on every request.
package tenant

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/place"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Nowhere is the tenant of names whose domain nobody here has. It has no users
// and is never shown; its attempts cost what real ones cost.
const Nowhere = "nowhere"

// MatchMode is how the phone gives the number back.
type MatchMode string

const (
	Pick3 MatchMode = "pick3"
	Type2 MatchMode = "type2"
	Type6 MatchMode = "type6"
)

// MatchModes are the ways to give the number back, the weakest first.
var MatchModes = []MatchMode{Pick3, Type2, Type6}

// Strength is the place of a mode among them, -1 for none.
func (m MatchMode) Strength() int { return slices.Index(MatchModes, m) }

// Or gives the stronger of two modes; one that is none counts for nothing.
func (m MatchMode) Or(other MatchMode) MatchMode {
	if other.Strength() > m.Strength() {
		return other
	}
	return m
}

// States of a tenant.
const (
	Active    = "active"
	Suspended = "suspended"
)

// Regions are where a tenant's data may belong. Add, never rename.
var Regions = []string{"eu", "us", "apac"}

// Rings are the slices of the tenants that features reach one after another, the
// boldest first. Add, never rename.
var Rings = []string{"canary", "early", "stable"}

// reserved are slugs that stand for something else in addresses.
var reserved = []string{"new", "platform", Nowhere}

// Tenant is one organisation.
type Tenant struct {
	ID        string
	Slug      string
	Name      string
	Region    string
	Ring      string
	State     string
	MatchMode MatchMode
	Platforms string // comma-separated
}

// Allows says whether phones of this platform may be enrolled. A terminal phone
// counts as a desktop.
func (t Tenant) Allows(platform string) bool {
	if platform == "terminal" {
		platform = "desktop"
	}
	return slices.Contains(strings.Split(t.Platforms, ","), platform)
}

// New is what a new tenant is made of. Without a ring it is in the last one.
type New struct {
	Slug, Name, Domain, Region, Ring, Platforms string
}

var (
	slugForm   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}[a-z0-9]$`)
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
)

// Check gives the fields of n that break a rule.
func (n New) Check() map[string]string {
	wrong := map[string]string{}
	switch {
	case !slugForm.MatchString(n.Slug):
		wrong["tenant_slug"] = "tenant.slug_form"
	case slices.Contains(reserved, n.Slug):
		wrong["tenant_slug"] = "tenant.slug_taken"
	}
	if !IsDomain(n.Domain) {
		wrong["domain"] = "tenant.domain_form"
	}
	CheckFacts(wrong, n.Name, n.Region, n.Ring)
	return wrong
}

// CheckFacts notes in wrong, by form field, what is wrong with the facts of a
// tenant that may change. No ring is not wrong.
func CheckFacts(wrong map[string]string, name, region, ring string) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 80 {
		wrong["tenant_name"] = "tenant.name_form"
	}
	if !slices.Contains(Regions, region) {
		wrong["region"] = "tenant.region_form"
	}
	if ring != "" && !slices.Contains(Rings, ring) {
		wrong["ring"] = "tenant.ring_form"
	}
}

// IsDomain says whether text is a domain in the form in which it is kept.
func IsDomain(text string) bool { return domainForm.MatchString(text) && len(text) <= 253 }

// Create makes a tenant with its first domain in the act tx, and believes that
// the domain is theirs. It fails with fault.Invalid when a field breaks a rule or
// is taken.
func Create(tx *store.Tx, n New, by audit.Party, from audit.Origin) (Tenant, error) {
	t, err := CreateUnproved(tx, n, by, from)
	if err != nil {
		return Tenant{}, err
	}
	return t, Own(tx, t.ID, n.Domain)
}

// Own gives a tenant a domain in the act tx, whoever proved that it is theirs.
func Own(tx *store.Tx, tenantID, domain string) error {
	return tx.Exec("INSERT INTO domains (domain, tenant_id, verified_at) VALUES (?,?,?)", domain, tenantID, tx.Now).Error
}

// CreateUnproved is Create of a tenant that has yet to prove its domain: nobody
// of it can sign in before that.
func CreateUnproved(tx *store.Tx, n New, by audit.Party, from audit.Origin) (Tenant, error) {
	if wrong := n.Check(); len(wrong) > 0 {
		return Tenant{}, fault.Wrong("form.wrong", wrong)
	}
	taken := map[string]string{}
	var found string
	if ok, err := tx.One(&found, "SELECT id FROM tenants WHERE slug = ?", n.Slug); err != nil {
		return Tenant{}, err
	} else if ok {
		taken["tenant_slug"] = "tenant.slug_taken"
	}
	if ok, err := tx.One(&found, "SELECT tenant_id FROM domains WHERE domain = ?", n.Domain); err != nil {
		return Tenant{}, err
	} else if ok {
		taken["domain"] = "tenant.domain_taken"
	}
	if len(taken) > 0 {
		return Tenant{}, fault.Wrong("form.wrong", taken)
	}
	t := Tenant{
		ID: secret.System.ShortID(), Slug: n.Slug, Name: strings.TrimSpace(n.Name), Region: n.Region, Ring: n.Ring,
		State: Active, MatchMode: Pick3, Platforms: n.Platforms,
	}
	if t.Platforms == "" {
		t.Platforms = "ios,android"
	}
	if t.Ring == "" {
		t.Ring = Rings[len(Rings)-1]
	}
	err := tx.Exec(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,?,?,?,?,?,?)`,
		t.ID, t.Slug, t.Name, t.Region, t.Ring, t.State, t.MatchMode, t.Platforms, tx.Now).Error
	if err != nil {
		return Tenant{}, err
	}
	return t, audit.Record(tx, audit.Event{
		TenantID: t.ID, Action: audit.TenantCreated, Actor: by, Target: audit.Tenant(t.ID), Origin: from,
		Details: map[string]string{"slug": t.Slug, "region": t.Region},
	})
}

const columns = "t.id, t.slug, t.name, t.region, t.ring, t.state, t.match_mode, t.platforms"

// OfName gives the active tenant of a sign-in name by its domain; ok is false
// when there is none.
func OfName(tx *store.Tx, name string) (t Tenant, ok bool, err error) {
	_, domain, _ := strings.Cut(name, "@")
	ok, err = tx.One(&t, "SELECT "+columns+" FROM domains d JOIN tenants t ON t.id = d.tenant_id WHERE d.domain = ? AND d.verified_at IS NOT NULL AND t.state = ?", domain, Active)
	return t, ok, err
}

// BySlug gives the active tenant with slug, or fault.NotFound.
func BySlug(ctx context.Context, db *store.DB, slug string) (Tenant, error) {
	var t Tenant
	ok, err := db.View(ctx).One(&t, "SELECT "+columns+" FROM tenants t WHERE t.slug = ? AND t.state = ?", slug, Active)
	if err != nil {
		return t, store.Unusable(err)
	}
	if !ok {
		return t, fault.New(fault.NotFound, "http.not_found")
	}
	return t, nil
}

// Places gives the places that a tenant has a name for.
func Places(tx *store.Tx, tenantID string) (place.Named, error) {
	var text string
	if _, err := tx.One(&text, "SELECT places FROM tenants WHERE id = ?", tenantID); err != nil {
		return nil, err
	}
	return place.Read(text)
}

// Helpdesk is where the helpdesk of a tenant answers, as people are told it.
type Helpdesk struct {
	Number string `json:"number" gorm:"column:helpdesk_number"` // as it is dialled; empty: nobody has said
	Hours  string `json:"hours" gorm:"column:helpdesk_hours"`   // such as "around the clock"; or empty
}

// HelpdeskOf gives the helpdesk of a tenant; of none there is none.
func HelpdeskOf(tx *store.Tx, tenantID string) (h Helpdesk, err error) {
	_, err = tx.One(&h, "SELECT helpdesk_number, helpdesk_hours FROM tenants WHERE id = ?", tenantID)
	return h, err
}

// Any says whether there is a tenant at all.
func Any(ctx context.Context, db *store.DB) (bool, error) {
	var id string
	ok, err := db.View(ctx).One(&id, "SELECT id FROM tenants LIMIT 1")
	return ok, store.Unusable(err)
}
