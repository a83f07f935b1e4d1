package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Rollouts is every feature, and how far it is open.
type Rollouts struct {
	Insights string // where it is shown how it goes
	Lines    []RolloutLine
}

// RolloutLine is one feature of the list.
type RolloutLine struct {
	Title, Text, Href string
	Stage, Tone       string
	UnderWay          string // what changes it by itself, in a few words; empty: nothing
	UnderWayTone      string
	ChangedAt         time.Time // zero: never
}

// Rollout is one feature: its rule in a form, what a draft would do, how it came about.
type Rollout struct {
	Title, Text string
	Back        string
	Action      string
	Explain     string
	Now         string // the rule in force, in words
	Released    bool   // by the platform
	Loosening   string // when a second person is asked; empty: never
	Needs       []string
	Version     string

	Stages           component.Choices
	Percentage       component.Field
	Include, Exclude component.Choices
	Starts, Ends     component.Field
	Schedule         *Schedule // nil: nothing waits for its time
	Reason           string
	Errors           map[string]string
	Problems         []component.Problem

	Preview   *RolloutPreview // nil: none was asked for
	Report    *RolloutReport  // nil: it was not only reported lately
	Lacks     *Lacks          // nil: no replay has to stand first
	MayReplay bool
	Ramp      Ramp
	Campaign  string // where those who are asked are looked after; empty: it is another feature
	History   []RolloutVersion
}

// RolloutPreview is what a draft would do.
type RolloutPreview struct {
	People  int
	Touched int // of them: for whom anything changes
	Lines   []RolloutCount
	Shut    bool // somebody would be locked out
	TooFew  bool // too few administrators would be left
}

// RolloutReport is what the feature would have changed while it was only reported.
type RolloutReport struct {
	Chart   component.Chart
	Text    string
	AsOf    time.Time // zero: not counted yet
	Samples []RolloutSample
}

// RolloutSample is somebody whose sign-in it would have touched.
type RolloutSample struct {
	Name, Href, Effect string
	Tone               string // of the effect
	At                 time.Time
}

// Lacks says that a replay of a draft has to stand before it is saved.
type Lacks struct {
	Text    string
	Running string // where the report of one grows; empty: none is running
}

// RolloutCount is a number of people, and some of their names.
type RolloutCount struct {
	Label string
	N     int
	Names string // some of them
	More  int
}

// RolloutVersion is one of before.
type RolloutVersion struct {
	Title, By, Approved, Reason string
	At                          time.Time
	Ticket                      component.TicketRef
	Before, After               string
	Restore                     string // where it is looked at once more; empty: it is in force
}

// Explanation is why a person has a feature, or not.
type Explanation struct {
	Feature, Back, Action string
	User                  component.Field
	Name, Href            string // empty while nobody was asked about
	Has                   bool
	Conditions            []Condition
}

// Condition is one line of it.
type Condition struct {
	Met  bool
	Text string
}

// Schedule is the change of a feature that waits for its time.
type Schedule struct {
	Text   string // what will be, in a sentence that goes on with the time
	At     time.Time
	EndsAt time.Time // when it goes back; zero: never, or At says so
	By     string
	Reason string
	Action string // that takes it back
	Cancel string // what happens then
	Typed  string
	Error  string
	Open   bool
}

func (v Schedule) confirm(ctx context.Context, csrf string) component.Confirm {
	say := words.Say(ctx, "rollout.schedule.cancel")
	return component.Confirm{
		ID: "unschedule", Trigger: say, Title: words.Say(ctx, "rollout.schedule.cancel.title"), Text: v.Cancel, Action: v.Action, CSRF: csrf, Button: say, Danger: true, Loud: true, Open: v.Open,
	}
}
