package journey

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// looked is a look at a page: its name, and where the page then is, by its address and,
// behind a space, by the step that it says it is. With * for one part of the address.
type looked struct{ look, where string }

// looks has, for each page of views, the look at it in one of the stories here: by
// axe, in the light and the dark, wide and narrow.
var looks = map[string]looked{
	"console.ApplicationPage":       {"application-wrong", "/admin/*/applications"},
	"console.ApplicationSecretPage": {"application-secret", "/admin/*/applications"},
	"console.ApplicationsPage":      {"applications", "/admin/*/applications"},

	"console.ApprovalPage":      {"approval-waiting", "/admin/*/approvals/*"},
	"console.ApprovalsPage":     {"approvals-waiting", "/admin/*/approvals"},
	"console.CasePage":          {"case", "/admin/*/cases/*"},
	"console.CasesPage":         {"cases", "/admin/*/cases"},
	"console.ChooserPage":       {"console-chooser", "/admin"},
	"console.CustomRolePage":    {"roles-compose", "/admin/*/roles/custom/new"},
	"console.GrantsPage":        {"grants", "/admin/*/settings/grants"},
	"console.GroupPage":         {"group", "/admin/*/groups/*"},
	"console.GroupsPage":        {"groups", "/admin/*/groups"},
	"console.ImportPage":        {"import-checked", "/admin/*/users/imports/*"},
	"console.ImportPeoplePage":  {"approval-import-people", "/admin/*/approvals/*/people"},
	"console.ImportsPage":       {"import-before", "/admin/*/users/import"},
	"console.InvitePage":        {"invite", "/admin/*/users/new"},
	"console.InvitedPage":       {"invited", "/admin/*/users"},
	"console.NewGrantPage":      {"grant-new", "/admin/*/settings/grants/new"},
	"console.OverviewPage":      {"console-overview", "/admin/*"},
	"console.CallerCheckPage":   {"check", "/admin/*/caller-checks/*"},
	"console.DifferencePage":    {"difference", "/admin/*/policy/differences/*"},
	"console.DifferencesPage":   {"differences", "/admin/*/policy/differences"},
	"console.InsightsPage":      {"insights", "/admin/*/insights"},
	"console.SignalsPage":       {"signals", "/admin/*/insights/agents"},
	"console.SignalsOfPage":     {"signals-agent", "/admin/*/insights/agents/*"},
	"console.SignalHoursPage":   {"desk-hours", "/admin/*/settings/desk-hours"},
	"console.BypassPage":        {"bypass", "/admin/*/bypasses/*"},
	"console.BypassesPage":      {"bypasses", "/admin/*/bypasses"},
	"console.StockPage":         {"stock", "/admin/*/code-sheets"},
	"console.PaperPage":         {"stock-sheet", "/admin/*/code-sheets/*"},
	"console.SheetBatchesPage":  {"batches", "/admin/*/code-sheets/batches"},
	"console.NewSheetBatchPage": {"batch-new", "/admin/*/code-sheets/batches/new"},
	"console.SheetBatchPage":    {"batch-draft", "/admin/*/code-sheets/batches/*"},
	"console.SheetPrintPage":    {"batch-print", "/admin/*/code-sheets/batches/*/print"},
	"console.DeskPage":          {"desk-before", "/admin/*/users/*/desk"},
	"signin.BypassPage":         {"signin-bypass", "/signin/* bypass"},
	"me.RestrictedPage":         {"restricted", "/"},
	"invite.DisownPage":         {"disown", "/not-me/* not-me"},
	"invite.DisownedPage":       {"disowned", "/not-me not-me"},
	"console.DeskRulesPage":     {"desk-rules", "/admin/*/settings/desk"},
	"console.ReasonPage":        {"desk-reason", "/admin/*/settings/desk/reasons"},
	"console.StoryPage":         {"audit-story", "/admin/*/audit/story/*/*"},
	"console.ExportsPage":       {"exports", "/admin/*/audit/export"},
	"console.ExportPage":        {"export", "/admin/*/audit/export/*"},
	"console.AuditViewsPage":    {"audit-views", "/admin/*/audit/views"},
	"console.AuditViewPage":     {"audit-view", "/admin/*/audit/views/*"},
	"console.AlarmsPage":        {"alarms", "/admin/*/alarms"},
	"console.RetentionPage":     {"retention", "/admin/*/audit/retention"},
	"console.AlarmPage":         {"alarm", "/admin/*/alarms/*"},
	"console.AlarmRulePage":     {"alarm-rule", "/admin/*/alarms/rules/*"},
	"console.ConsumersPage":     {"consumers", "/admin/*/webhooks"},
	"console.ConsumerPage":      {"consumer", "/admin/*/webhooks/*"},
	"console.TicketSystemPage":  {"ticket-system", "/admin/*/settings/ticket-system"},
	"console.BreakGlassPage":    {"break-glass-used", "/admin/*/break-glass"},
	"console.GlassSheetPage":    {"glass-sheet", "/admin/*/break-glass/*/print"},
	"console.BySheetPage":       {"by-sheet", "/admin/*/approvals/*/sheet"},
	"signin.BreakGlassPage":     {"signin-break-glass", "/break-glass break_glass"},
	"console.CensusesPage":      {"censuses", "/admin/*/census"},
	"console.CensusPage":        {"census", "/admin/*/census/*"},
	"console.RisksPage":         {"risks", "/admin/*/risks"},
	"console.OutagesPage":       {"outage-proposed", "/admin/*/outage"},
	"console.OutageFormPage":    {"outage-drill", "/admin/*/outage/drill"},
	"console.OutagePage":        {"outage-review", "/admin/*/outage/*"},
	"signin.AskPage":            {"signin-ask", "/signin/*/ask ask"},
	"signin.AskedPage":          {"signin-asked", "/signin/*/ask asked"},
	"signin.VouchPage":          {"vouch-asked", "/step-up/manager/* vouch"},
	"signin.CallBackPage":       {"call-back-asked", "/step-up/call-back/* vouch"},
	"console.CallBacksPage":     {"call-backs", "/admin/*/call-backs"},
	"console.CallBackPage":      {"call-back", "/admin/*/call-backs/*"},
	"invite.DisownAskPage":      {"disown-ask", "/not-me/* not-me"},
	"invite.AskDisownedPage":    {"disowned-ask", "/not-me/asked not-me"},
	"invite.DisownedOpenPage":   {"disowned-open", "/not-me/open not-me"},
	"console.PasscodeShownPage": {"passcode-shown", "/admin/*/passcodes/*/show"},
	"console.PasscodesPage":     {"passcodes", "/admin/*/passcodes"},
	"console.PeoplePage":        {"people", "/admin/*/users"},
	"console.PersonPage":        {"person", "/admin/*/users/*"},
	"console.PlacePage":         {"console-place-wrong", "/admin/*/settings/places"},
	"console.PlacesPage":        {"console-places", "/admin/*/settings/places"},
	"console.RolloutsPage":      {"rollouts", "/admin/*/rollout"},
	"console.RolloutPage":       {"rollout", "/admin/*/rollout/*"},
	"console.RampPage":          {"ramp-form", "/admin/*/rollout/*/ramp"},
	"console.ExplainPage":       {"rollout-explain", "/admin/*/rollout/*/explain"},
	"console.CampaignPage":      {"campaign", "/admin/*/campaign"},
	"me.RegisterPage":           {"register", "/register register"},
	"me.RegisterHelpPage":       {"register-help", "/register/help register-help"},
	"console.PolicyPage":        {"policy", "/admin/*/policy"},
	"console.ReplayPage":        {"replay", "/admin/*/policy/replay/*"},
	"console.ReplaysPage":       {"replays", "/admin/*/policy/replay"},
	"console.WhatIfPage":        {"what-if", "/admin/*/policy/what-if"},
	"console.ProviderPage":      {"provider-new", "/admin/*/settings/providers/*"},
	"console.ProvidersPage":     {"providers-none", "/admin/*/settings/providers"},
	"console.RoleAssignPage":    {"roles-assign", "/admin/*/roles/assign"},
	"console.RoleWhyPage":       {"roles-why", "/admin/*/roles/why"},
	"console.RolesPage":         {"roles", "/admin/*/roles"},
	"console.SearchPage":        {"search", "/admin/*/search"},
	"console.SettingsPage":      {"console-settings", "/admin/*/settings"},
	"console.AuditPage":         {"audit", "/admin/*/audit"},
	"console.AuditChartsPage":   {"audit-charts", "/admin/*/audit/charts"},
	"console.AuditEventPage":    {"audit-event", "/admin/*/audit/*"},
	"console.TicketPage":        {"ticket", "/admin/*/tickets/*"},
	"demo.OutboxPage":           {"demo-outbox", "/demo/outbox"},
	"invite.FirstPasswordPage":  {"first-password", "/invite/* invite"},
	"me.ActivityPage":           {"activity", "/me/activity"},
	"me.AddPhonePage":           {"add-phone-waiting", "/me/phones"},
	"me.BackupPhonesPage":       {"backup-phones-none", "/me/backup-phones"},
	"me.CodesPage":              {"codes-low", "/me/codes"},
	"me.SheetPage":              {"sheet", "/me/codes"},
	"signin.PrintedCodePage":    {"printed-code", "/signin/* printed_code"},
	"me.HomePage":               {"home-new", "/"},
	"me.LostPhonePage":          {"lost-phone", "/me/lost-phone"},
	"me.NewBackupPhonePage":     {"backup-phone-new", "/me/backup-phones/new/*"},
	"me.NewPasskeyPage":         {"passkeys-new", "/me/passkeys/new"},
	"me.NewTOTPPage":            {"totp-new-with-phone", "/me/totp/new/*"},
	"me.OverviewPage":           {"overview-new", "/me"},
	"me.PasskeysPage":           {"passkeys-none", "/me/passkeys"},
	"me.PasswordPage":           {"password-set", "/me/password"},
	"me.PhonesPage":             {"phones-none", "/me/phones"},
	"me.PreferencesPage":        {"preferences", "/me/preferences"},
	"me.SecurePage":             {"secure", "/me/secure"},
	"me.SessionsPage":           {"sessions", "/me/sessions"},
	"me.TOTPPage":               {"totp-one", "/me/totp"},
	"openid.EndPage":            {"end-session", "/t/*/end-session end-session"},
	"openid.GoOnPage":           {"going-on", "/t/*/end-session/confirm going-on"},
	"operator.HealthPage":       {"operator-health", "/operator/health"},
	"operator.NewTenantPage":    {"operator-new", "/operator/tenants/new"},
	"operator.ReleasePage":      {"operator-release", "/operator/releases/*"},
	"operator.ReleasesPage":     {"operator-releases", "/operator/releases"},
	"operator.TenantPage":       {"operator-tenant", "/operator/tenants/*"},
	"operator.TenantsPage":      {"operator-tenants", "/operator/tenants"},
	"phone.AppPage":             {"menu-on", "/phone"},
	"problem.Page":              {"problem-404", "/signin/* problem"},
	"setup.SetupDonePage":       {"setup-done", "/setup/*/done setup-done"},
	"setup.SetupPage":           {"setup", "/setup/* setup"},
	"signin.CodePage":           {"code", "/signin/* totp"},
	"signin.HelpPage":           {"help", "/signin/*/help help"},
	"help.TopicsPage":           {"help-topics", "/help help"},
	"help.TopicPage":            {"help-topic-how", "/help/* help"},
	"signin.NamePage":           {"name", "/signin name"},
	"signin.PasscodePage":       {"passcode-typed", "/signin/* static_passcode"},
	"signin.PasskeyPage":        {"passkey", "/signin/* passkey"},
	"signin.PasswordPage":       {"password", "/signin/* password"},
	"signin.PhoneCodePage":      {"sms", "/signin/* sms"},
	"signin.PhonePage":          {"number", "/signin/* phone"},
	"signin.SignedOutPage":      {"signed-out", "/signed-out signed-out"},
	"signin.StepUpPage":         {"step-up", "/step-up step-up"},
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
	taken := map[string]int{}
	each(t, "*_test.go", func(file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			called := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				called = f.Sel.Name
			case *ast.Ident:
				called = f.Name
			}
			name, literal := call.Args[0].(*ast.BasicLit)
			if literal && (called == "look" || called == "Look") {
				text, err := strconv.Unquote(name.Value)
				if err != nil {
					t.Error(err)
				}
				taken[strings.TrimPrefix(strings.TrimPrefix(text, "pc-"), "phone-")]++
			}
			return true
		})
	})
	for look, times := range taken {
		if times > 1 && slices.ContainsFunc(slices.Collect(maps.Values(looks)), func(l looked) bool { return l.look == look }) {
			t.Errorf("%d looks are called %s", times, look)
		}
	}
	for page := range there {
		if looks[page].look == "" {
			t.Errorf("the page %s is looked at in no story: add a look, and a line to the table of this test", page)
		}
	}
	by := map[string]string{}
	for page, l := range looks {
		look := l.look
		if !there[page] {
			t.Errorf("there is no page %s", page)
		}
		if taken[look] == 0 {
			t.Errorf("no story has the look %s, at %s", look, page)
		}
		if by[look] != "" {
			t.Errorf("the look %s is at %s and at %s", look, page, by[look])
		}
		by[look] = page
	}
}

// whereabouts holds a look to the page that it is for; other looks may be anywhere.
func (tab *Tab) whereabouts(look string) {
	tab.t.Helper()
	for page, l := range looks {
		if l.look != look {
			continue
		}
		at := Eval[string](tab, `[location.pathname, document.body.dataset.step].join(" ").trim()`)
		if fits, err := path.Match(l.where, at); err != nil || !fits {
			tab.t.Errorf("the look %s is at %s, but %s is at %s (%v)", look, at, page, l.where, err)
		}
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
