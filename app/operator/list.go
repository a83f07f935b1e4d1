package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/setup"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// listed is how many tenants a page of the list holds.
const listed = 50

// Filter says which tenants to list. What is empty does not filter.
type Filter struct {
	Text   string // somewhere in the name, the short name or a domain
	Region string
	Ring   string
	State  string
	After  string // the slug after which the page begins
}

// Listed is a tenant as the list shows it.
type Listed struct {
	ID, Slug, Name, Region, Ring, State string
	CreatedAt                           time.Time
	Domains                             []Domain `gorm:"-"`
}

// Domain is a verified domain of a tenant, or a claim on one.
type Domain struct {
	Domain   string
	Verified bool
	At       time.Time // when it was verified, or claimed
	Record   Record    `gorm:"-"` // to publish; of a claim
	Taken    bool      // a claim on what another tenant has
	People   int       // with a sign-in name in it; of a verified domain
}

// Tenants lists the tenants that fit, by slug, and gives the slug after which
// the next page begins, or nothing at the end. It costs the same however many
// tenants there are, as long as many fit.
func (s *Service) Tenants(ctx context.Context, f Filter) (rows []Listed, next string, err error) {
	tx := s.DB.View(ctx)
	query, values := "SELECT id, slug, name, region, ring, state, created_at FROM tenants WHERE id <> ?", []any{access.Platform}
	and := func(condition string, of ...any) {
		query += " AND " + condition
		values = append(values, of...)
	}
	if text := strings.ToLower(strings.TrimSpace(f.Text)); text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
		and(`(slug LIKE ? ESCAPE '\' OR lower(name) LIKE ? ESCAPE '\' OR id IN (SELECT tenant_id FROM domains WHERE domain LIKE ? ESCAPE '\'
			UNION ALL SELECT tenant_id FROM domain_claims WHERE domain LIKE ? ESCAPE '\'))`, like, like, like, like)
	}
	for column, wanted := range map[string]string{"region": f.Region, "ring": f.Ring, "state": f.State} {
		if wanted != "" {
			and(column+" = ?", wanted)
		}
	}
	if f.After != "" {
		and("slug > ?", f.After)
	}
	if err := tx.All(&rows, query+" ORDER BY slug LIMIT ?", append(values, listed+1)...); err != nil {
		return nil, "", store.Unusable(err)
	}
	if len(rows) > listed {
		rows = rows[:listed]
		next = rows[listed-1].Slug
	}
	return rows, next, store.Unusable(addDomains(tx, rows))
}

func addDomains(tx *store.Tx, rows []Listed) error {
	ids, at := make([]string, len(rows)), map[string]*Listed{}
	for i := range rows {
		ids[i], at[rows[i].ID] = rows[i].ID, &rows[i]
	}
	if len(ids) == 0 {
		return nil
	}
	var found []struct {
		TenantID, Domain string
		Verified         bool
	}
	err := tx.All(&found, `SELECT tenant_id, domain, TRUE AS verified FROM domains WHERE tenant_id IN ? AND verified_at IS NOT NULL
		UNION ALL SELECT tenant_id, domain, FALSE AS verified FROM domain_claims WHERE tenant_id IN ? ORDER BY domain`, ids, ids)
	for _, d := range found {
		to := at[d.TenantID]
		to.Domains = append(to.Domains, Domain{Domain: d.Domain, Verified: d.Verified})
	}
	return err
}

// Details is a tenant as its page shows it: facts, and counts without names.
type Details struct {
	ID, Slug, Name, Region, Ring, State string
	StateReason                         string
	StateChangedAt                      *time.Time
	CreatedAt                           time.Time
	Version                             int
	People, Administrators              int
	Secured                             bool       `gorm:"-"` // it has a security administrator
	LinkEndsAt                          *time.Time // of the open link for its first administrator
	Domains                             []Domain   `gorm:"-"`
	Grants                              []Granted  `gorm:"-"`
	History                             []Happened `gorm:"-"`
}

// Verified counts the verified domains.
func (d Details) Verified() (n int) {
	for _, domain := range d.Domains {
		if domain.Verified {
			n++
		}
	}
	return n
}

