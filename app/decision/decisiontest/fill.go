// Package decisiontest makes sign-ins that were, for tests.
package decisiontest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// Fill keeps many decisions of a few hundred people, a millisecond apart from at on.
func Fill(tx *store.Tx, tenantID string, rules *decision.Rules, r *rand.Rand, many int, at time.Time) error {
	all := make([]decision.Made, many)
	for i := range all {
		person := r.IntN(300)
		in := decision.Input{
			Person: feature.Person{Seed: int64(person) * 7_919_993 % (1<<31 - 1), Groups: [][]string{nil, {"field"}, {"field", "office"}}[person%3]},
			MFA:    []string{user.MFADisabled, user.MFAEnabled, user.MFAEnforced}[r.IntN(3)],
			Bound:  user.WithPassword | user.Ways(r.IntN(128)), Served: decision.Serves(true, []string{"sms", "voice"}),
			Mode: tenant.Pick3, Place: []string{"", "Head office"}[r.IntN(2)], Seen: r.IntN(3) > 0, Pressed: person < 5,
		}
		in.Way = []user.Ways{user.WithPassword, user.WithPhone, user.WithTOTP, user.WithPasskey}[r.IntN(4)]
		in.Proves = in.Way
		in.Bound |= in.Way
		if in.Way == user.WithTOTP && r.IntN(2) == 0 {
			in.Proved = user.WithPassword
		}
		all[i] = decision.Made{At: at.Add(time.Duration(i) * time.Millisecond), ID: secret.System.ShortID(), UserID: fmt.Sprint("user", person), Input: in}
	}
	return decision.Keep(tx, tenantID, rules, all)
}
