package console

import "latchkey/views/component"

// Settings is the form of the rules that hold for everybody in a tenant.
type Settings struct {
	Action    string
	Modes     []component.Choice
	Platforms []component.Choice
	Reason    string
	Errors    map[string]string
}
