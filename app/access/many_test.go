package access_test

import (
	"reflect"
	"slices"
	"testing"

	"latchkey/app/access"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// TestManyAreJudgedAsOneIs holds AskEach to Ask: of everybody about everybody.
func TestManyAreJudgedAsOneIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		house(t, db)
		must(t, db, func(tx *store.Tx) error {
			for _, statement := range []string{
				"INSERT INTO groups (tenant_id, id, name, created_at) VALUES ('alder','g1','g1',?), ('alder','g2','g2',?)",
				"INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES ('alder','custom:one','One','user.lock,group.edit','',?,?)",
			} {
				if err := tx.Exec(statement, tx.Now, tx.Now).Error; err != nil {
					return err
				}
			}
			for _, statement := range []string{
				"UPDATE groups SET role = 'helpdesk' WHERE id = 'g2'",
				"INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES ('alder','a helpdesk_lead','g1')",
				"INSERT INTO group_members (tenant_id, group_id, user_id) VALUES ('alder','g1','a user'), ('alder','g2','a user'), ('alder','g1','a auditor')",
				"UPDATE role_assignments SET role = 'custom:one' WHERE user_id = 'a operator'",
			} {
				if err := tx.Exec(statement).Error; err != nil {
					return err
				}
			}
			return nil
		})
		rules := load(t, db)
		people := []string{"nobody"}
		for _, role := range roles {
			people = append(people, holder(role))
		}
		var questions []access.Question
		for _, tenant := range []string{"alder", "birch"} {
			for _, actor := range people {
				for _, target := range append(people, "") {
					for _, p := range []access.Permission{access.UserImport, access.GroupEdit, access.UserLock, access.AuthenticatorView} {
						questions = append(questions, access.Question{TenantID: tenant, ActorID: actor, TargetID: target, Needs: p})
					}
					for _, role := range []access.Role{desk, admin, security, "custom:one", "custom:none"} {
						questions = append(questions, access.Question{TenantID: tenant, ActorID: actor, TargetID: target, Needs: access.RoleAssign, Groups: []string{"g1"}, Giving: role})
					}
				}
			}
		}
		must(t, db, func(tx *store.Tx) error {
			together, err := rules.AskEach(tx, questions)
			if err != nil {
				return err
			}
			strictest := access.Verdict{}
			for i, q := range questions {
				alone, err := rules.Ask(tx, q)
				if err != nil {
					return err
				}
				if same(together[i]) != same(alone) || !reflect.DeepEqual(together[i].Findings, alone.Findings) {
					t.Errorf("%+v\ntogether %+v\nalone    %+v", q, together[i], alone)
				}
				if alone.Answer == access.Nobody && strictest.Answer == "" {
					strictest = alone
				}
			}
			all, err := rules.AskAll(tx, questions...)
			if err == nil && !reflect.DeepEqual(all.Findings, strictest.Findings) {
				t.Errorf("AskAll = %+v, want %+v", all, strictest)
			}
			return err
		})
	})
}

// same is what of a verdict is compared by value.
func same(v access.Verdict) [4]any {
	return [4]any{v.Answer, v.Actor.Role, v.Target.Role, slices.Contains(v.Actor.Scope, "g1")}
}

func must(t *testing.T, db *store.DB, do func(*store.Tx) error) {
	t.Helper()
	if err := db.Act(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}
