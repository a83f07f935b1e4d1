package me

import (
	"time"

	"latchkey/views/component"
)

// BackupPhones is the list of backup phones, and the form that adds one.
type BackupPhones struct {
	Rows     []BackupRow
	Action   string
	Typed    BackupForm
	Errors   map[string]string
	Channels []component.Choice // empty where nobody carries messages, or it is turned off
	Why      string             // there are none
	Full     bool               // there are as many as there may be
}

// BackupForm is the form as typed.
type BackupForm struct{ Number, Channel string }

// BackupRow is one backup phone.
type BackupRow struct {
	ID, Number, How, Icon string
	AddedAt               time.Time
	LastUsedAt            time.Time // zero for never
	RemoveText            string
}

// NewBackupPhone is a number that waits for its code.
type NewBackupPhone struct {
	Action    string
	Lead      string
	Again     string // words on the button that sends a new code
	StartedAt time.Time
	ExpiresAt time.Time
	Error     string
}
