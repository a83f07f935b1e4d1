package alarm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Times and sizes of following.
const (
	lookWait    = 2 * time.Second
	batchMost   = 2000 // events
	batchesMost = 10   // of one tenant, then others have their turn
	tenantsMost = 200  // asked for at once
	oldAfter    = day  // what is older raises nothing
)

// Run follows the audit of every tenant until ctx ends.
func (s *Service) Run(ctx context.Context) {
	wake.NewErrand().Run(ctx, lookWait, s.Log, "alarms over the audit", s.Round)
}

// Round looks at what is sealed and was not looked at yet, in turns of its tenants until it has
// all of it, and once a minute at the conditions.
func (s *Service) Round(ctx context.Context) error {
	for {
		more, err := s.turns(ctx)
		if err = errors.Join(err, s.conditions(ctx)); err != nil || !more {
			return err
		}
	}
}

// turns gives each tenant one, and says whether one of them has more than that. An error of one
// does not keep it from the others.
func (s *Service) turns(ctx context.Context) (more bool, err error) {
	var all []error
	for last := ""; ; {
		due, err := s.due(ctx, last)
		if err != nil {
			return false, err
		}
		for _, d := range due {
			left, err := s.turn(store.Within(ctx, d.TenantID), d.TenantID, d.NextN)
			more, all, last = more || left, append(all, err), d.TenantID
		}
		if len(due) < tenantsMost {
			return more, errors.Join(all...)
		}
	}
}

// place is how far a tenant was looked at.
type place struct {
	TenantID string
	NextN    int64
}

// due gives tenants of which more is sealed than was looked at, behind one of them.
func (s *Service) due(ctx context.Context, last string) (all []place, err error) {
	err = s.DB.View(ctx).All(&all, `SELECT t.tenant_id, COALESCE(p.next_n, 0) AS next_n FROM audit_trees t JOIN tenants o ON o.id = t.tenant_id LEFT JOIN alarm_positions p ON p.tenant_id = t.tenant_id
		WHERE t.size > COALESCE(p.next_n, 0) AND t.tenant_id > ? ORDER BY t.tenant_id LIMIT ?`, last, tenantsMost)
	return all, store.Unusable(err)
}

// turn looks at a few batches of a tenant, and says whether there is more.
func (s *Service) turn(ctx context.Context, tenantID string, from int64) (more bool, err error) {
	for range batchesMost {
		next, err := s.batch(ctx, tenantID, from)
		if errors.Is(err, fault.Conflict) {
			return false, nil // another replica was first, or somebody acknowledged meanwhile: next time
		}
		if err != nil || next == from || ctx.Err() != nil {
			return false, err
		}
		from = next
	}
	return true, nil
}

// found are the events about somebody that a rule met in one batch, in the order of the tree.
type found struct {
	rule   Rule
	about  audit.Party
	events []met
}

// met is one of them: where it stands and when it was.
type met struct {
	n  int64
	at time.Time
}

// batch looks at what comes next, and moves behind it. What no rule counts moves the place
// alone, and need not wait for the disk: looked at again it is still nothing.
func (s *Service) batch(ctx context.Context, tenantID string, from int64) (next int64, err error) {
	leaves, next, err := checkpoint.TailOf(s.DB.View(ctx), tenantID, from, batchMost, countedActions)
	if err != nil || next == from {
		return from, err
	}
	all := counted(leaves, s.DB.Now().Add(-oldAfter))
	const move = `INSERT INTO alarm_positions (tenant_id, next_n) VALUES (?,?) ON CONFLICT (tenant_id) DO UPDATE SET next_n = excluded.next_n WHERE alarm_positions.next_n = ?`
	if len(all) == 0 {
		moved, err := s.DB.CountOne(ctx, move, tenantID, next, from)
		if err == nil && moved == 0 {
			err = changed()
		}
		return next, err
	}
	return next, s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(changed(), move, tenantID, next, from); err != nil {
			return err
		}
		settings, err := settingsOf(tx, tenantID)
		if err != nil {
			return err
		}
		for _, f := range all {
			i := slices.IndexFunc(settings, func(set Set) bool { return set.Rule.Name == f.rule.Name })
			if !settings[i].Active {
				continue
			}
			if err := s.count(tx, tenantID, settings[i], f, from); err != nil {
				return err
			}
		}
		return nil
	})
}

// rulesOf are the rules that count an action.
var rulesOf = func() map[audit.Action][]Rule {
	of := map[audit.Action][]Rule{}
	for _, r := range Rules {
		for _, a := range r.Actions {
			of[a] = append(of[a], r)
		}
	}
	return of
}()

// countedActions are those that some rule counts.
var countedActions = slices.Sorted(maps.Keys(rulesOf))

// counted gives what rules count in a batch, but for what happened before since.
func counted(leaves []checkpoint.Leaf, since time.Time) (all []*found) {
	type key struct {
		rule  string
		about audit.Party
	}
	at := map[key]*found{}
	for _, l := range leaves {
		if l.OccurredAt.Before(since) {
			continue
		}
		for _, r := range rulesOf[audit.Action(l.Action)] {
			about, counts := r.about(l.Kept)
			if !counts {
				continue
			}
			f := at[key{r.Name, about}]
			if f == nil {
				f = &found{rule: r, about: about}
				at[key{r.Name, about}] = f
				all = append(all, f)
			}
			f.events = append(f.events, met{l.N, l.OccurredAt})
		}
	}
	return all
}
