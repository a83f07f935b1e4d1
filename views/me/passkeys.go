package me

import "time"

// Passkeys is the list of passkeys.
type Passkeys struct {
	Rows        []PasskeyRow
	CanAdd      bool
	WhyNotAdd   string // when CanAdd is false
	RenameError string // after a name that was refused
	RenameID    string // the passkey that RenameError is about
	RenameTyped string
}

// PasskeyRow is one passkey.
type PasskeyRow struct {
	ID         string
	Name       string
	Synced     bool // kept by a service as well
	AddedAt    time.Time
	LastUsedAt time.Time // zero for never
	RemoveText string    // what removing it means
}

// NewPasskey is the page that makes one.
type NewPasskey struct {
	Options   string // what the browser is to make, as JSON
	Name      string // as typed, or a suggestion
	NameError string
	Error     string // of what the browser made
}

func (v Passkeys) renameTyped(row PasskeyRow) string {
	if v.renameError(row) != "" {
		return v.RenameTyped
	}
	return row.Name
}

func (v Passkeys) renameError(row PasskeyRow) string {
	if v.RenameID == row.ID {
		return v.RenameError
	}
	return ""
}
