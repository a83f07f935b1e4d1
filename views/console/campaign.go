package console

import (
	"fmt"
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

// The funnel is drawn in units of its own: a bar for each step, below one another.
const (
	funnelWidth = 480
	funnelStep  = 44
)

func (s CampaignStep) width() string {
	if s.Of == 0 {
		return "0"
	}
	return strconv.Itoa(s.Count * funnelWidth / s.Of)
}

func funnelY(step, below int) string { return strconv.Itoa(step*funnelStep + below) }

func (v Campaign) box() string { return fmt.Sprintf("0 0 %d %d", funnelWidth, len(v.Steps)*funnelStep) }
