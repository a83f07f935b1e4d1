package role_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/role"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// custom gives the one custom role of alder with a name.
func (h *house) custom(name string) role.CustomRole {
	h.T.Helper()
	all, err := h.roles.Customs(h.T.Context(), h.Alder.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	h.T.Fatalf("there is no custom role %q among %v", name, all)
	return role.CustomRole{}
}

func compose(by user.User, name string, permissions ...access.Permission) approval.Act {
	return act(role.KindCompose, by, user.User{}, role.Custom{Name: name, Permissions: permissions})
}

// changed is an act that makes another one of c.
func changed(by user.User, c role.CustomRole, name string, permissions ...access.Permission) approval.Act {
	return act(role.KindChange, by, user.User{}, role.Custom{ID: c.ID, Name: name, Permissions: permissions, Version: c.Version})
}

func retire(by user.User, c role.CustomRole) approval.Act {
	return act(role.KindRetire, by, user.User{}, role.Custom{ID: c.ID, Version: c.Version})
}

// TestTheLifeOfACustomRole: composed, given, changed, retired.
func TestTheLifeOfACustomRole(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.does(compose(h.chief, "  Phone   desk ", access.SessionEnd, access.UserLock, access.UserLock))
		c := h.custom("Phone desk")
		if !strings.HasPrefix(string(c.ID), access.CustomPrefix) || c.Rank != 40 || c.Version != 1 ||
			!slices.Equal(c.Permissions, []access.Permission{access.UserLock, access.SessionEnd}) {
			t.Errorf("composed is %+v", c)
		}
		h.does(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: c.ID}))
		got := h.standing(h.u)
		if got.Role != c.ID || got.Name != "Phone desk" || !got.May.Has(access.UserLock) || got.May.Has(access.AuditRead) || got.Rank != 40 {
			t.Errorf("its holder is %+v", got)
		}
		if told := h.Text("SELECT detail FROM notices WHERE user_id = ?", h.u.ID); told != "custom:Phone desk" {
			t.Errorf("its holder is told %q", told)
		}

		// Less, or another name: at once. More, for one who holds it: by two.
		member := h.User(h.Alder, "member")
		h.Set("UPDATE groups SET role = ? WHERE id = ?", c.ID, h.group(h.Alder, "phones", member, h.u, h.desk))
		told := func(u user.User, action audit.Action) int {
			return h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = 'custom:Phone desk' AND reason = 'a story'", u.ID, action)
		}
		h.does(changed(h.chief, c, "Phone desk", access.UserLock))
		if told(h.u, audit.RoleChanged) != 1 || told(member, audit.RoleChanged) != 1 || told(h.desk, audit.RoleChanged) != 0 {
			t.Error("not all who hold it are told that it has changed, by themselves or by their group, or others are")
		}
		if c = h.custom("Phone desk"); c.Version != 2 || c.Holders != 1 || h.standing(h.u).May.Has(access.SessionEnd) {
			t.Errorf("reduced is %+v", c)
		}
		request := h.waits(changed(h.chief, c, "Phone desk", access.UserLock, access.RoleAssign))
		if h.standing(h.u).Rank != 40 {
			t.Error("it gave more before anybody has approved")
		}
		WantCode(t, "approved by the requester", h.approve(request, h.chief), "access.requester")
		if err := h.approve(request, h.second); err != nil {
			t.Fatalf("approved: %v", err)
		}
		if got := h.standing(h.u); got.Rank != 60 || !got.May.Has(access.RoleAssign) {
			t.Errorf("with more its holder is %+v", got)
		}
		_, err := h.submit(act(role.KindTake, h.admin, h.u, nil))
		WantCode(t, "taken by one of its rank", err, "access.rank")

		h.does(retire(h.chief, h.custom("Phone desk")))
		h.is("retired", h.u, access.RoleUser)
		if told(h.u, audit.RoleTaken) != 1 || told(member, audit.RoleTaken) != 1 || told(h.desk, audit.RoleTaken) != 0 {
			t.Error("not all who held it are told that it was taken, by themselves or by their group, or others are")
		}
		_, err = h.roles.Custom(t.Context(), h.Alder.ID, c.ID)
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("a retired role is found: %v", err)
		}
		_, err = h.submit(act(role.KindAssign, h.chief, h.u, role.Assignment{Role: c.ID}))
		WantCode(t, "giving a retired role", err, "access.duty")
		h.does(compose(h.chief, "Phone desk", access.UserLock)) // its name is free again
		for action, want := range map[audit.Action]int{audit.RoleComposed: 2, audit.RoleChanged: 2, audit.RoleRetired: 1, audit.RoleTaken: 2} {
			if got := h.Events(action); got != want {
				t.Errorf("%s: %d events, want %d", action, got, want)
			}
		}
		if got := h.Text("SELECT reason || ' ' || target_kind || ' ' || target_id FROM audit_events WHERE action = ?", audit.RoleRetired); got != "a story role "+string(c.ID) {
			t.Errorf("the event of the end is %q", got)
		}
	})
}

