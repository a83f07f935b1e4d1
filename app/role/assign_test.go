package role_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/role"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestARoleIsGivenWithinGroupsForATime, told to the person, and ends by itself.
func TestARoleIsGivenWithinGroupsForATime(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		one, two := h.group(h.Alder, "one"), h.group(h.Alder, "two")
		h.does(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: access.RoleHelpdesk, Groups: []string{two, one, two}, EndsAt: h.later(8 * time.Hour)}))
		got := h.standing(h.u)
		if got.Role != access.RoleHelpdesk || len(got.Scope) != 2 || !got.EndsAt.Equal(*h.later(8 * time.Hour)) {
			t.Errorf("they are %+v", got)
		}
		if n := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND subject_id = ? AND actor_id = ? AND reason = 'a story'", audit.RoleAssigned, h.u.ID, h.admin.ID); n != 1 {
			t.Errorf("%d events", n)
		}
		if got := h.Text("SELECT action || ' ' || by_role || ' ' || detail || ' ' || reason FROM notices WHERE user_id = ?", h.u.ID); got != "role.assigned tenant_administrator helpdesk a story" {
			t.Errorf("they are told %q", got)
		}

		// Another role takes its place, with its own groups and its own end.
		h.does(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: access.RoleHelpdeskLead, Groups: []string{one}}))
		if got := h.standing(h.u); got.Role != access.RoleHelpdeskLead || !slices.Equal(got.Scope, []string{one}) || !got.EndsAt.IsZero() {
			t.Errorf("after another one they are %+v", got)
		}
		h.does(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: access.RoleAuditor, EndsAt: h.later(time.Hour)}))
		if got := h.standing(h.u); got.Role != access.RoleAuditor || len(got.Scope) != 0 {
			t.Errorf("for the whole organisation they are %+v", got)
		}
		h.Clock.Forward(time.Hour - time.Microsecond)
		h.is("before the last instant", h.u, access.RoleAuditor)
		h.Clock.Forward(time.Microsecond)
		h.is("at the end", h.u, access.RoleUser)
		_, err := h.submit(act(role.KindTake, h.admin, h.u, nil))
		WantCode(t, "taking what has ended", err, "role.none")

		// The sweep puts it away, once, with its event.
		h.give(h.u, access.RoleAuditor)
		h.Set("UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", h.Clock.Now(), h.u.ID)
		h.Set("DELETE FROM notices")
		replicas := []*House{h.House, h.Replica()}
		for _, err := range AtOnce(6, func(i int) error {
			sweeper := *h.roles
			sweeper.DB = replicas[i%2].DB
			return sweeper.Lapse(t.Context())
		}) {
			if err != nil {
				t.Errorf("Lapse = %v", err)
			}
		}
		if told := h.Text("SELECT action || ' ' || by_role || ' ' || detail FROM notices WHERE user_id = ?", h.u.ID); told != "role.ended  auditor" || h.Count("SELECT count(*) FROM notices") != 1 {
			t.Errorf("of the end they are told %q, and %d notices are left", told, h.Count("SELECT count(*) FROM notices"))
		}
		if n, events := h.Count("SELECT count(*) FROM role_assignments WHERE user_id = ?", h.u.ID), h.Events(audit.RoleEnded); n != 0 || events != 1 {
			t.Errorf("after the sweep %d rows and %d events", n, events)
		}
		if h.security() != 2 {
			t.Error("the sweep took a role that has no end")
		}
	})
}

func TestARoleIsTaken(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.does(act(role.KindTake, h.admin, h.desk, nil))
		h.is("taken", h.desk, access.RoleUser)
		if n := h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", h.desk.ID, audit.RoleTaken); n != 1 || h.Events(audit.RoleTaken) != 1 {
			t.Errorf("%d notices, %d events", n, h.Events(audit.RoleTaken))
		}
		_, err := h.submit(act(role.KindTake, h.admin, h.desk, nil))
		WantCode(t, "taking it again", err, "role.none")

		// Of many who take it at once, one does.
		h.give(h.desk, access.RoleHelpdesk)
		tally := Tally(AtOnce(8, func(int) error {
			_, err := h.submit(act(role.KindTake, h.admin, h.desk, nil))
			return err
		}))
		if tally["done"] != 1 || tally["done"]+tally["role.none"]+tally["role.changed_meanwhile"] != 8 {
			t.Errorf("eight at once: %v", tally)
		}
	})
}

