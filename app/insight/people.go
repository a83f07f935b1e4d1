package insight

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/rollout"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Lately is how long ago a way may have been used to count as in use.
const Lately = 30 * 24 * time.Hour

// Crowd is what was found of the people of a tenant who are active.
type Crowd struct {
	People   int                                            `json:"people"`
	Features map[feature.Feature]map[feature.Ring]*Adoption `json:"features"`
	Funnel   Funnel                                         `json:"funnel"`
	Risks    map[Risk]*AtRisk                               `json:"risks"`
}

// Adoption is how far a feature has come in one ring.
type Adoption struct {
	People int `json:"people"`
	May    int `json:"may"`   // have the feature, by the rules
	Bound  int `json:"bound"` // of those, have its way bound; of features with a way alone
	Used   int `json:"used"`  // of those, used it lately
}

// Funnel is how far people came from having phone sign-in to using it.
type Funnel struct {
	May    int `json:"may"`
	Phone  int `json:"phone"`   // have a phone
	On     int `json:"on"`      // and turned phone sign-in on
	SignIn int `json:"sign_in"` // and signed in by it at least once
}

// Risk is why somebody may be left without a way in. Add, never rename.
type Risk string

const (
	NoWay       Risk = "no_way"      // nothing that they have leads in
	OneWay      Risk = "one_way"     // one way alone, without which they are out
	Weak        Risk = "weak"        // nothing stronger than a password or a code by message
	Administers Risk = "administers" // an administrator with one way alone, or none
)

// Risks are all of them, the worst first.
var Risks = []Risk{NoWay, Administers, OneWay, Weak}

// AtRisk is how many people are at a risk, and who some of them are.
type AtRisk struct {
	Count int   `json:"count"`
	Some  []Who `json:"some,omitempty"`
}

// Who is one of them.
type Who struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// strong are the ways that are more than something known, or a message to a number.
const strong = user.WithPhone | user.WithPasskey | user.WithTOTP | user.WithPrintedCode

// people counts everybody who is active in a tenant, by the rules that hold.
func (s *Service) people(ctx context.Context, tenantID string) (string, error) {
	tx := s.DB.View(ctx)
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return "", store.Unusable(err)
	}
	walk, err := rollout.Over(tx, tenantID, table)
	if err != nil {
		return "", store.Unusable(err)
	}
	holders, err := s.Rules.StandingsIn(tx, tenantID)
	if err != nil {
		return "", store.Unusable(err)
	}
	c := &crowd{table: table, walk: walk, administer: map[string]bool{}}
	c.Features, c.Risks = map[feature.Feature]map[feature.Ring]*Adoption{}, map[Risk]*AtRisk{}
	for _, h := range holders {
		if h.Rank >= access.AdministratorRank {
			c.administer[h.UserID] = true
		}
	}
	for i := range feature.Catalogue {
		c.rings = append(c.rings, map[feature.Ring]*Adoption{})
		c.Features[feature.Catalogue[i].Feature] = c.rings[i]
	}
	for _, r := range Risks {
		c.Risks[r] = &AtRisk{}
	}
	since := tx.Now.Add(-Lately)
	for after := ""; ctx.Err() == nil; {
		some, err := walk.Next(tx, after)
		if err != nil {
			return "", store.Unusable(err)
		}
		if len(some) == 0 {
			break
		}
		last := some[len(some)-1].ID
		if err := c.facts(tx, tenantID, after, last, since); err != nil {
			return "", store.Unusable(err)
		}
		for i := range some {
			c.count(&some[i])
		}
		after = last
	}
	text, err := json.Marshal(c.Crowd)
	if err == nil {
		err = ctx.Err()
	}
	return string(text), err
}

// crowd is a count under way.
type crowd struct {
	Crowd
	table      *feature.Table
	walk       *rollout.Walk
	rings      []map[feature.Ring]*Adoption // by the place in the catalogue
	administer map[string]bool

	// Of the people who are counted next.
	lately, ever map[string]user.Ways // that they used
	phones       map[string]bool      // who have one
}

// facts reads what is asked of people after an id up to another one besides the rules.
func (c *crowd) facts(tx *store.Tx, tenantID, after, last string, since time.Time) error {
	c.lately, c.ever, c.phones = map[string]user.Ways{}, map[string]user.Ways{}, map[string]bool{}
	err := tx.Each("SELECT user_id, way, CASE WHEN last_at >= ? THEN 1 ELSE 0 END FROM way_uses WHERE tenant_id = ? AND user_id > ? AND user_id <= ?", func(scan func(...any) error) error {
		var id string
		var way user.Ways
		var lately int
		err := scan(&id, &way, &lately)
		c.ever[id] |= way
		if lately == 1 {
			c.lately[id] |= way
		}
		return err
	}, since, tenantID, after, last)
	if err != nil {
		return err
	}
	return tx.Each("SELECT user_id FROM devices WHERE tenant_id = ? AND user_id > ? AND user_id <= ? AND state = 'active'", func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		c.phones[id] = true
		return err
	}, tenantID, after, last)
}

// count counts one person.
func (c *crowd) count(s *rollout.Somebody) {
	c.People++
	has := c.table.Of(&s.Person)
	for i := range feature.Catalogue {
		e := &feature.Catalogue[i]
		ring := c.table.RingOf(e, &s.Person)
		a := c.rings[i][ring]
		if a == nil {
			a = &Adoption{}
			c.rings[i][ring] = a
		}
		a.People++
		if has&e.Bit == 0 {
			continue
		}
		a.May++
		way := wayOf(e)
		if way == 0 || !s.Ways.Has(way) {
			continue
		}
		a.Bound++
		if c.lately[s.ID].Has(way) {
			a.Used++
		}
	}
	if has.Has(feature.PhoneSignIn) {
		c.Funnel.May++
		on := s.Ways.Has(user.WithPhone)
		if c.phones[s.ID] || on {
			c.Funnel.Phone++
		}
		if on {
			c.Funnel.On++
			if c.ever[s.ID].Has(user.WithPhone) {
				c.Funnel.SignIn++
			}
		}
	}
	usable, reaches := c.walk.By(s, has.Ways(), 0)
	switch {
	case !reaches:
		c.risk(NoWay, s)
	case usable&(usable-1) == 0:
		c.risk(OneWay, s)
	}
	if usable != 0 && !usable.Has(strong) {
		c.risk(Weak, s)
	}
	if c.administer[s.ID] && usable&(usable-1) == 0 {
		c.risk(Administers, s)
	}
}

// wayOf gives the ways by which a feature is used; 0 of one that is no way.
func wayOf(e *feature.Entry) user.Ways {
	if e.Feature == feature.BackupPhones {
		return user.WithBackupPhone
	}
	return e.Way
}

// HasWay says whether a feature is one that is bound and used.
func HasWay(f feature.Feature) bool {
	e, ok := feature.Find(f)
	return ok && wayOf(e) != 0
}

func (c *crowd) risk(r Risk, s *rollout.Somebody) {
	at := c.Risks[r]
	at.Count++
	if len(at.Some) < samples {
		at.Some = append(at.Some, Who{ID: s.ID, Name: s.Name})
	}
}
