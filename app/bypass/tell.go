package bypass

import (
	"cmp"
	"strconv"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/disown"
	"latchkey/app/notify"
	"latchkey/app/store"
	"latchkey/app/user"
)

// tell tells the person, in the act tx and on every channel that they have, what was given
// and by whom, with a link by which they take it back without signing in. What cannot be
// owed fails the act. It gives what the audit keeps of it: how many phones and numbers.
func (s *Service) tell(tx *store.Tx, act approval.Act, asked Asked, caseID string, until time.Time) (map[string]string, error) {
	by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err != nil {
		return nil, err
	}
	agent, err := user.Called(tx, act.TenantID, act.ActorID)
	if err != nil {
		return nil, err
	}
	named, err := cases.Names(tx, act.TenantID, caseID)
	if err != nil {
		return nil, err
	}
	link, err := disown.Make(tx, s.Keys, disown.Link{TenantID: act.TenantID, UserID: act.TargetID, BypassID: asked.ID})
	if err != nil {
		return nil, err
	}
	n := notify.Notice{
		Action: audit.BypassIssued, By: by.Role, Reason: act.Reason, Detail: string(asked.Kind), Disowning: link,
		Agent: cmp.Or(agent, act.ActorID), Case: named[caseID], Until: until,
	}
	if err := notify.Tell(tx, act.TenantID, act.TargetID, n); err != nil {
		return nil, err
	}
	gone, err := cases.Devices(tx, act.TenantID, caseID)
	if err != nil {
		return nil, err
	}
	phones, err := notify.TellPhones(tx, act.TenantID, act.TargetID, n.Told(tx), gone, n.Told(tx).Nameless())
	if err != nil {
		return nil, err
	}
	numbers, err := s.Backups.Tell(tx, act.TenantID, act.TargetID, n.Told(tx))
	if err != nil {
		return nil, err
	}
	return map[string]string{"told_phones": strconv.Itoa(phones), "told_numbers": strconv.Itoa(numbers)}, nil
}
