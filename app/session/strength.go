package session

import (
	"slices"
	"strings"
	"time"

	"latchkey/app/device"
	"latchkey/app/user"
)

// Ways of proof, as amr values: those of user.AllWays, and a part of one.
const (
	ByPassword    = "pwd"
	ByPhone       = "phone"
	ByTOTP        = "otp" // RFC 8176
	ByPasskey     = "passkey"
	ByPrintedCode = "printed_code"    // a look-up secret
	BySMS         = "sms"             // RFC 8176; the weaker way, and no step-up
	ByVoice       = "tel"             // RFC 8176; the same
	ByPasscode    = "static_passcode" // worth nothing for a sensitive act
	ByBypass      = "bypass"          // likewise; what it makes is restricted
	ByKey         = "key"             // a passkey that signed without seeing who holds it
	ByBreakGlass  = "break_glass"     // the sealed sheet of a break-glass account; one factor
	ByManager     = "manager"         // the word of their manager, in a session that a bypass made and for nothing else
	ByCallBack    = "call_back"       // likewise, that of a colleague of the helpdesk who called them back
	ByKnown       = "known"           // the password, before and not in this proof
)

// Strength says how much a proof is worth. A sensitive act asks for the
// strongest that its user has: else whoever knows the password of somebody with
// a phone could add a phone of their own (product.md §3: how, not only when).
type Strength int

const (
	Weak   Strength = 1 // one factor: a password can be told to others
	Strong Strength = 2 // two: a phone or a passkey with its unlock, or an authenticator app, or a printed code, in a session that knows the password
)

// LostWait is how long a phone counts as something that its user has after they
// removed it by less: so long the owner has to notice that somebody else did.
const LostWait = device.LostWait

// worth is what each way is worth at most as a proof of a session. One that is not here
// is worth nothing, though it may make a session. A new one also has its say in
// Strongest and in proved.
var worth = map[user.Ways]Strength{
	user.WithPasskey: Strong, user.WithPhone: Strong, user.WithTOTP: Strong, user.WithPrintedCode: Strong, user.WithPassword: Weak,
}

// Proofs lists the ways of the user of a session that may be worth at least so
// much, the strongest first. A phone stands there for who has nothing so strong:
// it is what they lack.
func (s Session) Proofs(least Strength) []string {
	all := s.having(least, s.Ways)
	if len(all) == 0 {
		all = append(all, ByPhone)
	}
	return all
}

// Offers lists those of ways that the user of a session has, the strongest first.
func (s Session) Offers(wanted []string) []string {
	return slices.DeleteFunc(s.having(Weak, s.Ways), func(by string) bool { return !slices.Contains(wanted, by) })
}

func (s Session) having(least Strength, bound user.Ways) (all []string) {
	for _, way := range user.AllWays {
		if worth[way.Bit] == 0 || worth[way.Bit] < least || !bound.Has(way.Bit) {
			continue
		}
		if way.AMR == ByTOTP && least > Weak && !s.knows() || way.AMR == ByPrintedCode && !s.counts(bound, least) {
			// Either is one factor until the password is proved, too.
			if bound.Has(user.WithPassword) && !slices.Contains(all, ByPassword) {
				all = append(all, ByPassword)
			}
			continue
		}
		if !slices.Contains(all, way.AMR) {
			all = append(all, way.AMR)
		}
	}
	return all
}

// counts says whether a printed code is worth so much as a proof: after the password it
// is the second factor, and without it something that may have been found on a desk.
// That is a proof for who has no password, and for nobody else.
func (s Session) counts(bound user.Ways, least Strength) bool {
	return s.knows() || least == Weak && !bound.Has(user.WithPassword)
}

// knows says whether the session was made, or was proved at some time, with a password.
func (s Session) knows() bool {
	return made(s.AMR, ByPassword) || made(s.ProvedBy, ByPassword) || made(s.ProvedBy, ByKnown)
}

// made says whether a way is among those of a proof, with commas between them.
func made(by, way string) bool { return slices.Contains(strings.Split(by, ","), way) }

// madeWith gives the ways that had a part in a session, by how it was made.
func madeWith(amr string) (all user.Ways) {
	for _, way := range user.AllWays {
		if made(amr, way.AMR) || way.AMR == ByPasskey && made(amr, ByKey) || way.AMR == ByPassword && made(amr, ByKnown) {
			all |= way.Bit
		}
	}
	return all
}

// BreakGlass says whether the sheet of a break-glass account made the session.
func (s Session) BreakGlass() bool { return made(s.AMR, ByBreakGlass) }

// MadeWith says whether one of ways had a part in the session.
func (s Session) MadeWith(ways user.Ways) bool { return madeWith(s.AMR)&ways != 0 }

// proved is what the last proof of a session is worth. What one holds must have
// been proved then: that one knows the password, too, may have been before.
func (s Session) proved() Strength {
	switch {
	case made(s.ProvedBy, ByPhone), made(s.ProvedBy, ByPasskey), (made(s.ProvedBy, ByTOTP) || made(s.ProvedBy, ByPrintedCode) || made(s.ProvedBy, ByKey)) && s.knows():
		return Strong
	case made(s.ProvedBy, ByTOTP), made(s.ProvedBy, ByKey), made(s.ProvedBy, ByPassword), made(s.ProvedBy, ByKnown), made(s.ProvedBy, ByBreakGlass), made(s.ProvedBy, ByPrintedCode) && s.counts(s.Ways, Weak):
		return Weak
	}
	return 0
}

// Strongest is the best proof that the user can give now, or could with the
// phone that they say they lost. Whoever has an authenticator app and a password
// can give both. A sheet of printed codes asks for nothing more: whoever has one would
// have to use it up for each act.
func (s Session) Strongest() Strength {
	if s.Ways.Has(user.WithPhone|user.WithPasskey) || s.LostPhone || s.Ways.Has(user.WithTOTP) && s.Ways.Has(user.WithPassword) {
		return Strong
	}
	return Weak
}

// Fresh says whether the user proved it at most five minutes ago, by a way as
// strong as any that they have now.
func (s Session) Fresh(now time.Time) bool { return s.FreshBy(s.Strongest(), now) }

// FreshBy says whether the user proved it at most five minutes ago, by a way
// that is worth at least so much. While the session is limited they did not, and
// in a restricted one they cannot.
func (s Session) FreshBy(least Strength, now time.Time) bool {
	return !s.Limited && !s.Restricted() && now.Before(s.ProvedAt.Add(StepUpLife)) && s.proved() >= least
}
