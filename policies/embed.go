// Package policies holds the casbin model and the table of roles and their permissions.
package policies

import _ "embed"

// Model is the casbin model.
//
//go:embed model.conf
var Model string

// Roles is the table role → permission.
//
//go:embed roles.csv
var Roles string
