package signin_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// nth is the code with a number, as it is printed.
func nth(m codesheet.Made, number int) string { return m.Codes[number-1].Reveal() }

// swiftly makes sheets whose codes cost nothing to check, for stories with many.
func swiftly(h *House) { h.Sheets.Passwords = itself{} }

func TestAPrintedCodeSignsInOnceByItsNumber(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		a := at(h, u, signin.PrintedCode, pc)
		if a.Way != signin.PrintedCode || a.CodeNumber != 1 {
			t.Fatalf("it asks by %s for number %d", a.Way, a.CodeNumber)
		}
		WantCode(t, "the next code", types(h, a, nth(sheet, 2), pc), "signin.refused")
		WantCode(t, "the last code", types(h, a, nth(sheet, 10), pc), "signin.refused")
		if got := h.Attempt(a.ID, pc).CodeNumber; got != 1 {
			t.Errorf("after a wrong code it asks for number %d", got)
		}
		typed := strings.ToLower(strings.ReplaceAll(nth(sheet, 1), "-", " "))
		done, err := h.SignIn.VerifyCode(ctx, a.ID, typed, pc)
		if how := signsIn(h, done, err, u); how != session.ByPrintedCode {
			t.Errorf("signed in by %s", how)
		}
		WantCode(t, "the same attempt again", types(h, a, nth(sheet, 2), pc), "signin.refused")
		if a = at(h, u, signin.PrintedCode, pc); a.CodeNumber != 2 {
			t.Errorf("then it asks for number %d", a.CodeNumber)
		}
		WantCode(t, "the code that was used", types(h, a, nth(sheet, 1), pc), "signin.refused")
		done, err = h.SignIn.VerifyCode(ctx, a.ID, nth(sheet, 2), pc)
		signsIn(h, done, err, u)
		if n := h.Count("SELECT codes_left FROM code_sheets WHERE last_used_at IS NOT NULL"); n != 8 || h.Events(audit.PrintedCodeUsed) != 2 {
			t.Errorf("%d codes are left, and %d events", n, h.Events(audit.PrintedCodeUsed))
		}
		if h.Count("SELECT count(*) FROM printed_codes WHERE used_at IS NOT NULL AND hash = ''") != 2 {
			t.Error("a code that was used has a hash still")
		}
		// It is the way to begin with, the next time.
		if way, _ := h.SignIn.Habit(ctx, u.TenantID, u.Name); way != signin.PrintedCode {
			t.Errorf("the way of the next time is %s", way)
		}
	})
}

// TestNoPageRoamsTheList: whatever is loaded, chosen and begun, the number is that of
// the lowest code that is left, and stays until it is used.
func TestNoPageRoamsTheList(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		first, second := at(h, u, signin.PrintedCode, pc), at(h, u, signin.PrintedCode, Browser("another"))
		for range 4 {
			if err := h.SignIn.Choose(ctx, first.ID, signin.PrintedCode, "", pc); err != nil {
				t.Fatal(err)
			}
			if got := h.Attempt(first.ID, pc).CodeNumber; got != 1 {
				t.Errorf("chosen again it asks for number %d", got)
			}
		}
		done, err := h.SignIn.VerifyCode(ctx, first.ID, nth(sheet, 1), pc)
		signsIn(h, done, err, u)
		if got := h.Attempt(second.ID, Browser("another")).CodeNumber; got != 1 {
			t.Errorf("the attempt beside it asks for number %d now", got)
		}
		for _, number := range []int{1, 2} {
			WantCode(t, "code "+strconv.Itoa(number)+" there", types(h, second, nth(sheet, number), Browser("another")), "signin.refused")
		}
		// Whoever lost the race takes the way again, and is asked for what is left.
		if err := h.SignIn.Choose(ctx, second.ID, signin.PrintedCode, "", Browser("another")); err != nil {
			t.Fatal(err)
		}
		if got := h.Attempt(second.ID, Browser("another")).CodeNumber; got != 2 {
			t.Errorf("taken again it asks for number %d", got)
		}
		done, err = h.SignIn.VerifyCode(ctx, second.ID, nth(sheet, 2), Browser("another"))
		signsIn(h, done, err, u)
	})
}

