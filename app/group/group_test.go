package group_test

import (
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/signin/signintest"
)

func wantField(t testing.TB, what string, err error, field, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Fields[field] != code {
		t.Errorf("%s = %v, want %s for %s", what, err, code, field)
	}
}

func TestNamesOfGroups(t *testing.T) {
	for typed, want := range map[string]string{
		"pilot":                     "pilot",
		"  Night   shift \t":        "Night shift",
		"Größe 5 – Süd":             "Größe 5 – Süd",
		"":                          "",
		" \n ":                      "",
		"one;two":                   "",
		"bell\a":                    "",
		"broken\xff":                "",
		"zero\u200bwidth":           "",
		strings.Repeat("ä", 80):     strings.Repeat("ä", 80),
		strings.Repeat("a", 81):     "",
		"a\nb":                      "a b",
		"right\u202eto left":        "",
		"=cmd|' /C calc'!A0":        "=cmd|' /C calc'!A0", // a name like others; who writes a table minds it
		"<script>alert(1)</script>": "<script>alert(1)</script>",
	} {
		if got := group.Name(typed); got != want {
			t.Errorf("Name(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestAGroupFromFirstToLast(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent := h.User(h.Alder, "agent")
		made := group.New(" Night  shift")
		h.does(h.admin, group.KindCreate, nobody, made)
		h.does(h.admin, group.KindAddMember, agent, group.Membership{Group: made.ID})
		h.field("name", "group.member_already", h.admin, group.KindAddMember, agent, group.Membership{Group: made.ID})
		h.does(h.admin, group.KindRename, nobody, group.Renaming{Group: made.ID, Name: "Day shift"})

		g, err := h.Groups.Find(t.Context(), h.is(h.desk), made.ID)
		if err != nil || g.Name != "Day shift" || g.Members != 1 || g.CreatedBy != h.admin.Name {
			t.Errorf("Find = %+v, %v", g, err)
		}
		people, more, err := h.Groups.Members(t.Context(), h.Alder.ID, made.ID, "")
		if err != nil || more || len(people) != 1 || people[0].Name != agent.Name || people[0].AddedBy != h.admin.Name || !people[0].AddedAt.Equal(h.Clock.Now()) {
			t.Errorf("Members = %+v, %v, %v", people, more, err)
		}

		h.field("confirmed", "group.confirm_name", h.admin, group.KindDelete, nobody, group.Deletion{Group: made.ID})
		h.field("confirmed", "group.confirm_name", h.admin, group.KindDelete, nobody, group.Deletion{Group: made.ID, Confirmed: "Night shift"})
		h.does(h.admin, group.KindRemoveMember, agent, group.Membership{Group: made.ID})
		h.refused("group.member_none", h.admin, group.KindRemoveMember, agent, group.Membership{Group: made.ID})
		h.does(h.admin, group.KindAddMember, agent, group.Membership{Group: made.ID})
		h.does(h.admin, group.KindDelete, nobody, group.Deletion{Group: made.ID, Confirmed: "Day shift "})
		h.refused("http.not_found", h.admin, group.KindDelete, nobody, group.Deletion{Group: made.ID})

		for action, want := range map[audit.Action]int{
			audit.GroupCreated: 1, audit.GroupRenamed: 1, audit.GroupMemberAdded: 2, audit.GroupMemberRemoved: 1, audit.GroupDeleted: 1, audit.GroupRoleSet: 0,
		} {
			if got := h.Events(action); got != want {
				t.Errorf("%d events %s, want %d", got, action, want)
			}
		}
		// Whoever is put into a group or taken out of it is told, by which name it had then.
		// A group that is gone is nobody's business but its administrators'.
		for action, want := range map[audit.Action]int{audit.GroupMemberAdded: 2, audit.GroupMemberRemoved: 1} {
			if got := h.told(agent, action); got != want {
				t.Errorf("%d notices %s, want %d", got, action, want)
			}
		}
		if n := h.Count("SELECT count(*) FROM notices"); n != 3 {
			t.Errorf("%d notices in all, want 3", n)
		}
		if got := h.Text("SELECT by_role || ' ' || reason || ' ' || detail FROM notices WHERE user_id = ? AND action = ?", agent.ID, audit.GroupMemberRemoved); got !=
			"tenant_administrator for a story Day shift" {
			t.Errorf("who is taken out is told %q", got)
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND subject_id = ? AND target_id = ? AND reason = 'for a story'", audit.GroupMemberAdded, agent.ID, made.ID); n != 2 {
			t.Errorf("the story of the person has %d of 2 events", n)
		}
	})
}

func TestEveryActOnAGroupNeedsAReason(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent := h.User(h.Alder, "agent")
		id := h.group("pilot", "", h.desk)
		for kind, parameters := range map[string]any{
			"group.create": group.New("other"), "group.rename": group.Renaming{Group: id, Name: "other"}, "group.delete": group.Deletion{Group: id, Confirmed: "pilot"},
			"group.add_member": group.Membership{Group: id}, "group.set_role": group.Carrying{Group: id, Role: access.RoleHelpdesk},
		} {
			act := h.actOf(kind, agent)
			act.Reason = " "
			_, err := h.Approvals.Submit(t.Context(), act.With(parameters))
			wantField(t, kind, err, "reason", "approval.reason_missing")
		}
	})
}

