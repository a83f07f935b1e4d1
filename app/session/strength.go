package session

import (
	"strings"
	"time"
)

// Ways of proof, as amr values.
const (
	ByPassword = "pwd"
	ByPhone    = "phone"
)

// Strength says how much a proof is worth. A sensitive act asks for the
// strongest that its user has: else whoever knows the password of somebody with
// a phone could add a phone of their own (product.md §3: how, not only when).
type Strength int

const (
	Weak   Strength = 1 // a password: it can be told to others
	Strong Strength = 2 // a phone: a signature and an unlock, two factors
)

// LostWait is how long a phone counts as something that its user has after they
// removed it by less: so long the owner has to notice that somebody else did.
const LostWait = 24 * time.Hour

// ways are the ways of proof, the strongest first. A way that is not here is
// worth nothing. A new one also has its say in Strongest.
var ways = []struct {
	by       string
	strength Strength
}{
	{ByPhone, Strong},
	{ByPassword, Weak},
}

// By lists the ways that are worth at least so much, the strongest first.
func By(least Strength) []string {
	var all []string
	for _, way := range ways {
		if way.strength >= least {
			all = append(all, way.by)
		}
	}
	return all
}

// strengthOf is what a proof is worth that was made by one way or, with commas
// between them, by several.
func strengthOf(by string) Strength {
	var most Strength
	for part := range strings.SplitSeq(by, ",") {
		for _, way := range ways {
			if way.by == part {
				most = max(most, way.strength)
			}
		}
	}
	return most
}

// Strongest is the best proof that the user can give now, or could with the
// phone that they say they lost.
func (s Session) Strongest() Strength {
	if s.HasPhone || s.LostPhone {
		return Strong
	}
	return Weak
}

// Fresh says whether the user proved it at most five minutes ago, by a way as
// strong as any that they have now.
func (s Session) Fresh(now time.Time) bool { return s.FreshBy(s.Strongest(), now) }

// FreshBy says whether the user proved it at most five minutes ago, by a way
// that is worth at least so much.
func (s Session) FreshBy(least Strength, now time.Time) bool {
	return now.Before(s.ProvedAt.Add(StepUpLife)) && strengthOf(s.ProvedBy) >= least
}
