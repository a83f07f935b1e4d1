package people

import (
	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/store"
)

// TakePasskey names the passkey that is taken from a person.
type TakePasskey struct {
	Passkey string `json:"passkey"`
}

// takePasskey plans to take one passkey of a person away, as reset does with a
// phone.
func (s *Service) takePasskey(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var t TakePasskey
	if err := act.Read(&t); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.AuthenticatorReset)},
		Do: func(tx *store.Tx) error {
			name, err := s.Passkeys.Take(tx, act.TenantID, act.TargetID, t.Passkey)
			if err != nil {
				return err
			}
			tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, act.TargetID)) })
			e := act.Event(audit.PasskeyReset)
			e.Details = with(e.Details, "passkey", t.Passkey)
			return s.record(tx, act, e, name)
		},
	}
	var found struct{ Name, State string }
	ok, err := tx.One(&found, "SELECT name, state FROM passkeys WHERE tenant_id = ? AND id = ? AND user_id = ?", act.TenantID, t.Passkey, act.TargetID)
	switch {
	case err != nil:
		return plan, err
	case !ok:
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
	case found.State != "active":
		plan.Wrong = fault.New(fault.Conflict, "passkey.ended")
	}
	plan.Difference = []approval.Change{{Field: "passkey", Before: found.Name}}
	return plan, nil
}
