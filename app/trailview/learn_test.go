package trailview_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/tenant"
	"latchkey/app/trail"
	"latchkey/app/trailview"
	"latchkey/app/user"
)

// TestNobodyLearnsWhatOthersAskFor makes two tenants alike in all views that a reader may know
// of, and different in all others: with other names, addresses and words in them, others of
// them, and none. Whatever the reader does, they are told the same of both.
func TestNobodyLearnsWhatOthersAskFor(t *testing.T) {
	Each(t, func(h *House) {
		s := &trailview.Service{DB: h.DB, Rules: h.Rules, Secrets: secret.System}
		worlds := []tenant.Tenant{h.Alder, h.Birch}
		people := []map[string]user.User{{}, {}}
		roles := map[string]access.Role{
			"security": access.RoleSecurityAdministrator, "auditor": access.RoleAuditor, "part": access.RoleAuditor, "admin": access.RoleTenantAdministrator, "ward": access.RoleTenantAdministrator,
			"lead": access.RoleHelpdeskLead, "desk": access.RoleHelpdesk, "clerk": "custom:clerk", "keeper": "custom:keeper",
		}
		for i, w := range worlds {
			for id, may := range map[string]string{"custom:clerk": "audit.read", "custom:keeper": "audit.read,audit.read_personal,audit.verify"} {
				h.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,?,?,'',?,?)", w.ID, id, id, may, h.Clock.Now(), h.Clock.Now())
			}
			for name, role := range roles {
				people[i][name] = h.Admin(w, name, role)
			}
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", w.ID, h.Clock.Now())
			for _, name := range []string{"ward", "part"} {
				h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", w.ID, people[i][name].ID)
			}
		}
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		chance := rand.New(rand.NewPCG(8, 60))
		pick := func(all ...string) string { return all[chance.IntN(len(all))] }
		// What a reader may know of another one's view, by its filters, is asked of nobody: it is
		// what the roles say (roles.md).
		mayKnow := func(reader string, personal, security bool) bool {
			switch reader {
			case "security", "auditor":
				return true
			case "part": // they are told security events, of the people of a group
				return !personal
			}
			return !personal && !security
		}
		for reader := range roles {
			told, hidden := []string{"", ""}, 0
			h.Set("DELETE FROM audit_views")
			for n := range 60 {
				owner := pick("security", "auditor", "admin", "desk")
				personal, security := chance.IntN(2) == 0, chance.IntN(2) == 0
				f := trailview.Filters{Outcome: audit.Denied, Action: "user.locked"}
				if security {
					f.Action = pick("audit.viewed", "access.refused", "break_glass.")
				}
				secrets := []trailview.Filters{f, f}
				if personal {
					field := chance.IntN(5)
					for i, text := range []string{"Jane Doe", "203.0.113.99"} {
						*[]*string{&secrets[i].Text, &secrets[i].Actor, &secrets[i].Target, &secrets[i].Thread, &secrets[i].Action}[field] = text
					}
				}
				shared, knows := chance.IntN(3) > 0, owner == reader || mayKnow(reader, personal, security)
				if owner == reader || shared && knows {
					secrets[1] = secrets[0]
				} else if hidden++; hidden%3 == 0 { // and some are in one of them alone
					secrets = secrets[:1]
				}
				for i := range secrets {
					name := fmt.Sprint("View ", n)
					if owner != reader && !(shared && knows) {
						name = fmt.Sprint([]string{"Alpha ", "Omega "}[i], n)
					}
					text := fmt.Sprintf(`{"outcome":%q,"action":%q,"text":%q,"actor":%q,"target":%q,"thread":%q}`, secrets[i].Outcome, secrets[i].Action, secrets[i].Text, secrets[i].Actor, secrets[i].Target, secrets[i].Thread)
					h.Set("INSERT INTO audit_views (tenant_id, id, owner_id, name, name_key, filters, shared, version, created_at, changed_at) VALUES (?,?,?,?,?,?,?,1,?,?)",
						worlds[i].ID, fmt.Sprint("view-", n), people[i][owner].ID, name, strings.ToLower(name), text, shared, h.Clock.Now(), h.Clock.Now())
				}
			}
			if hidden == 0 {
				t.Fatalf("nothing is hidden from %s", reader)
			}
			for i, w := range worlds {
				who := h.Rules.Standing(w.ID, people[i][reader].ID)
				if who.Role == access.RoleUser {
					t.Fatalf("%s has no role", reader)
				}
				say := func(v trailview.View) {
					owner, _, _ := strings.Cut(v.OwnerName, "@")
					told[i] += fmt.Sprintln(v.ID, v.Name, v.Shared, v.Filters, v.Version, owner, v.OwnerID == who.UserID, v.DeletableBy(who))
					if wide := trail.SightOf(who, h.Clock.Now()).Wide(); v.OwnerID != who.UserID && !wide && owner != "" {
						t.Errorf("%s is told whose %s is", reader, v.Name)
					}
				}
				own, shared, err := s.List(t.Context(), who)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range append(own, shared...) {
					say(v)
				}
				for n := range 61 {
					id := fmt.Sprint("view-", n)
					v, err := s.Find(t.Context(), who, id)
					told[i] += fmt.Sprintln(id, err)
					if err == nil {
						say(v)
					}
					// Acts that change nothing: of another version.
					_, replaced := s.Replace(t.Context(), w.ID, who.UserID, id, trailview.Filters{Range: "day"}, 9, audit.Origin{})
					told[i] += fmt.Sprintln(
						s.Rename(t.Context(), w.ID, who.UserID, id, "View 7", 9, audit.Origin{}), replaced,
						s.Share(t.Context(), w.ID, who.UserID, id, 9, audit.Origin{}), s.Delete(t.Context(), w.ID, who.UserID, id, 9, audit.Origin{}),
					)
				}
			}
			if told[0] != told[1] {
				t.Errorf("%s is told of one tenant\n%s\nand of the other one\n%s", reader, told[0], told[1])
			}
			if strings.Contains(told[0]+told[1], "Omega") {
				t.Errorf("%s is told the name of what they may not know", reader)
			}
			h.Clock.Forward(time.Hour)
		}
	})
}

// TestASharedViewShowsWhatItsReaderSees: the same view finds for each reader what a question
// of their own would.
func TestASharedViewShowsWhatItsReaderSees(t *testing.T) {
	each(t, func(a *archive) {
		nurse := a.User(a.Alder, "nurse")
		id := a.saves(a.auditor, "Locks of the week", trailview.Filters{Action: "user.", Range: "week"})
		a.shares(a.auditor, id)
		a.Lock(nurse)
		reads := &trail.Service{DB: a.DB}
		var counts []int
		for _, u := range []user.User{a.auditor, a.admin, a.desk} {
			who := a.in(a.Alder, u)
			v, err := a.views.Find(t.Context(), who, id)
			if err != nil {
				t.Fatal(err)
			}
			n, err := reads.Count(t.Context(), trail.SightOf(who, a.Clock.Now()), v.Filters.Query(a.Clock.Now()), 100)
			if err != nil {
				t.Fatal(err)
			}
			counts = append(counts, n)
		}
		if counts[0] == 0 || counts[0] != counts[1] || counts[2] != 0 {
			t.Errorf("auditor, administrator and agent find %v", counts)
		}
	})
}
