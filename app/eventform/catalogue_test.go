package eventform

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryActionHasItsClass goes through the constants of audit.Action: a new noun is put
// into a class before anybody hears of it.
func TestEveryActionHasItsClass(t *testing.T) {
	files, err := filepath.Glob("../audit/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
				action, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				seen[action] = true
			}
			return true
		})
	}
	if len(seen) < 150 {
		t.Fatalf("found %d actions; there are more", len(seen))
	}
	for action := range seen {
		of, activity, known := class(action)
		if !known {
			t.Errorf("%s: its noun is in no class of OCSF; see classes", action)
		}
		if activity != other && activity >= len(activities[of]) {
			t.Errorf("%s: %s has no activity %d", action, classNames[of], activity)
		}
		e := Event{Action: action, Outcome: "success", Details: map[string]string{"role": "helpdesk"}, Subject: "u", Target: Party{Kind: "user", ID: "u"}}
		o := e.ocsf()
		if o.ActivityName == "" || o.ClassName == "" || o.Type != of*100+activity {
			t.Errorf("%s is %+v", action, o)
		}
		missing := map[int]bool{
			classAccount: o.User == nil, classAuthentication: o.User == nil || o.Service == nil, classAuthorization: o.User == nil, classAccess: o.User == nil || len(o.Privileges) == 0,
			classEntity: o.Entity == nil, classGroup: o.Group == nil, classFinding: o.Finding == nil,
		}
		if missing[of] {
			t.Errorf("%s lacks what %s requires", action, classNames[of])
		}
	}
	for action := range particular {
		if noun, _ := verb(action); !seen[action] && noun != "alarm" && noun != "consumer" {
			t.Errorf("%s is no action", action)
		}
	}
}
