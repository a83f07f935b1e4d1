// Package invite holds the page of those who come by an invitation.
package invite

import "latchkey/views/component"

// FirstPassword is the form for the first password.
type FirstPassword struct {
	Action      string
	TenantName  string
	Name        string // sign-in name
	DisplayName string
	Errors      map[string]string
}

func (v FirstPassword) problems() []component.Problem {
	return component.Problems(v.Errors, "password", "password_again")
}

// called is how the person is greeted.
func (v FirstPassword) called() string {
	if v.DisplayName == "" {
		return v.Name
	}
	return v.DisplayName
}
