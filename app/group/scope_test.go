package group_test

import (
	"fmt"
	"testing"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/signin/signintest"
)

func TestWhoIsLimitedToGroupsSeesAndChangesTheseAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent, clerk := h.User(h.Alder, "agent"), h.User(h.Alder, "clerk")
		mine, other, second := h.group("mine", "", agent), h.group("other", "", clerk), h.group("mine too", "")
		h.limit(h.admin, mine)
		h.limit(h.admin, second)
		who := h.is(h.admin)

		page, more, err := h.Groups.List(t.Context(), who, "", "")
		if err != nil || more || len(page) != 2 || page[0].ID != mine || page[1].ID != second {
			t.Errorf("List = %+v, %v, %v", page, more, err)
		}
		if _, err := h.Groups.Find(t.Context(), who, other); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
			t.Errorf("Find of a group outside = %v", err)
		}
		if id, err := h.Groups.Person(t.Context(), who, " Agent@alder.example"); err != nil || id != agent.ID {
			t.Errorf("Person inside = %q, %v", id, err)
		}
		for _, name := range []string{clerk.Name, "nobody@alder.example", "no name", "agent@birch.example"} {
			_, err := h.Groups.Person(t.Context(), who, name)
			wantField(t, "Person "+name, err, "name", "group.nobody")
		}

		// People are moved among the groups that one has, and not into them.
		h.does(h.admin, group.KindAddMember, agent, in(second))
		h.does(h.admin, group.KindRemoveMember, agent, in(second))
		h.refused("http.not_found", h.admin, group.KindAddMember, clerk, in(mine))
		h.refused("http.not_found", h.admin, group.KindAddMember, agent, in(other))
		h.refused("http.not_found", h.admin, group.KindRename, nobody, group.Renaming{Group: other, Name: "x"})
		h.refused("access.scope", h.admin, group.KindCreate, nobody, group.New("x"))

		// The helpdesk that is limited to a group moves nobody at all.
		h.limit(h.desk, mine)
		h.refused("http.not_found", h.desk, group.KindAddMember, clerk, in(mine))
		h.refused("access.forbidden", h.desk, group.KindRemoveMember, agent, in(mine))
	})
}

func TestAGroupThatARoleIsLimitedToCannotBeDeleted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.group("south", "")
		h.limit(h.desk, id)
		h.refused("group.limits_roles", h.admin, group.KindDelete, nobody, group.Deletion{Group: id})
		if g, err := h.Groups.Find(t.Context(), h.is(h.admin), id); err != nil || g.Limits != 1 {
			t.Errorf("Find = %+v, %v", g, err)
		}
		h.does(h.admin, group.KindRename, nobody, group.Renaming{Group: id, Name: "South"}) // that does no harm
		h.Set("DELETE FROM role_scopes")
		h.does(h.admin, group.KindDelete, nobody, group.Deletion{Group: id})
	})
}

func TestARetiredRoleCanBeTakenFromAGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Set(`INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at)
			VALUES (?, 'custom:one', 'Night desk', 'user.lock,session.end', '', ?, ?)`, h.Alder.ID, h.Clock.Now(), h.Clock.Now())
		agent := h.User(h.Alder, "agent")
		id := h.group("night", "", agent)
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id, Role: "custom:one"})
		if got := h.is(agent); got.Name != "Night desk" || !got.May.Has(access.UserLock) {
			t.Errorf("a member is %+v", got)
		}
		roles, err := h.Groups.Carriable(t.Context(), h.is(h.admin))
		if err != nil || fmt.Sprint(roles) != "[{helpdesk } {custom:one Night desk} {helpdesk_lead } {auditor }]" {
			t.Errorf("Carriable = %v, %v", roles, err)
		}
		h.Set("UPDATE custom_roles SET retired_at = ?", h.Clock.Now())
		if g, err := h.Groups.Find(t.Context(), h.is(h.admin), id); err != nil || !g.Retired || g.RoleName != "Night desk" {
			t.Errorf("Find = %+v, %v", g, err)
		}
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id})
	})
}

func TestGroupsAreListedByNamePageByPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range group.PageSize + 3 {
			h.group(fmt.Sprintf("ward %03d", i), "")
		}
		for _, name := range []string{"Ward", "WARD 7", "office", "Ärzte", "100%_"} {
			h.group(name, "")
		}
		who := h.is(h.desk)
		first, more, err := h.Groups.List(t.Context(), who, "ward", "")
		if err != nil || !more || len(first) != group.PageSize || first[0].Name != "WARD 7" || first[1].Name != "Ward" {
			t.Fatalf("the first page has %d, more %t, %v, and begins with %+v", len(first), more, err, first[:2])
		}
		rest, more, err := h.Groups.List(t.Context(), who, "ward", first[len(first)-1].Name)
		if err != nil || more || len(rest) != 5 {
			t.Errorf("the second page has %d, more %t, %v", len(rest), more, err)
		}
		for prefix, want := range map[string]int{"WARD 0": 0, " ward  05 ": 3, "ä": 1, "%": 0, "100%": 1, "100_": 0, "w": group.PageSize, "\xff": 0, "ward 052": 1} {
			page, _, err := h.Groups.List(t.Context(), who, prefix, "")
			if prefix == "WARD 0" {
				want = group.PageSize // small letters are tried as well
			}
			if err != nil && prefix != "\xff" || err == nil && len(page) != want {
				t.Errorf("List(%q) = %d groups, %v; want %d", prefix, len(page), err, want)
			}
		}
		if found, err := h.Groups.Matching(t.Context(), who, "ward", 8); err != nil || len(found) != 8 {
			t.Errorf("Matching = %d, %v", len(found), err)
		}
		birch := h.Admin(h.Birch, "admin", access.RoleTenantAdministrator)
		other := access.Standing{TenantID: h.Birch.ID, UserID: birch.ID}
		if page, _, err := h.Groups.List(t.Context(), other, "", ""); err != nil || len(page) != 0 {
			t.Errorf("another organisation has %d groups, %v", len(page), err)
		}
	})
}

func TestMembersAreListedByNamePageByPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.group("all", "", h.User(h.Alder, "ward"), h.desk)
		for i := range group.PageSize {
			name := fmt.Sprintf("n%03d", i)
			h.Set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", h.Alder.ID, name, name+"@alder.example", h.Clock.Now())
			h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", h.Alder.ID, id, name, name+"@alder.example")
		}
		first, more, err := h.Groups.Members(t.Context(), h.Alder.ID, id, "")
		if err != nil || !more || len(first) != group.PageSize || first[0].Name != h.desk.Name || first[0].AddedAt == nil || first[1].AddedAt != nil {
			t.Fatalf("the first page has %d, more %t, %v", len(first), more, err)
		}
		rest, more, err := h.Groups.Members(t.Context(), h.Alder.ID, id, first[len(first)-1].Name)
		if err != nil || more || len(rest) != 2 || rest[1].Name != "ward@alder.example" {
			t.Errorf("the second page is %+v, more %t, %v", rest, more, err)
		}
		signintest.WantCode(t, "a group that is not there", func() error { _, err := h.Groups.Find(t.Context(), h.is(h.admin), "none"); return err }(), "http.not_found")
	})
}
