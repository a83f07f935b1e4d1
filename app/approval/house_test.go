package approval_test

import (
	"encoding/json"
	"maps"
	"os"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/role"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var from = audit.Origin{IP: "203.0.113.9", Browser: "Firefox on Linux", RequestID: "request"}

// office is where administrators of alder act: two security administrators and
// a third, a tenant administrator, a helpdesk agent and a user.
type office struct {
	*House
	Approvals                                    *approval.Service
	Roles                                        *role.Service
	security, second, third, admin, desk, person user.User
}

// offices runs a story on both databases.
func offices(t *testing.T, story func(o *office)) {
	t.Helper()
	Each(t, func(h *House) {
		o := &office{House: h}
		o.build()
		o.security, o.second = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator), h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		o.third, o.admin = h.Admin(h.Alder, "third", access.RoleSecurityAdministrator), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		o.desk, o.person = h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.User(h.Alder, "person")
		story(o)
	})
}

func (o *office) build() {
	o.Approvals = &approval.Service{DB: o.DB, Rules: o.Rules, Hub: o.Hub, Prompts: o.Prompts, Performers: map[approval.Kind]approval.Performer{renaming: rename}}
	o.Roles = &role.Service{DB: o.DB, Keys: o.Keys, Rules: o.Rules, Approvals: o.Approvals}
	maps.Copy(o.Approvals.Performers, o.Roles.Performers())
	o.SignIn.Approvals = approval.Phones{Service: o.Approvals}
}

// replica is another replica of the office over the same database.
func (o *office) replica() *office {
	other := *o
	other.House = o.Replica()
	other.build()
	return &other
}

// renaming is an act that stories can bend: it changes how somebody is called.
const renaming approval.Kind = "test.rename"

type newName struct {
	Name    string              `json:"name"`
	Loosens bool                `json:"loosens,omitempty"` // needs four eyes
	Wrong   string              `json:"wrong,omitempty"`   // a code for the field name
	Clash   string              `json:"clash,omitempty"`   // a code of a conflict
	Ask     []access.Question   `json:"ask,omitempty"`     // beside the one about the target
	Needs   []access.Permission `json:"needs,omitempty"`   // what approving needs instead
}

func rename(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var p newName
	if err := act.Read(&p); err != nil {
		return approval.Plan{}, err
	}
	var before string
	there, err := tx.One(&before, "SELECT display_name FROM users WHERE tenant_id = ? AND id = ?", act.TenantID, act.TargetID)
	if err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{
		Questions: append([]access.Question{{
			TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.UserLock, TargetID: act.TargetID, Loosens: p.Loosens,
		}}, p.Ask...),
		Difference: []approval.Change{{Field: "name", Before: before, After: p.Name}},
		Do: func(tx *store.Tx) error {
			err := tx.Change(fault.New(fault.Conflict, "user.state_changed"), "UPDATE users SET display_name = ? WHERE tenant_id = ? AND id = ? AND display_name = ?",
				p.Name, act.TenantID, act.TargetID, before)
			if err != nil {
				return err
			}
			if err := audit.Record(tx, act.Event(renamed)); err != nil {
				return err
			}
			return notify.Tell(tx, act.TenantID, act.TargetID, notify.Notice{Action: renamed, By: access.RoleSecurityAdministrator, Reason: act.Reason})
		},
	}
	for i := range p.Ask {
		plan.Questions[i+1].TenantID, plan.Questions[i+1].ActorID = act.TenantID, act.ActorID
	}
	if len(p.Needs) > 0 {
		plan.Approves = p.Needs[0]
	}
	switch {
	case there && p.Wrong != "":
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"name": p.Wrong})
	case there && p.Clash != "":
		plan.Wrong = fault.New(fault.Conflict, p.Clash)
	}
	return plan, nil
}

const renamed audit.Action = "test.renamed"

// rename is an act of one person on another.
func (o *office) rename(by, of user.User, p newName) approval.Act {
	return approval.Act{Kind: renaming, TenantID: of.TenantID, ActorID: by.ID, TargetID: of.ID, Reason: "a wedding", Origin: from}.With(p)
}

// assign is the act of giving a role.
func (o *office) assign(by, to user.User, r access.Role) approval.Act {
	return approval.Act{Kind: role.KindAssign, TenantID: to.TenantID, ActorID: by.ID, TargetID: to.ID, Reason: "a new post", Origin: from}.With(role.Assignment{Role: r})
}

// asks submits an act that must wait, and gives its request.
func (o *office) asks(act approval.Act) string {
	o.T.Helper()
	out, err := o.Approvals.Submit(o.T.Context(), act)
	if err != nil || !out.Waits() {
		o.T.Fatalf("Submit = %+v, %v; want a request", out, err)
	}
	return out.RequestID
}

// waits freezes a change of name for four eyes.
func (o *office) waits() string {
	o.T.Helper()
	return o.asks(o.rename(o.security, o.person, newName{Name: "Renamed", Loosens: true}))
}

func (o *office) approve(id string, by user.User) error {
	return o.Approvals.Approve(o.T.Context(), o.Alder.ID, id, by.ID, approval.Given{Origin: from})
}

// state is how a request stands in the database.
func (o *office) state(id string) approval.State {
	o.T.Helper()
	return approval.State(o.Text("SELECT state FROM approval_requests WHERE id = ?", id))
}

// called is how somebody is called now.
func (o *office) called(u user.User) string {
	o.T.Helper()
	return o.Text("SELECT display_name FROM users WHERE id = ?", u.ID)
}

// seen gives a request as somebody sees it.
func (o *office) seen(id string, by user.User) approval.Seen {
	o.T.Helper()
	r, err := o.Approvals.Find(o.T.Context(), o.Alder.ID, id, by.ID)
	if err != nil {
		o.T.Fatalf("Find = %v", err)
	}
	return r
}

// detail gives a detail of the last event of an action.
func (o *office) detail(action audit.Action, name string) string {
	o.T.Helper()
	var row struct{ Record []byte }
	if _, err := o.DB.View(o.T.Context()).One(&row, "SELECT record FROM audit_events WHERE action = ? ORDER BY occurred_at DESC, id DESC LIMIT 1", action); err != nil {
		o.T.Fatal(err)
	}
	var event struct{ Details map[string]string }
	if err := json.Unmarshal(row.Record, &event); err != nil {
		o.T.Fatalf("the event %s: %v", action, err)
	}
	return event.Details[name]
}

// nothing plans an act that asks no permission.
func nothing(*store.Tx, approval.Act) (approval.Plan, error) { return approval.Plan{}, nil }

// failing fails to plan at all.
func failing(err error) approval.Performer {
	return func(*store.Tx, approval.Act) (approval.Plan, error) { return approval.Plan{}, err }
}

// stuck plans what cannot be done in the end.
func stuck(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	plan, err := rename(tx, act)
	plan.Do = func(*store.Tx) error { return fault.New(fault.Conflict, "role.two_administrators") }
	return plan, err
}
