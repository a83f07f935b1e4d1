// Package throttle counts how often a way to sign in failed.
//
// For a name, whether or not somebody has it: ten in a row pause the way, each
// pause twice as long as the one before, and a hundred turn it off (product.md §9;
// SP 800-63B-4 §3.2.2). A way that is off comes back when its user signs in by
// phone, or when an administrator restores it (signin.Service.Restore).
//
// Whoever tries a name that is not theirs must not lock its owner out. So a browser
// in which the user had a session has a count of its own beside that of everybody:
// it is paused by its own tries alone. Both count for the hundred.
//
// For an address, over all names: many within ten minutes pause typed secrets from
// it, longer each time, but for browsers in which the user had a session.
package throttle

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/app/store"
)

// Limits (product.md §9).
const (
	Every     = 10               // failures in a row pause a way
	PauseLife = 15 * time.Minute // for this long the first time, and then twice as long each time
	PauseMost = 4 * time.Hour    // at the longest
	OffAfter  = 100              // and turn it off
	offAfter  = "100"            // the same, in statements
)

// Limits of an address.
const (
	addressSpan  = 10 * time.Minute // in which its failures are counted together
	addressPause = time.Minute      // the first time, and then twice as long each time
	addressMost  = 15 * time.Minute // at the longest
	addressWay   = "address"
)

// here marks the count of a way in browsers in which the user had a session.
const here = ":here"

// TurnedOff says of a row that its way is off, for everybody who tries the name, as a
// part of a statement.
const TurnedOff = "in_a_row >= " + offAfter + " AND way <> '" + addressWay + "' AND way NOT LIKE '%" + here + "'"

// Part takes apart the way of a count: the way itself, and whether it is the count
// of browsers that are known.
func Part(counted string) (way string, known bool) { return strings.CutSuffix(counted, here) }

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

// Try counts a try before it is checked, in a transaction of its own. known says
// that the user had a session in the browser; most is how many in a row pause it. One
// that comes in a pause, or when the way is off, does not count and must not be made.
func Try(tx *store.Tx, tenantID, subject, way string, known bool, most int) (counted bool, _ State, _ error) {
	if known {
		s, counted, err := count(tx, tenantID, subject, way+here, most, free, tx.Now)
		if err != nil {
			return false, s, err
		}
		if !counted {
			s, err = Of(tx, tenantID, subject, way+here)
			return false, s, err
		}
		// It counts for everybody's as well, whose pause does not stop it.
		if s, counted, err = count(tx, tenantID, subject, way, most, "WHERE throttles.in_a_row < ?", OffAfter); err != nil || counted {
			return counted, s, err
		}
	} else if s, counted, err := count(tx, tenantID, subject, way, most, free+" AND throttles.in_a_row < ?", tx.Now, OffAfter); err != nil || counted {
		return counted, s, err
	}
	s, err := Of(tx, tenantID, subject, way)
	return false, s, err
}

// Failed counts a failure of a way whose tries are few by themselves, in the act
// that notes it, and gives what stands then.
func Failed(tx *store.Tx, tenantID, subject, way string) (State, error) {
	s, _, err := count(tx, tenantID, subject, way, Every, "")
	return s, err
}

// free is the condition that a count is not paused at a moment.
const free = "WHERE (throttles.paused_until IS NULL OR throttles.paused_until <= ?)"

// count adds one, unless a condition forbids it, and begins a pause where one is due.
func count(tx *store.Tx, tenantID, subject, way string, most int, unless string, values ...any) (s State, counted bool, err error) {
	counted, err = tx.One(&s, `INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?,?,?,1,?)
		ON CONFLICT (tenant_id, subject, way) DO UPDATE SET in_a_row = throttles.in_a_row + 1, changed_at = excluded.changed_at,
		paused_until = CASE WHEN throttles.paused_until > ? THEN throttles.paused_until END `+unless+`
		RETURNING in_a_row, paused_until`, append([]any{tenantID, subject, way, tx.Now, tx.Now}, values...)...)
	if err != nil || !counted || s.InARow%most != 0 {
		return s, counted, err
	}
	return s, true, s.pause(tx, tenantID, subject, way, growing(s.InARow/most, PauseLife, PauseMost))
}

// pause stops what a row counts for a while. The row is this transaction's alone.
func (s *State) pause(tx *store.Tx, tenantID, subject, way string, wait time.Duration) error {
	until := tx.Now.Add(wait)
	s.PausedUntil = &until
	return tx.Exec("UPDATE throttles SET paused_until = ? WHERE tenant_id = ? AND subject = ? AND way = ?", until, tenantID, subject, way).Error
}

