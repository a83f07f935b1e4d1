package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/export"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/trail"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// archive is a house with somebody who exports, and somebody who approves it.
type archive struct {
	*House
	auditor, second user.User
	exports         *export.Service
	approvals       *approval.Service
}

func each(t *testing.T, story func(a *archive)) {
	t.Helper()
	Each(t, func(h *House) {
		a := &archive{House: h, auditor: h.Admin(h.Alder, "auditor", access.RoleAuditor), second: h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)}
		a.exports = export.New(h.DB, h.Rules, &trail.Service{DB: h.DB}, slog.New(slog.DiscardHandler))
		a.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
		maps.Copy(a.approvals.Performers, a.exports.Performers())
		story(a)
	})
}

// happens records n events with a reason that a spreadsheet would reckon.
func (a *archive) happens(n int) {
	a.T.Helper()
	for n > 0 {
		part := make([]audit.Event, min(n, 2000))
		n -= len(part)
		for i := range part {
			part[i] = audit.Event{TenantID: a.Alder.ID, Action: audit.PlaceSet, Actor: audit.User(a.second.ID), Target: audit.Tenant(a.Alder.ID), Reason: "=1+1\nnext", Origin: audit.Origin{IP: "203.0.113.9"}}
		}
		a.Act(func(tx *store.Tx) error { return audit.RecordAll(tx, part) })
		a.Clock.Forward(time.Second)
	}
}

func (a *archive) begin(f eventform.Form, q trail.Query) string {
	a.T.Helper()
	id, err := a.exports.Begin(a.T.Context(), a.Rules.Standing(a.Alder.ID, a.auditor.ID), f, q, audit.Origin{})
	if err != nil {
		a.T.Fatal(err)
	}
	return id
}

func (a *archive) find(id string) export.Export {
	a.T.Helper()
	e, err := a.exports.Find(a.T.Context(), a.Rules.Standing(a.Alder.ID, a.auditor.ID), id)
	if err != nil {
		a.T.Fatal(err)
	}
	return e
}