func TestWhatIsWrongWithACustomRole(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.does(compose(h.chief, "Night desk", access.UserLock))
		c := h.custom("Night desk")
		for _, row := range []struct {
			claim  string
			act    approval.Act
			fields string
		}{
			{"no name", compose(h.chief, "", access.UserLock), "name: role.name_form"},
			{"two letters", compose(h.chief, " ab ", access.UserLock), "name: role.name_form"},
			{"61 letters", compose(h.chief, strings.Repeat("a", 61), access.UserLock), "name: role.name_form"},
			{"a letter that nobody sees", compose(h.chief, "Desk\u200bs", access.UserLock), "name: role.name_form"},
			{"letters that turn around", compose(h.chief, "Desk \u202eksed", access.UserLock), "name: role.name_form"},
			{"an element", compose(h.chief, "<b>Desk</b>", access.UserLock), "name: role.name_form"},
			{"a built-in role", compose(h.chief, "security  ADMINISTRATOR", access.UserLock), "name: role.name_built_in"},
			{"the id of one", compose(h.chief, "helpdesk_lead", access.UserLock), "name: role.name_built_in"},
			{"the id of a custom one", compose(h.chief, "custom:abc", access.UserLock), "name: role.name_built_in"},
			{"a name that is taken", compose(h.chief, "night DESK", access.UserLock), "name: role.name_taken"},
			{"nothing in it", compose(h.chief, "Nothing"), "permissions: role.permissions_none"},
			{"what only the highest have", compose(h.chief, "Outage", access.OutageDeclare), "permissions: role.permission_not_composable"},
			{"its own kind", compose(h.chief, "Composer", access.UserLock, access.RoleCompose), "permissions: role.permission_not_composable"},
			{"what everybody has", compose(h.chief, "Own", access.AccountView), "permissions: role.permission_not_composable"},
			{"what nobody knows", compose(h.chief, "Unknown", "database.drop", access.UserLock), "permissions: role.permission_not_composable"},
			{"what the actor has not", compose(h.chief, "Static", access.StaticPasscodeRequest), "permissions: role.permission_not_held"},
			{"both", compose(h.chief, "x", access.OutageDeclare), "name: role.name_form, permissions: role.permission_not_composable"},
			{"nothing that differs", changed(h.chief, c, "Night desk", access.UserLock), "name: role.custom_same"},
		} {
			_, err := h.submit(row.act)
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Invalid {
				t.Errorf("%s: %v, want fault.Invalid", row.claim, err)
				continue
			}
			var got []string
			for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
				got = append(got, field+": "+f.Fields[field])
			}
			if strings.Join(got, ", ") != row.fields {
				t.Errorf("%s: %v, want %s", row.claim, got, row.fields)
			}
		}
		stranger := h.Admin(h.Birch, "stranger", access.RoleSecurityAdministrator)
		for claim, row := range map[string]struct {
			act  approval.Act
			code string
		}{
			"by a tenant administrator":       {compose(h.admin, "Mine", access.UserLock), "access.forbidden"},
			"by the helpdesk":                 {retire(h.desk, c), "access.forbidden"},
			"one of another organisation":     {changed(stranger, c, "Theirs", access.UserLock), "http.not_found"},
			"retiring another organisation's": {retire(stranger, c), "http.not_found"},
			"one that is not there":           {retire(h.chief, role.CustomRole{ID: "custom:none", Version: 1}), "http.not_found"},
			"a built-in one":                  {retire(h.chief, role.CustomRole{ID: access.RoleHelpdesk, Version: 1}), "http.not_found"},
			"an old version":                  {changed(h.chief, role.CustomRole{ID: c.ID, Version: 7}, "Old", access.UserLock), "role.changed_meanwhile"},
			"retiring an old version":         {retire(h.chief, role.CustomRole{ID: c.ID}), "role.changed_meanwhile"},
		} {
			_, err := h.submit(row.act)
			WantCode(t, claim, err, row.code)
		}
		if all, err := h.roles.Customs(t.Context(), h.Birch.ID); err != nil || len(all) != 0 {
			t.Errorf("birch has %v, %v", all, err)
		}
		for i := h.Count("SELECT count(*) FROM custom_roles"); i < 100; i++ {
			h.Set("INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,?,?,'user.lock','',?,?)",
				h.Alder.ID, fmt.Sprintf("custom:%d", i), fmt.Sprintf("Role %d", i), h.Clock.Now(), h.Clock.Now())
		}
		_, err := h.submit(compose(h.chief, "One too many", access.UserLock))
		if f := fault.Of(err); f == nil || f.Fields["name"] != "role.custom_many" {
			t.Errorf("the hundred and first = %v", err)
		}
	})
}

