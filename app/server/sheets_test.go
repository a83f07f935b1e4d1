package server_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	sheetMark  = regexp.MustCompile(`data-code-number="(\d+)">\s*<span[^>]*>(\d+)</span>\s*<code class="code">([0-9A-Z-]{19})</code>`)
	serialMark = regexp.MustCompile(`id="sheet-serial">([0-9A-Z]{4}-[0-9A-Z]{4})<`)
	formMark   = regexp.MustCompile(`name="once" value="([a-z2-7]{26})"`)
	askedMark  = regexp.MustCompile(`id="code-number">(\d+)<`)
)

// paper is a sheet of printed codes in somebody's hand.
type paper struct {
	serial string
	codes  map[string]string // by number
}

// printed reads the sheet that a page shows.
func printed(t testing.TB, a answer) paper {
	t.Helper()
	p := paper{serial: first(serialMark, a), codes: map[string]string{}}
	for _, found := range sheetMark.FindAllStringSubmatch(a.body, -1) {
		if found[1] != found[2] {
			t.Errorf("the code of number %s is printed with number %s", found[1], found[2])
		}
		p.codes[found[1]] = found[3]
	}
	if len(p.codes) != 10 || p.serial == "" {
		t.Fatalf("%s shows sheet %q with %d codes", a.asked, p.serial, len(p.codes))
	}
	return p
}

// withSheet makes a sheet for somebody, in a browser that they sign in with.
func (w *world) withSheet(t testing.TB, name string) (paper, *browser) {
	t.Helper()
	b := w.browser(t).signIn(t, name)
	w.act(t, "UPDATE sessions SET proved_by = 'phone' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
	return printed(t, b.post(t, "/me/codes").want(t, http.StatusOK)), b
}

// byPrintedCode takes the way of printed codes in a new attempt, and gives the number
// that the page asks for.
func (b *browser) byPrintedCode(t testing.TB, name string) (attempt, asked string) {
	t.Helper()
	attempt = b.begin(t, name)
	b.post(t, attempt+"/method", "method", "printed_code").want(t, http.StatusSeeOther)
	page := b.get(t, attempt).want(t, http.StatusOK)
	if step(page) != "printed_code" {
		t.Fatalf("the page is of the step %q", step(page))
	}
	return attempt, first(askedMark, page)
}

// TestASheetFromThePrinterToTheSignIn walks the pages.
func TestASheetFromThePrinterToTheSignIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		b := w.browser(t).signIn(t, name)
		once := first(formMark, b.get(t, "/me/codes").want(t, http.StatusOK))
		shown := b.post(t, "/me/codes", "once", once).want(t, http.StatusOK)
		sheet := printed(t, shown)
		if shown.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the sheet may be kept by the browser: %s", shown.header.Get("Cache-Control"))
		}
		if !strings.Contains(shown.body, "Alder Health") || !strings.Contains(shown.body, "https://id.example.org/signin") && !strings.Contains(shown.body, w.URL+"/signin") {
			t.Error("the sheet does not say whose it is, or where to sign in")
		}
		// Loaded again it is not shown again, and lives on.
		if again := b.post(t, "/me/codes", "once", once).want(t, http.StatusConflict); strings.Contains(again.body, sheet.codes["1"]) {
			t.Error("it is shown again")
		}
		b.get(t, "/me/codes/"+once).is(t, http.StatusNotFound)
		page := b.get(t, "/me/codes").want(t, http.StatusOK).body
		if !strings.Contains(page, sheet.serial) || !strings.Contains(page, "10 codes left") {
			t.Errorf("the page does not list it: %s", excerpt(page))
		}
		pc := w.browser(t)
		attempt, asked := pc.byPrintedCode(t, name)
		if asked != "1" {
			t.Fatalf("the page asks for number %q", asked)
		}
		wrong := pc.post(t, attempt+"/verify", "code", sheet.codes["2"]).want(t, http.StatusUnauthorized)
		if first(askedMark, wrong) != "1" || !strings.Contains(wrong.body, "the code with this number") {
			t.Errorf("the next code: it asks for number %q", first(askedMark, wrong))
		}
		pc.get(t, attempt).want(t, http.StatusOK)
		pc.post(t, attempt+"/verify", "code", strings.ToLower(strings.ReplaceAll(sheet.codes["1"], "-", ""))).want(t, http.StatusSeeOther)
		if !pc.signedIn(t) {
			t.Fatal("the code signs nobody in")
		}
		if page := pc.get(t, "/me/sessions").body; !strings.Contains(page, "printed code") {
			t.Error("the list of sessions does not say how")
		}
		// What was used is used, here and elsewhere.
		other := w.browser(t)
		attempt, asked = other.byPrintedCode(t, name)
		if other.post(t, attempt+"/verify", "code", sheet.codes["1"]).want(t, http.StatusUnauthorized); asked != "2" {
			t.Errorf("then the page asks for number %q", asked)
		}
		// At three left its user is warned.
		w.act(t, "UPDATE printed_codes SET used_at = ?, hash = '' WHERE number < 7", w.DB.Now())
		w.act(t, "UPDATE code_sheets SET codes_left = 4")
		last := w.browser(t)
		if attempt, asked = last.byPrintedCode(t, name); asked != "7" {
			t.Fatalf("the page asks for number %q", asked)
		}
		last.post(t, attempt+"/verify", "code", sheet.codes["7"]).want(t, http.StatusSeeOther)
		home := last.get(t, "/").want(t, http.StatusOK).body
		for _, said := range []string{"3 printed codes are left", "Few of your printed codes are left"} {
			if !strings.Contains(home, said) {
				t.Errorf("the start page does not say %q", said)
			}
		}
		if page := last.get(t, "/me/codes").body; !strings.Contains(page, "Few codes are left") || !strings.Contains(last.get(t, "/me").body, "3 codes left") {
			t.Error("the pages do not warn")
		}
		// Another sheet takes its place, and the old codes are dead.
		w.act(t, "UPDATE sessions SET proved_by = 'pwd,printed_code'")
		next := printed(t, last.post(t, "/me/codes").want(t, http.StatusOK))
		if next.serial == sheet.serial {
			t.Error("the new sheet has the old number")
		}
		again := w.browser(t)
		attempt, asked = again.byPrintedCode(t, name)
		again.post(t, attempt+"/verify", "code", sheet.codes["8"]).want(t, http.StatusUnauthorized)
		again.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusUnauthorized)
		again.post(t, attempt+"/verify", "code", next.codes[asked]).want(t, http.StatusSeeOther)
	})
}

