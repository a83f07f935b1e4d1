package console

import (
	"time"

	"latchkey/views/component"
)

// Risks is the register of what is on although it is discouraged.
type Risks struct {
	May           bool // who looks may acknowledge
	Looked        int  // for so many is looked
	Rows, Resting []RiskRow
	Reason, Until string // as typed in the form that came back
	Returned             // by the name of the risk
}

// RiskRow is one that there is.
type RiskRow struct {
	Name, Title, Means, Concerns string
	Since                        time.Time // zero: nobody knows
	By                           string    // who turned it on; empty: nobody knows
	Href, Act                    string    // what to do about it; empty for who may not
	Action                       string    // of the form that acknowledges it
	Acknowledger, Reason         string    // of the last acknowledgement; empty: there is none
	Ticket                       component.TicketRef
	At, Until                    time.Time
	Over, More                   bool // its day has come; it concerns more by now
}
