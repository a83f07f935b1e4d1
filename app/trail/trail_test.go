package trail_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/trail"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// record writes an event of a tenant and goes on by a second.
func record(h *House, e audit.Event) {
	h.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
	h.Clock.Forward(time.Second)
}

// told is what a reader is told of a query, the newest first, in short.
func told(t *testing.T, s *trail.Service, sight trail.Sight, q trail.Query) string {
	t.Helper()
	var all []string
	err := s.Each(t.Context(), sight, q, func(r trail.Row) error {
		all = append(all, string(r.Action))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// TestWhoSeesWhat walks the row audit.read of the roles over one day of a tenant.
func TestWhoSeesWhat(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		security, admin := h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		lead, desk, other := h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.Admin(h.Alder, "desk2", access.RoleHelpdesk)
		auditor, limited := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "limited", access.RoleTenantAdministrator)
		nurse, porter := h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		stranger := h.Admin(h.Birch, "security", access.RoleSecurityAdministrator)
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, nurse.ID, nurse.Name)
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", h.Alder.ID, limited.ID)
		h.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case-1',1001,?,'lost','','open',?,?,?)", h.Alder.ID, porter.ID, desk.ID, other.ID, h.Clock.Now())
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Clock.Forward(time.Minute)
		from := h.Clock.Now()
		did := func(by audit.Party, action audit.Action, on user.User, thread string) {
			record(h, audit.Event{TenantID: h.Alder.ID, Action: action, Actor: by, Target: audit.Tenant(h.Alder.ID), Subject: on.ID, Thread: thread, Origin: audit.Origin{IP: "203.0.113.9"}, Typed: "as typed"})
		}
		did(audit.Claimant(""), audit.SignInBegun, nurse, "attempt-1")
		did(audit.User(nurse.ID), audit.SignInFinished, nurse, "attempt-1")
		did(audit.User(desk.ID), audit.UserLocked, nurse, "")
		did(audit.User(other.ID), audit.CaseOpened, porter, "case-1")
		did(audit.Device("d"), audit.CallerCheckProved, porter, "case-1")
		did(audit.User(desk.ID), audit.DeviceRenamed, desk, "")
		did(audit.User(admin.ID), audit.SettingsChanged, user.User{}, "")
		did(audit.User(porter.ID), audit.AccessRefused, porter, "")
		all := "access.refused settings.changed device.renamed caller_check.proved case.opened user.locked signin.finished signin.begun"
		for _, row := range []struct {
			by   user.User
			want string
		}{
			{security, all},
			{auditor, all},
			{admin, strings.TrimPrefix(all, "access.refused ")},
			{limited, "user.locked signin.finished signin.begun"},
			{lead, "caller_check.proved case.opened user.locked"},
			{desk, "device.renamed caller_check.proved case.opened user.locked"},
			{other, "caller_check.proved case.opened"},
			{nurse, "user.locked signin.finished signin.begun"},
			{porter, "caller_check.proved case.opened"},
			{stranger, ""},
		} {
			sight := trail.SightOf(h.Rules.Standing(row.by.TenantID, row.by.ID), h.Clock.Now())
			q := trail.Query{From: from}
			if got := told(t, s, sight, q); got != row.want {
				t.Errorf("%s is told %q, want %q", row.by.Name, got, row.want)
			}
			want := len(strings.Fields(row.want))
			if n, err := s.Count(t.Context(), sight, q, 100); err != nil || n != want {
				t.Errorf("%s counts %d, %v, want %d", row.by.Name, n, err, want)
			}
			p, err := s.Find(t.Context(), sight, q, trail.Position{}, trail.Position{})
			if err != nil || len(p.Rows) != want || !p.Older.None() || !p.Newer.None() {
				t.Errorf("%s finds %d, %v", row.by.Name, len(p.Rows), err)
			}
			for _, r := range p.Rows {
				role := h.Rules.Standing(row.by.TenantID, row.by.ID).Role
				whole := role == access.RoleSecurityAdministrator || role == access.RoleAuditor || r.Actor.ID == row.by.ID || role == access.RoleUser && r.Actor.Kind != audit.KindUser
				if (r.IP == "203.0.113.9") != whole || (r.Typed != "") != whole || !whole && r.IP != "203.0.113.0/24" {
					t.Errorf("%s sees of %s the address %q and the name %q", row.by.Name, r.Action, r.IP, r.Typed)
				}
			}
		}
		if n, err := s.Count(t.Context(), trail.Sight{TenantID: h.Alder.ID}, trail.Query{}, 100); n != 0 || err != nil {
			t.Errorf("who sees nothing counts %d, %v", n, err)
		}
		event, err := s.Find(t.Context(), trail.SightOf(h.Rules.Standing(h.Alder.ID, security.ID), h.Clock.Now()), trail.Query{Action: "access.refused"}, trail.Position{}, trail.Position{})
		if err != nil || len(event.Rows) == 0 {
			t.Fatal(err)
		}
		at := event.Rows[0].Position()
		if r, err := s.One(t.Context(), trail.SightOf(h.Rules.Standing(h.Alder.ID, auditor.ID), h.Clock.Now()), at); err != nil || r.SubjectName != porter.Name {
			t.Errorf("the auditor opens %+v, %v", r, err)
		}
		for _, by := range []user.User{admin, lead, desk, nurse, stranger} {
			if _, err := s.One(t.Context(), trail.SightOf(h.Rules.Standing(by.TenantID, by.ID), h.Clock.Now()), at); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s opens a security event: %v", by.Name, err)
			}
		}
	})
}