func (a *archive) takeUp() {
	a.T.Helper()
	if err := a.exports.TakeUp(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

func (a *archive) fetch(id string, by user.User, key string) (file []byte, err error) {
	e, err := a.exports.Fetch(a.T.Context(), a.Alder.ID, id, by.ID, key, audit.Origin{})
	if err != nil {
		return nil, err
	}
	err = a.exports.Each(a.T.Context(), e, func(part []byte) error { file = append(file, part...); return nil })
	return file, err
}

// TestAnExportIsWrittenAndFetchedOnce: with the rows that were asked for, whole, by a link
// that works once, soon, and for who began it.
func TestAnExportIsWrittenAndFetchedOnce(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		a.happens(3000)
		id := a.begin(eventform.CSV, trail.Query{Action: "place.set"})
		a.happens(5) // not in it
		if _, err := a.exports.Link(t.Context(), a.Alder.ID, id, a.auditor.ID, audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("a link to what is not written: %v", err)
		}
		a.takeUp()
		e := a.find(id)
		if e.State != export.Done || e.Done != 3000 {
			t.Fatalf("it is %s with %d rows", e.State, e.Done)
		}
		link := func() string {
			made, err := a.exports.Link(t.Context(), a.Alder.ID, id, a.auditor.ID, audit.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			return made.Reveal()
		}
		key := link()
		for what, try := range map[string]func() error{
			"by somebody else": func() error { _, err := a.fetch(id, a.second, key); return err },
			"with another key": func() error { _, err := a.fetch(id, a.auditor, "made up"); return err },
			"without one":      func() error { _, err := a.fetch(id, a.auditor, ""); return err },
			"made by somebody else": func() error {
				_, err := a.exports.Link(t.Context(), a.Alder.ID, id, a.second.ID, audit.Origin{})
				return err
			},
			"looked for next door": func() error {
				_, err := a.exports.Find(t.Context(), a.Rules.Standing(a.Birch.ID, a.auditor.ID), id)
				return err
			},
			"fetched from next door": func() error {
				_, err := a.exports.Fetch(t.Context(), a.Birch.ID, id, a.auditor.ID, key, audit.Origin{})
				return err
			},
			"in a form that is no one": func() error {
				_, err := a.exports.Begin(t.Context(), a.Rules.Standing(a.Alder.ID, a.auditor.ID), "xlsx", trail.Query{}, audit.Origin{})
				return err
			},
		} {
			if try() == nil {
				t.Errorf("it is there %s", what)
			}
		}
		old := key
		key = link()
		if _, err := a.fetch(id, a.auditor, old); !errors.Is(err, fault.NotFound) {
			t.Errorf("a link of before: %v", err)
		}
		results := AtOnce(4, func(int) error {
			file, err := a.fetch(id, a.auditor, key)
			if err != nil {
				return err
			}
			if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != e.Digest || int64(len(file)) != e.Size {
				t.Error("the file is not the one that was written")
			}
			rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
			if err != nil || len(rows) != 3001 || rows[1][6] != "'=1+1\nnext" || rows[1][9] != a.second.Name || rows[1][17] != "203.0.113.9" {
				t.Errorf("it has %d rows, such as %q: %v", len(rows), rows[1], err)
			}
			return nil
		})
		if n := Tally(results); n["done"] != 1 {
			t.Errorf("of four at once %v", n)
		}
		key = link()
		a.Clock.Forward(10 * time.Minute)
		if _, err := a.fetch(id, a.auditor, key); !errors.Is(err, fault.NotFound) {
			t.Errorf("the last instant is too late: %v", err)
		}
		if a.Events(audit.ExportBegun) != 1 || a.Events(audit.ExportLinkMade) != 3 || a.Events(audit.ExportFetched) != 1 {
			t.Error("not each act is an event")
		}
		a.Clock.Forward(export.Life)
		if err := export.Forget(t.Context(), a.DB); err != nil {
			t.Fatal(err)
		}
		if a.Count("SELECT count(*) FROM audit_exports") != 0 || a.Count("SELECT count(*) FROM audit_export_parts") != 0 {
			t.Error("after a day there is something left")
		}
	})
}

// TestManyRowsTakeASecondPerson, who decides about exactly this draft.
func TestManyRowsTakeASecondPerson(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		a.happens(10_001)
		id := a.begin(eventform.JSONL, trail.Query{Action: "place.set"})
		a.takeUp()
		if e := a.find(id); e.State != export.Draft || e.Done != 0 {
			t.Fatalf("it is %s with %d rows", e.State, e.Done)
		}
		out, err := a.approvals.Submit(t.Context(), approval.Act{Kind: export.KindExport, TenantID: a.Alder.ID, ActorID: a.auditor.ID, Reason: "the yearly review"}.With(export.Act{Export: id}))
		if err != nil || !out.Waits() {
			t.Fatalf("it does not wait: %+v, %v", out, err)
		}
		if err := a.approvals.Approve(t.Context(), a.Alder.ID, out.RequestID, a.auditor.ID, approval.Given{Reason: "mine"}); err == nil {
			t.Error("who asks approves it")
		}
		if err := a.approvals.Approve(t.Context(), a.Alder.ID, out.RequestID, a.second.ID, approval.Given{Reason: "fine"}); err != nil {
			t.Fatal(err)
		}
		a.takeUp()
		e := a.find(id)
		if e.State != export.Done || e.Done != export.AloneMost+1 || e.ApprovedBy != a.second.ID {
			t.Errorf("it is %s with %d rows, approved by %q", e.State, e.Done, e.ApprovedBy)
		}
		// Whoever begins one while they see less, and sees more when it is written.
		grown := a.begin(eventform.JSONL, trail.Query{Action: "place.set"})
		a.Set("UPDATE audit_exports SET state = 'running', many = ? WHERE id = ?", false, grown)
		a.takeUp()
		if e := a.find(grown); e.State != export.Failed || a.Events(audit.ExportFailed) != 1 {
			t.Errorf("without a second person it is %s with %d rows", e.State, e.Done)
		}
	})
}

// TestWhoMayExportNoMoreGetsNothing; and what a replica left in the middle another one
// writes anew.
func TestWhoMayExportNoMoreGetsNothing(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		a.happens(50)
		left := a.begin(eventform.CEF, trail.Query{})
		a.Set("UPDATE audit_exports SET held_at = ?, done = 7", a.DB.Now())
		const before = "HALF OF BEFORE" // which no id and no digest can have in it
		a.Set("INSERT INTO audit_export_parts (tenant_id, export_id, n, body) VALUES (?,?,0,?)", a.Alder.ID, left, []byte(before))
		a.takeUp()
		if a.find(left).State != export.Running {
			t.Error("it is taken from who is at it")
		}
		a.Clock.Forward(time.Minute)
		a.takeUp()
		if e := a.find(left); e.State != export.Done || e.Done < 50 {
			t.Errorf("what was left is %s with %d rows", e.State, e.Done)
		}
		if first := a.Text("SELECT CAST(body AS text) FROM audit_export_parts WHERE n = 0"); a.DB.Dialect == store.SQLite && strings.Contains(first, before) {
			t.Error("the half of before is in it")
		}
		id := a.begin(eventform.CEF, trail.Query{})
		a.Set("DELETE FROM role_assignments WHERE user_id = ?", a.auditor.ID)
		if err := a.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.takeUp()
		if a.find(id).State != export.Failed || a.Events(audit.ExportFailed) != 1 {
			t.Errorf("it is %s", a.find(id).State)
		}
	})
}