// CanRemove says whether a domain may go: not the last verified one of an active
// tenant.
func (d Details) CanRemove(domain Domain) bool {
	return !domain.Verified || d.State != tenant.Active || d.Verified() > 1
}

// Happened is one thing that operators did to a tenant, or that let them in.
type Happened struct {
	At       time.Time
	Action   audit.Action
	Outcome  audit.Outcome
	Reason   string
	Operator string            // sign-in name; empty when somebody else acted
	Details  map[string]string `gorm:"-"`
}

// happenings is how much history a page shows.
const happenings = 20

// Tenant gives the tenant with slug, active or not, or fault.NotFound.
func (s *Service) Tenant(ctx context.Context, slug string) (Details, error) {
	tx := s.DB.View(ctx)
	var d Details
	ok, err := tx.One(&d, `SELECT t.id, t.slug, t.name, t.region, t.ring, t.state, t.state_reason, t.state_changed_at, t.created_at, t.version,
		(SELECT count(*) FROM users u WHERE u.tenant_id = t.id) AS people,
		(SELECT count(*) FROM role_assignments r WHERE r.tenant_id = t.id) AS administrators,
		l.expires_at AS link_ends_at
		FROM tenants t LEFT JOIN setup_links l ON l.made_for = t.id AND l.used_at IS NULL AND l.expires_at > ?
		WHERE t.slug = ? AND t.id <> ? LIMIT 1`, tx.Now, slug, access.Platform)
	if err != nil {
		return d, store.Unusable(err)
	}
	if !ok {
		return d, notFound()
	}
	if d.Secured, err = setup.Secured(tx, d.ID); err != nil {
		return d, store.Unusable(err)
	}
	if d.Domains, err = domainsOfTenant(tx, d.ID); err != nil {
		return d, store.Unusable(err)
	}
	if d.Grants, err = grantsOf(tx, d.ID); err != nil {
		return d, store.Unusable(err)
	}
	d.History, err = historyOf(tx, d.ID)
	return d, err
}

func historyOf(tx *store.Tx, tenantID string) ([]Happened, error) {
	var rows []struct {
		Happened
		Record []byte
	}
	err := tx.All(&rows, `SELECT e.occurred_at AS at, e.action, e.outcome, e.reason, e.record,
		CASE WHEN e.actor_kind = ? THEN COALESCE(u.name, '') ELSE '' END AS operator
		FROM audit_events e LEFT JOIN users u ON u.tenant_id = e.tenant_id AND u.id = e.actor_id
		WHERE e.thread_id = ? AND e.tenant_id = ? ORDER BY e.occurred_at DESC, e.id DESC LIMIT ?`, audit.KindOperator, tenantID, access.Platform, happenings)
	if err != nil {
		return nil, store.Unusable(err)
	}
	history := make([]Happened, len(rows))
	for i, r := range rows {
		var record struct{ Details map[string]string }
		if err := json.Unmarshal(r.Record, &record); err != nil {
			return nil, fmt.Errorf("operator: history of %s: %w", tenantID, err)
		}
		history[i] = r.Happened
		history[i].Details = record.Details
	}
	return history, nil
}

func domainsOfTenant(tx *store.Tx, tenantID string) ([]Domain, error) {
	var all []Domain
	err := tx.All(&all, `SELECT d.domain, TRUE AS verified, d.verified_at AS at,
		(SELECT count(*) FROM users u WHERE u.tenant_id = d.tenant_id AND u.name LIKE '%@' || d.domain) AS people
		FROM domains d WHERE d.tenant_id = ? AND d.verified_at IS NOT NULL ORDER BY d.domain`, tenantID)
	if err != nil {
		return nil, err
	}
	var claims []struct {
		Domain
		Token string
	}
	err = tx.All(&claims, `SELECT c.domain, c.created_at AS at, c.token,
		EXISTS (SELECT 1 FROM domains d WHERE d.domain = c.domain AND d.verified_at IS NOT NULL) AS taken
		FROM domain_claims c WHERE c.tenant_id = ? ORDER BY c.domain`, tenantID)
	for _, c := range claims {
		c.Record = RecordOf(c.Domain.Domain, c.Token)
		all = append(all, c.Domain)
	}
	return all, err
}