// TestPagesInBothWays turns pages to the oldest event and back to the newest.
func TestPagesInBothWays(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		auditor, nurse := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.User(h.Alder, "nurse")
		h.Clock.Forward(time.Minute)
		from := h.Clock.Now()
		const all = 2*trail.PageLength + 7
		for n := range all {
			e := audit.Event{TenantID: h.Alder.ID, Action: audit.UserLocked, Actor: audit.User(auditor.ID), Target: audit.User(nurse.ID), Subject: nurse.ID, Reason: fmt.Sprint("number ", n)}
			h.Act(func(tx *store.Tx) error { return audit.Record(tx, e) })
			if n%3 == 0 {
				h.Clock.Forward(time.Second) // three in one moment
			}
			if n == 30 { // behind so many others that a page has only some of those before
				others := slices.Repeat([]audit.Event{{TenantID: h.Alder.ID, Action: audit.SignInBegun, Actor: audit.Claimant("")}}, 5*trail.PageLength)
				h.Act(func(tx *store.Tx) error { return audit.RecordAll(tx, others) })
			}
		}
		sight := trail.SightOf(h.Rules.Standing(h.Alder.ID, auditor.ID), h.Clock.Now())
		for _, q := range []trail.Query{{From: from, Actor: auditor.Name}, {From: from, Action: "user."}} {
			var down, up [][]string
			ids := func(p trail.Page) (all []string) {
				for _, r := range p.Rows {
					all = append(all, r.ID)
				}
				return all
			}
			var last trail.Page
			for after := (trail.Position{}); ; after = last.Older {
				p, err := s.Find(t.Context(), sight, q, after, trail.Position{})
				if err != nil {
					t.Fatal(err)
				}
				down, last = append(down, ids(p)), p
				if p.Older.None() {
					break
				}
			}
			for p := last; !p.Newer.None(); {
				var err error
				if p, err = s.Find(t.Context(), sight, q, trail.Position{}, p.Newer); err != nil {
					t.Fatal(err)
				}
				if len(p.Rows) > 0 {
					up = append([][]string{ids(p)}, up...)
				}
			}
			if got := slices.Concat(down...); len(down) != 3 || len(got) != all || len(slices.Compact(slices.Sorted(slices.Values(got)))) != all {
				t.Errorf("%+v: %d pages with %d events, want 3 with %d", q, len(down), len(got), all)
			}
			if got, want := slices.Concat(up...), slices.Concat(down[:2]...); !slices.Equal(got, want) {
				t.Errorf("%+v: back there are %d events, want the same %d", q, len(got), len(want))
			}
			if n, err := s.Count(t.Context(), sight, q, 20); n != 21 || err != nil {
				t.Errorf("counting up to 20 gives %d, %v", n, err)
			}
		}
	})
}

