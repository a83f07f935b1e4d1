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
