package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/export"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/user"
)

// TestAnExportGivesWhatThePageGives writes the same questions into files for every role that
// there is, and for roles that an organisation made: byte for byte what the form makes of the
// rows of the reader's own pages, no row and no column more. Who may not export gets nothing.
func TestAnExportGivesWhatThePageGives(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		made := func(id string, may ...access.Permission) access.Role {
			var all []string
			for _, p := range may {
				all = append(all, string(p))
			}
			a.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,?,?,'',?,?)", a.Alder.ID, "custom:"+id, id, strings.Join(all, ","), a.Clock.Now(), a.Clock.Now())
			return access.Role("custom:" + id)
		}
		roles := map[string]access.Role{
			"security": access.RoleSecurityAdministrator, "reader": access.RoleAuditor, "admin": access.RoleTenantAdministrator, "lead": access.RoleHelpdeskLead, "desk": access.RoleHelpdesk,
			"clerk": made("clerk", access.AuditRead, access.AuditExport), "keeper": made("keeper", access.AuditRead, access.AuditExport, access.AuditReadPersonal), "porter": access.RoleUser,
		}
		exports := []string{"security", "reader", "clerk", "keeper"}
		people := map[string]user.User{}
		for name, role := range roles {
			if role == access.RoleUser {
				people[name] = a.User(a.Alder, name)
			} else {
				people[name] = a.Admin(a.Alder, name, role)
			}
		}
		a.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", a.Alder.ID, people["porter"].ID, people["clerk"].ID, people["clerk"].ID, a.Clock.Now())
		if err := a.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		chance := rand.New(rand.NewPCG(3, 57))
		pick := func(all ...string) string { return all[chance.IntN(len(all))] }
		everybody := []string{"security", "admin", "lead", "desk", "clerk", "keeper", "porter"}
		actions := []audit.Action{audit.SignInRefused, audit.UserLocked, audit.CaseNoted, audit.BypassIssued, audit.AccessRefused, audit.SettingsChanged, audit.BreakGlassUsed}
		for n := range 160 {
			by := pick(everybody...)
			e := audit.Event{
				TenantID: a.Alder.ID, Action: actions[chance.IntN(len(actions))], Outcome: []audit.Outcome{audit.Success, audit.Failure, audit.Denied}[chance.IntN(3)], Actor: audit.User(people[by].ID),
				Target: audit.Tenant(a.Alder.ID), Thread: pick("", "case-1", "attempt-1"), Reason: pick("", "signin.password_wrong", "=lost the \"phone\",\nsecret", "secret"),
				Origin: audit.Origin{IP: "203.0.113.77", Browser: "firefox/linux"}, Typed: "Jane Doe", Details: map[string]string{"n": fmt.Sprint(n), "ticket": "INC|7"},
			}
			if by == "clerk" || by == "keeper" {
				e.Origin.IP, e.Typed = "198.51.100.4", "Roe" // they see their own whole
			}
			if on := pick("", "porter", "desk"); on != "" {
				e.Subject = people[on].ID
			}
			a.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
			a.Clock.Forward(time.Second)
		}
		end := a.Clock.Now()
		questions := []trail.Query{
			{},
			{Outcome: audit.Denied},
			{Action: "access."},
			{Action: "user.locked"},
			{Thread: "case-1"},
			{Text: "secret"},
			{Text: "203.0.113.77"},
			{Text: "198.51.100.4"},
			{Text: "jane"},
			{Actor: people["desk"].Name},
			{Target: people["porter"].Name},
			{Text: people["lead"].Name},
			{From: end.Add(-time.Minute), To: end.Add(-20 * time.Second)},
		}
		rows, security := map[string]int{}, map[string]bool{}
		for name, u := range people {
			who := a.Rules.Standing(a.Alder.ID, u.ID)
			for n, q := range questions {
				if n > 1 && !slices.Contains(exports, name) {
					continue
				}
				if q.To.IsZero() {
					q.To = end // what looking and exporting leave behind is not asked for
				}
				form := eventform.Forms[(n+len(name))%len(eventform.Forms)]
				id, err := a.exports.Begin(t.Context(), who, form, q, audit.Origin{})
				if err != nil {
					t.Fatal(err)
				}
				a.takeUp()
				file, state := a.written(id)
				if !slices.Contains(exports, name) {
					if state != export.Failed || len(file) > 0 {
						t.Errorf("%s, who may not export, has an export that is %s, of %d bytes", name, state, len(file))
					}
					continue
				}
				var want bytes.Buffer
				out, err := eventform.NewWriter(form, &want)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range a.pages(trail.SightOf(who, a.Clock.Now()), q) {
					rows[name]++
					if err := out.Write(a.shown(r)); err != nil {
						t.Fatal(err)
					}
				}
				if err := out.Flush(); err != nil {
					t.Fatal(err)
				}
				if state != export.Done || !bytes.Equal(file, want.Bytes()) {
					t.Fatalf("%s, asking for %+v as %s, has a file that is %s:\n%s\nand pages that make\n%s", name, q, form, state, file, want.Bytes())
				}
				if personal := bytes.Contains(file, []byte("203.0.113.77")) || bytes.Contains(file, []byte("Jane Doe")); personal && name == "clerk" {
					t.Fatalf("%s is given what is personal: %s", name, file)
				}
				if bytes.Contains(file, []byte("break_glass.used")) {
					security[name] = true
				}
			}
		}
		if !maps.Equal(security, map[string]bool{"security": true, "reader": true}) {
			t.Errorf("%v are given security events", security)
		}
		if rows["security"] != rows["reader"] || rows["clerk"] == 0 || rows["keeper"] == 0 || rows["clerk"] >= rows["security"] {
			t.Errorf("they have %v rows", rows)
		}
	})
}

