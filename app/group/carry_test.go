package group_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/signin/signintest"
	"latchkey/app/user"
)

func in(id string) group.Membership { return group.Membership{Group: id} }

func TestMembersHoldTheRoleOfTheirGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent, clerk := h.User(h.Alder, "agent"), h.User(h.Alder, "clerk")
		id := h.group("desk", "", agent)
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdesk})
		if got := h.is(agent); got.Role != access.RoleHelpdesk || got.Through != id {
			t.Errorf("a member is %+v", got)
		}
		h.does(h.admin, group.KindAddMember, clerk, in(id))
		if got := h.is(clerk).Role; got != access.RoleHelpdesk {
			t.Errorf("who is added is %s", got)
		}
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdeskLead})
		h.does(h.admin, group.KindRemoveMember, clerk, in(id))
		if a, b := h.is(agent).Role, h.is(clerk).Role; a != access.RoleHelpdeskLead || b != access.RoleUser {
			t.Errorf("they are %s and %s, want a lead and a user", a, b)
		}
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id})
		if got := h.is(agent).Role; got != access.RoleUser {
			t.Errorf("without the role of the group a member is %s", got)
		}

		// Each of them is told, and has it in their story.
		for _, c := range []struct {
			of           user.User
			given, taken int
		}{{agent, 2, 1}, {clerk, 2, 1}} {
			if given, taken := h.told(c.of, audit.RoleAssigned), h.told(c.of, audit.RoleTaken); given != c.given || taken != c.taken {
				t.Errorf("%s is told of %d roles given and %d taken, want %d and %d", c.of.Name, given, taken, c.given, c.taken)
			}
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE subject_id = ? AND action IN (?,?)", agent.ID, audit.RoleAssigned, audit.RoleTaken); n != 3 {
			t.Errorf("the story of a member has %d of 3 events", n)
		}
		if n := h.Events(audit.GroupRoleSet); n != 3 {
			t.Errorf("%d events of the group, want 3", n)
		}
	})
}

// TestAGroupWithARoleCountsAsGivingIt goes through who may touch which group.
func TestAGroupWithARoleCountsAsGivingIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent := h.User(h.Alder, "agent")
		desk, admins, securities := h.group("desk", access.RoleHelpdesk), h.group("admins", access.RoleTenantAdministrator, agent), h.group("securities", access.RoleSecurityAdministrator)
		plain := h.group("plain", "")
		clerk := h.User(h.Alder, "clerk")

		// The helpdesk edits no group, with a role or without.
		for _, id := range []string{plain, desk} {
			h.refused("access.forbidden", h.desk, group.KindAddMember, clerk, in(id))
			h.refused("access.forbidden", h.desk, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdesk})
		}
		// Nobody gives or takes their own rank, in whatever way.
		h.refused("access.duty", h.admin, group.KindAddMember, clerk, in(admins))
		h.refused("access.duty", h.admin, group.KindRemoveMember, agent, in(admins))
		h.refused("access.duty", h.admin, group.KindRename, nobody, group.Renaming{Group: admins, Name: "x"})
		h.refused("access.duty", h.admin, group.KindDelete, nobody, group.Deletion{Group: admins, Confirmed: "admins"})
		h.refused("access.duty", h.admin, group.KindSetRole, nobody, group.Carrying{Group: admins})
		h.refused("access.duty", h.admin, group.KindSetRole, nobody, group.Carrying{Group: admins, Role: access.RoleHelpdesk})
		h.refused("access.duty", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: access.RoleTenantAdministrator})
		h.refused("access.duty", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: access.RoleSecurityAdministrator})
		h.refused("access.duty", h.admin, group.KindAddMember, clerk, in(securities))
		// A security administrator may, and for their own rank not alone.
		h.does(h.security, group.KindAddMember, clerk, in(admins))
		h.does(h.security, group.KindRename, nobody, group.Renaming{Group: admins, Name: "Administrators"})
		if out, err := h.try(h.security, group.KindAddMember, clerk, in(securities)); err != nil || !out.Waits() {
			t.Errorf("making a security administrator through a group = %+v, %v, want a request", out, err)
		}
		// Nobody does anything to themselves.
		h.refused("access.self", h.admin, group.KindAddMember, h.admin, in(desk))
		h.refused("access.self", h.admin, group.KindAddMember, h.admin, in(plain))
		h.refused("access.self", h.security, group.KindAddMember, h.security, in(admins))
		// Nor to one of their own rank or above.
		h.refused("access.rank", h.admin, group.KindAddMember, h.admin2, in(desk))
		h.refused("access.rank", h.admin, group.KindAddMember, h.security, in(plain))

		// What there is not is told to those alone who may.
		h.field("role", "role.unknown", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: "emperor"})
		h.field("role", "role.unknown", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: access.RoleOperator})
		h.field("role", "role.unknown", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: access.RoleUser})
		h.field("role", "group.role_already", h.admin, group.KindSetRole, nobody, group.Carrying{Group: plain})
		h.refused("access.forbidden", h.desk, group.KindSetRole, nobody, group.Carrying{Group: plain, Role: "emperor"})
	})
}

