package trail_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/user"
)

// hours are edges, from a moment on.
func hours(from time.Time, n int) []time.Time {
	edges := []time.Time{from}
	for range n {
		edges = append(edges, edges[len(edges)-1].Add(time.Hour))
	}
	return edges
}

// TestFiguresAreThoseOfTheList: whoever looks, each figure is how many events the list gives
// them for its action, or its way, and its hour; and what they do not see is in none.
func TestFiguresAreThoseOfTheList(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		nurse, porter := h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		readers := []user.User{
			h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator),
			h.Admin(h.Alder, "limited", access.RoleTenantAdministrator), h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "desk", access.RoleHelpdesk),
			h.Admin(h.Alder, "desk2", access.RoleHelpdesk), nurse, h.Admin(h.Birch, "security", access.RoleSecurityAdministrator),
		}
		limited, desk, other := readers[3], readers[5], readers[6]
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, nurse.ID, nurse.Name)
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", h.Alder.ID, limited.ID)
		h.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", h.Alder.ID, porter.ID, desk.ID, desk.ID, h.Clock.Now())
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Clock.Forward(time.Hour)
		edges := hours(h.Clock.Now(), 5)
		for n := range 30 { // the first at the first edge
			for _, e := range []audit.Event{
				{Action: audit.SignInFinished, Actor: audit.User(nurse.ID), Subject: nurse.ID, Details: map[string]string{"by": []string{"phone", "pwd", "pwd,otp"}[n%3]}},
				{Action: audit.SignInRefused, Outcome: audit.Failure, Actor: audit.Claimant(""), Subject: porter.ID, Details: map[string]string{"a": `"by":"phone"`}},
				{Action: audit.BypassIssued, Actor: audit.User([]string{desk.ID, other.ID}[n%2]), Subject: []string{nurse.ID, porter.ID}[n%2], Thread: []string{"", "case-1"}[n/2%2]},
				{Action: audit.AccessRefused, Outcome: audit.Denied, Actor: audit.User(desk.ID), Subject: desk.ID},
			} {
				if n%(len(e.Action)%5+2) == 0 {
					e.TenantID, e.Target = h.Alder.ID, audit.Tenant(h.Alder.ID)
					h.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
				}
			}
			h.Clock.Forward(10 * time.Minute)
		}
		actions := []audit.Action{audit.SignInFinished, audit.SignInRefused, audit.BypassIssued, audit.BypassUsed, audit.AccessRefused}
		sums := map[string]int{}
		for _, reader := range readers {
			sight := trail.SightOf(h.Rules.Standing(reader.TenantID, reader.ID), h.Clock.Now())
			figures, err := s.Actions(t.Context(), sight, actions, edges)
			if err != nil {
				t.Fatal(err)
			}
			ways, more, err := s.Ways(t.Context(), sight, edges)
			if err != nil {
				t.Fatal(err)
			}
			check := func(q trail.Query, part int, f trail.Figure) {
				t.Helper()
				q.From, q.To = edges[part], edges[part+1]
				n, err := s.Count(t.Context(), sight, q, 1000)
				if err != nil || f.N != n || f.More {
					t.Errorf("%s of %s, hour %d: %+v, the list has %d, %v", q.Action+q.By, reader.Name, part, f, n, err)
				}
				sums[reader.Name[:4]+reader.TenantID] += n
			}
			for part := range edges[1:] {
				for _, a := range actions {
					check(trail.Query{Action: string(a)}, part, figures[string(a)][part])
				}
				for _, by := range []string{"phone", "pwd", "pwd,otp"} {
					f := trail.Figure{}
					if ways[by] != nil {
						f = ways[by][part]
					}
					check(trail.Query{Action: "signin.finished", By: by}, part, f)
				}
				if more[part] {
					t.Errorf("%s has more in hour %d", reader.Name, part)
				}
			}
			if len(ways) > 3 {
				t.Errorf("%s has the ways %v", reader.Name, ways)
			}
		}
		if all := sums["secu"+h.Alder.ID]; all < 40 || sums["secu"+h.Birch.ID] != 0 || sums["admi"+h.Alder.ID] >= all || sums["desk"+h.Alder.ID] == 0 {
			t.Errorf("of the readers there are %v", sums)
		}
	})
}

