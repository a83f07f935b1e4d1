package words

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// speakers are the folders that show texts.
var speakers = []string{"views", "app/web"}

// TestEveryKeyHasItsWords finds texts that are asked for and not there, and
// placeholders that are not filled.
func TestEveryKeyHasItsWords(t *testing.T) {
	c := For("")
	for _, s := range sourcesIn(t, speakers...) {
		s.literals(func(l *ast.BasicLit, text string) {
			if _, done, ok := strings.Cut(text, "?done="); ok && !c.Has("flash."+done) {
				t.Errorf("%s:%d: flash.%s: no such text", s.path, s.line(l), done)
			}
		})
		ast.Inspect(s.file, func(n ast.Node) bool {
			of, verb, args := call(n)
			if of != "words" {
				return true
			}
			at, filled := 1, []string(nil)
			switch verb {
			case "Say":
				filled = namesOf(args, 2, 2)
			case "Sentence":
				at, filled = 0, partsOf(args)
			case "Has", "Template":
			default:
				return true
			}
			key, ok := literal(args[at])
			if !ok {
				return true // put together: tested where its parts are
			}
			where := fmt.Sprintf("%s:%d: words.%s %q", s.path, s.line(n), verb, key)
			switch {
			case !c.Has(key):
				t.Errorf("%s: no such text", where)
			case verb == "Sentence" && len(c.texts[key].forms) > 1:
				t.Errorf("%s has plurals: a sentence has none", where)
			case (verb == "Say" || verb == "Sentence") && !sameSet(filled, c.texts[key].names()):
				t.Errorf("%s is filled with %v, and has the places %v", where, filled, c.texts[key].names())
			}
			return true
		})
	}
}

// namesOf gives the literals among args, each step-th from the first on.
func namesOf(args []ast.Expr, first, step int) []string {
	var names []string
	for i := first; i < len(args); i += step {
		name, _ := literal(args[i])
		names = append(names, name)
	}
	return names
}

func partsOf(args []ast.Expr) []string {
	var names []string
	for _, arg := range args[1:] {
		_, _, with := call(arg)
		names = append(names, namesOf(with[:1], 0, 1)...)
	}
	return names
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// family is the texts whose key is put together: prefix, a word, suffix.
type family struct{ prefix, suffix string }

// familiesOf finds the sums of strings that begin like a key.
func familiesOf(s source) []family {
	var found []family
	ast.Inspect(s.file, func(n ast.Node) bool {
		sum, ok := n.(*ast.BinaryExpr)
		if !ok || sum.Op != token.ADD {
			return true
		}
		left := sum.X
		for {
			inner, ok := left.(*ast.BinaryExpr)
			if !ok {
				break
			}
			left = inner.X
		}
		if prefix, ok := literal(left); ok && regexp.MustCompile(`^([a-z_]+\.)+$`).MatchString(prefix) {
			suffix, _ := literal(sum.Y)
			found = append(found, family{prefix, suffix})
		}
		return false
	})
	return found
}

// TestEveryTextIsUsed finds texts that nobody asks for. A text counts as used
// when its key stands in a source, or when its family is asked for and the word
// in the middle stands in a source of its own.
func TestEveryTextIsUsed(t *testing.T) {
	var families []family
	spoken := map[string]bool{} // keys, families and whatever else the pages say
	for _, s := range sourcesIn(t, speakers...) {
		families = append(families, familiesOf(s)...)
		s.literals(func(_ *ast.BasicLit, text string) { spoken[text] = true })
	}
	for _, s := range sourcesIn(t, "app") {
		s.literals(func(_ *ast.BasicLit, text string) {
			spoken[text] = true
			if _, done, ok := strings.Cut(text, "?done="); ok {
				spoken[done] = true
			}
		})
	}
	numbers := regexp.MustCompile(`^[0-9]+\.?`)
	for _, key := range slices.Sorted(maps.Keys(For("").texts)) {
		used := spoken[key] || slices.ContainsFunc(families, func(f family) bool {
			word, ok := strings.CutPrefix(key, f.prefix)
			if !ok || !strings.HasSuffix(word, f.suffix) {
				return false
			}
			word = numbers.ReplaceAllString(strings.TrimSuffix(word, f.suffix), "")
			return word == "" || spoken[word]
		})
		if !used {
			t.Errorf("%s: nobody says it", key)
		}
	}
}

// TestEveryFailureHasItsWords finds the codes of failures, and those of fields
// that break a rule.
func TestEveryFailureHasItsWords(t *testing.T) {
	c := For("")
	found := 0
	unseen := []string{"audit.tried"} // undoes a try, and goes no further
	for _, s := range sourcesIn(t, "app") {
		ast.Inspect(s.file, func(n ast.Node) bool {
			for _, code := range codesOf(n) {
				found++
				if !c.Has("failure."+code) && !slices.Contains(unseen, code) {
					t.Errorf("%s:%d: failure.%s: no such text", s.path, s.line(n), code)
				}
			}
			return true
		})
	}
	if found < 100 {
		t.Errorf("found %d codes of failures; there are more", found)
	}
	for key, text := range c.texts {
		if strings.HasPrefix(key, "failure.") && !slices.Contains([]string{"", "name"}, strings.Join(text.names(), " ")) {
			t.Errorf("%s has the places %v: failures fill {name} only", key, text.names())
		}
	}
}

// codesOf gives the codes that a call to fault makes, and the code that is
// noted for a field that is wrong.
func codesOf(n ast.Node) []string {
	if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 && len(a.Rhs) == 1 {
		if at, ok := a.Lhs[0].(*ast.IndexExpr); ok {
			if noted, ok := at.X.(*ast.Ident); ok && noted.Name == "wrong" {
				return codes(a.Rhs[0])
			}
		}
	}
	of, verb, args := call(n)
	switch {
	case of == "fault" && verb == "New" && len(args) == 2:
		return codes(args[1])
	case of == "fault" && (verb == "Wrong" || verb == "Wait"), of == "web" && verb == "Sentence":
		return codes(args...)
	}
	return nil
}

// codes gives the literals among args, and those that a map among them has as
// values.
func codes(args ...ast.Expr) []string {
	var all []string
	for _, arg := range args {
		if text, ok := literal(arg); ok && strings.Trim(text, "._abcdefghijklmnopqrstuvwxyz0123456789") == "" && text != "" {
			all = append(all, text)
		}
		if fields, ok := arg.(*ast.CompositeLit); ok {
			for _, element := range fields.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					all = append(all, codes(pair.Value)...)
				}
			}
		}
	}
	return all
}
