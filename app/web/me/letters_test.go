package me

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/notify"
)

// TestTheMailAboutANewBrowser names it, says when and from where, and leads to where
// it is undone. The act itself is no link: whoever reads mails must not do it.
func TestTheMailAboutANewBrowser(t *testing.T) {
	l := Letters{PublicURL: "https://id.example.org"}
	at := time.Date(2026, time.March, 1, 12, 30, 0, 0, time.UTC)
	subject, text := l.Mail("Alder Health", notify.Told{Action: audit.SessionNewBrowser, Detail: "Firefox on Linux", At: at, IP: "203.0.113.9"})
	if subject != "Alder Health: Signed in from a new browser: Firefox on Linux" {
		t.Errorf("the subject is %q", subject)
	}
	for _, want := range []string{"2026-03-01 12:30 UTC", "203.0.113.9", "Firefox on Linux", "undo it", "https://id.example.org/\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "/undo") || strings.Contains(text, "/me/activity") {
		t.Errorf("the mail leads elsewhere:\n%s", text)
	}
}

// TestACodeOfTheHelpdeskIsWrittenAsOne: it promises no ten minutes, and a call says its
// digits and not what parts them.
func TestACodeOfTheHelpdeskIsWrittenAsOne(t *testing.T) {
	l := Letters{PublicURL: "https://id.example.org"}
	whole, spoken := l.Handed("Alder Health", "12345-67890", false)
	half, spokenHalf := l.Handed("Alder Health", "12345-67890", true)
	for _, text := range []string{whole, half} {
		if !strings.Contains(text, "12345-67890") || !strings.Contains(text, "helpdesk of Alder Health") || strings.Contains(text, "minutes") || len(text) > 160 {
			t.Errorf("the message is %q", text)
		}
	}
	if !strings.Contains(half, "half") || strings.Contains(whole, "half") {
		t.Errorf("a half is written as %q, a whole as %q", half, whole)
	}
	for _, call := range [][]string{spoken, spokenHalf} {
		if len(call) != 2 || call[1] != "one, two, three, four, five, six, seven, eight, nine, zero." {
			t.Errorf("a call says %q", call)
		}
	}
	if spoken[0] == spokenHalf[0] {
		t.Error("a call says of a half what it says of a whole")
	}
}
