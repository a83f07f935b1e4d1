package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/backupphone"
	"latchkey/app/bypass"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/export"
	"latchkey/app/importing"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/throttle"
	"latchkey/app/totp"
	"latchkey/app/user"
	"latchkey/app/web"
)

// limit is a row of product.md §9, word for word, and what holds the program to it.
type limit struct {
	what, value string
	proofs      []proof
	later       string // the package that will have it; until then there is nothing to limit
}

// proof is of one figure of a row, as a constant of the program, or as a test that
// goes to its edge and says it in figures of its own.
type proof struct {
	figure    string
	has, want any
	test      string   // package and name, as prompt.TestOneRequestIsVisible
	says      []string // that stand in the test
}

// is compares a constant with what it should be.
func is(figure string, has, want any) proof { return proof{figure: figure, has: has, want: want} }

// by names a test.
func by(figure, test string, says ...string) proof {
	return proof{figure: figure, test: test, says: says}
}

var limits = []limit{
	{"prompt life", "120 s; nonce 256 bit; one answer", []proof{
		is("120 s", prompt.Life, 120*time.Second),
		by("120 s", "prompt.TestTheLastInstantIsTooLate", `"an instant before", 120*time.Second - time.Microsecond, ""`, `"the last instant", 120 * time.Second, "prompt.expired"`),
		by("nonce 256 bit", "prompt.TestARightNumberApproves", "len(r.Nonce) != 43 { // 256 bits, base64url"),
		by("one answer", "prompt.TestTwentyAnswersAtOnce", `got["done"] != 1`),
		by("one answer", "server.TestFiveHundredAnswersAtOnceMakeOne"),
	}, ""},
	{"prompts per user", `3 in 10 min, 10 a day without a success, 1 visible; after "not me" none for 60 min`, []proof{
		by("3 in 10 min", "prompt.TestAPhoneIsAskedThreeTimesInTenMinutes", "range 3 {", "10*time.Minute - h.Clock.Now().Sub(began) - time.Microsecond"),
		by("10 a day", "prompt.TestAPhoneIsAskedTenTimesADayWithoutASuccess", "range 10 {", "24*time.Hour"),
		by("1 visible", "prompt.TestOneRequestIsVisible", "got != 1"),
		by("1 visible", "prompt.TestEightBrowsersAtOnceAskOnce"),
		by("60 min", "prompt.TestAfterItIsNotMeThePhoneIsLeftAloneForAnHour", "time.Hour - time.Microsecond"),
	}, ""},
	{"failures", "5 per challenge; 10 in a row pause that way 15 min; 100 turn it off. Counted before checking, in a commit of their own; a resend never resets", []proof{
		is("10 in a row", throttle.Every, 10),
		is("pause 15 min", throttle.PauseLife, 15*time.Minute),
		is("100 turn it off", throttle.OffAfter, 100),
		by("5 per challenge", "signin.TestFiveFailuresEndAnAttempt", "range 5 {", "got != 5"),
		by("5 per challenge", "server.TestFiveHundredGuessesAtOnceAreFive", "checked != 5"),
		by("5 per challenge", "signin.TestOfFiveHundredWrongAnswersFiveAreChecked", "AtOnce(500", "checked() != 5", "checked()-before != 5"),
		by("5 per challenge; a resend never resets", "signin.TestOfManyWrongSentCodesFiveAreChecked", "got != 3", "got != 5"),
		by("10 in a row pause 15 min, 100 turn it off", "server.TestWrongPasswordsEndTheAttemptThenPauseAndThenTurnOffTheWay", "15*time.Minute", "in_a_row = 99"),
		by("10 in a row, of the phone", "prompt.TestTenWrongNumbersInARowPauseThePhone", "range 10 {", "in_a_row = 99"),
	}, ""},
	{"phone PIN", "6 digits or more; 10 wrong in a row disable the device", []proof{
		is("10 wrong", device.PINTriesMost, 10),
		by("6 digits", "device.TestWhatAPhoneMayBringToEnrol", `"a PIN of five digits"`),
		by("10 wrong", "device.TestTenWrongPINsInARowDisableThePhone", "range 9 {", "range 10 {"),
		by("10 wrong", "device.TestAHundredWrongPINsAtOnceGetTenTries", "tried > 10"),
	}, ""},
	{"SMS/voice code", "6 digits, 10 min; 3 per 10 min per user, 5 per hour per number; country list, daily budget", []proof{
		is("10 min", backupphone.CodeLife, 10*time.Minute),
		by("6 digits, 10 min", "signin.TestACodeEndsAtTheMinute", "sixDigits", "10*time.Minute - time.Microsecond", "h.Clock.Forward(10 * time.Minute)"),
		by("3 per 10 min, 5 per hour", "signin.TestThreeCodesInTenMinutes", `got["done"] != 3`, "got != 5", "10 * time.Minute", "51 * time.Minute"),
		by("country list", "signin.TestWhatMayGetACode"),
		by("daily budget", "signin.TestTheBudgetOfADay"),
	}, ""},
	{"TOTP", "160-bit seed, 30 s, one step of drift, never a step at or before the last one taken", []proof{
		is("30 s", totp.Period, 30*time.Second),
		by("160-bit seed", "secret.TestASeedHas160BitsAndDoesNotPrint", "len(raw) != 20"),
		by("30 s, one step of drift, never a step at or before the last", "totp.TestWhichCodesMatch", `seed, noon, -1), 0, now - 1`, `seed, noon, -2), 0, 0`, `seed, noon, 0), now, 0`),
	}, ""},
	{"printed codes", "10 per sheet, 80 bit, slow-hashed, asked for by number", []proof{
		is("10 per sheet", codesheet.Codes, 10),
		by("10 per sheet, slow-hashed", "codesheet.TestASheetIsMadeAndShownOnce", "n != 10", `hash LIKE '$argon2id$%'`, "codeForm.MatchString"),
		by("80 bit", "secret.TestAPrintedCodeHasEightyBits", "bits != 80"),
		by("asked for by number", "signin.TestAPrintedCodeSignsInOnceByItsNumber", "a.CodeNumber != 1", "a.CodeNumber != 2"),
	}, ""},
	{"bypass", "one active, one use, 10 min to 8 h, default 1 h; desk at most 1 h alone; at least 60 bit; 10 per hour per agent, 3 per week per user, then four-eyes", []proof{
		is("8 h", bypass.MinutesMost, 480),
		is("10 min", bypass.MinutesLeast, 10),
		is("default 1 h", bypass.MinutesUsual, 60),
		by("one active", "bypass.TestOneAtATime", `got["bypass.one"] != 7`),
		by("one use", "bypass.TestFiveHundredUseItAtOnce", `got["done"] != 1`),
		by("10 min to 8 h", "bypass.TestAtAndUnderAndOverItsLimits", `minutes(9), "minutes"`, `minutes(480), ""`, `minutes(481), "minutes"`),
		by("desk at most 1 h alone", "bypass.TestWhoMayGiveOne", "d.agent, d.nurse, 60, 1, alone", "d.agent, d.nurse, 61, 1, eyes"),
		by("at least 60 bit", "secret.TestCodesThatAreHandedOver", "bits < 60"),
		by("10 per hour per agent, 3 per week per user", "bypass.TestTooManyTakeTwo", "range 10", "range 3", "d.forward(time.Hour)", "7 * 24 * time.Hour"),
	}, ""},
	{"registering after a bypass", "within 10 min, with a second and different proof", []proof{
		is("within 10 min", session.RebindLife, 10*time.Minute),
		by("within 10 min", "bypass.TestACodeSignsInOnce", `s.CreatedAt.Add(10*time.Minute)), "session.rebind_over"`, "s.CreatedAt.Add(10*time.Minute - time.Microsecond)"),
	}, ""},
	{"static passcode", "15 characters or more, 24 h", []proof{
		by("15 characters", "people.TestAStaticPasscodeFromItsRequestToItsEnd", `ReplaceAll(text, "-", "")) < 15`),
		by("24 h", "people.TestAStaticPasscodeWorksForADayAtMost", "25", "24*time.Hour"),
	}, ""},
	{"binding code", "10 min, one use", []proof{
		is("10 min", device.EnrolmentLife, 10*time.Minute),
		by("10 min", "device.TestLinksThatEnrolNobody", "h.Clock.Forward(10*time.Minute - time.Microsecond)", "h.Clock.Forward(10 * time.Minute)"),
		by("one use", "device.TestALinkUsedByFiveHundredPhonesAtOnceEnrolsOne"),
	}, ""},
	{"user session", "idle 1 h, total 24 h; console: idle 15 min, total 12 h", []proof{
		is("idle 1 h", session.IdleLife, time.Hour),
		is("total 24 h", session.Life, 24*time.Hour),
		is("idle 15 min", session.ConsoleIdleLife, 15*time.Minute),
		is("total 12 h", session.ConsoleLife, 12*time.Hour),
		by("idle 1 h", "server.TestHowLongASessionLasts", "w.forward(t, 59*time.Minute)", "w.forward(t, time.Hour)"),
		by("total 24 h", "session.TestADayIsTheLongestSession", "range 47 {", "30*time.Minute - time.Microsecond"),
		by("console 15 min, 12 h", "session.TestTheConsoleIsOpenForTwelveHours", "11*time.Hour + 45*time.Minute", "12 * time.Hour"),
		by("console 15 min, 12 h", "server.TestAProgramIsToldWhichProofIsMissing", "c.forward(t, 15*time.Minute)", "c.forward(t, 12*time.Hour)"),
	}, ""},
	{"step-up", "5 min", []proof{
		is("5 min", session.StepUpLife, 5*time.Minute),
		by("5 min", "session.TestWhenASessionIsFresh", "5*time.Minute - time.Microsecond", "5 * time.Minute"),
		by("5 min", "signin.TestAStepUpProvesTheSessionItIsFor", "5*time.Minute - time.Microsecond"),
	}, ""},
	{"four-eyes request", "4 h, frozen, runs once", []proof{
		is("4 h", approval.Life, 4*time.Hour),
		by("4 h", "approval.TestTheLastInstantIsTooLate", "4 * time.Hour"),
		by("4 h", "approval.TestAnApprovedRequestRunsAsItWasFrozen", "4*time.Hour - time.Microsecond"),
		by("frozen", "approval.TestARequestIsFrozen"),
		by("runs once", "approval.TestAHundredApprovalsAtOnceRunItOnce"),
	}, ""},
	{"audit export", "own right; link one use, 10 min; over 10,000 rows four-eyes", []proof{
		is("10 min", export.LinkLife, 10*time.Minute),
		is("10,000 rows", export.AloneMost, 10_000),
		by("own right", "export.TestWhoMayExportNoMoreGetsNothing"),
		by("one use, 10 min", "export.TestAnExportIsWrittenAndFetchedOnce", `n["done"] != 1`, "a.Clock.Forward(10 * time.Minute)"),
		by("10,000 rows four-eyes", "export.TestManyRowsTakeASecondPerson", "a.happens(10_001)", "who asks approves it"),
	}, ""},
	{"waiting streams", "5 per user, 50 per address, 20,000 per process", []proof{
		by("5 per user", "server.TestFiveStreamsOfOneUser", "range 5 {"),
		by("50 per address", "server.TestFiftyStreamsOfOneAddress", "range 50 {"),
		by("20,000 per process", "web.TestHowManyStreamsAProcessHolds", "streams.Open() != 20_000"),
	}, ""},
	{"bodies", "64 KiB (imports 5 MiB); headers 16 KiB", []proof{
		is("64 KiB", web.BodyMost, 64<<10),
		is("5 MiB", importing.BytesMost, 5<<20),
		is("16 KiB", web.HeaderMost, 16<<10),
		by("64 KiB, headers 16 KiB", "server.TestWhatIsTooLarge", "post(64<<10))", "post(64<<10+1))", "15<<10", "16<<10"),
		by("5 MiB", "server.TestWhatIsNoListIsRefused", "5<<20)", `5<<20-len("name\n")`),
	}, ""},
	{"password hashing", "argon2id 19 MiB, t=2, p=1; at most 2 per core at once, short queue, then 503", []proof{
		by("argon2id 19 MiB, t=2, p=1", "secret.TestAPasswordIsHashedAsTheTableOfLimitsSays", `\$argon2id\$`, "m=19456,t=2,p=1"),
		by("2 per core", "secret.TestAtMostTwoPerCoreHashAtOnce", "2*runtime.NumCPU()"),
		by("503", "server.TestAPasswordThatWaitsTooLongForItsTurnIsNotTried", "a.unavailable(t)"),
	}, ""},

	// From the other sections.
	{"several phones per user (§2)", "at most 5", []proof{
		is("at most 5", device.PhonesMost, 5),
		by("at most 5", "device.TestFivePhonesAndNoSixth", `got["done"] != 5`),
	}, ""},
	{"changes reach every replica (§3)", "within 5 seconds", []proof{
		by("within 5 seconds", "server.TestTheClocksKeepWithinFiveSeconds", "dead != 5*time.Second"),
		by("within 5 seconds", "server.TestAStreamEndsByTheClockWithinFiveSeconds", "took > dead"),
		by("within 5 seconds", "server.TestWhatIsEndedIsDeadEverywhereWithinFiveSeconds"),
	}, ""},
	{"a password alone", "15 characters, and 8 beside a second factor", []proof{
		is("15 characters", user.PasswordLeastAlone, 15),
		is("8 beside", user.PasswordLeast, 8),
	}, ""},
}