func TestARoleForAGroupIsAskedForEachWhoHoldsOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent := h.User(h.Alder, "agent")
		for claim, c := range map[string]struct {
			member user.User
			code   string
		}{
			"with oneself in it":      {h.admin, "access.self"},
			"with an equal in it":     {h.admin2, "access.rank"},
			"with a higher one in it": {h.security, "access.rank"},
			"with the helpdesk in it": {h.desk, ""},
			"with plain people in it": {agent, ""},
			"with nobody in it":       {user.User{}, ""},
		} {
			t.Run(claim, func(t *testing.T) {
				people := []user.User{c.member}
				if c.member.ID == "" {
					people = nil
				}
				id := h.group(claim, "", people...)
				give, take := group.Carrying{Group: id, Role: access.RoleHelpdesk}, group.Deletion{Group: id, Confirmed: claim}
				if c.code == "" {
					h.does(h.admin, group.KindSetRole, nobody, give)
					h.does(h.admin, group.KindDelete, nobody, take)
					return
				}
				h.refused(c.code, h.admin, group.KindSetRole, nobody, give)
				h.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleHelpdesk, id)
				h.refused(c.code, h.admin, group.KindDelete, nobody, take)
				h.refused(c.code, h.admin, group.KindSetRole, nobody, group.Carrying{Group: id})
			})
		}
	})
}

func TestAFourthEyeForSecurityAdministratorsThroughAGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		third := h.Admin(h.Alder, "security3", access.RoleSecurityAdministrator)
		agent := h.User(h.Alder, "agent")
		id := h.group("securities", "", agent, h.security2)
		h.Clock.Forward(73 * time.Hour) // nobody here was made a moment ago
		out, err := h.try(h.security, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleSecurityAdministrator})
		if err != nil || !out.Waits() {
			t.Fatalf("Submit = %+v, %v; want a request", out, err)
		}
		approve := func(by user.User) error {
			return h.Approvals.Approve(t.Context(), h.Alder.ID, out.RequestID, by.ID, approval.Given{})
		}
		signintest.WantCode(t, "the requester approves", approve(h.security), "access.requester")
		signintest.WantCode(t, "a member approves", approve(h.security2), "access.target")
		signintest.WantCode(t, "an administrator of a lower rank approves", approve(h.admin), "access.rank")

		// Somebody who was not in sight joins: the request is void.
		late := h.User(h.Alder, "late")
		h.does(h.admin, group.KindAddMember, late, in(id))
		signintest.WantCode(t, "a third one approves what has changed", approve(third), "approval.void")
		if got := h.is(agent).Role; got != access.RoleUser {
			t.Errorf("a member is %s", got)
		}

		h.does(h.admin, group.KindRemoveMember, late, in(id))
		if out, err = h.try(h.security, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleSecurityAdministrator}); err != nil {
			t.Fatal(err)
		}
		if err := approve(third); err != nil {
			t.Fatalf("Approve = %v", err)
		}
		if got := h.is(agent).Role; got != access.RoleSecurityAdministrator {
			t.Errorf("after approval a member is %s", got)
		}
	})
}

func TestTheLastAdministratorsStayThoughTheyHoldTheirRoleThroughAGroup(t *testing.T) {
	signintest.Each(t, func(s *signintest.House) {
		h, t := build(s), s.T
		root, root2 := h.Admin(h.Alder, "root", access.RoleSecurityAdministrator), h.Admin(h.Alder, "root2", access.RoleSecurityAdministrator)
		agent, clerk := h.User(h.Alder, "agent"), h.User(h.Alder, "clerk")
		id := h.group("admins", access.RoleTenantAdministrator, agent, clerk)
		// Of four who can sign in, the two with a role of their own cannot any more.
		h.Lock(root2)
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", root.ID)

		h.refused("role.two_administrators", root, group.KindRemoveMember, agent, in(id))
		h.refused("role.two_administrators", root, group.KindDelete, nobody, group.Deletion{Group: id, Confirmed: "admins"})
		h.refused("role.two_administrators", root, group.KindSetRole, nobody, group.Carrying{Group: id})
		h.refused("role.two_administrators", root, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdesk})
		if h.is(agent).Role != access.RoleTenantAdministrator || h.members(id) != 2 {
			t.Error("something has changed")
		}

		// A third one makes it possible, and of two at once one is refused.
		cook := h.User(h.Alder, "cook")
		h.does(root, group.KindAddMember, cook, in(id))
		people := []user.User{agent, clerk, cook}
		errs := signintest.AtOnce(3, func(i int) error {
			_, err := h.try(root, group.KindRemoveMember, people[i], in(id))
			return err
		})
		if got := signintest.Tally(errs); got["done"] != 1 || got["role.two_administrators"] != 2 {
			t.Errorf("three removals at once = %v", got)
		}
	})
}

