// Package setup makes the first administrator of a tenant, by a link that works
// once.
//
// A new installation has no account. Its first start prints a link; whoever has
// it fills in one form, which makes the first tenant and its first security
// administrator, and then the link is dead. A link that was never used is
// replaced by the next start.
//
// A tenant that the platform operator makes has no administrator either. Its
// link is bound to it, is replaced by the next one, ends after a week, and is
// good for nothing as soon as the tenant has a security administrator: an
// operator must not make one in a tenant that has people.
//
// Operators themselves come the same way, by a link that the command line prints
// for whoever runs the program.
package setup

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// Lives of the links that are bound to a tenant.
const (
	InviteLife   = 7 * 24 * time.Hour
	OperatorLife = time.Hour
)

// Service makes and redeems set-up links.
type Service struct {
	DB        *store.DB
	Passwords *secret.Passwords
	Rules     *access.Rules
}

// Link makes a new link when there is no tenant yet; earlier ones are dead.
func (s *Service) Link(ctx context.Context) (secret.Token, bool, error) {
	token := secret.System.Token()
	needed := false
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		var id string
		any, err := tx.One(&id, "SELECT id FROM tenants LIMIT 1")
		if err != nil || any {
			return err
		}
		needed = true
		if err := tx.Exec("DELETE FROM setup_links WHERE used_at IS NULL").Error; err != nil {
			return err
		}
		if err := tx.Exec("INSERT INTO setup_links (token_digest, created_at) VALUES (?,?)", token.Digest(), tx.Now).Error; err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{TenantID: access.Platform, Action: audit.SetupLinkMade, Actor: audit.Service, Target: audit.Service})
	})
	return token, needed, err
}

// Secured says whether a tenant has a security administrator, by an assignment of
// their own or through a group. Such a tenant opens to nobody from outside.
func Secured(tx *store.Tx, tenantID string) (bool, error) {
	var holder string
	return tx.One(&holder, `SELECT user_id FROM role_assignments WHERE tenant_id = ? AND role = ?
		UNION SELECT m.user_id FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id WHERE g.tenant_id = ? AND g.role = ? LIMIT 1`,
		tenantID, access.RoleSecurityAdministrator, tenantID, access.RoleSecurityAdministrator)
}

// Invite makes, in the act tx, the link for the first security administrator of
// a tenant; earlier ones are dead. It fails with fault.Conflict when the tenant
// has one.
func Invite(tx *store.Tx, tenantID string, by audit.Party, from audit.Origin) (secret.Token, error) {
	token := secret.System.Token()
	if secured, err := Secured(tx, tenantID); err != nil {
		return token, err
	} else if secured {
		return token, fault.New(fault.Conflict, "setup.not_needed")
	}
	return token, invite(tx, token, tenantID, InviteLife, by, from)
}

func invite(tx *store.Tx, token secret.Token, tenantID string, life time.Duration, by audit.Party, from audit.Origin) error {
	if err := tx.Exec("DELETE FROM setup_links WHERE made_for = ? AND used_at IS NULL", tenantID).Error; err != nil {
		return err
	}
	err := tx.Exec("INSERT INTO setup_links (token_digest, created_at, made_for, expires_at) VALUES (?,?,?,?)",
		token.Digest(), tx.Now, tenantID, tx.Now.Add(life)).Error
	if err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: tenantID, Action: audit.SetupLinkMade, Actor: by, Target: audit.Tenant(tenantID), Thread: tenantID, Origin: from,
	})
}

// InviteOperator makes the link for a platform operator, and the platform itself
// when it is not there yet. It is for whoever runs the program.
func (s *Service) InviteOperator(ctx context.Context) (secret.Token, error) {
	token := secret.System.Token()
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Exec(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,?,?,?,?,?,?)
			ON CONFLICT DO NOTHING`, access.Platform, access.Platform, "Latchkey", tenant.Regions[0], tenant.Rings[len(tenant.Rings)-1],
			tenant.Active, tenant.Type2, "ios,android,desktop", tx.Now).Error
		if err != nil {
			return err
		}
		return invite(tx, token, access.Platform, OperatorLife, audit.Service, audit.Origin{})
	})
	return token, err
}

// Invited is the tenant whose first administrator a link makes. The zero one is
// a tenant that is yet to be made, the first of an installation.
type Invited struct {
	TenantID, Slug, Name string
	Domains              []Domain `gorm:"-"` // in which the administrator's name may be
}

// Domain is one of a tenant that exists.
type Domain struct {
	Domain string
	Proved bool // people with a name in it can sign in
}

// Operator says whether the link makes a platform operator.
func (i Invited) Operator() bool { return i.TenantID == access.Platform }

// AsksDomain says whether the form must give the domain of the sign-in name.
func (i Invited) AsksDomain() bool { return i.TenantID == "" || i.Operator() && len(i.Domains) == 0 }

// Check says what a link makes: fault.NotFound when it does not work.
func (s *Service) Check(ctx context.Context, token secret.Token) (Invited, error) {
	i, err := invited(s.DB.View(ctx), token)
	return i, store.Unusable(err)
}

// works is the condition under which a link l does: not used, in time, and its
// tenant, if any, is active and waits for its first security administrator. The
// platform may take another operator at any time.
const works = `used_at IS NULL AND (expires_at IS NULL OR expires_at > ?) AND (made_for IS NULL
	OR EXISTS (SELECT 1 FROM tenants t WHERE t.id = made_for AND t.state = 'active') AND (made_for = 'platform'
	OR NOT EXISTS (SELECT 1 FROM role_assignments r WHERE r.tenant_id = made_for AND r.role = 'security_administrator')
	AND NOT EXISTS (SELECT 1 FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id
		WHERE g.tenant_id = made_for AND g.role = 'security_administrator')))`

func invited(tx *store.Tx, token secret.Token) (i Invited, err error) {
	ok, err := tx.One(&i, `SELECT COALESCE(o.id, '') AS tenant_id, COALESCE(o.slug, '') AS slug, COALESCE(o.name, '') AS name
		FROM setup_links LEFT JOIN tenants o ON o.id = made_for WHERE token_digest = ? AND `+works, token.Digest(), tx.Now)
	if err != nil {
		return i, err
	}
	if !ok {
		return i, refused()
	}
	if i.TenantID == "" {
		return i, nil
	}
	err = tx.All(&i.Domains, `SELECT domain, TRUE AS proved FROM domains WHERE tenant_id = ? AND verified_at IS NOT NULL
		UNION ALL SELECT domain, FALSE AS proved FROM domain_claims WHERE tenant_id = ? ORDER BY proved DESC, domain`, i.TenantID, i.TenantID)
	return i, err
}

func refused() error { return fault.New(fault.NotFound, "setup.link_refused") }
