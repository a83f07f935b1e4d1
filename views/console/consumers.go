package console

import (
	"time"

	"latchkey/views/component"
)

// Consumers are the programs outside that get every event of the audit.
type Consumers struct {
	Base   string
	Rows   []ConsumerRow
	Full   bool // there are as many as there may be
	Typed  ConsumerTyped
	Kinds  component.Choices
	Forms  []component.Choice
	From   component.Choices
	Data   component.Check
	Errors map[string]string
}

// ConsumerTyped is the form as it was typed.
type ConsumerTyped struct{ Name, URL, Roots string }

// ConsumerRow is one of them.
type ConsumerRow struct {
	Name, Href, Kind, Form, Host string
	State, Tone                  string
	Behind                       string // how many events it has not
	DeliveredAt                  time.Time
}

// Consumer is one, as a page of its own.
type Consumer struct {
	ConsumerRow
	Base, Back, Version string
	Webhook, Paused     bool
	Secret              string // that was made, once; or empty
	Personal            bool
	First, Next         string // places in the tree
	Why                 string // why it does not take events
	Failures            string
	FailingSince        time.Time
	TestedAt            time.Time
	TestWhy             string // empty: it arrived
	By                  string
	At                  time.Time
}
