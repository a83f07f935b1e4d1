package alarm

import (
	"slices"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
)

// count goes through the events of f in the act tx: what comes while an alarm runs counts on in
// it, and when there are as many as the threshold within a window another one is raised. An
// event counts in one alarm of a rule. from is the place of the batch: what lies before it was
// looked at.
func (s *Service) count(tx *store.Tx, tenantID string, set Set, f *found, from int64) error {
	runs, err := last(tx, tenantID, set.Rule.Name, f.about)
	if err != nil {
		return err
	}
	var fresh []time.Time // that are in no alarm, the oldest first
	if first := f.events[0].at; runs == nil || !runs.goesOn(first, set.Window) {
		after := int64(0)
		if runs != nil {
			after = runs.NextN
		}
		if fresh, err = before(tx, tenantID, set, f.about, first.Add(-set.Window), after, from); err != nil {
			return err
		}
	}
	more := int64(0)
	keep := func() error {
		if more == 0 {
			return nil
		}
		return tx.Change(changed(), "UPDATE alarms SET count = count + ?, last_at = ?, next_n = ? WHERE tenant_id = ? AND id = ? AND acknowledged_at IS NULL", more, runs.LastAt, runs.NextN, tenantID, runs.ID)
	}
	for _, e := range f.events {
		if runs != nil && runs.goesOn(e.at, set.Window) {
			more++
			runs.LastAt, runs.NextN = latest(runs.LastAt, e.at), e.n+1
			continue
		}
		if fresh = append(fresh, e.at); len(fresh) > 1 && e.at.Before(fresh[len(fresh)-2]) { // it was committed late
			slices.SortFunc(fresh, time.Time.Compare)
		}
		edge := fresh[len(fresh)-1].Add(-set.Window)
		fresh = slices.DeleteFunc(fresh, func(t time.Time) bool { return !t.After(edge) })
		if len(fresh) < set.Threshold {
			continue
		}
		if err := keep(); err != nil {
			return err
		}
		runs = &Alarm{
			TenantID: tenantID, ID: s.Secrets.ID(), Rule: set.Rule.Name, AboutKind: f.about.Kind, AboutID: f.about.ID,
			Count: int64(len(fresh)), FirstAt: fresh[0], LastAt: fresh[len(fresh)-1], NextN: e.n + 1, RaisedAt: tx.Now,
		}
		fresh, more = nil, 0
		if err := raise(tx, *runs, set); err != nil {
			return err
		}
	}
	return keep()
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// goesOn says whether an event at a time belongs to a.
func (a Alarm) goesOn(at time.Time, window time.Duration) bool {
	return a.AcknowledgedAt == nil && at.Before(a.LastAt.Add(window))
}

// last gives the last alarm of a rule about somebody; nil for none. Tests are none.
func last(tx *store.Tx, tenantID, rule string, about audit.Party) (*Alarm, error) {
	var a Alarm
	there, err := tx.One(&a, selected+" AND a.rule = ? AND a.about_id = ? AND a.about_kind = ? AND a.test = FALSE ORDER BY a.last_at DESC, a.raised_at DESC LIMIT 1", tenantID, rule, about.ID, about.Kind)
	if err != nil || !there {
		return nil, err
	}
	return &a, nil
}

// counts are the columns by which events are counted.
var counts = map[By]string{ByActor: "e.actor_kind = ? AND e.actor_id = ?", BySubject: "e.subject_id = ?", ByTenant: "e.tenant_id = ?"}

// before gives the times of events that a rule counts, since a time, from one place in the tree
// on and looked at already: one less than the threshold at most, for with more there would be
// an alarm.
func before(tx *store.Tx, tenantID string, set Set, about audit.Party, since time.Time, after, from int64) (all []time.Time, err error) {
	if set.Threshold == 1 {
		return nil, nil
	}
	values := []any{tenantID, set.Rule.Actions}
	if set.Rule.By == ByActor {
		values = append(values, about.Kind)
	}
	err = tx.All(&all, `SELECT e.occurred_at FROM audit_events e WHERE e.tenant_id = ? AND e.action IN ? AND `+counts[set.Rule.By]+` AND e.occurred_at > ?
		AND COALESCE((SELECT l.n FROM audit_leaves l WHERE l.tenant_id = e.tenant_id AND l.occurred_at = e.occurred_at AND l.event_id = e.id), -1) BETWEEN ? AND ?
		ORDER BY e.occurred_at DESC LIMIT ?`, append(values, about.ID, since, after, from-1, set.Threshold-1)...)
	slices.SortFunc(all, time.Time.Compare)
	return all, err
}
