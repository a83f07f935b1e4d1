package role_test

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/role"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// carryOut runs an act as if a second person had approved it, past the questions
// that stand before the lock: what Keep and the lock must hold by themselves.
func (h *house) carryOut(a approval.Act) error {
	a.ApprovedBy = "somebody"
	return h.DB.Act(h.T.Context(), func(tx *store.Tx) error {
		plan, err := h.roles.Performers()[a.Kind](tx, a)
		if err != nil {
			return err
		}
		return plan.Do(tx)
	})
}

// lock locks somebody within Keep, as every lock of an administrator is done.
func (h *house) lock(u user.User) error {
	return h.DB.Act(h.T.Context(), func(tx *store.Tx) error {
		return h.roles.Keep(tx, u.TenantID, func() error { return user.Lock(tx, u.TenantID, u.ID, "a story", audit.Service, audit.Origin{}) })
	})
}

func TestTheLastSecurityAdministratorStays(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		if err := h.lock(h.second); err != nil {
			t.Fatalf("one of two: %v", err)
		}
		const last = "role.last_security_administrator"
		WantCode(t, "locking the last", h.lock(h.chief), last)
		h.Set("UPDATE users SET state = 'active' WHERE id = ?", h.second.ID)
		h.Set("UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", h.later(time.Hour), h.second.ID)
		WantCode(t, "taking the role of the last", h.carryOut(act(role.KindTake, h.second, h.chief, nil)), last)
		WantCode(t, "lowering the last", h.carryOut(act(role.KindAssign, h.second, h.chief, role.Assignment{Role: access.RoleTenantAdministrator})), last)
		WantCode(t, "letting the last end by itself", h.carryOut(act(role.KindAssign, h.second, h.chief, role.Assignment{
			Role: access.RoleSecurityAdministrator, EndsAt: h.later(time.Hour),
		})), last)
		h.Set("UPDATE users SET state = 'locked' WHERE id = ?", h.second.ID)
		if h.security() != 1 || h.standing(h.chief).Role != access.RoleSecurityAdministrator || h.Events(audit.RoleTaken) != 0 {
			t.Error("something has changed")
		}

		// One who holds it for a time only does not stand in for the last.
		h.give(h.admin, access.RoleSecurityAdministrator)
		h.Set("UPDATE role_assignments SET ends_at = ? WHERE user_id = ?", h.later(time.Hour), h.admin.ID)
		WantCode(t, "locking the last who stays", h.lock(h.chief), last)
		h.Set("UPDATE role_assignments SET ends_at = NULL WHERE user_id = ?", h.admin.ID)
		spare := h.Admin(h.Alder, "spare", access.RoleTenantAdministrator)
		if err := h.lock(h.chief); err != nil {
			t.Errorf("with another one who stays: %v", err)
		}
		h.is("left", spare, access.RoleTenantAdministrator)
		// Birch is another organisation: it has none, and may keep that.
		stranger := h.Admin(h.Birch, "stranger", access.RoleAuditor)
		if err := h.lock(stranger); err != nil {
			t.Errorf("an auditor of an organisation without administrators: %v", err)
		}
	})
}