// TestMakingAndRemovingASheetTakesAProof.
func TestMakingAndRemovingASheetTakesAProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		sheet, b := w.withSheet(t, name)
		w.withPhone(t, name)
		w.forward(t, 10*time.Minute)
		b.prove(t, "/me/codes")
		for _, path := range []string{"/me/codes", "/me/codes/remove"} {
			if to := b.post(t, path).want(t, http.StatusSeeOther).location(); to != "/step-up?return_to=%2Fme%2Fcodes" {
				t.Errorf("POST %s with the password of somebody who has a phone leads to %s", path, to)
			}
		}
		page := b.get(t, "/step-up?return_to=%2Fme%2Fcodes").want(t, http.StatusOK)
		if got := strings.Join(offers(page), " "); got != "phone printed_code" {
			t.Errorf("the page offers %s", got)
		}
		attempt := b.post(t, "/step-up", "return_to", "/me/codes", "method", "printed_code").want(t, http.StatusSeeOther).location()
		asked := first(askedMark, b.get(t, attempt).want(t, http.StatusOK))
		b.post(t, attempt+"/verify", "code", sheet.codes["9"]).want(t, http.StatusUnauthorized)
		if to := b.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusSeeOther).location(); to != "/me/codes" {
			t.Errorf("the proof leads to %s", to)
		}
		if to := b.post(t, "/me/codes/remove").want(t, http.StatusSeeOther).location(); to != "/me/codes?done=sheet_removed" {
			t.Errorf("removing it leads to %s", to)
		}
		if to := b.post(t, "/me/codes/remove").want(t, http.StatusSeeOther).location(); to != "/step-up?return_to=%2Fme%2Fcodes" {
			t.Errorf("with the sheet its proof is gone; removing once more leads to %s", to)
		}
		pc := w.browser(t)
		attempt, asked = pc.byPrintedCode(t, name)
		pc.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusUnauthorized)
	})
}

