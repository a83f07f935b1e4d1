package main

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"latchkey/app/audit"
	"latchkey/views/words"
)

var update = flag.Bool("update", false, "write what is generated, such as docs/audit.md")

// TestTheCatalogueOfTheAuditIsCurrent holds docs/audit.md to the code: the actions and their
// classes, the words that people read, and the names of the details that packages put into
// their events.
func TestTheCatalogueOfTheAuditIsCurrent(t *testing.T) {
	const path = "../docs/audit.md"
	is := catalogue(t)
	if *update {
		if err := os.WriteFile(path, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was := read(t, path); was != is {
		t.Errorf("docs/audit.md is not current: go test -run CatalogueOfTheAudit ./app -update writes it")
	}
}

func catalogue(t *testing.T) string {
	t.Helper()
	kept := detailsOf(t)
	var b strings.Builder
	b.WriteString(`# What the audit records

<!-- Generated from the code: go test -run CatalogueOfTheAudit ./app -update -->

Each event has an actor, an action, a target, an outcome (` + "`success`, `failure`, `denied`" + `), a reason, a time and an origin, and details
that depend on the action. An action has one class. Whatever an administrator does may also have the details ` + "`approved_by`" + ` and
` + "`ticket`" + `. *Fields* stands for the names of what was changed, with its value before and after. The details are
read where the code names an action or hands its event on; what comes to it from further away is not in the table.

## How long it is kept

For ever, until an organisation says otherwise (*Retention*), for each of two kinds: ` + "`signins`, at least 3 months, and\n`administration`, at least 13. `evidence`" + ` is always kept. A month that is over in UTC, and whose last moment is older than that, goes into an
archive: a zip file with the canonical bytes of its events, their personal data, the numbers of their leaves, the hashes that make the
root of the tree with them, the checkpoint that is signed over it, and the public keys. When that is on the disk and has been verified as
anybody can (` + "`latchkey audit verify --bundle FILE --key …`" + `), one transaction writes a signed drop, which names the leaves and the SHA-256 of
the archive, and its event ` + "`audit.dropped`" + `, and deletes the events of these leaves; the database lets no others go. Leaves, tree and
checkpoints stay, so that all proofs go on, and a verifier tells what was dropped from what was taken away.

Nothing is dropped while somebody holds the audit, while a witness or a consumer has not got it (one that takes nothing for 30 days is not
waited for), or when an event of it is not what was sealed. To keep something for less time, or to end a hold, takes two people, and a day.
Personal data of somebody who was erased are in no archive that is written afterwards; in those from before they are.
`)
	for _, class := range audit.Classes {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| action | meaning | details |\n|---|---|---|\n", class, aboutClass[class]+keptAs(class))
		for _, action := range audit.Actions(class) {
			meaning := words.Say(context.Background(), "activity."+string(action))
			if meaning == "" || meaning == "activity."+string(action) {
				t.Errorf("%s has no words", action)
			}
			var names []string
			for _, name := range kept[action] {
				if name != fields {
					name = "`" + name + "`"
				}
				names = append(names, name)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", action, meaning, strings.Join(names, ", "))
		}
	}
	b.WriteString(savedViews)
	return b.String()
}

// keptAs says for how long the events of a class are kept, and which ones otherwise.
func keptAs(class audit.Class) string {
	all := audit.Actions(class)
	usual := map[audit.Keeping]int{}
	for _, a := range all {
		usual[a.Keeping()]++
	}
	most := slices.MaxFunc(audit.Keepings, func(a, b audit.Keeping) int { return usual[a] - usual[b] })
	text := " Kept as `" + string(most) + "`"
	for _, a := range all {
		if a.Keeping() != most {
			text += ", `" + string(a) + "` as `" + string(a.Keeping()) + "`"
		}
	}
	return text + "."
}

// savedViews is what docs/audit.md says of them: what they do is in the table, and not what
// they are for.
const savedViews = `
# Saved views

Filters of the page of the audit can be saved under a name (` + "`/admin/{tenant}/audit/views`" + `): 50 for each person, each name once, of 80
letters at most. A view holds filters and no events: whoever opens it sees what their own role shows, and a range such as the last seven
days stays that range. It is private until its owner shares it, and only its owner changes it; a shared one is deleted by its owner or by
who holds ` + "`audit.verify`" + `.

A shared view is for those who may ask for all that is in it. One with words, a name, an address or an id in it is there only for who sees
every event unmasked, one with a security event only for whom these are told, and all others for everybody who may read the audit. For
anybody else it is not there, and its name is not either. With other filters that are for more people than before it is private again.

Private views go with who owns them: when they may read the audit no more, within a minute, and when they are erased from the audit.
`

var aboutClass = map[audit.Class]string{
	audit.ClassSignIn:         "The way from a name to a session, and what follows it into applications.",
	audit.ClassRefusal:        "Somebody was told no, or a way was stopped after too many tries.",
	audit.ClassOwn:            "What users do with what is theirs.",
	audit.ClassHelpdesk:       "What is done for somebody who cannot get in.",
	audit.ClassAdministrative: "People, groups, roles, rules and what they rest on.",
	audit.ClassSecurity:       "Alarms, outages, break-glass, the audit itself, looks at agents.",
	audit.ClassBackground:     "What the program decided by itself.",
}

// fields stands for names that are known when the program runs: those of what was changed.
const fields = "*fields*"

var detailName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// detailsOf reads, package by package, which details its events have: those beside the
// action, and those that the function which names the action puts in, itself or by one of the
// package that it hands the action or the event to.
func detailsOf(t *testing.T) map[audit.Action][]string {
	t.Helper()
	names := actionsByName(t)
	packages := map[string][]*ast.File{}
	for path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || !strings.HasPrefix(path, "app/") || strings.HasPrefix(path, "app/web/") || strings.HasPrefix(path, "app/demo/") || strings.HasPrefix(path, "app/audit/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
	}
	found := map[audit.Action][]string{}
	for _, files := range packages {
		recording{names, found, functionsOf(files), variablesOf(files)}.read()
	}
	for action, all := range found {
		slices.SortFunc(all, func(a, b string) int { return strings.Compare(strings.Trim(a, "*"), strings.Trim(b, "*")) })
		found[action] = slices.Compact(all)
	}
	return found
}

// recording is a package, looked at for what it puts into events.
type recording struct {
	names     map[string]audit.Action // by that of their constant
	found     map[audit.Action][]string
	functions map[string]*ast.FuncDecl
	variables map[string]ast.Node // of the package: tables of actions
}

func functionsOf(files []*ast.File) map[string]*ast.FuncDecl {
	all := map[string]*ast.FuncDecl{}
	for _, file := range files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				all[f.Name.Name+receiver(f)] = f
			}
		}
	}
	return all
}

