package approval

import (
	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// over is what follows in the act tx when a request waits no longer: inboxes count
// anew, phones that were to approve it show it no more, and whoever asked for it
// is told, unless they took it back themselves. by is empty for the clock.
func (s *Service) over(tx *store.Tx, r Request, action audit.Action, by, reason string, from audit.Origin) error {
	tx.After(func() { s.Hub.Ring(InboxKey(r.TenantID)) })
	// An operator asks and approves as a user of the platform, behind a wall of its own.
	return tx.Outside(func(tx *store.Tx) error {
		if err := s.recall(tx, r, by, from); err != nil || by == r.RequesterID {
			return err
		}
		return s.tell(tx, r, action, by, reason)
	})
}

// recall takes a request off the phones that were to approve it. Those who wait
// for their answer learn that it is over.
func (s *Service) recall(tx *store.Tx, r Request, by string, from audit.Origin) error {
	actor := audit.User(by)
	if by == "" {
		actor = audit.Service
	}
	var waiting []struct{ TenantID, ID, UserID string }
	err := tx.All(&waiting, "SELECT tenant_id, id, user_id FROM prompts WHERE tenant_id IN (?, ?) AND state = 'pending' AND act_hash = ?",
		r.TenantID, access.Platform, r.Digest)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		if err := s.Prompts.Withdraw(tx, p.TenantID, p.ID, p.UserID, actor, from); err != nil {
			return err
		}
	}
	return nil
}

// tell leaves the requester a notice of what became of their request.
func (s *Service) tell(tx *store.Tx, r Request, action audit.Action, by, reason string) error {
	n := notify.Notice{Action: action, Reason: reason, Detail: string(r.Kind)}
	if by != "" {
		decider, err := s.Rules.StandingIn(tx, r.TenantID, by)
		if err != nil {
			return err
		}
		n.By = decider.Role
	}
	var home string
	there, err := tx.One(&home, "SELECT tenant_id FROM users WHERE tenant_id IN (?, ?) AND id = ?", r.TenantID, access.Platform, r.RequesterID)
	if err != nil || !there {
		return err
	}
	return notify.Tell(tx, home, r.RequesterID, n)
}
