package console

import (
	"time"

	"latchkey/views/component"
)

// CallBacks are those who wait to be called back.
type CallBacks struct {
	Rows []CallBackRow
}

// CallBackRow is one of them.
type CallBackRow struct {
	Href               string
	Person, PersonHref string
	CaseName, CaseHref string // or empty
	BypassHref         string
	AskedAt, EndsAt    time.Time
}

// CallBack is the page on which whoever called says so.
type CallBack struct {
	CallBackRow
	List     string
	State    string // of a prompt: pending, approved, denied, expired
	Waits    bool
	Outcome  string // what became of it, in words
	CalledBy string // who gave their word; empty: nobody has
	Letters  string // to be read out; or empty
	Stops    string // why the reader cannot give their word; or empty
	FourEyes bool   // somebody else must approve it
	Whole    bool   // the numbers are not masked
	Numbers  component.Choices
	Number   string // as typed
	Typed    string // the reason
	Errors   map[string]string
}

func (v CallBack) problems() []component.Problem {
	return component.Problems(map[string]string{"phone": v.Errors["phone"], "number": v.Errors["number"], "call-reason": v.Errors["reason"], "call-ticket": v.Errors["ticket"]}, "phone", "number", "call-reason", "call-ticket")
}
