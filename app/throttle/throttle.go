// Package throttle counts how often in a row a way to sign in failed for a name,
// whether or not somebody has that name: ten pause the way, a hundred turn it off
// (product.md §9). A way that is off comes back when its user signs in by phone, or
// when an administrator restores it (signin.Service.Restore).
package throttle

import (
	"time"

	"latchkey/app/store"
)

// Limits (product.md §9).
const (
	Every     = 10               // failures in a row pause a way
	PauseLife = 15 * time.Minute // for this long
	OffAfter  = 100              // and turn it off
)

// State is what stands against a way of a name.
type State struct {
	InARow      int // failures since the last success
	PausedUntil *time.Time
}

// Off says whether the way is off: waiting does not bring it back.
func (s State) Off() bool { return s.InARow >= OffAfter }

// Until gives the time until which the way takes no try, if there is one. For a
// way that is off it moves on with now.
func (s State) Until(now time.Time) (time.Time, bool) {
	switch {
	case s.PausedUntil != nil && now.Before(*s.PausedUntil):
		return *s.PausedUntil, true
	case s.Off():
		return now.Add(PauseLife), true
	}
	return time.Time{}, false
}

// Of reads what stands against a way of a name.
func Of(tx *store.Tx, tenantID, subject, way string) (State, error) {
	var s State
	_, err := tx.One(&s, "SELECT in_a_row, paused_until FROM throttles WHERE tenant_id = ? AND subject = ? AND way = ?", tenantID, subject, way)
	return s, err
}

// Try counts a try before it is checked, in a transaction of its own. One that
// comes in a pause, or when the way is off, does not count and must not be made.
func Try(tx *store.Tx, tenantID, subject, way string) (counted bool, _ State, _ error) {
	s, counted, err := count(tx, tenantID, subject, way, "WHERE (throttles.paused_until IS NULL OR throttles.paused_until <= ?) AND throttles.in_a_row < ?", tx.Now, OffAfter)
	if err != nil || counted {
		return counted, s, err
	}
	s, err = Of(tx, tenantID, subject, way)
	return false, s, err
}

// Failed counts a failure of a way whose tries are few by themselves, in the act
// that notes it, and gives what stands then.
func Failed(tx *store.Tx, tenantID, subject, way string) (State, error) {
	s, _, err := count(tx, tenantID, subject, way, "")
	return s, err
}

func count(tx *store.Tx, tenantID, subject, way, unless string, values ...any) (s State, counted bool, err error) {
	counted, err = tx.One(&s, `INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?,?,?,1,?)
		ON CONFLICT (tenant_id, subject, way) DO UPDATE SET in_a_row = throttles.in_a_row + 1, changed_at = excluded.changed_at,
		paused_until = CASE WHEN (throttles.in_a_row + 1) % ? = 0 THEN CAST(? AS `+timeType(tx)+`) ELSE NULL END `+unless+`
		RETURNING in_a_row, paused_until`, append([]any{tenantID, subject, way, tx.Now, Every, tx.Now.Add(PauseLife)}, values...)...)
	return s, counted, err
}

// Passed notes in the act tx that a way worked: its count begins anew.
func Passed(tx *store.Tx, tenantID, subject, way string) error {
	return tx.Later("UPDATE throttles SET in_a_row = 0, paused_until = NULL WHERE tenant_id = ? AND subject = ? AND way = ? AND in_a_row > 0",
		tenantID, subject, way)
}

// Clear lets the count of every way of a name begin anew.
func Clear(tx *store.Tx, tenantID, subject string) error { return tx.Later(cleared, tenantID, subject) }

// Lift is Clear for who must know whether there was anything: it gives how many
// ways had a count.
func Lift(tx *store.Tx, tenantID, subject string) (int64, error) {
	res := tx.Exec(cleared, tenantID, subject)
	return res.RowsAffected, res.Error
}

const cleared = "UPDATE throttles SET in_a_row = 0, paused_until = NULL WHERE tenant_id = ? AND subject = ? AND in_a_row > 0"

// Uncount takes a counted try back that was not checked after all.
func Uncount(tx *store.Tx, tenantID, subject, way string) error {
	return tx.Exec("UPDATE throttles SET in_a_row = in_a_row - 1, paused_until = NULL WHERE tenant_id = ? AND subject = ? AND way = ? AND in_a_row > 0",
		tenantID, subject, way).Error
}

// timeType is what a time is cast to, where a dialect must be told.
func timeType(tx *store.Tx) string {
	if tx.Dialect == store.SQLite {
		return "text"
	}
	return "timestamptz"
}
