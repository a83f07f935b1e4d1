package trail

import (
	"slices"
	"time"
)

// Range is a time that ends now, however late it is.
type Range struct {
	Name string // add, never rename: views are kept with it
	Back time.Duration
}

// Ranges are those that are offered, the shortest first.
var Ranges = []Range{{"hour", time.Hour}, {"day", 24 * time.Hour}, {"week", 7 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}}

// RangeNamed gives a range by its name.
func RangeNamed(name string) (Range, bool) {
	i := slices.IndexFunc(Ranges, func(r Range) bool { return r.Name == name })
	if i < 0 {
		return Range{}, false
	}
	return Ranges[i], true
}

// From is where a range begins: the same for whoever asks again soon.
func (r Range) From(now time.Time) time.Time { return now.Add(-r.Back).Truncate(10 * time.Minute) }