// written is the file of an export as it stands, however it came to it.
func (a *archive) written(id string) (file []byte, state export.State) {
	a.T.Helper()
	for n := 0; ; n++ {
		var part struct{ Body []byte }
		found, err := a.DB.View(a.T.Context()).One(&part, "SELECT body FROM audit_export_parts WHERE tenant_id = ? AND export_id = ? AND n = ?", a.Alder.ID, id, n)
		if err != nil {
			a.T.Fatal(err)
		}
		if !found {
			break
		}
		file = append(file, part.Body...)
	}
	return file, export.State(a.Text("SELECT state FROM audit_exports WHERE id = ?", id))
}

// pages are the rows of all pages of a question.
func (a *archive) pages(sight trail.Sight, q trail.Query) (all []trail.Row) {
	a.T.Helper()
	s := &trail.Service{DB: a.DB}
	for after := (trail.Position{}); ; {
		p, err := s.Find(a.T.Context(), sight, q, after, trail.Position{})
		if err != nil {
			a.T.Fatal(err)
		}
		all = append(all, p.Rows...)
		if after = p.Older; after.None() {
			return all
		}
	}
}

// shown is a row of a page as it would leave the house.
func (a *archive) shown(r trail.Row) eventform.Event {
	return eventform.Event{
		N: -1, ID: r.ID, At: r.At, Tenant: a.Alder.Slug, Action: string(r.Action), Outcome: string(r.Outcome), Reason: r.Reason,
		Actor: eventform.Party{Kind: r.Actor.Kind, ID: r.Actor.ID, Name: r.ActorName}, Target: eventform.Party{Kind: r.Target.Kind, ID: r.Target.ID, Name: r.TargetName},
		Subject: r.Subject, SubjectName: r.SubjectName, Thread: r.Thread, Request: r.Request, IP: r.IP, Browser: r.Browser, Typed: r.Typed, Details: r.Details,
	}
}

// TestWhatOthersExportIsTheirs: how many rows there are tells of the rows, so whoever sees a
// part of the audit finds their own exports and no others. Those who see all of it find all.
func TestWhatOthersExportIsTheirs(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		a.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:clerk','Clerk','audit.read,audit.export','',?,?)", a.Alder.ID, a.Clock.Now(), a.Clock.Now())
		clerk := a.Admin(a.Alder, "clerk", "custom:clerk")
		if err := a.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		of := func(u user.User) access.Standing { return a.Rules.Standing(a.Alder.ID, u.ID) }
		theirs := a.begin(eventform.CSV, trail.Query{Text: "porter"})
		own, err := a.exports.Begin(t.Context(), of(clerk), eventform.CSV, trail.Query{}, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[*user.User][]string{&clerk: {own}, &a.second: {theirs, own}, &a.auditor: {theirs, own}} {
			all, err := a.exports.List(t.Context(), of(*name))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range all {
				got = append(got, e.ID)
				if _, err := a.exports.Find(t.Context(), of(*name), e.ID); err != nil {
					t.Errorf("%s finds not what is listed: %v", name.Name, err)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s finds %q, want %q", name.Name, got, want)
			}
		}
		if _, err := a.exports.Find(t.Context(), of(clerk), theirs); !errors.Is(err, fault.NotFound) {
			t.Errorf("one of somebody else: %v", err)
		}
	})
}

// TestWhatIsExportedStandsInTheAudit: what for, without what was typed; and an outcome that
// is none begins nothing.
func TestWhatIsExportedStandsInTheAudit(t *testing.T) {
	each(t, func(a *archive) {
		t := a.T
		id := a.begin(eventform.CSV, trail.Query{Actor: a.second.Name, Target: "Jane Doe", Action: "user.", Thread: "case:7", Text: "words of a search"})
		record := a.Text("SELECT CAST(record AS text) FROM audit_events WHERE action = 'export.begun'")
		if a.DB.Dialect == store.Postgres {
			record = a.Text("SELECT convert_from(record, 'UTF8') FROM audit_events WHERE action = 'export.begun'")
		}
		for _, want := range []string{`"actor":"` + a.second.ID + `"`, `"action":"user."`, `"thread":"case:7"`, `"format":"csv"`, `"to":"`} {
			if !strings.Contains(record, want) {
				t.Errorf("it does not say %s: %s", want, record)
			}
		}
		for _, personal := range []string{"Jane", "words of", a.second.Name} {
			if strings.Contains(record, personal) {
				t.Errorf("it says %q for good: %s", personal, record)
			}
		}
		if _, err := a.exports.Begin(t.Context(), a.Rules.Standing(a.Alder.ID, a.auditor.ID), eventform.CSV, trail.Query{Outcome: "maybe"}, audit.Origin{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("an outcome that is none: %v", err)
		}
		many := a.find(id)
		if q, err := many.Asked(); err != nil || q.Thread != "case:7" {
			t.Errorf("it asks for %+v: %v", q, err)
		}
		a.Set("UPDATE audit_exports SET state = 'draft' WHERE id = ?", id)
		out, err := a.approvals.Submit(t.Context(), approval.Act{Kind: export.KindExport, TenantID: a.Alder.ID, ActorID: a.auditor.ID, Reason: "the yearly review"}.With(export.Act{Export: id}))
		if err != nil || !out.Waits() {
			t.Fatalf("it does not wait: %+v, %v", out, err)
		}
		if said := a.Text("SELECT difference FROM approval_requests WHERE id = ?", out.RequestID); !strings.Contains(said, "case:7") {
			t.Errorf("whoever approves it is not told of the thread: %s", said)
		}
	})
}
