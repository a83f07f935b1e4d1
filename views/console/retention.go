package console

import (
	"time"

	"latchkey/views/component"
)

// Retention is how long the audit is kept, what holds it, and what was dropped.
type Retention struct {
	May     bool   // change it, and begin and end holds
	Action  string // of the months
	Back    string
	Version string

	Classes []RetentionClass
	Fault   string // why what is due was not dropped; empty: nothing stands in the way
	By      string // who said so last
	At      time.Time

	SignIns, Administration component.Field

	HoldAction      string
	Standing, Ended []HoldRow
	Drops           []DropRow

	Reason string // as it was typed
	Returned
}

// RetentionClass is events that are kept for the same time.
type RetentionClass struct {
	Name, Title, Means string
	Keeps              string
	Month              string    // of the oldest event; empty: there is none
	At                 time.Time // when that is dropped; zero: never
}

// HoldRow is a hold in a list.
type HoldRow struct {
	ID, Reason string
	Ticket     component.TicketRef
	By         string
	At         time.Time
	Action     string // where it is ended; empty: not by this reader, or it is over

	EndedBy, EndedReason string
	EndedAt              time.Time
}

// DropRow is a drop in a list.
type DropRow struct {
	Title, Events string
	File, Host    string
	Digest        string // of the archive
	At            time.Time
}
