package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Outages is how a tenant reaches its people, what runs, and what was.
type Outages struct {
	On         bool   // the feature is, for somebody
	May        bool   // who looks may ask for an outage
	Feature    string // where it is turned on
	Channels   []OutageChannel
	Rates      string // when a channel counts as failing
	Proposal   string // empty: nothing is proposed
	Proposed   string // address of the form, filled in
	New, Drill string
	Running    *OutageRow // nil: none runs
	Rows       []OutageRow
}

// OutageChannel is how one channel does.
type OutageChannel struct {
	Icon, Name, State, Tone, Note string
	Since                         time.Time // zero: it does not fail
}

// OutageRow is an outage, or a drill.
type OutageRow struct {
	ID, Href, State, Tone string
	What, Scope, Reason   string
	Relaxes               []string
	Ticket                component.TicketRef
	AskedBy, ApprovedBy   string
	BeganAt, EndsAt       time.Time
	EndedAt               time.Time // zero: it runs, or is a drill
	Ending                string
	SignedBy              string
	SignedAt              time.Time
	ToSign                string // empty: nothing is left to be signed off
	Drill, Runs           bool
}

// OutageForm asks for an outage, or for a drill.
type OutageForm struct {
	Action, Back            string
	May, Drill              bool
	Failed, Relaxes, Groups component.Choices
	Minutes                 component.Field
	Reason                  string
	Errors                  map[string]string
	Problems                []component.Problem
}

// Outage is one, with what was done while it ran, or what the drill found.
type Outage struct {
	OutageRow
	Title, Back, EndAction, SignAction string
	Report                             *OutageReport // nil: it is no drill
	Uses                               []OutageUse
	Any, Open                          bool // something is on the list; something of it is not signed off
	Total, Left                        string
	MaySign                            bool
	WhyNot                             string // why who looks does not sign it off; empty: nothing stands against it
	OnlyOpen                           bool
	Toggle, First, Next                string
	Typed                              string // the reason in the form that came back
	Returned                                  // end, sign, or sign and the id of a use
}

// OutageUse is one thing that somebody could do only because of the outage.
type OutageUse struct {
	ID, Name, Href, Relaxation string
	Way, Agent, Bypass         string
	At                         time.Time
	SignedBy                   string
	SignedAt                   time.Time
	MaySign                    bool
}

// OutageReport is what a drill found.
type OutageReport struct {
	People, Able, Unable   int
	Lifted                 string
	Ways                   []OutageWay
	Sample, Administrators []string
}

// OutageWay is how many of those who could sign in have a way.
type OutageWay struct {
	Name  string
	Count int
}

func (r OutageReport) bars(title string) component.Bars {
	b := component.Bars{Title: title}
	for _, w := range r.Ways {
		b.Rows = append(b.Rows, component.Bar{Label: w.Name, Of: r.People, Parts: []int{w.Count}, Text: component.Thousands(w.Count)})
	}
	return b
}

func outageFormTitle(ctx context.Context, drill bool) string {
	if drill {
		return words.Say(ctx, "outage.drill.title")
	}
	return words.Say(ctx, "outage.new.title")
}