var figures = regexp.MustCompile(`[0-9][0-9,]*`)

// TestTheLimitsOfTheProduct reads the table as it stands in product.md §9: each of
// its figures has a proof, and each proof holds. Tests go to the edge of a limit by its
// name often enough, and would follow it wherever it went; these do not.
func TestTheLimitsOfTheProduct(t *testing.T) {
	bodies := testsOf(t)
	for _, row := range limits {
		if row.later != "" {
			if _, err := os.Stat(row.later); err == nil {
				t.Errorf("%s: app/%s is there, and its limits (%s) have no proof", row.what, row.later, row.value)
			}
			continue
		}
		proved := map[string]bool{}
		for _, p := range row.proofs {
			for _, figure := range figures.FindAllString(p.figure, -1) {
				proved[figure] = true
			}
			if p.test == "" {
				if p.has != p.want {
					t.Errorf("%s, %s: the program has %v", row.what, p.figure, p.has)
				}
				continue
			}
			body, there := bodies[p.test]
			if !there {
				t.Errorf("%s, %s: there is no test %s", row.what, p.figure, p.test)
			}
			for _, text := range p.says {
				if there && !strings.Contains(body, text) {
					t.Errorf("%s, %s: %s does not say %s", row.what, p.figure, p.test, text)
				}
			}
		}
		for _, figure := range figures.FindAllString(row.value, -1) {
			if !proved[figure] {
				t.Errorf("%s: %s of %q has no proof", row.what, figure, row.value)
			}
		}
	}
}

// testsOf gives the text of every test under app, by its folder and its name.
func testsOf(t *testing.T) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	for path, text := range sources(t, "_test.go") {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				bodies[filepath.Base(filepath.Dir(path))+"."+f.Name.Name] += string(text[f.Pos()-file.FileStart : f.End()-file.FileStart])
			}
		}
	}
	return bodies
}
