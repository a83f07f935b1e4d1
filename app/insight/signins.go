package insight

import (
	"context"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Days that attempts are counted of: today and yesterday, for of what is older a part is
// deleted, and the day would come out lower than it was. The first time all there are.
const (
	attemptDays      = 2
	attemptDaysFirst = 31
)

// attempts counts those of days, of all tenants in one pass: they are found by when they
// end, whosever they are.
func (s *Service) attempts(ctx context.Context, days []Day) error {
	now := s.DB.Now()
	for _, day := range days {
		var rows []struct {
			TenantID, Way, Figure string
			N                     int64
		}
		err := s.DB.View(ctx).All(&rows, `SELECT tenant_id, way, figure, count(*) AS n FROM (SELECT a.tenant_id, a.way,
			CASE WHEN a.state = 'finished' THEN '`+Finished+`' WHEN a.failures > 0 OR a.way = 'phone' AND a.prompt_id <> '' THEN '`+Failed+`' ELSE '`+Left+`' END AS figure
			FROM attempts a WHERE a.expires_at >= ? AND a.created_at >= ? AND a.created_at < ? AND a.purpose = 'sign_in' AND a.user_id <> ''
			AND (a.state <> 'open' OR a.expires_at <= ?)) f GROUP BY tenant_id, way, figure`, day.Begin(), day.Begin(), day.Next().Begin(), now)
		if err != nil {
			return store.Unusable(err)
		}
		of := map[string]figures{}
		for _, r := range rows {
			if of[r.TenantID] == nil {
				of[r.TenantID] = figures{}
			}
			of[r.TenantID][[2]string{way(r.Way), r.Figure}] = r.N
		}
		for tenantID, f := range of {
			if err := s.keep(store.Within(ctx, tenantID), tenantID, day, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// names of the ways in, by their bits.
var names = func() map[user.Ways]string {
	all := map[user.Ways]string{}
	for _, w := range method.Ways {
		all[w.Bit] = w.Name
	}
	return all
}()

// outcomes as figures of a way.
var outcomes = map[decision.Outcome]string{decision.Passed: Passed, decision.Asked: Asked, decision.Blocked: Blocked}

// would are outcomes as figures of a feature that is only reported.
var would = map[decision.Outcome]string{decision.Passed: LetIn, decision.Asked: AskMore, decision.Blocked: Stop}

// signIns counts the decisions of a tenant on days, and notes who used which way.
func (s *Service) signIns(ctx context.Context, tenantID string, days []Day) error {
	for _, day := range days {
		c := &counting{figures: figures{}, reader: decision.NewReader(), used: map[string]user.Ways{}, people: map[feature.Set]map[string]bool{}}
		err := s.DB.View(ctx).Each(`SELECT user_id, outcome, had, would_outcome, would_have, record FROM decisions WHERE tenant_id = ? AND decided_at >= ? AND decided_at < ?`,
			c.row, tenantID, day.Begin(), day.Next().Begin())
		if err != nil {
			return store.Unusable(err)
		}
		for bit, people := range c.people {
			for _, f := range bit.Features() {
				c.figures[[2]string{reported(string(f)), People}] = int64(len(people))
			}
		}
		if err := s.keep(ctx, tenantID, day, c.figures); err != nil {
			return err
		}
		if err := s.used(ctx, tenantID, day, c.used); err != nil {
			return err
		}
	}
	return nil
}

// counting is a pass over the decisions of a day.
type counting struct {
	figures figures
	reader  *decision.Reader
	used    map[string]user.Ways // by user
	people  map[feature.Set]map[string]bool
}

// row counts one. What cannot be read is left out: replays tell of it.
func (c *counting) row(scan func(...any) error) error {
	var userID string
	var outcome, wouldOutcome int
	var had, wouldHave int64
	var record []byte
	if err := scan(&userID, &outcome, &had, &wouldOutcome, &wouldHave, &record); err != nil {
		return err
	}
	var in decision.Input
	if _, err := c.reader.Read(record, &in); err != nil {
		return nil
	}
	is, next := decision.Outcome(outcome), decision.Outcome(wouldOutcome)
	c.figures[[2]string{way(names[in.Way]), outcomes[is]}]++
	if is != decision.Blocked {
		c.used[userID] |= in.Way
	}
	for _, f := range feature.Set(had ^ wouldHave).Features() {
		c.figures[[2]string{reported(string(f)), Touched}]++
		if is != next {
			c.figures[[2]string{reported(string(f)), would[next]}]++
		}
		e, _ := feature.Find(f)
		if c.people[e.Bit] == nil {
			c.people[e.Bit] = map[string]bool{}
		}
		c.people[e.Bit][userID] = true
	}
	return nil
}

// used notes which ways people used on a day, where that was not known.
func (s *Service) used(ctx context.Context, tenantID string, day Day, by map[string]user.Ways) error {
	ids := make([]string, 0, len(by))
	for id := range by {
		ids = append(ids, id)
	}
	for len(ids) > 0 {
		some := ids[:min(store.InsertRows, len(ids))]
		ids = ids[len(some):]
		// Each is looked up by its key: of a list a database may go through all of a tenant.
		var known []struct {
			UserID      string
			There, Ways int64
		}
		list, values := store.Each(some)
		if err := s.DB.View(ctx).All(&known, `SELECT v.column1 AS user_id, (SELECT count(*) FROM users u WHERE u.tenant_id = ? AND u.id = v.column1) AS there,
			CAST(COALESCE((SELECT sum(w.way) FROM way_uses w WHERE w.tenant_id = ? AND w.user_id = v.column1 AND w.first_at <= ? AND w.last_at >= ?), 0) AS bigint) AS ways FROM `+list,
			append([]any{tenantID, tenantID, day.Begin(), day.Begin()}, values...)...); err != nil {
			return store.Unusable(err)
		}
		left := make(map[string]user.Ways, len(known))
		for _, k := range known {
			if k.There > 0 {
				left[k.UserID] = by[k.UserID] &^ user.Ways(k.Ways)
			}
		}
		var rows [][]any
		for id, ways := range left {
			for bit := range names {
				if ways.Has(bit) {
					rows = append(rows, []any{tenantID, id, int(bit), day.Begin(), day.Begin()})
				}
			}
		}
		if len(rows) == 0 {
			continue
		}
		err := s.DB.Count(ctx, func(tx *store.Tx) error {
			return tx.InsertAll("INSERT INTO way_uses (tenant_id, user_id, way, first_at, last_at)", `ON CONFLICT (tenant_id, user_id, way) DO UPDATE SET
				first_at = CASE WHEN excluded.first_at < way_uses.first_at THEN excluded.first_at ELSE way_uses.first_at END,
				last_at = CASE WHEN excluded.last_at > way_uses.last_at THEN excluded.last_at ELSE way_uses.last_at END`, rows)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
