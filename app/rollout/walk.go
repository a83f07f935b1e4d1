package rollout

import (
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/user"
)

// walkStep is how many people a walk reads at a time.
const walkStep = 20_000

// Somebody is a person who is active, with what rules ask of them.
type Somebody struct {
	ID, Name, MFA string
	Ways          user.Ways // that they have
	Limited       user.Ways // that are for groups which they are in none of
	Person        feature.Person
}

// Walk goes over everybody who is active in a tenant, some at a time. Of their groups it
// knows those that the rules speak of which it was made for.
type Walk struct {
	tenantID string
	off      method.Off // that nobody in the tenant may use
	limited  string     // the column that says what is limited for each
	carried  user.Ways  // that somebody carries
	groups   []string   // that some rule speaks of
	chosen   bool       // some feature is for people to choose
}

// Over begins a walk for rules.
func Over(tx *store.Tx, tenantID string, tables ...*feature.Table) (*Walk, error) {
	var row struct {
		method.Off
		LimitedWays user.Ways
	}
	if _, err := tx.One(&row, "SELECT no_sign_in, no_second, no_recovery, limited_ways FROM tenants WHERE id = ?", tenantID); err != nil {
		return nil, err
	}
	w := &Walk{tenantID: tenantID, off: row.Off, limited: "0"}
	if row.LimitedWays != 0 {
		w.limited = method.Limited
	}
	seen := map[string]bool{}
	for _, table := range tables {
		for _, r := range table.Rules {
			w.chosen = w.chosen || r.Stage == feature.UsersChoice
			for _, g := range append(append([]string(nil), r.Include...), r.Exclude...) {
				if !seen[g] {
					seen[g], w.groups = true, append(w.groups, g)
				}
			}
		}
	}
	var err error
	w.carried, err = signin.Carried(tx, tenantID)
	return w, err
}

// Next gives the next people after an id, in the order of their ids; none when there are
// no more.
func (w *Walk) Next(tx *store.Tx, after string) ([]Somebody, error) {
	people := make([]Somebody, 0, walkStep)
	err := tx.Each("SELECT u.id, u.name, u.mfa_state, u.ways, u.seed, "+w.limited+` FROM users u JOIN tenants t ON t.id = u.tenant_id
		WHERE u.tenant_id = ? AND u.id > ? AND u.state = 'active' AND u.name <> '' AND NOT u.break_glass ORDER BY u.id LIMIT ?`, func(scan func(...any) error) error {
		var s Somebody
		err := scan(&s.ID, &s.Name, &s.MFA, &s.Ways, &s.Person.Seed, &s.Limited)
		people = append(people, s)
		return err
	}, w.tenantID, after, walkStep)
	if err != nil || len(people) == 0 {
		return nil, err
	}
	last := people[len(people)-1].ID
	in := map[string][]string{}
	if len(w.groups) > 0 {
		if err := tx.Each("SELECT user_id, group_id FROM group_members WHERE tenant_id = ? AND group_id IN ? AND user_id > ? AND user_id <= ?", func(scan func(...any) error) error {
			var id, group string
			err := scan(&id, &group)
			in[id] = append(in[id], group)
			return err
		}, w.tenantID, w.groups, after, last); err != nil {
			return nil, err
		}
	}
	chosen := map[string]feature.Set{}
	if w.chosen {
		if err := tx.Each("SELECT user_id, feature FROM rollout_choices WHERE tenant_id = ? AND user_id > ? AND user_id <= ?", func(scan func(...any) error) error {
			var id, name string
			err := scan(&id, &name)
			if e, ok := feature.Find(feature.Feature(name)); ok {
				chosen[id] |= e.Bit
			}
			return err
		}, w.tenantID, after, last); err != nil {
			return nil, err
		}
	}
	for i := range people {
		s := &people[i]
		s.Person.Groups, s.Person.Chosen = in[s.ID], chosen[s.ID]
	}
	return people, nil
}

// Reaches says whether a person who has these features gets in. Ways that failures have
// turned off count as usable here: they come back.
func (w *Walk) Reaches(s *Somebody, has feature.Set) bool {
	_, reaches := w.By(s, has.Ways(), 0)
	return reaches
}

// By says whether a person gets in who has these ways by features, when some ways cannot
// be carried, and which of theirs take part in it.
func (w *Walk) By(s *Somebody, open, without user.Ways) (usable user.Ways, reaches bool) {
	closed, carried := s.Limited|feature.All.Ways()&^open, s.Ways&w.carried&^without
	off := method.Off{NoSignIn: w.off.NoSignIn | closed, NoSecond: w.off.NoSecond | closed, NoRecovery: w.off.NoRecovery | closed}
	return carried &^ (off.NoSignIn & off.NoSecond), signin.Reaches(s.MFA, s.Ways, carried, off)
}
