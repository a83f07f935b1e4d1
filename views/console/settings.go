package console

import "latchkey/views/component"

// Settings is the form of the rules that hold for everybody in a tenant.
type Settings struct {
	Action    string
	Modes     []component.Choice
	Platforms []component.Choice
	Times     []component.Field // how long people stay signed in
	Reason    string
	Errors    map[string]string
}
