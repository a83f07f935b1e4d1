package signals_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"latchkey/app/signals"
)

// TestWhatIsFarAboveOthers takes figures on both sides of each limit of the rule.
func TestWhatIsFarAboveOthers(t *testing.T) {
	figure := func(n, of int) signals.Count {
		return signals.Count{Given: of, Checks: of, Asked: of, Of: map[signals.Signal]int{signals.Weakest: n}}
	}
	for claim, row := range map[string]struct {
		own, peers signals.Count
		agents     int
		want       bool
	}{
		"three times the share of the others":    {figure(6, 20), figure(10, 100), 4, true},
		"a little less":                          {figure(6, 21), figure(10, 100), 4, false},
		"of a sample that is just enough":        {figure(5, 10), figure(10, 100), 4, true},
		"of a sample that is one short":          {figure(5, 9), figure(10, 100), 4, false},
		"of a figure that is one short":          {figure(4, 10), figure(0, 100), 4, false},
		"of which others have none":              {figure(5, 10), figure(0, 30), 2, true},
		"of which others have none, among few":   {figure(5, 10), figure(0, 29), 2, false},
		"beside one other":                       {figure(5, 10), figure(0, 300), 1, false},
		"beside two others":                      {figure(5, 10), figure(0, 300), 2, true},
		"as many as everybody":                   {figure(100, 100), figure(300, 300), 3, false},
		"none counts as one":                     {figure(5, 60), figure(0, 30), 2, false},
		"above others who did much of it, by 2×": {figure(40, 50), figure(120, 300), 5, false},
	} {
		flags := signals.Far(row.own, row.peers, map[signals.Signal]int{signals.Weakest: row.agents})
		if got := len(flags) == 1; got != row.want || len(flags) > 1 {
			t.Errorf("%s: flagged %+v, want %t", claim, flags, row.want)
		}
		if row.want && (flags[0].N != row.own.Of[signals.Weakest] || flags[0].Of != row.own.Given || flags[0].PeersOf != row.peers.Given || flags[0].Peers != row.agents) {
			t.Errorf("%s: it does not say on which figures: %+v", claim, flags[0])
		}
	}
	one := signals.Count{Given: 1, Of: map[signals.Signal]int{signals.Unchecked: 1}}
	if flags := signals.Far(one, signals.Count{}, nil); len(flags) != 1 || !flags[0].WithoutComparing {
		t.Errorf("one without a caller check, and no peers: %+v", flags)
	}
	held := signals.Count{Given: 100, Checks: 10, Of: map[signals.Signal]int{signals.Held: 5}}
	if flags := signals.Far(held, signals.Count{Given: 9, Checks: 90, Of: map[signals.Signal]int{signals.Held: 3}}, map[signals.Signal]int{signals.Held: 2}); len(flags) != 1 || flags[0].Of != 10 || flags[0].PeersOf != 90 {
		t.Errorf("held checks are a share of checks: %+v", flags)
	}
}

func TestWhenADeskWorks(t *testing.T) {
	days := []time.Weekday{time.Monday, time.Friday}
	day := signals.Hours{Zone: "Europe/Berlin", From: 8 * 60, Until: 16*60 + 30, Days: days}
	night := signals.Hours{Zone: "Europe/Berlin", From: 22 * 60, Until: 6 * 60, Days: days}
	for claim, row := range map[string]struct {
		hours signals.Hours
		at    string // UTC
		want  bool
	}{
		"in the morning, in winter":              {day, "2026-01-05T07:00:00Z", true},
		"an instant before":                      {day, "2026-01-05T06:59:59Z", false},
		"in the morning, in summer":              {day, "2026-07-06T06:00:00Z", true},
		"an instant before, in summer":           {day, "2026-07-06T05:59:59Z", false},
		"the last minute":                        {day, "2026-01-05T15:29:59Z", true},
		"the end is out":                         {day, "2026-01-05T15:30:00Z", false},
		"another day":                            {day, "2026-01-06T09:00:00Z", false},
		"the night of a day":                     {night, "2026-01-05T21:00:00Z", true},
		"the morning after it":                   {night, "2026-01-06T04:59:59Z", true},
		"the end of the morning after it":        {night, "2026-01-06T05:00:00Z", false},
		"the morning of the day":                 {night, "2026-01-05T03:00:00Z", false},
		"the night of Friday lasts to the next":  {night, "2026-01-10T03:00:00Z", true},
		"no hours":                               {signals.Hours{}, "2026-01-06T03:00:00Z", true},
		"a zone that this machine does not know": {signals.Hours{Zone: "Nowhere/Town", From: 60, Until: 120, Days: days}, "2026-01-06T12:00:00Z", true},
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.hours.Within(at); got != row.want {
			t.Errorf("%s: within = %t", claim, got)
		}
	}
	longer, shorter := day, day
	longer.Until, shorter.Days = 17*60, days[:1]
	for claim, row := range map[string]struct {
		next, was signals.Hours
		want      bool
	}{
		"the same": {day, day, false}, "a longer day": {longer, day, true}, "a shorter one": {day, longer, false}, "one day less": {shorter, day, false}, "one day more": {day, shorter, true},
		"none any more": {signals.Hours{}, day, true}, "the first ones": {day, signals.Hours{}, false}, "other times": {night, day, true},
	} {
		if got := row.next.Wider(row.was); got != row.want {
			t.Errorf("%s: wider = %t", claim, got)
		}
	}
	for claim, row := range map[string]struct {
		wrong signals.Hours
		field string
	}{
		"no such zone": {signals.Hours{Zone: "Mars", From: 1, Until: 2, Days: days}, "zone"}, "the zone of the machine": {signals.Hours{Zone: "Local", From: 1, Until: 2, Days: days}, "zone"},
		"no time": {signals.Hours{Zone: "UTC", From: -1, Until: 2, Days: days}, "from"}, "no length": {signals.Hours{Zone: "UTC", From: 2, Until: 2, Days: days}, "until"},
		"a day that is none": {signals.Hours{Zone: "UTC", From: 1, Until: 2, Days: []time.Weekday{9}}, "days"},
	} {
		if fields := fieldsOf(row.wrong.Wrong()); fields[row.field] == "" || len(fields) != 1 {
			t.Errorf("%s: %v", claim, fields)
		}
	}
	if got, err := signals.ReadHours(day.Text()); err != nil || got.Text() != day.Text() || !got.Set() {
		t.Errorf("hours come back as %+v, %v", got, err)
	}
	for clock, want := range map[string]int{"08:05": 485, " 23:59": 1439, "24:00": -1, "": -1, "8": -1} {
		if got := signals.Minutes(clock); got != want {
			t.Errorf("Minutes(%q) = %d", clock, got)
		}
	}
	if got := signals.Clock(485); got != "08:05" {
		t.Errorf("Clock = %s", got)
	}
}
