package ticket_test

import (
	"os"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/ticket"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// TestWhoIsToldOfATicket walks the row audit.read of the roles: of one ticket each is
// told as much as of a person's history.
func TestWhoIsToldOfATicket(t *testing.T) {
	Each(t, func(h *House) {
		s := &ticket.Service{DB: h.DB}
		security, admin := h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		lead, desk, other := h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.Admin(h.Alder, "desk2", access.RoleHelpdesk)
		auditor, limited := h.Admin(h.Alder, "auditor", access.RoleAuditor), h.Admin(h.Alder, "limited", access.RoleHelpdeskLead)
		nurse, porter := h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		stranger := h.Admin(h.Birch, "security", access.RoleSecurityAdministrator)
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", h.Alder.ID, nurse.ID, nurse.Name)
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", h.Alder.ID, limited.ID)
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		record := func(by user.User, action audit.Action, on user.User) {
			h.Act(func(tx *store.Tx) error {
				return audit.Record(tx, audit.Event{
					TenantID: h.Alder.ID, Action: action, Actor: audit.User(by.ID), Target: audit.Tenant(h.Alder.ID), Subject: on.ID, Origin: audit.Origin{IP: "203.0.113.9"},
				}.Under("CHG-1042"))
			})
			h.Clock.Forward(1000)
		}
		record(desk, audit.UserLocked, nurse)
		record(lead, audit.SessionsEnded, porter)
		record(admin, audit.SettingsChanged, user.User{})
		record(security, audit.AccessRefused, porter)
		for _, row := range []struct {
			by   user.User
			want string // newest first
		}{
			{security, "access.refused settings.changed sessions.ended user.locked"},
			{auditor, "access.refused settings.changed sessions.ended user.locked"},
			{admin, "settings.changed sessions.ended user.locked"},
			{lead, "sessions.ended user.locked"},
			{limited, "user.locked"},
			{desk, "user.locked"},
			{other, ""},
			{nurse, ""},
			{stranger, ""},
		} {
			who := h.Rules.Standing(row.by.TenantID, row.by.ID)
			p, err := s.Find(t.Context(), who, "chg-1042", ticket.Position{})
			var told []string
			for _, e := range p.Events {
				told = append(told, string(e.Action))
				if whole := who.Role == access.RoleSecurityAdministrator || who.Role == access.RoleAuditor; whole != (e.IP == "203.0.113.9") {
					t.Errorf("%s sees the address %q", who.Role, e.IP)
				}
			}
			if got := strings.Join(told, " "); got != row.want {
				t.Errorf("%s is told %q, want %q", row.by.Name, got, row.want)
			}
			if row.want == "" {
				WantCode(t, "nothing for "+row.by.Name, err, "http.not_found")
			} else if err != nil || p.Name != "CHG-1042" || p.Names[desk.ID] != desk.Name || p.Names[nurse.ID] != nurse.Name && who.Role != access.RoleHelpdesk {
				t.Errorf("%s: %v, %q with %v", row.by.Name, err, p.Name, p.Names)
			}
			found, err := s.Beginning(t.Context(), who, "CHG-10", 8)
			if err != nil || (len(found) == 1) != (row.want != "") {
				t.Errorf("%s finds %q, %v", row.by.Name, found, err)
			}
		}
		who := h.Rules.Standing(security.TenantID, security.ID)
		for _, name := range []string{"", "..", "chg-104", "CHG-1042 ", "nothing"} {
			if _, err := s.Find(t.Context(), who, name, ticket.Position{}); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
				t.Errorf("Find(%q) = %v", name, err)
			}
		}
		if found, _ := s.Beginning(t.Context(), who, "C", 8); len(found) != 0 {
			t.Error("one letter finds tickets")
		}
		if p, _ := s.Find(t.Context(), who, "CHG-1042", ticket.Position{}); p.Told != people.Everything || p.More {
			t.Errorf("a page of all is %v with more %t", p.Told, p.More)
		}
	})
}

func TestATicketComesPageByPage(t *testing.T) {
	Each(t, func(h *House) {
		s := &ticket.Service{DB: h.DB}
		admin, nurse := h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.User(h.Alder, "nurse")
		for range ticket.PageLength + 5 {
			h.Act(func(tx *store.Tx) error {
				return audit.Record(tx, audit.Event{TenantID: h.Alder.ID, Action: audit.UserLocked, Actor: audit.User(admin.ID), Target: audit.User(nurse.ID), Subject: nurse.ID}.Under("BIG-1"))
			})
		}
		who := h.Rules.Standing(admin.TenantID, admin.ID)
		first, err := s.Find(t.Context(), who, "BIG-1", ticket.Position{})
		if err != nil || len(first.Events) != ticket.PageLength || !first.More {
			t.Fatalf("the first page has %d, %v", len(first.Events), err)
		}
		last := first.Events[ticket.PageLength-1]
		second, err := s.Find(t.Context(), who, "BIG-1", ticket.Position{At: last.At, ID: last.ID})
		if err != nil || len(second.Events) != 5 || second.More {
			t.Errorf("the second has %d, %v", len(second.Events), err)
		}
	})
}
