package role_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/role"
	"latchkey/app/user"
)

func (h *house) holders(by user.User, which role.Which) (lines []string) {
	h.T.Helper()
	if which.Limit == 0 {
		which.Limit = 100
	}
	all, err := h.roles.Holders(h.T.Context(), by.TenantID, by.ID, which)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, one := range all {
		name, _, _ := strings.Cut(one.UserName, "@")
		lines = append(lines, fmt.Sprintf("%s %s %v", name, one.Role, one.Groups))
	}
	return lines
}

// TestWhoHoldsWhichRole: by name, page by page, by role, and within the groups of
// whoever looks; what has ended is over.
func TestWhoHoldsWhichRole(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		in := h.User(h.Alder, "in")
		one, two := h.group(h.Alder, "one", in), h.group(h.Alder, "two", h.desk)
		h.does(act(role.KindAssign, h.admin, in, role.Assignment{Role: access.RoleAuditor, Groups: []string{two, one}, EndsAt: h.later(time.Hour)}))
		h.Admin(h.Birch, "stranger", access.RoleAuditor)

		all := []string{"admin tenant_administrator []", "chief security_administrator []", "desk helpdesk []", "in auditor [one two]", "second security_administrator []"}
		if got := h.holders(h.chief, role.Which{}); !slices.Equal(got, all) {
			t.Errorf("everybody: %v, want %v", got, all)
		}
		var paged []string
		for after := ""; ; {
			page := h.holders(h.chief, role.Which{After: after, Limit: 2})
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			name, _, _ := strings.Cut(page[len(page)-1], " ")
			after = name + "@alder.example"
		}
		if !slices.Equal(paged, all) {
			t.Errorf("page by page: %v, want %v", paged, all)
		}
		if got := h.holders(h.chief, role.Which{Role: access.RoleSecurityAdministrator}); len(got) != 2 {
			t.Errorf("security administrators: %v", got)
		}
		limited := h.Admin(h.Alder, "limited", access.RoleTenantAdministrator)
		h.give(limited, access.RoleTenantAdministrator, one)
		if got := h.holders(limited, role.Which{}); !slices.Equal(got, []string{"in auditor [one two]"}) {
			t.Errorf("within a group: %v", got)
		}

		listed, err := h.roles.Holders(t.Context(), h.Alder.ID, h.chief.ID, role.Which{After: "desk@alder.example", Limit: 1})
		if err != nil || len(listed) != 1 {
			t.Fatalf("Holders = %v, %v", listed, err)
		}
		if got := listed[0]; got.GivenBy.Name != h.admin.Name || got.GivenBy.Program() || got.EndsAt == nil || !got.EndsAt.Equal(*h.later(time.Hour)) {
			t.Errorf("given is %+v", got)
		}
		h.Clock.Forward(time.Hour)
		if got := h.holders(h.chief, role.Which{Role: access.RoleAuditor}); len(got) != 0 {
			t.Errorf("after the end: %v", got)
		}

		// Groups that carry a role, to those who see the group.
		h.Set("UPDATE groups SET role = 'helpdesk', role_by = ?, role_at = ? WHERE id = ?", h.chief.ID, h.Clock.Now(), two)
		for by, want := range map[user.User]int{h.chief: 1, limited: 0} {
			carriers, err := h.roles.Carriers(t.Context(), h.Alder.ID, by.ID)
			if err != nil || len(carriers) != want {
				t.Errorf("%s sees the carriers %v, %v; want %d", by.Name, carriers, err, want)
			}
			if want == 1 && (carriers[0].Name != "two" || carriers[0].Members != 1 || carriers[0].GiverName != h.chief.Name) {
				t.Errorf("it is %+v", carriers[0])
			}
		}
	})
}

// TestWhoIsFoundForARole: by name or id, within the groups, and nobody of another
// organisation.
func TestWhoIsFoundForARole(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.T, h.T.Context()
		one := h.group(h.Alder, "one", h.u)
		h.group(h.Alder, "two")
		limited := h.Admin(h.Alder, "limited", access.RoleTenantAdministrator)
		h.give(limited, access.RoleTenantAdministrator, one)
		stranger := h.User(h.Birch, "stranger")
		for _, c := range []struct {
			by    user.User
			whom  user.User
			found bool
		}{{h.chief, h.u, true}, {h.chief, h.desk, true}, {limited, h.u, true}, {limited, h.desk, false}, {h.chief, stranger, false}} {
			byName, errName := h.roles.PersonNamed(ctx, h.Alder.ID, c.by.ID, " "+strings.ToUpper(c.whom.Name))
			byID, errID := h.roles.PersonOf(ctx, h.Alder.ID, c.by.ID, c.whom.ID)
			for _, err := range []error{errName, errID} {
				if (err == nil) != c.found || err != nil && !errors.Is(err, fault.NotFound) {
					t.Errorf("%s looks for %s: %v, want found %t", c.by.Name, c.whom.Name, err, c.found)
				}
			}
			if c.found && (byName.ID != c.whom.ID || byID.Name != c.whom.Name) {
				t.Errorf("%s finds %+v and %+v", c.by.Name, byName, byID)
			}
		}
		for _, typed := range []string{"", "nobody@alder.example", "%", "user1"} {
			if _, err := h.roles.PersonNamed(ctx, h.Alder.ID, h.chief.ID, typed); !errors.Is(err, fault.NotFound) {
				t.Errorf("%q finds somebody: %v", typed, err)
			}
		}
		for by, want := range map[user.User]int{h.chief: 2, limited: 1} {
			groups, more, err := h.roles.GroupsFor(ctx, h.Alder.ID, by.ID)
			named, errNamed := h.roles.GroupsNamed(ctx, h.Alder.ID, by.ID, []string{"one", "two", "three"})
			if err != nil || errNamed != nil || more || len(groups) != want || len(named) != want {
				t.Errorf("%s may limit a role to %v and %v (%t), %v, %v", by.Name, groups, named, more, err, errNamed)
			}
		}
		for i := range role.GroupsMost {
			h.group(h.Alder, fmt.Sprintf("many %03d", i))
		}
		groups, more, err := h.roles.GroupsFor(ctx, h.Alder.ID, h.chief.ID)
		if err != nil || len(groups) != role.GroupsMost || !more {
			t.Errorf("of more groups than are shown %d come, more %t, %v", len(groups), more, err)
		}

		// What may be given is what the rules permit to give.
		givable, err := h.roles.Givable(ctx, h.Alder.ID, h.admin.ID, h.u.ID)
		var yes []access.Role
		for _, g := range givable {
			if g.Answer == access.Yes {
				yes = append(yes, g.Role)
			}
		}
		if want := []access.Role{access.RoleHelpdesk, access.RoleHelpdeskLead, access.RoleAuditor}; err != nil || !slices.Equal(yes, want) {
			t.Errorf("a tenant administrator may give %v, %v; want %v", yes, err, want)
		}
	})
}

