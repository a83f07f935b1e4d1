package codesheet

import "strings"

// Codes is how many a sheet has; LowAt is how many are left when its user is told to
// make another one (product.md §6).
const (
	Codes = 10
	LowAt = 3
)

// typedMost is how many bytes of a typed code are looked at.
const typedMost = 100

// Typed puts a code as typed into the form in which it is hashed: what parts it, and
// whether its letters are large, makes no difference, and a letter that codes do not
// have is the digit that it looks like.
func Typed(text string) string {
	if len(text) > typedMost {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		case r == '-' || r == ' ' || r == '\t' || r == '\u00a0' || '\u2010' <= r && r <= '\u2015' || r == '\u2212':
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, text)
}

// Parted is a serial number as it is printed, with its dash.
func Parted(serial string) string {
	if len(serial) != 8 {
		return serial
	}
	return serial[:4] + "-" + serial[4:]
}
