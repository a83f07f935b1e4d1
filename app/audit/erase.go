package audit

import (
	"latchkey/app/store"
)

// Erase takes, in the act tx, the addresses, browsers and typed names of one person out of
// every event in which they are theirs, with the salts that the canonical bytes commit to
// them by. Those bytes stay, and say so no more: the commitment fits everything and nothing.
// It is the one change that the database lets pass, and only together with an event that
// says it: to who verifies, what is gone without one was taken away.
//
// Theirs is what came with their own acts, and with those of nobody known about them, such
// as a sign-in that had not proved them yet. What an agent did for them came from the agent.
func Erase(tx *store.Tx, tenantID, userID, reason string, by Party) (events int64, err error) {
	res := tx.Exec(`UPDATE audit_events SET personal = '', salt = '', address = ''
		WHERE tenant_id = ? AND salt <> '' AND (subject_id = ? AND actor_kind <> ? OR actor_kind = ? AND actor_id = ?)`, tenantID, userID, KindUser, KindUser, userID)
	if res.Error != nil {
		return 0, res.Error
	}
	return res.RowsAffected, Record(tx, Event{
		TenantID: tenantID, Action: PersonErased, Actor: by, Target: User(userID), Subject: userID, Reason: reason,
	})
}

// ErasedBy says whom the personal data of an event were of, for who looks for the event by
// which they were erased.
func (b Bytes) ErasedBy() string {
	if b.Actor.Kind == KindUser {
		return b.Actor.ID
	}
	return b.Subject
}
