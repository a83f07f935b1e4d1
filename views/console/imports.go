package console

import (
	"context"
	"strconv"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Imports takes a new list, and shows those of before.
type Imports struct {
	Action  string
	Error   string // what is wrong with the form; empty: nothing
	Columns []ImportColumn
	Rows    []ImportRow
}

// ImportColumn is a field that a list may have.
type ImportColumn struct{ Name, Text string }

// ImportRow is one list of before.
type ImportRow struct {
	Href, FileName string
	State, Tone    string
	People, By     string
	At             time.Time
}

// Import is a list of people with what became of it.
type Import struct {
	Href, UploadHref, PeopleHref string
	FileName                     string
	State                        string // "checked", "running", "done", "failed"
	StateWord, Tone              string
	By                           string
	At, EndedAt                  time.Time
	New, Changed, Unchanged      int
	Total, Done                  int
	Joined                       []ImportGroup
	Reason                       string
	Ticket                       component.TicketRef

	Problems                   []ImportProblem // the first of them
	ProblemCount, MoreProblems int
	ProblemsHref               string // of the file with all of them

	CanRun bool
	WhyNot string // and why not, when everything else is in order
	Typed  string // the reason, of a form that was refused
	Errors map[string]string
}

// ImportGroup is a group that people of a list join.
type ImportGroup struct {
	Name, Href, People string
	Role               string // that they get by it, in words; empty: none
}

// ImportProblem is one fault of a list.
type ImportProblem struct {
	Row, Field, Value, Text string
}

func (v Import) document() component.Document {
	d := component.Document{Layout: "frame", State: v.State, Scripts: []string{"console.js", "console-approvals.js"}}
	if v.State == "running" {
		d.Scripts, d.Refresh = append(d.Scripts, "import-progress.js"), "3"
	}
	return d
}

// run is what the button says.
func (v Import) run(ctx context.Context) string {
	return words.Say(ctx, "console.import.run", "count", strconv.Itoa(v.Total))
}

func (v Import) progress(ctx context.Context) string {
	return words.Say(ctx, "console.import.progress", "done", strconv.Itoa(v.Done), "total", strconv.Itoa(v.Total))
}

// ImportPeople is a page of those whom a list that waits makes and changes.
type ImportPeople struct {
	Back            string // address of the request
	Act             string
	FileName        string
	From, To, Total int
	Rows            []ImportPerson
	Previous, Next  string // addresses; empty: there is none
}

// ImportPerson is one person with what changes.
type ImportPerson struct {
	Row, Name   string
	New         bool
	Was, Called string // empty: as before
	Joins       []ImportGroup
	Manager     string // whom they get; empty: as before
}
