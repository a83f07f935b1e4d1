package me

import (
	"cmp"
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// BackupPhones is the list of backup phones, and the form that adds one.
type BackupPhones struct {
	Rows      []BackupRow
	Action    string
	Typed     BackupForm
	Errors    map[string]string
	Channels  []component.Choice // empty where nobody carries messages, or it is turned off
	Why       string             // there are none
	InsteadOf string             // what the form adds takes its place; empty: it is one more
	Full      bool               // there are as many as there may be
}

// BackupForm is the form as typed.
type BackupForm struct{ Number, Channel, Label, Instead string }

// BackupRow is one backup phone.
type BackupRow struct {
	ID, Label, Number, How, Icon string
	First, Last                  bool // it is asked first of several, or may be made so
	AddedAt                      time.Time
	LastUsedAt                   time.Time // zero for never
	RemoveText                   string
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

// called is what a row goes by.
func (r BackupRow) called() string { return cmp.Or(r.Label, r.Number) }

func (v BackupPhones) renaming(ctx context.Context, r BackupRow, csrf string) component.Confirm {
	title := words.Say(ctx, "me.phones.rename.title", "name", r.called())
	return component.Confirm{
		ID: "label-of-" + r.ID, Trigger: words.Say(ctx, "me.phones.rename"), Label: title, Title: title, Action: v.Action + "/" + r.ID + "/label",
		CSRF: csrf, Button: words.Say(ctx, "me.phones.rename.act"), Open: v.Errors["label-"+r.ID] != "",
	}
}