func variablesOf(files []*ast.File) map[string]ast.Node {
	all := map[string]ast.Node{}
	for _, file := range files {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, s := range g.Specs {
					if v := s.(*ast.ValueSpec); len(v.Values) == 1 {
						all[v.Names[0].Name] = v
					}
				}
			}
		}
	}
	return all
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	return fmt.Sprintf(" %v", f.Recv.List[0].Type)
}

func (r recording) read() {
	for _, f := range r.functions {
		own := append(r.puts(f.Body), r.handedOn(f, 3)...)
		for _, action := range r.named(f.Body) {
			r.found[action] = append(r.found[action], own...)
		}
		// What stands in the same call or literal as an action is of that one alone.
		ast.Inspect(f.Body, func(n ast.Node) bool {
			var parts []ast.Expr
			switch n := n.(type) {
			case *ast.CallExpr:
				parts = n.Args
			case *ast.CompositeLit:
				parts = n.Elts
			default:
				return true
			}
			var actions []audit.Action
			for _, part := range parts {
				if pair, ok := part.(*ast.KeyValueExpr); ok {
					part = pair.Value
				}
				if action, ok := r.action(part); ok {
					actions = append(actions, action)
				}
				if index, ok := part.(*ast.IndexExpr); ok && r.variables[named(index.X)] != nil {
					actions = append(actions, r.named(index.X)...)
				}
				if call, ok := part.(*ast.CallExpr); ok {
					for _, inner := range call.Args {
						if action, ok := r.action(inner); ok {
							actions = append(actions, action)
						}
					}
				}
			}
			if literal, ok := n.(*ast.CompositeLit); ok && named(literal.Type) == "Event" && len(actions) == 0 {
				actions = r.named(f.Body) // it takes one of several that the function names
			}
			if len(actions) == 0 {
				return true
			}
			var beside []string
			for i, part := range parts {
				if pair, ok := part.(*ast.KeyValueExpr); ok {
					part = pair.Value
				}
				if literal, ok := part.(*ast.CompositeLit); ok {
					beside = append(beside, keysOf(literal)...)
				}
				if name, ok := text(part); ok && i+1 < len(parts) && i%2 == len(parts)%2 && detailName.MatchString(name) {
					beside = append(beside, name)
				}
			}
			if call, ok := n.(*ast.CallExpr); ok {
				for _, callee := range r.callees(call) {
					beside = append(beside, r.within(callee, 3)...)
				}
			}
			for _, action := range actions {
				r.found[action] = append(r.found[action], beside...)
			}
			return true
		})
	}
}

