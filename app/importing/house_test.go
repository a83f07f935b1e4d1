package importing_test

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/group"
	"latchkey/app/importing"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is a house into which people are imported.
type house struct {
	*signintest.House
	Approvals *approval.Service
	Imports   *importing.Service
	Roles     *role.Service

	admin, admin2, security, security2, desk user.User
}

func each(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	signintest.Each(t, func(s *signintest.House) { story(s.T, furnished(s)) })
}

// furnished is a house with its administrators.
func furnished(s *signintest.House) *house {
	h := build(s)
	h.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
	h.admin2 = h.Admin(h.Alder, "admin2", access.RoleTenantAdministrator)
	h.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
	h.security2 = h.Admin(h.Alder, "security2", access.RoleSecurityAdministrator)
	h.desk = h.Admin(h.Alder, "desk", access.RoleHelpdesk)
	return h
}

func build(s *signintest.House) *house {
	h := &house{House: s}
	h.Approvals = &approval.Service{DB: s.DB, Rules: s.Rules, Hub: s.Hub, Performers: map[approval.Kind]approval.Performer{}}
	h.Roles = &role.Service{DB: s.DB, Keys: s.Keys, Rules: s.Rules, Approvals: h.Approvals}
	groups := &group.Service{DB: s.DB, Rules: s.Rules, Roles: h.Roles}
	h.Imports = importing.New(s.DB, s.Rules, h.Roles, slog.New(slog.DiscardHandler))
	for _, performers := range []map[approval.Kind]approval.Performer{h.Roles.Performers(), groups.Performers(), h.Imports.Performers(), (&rollout.Service{DB: s.DB, Roles: h.Roles}).Performers()} {
		maps.Copy(h.Approvals.Performers, performers)
	}
	return h
}

// check uploads a list, given as its lines.
func (h *house) check(by user.User, lines ...string) importing.Import {
	h.T.Helper()
	id, err := h.Imports.Check(h.T.Context(), importing.Upload{TenantID: by.TenantID, ActorID: by.ID, FileName: "people.csv", Body: []byte(strings.Join(lines, "\n"))})
	if err != nil {
		h.T.Fatalf("Check = %v", err)
	}
	return h.import_(by, id)
}

func (h *house) import_(by user.User, id string) importing.Import {
	h.T.Helper()
	i, err := h.Imports.Find(h.T.Context(), by.TenantID, id)
	if err != nil {
		h.T.Fatalf("Find = %v", err)
	}
	return i
}

// run asks for a list to be run.
func (h *house) run(by user.User, i importing.Import) (approval.Outcome, error) {
	act := approval.Act{Kind: importing.KindImport, TenantID: by.TenantID, ActorID: by.ID, Reason: "they begin on Monday"}
	return h.Approvals.Submit(h.T.Context(), act.With(i.Act))
}

// does runs a list and carries it out.
func (h *house) does(by user.User, i importing.Import) importing.Import {
	h.T.Helper()
	if out, err := h.run(by, i); err != nil || out.Waits() {
		h.T.Fatalf("run = %+v, %v", out, err)
	}
	if err := h.Imports.TakeUp(h.T.Context()); err != nil {
		h.T.Fatalf("TakeUp = %v", err)
	}
	return h.import_(by, i.ID)
}

// group makes a group of Alder, past all rules, with people in it.
func (h *house) group(name string, role access.Role, people ...user.User) string {
	h.T.Helper()
	made := group.New(name)
	h.Set("INSERT INTO groups (tenant_id, id, name, role, created_at) VALUES (?,?,?,?,?)", h.Alder.ID, made.ID, name, role, h.Clock.Now())
	for _, person := range people {
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,?,?,?,?)", h.Alder.ID, made.ID, person.ID, person.Name, h.Clock.Now())
	}
	return made.ID
}

// wrong says what is wrong with an import, line by line.
func wrong(i importing.Import) string {
	var all []string
	for _, p := range i.Problems {
		all = append(all, fmt.Sprintf("%d %s %s %s", p.Row, p.Field, p.Code, p.Value))
	}
	return strings.Join(all, "\n")
}

// unique leaves out what stands there twice.
func unique(text string) string {
	var all []string
	for line := range strings.SplitSeq(text, "\n") {
		if !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return strings.Join(all, "\n")
}

func (h *house) members(groupID string) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM group_members WHERE group_id = ?", groupID)
}
