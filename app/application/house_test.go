package application_test

import (
	"os"
	"testing"

	"latchkey/app/access"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is where two security administrators of alder look after applications.
type house struct {
	*signintest.House
	Applications  *application.Service
	Approvals     *approval.Service
	admin, second user.User
}

func houses(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	signintest.Each(t, func(s *signintest.House) {
		h := &house{House: s, Applications: &application.Service{DB: s.DB, Keys: s.Keys}}
		h.Approvals = &approval.Service{DB: s.DB, Rules: s.Rules, Hub: s.Hub, Prompts: s.Prompts, Performers: h.Applications.Performers()}
		h.admin, h.second = s.Admin(s.Alder, "security", access.RoleSecurityAdministrator), s.Admin(s.Alder, "second", access.RoleSecurityAdministrator)
		story(s.T, h)
	})
}

func (h *house) try(kind approval.Kind, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: h.Alder.ID, ActorID: h.admin.ID, Reason: "for a story"}
	return h.Approvals.Submit(h.T.Context(), act.With(parameters))
}

// does is try for what must be done at once.
func (h *house) does(kind approval.Kind, parameters any) {
	h.T.Helper()
	if out, err := h.try(kind, parameters); err != nil || out.Waits() {
		h.T.Fatalf("%s = %+v, %v", kind, out, err)
	}
}

func settings(name string) application.Settings {
	return application.Settings{Name: name, Redirects: []string{"https://" + name + ".example/callback"}}
}

// registered registers an application and gives it.
func (h *house) registered(kind application.Kind, s application.Settings) application.Application {
	h.T.Helper()
	asked := application.Registration{ID: application.NewID(), Kind: kind, Settings: s}
	if kind == application.Confidential {
		asked.SecretDigest = application.NewSecret().Digest()
	}
	h.does(application.KindRegister, asked)
	return h.is(asked.ID)
}

func (h *house) is(id string) application.Application {
	h.T.Helper()
	a, err := h.Applications.Of(h.T.Context(), h.Alder.ID, id)
	if err != nil {
		h.T.Fatal(err)
	}
	return a
}

// group makes a group of alder with people in it.
func (h *house) group(name string, people ...user.User) string {
	h.T.Helper()
	id := "group-" + name
	h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", h.Alder.ID, id, name, h.DB.Now())
	for _, u := range people {
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", h.Alder.ID, id, u.ID, u.Name)
	}
	return id
}
