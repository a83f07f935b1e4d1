package console

import (
	"time"

	"latchkey/views/component"
)

// BreakGlass is the list of break-glass accounts, with the form for another one.
type BreakGlass struct {
	Action                    string
	Declares                  bool   // who looks may ask for them
	Few                       string // empty: there are enough
	Rows                      []GlassRow
	Form                      string // which form came back: new, or its act and the id of the account
	Name, DisplayName, Reason string // as typed in it
	Errors                    map[string]string
	Problems                  []component.Problem
}

func (v BreakGlass) typed(form string) string {
	if v.Form != form {
		return ""
	}
	return v.Reason
}

func (v BreakGlass) wrong(form, field string) string {
	if v.Form != form {
		return ""
	}
	return v.Errors[field]
}

// GlassRow is one account.
type GlassRow struct {
	ID, Name, DisplayName, Href, State, Tone string
	Serial                                   string // of the sheet that works; empty: none does
	MadeAt, SealedAt, UsedAt, DrilledAt      time.Time
	UsedFor, Passkeys                        string
	Warnings                                 []string
	PrintAction                              string // empty: there is nothing to print for who looks
	PrintUntil                               time.Time
	WaitsToPrint                             bool
	SealAction, RemoveAction                 string
	DrillAction                              string // empty: there is nothing to try
}

// GlassSheet is the sheet of an account, to be printed. It is shown once.
type GlassSheet struct {
	TenantName, Name, DisplayName string
	Serial, Code, Outside         string
	MadeAt                        time.Time
	MadeOn                        string // 2026-11-29
	Address                       string // where it is used
	QR                            [][]bool
	Back                          string
}

// newProblems is the summary of the form for another account, when that came back.
func (v BreakGlass) newProblems() []component.Problem {
	if v.Form != "new" {
		return nil
	}
	return v.Problems
}

func (v BreakGlass) typedNew(text string) string {
	if v.Form != "new" {
		return ""
	}
	return text
}

// BySheet asks for the sheet that stands for the second person of an outage.
type BySheet struct {
	Action, Back string
	Identifier   string // as it was typed
	Error        string
}
