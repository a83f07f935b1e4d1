package console

import "latchkey/views/component"

// Settings is the form of the rules that hold for everybody in a tenant.
type Settings struct {
	Action    string
	Modes     []component.Choice
	Platforms []component.Choice
	Times     []component.Field // how long people stay signed in
	Reason    string
	Errors    map[string]string
	HoursHref string // where the hours of the desk are set
	Decisions DecisionSettings
	Helpdesk  HelpdeskSettings
}

// DecisionSettings is the form of what is kept of sign-ins, and what is asked of replays.
type DecisionSettings struct {
	Action      string
	ReplayHref  string
	Days        component.Field
	ReplayFirst component.Choices
	Reason      string
	Errors      map[string]string // nil: it was not sent
	Problems    []component.Problem
}

// HelpdeskSettings is the form of where the helpdesk answers.
type HelpdeskSettings struct {
	Action   string
	Number   component.Field
	Hours    component.Field
	Reason   string
	Errors   map[string]string // nil: it was not sent
	Problems []component.Problem
}
