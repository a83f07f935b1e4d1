// Package operator holds the pages of the platform operator: tenants as they
// look from outside, and the health of the platform.
package operator

import (
	"context"
	"time"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Tenants is the list, as it is filtered.
type Tenants struct {
	Text    string // of the filter, as typed
	Regions []component.Choice
	Rings   []component.Choice
	States  []component.Choice
	Rows    []TenantRow
	None    bool   // there is no tenant at all
	First   string // address of the first page, when this is not it; or empty
	Next    string // address of the next page; or empty
}

// TenantRow is one tenant of the list.
type TenantRow struct {
	Name      string
	Slug      string
	Href      string
	Region    string
	Ring      string
	State     string
	Tone      string // of State
	Domains   []DomainName
	CreatedAt time.Time
}

// DomainName is a domain in the list.
type DomainName struct {
	Name     string
	Unproved bool
}

// NewTenant is the form of a new tenant.
type NewTenant struct {
	Typed   TenantForm
	Errors  map[string]string
	Regions []component.Choice
	Rings   []component.Choice
}

// TenantForm is the form as typed; of a tenant that is there, without slug and
// domain.
type TenantForm struct {
	Name    string
	Slug    string
	Domain  string
	Version string // that the form changes
}

// Tenant is one tenant from outside.
type Tenant struct {
	Name           string
	Slug           string
	Base           string // address of this page, to which the acts are added
	Region         string
	Ring           string
	State          string
	Tone           string // of State
	Suspended      bool
	StateReason    string
	StateChangedAt time.Time
	CreatedAt      time.Time
	People         string // a count
	Administrators string // a count

	Change   Change
	Turn     Reason // to suspend or resume
	TurnText string // what that means
	Link     Link
	Domains  []Domain
	Claim    Claim
	Grants   []Grant
	History  []Event
}

// Change is the form of the facts.
type Change struct {
	Typed   TenantForm
	Errors  map[string]string
	Regions []component.Choice
	Rings   []component.Choice
}

// Reason is an act that asks for one.
type Reason struct {
	Typed string
	Error string
	Open  bool
}

// Link is the one for the first security administrator.
type Link struct {
	Needed bool
	Text   string    // only once; or empty
	EndsAt time.Time // of the one that is open; zero for none
}

// Domain is a domain or a claim.
type Domain struct {
	ID          string // unique on the page, and fit for an address
	Name        string
	State       string
	Tone        string
	Verified    bool
	At          time.Time // when it was verified, or claimed
	People      string    // a count, of a verified one
	RecordName  string    // of a claim that can be verified; or empty
	RecordValue string
	CanRemove   bool
	RemoveText  string
	Error       string // why the last look did not prove it; or empty
}

// Claim is the form that adds a domain.
type Claim struct {
	Typed string
	Error string
}

// Grant is what the tenant lets an operator do.
type Grant struct {
	Operator  string
	Role      string
	Reason    string
	State     string
	Tone      string
	GrantedAt time.Time
	EndsAt    time.Time
}

// Event is what operators did.
type Event struct {
	At     time.Time
	What   string
	Detail string // the domain, what was changed; or empty
	Who    string
	Why    string
}

// Health is how the platform is.
type Health struct {
	Word     string // "Everything works"
	Tone     string
	Checks   []Check
	Replicas []Replica
}

// Check is one thing that was looked at.
type Check struct {
	Icon  string
	Name  string
	State string
	Tone  string
	Note  string
	At    time.Time // since when; zero for nothing
}

// Replica is one running program.
type Replica struct {
	Name      string
	Version   string
	State     string
	Tone      string
	Clock     string // how far the clocks are apart
	Streams   string
	Waiting   string
	StartedAt time.Time
	SeenAt    time.Time
}

func (v NewTenant) problems() []component.Problem {
	return component.Problems(v.Errors, "tenant_name", "tenant_slug", "domain", "region", "ring")
}

func (v Claim) problems() []component.Problem {
	return component.Problems(map[string]string{"domain": v.Error}, "domain")
}

// turn is the act that the state allows.
func (v Tenant) turn(ctx context.Context, csrf string) component.Confirm {
	name := "suspend"
	if v.Suspended {
		name = "resume"
	}
	act := words.Say(ctx, "operator."+name+".act")
	return component.Confirm{
		ID: name, Trigger: act, Title: words.Say(ctx, "operator."+name+".title", "tenant", v.Name), Text: v.TurnText,
		Action: v.Base + "/" + name, CSRF: csrf, Button: act, Danger: !v.Suspended, Open: v.Turn.Open,
	}
}

func (v Tenant) change(ctx context.Context, csrf string) component.Confirm {
	return component.Confirm{
		ID: "change", Trigger: words.Say(ctx, "operator.change"), Title: words.Say(ctx, "operator.change.title", "tenant", v.Name),
		Action: v.Base + "/change", CSRF: csrf, Button: words.Say(ctx, "operator.change.act"), Open: len(v.Change.Errors) > 0,
	}
}

// remove asks once more before a domain goes.
func (v Tenant) remove(ctx context.Context, d Domain, csrf string) component.Confirm {
	return component.Confirm{
		ID: "remove-" + d.ID, Trigger: words.Say(ctx, "operator.domain.remove"), Title: words.Say(ctx, "operator.domain.remove.title", "domain", d.Name), Text: d.RemoveText,
		Action: v.Base + "/domains/" + d.Name + "/remove", CSRF: csrf, Button: words.Say(ctx, "operator.domain.remove"), Danger: true,
	}
}

func frame(scripts ...string) component.Document {
	return component.Document{Layout: "frame", Scripts: scripts}
}