// TestAsking tries every field of a query, alone and together.
func TestAsking(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		auditor, admin, nurse := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.User(h.Alder, "nurse")
		h.Clock.Forward(time.Minute)
		from := h.Clock.Now()
		e := func(action audit.Action, by audit.Party, outcome audit.Outcome, reason, ip, thread string, details map[string]string) {
			record(h, audit.Event{TenantID: h.Alder.ID, Action: action, Outcome: outcome, Reason: reason, Actor: by, Target: audit.Party{Kind: audit.KindCase, ID: "case-7"}, Subject: nurse.ID, Thread: thread, Origin: audit.Origin{IP: ip, Browser: "firefox/linux"}, Details: details})
		}
		e(audit.SignInBegun, audit.Claimant(""), "", "", "203.0.113.9", "a1", nil)
		e(audit.SignInRefused, audit.Claimant(""), audit.Failure, "signin.password_wrong", "203.0.113.9", "a1", nil)
		middle := h.Clock.Now()
		e(audit.UserLocked, audit.User(admin.ID), "", "Lost the phone, in Zürich", "2001:db8::1", "", map[string]string{"ticket": "CHG-1042"})
		e(audit.UserUnlocked, audit.User(admin.ID), audit.Denied, "found the PHONE again", "198.51.100.1", "", nil)
		e(audit.DeviceRenamed, audit.User(nurse.ID), "", "", "198.51.100.1", "", nil)
		for _, row := range []struct {
			claim, want string
			q           trail.Query
		}{
			{"everything", "device.renamed user.unlocked user.locked signin.refused signin.begun", trail.Query{}},
			{"until a moment", "signin.refused signin.begun", trail.Query{To: middle}},
			{"from a moment", "device.renamed user.unlocked user.locked", trail.Query{From: middle}},
			{"one action", "user.locked", trail.Query{Action: "user.locked"}},
			{"a family of actions", "signin.refused signin.begun", trail.Query{Action: "signin."}},
			{"no action", "", trail.Query{Action: "signin"}},
			{"an actor", "user.unlocked user.locked", trail.Query{Actor: "ADMIN@alder.example"}},
			{"an actor by id, on themselves", "device.renamed", trail.Query{Actor: nurse.ID}},
			{"nobody", "", trail.Query{Actor: "nobody@alder.example"}},
			{"claimants", "signin.refused signin.begun", trail.Query{Actor: "claimant"}},
			{"a person", "device.renamed user.unlocked user.locked signin.refused signin.begun", trail.Query{Target: nurse.Name}},
			{"a thing", "device.renamed user.unlocked user.locked signin.refused signin.begun", trail.Query{Target: "case:case-7"}},
			{"another thing", "", trail.Query{Target: "case:case-8"}},
			{"an outcome", "signin.refused", trail.Query{Outcome: audit.Failure}},
			{"success", "device.renamed user.locked signin.begun", trail.Query{Outcome: audit.Success}},
			{"a thread", "signin.refused signin.begun", trail.Query{Thread: "a1"}},
			{"a word", "user.unlocked user.locked", trail.Query{Text: "phone"}},
			{"words, of which none is missing", "user.locked", trail.Query{Text: " ZÜRICH phone "}},
			{"a word and another", "", trail.Query{Text: "phone bicycle"}},
			{"a ticket", "user.locked", trail.Query{Text: "chg-1042"}},
			{"signs", "", trail.Query{Text: "?!"}},
			{"a code", "signin.refused", trail.Query{Text: "signin.password_wrong"}},
			{"an address", "signin.refused signin.begun", trail.Query{Text: "203.0.113.9"}},
			{"another way to write it", "user.locked", trail.Query{Text: "2001:DB8:0::1"}},
			{"somebody", "device.renamed user.unlocked user.locked signin.refused signin.begun", trail.Query{Text: "nurse@alder.example"}},
			{"all at once", "user.unlocked", trail.Query{Actor: admin.Name, Target: nurse.Name, Action: "user.", Outcome: audit.Denied, Text: "phone", From: middle}},
			{"an address of nobody", "", trail.Query{Text: "nobody@alder.example"}},
		} {
			q := row.q
			if q.From.IsZero() {
				q.From = from
			}
			if got := told(t, s, trail.SightOf(h.Rules.Standing(h.Alder.ID, auditor.ID), h.Clock.Now()), q); got != row.want {
				t.Errorf("%s: %q, want %q", row.claim, got, row.want)
			}
		}
		// What is masked is not found.
		masked := trail.SightOf(h.Rules.Standing(h.Alder.ID, admin.ID), h.Clock.Now())
		if got := told(t, s, masked, trail.Query{Text: "203.0.113.9"}); got != "" {
			t.Errorf("a tenant administrator finds by an address %q", got)
		}
	})
}