// TestEveryNameIsAskedForANumber, and the same one each time; a lock does not change it.
func TestEveryNameIsAskedForANumber(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		swiftly(h)
		u, bare := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		sheet := h.SheetOf(u)
		asks := func(name string) int { return h.Attempt(h.Begin(name, signin.PrintedCode, pc), pc).CodeNumber }
		many := map[int]bool{}
		for _, name := range []string{bare.Name, "nobody@alder.example", "user1@nowhere.example"} {
			number := asks(name)
			if number < 1 || number > 7 || asks(name) != number {
				t.Errorf("%s is asked for number %d, and then for another one", name, number)
			}
			a := h.Attempt(h.Begin(name, signin.PrintedCode, pc), pc)
			WantCode(t, "a code of somebody else for "+name, types(h, a, nth(sheet, number), pc), "signin.refused")
			WantCode(t, "nothing for "+name, types(h, a, "", pc), "signin.refused")
		}
		for i := range 40 {
			many[asks("n"+strconv.Itoa(i)+"@alder.example")] = true
		}
		if len(many) < 5 {
			t.Errorf("made-up numbers are few: %v", many)
		}
		done, err := h.SignIn.VerifyCode(t.Context(), at(h, u, signin.PrintedCode, pc).ID, nth(sheet, 1), pc)
		signsIn(h, done, err, u)
		h.Lock(u)
		a := at(h, u, signin.PrintedCode, pc)
		if a.CodeNumber != 2 {
			t.Errorf("a locked name is asked for number %d", a.CodeNumber)
		}
		WantCode(t, "the right code of somebody locked", types(h, a, nth(sheet, 2), pc), "signin.refused")
		if h.Count("SELECT codes_left FROM code_sheets") != 9 {
			t.Error("a code was taken of somebody locked")
		}
	})
}

// TestAPrintedCodeCompletesAPassword, in either order, and nothing else.
func TestAPrintedCodeCompletesAPassword(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		h.AppOf(u)
		h.Demand(u, user.MFAEnforced)
		a := at(h, u, signin.Password, pc)
		done, err := h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		a = halfway(h, a, done, err, signin.TOTP, pc)
		if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.TOTP, signin.PrintedCode}) {
			t.Errorf("after the password it offers %v", got)
		}
		if err := h.SignIn.Choose(ctx, a.ID, signin.PrintedCode, "", pc); err != nil {
			t.Fatal(err)
		}
		done, err = h.SignIn.VerifyCode(ctx, a.ID, nth(sheet, 1), pc)
		if how := signsIn(h, done, err, u); how != "pwd,printed_code" {
			t.Errorf("signed in by %s", how)
		}
		a = at(h, u, signin.PrintedCode, pc)
		done, err = h.SignIn.VerifyCode(ctx, a.ID, nth(sheet, 2), pc)
		a = halfway(h, a, done, err, signin.Password, pc)
		if got := offered(h, a); !slices.Equal(got, []signin.Way{signin.Phone, signin.Password}) && !slices.Equal(got, []signin.Way{signin.Password}) {
			t.Errorf("after a code it offers %v", got)
		}
		WantCode(t, "a code of the app on top", h.SignIn.Choose(ctx, a.ID, signin.TOTP, "", pc), "form.wrong")
		WantCode(t, "another printed code on top", types(h, a, nth(sheet, 3), pc), "signin.refused")
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		if how := signsIn(h, done, err, u); how != "printed_code,pwd" {
			t.Errorf("signed in by %s", how)
		}
	})
}

// TestTheLastCodeIsGoodForAWholeSignIn: the sheet ends with it, and the password may
// come after it.
func TestTheLastCodeIsGoodForAWholeSignIn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		for number := 1; number < 10; number++ {
			done, err := h.SignIn.VerifyCode(ctx, at(h, u, signin.PrintedCode, pc).ID, nth(sheet, number), pc)
			signsIn(h, done, err, u)
			low, want := h.Events(audit.CodeSheetLow), 0
			if number >= 7 {
				want = 1
			}
			if low != want || h.Count("SELECT count(*) FROM notices WHERE action = ?", audit.CodeSheetLow) != want {
				t.Errorf("with %d codes left its user was told %d times", 10-number, low)
			}
		}
		h.Demand(u, user.MFAEnforced)
		a := at(h, u, signin.PrintedCode, pc)
		if a.CodeNumber != 10 {
			t.Fatalf("it asks for number %d", a.CodeNumber)
		}
		done, err := h.SignIn.VerifyCode(ctx, a.ID, nth(sheet, 10), pc)
		a = halfway(h, a, done, err, signin.Password, pc)
		if got := h.Text("SELECT state || hash FROM code_sheets s JOIN printed_codes c ON c.sheet_id = s.id AND c.number = 10"); got != codesheet.UsedUp {
			t.Errorf("the sheet is %q", got)
		}
		if h.Count("SELECT ways FROM users WHERE id = ?", u.ID)&int(user.WithPrintedCode) != 0 || h.Events(audit.CodeSheetUsedUp) != 1 {
			t.Error("a sheet that is used up counts as a way in")
		}
		done, err = h.SignIn.VerifyPassword(ctx, a.ID, Password, pc)
		signsIn(h, done, err, u)
	})
}

