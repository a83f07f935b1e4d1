package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The shape of the house, as tests: who may know whom, and what stands where.
// The lists of packages come from the folders, so that a new one is covered on
// its first day.

const module = "latchkey"

// order is the order of the features: each may use those before it. A new
// feature gets its place here.
var order = []string{
	"audit", "access", "throttle", "notify", "provider", "checkpoint", "eventform", "place", "tenant", "user", "consumer", "alarm", "feature", "relaxation", "method", "campaign", "decision", "replay", "device", "prompt", "session", "totp", "passkey", "password", "passcode", "backupphone", "codesheet", "photo", "signin", "approval", "role", "people", "group", "stock", "importing", "desk", "disown", "cases", "callercheck", "ticket", "trail", "trailview", "export", "retention", "search", "signals",
	"settings", "policy", "rollout", "ramp", "application", "ticketsystem", "bypass", "vouch", "policyfile", "insight", "outage", "breakglass", "census", "risk", "overview", "setup", "operator", "release", "demo",
}

// floor is what stands below the features, with what each may use of ours.
var floor = map[string][]string{
	"fault":  {},
	"secret": {"app/fault"},
	"proof":  {"app/fault", "app/secret"},
	"store":  {"app/fault", "app/secret", "migrations"},
	"wake":   {"app/fault", "app/store"},
}

// above is what stands above the features, and the clients and tests beside
// them; none of it is a feature.
var above = []string{"server", "web", "phone", "bench", "journey"}

// apart are features that use no other one, because all use them.
var apart = []string{"audit", "access"}

func TestDirectionOfImports(t *testing.T) {
	imports := importsOf(t)
	for path := range imports {
		within, isApp := strings.CutPrefix(path, module+"/app/")
		folder, inside, _ := strings.Cut(within, "/")
		reached := reach(imports, path)
		must := func(allowed bool, dep, why string) {
			if !allowed {
				t.Errorf("%s must not reach %s (%s): %s", path, dep, chain(imports, path, dep), why)
			}
		}
		for _, dep := range reached {
			ours, isOurs := strings.CutPrefix(dep, module+"/")
			to, isToApp := strings.CutPrefix(ours, "app/")
			to, _, _ = strings.Cut(to, "/")
			is := func(prefixes ...string) bool {
				return slices.ContainsFunc(prefixes, func(p string) bool { return ours == p || strings.HasPrefix(ours, p+"/") })
			}
			switch {
			case strings.HasPrefix(path, module+"/views"):
				must(!is("app", "policies", "migrations", "gorm.io", "github.com/labstack/echo"), dep, "views are given words and values, ready to show")
			case !isApp:
				// the command line knows all; embedded folders are leaves
				must(path == module+"/app" || !isOurs, dep, "a folder of files is a leaf")
			case inside == "storetest":
				// a tool of tests
			case floor[folder] != nil:
				must(!isOurs || is(append(floor[folder], "app/"+folder)...), dep, "it stands below the features")
				must(!is("github.com/labstack/echo", "github.com/a-h/templ"), dep, "it stands below the features")
			case folder == "web":
				must(!is("app/server"), dep, "the wiring knows the web, and not the other way round")
			case folder == "phone":
				must(!isToApp || to == "phone" || to == "fault" || to == "proof" || to == "secret", dep, "a client knows the protocol, not the server")
			case slices.Contains(above, folder):
				// wiring, bench and journeys know the whole program
			default:
				must(!is("app/web", "app/server", "views", "github.com/labstack/echo", "github.com/a-h/templ"), dep, "a feature knows no pages")
				if isToApp && floor[to] == nil && !slices.Contains(above, to) {
					must(to == folder || !slices.Contains(apart, folder), dep, "all use "+folder+", so it uses no other feature")
					must(slices.Index(order, to) <= slices.Index(order, folder), dep, "features use each other downwards only")
				}
			}
		}
	}
}

func TestEveryFeatureHasItsPlace(t *testing.T) {
	for _, entry := range list(t, ".") {
		name := entry.Name()
		if entry.IsDir() && floor[name] == nil && !slices.Contains(above, name) && !slices.Contains(order, name) && name != "testdata" {
			t.Errorf("app/%s has no place in the order of features: add it to shape_test.go", name)
		}
	}
}

