package decision

import (
	"slices"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// Outcome is what becomes of a sign-in when a way in was proved. Add, never move.
type Outcome uint8

const (
	None    Outcome = iota
	Passed          // it is enough
	Asked           // something more is asked for, and they have it
	Blocked         // it counts for nothing, or what is asked for they have not
)

// Outcomes are all of them.
var Outcomes = []Outcome{Passed, Asked, Blocked}

var outcomes = []string{"none", "passed", "asked", "blocked"}

func (o Outcome) String() string { return outcomes[o] }

// OutcomeOf gives the outcome of a name.
func OutcomeOf(name string) Outcome { return Outcome(max(0, slices.Index(outcomes, name))) }

// Why is the rule that decided. Add, never move.
type Why uint8

const (
	WhyNone        Why = iota
	WhyEnough          // what was proved is enough
	WhySecond          // a second factor is asked for
	WhyFeature         // the way is opened by a feature that they have not
	WhyGroups          // it is limited to groups that they are not in
	WhyUse             // it is off for this use
	WhyProvedOff       // what was proved before is off by now
	WhyProvedGone      // or they have it no more
	WhyNothingOn       // a second factor is asked for, and they have none that is on
	WhyApplication     // what they sign in to is not theirs to use
	WhyServed          // nobody carries it now; what nobody can prove, so of described sign-ins alone
)

var whys = []string{"none", "enough", "second_factor", "feature", "groups", "use", "proved_off", "proved_gone", "nothing_on", "application", "served"}

func (w Why) String() string { return whys[w] }

// Input is everything that a decision is made of but the rules.
type Input struct {
	Person feature.Person
	MFA    string    // state of their second factor
	Bound  user.Ways // what they have
	Served user.Ways // what can be carried now: no codes without a provider, no passkeys where there is no host for them
	Way    user.Ways // that was proved now; one
	Proves user.Ways // what it proved: itself, or user.WithKey
	Proved user.Ways // what was proved before in the same sign-in

	Seen    bool // they had a session in this browser, or never had any
	Trusted bool // they trust it

	Mode        tenant.MatchMode // how a number is matched
	Elsewhere   tenant.MatchMode // and at least how outside the places that have a name
	Place       string           // the name of the place; empty: it has none
	Pressed     bool             // an administrative role, or a wrong number in the last hour
	Application string           // that they sign in to; empty: Latchkey itself
}

// Decision is what Decide says. It is compared with ==.
type Decision struct {
	Outcome Outcome
	Why     Why
	Limited bool        // the session can do little until it is proved again
	Mode    uint8       // place in tenant.MatchModes
	Has     feature.Set // what they have
	Usable  user.Ways   // that they have: to complete it when asked, to take instead when blocked
}

// MatchMode is how a number would be matched.
func (d Decision) MatchMode() tenant.MatchMode { return tenant.MatchModes[d.Mode] }

// Off gives the ways that are off for a person who has these ways by features: the same
// that method.ReadingNow gives of a user.
func (r *Rules) Off(ways user.Ways, groups []string) method.Off {
	closed := r.limited(groups) | everyWay&^ways
	return method.Off{NoSignIn: r.Ways.NoSignIn | closed, NoSecond: r.Ways.NoSecond | closed, NoRecovery: r.Ways.NoRecovery | closed}
}

var everyWay = feature.All.Ways()

// limited gives the ways that are limited to groups which these are not among.
func (r *Rules) limited(groups []string) (off user.Ways) {
	for i := range r.Ways.Limits {
		l := &r.Ways.Limits[i]
		if !slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(l.Groups, g) }) {
			off |= l.Way
		}
	}
	return off
}

// before gives what somebody has bound who proved it. A key is a passkey.
func before(proved user.Ways) user.Ways {
	if proved.Has(user.WithKey) {
		proved = proved&^user.WithKey | user.WithPasskey
	}
	return proved
}

// Decide says what becomes of a sign-in by these rules. It allocates nothing.
func Decide(r *Rules, in *Input) Decision {
	has := r.Features.Of(&in.Person)
	return r.decide(in, has, r.Features.Ways(has, &in.Person))
}

