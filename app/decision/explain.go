package decision

import (
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Verdict is what one rule says of a sign-in.
type Verdict struct {
	Rule      string            // key of its words, under whatif.rule; add, never rename
	Met       bool              // it lets in
	Decides   bool              // it is the one that decided
	Feature   feature.Feature   // whose condition it is, of rules that are one
	Condition feature.Condition // of Feature
	Groups    []string          // ids of those that the way is for
}

// Explain gives the decision and what every rule says, and not the first alone that
// stands against it: who mends one should not find the next.
func Explain(r *Rules, in *Input) (Decision, []Verdict) {
	d := Decide(r, in)
	var all []Verdict
	say := func(rule string, met bool, why Why) {
		all = append(all, Verdict{Rule: rule, Met: met, Decides: why == d.Why && met != (d.Outcome == Blocked)})
	}
	if f, ok := feature.OfWay(in.Way); ok {
		_, conditions := r.Features.Explain(f, &in.Person)
		for _, c := range conditions {
			all = append(all, Verdict{Rule: "feature", Met: c.Met, Decides: d.Why == WhyFeature && !c.Met, Feature: f, Condition: c})
		}
		if in.Lifts(r, d.Has) {
			say("outage", true, WhyNone)
		}
	}
	for i := range r.Ways.Limits {
		if l := &r.Ways.Limits[i]; l.Way == in.Way {
			met := !r.limited(in.Person.Groups).Has(in.Way)
			all = append(all, Verdict{Rule: "groups", Met: met, Decides: d.Why == WhyGroups, Groups: l.Groups})
		}
	}
	off := r.Off(r.Features.Ways(d.Has, &in.Person), in.Person.Groups)
	if in.Proved == 0 {
		say("use_sign_in", !r.Ways.NoSignIn.Has(in.Way), WhyUse)
	} else {
		say("use_second", !r.Ways.NoSecond.Has(in.Way), WhyUse)
		say("proved_on", !off.All().Has(before(in.Proved)), WhyProvedOff)
		say("proved_kept", before(in.Proved)&^user.WithPrintedCode&^in.Bound == 0, WhyProvedGone)
	}
	say("served", in.Served.Has(in.Way), WhyNone)
	if in.Application != "" {
		say("application", d.Has.Has(feature.Applications), WhyApplication)
	}
	if user.Enough(in.MFA, in.Bound&^off.NoSecond, in.Proved|in.Proves) {
		say("enough", true, WhyEnough)
	} else {
		completed := in.completing(off) != 0
		all = append(all, Verdict{Rule: "second", Met: completed, Decides: d.Why == WhySecond || d.Why == WhyNothingOn})
	}
	return d, all
}

// Described is a sign-in that somebody wonders about.
type Described struct {
	About
	Known       bool      // its browser is known
	Ways        user.Ways // that are at hand; 0: all that the person has
	Application string    // that they sign in to
}

// Tried is what becomes of it by one way.
type Tried struct {
	Way user.Ways
	Decision
	Verdicts []Verdict
}

// WhatIf says what becomes of a described sign-in as things stand, by each way that is
// at hand, the strongest first. It changes nothing and keeps nothing.
func (l *Live) WhatIf(tx *store.Tx, d Described) (in Input, all []Tried, err error) {
	f, err := l.Facts(tx, d.About)
	if err != nil {
		return in, nil, err
	}
	in = f.input
	in.Seen, in.Application = d.Known, d.Application
	if d.Ways != 0 {
		in.Bound = d.Ways
	}
	for _, w := range method.Ways {
		if in.Bound.Has(w.Bit) {
			in.Way, in.Proves = w.Bit, w.Bit
			t := Tried{Way: w.Bit}
			t.Decision, t.Verdicts = Explain(f.table.rules, &in)
			if !in.Served.Has(w.Bit) && t.Outcome != Blocked {
				t.Outcome, t.Why, t.Usable = Blocked, WhyServed, in.instead(f.table.rules.Off(f.table.rules.Features.Ways(t.Has, &in.Person), in.Person.Groups))
				for i := range t.Verdicts {
					t.Verdicts[i].Decides = t.Verdicts[i].Rule == "served"
				}
			}
			all = append(all, t)
		}
	}
	return in, all, nil
}
