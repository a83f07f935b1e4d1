package console

import (
	"strconv"
	"time"

	"latchkey/views/component"
)

// Campaign is how far those came who were asked to register a phone, and how long it
// can be put off.
type Campaign struct {
	Stage    string // who is asked, in words
	Feature  string // where that is said
	Title    string // of the funnel
	Steps    []CampaignStep
	Groups   []component.Choice // whose funnel it is
	Required int                // have no skip left
	InNeed   int                // cannot, and said so
	Waiting  []CampaignWaits    // those who wait longest
	Action   string
	Fields   []component.Field
	Reason   string
	Errors   map[string]string
	Problems []component.Problem
}

// CampaignStep is a part of the funnel: how many of all came so far.
type CampaignStep struct {
	Label, Text string
	Count, Of   int
}

// CampaignWaits is somebody who waits for help.
type CampaignWaits struct {
	Name, DisplayName, Href string
	At                      time.Time
}

// share is the part of all in whole percent.
func (s CampaignStep) share() string {
	if s.Of == 0 {
		return "0"
	}
	return strconv.Itoa(s.Count * 100 / s.Of)
}

// bars draws the funnel.
func (v Campaign) bars() component.Bars {
	b := component.Bars{Title: v.Title}
	for _, s := range v.Steps {
		b.Rows = append(b.Rows, component.Bar{Label: s.Label, Of: s.Of, Parts: []int{s.Count}, Text: component.Thousands(s.Count)})
	}
	return b
}