// TestWhatIsWrongWithAnAssignment is told beside its field, all of it at once,
// and nothing changes.
func TestWhatIsWrongWithAnAssignment(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		one, theirs := h.group(h.Alder, "one"), h.group(h.Birch, "theirs")
		var many []string
		for i := range role.GroupsMost + 1 {
			many = append(many, fmt.Sprint(i))
		}
		h.give(h.desk, access.RoleHelpdesk, one)
		for _, c := range []struct {
			claim  string
			a      role.Assignment
			fields string
		}{
			{"no such role", role.Assignment{Role: "emperor"}, "role: role.unknown"},
			{"the role of everybody", role.Assignment{Role: access.RoleUser}, "role: role.unknown"},
			{"the role of the platform", role.Assignment{Role: access.RoleOperator}, "role: role.unknown"},
			{"no such custom role", role.Assignment{Role: "custom:none"}, "role: role.unknown"},
			{"an end that is over", role.Assignment{Role: access.RoleAuditor, EndsAt: h.later(0)}, "ends_at: role.ends_at_form"},
			{"an end too far away", role.Assignment{Role: access.RoleAuditor, EndsAt: h.later(366*24*time.Hour + time.Microsecond)}, "ends_at: role.ends_at_form"},
			{"another organisation's group", role.Assignment{Role: access.RoleAuditor, Groups: []string{one, theirs}}, "groups: group.unknown"},
			{"no such group", role.Assignment{Role: access.RoleAuditor, Groups: []string{"none"}}, "groups: group.unknown"},
			{"too many groups", role.Assignment{Role: access.RoleAuditor, Groups: many}, "groups: role.groups_many"},
			{"a security administrator of some groups", role.Assignment{Role: access.RoleSecurityAdministrator, Groups: []string{one}}, "groups: role.not_limited"},
			{"what it is already", role.Assignment{Role: access.RoleHelpdesk, Groups: []string{one}}, "role: role.same"},
			{
				"everything at once",
				role.Assignment{Role: access.RoleSecurityAdministrator, Groups: []string{"none"}, EndsAt: h.later(-time.Hour)},
				"ends_at: role.ends_at_form, groups: group.unknown",
			},
		} {
			_, err := h.submit(act(role.KindAssign, h.chief, h.desk, c.a))
			// A role that there is not is one that nobody may give: that comes first.
			if c.fields == "role: role.unknown" {
				if !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s: %v, want fault.Forbidden", c.claim, err)
				}
				continue
			}
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid {
				t.Errorf("%s: %v, want fault.Invalid", c.claim, err)
				continue
			}
			var got []string
			for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
				got = append(got, field+": "+f.Fields[field])
			}
			if strings.Join(got, ", ") != c.fields {
				t.Errorf("%s: %v, want %s", c.claim, got, c.fields)
			}
		}
		if got := h.standing(h.desk); got.Role != access.RoleHelpdesk || !slices.Equal(got.Scope, []string{one}) || h.Events(audit.RoleAssigned) != 4 {
			t.Errorf("something has changed: %+v, %d events", got, h.Events(audit.RoleAssigned))
		}
	})
}

