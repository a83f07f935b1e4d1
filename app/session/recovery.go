package session

import (
	"slices"
	"strings"
	"time"

	"latchkey/app/method"
	"latchkey/app/user"
)

// Somebody who lost a phone removes it, and adds the next one, by what is left. The
// organisation says which ways are for that (package method): what was proved by
// another one counts for nothing here, however well it signs them in.

// Loses says whether to remove a phone would be after a loss: one signs the user in,
// and it was not a phone that they proved it by.
func (s Session) Loses(now time.Time) bool {
	return s.Ways.Has(user.WithPhone) && !(made(s.ProvedBy, ByPhone) && s.FreshBy(Weak, now))
}

// Recovers is FreshBy after a loss.
func (s Session) Recovers(least Strength, now time.Time) bool {
	return s.afterLoss().FreshBy(least, now)
}

// RecoveryProofs lists the ways of the user that may be worth so much after a loss,
// the strongest first. It may be none.
func (s Session) RecoveryProofs(least Strength) []string {
	left := s.afterLoss()
	return left.having(least, left.Ways)
}

// MayRecover says whether the user may help themselves after a loss at all.
func (s Session) MayRecover() bool { return s.NoRecovery != method.All }

// HelpsItself says whether the user has something besides phones that helps after a
// loss.
func (s Session) HelpsItself() bool {
	return slices.ContainsFunc(s.RecoveryProofs(Weak), func(by string) bool { return by != ByPhone })
}

// afterLoss is the session without what does not help after a loss.
func (s Session) afterLoss() Session {
	s.Ways &^= s.NoRecovery
	s.AMR, s.ProvedBy = without(s.AMR, s.NoRecovery), without(s.ProvedBy, s.NoRecovery)
	return s
}

// without takes ways out of a proof.
func without(by string, off user.Ways) string {
	return strings.Join(slices.DeleteFunc(strings.Split(by, ","), func(one string) bool { return madeWith(one)&off != 0 }), ",")
}
