package signin

import (
	"time"

	"latchkey/views/component"
)

// Vouch is the page of somebody who waits for the word of somebody else.
type Vouch struct {
	Here    string
	State   string // of a prompt: pending, approved, denied, expired
	Number  string // that they are told
	Letters string // by which whoever calls back is known; or empty
	Outcome string // what became of it, in words
	From    time.Time
	To      time.Time
	Again   string // where they are asked once more
}

func (v Vouch) document() component.Document {
	d := component.Document{Layout: "card", Step: "vouch", State: v.State, Scripts: []string{"check-wait.js"}}
	if v.State == Pending {
		d.Refresh = "3"
	}
	return d
}
