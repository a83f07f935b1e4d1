package console

import (
	"time"

	"latchkey/views/component"
)

// Signals are the figures of agents of the helpdesk.
type Signals struct {
	Ranges    []InsightRange
	Hours     string // of the desk, in words
	HoursHref string // where they are set; empty: not by whoever looks
	Own       bool   // it is about whoever looks, alone
	Proof     string // how many have no caller check
	ProofTone string
	Rule      string // by which figures are flagged
	Flagged   []SignalFlag
	Weeks     component.Chart
	All       component.Bars
	Heads     []string // of the table, after the agent
	Agents    []SignalAgent
}

// SignalAgent is a line of the table.
type SignalAgent struct {
	Name, Href string
	Cells      []SignalCell
}

// SignalCell is a figure of an agent.
type SignalCell struct {
	Head, Text string
	Flagged    bool
}

// SignalFlag is a figure that is far above those of others.
type SignalFlag struct {
	Name, Href string // of the agent
	Signal     string
	Text       string // the figures that it was decided on
}

// SignalsOf is one agent.
type SignalsOf struct {
	Name     string
	List     string // where all are
	Ranges   []InsightRange
	Own      bool
	Rule     string
	Flagged  []SignalFlag
	Weeks    component.Chart
	Figures  []SignalFigure
	Shown    string // what the rows are, in words
	ShownAll string // address of all bypasses; empty: these are all
	Rows     []SignalRow
	More     string // that there are more than are shown; or empty
}

// SignalFigure is a figure of an agent, and that of all others.
type SignalFigure struct {
	Title, Text        string
	Href               string // of the rows; empty: there are none
	Current            bool
	Count, Share, Else string
	Flagged            bool
}

// SignalRow is one of what a figure counts.
type SignalRow struct {
	At                   time.Time
	Person, PersonHref   string
	Case, CaseHref       string // empty: none
	What, WhatHref, Tone string // its state, and its page
	Via                  string
	Signals              []string
}

// SignalHours is the form of when the desk works.
type SignalHours struct {
	Action, Back string
	Zone         component.Field
	From, Until  component.Field
	Days         component.Choices
	Reason       string
	Errors       map[string]string
	Problems     []component.Problem
}
