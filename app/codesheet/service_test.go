package codesheet_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/codesheet"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// by is a user in a session of theirs.
func by(h *House, u user.User) codesheet.Owner {
	id, _ := h.Session(u)
	return codesheet.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: id}
}

func makes(h *House, by codesheet.Owner, once string) (codesheet.Made, error) {
	return h.Sheets.Make(h.T.Context(), by, once, audit.Origin{})
}

var (
	codeForm   = regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`)
	serialForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{8}$`)
)

// TestASheetIsMadeAndShownOnce: ten codes that differ, kept as slow hashes alone.
func TestASheetIsMadeAndShownOnce(t *testing.T) {
	Each(t, func(h *House) {
		t, u := h.T, h.User(h.Alder, "user1")
		me := by(h, u)
		made, err := makes(h, me, "abcdefghijklmnopqrstuvwxyz")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, code := range made.Codes {
			if seen[code.Reveal()] || !codeForm.MatchString(code.Reveal()) {
				t.Errorf("a code is %q", code.Reveal())
			}
			seen[code.Reveal()] = true
			for _, kept := range []string{code.Reveal(), strings.ReplaceAll(code.Reveal(), "-", "")} {
				if h.Count("SELECT count(*) FROM printed_codes WHERE hash LIKE ?", "%"+kept+"%") > 0 {
					t.Errorf("the code %s is kept", kept)
				}
			}
		}
		if !serialForm.MatchString(made.Serial) || made.Instead {
			t.Errorf("the sheet has the serial number %q", made.Serial)
		}
		if n := h.Count("SELECT count(*) FROM printed_codes WHERE sheet_id = ? AND hash LIKE '$argon2id$%' AND number BETWEEN 1 AND 10", made.ID); n != 10 {
			t.Errorf("%d codes have slow hashes", n)
		}
		sheet, ok, err := h.Sheets.Of(t.Context(), u.TenantID, u.ID)
		if err != nil || !ok || sheet.Serial != made.Serial || sheet.CodesLeft != 10 || sheet.Low() {
			t.Errorf("Of = %+v, %t, %v", sheet, ok, err)
		}
		if h.Count("SELECT ways FROM users WHERE id = ?", u.ID)&int(user.WithPrintedCode) == 0 {
			t.Error("it is no way in")
		}
		// The page is loaded again, by its user and by somebody who knows the form.
		for _, again := range []codesheet.Owner{me, by(h, h.User(h.Alder, "user2"))} {
			_, err = makes(h, again, "abcdefghijklmnopqrstuvwxyz")
			WantCode(t, "the same form again", err, "codesheet.shown")
		}
		if h.Count("SELECT count(*) FROM code_sheets") != 1 || h.Events(audit.CodeSheetMade) != 1 || h.Count("SELECT count(*) FROM notices WHERE action = ?", audit.CodeSheetMade) != 1 {
			t.Error("a second sheet was made, or it was told otherwise than once")
		}
	})
}

// TestANewSheetTakesThePlaceOfTheOldOne, and of many at once one is left.
func TestANewSheetTakesThePlaceOfTheOldOne(t *testing.T) {
	Each(t, func(h *House) {
		t, u, other := h.T, h.User(h.Alder, "user1"), h.User(h.Birch, "user1")
		first, theirs := h.SheetOf(u), h.SheetOf(other)
		second := h.SheetOf(u)
		if !second.Instead || second.Serial == first.Serial {
			t.Errorf("the second sheet is %+v", second)
		}
		if got := h.Text("SELECT state || ended_by FROM code_sheets WHERE id = ?", first.ID); got != codesheet.Replaced+u.ID {
			t.Errorf("the first one is %q", got)
		}
		if h.Count("SELECT count(*) FROM printed_codes WHERE sheet_id = ? AND hash <> ''", first.ID) != 0 {
			t.Error("codes of the first one are kept")
		}
		me := by(h, u)
		h.Clock.Forward(2 * time.Hour)
		tally := Tally(AtOnce(4, func(int) error { _, err := makes(h, me, ""); return err }))
		if tally["done"]+tally["codesheet.meanwhile"] != 4 || tally["done"] == 0 {
			t.Errorf("four at once: %v", tally)
		}
		if n := h.Count("SELECT count(*) FROM code_sheets WHERE user_id = ? AND state = 'active'", u.ID); n != 1 {
			t.Errorf("%d sheets work", n)
		}
		if h.Count("SELECT count(*) FROM printed_codes WHERE hash <> '' AND tenant_id = ?", u.TenantID) != 10 {
			t.Error("codes of more than one sheet work")
		}
		if h.Text("SELECT state FROM code_sheets WHERE id = ?", theirs.ID) != codesheet.Active {
			t.Error("the sheet of a user of the same name elsewhere has ended")
		}
		// Five in an hour, for each costs ten hashes.
		h.Clock.Forward(2 * time.Hour)
		for range 5 {
			if _, err := makes(h, me, ""); err != nil {
				t.Fatal(err)
			}
		}
		_, err := makes(h, me, "")
		WantCode(t, "the sixth within an hour", err, "codesheet.too_many")
		h.Clock.Forward(time.Hour)
		if _, err := makes(h, me, ""); err != nil {
			t.Errorf("an hour later = %v", err)
		}
	})
}

// TestWhoMayNotBeWithoutASheetKeepsIt.
func TestWhoMayNotBeWithoutASheetKeepsIt(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx, u := h.T, h.T.Context(), h.User(h.Alder, "user1")
		me := by(h, u)
		WantCode(t, "removing none", h.Sheets.Remove(ctx, me, audit.Origin{}), "http.not_found")
		h.SheetOf(u)
		h.Demand(u, user.MFAEnforced)
		WantCode(t, "removing the only second factor", h.Sheets.Remove(ctx, me, audit.Origin{}), "codesheet.last_factor")
		h.Demand(u, user.MFADisabled)
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", u.ID)
		WantCode(t, "removing the only way in", h.Sheets.Remove(ctx, me, audit.Origin{}), "codesheet.last_way")
		WantCode(t, "in another tenant", h.Sheets.Remove(ctx, codesheet.Owner{TenantID: h.Birch.ID, UserID: u.ID}, audit.Origin{}), "http.not_found")
		h.AppOf(u)
		if got := Tally(AtOnce(4, func(int) error { return h.Sheets.Remove(ctx, me, audit.Origin{}) })); got["done"] != 1 {
			t.Errorf("removed by four at once: %v", got)
		}
		if h.Events(audit.CodeSheetRemoved) != 1 || h.Count("SELECT count(*) FROM printed_codes WHERE hash <> ''") != 0 || h.Count("SELECT count(*) FROM notices WHERE action = ?", audit.CodeSheetRemoved) != 1 {
			t.Error("codes are left, or it was told otherwise than once")
		}
		// Nobody who is locked gets one.
		h.Lock(u)
		_, err := makes(h, me, "")
		WantCode(t, "a sheet for somebody locked", err, "codesheet.meanwhile")
	})
}