// TestWordsCommonAndRare are found together whichever of them is walked, to any time, and
// beside what is a shorter way than each of them.
func TestWordsCommonAndRare(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		auditor, nurse := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.User(h.Alder, "nurse")
		from := h.Clock.Now()
		write := func(n int, reason, thread string) {
			for range n {
				record(h, audit.Event{TenantID: h.Alder.ID, Action: audit.UserLocked, Reason: reason, Actor: audit.User(auditor.ID), Target: audit.User(nurse.ID), Subject: nurse.ID, Thread: thread})
			}
		}
		write(130, "lost phone ward", "")
		write(3, "lost phone rose", "case-1")
		write(120, "lost rose garden", "")
		middle := h.Clock.Now()
		write(110, "rose garden", "")
		write(2, "lost phone rose", "")
		for _, row := range []struct {
			want int
			q    trail.Query
		}{
			{5, trail.Query{Text: "lost phone rose"}},
			{5, trail.Query{Text: "rose phone lost"}},
			{3, trail.Query{Text: "lost phone rose", To: middle}},
			{2, trail.Query{Text: "lost phone rose", From: middle}},
			{3, trail.Query{Text: "lost rose", Thread: "case-1"}},
			{0, trail.Query{Text: "lost garden", Thread: "case-1"}},
			{120, trail.Query{Text: "garden lost"}},
			{0, trail.Query{Text: "garden lost", From: middle}},
			{230, trail.Query{Text: "rose garden"}},
			{0, trail.Query{Text: "phone garden"}},
			{0, trail.Query{Text: "phone bicycle"}},
		} {
			if row.q.From.IsZero() {
				row.q.From = from
			}
			n, err := s.Count(t.Context(), trail.SightOf(h.Rules.Standing(h.Alder.ID, auditor.ID), h.Clock.Now()), row.q, 1000)
			if err != nil || n != row.want {
				t.Errorf("%+v: %d, %v, want %d", row.q, n, err, row.want)
			}
		}
	})
}

// TestALookIsAnEvent: one for a query and its reader, whatever page of it they turn to.
func TestALookIsAnEvent(t *testing.T) {
	Each(t, func(h *House) {
		s := &trail.Service{DB: h.DB}
		auditor := h.Admin(h.Alder, "auditor", access.RoleAuditor)
		sight := trail.SightOf(h.Rules.Standing(h.Alder.ID, auditor.ID), h.Clock.Now())
		look := func(what string, q trail.Query, want int) {
			t.Helper()
			if err := s.Looked(t.Context(), sight, what, q, audit.Origin{}); err != nil {
				t.Fatal(err)
			}
			if n := h.Events(audit.AuditViewed); n != want {
				t.Errorf("%d looks are events, want %d", n, want)
			}
		}
		look("list", trail.Query{}, 1)
		look("list", trail.Query{}, 1)
		look("list", trail.Query{Actor: auditor.Name, Text: "Jane Doe"}, 2)
		look("charts", trail.Query{}, 3)
		h.Clock.Forward(trail.LookLife)
		look("list", trail.Query{}, 4)
		record := h.Text("SELECT record FROM audit_events WHERE action = 'audit.viewed' AND personal LIKE '%Jane%'")
		if strings.Contains(record, "Jane") || strings.Contains(record, auditor.Name) || !strings.Contains(record, auditor.ID) {
			t.Errorf("a look stands for good as %s", record)
		}
		h.Clock.Forward(time.Second)
		// A name with a 1, which no id and no digest can have in it.
		look("list", trail.Query{Actor: "j1ne.roe", Target: "J1ne", Action: "j1ne.", Thread: "j1ne", Outcome: audit.Denied}, 5)
		record = h.Text("SELECT record FROM audit_events WHERE action = 'audit.viewed' ORDER BY occurred_at DESC LIMIT 1")
		if strings.Contains(strings.ToLower(record), "j1ne") || !strings.Contains(record, `"outcome":"denied"`) {
			t.Errorf("a look for a name that is nobody's stands for good as %s", record)
		}
	})
}
