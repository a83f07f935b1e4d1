package importing_test

import (
	"testing"

	"latchkey/app/approval"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/importing"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/signin"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// byPhone leaves alder three administrators who can sign in, each by a phone alone, and
// gives a group.
func byPhone(h *house) (field string) {
	h.Lock(h.security2)
	for _, u := range []string{h.admin.ID, h.admin2.ID, h.security.ID} {
		h.Set("UPDATE users SET password_hash = '' WHERE id = ?", u)
	}
	h.PhoneOf(h.admin)
	h.PhoneOf(h.admin2)
	h.PhoneOf(h.security)
	return h.group("field", "")
}

func (h *house) excludes(groupID string) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error {
		return feature.Store(tx, h.Alder.ID, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone, Exclude: []string{groupID}}, 1)
	})
}

// TestAListLeavesTwoAdministrators: who is put into a group that a rule excludes cannot
// sign in by what it is about, and of the last two administrators nobody is.
func TestAListLeavesTwoAdministrators(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		field := byPhone(h)
		h.excludes(field)
		both := h.check(h.security, "name,display_name,groups", h.admin.Name+",,field", h.admin2.Name+",,field", "new@alder.example,,field")
		if both = h.does(h.security, both); both.State != importing.Failed || wrong(both) != "0  role.two_administrators " {
			t.Errorf("two of three: %s\n%s", both.State, wrong(both))
		}
		if h.members(field) != 0 || h.Count("SELECT count(*) FROM users WHERE name = 'new@alder.example'") != 0 {
			t.Error("a list that failed changed something")
		}
		if one := h.does(h.security, h.check(h.security, "name,display_name,groups", h.admin.Name+",,field", "new@alder.example,,field")); one.State != importing.Done {
			t.Errorf("one of three: %s\n%s", one.State, wrong(one))
		}
		if last := h.does(h.security, h.check(h.security, "name,display_name,groups", h.admin2.Name+",Administrator,field")); last.State != importing.Failed {
			t.Errorf("one of two: %s", last.State)
		}
		// Another group takes nothing from anybody, and who runs nothing may go anywhere.
		h.group("office", "")
		h.User(h.Alder, "nurse")
		if fine := h.does(h.security, h.check(h.security, "name,display_name,groups", h.admin2.Name+",,office", "nurse@alder.example,,field")); fine.State != importing.Done {
			t.Errorf("nobody who counts: %s\n%s", fine.State, wrong(fine))
		}
	})
}

// TestListsAndRulesAtOnceLeaveTwoAdministrators: of two lists that each may take one of
// three, and of a list and a rule, one is carried out.
func TestListsAndRulesAtOnceLeaveTwoAdministrators(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		field := byPhone(h)
		able := func() int {
			tx := h.DB.View(t.Context())
			running, err := h.Roles.Running(tx, h.Alder.ID)
			if err != nil {
				t.Fatal(err)
			}
			can, err := signin.Able(tx, h.Keys, h.Alder.ID, running)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, is := range can {
				if is {
					n++
				}
			}
			return n
		}
		other := build(h.Replica())
		for round := range 4 {
			h.Set("DELETE FROM group_members WHERE group_id = ?", field)
			h.Set("DELETE FROM rollout_versions")
			h.Act(func(tx *store.Tx) error {
				return feature.Store(tx, h.Alder.ID, feature.PhoneSignIn, feature.Rule{Stage: feature.Everyone}, 1)
			})
			byRule := round%2 == 1
			if !byRule {
				h.excludes(field)
			}
			lists := []importing.Import{h.check(h.security, "name,display_name,groups", h.admin.Name+",,field")}
			if byRule {
				// One is in the group already, the list puts in another one, and the rule shuts it.
				h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,?,?,?,?)", h.Alder.ID, field, h.admin2.ID, h.admin2.Name, h.Clock.Now())
			} else {
				lists = append(lists, h.check(h.security, "name,display_name,groups", h.admin2.Name+",,field"))
			}
			for _, i := range lists {
				if out, err := h.run(h.security, i); err != nil || out.Waits() {
					t.Fatalf("run = %+v, %v", out, err)
				}
			}
			errs := make(chan error, 2)
			go func() { errs <- h.Imports.TakeUp(t.Context()) }()
			go func() {
				if !byRule {
					errs <- other.Imports.TakeUp(t.Context())
					return
				}
				_, err := h.Approvals.Submit(t.Context(), approval.Act{Kind: rollout.KindChange, TenantID: h.Alder.ID, ActorID: h.security.ID, Reason: "a test"}.With(
					rollout.Draft{Feature: feature.PhoneSignIn, Rule: feature.Rule{Stage: feature.Everyone, Exclude: []string{field}}, Version: 1}))
				if role.Keeps(err) {
					err = nil
				}
				errs <- err
			}()
			for range 2 {
				if err := <-errs; err != nil {
					t.Fatal(err)
				}
			}
			if able() < role.AdministratorsLeast {
				t.Fatalf("round %d leaves %d administrators who can sign in", round, able())
			}
		}
	})
}

// TestAMemberIsAddedWithAnEyeOnAdministrators: by hand it is as by a list.
func TestAMemberIsAddedWithAnEyeOnAdministrators(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		field := byPhone(h)
		h.excludes(field)
		add := func(target string) error {
			_, err := h.Approvals.Submit(t.Context(), approval.Act{Kind: group.KindAddMember, TenantID: h.Alder.ID, ActorID: h.security.ID, TargetID: target, Reason: "a test"}.With(group.Membership{Group: field}))
			return err
		}
		if err := add(h.admin.ID); err != nil {
			t.Fatal(err)
		}
		signintest.WantCode(t, "one of two", add(h.admin2.ID), "role.two_administrators")
	})
}
