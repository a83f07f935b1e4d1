package ramp_test

import (
	"maps"
	"os"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/feature"
	"latchkey/app/ramp"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/secret"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// office is the house with those who may open features, and one replica's sweep.
type office struct {
	*signintest.House
	ramps           *ramp.Service
	rollout         *rollout.Service
	approvals       *approval.Service
	security, admin user.User
}

func each(t *testing.T, story func(o *office)) {
	t.Helper()
	signintest.Each(t, func(h *signintest.House) { story(open(h)) })
}

func open(h *signintest.House) *office {
	o := services(h)
	o.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
	o.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
	return o
}

func services(h *signintest.House) *office {
	o := &office{House: h}
	o.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Performers: map[approval.Kind]approval.Performer{}}
	roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: o.approvals}
	o.rollout = &rollout.Service{DB: h.DB, Roles: roles}
	o.ramps = &ramp.Service{DB: h.DB, Roles: roles, Rollout: o.rollout}
	o.rollout.Overtake = o.ramps.Overtake
	maps.Copy(o.approvals.Performers, o.rollout.Performers())
	maps.Copy(o.approvals.Performers, o.ramps.Performers())
	return o
}

// group makes a group of people and gives its id.
func (o *office) group(name string, people ...user.User) string {
	o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", o.Alder.ID, name, name, o.Clock.Now())
	for _, u := range people {
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", o.Alder.ID, name, u.ID, u.Name)
	}
	return name
}

func (o *office) now(f feature.Feature) rollout.Rollout {
	o.T.Helper()
	r, err := o.rollout.Of(o.T.Context(), o.Alder.ID, f)
	if err != nil {
		o.T.Fatal(err)
	}
	return r
}

// look gives the ramp of a feature.
func (o *office) look(f feature.Feature) *ramp.Looked {
	o.T.Helper()
	r, err := o.ramps.Look(o.T.Context(), o.Alder.ID, f)
	if err != nil || r == nil {
		o.T.Fatalf("the ramp is %v, %v", r, err)
	}
	return r
}

func (o *office) submit(by user.User, kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: o.Alder.ID, ActorID: by.ID, Reason: "a test"}
	return o.approvals.Submit(o.T.Context(), act.With(parameters))
}

func (o *office) must(out approval.Outcome, err error) {
	o.T.Helper()
	if err != nil || out.Waits() {
		o.T.Fatalf("the act waits: %t, %v", out.Waits(), err)
	}
}

// begin begins a ramp from the version that there is.
func (o *office) begin(by user.User, f feature.Feature, p ramp.Plan) (approval.Outcome, error) {
	return o.submit(by, ramp.KindBegin, ramp.Begin{Feature: f, Version: o.now(f).Version, Plan: p})
}

// on does something to the ramp of a feature.
func (o *office) on(by user.User, kind approval.Kind, f feature.Feature) (approval.Outcome, error) {
	o.T.Helper()
	r := o.look(f)
	return o.submit(by, kind, ramp.On{Feature: f, Ramp: r.ID, Step: r.Step + 1})
}

// sweep sweeps once, as of now.
func (o *office) sweep() {
	o.T.Helper()
	if err := o.ramps.Sweep(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
}

// pass lets time pass, with a sweep every minute.
func (o *office) pass(d time.Duration) {
	o.T.Helper()
	for ; d > 0; d -= time.Minute {
		o.Clock.Forward(min(d, time.Minute))
		o.sweep()
	}
}

// plan is pilot, 5 and 100 percent, an hour each.
func plan(groups ...string) ramp.Plan {
	p := ramp.Proposed(groups)
	p.Steps = []ramp.Step{p.Steps[0], p.Steps[1], p.Steps[3]}
	for i := range p.Steps {
		p.Steps[i].Stay, p.Steps[i].Sample = time.Hour, 0
	}
	p.Guard.Window, p.Guard.Sample = 30*time.Minute, 20
	return p
}

// sign writes down sign-ins of somebody that were begun now, of which so many fail.
func (o *office) sign(u user.User, way string, times, fail int) {
	o.T.Helper()
	for i := range times {
		state := "finished"
		if i < fail {
			state = "open"
		}
		o.Set(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, state, ip, browser, created_at, expires_at)
			VALUES (?,?,'','','',?,'sign_in','/',?,?,'','',?,?)`, u.TenantID, secret.System.ID(), u.ID, way, state, o.Clock.Now(), o.Clock.Now().Add(15*time.Minute))
	}
}
