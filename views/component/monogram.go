package component

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
)

// tints is how many colours a monogram may have; the stylesheet knows each.
const tints = 8

// tint is the class of an organisation's colour, always the same for a name.
func tint(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return "tint-" + Count(int(h.Sum32()%tints))
}

// initials are those of the first two words of a name, without the small ones
// between: "UO" for University of Oslo. They are empty for a name without
// letters and digits.
func initials(name string) string {
	all := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.M) && r != '\'' && r != '’'
	})
	all = slices.DeleteFunc(all, func(word string) bool { return initial(word) == "" })
	capital := slices.DeleteFunc(slices.Clone(all), func(word string) bool { return unicode.IsLower([]rune(word)[0]) })
	if len(capital) > 0 {
		all = capital
	}
	var b strings.Builder
	for _, word := range all[:min(2, len(all))] {
		b.WriteString(initial(word))
	}
	return b.String()
}

// initial is the first letter or digit of a word, with the accent that it bears.
func initial(word string) string {
	var found []rune
	for _, r := range word {
		switch {
		case len(found) == 0 && unicode.In(r, unicode.L, unicode.N):
			found = append(found, unicode.ToTitle(r))
		case len(found) == 1 && unicode.Is(unicode.M, r):
			return string(append(found, r))
		case len(found) == 1:
			return string(found)
		}
	}
	return string(found)
}
