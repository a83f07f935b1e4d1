package signin

import (
	"time"

	"latchkey/app/feature"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Tally is what became of sign-ins that were begun: of those by the way of a feature
// how many came to nothing, and of all how many took a bypass.
type Tally struct {
	Tries    int `json:"tries"` // by the way that the feature opens; where it opens none, all
	Failed   int `json:"failed"`
	SignIns  int `json:"sign_ins"` // by any way, finished or not
	Bypassed int `json:"bypassed"`
}

// Add gives the sum of two.
func (t Tally) Add(other Tally) Tally {
	return Tally{t.Tries + other.Tries, t.Failed + other.Failed, t.SignIns + other.SignIns, t.Bypassed + other.Bypassed}
}

// SettledAfter is how long a sign-in is left alone before it counts. One that is not
// finished by then has come to nothing, as far as a tally can say: who finishes it
// later has it counted for them from then on.
const SettledAfter = 5 * time.Minute

// tallyMost is how many sign-ins a tally looks at, the newest. A share of as many is
// off by a percent at most, and no tenant is so large that it waits for its tally.
const tallyMost = 5_000

// Attempts are kept for two days, and a tally is of one.
const talliedDay = 24 * time.Hour

// Tallies counts the sign-ins of a tenant that were begun since a moment and are
// settled by now: those of people who have the feature now, and those of all others.
// It reads the newest of that time by their index.
//
// What opens a way is judged by those who were on that way when the sign-in ended;
// people who have it not cannot be, so all of theirs count. Who gave a way up and came
// in by another is counted with that one: nobody was shut out.
func Tallies(tx *store.Tx, tenantID string, f feature.Feature, since time.Time) (have, others Tally, err error) {
	var rows []struct {
		Has bool
		Tally
	}
	if day := tx.Now.Add(-talliedDay); since.Before(day) {
		since = day
	}
	e, ok := feature.Find(f)
	if !ok {
		return have, others, nil
	}
	way := nameOf(e.Way)
	err = tx.All(&rows, `SELECT has, sum(CASE WHEN NOT has OR ? = '' OR way = ? THEN 1 ELSE 0 END) AS tries,
			sum(CASE WHEN state <> 'finished' AND (NOT has OR ? = '' OR way = ?) THEN 1 ELSE 0 END) AS failed, count(*) AS sign_ins,
			sum(CASE WHEN state = 'finished' AND (way = 'bypass' OR ',' || proved || ',' LIKE '%,bypass,%') THEN 1 ELSE 0 END) AS bypassed
		FROM (SELECT `+feature.With(f)+` AS has, a.way, a.proved, a.state
			FROM (SELECT user_id, way, proved, state FROM attempts WHERE tenant_id = ? AND purpose = 'sign_in' AND user_id <> '' AND created_at >= ? AND created_at <= ?
				ORDER BY created_at DESC LIMIT ?) a
			JOIN users u ON u.tenant_id = ? AND u.id = a.user_id JOIN tenants t ON t.id = u.tenant_id) judged GROUP BY has`,
		way, way, way, way, tenantID, since, tx.Now.Add(-SettledAfter), tallyMost, tenantID)
	for _, r := range rows {
		if r.Has {
			have = r.Tally
		} else {
			others = r.Tally
		}
	}
	return have, others, err
}

func nameOf(bound user.Ways) string {
	for _, w := range ways {
		if w.bound == bound {
			return string(w.way)
		}
	}
	return ""
}
