package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/store"
	"latchkey/app/user"
)

// Row is one person in the list.
type Row struct {
	ID           string
	Name         string // sign-in name
	DisplayName  string
	State        string
	MFAState     string
	Ways         int        // bits, see user.Ways
	LastSignInAt *time.Time `gorm:"column:last_signin_at"` // nil: never

	Groups []string `gorm:"-"` // their names, the first few
	More   int      `gorm:"-"` // groups besides
}

// Has names the ways in that the person has, the strongest first.
func (r Row) Has() []string { return WaysOf(r.Ways) }

// WaysOf names ways in, the strongest first.
func WaysOf(ways int) []string {
	names := []string{}
	for _, way := range user.AllWays {
		if user.Ways(ways).Has(way.Bit) {
			names = append(names, way.Name)
		}
	}
	return names
}

// AtRisk says whether the loss of one way locks the person out.
func (r Row) AtRisk() bool { return r.Ways&(r.Ways-1) == 0 }

// Page is a page of the list. A position that is zero leads nowhere.
type Page struct {
	Rows     []Row
	Next     Position // of the people after these
	Previous Position
	Cut      bool // the search goes on from there: it has looked at as many as one page may
}

// How many rows a page reads: one more than it shows, and more at once when what
// was read is sifted, but not without end.
const (
	siftAtOnce  = 200 // by several words, or by a name
	siftForOnes = 64  // by one word, which few people have twice
	siftsMost   = 20
)

// List gives a page of the people whom actorID may find, after a position or
// before one. It costs the same wherever it begins and however many there are:
// it is cut from an index, and nothing is counted.
func (s *Service) List(ctx context.Context, tenantID, actorID string, f Filter, after, before Position) (Page, error) {
	tx := s.DB.View(ctx)
	scope := s.Rules.Standing(tenantID, actorID).Scope
	c := cut{tenantID: tenantID, filter: f, scope: scope, order: f.order(scope), from: after, now: tx.Now}
	if c.backward = before != (Position{}); c.backward {
		c.from = before
	}
	began := c.from != (Position{}) // there are people on that side of the page
	found, cutShort, err := c.read(tx)
	if err != nil {
		return Page{}, store.Unusable(err)
	}
	more := len(found) > PageMost
	found = found[:min(len(found), PageMost)]
	if c.backward {
		slices.Reverse(found)
		more, began = began, more
	}
	page := Page{Cut: cutShort}
	for _, r := range found {
		page.Rows = append(page.Rows, r.Row)
	}
	if len(found) > 0 && more {
		page.Next = c.position(found[len(found)-1])
	}
	if len(found) > 0 && began {
		page.Previous = c.position(found[0])
	}
	switch {
	case cutShort && c.backward:
		page.Previous = c.from
	case cutShort:
		page.Next = c.from
	}
	return page, store.Unusable(groupsOf(tx, tenantID, page.Rows))
}

// cut is one page to be cut out of a list.
type cut struct {
	tenantID string
	filter   Filter
	scope    []string // ids of groups; none: everybody
	order    order
	from     Position
	backward bool
	now      time.Time

	sifted     bool        // by words, in here
	narrowings []narrowing // see prepare
	few        narrowing   // that finds so few that all of them are read
}

// found is a row with the word that it was found by.
type found struct {
	Row
	Word   string
	Misfit bool // what the filter asks besides the words is not so
}

// position is the place of a row in the list.
func (c cut) position(r found) Position {
	switch c.order {
	case bySignIn:
		return Position{instant(*r.LastSignInAt), r.ID}
	case byWord:
		return Position{r.Word, r.ID}
	}
	return Position{Key: r.Name}
}

// read gives up to one row more than a page shows. When what it reads must be
// sifted, it reads on until the page is full; short says that it gave up before,
// and c.from is then where it stopped.
func (c *cut) read(tx *store.Tx) (all []found, short bool, err error) {
	if err := c.prepare(tx); err != nil {
		return nil, false, err
	}
	words, sifted := c.filter.words()
	c.sifted = sifted
	limit := PageMost + 1
	switch {
	case sifted && (len(c.narrowings) > 0 || len(words) > 1 || c.order != byWord || c.filter.name() != ""):
		limit = siftAtOnce
	case sifted:
		limit = siftForOnes
	}
	for range siftsMost {
		query, values := c.query(words, limit)
		var rows []found
		if err := tx.All(&rows, query, values...); err != nil {
			return nil, false, err
		}
		for _, r := range rows {
			if !sifted || !r.Misfit && c.sift(r, words) {
				all = append(all, r)
			}
			if len(all) > PageMost {
				return all, false, nil
			}
		}
		switch {
		case len(rows) < limit:
			stopped, err := c.stopped(tx)
			return all, stopped, err
		case !sifted:
			return all, false, nil
		}
		c.from = c.position(rows[len(rows)-1])
	}
	return all, true, nil
}

// stopped says whether a walk gave no more rows because it had looked at as many as
// it may, and goes on from there.
func (c *cut) stopped(tx *store.Tx) (bool, error) {
	if _, rest := c.leading(); len(rest) == 0 || c.few.condition != "" || c.order == byWord {
		return false, nil
	}
	var at []found
	query, values := c.ends()
	if err := tx.All(&at, query, values...); err != nil || len(at) == 0 {
		return false, err
	}
	c.from = c.position(at[0])
	return true, nil
}

// sift says whether a row has all the words and the beginning of the name, and,
// in a list by words, whether this is the first of its words that matches: a
// person is listed once.
func (c *cut) sift(r found, words []string) bool {
	if !strings.HasPrefix(r.Name, c.filter.name()) {
		return false
	}
	theirs := user.Words(r.Name, r.DisplayName)
	if c.order == byWord {
		at := slices.IndexFunc(theirs, func(w string) bool { return strings.HasPrefix(w, words[0]) })
		if at >= 0 && theirs[at] < r.Word {
			return false
		}
		words = words[1:]
	}
	for _, word := range words {
		if !slices.ContainsFunc(theirs, func(w string) bool { return strings.HasPrefix(w, word) }) {
			return false
		}
	}
	return true
}

// groupsShown is how many groups of a person the list names.
const groupsShown = 2

// groupsOf puts the groups of people into their rows.
func groupsOf(tx *store.Tx, tenantID string, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	at := make(map[string]*Row, len(rows))
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i], at[rows[i].ID] = rows[i].ID, &rows[i]
	}
	// The tenant as an expression: by its column SQLite, which takes every tenant for
	// a handful of rows, would read all members that it has.
	var groups []struct{ UserID, Name string }
	err := tx.All(&groups, `SELECT m.user_id, (SELECT g.name FROM groups g WHERE g.tenant_id = m.tenant_id AND g.id = m.group_id) AS name
		FROM group_members m WHERE m.user_id IN ? AND m.tenant_id || '' = ?`, ids, tenantID)
	slices.SortFunc(groups, func(a, b struct{ UserID, Name string }) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range groups {
		row := at[g.UserID]
		if len(row.Groups) < groupsShown {
			row.Groups = append(row.Groups, g.Name)
		} else {
			row.More++
		}
	}
	return err
}
