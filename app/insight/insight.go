package insight

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store"
)

// Insight is how the rollout of a tenant goes, as of a moment.
type Insight struct {
	AsOf  time.Time // zero: not counted yet
	Crowd Crowd
	Days  []Day
	Ways  []Way // that were tried, the strongest first
}

// Way is what became of sign-ins by one way, by day.
type Way struct {
	Name string
	Days []Tries // one for each day of the insight
}

// Tries is what became of sign-ins by a way on a day.
type Tries struct {
	Finished, Failed, Left int64
	Blocked                int64 // that were proved, and stopped by a rule
}

// Rate is the share of failures among what was tried, in percent; ok is false when
// nothing was.
func (t Tries) Rate() (percent float64, ok bool) {
	if tried := t.Finished + t.Failed; tried > 0 {
		return 100 * float64(t.Failed) / float64(tried), true
	}
	return 0, false
}

// And adds others.
func (t Tries) And(o Tries) Tries {
	return Tries{t.Finished + o.Finished, t.Failed + o.Failed, t.Left + o.Left, t.Blocked + o.Blocked}
}

// All adds up a way.
func (w Way) All() (t Tries) {
	for _, d := range w.Days {
		t = t.And(d)
	}
	return t
}

// ByDay adds up the ways of each day.
func (i Insight) ByDay() []Tries {
	all := make([]Tries, len(i.Days))
	for _, w := range i.Ways {
		for at, d := range w.Days {
			all[at] = all[at].And(d)
		}
	}
	return all
}

// Of gives what was counted of a tenant over the last days.
func (s *Service) Of(ctx context.Context, tenantID string, days int) (Insight, error) {
	tx := s.DB.View(ctx)
	found := Insight{Days: Last(days, tx.Now), Crowd: Crowd{Features: map[feature.Feature]map[feature.Ring]*Adoption{}, Risks: map[Risk]*AtRisk{}}}
	var row struct {
		People  string
		TakenAt *time.Time
	}
	if _, err := tx.One(&row, "SELECT people, taken_at FROM insights WHERE tenant_id = ?", tenantID); err != nil {
		return found, store.Unusable(err)
	}
	if row.TakenAt != nil && row.People != "" {
		found.AsOf = *row.TakenAt
		if err := json.Unmarshal([]byte(row.People), &found.Crowd); err != nil {
			return found, err
		}
	}
	at := map[Day]int{}
	for i, d := range found.Days {
		at[d] = i
	}
	var rows []struct {
		Day, Subject, Figure string
		N                    int64
	}
	if err := tx.All(&rows, "SELECT day, subject, figure, n FROM insight_days WHERE tenant_id = ? AND day >= ? AND subject LIKE 'way:%'", tenantID, string(found.Days[0])); err != nil {
		return found, store.Unusable(err)
	}
	ways := map[string]*Way{}
	for _, r := range rows {
		i, ok := at[Day(r.Day)]
		name, _ := strings.CutPrefix(r.Subject, "way:")
		if !ok {
			continue
		}
		if ways[name] == nil {
			ways[name] = &Way{Name: name, Days: make([]Tries, len(found.Days))}
		}
		d := &ways[name].Days[i]
		switch r.Figure {
		case Finished:
			d.Finished = r.N
		case Failed:
			d.Failed = r.N
		case Left:
			d.Left = r.N
		case Blocked:
			d.Blocked = r.N
		}
	}
	for _, w := range method.Ways {
		if ways[w.Name] != nil {
			found.Ways = append(found.Ways, *ways[w.Name])
		}
	}
	return found, nil
}
