package access_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// crowd is the house with people of every kind of standing: by an assignment, by
// a group, for a time, within groups, by a custom role.
func crowd(t *testing.T, db *store.DB) (now time.Time) {
	t.Helper()
	house(t, db)
	now = db.Now()
	for _, id := range []string{"timed", "ended", "limited", "custom", "retired", "never", "member", "both", "ended member", "two groups", "limited custom"} {
		if err := db.Act(t.Context(), func(tx *store.Tx) error { return person(tx, id) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range []struct{ id, role string }{{"plain", ""}, {"desks", "helpdesk"}, {"admins", "tenant_administrator"}, {"customs", "custom:one"}, {"gone", "custom:gone"}} {
		set(t, db, "INSERT INTO groups (tenant_id, id, name, role, created_at) VALUES ('alder',?,?,?,?)", g.id, g.id, g.role, now)
	}
	for _, c := range []struct {
		id, permissions string
		retired         any
	}{{"custom:one", "user.lock,bypass.approve,policy.edit", nil}, {"custom:gone", "user.lock", now}, {"custom:broken", "nonsense,,role.compose", nil}} {
		set(t, db, "INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at, retired_at) VALUES ('alder',?,?,?,'',?,?,?)", c.id, "called "+c.id, c.permissions, now, now, c.retired)
	}
	for _, a := range []struct {
		id, role string
		ends     any
	}{
		{"timed", "auditor", now.Add(time.Hour)},
		{"ended", "auditor", now},
		{"limited", "tenant_administrator", nil},
		{"custom", "custom:one", nil},
		{"retired", "custom:gone", nil},
		{"never", "custom:never", nil},
		{"both", "helpdesk", nil},
		{"ended member", "security_administrator", now},
		{"limited custom", "custom:one", nil},
	} {
		set(t, db, "INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at, ends_at) VALUES ('alder',?,?,'',?,?)", a.id, a.role, now, a.ends)
	}
	for _, m := range [][2]string{
		{"desks", "member"}, {"admins", "both"}, {"desks", "ended member"}, {"desks", "two groups"}, {"admins", "two groups"}, {"plain", "limited"}, {"gone", "retired"},
	} {
		set(t, db, "INSERT INTO group_members (tenant_id, group_id, user_id) VALUES ('alder',?,?)", m[0], m[1])
	}
	for _, l := range [][2]string{{"limited", "plain"}, {"limited", "desks"}, {"limited custom", "plain"}, {"both", "plain"}} {
		set(t, db, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES ('alder',?,?)", l[0], l[1])
	}
	return now
}

// TestStandings: what people are, by the table in force and by the rows in an act.
func TestStandings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		now := crowd(t, db)
		rules := load(t, db)
		check := func(id string, role access.Role, rank int, through string, ends time.Time, scope ...string) {
			t.Helper()
			inMemory := rules.Standing("alder", id)
			var inAct access.Standing
			err := db.Act(t.Context(), func(tx *store.Tx) (err error) {
				inAct, err = rules.StandingIn(tx, "alder", id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []access.Standing{inMemory, inAct} {
				slices.Sort(got.Scope)
				if got.Role != role || got.Rank != rank || got.Through != through || !got.EndsAt.Equal(ends) || !slices.Equal(got.Scope, scope) {
					t.Errorf("%s is %+v, want %s of rank %d through %q until %v in %v", id, got, role, rank, through, ends, scope)
				}
			}
			if inMemory.May != inAct.May || inMemory.Name != inAct.Name {
				t.Errorf("%s may %v by the table and %v by the rows", id, inMemory.May.List(), inAct.May.List())
			}
		}
		never := time.Time{}
		check("timed", auditor, 50, "", now.Add(time.Hour))
		check("ended", anyone, 10, "", never)
		check("limited", admin, 60, "", never, "desks", "plain")
		check("custom", "custom:one", 60, "", never)
		check("limited custom", "custom:one", 60, "", never, "plain")
		check("retired", anyone, 10, "", never)
		check("never", anyone, 10, "", never)
		check("member", desk, 40, "desks", never)
		check("both", desk, 40, "", never, "plain")
		check("ended member", desk, 40, "desks", never)
		check("two groups", admin, 60, "admins", never)
		check("nobody at all", anyone, 10, "", never)
		if name := rules.Standing("alder", "custom").Name; name != "called custom:one" {
			t.Errorf("the custom role is called %q", name)
		}

		// A custom role brings what is in it, and what a user may; within groups
		// nothing that is for the tenant as a whole.
		for _, c := range []struct {
			id   string
			p    access.Permission
			want bool
		}{
			{"custom", access.UserLock, true},
			{"custom", access.PolicyEdit, true},
			{"custom", access.ConsoleEnter, true},
			{"custom", access.AccountView, true},
			{"custom", access.SessionEnd, false},
			{"custom", access.RoleCompose, false},
			{"limited custom", access.UserLock, true},
			{"limited custom", access.PolicyEdit, false},
			{"limited", access.UserLock, true},
			{"limited", access.RoleAssign, true},
			{"limited", access.UserImport, false},
			{"retired", access.UserLock, false},
			{"retired", access.AccountView, true},
			{"ended", access.AuditRead, false},
			{"ended", access.AccountView, true},
		} {
			if err := rules.Allow("alder", c.id, c.p); (err == nil) != c.want {
				t.Errorf("%s, %s: Allow = %v, want allowed %t", c.id, c.p, err, c.want)
			}
			if err := rules.Allow("birch", c.id, c.p); err == nil && c.p != access.AccountView {
				t.Errorf("%s, %s in birch: allowed", c.id, c.p)
			}
		}

		// An assignment ends by itself, at its instant, and nothing is read for it.
		clock.Forward(time.Hour - time.Microsecond)
		check("timed", auditor, 50, "", now.Add(time.Hour))
		clock.Forward(time.Microsecond)
		check("timed", anyone, 10, "", never)
	})
}

// TestTheTableAndTheRowsAgree: what Allow says by the table in force, Ask says by
// the rows, for everybody and every permission.
func TestTheTableAndTheRowsAgree(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		crowd(t, db)
		rules := load(t, db)
		var everybody []string
		if err := db.View(t.Context()).All(&everybody, "SELECT id FROM users WHERE tenant_id = 'alder'"); err != nil {
			t.Fatal(err)
		}
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			for _, id := range everybody {
				for _, tenantID := range []string{"alder", "birch"} {
					for _, p := range access.Permissions {
						// Within groups a question must name one of them.
						v, err := rules.Ask(tx, access.Question{TenantID: tenantID, ActorID: id, Needs: p, Groups: rules.Standing(tenantID, id).Scope})
						if err != nil {
							return err
						}
						// Only the rows know who is a user of a tenant at all.
						allowed := rules.Allow(tenantID, id, p) == nil && (tenantID == "alder" || !slices.Contains(own, p))
						if allowed != (v.Err() == nil) {
							t.Errorf("%s, %s in %s: Allow says %t, Ask %s: %v", id, p, tenantID, allowed, v.Answer, v.Findings)
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestAskReadsTheRowsOfTheAct: a role that was taken a moment ago is gone, in the
// same act and before any table is read again.
func TestAskReadsTheRowsOfTheAct(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, _ *storetest.Clock) {
		crowd(t, db)
		rules := load(t, db)
		asks := func(tx *store.Tx, q access.Question) access.Answer {
			t.Helper()
			v, err := rules.Ask(tx, q)
			if err != nil {
				t.Fatal(err)
			}
			return v.Answer
		}
		locks := access.Question{TenantID: "alder", ActorID: holder(desk), Needs: access.UserLock, TargetID: "ended"}
		undo := errors.New("undone")
		err := db.Act(t.Context(), func(tx *store.Tx) error {
			if got := asks(tx, locks); got != access.Yes {
				t.Errorf("before: %s", got)
			}
			if err := tx.Exec("DELETE FROM role_assignments WHERE user_id = ?", holder(desk)).Error; err != nil {
				return err
			}
			if got := asks(tx, locks); got != access.No {
				t.Errorf("in the act that takes the role: %s, want no", got)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		set(t, db, "UPDATE role_assignments SET role = 'helpdesk' WHERE user_id = ?", holder(security))
		err = db.Act(t.Context(), func(tx *store.Tx) error {
			q := access.Question{TenantID: "alder", ActorID: holder(security), Needs: access.RoleAssign, TargetID: holder(anyone), Giving: auditor}
			if got := asks(tx, q); got != access.No {
				t.Errorf("one who was lowered gives a role: %s, want no", got)
			}
			if rules.Allow("alder", holder(security), access.RoleAssign) != nil {
				t.Error("the table was read again, so this proves nothing")
			}
			for claim, q := range map[string]access.Question{
				"a target of no tenant":      {TenantID: "alder", ActorID: holder(admin), Needs: access.UserLock, TargetID: "nobody"},
				"a target of another tenant": {TenantID: "birch", ActorID: holder(admin), Needs: access.UserLock, TargetID: holder(anyone)},
				"a target outside":           {TenantID: "alder", ActorID: "limited", Needs: access.UserLock, TargetID: holder(anyone)},
			} {
				if got := asks(tx, q); got != access.Nobody {
					t.Errorf("%s: %s, want nobody", claim, got)
				}
			}
			for role, want := range map[access.Role]access.Answer{
				desk: access.Yes, auditor: access.Yes, admin: access.No, security: access.No, "custom:one": access.No, "custom:broken": access.Yes,
				"custom:gone": access.No, "custom:never": access.No, anyone: access.No, operator: access.No, "emperor": access.No,
			} {
				if got := asks(tx, access.Question{TenantID: "alder", ActorID: holder(admin), Needs: access.RoleAssign, TargetID: holder(anyone), Giving: role}); got != want {
					t.Errorf("a tenant administrator gives %q: %s, want %s", role, got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnOldTableKnowsNoCustomRoleEither: unreadable or too old is no permission, by
// a custom role and within groups as well; empty is nobody.
func TestAnOldTableKnowsNoCustomRoleEither(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		crowd(t, db)
		rules := load(t, db)
		for _, table := range []string{"role_assignments", "role_scopes", "custom_roles", "group_members"} {
			set(t, db, "ALTER TABLE "+table+" RENAME TO gone")
			if err := rules.Reload(t.Context()); !errors.Is(err, fault.Unavailable) {
				t.Fatalf("Reload without %s = %v, want fault.Unavailable", table, err)
			}
			may := func() []string {
				return []string{
					fmt.Sprint(rules.Allow("alder", "custom", access.UserLock)), fmt.Sprint(rules.Allow("alder", "limited custom", access.UserLock)),
					fmt.Sprint(rules.Allow("alder", "limited custom", access.PolicyEdit)), fmt.Sprint(rules.Standing("alder", "limited custom").Scope),
				}
			}
			before := may()
			if want := []string{"<nil>", "<nil>", "access.forbidden", "[plain]"}; !slices.Equal(before, want) {
				t.Errorf("by the last good table: %v, want %v", before, want)
			}
			clock.Forward(time.Minute)
			if now := may(); !slices.Equal(now, before) {
				t.Errorf("a minute later: %v, want %v", now, before)
			}
			clock.Forward(time.Microsecond)
			for _, p := range []access.Permission{access.UserLock, access.AccountView} {
				if err := rules.Allow("alder", "custom", p); !errors.Is(err, fault.Unavailable) {
					t.Errorf("an instant later, %s: %v, want fault.Unavailable", p, err)
				}
			}
			err := db.Act(t.Context(), func(tx *store.Tx) error {
				_, err := rules.Ask(tx, access.Question{TenantID: "alder", ActorID: "custom", Needs: access.UserLock, TargetID: "ended"})
				return err
			})
			if !errors.Is(err, fault.Unavailable) {
				t.Errorf("Ask without %s = %v, want fault.Unavailable", table, err)
			}
			set(t, db, "ALTER TABLE gone RENAME TO "+table)
			if err := rules.Reload(t.Context()); err != nil || rules.Allow("alder", "custom", access.UserLock) != nil {
				t.Fatalf("%s is back, and Reload = %v", table, err)
			}
		}
		for _, table := range []string{"role_scopes", "role_assignments", "group_members", "custom_roles"} {
			set(t, db, "DELETE FROM "+table)
		}
		if err := rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"custom", "limited", "member", holder(security)} {
			if err := rules.Allow("alder", id, access.ConsoleEnter); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s of an empty table: Allow = %v, want fault.Forbidden", id, err)
			}
		}
	})
}
