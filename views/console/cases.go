package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Cases is the board of cases.
type Cases struct {
	Action   string // address of the list
	All      bool   // the reader sees those of others too
	States   []component.Choice
	Owners   []component.Choice
	Ages     []component.Choice
	Filtered bool
	Rows     []CaseRow
	First    string // address of the first page, when this is not it; or empty
	Next     string
}

// CaseRow is a case on a list.
type CaseRow struct {
	Name               string // such as C-1042
	Href               string
	Person, PersonHref string
	Cause              string
	Words              string // in those of who opened it
	Ticket             component.TicketRef
	State, Tone        string
	Owner, OwnerHref   string
	Repeats            string // how many others there were lately, in words; or empty
	OpenedAt           time.Time
	ClosedAt           time.Time // zero: it is not
}

// CaseOpen is the form of a new case.
type CaseOpen struct {
	Action string
	Name   string // of the person
	Open   bool   // it came back
	Causes component.Choices
	Phones []component.Choice // none: the person has no phone
	Typed  string
	Errors map[string]string
}

// Case is the page of one case.
type Case struct {
	CaseRow
	Here, List   string
	UserName     string
	OpenedBy     string
	ClosedBy     string
	Ending       string // why it was closed, or empty
	Standing     bool   // it is not closed
	Waits        bool
	Mine         bool // of the reader
	May          bool // the reader may act on it
	DeviceActive bool // a phone that it is about still signs the person in
	Links        []CaseLink
	Checks       []CheckRow         // of the caller
	Alarm        string             // that the person said it was not them; or empty
	Phones       []component.Choice // that can be linked
	Notes        []CaseNote
	Story        []PersonEvent

	Form   string // the form that came back; or empty
	Typed  string // the words in it
	To     string
	Errors map[string]string
}

// CaseLink is a phone that a case is about.
type CaseLink struct {
	Name, Kind, State, Tone string
	AddedAt                 time.Time
}

// CaseNote is a note.
type CaseNote struct {
	Author, Words string
	At            time.Time
}

func (v Case) typed(form string) string {
	if v.Form == form {
		return v.Typed
	}
	return ""
}

func (v Case) wrong(form, field string) string {
	if v.Form == form {
		return v.Errors[field]
	}
	return ""
}

// stepText says what a step does.
func (v Case) stepText(ctx context.Context, step string) string {
	if step == "close" && v.DeviceActive {
		return words.Say(ctx, "cases.close.active")
	}
	return words.Say(ctx, "cases."+step+".text")
}
