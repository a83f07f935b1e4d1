package approval

import (
	"encoding/json"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Limits (product.md §9, roles.md).
const (
	Life         = 4 * time.Hour
	refusalsMost = 5 // of one administrator in refusalsSpan: then the alarm
	refusalsSpan = 10 * time.Minute
	ReasonMost   = 500 // letters
)

// Kind names an act: noun.verb, like the permission it mostly needs. Add, never
// rename: requests are stored under it.
type Kind string

// Act is what somebody wants to do.
type Act struct {
	Kind       Kind
	TenantID   string
	ActorID    string
	TargetID   string          // the user it is done to; empty: none, or not yet there
	Parameters json.RawMessage // of the kind's own type, see With
	Reason     string          // in the words of the actor
	Ticket     string          // as audit.IsTicket has it; empty: none
	Origin     audit.Origin
	ApprovedBy string // empty while nobody has

	again func(*store.Tx) error // asks whether who approved it still may
}

// StillApproved asks whether who approved an act still may, by the rows as they stand
// now: an act that has waited for a lock asks it again under the lock, before it
// changes anything. What nobody approved needs no approver.
func (a Act) StillApproved(tx *store.Tx) error {
	if a.again == nil {
		return nil
	}
	return a.again(tx)
}

// With gives the act its parameters, a struct of the kind's own.
func (a Act) With(parameters any) Act {
	text, err := json.Marshal(parameters)
	if err != nil {
		panic("approval: parameters of " + string(a.Kind) + ": " + err.Error())
	}
	a.Parameters = text
	return a
}

// Read gives the parameters back. What does not fit is a defect.
func (a Act) Read(parameters any) error { return json.Unmarshal(a.Parameters, parameters) }

// Event is the beginning of the audit event of an act: who did what to whom,
// why and from where, and who approved it.
func (a Act) Event(action audit.Action) audit.Event {
	e := audit.Event{
		TenantID: a.TenantID, Action: action, Reason: a.Reason, Actor: audit.User(a.ActorID), Target: audit.Tenant(a.TenantID),
		Subject: a.TargetID, Origin: a.Origin,
	}
	if a.TargetID != "" {
		e.Target = audit.User(a.TargetID)
	}
	if a.ApprovedBy != "" {
		e.Details = map[string]string{"approved_by": a.ApprovedBy}
	}
	return e.Under(a.Ticket)
}

// Change is one line of the difference that an act makes.
type Change struct {
	Field  string `json:"field"` // key of its words, under approval.field
	Before string `json:"before"`
	After  string `json:"after"`
}

// Plan is what a performer makes of an act, by the rows as they stand now.
type Plan struct {
	Questions  []access.Question
	Approves   access.Permission // what an approver needs; empty: what the act needs
	Wrong      error             // why it cannot be done by anybody: fault.Invalid or fault.Conflict; told only to who may
	Difference []Change
	Freezes    func(tx *store.Tx) error // what is done already when it is kept for a second person; nil: nothing
	Do         func(tx *store.Tx) error // the change, its event and its notices
}

// Wrongly tells why something cannot be done, which goes into a plan, from what stands in
// the way of knowing it.
func Wrongly(err error) (wrong, failed error) {
	if f := fault.Of(err); f != nil && (f.Kind == fault.Conflict || f.Kind == fault.Invalid) {
		return err, nil
	}
	return nil, err
}

// Performer plans one kind of act in the transaction tx. It changes nothing yet.
// That there is nothing to do it to any more is fault.NotFound or fault.Conflict,
// or Wrong in the plan.
type Performer func(tx *store.Tx, act Act) (Plan, error)

// digest stands for exactly this act with exactly this difference. Without a
// ticket it is the same as before there were tickets, so that what waited stands.
func digest(a Act, difference []Change) string {
	lines, _ := json.Marshal(difference)
	parts := []string{"latchkey approval v1", a.TenantID, string(a.Kind), a.ActorID, a.TargetID, string(a.Parameters), string(lines), a.Reason}
	if a.Ticket != "" {
		parts[0] = "latchkey approval v2"
		parts = append(parts, a.Ticket)
	}
	return secret.Digest(strings.Join(parts, "\x00"))
}
