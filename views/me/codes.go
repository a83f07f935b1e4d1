package me

import (
	"time"

	"latchkey/views/component"
)

// Codes is the sheet of printed codes of a person, or that there is none.
type Codes struct {
	Once       string // names the form, so that a page which is loaded again makes nothing
	Has        bool
	Serial     string
	Left       string // "7 codes left"
	Low        bool   // few are
	AddedAt    time.Time
	LastUsedAt time.Time // zero for never
	WhyNotAdd  string    // empty: one can be made
	ID         string    // of the sheet; for the form that reports it lost
	Printed    bool      // an administrator had it printed
	Handed     HandedSheet
}

// HandedSheet is one that was handed to a person and waits for their word. Without an id
// there is none.
type HandedSheet struct {
	ID, Serial string
	By         string // name of the agent; empty: nobody knows
	At         time.Time
	Number     string // of the code that confirms it
	Error      string // what was wrong with the code that was typed
}

// Sheet is a new one, to be printed. It is shown once.
type Sheet struct {
	component.Sheet
	Instead bool // it has taken the place of another one
}
