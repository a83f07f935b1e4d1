package signin

import (
	"iter"
	"slices"
	"strings"

	"latchkey/app/method"
	"latchkey/app/passcode"
	"latchkey/app/provider"
	"latchkey/app/store"
	"latchkey/app/throttle"
	"latchkey/app/user"
)

// phoneSignsIn says of a user u in a tenant t whether some phone of theirs can
// answer. The sign-in asks it, and so does everything that asks who could.
const phoneSignsIn = `EXISTS (SELECT 1 FROM devices d WHERE d.tenant_id = t.id AND d.user_id = u.id AND d.state = 'active' AND d.phone_sign_in)`

// domainOf is the part of a sign-in name that says which tenant it is of.
func domainOf(name string) string {
	_, domain, _ := strings.Cut(name, "@")
	return domain
}

// Able gives those of users who could sign in now by the ways of theirs: their
// state, the tenant's, the domain of their name and each way are judged as a
// sign-in judges them. A way that is paused will be back; one that too many failures
// turned off is none, nor is a bypass, and so are codes that the tenant has nobody to carry, and a static
// passcode of somebody who was given a role since. Break-glass accounts are not counted on.
func Able(tx *store.Tx, keys Subjects, tenantID string, users []string) (map[string]bool, error) {
	if len(users) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID, Name, State, MFAState string
		Ways                      user.Ways
		method.Off
	}
	err := tx.All(&rows, `SELECT u.id, u.name, u.state, u.mfa_state, u.ways, `+method.Columns+`
		FROM tenants t JOIN users u ON u.tenant_id = t.id WHERE t.id = ? AND t.state = 'active' AND u.id IN ? AND NOT u.break_glass`, tenantID, users)
	if err != nil {
		return nil, err
	}
	var domains []string
	if err := tx.All(&domains, "SELECT domain FROM domains WHERE tenant_id = ? AND verified_at IS NOT NULL", tenantID); err != nil {
		return nil, err
	}
	carried, err := Carried(tx, tenantID)
	if err != nil {
		return nil, err
	}
	working, err := passcode.Working(tx, tenantID, users) // for nobody who has a role
	if err != nil {
		return nil, err
	}
	able := map[string]bool{}
	for _, row := range rows {
		if row.State != user.Active || !slices.Contains(domains, domainOf(row.Name)) {
			continue
		}
		var usable user.Ways
		for _, w := range ways {
			if !(row.Ways & carried).Has(w.bound) || w.way == StaticPasscode && !slices.Contains(working, row.ID) {
				continue
			}
			state, err := throttle.Of(tx, tenantID, keys.Subject(row.Name), string(w.way))
			if err != nil {
				return nil, err
			}
			if !state.Off() {
				usable |= w.bound
			}
		}
		able[row.ID] = Reaches(row.MFAState, row.Ways, usable, row.Off)
	}
	return able, nil
}

// Reaches says whether ways that are usable lead to a session: one by itself, or one
// and then another.
func Reaches(mfa string, bound, usable user.Ways, off method.Off) bool {
	for range signIns(mfa, bound, usable, off) {
		return true
	}
	return false
}

// signIns goes over the sign-ins that usable ways are, each as what is proved in it: one
// that is enough by itself; or two of which one may come first and the other one second,
// where neither is enough. The strongest come first, and a pair may come twice.
func signIns(mfa string, bound, usable user.Ways, off method.Off) iter.Seq[user.Ways] {
	bound &^= off.NoSecond
	first, second := usable&^off.NoSignIn, usable&^off.NoSecond
	alone := func(w wayIn) bool { return first.Has(w.bound) && user.Enough(mfa, bound, w.bound) }
	return func(yield func(user.Ways) bool) {
		for _, one := range ways {
			switch {
			case alone(one):
				if !yield(one.bound) {
					return
				}
			case usable.Has(one.bound):
				for _, other := range ways {
					follows := first.Has(one.bound) && second.Has(other.bound) || first.Has(other.bound) && second.Has(one.bound)
					both := one.bound | other.bound
					if follows && other.bound != one.bound && !alone(other) && user.Enough(mfa, bound, both) && !yield(both) {
						return
					}
				}
			}
		}
	}
}

// Subjects gives the key under which what is known of a name is kept.
type Subjects interface{ Subject(name string) string }

// Carried gives the ways that work in a tenant on any day: all, but codes that it has
// nobody to carry, and what the helpdesk gives for an hour: who is let past once, by
// somebody else, is not able to sign in.
func Carried(tx *store.Tx, tenantID string) (all user.Ways, err error) {
	carried, err := provider.Having(tx, tenantID)
	for _, w := range ways {
		if w.way != Bypass && (!weaker(w.way) || slices.Contains(carried, provider.Channel(w.way))) {
			all |= w.bound
		}
	}
	return all, err
}
