package bypass

import (
	"context"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// DisownLife is how long somebody can say, by the link that they were sent, that a bypass
// was not asked for by them.
const DisownLife = 7 * 24 * time.Hour

// disowning makes such a link in the act tx and gives its id; what the link ends with is
// secret.Keys.Disowning of it.
func (s *Service) disowning(tx *store.Tx, tenantID, userID, bypassID string) (id string, err error) {
	id = secret.System.ID()
	return id, tx.Exec("INSERT INTO disownings (tenant_id, id, user_id, bypass_id, created_at, expires_at) VALUES (?,?,?,?,?,?)",
		tenantID, id, userID, bypassID, tx.Now, tx.Now.Add(DisownLife)).Error
}

// Disowned is what a link is about.
type Disowned struct {
	TenantName string
	Kind       Kind
	At         time.Time
	Reason     string
}

// linkOf takes apart what a link ends with; ok is false for what we never sent.
func (s *Service) linkOf(text string) (tenantID, id string, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 || len(text) > 200 {
		return "", "", false
	}
	return parts[0], parts[1], secret.Same(text, s.Keys.Disowning(parts[0], parts[1]))
}

func noLink() error { return fault.New(fault.NotFound, "bypass.link_gone") }

// Look gives what a link is about. One that was used, is over or was never sent is
// fault.NotFound, whichever.
func (s *Service) Look(ctx context.Context, text string) (d Disowned, err error) {
	tenantID, id, ok := s.linkOf(text)
	if !ok {
		return d, noLink()
	}
	tx := s.DB.View(ctx)
	found, err := tx.One(&d, `SELECT t.name AS tenant_name, b.kind, b.created_at AS at, b.reason FROM disownings o JOIN bypasses b ON b.tenant_id = o.tenant_id AND b.id = o.bypass_id JOIN tenants t ON t.id = o.tenant_id
		WHERE o.tenant_id = ? AND o.id = ? AND o.used_at IS NULL AND o.expires_at > ?`, tenantID, id, tx.Now)
	if err == nil && !found {
		err = noLink()
	}
	return d, store.Unusable(err)
}

// Disown says that a bypass was not asked for by its person: it and every session end,
// the account is locked, the case is opened again, and those who look after security are
// told. The link works once, needs no sign-in and gives nothing but this.
func (s *Service) Disown(ctx context.Context, text string, origin audit.Origin) error {
	tenantID, id, ok := s.linkOf(text)
	if !ok {
		return noLink()
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var of struct{ UserID, BypassID string }
		ok, err := tx.One(&of, "UPDATE disownings SET used_at = ? WHERE tenant_id = ? AND id = ? AND used_at IS NULL AND expires_at > ? RETURNING user_id, bypass_id", tx.Now, tenantID, id, tx.Now)
		if err == nil && !ok {
			err = noLink()
		}
		if err != nil {
			return err
		}
		b, err := find(tx, tenantID, of.BypassID)
		if err != nil {
			return err
		}
		// What came in by it may have bound something that would outlive the lock.
		if err := s.unbind(tx, b, origin); err != nil {
			return err
		}
		// A link in a mail must not shut out the last of those who run a tenant (roles.md).
		_, err = s.People.Roles.IfKept(tx, tenantID, func() error { return s.People.LockForOwner(tx, tenantID, of.UserID, origin) })
		if err != nil {
			return err
		}
		// Somebody locked them before, or nobody may: what the bypass made is over all the same.
		if err := s.Shut(tx, tenantID, of.UserID, of.UserID, origin); err != nil {
			return err
		}
		if err := s.Cases.Disowned(tx, tenantID, b.CaseID, of.UserID, origin); err != nil {
			return err
		}
		name, err := nameOf(tx, tenantID, of.UserID)
		if err != nil {
			return err
		}
		for _, role := range []access.Role{access.RoleSecurityAdministrator, access.RoleHelpdeskLead} {
			if err := notify.TellRole(tx, tenantID, role, notify.Notice{Action: audit.BypassDisowned, Detail: name}); err != nil {
				return err
			}
		}
		e := b.event(audit.BypassDisowned, audit.User(of.UserID), origin)
		e.Details["agent"] = b.RequestedBy
		return audit.Record(tx, e)
	})
}

// unbind takes away what was bound while sessions of a bypass could bind anything.
func (s *Service) unbind(tx *store.Tx, b Bypass, origin audit.Origin) error {
	var began []time.Time
	if err := tx.All(&began, "SELECT created_at FROM sessions WHERE tenant_id = ? AND user_id = ? AND bypass_id = ?", b.TenantID, b.UserID, b.ID); err != nil {
		return err
	}
	for _, at := range began {
		until := at.Add(session.RebindLife)
		var phones, passkeys []string
		if err := tx.All(&phones, "SELECT account_id FROM devices WHERE tenant_id = ? AND user_id = ? AND state = 'active' AND created_at > ? AND created_at < ?", b.TenantID, b.UserID, at, until); err != nil {
			return err
		}
		if err := tx.All(&passkeys, "SELECT id FROM passkeys WHERE tenant_id = ? AND user_id = ? AND state = 'active' AND created_at > ? AND created_at < ?", b.TenantID, b.UserID, at, until); err != nil {
			return err
		}
		for _, id := range phones {
			if _, err := s.People.Devices.Take(tx, b.TenantID, b.UserID, id); err != nil {
				return err
			}
			if err := audit.Record(tx, audit.Event{TenantID: b.TenantID, Action: audit.DeviceRevoked, Reason: "bypass.disowned", Actor: audit.User(b.UserID), Target: audit.Device(id), Subject: b.UserID, Thread: b.CaseID, Origin: origin}); err != nil {
				return err
			}
		}
		for _, id := range passkeys {
			if _, err := s.People.Passkeys.Take(tx, b.TenantID, b.UserID, id); err != nil {
				return err
			}
			if err := audit.Record(tx, audit.Event{TenantID: b.TenantID, Action: audit.PasskeyRemoved, Reason: "bypass.disowned", Actor: audit.User(b.UserID), Target: audit.Party{Kind: audit.KindPasskey, ID: id}, Subject: b.UserID, Thread: b.CaseID, Origin: origin}); err != nil {
				return err
			}
		}
	}
	return nil
}
