package console

import (
	"time"

	"latchkey/views/component"
)

// Audit is a list of events with its filters.
type Audit struct {
	Action                       string // address of the list
	ValuesHref                   string // of what is offered while somebody types, beyond what is on the page
	PartOf                       string // which part of it the reader is told; or empty for all
	Since                        time.Time
	Personal                     bool // addresses are whole
	Query, What, Actor, Target   component.Field
	From, To                     component.Field
	Outcomes                     []component.Choice
	Actions                      []component.Choice // that are offered while somebody types
	Names                        []string           // likewise: who is on this page
	Ranges                       []InsightRange
	Chips                        []AuditChip
	Kept                         []AuditFilter // filters that the form has no field for, and the view that is open
	Views                        AuditViews
	Rows                         []AuditRow
	LookedTo                     time.Time // how far was looked, when the page is not full and there may be more
	Count, CountHref             string
	Older, Newer, Newest, Oldest string
	ExportHref                   string // of the form for a file of just these; empty: not for this reader
	ChartsHref                   string
	RetentionHref                string // of how long it is kept; empty: not for this reader
	LiveHref                     string // of what comes in meanwhile; empty: this is not the newest page
}

// AuditChip is a filter that is set, with the address of the list without it.
type AuditChip struct{ Text, Href string }

// AuditRow is an event in a list.
type AuditRow struct {
	Href           string
	At             time.Time
	What, Code     string // in words, and as programs know it
	Why            string
	Ticket         component.TicketRef
	Who, WhoHref   string // with the address of what else they did
	Whom, WhomHref string // empty: nobody and nothing but the organisation
	Where          string
	Outcome, Tone  string
}

// AuditCharts are figures of the audit, drawn.
type AuditCharts struct {
	ListHref, AgentsHref string
	PartOf               string // which part of it the reader is told; or empty for all
	Since                time.Time
	Ranges               []InsightRange
	Charts               []component.Chart
	Short                bool // a figure is less than what there may be
}

// AuditEvent is one event.
type AuditEvent struct {
	AuditRow
	List               string
	ID                 string
	Actor, Target      string // kind and id
	Person, PersonHref string // whom it is about
	Thread, Request    string
	IP, Browser, Typed string
	Changes            []AuditChange
	Details            []Fact
	Stories            []Fact
	Decided            []AuditWhy  // the decisions that it was
	Proof              *AuditProof // nil: not for this reader
}

// AuditChange is what a field was, and what it is.
type AuditChange struct{ Field, Before, After string }

// AuditWhy is a decision, with what it was made of and what each rule says.
type AuditWhy struct {
	Text, Tone string
	Facts      []WhatIfFact
	Rules      []WhatIfRule // none: the rules of then are gone
}

// AuditProof says where an event stands in the tree.
type AuditProof struct {
	Record         string // canonical bytes
	Sealed, Signed bool
	Index          string
	Leaf, Root     string
	Number, Size   string // of the checkpoint
	SignedAt       time.Time
	Path           []string
	Note, API      string
}
