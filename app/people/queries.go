package people

import (
	"slices"
	"strconv"
	"strings"
)

const rowColumns = "u.id, u.name, u.display_name, u.state, u.mfa_state, u.ways, u.last_signin_at"

// wayConditions stand word for word as in the partial indexes of migrations 0004,
// 0020, 0023 and 0033: written otherwise, no planner finds those.
var wayConditions = map[string]string{
	WithPassword: "u.ways & 1 <> 0", WithoutPassword: "u.ways & 1 = 0",
	WithPhone: "u.ways & 2 <> 0", WithoutPhone: "u.ways & 2 = 0",
	WithTOTP: "u.ways & 4 <> 0", WithPasskey: "u.ways & 8 <> 0", WithPrintedCode: "u.ways & 16 <> 0",
	WithoutStrong: "u.ways & 30 = 0",
	WithVoice:     "u.ways & 32 <> 0", WithSMS: "u.ways & 64 <> 0", WithStaticPasscode: "u.ways & 128 <> 0", WithBypass: "u.ways & 256 <> 0",
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

// all adds every one of some narrowings.
func (w *where) all(narrowings []narrowing) {
	for _, n := range narrowings {
		w.and(n.condition, n.values...)
	}
}

func (w *where) String() string { return strings.Join(w.text, " AND ") }

// query is the statement for the next rows of a list. One thing that narrows the
// list goes into the walk along the index of its order. Of several no index has all:
// those but one are asked of the rows that the walk comes by, of which it looks at
// no more than lookMost. Where it stopped is for ends to say.
func (c *cut) query(words []string, limit int) (string, []any) {
	if c.few.condition != "" {
		return c.amongFew(limit)
	}
	lead, rest := c.leading()
	if len(rest) == 0 {
		return c.along(lead, words, limit)
	}
	if c.order == byWord {
		query, values := c.along(lead, words, limit)
		marks := &where{}
		marks.all(rest)
		return "SELECT u.*, CASE WHEN " + marks.String() + " THEN FALSE ELSE TRUE END AS misfit FROM (" + query + ") AS u ORDER BY u.word" + c.direction() + ", u.id" + c.direction(), append(marks.values, values...)
	}
	query, values := c.along(lead, words, c.look())
	w := &where{}
	w.all(rest)
	return "SELECT u.* FROM (" + query + ") AS u WHERE " + w.String() + " ORDER BY " + c.keys("u.") + " LIMIT ?", append(append(values, w.values...), limit)
}

// ends is the statement for the last row that a walk of several conditions looked at.
func (c *cut) ends() (string, []any) {
	lead, _ := c.leading()
	query, values := c.along(lead, nil, c.look())
	return "SELECT u.* FROM (" + query + ") AS u ORDER BY " + c.keys("u.") + " LIMIT 1 OFFSET ?", append(values, c.look()-1)
}

// along walks along the index of the order, with what leads it.
func (c *cut) along(lead []narrowing, words []string, limit int) (string, []any) {
	w := &where{}
	switch c.order {
	case byMember:
		return c.members(lead, limit)
	case byWord:
		w.and("w.tenant_id = ? AND w.word >= ? AND w.word < ?", c.tenantID, words[0], words[0]+last)
		w.all(lead)
		return c.walk(rowColumns+", w.word", "user_words w JOIN users u ON u.tenant_id = w.tenant_id AND u.id = w.user_id", w, limit, "w.word", "w.user_id")
	case bySignIn:
		w.and("u.tenant_id = ?", c.tenantID)
		w.all(lead)
		return c.walk(rowColumns, "users u", w, limit, "u.last_signin_at", "u.id")
	}
	w.and("u.tenant_id = ?", c.tenantID)
	if w.all(lead); len(w.text) == 1 {
		w.and(listed)
	}
	return c.walk(rowColumns, "users u", w, limit, "u.name")
}

// amongFew reads all of the few whom one condition finds, and asks the others of them.
func (c *cut) amongFew(limit int) (string, []any) {
	values := append([]any{c.tenantID}, c.few.values...)
	w := &where{}
	for _, n := range c.narrowings {
		if n.condition != c.few.condition {
			w.and(n.condition, n.values...)
		}
	}
	query := "SELECT * FROM (SELECT " + rowColumns + ", u.tenant_id FROM users u WHERE u.tenant_id = ? AND " + c.few.condition + " ORDER BY " + c.few.by + " LIMIT " + strconv.Itoa(fewMost) + ") AS u"
	text, more := c.walk("*", "("+query+") AS u", w, limit, c.sorted()...)
	return text, append(values, more...)
}

// sorted are the columns of a user that the list is sorted by.
func (c *cut) sorted() []string {
	if c.order == bySignIn {
		return []string{"u.last_signin_at", "u.id"}
	}
	return []string{"u.name"}
}

// keys is what the rows of a walk are sorted by.
func (c *cut) keys(of string) string {
	switch c.order {
	case byMember:
		return of + "user_name" + c.direction()
	case bySignIn:
		return of + "last_signin_at" + c.direction() + ", " + of + "id" + c.direction()
	}
	return of + "name" + c.direction()
}

// groups are those whose members are listed: the one that was asked for, or those
// that the actor is limited to.
func (c *cut) groups() []string {
	if c.filter.Group != "" {
		return []string{c.filter.Group}
	}
	return c.scope
}

// members lists the members of the group, or of all groups of the scope: the
// first of each group, of which the first of all are among them.
func (c *cut) members(lead []narrowing, limit int) (string, []any) {
	groups := c.groups()
	var parts []string
	var all []any
	for _, group := range groups {
		w := &where{}
		w.and("m.group_id = ? AND m.tenant_id = ?", group, c.tenantID)
		if len(c.scope) > 0 && !slices.Contains(c.scope, group) {
			w.and("EXISTS (SELECT 1 FROM group_members s WHERE s.tenant_id = m.tenant_id AND s.user_id = m.user_id AND s.group_id IN ?)", c.scope)
		}
		w.all(lead)
		query, values := c.walk(rowColumns+", m.user_name", "group_members m JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id", w, limit, "m.user_name")
		if len(groups) == 1 {
			return query, values
		}
		parts, all = append(parts, "SELECT * FROM ("+query+") AS part"), append(all, values...)
	}
	return "SELECT DISTINCT * FROM (" + strings.Join(parts, " UNION ALL ") + ") AS u ORDER BY u.user_name" + c.direction() + " LIMIT ?", append(all, limit)
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
