package console

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Roles says who holds which role, and what each may.
type Roles struct {
	Action     string // of the filter: this page
	Filter     []component.Choice
	Filtered   bool
	Holders    []RoleHolder
	First      string // address of the first page; empty on it
	Next       string // address of the next page; empty on the last
	AssignHref string // empty for those who give no roles
	WhyHref    string
	Carriers   []RoleCarrier
	Customs    []RoleSummary
	NewHref    string // empty for those who compose none
	BuiltIn    []RoleSummary
}

// RoleHolder is a person who holds a role by themselves.
type RoleHolder struct {
	Name, Display, Href string
	State               string // in words, when they are not active
	Role                string
	Scope               string // names of groups, or that it is the whole organisation
	GivenBy             string
	GivenAt             time.Time
	EndsAt              time.Time // zero: it lasts
	ChangeHref          string    // empty when this person may not
	ChangeLabel         string    // to those who hear the page: whose
}

// RoleCarrier is a group whose members hold a role.
type RoleCarrier struct {
	Name, Href, Role, Members, GivenBy string
	GivenAt                            time.Time
}

// RoleSummary is a role with what it may, in words.
type RoleSummary struct {
	Name, Href string
	Rank       string
	Holders    string // how many, in words; of a custom role
	May        []string
}

// RoleAssign gives a role to a person, or asks first to whom.
type RoleAssign struct {
	FindAction string // of the question to whom: this page
	Typed      string
	FindError  string

	Found     bool
	Name      string
	Display   string
	Href      string // of the person's page
	State     string // in words, when they are not active
	Held      RoleHeld
	WhyHref   string
	Action    string
	Roles     []component.Choice // none: nothing that this person may give
	Groups    []component.Choice
	MoreNames bool   // there are more groups than are shown: they are given by name
	Names     string // of groups, as typed
	Within    bool   // the actor is limited to groups, and so is what they give
	Ends      []component.Choice
	EndsOn    string
	Reason    string
	Errors    map[string]string

	TakeAction string // empty when there is nothing to take
	TakeText   string
	Taking     bool // the form that takes it came back
	TakeReason string
	TakeError  string
}

// RoleHeld is what somebody holds now.
type RoleHeld struct {
	Role   string
	Scope  string
	Origin string // by themselves, or through which group
	EndsAt time.Time
}

// CustomRole is a custom role to read, to change or to put together.
type CustomRole struct {
	New      bool
	Editable bool
	Name     string // as it is; empty of a new one
	Rank     string
	Holders  string
	Action   string
	Typed    string
	Version  string
	Choices  []component.Choice
	May      []string
	Reason   string
	Errors   map[string]string

	RetireAction string
	RetireText   string
	Retiring     bool // the form that retires it came back
	RetireReason string
	RetireError  string
}

// RoleWhy says why somebody may, or may not, rule by rule.
type RoleWhy struct {
	Action      string
	User        string
	Permissions []component.Choice
	Target      string
	Errors      map[string]string

	Answered bool
	Answer   string
	Tone     string
	Held     RoleHeld
	Findings []RoleFinding
}

// RoleFinding is what one rule says.
type RoleFinding struct {
	Rule, Says, Tone, Why string
}

func (v CustomRole) title(ctx context.Context) string {
	if v.New {
		return words.Say(ctx, "roles.custom.new")
	}
	return v.Name
}

func (v RoleAssign) groupsHint(ctx context.Context) string {
	if v.Within {
		return words.Say(ctx, "roles.assign.groups_yours")
	}
	return words.Say(ctx, "roles.assign.groups_hint")
}
