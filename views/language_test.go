package views_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"latchkey/views/words"
)

// marked makes a language of its own from the English catalogue, in which every
// text stands between brackets.
func marked(t *testing.T) *words.Catalogue {
	t.Helper()
	english, err := os.ReadFile("words/en.txt")
	if err != nil {
		t.Fatal(err)
	}
	var made strings.Builder
	for line := range strings.Lines(string(english)) {
		if key, text, ok := strings.Cut(strings.TrimSpace(line), " = "); ok && !strings.HasPrefix(line, "#") {
			made.WriteString(key + " = ⟦" + strings.ReplaceAll(text, "|", "⟧|⟦") + "⟧\n")
		}
	}
	shelf, err := words.Open(fstest.MapFS{"en.txt": {Data: english}, "eo.txt": {Data: []byte(made.String())}})
	if err != nil {
		t.Fatal(err)
	}
	return shelf.For("eo")
}

var (
	between = regexp.MustCompile(`>([^<>]*)<`)
	// Of the attributes only those that look like words: the others are for
	// scripts and styles.
	attribute = regexp.MustCompile(`\s(?:aria-label|title|alt|placeholder|data-[a-z-]+)="([^"]*\pL \pL[^"]*|\p{Lu}\p{Ll}[^"]*)"`)
	inside    = regexp.MustCompile(`⟦[^⟦⟧]*⟧|⟦[^⟦⟧]*$|^[^⟦⟧]*⟧`)
	word      = regexp.MustCompile(`\pL+`)
)

// TestAnotherLanguageReachesEveryText renders every page in a made-up language
// and finds nothing that is not of it: no letter outside its brackets, and the
// language named at the top.
func TestAnotherLanguageReachesEveryText(t *testing.T) {
	ctx := words.In(t.Context(), marked(t))
	everywhere(t, ctx, "0", func(t *testing.T, html string) {
		if strings.HasSuffix(t.Name(), "/phone.AppPage") {
			if !strings.Contains(html, `<html lang="en"`) {
				t.Error("the phone app speaks English, and its page says otherwise")
			}
			return
		}
		if !strings.Contains(html, `<html lang="eo"`) {
			t.Error("the page does not name its language")
		}
		if !strings.Contains(html, "⟦") {
			t.Error("the page has no text")
		}
		html = strings.ReplaceAll(html, "Latchkey", "") // the same in every language
		for _, pattern := range []*regexp.Regexp{between, attribute} {
			for _, found := range pattern.FindAllStringSubmatch(html, -1) {
				left := found[1]
				for inside.MatchString(left) {
					left = inside.ReplaceAllString(left, "")
				}
				if foreign := word.FindString(left); foreign != "" {
					t.Errorf("%q is not of the language: %q", foreign, found[0])
				}
			}
		}
	})
}
