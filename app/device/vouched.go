package device

import (
	"slices"

	"latchkey/app/fault"
	"latchkey/app/store"
)

// Vouchable is the condition on a row of vouches that its session may bind something
// still: it began after a moment, and neither it nor the bypass that made it was ended.
const Vouchable = `EXISTS (SELECT 1 FROM sessions s JOIN bypasses b ON b.tenant_id = s.tenant_id AND b.id = s.bypass_id
	WHERE s.tenant_id = vouches.tenant_id AND s.id = vouches.session_id AND s.bypass_id = vouches.bypass_id AND s.ended_at IS NULL AND s.created_at > ?
	AND b.state NOT IN ('revoked', 'replaced'))`

// words are the proofs of a session that are the word of somebody else, and good for one
// thing: see session.Vouch.
var words = []string{"manager", "call_back"}

// SpendVouch takes up, in the act tx that binds something new, the word of somebody else by
// which a session was proved (package vouch): it is good for one thing. A session that
// was proved by something else has nothing to spend; one that a bypass made, and that is
// proved by nothing besides, binds nothing: fault.Conflict, as for the second of two at
// once.
func SpendVouch(tx *store.Tx, tenantID, sessionID string) error {
	var by struct{ BypassID, AMR, ProvedBy string }
	used := fault.New(fault.Conflict, "vouch.used")
	_, err := tx.One(&by, "SELECT bypass_id, amr, proved_by FROM sessions WHERE tenant_id = ? AND id = ?", tenantID, sessionID)
	switch {
	case err != nil || by.BypassID == "":
		return err
	case by.ProvedBy == by.AMR:
		return used
	case !slices.Contains(words, by.ProvedBy):
		return nil
	}
	err = tx.Change(used, `UPDATE vouches SET used_at = ? WHERE session_id = ? AND tenant_id = ? AND (state = 'given' AND kind = ? AND used_at IS NULL) IS TRUE AND `+Vouchable,
		tx.Now, sessionID, tenantID, by.ProvedBy, tx.Now.Add(-RebindLife))
	if err != nil {
		return err
	}
	return tx.Change(used, "UPDATE sessions SET proved_by = amr, proved_at = created_at, proved_account = '' WHERE tenant_id = ? AND id = ? AND proved_by = ?", tenantID, sessionID, by.ProvedBy)
}
