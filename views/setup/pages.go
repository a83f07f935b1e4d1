// Package setup holds the pages of the one-time set-up: the first organisation
// and its first security administrator.
package setup

import "latchkey/views/component"

// Setup is the form. Errors are by field name, and under "" for the whole.
type Setup struct {
	Action  string
	Typed   Form
	Errors  map[string]string
	Regions []component.Choice
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
}

func (v Setup) problems() []component.Problem {
	return component.Problems(v.Errors, "tenant_name", "tenant_slug", "domain", "region", "admin_name", "password", "password_again")
}
