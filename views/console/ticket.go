package console

// Ticket is what was done under a ticket.
type Ticket struct {
	Name      string
	PartOf    string // which part of it the reader is told; or empty for all
	Events    []TicketEvent
	Older     string // address; or empty
	Newest    string
	StoryHref string // from the first of it on; or empty
}

// TicketEvent is one thing that was done, and to whom.
type TicketEvent struct {
	PersonEvent
	Whom     string // sign-in name; empty: to nobody, but to the organisation
	WhomHref string
}
