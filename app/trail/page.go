package trail

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/fault"
	"latchkey/app/store"
)

const (
	PageLength = 50
	WindowMost = 10_000 // events that one index is walked over for a page
	nearBy     = 4      // pages of all events that are looked at for what is common
	eachLength = 500    // events that Each holds
)

// Service reads.
type Service struct {
	DB    *store.DB
	looks looks
}

// Page is a page of a query, the newest event first.
type Page struct {
	Rows     []Row
	Older    Position // where the older page begins; none: there is nothing older
	Newer    Position // likewise for the newer page
	LookedTo Position // how far was looked when the page is not full and Older is not none
}

// Find gives the page after a position, older than it, or the page before one, newer than it;
// with neither the newest.
func (s *Service) Find(ctx context.Context, sight Sight, q Query, after, before Position) (p Page, err error) {
	tx := s.DB.Walk(ctx)
	plan, err := sight.plan(tx, q)
	if err != nil {
		return p, store.Unusable(err)
	}
	found, err := plan.page(tx, cmp.Or(after, before), !after.None() || before.None(), PageLength)
	if err != nil {
		return p, store.Unusable(err)
	}
	p.Rows = found.rows
	if after.None() && !before.None() { // the newer ones, from the oldest of them on
		slices.Reverse(p.Rows)
		p.Newer = found.next
		if p.Older = before; len(p.Rows) > 0 {
			p.Older = p.Rows[len(p.Rows)-1].Position()
		}
	} else {
		p.Older = found.next
		if !after.None() {
			if p.Newer = after; len(p.Rows) > 0 {
				p.Newer = p.Rows[0].Position()
			}
		}
		if len(p.Rows) < PageLength {
			p.LookedTo = found.next
		}
	}
	return p, store.Unusable(sight.named(tx, p.Rows))
}

