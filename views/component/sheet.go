package component

import "time"

// Sheet is a sheet of printed codes as it is shown, once, and printed.
type Sheet struct {
	TenantName string
	Serial     string
	MadeAt     time.Time
	MadeOn     string // 2026-11-29
	Codes      []SheetCode
	Address    string   // of the sign-in
	QR         [][]bool // of that address, true for dark

	// Of one that an administrator prints for somebody.
	Person       string // whose it is
	Instructions string // of the organisation
	Confirms     bool   // it works when its user has confirmed it
	ConfirmAt    string // address where they do
	Paper        string // "a4", "letter"; empty: whatever is in the printer
	Many         bool   // there are others on the page
}

// SheetCode is one code with its number.
type SheetCode struct{ Number, Code string }

func (v Sheet) paper() string {
	if v.Paper == "" {
		return "any"
	}
	return v.Paper
}

// serialID names the place of the number where there is one of it on the page.
func (v Sheet) serialID() string {
	if v.Many {
		return "serial-" + v.Serial
	}
	return "sheet-serial"
}
