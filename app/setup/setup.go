// Package setup makes the first tenant and its first security administrator.
//
// A new installation has no account. Its first start prints a link; whoever has
// it fills in one form, and then the link is dead. A link that was never used is
// replaced by the next start.
package setup

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// Service makes and redeems the set-up link.
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

// Check says whether a link works: fault.NotFound when it does not.
func (s *Service) Check(ctx context.Context, token secret.Token) error {
	var at string
	ok, err := s.DB.View(ctx).One(&at, "SELECT token_digest FROM setup_links WHERE token_digest = ? AND used_at IS NULL", token.Digest())
	if err != nil {
		return store.Unusable(err)
	}
	if !ok {
		return fault.New(fault.NotFound, "setup.link_refused")
	}
	return nil
}

// First is the form.
type First struct {
	TenantName, TenantSlug, Domain, Region string
	AdminName                              string // a sign-in name, or the part before the @
	Password, PasswordAgain                string
}

func (f First) check() (First, map[string]string) {
	f.Domain = strings.ToLower(strings.TrimSpace(f.Domain))
	f.TenantSlug = strings.TrimSpace(f.TenantSlug)
	f.AdminName = strings.TrimSpace(f.AdminName)
	if f.AdminName != "" && !strings.Contains(f.AdminName, "@") {
		f.AdminName += "@" + f.Domain
	}
	f.AdminName = user.Name(f.AdminName)
	wrong := tenant.New{Slug: f.TenantSlug, Name: f.TenantName, Domain: f.Domain, Region: f.Region}.Check()
	_, domain, _ := strings.Cut(f.AdminName, "@")
	switch {
	case f.AdminName == "":
		wrong["admin_name"] = "user.name_form"
	case domain != f.Domain:
		wrong["admin_name"] = "setup.name_domain"
	}
	switch length := len([]rune(f.Password)); {
	case length < user.PasswordLeastAlone:
		wrong["password"] = "user.password_short"
	case length > user.PasswordMost:
		wrong["password"] = "user.password_long"
	case f.Password != f.PasswordAgain:
		wrong["password_again"] = "user.password_other"
	}
	return f, wrong
}

// Redeem uses the link up and makes the tenant and its administrator, all or
// nothing. It gives the administrator's sign-in name.
func (s *Service) Redeem(ctx context.Context, token secret.Token, first First, from audit.Origin) (string, error) {
	if err := s.Check(ctx, token); err != nil {
		return "", err
	}
	first, wrong := first.check()
	if len(wrong) > 0 {
		return "", fault.Wrong("form.wrong", wrong)
	}
	hash, err := s.Passwords.Hash(ctx, first.Password)
	if err != nil {
		return "", err
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.NotFound, "setup.link_refused"), "UPDATE setup_links SET used_at = ? WHERE token_digest = ? AND used_at IS NULL", tx.Now, token.Digest())
		if err != nil {
			return err
		}
		t, err := tenant.Create(tx, tenant.New{
			Slug: first.TenantSlug, Name: first.TenantName, Domain: first.Domain, Region: first.Region, Ring: "stable",
		}, audit.Service, from)
		if err != nil {
			return err
		}
		u, err := user.Create(tx, t.ID, first.AdminName, "", hash, audit.Service, from)
		if err != nil {
			return err
		}
		if err := user.Assign(tx, t.ID, u.ID, access.RoleSecurityAdministrator, audit.Service, from); err != nil {
			return err
		}
		err = tx.Exec("UPDATE setup_links SET tenant_id = ?, user_id = ? WHERE token_digest = ?", t.ID, u.ID, token.Digest()).Error
		if err != nil {
			return err
		}
		return audit.Record(tx, audit.Event{TenantID: t.ID, Action: audit.SetupDone, Actor: audit.User(u.ID), Target: audit.Tenant(t.ID), Subject: u.ID, Origin: from})
	})
	if err != nil {
		return "", err
	}
	// It is done; a table of rules that cannot be read now is read again in a moment.
	_ = s.Rules.Reload(ctx)
	return first.AdminName, nil
}

// Made is what a link has made.
type Made struct{ TenantName, TenantSlug, AdminName string }

// madeLife is how long the page that says what was made can be looked at again.
const madeLife = time.Hour

// MadeBy gives what a link has made within the last hour, else fault.NotFound.
func (s *Service) MadeBy(ctx context.Context, token secret.Token) (Made, error) {
	var made Made
	tx := s.DB.View(ctx)
	ok, err := tx.One(&made, `SELECT t.name AS tenant_name, t.slug AS tenant_slug, u.name AS admin_name FROM setup_links l
		JOIN tenants t ON t.id = l.tenant_id JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
		WHERE l.token_digest = ? AND l.used_at > ?`, token.Digest(), tx.Now.Add(-madeLife))
	if err != nil {
		return Made{}, store.Unusable(err)
	}
	if !ok {
		return Made{}, fault.New(fault.NotFound, "setup.link_refused")
	}
	return made, nil
}
