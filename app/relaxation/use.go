package relaxation

import (
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Use is what somebody could do only because an outage runs.
type Use struct {
	TenantID, UserID string
	Relaxation       Relaxation
	Way              string // amr values of the sign-in; empty: it is none
	SessionID        string
	BypassID         string
	AgentID          string // who gave a bypass; empty: nobody
	Origin           audit.Origin
}

// Over is the failure of a use for which no outage runs any more.
func Over() error { return fault.New(fault.Conflict, "outage.over") }

// Record keeps a use in the act tx. It repeats that an outage runs which is for the user
// and relaxes this; where none does it fails with Over, and the act must not stand. That
// a session goes on is kept once.
func Record(tx *store.Tx, u Use) error {
	var outageID string
	ok, err := tx.One(&outageID, `INSERT INTO outage_uses (tenant_id, outage_id, at, id, relaxation, user_id, way, session_id, bypass_id, agent_id)
		SELECT u.tenant_id, o.id, CAST(? AS `+moment(tx)+`), CAST(? AS text), CAST(? AS text), u.id, CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS text)
		FROM users u JOIN tenants t ON t.id = u.tenant_id JOIN outages o ON `+under("o")+` AND o.relaxes & ? <> 0 AND `+meant("o")+`
		WHERE u.tenant_id = ? AND u.id = ? ON CONFLICT DO NOTHING RETURNING outage_id`,
		tx.Now, secret.System.ShortID(), u.Relaxation, u.Way, u.SessionID, u.BypassID, u.AgentID, u.Relaxation.bit(), u.TenantID, u.UserID)
	if err != nil {
		return err
	}
	if !ok {
		if u.Relaxation == LongerSessions {
			noted, err := Noted(tx, u.TenantID, u.SessionID)
			if err != nil || noted {
				return err
			}
		}
		return Over()
	}
	e := audit.Event{
		TenantID: u.TenantID, Action: audit.OutageUsed, Actor: audit.User(u.UserID), Target: audit.Party{Kind: audit.KindOutage, ID: outageID}, Subject: u.UserID, Thread: outageID, Origin: u.Origin,
		Details: map[string]string{"relaxation": string(u.Relaxation)},
	}
	if u.AgentID != "" {
		e.Actor = audit.User(u.AgentID)
	}
	for name, value := range map[string]string{"way": u.Way, "session": u.SessionID, "bypass": u.BypassID} {
		if value != "" {
			e.Details[name] = value
		}
	}
	return audit.Record(tx, e)
}

// moment is the type of a time.
func moment(tx *store.Tx) string {
	if tx.Dialect == store.SQLite {
		return "text" // it is kept as one
	}
	return "timestamptz"
}

// Noted says whether it was kept of a session that it goes on.
func Noted(tx *store.Tx, tenantID, sessionID string) (noted bool, err error) {
	_, err = tx.One(&noted, "SELECT EXISTS (SELECT 1 FROM outage_uses WHERE session_id = ? AND tenant_id = ? AND relaxation = 'longer_sessions' AND session_id <> '')", sessionID, tenantID)
	return noted, err
}

// Extends says when a session ends that would have ended at a moment, which is then or
// when an outage ends that makes it longer.
func (r Running) Extends(end time.Time) time.Time {
	if r.OutageExtends && r.OutageBeganAt != nil && r.OutageEndsAt != nil && end.After(*r.OutageBeganAt) && r.OutageEndsAt.After(end) {
		return *r.OutageEndsAt
	}
	return end
}
