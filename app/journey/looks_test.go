package journey

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// looks has, for each page of views, the look at it in one of the stories here: by
// axe, in the light and the dark, wide and narrow.
var looks = map[string]string{
	"console.ApprovalPage":      "approval-waiting",
	"console.ApprovalsPage":     "approvals-waiting",
	"console.ChooserPage":       "console-chooser",
	"console.CustomRolePage":    "roles-compose",
	"console.GrantsPage":        "grants",
	"console.GroupPage":         "group",
	"console.GroupsPage":        "groups",
	"console.ImportPage":        "import-checked",
	"console.ImportsPage":       "import-before",
	"console.InvitePage":        "invite",
	"console.InvitedPage":       "invited",
	"console.NewGrantPage":      "grant-new",
	"console.OverviewPage":      "console-overview",
	"console.PasscodeShownPage": "passcode-shown",
	"console.PasscodesPage":     "passcodes",
	"console.PeoplePage":        "people",
	"console.PersonPage":        "person",
	"console.PlacePage":         "console-place-wrong",
	"console.PlacesPage":        "console-places",
	"console.PolicyPage":        "policy",
	"console.ProviderPage":      "provider-new",
	"console.ProvidersPage":     "providers-none",
	"console.RoleAssignPage":    "roles-assign",
	"console.RoleWhyPage":       "roles-why",
	"console.RolesPage":         "roles",
	"console.SearchPage":        "search",
	"console.SettingsPage":      "console-settings",
	"demo.OutboxPage":           "demo-outbox",
	"invite.FirstPasswordPage":  "first-password",
	"me.ActivityPage":           "activity",
	"me.AddPhonePage":           "add-phone-waiting",
	"me.BackupPhonesPage":       "backup-phones-none",
	"me.HomePage":               "home-new",
	"me.NewBackupPhonePage":     "backup-phone-new",
	"me.NewPasskeyPage":         "passkeys-new",
	"me.NewTOTPPage":            "totp-new-with-phone",
	"me.OverviewPage":           "overview-new",
	"me.PasskeysPage":           "passkeys-none",
	"me.PasswordPage":           "password-set",
	"me.PhonesPage":             "phones-none",
	"me.PreferencesPage":        "preferences",
	"me.SecurePage":             "secure",
	"me.SessionsPage":           "sessions",
	"me.TOTPPage":               "totp-one",
	"operator.HealthPage":       "operator-health",
	"operator.NewTenantPage":    "operator-new",
	"operator.TenantPage":       "operator-tenant",
	"operator.TenantsPage":      "operator-tenants",
	"phone.AppPage":             "menu-on",
	"problem.Page":              "problem-404",
	"setup.SetupDonePage":       "setup-done",
	"setup.SetupPage":           "setup",
	"signin.CodePage":           "code",
	"signin.HelpPage":           "help",
	"signin.NamePage":           "name",
	"signin.PasscodePage":       "passcode-typed",
	"signin.PasskeyPage":        "passkey",
	"signin.PasswordPage":       "password",
	"signin.PhoneCodePage":      "sms",
	"signin.PhonePage":          "number",
	"signin.SignedOutPage":      "signed-out",
	"signin.StepUpPage":         "step-up",
}

// TestEveryPageIsLookedAt compares the table above with the pages that there are and
// with the looks of the stories, as they are written: so it holds, and fails, whatever
// part of the stories is run.
func TestEveryPageIsLookedAt(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	each(t, "../../views/*/*_templ.go", func(file *ast.File) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() && strings.HasSuffix(f.Name.Name, "Page") {
				there[file.Name.Name+"."+f.Name.Name] = true
			}
		}
	})
	taken := map[string]bool{}
	each(t, "*_test.go", func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			name, literal := call.Args[0].(*ast.BasicLit)
			if ok && literal && (method.Sel.Name == "look" || method.Sel.Name == "Look") {
				text, err := strconv.Unquote(name.Value)
				if err != nil {
					t.Error(err)
				}
				taken[strings.TrimPrefix(strings.TrimPrefix(text, "pc-"), "phone-")] = true
			}
			return true
		})
	})
	for page := range there {
		if looks[page] == "" {
			t.Errorf("the page %s is looked at in no story: add a look, and a line to the table of this test", page)
		}
	}
	by := map[string]string{}
	for page, look := range looks {
		if !there[page] {
			t.Errorf("there is no page %s", page)
		}
		if !taken[look] {
			t.Errorf("no story has the look %s, at %s", look, page)
		}
		if by[look] != "" {
			t.Errorf("the look %s is at %s and at %s", look, page, by[look])
		}
		by[look] = page
	}
}

// each reads the files of a pattern.
func each(t *testing.T, pattern string, do func(*ast.File)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		do(file)
	}
}
