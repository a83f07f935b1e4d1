package component

import (
	"context"

	"latchkey/views/words"
)

// Problem is one fault of a form, for the summary on top of it.
type Problem struct {
	Field string // name of the field, or empty for the form as a whole
	Text  string
}

// Field is one input with its label.
type Field struct {
	Name         string
	ID           string // when a page has several fields of one name; otherwise Name
	Label        string
	Hint         string
	Typed        string // as it was typed, word for word
	Error        string
	Type         string // of the input; "text" when empty
	Autocomplete string
	InputMode    string
	Accept       string // of a file: the kinds that are taken
	List         string // id of the list that is offered while somebody types
	Required     bool
	Autofocus    bool
	MaxLength    string
}

// Choice is one answer of a group of radio buttons or of a select.
type Choice struct {
	Value   string
	Label   string
	Hint    string
	Chosen  bool
	Blocked bool // shown, but not to be chosen
}

// Choices is a group of radio buttons.
type Choices struct {
	Name    string
	Legend  string
	Hint    string
	Error   string
	Choices []Choice
}

// Asking is a request to the helpdesk as it is typed: what happened, and in which words.
type Asking struct {
	Causes Choices
	Typed  string
	Errors map[string]string
}

// Check is one box to tick.
type Check struct {
	Name    string // empty: there is no such box
	Value   string
	Label   string
	Hint    string
	Form    string // id of the form that it belongs to, where it stands outside of it
	Checked bool
}

// Confirm is an act that asks once more before it happens.
type Confirm struct {
	ID      string // unique on the page
	Trigger string // words on the button that opens it
	Label   string // read out in their place, where a page has several such buttons
	Title   string
	Text    string // what will happen, to whom, until when
	Action  string
	CSRF    string
	Button  string // words on the button that does it
	Danger  bool
	Loud    bool // the button that opens it stands alone, among acts
	Open    bool // from the beginning: what was typed in it was refused
}

// Problems gathers the errors of fields for the summary, in the order given.
// Errors under the empty name are those of the form as a whole.
func Problems(errors map[string]string, order ...string) []Problem {
	var all []Problem
	for _, name := range append([]string{""}, order...) {
		if text := errors[name]; text != "" {
			all = append(all, Problem{Field: name, Text: text})
		}
	}
	return all
}

// TicketRef is a ticket in a history. The zero one is none.
type TicketRef struct {
	Name string
	Href string // what else was done under it; empty for who may not look
}

// ticketHint says what a ticket looks like.
func (p Page) ticketHint(ctx context.Context) string {
	if p.Ticket.Example != "" {
		return words.Say(ctx, "form.ticket.example", "name", p.Ticket.Example)
	}
	return words.Say(ctx, "form.ticket.hint")
}

// ticketField fills in what was typed in the form that came back from action.
func (p Page) ticketField(f Field, action string) Field {
	if p.Ticket.Action == action {
		f.Typed, f.Error = p.Ticket.Typed, p.Ticket.Error
	}
	return f
}

func (f Field) id() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

func (f Field) inputType() string {
	if f.Type != "" {
		return f.Type
	}
	return "text"
}

// describedBy names the elements that explain the field, fault first.
func (f Field) describedBy() string {
	switch {
	case f.Error != "" && f.Hint != "":
		return f.id() + "-error " + f.id() + "-hint"
	case f.Error != "":
		return f.id() + "-error"
	case f.Hint != "":
		return f.id() + "-hint"
	}
	return ""
}
