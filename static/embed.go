// Package static holds the files that browsers fetch as they are: the
// stylesheet, the scripts and icons of the pages, and the phone app.
package static

import "embed"

// Files is all of them, by their path below the folder of this package.
//
//go:embed style.css js icons phone
var Files embed.FS
