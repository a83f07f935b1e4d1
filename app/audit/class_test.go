package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"latchkey/app/audit"
)

// TestEveryActionHasOneClass: the constants in the source are those of the classes, each once.
func TestEveryActionHasOneClass(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var stored []audit.Action
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, audit.Action(value))
			if !slices.Contains(audit.Classes, audit.Action(value).Class()) {
				t.Errorf("audit.%s (%s) has no class: give it one in class.go", spec.Names[0].Name, value)
			}
		}
		return true
	})
	slices.Sort(stored)
	if all := audit.Actions(); !slices.Equal(all, stored) {
		t.Errorf("the classes have\n%q\nthe constants are\n%q", all, stored)
	}
}

func TestTheActionsOfAClass(t *testing.T) {
	sum := 0
	for _, class := range audit.Classes {
		for _, a := range audit.Actions(class) {
			if a.Class() != class {
				t.Errorf("%s is of %s and of %s", a, class, a.Class())
			}
			sum++
		}
	}
	if got := len(audit.Actions(audit.ClassSignIn, audit.ClassRefusal)); got != len(audit.Actions(audit.ClassSignIn))+len(audit.Actions(audit.ClassRefusal)) {
		t.Errorf("two classes have %d actions", got)
	}
	if sum != len(audit.Actions()) {
		t.Errorf("the classes have %d actions, all of them %d", sum, len(audit.Actions()))
	}
	if is := audit.Action("readiness.tried").Class(); is != "" {
		t.Errorf("what is no action is of %q", is)
	}
}
