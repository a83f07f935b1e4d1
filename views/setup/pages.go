// Package setup holds the pages of the one-time set-up: an organisation and its
// first security administrator.
package setup

import (
	"context"
	"strings"

	"latchkey/views/component"
	"latchkey/views/words"
)

// Setup is the form. Errors are by field name, and under "" for the whole.
type Setup struct {
	Action     string
	Typed      Form
	Errors     map[string]string
	Regions    []component.Choice
	Least      int      // characters of a password
	AsksTenant bool     // the organisation is made as well
	AsksDomain bool     // the domain of the sign-in name is to be given
	Operator   bool     // of the platform, and of no organisation
	Tenant     string   // the organisation that is there already; or empty
	Domains    []string // in which the sign-in name may be
}

// Form is the form as typed. Passwords are never put back.
type Form struct {
	TenantName    string `form:"tenant_name"`
	TenantSlug    string `form:"tenant_slug"`
	Domain        string `form:"domain"`
	Region        string `form:"region"`
	AdminName     string `form:"admin_name"`
	Password      string `form:"password"`
	PasswordAgain string `form:"password_again"`
}

// Done says what was made and what comes next.
type Done struct {
	TenantName string
	TenantSlug string
	AdminName  string // full sign-in name
	SignInURL  string
	ConsoleURL string
	Operator   bool // of the platform
	Unproved   bool // nobody can sign in before the domain is verified
}

func (v Done) title(ctx context.Context) string {
	if v.Operator {
		return words.Say(ctx, "setup.done.operator")
	}
	return words.Say(ctx, "setup.done.title")
}

func (v Done) lead(ctx context.Context) string {
	if v.Operator {
		return words.Say(ctx, "setup.done.operator.lead")
	}
	return words.Say(ctx, "setup.done.lead", "tenant", v.TenantName)
}

func (v Setup) problems() []component.Problem {
	return component.Problems(v.Errors, "tenant_name", "tenant_slug", "domain", "region", "admin_name", "password", "password_again")
}

func (v Setup) title(ctx context.Context) string {
	switch {
	case v.Operator:
		return words.Say(ctx, "setup.operator.title")
	case !v.AsksTenant:
		return words.Say(ctx, "setup.invited.title", "tenant", v.Tenant)
	}
	return words.Say(ctx, "setup.title")
}

func (v Setup) lead(ctx context.Context) string {
	switch {
	case v.Operator:
		return words.Say(ctx, "setup.operator.lead")
	case !v.AsksTenant:
		return words.Say(ctx, "setup.invited.lead", "tenant", v.Tenant)
	}
	return words.Say(ctx, "setup.lead")
}

// nameHint says in which domains the sign-in name may be.
func (v Setup) nameHint(ctx context.Context) string {
	if len(v.Domains) == 0 {
		return words.Say(ctx, "setup.admin_name_hint")
	}
	return words.Say(ctx, "setup.invited.name_hint", "domains", strings.Join(v.Domains, ", "))
}

func (v Setup) who(ctx context.Context) string {
	if v.Operator {
		return words.Say(ctx, "setup.operator")
	}
	return words.Say(ctx, "setup.admin")
}
