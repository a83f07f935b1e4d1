package bypass

import (
	"context"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/disown"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Disowned is what a link is about by which somebody says that it was not them.
type Disowned struct {
	TenantName string
	At         time.Time
	Kind       Kind // of a bypass; empty: it is about a request to the helpdesk
	Reason     string
	Given      []time.Time // of a request: when bypasses were given since, under the case of it
}

// Look gives what a link is about. One that was used, is over or was never sent is
// fault.NotFound, whichever.
func (s *Service) Look(ctx context.Context, text string) (d Disowned, err error) {
	tx := s.DB.View(ctx)
	link, err := disown.Find(tx, s.Keys, text)
	if err != nil {
		return d, store.Unusable(err)
	}
	if _, err = tx.One(&d.TenantName, "SELECT name FROM tenants WHERE id = ?", link.TenantID); err != nil {
		return d, store.Unusable(err)
	}
	if link.AskID != "" {
		asked, err := cases.AskOf(tx, link.TenantID, link.AskID)
		if err != nil {
			return d, store.Unusable(err)
		}
		d.At = asked.At
		given, err := since(tx, link, asked)
		for _, b := range given {
			d.Given = append(d.Given, b.CreatedAt)
		}
		return d, store.Unusable(err)
	}
	b, err := find(tx, link.TenantID, link.BypassID)
	d.Kind, d.At = b.Kind, b.CreatedAt
	if !link.Short { // whoever holds a lost phone reads it
		d.Reason = b.Reason
	}
	return d, store.Unusable(err)
}

// since reads what was given under the case of a request after it was asked.
func since(tx *store.Tx, link disown.Link, asked cases.AskTold) ([]Bypass, error) {
	return list(tx, "b.user_id = ? AND b.tenant_id = ? AND b.case_id = ? AND b.created_at >= ?", "b.created_at", 100, link.UserID, link.TenantID, asked.CaseID, asked.At)
}

// Ended is what came of it that somebody said that it was not them.
type Ended string

const (
	Warned   Ended = "warned"   // the helpdesk is; nothing had been given
	Locked   Ended = "locked"   // the account is
	Unlocked Ended = "unlocked" // what was given is over, but the account is of the last who run their tenant
)

// Disown says that a bypass, or a request to the helpdesk, was not asked for by its person.
// Of a bypass, and of what was given since a request, it and every session end, the account
// is locked, the case is opened again, and those who look after security are told. The link
// works once, needs no sign-in and gives nothing but this.
func (s *Service) Disown(ctx context.Context, text string, origin audit.Origin) (ended Ended, err error) {
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		link, err := disown.Use(tx, s.Keys, text)
		if err != nil {
			return err
		}
		var given []Bypass
		if link.AskID != "" {
			asked, err := s.Cases.AskDisowned(tx, link, origin)
			if err != nil {
				return err
			}
			if given, err = since(tx, link, asked); err != nil {
				return err
			}
			if len(given) == 0 {
				ended = Warned
				return nil
			}
		} else {
			b, err := find(tx, link.TenantID, link.BypassID)
			if err != nil {
				return err
			}
			given = []Bypass{b}
		}
		ended, err = s.undo(tx, link, given, origin)
		return err
	})
	return ended, err
}

// undo ends, in the act tx, what was given to somebody who is not the person of a link.
func (s *Service) undo(tx *store.Tx, link disown.Link, given []Bypass, origin audit.Origin) (Ended, error) {
	// What came in by it may have bound something that would outlive the lock.
	for _, b := range given {
		if err := s.unbind(tx, b, origin); err != nil {
			return "", err
		}
	}
	// A link in a mail must not shut out the last of those who run a tenant (roles.md).
	_, err := s.People.Roles.IfKept(tx, link.TenantID, func() error { return s.People.LockForOwner(tx, link.TenantID, link.UserID, origin) })
	if err != nil {
		return "", err
	}
	// Somebody locked them before, or nobody may: what the bypass made is over all the same.
	if err := s.Shut(tx, link.TenantID, link.UserID, link.UserID, origin); err != nil {
		return "", err
	}
	if err := s.Cases.Disowned(tx, link.TenantID, given[len(given)-1].CaseID, link.UserID, origin); err != nil {
		return "", err
	}
	var who struct{ Name, State string }
	if _, err := tx.One(&who, "SELECT name, state FROM users WHERE tenant_id = ? AND id = ?", link.TenantID, link.UserID); err != nil {
		return "", err
	}
	for _, role := range []access.Role{access.RoleSecurityAdministrator, access.RoleHelpdeskLead} {
		if err := notify.TellRole(tx, link.TenantID, role, notify.Notice{Action: audit.BypassDisowned, Detail: who.Name}); err != nil {
			return "", err
		}
	}
	for _, b := range given {
		if err := tx.Exec("UPDATE bypasses SET disowned_at = ? WHERE tenant_id = ? AND id = ?", tx.Now, b.TenantID, b.ID).Error; err != nil {
			return "", err
		}
		e := b.event(audit.BypassDisowned, audit.User(link.UserID), origin)
		e.Details["agent"] = b.RequestedBy
		if link.AskID != "" {
			e.Details["ask"] = link.AskID
		}
		if err := audit.Record(tx, e); err != nil {
			return "", err
		}
	}
	if who.State == user.Active {
		return Unlocked, nil
	}
	return Locked, nil
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
