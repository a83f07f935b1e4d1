package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The tests beside this file read the program's own sources. A source is one
// Go file of the tree, tests left out.
type source struct {
	path  string // from the top of the tree
	file  *ast.File
	lines *token.FileSet
}

func (s source) line(n ast.Node) int { return s.lines.Position(n.Pos()).Line }

const top = "../.."

// sourcesIn reads the Go files below folders, which are named from the top.
func sourcesIn(t *testing.T, folders ...string) []source {
	t.Helper()
	var all []source
	for _, path := range filesIn(t, ".go", folders...) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		s := source{path: path, lines: token.NewFileSet()}
		var err error
		s.file, err = parser.ParseFile(s.lines, filepath.Join(top, path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		t.Fatalf("no sources in %v", folders)
	}
	return all
}

func filesIn(t *testing.T, ext string, folders ...string) []string {
	t.Helper()
	var all []string
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(top, folder), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ext) {
				all = append(all, filepath.ToSlash(path)[len(top)+1:])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// literal gives the text of a string literal.
func literal(n ast.Node) (string, bool) {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// literals calls do for every string literal of a source, imports left out.
func (s source) literals(do func(l *ast.BasicLit, text string)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		if l, ok := n.(*ast.BasicLit); ok {
			if text, ok := literal(l); ok {
				do(l, text)
			}
		}
		return true
	})
}

// call gives the package and the function of a call like words.Say(…).
func call(n ast.Node) (of, name string, args []ast.Expr) {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return "", "", nil
	}
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", nil
	}
	pkg, ok := f.X.(*ast.Ident)
	if !ok {
		return "", "", nil
	}
	return pkg.Name, f.Sel.Name, c.Args
}