// TestOfManyWithOnePrintedCodeOneSignsIn: five hundred at once.
func TestOfManyWithOnePrintedCodeOneSignsIn(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		attempts := []signin.Attempt{at(h, u, signin.PrintedCode, pc), at(h, u, signin.PrintedCode, pc), at(h, u, signin.PrintedCode, pc)}
		sessions := h.Count("SELECT count(*) FROM sessions")
		// Every one of these is to be checked: the one statement decides.
		h.Set("UPDATE attempts SET failures = -1000")
		h.Set("UPDATE tenants SET tries_most = 1000")
		tally := Tally(AtOnce(500, func(i int) error { return types(h, attempts[i%3], nth(sheet, 1), pc) }))
		if tally["done"] != 1 || h.Events(audit.SignInFinished) != 1 || h.Events(audit.PrintedCodeUsed) != 1 {
			t.Errorf("of 500 with the right code: %v, with %d events of success", tally, h.Events(audit.SignInFinished))
		}
		if n := h.Count("SELECT count(*) FROM sessions") - sessions; n != 1 || h.Count("SELECT codes_left FROM code_sheets") != 9 {
			t.Errorf("%d sessions were made, and %d codes are left", n, h.Count("SELECT codes_left FROM code_sheets"))
		}
	})
}

// TestOfManyWrongPrintedCodesFiveAreChecked in one attempt.
func TestOfManyWrongPrintedCodesFiveAreChecked(t *testing.T) {
	Each(t, func(h *House) {
		t, pc := h.T, Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		a := at(h, u, signin.PrintedCode, pc)
		Tally(AtOnce(500, func(int) error { return types(h, a, nth(sheet, 2), pc) }))
		if got := h.Count("SELECT count(*) FROM audit_events WHERE reason = 'signin.code_wrong'"); got != 5 {
			t.Errorf("%d of them were checked", got)
		}
		WantCode(t, "the right one after them", types(h, a, nth(sheet, 1), pc), "signin.refused")
		if got := h.Count("SELECT in_a_row FROM throttles WHERE way = 'printed_code'"); got != 5 {
			t.Errorf("%d failures in a row", got)
		}
		a = at(h, u, signin.PrintedCode, pc)
		for range 5 {
			WantCode(t, "a wrong code", types(h, a, "7777-7777-7777-7777", pc), "signin.refused")
		}
		WantCode(t, "the right code in the pause", types(h, at(h, u, signin.PrintedCode, pc), nth(sheet, 1), pc), "signin.paused")
		h.Clock.Forward(15 * time.Minute)
		done, err := h.SignIn.VerifyCode(t.Context(), at(h, u, signin.PrintedCode, pc).ID, nth(sheet, 1), pc)
		signsIn(h, done, err, u)
	})
}

// TestWhatEndsASheetEndsWhatItsCodesBegan, halfway and done.
func TestWhatEndsASheetEndsWhatItsCodesBegan(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		for claim, end := range map[string]func(u user.User) error{
			"removed": func(u user.User) error {
				return h.Sheets.Remove(ctx, codesheet.Owner{TenantID: u.TenantID, UserID: u.ID}, audit.Origin{})
			},
			"taken away": func(u user.User) error {
				return h.DB.Act(ctx, func(tx *store.Tx) error {
					_, err := h.Sheets.Take(tx, u.TenantID, u.ID, "an administrator")
					return err
				})
			},
		} {
			u := h.User(h.Alder, strings.ReplaceAll(claim, " ", "-"))
			h.AppOf(u)
			sheet := h.SheetOf(u)
			done, err := h.SignIn.VerifyCode(ctx, at(h, u, signin.PrintedCode, pc).ID, nth(sheet, 1), pc)
			signsIn(h, done, err, u)
			h.Demand(u, user.MFAEnforced)
			a := at(h, u, signin.PrintedCode, pc)
			half, err := h.SignIn.VerifyCode(ctx, a.ID, nth(sheet, 2), pc)
			a = halfway(h, a, half, err, signin.Password, pc)
			waiting := at(h, u, signin.PrintedCode, pc)
			if err := end(u); err != nil {
				t.Fatal(err)
			}
			if h.Alive(done.Cookie) {
				t.Errorf("%s: a session that a code made is alive", claim)
			}
			WantCode(t, claim+": the password after a code of it", verify(h, a, Password, pc), "signin.refused")
			WantCode(t, claim+": a code of it", types(h, waiting, nth(sheet, 3), pc), "signin.refused")
		}
	})
}

