package replay

import (
	"time"

	"latchkey/app/decision"
)

// examplesMost is how many people are named of each move.
const examplesMost = 10

// Tally is what a replay has found.
type Tally struct {
	Seen    int              `json:"seen"`
	Moves   map[string]*Move `json:"moves"`             // by "from>to", of outcomes that changed
	Modes   int              `json:"modes"`             // whose number would be matched otherwise
	Defects int              `json:"defects"`           // that their own rules did not give again, or in which function and statement had differed
	Odd     []Example        `json:"odd,omitempty"`     // some of those
	LastAt  *time.Time       `json:"last_at,omitempty"` // where it is
	LastID  string           `json:"last_id,omitempty"`
}

// Move is what changed from one outcome to another.
type Move struct {
	Count    int       `json:"count"`
	Stranded int       `json:"stranded"` // of those who would be stopped: they have no other way
	Examples []Example `json:"examples"`

	named map[string]bool
}

// Example is somebody of whom it is true.
type Example struct {
	ID     string       `json:"id,omitempty"` // of the decision
	UserID string       `json:"user"`
	At     time.Time    `json:"at"`
	Why    decision.Why `json:"why"`
	Way    int          `json:"way"`    // bit of users.ways
	Usable int          `json:"usable"` // ways that they could take
}

// MoveOf names a move.
func MoveOf(from, to decision.Outcome) string { return from.String() + ">" + to.String() }

// Newly counts what newly comes to an outcome.
func (t *Tally) Newly(to decision.Outcome) (n int) {
	for _, from := range decision.Outcomes {
		if m := t.Moves[MoveOf(from, to)]; m != nil {
			n += m.Count
		}
	}
	return n
}

// note adds one decision: what it was, what it is again, and what the draft makes of it.
func (t *Tally) note(k *kept, in *decision.Input, was, again, draft decision.Decision) {
	t.Seen++
	if was != again || k.Differs != "" {
		t.Defects++
		if len(t.Odd) < examplesMost {
			t.Odd = append(t.Odd, example(k, in, again))
		}
	}
	if was.Mode != draft.Mode {
		t.Modes++
	}
	if was.Outcome == draft.Outcome {
		return
	}
	name := MoveOf(was.Outcome, draft.Outcome)
	m := t.Moves[name]
	if m == nil {
		m = &Move{}
		t.Moves[name] = m
	}
	m.Count++
	if draft.Outcome == decision.Blocked && draft.Usable == 0 {
		m.Stranded++
	}
	if len(m.Examples) >= examplesMost {
		return
	}
	if m.named == nil {
		m.named = map[string]bool{}
		for _, e := range m.Examples {
			m.named[e.UserID] = true
		}
	}
	if !m.named[k.UserID] {
		m.named[k.UserID] = true
		m.Examples = append(m.Examples, example(k, in, draft))
	}
}

func example(k *kept, in *decision.Input, d decision.Decision) Example {
	return Example{ID: k.ID, UserID: k.UserID, At: k.DecidedAt, Why: d.Why, Way: int(in.Way), Usable: int(d.Usable)}
}
