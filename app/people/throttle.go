package people

import (
	"time"

	"latchkey/app/prompt"
	"latchkey/app/signin"
	"latchkey/app/store"
)

// Throttle is a way in that takes no tries now.
type Throttle struct {
	Way   string    // as in package signin
	Until time.Time // zero: off until somebody turns it on again
	Known bool      // in browsers that the person used before; otherwise in those that are new to them
	Tries int       // that failed in a row
	Held  string    // why requests to the phone are held back though nothing failed: "often", "many" or "reported"
}

// throttlesOf lists the ways of a user that are paused or off now.
func (s *Service) throttlesOf(tx *store.Tx, tenantID, name string) ([]Throttle, error) {
	stopped, err := signin.StoppedWays(tx, tenantID, s.Keys.Subject(name))
	if err != nil {
		return nil, err
	}
	all := make([]Throttle, len(stopped))
	for i, w := range stopped {
		all[i] = Throttle{Way: string(w.Way), Until: w.Until, Known: w.Known, Tries: w.Tries}
	}
	return all, nil
}

// heldOf says how long requests to the phone of a user are held back.
func (s *Service) heldOf(tx *store.Tx, tenantID, name string) ([]Throttle, error) {
	recent, err := prompt.RecentOf(tx, tenantID, s.Keys.Subject(name))
	if err != nil {
		return nil, err
	}
	// One that is on the phone just now is no matter.
	if pause := prompt.PauseAfter(recent, tx.Now); pause.Reason != "" && pause.Reason != "visible" {
		return []Throttle{{Way: string(signin.Phone), Until: pause.Until, Held: pause.Reason}}, nil
	}
	return nil, nil
}