// TestFiguresReadNoMoreThanTheyMay: of a day with very many events a figure is what it is at
// least, and says so; of other days and kinds it is exact.
func TestFiguresReadNoMoreThanTheyMay(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		auditor, lead, nurse := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.User(h.Alder, "nurse")
		h.Clock.Forward(time.Hour)
		edges := hours(h.Clock.Now(), 50)
		many := func(n, hour int, action audit.Action, actor string) {
			const columns = "INSERT INTO audit_events (tenant_id, id, occurred_at, action, outcome, reason, actor_kind, actor_id, target_kind, target_id, subject_id, thread_id, request_id, record, personal, salt, address) "
			record := []byte(`{"v":1,"details":{"by":"phone"}}`)
			at := edges[hour].Add(time.Minute)
			h.Act(func(tx *store.Tx) error {
				return tx.Exec(columns+`WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)
					SELECT ?, ? || n, `+store.Moment[tx.Dialect]+`, ?, 'success', '', 'user', ?, 'tenant', '', ?, '', '', `+
					map[store.Dialect]string{store.Postgres: "CAST(? AS bytea)", store.SQLite: "?"}[tx.Dialect]+`, '', '', '' FROM i`,
					n, h.Alder.ID, fmt.Sprint(action, hour, "-"), at, string(action), actor, nurse.ID, record).Error
			})
			h.Act(func(tx *store.Tx) error {
				return tx.Exec("INSERT INTO audit_words (tenant_id, word, occurred_at, event_id) SELECT tenant_id, ?, occurred_at, id FROM audit_events WHERE tenant_id = ? AND id LIKE ? AND actor_id <> subject_id",
					audit.MarkOfDesk, h.Alder.ID, fmt.Sprint(action, hour, "-%")).Error
			})
		}
		many(5001, 10, audit.SignInFinished, nurse.ID)
		many(5000, 11, audit.SignInFinished, nurse.ID)
		many(15_000, 12, audit.SignInFinished, nurse.ID)
		many(50_000, 20, audit.UserLocked, lead.ID)
		many(3, 3, audit.UserLocked, lead.ID)
		h.Clock.Forward(50 * time.Hour)
		sight := func(u user.User) trail.Sight {
			return trail.SightOf(h.Rules.Standing(u.TenantID, u.ID), h.Clock.Now())
		}
		actions := []audit.Action{audit.SignInFinished, audit.UserLocked, audit.UserUnlocked}
		figures, err := s.Actions(t.Context(), sight(auditor), actions, edges)
		if err != nil {
			t.Fatal(err)
		}
		for at, want := range map[int]trail.Figure{9: {}, 10: {N: 5000, More: true}, 11: {N: 5000}, 12: {N: 5000, More: true}, 13: {}} {
			if got := figures["signin.finished"][at]; got != want {
				t.Errorf("in hour %d an auditor counts %+v, want %+v", at, got, want)
			}
		}
		if figures["user.locked"][3] != (trail.Figure{N: 3}) || figures["user.unlocked"][20] != (trail.Figure{}) {
			t.Errorf("what is few is %+v and %+v", figures["user.locked"][3], figures["user.unlocked"][20])
		}
		ways, more, err := s.Ways(t.Context(), sight(auditor), edges)
		if err != nil || ways["phone"][12].N != 15_000 || ways["phone"][11].N != 5000 || more[12] || !more[11] || !more[0] {
			t.Errorf("by way there are %+v and %+v, %v", ways["phone"][11], ways["phone"][12], err)
		}
		figures, err = s.Actions(t.Context(), sight(lead), actions, edges)
		if err != nil || figures["user.locked"][20] != (trail.Figure{N: 50_000, More: true}) || figures["user.locked"][21].More || figures["user.locked"][3] != (trail.Figure{More: true}) {
			t.Errorf("a lead counts %+v and %+v, %v", figures["user.locked"][20], figures["user.locked"][3], err)
		}
	})
}