// TestTwoAdministratorsCanSignIn, as the sign-in itself would judge it.
func TestTwoAdministratorsCanSignIn(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		const two = "role.two_administrators"
		change := func(statement string, values ...any) error {
			return h.DB.Act(t.Context(), func(tx *store.Tx) error {
				return h.roles.Keep(tx, h.Alder.ID, func() error { return tx.Exec(statement, values...).Error })
			})
		}
		// Of three, one has no way in, and another has too many failures behind it.
		if err := change("UPDATE users SET password_hash = '' WHERE id = ?", h.second.ID); err != nil {
			t.Fatalf("the first of three: %v", err)
		}
		WantCode(t, "a password gone", change("UPDATE users SET password_hash = '' WHERE id = ?", h.admin.ID), two)
		WantCode(t, "a lock", h.lock(h.admin), two)
		WantCode(t, "a role taken", h.carryOut(act(role.KindTake, h.chief, h.admin, nil)), two)
		WantCode(t, "a role within groups", h.carryOut(act(role.KindAssign, h.chief, h.admin, role.Assignment{
			Role: access.RoleTenantAdministrator, Groups: []string{h.group(h.Alder, "some")},
		})), two)
		WantCode(t, "a role for a time", h.carryOut(act(role.KindAssign, h.chief, h.admin, role.Assignment{
			Role: access.RoleTenantAdministrator, EndsAt: h.later(time.Hour),
		})), two)
		h.PhoneOf(h.admin)
		if err := change("UPDATE users SET password_hash = '' WHERE id = ?", h.admin.ID); err != nil {
			t.Errorf("with a phone beside the password: %v", err)
		}
		WantCode(t, "the phone gone too", change("UPDATE devices SET state = 'revoked' WHERE user_id = ?", h.admin.ID), two)

		// A custom role of the same rank runs nothing unless it gives roles.
		other := h.User(h.Alder, "other")
		h.Set(`INSERT INTO custom_roles (tenant_id, id, name, permissions, created_by, created_at, changed_at) VALUES (?,'custom:x','X','policy.edit','',?,?)`,
			h.Alder.ID, h.Clock.Now(), h.Clock.Now())
		h.give(other, "custom:x")
		WantCode(t, "beside a custom role that gives none", h.lock(h.admin), two)
		h.Set("UPDATE custom_roles SET permissions = 'policy.edit,role.assign' WHERE id = 'custom:x'")
		if err := h.lock(h.admin); err != nil {
			t.Errorf("beside one that does: %v", err)
		}
		WantCode(t, "and then that one", h.lock(other), two)

		// Who was never among them may go: fewer do not become fewer still.
		if err := h.lock(h.desk); err != nil {
			t.Errorf("the helpdesk: %v", err)
		}
		// Without a security administrator the others are kept all the same.
		h.Set("UPDATE role_assignments SET role = ? WHERE role = ?", access.RoleTenantAdministrator, access.RoleSecurityAdministrator)
		WantCode(t, "in an organisation without a security administrator", h.lock(h.chief), two)
	})
}

// TestAGroupThatCarriesARoleIsKeptToo.
func TestAGroupThatCarriesARoleIsKeptToo(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		group := h.group(h.Alder, "chiefs", h.u)
		h.Set("UPDATE groups SET role = ? WHERE id = ?", access.RoleSecurityAdministrator, group)
		for _, u := range []user.User{h.chief, h.second} {
			if err := h.lock(u); err != nil {
				t.Fatalf("with one by a group: %v", err)
			}
		}
		leave := func() error {
			return h.DB.Act(t.Context(), func(tx *store.Tx) error {
				return h.roles.Keep(tx, h.Alder.ID, func() error { return tx.Exec("DELETE FROM group_members WHERE user_id = ?", h.u.ID).Error })
			})
		}
		WantCode(t, "leaving the group as the last", leave(), "role.last_security_administrator")
		h.is("kept", h.u, access.RoleSecurityAdministrator)
	})
}

// TestTwoHundredRoundsOfTheLastTwo: two security administrators take each other's
// role, lower or lock each other at the same moment on two replicas. One is always
// left.
func TestTwoHundredRoundsOfTheLastTwo(t *testing.T) {
	each(t, func(h *house) {
		t, other := h.T, h.beside()
		tally := map[string]int{}
		for round := range 200 {
			h.Set("UPDATE users SET state = 'active' WHERE id IN ?", []string{h.chief.ID, h.second.ID})
			h.Set(`INSERT INTO role_assignments (tenant_id, user_id, role, assigned_by, assigned_at) VALUES (?,?,?,'',?), (?,?,?,'',?)
				ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role`,
				h.Alder.ID, h.chief.ID, access.RoleSecurityAdministrator, h.Clock.Now(), h.Alder.ID, h.second.ID, access.RoleSecurityAdministrator, h.Clock.Now())
			errs := AtOnce(2, func(i int) error {
				from, by, to := h, h.chief, h.second
				if i == 1 {
					from, by, to = other, h.second, h.chief
				}
				switch (round + i) % 3 {
				case 0:
					return from.carryOut(act(role.KindTake, by, to, nil))
				case 1:
					return from.lock(to)
				}
				return from.carryOut(act(role.KindAssign, by, to, role.Assignment{Role: access.RoleHelpdesk}))
			})
			for _, err := range errs {
				if f := fault.Of(err); err != nil && (f == nil || f.Kind != fault.Forbidden && f.Kind != fault.Conflict) {
					t.Fatalf("round %d: %v", round, err)
				}
			}
			if left := h.security(); left != 1 {
				t.Fatalf("round %d: %d are left: %v", round, left, errs)
			}
			for code, n := range Tally(errs) {
				tally[code] += n
			}
		}
		if tally["done"] != 200 {
			t.Errorf("%v, want one of two done in each round", tally)
		}
		t.Log(tally)
	})
}
