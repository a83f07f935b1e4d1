package prompt

import "encoding/json"

// Act is what a prompt of kind Approval or CallerCheck asks for, as the phone shows
// it. It stays as it was when the prompt was sent; the phone signs over Hash.
type Act struct {
	Kind      string    `json:"kind"`             // as approvals name it
	Target    string    `json:"target,omitempty"` // by name: whom it is done to
	Requester string    `json:"requester"`        // by name
	Reason    string    `json:"reason"`
	Ticket    string    `json:"ticket,omitempty"` // that it is done under
	Lines     []ActLine `json:"lines"`

	// Of a caller check: what the agent is, the case, the code by which the agent proves
	// to be who asks, and whether somebody else's word is asked for Target.
	Role      string `json:"role,omitempty"`
	Case      string `json:"case,omitempty"`
	AgentCode string `json:"agent_code,omitempty"`
	Vouch     bool   `json:"vouch,omitempty"`

	Hash string `json:"-"` // digest of exactly this act
	Over bool   `json:"-"` // nothing is left to approve: it was decided, or its time is over
}

// ActLine is one line of what an act changes.
type ActLine struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// text is how an act is stored; that of a prompt without one is empty.
func (a *Act) text() (text, hash string, err error) {
	if a == nil {
		return "", "", nil
	}
	stored, err := json.Marshal(a)
	return string(stored), a.Hash, err
}

// actOf reads what text wrote: nil when there is none.
func actOf(text, hash string) (*Act, error) {
	if hash == "" {
		return nil, nil
	}
	a := &Act{Hash: hash}
	return a, json.Unmarshal([]byte(text), a)
}
