package group_test

import (
	"maps"
	"os"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/group"
	"latchkey/app/role"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is a house with groups, and the administrators of Alder.
type house struct {
	*signintest.House
	Approvals *approval.Service
	Groups    *group.Service

	admin, admin2, security, security2, desk user.User
}

func each(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	signintest.Each(t, func(s *signintest.House) {
		h := build(s)
		h.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		h.admin2 = h.Admin(h.Alder, "admin2", access.RoleTenantAdministrator)
		h.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		h.security2 = h.Admin(h.Alder, "security2", access.RoleSecurityAdministrator)
		h.desk = h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		story(h.T, h)
	})
}

func build(s *signintest.House) *house {
	h := &house{House: s}
	h.Approvals = &approval.Service{DB: s.DB, Rules: s.Rules, Hub: s.Hub, Performers: map[approval.Kind]approval.Performer{}}
	roles := &role.Service{DB: s.DB, Keys: s.Keys, Rules: s.Rules, Approvals: h.Approvals}
	h.Groups = &group.Service{DB: s.DB, Rules: s.Rules, Roles: roles}
	maps.Copy(h.Approvals.Performers, roles.Performers())
	maps.Copy(h.Approvals.Performers, h.Groups.Performers())
	return h
}

// try asks for an act of somebody in their own tenant.
func (h *house) try(by user.User, kind approval.Kind, target user.User, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, TargetID: target.ID, Reason: "for a story"}
	return h.Approvals.Submit(h.T.Context(), act.With(parameters))
}

// does is try for what must be done at once.
func (h *house) does(by user.User, kind approval.Kind, target user.User, parameters any) {
	h.T.Helper()
	if out, err := h.try(by, kind, target, parameters); err != nil || out.Waits() {
		h.T.Fatalf("%s by %s on %s = %+v, %v", kind, by.Name, target.Name, out, err)
	}
}

// refused is try for what must fail with a code.
func (h *house) refused(code string, by user.User, kind approval.Kind, target user.User, parameters any) {
	h.T.Helper()
	_, err := h.try(by, kind, target, parameters)
	signintest.WantCode(h.T, string(kind)+" by "+by.Name+" on "+target.Name, err, code)
}

// field is try for what must fail with a code beside a field.
func (h *house) field(field, code string, by user.User, kind approval.Kind, target user.User, parameters any) {
	h.T.Helper()
	_, err := h.try(by, kind, target, parameters)
	wantField(h.T, string(kind)+" by "+by.Name, err, field, code)
}

// nobody is the target of what is done to nobody.
var nobody user.User

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

// is gives what somebody is in Alder.
func (h *house) is(u user.User) (s access.Standing) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) (err error) {
		s, err = h.Rules.StandingIn(tx, h.Alder.ID, u.ID)
		return err
	})
	return s
}

// limit limits the role of somebody to a group.
func (h *house) limit(u user.User, groupID string) {
	h.T.Helper()
	h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", h.Alder.ID, u.ID, groupID)
}

// told counts the notices of an action that wait for somebody.
func (h *house) told(u user.User, action audit.Action) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM notices WHERE tenant_id = ? AND user_id = ? AND action = ?", u.TenantID, u.ID, action)
}

func (h *house) members(groupID string) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM group_members WHERE group_id = ?", groupID)
}

// actOf is an act of the tenant administrator; those on a person have a target.
func (h *house) actOf(kind string, target user.User) approval.Act {
	act := approval.Act{Kind: approval.Kind(kind), TenantID: h.Alder.ID, ActorID: h.admin.ID, Reason: "for a story"}
	if act.Kind == group.KindAddMember || act.Kind == group.KindRemoveMember {
		act.TargetID = target.ID
	}
	return act
}
