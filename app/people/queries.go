package people

import (
	"slices"
	"strings"

	"latchkey/app/user"
)

const rowColumns = "u.id, u.name, u.display_name, u.state, u.mfa_state, u.ways, u.last_signin_at"

// wayConditions stand word for word as in the partial indexes of migrations 0004
// and 0020: written otherwise, no planner finds those.
var wayConditions = map[string]string{
	WithPassword: "u.ways & 1 <> 0", WithoutPassword: "u.ways & 1 = 0",
	WithPhone: "u.ways & 2 <> 0", WithoutPhone: "u.ways & 2 = 0",
	WithTOTP: "u.ways & 4 <> 0", WithPasskey: "u.ways & 8 <> 0",
	WithVoice: "u.ways & 32 <> 0", WithSMS: "u.ways & 64 <> 0", WithStaticPasscode: "u.ways & 128 <> 0",
}

const (
	atRisk        = "u.ways & (u.ways - 1) = 0"
	neverSignedIn = "u.last_signin_at IS NULL"
	listed        = "u.name <> ''" // of everybody, and true of everybody
)

// where gathers conditions and their values.
type where struct {
	text   []string
	values []any
}

func (w *where) and(condition string, values ...any) {
	w.text, w.values = append(w.text, condition), append(w.values, values...)
}

func (w *where) String() string { return strings.Join(w.text, " AND ") }

// query is the statement for the next rows of a list. What narrows the list goes
// into the walk along the index of its order.
func (c *cut) query(words []string, limit int) (string, []any) {
	switch c.order {
	case byMember:
		return c.members(limit)
	case byWord:
		w := &where{}
		w.and("w.tenant_id = ? AND w.word >= ? AND w.word < ?", c.tenantID, words[0], words[0]+last)
		c.narrow(w)
		return c.walk(rowColumns+", w.word", "user_words w JOIN users u ON u.tenant_id = w.tenant_id AND u.id = w.user_id", w, limit, "w.word", "w.user_id")
	case bySignIn:
		w := &where{}
		w.and("u.tenant_id = ?", c.tenantID)
		c.narrow(w)
		return c.walk(rowColumns, "users u", w, limit, "u.last_signin_at", "u.id")
	}
	w := &where{}
	w.and("u.tenant_id = ?", c.tenantID)
	if c.narrow(w); len(w.text) == 1 {
		w.and(listed)
	}
	return c.walk(rowColumns, "users u", w, limit, "u.name")
}

// members lists the members of the group, or of all groups of the scope: the
// first of each group, of which the first of all are among them.
func (c *cut) members(limit int) (string, []any) {
	groups := c.scope
	if c.filter.Group != "" {
		groups = []string{c.filter.Group}
	}
	var parts []string
	var all []any
	for _, group := range groups {
		w := &where{}
		w.and("m.group_id = ? AND m.tenant_id = ?", group, c.tenantID)
		if len(c.scope) > 0 && !slices.Contains(c.scope, group) {
			w.and("EXISTS (SELECT 1 FROM group_members s WHERE s.tenant_id = m.tenant_id AND s.user_id = m.user_id AND s.group_id IN ?)", c.scope)
		}
		c.narrow(w)
		query, values := c.walk(rowColumns+", m.user_name", "group_members m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id", w, limit, "m.user_name")
		if len(groups) == 1 {
			return query, values
		}
		parts, all = append(parts, "SELECT * FROM ("+query+") AS part"), append(all, values...)
	}
	return "SELECT DISTINCT * FROM (" + strings.Join(parts, " UNION ALL ") + ") AS u ORDER BY u.user_name" + c.direction() + " LIMIT ?", append(all, limit)
}

// narrow adds what the filter asks of a user, but for the group and the words.
func (c *cut) narrow(w *where) {
	f := c.filter
	ways := "u.ways"
	if slices.Contains(States, f.State) {
		w.and("u.state = ?", f.State)
		if f.State != user.Active {
			ways = "(u.ways + 0)" // few are; a planner must not begin with the many who have a way
		}
	}
	if slices.Contains(MFAStates, f.MFA) {
		w.and("u.mfa_state = ?", f.MFA)
	}
	if condition := wayConditions[f.Way]; condition != "" {
		w.and(strings.ReplaceAll(condition, "u.ways", ways))
	}
	if f.AtRisk {
		w.and(strings.ReplaceAll(atRisk, "u.ways", ways))
	}
	switch ago := past[f.SignIn]; {
	case f.SignIn == Never:
		w.and(neverSignedIn)
	case ago > 0:
		w.and("u.last_signin_at < ?", c.now.Add(-ago))
	}
}

// walk is the statement that goes along an index from where the page begins.
func (c *cut) walk(columns, from string, w *where, limit int, keys ...string) (string, []any) {
	sign := " > "
	if c.backward {
		sign = " < "
	}
	if values, ok := c.begin(len(keys)); ok {
		if len(keys) == 1 {
			w.and(keys[0]+sign+"?", values...)
		} else {
			w.and("("+strings.Join(keys, ", ")+")"+sign+"(?, ?)", values...)
		}
	}
	return "SELECT " + columns + " FROM " + from + " WHERE " + w.String() +
		" ORDER BY " + strings.Join(keys, c.direction()+", ") + c.direction() + " LIMIT ?", append(w.values, limit)
}

// begin gives the values of the position that a page begins at.
func (c *cut) begin(keys int) ([]any, bool) {
	switch {
	case c.from == (Position{}):
		return nil, false
	case keys == 1:
		return []any{c.from.Key}, true
	case c.order == bySignIn:
		at := moment(c.from.Key)
		return []any{at, c.from.ID}, !at.IsZero()
	}
	return []any{c.from.Key, c.from.ID}, true
}

func (c *cut) direction() string {
	if c.backward {
		return " DESC"
	}
	return ""
}
