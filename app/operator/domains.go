package operator

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// domainsMost is how many domains a tenant may have, claims counted.
const domainsMost = 50

// lookUpWait is how long a name server may take.
const lookUpWait = 3 * time.Second

// What is published, and where.
const (
	recordHost = "_latchkey."
	recordMark = "latchkey-verification="
)

// Resolver looks up TXT records; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Record is the TXT record that proves a domain.
type Record struct{ Name, Value string }

// RecordOf gives the record for a claim.
func RecordOf(domain, token string) Record { return Record{recordHost + domain, recordMark + token} }

// domainOf puts a domain as typed into the form in which it is kept.
func domainOf(typed string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(typed)), ".")
}

// Claim notes that a tenant wants a domain, with a token to publish. Others may
// want it too. It fails with fault.Invalid when the domain is none, is
// somebody's, or is claimed by this tenant already.
func (s *Service) Claim(ctx context.Context, slug, domain string, by audit.Party, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := hold(tx, slug)
		if err != nil {
			return err
		}
		return claim(tx, id, domainOf(domain), by, from)
	})
}

func claim(tx *store.Tx, tenantID, domain string, by audit.Party, from audit.Origin) error {
	if !tenant.IsDomain(domain) {
		return wrongDomain("tenant.domain_form")
	}
	var found struct {
		Holder  string
		Claimed bool
		Domains int
	}
	_, err := tx.One(&found, `SELECT COALESCE((SELECT tenant_id FROM domains WHERE domain = ? AND verified_at IS NOT NULL), '') AS holder,
		EXISTS (SELECT 1 FROM domain_claims WHERE tenant_id = ? AND domain = ?) AS claimed,
		(SELECT count(*) FROM domains WHERE tenant_id = ?) + (SELECT count(*) FROM domain_claims WHERE tenant_id = ?) AS domains`,
		domain, tenantID, domain, tenantID, tenantID)
	switch {
	case err != nil:
		return err
	case found.Claimed || found.Holder == tenantID:
		return wrongDomain("domain.listed_already")
	case found.Holder != "":
		return wrongDomain("tenant.domain_taken")
	case found.Domains >= domainsMost:
		return wrongDomain("domain.too_many")
	}
	err = tx.Exec("INSERT INTO domain_claims (tenant_id, domain, token, created_at, created_by) VALUES (?,?,?,?,?)",
		tenantID, domain, secret.System.ID(), tx.Now, by.ID).Error
	if err != nil {
		return err
	}
	return note(tx, ofDomain(audit.DomainClaimed, tenantID, domain, by, from))
}

func wrongDomain(code string) error {
	return fault.Wrong("form.wrong", map[string]string{"domain": code})
}

func ofDomain(action audit.Action, tenantID, domain string, by audit.Party, from audit.Origin) audit.Event {
	return audit.Event{
		TenantID: tenantID, Action: action, Actor: by, Target: audit.Tenant(tenantID), Origin: from, Details: map[string]string{"domain": domain},
	}
}

// Verify looks whether the token of a claim is published and, when it is, gives
// the domain to the tenant. It fails with fault.NotFound when there is no such
// claim, and with fault.Invalid when the record is not there, is another one,
// when no name server answers, or when another tenant was first.
func (s *Service) Verify(ctx context.Context, slug, domain string, by audit.Party, from audit.Origin) error {
	var c struct{ TenantID, Token string }
	ok, err := s.DB.View(ctx).One(&c, `SELECT c.tenant_id, c.token FROM domain_claims c JOIN tenants t ON t.id = c.tenant_id
		WHERE t.slug = ? AND c.domain = ?`, slug, domain)
	if err != nil {
		return store.Unusable(err)
	}
	if !ok {
		return notFound()
	}
	// Name servers are slow and not ours, so they are asked before the act.
	missing := s.published(ctx, domain, c.Token)
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if missing == "" {
			code, err := take(tx, c.TenantID, domain, c.Token)
			if err != nil {
				return err
			}
			missing = code
		}
		if missing == "" {
			return note(tx, ofDomain(audit.DomainVerified, c.TenantID, domain, by, from))
		}
		refused := ofDomain(audit.DomainRefused, c.TenantID, domain, by, from)
		refused.Outcome, refused.Reason = audit.Failure, missing
		return note(tx, refused)
	})
	if err == nil && missing != "" {
		return wrongDomain(missing)
	}
	return err
}

