package breakglass_test

import (
	"maps"
	"os"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/breakglass"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is a house with three security administrators and others who may not.
type office struct {
	*House
	glass                *breakglass.Service
	approvals            *approval.Service
	first, second, third user.User
	admin                user.User
}

func each(t *testing.T, story func(t *testing.T, o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := open(h)
		o.first, o.second, o.third = h.Admin(h.Alder, "first", access.RoleSecurityAdministrator), h.Admin(h.Alder, "second", access.RoleSecurityAdministrator), h.Admin(h.Alder, "third", access.RoleSecurityAdministrator)
		o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		story(h.T, o)
	})
}

func open(h *House) *office {
	o := &office{House: h}
	o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
	o.glass = &breakglass.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, Approvals: o.approvals, Passwords: h.Passwords, Backups: h.Backups}
	maps.Copy(o.approvals.Performers, o.glass.Performers())
	return o
}

// beside is another replica.
func (o *office) beside() *office {
	other := open(o.House.Replica())
	other.first, other.second, other.third, other.admin = o.first, o.second, o.third, o.admin
	return other
}

const one = "break-glass-1@alder.example"

func (o *office) submit(by user.User, kind approval.Kind, target string, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, TargetID: target, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(parameters))
}

// twice has an act asked for by the first and approved by the second.
func (o *office) twice(kind approval.Kind, target string, parameters any) {
	o.T.Helper()
	out, err := o.submit(o.first, kind, target, parameters)
	if err != nil || !out.Waits() {
		o.T.Fatalf("%s = %+v, %v; want that it waits", kind, out, err)
	}
	if err := o.approvals.Approve(o.T.Context(), o.Alder.ID, out.RequestID, o.second.ID, approval.Given{}); err != nil {
		o.T.Fatalf("approving %s: %v", kind, err)
	}
}

// account makes one and gives its id; its sheet may be printed.
func (o *office) account(name string) string {
	o.T.Helper()
	o.twice(breakglass.KindMake, "", breakglass.Made{Name: name, DisplayName: "The safe"})
	return o.Text("SELECT id FROM users WHERE name = ?", name)
}

func (o *office) print(id string) breakglass.Printed {
	o.T.Helper()
	p, err := o.glass.Print(o.T.Context(), o.Alder.ID, id, o.first.ID, audit.Origin{})
	if err != nil {
		o.T.Fatalf("Print: %v", err)
	}
	return p
}

// sealed makes an account with its sheet.
func (o *office) sealed(name string) (id string, p breakglass.Printed) {
	o.T.Helper()
	id = o.account(name)
	return id, o.print(id)
}

func from(ip string) audit.Origin { return audit.Origin{IP: ip, Browser: "firefox/linux"} }

func (o *office) enter(name, code, ip string) (breakglass.Entered, error) {
	o.T.Helper()
	return o.glass.SignIn(o.T.Context(), name, code, from(ip))
}

func (o *office) found(id string) breakglass.Account {
	o.T.Helper()
	a, err := o.glass.Find(o.T.Context(), o.Alder.ID, id)
	if err != nil {
		o.T.Fatal(err)
	}
	return a
}

func (o *office) drill(by user.User, id, number string) error {
	act := approval.Act{Kind: breakglass.KindDrill, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "the quarterly drill"}
	return o.glass.Drill(o.T.Context(), act, id, number)
}
