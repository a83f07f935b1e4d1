package journey

import (
	"testing"

	"latchkey/app/store"
)

// An auditor looks for what happened to somebody, narrows it, and opens what they found with
// its proof.
func TestTheAuditIsRead(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	desk := h.pc()
	desk.console("desk@alder.example", "/users?q=user6")
	desk.Follow("tbody th a")
	desk.act("lock", "Lost the phone on the train")
	desk.WaitForText(".flash", "Locked")

	p := h.pc()
	p.console("auditor@alder.example", "/audit")
	p.WaitForText("h1", "Audit")
	p.look("audit-all")
	p.Fill("#filter-q", "phone train")
	p.Fill("#filter-target", "user6@alder.example")
	p.Follow("main form .filter-acts button")
	p.WaitForText("tbody", "Lost the phone on the train")
	p.WaitForText(".chips", "user6@alder.example")
	p.look("audit")
	var alder string
	if _, err := h.DB.View(t.Context()).One(&alder, "SELECT id FROM tenants WHERE slug = 'alder'"); err != nil {
		t.Fatal(err)
	}
	if err := h.Checkpoints.SignNow(t.Context(), alder); err != nil {
		t.Fatal(err)
	}
	p.Follow("tbody th a")
	p.WaitForText("h1", "Account locked")
	p.WaitForText("#proof ~ *", "checkpoint")
	p.look("audit-event")
}