// Would says what would become of it if each report were live.
func Would(r *Rules, in *Input) Decision {
	has := r.Features.WouldBe(&in.Person)
	return r.decide(in, has, r.Features.WouldWays(has, &in.Person))
}

func (r *Rules) decide(in *Input, has feature.Set, ways user.Ways) Decision {
	off := r.Off(ways, in.Person.Groups)
	d := Decision{Has: has, Mode: in.mode(has)}
	use, held := off.NoSignIn, before(in.Proved)
	if in.Proved != 0 {
		use = off.NoSecond
	}
	switch {
	case use.Has(in.Way):
		d.Outcome, d.Why = Blocked, r.whyOff(in, ways)
	case off.All().Has(held):
		d.Outcome, d.Why = Blocked, WhyProvedOff
	case held&^user.WithPrintedCode&^in.Bound != 0: // a printed code is gone when it has proved something
		d.Outcome, d.Why = Blocked, WhyProvedGone
	case in.Application != "" && !has.Has(feature.Applications):
		d.Outcome, d.Why = Blocked, WhyApplication
	case user.Enough(in.MFA, in.Bound&^off.NoSecond, in.Proved|in.Proves):
		d.Outcome, d.Why = Passed, WhyEnough
		d.Limited = in.Way == user.WithPhone && !in.known(has)
	default:
		if d.Usable = in.completing(off); d.Usable != 0 {
			d.Outcome, d.Why = Asked, WhySecond
		} else {
			d.Outcome, d.Why = Blocked, WhyNothingOn
		}
	}
	if d.Outcome == Blocked {
		d.Usable = in.instead(off)
	}
	return d
}

// whyOff says by which rule the way is off: the first that alone would do it.
func (r *Rules) whyOff(in *Input, ways user.Ways) Why {
	switch {
	case (everyWay &^ ways).Has(in.Way):
		return WhyFeature
	case r.limited(in.Person.Groups).Has(in.Way):
		return WhyGroups
	}
	return WhyUse
}

// completing gives the ways that complete what was proved.
func (in *Input) completing(off method.Off) (usable user.Ways) {
	proved := in.Proved | in.Proves
	can := in.Bound & in.Served &^ off.NoSecond &^ before(proved)
	for i := range method.Ways {
		if way := method.Ways[i].Bit; can.Has(way) && user.Enough(user.MFAEnforced, in.Bound, proved|way) {
			usable |= way
		}
	}
	return usable
}

// instead gives the ways by which they would get in from the beginning: by one alone,
// or by one and then another.
func (in *Input) instead(off method.Off) (usable user.Ways) {
	bound := in.Bound &^ off.NoSecond
	for i := range method.Ways {
		first := method.Ways[i].Bit
		if !(in.Bound & in.Served &^ off.NoSignIn &^ user.WithBackupPhone).Has(first) {
			continue
		}
		if user.Enough(in.MFA, bound, first) {
			usable |= first
			continue
		}
		for j := range method.Ways {
			if second := method.Ways[j].Bit; second != first && (bound & in.Served).Has(second) && user.Enough(in.MFA, bound, first|second) {
				usable |= first
			}
		}
	}
	return usable
}

// Lifts says whether the way counts only because an outage lifts the stage that holds its
// person back.
func (in *Input) Lifts(r *Rules, has feature.Set) bool {
	return r.lifts(in, has, in.Way)
}

func (r *Rules) lifts(in *Input, has feature.Set, ways user.Ways) bool {
	return (r.Features.Ways(has, &in.Person) &^ has.Ways()).Has(ways)
}

// known says whether the browser is one that the person is known in.
func (in *Input) known(has feature.Set) bool {
	return in.Seen || in.Trusted && has.Has(feature.TrustedBrowsers)
}

// mode gives how a number is matched, as a place in tenant.MatchModes.
func (in *Input) mode(has feature.Set) uint8 {
	m := in.Mode.Strength()
	if in.Place == "" {
		m = max(m, in.Elsewhere.Strength())
	}
	if in.Pressed || has.Has(feature.TypedNumberMatch) {
		m = max(m, 1) // tenant.Type2
	}
	return uint8(max(m, 0))
}
