package rollout

import (
	"context"

	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/role"
	"latchkey/app/store"
)

// Preview is what a draft would do, over everybody who is active.
type Preview struct {
	People                int // that were looked at
	Have                  int // it afterwards
	Gain, Lose            int
	LockedOut             int // had a way in, and would have none
	Lacking               int // would be let in, and lack a feature that it needs
	Needs                 []feature.Feature
	Gaining, Losing, Shut []string // some of their names
	Administrators        int      // of those who run the tenant, who could sign in afterwards
	TooFew                bool     // fewer than two, and fewer than now: it is not saved

	// The blast radius: everybody for whom anything changes, and what else changes for
	// them because it needs this feature.
	Touched int
	Along   []Along // in the order of the catalogue
}

// Along is another feature that some people get or lose with the one of the draft.
type Along struct {
	Feature    feature.Feature
	Gain, Lose int
}

// samples is how many names a preview gives of each kind.
const samples = 10

// Preview judges a draft before it is saved, by the function that judges sign-ins.
// Ways that failures have turned off count as usable here: they come back.
func (s *Service) Preview(ctx context.Context, tenantID string, draft Draft) (Preview, error) {
	e, ok := feature.Find(draft.Feature)
	if !ok {
		return Preview{}, fault.New(fault.NotFound, "http.not_found")
	}
	tx := s.DB.View(ctx)
	now, err := feature.Load(tx, tenantID)
	if err != nil {
		return Preview{}, store.Unusable(err)
	}
	rule := tidy(draft.Rule)
	names, err := Names(tx, tenantID, rule)
	if err != nil {
		return Preview{}, store.Unusable(err)
	}
	if err := wrong(rule, names); err != nil {
		return Preview{}, err
	}
	running, err := s.Roles.Running(tx, tenantID)
	if err != nil {
		return Preview{}, store.Unusable(err)
	}
	p := &previewing{Preview: Preview{Needs: e.Needs}, entry: e, now: now, next: now.With(draft.Feature, rule), running: map[string]bool{}, along: make([]Along, len(feature.Catalogue))}
	for _, id := range running {
		p.running[id] = true
	}
	if p.walk, err = Over(tx, tenantID, p.now, p.next); err != nil {
		return Preview{}, store.Unusable(err)
	}
	for after := ""; ; {
		some, err := p.walk.Next(tx, after)
		if err != nil {
			return Preview{}, store.Unusable(err)
		}
		if len(some) == 0 {
			break
		}
		for i := range some {
			p.judge(&some[i])
		}
		after = some[len(some)-1].ID
	}
	p.Along = p.moved()
	p.TooFew = p.Administrators < role.AdministratorsLeast && p.Administrators < p.ableNow
	return p.Preview, nil
}

// previewing is a preview under way.
type previewing struct {
	Preview
	entry     *feature.Entry
	now, next *feature.Table
	running   map[string]bool
	ableNow   int
	walk      *Walk
	along     []Along // by the place in the catalogue
}

func (p *previewing) judge(s *Somebody) {
	before, after := p.now.Of(&s.Person), p.next.Of(&s.Person)
	had, has := before&p.entry.Bit != 0, after&p.entry.Bit != 0
	p.People++
	if before != after {
		p.Touched++
		p.follow(before, after)
	}
	if has {
		p.Have++
	}
	switch {
	case has && !had:
		p.Gain++
		p.Gaining = sample(p.Gaining, s.Name)
	case had && !has:
		p.Lose++
		p.Losing = sample(p.Losing, s.Name)
	case !has && p.next.LetsIn(p.entry, &s.Person):
		p.Lacking++
	}
	could, can := p.walk.Reaches(s, before), p.walk.Reaches(s, after)
	if could && !can {
		p.LockedOut++
		p.Shut = sample(p.Shut, s.Name)
	}
	if p.running[s.ID] && could {
		p.ableNow++
	}
	if p.running[s.ID] && can {
		p.Administrators++
	}
}

// follow counts the other features that come and go with the one of the draft.
func (p *previewing) follow(before, after feature.Set) {
	for i := range feature.Catalogue {
		e := &feature.Catalogue[i]
		switch {
		case e == p.entry || (before^after)&e.Bit == 0:
		case after&e.Bit != 0:
			p.along[i].Gain++
		default:
			p.along[i].Lose++
		}
	}
}

// moved gives those of them that move for anybody.
func (p *previewing) moved() (all []Along) {
	for i, along := range p.along {
		if along != (Along{}) {
			along.Feature = feature.Catalogue[i].Feature
			all = append(all, along)
		}
	}
	return all
}

func sample(names []string, name string) []string {
	if len(names) < samples {
		return append(names, name)
	}
	return names
}