// TestChangesOfACustomRoleAtOnce: one of two versions stands, and one of two names.
func TestChangesOfACustomRoleAtOnce(t *testing.T) {
	each(t, func(h *house) {
		t, two := h.T, h.beside()
		for claim, code := range map[string]string{"Twin": "form.wrong"} {
			tally := Tally(AtOnce(4, func(i int) error {
				_, err := []*house{h, two}[i%2].submit(compose(h.chief, claim, access.UserLock))
				return err
			}))
			if tally["done"] != 1 || tally[code] != 3 {
				t.Errorf("four of one name: %v", tally)
			}
		}
		c := h.custom("Twin")
		tally := Tally(AtOnce(4, func(i int) error {
			_, err := []*house{h, two}[i%2].submit(changed(h.chief, c, fmt.Sprintf("Twin %d", i), access.UserLock))
			return err
		}))
		if tally["done"] != 1 || tally["role.changed_meanwhile"] != 3 {
			t.Errorf("four changes of one version: %v", tally)
		}

		// Given at the same moment as it is retired: nobody holds what is retired.
		for i := range 20 {
			name := fmt.Sprintf("Round %d", i)
			h.does(compose(h.chief, name, access.UserLock))
			c := h.custom(name)
			h.Set("DELETE FROM role_assignments WHERE user_id = ?", h.u.ID)
			errs := AtOnce(2, func(i int) error {
				if i == 0 {
					_, err := h.submit(retire(h.chief, c))
					return err
				}
				_, err := two.submit(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: c.ID}))
				return err
			})
			if errs[0] != nil {
				t.Fatalf("retire = %v", errs[0])
			}
			if n := h.Count("SELECT count(*) FROM role_assignments WHERE role = ?", c.ID); n != 0 {
				t.Fatalf("round %d: %d hold a retired role; assigning said %v", i, n, errs[1])
			}
		}

		// Given more at the same moment as it is given to somebody: either it was
		// nobody's, or a second person is needed.
		for i := range 20 {
			name := fmt.Sprintf("More %d", i)
			h.does(compose(h.chief, name, access.UserLock))
			c := h.custom(name)
			h.Set("DELETE FROM role_assignments WHERE user_id = ?", h.u.ID)
			errs := AtOnce(2, func(i int) error {
				if i == 0 {
					out, err := h.submit(changed(h.chief, c, name, access.UserLock, access.RoleAssign))
					if out.Waits() {
						return fault.New(fault.Conflict, "waits")
					}
					return err
				}
				_, err := two.submit(act(role.KindAssign, h.admin, h.u, role.Assignment{Role: c.ID}))
				return err
			})
			// The tenant administrator may give the role of rank 40, and not that of 60.
			if got := h.standing(h.u); errs[0] == nil && errs[1] == nil && got.Rank == 60 {
				t.Fatalf("round %d: by one person they became %+v", i, got)
			}
		}
	})
}

// TestReducingACustomRoleKeepsTwoAdministrators.
func TestReducingACustomRoleKeepsTwoAdministrators(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.does(compose(h.chief, "Deputy", access.RoleAssign, access.UserLock))
		c := h.custom("Deputy")
		group := h.group(h.Alder, "deputies", h.u)
		h.Set("UPDATE groups SET role = ?, role_at = ? WHERE id = ?", c.ID, h.Clock.Now(), group)
		for _, u := range []user.User{h.second, h.admin} {
			if err := h.lock(u); err != nil {
				t.Fatalf("with a deputy: %v", err)
			}
		}
		_, err := h.submit(changed(h.chief, c, "Deputy", access.UserLock))
		WantCode(t, "reducing it", err, "role.two_administrators")
		_, err = h.submit(retire(h.chief, c))
		WantCode(t, "retiring it", err, "role.two_administrators")
		h.is("kept", h.u, c.ID)
		// To give more to the group's members needs two, as to holders.
		h.waits(changed(h.chief, c, "Deputy", access.RoleAssign, access.UserLock, access.SessionEnd))
		h.Set("UPDATE users SET state = 'active'")
		h.does(retire(h.chief, c))
		if got := h.Text("SELECT role FROM groups WHERE id = ?", group); got != "" {
			t.Errorf("the group carries %q", got)
		}
	})
}