// growing gives the nth wait: twice as long each time, up to the longest.
func growing(nth int, first, most time.Duration) time.Duration {
	wait := first
	for range nth - 1 {
		if wait *= 2; wait >= most {
			return most
		}
	}
	return wait
}

// TryFrom counts a try from an address before it is checked, in the transaction of
// Try. most is how many pause it, within ten minutes; none without most. One that
// comes in a pause does not count and must not be made; wait is then how long.
func TryFrom(tx *store.Tx, tenantID, address string, most int) (wait time.Duration, _ error) {
	if most == 0 {
		return 0, nil
	}
	began := tx.Now.Add(-addressSpan)
	var s State
	counted, err := tx.One(&s, `INSERT INTO throttles (tenant_id, subject, way, in_a_row, changed_at) VALUES (?,?,?,1,?)
		ON CONFLICT (tenant_id, subject, way) DO UPDATE SET paused_until = NULL,
		in_a_row = CASE WHEN throttles.changed_at <= ? THEN 1 ELSE throttles.in_a_row + 1 END,
		changed_at = CASE WHEN throttles.changed_at <= ? THEN excluded.changed_at ELSE throttles.changed_at END `+free+`
		RETURNING in_a_row, paused_until`, tenantID, address, addressWay, tx.Now, began, began, tx.Now)
	switch {
	case err != nil:
		return 0, err
	case counted && s.InARow%most == 0:
		return 0, s.pause(tx, tenantID, address, addressWay, growing(s.InARow/most, addressPause, addressMost))
	case counted:
		return 0, nil
	}
	if s, err = Of(tx, tenantID, address, addressWay); err != nil || s.PausedUntil == nil {
		return addressPause, err
	}
	return max(s.PausedUntil.Sub(tx.Now), time.Second), nil
}

// PassedFrom takes the try of somebody who got in off the count of an address.
func PassedFrom(tx *store.Tx, tenantID, address string) error {
	return tx.Later("UPDATE throttles SET in_a_row = in_a_row - 1 WHERE tenant_id = ? AND subject = ? AND way = ? AND in_a_row > 0", tenantID, address, addressWay)
}

// Passed notes in the act tx that a way worked: its counts begin anew.
func Passed(tx *store.Tx, tenantID, subject, way string) error {
	set, values := rows(tx, "in_a_row = 0", "AND way IN (?, ?)", tenantID, subject, way, way+here)
	return tx.Later(set, values...)
}

// Clear lets the count of every way of a name begin anew.
func Clear(tx *store.Tx, tenantID, subject string) error {
	set, values := rows(tx, "in_a_row = 0", "", tenantID, subject)
	return tx.Later(set, values...)
}

// Lift is Clear for who must know whether there was anything: it gives how many
// ways had a count.
func Lift(tx *store.Tx, tenantID, subject string) (int64, error) {
	set, values := rows(tx, "in_a_row = 0", "", tenantID, subject)
	res := tx.Exec(set, values...)
	return res.RowsAffected, res.Error
}

// Forget deletes counts that nothing was added to for a month, and those of addresses
// after a day. A way that is off stays off. Any replica may run it.
func Forget(ctx context.Context, db *store.DB) error {
	now := db.Now()
	_, err := db.CountOne(ctx, "DELETE FROM throttles WHERE changed_at < ? AND in_a_row < ?", now.AddDate(0, 0, -30), OffAfter)
	_, also := db.CountOne(ctx, "DELETE FROM throttles WHERE changed_at < ? AND way = ?", now.AddDate(0, 0, -1), addressWay)
	return errors.Join(err, also)
}

// Uncount takes a counted try back that was not checked after all.
func Uncount(tx *store.Tx, tenantID, subject, way string, known bool) error {
	also := way
	if known {
		also += here
	}
	set, values := rows(tx, "in_a_row = in_a_row - 1", "AND way IN (?, ?)", tenantID, subject, way, also)
	return tx.Exec(set, values...).Error
}

// rows sets what was counted for a name and ends its pauses. PostgreSQL locks the
// rows in the order in which Try counts, that of known browsers first: of two acts
// that take them the other way round, each would wait for the other.
func rows(tx *store.Tx, set, which string, values ...any) (statement string, all []any) {
	counted := "tenant_id = ? AND subject = ? AND in_a_row > 0 " + which
	statement = "UPDATE throttles SET " + set + ", paused_until = NULL WHERE " + counted
	if tx.Dialect == store.SQLite {
		return statement, values // one writer
	}
	return statement + " AND way IN (SELECT way FROM throttles WHERE " + counted + " ORDER BY way DESC FOR UPDATE)", append(values, values...)
}
