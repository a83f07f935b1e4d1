package signin

import (
	"time"

	"latchkey/views/component"
)

// Ask is the form by which somebody asks the helpdesk who cannot sign in.
type Ask struct {
	component.Asking
	Attempt, UserName, Action string

	Before   string // the number that this browser was given in the same name; or empty
	BeforeAt time.Time
}

// Asked is the page of a request, the same whether or not there is such a person.
type Asked struct {
	Attempt, Here, UserName string
	Number                  string // such as C-1042
	At                      time.Time
	Call                    string // what to do next
	Known                   bool   // who has it may be told
	State                   string // waits, taken, closed
	Agent                   string // who has it; or empty
}

func (v Asked) document() component.Document {
	d := component.Document{Layout: "card", Step: "asked", State: v.State, Attempt: v.Attempt}
	if v.Known && v.State != "closed" { // to others nothing is ever told
		d.Refresh, d.Scripts = "15", []string{"ask-wait.js"}
	}
	return d
}