func TestANameIsTakenOnceInAnOrganisation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.does(h.admin, group.KindCreate, nobody, group.New("Pilot"))
		for _, name := range []string{"Pilot", "pilot", " PILOT "} {
			h.field("name", "group.name_taken", h.admin, group.KindCreate, nobody, group.New(name))
		}
		h.field("name", "group.name_form", h.admin, group.KindCreate, nobody, group.New(" ;"))
		other := h.group("office", "")
		h.field("name", "group.name_taken", h.admin, group.KindRename, nobody, group.Renaming{Group: other, Name: "pilot"})
		h.does(h.admin, group.KindRename, nobody, group.Renaming{Group: other, Name: "OFFICE"}) // its own, written otherwise

		birch := h.Admin(h.Birch, "admin", access.RoleTenantAdministrator)
		h.does(birch, group.KindCreate, nobody, group.New("pilot"))

		errs := signintest.AtOnce(6, func(int) error {
			_, err := h.try(h.admin, group.KindCreate, nobody, group.New("at once"))
			return err
		})
		if got := signintest.Tally(errs); got["done"] != 1 || got["form.wrong"] != 5 {
			t.Errorf("six at once = %v", got)
		}
	})
}

func TestOfTwoWhoAddTheSamePersonAtOnceOneDoes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		agent := h.User(h.Alder, "agent")
		id := h.group("pilot", access.RoleHelpdesk)
		errs := signintest.AtOnce(6, func(int) error {
			_, err := h.try(h.admin, group.KindAddMember, agent, group.Membership{Group: id})
			return err
		})
		if got := signintest.Tally(errs); got["done"] != 1 || got["form.wrong"] != 5 {
			t.Errorf("six at once = %v", got)
		}
		if h.members(id) != 1 || h.Events(audit.GroupMemberAdded) != 1 || h.told(agent, audit.RoleAssigned) != 1 {
			t.Error("it was done more than once, or not told")
		}
	})
}

func TestGroupsOfAnotherOrganisationAreNotThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		id := h.group("pilot", "", h.User(h.Alder, "agent"))
		birch, clerk := h.Admin(h.Birch, "security", access.RoleSecurityAdministrator), h.User(h.Birch, "clerk")
		for kind, parameters := range map[string]any{
			"group.rename": group.Renaming{Group: id, Name: "other"}, "group.delete": group.Deletion{Group: id, Confirmed: "pilot"},
			"group.add_member": group.Membership{Group: id}, "group.remove_member": group.Membership{Group: id},
			"group.set_role": group.Carrying{Group: id, Role: access.RoleHelpdesk},
		} {
			act := h.actOf(kind, clerk)
			act.TenantID, act.ActorID = birch.TenantID, birch.ID
			_, err := h.Approvals.Submit(t.Context(), act.With(parameters))
			signintest.WantCode(t, kind+" by somebody of another organisation", err, "http.not_found")

			act.TenantID = h.Alder.ID // and there they are nobody
			_, err = h.Approvals.Submit(t.Context(), act.With(parameters))
			if fault.Of(err) == nil || fault.Of(err).Kind != fault.Forbidden && fault.Of(err).Kind != fault.NotFound {
				t.Errorf("%s in another organisation = %v", kind, err)
			}
		}
		// Nor can somebody of another organisation be put into a group.
		h.refused("http.not_found", h.admin, group.KindAddMember, clerk, group.Membership{Group: id})
		if h.members(id) != 1 || h.Text("SELECT name FROM groups WHERE id = ?", id) != "pilot" {
			t.Error("something has changed")
		}
	})
}