// TestWhoMayGiveWhat: below one's own rank, to somebody below it, not to oneself,
// nobody elsewhere; a refusal is remembered.
func TestWhoMayGiveWhat(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		in, outside := h.User(h.Alder, "in"), h.User(h.Alder, "outside")
		other := h.Admin(h.Alder, "other", access.RoleTenantAdministrator)
		group, elsewhere := h.group(h.Alder, "in", in), h.group(h.Alder, "elsewhere", outside)
		limited := h.Admin(h.Alder, "limited", access.RoleTenantAdministrator)
		h.give(limited, access.RoleTenantAdministrator, group)
		stranger := h.User(h.Birch, "stranger")
		for _, c := range []struct {
			claim  string
			by, to user.User
			a      role.Assignment
			code   string
		}{
			{"one's own rank", h.admin, h.u, role.Assignment{Role: access.RoleTenantAdministrator}, "access.duty"},
			{"above", h.admin, h.u, role.Assignment{Role: access.RoleSecurityAdministrator}, "access.duty"},
			{"to oneself", h.admin, h.admin, role.Assignment{Role: access.RoleHelpdesk}, "access.self"},
			{"to oneself, as the highest", h.chief, h.chief, role.Assignment{Role: access.RoleHelpdesk}, "access.self"},
			{"to an equal", h.admin, other, role.Assignment{Role: access.RoleHelpdesk}, "access.rank"},
			{"to one above", h.admin, h.chief, role.Assignment{Role: access.RoleHelpdesk}, "access.rank"},
			{"by the helpdesk", h.desk, h.u, role.Assignment{Role: access.RoleHelpdesk}, "access.forbidden"},
			{"by a user", h.u, in, role.Assignment{Role: access.RoleHelpdesk}, "access.forbidden"},
			{"to one of another organisation", h.chief, user.User{ID: stranger.ID}, role.Assignment{Role: access.RoleHelpdesk}, "http.not_found"},
			{"to nobody", h.chief, user.User{ID: "none"}, role.Assignment{Role: access.RoleHelpdesk}, "http.not_found"},
			{"to one outside the groups", limited, outside, role.Assignment{Role: access.RoleHelpdesk, Groups: []string{group}}, "http.not_found"},
			{"beyond one's own groups", limited, in, role.Assignment{Role: access.RoleHelpdesk}, "access.duty"},
			{"for a group that is not one's own", limited, in, role.Assignment{Role: access.RoleHelpdesk, Groups: []string{group, elsewhere}}, "access.duty"},
			{"within one's own groups", limited, in, role.Assignment{Role: access.RoleHelpdesk, Groups: []string{group}}, ""},
			{"below", h.admin, h.u, role.Assignment{Role: access.RoleAuditor}, ""},
		} {
			before := h.Events(audit.AccessRefused)
			_, err := h.submit(act(role.KindAssign, c.by, c.to, c.a))
			if c.code == "" {
				if err != nil {
					t.Errorf("%s: %v", c.claim, err)
				}
				continue
			}
			WantCode(t, c.claim, err, c.code)
			if h.Events(audit.AccessRefused) != before+1 {
				t.Errorf("%s: the refusal is not remembered", c.claim)
			}
		}
		// The role that somebody has counts like the one that they get: who reaches
		// further than the actor keeps it.
		h.give(in, access.RoleHelpdesk)
		for claim, a := range map[string]struct {
			kind any
			code string
		}{
			"lowering one whose role reaches further": {role.Assignment{Role: access.RoleHelpdesk, Groups: []string{group}}, "access.duty"},
		} {
			_, err := h.submit(act(role.KindAssign, limited, in, a.kind))
			WantCode(t, claim, err, a.code)
		}
		_, err := h.submit(act(role.KindTake, limited, in, nil))
		WantCode(t, "taking one that reaches further", err, "access.duty")
	})
}

