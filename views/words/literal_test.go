package words

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	templ "github.com/a-h/templ/parser/v2"
	"github.com/a-h/templ/parser/v2/visitor"
)

// english is what a text looks like: two words, or one that begins like a
// sentence.
var english = regexp.MustCompile(`\pL{2,} \pL|\pL[,.:?!] |^\p{Lu}\p{Ll}+( |$)|^\p{Lu}\p{Ll}.*[.?!]$`)

// noText are the attributes whose values nobody reads.
var noText = regexp.MustCompile(`^(class|viewBox|d|content|transform|preserveAspectRatio|rel|href|src|id|name|type|media|xmlns)$`)

// TestNoTextInTemplates finds words that stand in a page itself, between its
// elements and in their attributes.
func TestNoTextInTemplates(t *testing.T) {
	found := 0
	for _, path := range filesIn(t, ".templ", "views") {
		page, err := templ.Parse(filepath.Join(top, path))
		if err != nil {
			t.Fatal(err)
		}
		v := visitor.New()
		v.Text = func(n *templ.Text) error {
			found++
			if strings.ContainsFunc(n.Value, unicode.IsLetter) {
				t.Errorf("%s:%d: the text %q: put it into the catalogue", path, n.Range.From.Line+1, n.Value)
			}
			return nil
		}
		v.ConstantAttribute = func(n *templ.ConstantAttribute) error {
			found++
			read := strings.HasPrefix(n.Key.String(), "aria-label") && n.Key.String() != "aria-labelledby" ||
				n.Key.String() == "title" || n.Key.String() == "alt" || n.Key.String() == "placeholder" || n.Key.String() == "data-label"
			if read || english.MatchString(n.Value) && !noText.MatchString(n.Key.String()) {
				t.Errorf("%s: the attribute %s=%q: put it into the catalogue", path, n.Key, n.Value)
			}
			return nil
		}
		if err := page.Visit(v); err != nil {
			t.Fatal(err)
		}
	}
	if found < 300 {
		t.Errorf("saw %d texts and attributes; there are more", found)
	}
}

// TestNoTextInCode finds words in the Go code of the pages and of the handlers
// that fill them.
func TestNoTextInCode(t *testing.T) {
	allowed := map[string]bool{
		"Latchkey":     true, // the product has one name in every language
		"card broad":   true, // classes
		"Content-Type": true,
	}
	found := 0
	for _, s := range sourcesIn(t, "views", "app/web/console", "app/web/me", "app/web/operator", "app/web/phone", "app/web/setup", "app/web/signin") {
		if strings.HasPrefix(s.path, "views/words/") {
			continue // what it says about a catalogue is for its author
		}
		markup := map[ast.Node]bool{} // of the pages, which the test above reads
		ast.Inspect(s.file, func(n ast.Node) bool {
			if _, verb, args := call(n); verb == "WriteString" {
				markup[args[len(args)-1]] = true
			}
			return true
		})
		s.literals(func(l *ast.BasicLit, text string) {
			found++
			if !markup[l] && !allowed[text] && english.MatchString(text) {
				t.Errorf("%s:%d: the text %q: put it into the catalogue", s.path, s.line(l), text)
			}
		})
	}
	if found < 800 {
		t.Errorf("saw %d literals; there are more", found)
	}
}

// TestNoTextInScripts finds words in the scripts of the pages, which take
// theirs from attributes. The phone app has a catalogue of its own.
func TestNoTextInScripts(t *testing.T) {
	comment := regexp.MustCompile(`(?m)^\s*//.*$|\s// .*$`)
	quoted := regexp.MustCompile("\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")
	found := 0
	for _, path := range filesIn(t, ".js", "static/js") {
		script, err := os.ReadFile(filepath.Join(top, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range quoted.FindAllString(comment.ReplaceAllString(string(script), ""), -1) {
			found++
			text = text[1 : len(text)-1]
			if english.MatchString(text) && !strings.ContainsAny(text, "[]") {
				t.Errorf("%s: the text %q: take it from an attribute", path, text)
			}
		}
	}
	if found < 50 {
		t.Errorf("saw %d literals; there are more", found)
	}
}
