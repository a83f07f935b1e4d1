package me

import "time"

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
}

// Sheet is a new one, to be printed. It is shown once.
type Sheet struct {
	TenantName string
	Serial     string
	MadeAt     time.Time
	MadeOn     string // 2026-11-29
	Codes      []SheetCode
	Address    string   // of the sign-in
	QR         [][]bool // of that address, true for dark
	Instead    bool     // it has taken the place of another one
}

// SheetCode is one code with its number.
type SheetCode struct{ Number, Code string }
