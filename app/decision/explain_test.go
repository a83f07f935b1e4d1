package decision

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/user"
)

// TestExplanations holds whole explanations against the ones that were read and found
// right; a star is on the rule that decided.
func TestExplanations(t *testing.T) {
	usual := &Rules{Features: *feature.Usual()}
	usual.Ways.Off = method.Off{NoSignIn: user.WithStaticPasscode, NoSecond: user.WithStaticPasscode, NoRecovery: user.WithStaticPasscode}
	with := func(change func(r *Rules)) *Rules {
		r := *usual
		change(&r)
		return &r
	}
	everything := Serves(true, []string{"sms", "voice"})
	for claim, row := range map[string]struct {
		rules *Rules
		in    Input
		want  string
	}{
		"a phone is enough": {
			usual,
			Input{MFA: user.MFAEnforced, Bound: user.WithPassword | user.WithPhone, Way: user.WithPhone},
			"passed: +feature released, +feature everyone, +use_sign_in, +served, +enough*",
		},
		"a password wants more": {
			usual,
			Input{MFA: user.MFAEnforced, Bound: user.WithPassword | user.WithTOTP, Way: user.WithPassword},
			"asked: +use_sign_in, +served, +second*",
		},
		"and there is nothing": {
			usual,
			Input{MFA: user.MFAEnforced, Bound: user.WithPassword, Way: user.WithPassword},
			"blocked: +use_sign_in, +served, -second*",
		},
		"everything stands against it at once": {
			with(func(r *Rules) {
				r.Features = *r.Features.With(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{"pilot"}})
				r.Ways.NoSignIn |= user.WithTOTP
				r.Ways.Limits = []Limit{{Way: user.WithTOTP, Groups: []string{"office"}}}
			}),
			Input{MFA: user.MFAEnforced, Bound: user.WithPassword | user.WithTOTP, Way: user.WithTOTP, Application: "Payroll", Person: feature.Person{Groups: []string{"field"}}},
			"blocked: +feature released, -feature member pilot*, -groups office, -use_sign_in, +served, +application, +second",
		},
		"a group that it is not for": {
			with(func(r *Rules) { r.Ways.Limits = []Limit{{Way: user.WithPhone, Groups: []string{"office"}}} }),
			Input{MFA: user.MFADisabled, Bound: user.WithPhone, Way: user.WithPhone, Person: feature.Person{Groups: []string{"field"}}},
			"blocked: +feature released, +feature everyone, -groups office*, +use_sign_in, +served, +enough",
		},
		"what was proved before is off by now": {
			with(func(r *Rules) { r.Features = *r.Features.With(feature.TOTP, feature.Rule{Stage: feature.Off}) }),
			Input{MFA: user.MFAEnforced, Bound: user.WithPassword | user.WithTOTP, Way: user.WithPassword, Proved: user.WithTOTP},
			"blocked: +use_second, -proved_on*, +proved_kept, +served, +enough",
		},
		"an application that is not theirs": {
			with(func(r *Rules) { r.Features = *r.Features.With(feature.Applications, feature.Rule{Stage: feature.Off}) }),
			Input{MFA: user.MFADisabled, Bound: user.WithPassword, Way: user.WithPassword, Application: "Payroll"},
			"blocked: +use_sign_in, +served, -application*, +enough",
		},
	} {
		in := row.in
		in.Served = everything
		if in.Proves == 0 {
			in.Proves = in.Way
		}
		d, all := Explain(row.rules, &in)
		var said []string
		for _, v := range all {
			line := map[bool]string{true: "+", false: "-"}[v.Met] + v.Rule
			if v.Feature != "" {
				line = strings.TrimSpace(line + " " + v.Condition.Name + " " + v.Condition.Group)
			}
			if line = strings.TrimSpace(line + " " + strings.Join(v.Groups, " ")); v.Decides {
				line += "*"
			}
			said = append(said, line)
		}
		if got := fmt.Sprintf("%v: %s", d.Outcome, strings.Join(said, ", ")); got != row.want || d != Decide(row.rules, &in) {
			t.Errorf("%s:\n%s\nwant\n%s", claim, got, row.want)
		}
	}
}

// TestSomethingDecides: every explanation names what decided, and it agrees with it.
func TestSomethingDecides(t *testing.T) {
	r := drawn(11)
	for range 50_000 {
		rules, in := anyRules(r), anyInput(r)
		d, all := Explain(rules, in)
		decides := 0
		for _, v := range all {
			if v.Decides {
				decides++
				if v.Met == (d.Outcome == Blocked) {
					t.Fatalf("%+v decides %v", v, d.Outcome)
				}
			}
		}
		if decides == 0 {
			t.Fatalf("nothing decides %v by %v: %+v", d.Outcome, d.Why, all)
		}
	}
}
