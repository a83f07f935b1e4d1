package console

import "time"

// BreakGlass is the list of break-glass accounts, with the form for another one.
type BreakGlass struct {
	Action                    string
	Declares                  bool   // who looks may ask for them
	Few                       string // empty: there are enough
	Rows                      []GlassRow
	Name, DisplayName, Reason string // as typed in the form that came back
	Returned                         // new, or its act and the id of the account
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

// BySheet asks for the sheet that stands for the second person of an outage.
type BySheet struct {
	Action, Back string
	Identifier   string // as it was typed
	Error        string
}
