package me

import (
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
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

// TestWhatIsToldByTextMessageAndPush: who, what, until when, under which case and where it is
// taken back; in few words, for a message of this length costs two.
func TestWhatIsToldByTextMessageAndPush(t *testing.T) {
	l := Letters{PublicURL: "https://id.example.org"}
	until := time.Date(2026, 3, 4, 17, 5, 0, 0, time.UTC)
	n := notify.Told{Action: audit.BypassIssued, ByRole: access.RoleHelpdesk, Reason: "left it at home", Detail: "pass_code", Agent: "Desk Two (desk2@alder.example)", Case: "C-1042", Until: &until, Disowning: "abcdefghijklmnop"}
	text := l.Told("Alder Health", n)
	for _, part := range []string{"Alder Health", "Desk Two (desk2@alder.example)", "C-1042", "a code that signs in", "2026-03-04 17:05 UTC", " https://id.example.org/not-me/abcdefghijklmnop"} {
		if !strings.Contains(text, part) {
			t.Errorf("the text message does not say %q: %s", part, text)
		}
	}
	if len(text) > 2*153 || strings.Contains(text, "left it") || strings.ContainsAny(text, "{}\n") {
		t.Errorf("the text message has %d letters: %s", len(text), text)
	}
	p := l.Pushed("Alder Health", n)
	if p.Title != "Alder Health" || p.Link != "/not-me/abcdefghijklmnop" || !strings.Contains(p.Text, "Desk Two") || strings.Contains(p.Text, "left it") {
		t.Errorf("the push is %+v", p)
	}
	n.Agent, n.Case = "", ""
	if p := l.Pushed("Alder Health", n); strings.Contains(p.Text, "Desk") || strings.Contains(p.Text, "C-1042") || strings.ContainsAny(p.Text, "{}") {
		t.Errorf("without names the push is %+v", p)
	}
	if text := l.Told("Alder Health", notify.Told{Action: audit.UserLocked}); strings.Contains(text, "http") || strings.Contains(text, "{") {
		t.Errorf("without a link the text message is %s", text)
	}
	_, mail := l.Mail("Alder Health", notify.Told{Action: audit.BypassIssued, Detail: "skip", Agent: "desk@alder.example", Case: "C-1042", Until: &until, Disowning: "x-y-z"})
	for _, part := range []string{"desk@alder.example", "C-1042", "2026-03-04 17:05 UTC", "https://id.example.org/not-me/x-y-z"} {
		if !strings.Contains(mail, part) {
			t.Errorf("the mail does not say %q: %s", part, mail)
		}
	}
}
