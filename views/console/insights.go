package console

import (
	"time"

	"latchkey/views/component"
)

// Insights is how the rollout of a tenant goes.
type Insights struct {
	Ranges      []InsightRange
	RolloutHref string
	AsOf        time.Time
	Counted     bool // people were counted
	People      string
	Risks       []InsightRisk
	Funnel      component.Bars
	Adoption    component.Bars
	Features    []InsightFeature
	SignIns     component.Chart
	Failures    component.Chart
	Ways        []InsightWay
	Ramps       []InsightRamp
}

// InsightRamp is a ramp that is under way.
type InsightRamp struct{ Title, Href, Text, Tone string }

// InsightRange is how far back the page goes.
type InsightRange struct {
	Label   string
	Href    string
	Current bool
}

// InsightRisk is how many people may be left without a way in, and for what reason.
type InsightRisk struct {
	Title, Text string
	Count, Tone string
	Href, Label string // of the list; empty: there is nobody
	Some        []InsightWho
	More        int // who are not among these
}

// InsightWho is one of them.
type InsightWho struct{ Name, Href string }

// InsightFeature is how far a feature has come, by ring and in all.
type InsightFeature struct {
	Title, Href string
	Stage, Tone string
	Rings       []InsightRing
}

// InsightRing is one slice of people.
type InsightRing struct {
	Title       string
	People, May string
	Bound, Used string // empty: it is no way in
}

// InsightWay is what became of sign-ins by one way.
type InsightWay struct {
	Title                           string
	Finished, Failed, Left, Blocked string
	Rate                            string
}
