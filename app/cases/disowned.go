package cases

import (
	"latchkey/app/audit"
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
	res := tx.Exec(`UPDATE cases SET state = 'open', closed_at = NULL, closed_by = '', ending = '' WHERE tenant_id = ? AND id = ? AND state = 'closed'
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
	var owner string
	found, err := tx.One(&owner, "SELECT id FROM users WHERE tenant_id = ? AND id = ?", tenantID, c.OwnerID)
	if err != nil || !found {
		return err // a guest of the tenant, who reads no notices here
	}
	return notify.Tell(tx, tenantID, owner, notify.Notice{Action: audit.BypassDisowned, Detail: c.Name()})
}
