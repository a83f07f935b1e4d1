package cases

import (
	"latchkey/app/approval"
	"latchkey/app/desk"
	"latchkey/app/store"
)

// unfit says that the ticket of an act does not look as those of the tenant do, nor is the
// one under which its case stands.
func unfit(tx *store.Tx, act approval.Act, stands string) error {
	of, err := desk.Of(tx, act.TenantID)
	if err != nil {
		return err
	}
	if wrong := of.Unfit(act, stands); wrong != nil {
		return wrong
	}
	return nil
}

// Because notes on a case, in the act tx, the reason of the tenant by which something was
// done under it: its code, and its words of then. The last one stands. Without a code it
// does nothing.
func Because(tx *store.Tx, tenantID, caseID, code, words string) error {
	if code == "" || caseID == "" {
		return nil
	}
	return tx.Exec("UPDATE cases SET reason_code = ?, reason_words = ? WHERE tenant_id = ? AND id = ?", code, words, tenantID, caseID).Error
}
