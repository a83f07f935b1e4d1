package console

import (
	"time"

	"latchkey/views/component"
)

// AuditFilter is a filter as forms carry it, and what it says.
type AuditFilter struct{ Name, Value, Label, Says string }

// AuditViews are what the page of the audit has of saved views: some to open, and the forms
// for the filters that are set.
type AuditViews struct {
	Base string // address of all of them
	Open []AuditViewLink
	Save *AuditViewForm // nil: no filter is set
	Into *AuditViewInto // the reader's own view that is open with other filters than it has; nil: none
}

// AuditViewLink opens a view.
type AuditViewLink struct {
	Name, Href string
	Shared     bool
	Current    bool
}

// AuditViewForm saves filters under a name.
type AuditViewForm struct {
	Action  string
	Filters []AuditFilter
	Typed   string
	Errors  map[string]string
}

// AuditViewInto puts filters in the place of those of a view.
type AuditViewInto struct {
	Action, Name, Version string
	Filters               []AuditFilter
}

// AuditViewList is the page of all views that somebody may know of.
type AuditViewList struct {
	Back   string // the audit
	Save   *AuditViewForm
	Full   bool
	Own    []AuditViewRow
	Shared []AuditViewRow // those of others
}

// AuditViewRow is one of them.
type AuditViewRow struct {
	AuditViewLink
	Page  string // where it is changed; empty: who looks changes nothing of it
	Says  string // its filters
	By    string // whose it is; empty: the reader's own, or they are not told
	State string
	Tone  string
	At    time.Time // last changed
}

// AuditView is one view, as a page of its own.
type AuditView struct {
	AuditViewRow
	Back      string
	Filters   []AuditFilter
	For       string // who sees it, or who would if it were shared
	Mine      bool
	Deletable bool
	Version   string
	Typed     string // its name, as it was typed
	Errors    map[string]string
}

// problems are what is wrong with the form, in the order of its fields.
func (v AuditViewForm) problems() []component.Problem {
	all := component.Problems(v.Errors, "name")
	if text := v.Errors["filters"]; text != "" {
		all = append(all, component.Problem{Text: text})
	}
	return all
}
