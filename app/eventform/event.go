package eventform

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one event of the audit as it leaves the house. What a reader may not see is empty.
type Event struct {
	N           int64             `json:"n"`  // its place in the tree, from 0; -1: in no tree yet
	ID          string            `json:"id"` // never comes twice in one tenant
	At          time.Time         `json:"at"`
	Tenant      string            `json:"tenant"` // slug
	Action      string            `json:"action"`
	Outcome     string            `json:"outcome"`
	Reason      string            `json:"reason,omitempty"`
	Actor       Party             `json:"actor"`
	Target      Party             `json:"target"`
	Subject     string            `json:"subject,omitempty"` // id of the user whose story it belongs to
	SubjectName string            `json:"subject_name,omitempty"`
	Thread      string            `json:"thread,omitempty"`
	Request     string            `json:"request,omitempty"`
	IP          string            `json:"ip,omitempty"`
	Browser     string            `json:"browser,omitempty"`
	Typed       string            `json:"typed,omitempty"` // a name, as somebody typed it
	Details     map[string]string `json:"details,omitempty"`
}

// Party is one who acts or is acted upon. The name of a user is their sign-in name.
type Party struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// instant is how a time stands in every form: UTC, always six decimals.
const instant = "2006-01-02T15:04:05.000000Z"

// plain is a text without what no reader can show: bytes that are no text, and control
// characters but tabs and the ends of lines, which are all a line feed.
func plain(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError || r >= 0x80 && r < 0xa0 }) {
		return text
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\ufffd"))
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}
