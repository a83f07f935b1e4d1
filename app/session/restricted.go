package session

import (
	"slices"
	"time"

	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/user"
)

// A session that a bypass made is restricted, for as long as it lives: whoever talked
// the helpdesk into the bypass must gain little by it (product.md §5). It goes on to
// applications, and to that one alone for which the bypass was given, and it binds a
// new authenticator within RebindLife and after a second, different proof. Every other
// route is closed to it (web.Route).

// RebindLife is how long after a bypass a new authenticator may be bound (product.md §9).
const RebindLife = device.RebindLife

// Restricted says whether a bypass made the session.
func (s Session) Restricted() bool { return made(s.AMR, ByBypass) }

// seconds are the proofs that, beside a bypass, let a new authenticator be bound: what
// their user has besides what is gone. The password is none of them: who talks a helpdesk into a bypass has it.
var seconds = []string{ByPasskey, ByPhone, ByTOTP, ByPrintedCode, ByVoice, BySMS}

// Rebinds says whether a restricted session binds a new authenticator now. It fails with
// fault.Forbidden when its time for that is over, and with fault.StepUp, and what would
// do, until it is proved a second time.
func (s Session) Rebinds(now time.Time) error {
	if !s.Restricted() {
		return nil
	}
	if !now.Before(s.RebindsUntil()) {
		return fault.New(fault.Forbidden, "session.rebind_over")
	}
	for _, by := range seconds {
		if made(s.ProvedBy, by) && !made(s.AMR, by) && now.Before(s.ProvedAt.Add(StepUpLife)) {
			return nil
		}
	}
	missing := fault.New(fault.StepUp, "session.rebind")
	missing.Proofs = s.Seconds()
	return missing
}

// RebindsUntil is the last instant at which a restricted session binds anything; it is
// too late itself.
func (s Session) RebindsUntil() time.Time { return s.CreatedAt.Add(RebindLife) }

// Seconds lists the second proofs that the user of a restricted session can give by
// themselves, the strongest first.
func (s Session) Seconds() (all []string) {
	for _, way := range user.AllWays {
		if s.Ways.Has(way.Bit) && slices.Contains(seconds, way.AMR) {
			all = append(all, way.AMR)
		}
	}
	return all
}
