package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Ramp is how a feature opens step by step, on its page.
type Ramp struct {
	Base   string // of its addresses
	Begin  string // where one is begun, or changed; empty: not now
	There  bool   // there is one, or was
	State  string // in words
	Tone   string
	Halted string // why, in a sentence; empty: it is not
	Note   string // what was said by who acted on it last, in a sentence
	Steps  []RampStep
	Waits  []Condition // for the next step
	Guard  []RampFigures
	Based  string // what the ring is compared with

	Next                         string // number of the step that may be taken early; empty: none
	NextRule                     string // its rule
	Pausing, Resuming, Canceling bool
	Resume                       string // what happens then
	Typed                        string // the reason of the act that was refused
	Returned
}

// RampStep is one step, as far as it is.
type RampStep struct {
	Place string // in words: done, now, next, ahead
	Now   bool
	Good  bool // done or now
	Rule  string
	Text  string    // how long it lasts, and what it waits for
	At    time.Time // zero: nothing is known
	When  string    // what At is
}

// RampFigures is a line of what a guard sees, or saw.
type RampFigures struct {
	What            string
	Ring, Baseline  string // "6 of 20 (30 %)"
	Limit           string // "15 %"
	Above, TooSmall bool
}

// act is one of the buttons.
func (v Ramp) act(ctx context.Context, name, text, csrf string, danger bool) component.Confirm {
	say := words.Say(ctx, "ramp.act."+name)
	return component.Confirm{
		ID: "ramp-" + name, Trigger: say, Title: words.Say(ctx, "ramp.act."+name+".title"), Text: text, Action: v.Base + "/" + name, CSRF: csrf, Button: say,
		Danger: danger, Open: v.Form == name,
	}
}

// RampForm is where one is begun, or what lies ahead of one is changed.
type RampForm struct {
	Feature, Back, Action string
	Changing              bool
	Version, Turn         string
	Loosening             string
	Steps                 []RampStepForm
	Include, Exclude      component.Choices
	Window, Sample        component.Field
	Failure, Bypass       component.Field
	Working               component.Check
	Zone                  component.Field
	Reason                string
	Errors                map[string]string
	Problems              []component.Problem
	Preview               *RolloutPreview // of the last step; nil: none was asked for
}

// RampStepForm is one step of it.
type RampStepForm struct {
	Legend                             string
	Past                               string // its rule, for a step that is behind it
	Stage                              component.Field
	Stages                             []component.Choice
	Percentage, Hours, Minutes, Sample component.Field
}
