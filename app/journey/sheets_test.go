package journey

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
)

// pdfPage is a page in a PDF file.
var pdfPage = regexp.MustCompile(`/Type\s*/Page\b`)

// printsOnOnePage prints the page on A4 and on Letter paper.
func (p *pc) printsOnOnePage(name string) {
	p.t.Helper()
	for paper, size := range map[string]chromedp.PaperSize{"a4": chromedp.PaperA4, "letter": chromedp.PaperLetter} {
		file := p.PDF(size)
		if n := len(pdfPage.FindAll(bytes.ReplaceAll(file, []byte("/Type /Pages"), nil), -1)); n != 1 {
			p.t.Errorf("on %s it takes %d pages", paper, n)
		}
		if folder := os.Getenv("LATCHKEY_SCREENSHOTS"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, "print-"+name+"-"+paper+".pdf"), file, 0o644); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// savesAsPDF follows the link that holds the sheet as a file.
func (p *pc) savesAsPDF() {
	p.t.Helper()
	text, ok := strings.CutPrefix(p.Attribute("a[download^='printed-codes-']", "href"), "data:application/pdf;base64,")
	file, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || !bytes.HasPrefix(file, []byte("%PDF-")) {
		p.t.Errorf("the link holds %.60q, %v", text, err)
	}
	if folder := os.Getenv("LATCHKEY_SCREENSHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, "saved-sheet.pdf"), file, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

// paper gives the codes of the sheet on the page, by number.
func (p *pc) paper() map[string]string {
	p.t.Helper()
	return Eval[map[string]string](p.Tab, `Object.fromEntries([...document.querySelectorAll("[data-code-number]")].map(e => [e.dataset.codeNumber, e.querySelector(".code").textContent]))`)
}

// byCode types the code that the page asks for.
func (p *pc) byCode(sheet map[string]string) (asked string) {
	p.t.Helper()
	p.WaitFor("body[data-step=printed_code]")
	asked = p.Text("#code-number")
	p.Fill("[name=code]", sheet[asked])
	p.Follow(primary)
	return asked
}

// A sheet is made, printed on one page, and signs in by number until it runs low;
// another one takes its place. Without script it is all the same.
func TestASheetOfPrintedCodes(t *testing.T) {
	t.Parallel()
	for _, noScript := range []bool{false, true} {
		t.Run("without script "+strconv.FormatBool(noScript), func(t *testing.T) {
			t.Parallel()
			h := open(t, store.SQLite)
			const name = "user10@alder.example"
			p := h.pcLike(Options{NoScript: noScript})
			look := func(name string) {
				t.Helper()
				if !noScript {
					p.look(name)
				}
			}
			p.enter(name)
			p.Open(h.URL + "/me")
			look("info-without-sheet")
			p.Open(h.URL + "/me/codes")
			look("codes-none")
			p.Follow("form[action='/me/codes'] button.primary")
			p.WaitFor(".code-sheet")
			look("sheet")
			p.printsOnOnePage("sheet")
			p.savesAsPDF()
			sheet := p.paper()
			if len(sheet) != 10 {
				t.Fatalf("the sheet has %d codes", len(sheet))
			}
			if p.Has("[data-print][hidden]") != noScript {
				t.Error("the button that prints is there without script, or is not with it")
			}
			p.Follow(".screen-only a.button:not([download])")
			p.WaitForText(".row-head", "10 codes left")
			look("codes")
			p.out()

			p.name(name)
			p.Follow(helpLink)
			look("help-with-printed-code")
			p.Follow("form:has([value=printed_code]) button")
			p.WaitFor("body[data-step=printed_code]")
			look("printed-code")
			p.Fill("[name=code]", sheet["2"])
			p.Follow(primary)
			p.WaitForText("#code-error", "the code with this number")
			look("printed-code-wrong")
			if asked := p.byCode(sheet); asked != "1" {
				t.Errorf("it asks for number %s", asked)
			}
			p.signedIn(name)
			p.out()

			// The day on which few are left.
			h.exec("UPDATE printed_codes SET used_at = '2026-11-01 10:00:00+00:00', hash = '' WHERE number < 7")
			h.exec("UPDATE code_sheets SET codes_left = 4")
			p.name(name)
			if asked := p.byCode(sheet); asked != "7" {
				t.Errorf("it asks for number %s", asked)
			}
			p.signedIn(name)
			p.WaitForText("main", "3 printed codes are left")
			look("home-few-codes")
			p.Open(h.URL + "/me/codes")
			look("codes-low")

			// Another sheet wants a proof, and takes the place of this one.
			h.exec("UPDATE sessions SET proved_at = '2026-11-01 10:00:00+00:00'")
			p.Click("#replace-sheet > summary")
			if !noScript {
				p.WaitFor("dialog[open]")
				look("codes-replace")
			}
			p.Follow("form[action='/me/codes'] .acts button:not([type=button])")
			p.WaitFor("body[data-step=step-up]")
			look("step-up-after-printed-code")
			if p.Has("form:has([value=printed_code])") {
				t.Error("the paper alone makes another one")
			}
			p.Follow("form:has([value=password]) button")
			p.Fill("#password", servertest.Password)
			p.Follow(primary)
			p.WaitForURL("/me/codes")
			p.Click("#replace-sheet > summary")
			p.Follow("form[action='/me/codes'] .acts button:not([type=button])")
			p.WaitForText(".screen-only", "no longer work")
			next := p.paper()
			if next["1"] == sheet["1"] {
				t.Error("the new sheet has the old codes")
			}
			look("sheet-instead")
			p.out()
			p.name(name)
			p.Follow(helpLink) // the way used last was the password
			p.Follow("form:has([value=printed_code]) button")
			p.WaitFor("body[data-step=printed_code]")
			p.Fill("[name=code]", sheet["9"])
			p.Follow(primary)
			p.WaitFor("#code-error")
			p.byCode(next)
			p.signedIn(name)
			p.out()
			if noScript {
				return
			}
			p.console("desk@alder.example", "/search?q="+h.text("SELECT substr(serial, 1, 5) FROM code_sheets WHERE state = 'active'"))
			p.WaitForText(".row-note", "works")
			look("search-sheet")
			p.Follow("main .rows a")
			p.WaitForText("main", "Printed codes, sheet")
			look("person-with-sheet")
			p.act("reset_sheet", "It lay in the canteen")
			p.WaitForText(".flash", "taken away")
		})
	}
}

// text gives the one text that a query finds.
func (h *house) text(query string) (text string) {
	h.t.Helper()
	if _, err := h.DB.View(h.t.Context()).One(&text, query); err != nil {
		h.t.Fatal(err)
	}
	return text
}
