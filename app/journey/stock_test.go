package journey

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/app/store"
)

// printsOneAPage prints the page and counts the pages of paper.
func (p *pc) printsOneAPage(name string, sheets int, size chromedp.PaperSize) {
	p.t.Helper()
	file := p.PDF(size)
	if n := len(pdfPage.FindAll(bytes.ReplaceAll(file, []byte("/Type /Pages"), nil), -1)); n != sheets {
		p.t.Errorf("%s takes %d pages of paper, want %d", name, n, sheets)
	}
	p.keeps("print-"+name+".pdf", file)
}

// keeps leaves a file beside the screenshots.
func (p *pc) keeps(name string, file []byte) {
	p.t.Helper()
	if folder := os.Getenv("LATCHKEY_SCREENSHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name), file, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// holds takes the sheets that are held as a file.
func (p *pc) holds(name string, sheets int) {
	p.t.Helper()
	text, ok := strings.CutPrefix(p.Attribute("a[download^='code-sheets-']", "href"), "data:application/pdf;base64,")
	file, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(pdfPage.FindAll(bytes.ReplaceAll(file, []byte("/Type /Pages"), nil), -1)) != sheets {
		p.t.Errorf("the link holds %.60q, %v", text, err)
	}
	p.keeps("saved-"+name+".pdf", file)
}

// draws draws a batch up for somebody, and has it made.
func (p *pc) draws(paper string, fill func()) {
	p.t.Helper()
	p.Open(p.house.URL + "/admin/alder/code-sheets/batches/new")
	fill()
	p.Click("[name=paper][value=" + paper + "]")
	p.Fill("#instructions", "Wards 3 to 7: keep it in your locker, never on the trolley.\nQuestions: extension 1234, day and night.")
	p.Follow(primary)
	p.WaitFor("[data-getting]")
}

// A batch is drawn up, made, printed on A4, handed from the printer to the desk and from
// there to its user, who confirms it and signs in with it; then it is void.
func TestABatchOfCodeSheets(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user20@alder.example"
	h.exec("UPDATE users SET state = 'locked' WHERE name = 'user23@alder.example'")
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder/code-sheets")
	p.look("stock-none")
	p.Follow(".head a.primary")
	p.look("batch-new")
	p.Follow(primary)
	p.WaitFor("[role=alert]")
	p.look("batch-new-wrong")
	p.draws("a4", func() {
		p.group("field")
		p.Fill("#names", "user1@alder.example\nadmin@alder.example")
	})
	p.look("batch-draft")
	p.Fill("#reason", "For the wards without coverage")
	p.Follow(primary)
	p.WaitFor("body[data-state=made]")
	p.look("batch-made")
	p.Follow("form[action$='/print'] button")
	p.WaitFor(".code-sheet")
	page := strings.TrimSuffix(p.URL(), "/print")
	sheets := p.Count(".code-sheet")
	if sheets != 21 {
		t.Fatalf("%d sheets are shown", sheets)
	}
	p.look("batch-print")
	p.printsOneAPage("batch-a4", sheets, chromedp.PaperA4)
	p.holds("batch-a4", sheets)
	paper := Eval[map[string]string](p.Tab, `(() => {
		const sheet = [...document.querySelectorAll(".code-sheet")].find((s) => s.querySelector(".sheet-for").textContent.includes("`+name+`"));
		const codes = Object.fromEntries([...sheet.querySelectorAll("[data-code-number]")].map((e) => [e.dataset.codeNumber, e.querySelector(".code").textContent]));
		return { ...codes, serial: sheet.querySelector("[data-serial]").dataset.serial };
	})()`)

	// A second look is none.
	p.Forgive("status of 404")
	if got := Eval[int](p.Tab, `fetch(location.href, { method: "POST", headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrf: document.querySelector("[name=csrf]").value }) }).then((a) => a.status)`); got != 404 {
		t.Errorf("the second look is %d", got)
	}
	p.Follow(".screen-only a.button:not([download])")
	p.WaitFor("body[data-state=printed]")
	p.look("batch-printed")
	p.Fill("#agent", "desk@alder.example")
	p.Fill("#reason", "Handed over in the post room")
	p.Follow("form[action$='/hand-over'] button.primary")
	p.WaitForText(".flash", "handed to the agent")
	p.Open(h.URL + "/admin/alder/code-sheets")
	p.WaitFor("tr[data-sheet]")
	p.look("stock")
	p.Open(h.URL + "/admin/alder/code-sheets/batches")
	p.look("batches")
	p.out()

	p.console("desk@alder.example", "/code-sheets")
	p.WaitFor("tr[data-sheet='" + paper["serial"] + "']")
	p.look("stock-agent")
	p.Follow("tr[data-sheet='" + paper["serial"] + "'] th a")
	p.look("stock-sheet")
	p.act("to_user", "Badge checked at the desk")
	p.WaitForText(".flash", "handed over")
	p.WaitForText("main", "waits for their word")
	p.out()

	p.enter(name)
	p.WaitForText("main", "was handed to you")
	p.look("home-handed-sheet")
	p.Open(h.URL + "/me")
	p.look("info-handed-sheet")
	p.Open(h.URL + "/me/codes")
	p.WaitForText("#code-number", "1")
	p.look("codes-handed")
	p.Fill("#code", paper["2"])
	p.Follow("form[action='/me/codes/confirm'] button.primary")
	p.WaitFor("#code[aria-invalid=true]")
	p.look("codes-handed-wrong")
	p.Fill("#code", paper["1"])
	p.Follow("form[action='/me/codes/confirm'] button.primary")
	p.WaitForText(".row-head", "9 codes left")
	p.look("codes-confirmed")
	p.out()

	p.name(name)
	p.Follow(helpLink)
	p.Follow("form:has([value=printed_code]) button")
	if asked := p.byCode(paper); asked != "2" {
		t.Errorf("the first sign-in is asked for number %s", asked)
	}
	p.signedIn(name)
	p.out()

	p.enter("admin@alder.example")
	p.Open(page)
	p.act("void", "A pile of them lay in the canteen")
	p.WaitForText(".flash", "void")
	p.look("batch-void")
	p.out()
	p.name(name)
	if !p.Has("body[data-step=printed_code]") {
		p.Follow(helpLink)
		p.Follow("form:has([value=printed_code]) button")
	}
	p.byCode(paper)
	p.WaitFor("#code-error")
}

// On Letter paper, and without script, it is all the same.
func TestABatchWithoutScript(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user20@alder.example"
	p := h.pcLike(Options{NoScript: true})
	p.enter("admin@alder.example")
	p.draws("letter", func() { p.Fill("#names", name+"\nuser1@alder.example") })
	p.Fill("#reason", "For the wards without coverage")
	p.Follow(primary)
	p.WaitFor("body[data-state=made]") // the page comes back by itself
	p.Follow("form[action$='/print'] button")
	p.WaitFor(".code-sheet")
	p.printsOneAPage("batch-letter", 2, chromedp.PaperLetter)
	p.holds("batch-letter", 2)
	paper := Eval[map[string]string](p.Tab, `Object.fromEntries([...document.querySelectorAll(".code-sheet:nth-of-type(2) [data-code-number]")].map((e) => [e.dataset.codeNumber, e.querySelector(".code").textContent]))`)
	serial := Eval[string](p.Tab, `document.querySelectorAll(".code-sheet")[1].querySelector("[data-serial]").dataset.serial`)
	p.Open(h.URL + "/admin/alder/code-sheets?q=" + serial)
	p.Click("tr[data-sheet='" + serial + "'] [name=sheet]")
	p.Fill("#agent", "admin@alder.example")
	p.Fill("#reason", "I go there myself")
	p.Follow("#hand button.primary")
	p.WaitForText(".flash", "handed to the agent")
	p.Open(h.URL + "/admin/alder/code-sheets?mine=1&q=" + serial)
	p.Follow("tr[data-sheet='" + serial + "'] th a")
	p.Click("#to_user > summary")
	p.Fill("#to_user-reason", "At the ward")
	p.Follow("#to_user .acts button")
	p.WaitForText(".flash", "handed over")
	p.out()
	p.enter(name)
	p.Open(h.URL + "/me/codes")
	p.Fill("#code", paper["1"])
	p.Follow("form[action='/me/codes/confirm'] button.primary")
	p.WaitForText(".row-head", "9 codes left")
}

// group chooses a group of the form by its name.
func (p *pc) group(name string) {
	p.t.Helper()
	p.WaitFor("#group")
	if !Eval[bool](p.Tab, "(() => { const s = document.querySelector('#group'); s.selectedIndex = [...s.options].findIndex((o) => o.text === "+quote(name)+"); return s.selectedIndex > 0; })()") {
		p.t.Fatalf("there is no group %s to choose", name)
	}
}
