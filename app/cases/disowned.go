package cases

import (
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/disown"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/store"
)

// Disowned opens a case again, in the act tx, because its person says that what was done
// under it was not asked for by them. One that is open stays so; its owner is told either
// way. Without a case it does nothing.
func (s *Service) Disowned(tx *store.Tx, tenantID, id, userID string, from audit.Origin) error {
	if id == "" {
		return nil
	}
	c, ok, err := find(tx, tenantID, id)
	if err != nil || !ok || c.UserID != userID {
		return err
	}
	// Another case of theirs may stand by now: then that one goes on.
	res := tx.Exec(`UPDATE cases SET state = 'open', waits_for = '', closed_at = NULL, closed_by = '', ending = '' WHERE tenant_id = ? AND id = ? AND state = 'closed'
		AND NOT EXISTS (SELECT 1 FROM cases o WHERE o.tenant_id = cases.tenant_id AND o.user_id = cases.user_id AND o.state <> 'closed')`, tenantID, id)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected > 0 {
		err := audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.CaseReopened, Reason: "case.disowned", Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindCase, ID: c.ID}, Subject: userID,
			Thread: c.ID, Origin: from, Details: map[string]string{"number": c.Name(), "from": string(c.State)},
		})
		if err != nil {
			return err
		}
	}
	return s.tellOwner(tx, c, audit.BypassDisowned)
}

// AskTold is a request as the link is about it by which its person says that it was not
// theirs.
type AskTold struct {
	At     time.Time
	CaseID string
}

// AskOf reads such a request; it fails with fault.NotFound when it is not there any more.
func AskOf(tx *store.Tx, tenantID, id string) (a AskTold, err error) {
	found, err := tx.One(&a, "SELECT asked_at AS at, case_id FROM case_asks WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err == nil && !found {
		err = fault.New(fault.NotFound, "bypass.link_gone")
	}
	return a, err
}

// How it was said that a request was not somebody's. Add, never rename.
const (
	byMail  = "mail"
	byPhone = "phone" // whoever holds it
)

// AskDisowned takes, in the act tx, that a person did not ask what was asked in their name:
// their case says so from now on, and its agent and those who lead the helpdesk or look
// after security are told.
func (s *Service) AskDisowned(tx *store.Tx, link disown.Link, from audit.Origin) (a AskTold, err error) {
	if a, err = AskOf(tx, link.TenantID, link.AskID); err != nil {
		return a, err
	}
	via := byMail
	if link.Short {
		via = byPhone
	}
	if err := tx.Exec("UPDATE case_asks SET disowned_at = ?, disowned_via = ? WHERE tenant_id = ? AND id = ?", tx.Now, via, link.TenantID, link.AskID).Error; err != nil {
		return a, err
	}
	c, found, err := find(tx, link.TenantID, a.CaseID)
	if err != nil || !found {
		return a, err
	}
	err = audit.Record(tx, audit.Event{
		TenantID: c.TenantID, Action: audit.CaseAskDisowned, Actor: audit.User(c.UserID), Target: audit.Party{Kind: audit.KindCase, ID: c.ID}, Subject: c.UserID, Thread: c.ID,
		Origin: from, Details: map[string]string{"number": c.Name(), "ask": link.AskID, "via": via},
	})
	if err != nil {
		return a, err
	}
	for _, role := range []access.Role{access.RoleSecurityAdministrator, access.RoleHelpdeskLead} {
		if err := notify.TellRole(tx, c.TenantID, role, notify.Notice{Action: audit.CaseAskDisowned, Detail: c.Name()}); err != nil {
			return a, err
		}
	}
	return a, s.tellOwner(tx, c, audit.CaseAskDisowned)
}
