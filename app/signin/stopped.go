package signin

import (
	"time"

	"latchkey/app/store"
	"latchkey/app/throttle"
)

// Stopped is a way that takes no tries of a name now, because too many failed.
type Stopped struct {
	Way   Way
	Until time.Time // zero: off until an administrator turns it on again
}

// StoppedWays lists the ways of a name that are paused or off.
func StoppedWays(tx *store.Tx, tenantID, subject string) ([]Stopped, error) {
	var rows []struct {
		Way         Way
		InARow      int
		PausedUntil *time.Time
	}
	err := tx.All(&rows, `SELECT way, in_a_row, paused_until FROM throttles WHERE tenant_id = ? AND subject = ?
		AND (in_a_row >= ? OR paused_until > ?) ORDER BY way`, tenantID, subject, throttle.OffAfter, tx.Now)
	all := make([]Stopped, len(rows))
	for i, r := range rows {
		all[i].Way = r.Way
		if r.InARow < throttle.OffAfter {
			all[i].Until = *r.PausedUntil
		}
	}
	return all, err
}
