package people

import (
	"errors"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/password"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// lock plans to keep a person out, at once and everywhere, until somebody unlocks.
func (s *Service) lock(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserLock)},
		Difference: []approval.Change{{Field: "state", Before: was.State, After: user.Locked}},
		Do: func(tx *store.Tx) error {
			if err := user.MarkLocked(tx, act.TenantID, act.TargetID, act.ActorID); err != nil {
				return err
			}
			if err := s.shutOut(tx, act); err != nil {
				return err
			}
			return s.record(tx, act, act.Event(audit.UserLocked), "")
		},
	}
	if was.State != user.Active {
		plan.Wrong = fault.New(fault.Conflict, "user.state_changed")
	}
	return plan, nil
}

// shutOut ends what a person has open. It is dead already, for every look asks the
// state of the account; but when that is taken back it must not live again.
func (s *Service) shutOut(tx *store.Tx, act approval.Act) error {
	if _, err := session.Close(tx, act.TenantID, act.TargetID, ""); err != nil {
		return err
	}
	if err := tx.Exec("UPDATE attempts SET state = 'ended' WHERE tenant_id = ? AND user_id = ? AND state = 'open'", act.TenantID, act.TargetID).Error; err != nil {
		return err
	}
	if err := password.EndLinks(tx, act.TenantID, act.TargetID); err != nil {
		return err
	}
	switch id, err := s.Passcodes.Withdraw(tx, act.TenantID, act.TargetID, act.ActorID); {
	case errors.Is(err, fault.Conflict): // there is none
	case err != nil:
		return err
	default:
		e := act.Event(audit.PasscodeWithdrawn)
		e.Thread = id
		if err := audit.Record(tx, e); err != nil {
			return err
		}
	}
	if s.Bypasses != nil {
		if err := s.Bypasses.Shut(tx, act.TenantID, act.TargetID, act.ActorID, act.Origin); err != nil {
			return err
		}
	}
	return s.withdraw(tx, act)
}

// Bypasses are what lets somebody past the phone (package bypass).
type Bypasses interface {
	// Shut takes back, in the act tx, what a user has or may be shown.
	Shut(tx *store.Tx, tenantID, userID, by string, from audit.Origin) error
}

// LockForOwner locks, in the act tx, the account of somebody who says that what was done
// in their name was not done by them. Of an account that is locked already, or ended, it
// changes nothing.
func (s *Service) LockForOwner(tx *store.Tx, tenantID, userID string, from audit.Origin) error {
	was, _, err := read(tx, tenantID, userID)
	if err != nil || was.State != user.Active {
		return err
	}
	if err := user.MarkLocked(tx, tenantID, userID, userID); err != nil {
		return err
	}
	act := approval.Act{Kind: KindLock, TenantID: tenantID, ActorID: userID, TargetID: userID, Origin: from}
	if err := s.shutOut(tx, act); err != nil {
		return err
	}
	return audit.Record(tx, act.Event(audit.UserLocked))
}

// withdraw takes what waits for an answer off the person's phones, which wakes the
// pages that wait for it, and wakes the phones for the next request.
func (s *Service) withdraw(tx *store.Tx, act approval.Act) error {
	var waiting []string
	err := tx.All(&waiting, "SELECT id FROM prompts WHERE tenant_id = ? AND user_id = ? AND state = 'pending'", act.TenantID, act.TargetID)
	if err != nil {
		return err
	}
	for _, id := range waiting {
		if err := s.Prompts.Withdraw(tx, act.TenantID, id, act.TargetID, audit.User(act.ActorID), act.Origin); err != nil {
			return err
		}
	}
	tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, act.TargetID)) })
	return nil
}

// whoUnknown stands for whoever locked before that was noted.
const whoUnknown = "unknown"

// unlock plans to lift a lock, and with it what too many failures left behind.
// For somebody who is not locked it is the latter alone, which the helpdesk may.
func (s *Service) unlock(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	subject := s.Keys.Subject(was.Name)
	q := question(act, access.UserUnlock)
	if was.State == user.Locked {
		if q.LockedBy = was.LockedBy; q.LockedBy == "" {
			q.LockedBy = whoUnknown
		}
		return approval.Plan{
			Questions: []access.Question{q}, Difference: []approval.Change{{Field: "state", Before: was.State, After: user.Active}},
			Do: func(tx *store.Tx) error {
				if err := user.MarkUnlocked(tx, act.TenantID, act.TargetID, was.LockedBy); err != nil {
					return err
				}
				if _, err := throttle.Lift(tx, act.TenantID, subject); err != nil {
					return err
				}
				return s.record(tx, act, act.Event(audit.UserUnlocked), "")
			},
		}, nil
	}
	plan := approval.Plan{
		Questions: []access.Question{q},
		Do: func(tx *store.Tx) error {
			cleared, err := throttle.Lift(tx, act.TenantID, subject)
			if err != nil {
				return err
			}
			if cleared == 0 {
				return fault.New(fault.Conflict, "user.not_locked")
			}
			return s.record(tx, act, act.Event(audit.WaysRestored), "")
		},
	}
	stopped, err := s.throttlesOf(tx, act.TenantID, was.Name)
	if err != nil {
		return plan, err
	}
	for _, t := range stopped {
		plan.Difference = append(plan.Difference, approval.Change{Field: "throttle", Before: t.Way, After: ""})
	}
	if len(stopped) == 0 {
		plan.Wrong = fault.New(fault.Conflict, "user.not_locked")
	}
	return plan, nil
}

// record writes the event of an act and leaves a notice for the person it was
// done to.
func (s *Service) record(tx *store.Tx, act approval.Act, e audit.Event, detail string) error {
	if err := audit.Record(tx, e); err != nil {
		return err
	}
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return err
	}
	return notify.Tell(tx, act.TenantID, act.TargetID, notify.Notice{Action: e.Action, By: by.Role, Reason: act.Reason, Detail: detail})
}
