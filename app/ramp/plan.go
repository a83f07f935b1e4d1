package ramp

import (
	"fmt"
	"strconv"
	"time"

	"latchkey/app/fault"
	"latchkey/app/feature"
)

// Limits of a ramp.
const (
	StepsMost   = 6
	StayMost    = 30 * 24 * time.Hour // of one step
	WindowLeast = 15 * time.Minute
	WindowMost  = 12 * time.Hour
	SampleLeast = 10 // sign-ins that a guard judges by
	SampleMost  = 2_000
	MarginLeast = 1 // percent
	MarginMost  = 90
)

// Step is a rule, and what must be before the next one is taken.
type Step struct {
	Rule   feature.Rule  `json:"rule"`
	Stay   time.Duration `json:"stay"`             // that it holds at least; of the last step: that it is watched
	Sample int           `json:"sample,omitempty"` // sign-ins in it of people who have the feature, at least
}

// Guard is when a ramp is halted.
type Guard struct {
	Window  time.Duration `json:"window"`
	Sample  int           `json:"sample"`  // sign-ins, at least
	Failure int           `json:"failure"` // points of a percent above the baseline
	Bypass  int           `json:"bypass"`  // likewise
}

// Hours are when steps may be taken: at any time, or Monday to Friday from nine to four
// in a zone, while there is somebody to help.
type Hours struct {
	Working bool   `json:"working,omitempty"`
	Zone    string `json:"zone,omitempty"` // as in the IANA database
}

// Working hours of Hours: from, until, of the clock of its zone.
const (
	workFrom  = 9
	workUntil = 16
)

// Plan is a ramp as it was approved.
type Plan struct {
	Steps []Step `json:"steps"`
	Guard Guard  `json:"guard"`
	Hours Hours  `json:"hours"`
}

// Proposed is what a form begins with: the pilot groups, then 5, 25 and 100 percent.
func Proposed(groups []string) Plan {
	share := func(percent int) feature.Rule {
		return feature.Rule{Stage: feature.Percentage, Share: percent, Include: groups}
	}
	return Plan{
		Steps: []Step{
			{Rule: feature.Rule{Stage: feature.Pilot, Include: groups}, Stay: 24 * time.Hour, Sample: 20},
			{Rule: share(5), Stay: 24 * time.Hour, Sample: 50},
			{Rule: share(25), Stay: 48 * time.Hour, Sample: 100},
			{Rule: share(100), Stay: 24 * time.Hour},
		},
		Guard: Guard{Window: time.Hour, Sample: 30, Failure: 10, Bypass: 5},
		Hours: Hours{Zone: "UTC"},
	}
}

// open says whether a step may be taken at a moment.
func (h Hours) open(now time.Time) bool {
	return !h.Working || opens(now, h.zone())
}

// zone gives the zone of working hours, or nil where it is not known: it was checked, and
// a machine without zones takes no chances.
func (h Hours) zone() *time.Location {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return nil
	}
	return zone
}

func opens(at time.Time, zone *time.Location) bool {
	if zone == nil {
		return false
	}
	there := at.In(zone)
	return there.Weekday() != time.Saturday && there.Weekday() != time.Sunday && there.Hour() >= workFrom && there.Hour() < workUntil
}

// Next gives the first moment, not before one, at which a step may be taken.
func (h Hours) Next(from time.Time) time.Time {
	if !h.Working {
		return from
	}
	zone := h.zone()
	for at := from; at.Before(from.Add(8 * 24 * time.Hour)); at = at.Truncate(15 * time.Minute).Add(15 * time.Minute) {
		if opens(at, zone) {
			return at
		}
	}
	return from
}

// check says what of a plan cannot be, beside its rules: fields are named by the number
// of their step, from 1.
func (p Plan) check() error {
	fields := map[string]string{}
	if len(p.Steps) == 0 || len(p.Steps) > StepsMost {
		fields["stage_1"] = "ramp.steps"
	}
	for i, s := range p.Steps {
		n := strconv.Itoa(i + 1)
		if s.Stay < p.Guard.Window || s.Stay > StayMost || s.Stay%time.Minute != 0 {
			fields["hours_"+n] = "ramp.stay"
		}
		if s.Sample < 0 || s.Sample > SampleMost {
			fields["sample_"+n] = "ramp.step_sample"
		}
	}
	if p.Guard.Window < WindowLeast || p.Guard.Window > WindowMost || p.Guard.Window%time.Minute != 0 {
		fields["window"] = "ramp.window"
	}
	if p.Guard.Sample < SampleLeast || p.Guard.Sample > SampleMost {
		fields["sample"] = "ramp.sample"
	}
	if p.Guard.Failure < MarginLeast || p.Guard.Failure > MarginMost {
		fields["failure"] = "ramp.failure"
	}
	if p.Guard.Bypass < MarginLeast || p.Guard.Bypass > MarginMost {
		fields["bypass"] = "ramp.bypass"
	}
	if p.Hours.Working {
		if _, err := time.LoadLocation(p.Hours.Zone); err != nil || p.Hours.Zone == "" || p.Hours.Zone == "Local" {
			fields["zone"] = "ramp.zone"
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return fault.Wrong("form.wrong", fields)
}

// terms are what is approved of a step beside its rule, in a form that pages turn into
// words: minutes and sign-ins.
func (s Step) terms(i int) string {
	return fmt.Sprintf("%d|%d|%d", i+1, s.Stay/time.Minute, s.Sample)
}

// terms of a guard: window in minutes, sample, margins.
func (g Guard) terms() string {
	return fmt.Sprintf("%d|%d|%d|%d", g.Window/time.Minute, g.Sample, g.Failure, g.Bypass)
}

// terms of hours: the zone of working hours, or always.
func (h Hours) terms() string {
	if !h.Working {
		return "always"
	}
	return h.Zone
}
