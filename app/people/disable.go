package people

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/user"
)

// disable plans to end the account of somebody who has left. Like a lock it is at
// once and everywhere, but it is no emergency, and not for the helpdesk. Nothing
// of theirs is deleted: what they did must stay readable, and they may come back.
func (s *Service) disable(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserDisable)},
		Difference: []approval.Change{{Field: "state", Before: was.State, After: user.Disabled}},
		Do: func(tx *store.Tx) error {
			if err := user.MarkDisabled(tx, act.TenantID, act.TargetID, was.State, act.ActorID); err != nil {
				return err
			}
			if err := s.shutOut(tx, act); err != nil {
				return err
			}
			e := act.Event(audit.UserDisabled)
			e.Details = with(e.Details, "from", was.State)
			return s.record(tx, act, e, "")
		},
	}
	if was.State == user.Disabled {
		plan.Wrong = fault.New(fault.Conflict, "user.state_changed")
	}
	return plan, nil
}

// enable plans to bring an account back. Whoever was locked before is locked
// still: to unlock is another act, with rules of its own.
func (s *Service) enable(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	next := user.Active
	if was.LockedAt != nil {
		next = user.Locked
	}
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserDisable)},
		Difference: []approval.Change{{Field: "state", Before: was.State, After: next}},
		Do: func(tx *store.Tx) error {
			state, err := user.MarkEnabled(tx, act.TenantID, act.TargetID)
			if err != nil {
				return err
			}
			e := act.Event(audit.UserEnabled)
			e.Details = with(e.Details, "to", state)
			return s.record(tx, act, e, "")
		},
	}
	if was.State != user.Disabled {
		plan.Wrong = fault.New(fault.Conflict, "user.state_changed")
	}
	return plan, nil
}
