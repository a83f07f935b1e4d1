package journey

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"latchkey/app/store"
)

// A security administrator saves what they look for every week, by the keyboard alone, gives it
// another name and shares it; a colleague opens it by a click.
func TestAViewOfTheAuditIsSavedAndShared(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	security := h.pc()
	security.console("security@alder.example", "/audit?range=week&outcome=denied")
	security.reach("#save-view > summary")
	security.Press(kb.Enter)
	security.types("#view-name", "Denied this week")
	security.look("audit-save-view")
	security.enters("#save-view button.primary")
	security.WaitForText("[data-view][aria-current]", "Denied this week")
	security.look("audit-view-open")
	security.Open(Eval[string](security.Tab, "location.href") + "&action=user.locked")
	security.WaitForText("#view-into", "Denied this week")
	security.look("audit-view-into")
	security.enters("#view-into")
	security.WaitForText(".chips", "Account locked")

	security.Follow("#audit-views li:last-child a")
	security.WaitFor("[data-audit-view]")
	security.Follow("[data-audit-view] .row-acts a")
	security.WaitForText("#view-for", "Only you see it")
	security.types("input[name=name]", "Locks this week")
	security.enters("form[action$='/rename'] button")
	security.WaitForText("h1", "Locks this week")
	security.enters("form[action$='/share'] button")
	security.WaitForText("#view-for", "everybody who may read the audit")
	security.look("audit-view")

	admin := h.pc()
	admin.console("admin@alder.example", "/audit")
	admin.Follow("[data-view]")
	admin.WaitForText(".chips", "Last 7 days")
	admin.Open(h.URL + "/admin/alder/audit/views")
	admin.WaitForText("[data-audit-view]", "security@alder.example")
	admin.look("audit-views")
	admin.Follow("[data-audit-view] .row-acts a")
	admin.Click("#delete-view > summary")
	admin.WaitFor("dialog[open]")
	admin.look("audit-view-delete")
	admin.Follow("dialog[open] button.danger")
	admin.WaitForText(".flash", "Deleted")
}
