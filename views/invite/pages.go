// Package invite holds the page of those who come by an invitation.
package invite

import (
	"context"

	"latchkey/views/component"
	"latchkey/views/words"
)

// FirstPassword is the form for the first password, or another one.
type FirstPassword struct {
	Action      string
	TenantName  string
	Name        string // sign-in name
	DisplayName string
	Renews      bool // they have been in before
	Least       int  // characters that it needs
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

func (v FirstPassword) title(ctx context.Context) string {
	if v.Renews {
		return words.Say(ctx, "invite.renew.title")
	}
	return words.Say(ctx, "invite.title")
}
