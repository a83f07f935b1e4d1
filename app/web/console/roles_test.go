package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/views/words"
)

func TestEveryPermissionAndRoleHasItsWords(t *testing.T) {
	for _, p := range access.Permissions {
		if key := "permission." + string(p); !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
	for role := range access.Ranks {
		if key := "role." + string(role); !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
	for _, answer := range []access.Answer{access.Yes, access.FourEyes, access.No, access.Nobody} {
		for _, key := range []string{"access.answer." + string(answer), "access.says." + string(answer)} {
			if !words.Has(t.Context(), key) {
				t.Errorf("%s: no such text", key)
			}
		}
		if whyTones[answer] == "" {
			t.Errorf("%s has no tone", answer)
		}
	}
	for _, end := range endsInOrder {
		if !words.Has(t.Context(), "roles.ends."+end) {
			t.Errorf("roles.ends.%s: no such text", end)
		}
	}
}

// TestEveryRuleAndEveryDetailHasItsWords reads the rules for what they may say.
func TestEveryRuleAndEveryDetailHasItsWords(t *testing.T) {
	files, err := filepath.Glob("../../access/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	detail := regexp.MustCompile(`^(account|role|permission|self|scope|rank|duty|eyes|approver)\.[a-z_]+$`)
	found := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		text := func(n ast.Expr) string {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return ""
			}
			value, _ := strconv.Unquote(literal.Value)
			return value
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr: // find(RuleScope, No, "scope.outside"), holds(RuleMade, ok, "approver.made")
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "find" || f.Name == "holds") && len(n.Args) == 3 {
					code := text(n.Args[2])
					if code != "" && !detail.MatchString(code) {
						t.Errorf("%s: the detail %q is not of the form of the others", path, code)
					}
					if code != "" {
						found["access.why."+code] = true
					}
				}
			case *ast.ValueSpec: // RuleScope Rule = "scope"
				if of, ok := n.Type.(*ast.Ident); ok && of.Name == "Rule" && len(n.Values) == 1 {
					found["access.rule."+text(n.Values[0])] = true
				}
			}
			return true
		})
	}
	if len(found) < 40 {
		t.Errorf("found %d rules and details; there are more", len(found))
	}
	for key := range found {
		if !words.Has(t.Context(), key) {
			t.Errorf("%s: no such text", key)
		}
	}
}