// TestPrintedCodesThatAreOffOpenNothing: turned off after the page was shown.
func TestPrintedCodesThatAreOffOpenNothing(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		done, err := h.SignIn.VerifyCode(ctx, at(h, u, signin.PrintedCode, pc).ID, nth(sheet, 1), pc)
		signsIn(h, done, err, u)
		a := at(h, u, signin.PrintedCode, pc)
		turnOff(h, user.WithPrintedCode)
		WantCode(t, "a code of a way that is off", types(h, a, nth(sheet, 2), pc), "signin.refused")
		if h.Alive(done.Cookie) || h.Count("SELECT codes_left FROM code_sheets") != 9 {
			t.Error("a session of it is alive, or a code was taken")
		}
		if got := at(h, u, signin.PrintedCode, pc).Way; got != signin.Password {
			t.Errorf("a new attempt begins by %s", got)
		}
		session, _ := h.Session(u)
		_, err = h.Sheets.Make(ctx, codesheet.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: session}, "", audit.Origin{})
		WantCode(t, "another sheet of a way that is off", err, "method.off")
	})
}

// TestAPrintedCodeProvesASessionThatKnowsThePassword, and asks for nothing more of who
// has a sheet and a password.
func TestAPrintedCodeProvesASessionThatKnowsThePassword(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, pc := h.T, h.T.Context(), Browser("a PC")
		swiftly(h)
		u := h.User(h.Alder, "user1")
		sheet := h.SheetOf(u)
		s, cookie := signedIn(h, u)
		strong := func() bool { return current(h, cookie).FreshBy(session.Strong, h.Clock.Now()) }
		prove := func(number int) {
			if _, err := h.SignIn.VerifyCode(ctx, stepUp(h, s, signin.PrintedCode, pc).ID, nth(sheet, number), pc); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.SignIn.VerifyPassword(ctx, stepUp(h, s, signin.Password, pc).ID, Password, pc); err != nil || !current(h, cookie).Fresh(h.Clock.Now()) || strong() {
			t.Errorf("the password of somebody with a sheet = %v, strong %t", err, strong())
		}
		if prove(1); !strong() {
			t.Error("the password and a printed code are not two factors")
		}
		if prove(2); !strong() {
			t.Error("a second code forgets the password")
		}
		h.Set("UPDATE sessions SET amr = 'printed_code', proved_by = 'printed_code' WHERE id = ?", s.ID)
		if prove(3); strong() {
			t.Error("a code alone is two factors")
		}
		// Somebody with a phone that they cannot use proves it so, too.
		h.PhoneOf(u)
		if _, err := h.SignIn.VerifyPassword(ctx, stepUp(h, s, signin.Password, pc).ID, Password, pc); err != nil || current(h, cookie).Fresh(h.Clock.Now()) {
			t.Errorf("the password of somebody with a phone = %v", err)
		}
		if got := current(h, cookie).Proofs(session.Strong); !slices.Equal(got, []string{session.ByPhone, session.ByPrintedCode}) {
			t.Errorf("they are offered %v", got)
		}
		if prove(4); !current(h, cookie).Fresh(h.Clock.Now()) {
			t.Error("the password and then a printed code are not enough")
		}
		h.Clock.Forward(session.StepUpLife)
		if strong() {
			t.Error("it is enough for longer than five minutes")
		}
	})
}

// TestWhoHasOnlyPrintedCodesIsAbleWhileTheyLast.
func TestWhoHasOnlyPrintedCodesIsAbleWhileTheyLast(t *testing.T) {
	Each(t, func(h *House) {
		t, u := h.T, h.User(h.Alder, "user1")
		swiftly(h)
		h.SheetOf(u)
		able := func() bool {
			found, err := signin.Able(h.DB.View(t.Context()), h.Keys, u.TenantID, []string{u.ID})
			if err != nil {
				t.Fatal(err)
			}
			return found[u.ID]
		}
		h.Demand(u, user.MFAEnforced)
		if !able() {
			t.Error("a password and printed codes are not enough")
		}
		turnOff(h, user.WithPrintedCode, "no_second", "no_sign_in")
		if able() {
			t.Error("printed codes that are off count")
		}
		h.Set("UPDATE tenants SET no_second = 128, no_sign_in = 128")
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", u.ID)
		h.Demand(u, user.MFADisabled)
		if !able() {
			t.Error("printed codes alone are not enough where one factor is")
		}
		h.Set("UPDATE code_sheets SET state = 'used_up'")
		if able() {
			t.Error("codes that are used up count")
		}
	})
}

// itself keeps codes as they are.
type itself struct{}

func (itself) Verify(_ context.Context, kept, code string) (bool, error) {
	return kept == code && kept != "", nil
}
func (itself) Hash(_ context.Context, code string) (string, error) { return code, nil }
