package rollout

import (
	"context"

	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/role"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/user"
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
}

// samples is how many names a preview gives of each kind, and chunk how many people
// it reads at a time.
const (
	samples = 10
	chunk   = 20_000
)

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
	names, err := namesOf(tx, tenantID, rule)
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
	p := &previewing{Preview: Preview{Needs: e.Needs}, entry: e, now: now, next: now.With(draft.Feature, rule), running: map[string]bool{}}
	for _, id := range running {
		p.running[id] = true
	}
	if err := p.prepare(tx, tenantID); err != nil {
		return Preview{}, store.Unusable(err)
	}
	for after := ""; ; {
		last, err := p.some(tx, tenantID, after)
		if err != nil {
			return Preview{}, store.Unusable(err)
		}
		if last == "" {
			break
		}
		after = last
	}
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

	off     method.Off // that nobody in the tenant may use
	limited string     // the column that says what is limited for each
	carried user.Ways  // that somebody carries
	groups  []string   // that some rule speaks of
	chosen  bool       // some feature is for people to choose
	rules   [2]feature.Rule
}

func (p *previewing) prepare(tx *store.Tx, tenantID string) error {
	var row struct {
		method.Off
		LimitedWays user.Ways
	}
	if _, err := tx.One(&row, "SELECT no_sign_in, no_second, no_recovery, limited_ways FROM tenants WHERE id = ?", tenantID); err != nil {
		return err
	}
	p.off, p.limited = row.Off, "0"
	if row.LimitedWays != 0 {
		p.limited = method.Limited
	}
	seen := map[string]bool{}
	for _, table := range []*feature.Table{p.now, p.next} {
		for _, r := range table.Rules {
			p.chosen = p.chosen || r.Stage == feature.UsersChoice
			for _, g := range append(append([]string(nil), r.Include...), r.Exclude...) {
				if !seen[g] {
					seen[g], p.groups = true, append(p.groups, g)
				}
			}
		}
	}
	var err error
	p.carried, err = signin.Carried(tx, tenantID)
	return err
}

// some judges the next people after an id, and gives the id of the last; empty when
// there was nobody.
func (p *previewing) some(tx *store.Tx, tenantID, after string) (last string, err error) {
	type row struct {
		id, name, mfa string
		ways, limited user.Ways
		seed          int64
	}
	people := make([]row, 0, chunk)
	err = tx.Each("SELECT u.id, u.name, u.mfa_state, u.ways, u.seed, "+p.limited+` FROM users u JOIN tenants t ON t.id = u.tenant_id
		WHERE u.tenant_id = ? AND u.id > ? AND u.state = 'active' AND u.name <> '' ORDER BY u.id LIMIT ?`, func(scan func(...any) error) error {
		var r row
		err := scan(&r.id, &r.name, &r.mfa, &r.ways, &r.seed, &r.limited)
		people = append(people, r)
		return err
	}, tenantID, after, chunk)
	if err != nil || len(people) == 0 {
		return "", err
	}
	last = people[len(people)-1].id
	in := map[string][]string{}
	if len(p.groups) > 0 {
		if err := tx.Each("SELECT user_id, group_id FROM group_members WHERE tenant_id = ? AND group_id IN ? AND user_id > ? AND user_id <= ?", func(scan func(...any) error) error {
			var id, group string
			err := scan(&id, &group)
			in[id] = append(in[id], group)
			return err
		}, tenantID, p.groups, after, last); err != nil {
			return "", err
		}
	}
	chosen := map[string]feature.Set{}
	if p.chosen {
		if err := tx.Each("SELECT user_id, feature FROM rollout_choices WHERE tenant_id = ? AND user_id > ? AND user_id <= ?", func(scan func(...any) error) error {
			var id, name string
			err := scan(&id, &name)
			if e, ok := feature.Find(feature.Feature(name)); ok {
				chosen[id] |= e.Bit
			}
			return err
		}, tenantID, after, last); err != nil {
			return "", err
		}
	}
	for _, r := range people {
		p.judge(r.id, r.name, r.mfa, r.ways, r.limited, &feature.Person{Seed: r.seed, Groups: in[r.id], Chosen: chosen[r.id]})
	}
	return last, nil
}

func (p *previewing) judge(id, name, mfa string, bound, limited user.Ways, person *feature.Person) {
	before, after := p.now.Of(person), p.next.Of(person)
	had, has := before&p.entry.Bit != 0, after&p.entry.Bit != 0
	p.People++
	if has {
		p.Have++
	}
	switch {
	case has && !had:
		p.Gain++
		p.Gaining = sample(p.Gaining, name)
	case had && !has:
		p.Lose++
		p.Losing = sample(p.Losing, name)
	case !has && p.next.LetsIn(p.entry, person):
		p.Lacking++
	}
	could, can := p.reaches(mfa, bound, limited, before), p.reaches(mfa, bound, limited, after)
	if could && !can {
		p.LockedOut++
		p.Shut = sample(p.Shut, name)
	}
	if p.running[id] && could {
		p.ableNow++
	}
	if p.running[id] && can {
		p.Administrators++
	}
}

func (p *previewing) reaches(mfa string, bound, limited user.Ways, has feature.Set) bool {
	closed := limited | feature.All.Ways()&^has.Ways()
	return signin.Reaches(mfa, bound, bound&p.carried, method.Off{NoSignIn: p.off.NoSignIn | closed, NoSecond: p.off.NoSecond | closed, NoRecovery: p.off.NoRecovery | closed})
}

func sample(names []string, name string) []string {
	if len(names) < samples {
		return append(names, name)
	}
	return names
}
