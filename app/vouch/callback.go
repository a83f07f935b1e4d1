package vouch

import (
	"context"
	"slices"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// callsMost is how often a session asks to be called back: each tells those who lead the desk.
const callsMost = 3

// callable gives the numbers by which the person can be called back: those that were on
// file before the bypass, and had no part in it. Who took one of those over has shown
// that already.
func (on situation) callable(tx *store.Tx, tenantID, userID string) (phones []backupphone.Phone, err error) {
	all, err := backupphone.Of(tx, tenantID, userID)
	if err != nil {
		return nil, err
	}
	var proved string
	if _, err := tx.One(&proved, "SELECT phone_id FROM caller_checks WHERE tenant_id = ? AND id = ?", tenantID, on.CheckID); err != nil {
		return nil, err
	}
	had := map[string]bool{}
	for _, p := range all {
		if p.ID == proved || p.ID == on.PhoneID {
			had[p.Number] = true // whichever way it went there
		}
	}
	for _, p := range all {
		twice := slices.ContainsFunc(phones, func(other backupphone.Phone) bool { return other.Number == p.Number })
		if !had[p.Number] && !twice && !p.ConfirmedAt.After(on.BypassAt) {
			phones = append(phones, p)
		}
	}
	return phones, nil
}

// lookBack reads what a call-back is judged by.
func (s *Service) lookBack(tx *store.Tx, tenantID, userID, sessionID string) (on situation, phones []backupphone.Phone, err error) {
	if on, err = read(tx, tenantID, userID, sessionID); err != nil {
		return on, nil, err
	}
	phones, err = on.callable(tx, tenantID, userID)
	return on, phones, err
}

// stopsCall says why nobody can be asked to call back; nil when somebody can.
func (s *Service) stopsCall(tx *store.Tx, on situation, phones []backupphone.Phone, who session.Session) (stops, err error) {
	if on.over(tx.Now) {
		return fault.New(fault.Forbidden, "session.rebind_over"), nil
	}
	if len(phones) == 0 {
		return fault.New(fault.Conflict, "callback.no_number"), nil
	}
	var asked int
	if _, err := tx.One(&asked, "SELECT count(*) FROM vouches WHERE session_id = ? AND tenant_id = ? AND kind = 'call_back'", who.ID, who.TenantID); err != nil {
		return nil, err
	}
	if asked >= callsMost {
		return fault.New(fault.Conflict, "callback.often"), nil
	}
	target, err := s.Rules.StandingIn(tx, who.TenantID, who.UserID)
	if err != nil {
		return nil, err
	}
	standings, err := s.Rules.StandingsIn(tx, who.TenantID)
	if err != nil {
		return nil, err
	}
	for _, st := range standings {
		if st.May.Has(access.RebindApprove) && st.Rank > target.Rank && st.UserID != who.UserID && !slices.Contains(on.had(), st.UserID) {
			return nil, nil
		}
	}
	return fault.New(fault.Conflict, "callback.nobody"), nil
}

// CallOffered says whether somebody can be asked to call back in a session that a bypass
// made: empty, or the code of why not.
func (s *Service) CallOffered(ctx context.Context, who session.Session) (stops string, err error) {
	tx := s.DB.View(ctx)
	on, phones, err := s.lookBack(tx, who.TenantID, who.UserID, who.ID)
	if err == nil {
		var why error
		if why, err = s.stopsCall(tx, on, phones, who); why != nil {
			stops = fault.Of(why).Code
		}
	}
	if f := fault.Of(err); f != nil && f.Kind == fault.Forbidden {
		return f.Code, nil
	}
	return stops, store.Unusable(err)
}

// AskCall asks the helpdesk to call back who is in a session that a bypass made. What the
// session asked before, and waits still, is taken back. It fails as Ask does.
func (s *Service) AskCall(ctx context.Context, who session.Session, from audit.Origin) (id string, err error) {
	id = secret.System.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		on, phones, err := s.lookBack(tx, who.TenantID, who.UserID, who.ID)
		if err != nil {
			return err
		}
		stops, err := s.stopsCall(tx, on, phones, who)
		if err == nil {
			err = stops
		}
		if err != nil {
			return err
		}
		if err := s.withdraw(tx, who, from); err != nil {
			return err
		}
		v := Vouch{
			TenantID: who.TenantID, ID: id, UserID: who.UserID, SessionID: who.ID, BypassID: on.BypassID, CaseID: on.CaseID, Kind: CallBack, Number: secret.System.MatchNumber(),
			State: Pending, BegunAt: tx.Now, ExpiresAt: on.SessionAt.Add(session.RebindLife),
		}
		if err := insert(tx, v); err != nil {
			return err
		}
		if err := audit.Record(tx, v.event(audit.VouchAsked, audit.User(v.UserID), from)); err != nil {
			return err
		}
		return notify.TellRole(tx, v.TenantID, access.RoleHelpdeskLead, notify.Notice{Action: audit.CallBackAsked, About: v.UserID})
	})
}

// CallLetters are the letters that whoever calls reads out when they are asked who they are.
func (s *Service) CallLetters(v Vouch) string {
	return s.Keys.SpokenCode("call back " + v.TenantID + " " + v.ID)
}