// TestASecurityAdministratorIsMadeByTwo: neither by one, nor by the wrong two.
func TestASecurityAdministratorIsMadeByTwo(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		promoted := h.Admin(h.Alder, "promoted", access.RoleSecurityAdministrator)
		h.Set("UPDATE role_assignments SET assigned_by = ?, assigned_at = ? WHERE user_id = ?", h.chief.ID, h.Clock.Now().Add(-72*time.Hour+time.Microsecond), promoted.ID)
		created := h.Admin(h.Alder, "created", access.RoleSecurityAdministrator)
		h.Set("UPDATE users SET created_by = ?, created_at = ? WHERE id = ?", h.chief.ID, h.Clock.Now(), created.ID)
		h.give(created, access.RoleSecurityAdministrator)

		request := h.waits(act(role.KindAssign, h.chief, h.u, role.Assignment{Role: access.RoleSecurityAdministrator}))
		h.is("while it waits", h.u, access.RoleUser)
		_, err := h.submit(act(role.KindAssign, h.chief, h.u, role.Assignment{Role: access.RoleSecurityAdministrator}))
		WantCode(t, "the same act again", err, "approval.waits_already")
		for _, c := range []struct {
			by   user.User
			code string
		}{
			{h.chief, "access.requester"},
			{h.u, "http.not_found"},
			{h.desk, "http.not_found"},
			{h.admin, "access.rank"},
			{promoted, "access.made"},
			{created, "access.made"},
		} {
			WantCode(t, "approved by "+c.by.Name, h.approve(request, c.by), c.code)
			h.is("refused", h.u, access.RoleUser)
		}
		h.Clock.Forward(time.Microsecond) // 72 hours after the promotion
		if err := h.approve(request, promoted); err != nil {
			t.Errorf("approved after 72 hours: %v", err)
		}
		h.is("approved", h.u, access.RoleSecurityAdministrator)
		WantCode(t, "approved twice", h.approve(request, h.second), "approval.decided")

		// The target decides nothing that is done to them.
		request = h.waits(act(role.KindTake, h.chief, h.second, nil))
		WantCode(t, "approved by the target", h.approve(request, h.second), "access.target")
		WantCode(t, "approved by one whom the requester just promoted", h.approve(request, h.u), "access.made")
		if err := h.approve(request, promoted); err != nil {
			t.Errorf("approved by a third: %v", err)
		}
		h.is("taken", h.second, access.RoleUser)

		// Who has lost their role since cannot have asked for it.
		request = h.waits(act(role.KindAssign, promoted, h.desk, role.Assignment{Role: access.RoleSecurityAdministrator}))
		h.give(promoted, access.RoleAuditor)
		WantCode(t, "the requester was lowered", h.approve(request, h.chief), "approval.void")
		h.is("void", h.desk, access.RoleHelpdesk)
		request = h.waits(act(role.KindAssign, h.chief, h.desk, role.Assignment{Role: access.RoleSecurityAdministrator}))
		h.give(h.desk, access.RoleHelpdeskLead)
		WantCode(t, "the person has another role now", h.approve(request, created), "access.made")
		h.Set("UPDATE users SET created_by = '' WHERE id = ?", created.ID)
		WantCode(t, "the person has another role now", h.approve(request, created), "approval.void")
	})
}

// TestWhoIsDemotedDoesNothingMore: on no replica, though its table is old.
func TestWhoIsDemotedDoesNothingMore(t *testing.T) {
	each(t, func(h *house) {
		t, two := h.T, h.beside()
		h.give(h.admin, access.RoleHelpdesk)
		if two.Rules.Allow(h.Alder.ID, h.admin.ID, access.RoleAssign) != nil {
			t.Fatal("the table of the other replica was read again, so this proves nothing")
		}
		_, err := two.submit(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: access.RoleHelpdesk}))
		WantCode(t, "an act of one who was demoted", err, "access.forbidden")

		// At the same moment on two replicas: either before or not at all.
		for i := range 40 {
			h.give(h.admin, access.RoleTenantAdministrator)
			target := user.User{ID: secret.System.ID()}
			h.Set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)",
				h.Alder.ID, target.ID, fmt.Sprintf("new%d@alder.example", i), h.Clock.Now())
			errs := AtOnce(2, func(i int) error {
				if i == 0 {
					_, err := h.submit(act(role.KindTake, h.chief, h.admin, nil))
					return err
				}
				_, err := two.submit(act(role.KindAssign, h.admin, target, role.Assignment{Role: access.RoleHelpdesk}))
				return err
			})
			if errs[0] != nil {
				t.Fatalf("the role was not taken: %v", errs[0])
			}
			if errs[1] != nil && !errors.Is(errs[1], fault.Forbidden) {
				t.Fatalf("the act of the one who was demoted: %v", errs[1])
			}
			if given := h.Count("SELECT count(*) FROM role_assignments WHERE user_id = ?", target.ID); (given == 1) != (errs[1] == nil) {
				t.Fatalf("%v, and %d rows", errs[1], given)
			}
		}
	})
}
