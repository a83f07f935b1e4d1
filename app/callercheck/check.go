package callercheck

import (
	"time"

	"latchkey/app/cases"
	"latchkey/app/prompt"
)

// Limits (product.md §5, §9).
const (
	FreshLife = 10 * time.Minute // of a proof
	OwnLife   = time.Hour        // that the person's own page names who checked them
	CodeTries = 5
)

// Via is the way of a check. Add, never rename.
type Via string

const (
	Phone       Via = "phone"
	BackupPhone Via = "backup_phone"
	Manager     Via = "manager"
)

// Ways are all of them, the strongest first.
var Ways = []Via{Phone, BackupPhone, Manager}

// Strength is what a way is worth.
type Strength string

const (
	Strong  Strength = "strong"  // a key and its unlock, of the person
	Weaker  Strength = "weaker"  // a number, which can be taken over
	Weakest Strength = "weakest" // the word of somebody else
)

var strengths = map[Via]Strength{Phone: Strong, BackupPhone: Weaker, Manager: Weakest}

// Strength gives what a proof by this way is worth.
func (v Via) Strength() Strength { return strengths[v] }

// State of a check. Add, never rename.
type State string

const (
	Pending   State = "pending"
	Proved    State = "proved"
	Denied    State = "denied"
	Reported  State = "reported" // "it is not me"
	Failed    State = "failed"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
)

// Check is a caller check.
type Check struct {
	TenantID, ID string
	UserID       string // who the caller says they are
	AgentID      string
	CaseID       string
	Via          Via
	AskedID      string // whose phone is asked
	Ticket       string
	State        State
	Wrong        bool // denied by a wrong number
	PromptID     string
	PhoneID      string // the backup phone that a code went to
	Channel      string
	Tries        int
	BegunAt      time.Time
	ExpiresAt    time.Time
	EndedAt      *time.Time
	ProvedAt     *time.Time
	SpentAt      *time.Time
	SpentFor     string
}

// Fresh says whether a proof is still good for an act.
func (c Check) Fresh(now time.Time) bool {
	return c.State == Proved && c.SpentAt == nil && c.ProvedAt != nil && now.Before(c.ProvedAt.Add(FreshLife))
}

// Stands gives the state now: what is over and was not swept yet is over all the same.
func (c Check) Stands(now time.Time) State {
	switch {
	case c.State == Pending && !now.Before(c.ExpiresAt):
		return Expired
	case c.State == Proved && c.SpentAt == nil && !c.Fresh(now):
		return Expired
	}
	return c.State
}

// Live is the state in the words of the protocol, as for a sign-in.
func (c Check) Live(now time.Time) prompt.State {
	switch c.Stands(now) {
	case Pending:
		return prompt.Pending
	case Proved:
		return prompt.Approved
	case Expired, Withdrawn:
		return prompt.Expired
	}
	return prompt.Denied
}

// Beginning is what a new check is to be.
type Beginning struct {
	ID     string      `json:"id"`
	Via    Via         `json:"via"`
	Case   string      `json:"case,omitempty"`         // of the person; empty: the one that stands, or a new one
	Cause  cases.Cause `json:"cause,omitempty"`        // of a new one
	Device string      `json:"device,omitempty"`       // that a new one is about
	To     string      `json:"backup_phone,omitempty"` // that gets a code; empty: the one used last
}

// Proof is what a check has proved.
type Proof struct {
	ID       string
	Via      Via
	Strength Strength
	ProvedAt time.Time
	CaseID   string
}