// TestWhy: by the rules that judge acts, with where the role comes from; whom the
// reader does not find is not there.
func TestWhy(t *testing.T) {
	each(t, func(h *house) {
		t, ctx := h.T, h.T.Context()
		one := h.group(h.Alder, "one", h.u)
		h.give(h.desk, access.RoleHelpdesk, one)
		locked := h.User(h.Alder, "locked")
		h.Set("UPDATE users SET state = 'locked', locked_by = ? WHERE id = ?", h.chief.ID, locked.ID)
		for _, c := range []struct {
			claim  string
			who    user.User
			p      access.Permission
			whom   user.User
			want   access.Answer
			detail string
		}{
			{"at all", h.desk, access.UserLock, user.User{}, access.Yes, "scope.inside"},
			{"in the group", h.desk, access.UserLock, h.u, access.Yes, "rank.below"},
			{"outside of it", h.desk, access.UserLock, locked, access.Nobody, "scope.outside"},
			{"not in the role", h.desk, access.RoleAssign, h.u, access.No, "permission.not_in_role"},
			{"for the whole organisation only", h.desk, access.AuditExport, user.User{}, access.No, "permission.whole_tenant"},
			{"on oneself", h.admin, access.UserLock, h.admin, access.No, "self.same"},
			{"of the same rank", h.chief, access.UserLock, h.second, access.FourEyes, "rank.both_security"},
			{"one's own", h.u, access.AccountView, user.User{}, access.Yes, "permission.own"},
			{"somebody without a role", h.u, access.UserLock, h.desk, access.No, "role.none"},
			{"a lock of one's own", h.chief, access.UserUnlock, locked, access.No, "duty.own_lock"},
			{"a lock of somebody else's", h.second, access.UserUnlock, locked, access.Yes, "duty.lock"},
			{"one who is locked", locked, access.AccountView, user.User{}, access.No, "account.inactive"},
		} {
			r, err := h.roles.Why(ctx, h.Alder.ID, h.chief.ID, role.Why{UserID: c.who.ID, Permission: c.p, TargetID: c.whom.ID})
			if err != nil {
				t.Errorf("%s: %v", c.claim, err)
				continue
			}
			said := slices.ContainsFunc(r.Verdict.Findings, func(f access.Finding) bool { return f.Detail == c.detail })
			if r.Verdict.Answer != c.want || !said {
				t.Errorf("%s: %s by %v, want %s by %s", c.claim, r.Verdict.Answer, r.Verdict.Findings, c.want, c.detail)
			}
		}
		r, err := h.roles.Why(ctx, h.Alder.ID, h.chief.ID, role.Why{UserID: h.desk.ID, Permission: access.UserLock})
		if err != nil || !slices.Equal(r.Person.Scope, []string{"one"}) || r.Person.Through != "" {
			t.Errorf("their own within a group is %+v, %v", r.Person, err)
		}
		h.Set("UPDATE groups SET role = 'helpdesk_lead' WHERE id = ?", one)
		r, err = h.roles.Why(ctx, h.Alder.ID, h.chief.ID, role.Why{UserID: h.u.ID, Permission: access.BypassApprove})
		if err != nil || r.Person.Through != "one" || r.Verdict.Answer != access.Yes {
			t.Errorf("through a group it is %+v, %v", r, err)
		}

		limited := h.Admin(h.Alder, "limited", access.RoleTenantAdministrator)
		h.give(limited, access.RoleTenantAdministrator, one)
		stranger := h.User(h.Birch, "stranger")
		for claim, w := range map[string]role.Why{
			"somebody of another organisation": {UserID: stranger.ID, Permission: access.UserLock},
			"a target of another organisation": {UserID: h.u.ID, Permission: access.UserLock, TargetID: stranger.ID},
			"somebody outside the groups":      {UserID: h.desk.ID, Permission: access.UserLock},
			"a target outside the groups":      {UserID: h.u.ID, Permission: access.UserLock, TargetID: h.desk.ID},
		} {
			if _, err := h.roles.Why(ctx, h.Alder.ID, limited.ID, w); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: %v, want fault.NotFound", claim, err)
			}
		}
		if _, err := h.roles.Why(ctx, h.Alder.ID, h.chief.ID, role.Why{UserID: h.u.ID, Permission: "database.drop"}); !errors.Is(err, fault.Invalid) {
			t.Errorf("what is no permission: %v, want fault.Invalid", err)
		}
	})
}
