package console

import (
	"time"

	"latchkey/views/component"
)

// Exports are the files that the audit was written into, and the form for another one.
type Exports struct {
	Action   string
	Rows     []ExportRow
	Typed    ExportTyped
	Formats  []component.Choice
	Outcomes []component.Choice
	Errors   map[string]string
}

// ExportTyped is the form as it was typed.
type ExportTyped struct{ From, To, Actor, Target, Name, Thread, By, Words string }

// ExportRow is one of them.
type ExportRow struct {
	Href, Title, By string
	State, Tone     string
	Count           string // of rows that are written
	At              time.Time
}

// Export is one, as a page of its own.
type Export struct {
	ExportRow
	Base, Back string
	Facts      []ExportFact
	Running    bool
	Draft      bool // it wants a second person
	Ready      bool // who looks can have a link
	Link       string
	Digest     string
	FetchedAt  time.Time
	GoneAt     time.Time
	Reason     string
	Errors     map[string]string
}

// ExportFact is a part of what was asked for.
type ExportFact struct{ Name, Value string }
