package people_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/password"
	"latchkey/app/people"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is the house with its administrators.
type office struct {
	*signintest.House
	people    *people.Service
	approvals *approval.Service

	security, second, admin, lead, desk, auditor user.User
	nurse                                        user.User // of Alder, without a role
	stranger                                     user.User // of Birch
}

const reason = "Called from the front desk."

// each runs a story on both databases.
func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) {
		o := &office{House: h}
		o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Performers: map[approval.Kind]approval.Performer{}}
		roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: o.approvals}
		o.people = &people.Service{
			DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, Devices: h.Devices, Prompts: h.Prompts, Roles: roles, TOTPs: h.TOTPs, Passkeys: h.Passkeys, Passwords: h.Passwords,
			Passcodes: h.SignIn.Passcodes, Sheets: h.Sheets,
			Replacing: &password.Service{DB: h.DB, Keys: h.Keys, Passwords: h.Passwords, Hub: h.Hub},
		}
		maps.Copy(o.approvals.Performers, roles.Performers())
		maps.Copy(o.approvals.Performers, o.people.Performers())
		o.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		o.second = h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		o.lead = h.Admin(h.Alder, "lead", access.RoleHelpdeskLead)
		o.desk = h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		o.auditor = h.Admin(h.Alder, "auditor", access.RoleAuditor)
		o.nurse = h.User(h.Alder, "nurse")
		o.stranger = h.User(h.Birch, "stranger")
		story(o)
	})
}

// do lets an administrator act on somebody.
func (o *office) do(actor user.User, kind approval.Kind, target user.User, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: actor.TenantID, ActorID: actor.ID, TargetID: target.ID, Reason: reason}
	return o.approvals.Submit(o.T.Context(), act.With(parameters))
}

// must is do for what must work at once.
func (o *office) must(actor user.User, kind approval.Kind, target user.User, parameters any) {
	o.T.Helper()
	if out, err := o.do(actor, kind, target, parameters); err != nil || out.Waits() {
		o.T.Fatalf("%s by %s on %s = %+v, %v; want it done", kind, actor.Name, target.Name, out, err)
	}
}

// fails is do for what must fail as it says.
func (o *office) fails(want error, actor user.User, kind approval.Kind, target user.User, parameters any) {
	o.T.Helper()
	if out, err := o.do(actor, kind, target, parameters); !errors.Is(err, want) {
		o.T.Errorf("%s by %s on %s = %+v, %v; want %v", kind, actor.Name, target.Name, out, err, want)
	}
}

// state is the state of a user.
func (o *office) state(u user.User) string {
	return o.Text("SELECT state FROM users WHERE tenant_id = ? AND id = ?", u.TenantID, u.ID)
}

// told gives the action of the newest notice of a user.
func (o *office) told(u user.User) audit.Action {
	o.T.Helper()
	all, err := notify.Unseen(o.T.Context(), o.DB, u.TenantID, u.ID, "")
	if err != nil {
		o.T.Fatal(err)
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].Action
}

// group makes a group of a tenant with members.
func (o *office) group(of tenant.Tenant, name string, members ...user.User) string {
	o.T.Helper()
	id := secret.System.ID()
	o.Act(func(tx *store.Tx) error {
		err := tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", of.ID, id, name, tx.Now).Error
		for _, m := range members {
			err = errors.Join(err, tx.Exec("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", of.ID, id, m.ID, m.Name).Error)
		}
		return err
	})
	return id
}

// limit limits the role of an administrator to groups.
func (o *office) limit(u user.User, groups ...string) {
	o.T.Helper()
	for _, g := range groups {
		o.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", u.TenantID, u.ID, g)
	}
	if err := o.Rules.Reload(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

// code is the code of a failure.
func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

// sort sorts texts in place and gives them back.
func sort(all []string) []string {
	slices.Sort(all)
	return all
}
