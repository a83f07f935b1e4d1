package console

import "time"

// Story is what happened, the oldest event first.
type Story struct {
	Title, Lead    string
	List           string // address of the audit
	PartOf         string // which part of it the reader is told; or empty for all
	Since          time.Time
	Days           []StoryDay
	Related        []Fact     // other stories, and the page of what it is about
	Decided        []AuditWhy // the decisions that a sign-in was
	First          string     // addresses of pages; or empty
	Earlier, Later string
}

// StoryDay is a day on which something happened.
type StoryDay struct {
	Title  string
	Events []StoryEvent
}

// StoryEvent is an event, with how much later than the one before it was.
type StoryEvent struct {
	AuditRow
	Gap     string // or empty
	WhyCode string // of a reason, as programs know it
	Thread  Fact   // another story that it belongs to; without an address there is none
}
