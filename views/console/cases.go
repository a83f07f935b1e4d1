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
	GivenBy            string // the reason of the organisation by which something was given; or empty
	Ticket             component.TicketRef
	State, Tone        string
	Owner, OwnerHref   string
	Asked              string // by whom it was asked for, where no agent opened it; or empty
	Unproved           string // that nobody was proved to be the person; or empty
	Disowned           string // that the person did not ask; or empty
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

	Reasons []component.Choice // of the organisation; none: it has none
	Typed   string
	Errors  map[string]string
}

// Case is the page of one case.
type Case struct {
	StoryHref string // of all of it, from the first event on; or empty
	CaseRow
	Here, List    string
	UserName      string
	OpenedBy      string
	ClosedBy      string
	Ending        string // why it was closed, or empty
	Standing      bool   // it is not closed
	Waits         bool
	Mine          bool // of the reader
	May           bool // the reader may act on it
	DeviceActive  bool // a phone that it is about still signs the person in
	Links         []CaseLink
	Checks        []CheckRow         // of the caller
	Bypasses      []BypassRow        // given under it, the newest first
	For           component.Choices  // for whom it may wait
	Reasons       []component.Choice // of the organisation; none: it has none
	Alarm         string             // that the person said it was not them; or empty
	Phones        []component.Choice // that can be linked
	Notes         []CaseNote
	Asks          []CaseAsk // the oldest first
	Unverified    bool      // its words are of whoever asked
	Story         []PersonEvent
	Older, Newest string // addresses of pages of the story; or empty

	Typed, To string // the words in the form that came back, and who is to have it
	Returned
}

// CaseLink is a phone that a case is about.
type CaseLink struct {
	Name, Kind, State, Tone string
	AddedAt                 time.Time
}

// CaseNote is a note.
type CaseNote struct {
	Author, Words string // Author is empty where Unverified
	At            time.Time
	Unverified    bool // the words of whoever asked
}

// CaseAsk is a request that a case came of, or that came to it.
type CaseAsk struct {
	Number, How, Where string
	At                 time.Time
	DisownedAt         time.Time // zero: the person has not said that it was not them
}

// stepText says what a step does.
func (v Case) stepText(ctx context.Context, step string) string {
	if step == "close" && v.DeviceActive {
		return words.Say(ctx, "cases.close.active")
	}
	return words.Say(ctx, "cases."+step+".text")
}
