package setup

import (
	"context"
	"maps"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/password"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// First is the form. A link that is bound to a tenant asks for the administrator
// alone.
type First struct {
	TenantName, TenantSlug, Domain, Region string
	AdminName                              string // a sign-in name, or the part before the @
	Password, PasswordAgain                string
}

// check finishes the form for a link of i and says what is wrong with it.
func (f First) check(i Invited) (First, map[string]string) {
	f.Domain = strings.ToLower(strings.TrimSpace(f.Domain))
	f.TenantSlug = strings.TrimSpace(f.TenantSlug)
	f.AdminName = strings.TrimSpace(f.AdminName)
	wrong := map[string]string{}
	switch {
	case i.TenantID == "":
		wrong = tenant.New{Slug: f.TenantSlug, Name: f.TenantName, Domain: f.Domain, Region: f.Region}.Check()
	case i.AsksDomain() && !tenant.IsDomain(f.Domain):
		wrong["domain"] = "tenant.domain_form"
	case !i.AsksDomain() && len(i.Domains) > 0:
		f.Domain = i.Domains[0].Domain
	}
	if f.AdminName != "" && !strings.Contains(f.AdminName, "@") {
		f.AdminName += "@" + f.Domain
	}
	f.AdminName = user.Name(f.AdminName)
	switch {
	case f.AdminName == "":
		wrong["admin_name"] = "user.name_form"
	case !f.named(i):
		wrong["admin_name"] = "setup.name_domain"
	}
	tenantName := f.TenantName
	if i.TenantID != "" {
		tenantName = i.Name
	}
	maps.Copy(wrong, password.Check(f.Password, f.PasswordAgain, user.PasswordLeastAlone, tenantName, f.TenantSlug, f.AdminName))
	return f, wrong
}

// named says whether the sign-in name is in a domain of the tenant.
func (f First) named(i Invited) bool {
	_, domain, _ := strings.Cut(f.AdminName, "@")
	if i.AsksDomain() {
		return domain == f.Domain
	}
	_, ok := i.domain(domain)
	return ok
}

func (i Invited) domain(name string) (Domain, bool) {
	for _, d := range i.Domains {
		if d.Domain == name {
			return d, true
		}
	}
	return Domain{}, false
}

// Done is what a redeemed link has made.
type Done struct {
	TenantName, TenantSlug string
	AdminName              string // the full sign-in name
	Proved                 bool   // the administrator can sign in now; else once the domain is proved
	Operator               bool
}

// Redeem uses the link up and makes the administrator, and the tenant when there
// is none yet, all or nothing.
func (s *Service) Redeem(ctx context.Context, token secret.Token, first First, from audit.Origin) (Done, error) {
	i, err := s.Check(ctx, token)
	if err != nil {
		return Done{}, err
	}
	if _, wrong := first.check(i); len(wrong) > 0 {
		return Done{}, fault.Wrong("form.wrong", wrong)
	}
	hash, err := s.Passwords.Hash(ctx, first.Password)
	if err != nil {
		return Done{}, err
	}
	var done Done
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		i, err := invited(tx, token) // again: it may have changed meanwhile
		if err != nil {
			return err
		}
		first, wrong := first.check(i)
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		if err := tx.Change(refused(), "UPDATE setup_links SET used_at = ? WHERE token_digest = ? AND "+works, tx.Now, token.Digest(), tx.Now); err != nil {
			return err
		}
		var userID string
		if done, userID, err = build(tx, i, first, hash, from); err != nil {
			return err
		}
		return tx.Exec("UPDATE setup_links SET made_for = (SELECT id FROM tenants WHERE slug = ?), made_user = ? WHERE token_digest = ?",
			done.TenantSlug, userID, token.Digest()).Error
	})
	if err != nil {
		return Done{}, err
	}
	// It is done; a table of rules that cannot be read now is read again in a moment.
	_ = s.Rules.Reload(ctx)
	return done, nil
}

// madeLife is how long the page that says what was made can be looked at again.
const madeLife = time.Hour

// MadeBy gives what a link has made within the last hour, else fault.NotFound.
func (s *Service) MadeBy(ctx context.Context, token secret.Token) (Done, error) {
	var made struct {
		TenantID, TenantName, TenantSlug, AdminName string
		Proved                                      bool
	}
	tx := s.DB.View(ctx)
	ok, err := tx.One(&made, `SELECT t.id AS tenant_id, t.name AS tenant_name, t.slug AS tenant_slug, u.name AS admin_name,
		EXISTS (SELECT 1 FROM domains d WHERE d.tenant_id = t.id AND d.verified_at IS NOT NULL AND u.name LIKE '%@' || d.domain) AS proved
		FROM setup_links l JOIN tenants t ON t.id = l.made_for JOIN users u ON u.tenant_id = l.made_for AND u.id = l.made_user
		WHERE l.token_digest = ? AND l.used_at > ?`, token.Digest(), tx.Now.Add(-madeLife))
	if err != nil {
		return Done{}, store.Unusable(err)
	}
	if !ok {
		return Done{}, refused()
	}
	return Done{
		TenantName: made.TenantName, TenantSlug: made.TenantSlug, AdminName: made.AdminName, Proved: made.Proved, Operator: made.TenantID == access.Platform,
	}, nil
}

func build(tx *store.Tx, i Invited, first First, hash string, from audit.Origin) (made Done, userID string, err error) {
	done, role := Done{TenantName: i.Name, TenantSlug: i.Slug, Operator: i.Operator()}, access.RoleSecurityAdministrator
	switch {
	case i.TenantID == "":
		t, err := tenant.Create(tx, tenant.New{
			Slug: first.TenantSlug, Name: first.TenantName, Domain: first.Domain, Region: first.Region,
		}, audit.Service, from)
		if err != nil {
			return done, "", err
		}
		i.TenantID, done.TenantName, done.TenantSlug, done.Proved = t.ID, t.Name, t.Slug, true
	case i.AsksDomain():
		var holder string
		if taken, err := tx.One(&holder, "SELECT tenant_id FROM domains WHERE domain = ?", first.Domain); err != nil {
			return done, "", err
		} else if taken {
			return done, "", fault.Wrong("form.wrong", map[string]string{"domain": "tenant.domain_taken"})
		}
		if err := tenant.Own(tx, i.TenantID, first.Domain); err != nil {
			return done, "", err
		}
		done.Proved = true
	default:
		_, domain, _ := strings.Cut(first.AdminName, "@")
		at, _ := i.domain(domain)
		done.Proved = at.Proved
	}
	if done.Operator {
		role = access.RoleOperator
	}
	u, err := user.Create(tx, i.TenantID, first.AdminName, "", hash, audit.Service, from)
	if f := fault.Of(err); f != nil && f.Fields["name"] != "" {
		return done, "", fault.Wrong("form.wrong", map[string]string{"admin_name": f.Fields["name"]})
	}
	if err != nil {
		return done, "", err
	}
	done.AdminName = u.Name
	if err := user.Assign(tx, i.TenantID, u.ID, role, audit.Service, from); err != nil {
		return done, "", err
	}
	return done, u.ID, audit.Record(tx, audit.Event{
		TenantID: i.TenantID, Action: audit.SetupDone, Actor: audit.User(u.ID), Target: audit.Tenant(i.TenantID), Subject: u.ID, Thread: i.TenantID, Origin: from,
	})
}