// Each gives every row of a query to do, the newest first. It stops at the first error of do,
// and gives it.
func (s *Service) Each(ctx context.Context, sight Sight, q Query, do func(Row) error) error {
	return s.Parts(ctx, sight, q, func(rows []Row) error {
		for _, r := range rows {
			if err := do(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Parts is Each for whoever wants to know how it goes on: it gives a few rows at a time, and
// none where it has walked far and found nothing.
func (s *Service) Parts(ctx context.Context, sight Sight, q Query, do func([]Row) error) error {
	tx := s.DB.Walk(ctx)
	plan, err := sight.plan(tx, q)
	if err != nil {
		return store.Unusable(err)
	}
	for from := (Position{}); ; {
		found, err := plan.page(tx, from, true, eachLength)
		if err != nil {
			return store.Unusable(err)
		}
		if err := sight.named(tx, found.rows); err != nil {
			return store.Unusable(err)
		}
		if err := do(found.rows); err != nil {
			return err
		}
		if found.next.None() {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		from = found.next
	}
}

// Count says how many rows a query has, and stops behind most: one more than that is more.
func (s *Service) Count(ctx context.Context, sight Sight, q Query, most int) (n int, err error) {
	tx := s.DB.Walk(ctx)
	plan, err := sight.plan(tx, q)
	if err != nil {
		return 0, store.Unusable(err)
	}
	for from := (Position{}); n <= most; {
		found, err := plan.page(tx, from, true, min(eachLength, most+1-n))
		if err != nil {
			return 0, store.Unusable(err)
		}
		if n += len(found.rows); found.next.None() {
			break
		}
		from = found.next
	}
	return n, nil
}

// One gives an event by its position. One that the reader does not see is fault.NotFound.
func (s *Service) One(ctx context.Context, sight Sight, at Position) (r Row, err error) {
	tx := s.DB.Walk(ctx)
	none := fault.New(fault.NotFound, "http.not_found")
	if at.None() || sight.Blind() {
		return r, none
	}
	seen, there := sight.condition(), false
	err = tx.Each("SELECT "+columns+" FROM audit_events e WHERE e.tenant_id = ? AND e.occurred_at = ? AND e.id = ? AND "+seen.text, func(scan func(...any) error) (err error) {
		there = true
		r, err = scanned(scan)
		return err
	}, append([]any{sight.TenantID, at.At, at.ID}, seen.values...)...)
	if err != nil {
		return r, store.Unusable(err)
	}
	if !there {
		return r, none
	}
	rows := []Row{r}
	err = sight.named(tx, rows)
	return rows[0], store.Unusable(err)
}

// found is a part of what a plan gives, in the order that it was walked in.
type found struct {
	rows []Row
	next Position // where it goes on; none: this was all
}

// page walks from a position, towards older events or towards newer ones.
func (p plan) page(tx *store.Tx, from Position, older bool, length int) (all found, err error) {
	order := func(a, b Row) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID)) }
	if !older {
		order = func(a, b Row) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) }
	}
	if p.common {
		rows, err := p.meet(tx, p.between(tx, events("1 = 1"), from, Position{}, older), nearBy*length, length+1)
		if err != nil {
			return all, err
		}
		if len(rows) > length {
			return found{rows[:length], rows[length-1].Position()}, nil
		}
	}
	var ends []Row   // how far those streams were walked that have more
	var far Position // behind which nothing is looked for, for there is enough before it
	for _, s := range p.streams {
		rows, next, err := p.walk(tx, s, from, far, older, length+1)
		if err != nil {
			return all, err
		}
		if all.rows == nil {
			all.rows = rows
		} else {
			all.rows = append(all.rows, rows...)
			slices.SortFunc(all.rows, order)
		}
		if !next.None() {
			ends = append(ends, Row{At: next.At, ID: next.ID})
		}
		if len(all.rows) > length {
			far = all.rows[length].Position()
		}
	}
	if len(ends) > 0 { // behind the first of them nobody knows what the others still have
		end := slices.MinFunc(ends, order)
		past := slices.IndexFunc(all.rows, func(r Row) bool { return order(r, end) > 0 })
		if past >= 0 {
			all.rows = all.rows[:past]
		}
		all.next = end.Position()
	}
	if len(all.rows) > length {
		all.rows = all.rows[:length]
		all.next = all.rows[length-1].Position()
	}
	return all, nil
}

// within is what is true of all events of a stream in the time of the plan.
func (p plan) within(s stream) (c condition) {
	c.and(s.text, s.values...)
	if s.from == allEvents {
		c.and("e.tenant_id = ?", p.tenant)
	}
	if !p.from.IsZero() {
		c.and(s.at+" >= ?", p.from)
	}
	if !p.to.IsZero() {
		c.and(s.at+" < ?", p.to)
	}
	return c
}

// stretch is a stretch of a stream: what its events are, and in what order.
type stretch struct {
	stream
	within condition
	way    string
}

// between is the stretch of a stream behind a position, as far as another or, with none, as it goes.
func (p plan) between(tx *store.Tx, s stream, from, far Position, older bool) stretch {
	within := p.within(s)
	way := " DESC"
	if older {
		if from.None() {
			// The end of the time too: of two ends an index is entered at either, and walked to the other.
			if from.At = tx.Now.Add(time.Hour); !p.to.IsZero() && p.to.Before(from.At) {
				from.At = p.to
			}
		}
		within.and("("+s.at+", "+s.id+") < (?, ?)", from.At, from.ID)
		if !far.None() {
			within.and("("+s.at+", "+s.id+") >= (?, ?)", far.At, far.ID)
		}
	} else {
		within.and("("+s.at+", "+s.id+") > (?, ?)", from.At, from.ID)
		if !far.None() {
			within.and("("+s.at+", "+s.id+") <= (?, ?)", far.At, far.ID)
		}
		way = ""
	}
	return stretch{s, within, way}
}

func (s stretch) selecting(columns string) string {
	return "SELECT " + columns + " FROM " + s.from + s.within.after("WHERE") + " ORDER BY " + s.at + s.way + ", " + s.id + s.way
}

// walk gives up to most rows of a stream, and where it goes on when it was not walked to its end.
func (p plan) walk(tx *store.Tx, s stream, from, far Position, older bool, most int) (rows []Row, next Position, err error) {
	along := p.between(tx, s, from, far, older)
	rows, err = p.meet(tx, along, WindowMost, most)
	if err != nil || len(rows) == most {
		if len(rows) == most {
			next = rows[most-1].Position()
		}
		return rows, next, err
	}
	// Fewer than were asked for: there are no more so far, or the window is through.
	next = far
	err = tx.Each(along.selecting(s.at+", "+s.id)+" LIMIT ? OFFSET ?", func(scan func(...any) error) error {
		err := scan(&next.At, &next.ID)
		next.At = next.At.UTC()
		return err
	}, append(along.within.values, 1, WindowMost-1)...)
	return rows, next, err
}

// meet gives up to most rows of the plan that are met within the first so many events of a stretch.
func (p plan) meet(tx *store.Tx, along stretch, window, most int) (rows []Row, err error) {
	query := "SELECT " + columns + " FROM (" + along.selecting("e.tenant_id, e.address, "+columns) + " LIMIT ?) e" + p.filter.after("WHERE")
	if tx.Dialect == store.Postgres {
		query += " ORDER BY e.occurred_at" + along.way + ", e.id" + along.way // as it comes; SQLite would sort the window for it
	}
	rows = make([]Row, 0, min(most, PageLength+1))
	err = tx.Each(query+" LIMIT ?", func(scan func(...any) error) error {
		r, err := scanned(scan)
		rows = append(rows, r)
		return err
	}, slices.Concat(along.within.values, []any{window}, p.filter.values, []any{most})...)
	return rows, err
}
