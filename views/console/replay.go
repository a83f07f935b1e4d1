package console

import (
	"time"

	"latchkey/views/component"
)

// Replays is the form for rules that are tried, and what was tried before.
type Replays struct {
	Action     string
	PolicyHref string
	Days, Most string
	Features   []ReplayFeature
	Uses       []string
	Ways       []ReplayWay
	Errors     map[string]string
	Problems   []component.Problem
	Earlier    []ReplayLine

	Differences  string
	First        bool // rules are saved only after a replay
	SettingsHref string
}

// ReplayFeature is how far a feature is opened in the draft.
type ReplayFeature struct {
	Title            string
	StageName        string
	Stages           []component.Choice
	StageError       string
	ShareName        string
	Share            string
	ShareError       string
	For              string // its groups, in words
	GroupsName       string // of both fields together, where a summary of problems leads
	Include, Exclude component.Choices
	GroupsError      string
}

// ReplayWay is what a way is on for in the draft.
type ReplayWay struct {
	Title string
	Uses  []PolicyUse
}

// ReplayLine is one of the replays before.
type ReplayLine struct {
	Href  string
	At    time.Time
	By    string
	State string
	Tone  string
	Text  string
}

// Replay is the report of one, as far as it is.
type Replay struct {
	List        string
	Href        string
	State       string
	Running     bool
	Failed      bool
	Done        int
	Total       int
	Progress    string
	At          time.Time
	By          string
	Changes     []string // in what the draft differs
	Same        bool     // it does not
	Saving      string   // where it can be saved; empty: it is running, or no single form saves it
	Summary     string
	Modes       int
	Moves       []ReplayMove
	Defects     int
	Differences string // where decisions that are defects stand
	Odd         []ReplayExample
}

// ReplayMove is those of whom an outcome changed.
type ReplayMove struct {
	Title    string
	Tone     string
	Count    int
	Stranded int // who would have no way left
	Examples []ReplayExample
}

// ReplayExample is one of them.
type ReplayExample struct {
	Name string
	Href string
	Link string // to the decision; empty: it was not noted
	At   time.Time
	Way  string
	Why  string
	Left string
}

// document is the page of a replay: while it runs a script keeps it true, and without
// one it comes back by itself.
func (v Replay) document() component.Document {
	d := component.Document{Layout: "frame", State: v.State, Scripts: []string{"console.js", "console-approvals.js"}}
	if v.Running {
		d.Scripts, d.Refresh = append(d.Scripts, "import-progress.js"), "3"
	}
	return d
}
