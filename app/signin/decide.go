package signin

import (
	"errors"

	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/store"
	"latchkey/app/user"
)

// facts reads in the act tx what an attempt asks of its user, and the rules that hold.
func (s *Service) facts(tx *store.Tx, a Attempt, from From) (*decision.Facts, error) {
	return s.Decisions.Facts(tx, decision.About{
		TenantID: a.TenantID, UserID: a.userID, Subject: a.subject, IP: from.IP, Passkeys: s.Passkeys.Usable(),
	})
}

// decide says whether what a way has proved in a sign-in, with what was proved before,
// is enough. Rules that stand against it are fault.Refused, with the decision in it.
// What it says is what decision.Decide says: all that stands here beside it is the rule
// of package user, which must say the same.
func decide(on *decision.Facts, a Attempt, way Way, by proof) (enough bool, err error) {
	d := on.Decide(decision.Proved{Way: boundTo(way), Proves: by.ways(), Before: a.proved.ways()})
	enough = user.Enough(on.MFAState, on.Ways&^on.NoSecond, a.proved.ways()|by.ways())
	switch {
	case d.Outcome == decision.Blocked && d.Why != decision.WhyNothingOn:
		return false, fault.New(fault.Refused, "signin.refused").Because(&blocked{on})
	case enough != (d.Outcome == decision.Passed):
		on.Same("enough", false, enough)
		enough = false
	}
	return enough, nil
}

// completing lists the ways that complete what was proved, the strongest first.
func completing(on *decision.Facts) (all []Way) {
	usable := on.Usable()
	for _, w := range ways {
		if usable.Has(w.bound) {
			all = append(all, w.way)
		}
	}
	return all
}

// blocked is why a proof that was right came to nothing: a decision.
type blocked struct{ on *decision.Facts }

func (*blocked) Error() string { return "signin: rules stand against it" }

// keepBlocked keeps in the act tx the decision by which an attempt was refused, if it
// was one. Where the statement found nothing, of a phone that had approved, the rules
// are asked whether it was they.
func (s *Service) keepBlocked(tx *store.Tx, a Attempt, why error, from From) error {
	var by *blocked
	if errors.As(why, &by) {
		return by.on.Store(tx, a.TenantID, a.userID, a.key)
	}
	if a.Purpose != ToSignIn || a.Way != Phone || a.userID == "" || !a.Open(tx.Now) || a.PhoneState(tx.Now) != prompt.Approved {
		return nil
	}
	on, err := s.facts(tx, a, from)
	if err != nil || on.Decide(decision.Proved{Way: user.WithPhone, Proves: user.WithPhone, Before: a.proved.ways()}).Outcome != decision.Blocked {
		return err
	}
	return on.Store(tx, a.TenantID, a.userID, a.key)
}
