package console

import (
	"time"

	"latchkey/views/component"
)

// Grants is whom the organisation lets in, and let in.
type Grants struct {
	Base string // address of this page, to which the acts are added
	Rows []GrantRow
}

// GrantRow is one grant.
type GrantRow struct {
	ID        string
	Operator  string
	Role      string
	Reason    string
	Ticket    component.TicketRef
	By        string // who granted it
	State     string
	Tone      string
	GrantedAt time.Time
	EndsAt    time.Time
	CanEnd    bool
	EndText   string
}

// NewGrant is the form of a grant.
type NewGrant struct {
	Base   string // address of the list
	Typed  GrantForm
	Errors map[string]string
	Roles  []component.Choice
}

// GrantForm is the form as typed.
type GrantForm struct {
	Operator string
	Hours    string
	Reason   string
}

func (v NewGrant) problems() []component.Problem {
	return component.Problems(v.Errors, "operator", "role", "hours", "reason", "ticket")
}
