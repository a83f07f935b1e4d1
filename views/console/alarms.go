package console

import (
	"time"

	"latchkey/views/component"
)

// Alarms are what somebody is to look at, and the rules by which they are raised.
type Alarms struct {
	Open, Done []AlarmRow
	More       bool // there are more open ones
	Rules      []AlarmRuleRow
}

// AlarmRow is an alarm in a list.
type AlarmRow struct {
	Title, Href    string
	About          string // whom or what
	Severity, Tone string
	Count          string
	Test           bool
	First, Last    time.Time
	By, Note       string // of whoever acknowledged it; empty: it is open
	At             time.Time
}

// AlarmRuleRow is a rule in a list.
type AlarmRuleRow struct {
	Title, Href string // without an address for whom it is not to change
	Says        string
	State, Tone string
	Goes        string // where its alarms go
}

// Alarm is one, as a page of its own.
type Alarm struct {
	AlarmRow
	Means, Next string // what it is, and what to do
	Back        string
	AboutHref   string // of the person; empty: none, or not for this reader
	EventsHref  string // of what was counted; empty: no events
	Action      string // where it is acknowledged; empty: not by this reader
	AboutYou    bool
	Typed       string
	Errors      map[string]string
}

// AlarmRule is the form of a rule.
type AlarmRule struct {
	AlarmRuleRow
	Means         string
	Base, Back    string
	Version       string
	Active        component.Check // nameless: it is always on
	Mail          component.Check // nameless: they are told in any case
	Told          string          // how, then
	Fixed         bool
	Threshold     component.Field
	Windows       []component.Choice
	Consumers     []component.Choice
	ConsumersHref string
	By            string
	At            time.Time // zero: it is as the program has it
	Errors        map[string]string
}
