package me

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/words"
)

// said fails the test for a key in the place of words.
func said(t *testing.T, what, text string) {
	t.Helper()
	for _, family := range []string{"activity.", "me.", "platform."} {
		if text == "" || strings.HasPrefix(text, family) {
			t.Errorf("%s is shown as %q", what, text)
			return
		}
	}
}

func TestEveryActionIsSaidToItsUser(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for _, action := range actions(t) {
		for _, outcome := range []audit.Outcome{audit.Success, audit.Failure, audit.Denied} {
			shown := event(t.Context(), audit.Entry{At: at, Action: audit.Action(action), Outcome: outcome}, strings.Clone)
			said(t, action, shown.What)
			said(t, string(outcome), shown.Outcome)
			if shown.Tone == "" {
				t.Errorf("%s, %s has no tone", action, outcome)
			}
		}
	}
}

// actions reads the constants of audit.Action out of their source.
func actions(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../audit/event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Action" {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, value)
			}
		}
		return true
	})
	if len(all) < 30 {
		t.Fatalf("found %d actions; there are more", len(all))
	}
	return all
}

func TestEveryPhoneIsSaidToItsUser(t *testing.T) {
	for _, platform := range []string{"ios", "android", "desktop", "terminal"} {
		for _, state := range []string{device.Active, device.Disabled, "revoked"} {
			shown := row(t.Context(), device.Phone{Platform: platform, State: state}, 1)
			said(t, platform, shown.Platform)
			said(t, state, shown.State)
		}
	}
}

func TestEveryWayIsSaidToItsUser(t *testing.T) {
	for _, way := range []string{session.ByPhone, session.ByPassword, session.ByTOTP, session.ByPasskey, session.ByKey, session.ByPrintedCode} {
		if !words.Has(t.Context(), "me.sessions.how."+way) {
			t.Errorf("me.sessions.how.%s: no such text", way)
		}
		if got := web.How(t.Context(), "pwd,"+way); !strings.HasPrefix(got, "password, then ") || strings.Contains(got, "me.") {
			t.Errorf("the password and %s are shown as %q", way, got)
		}
	}
}

// TestEveryNoticeIsSaidToItsReader takes the actions that features tell people of.
func TestEveryNoticeIsSaidToItsReader(t *testing.T) {
	for action, detail := range map[audit.Action]string{
		audit.UserLocked: "", audit.UserUnlocked: "", audit.WaysRestored: "", audit.SessionsEnded: "", audit.AuthenticatorReset: "Pocket",
		audit.MFAChanged: "enforced", audit.TOTPBound: "", audit.TOTPRemoved: "", audit.TOTPReset: "", audit.CodeSheetMade: "AAAA-BBBB", audit.CodeSheetLow: "3", audit.CodeSheetUsedUp: "0", audit.CodeSheetRemoved: "", audit.CodeSheetReset: "", audit.CodeSheetToAgent: "12", audit.CodeSheetToUser: "AAAA-BBBB", audit.CodeSheetActivated: "AAAA-BBBB", audit.CodeSheetLost: "AAAA-BBBB", audit.CodeSheetDestroyed: "AAAA-BBBB", audit.CodeSheetVoided: "AAAA-BBBB", audit.SheetBatchMade: "B-7", audit.SheetBatchVoided: "12", audit.PasskeyBound: "Laptop", audit.DeviceUnlockSet: "Pocket", audit.PasskeyRemoved: "Laptop", audit.PasskeyReset: "Laptop", audit.PasskeySuspect: "Laptop", audit.PasswordSet: "", audit.PasswordChanged: "", audit.PasswordRenewed: "", audit.PasswordLinkMade: "", audit.PasscodeApproved: "", audit.PasscodeIssued: "", audit.PasscodeWithdrawn: "", audit.CampaignPostponed: "7", audit.BackupPhoneAsked: "", audit.FeatureChosen: "sms", audit.FeatureDeclined: "typed_number_match",
		audit.RoleAssigned: "helpdesk", audit.RoleTaken: "custom:x", audit.AccessAlarm: "somebody@alder.example",
		audit.GroupMemberAdded: "Night shift, Ward", audit.GroupMemberRemoved: "Night shift",
		audit.CaseOpened: "C-1042", audit.CaseClosed: "C-1042", audit.CaseReopened: "C-1042", audit.CaseTaken: "C-1042", audit.CaseHandedOver: "C-1042", audit.CaseAsked: "", audit.CaseNoted: "C-1042", audit.CaseAskDisowned: "C-1042",
		audit.ReleaseChanged: "totp", audit.ReleaseDropped: "sms maker", audit.RolloutChanged: "totp", audit.RolloutDropped: "sms changed", audit.RolloutStuck: "sms group", audit.RampStepped: "passkeys 2 4", audit.RampHalted: "sms failure", audit.RampDone: "totp", audit.RampOvertaken: "voice",
		audit.AlarmRaised: "not_them", audit.AlarmTested: "break_glass", audit.ConsumerSilent: "Our SIEM", audit.RoleEnded: "auditor", audit.ApprovalGiven: "role.assign", audit.ApprovalRefused: "user.mfa", audit.ApprovalVoid: "group.set_role", audit.ApprovalExpired: "user.import",
	} {
		for _, by := range []access.Role{"", access.RoleHelpdesk, "custom:x"} {
			shown := notice(t.Context(), notify.Told{ID: "n", Action: action, ByRole: by, Reason: "because", Detail: detail})
			if strings.HasPrefix(shown.What, "notice.") || strings.Contains(shown.What, "{") || strings.Contains(shown.What, "role.") || strings.Contains(shown.What, detail) && strings.Contains(detail, ".") && !strings.Contains(detail, "@") {
				t.Errorf("%s with %q is shown as %q", action, detail, shown.What)
			}
			said(t, "what to do", shown.Next)
			if (shown.By == "") != (by == "") || strings.HasPrefix(shown.By, "role.") {
				t.Errorf("done by %q is shown as %q", by, shown.By)
			}
		}
	}
}