// take gives a domain to the tenant whose claim was proved, if the claim still
// stands and nobody else has the domain; else it says why not.
func take(tx *store.Tx, tenantID, domain, token string) (missing string, err error) {
	res := tx.Exec(`INSERT INTO domains (domain, tenant_id, verified_at)
		SELECT c.domain, c.tenant_id, ? FROM domain_claims c WHERE c.tenant_id = ? AND c.domain = ? AND c.token = ?
		ON CONFLICT (domain) DO UPDATE SET tenant_id = excluded.tenant_id, verified_at = excluded.verified_at WHERE domains.verified_at IS NULL`,
		tx.Now, tenantID, domain, token)
	if res.Error != nil {
		return "", res.Error
	}
	if res.RowsAffected == 0 {
		var holder string
		if taken, err := tx.One(&holder, "SELECT tenant_id FROM domains WHERE domain = ?", domain); err != nil {
			return "", err
		} else if taken && holder != tenantID {
			return "tenant.domain_taken", nil
		}
		return "", fault.New(fault.Conflict, "tenant.changed")
	}
	return "", tx.Exec("DELETE FROM domain_claims WHERE tenant_id = ? AND domain = ?", tenantID, domain).Error
}

// published looks the record of a claim up; it says what is missing, or nothing.
func (s *Service) published(ctx context.Context, domain, token string) (missing string) {
	wait := s.Wait
	if wait == 0 {
		wait = lookUpWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	type answer struct {
		records []string
		err     error
	}
	// A resolver that does not heed its context holds up itself, not the page.
	answered, resolver := make(chan answer, 1), s.Resolver
	go func() {
		// The dot at the end keeps the search list of this machine out of it.
		records, err := resolver.LookupTXT(ctx, recordHost+domain+".")
		answered <- answer{records, err}
	}()
	select {
	case <-ctx.Done():
		return "domain.no_answer"
	case a := <-answered:
		var unresolved *net.DNSError
		switch {
		case errors.As(a.err, &unresolved) && unresolved.IsNotFound:
			return "domain.no_record"
		case a.err != nil:
			return "domain.no_answer"
		}
		return proves(a.records, token)
	}
}

// proves says what is missing among the TXT records of a name, or nothing when
// one of them carries the token. Some consoles keep the quotes that were pasted.
func proves(records []string, token string) (missing string) {
	missing = "domain.no_record"
	for _, record := range records {
		text := strings.Trim(record, " \t\r\n\"")
		if len(text) < len(recordMark) || !strings.EqualFold(text[:len(recordMark)], recordMark) {
			continue
		}
		if token != "" && secret.Same(strings.TrimSpace(text[len(recordMark):]), token) {
			return ""
		}
		missing = "domain.other_record"
	}
	return missing
}

// Remove takes a domain or a claim off a tenant. Of an active tenant the last
// verified domain stays, for with it goes everybody's way in, and so does one by
// which those sign in who run it: fault.Invalid.
func (s *Service) Remove(ctx context.Context, slug, domain string, by audit.Party, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := hold(tx, slug)
		if err != nil {
			return err
		}
		event := ofDomain(audit.DomainRemoved, id, domain, by, from)
		claims := tx.Exec("DELETE FROM domain_claims WHERE tenant_id = ? AND domain = ?", id, domain)
		if claims.Error != nil {
			return claims.Error
		}
		if claims.RowsAffected > 0 {
			event.Details["was"] = "claimed"
			return note(tx, event)
		}
		var there string
		if ok, err := tx.One(&there, "SELECT domain FROM domains WHERE tenant_id = ? AND domain = ?", id, domain); err != nil {
			return err
		} else if !ok {
			return notFound()
		}
		err = s.Roles.Keep(tx, id, func() error {
			return tx.Change(wrongDomain("domain.last"), `DELETE FROM domains WHERE domain = ? AND tenant_id = ? AND (verified_at IS NULL
				OR EXISTS (SELECT 1 FROM tenants t WHERE t.id = domains.tenant_id AND t.state <> 'active')
				OR EXISTS (SELECT 1 FROM domains o WHERE o.tenant_id = domains.tenant_id AND o.domain <> domains.domain AND o.verified_at IS NOT NULL))`, domain, id)
		})
		if role.Keeps(err) {
			return wrongDomain("domain.administrators")
		}
		if err != nil {
			return err
		}
		event.Details["was"] = "verified"
		return note(tx, event)
	})
}
