package outage

import (
	"cmp"
	"context"
	"time"

	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/relaxation"
	"latchkey/app/rollout"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Report is who could sign in if channels were down.
type Report struct {
	People int            `json:"people"`           // that are active
	Able   int            `json:"able"`             // could sign in
	Unable int            `json:"unable"`           // could not
	Lifted int            `json:"lifted,omitempty"` // of those who could, only because their stages were lifted
	ByWay  map[string]int `json:"by_way"`           // how many of those who could have a way, by its name
	Sample []string       `json:"sample,omitempty"` // sign-in names of some who could not

	Administrators []string `json:"administrators,omitempty"` // of those who run the tenant and could not
}

const (
	sampleMost = 20
	drillMost  = 20 * time.Second // a million people take three seconds on PostgreSQL
)

// Drill counts who could sign in if channels were down, with what an outage would relax.
// It changes nothing. Ways that failures have turned off count as usable here: they come
// back.
func (s *Service) Drill(ctx context.Context, tenantID string, asked Asked) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, drillMost)
	defer cancel()
	tx := s.DB.View(ctx)
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return Report{}, store.Unusable(err)
	}
	walk, err := rollout.Over(tx, tenantID, table)
	if err != nil {
		return Report{}, store.Unusable(err)
	}
	runs, err := s.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return Report{}, store.Unusable(err)
	}
	d := drill{Report: Report{ByWay: map[string]int{}}, walk: walk, table: table, rank: map[string]bool{}}
	for _, h := range runs {
		d.rank[h.UserID] = true
	}
	for _, c := range asked.Failed {
		d.without |= c.needs()
	}
	for _, r := range asked.Relaxes {
		d.lifts = d.lifts || r == relaxation.HeldBackWays
	}
	for after := ""; ; {
		some, err := walk.Next(tx, after)
		if err != nil || ctx.Err() != nil {
			return Report{}, store.Unusable(cmp.Or(err, ctx.Err()))
		}
		if len(some) == 0 {
			return d.Report, nil
		}
		for i := range some {
			d.judge(&some[i])
		}
		after = some[len(some)-1].ID
	}
}

// drill is one under way.
type drill struct {
	Report
	walk    *rollout.Walk
	table   *feature.Table
	without user.Ways // that need what is down
	lifts   bool
	rank    map[string]bool // who runs the tenant
}

func (d *drill) judge(s *rollout.Somebody) {
	d.People++
	has := d.table.Of(&s.Person)
	usable, able := d.walk.By(s, has.Ways(), d.without)
	if !able && d.lifts {
		lifted := s.Person
		lifted.Lifted = relaxation.Lifts(d.rank[s.ID])
		if usable, able = d.walk.By(s, d.table.Ways(has, &lifted), d.without); able {
			d.Lifted++
		}
	}
	if !able {
		d.Unable++
		if d.rank[s.ID] && len(d.Administrators) < sampleMost {
			d.Administrators = append(d.Administrators, s.Name)
		} else if len(d.Sample) < sampleMost {
			d.Sample = append(d.Sample, s.Name)
		}
		return
	}
	d.Able++
	for _, w := range method.Ways {
		if usable.Has(w.Bit) {
			d.ByWay[w.Name]++
		}
	}
}
