package callercheck

import (
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/store"
)

// able is the condition that a check's person may be checked, and helped: active, in an
// active tenant, with the feature.
var able = `EXISTS (SELECT 1 FROM users u JOIN tenants t ON t.id = u.tenant_id
	WHERE u.tenant_id = caller_checks.tenant_id AND u.id = caller_checks.user_id AND u.state = 'active' AND t.state = 'active' AND ` + feature.With(feature.CallerCheck) + `)`

// bound is the condition that what a proof was given with is still what it was. A
// manager who is locked, or is their manager no more, has no word either.
const bound = `CASE caller_checks.via
	WHEN 'backup_phone' THEN EXISTS (SELECT 1 FROM backup_phones b WHERE b.tenant_id = caller_checks.tenant_id AND b.id = caller_checks.proved_with
		AND b.user_id = caller_checks.user_id AND b.state = 'active')
	ELSE EXISTS (SELECT 1 FROM devices d JOIN users a ON a.tenant_id = d.tenant_id AND a.id = d.user_id JOIN users p ON p.tenant_id = d.tenant_id AND p.id = caller_checks.user_id
		WHERE d.tenant_id = caller_checks.tenant_id AND d.account_id = caller_checks.proved_with AND d.user_id = caller_checks.asked_id
		AND (d.state = 'active' AND d.phone_sign_in AND a.state = 'active' AND (caller_checks.via = 'phone' OR p.manager_id = a.id)) IS TRUE)
	END`

type proofRow struct {
	ID, CaseID string
	Via        Via
	Ticket     string
	ProvedAt   time.Time
}

func (r proofRow) proof() Proof {
	return Proof{ID: r.ID, Via: r.Via, Strength: r.Via.Strength(), ProvedAt: r.ProvedAt, CaseID: r.CaseID}
}

// None says that there is no proof that an act could take.
func None() error { return fault.New(fault.Conflict, "callercheck.none") }

// Spend takes a proof for one act, in the act tx: one of this person, by this agent, not
// older than ten minutes and not taken for another act. Of many at once one has it. An
// act that has it already has it again, whenever it is carried out, unless the person
// has been locked or lost the feature meanwhile. All else is fault.Conflict with
// callercheck.none, and nothing has changed.
func Spend(tx *store.Tx, tenantID, checkID, userID, agentID, actID string) (Proof, error) {
	var row proofRow
	if actID == "" {
		return Proof{}, None()
	}
	const of = "tenant_id = ? AND id = ? AND user_id = ? AND agent_id = ?"
	ok, err := tx.One(&row, `UPDATE caller_checks SET spent_at = ?, spent_for = ? WHERE `+of+`
		AND (state = 'proved' AND spent_at IS NULL AND proved_at > ?) IS TRUE AND `+able+` AND `+bound+` RETURNING id, case_id, via, ticket, proved_at`,
		tx.Now, actID, tenantID, checkID, userID, agentID, tx.Now.Add(-FreshLife))
	if err != nil {
		return Proof{}, err
	}
	if !ok {
		ok, err = tx.One(&row, "SELECT id, case_id, via, ticket, proved_at FROM caller_checks WHERE "+of+" AND state = 'proved' AND spent_for = ? AND "+able,
			tenantID, checkID, userID, agentID, actID)
		if err == nil && !ok {
			err = None()
		}
		return row.proof(), err
	}
	c := Check{TenantID: tenantID, ID: row.ID, UserID: userID, AgentID: agentID, CaseID: row.CaseID, Via: row.Via, Ticket: row.Ticket}
	return row.proof(), audit.Record(tx, c.event(audit.CallerCheckSpent, audit.User(agentID), audit.Origin{}, "act", actID))
}

// Fresh gives the newest proof that this agent could spend on this person now; nil when
// there is none.
func Fresh(tx *store.Tx, tenantID, userID, agentID string) (*Proof, error) {
	var row proofRow
	ok, err := tx.One(&row, `SELECT id, case_id, via, ticket, proved_at FROM caller_checks WHERE user_id = ? AND tenant_id = ? AND agent_id = ?
		AND (state = 'proved' AND spent_at IS NULL AND proved_at > ?) IS TRUE AND `+able+` AND `+bound+` ORDER BY proved_at DESC LIMIT 1`,
		userID, tenantID, agentID, tx.Now.Add(-FreshLife))
	if err != nil || !ok {
		return nil, err
	}
	proof := row.proof()
	return &proof, nil
}

// event is one of a check, in the thread of its case.
func (c Check) event(action audit.Action, by audit.Party, from audit.Origin, details ...string) audit.Event {
	e := audit.Event{
		TenantID: c.TenantID, Action: action, Actor: by, Target: audit.Party{Kind: audit.KindCallerCheck, ID: c.ID}, Subject: c.UserID, Thread: c.CaseID, Origin: from,
		Details: map[string]string{"via": string(c.Via), "strength": string(c.Via.Strength()), "agent": c.AgentID},
	}
	switch action {
	case audit.CallerCheckDenied, audit.CallerCheckReported, audit.CallerCheckRefused, audit.CallerCheckFailed, audit.CallerCheckExpired, audit.CallerCheckWithdrawn:
		e.Outcome = audit.Failure
	}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return e.Under(c.Ticket)
}

// For gives the proof that an act would spend, or has spent already; nil when there is
// none. It changes nothing: Spend asks all of it again.
func For(tx *store.Tx, tenantID, checkID, userID, agentID, actID string) (*Proof, error) {
	var row proofRow
	ok, err := tx.One(&row, `SELECT id, case_id, via, ticket, proved_at FROM caller_checks WHERE tenant_id = ? AND id = ? AND user_id = ? AND agent_id = ?
		AND state = 'proved' AND (spent_for = ? AND ? <> '' OR (spent_at IS NULL AND proved_at > ?) AND `+bound+`) AND `+able,
		tenantID, checkID, userID, agentID, actID, actID, tx.Now.Add(-FreshLife))
	if err != nil || !ok {
		return nil, err
	}
	proof := row.proof()
	return &proof, nil
}
