package console

import (
	"time"

	"latchkey/views/component"
)

// Passcodes is the list of static passcodes, the open ones first.
type Passcodes struct{ Rows []PasscodeRow }

// PasscodeRow is one of them.
type PasscodeRow struct {
	ID, Name, Href, State, Tone  string
	AskedBy, ApprovedBy, ShownBy string
	Reason, Hours, Uses          string
	Ticket                       component.TicketRef
	ExpiresAt                    time.Time
	LastUsedAt                   time.Time // zero for never
	EndedAt                      time.Time // zero: it is open
	ShowAction                   string    // empty: it cannot be shown, or not by who looks
}

// PasscodeShown is a static passcode, once.
type PasscodeShown struct {
	Name      string
	Code      string
	ExpiresAt time.Time
	Back      string
}
