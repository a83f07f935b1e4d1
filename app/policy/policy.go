package policy

import (
	"slices"
	"strconv"
	"strings"

	"latchkey/app/approval"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// Rule is what a tenant says of one way.
type Rule struct {
	SignIn   bool     `json:"sign_in"`
	Second   bool     `json:"second_factor"`
	Recovery bool     `json:"recovery"`
	Groups   []string `json:"groups,omitempty"` // ids; none: everybody
}

// For says whether a use is on.
func (r Rule) For(use method.Use) bool {
	switch use {
	case method.SignIn:
		return r.SignIn
	case method.Second:
		return r.Second
	}
	return r.Recovery
}

// With gives the rule with a use turned on.
func (r Rule) With(use method.Use) Rule {
	switch use {
	case method.SignIn:
		r.SignIn = true
	case method.Second:
		r.Second = true
	case method.Recovery:
		r.Recovery = true
	}
	return r
}

// On says whether the way is of any use.
func (r Rule) On() bool { return r.SignIn || r.Second || r.Recovery }

// text is a rule in a difference: its uses, and the names of its groups.
func (r Rule) text(names map[string]string) string {
	var uses, groups []string
	for _, use := range []method.Use{method.SignIn, method.Second, method.Recovery} {
		if r.For(use) {
			uses = append(uses, string(use))
		}
	}
	for _, id := range r.Groups {
		groups = append(groups, names[id])
	}
	slices.Sort(groups)
	if len(groups) == 0 || len(uses) == 0 {
		return strings.Join(uses, ",")
	}
	return strings.Join(uses, ",") + "|" + strings.Join(groups, ", ")
}

// Policy is what a tenant says of all ways.
type Policy struct {
	Rules          map[string]Rule `json:"rules"` // by the name of the way
	StrongestFirst bool            `json:"strongest_first"`
	PasswordLeast  int             `json:"password_least"` // characters of one that may be all that is asked
	TriesMost      int             `json:"tries_most"`     // in a row that pause a way
	PasscodeHours  int             `json:"passcode_hours"` // that a static passcode works at most
	Version        int             `json:"version"`        // that it is, or that a change was made from
}

// Limit is a number of the policy: how far it may go, and which way is tighter.
type Limit struct {
	Name        string
	Least, Most int
	Tighter     int    // 1: more is tighter; -1: less is
	code        string // of the failure when it is none
}

// Limits are the numbers of the policy. The loose end of each is that of product.md §9.
var Limits = []Limit{
	{"password_least", user.PasswordLeastAlone, user.PasswordMost - 24, 1, "policy.password_least"},
	{"tries_most", 3, throttle.Every, -1, "policy.tries_most"},
	{"passcode_hours", 1, 24, -1, "policy.passcode_hours"},
}

// Number gives the limit of a name.
func (p *Policy) Number(name string) *int {
	switch name {
	case "password_least":
		return &p.PasswordLeast
	case "tries_most":
		return &p.TriesMost
	}
	return &p.PasscodeHours
}

// loosens says whether p takes a safeguard away that was there.
func (p Policy) loosens(was Policy) bool {
	for _, w := range method.Ways {
		now, before := p.Rules[w.Name], was.Rules[w.Name]
		for _, use := range w.Uses {
			if now.For(use) && !before.For(use) {
				return true
			}
		}
		if now.On() && len(before.Groups) > 0 &&
			(len(now.Groups) == 0 || slices.ContainsFunc(now.Groups, func(g string) bool { return !slices.Contains(before.Groups, g) })) {
			return true
		}
	}
	for _, l := range Limits {
		if (*p.Number(l.Name)-*was.Number(l.Name))*l.Tighter < 0 {
			return true
		}
	}
	return was.StrongestFirst && !p.StrongestFirst
}

// off gives what the policy has off, by the use.
func (p Policy) off() (off method.Off) {
	for _, w := range method.Ways {
		r := p.Rules[w.Name]
		if !r.SignIn {
			off.NoSignIn |= w.Bit
		}
		if !r.Second {
			off.NoSecond |= w.Bit
		}
		if !r.Recovery {
			off.NoRecovery |= w.Bit
		}
	}
	return off
}

// Put makes the policy what r says of ways in.
func (p Policy) Put(r *decision.Rules) {
	p = p.tidy()
	r.Ways = decision.Ways{Off: p.off()}
	for _, w := range method.Ways {
		if groups := p.Rules[w.Name].Groups; len(groups) > 0 {
			r.Ways.Limits = append(r.Ways.Limits, decision.Limit{Way: w.Bit, Groups: groups})
		}
	}
}

// As gives the policy with what w says of ways in.
func (p Policy) As(w decision.Ways) Policy {
	rules := map[string]Rule{}
	for _, way := range method.Ways {
		r := Rule{SignIn: !w.NoSignIn.Has(way.Bit), Second: !w.NoSecond.Has(way.Bit), Recovery: !w.NoRecovery.Has(way.Bit)}
		for _, l := range w.Limits {
			if l.Way == way.Bit {
				r.Groups = l.Groups
			}
		}
		rules[way.Name] = r
	}
	p.Rules = rules
	return p.tidy()
}

// tidy puts a policy into the form in which it is compared and stored.
func (p Policy) tidy() Policy {
	rules := map[string]Rule{}
	for _, w := range method.Ways {
		r := p.Rules[w.Name]
		kept := Rule{}
		for _, use := range w.Uses {
			if r.For(use) {
				kept = kept.With(use)
			}
		}
		kept.Groups = slices.Compact(slices.Sorted(slices.Values(r.Groups)))
		rules[w.Name] = kept
	}
	p.Rules = rules
	return p
}

// wrong says what of a policy cannot be; names are those of the groups that there are.
func (p Policy) wrong(names map[string]string) error {
	fields := map[string]string{}
	serves := false
	for _, w := range method.Ways {
		r := p.Rules[w.Name]
		serves = serves || w.Serves && r.SignIn && len(r.Groups) == 0
		if slices.ContainsFunc(r.Groups, func(g string) bool { return names[g] == "" }) {
			fields["groups_"+w.Name] = "group.unknown"
		}
	}
	if !serves {
		fields["sign_in"] = "policy.phone_alone"
	}
	for _, l := range Limits {
		if n := *p.Number(l.Name); n < l.Least || n > l.Most {
			fields[l.Name] = l.code
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

var said = map[bool]string{true: "yes", false: "no"}

// difference says what changes from was to p.
func (p Policy) difference(was Policy, names map[string]string) (all []approval.Change) {
	note := func(field, before, after string) {
		if before != after {
			all = append(all, approval.Change{Field: field, Before: before, After: after})
		}
	}
	for _, w := range method.Ways {
		note("method_"+w.Name, was.Rules[w.Name].text(names), p.Rules[w.Name].text(names))
	}
	note("strongest_first", said[was.StrongestFirst], said[p.StrongestFirst])
	for _, l := range Limits {
		note(l.Name, strconv.Itoa(*was.Number(l.Name)), strconv.Itoa(*p.Number(l.Name)))
	}
	return all
}
