package journey

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/app/access"
	"latchkey/app/store"
)

// choose gives a file to a field.
func (p *pc) chooseFile(selector, name, body string) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.WaitFor(selector)
	p.do("choose a file", chromedp.SetUploadFiles(chromedp.CSS(selector), []string{path}))
}

// A tenant administrator brings a list, mends it, runs it, leaves the page and
// comes back to it.
func TestImportingPeople(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	p := h.pc()
	p.enter("admin@alder.example")
	p.Open(h.URL + "/admin/alder/users/import")
	p.look("import")

	var bad strings.Builder
	bad.WriteString("name,display_name,groups\n")
	for i := range 120 {
		fmt.Fprintf(&bad, "person%d@alder.example,Person %d,emergency department\n", i, i)
	}
	bad.WriteString("user1@birch.example,From elsewhere,\nuser2@alder.example,A display name that goes on and on and on, so that nobody would ever want to read it to the end of it,\nsecurity@alder.example,Another name,\n")
	p.chooseFile("#file", "night-shift-of-the-emergency-department-2026.csv", bad.String())
	p.Follow("main form button")
	p.WaitForText("main", "123 problems")
	if n := p.Count("tbody tr"); n != 100 {
		t.Errorf("%d problems are listed, want 100", n)
	}
	p.look("import-problems")
	p.Follow(".back a")

	var good strings.Builder
	good.WriteString("name,display_name,groups\n")
	for i := range 1000 {
		fmt.Fprintf(&good, "person%d@alder.example,Person %d,pilot\n", i, i)
	}
	p.chooseFile("#file", "people.csv", good.String())
	p.Follow("main form button")
	p.WaitForText("main form button", "Import 1000 people")
	p.look("import-checked")
	p.Fill("#reason", "They begin on Monday")
	p.Follow("main form button")
	p.WaitFor("body[data-state=done], body[data-state=running]")
	list := p.URL()
	p.Open(h.URL + "/admin/alder/groups")
	p.Open(list)
	p.WaitForText("main", "1000 people were imported")
	p.look("import-done")
	p.Open(h.URL + "/admin/alder/users/import")
	p.WaitForText("tbody", "imported")
	p.look("import-before")

	// While it runs, as a slow database would let one see it.
	h.exec("UPDATE imports SET state = 'running', started_at = ?, done = 400 WHERE state = 'done'", h.DB.Now().AddDate(1, 0, 0))
	p.Open(list)
	p.WaitForText("[data-said]", "400 of 1000")
	p.look("import-running")
	h.exec("UPDATE imports SET done = 800 WHERE state = 'running'")
	p.WaitForText("[data-said]", "800 of 1000")
	h.exec(`UPDATE imports SET state = 'failed', problems = '[{"row":0,"field":"","code":"import.changed","value":""}]' WHERE state = 'running'`)
	p.WaitForText("main", "Nothing was changed")
	p.look("import-failed")
}

// A list that changes a security administrator waits for another one, who reads every
// line of it on pages of their own before they approve.
func TestAnApproverReadsTheList(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	for _, name := range []string{approver, "user2@alder.example"} {
		h.promote(name, access.RoleSecurityAdministrator)
	}
	p, second := h.pc(), h.pc()
	p.enter(asker)
	p.Open(h.URL + "/admin/alder/users/import")
	var list strings.Builder
	list.WriteString("name,display_name,groups\nuser2@alder.example,Second of the night shift,\nuser3@alder.example,,office\n")
	for i := range 60 {
		fmt.Fprintf(&list, "person%02d@alder.example,Person %d,pilot;office\n", i, i)
	}
	p.chooseFile("#file", "people.csv", list.String())
	p.Follow("main form button")
	p.Fill("#reason", "They begin on Monday")
	p.Follow("main form button")
	p.WaitForText("h1", "Import people")

	second.enter(approver)
	second.Open(p.URL())
	second.look("approval-import")
	second.Follow("main a[href$='/people']")
	second.WaitForText("h1", "Whom people.csv changes")
	second.WaitForText("tbody", "Second of the night shift")
	second.look("approval-import-people")
	second.Follow(".pager a")
	second.WaitForText("tbody", "person59@alder.example")
	second.Follow(".back a")
	second.Follow(".beside-acts form[action$='/approve'] button")
	second.WaitForText(".flash", "Approved")
	second.WaitGone("main a[href$='/people']")
}
