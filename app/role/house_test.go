package role_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is a replica with its administrators of alder: two security
// administrators, a tenant administrator, a helpdesk and a user.
type house struct {
	*signintest.House
	roles                         *role.Service
	approvals                     *approval.Service
	chief, second, admin, desk, u user.User
}

// each runs a story on both databases.
func each(t *testing.T, story func(h *house)) {
	t.Helper()
	signintest.Each(t, func(base *signintest.House) {
		h := over(base)
		h.chief = h.Admin(h.Alder, "chief", access.RoleSecurityAdministrator)
		h.second = h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		h.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		h.desk = h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		h.u = h.User(h.Alder, "user1")
		story(h)
	})
}

func over(base *signintest.House) *house {
	h := &house{House: base}
	h.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub}
	h.roles = &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: h.approvals}
	h.approvals.Performers = h.roles.Performers()
	return h
}

// beside is another replica over the same database.
func (h *house) beside() *house {
	h.T.Helper()
	other := over(h.Replica())
	other.chief, other.second, other.admin, other.desk, other.u = h.chief, h.second, h.admin, h.desk, h.u
	return other
}

func act(kind approval.Kind, by, to user.User, parameters any) approval.Act {
	return approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, TargetID: to.ID, Reason: "a story"}.With(parameters)
}

// submit hands an act in.
func (h *house) submit(a approval.Act) (approval.Outcome, error) {
	h.T.Helper()
	return h.approvals.Submit(h.T.Context(), a)
}

// does what must be done at once.
func (h *house) does(a approval.Act) {
	h.T.Helper()
	out, err := h.submit(a)
	if err != nil || out.Waits() {
		h.T.Fatalf("%s: waits %t, %v; want it done", a.Kind, out.Waits(), err)
	}
}

// waits is what must wait for a second person, by the id of its request.
func (h *house) waits(a approval.Act) string {
	h.T.Helper()
	out, err := h.submit(a)
	if err != nil || !out.Waits() {
		h.T.Fatalf("%s: waits %t, %v; want it to wait", a.Kind, out.Waits(), err)
	}
	return out.RequestID
}

func (h *house) approve(request string, by user.User) error {
	h.T.Helper()
	return h.approvals.Approve(h.T.Context(), by.TenantID, request, by.ID, approval.Given{Reason: "seen"})
}

// give gives a role without asking anybody, as long ago as a month.
func (h *house) give(u user.User, r access.Role, groups ...string) {
	h.T.Helper()
	h.Set("DELETE FROM role_assignments WHERE user_id = ?", u.ID)
	h.Set("INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,'',?)", u.TenantID, u.ID, r, h.Clock.Now().AddDate(0, -1, 0))
	for _, g := range groups {
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", u.TenantID, u.ID, g)
	}
}

// group makes a group with members.
func (h *house) group(of tenant.Tenant, name string, members ...user.User) (id string) {
	h.T.Helper()
	id = secret.System.ShortID()
	h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", of.ID, id, name, h.Clock.Now())
	for _, u := range members {
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", of.ID, id, u.ID, u.Name)
	}
	return id
}

// standing is what somebody is, by the rows.
func (h *house) standing(u user.User) (s access.Standing) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) (err error) {
		s, err = h.Rules.StandingIn(tx, u.TenantID, u.ID)
		return err
	})
	slices.Sort(s.Scope)
	return s
}

func (h *house) is(claim string, u user.User, want access.Role) {
	h.T.Helper()
	if got := h.standing(u).Role; got != want {
		h.T.Errorf("%s: %s is %s, want %s", claim, u.Name, got, want)
	}
}

// later is a time ahead.
func (h *house) later(d time.Duration) *time.Time {
	at := h.Clock.Now().Add(d)
	return &at
}

// security counts the active security administrators of alder.
func (h *house) security() int {
	h.T.Helper()
	return h.Count(`SELECT count(*) FROM role_assignments a JOIN users u ON u.tenant_id = a.tenant_id AND u.id = a.user_id
		WHERE a.tenant_id = ? AND a.role = ? AND u.state = 'active'`, h.Alder.ID, access.RoleSecurityAdministrator)
}
