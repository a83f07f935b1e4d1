// Package migrations holds the schema as numbered steps, one folder for each
// database, the same numbers and names in both.
package migrations

import "embed"

// Files has the folders postgres and sqlite.
//
//go:embed postgres/*.sql sqlite/*.sql
var Files embed.FS
