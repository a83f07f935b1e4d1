package console

import (
	"time"

	"latchkey/views/component"
)

// CallerCheck is the page of a caller check.
type CallerCheck struct {
	Here       string // its address
	State      string // as in the protocol: pending, approved, denied, expired
	Title      string
	Text       string // what it means, and what comes next
	Tone, Icon string
	PersonName string
	OnHref     string // where it goes on
	OnWith     string // what leads there
	PersonHref string
	CaseName   string
	CaseHref   string
	Via        string // in words
	Strength   string // in words
	Weak       bool
	AgentName  string // empty: the reader
	Ticket     component.TicketRef

	// While it waits, for its own agent.
	Own       bool
	ReadOut   string // what to do with the number
	Number    string
	StartedAt time.Time
	EndsAt    time.Time
	AgentCode string
	CodeAsked bool   // a code is typed here
	Tries     string // how many are left, in words
	Error     string

	GoodUntil time.Time // of a proof that can be spent; zero: it cannot
	Alarm     bool      // the person says that it is not them

	BypassHref string // that it was spent for; or empty
}

func (v CallerCheck) document() component.Document {
	d := component.Document{Layout: "frame", State: v.State, Scripts: []string{"console.js", "console-approvals.js", "check-wait.js"}}
	if v.State == "pending" && !v.CodeAsked {
		d.Refresh = "3"
	}
	return d
}

// CheckRow is a check on a list.
type CheckRow struct {
	Href        string // empty: the reader checks no callers
	Via         string
	State, Tone string
	Agent       string
	At          time.Time
	Alarm       bool
}

// PersonCheck is the caller check on the page of a person.
type PersonCheck struct {
	Action   string
	Name     string // of the person
	May      bool
	Note     string // that a second person approves; or empty
	Ways     []CheckWay
	Causes   []component.Choice // of the case that is opened; none: one stands
	CaseName string             // that stands
	Typed    string
	Errors   map[string]string

	Rows       []CheckRow
	Alarm      string    // that the person said it was not them; or empty
	Proved     string    // by what the reader has proof; or empty
	ProvedHref string    // of that check
	GoodUntil  time.Time // of that proof
}

// CheckWay is one way of a check.
type CheckWay struct {
	Value    string
	Icon     string
	Title    string
	Proves   string // what it proves
	Strength string
	Weak     bool
	Button   string
	Stops    string             // why it cannot be taken now; empty: it can
	Until    time.Time          // when it can be again; zero: that is not known
	Key      string             // that takes it
	Numbers  []component.Choice // that a code may go to, where there are several
}
