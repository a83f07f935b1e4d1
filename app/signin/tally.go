package signin

import (
	"strconv"
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

// Limits of a tally. Sign-ins are gone through from the newest on, until tallyMost were
// found that are asked for, of tallyLook at most: a share of 5,000 is off by a percent at
// most, and no tenant is so large that it waits for its tally.
const (
	tallyMost = 5_000
	tallyLook = 20_000
)

// Attempts are kept for two days, and a tally is of one.
const talliedDay = 24 * time.Hour

// Tallies counts the sign-ins of a tenant that were begun since a moment and are
// settled by now: those of people who have the feature now, and those of all others,
// each by itself, so that the few are not lost among the many. Where a feature is for
// the members of groups alone theirs are all that is gone through.
//
// What opens a way is judged by those who were on that way when the sign-in ended;
// people who have it not cannot be, so all of theirs count. Who gave a way up and came
// in by another is counted with that one: nobody was shut out.
func Tallies(tx *store.Tx, tenantID string, f feature.Feature, since time.Time) (have, others Tally, err error) {
	e, ok := feature.Find(f)
	if !ok {
		return have, others, nil
	}
	if day := tx.Now.Add(-talliedDay); since.Before(day) {
		since = day
	}
	table, err := feature.Load(tx, tenantID)
	if err != nil {
		return have, others, err
	}
	among := which{}
	if table.Rule(f).Stage == feature.Pilot {
		among = which{" AND " + feature.Included(f, "user_id"), []any{tenantID}}
	}
	if have, err = tally(tx, tenantID, since, among, feature.With(f), nameOf(e.Way)); err == nil && !table.Everybody(e) {
		others, err = tally(tx, tenantID, since, which{}, "NOT "+feature.With(f), "")
	}
	return have, others, err
}

// tally counts the sign-ins of users u in their tenant t for whom a condition holds; tries
// are those by a way, or all. More asks for some of the sign-ins alone.
func tally(tx *store.Tx, tenantID string, since time.Time, more which, condition, way string) (found Tally, err error) {
	_, err = tx.One(&found, `SELECT count(CASE WHEN tried THEN 1 END) AS tries, count(CASE WHEN tried AND state <> 'finished' THEN 1 END) AS failed, count(*) AS sign_ins,
			count(CASE WHEN state = 'finished' AND (way = 'bypass' OR ',' || proved || ',' LIKE '%,bypass,%') THEN 1 END) AS bypassed
		FROM (SELECT ? IN ('', a.way) AS tried, a.way, a.proved, a.state
			FROM (SELECT user_id, way, proved, state, created_at FROM attempts WHERE tenant_id = ? AND purpose = 'sign_in' AND user_id <> '' AND created_at >= ? AND created_at <= ?`+more.that+`
				ORDER BY created_at DESC LIMIT `+strconv.Itoa(tallyLook)+`) a
			JOIN users u ON u.tenant_id = ? AND u.id = a.user_id JOIN tenants t ON t.id = u.tenant_id
			WHERE `+condition+` ORDER BY a.created_at DESC LIMIT `+strconv.Itoa(tallyMost)+`) counted`,
		append(append([]any{way, tenantID, since, tx.Now.Add(-SettledAfter)}, more.of...), tenantID)...)
	return found, err
}

// which is a condition with its values.
type which struct {
	that string
	of   []any
}

func nameOf(bound user.Ways) string {
	for _, w := range ways {
		if w.bound == bound {
			return string(w.way)
		}
	}
	return ""
}
