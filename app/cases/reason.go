package cases

import (
	"latchkey/app/approval"
	"latchkey/app/desk"
	"latchkey/app/fault"
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

// chosen gives the reason of the tenant that somebody chose for an act, by its code, or
// says why it does not hold: it is gone, or takes a ticket. Without a code it is none.
func chosen(tx *store.Tx, act approval.Act, code string) (reason desk.Reason, wrong, err error) {
	if code == "" {
		return reason, nil, nil
	}
	of, err := desk.Of(tx, act.TenantID)
	if err != nil {
		return reason, nil, err
	}
	reason, there := of.Reasons.Of(code)
	switch {
	case !there:
		return reason, fault.Wrong("form.wrong", map[string]string{"reason_code": "desk.reason_gone"}), nil
	case reason.Ticket && act.Ticket == "":
		return reason, fault.Wrong("form.wrong", map[string]string{"ticket": "desk.ticket_needed"}).Naming(of.Example), nil
	}
	return reason, nil, nil
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