// within is what a function puts into the event that it is handed, and those it hands it on to.
func (r recording) within(f *ast.FuncDecl, deep int) []string {
	all := append(r.puts(f.Body), r.handedOn(f, deep)...)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if n, ok := n.(*ast.CompositeLit); ok {
			for _, e := range n.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok && named(pair.Key) == "Details" {
					if literal, ok := pair.Value.(*ast.CompositeLit); ok {
						all = append(all, keysOf(literal)...)
					}
				}
			}
		}
		return true
	})
	return all
}

// handedOn is what those put in to whom a function hands its event.
func (r recording) handedOn(f *ast.FuncDecl, deep int) (all []string) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if ok && deep > 0 && slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return slices.Contains([]string{"action", "e", "event", "details"}, named(a)) }) {
			for _, callee := range r.callees(call) {
				if callee != f {
					all = append(all, r.within(callee, deep-1)...)
				}
			}
		}
		return true
	})
	return all
}

// puts are the details that statements of a function put into an event.
func (r recording) puts(body ast.Node) (all []string) {
	of := func(e ast.Expr) bool { return slices.Contains([]string{"Details", "details"}, named(e)) }
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if index, ok := to.(*ast.IndexExpr); ok && of(index.X) {
					if name, ok := text(index.Index); ok {
						all = append(all, name)
					} else if named(index.Index) == "Field" {
						all = append(all, fields)
					}
				}
				if of(to) && i < len(n.Rhs) {
					if literal, ok := n.Rhs[i].(*ast.CompositeLit); ok {
						all = append(all, keysOf(literal)...)
					}
				}
			}
		case *ast.CallExpr:
			if len(n.Args) > 1 && of(n.Args[0]) {
				for i := 1; i < len(n.Args); i += 2 {
					if name, ok := text(n.Args[i]); ok {
						all = append(all, name)
					}
				}
			}
			if named(n.Fun) == "details" {
				for _, callee := range r.callees(n) {
					ast.Inspect(callee, func(n ast.Node) bool {
						switch n := n.(type) {
						case *ast.CompositeLit:
							all = append(all, keysOf(n)...)
						case *ast.IndexExpr:
							if name, ok := text(n.Index); ok {
								all = append(all, name)
							}
						}
						return true
					})
				}
			}
		}
		return true
	})
	return all
}

// callees are the functions of the package that a call may be of.
func (r recording) callees(call *ast.CallExpr) (all []*ast.FuncDecl) {
	name := named(call.Fun)
	if s, ok := call.Fun.(*ast.SelectorExpr); ok && named(s.X) == "audit" {
		return nil
	}
	for key, f := range r.functions {
		if is, _, _ := strings.Cut(key, " "); is == name {
			all = append(all, f)
		}
	}
	return all
}

func (r recording) named(body ast.Node) (all []audit.Action) {
	ast.Inspect(body, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			if action, ok := r.action(e); ok && !slices.Contains(all, action) {
				all = append(all, action)
			}
			if is, ok := e.(*ast.Ident); ok {
				if table, ok := r.variables[is.Name]; ok && table != body {
					for _, action := range r.named(table) {
						if !slices.Contains(all, action) {
							all = append(all, action)
						}
					}
				}
			}
		}
		return true
	})
	return all
}

func (r recording) action(e ast.Expr) (audit.Action, bool) {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || named(s.X) != "audit" {
		return "", false
	}
	action, ok := r.names[s.Sel.Name]
	return action, ok
}

// named is the last name of an expression.
func named(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// keysOf are those of a map of texts.
func keysOf(literal *ast.CompositeLit) (all []string) {
	if _, ok := literal.Type.(*ast.MapType); !ok {
		return nil
	}
	for _, e := range literal.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if name, ok := text(pair.Key); ok {
				all = append(all, name)
			}
		}
	}
	return all
}

// actionsByName reads the constants of audit.Action out of their source.
func actionsByName(t *testing.T) map[string]audit.Action {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "audit/event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]audit.Action{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && named(spec.Type) == "Action" {
			value, _ := text(spec.Values[0])
			all[spec.Names[0].Name] = audit.Action(value)
		}
		return true
	})
	return all
}
