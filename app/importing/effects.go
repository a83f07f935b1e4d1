package importing

import (
	"cmp"
	"context"
	"strings"

	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// PageMost is how many people of a list are shown at once.
const PageMost = 50

// Effect is what becomes of one person by a list.
type Effect struct {
	Row    int    // in the file
	Name   string // sign-in name
	New    bool
	Was    string   // how they are called; empty when that stays
	Called string   // and how from then on
	Joins  []Joined // without the number of people

	Manager string // sign-in name of the one whom they get; empty: that stays
}

// Effects is a page of what a list does, person by person.
type Effects struct {
	FileName string
	From     int // how many come before
	Total    int
	Rows     []Effect
}

// EffectsOf shows what running a list does, from some person of it on. It is read
// from the very text that act stands for: a list that reads otherwise, or that
// is kept no longer, is fault.Conflict.
func (s *Service) EffectsOf(ctx context.Context, tenantID string, act Act, from int) (Effects, error) {
	r, ok, err := find(s.DB.View(ctx), tenantID, act.Import)
	switch {
	case err != nil:
		return Effects{}, store.Unusable(err)
	case !ok || r.State == Done || r.State == Failed:
		return Effects{}, fault.New(fault.Conflict, "import.not_kept")
	case secret.Digest(r.Rows) != act.Digest:
		return Effects{}, changed
	}
	j, err := r.judged()
	if err != nil {
		return Effects{}, err
	}
	groups := map[string]Joined{}
	for _, g := range j.Joined {
		groups[g.ID] = Joined{ID: g.ID, Name: g.Name, Role: g.Role, Title: g.Title}
	}
	all := Effects{FileName: r.FileName, From: max(0, min(from, len(j.Changes))), Total: len(j.Changes)}
	for _, c := range j.Changes[all.From:min(all.From+PageMost, len(j.Changes))] {
		e := Effect{Row: c.Row, Name: c.Name, New: c.UserID == "", Manager: c.Manager}
		switch {
		case e.New:
			e.Called = c.called()
		case c.renames():
			e.Was, e.Called = c.Was, c.DisplayName
		}
		for _, id := range c.Joins {
			e.Joins = append(e.Joins, groups[id])
		}
		all.Rows = append(all.Rows, e)
	}
	return all, nil
}

// called is how somebody new is called: as the list says, or by what stands before the @.
func (c Change) called() string {
	local, _, _ := strings.Cut(c.Name, "@")
	return cmp.Or(c.DisplayName, local)
}
