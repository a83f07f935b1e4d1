package people

import (
	"slices"

	"latchkey/app/store"
)

// How many people are looked at when several filters narrow the list together. No
// index has every pair of them, and two that each find many may find nobody together.
const (
	lookMost = 10_000 // for one page; where it stops the search goes on from there
	fewMost  = 2_000  // of whom all are read, so that the page is whole wherever it ends
)

// narrowing is one condition on a user u of the list.
type narrowing struct {
	condition string
	values    []any
	by        string // what an index has those in order of whom it finds; empty: there is none
}

// narrowed gives what the filter asks of a user, but for the words: what finds the
// fewest, as a rule, first.
func (c *cut) narrowed() (all []narrowing) {
	f := c.filter
	add := func(by, condition string, values ...any) {
		all = append(all, narrowing{condition, values, by})
	}
	state := func() { add("u.name", "u.state = ?", f.State) }
	if slices.Contains(States, f.State) && f.State != States[0] {
		state()
	}
	if f.AtRisk {
		add("u.name", atRisk)
	}
	if condition := wayConditions[f.Way]; condition != "" {
		add("u.name", condition)
	}
	if slices.Contains(MFAStates, f.MFA) {
		add("u.name", "u.mfa_state = ?", f.MFA)
	}
	switch ago := past[f.SignIn]; {
	case f.SignIn == Never:
		add("u.name", neverSignedIn)
	case ago > 0:
		add("u.last_signin_at, u.id", "u.last_signin_at < ?", c.now.Add(-ago))
	}
	if f.State == States[0] { // most are active
		state()
	}
	return all
}

// within are the conditions of a user who is listed for being in groups.
func (c *cut) within() (all []narrowing) {
	const member = "EXISTS (SELECT 1 FROM group_members gm WHERE gm.tenant_id = u.tenant_id AND gm.user_id = u.id AND gm.group_id IN ?)"
	if c.filter.Group != "" {
		all = append(all, narrowing{condition: member, values: []any{[]string{c.filter.Group}}})
	}
	if len(c.scope) > 0 {
		all = append(all, narrowing{condition: member, values: []any{c.scope}})
	}
	return all
}

// leading gives what goes into the walk along the index of the order, and what is
// asked of the rows that it comes by.
func (c *cut) leading() (lead, rest []narrowing) {
	switch c.order {
	case byMember, byWord:
		return nil, c.narrowings
	case bySignIn:
		at := slices.IndexFunc(c.narrowings, func(n narrowing) bool { return n.by != "u.name" })
		return c.narrowings[at : at+1], slices.Delete(slices.Clone(c.narrowings), at, at+1)
	}
	if len(c.narrowings) == 0 {
		return nil, nil
	}
	return c.narrowings[:1], c.narrowings[1:]
}

// look is how many rows a walk looks at: of each group when there are several, and of
// each step when steps follow one another.
func (c *cut) look() int {
	most := lookMost / max(1, len(c.groups()))
	if c.sifted {
		most /= siftsMost
	}
	return max(most, siftAtOnce)
}

// prepare finds out how the list is read. When one of several conditions finds few,
// all of them are read, and no walk is needed.
func (c *cut) prepare(tx *store.Tx) error {
	c.narrowings = c.narrowed()
	if len(c.narrowings) == 0 || len(c.narrowings) == 1 && c.order != byMember || c.order == byWord {
		return nil
	}
	least := fewMost
	for _, n := range c.narrowings {
		var found int
		query := "SELECT count(*) FROM (SELECT u.id FROM users u WHERE u.tenant_id = ? AND " + n.condition + " ORDER BY " + n.by + " LIMIT ?) AS u"
		if _, err := tx.One(&found, query, append(append([]any{c.tenantID}, n.values...), least)...); err != nil {
			return err
		}
		if found < least {
			c.few, least = n, found
		}
	}
	if c.few.condition != "" && c.order == byMember {
		c.narrowings = append(c.narrowings, c.within()...)
	}
	return nil
}