// TestTimeComesInByTheFrontDoor finds clocks that are read where a test could
// not set them. Clients and tests live in real time.
func TestTimeComesInByTheFrontDoor(t *testing.T) {
	free := []string{"app/server", "app/store", "app/phone", "app/bench", "app/journey", "app/checkpoint/checkpointtest"}
	for path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || slices.ContainsFunc(free, func(f string) bool { return strings.HasPrefix(path, f+"/") }) {
			continue
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, filepath.Join("..", path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
					t.Errorf("%s:%d: time.%s: take tx.Now, a moment or a clock instead", path, files.Position(n.Pos()).Line, s.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestNoPackageWithoutASubject(t *testing.T) {
	empty := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "manager", "managers", "misc", "shared"}
	for path := range importsOf(t) {
		for part := range strings.SplitSeq(path, "/") {
			if slices.Contains(empty, part) {
				t.Errorf("package %s: %q says nothing about what is in it", path, part)
			}
		}
	}
}

func TestMigrationsOfBothDialectsMatch(t *testing.T) {
	names := map[string][]string{}
	for _, dialect := range []string{"postgres", "sqlite"} {
		for _, entry := range list(t, "../migrations/"+dialect) {
			if strings.HasSuffix(entry.Name(), ".sql") {
				names[dialect] = append(names[dialect], entry.Name())
			}
		}
	}
	if !slices.Equal(names["postgres"], names["sqlite"]) {
		t.Errorf("the dialects differ:\npostgres %v\nsqlite   %v", names["postgres"], names["sqlite"])
	}
	form := regexp.MustCompile(`^(\d{4})_[a-z0-9]+(_[a-z0-9]+)*\.sql$`)
	for dialect, files := range names {
		for i, name := range files {
			parts := form.FindStringSubmatch(name)
			if parts == nil {
				t.Errorf("migrations/%s/%s: want a name like 0007_bypass_cases.sql", dialect, name)
				continue
			}
			if number, _ := strconv.Atoi(parts[1]); number != i+1 {
				t.Errorf("migrations/%s/%s: want number %04d; numbers have no gap and no twin", dialect, name, i+1)
			}
			text := read(t, "../migrations/"+dialect+"/"+name)
			for _, mark := range []string{"-- +goose Up", "-- +goose Down"} {
				if !strings.Contains(text, mark) {
					t.Errorf("migrations/%s/%s has no %q", dialect, name, mark)
				}
			}
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	fixed := []string{
		"app", "views", "policies", "migrations", "static",
		"go.mod", "go.sum", "Taskfile.yml", "README.md", "LICENSE",
		"docs", // pictures of the README, and what is generated from the code
		"data", // what a started program keeps; not in the repository
	}
	for _, entry := range list(t, "..") {
		if !strings.ContainsAny(entry.Name()[:1], "._") && !slices.Contains(fixed, entry.Name()) {
			t.Errorf("%s stands at the top level, which is fixed", entry.Name())
		}
	}
}

// TestViewsObeyThePolicy finds what the content security policy would block
// (code and style inside a page), and what would go around the escaping.
func TestViewsObeyThePolicy(t *testing.T) {
	banned := map[*regexp.Regexp]string{
		regexp.MustCompile(`\bstyle=`):                                     "a style attribute: use a class",
		regexp.MustCompile(`\son[a-z]+=`):                                  "an event attribute: use a module in static/",
		regexp.MustCompile(`(?i)<script(\s+type=[^\s>]+)?\s*>`):            "a script inside the page: use a module in static/",
		regexp.MustCompile(`(?i)<style\b`):                                 "style inside the page: use the stylesheet",
		regexp.MustCompile(`(?m)^(script|css) `):                           "a script or css template: it writes inline code",
		regexp.MustCompile(`templ\.(Raw|JSExpression|JSUnsafeFuncCall)\b`): "text that is not escaped",
	}
	for path, text := range sources(t, ".templ") {
		for pattern, why := range banned {
			for _, at := range pattern.FindAllStringIndex(text, -1) {
				t.Errorf("%s:%d: %s", path, 1+strings.Count(text[:at[0]], "\n"), why)
			}
		}
	}
}

// importsOf returns, for every package of ours, what it imports itself, tests
// left out.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		imports[p.ImportPath] = p.Imports
	}
}

// reach returns all that a package imports, itself or through others of ours.
func reach(imports map[string][]string, from string) []string {
	seen := map[string]bool{from: true}
	var found []string
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if !seen[next] {
				seen[next] = true
				found = append(found, next)
				queue = append(queue, next)
			}
		}
	}
	return found
}

// chain says through whom a package reaches another.
func chain(imports map[string][]string, from, to string) string {
	before := map[string]string{}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, known := before[next]; !known && next != from {
				before[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	steps := []string{to}
	for at := to; at != from && at != ""; at = before[at] {
		steps = append(steps, before[at])
	}
	slices.Reverse(steps)
	return strings.Join(steps, " → ")
}

// sources returns the files of app and views that end in ext, by their path
// from the top, with their text.
func sources(t *testing.T, ext string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range []string{"app", "views"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ext) {
				files[filepath.ToSlash(path)[len("../"):]] = read(t, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// list returns what is in a folder, sorted by name; nothing when there is no
// such folder.
func list(t *testing.T, folder string) []fs.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return entries
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
