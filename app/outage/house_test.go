package outage_test

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/outage"
	"latchkey/app/relaxation"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ward is a house with three who may declare outages, and somebody whose ways a pilot
// holds back.
type ward struct {
	*House
	outages              *outage.Service
	approvals            *approval.Service
	first, second, third user.User
	nurse                user.User
	app                  *App
}

func each(t *testing.T, story func(t *testing.T, w *ward)) {
	t.Helper()
	Each(t, func(h *House) {
		w := open(h)
		w.first, w.second, w.third = h.Admin(h.Alder, "first", access.RoleSecurityAdministrator), h.Admin(h.Alder, "second", access.RoleSecurityAdministrator), h.Admin(h.Alder, "third", access.RoleSecurityAdministrator)
		w.nurse = h.User(h.Alder, "nurse")
		w.app = h.AppOf(w.nurse)
		h.Demand(w.nurse, user.MFAEnforced)
		w.rule(feature.TOTP, feature.Rule{Stage: feature.Pilot, Include: []string{w.group("pilot")}})
		story(h.T, w)
	})
}

func open(h *House) *ward {
	w := &ward{House: h}
	w.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
	w.outages = &outage.Service{DB: h.DB, Rules: h.Rules, Approvals: w.approvals}
	maps.Copy(w.approvals.Performers, w.outages.Performers())
	return w
}

func (w *ward) rule(f feature.Feature, r feature.Rule) {
	w.T.Helper()
	w.Act(func(tx *store.Tx) error { return feature.Store(tx, w.Alder.ID, f, r, 1) })
}

// group makes a group of people.
func (w *ward) group(name string, people ...user.User) string {
	w.T.Helper()
	w.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", w.Alder.ID, name, name, w.Clock.Now())
	w.join(name, people...)
	return name
}

func (w *ward) join(group string, people ...user.User) {
	w.T.Helper()
	for _, u := range people {
		w.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,?,?,?,?)", w.Alder.ID, group, u.ID, u.Name, w.Clock.Now())
	}
}

// asked is an outage of push that lasts an hour.
func asked(relaxes ...relaxation.Relaxation) outage.Asked {
	return outage.Asked{Failed: []outage.Channel{outage.Push, outage.SMS}, Relaxes: relaxes, Minutes: 60}
}

func (w *ward) submit(by user.User, kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, Reason: "a test"}
	return w.approvals.Submit(w.T.Context(), act.With(parameters))
}

// ask asks for an outage, which waits.
func (w *ward) ask(a outage.Asked) string {
	w.T.Helper()
	out, err := w.submit(w.first, outage.KindDeclare, a)
	if err != nil || !out.Waits() {
		w.T.Fatalf("asking for an outage = %+v, %v", out, err)
	}
	return out.RequestID
}

func (w *ward) approve(request string, by user.User) error {
	return w.approvals.Approve(w.T.Context(), w.Alder.ID, request, by.ID, approval.Given{})
}

// declare has an outage run, and gives its id.
func (w *ward) declare(a outage.Asked) string {
	w.T.Helper()
	if err := w.approve(w.ask(a), w.second); err != nil {
		w.T.Fatalf("Approve: %v", err)
	}
	return w.Text("SELECT id FROM outages WHERE ended_at IS NULL")
}

func (w *ward) end(id string) {
	w.T.Helper()
	if out, err := w.submit(w.first, outage.KindEnd, outage.On{Outage: id}); err != nil || out.Waits() {
		w.T.Fatalf("End = %+v, %v", out, err)
	}
}

func (w *ward) lapse() {
	w.T.Helper()
	if err := w.outages.Lapse(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
}

// byApp signs the nurse in by the app and the password.
func (w *ward) byApp() (signin.Done, error) {
	w.T.Helper()
	from := Browser("ward " + w.Clock.Now().Format(time.RFC3339Nano))
	code := w.app.Next()
	attempt := w.Begin(w.nurse.Name, signin.TOTP, from)
	done, err := w.SignIn.VerifyCode(w.T.Context(), attempt, code, from)
	if err != nil || !done.Halfway {
		return done, err
	}
	return w.SignIn.VerifyPassword(w.T.Context(), attempt, Password, from)
}

// reproduces makes every decision that was kept again, by what it was made of and the rules
// that held.
func (w *ward) reproduces() {
	w.T.Helper()
	var made []struct {
		DecidedAt time.Time
		ID        string
	}
	if err := w.DB.View(w.T.Context()).All(&made, "SELECT decided_at, id FROM decisions WHERE tenant_id = ?", w.Alder.ID); err != nil {
		w.T.Fatal(err)
	}
	lifted := 0
	for _, m := range made {
		k, err := decision.At(w.T.Context(), w.DB, w.Alder.ID, decision.Address(m.DecidedAt, m.ID))
		if err != nil || k.Differ() || len(k.Differs) > 0 {
			w.T.Errorf("a decision comes to something else: %+v, %v", k, err)
		}
		if k.Input.Person.Lifted != 0 {
			lifted++
		}
	}
	if lifted == 0 || lifted == len(made) || w.SignIn.Decisions.Differences() != 0 {
		w.T.Errorf("of %d decisions %d were made while stages were lifted, and %d differ from their statement", len(made), lifted, w.SignIn.Decisions.Differences())
	}
}

func (w *ward) uses(r relaxation.Relaxation) int {
	return w.Count("SELECT count(*) FROM outage_uses WHERE relaxation = ?", r)
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
