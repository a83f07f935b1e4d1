package console

import (
	"time"

	"latchkey/views/component"
)

// Policy is which ways in are on, for what and for whom, and how it came about.
type Policy struct {
	Action  string
	Version string

	WhatIfHref string
	ReplayHref string
	Ways       []PolicyWay
	Uses       []string // heads of the columns
	Order      []component.Choice
	Limits     []component.Field
	Reason     string
	Errors     map[string]string
	Problems   []component.Problem
	History    []PolicyVersion
	Lacks      *Lacks // nil: no replay has to stand first
}

// PolicyWay is one way of the table.
type PolicyWay struct {
	Name   string // of the field of its groups
	Title  string
	Text   string
	Uses   []PolicyUse // one for each column
	For    string      // whom it is for, in words
	Groups []component.Choice
	Error  string
	Open   bool
}

// PolicyUse is one box of the table.
type PolicyUse struct {
	Name  string // way.use; empty: the way has no such use
	Label string // head of its column
	Heard string // way and use, for who does not see the table
	On    bool
}

// PolicyVersion is one of before.
type PolicyVersion struct {
	Title    string
	At       time.Time
	By       string
	Approved string // by whom; empty: nobody had to
	Reason   string
	Ticket   component.TicketRef
	Lines    []PolicyLine
}

// PolicyLine is one line of a difference, in words.
type PolicyLine struct{ Field, Before, After string }
