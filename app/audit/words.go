package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Of the words of an event, what is kept.
const (
	wordsMost  = 40
	wordLeast  = 2  // letters
	wordLength = 64 // bytes
)

var code = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)+$`)

// IsCode says whether a reason is a code of the program, and not the words of a person.
func IsCode(reason string) bool { return code.MatchString(reason) }

// Words gives the words of a text as events are found by them: letters and digits, small,
// each once, in their order.
func Words(text string) (all []string) {
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, w := range strings.FieldsFunc(strings.ToLower(text), apart) {
		for len(w) > wordLength {
			_, size := utf8.DecodeLastRuneInString(w)
			w = w[:len(w)-size]
		}
		if utf8.RuneCountInString(w) >= wordLeast && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// words are those that e is found by: of what a person said, and of what stands beside it.
// An event that nobody gave words to has none; and of a sign-in none has, so that as much is
// written of somebody whom nobody knows as of anybody.
func (e Event) words() []string {
	if e.Reason == "" || slices.Contains([]Class{ClassSignIn, ClassRefusal}, e.Action.Class()) || IsCode(e.Reason) {
		return nil
	}
	said := e.Reason
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		said += " " + e.Details[name]
	}
	all := Words(said)
	return all[:min(len(all), wordsMost)]
}
