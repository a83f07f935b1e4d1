package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"

	"latchkey/app/secret"
	"latchkey/app/user"
)

// programName is the name of the program, which people put into passwords as they do
// with that of their organisation.
const programName = "latchkey"

// Check gives the fields of a form that break a rule, by the code of it: password
// or password_again. least is the length that the user needs, see LeastFor. names
// are those of the person and their organisation.
func Check(typed, again string, least int, names ...string) map[string]string {
	wrong := map[string]string{}
	normal := secret.Normal(typed)
	switch length := len([]rune(normal)); {
	case length < least && least < user.PasswordLeastAlone:
		wrong["password"] = "user.password_short_second"
	case length < least && least > user.PasswordLeastAlone:
		wrong["password"] = "user.password_short_here"
	case length < least:
		wrong["password"] = "user.password_short"
	case length > user.PasswordMost:
		wrong["password"] = "user.password_long"
	case common(normal):
		wrong["password"] = "user.password_common"
	case ofNames(normal, names):
		wrong["password"] = "user.password_names"
	case normal != secret.Normal(again):
		wrong["password_again"] = "user.password_other"
	}
	return wrong
}

// LeastFor is how long the password of a user must be, who has bound these ways:
// the longer where it may be all that is asked of them. alone is what their
// organisation asks for there.
func LeastFor(mfa string, bound user.Ways, alone int) int {
	if user.Enough(mfa, bound|user.WithPassword, user.WithPassword) {
		return alone
	}
	return user.PasswordLeast
}

// Alone says whether a password is long enough to be all that is asked, where it
// needs least characters for that.
func Alone(typed string, least int) bool { return len([]rune(secret.Normal(typed))) >= least }

//go:embed common.txt.gz
var commonText []byte

// commons are the common passwords in the order of their bytes. They share one
// text, and are parted when the first password is set.
var commons = sync.OnceValue(func() []string {
	unpacked, err := gzip.NewReader(bytes.NewReader(commonText))
	if err != nil {
		panic("password: the list of common ones: " + err.Error())
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		panic("password: the list of common ones: " + err.Error())
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
})

func listed(text string) bool {
	_, found := slices.BinarySearch(commons(), text)
	return found
}

// common says whether a password is among the first that others try: one of the
// list, also with signs in the place of letters or with a few around it, a piece
// that repeats, or a row.
func common(normal string) bool {
	text := strings.ToLower(normal)
	for _, text := range []string{text, plain.Replace(text)} {
		core := strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
		around := len([]rune(text)) - len([]rune(core))
		if listed(text) || listed(core) && around < user.PasswordLeast {
			return true
		}
	}
	letters := []rune(text)
	return repeats(letters) || row(letters)
}

// plain puts letters where people put signs that look like them.
var plain = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s")

// pieceMost is how long a piece may be that anybody would repeat.
const pieceMost = 4

// repeats says whether a text is one short or common piece, over and over.
func repeats(text []rune) bool {
	for size := 1; size < len(text); size++ {
		same := true
		for i := size; i < len(text) && same; i++ {
			same = text[i] == text[i-size]
		}
		if same && (size <= pieceMost || listed(string(text[:size]))) {
			return true
		}
	}
	return false
}

// keys are rows of keys as fingers run over them.
var keys = []string{"qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn"}

// row says whether a text runs along the alphabet, the digits or the keys, there
// or back.
func row(text []rune) bool {
	back := slices.Clone(text)
	slices.Reverse(back)
	for _, text := range [][]rune{text, back} {
		step := true
		for i := 1; i < len(text) && step; i++ {
			step = text[i] == text[i-1]+1
		}
		if step || slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, string(text)) }) {
			return true
		}
	}
	return false
}

// nameLeast is how many letters a name has that counts: shorter ones stand in
// other words.
const nameLeast = 4

// ofNames says whether too little is left of a password without the names of the
// person, the organisation and the program.
func ofNames(normal string, names []string) bool {
	text := bare(normal)
	left := text
	for _, name := range words(names) {
		left = strings.ReplaceAll(left, name, "")
	}
	return left != text && len([]rune(left)) < user.PasswordLeast
}

// words are the parts of names that count and the names as a whole, the longest
// first.
func words(names []string) []string {
	all := []string{programName}
	for _, name := range names {
		all = append(all, bare(name))
		for _, part := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			all = append(all, bare(part))
		}
	}
	all = slices.DeleteFunc(all, func(w string) bool { return len([]rune(w)) < nameLeast })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// bare leaves the letters and digits of a text, in small letters.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, secret.Normal(text))
}
