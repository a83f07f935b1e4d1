package insight

import (
	"context"
	"time"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Report is what a feature that is only reported would have changed on a day.
type Report struct {
	Day                  Day
	SignIns              int64 // decisions of that day, all in all
	Touched              int64 // of people who would have it and have not, or the other way round
	People               int64 // that these were of
	LetIn, AskMore, Stop int64 // of those touched: what would have come out otherwise
}

// Would counts those that would have come out otherwise.
func (r Report) Would() int64 { return r.LetIn + r.AskMore + r.Stop }

// Reported is a report over days.
type Reported struct {
	Days    []Report
	AsOf    time.Time // zero: not counted yet
	Samples []Sample
}

// Any says whether there is anything to show.
func (r Reported) Any() bool {
	for _, d := range r.Days {
		if d.Touched > 0 {
			return true
		}
	}
	return false
}

// Sample is somebody whose sign-in would have been touched, lately.
type Sample struct {
	UserID, Name string
	At           time.Time
	Was, Would   decision.Outcome
	Gets         bool // they would have it; else they would lose it
}

// How many decisions a report looks through for its samples, and how many those are.
const (
	sampleLook = 2_000
	samples    = 10
)

// Report gives the report of a feature over the last days.
func (s *Service) Report(ctx context.Context, tenantID string, f feature.Feature, days int) (Reported, error) {
	tx := s.DB.View(ctx)
	all := Last(days, tx.Now)
	r := Reported{Days: make([]Report, len(all))}
	at := map[Day]*Report{}
	for i, d := range all {
		r.Days[i].Day, at[d] = d, &r.Days[i]
	}
	var rows []struct {
		Day, Figure string
		N           int64
	}
	if err := tx.All(&rows, `SELECT day, figure, n FROM insight_days WHERE tenant_id = ? AND day >= ? AND subject = ?
		UNION ALL SELECT day, 'all', CAST(sum(n) AS bigint) FROM insight_days WHERE tenant_id = ? AND day >= ? AND subject LIKE 'way:%' AND figure IN (?, ?, ?) GROUP BY day`,
		tenantID, string(all[0]), reported(string(f)), tenantID, string(all[0]), Passed, Asked, Blocked); err != nil {
		return r, store.Unusable(err)
	}
	for _, row := range rows {
		d := at[Day(row.Day)]
		if d == nil {
			continue
		}
		*map[string]*int64{"all": &d.SignIns, Touched: &d.Touched, People: &d.People, LetIn: &d.LetIn, AskMore: &d.AskMore, Stop: &d.Stop}[row.Figure] = row.N
	}
	var err error
	if r.AsOf, err = asOf(tx, tenantID); err != nil {
		return r, err
	}
	r.Samples, err = sampled(tx, tenantID, f, all[0].Begin())
	return r, err
}

// asOf is when a tenant was counted last.
func asOf(tx *store.Tx, tenantID string) (time.Time, error) {
	var row struct{ TakenAt *time.Time }
	if _, err := tx.One(&row, "SELECT taken_at FROM insights WHERE tenant_id = ?", tenantID); err != nil || row.TakenAt == nil {
		return time.Time{}, store.Unusable(err)
	}
	return *row.TakenAt, nil
}

// sampled names some people whom a report touches, who would come out otherwise first.
func sampled(tx *store.Tx, tenantID string, f feature.Feature, since time.Time) ([]Sample, error) {
	e, ok := feature.Find(f)
	if !ok {
		return nil, nil
	}
	var rows []struct {
		UserID                string
		DecidedAt             time.Time
		Outcome, WouldOutcome int
		WouldHave             int64
	}
	err := tx.All(&rows, `SELECT user_id, decided_at, outcome, would_outcome, would_have FROM (SELECT user_id, decided_at, outcome, would_outcome, had, would_have FROM decisions
		WHERE tenant_id = ? AND decided_at >= ? AND (would_have <> had OR would_outcome <> outcome) ORDER BY decided_at DESC LIMIT ?) d
		WHERE d.had & ? <> d.would_have & ? ORDER BY CASE WHEN d.outcome <> d.would_outcome THEN 0 ELSE 1 END, d.decided_at DESC LIMIT ?`,
		tenantID, since, sampleLook, int64(e.Bit), int64(e.Bit), samples*samples)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var all []Sample
	var ids []string
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.UserID] || len(all) == samples {
			continue
		}
		seen[r.UserID], ids = true, append(ids, r.UserID)
		all = append(all, Sample{UserID: r.UserID, At: r.DecidedAt, Was: decision.Outcome(r.Outcome), Would: decision.Outcome(r.WouldOutcome), Gets: r.WouldHave&int64(e.Bit) != 0})
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	for i := range all {
		all[i].Name = names[all[i].UserID]
	}
	return all, store.Unusable(err)
}
