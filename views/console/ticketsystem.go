package console

import (
	"time"

	"latchkey/views/component"
)

// TicketSystem is the ticket system that is asked before a bypass.
type TicketSystem struct {
	Base            string // address of this page, to which the acts are added
	URL, Version    string
	Tells, WhenDown component.Choices
	Set             bool   // there is one
	Secret          string // that was made, once; or empty
	By              string // who changed it last
	At              time.Time
	Answers         []TicketAnswer
	Notes           []TicketNote // that have not arrived
	Errors          map[string]string
}

// TicketAnswer is what it answered.
type TicketAnswer struct {
	Ticket            component.TicketRef
	Person, Agent     string
	Answer, Tone, Why string
	Took              string // milliseconds
	At                time.Time
}

// TicketNote is a note that has not arrived.
type TicketNote struct {
	Ticket           component.TicketRef
	State, Tone, Why string
	Tries            string
	At               time.Time
}