// TestTheHelpdeskTakesASheetAway, and with it the sessions that it made; it finds it by
// the number on the paper, and sees no code.
func TestTheHelpdeskTakesASheetAway(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		sheet, _ := w.withSheet(t, name)
		b := w.browser(t)
		attempt, asked := b.byPrintedCode(t, name)
		b.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusSeeOther)
		_, userID := w.person(t, name)
		desk := w.browser(t).signIn(t, "desk@alder.example")
		path := "/admin/alder/users/" + userID
		for _, typed := range []string{sheet.serial, strings.ToLower(sheet.serial[:6]), strings.ReplaceAll(sheet.serial, "-", "")} {
			if got := desk.search(t, typed).of("sheets"); got != "User 1 "+path {
				t.Errorf("%s finds %q", typed, got)
			}
		}
		page := desk.get(t, path).want(t, http.StatusOK).body
		for _, code := range sheet.codes {
			if strings.Contains(page, code) {
				t.Error("the helpdesk sees a code")
			}
		}
		if !strings.Contains(page, path+"/codes/revoke") || !strings.Contains(page, sheet.serial) || !strings.Contains(page, "9 codes left") {
			t.Error("the page of the person does not list the sheet, or has no button for it")
		}
		if list := desk.get(t, "/admin/alder/users?way=printed_code").want(t, http.StatusOK).body; !strings.Contains(list, path) || !strings.Contains(list, "printed codes") {
			t.Error("the list of people does not have them by their way")
		}
		desk.post(t, path+"/codes/revoke").want(t, http.StatusUnprocessableEntity)
		desk.post(t, path+"/codes/revoke", "reason", "found in the canteen").want(t, http.StatusSeeOther)
		desk.post(t, path+"/codes/revoke", "reason", "found in the canteen").want(t, http.StatusConflict)
		if b.signedIn(t) {
			t.Error("a session that its code made is alive")
		}
		if page := w.browser(t).signIn(t, name).get(t, "/").body; !strings.Contains(page, "Your printed codes were taken away") {
			t.Error("its user is not told")
		}
		found := desk.search(t, sheet.serial)
		if got := found.of("sheets"); got != "User 1 "+path || !strings.Contains(found.Sections[0].Results[0].Note, "removed") {
			t.Errorf("a paper that was found leads to %+v", found)
		}
	})
}

// TestNoCodeOfASheetLeaves: the codes stand in the one answer that shows them.
func TestNoCodeOfASheetLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		sheet, b := w.withSheet(t, name)
		pc := w.browser(t)
		attempt, asked := pc.byPrintedCode(t, name)
		pc.post(t, attempt+"/verify", "code", sheet.codes["3"]).want(t, http.StatusUnauthorized)
		pc.post(t, attempt+"/verify", "code", sheet.codes[asked]).want(t, http.StatusSeeOther)
		security := w.browser(t).signIn(t, "security@alder.example")
		_, userID := w.person(t, name)
		pages := []answer{b.get(t, "/"), b.get(t, "/me"), b.get(t, "/me/codes"), b.get(t, "/me/activity"), pc.get(t, "/me/sessions"), security.get(t, "/admin/alder/users/"+userID)}
		standing := w.standing(t)
		for _, code := range sheet.codes {
			bare := strings.ReplaceAll(code, "-", "")
			for _, form := range []string{code, bare, base64.StdEncoding.EncodeToString([]byte(bare))} {
				for table, rows := range standing {
					for _, row := range rows {
						if strings.Contains(row, form) {
							t.Errorf("%s holds a code", table)
						}
					}
				}
				for _, a := range pages {
					if strings.Contains(a.body, form) {
						t.Errorf("%s shows a code", a.asked)
					}
				}
			}
		}
	})
}

// TestEnforcedPrintedCodesComeAfterThePassword: both in either order over HTTP, and with
// every other factor gone the sheet is offered.
func TestEnforcedPrintedCodesComeAfterThePassword(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		sheet, _ := w.withSheet(t, name)
		w.act(t, "UPDATE users SET mfa_state = 'enforced' WHERE name = ?", name)
		b := w.browser(t)
		attempt := b.begin(t, name)
		if to := b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther).location(); to != attempt {
			t.Fatalf("the password leads to %s", to)
		}
		page := b.get(t, attempt).want(t, http.StatusOK)
		if step(page) != "printed_code" || first(askedMark, page) != "1" || !strings.Contains(page.body, "The first step was right") {
			t.Errorf("the page is of the step %q and asks for number %q", step(page), first(askedMark, page))
		}
		if b.post(t, attempt+"/verify", "code", sheet.codes["2"]).want(t, http.StatusUnauthorized); b.signedIn(t) {
			t.Fatal("a wrong code signs in")
		}
		b.post(t, attempt+"/verify", "code", sheet.codes["1"]).want(t, http.StatusSeeOther)
		if !b.signedIn(t) {
			t.Error("both factors sign nobody in")
		}
		other := w.browser(t)
		attempt, _ = other.byPrintedCode(t, name)
		if to := other.post(t, attempt+"/verify", "code", sheet.codes["2"]).want(t, http.StatusSeeOther).location(); to != attempt || other.signedIn(t) {
			t.Fatalf("one factor leads to %s", to)
		}
		other.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		if !other.signedIn(t) {
			t.Error("both factors sign nobody in")
		}
	})
}
