package trail

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
)

// How much figures may read, so that a chart costs no more among ten million events than it may.
const (
	countedMost = 250_000 // entries of an index for an action, shared out evenly among the parts of its time
	walkedMost  = 50_000  // events of a stream, where each of them is looked at
	readMost    = 20_000  // likewise, where their bytes are read too
)

// Figure is how many events of a kind there are in a part of a time.
type Figure struct {
	N    int
	More bool // there may be more: counting ended here
}

// Figures are those of each kind of events, one for each part of a time.
type Figures map[string][]Figure

// Actions counts the events of some actions in the parts of a time, each from one edge to the
// next: those that Find gives the reader for that action and that part.
//
// Who sees all of a tenant is told by an index alone, each part up to as many as it may read;
// of who sees less each event is looked at, the newest first, up to as many.
func (s *Service) Actions(ctx context.Context, sight Sight, actions []audit.Action, edges []time.Time) (Figures, error) {
	tx, all := s.DB.Walk(ctx), Figures{}
	seen := sight.Actions()
	for _, action := range actions {
		all[string(action)] = make([]Figure, len(edges)-1)
	}
	switch {
	case sight.Blind():
		return all, nil
	case sight.whole():
		for _, action := range actions {
			if !slices.Contains(seen, action) {
				continue
			}
			if err := sight.counted(tx, action, edges, all[string(action)]); err != nil {
				return nil, store.Unusable(err)
			}
		}
		return all, nil
	case sight.streams() != nil: // few: once for all actions
		return all, store.Unusable(sight.tallied(tx, Query{}, edges, "e.action", walkedMost, all.take(edges)))
	}
	for _, action := range actions {
		own := Figures{string(action): all[string(action)]}
		if err := sight.tallied(tx, Query{Action: string(action)}, edges, "e.action", walkedMost, own.take(edges)); err != nil {
			return nil, store.Unusable(err)
		}
	}
	return all, nil
}

// Ways counts sign-ins by what they were proved with, as Find gives them for Query.By; under
// "" those that do not say it. It also tells of which parts there may be more.
func (s *Service) Ways(ctx context.Context, sight Sight, edges []time.Time) (all Figures, more []bool, err error) {
	tx := s.DB.Walk(ctx)
	all, more = Figures{}, make([]bool, len(edges)-1)
	err = sight.tallied(tx, Query{Action: string(audit.SignInFinished)}, edges, "COALESCE("+proofOf[tx.Dialect]+", '')", readMost, tally{
		event: func(part int, by string) {
			if !proofs.MatchString(by) {
				by = ""
			}
			if all[by] == nil {
				all[by] = make([]Figure, len(edges)-1)
			}
			all[by][part].N++
		},
		ended: func(part int) {
			for i := range part + 1 {
				more[i] = true
			}
		},
	})
	if err != nil {
		return nil, nil, store.Unusable(err)
	}
	for _, figures := range all {
		for part := range figures {
			figures[part].More = more[part]
		}
	}
	return all, more, nil
}

// whole says whether the reader sees every event of an action that they see at all.
func (s Sight) whole() bool {
	return (s.Told == people.Everything || s.Told == people.NoSecurity) && !s.Own && len(s.scope) == 0 && s.Since.IsZero()
}

// counted counts the events of an action for who sees them all. No row is read: they stand in
// the index audit_events_by_action.
func (s Sight) counted(tx *store.Tx, action audit.Action, edges []time.Time, into []Figure) error {
	most := max(1, countedMost/len(into))
	values := []any{string(action), s.TenantID, most + 1}
	parts := make([]string, len(into))
	for i := range into {
		parts[i] = "(CAST(? AS bigint), " + store.Moment[tx.Dialect] + ", " + store.Moment[tx.Dialect] + ")"
		values = append(values, i, edges[i], edges[i+1])
	}
	return tx.Each(`SELECT v.column1, (SELECT count(*) FROM (SELECT 1 AS one FROM audit_events e WHERE e.action = ? AND e.tenant_id = ?
		AND e.occurred_at >= v.column2 AND e.occurred_at < v.column3 LIMIT ?) AS few) FROM (VALUES `+strings.Join(parts, ", ")+") AS v", func(scan func(...any) error) error {
		var part, n int
		if err := scan(&part, &n); err != nil {
			return err
		}
		into[part] = Figure{N: min(n, most), More: n > most}
		return nil
	}, values...)
}

// tally is told of what is walked by.
type tally struct {
	event func(part int, kind string)
	ended func(part int) // the walk was not through: there may be more in this part, and before it
}

// take counts events by their kind, of kinds that are there.
func (f Figures) take(edges []time.Time) tally {
	return tally{
		event: func(part int, kind string) {
			if f[kind] != nil {
				f[kind][part].N++
			}
		},
		ended: func(part int) {
			for _, figures := range f {
				for i := range part + 1 {
					figures[i].More = true
				}
			}
		},
	}
}

// tallied walks the events of a query within edges, the newest first and up to most of each
// stream. Their kind is an expression.
func (s Sight) tallied(tx *store.Tx, q Query, edges []time.Time, kind string, most int, t tally) error {
	q.From, q.To = edges[0], edges[len(edges)-1]
	p, err := s.plan(tx, q)
	if err != nil {
		return err
	}
	if own := s.streams(); own != nil && len(p.streams) > 0 { // few, whatever is asked: nothing else is read
		p.streams, p.filter = own, p.whole()
	}
	partOf := func(at time.Time) int {
		after, _ := slices.BinarySearchFunc(edges, at, func(edge, at time.Time) int {
			if edge.After(at) {
				return 1
			}
			return -1
		})
		return min(max(after-1, 0), len(edges)-2)
	}
	for _, stream := range p.streams {
		within := p.within(stream)
		walked, last := 0, q.To
		// How many stands in the statement, unlike that of a page: all of them are read.
		query := "SELECT e.occurred_at, " + kind + ", CASE WHEN " + p.filter.text + " THEN 1 ELSE 0 END FROM (SELECT e.tenant_id, e.occurred_at, e.id, e.action, e.actor_kind, e.actor_id, e.subject_id, e.thread_id, e.record FROM " +
			stream.from + within.after("WHERE") + " ORDER BY " + stream.at + " DESC, " + stream.id + " DESC LIMIT " + strconv.Itoa(most) + ") e"
		err := tx.Each(query, func(scan func(...any) error) error {
			var at time.Time
			var kind string
			var fits bool
			if err := scan(&at, &kind, &fits); err != nil {
				return err
			}
			walked++
			if at.Before(last) {
				last = at
			}
			if fits {
				t.event(partOf(at), kind)
			}
			return nil
		}, slices.Concat(p.filter.values, within.values)...)
		if err != nil {
			return err
		}
		if walked == most {
			t.ended(partOf(last))
		}
	}
	return nil
}
