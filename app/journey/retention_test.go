package journey

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"latchkey/app/store"
)

// A security administrator reads what is kept for how long and what was dropped, holds the
// audit for a court, and asks for sign-ins to be kept for less time.
func TestTheAuditIsKeptForATimeAndHeld(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	private, _, err := note.GenerateKey(rand.Reader, "latchkey-journey")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("latchkey-journey/alder\ndropped\nclass signins\nmonth 2026-01\npart 1\nevents 8412\nfirst 17\nlast 12044\nleaves %s=\narchive %s\ntime 2026-05-01T02:00:00.000000Z\n",
		strings.Repeat("A", 43), strings.Repeat("5e", 32))}, signer)
	if err != nil {
		t.Fatal(err)
	}
	at := h.DB.Now().Add(-90 * 24 * time.Hour)
	h.exec("INSERT INTO audit_drops (tenant_id, class, month, part, from_at, until_at, events, note, archive, host, made_at, open) SELECT id, 'signins', '2026-01', 1, ?, ?, 8412, ?, 'alder/signins-2026-01-1-x3k5mvq2ab.zip', 'replica-1', ?, FALSE FROM tenants WHERE slug = 'alder'", at, at, string(signed), at)
	h.exec("INSERT INTO audit_keeping (tenant_id, signins, administration, version, changed_by, changed_at, due_at, fault) SELECT u.tenant_id, 24, 0, 1, u.id, ?, ?, 'consumer' FROM users u WHERE u.name = 'security@alder.example'", at, h.DB.Now())
	h.exec("INSERT INTO audit_holds (tenant_id, id, reason, ticket, begun_by, begun_at, ended_by, ended_at, ended_reason) SELECT u.tenant_id, 'past', 'An inquiry', 'LEG-7', u.id, ?, u.id, ?, 'It is over' FROM users u WHERE u.name = 'security@alder.example'", at, at.Add(time.Hour))
	security := h.pc()
	security.console("security@alder.example", "/audit/retention")
	security.WaitFor("[data-drop]")
	security.look("retention")
	security.Click("#hold summary")
	security.types("input#reason-hold", "A court asked for it")
	security.look("retention-hold")
	security.Submit()
	security.WaitFor("[data-hold] summary")
	security.look("retention-held")
	security.types("input[name=signins]", "6")
	security.types("input#reason-months", "We need no more than that")
	security.Submit()
	security.WaitForText("h1", "Keep the audit for another time")
}
