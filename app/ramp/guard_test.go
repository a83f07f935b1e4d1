package ramp

import (
	"math/rand/v2"
	"testing"
	"time"

	"latchkey/app/signin"
)

func TestAGuardJudgesByItsFiguresAlone(t *testing.T) {
	g := Guard{Window: time.Hour, Sample: 30, Failure: 10, Bypass: 5}
	tally := func(failed, tries, bypassed, all int) signin.Tally {
		return signin.Tally{Tries: tries, Failed: failed, SignIns: all, Bypassed: bypassed}
	}
	for claim, row := range map[string]struct {
		ring, baseline signin.Tally
		want           string
	}{
		"nothing happened":                               {tally(0, 0, 0, 0), tally(0, 0, 0, 0), ""},
		"all fail, one short of the sample":              {tally(29, 29, 0, 29), tally(0, 100, 0, 100), ""},
		"all fail, just the sample":                      {tally(30, 30, 0, 30), tally(0, 100, 0, 100), CauseFailure},
		"at the limit is within it":                      {tally(15, 100, 0, 100), tally(5, 100, 0, 100), ""},
		"one above the limit":                            {tally(16, 100, 0, 100), tally(5, 100, 0, 100), CauseFailure},
		"as many fail outside":                           {tally(50, 100, 0, 100), tally(45, 100, 0, 100), ""},
		"fewer fail than outside":                        {tally(1, 100, 0, 100), tally(90, 100, 0, 100), ""},
		"there is no baseline: the margin is the limit":  {tally(11, 100, 0, 100), tally(0, 0, 0, 0), CauseFailure},
		"no baseline, and within the margin":             {tally(10, 100, 0, 100), tally(0, 0, 0, 0), ""},
		"bypasses above their margin":                    {tally(0, 100, 6, 100), tally(0, 100, 0, 100), CauseBypass},
		"bypasses within it":                             {tally(0, 100, 5, 100), tally(0, 100, 0, 100), ""},
		"bypasses in a sample that is too small":         {tally(0, 20, 20, 29), tally(0, 100, 0, 100), ""},
		"few by the way, and enough of all for a bypass": {tally(2, 2, 10, 100), tally(0, 100, 0, 100), CauseBypass},
		"both: the failures are the cause":               {tally(50, 100, 50, 100), tally(0, 100, 0, 100), CauseFailure},
	} {
		if got := g.Judge(Figures{Ring: row.ring, Baseline: row.baseline}); got != row.want {
			t.Errorf("%s: %q, want %q", claim, got, row.want)
		}
	}
}

// TestNoGuardFiresUnderItsLeastSample draws guards and figures.
func TestNoGuardFiresUnderItsLeastSample(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tally := func(most int) signin.Tally {
		all := r.IntN(most)
		tries := r.IntN(all + 1)
		return signin.Tally{Tries: tries, Failed: r.IntN(tries + 1), SignIns: all, Bypassed: r.IntN(all + 1)}
	}
	fired := 0
	for range 200_000 {
		g := Guard{Sample: SampleLeast + r.IntN(SampleMost-SampleLeast), Failure: MarginLeast + r.IntN(MarginMost), Bypass: MarginLeast + r.IntN(MarginMost)}
		f := Figures{Ring: tally(2 * g.Sample), Baseline: tally(3 * SampleMost)}
		cause := g.Judge(f)
		if cause != "" {
			fired++
		}
		if cause == CauseFailure && f.Ring.Tries < g.Sample || cause == CauseBypass && f.Ring.SignIns < g.Sample {
			t.Fatalf("%+v fires for %s on %+v", g, cause, f)
		}
		// More failures, and nothing else, never make it content again.
		if cause == CauseFailure && f.Ring.Failed < f.Ring.Tries {
			f.Ring.Failed++
			if g.Judge(f) != CauseFailure {
				t.Fatalf("%+v is content when one more fails: %+v", g, f)
			}
		}
	}
	if fired < 1000 {
		t.Errorf("%d of 200,000 fired: this proves little", fired)
	}
}

func TestWhatARingIsComparedWith(t *testing.T) {
	g := Guard{Sample: 30}
	enough, few, none := signin.Tally{Tries: 30, SignIns: 30}, signin.Tally{Tries: 29, SignIns: 29}, signin.Tally{}
	for claim, row := range map[string]struct {
		others, day signin.Tally
		want        string
		sample      int
	}{
		"people who are not in it, when they are enough": {enough, enough, ByOthers, 30},
		"the day before, when everybody is in":           {none, enough, ByDay, 30},
		"the day before, when few are not":               {few, enough, ByDay, 30},
		"both, when neither is enough":                   {few, few, ByBoth, 58},
		"nothing":                                        {none, none, ByNone, 0},
	} {
		if got, by := g.Baseline(row.others, row.day); by != row.want || got.Tries != row.sample {
			t.Errorf("%s: %s of %d, want %s of %d", claim, by, got.Tries, row.want, row.sample)
		}
	}
}

func TestWorkingHoursAreThoseOfTheirZone(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	berlin := Hours{Working: true, Zone: "Europe/Berlin"}
	for moment, want := range map[string]bool{
		"2026-11-30T07:59:00Z": false, // Monday, one minute to nine in Berlin
		"2026-11-30T08:00:00Z": true,
		"2026-11-30T14:59:59Z": true,
		"2026-11-30T15:00:00Z": false,
		"2026-11-28T10:00:00Z": false, // Saturday
		"2026-07-06T07:00:00Z": true,  // Monday in summer
		"2026-07-03T22:30:00Z": false, // Saturday already
	} {
		if got := berlin.open(at(moment)); got != want {
			t.Errorf("at %s open = %t", moment, got)
		}
	}
	if next := berlin.Next(at("2026-11-27T18:00:00Z")); !next.Equal(at("2026-11-30T08:00:00Z")) {
		t.Errorf("after Friday evening comes %s", next)
	}
	if always := (Hours{}); !always.open(at("2026-11-28T03:00:00Z")) {
		t.Error("at any time is not at night")
	}
	if (Hours{Working: true, Zone: "Nowhere/Land"}).open(at("2026-11-30T08:00:00Z")) {
		t.Error("a zone that is none is open")
	}
}
