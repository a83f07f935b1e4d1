package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Groups is a page of the groups of a tenant.
type Groups struct {
	Href        string // of the list
	Prefix      string // how the names begin, as typed
	Rows        []GroupRow
	First, Next string // addresses of other pages; empty: none
	CanMake     bool
	Refused     bool // the form for a new group was
	Typed       GroupTyped
	Errors      map[string]string
}

// GroupRow is one of them.
type GroupRow struct {
	Name, Href string
	Members    string // "12" or "1,000+"
	Role       string // in words; empty: none
	CreatedAt  time.Time
}

// Group is one group, with a page of its members.
type Group struct {
	Href, ListHref string
	Name           string
	Members        string // "12 members"
	Role           string // in words; empty: none
	RoleBy         string
	RoleAt         time.Time
	CreatedBy      string
	CreatedAt      time.Time
	Limited        string // how many roles are limited to it, in words; empty: none
	Untouchable    string // why nothing can be changed here by this person; empty when something can

	CanEdit, CanGive, CanDelete bool
	Empty                       bool // nobody is in it
	Roles                       []component.Choice

	People      []GroupMember
	After       string // where this page of members begins
	First, Next string

	Form   string // the form that was refused: "add", "rename", "role", "delete", or the id of the member to remove
	Typed  GroupTyped
	Errors map[string]string
}

// GroupMember is somebody in a group.
type GroupMember struct {
	ID, Name, DisplayName, Href string
	State                       string // in words, for one who cannot sign in; otherwise empty
	AddedAt                     time.Time
	AddedBy                     string
}

// GroupTyped is what was typed into a form of these pages.
type GroupTyped struct{ Name, Confirmed, Reason string }

// typed gives what was typed into a form that was refused, or nothing.
func (v Group) typed(form string) GroupTyped {
	if v.Form == form {
		return v.Typed
	}
	return GroupTyped{}
}

func (v Group) error(form, field string) string {
	if v.Form == form {
		return v.Errors[field]
	}
	return ""
}

// name is what the form for another name begins with.
func (v Group) name() string {
	if v.Form == "rename" {
		return v.Typed.Name
	}
	return v.Name
}

// deleteText says what deleting the group does.
func (v Group) deleteText(ctx context.Context) string {
	switch {
	case v.Role != "":
		return words.Say(ctx, "console.group.delete.text.role", "role", v.Role)
	case v.Empty:
		return words.Say(ctx, "console.group.delete.text.empty")
	}
	return words.Say(ctx, "console.group.delete.text", "members", v.Members)
}

// removeText says what leaving the group does to a person.
func (v Group) removeText(ctx context.Context) string {
	if v.Role != "" {
		return words.Say(ctx, "console.group.remove.text.role", "role", v.Role)
	}
	return words.Say(ctx, "console.group.remove.text")
}