func TestNobodyJoinsAGroupUnaskedWhileItIsGivenARole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 8 {
			agent := h.User(h.Alder, fmt.Sprintf("agent%d", i))
			id := h.group(agent.Name, "")
			errs := signintest.AtOnce(2, func(i int) error {
				if i == 0 { // may put people into a plain group alone
					_, err := h.try(h.admin, group.KindAddMember, agent, in(id))
					return err
				}
				_, err := h.try(h.security, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleTenantAdministrator})
				return err
			})
			for i, err := range errs {
				if f := fault.Of(err); err != nil && (f == nil || f.Code != "access.duty" && f.Code != "group.changed") {
					t.Errorf("act %d = %v", i, err)
				}
			}
			// Whoever is in it now was seen by who gave the role.
			if h.is(agent).Role != access.RoleUser && h.told(agent, audit.RoleAssigned) != 1 {
				t.Errorf("%s got a role unasked: %v", agent.Name, errs)
			}
		}
	})
}

func TestAGroupWithARoleStaysSmall(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.group("many", "")
		h.Set(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at)
			WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT ?, 'n' || i, 'n' || i || '@alder.example', '', 'active', 'disabled', '', ? FROM n`,
			h.Alder.ID, h.Clock.Now())
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, ?, id, name FROM users WHERE id LIKE 'n%@%' OR (length(id) < 6 AND tenant_id = ?)", id, h.Alder.ID)
		if n := h.members(id); n != 1200 {
			t.Fatalf("%d members", n)
		}
		if g, err := h.Groups.Find(t.Context(), h.is(h.admin), id); err != nil || g.Members != group.CountMost+1 {
			t.Errorf("Find = %+v, %v; want more members than are counted", g, err)
		}
		h.refused("group.too_many_carriers", h.admin, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdesk})
		h.Set("DELETE FROM group_members WHERE user_name > 'n3' AND group_id = ?", id)
		n := h.members(id)
		h.does(h.admin, group.KindSetRole, nobody, group.Carrying{Group: id, Role: access.RoleHelpdesk})
		if told := h.Count("SELECT count(*) FROM notices"); told != n {
			t.Errorf("%d of %d are told", told, n)
		}
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, ?, id, name FROM users WHERE length(id) < 6 AND name > 'n4' LIMIT ?", id, group.CarriersMost-n)
		h.refused("group.too_many_carriers", h.admin, group.KindAddMember, h.User(h.Alder, "agent"), in(id))
	})
}

// TestAGroupThatAWayInIsForKeepsTheLastAdministrators: the password is for its
// members alone, and nothing else signs them in.
func TestAGroupThatAWayInIsForKeepsTheLastAdministrators(t *testing.T) {
	signintest.Each(t, func(s *signintest.House) {
		h, t := build(s), s.T
		root := h.Admin(h.Alder, "root", access.RoleSecurityAdministrator)
		var people []user.User
		for _, name := range []string{"admin", "admin2", "admin3"} {
			people = append(people, h.Admin(h.Alder, name, access.RoleTenantAdministrator))
		}
		person := h.User(h.Alder, "person")
		id := h.group("desks", "", append(people, person)...)
		h.Set("INSERT INTO method_groups (tenant_id, way, group_id) VALUES (?,?,?)", h.Alder.ID, user.WithPassword, id)
		h.Set("UPDATE tenants SET limited_ways = ? WHERE id = ?", user.WithPassword, h.Alder.ID)

		joins := h.User(h.Alder, "joins")
		if out, err := h.try(root, group.KindAddMember, joins, in(id)); err != nil || !out.Waits() {
			t.Errorf("one more is let in by that way, and nobody else sees it: %+v, %v", out, err)
		}
		h.refused("group.in_policy", root, group.KindDelete, nobody, group.Deletion{Group: id, Confirmed: "desks"})
		h.does(root, group.KindRemoveMember, person, in(id))
		errs := signintest.AtOnce(3, func(i int) error {
			_, err := h.try(root, group.KindRemoveMember, people[i], in(id))
			return err
		})
		if got := signintest.Tally(errs); got["done"] != 1 || got["role.two_administrators"] != 2 || h.members(id) != 2 {
			t.Errorf("three removals at once = %v, and %d are left", got, h.members(id))
		}
	})
}
