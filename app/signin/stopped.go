package signin

import (
	"time"

	"latchkey/app/store"
	"latchkey/app/throttle"
)

// Stopped is a way that takes no tries of a name now, because too many failed.
type Stopped struct {
	Way   Way
	Known bool      // in browsers in which the user had a session; otherwise in those that are new to them
	Until time.Time // zero: off everywhere until an administrator turns it on again
	Tries int       // that failed in a row
}

// StoppedWays lists the ways of a name that are paused or off.
func StoppedWays(tx *store.Tx, tenantID, subject string) ([]Stopped, error) {
	var rows []struct {
		Way         string
		InARow      int
		PausedUntil *time.Time
	}
	err := tx.All(&rows, `SELECT way, in_a_row, paused_until FROM throttles WHERE tenant_id = ? AND subject = ?
		AND (in_a_row >= ? OR paused_until > ?) ORDER BY way`, tenantID, subject, throttle.OffAfter, tx.Now)
	var all []Stopped
	for _, r := range rows {
		way, known := throttle.Part(r.Way)
		stopped := Stopped{Way: Way(way), Known: known, Tries: r.InARow}
		if last := len(all) - 1; known && last >= 0 && all[last].Way == stopped.Way && all[last].Until.IsZero() {
			continue // it is off, in every browser
		}
		if r.PausedUntil != nil && (known || r.InARow < throttle.OffAfter) {
			stopped.Until = *r.PausedUntil
		}
		all = append(all, stopped)
	}
	return all, err
}