func TestEveryFeatureIsSaidToWhoeverMayChooseIt(t *testing.T) {
	for _, e := range feature.Catalogue {
		if !words.Has(t.Context(), "me.choice.about."+string(e.Feature)) {
			t.Errorf("me.choice.about.%s: no such text", e.Feature)
		}
	}
}

// TestReadiness counts what works without the phone, and only asks for what may be added.
func TestReadiness(t *testing.T) {
	const password, phone, passkey, printed = user.WithPassword, user.WithPhone, user.WithPasskey, user.WithPrintedCode
	for _, row := range []struct {
		what    string
		has     user.Ways
		phones  int
		off     user.Ways
		backup  bool
		word    string
		filled  int
		steps   int
		done    int
		unready bool // to lose the phone locks them out
	}{
		{"a password alone", password, 0, 0, true, "alone", 0, 5, 0, false},
		{"a phone", password | phone, 1, 0, true, "risk", 0, 5, 1, true},
		{"two phones", password | phone, 2, 0, true, "nearly", 1, 5, 2, false},
		{"a phone and a sheet", password | phone | printed, 1, 0, true, "nearly", 1, 5, 2, false},
		{"two phones and a sheet", password | phone | printed, 2, 0, true, "ready", 2, 5, 3, false},
		{"everything", password | phone | printed | passkey, 5, 0, true, "ready", 2, 5, 4, false},
		{"where codes and passkeys are off", password | phone, 2, printed | passkey, false, "nearly", 1, 2, 2, false},
	} {
		t.Run(row.what, func(t *testing.T) {
			mfa := user.MFAEnforced
			if row.phones == 0 {
				mfa = user.MFAEnabled
			}
			outlook := signin.OutlookWith(mfa, row.has, row.has, row.phones, method.Off{})
			r := ready(t.Context(), outlook, session.Session{Bound: row.has, Ways: row.has &^ row.off, Lives: session.Lives{Off: row.off}}, row.backup)
			if want := words.Say(t.Context(), "me.info."+row.word+".text"); r.Sentence != want || r.Filled != row.filled || r.Parts != 2 {
				t.Errorf("%d of %d, %q, want %d of 2, %q", r.Filled, r.Parts, r.Sentence, row.filled, want)
			}
			said(t, "readiness", r.Word)
			done := 0
			for _, step := range r.Steps {
				said(t, "step", step.Text)
				said(t, "act", step.Label)
				if step.Done {
					done++
				}
			}
			if len(r.Steps) != row.steps || done != row.done {
				t.Errorf("%d of %d steps are done, want %d of %d", done, len(r.Steps), row.done, row.steps)
			}
			text, shut := lost(t.Context(), outlook, phone)
			if said(t, "what is left", text); row.phones > 0 && shut != row.unready {
				t.Errorf("without the phone: %q", text)
			}
		})
	}
}
