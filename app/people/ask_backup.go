package people

import (
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindAskBackup asks a person to add a backup phone. Nobody adds one for somebody else: a
// number counts when its owner has typed the code that it got.
const KindAskBackup approval.Kind = "backup_phone.ask"

// BackupsWanted is how many backup phones make it pointless to ask for more (product.md §6).
const BackupsWanted = 2

// AskWait is for how long a person is not asked again.
const AskWait = 24 * time.Hour

// askBackup plans to ask.
func (s *Service) askBackup(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.UserInvite)},
		Difference: []approval.Change{{Field: "backup_phone", After: "asked"}},
		Do:         func(tx *store.Tx) error { return s.record(tx, act, act.Event(audit.BackupPhoneAsked), "") },
	}
	carried, err := provider.Having(tx, act.TenantID)
	if err != nil {
		return plan, err
	}
	off, err := method.OffOf(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	var open user.Ways
	for _, channel := range carried {
		open |= backupphone.Ways[channel] &^ off.All()
	}
	phones, err := backupphone.Of(tx, act.TenantID, act.TargetID)
	if err != nil {
		return plan, err
	}
	var asked bool
	_, err = tx.One(&asked, "SELECT EXISTS (SELECT 1 FROM notices WHERE tenant_id = ? AND user_id = ? AND action = ? AND at > ?)", act.TenantID, act.TargetID, audit.BackupPhoneAsked, tx.Now.Add(-AskWait))
	switch {
	case err != nil:
		return plan, err
	case open == 0:
		plan.Wrong = fault.New(fault.Conflict, "backupphone.not_carried")
	case len(phones) >= BackupsWanted:
		plan.Wrong = fault.New(fault.Conflict, "backupphone.enough")
	case asked:
		plan.Wrong = fault.New(fault.Conflict, "backupphone.asked")
	}
	return plan, nil
}
