package insight

import (
	"time"
)

// Kept is how many days figures of days are kept.
const Kept = 400

// Day is one, in UTC: "2026-11-29".
type Day string

// DayOf gives the day of a moment.
func DayOf(at time.Time) Day { return Day(at.UTC().Format(time.DateOnly)) }

// Begin is its first moment. What is no day has the zero time.
func (d Day) Begin() time.Time {
	at, _ := time.ParseInLocation(time.DateOnly, string(d), time.UTC)
	return at
}

// Next gives the day after it.
func (d Day) Next() Day { return DayOf(d.Begin().AddDate(0, 0, 1)) }

// Last lists the last days up to a moment, the earliest first.
func Last(days int, until time.Time) (all []Day) {
	for i := days - 1; i >= 0; i-- {
		all = append(all, DayOf(until.UTC().AddDate(0, 0, -i)))
	}
	return all
}

// figures are those of one day, by subject and figure.
type figures map[[2]string]int64

// Figures of a way: of attempts, and of decisions by which a proof of it was judged.
const (
	Finished = "finished" // ended in a session by this way, alone or as the last one
	Failed   = "failed"   // ended in none, after something was wrong, declined or not answered
	Left     = "left"     // ended in none, and nothing was tried
	Passed   = "passed"
	Asked    = "asked"
	Blocked  = "blocked"
)

// Figures of a feature that is only reported, of sign-ins that it would touch: whose
// person would have it and has not, or the other way round.
const (
	Touched = "touched"
	People  = "people" // that were touched, each once a day
	LetIn   = "let_in" // would be let in, and were not at once
	AskMore = "ask_more"
	Stop    = "stop"
)

func way(name string) string { return "way:" + name }

func reported(name string) string { return "feature:" + name }
