package people

import (
	"slices"
	"strconv"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/totp"
	"latchkey/app/user"
)

// endSessions plans to sign a person out of every browser.
func (s *Service) endSessions(_ *store.Tx, act approval.Act) (approval.Plan, error) {
	return approval.Plan{
		Questions:  []access.Question{question(act, access.SessionEnd)},
		Difference: []approval.Change{{Field: "sessions", Before: "open", After: "ended"}},
		Do: func(tx *store.Tx) error {
			ended, err := session.Close(tx, act.TenantID, act.TargetID, "")
			if err != nil {
				return err
			}
			// Streams look again, and find that their session is over.
			tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, act.TargetID)) })
			e := act.Event(audit.SessionsEnded)
			e.Details = with(e.Details, "ended", strconv.FormatInt(ended, 10))
			return s.record(tx, act, e, "")
		},
	}, nil
}

// Reset names the phone that is taken from a person.
type Reset struct {
	Device string `json:"device"` // the account on it
}

// reset plans to take one phone away.
func (s *Service) reset(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var r Reset
	if err := act.Read(&r); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.AuthenticatorReset)},
		Do: func(tx *store.Tx) error {
			name, err := s.Devices.Take(tx, act.TenantID, act.TargetID, r.Device)
			if err != nil {
				return err
			}
			e := act.Event(audit.AuthenticatorReset)
			e.Details = with(e.Details, "device", r.Device)
			return s.record(tx, act, e, name)
		},
	}
	var phone struct{ Name, State string }
	ok, err := tx.One(&phone, "SELECT name, state FROM devices WHERE tenant_id = ? AND account_id = ? AND user_id = ?", act.TenantID, r.Device, act.TargetID)
	switch {
	case err != nil:
		return plan, err
	case !ok:
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
	case phone.State != device.Active:
		plan.Wrong = fault.New(fault.Conflict, "device.ended")
	}
	plan.Difference = []approval.Change{{Field: "phone", Before: phone.Name}}
	return plan, nil
}

// resetTOTP plans to take the authenticator app of a person away, as reset does
// with a phone.
func (s *Service) resetTOTP(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	plan := approval.Plan{
		Questions:  []access.Question{question(act, access.AuthenticatorReset)},
		Difference: []approval.Change{{Field: "totp", Before: "set_up"}},
		Do: func(tx *store.Tx) error {
			id, err := s.TOTPs.Take(tx, act.TenantID, act.TargetID)
			if err != nil {
				return err
			}
			tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, act.TargetID)) })
			e := act.Event(audit.TOTPReset)
			e.Details = with(e.Details, "totp", id)
			return s.record(tx, act, e, "")
		},
	}
	_, ok, err := totp.Of(tx, act.TenantID, act.TargetID)
	if err == nil && !ok {
		plan.Wrong = fault.New(fault.Conflict, "totp.ended")
	}
	return plan, err
}

// resetSheet plans to take the sheet of printed codes of a person away, as reset does
// with a phone.
func (s *Service) resetSheet(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	plan := approval.Plan{
		Questions: []access.Question{question(act, access.AuthenticatorReset)},
		Do: func(tx *store.Tx) error {
			id, err := s.Sheets.Take(tx, act.TenantID, act.TargetID, act.ActorID)
			if err != nil {
				return err
			}
			tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, act.TargetID)) })
			e := act.Event(audit.CodeSheetReset)
			e.Details = with(e.Details, "code_sheet", id)
			return s.record(tx, act, e, "")
		},
	}
	sheet, ok, err := codesheet.Of(tx, act.TenantID, act.TargetID)
	if err == nil && !ok {
		plan.Wrong = fault.New(fault.Conflict, "codesheet.ended")
	}
	plan.Difference = []approval.Change{{Field: "code_sheet", Before: codesheet.Parted(sheet.Serial)}}
	return plan, err
}

// MFA is the state that a person's second factor is to have.
type MFA struct {
	State string `json:"state"`
}

// mfa plans to change whether a person needs a second factor. Forwards it
// tightens; backwards it takes a safeguard away, and a second person must see it.
func (s *Service) mfa(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var to MFA
	if err := act.Read(&to); err != nil {
		return approval.Plan{}, err
	}
	was, _, err := read(tx, act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	q := question(act, access.PolicyEdit)
	q.Loosens = slices.Index(MFAStates, to.State) < slices.Index(MFAStates, was.MFAState)
	plan := approval.Plan{
		Questions: []access.Question{q}, Difference: []approval.Change{{Field: "mfa_state", Before: was.MFAState, After: to.State}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "user.state_changed"), "UPDATE users SET mfa_state = ? WHERE tenant_id = ? AND id = ? AND mfa_state = ?",
				to.State, act.TenantID, act.TargetID, was.MFAState)
			if err != nil {
				return err
			}
			e := act.Event(audit.MFAChanged)
			e.Details = with(e.Details, "from", was.MFAState, "to", to.State)
			if err := s.record(tx, act, e, to.State); err != nil {
				return err
			}
			return user.SecondFactorBound(tx, act.TenantID, act.TargetID, act.Origin)
		},
	}
	switch {
	case !slices.Contains(MFAStates, to.State):
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"mfa_state": "user.mfa_unknown"})
	case to.State == was.MFAState:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"mfa_state": "user.mfa_same"})
	case !was.PasswordAlone && was.Password() && user.Enough(to.State, user.Ways(was.Ways), user.WithPassword):
		// It was set where a second factor is asked, and is too short to be all that is.
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"mfa_state": "user.mfa_password_short"})
	}
	return plan, nil
}

// with adds names and values in turn to details.
func with(details map[string]string, pairs ...string) map[string]string {
	if details == nil {
		details = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		details[pairs[i]] = pairs[i+1]
	}
	return details
}
