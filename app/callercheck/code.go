package callercheck

import (
	"context"
	"errors"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/store"
)

// askNumber sends a code to a backup phone of the person.
func (s *Service) askNumber(tx *store.Tx, c *Check, to string) error {
	sent, err := s.Backups.SendToCaller(tx, backupphone.Caller{
		TenantID: c.TenantID, UserID: c.UserID, CheckID: c.ID, PhoneID: to, Letters: s.AgentCode(c.TenantID, c.ID),
	})
	c.PhoneID, c.Channel, c.ExpiresAt = sent.ID, string(sent.Channel), tx.Now.Add(backupphone.CodeLife)
	return err
}

// wrongCode is the one answer to whatever is wrong with a code: it, its time, its phone,
// the number of tries, the check.
func wrongCode() error { return fault.New(fault.Refused, "callercheck.code_wrong") }

// Verify takes the code that the caller read out, from the agent who began the check. The
// try is counted before it is checked, in a commit of its own. Whatever is wrong is
// fault.Refused, all alike; another agent's check is fault.Conflict.
func (s *Service) Verify(ctx context.Context, who access.Standing, id, typed string, from audit.Origin) error {
	c, err := s.mine(s.DB.View(ctx), who, id)
	if err != nil {
		return store.Unusable(err)
	}
	counted := false
	err = s.DB.Count(ctx, func(tx *store.Tx) (err error) {
		counted, err = tx.One(&c.Tries, `UPDATE caller_checks SET tries = tries + 1 WHERE tenant_id = ? AND id = ? AND agent_id = ?
			AND (via = 'backup_phone' AND state = 'pending' AND expires_at > ? AND tries < ?) IS TRUE RETURNING tries`, c.TenantID, c.ID, who.UserID, tx.Now, CodeTries)
		return err
	})
	if err != nil {
		return err
	}
	held, err := s.Backups.Holding(ctx, c.TenantID, c.ID, provider.Channel(c.Channel))
	if err == nil {
		if right := held.Match(typed); right && counted {
			err = s.proveByCode(ctx, c, held, from)
		} else {
			err = wrongCode()
		}
	}
	switch {
	case err == nil:
		s.Hub.Ring(key(c))
	case errors.Is(err, fault.Refused):
		if failed := s.refused(ctx, c, counted, from); failed != nil {
			return failed
		}
	case counted && errors.Is(err, fault.Unavailable): // it came to nothing for a reason of ours
		_, _ = s.DB.CountOne(ctx, "UPDATE caller_checks SET tries = tries - 1 WHERE tenant_id = ? AND id = ? AND state = 'pending' AND tries > 0", c.TenantID, c.ID)
	}
	return err
}

func (s *Service) proveByCode(ctx context.Context, c Check, held backupphone.Held, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := held.Use(tx, c.TenantID, c.UserID); err != nil {
			return wrongCode()
		}
		err := s.prove(tx, c, c.PhoneID, audit.User(c.AgentID), from)
		if f := fault.Of(err); f != nil && f.Kind == fault.Conflict {
			return wrongCode() // it has ended meanwhile
		}
		return err
	})
}

// refused remembers a wrong code. The last one ends the check, and the person is told
// that somebody tried.
func (s *Service) refused(ctx context.Context, c Check, counted bool, from audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		e := c.event(audit.CallerCheckRefused, audit.User(c.AgentID), from)
		e.Reason = "callercheck.code_wrong"
		if err := audit.Record(tx, e); err != nil || !counted || c.Tries < CodeTries {
			return err
		}
		if err := end(tx, c, Failed, false); err != nil {
			if f := fault.Of(err); f != nil && f.Kind == fault.Conflict {
				return nil // somebody was faster
			}
			return err
		}
		if err := backupphone.Void(tx, c.TenantID, c.ID); err != nil {
			return err
		}
		tx.After(func() { s.Hub.Ring(key(c)) })
		if err := audit.Record(tx, c.event(audit.CallerCheckFailed, audit.Service, audit.Origin{})); err != nil {
			return err
		}
		named, err := cases.Names(tx, c.TenantID, c.CaseID)
		if err != nil {
			return err
		}
		return notify.Tell(tx, c.TenantID, c.UserID, notify.Notice{Action: audit.CallerCheckFailed, Detail: named[c.CaseID]})
	})
}
