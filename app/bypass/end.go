package bypass

import (
	"context"
	"errors"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/disown"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/store"
)

// replace ends an open bypass in the act tx, because another one comes in its place, and
// what it made: sessions, and sign-ins that are halfway. One that is not open is
// fault.Conflict.
func (s *Service) replace(tx *store.Tx, tenantID, id, userID, by string) error {
	err := tx.Change(fault.New(fault.Conflict, "bypass.replaced_gone"), `UPDATE bypasses SET state = 'replaced', code_digest = '', agent_digest = '', other_digest = '', ended_at = ?, ended_by = ?
		WHERE tenant_id = ? AND id = ? AND user_id = ? AND state IN ('ready', 'active')`, tx.Now, by, tenantID, id, userID)
	if err != nil {
		return err
	}
	return s.close(tx, tenantID, userID)
}

// close ends the sessions that a bypass of a user made.
func (s *Service) close(tx *store.Tx, tenantID, userID string) error {
	tx.After(func() { s.Hub.Ring(device.UserKey(tenantID, userID)) })
	return session.CloseMadeBy(tx, tenantID, userID, session.ByBypass, "")
}

// Of names the bypass that an act is about.
type Of struct {
	ID string `json:"id"`
}

// revoke plans to take a bypass back, with the sessions that it made: also one that is
// used up, for these live on. Whatever its ticket looks like: a wrong letter stops nobody
// who shuts somebody out.
func (s *Service) revoke(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of Of
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.BypassRevoke, TargetID: act.TargetID}}}
	b, err := find(tx, act.TenantID, of.ID)
	if errors.Is(err, fault.NotFound) || err == nil && b.UserID != act.TargetID {
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
		return plan, nil
	}
	if err != nil {
		return plan, err
	}
	plan.Difference = []approval.Change{{Field: "bypass_state", Before: string(b.StateAt(tx.Now)), After: string(Revoked)}}
	over := fault.New(fault.Conflict, "bypass.over")
	if !b.Revocable(tx.Now) {
		plan.Wrong = over
	}
	plan.Do = func(tx *store.Tx) error {
		taken, err := s.takeBack(tx, act.TenantID, b.UserID, of.ID, act.ActorID, act.Reason)
		if err == nil && len(taken) == 0 {
			err = over
		}
		if err != nil {
			return err
		}
		e := b.event(audit.BypassRevoked, audit.User(act.ActorID), act.Origin)
		e.Reason = act.Reason
		if err := audit.Record(tx, e.Under(act.Ticket)); err != nil {
			return err
		}
		by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
		if err != nil {
			return err
		}
		return notify.Tell(tx, act.TenantID, b.UserID, notify.Notice{Action: audit.BypassRevoked, By: by.Role, Reason: act.Reason})
	}
	return plan, nil
}

// RevokeOwn takes back what a user has of their own: fault.Conflict when that is nothing.
func (s *Service) RevokeOwn(ctx context.Context, tenantID, userID string, origin audit.Origin) error {
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		ended, err := s.shut(tx, tenantID, userID, userID, origin)
		if err == nil && ended == 0 {
			err = fault.New(fault.Conflict, "bypass.over")
		}
		return err
	})
}

// Shut takes back, in the act tx, what a user has or may be shown, and ends what it made.
// It is part of what shuts them out.
func (s *Service) Shut(tx *store.Tx, tenantID, userID, by string, origin audit.Origin) error {
	_, err := s.shut(tx, tenantID, userID, by, origin)
	return err
}

func (s *Service) shut(tx *store.Tx, tenantID, userID, by string, origin audit.Origin) (ended int, err error) {
	taken, err := s.takeBack(tx, tenantID, userID, "", by, "")
	if err != nil {
		return 0, err
	}
	for _, b := range taken {
		if err := audit.Record(tx, b.event(audit.BypassRevoked, audit.User(by), origin)); err != nil {
			return 0, err
		}
	}
	return len(taken), nil
}

// takeBack takes back, in the act tx, the bypass of a user with an id, or without one
// whatever is Revocable, and ends what it made. It gives what was taken. One that is used
// at the same moment is taken all the same.
func (s *Service) takeBack(tx *store.Tx, tenantID, userID, id, by, why string) (taken []Bypass, err error) {
	err = tx.All(&taken, `UPDATE bypasses SET state = 'revoked', code_digest = '', agent_digest = '', other_digest = '', ended_at = ?, ended_by = ?, ending = ?
		WHERE user_id = ? AND tenant_id = ? AND state IN ('ready', 'active', 'used') AND ends_at > ? AND (? = '' OR id = ?) RETURNING `+columns,
		tx.Now, by, why, userID, tenantID, tx.Now, id, id)
	if err != nil {
		return nil, err
	}
	return taken, s.close(tx, tenantID, userID)
}

// Lapse writes down those whose time is over; they had expired before. Any replica may
// run it; each ends once.
func (s *Service) Lapse(ctx context.Context) error {
	due, err := list(s.DB.View(ctx), "b.state IN ('ready', 'active') AND b.ends_at <= ?", "b.ends_at", 100, s.DB.Now())
	if err != nil {
		return store.Unusable(err)
	}
	for _, b := range due {
		err := s.DB.Act(ctx, func(tx *store.Tx) error {
			res := tx.Exec(`UPDATE bypasses SET state = 'expired', code_digest = '', agent_digest = '', other_digest = '', ended_at = ?
				WHERE tenant_id = ? AND id = ? AND state IN ('ready', 'active') AND ends_at <= ?`, tx.Now, b.TenantID, b.ID, tx.Now)
			if res.Error != nil || res.RowsAffected == 0 {
				return res.Error
			}
			return audit.Record(tx, b.event(audit.BypassExpired, audit.Service, audit.Origin{}))
		})
		if err != nil {
			return err
		}
	}
	return disown.Forget(ctx, s.DB)
}
