package trailview

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/trail"
)

const (
	OwnMost  = 50 // views of one person in a tenant
	NameMost = 80 // letters of a name

	filterMost = 200 // bytes of a filter, as on the page of the audit
)

// View is one as it stands.
type View struct {
	TenantID, ID string
	OwnerID      string
	OwnerName    string // sign-in name; empty for a reader who is not told, and of who is gone
	Name         string
	Filters      Filters
	Shared       bool
	Version      int
	CreatedAt    time.Time
	ChangedAt    time.Time
}

// Filters are what the page of the audit is narrowed by, as it was set there.
type Filters struct {
	Text    string        `json:"text,omitempty"`
	Action  string        `json:"action,omitempty"`
	Outcome audit.Outcome `json:"outcome,omitempty"`
	Actor   string        `json:"actor,omitempty"`
	Target  string        `json:"target,omitempty"`
	Thread  string        `json:"thread,omitempty"`
	By      string        `json:"by,omitempty"`
	Range   string        `json:"range,omitempty"` // one of trail.Ranges; with From it counts for nothing
	From    time.Time     `json:"from,omitzero"`
	To      time.Time     `json:"to,omitzero"`
}

// Audience is who may know of the filters of a shared view.
type Audience string

// From the most people to the fewest.
const (
	Everybody Audience = "everybody" // who may read the audit
	Security  Audience = "security"  // whom security events are told
	Whole     Audience = "whole"     // who sees every event and all that is in it
)

// audiences are all of them, each within the one before.
var audiences = []Audience{Everybody, Security, Whole}

// unsecured sees all but security events.
var unsecured = trail.Sight{Told: people.NoSecurity}

// Audience is who may ask for all that is in the filters. What is not from a list of ours may
// be a name or an address, whatever its field.
func (f Filters) Audience() Audience {
	switch {
	case f.Text != "" || f.Target != "" || f.Thread != "" || f.By != "", f.Actor != "" && !trail.Nameless(f.Actor), f.Action != "" && !trail.Means(f.Action):
		return Whole
	case f.Action != "" && !unsecured.Meets(f.Action):
		return Security
	}
	return Everybody
}

// openTo says whether somebody may know of the filters, who did not set them.
func (f Filters) openTo(s trail.Sight) bool {
	switch f.Audience() {
	case Whole:
		return s.Whole()
	case Security:
		return s.Meets(f.Action)
	}
	return true
}

// widerThan says whether f is for more people than before.
func (f Filters) widerThan(before Filters) bool {
	return slices.Index(audiences, f.Audience()) < slices.Index(audiences, before.Audience())
}

// Query is what they ask for now.
func (f Filters) Query(now time.Time) trail.Query {
	q := trail.Query{From: f.From, To: f.To, Actor: f.Actor, Target: f.Target, Action: f.Action, Outcome: f.Outcome, Text: f.Text, Thread: f.Thread, By: f.By}
	if back, is := trail.RangeNamed(f.Range); is && q.From.IsZero() {
		q.From = back.From(now)
	}
	return q
}

// kept gives f as it is kept, or what is wrong with it: that it is nothing, or no filters of
// the page.
func (f Filters) kept() (Filters, string) {
	for _, text := range []*string{&f.Text, &f.Action, &f.Actor, &f.Target, &f.Thread, &f.By} {
		if *text = strings.TrimSpace(*text); len(*text) > filterMost || !utf8.ValidString(*text) || strings.ContainsRune(*text, 0) {
			return f, "view.filters_form"
		}
	}
	if f.From, f.To = f.From.UTC().Truncate(time.Second), f.To.UTC().Truncate(time.Second); !f.From.IsZero() {
		f.Range = ""
	}
	_, known := trail.RangeNamed(f.Range)
	if f.Range != "" && !known || f.Outcome != "" && !slices.Contains(audit.Outcomes, f.Outcome) {
		return f, "view.filters_form"
	}
	if f == (Filters{}) {
		return f, "view.filters_none"
	}
	return f, ""
}

// Name puts the name of a view as typed into the form in which it is kept: one line, single
// spaces. The result is empty when it is no name.
func Name(typed string) string {
	name := strings.Join(strings.Fields(typed), " ")
	bad := func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsGraphic(r) }
	if utf8.RuneCountInString(name) > NameMost || strings.ContainsFunc(name, bad) {
		return ""
	}
	return name
}

// DeletableBy says whether somebody may delete a view that they see.
func (v View) DeletableBy(who access.Standing) bool {
	return v.OwnerID == who.UserID || v.Shared && who.May.Has(access.AuditVerify)
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }
func changed() error  { return fault.New(fault.Conflict, "view.changed_meanwhile") }
func notYours() error { return fault.New(fault.Forbidden, "view.not_yours") }

func wrong(field, code string) error {
	return fault.Wrong("form.wrong", map[string]string{field: code})
}
