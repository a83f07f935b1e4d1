package operator

import (
	"context"
	"strconv"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Releases is every feature, as the platform releases it.
type Releases struct{ Rows []ReleaseRow }

// ReleaseRow is one feature.
type ReleaseRow struct {
	Name, About, Href string
	State, Tone       string
	Reached, Tenants  string    // counts
	ChangedAt         time.Time // zero: nobody ever did
}

// Release is one feature, and what an operator may do to it.
type Release struct {
	Name, About, Base string
	State, Tone       string
	Stopped           bool
	Reaches           string // in words: how many tenants have it
	Version           string // that the forms change
	Rings             []string
	Rows              []ReleaseRegion
	Preview           string // what would be, when that was asked for; or empty
	Typed             string // the reason
	Errors            map[string]string
	Problems          []component.Problem
	Stop              Reason // or to let it go on
	StopText          string // what that means
	Starts, Ends      component.Field
	Schedule          *ReleaseSchedule // nil: nothing waits for its time
	Versions          []ReleaseVersion
}

// ReleaseSchedule is the change that waits for its time.
type ReleaseSchedule struct {
	Text   string // what will be, in a sentence that goes on with the time
	At     time.Time
	EndsAt time.Time // when it goes back; zero: never, or At says so
	Note   string    // by whom, and why
	Action string    // that takes it back
	Cancel string    // what happens then
	Reason Reason
}

func (v ReleaseSchedule) confirm(ctx context.Context, csrf string) component.Confirm {
	act := words.Say(ctx, "release.schedule.cancel")
	return component.Confirm{
		ID: "unschedule", Trigger: act, Title: words.Say(ctx, "release.schedule.cancel.title"), Text: v.Cancel, Action: v.Action, CSRF: csrf, Button: act, Danger: true, Loud: true, Open: v.Reason.Open,
	}
}

// ReleaseRegion is one row of the grid.
type ReleaseRegion struct {
	Name  string
	Cells []ReleaseCell
}

// ReleaseCell is a region and a ring.
type ReleaseCell struct {
	Field, Label string // of the form, and as it is read out
	Ring         string
	Typed        string
	Error        string
	Reaching     string // how many of its tenants have the feature
}

// ReleaseVersion is one that there was.
type ReleaseVersion struct {
	Number     int
	Title      string
	Difference []string
	Reason     string
	Who        string
	At         time.Time
	Current    bool
	Error      string // why it was not restored
	Typed      string
}

// turn stops the feature, or lets it go on.
func (v Release) turn(ctx context.Context, csrf string) component.Confirm {
	name := "stop"
	if v.Stopped {
		name = "resume"
	}
	act := words.Say(ctx, "release."+name)
	return component.Confirm{
		ID: name, Trigger: act, Title: words.Say(ctx, "release."+name+".title", "feature", v.Name), Text: v.StopText,
		Action: v.Base + "/" + name, CSRF: csrf, Button: act, Danger: !v.Stopped, Loud: !v.Stopped, Open: v.Stop.Open,
	}
}

// restore goes back to what a version had.
func (v Release) restore(ctx context.Context, version ReleaseVersion, csrf string) component.Confirm {
	return component.Confirm{
		ID: "restore-" + strconv.Itoa(version.Number), Trigger: words.Say(ctx, "release.restore"),
		Label: words.Say(ctx, "form.act_on", "act", words.Say(ctx, "release.restore"), "what", version.Title),
		Title: words.Say(ctx, "release.restore.title", "version", strconv.Itoa(version.Number)), Text: words.Say(ctx, "release.restore.text"),
		Action: v.Base + "/restore", CSRF: csrf, Button: words.Say(ctx, "release.restore"), Open: version.Error != "",
	}
}
