package operator

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/setup"
	"latchkey/app/store"
	"latchkey/app/tenant"
)

// New is what a tenant is made of.
type New struct {
	Name, Slug, Domain, Region, Ring string
}

// Made is a new tenant.
type Made struct {
	Slug string
	Link secret.Token // for its first security administrator; shown once
}

// Create makes a tenant with a claim on its first domain, and gives the link for
// its first security administrator. It fails with fault.Invalid when a field
// breaks a rule or is taken.
func (s *Service) Create(ctx context.Context, n New, by audit.Party, from audit.Origin) (Made, error) {
	var m Made
	n.Domain = domainOf(n.Domain)
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		made := tenant.New{Slug: strings.TrimSpace(n.Slug), Name: n.Name, Domain: n.Domain, Region: n.Region, Ring: n.Ring}
		if n.Ring == "" {
			wrong := made.Check()
			wrong["ring"] = "tenant.ring_form"
			return fault.Wrong("form.wrong", wrong)
		}
		t, err := tenant.CreateUnproved(tx, made, by, from)
		if err != nil {
			return err
		}
		event := audit.Event{TenantID: t.ID, Action: audit.TenantCreated, Actor: by, Target: audit.Tenant(t.ID), Origin: from}
		event.Details = map[string]string{"slug": t.Slug, "region": t.Region, "ring": t.Ring}
		if err := noteOnPlatform(tx, event); err != nil {
			return err
		}
		if err := claim(tx, t.ID, n.Domain, by, from); err != nil {
			return err
		}
		m.Slug = t.Slug
		m.Link, err = s.invite(tx, t.ID, by, from)
		return err
	})
	return m, err
}

// Invite makes another link for the first security administrator of a tenant;
// the one before is dead. It fails with fault.Conflict when the tenant has such
// an administrator: whoever comes next is theirs to name.
func (s *Service) Invite(ctx context.Context, slug string, by audit.Party, from audit.Origin) (secret.Token, error) {
	var link secret.Token
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := hold(tx, slug)
		if err != nil {
			return err
		}
		link, err = s.invite(tx, id, by, from)
		return err
	})
	return link, err
}

func (s *Service) invite(tx *store.Tx, tenantID string, by audit.Party, from audit.Origin) (secret.Token, error) {
	link, err := setup.Invite(tx, tenantID, by, from)
	if err != nil {
		return link, err
	}
	return link, noteOnPlatform(tx, audit.Event{TenantID: tenantID, Action: audit.SetupLinkMade, Actor: by, Target: audit.Tenant(tenantID), Origin: from})
}

// Facts are what may change of a tenant, and the version that they change.
type Facts struct {
	Name, Region, Ring string
	Version            int
}

// Change changes the facts of a tenant. It fails with fault.Invalid when a field
// breaks a rule, and with fault.Conflict when somebody changed the tenant
// meanwhile.
func (s *Service) Change(ctx context.Context, slug string, f Facts, by audit.Party, from audit.Origin) error {
	f.Name = strings.TrimSpace(f.Name)
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := hold(tx, slug)
		if err != nil {
			return err
		}
		wrong := map[string]string{}
		tenant.CheckFacts(wrong, f.Name, f.Region, f.Ring)
		if f.Ring == "" {
			wrong["ring"] = "tenant.ring_form"
		}
		if len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		var was Facts
		if _, err := tx.One(&was, "SELECT name, region, ring, version FROM tenants WHERE id = ?", id); err != nil {
			return err
		}
		details := changes(was, f)
		if len(details) == 0 {
			return nil
		}
		err = tx.Change(fault.New(fault.Conflict, "tenant.changed"),
			"UPDATE tenants SET name = ?, region = ?, ring = ?, version = version + 1 WHERE id = ? AND version = ?", f.Name, f.Region, f.Ring, id, f.Version)
		if err != nil {
			return err
		}
		return note(tx, audit.Event{TenantID: id, Action: audit.TenantChanged, Actor: by, Target: audit.Tenant(id), Origin: from, Details: details})
	})
}

// changes says what is new, and what it was before.
func changes(was, is Facts) map[string]string {
	details := map[string]string{}
	for name, pair := range map[string][2]string{
		"name": {was.Name, is.Name}, "region": {was.Region, is.Region}, "ring": {was.Ring, is.Ring},
	} {
		if pair[0] != pair[1] {
			details[name+"_was"], details[name] = pair[0], pair[1]
		}
	}
	if len(details) > 0 {
		details["version"] = strconv.Itoa(was.Version + 1)
	}
	return details
}

// Suspend shuts a tenant: nobody of it signs in, and its sessions, prompts and
// phones are dead on every replica, for all of them ask the tenant's state when
// they are used. It fails with fault.Invalid without a reason and with
// fault.Conflict when the tenant is not active.
func (s *Service) Suspend(ctx context.Context, slug, reason string, by audit.Party, from audit.Origin) error {
	return s.turn(ctx, slug, tenant.Active, tenant.Suspended, reason, audit.TenantSuspended, by, from)
}

// Resume ends a suspension. Sessions that have not ended by themselves work again.
func (s *Service) Resume(ctx context.Context, slug, reason string, by audit.Party, from audit.Origin) error {
	return s.turn(ctx, slug, tenant.Suspended, tenant.Active, reason, audit.TenantResumed, by, from)
}

func (s *Service) turn(ctx context.Context, slug, was, is, reason string, action audit.Action, by audit.Party, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		id, err := find(tx, slug)
		if err != nil {
			return err
		}
		wrong := map[string]string{}
		if checkReason(wrong, &reason); len(wrong) > 0 {
			return fault.Wrong("form.wrong", wrong)
		}
		err = tx.Change(fault.New(fault.Conflict, "tenant.changed"),
			"UPDATE tenants SET state = ?, state_reason = ?, state_changed_at = ?, version = version + 1 WHERE id = ? AND state = ?", is, reason, tx.Now, id, was)
		if err != nil {
			return err
		}
		return note(tx, audit.Event{TenantID: id, Action: action, Reason: reason, Actor: by, Target: audit.Tenant(id), Origin: from})
	})
}

// checkReason trims a reason and notes in wrong what is wrong with it.
func checkReason(wrong map[string]string, reason *string) {
	*reason = strings.TrimSpace(*reason)
	if n := utf8.RuneCountInString(*reason); n == 0 || n > reasonMost {
		wrong["reason"] = "operator.reason_form"
	}
}

// checkTicket trims the name of a ticket, which may be empty, and notes in wrong
// when it is none.
func checkTicket(wrong map[string]string, ticket *string) {
	*ticket = strings.TrimSpace(*ticket)
	if *ticket != "" && !audit.IsTicket(*ticket) {
		wrong["ticket"] = "approval.ticket_form"
	}
}
