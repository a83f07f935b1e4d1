package breakglass

import (
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Refusals ring so often within a span; what comes then stands in the audit.
const (
	alarmsMost = 10
	alarmSpan  = time.Hour
)

// administrators are those who run a tenant, but for the accounts of this package.
func (s *Service) administrators(tx *store.Tx, tenantID string, least int) (all []string, err error) {
	holders, err := s.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, h := range holders {
		if h.Rank >= least {
			ids = append(ids, h.UserID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	err = tx.All(&all, "SELECT id FROM users WHERE tenant_id = ? AND id IN ? AND state = 'active' AND NOT break_glass ORDER BY id", tenantID, ids)
	return all, err
}

// alarm tells every administrator, in the act tx and on every channel that they have, that
// somebody used a sheet or tried to. Text messages have brakes of their own, so refusals
// send few.
func (s *Service) alarm(tx *store.Tx, h held, e audit.Event, texts bool) error {
	all, err := s.administrators(tx, h.TenantID, access.AdministratorRank)
	if err != nil {
		return err
	}
	n := notify.Notice{Action: e.Action, Detail: h.Name, IP: e.Origin.IP}
	for _, userID := range all {
		if err := notify.Tell(tx, h.TenantID, userID, n); err != nil {
			return err
		}
		if _, err := notify.TellPhones(tx, h.TenantID, userID, n.Told(tx), nil, notify.Told{}); err != nil {
			return err
		}
		if !texts {
			continue
		}
		if _, err := s.Backups.Tell(tx, h.TenantID, userID, n.Told(tx)); err != nil {
			return err
		}
	}
	return nil
}

// tell leaves a notice for the other security administrators about what was done to an
// account.
func (s *Service) tell(tx *store.Tx, tenantID string, action audit.Action, name string, act approval.Act) error {
	all, err := s.administrators(tx, tenantID, access.Ranks[access.RoleSecurityAdministrator])
	if err != nil {
		return err
	}
	n := notify.Notice{Action: action, Detail: name, Reason: act.Reason}
	if act.ActorID != "" {
		n.By = s.Rules.Role(tenantID, act.ActorID)
	}
	for _, userID := range all {
		if userID == act.ActorID || userID == act.ApprovedBy {
			continue
		}
		if err := notify.Tell(tx, tenantID, userID, n); err != nil {
			return err
		}
	}
	return nil
}
