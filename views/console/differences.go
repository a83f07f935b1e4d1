package console

import "time"

// Differences are decisions about sign-ins that are defects of the program.
type Differences struct {
	ReplayHref string
	Live       []DifferenceLine
	Replays    []DifferenceReplay
}

// DifferenceLine is one in which what was done and the rule as a function did not agree.
type DifferenceLine struct {
	Href       string
	At         time.Time
	Name       string
	PersonHref string
	Outcome    string
	Tone       string
	What       string // in what
}

// DifferenceReplay is a replay in which decisions did not come out as they were made.
type DifferenceReplay struct {
	Href  string
	At    time.Time
	By    string
	Count int
	Odd   []ReplayExample
}

// Difference is one kept decision with everything that it was made of.
type Difference struct {
	List       string
	Name       string
	PersonHref string
	At         time.Time
	Was        string
	WasTone    string
	Again      string
	AgainTone  string
	Same       bool   // it comes out again as it was
	Gone       bool   // the rules that held are
	Differs    string // in what it did not agree when it was made; empty: in nothing
	Facts      []WhatIfFact
	Rules      []WhatIfRule
}
