package bypass_test

import (
	"maps"
	"os"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/cases"
	"latchkey/app/device"
	"latchkey/app/notify"
	"latchkey/app/people"
	"latchkey/app/role"
	"latchkey/app/secret"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/ticketsystem"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// desk is a house with a helpdesk, and a nurse whose phone is at home.
type desk struct {
	*House
	bypasses  *bypass.Service
	approvals *approval.Service

	agent, other, lead, admin, second, nurse, porter user.User
	account                                          device.Account // on the nurse's phone
}

func each(t *testing.T, story func(t *testing.T, d *desk)) {
	t.Helper()
	Each(t, func(h *House) {
		d := open(h)
		d.agent, d.other = h.Admin(h.Alder, "agent", access.RoleHelpdesk), h.Admin(h.Alder, "other", access.RoleHelpdesk)
		d.lead, d.admin, d.second = h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "second", access.RoleTenantAdministrator)
		d.nurse, d.porter = h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		_, d.account = h.PhoneOf(d.nurse)
		h.Demand(d.nurse, user.MFAEnforced)
		story(h.T, d)
	})
}

// open puts the services of a helpdesk into a house.
func open(h *House) *desk {
	d := &desk{House: h}
	d.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
	roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: d.approvals}
	persons := &people.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, Devices: h.Devices, Prompts: h.Prompts, Roles: roles, TOTPs: h.TOTPs, Passkeys: h.Passkeys, Passwords: h.Passwords, Passcodes: h.SignIn.Passcodes, Sheets: h.Sheets}
	outside := notify.Outside{Allowed: notify.Loopback}
	tickets := &ticketsystem.Service{DB: h.DB, Keys: h.Keys, Secrets: secret.System, Outside: outside, Client: outside.Client(), Wait: 30 * time.Second}
	tickets.Client.Timeout = 2 * tickets.Wait // a busy machine is no slow ticket system
	d.bypasses = &bypass.Service{DB: h.DB, Keys: h.Keys, Secrets: secret.System, Rules: h.Rules, Hub: h.Hub, Backups: h.Backups, People: persons, Cases: &cases.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules}, Approvals: d.approvals, Tickets: tickets}
	persons.Bypasses, h.SignIn.Bypasses = d.bypasses, d.bypasses
	maps.Copy(d.approvals.Performers, d.bypasses.Performers())
	maps.Copy(d.approvals.Performers, persons.Performers())
	return d
}

// proved is a caller check of an agent that a person has just passed.
func (d *desk) proved(by, on user.User) (id string) {
	d.T.Helper()
	id = secret.System.ID()
	now := d.Clock.Now()
	caseID := d.Text("SELECT id FROM cases WHERE user_id = ? AND state <> 'closed'", on.ID)
	if caseID == "" {
		caseID = secret.System.ID()
		d.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, ticket, state, owner_id, opened_by, repeats, opened_at) VALUES (?,?,(SELECT 1001 + count(*) FROM cases),?,'lost','left it','','open',?,?,0,?)",
			on.TenantID, caseID, on.ID, by.ID, by.ID, now)
	}
	account := d.Text("SELECT account_id FROM devices WHERE user_id = ? AND state = 'active' LIMIT 1", on.ID)
	if account == "" {
		_, bound := d.PhoneOf(on)
		account = bound.AccountID
	}
	d.Set(`INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, begun_at, expires_at, ended_at, proved_at, proved_with) VALUES (?,?,?,?,?,'phone',?,'proved',?,?,?,?,?)`,
		on.TenantID, id, on.ID, by.ID, caseID, on.ID, now, now, now, now, account)
	return id
}

// wants is a bypass as a form asks for it, with a fresh proof.
func (d *desk) wants(by, on user.User) bypass.Asked {
	d.T.Helper()
	return bypass.Asked{ID: secret.System.ID(), Kind: bypass.PassCode, Delivery: bypass.ReadOut, Minutes: 60, Uses: 1, Check: d.proved(by, on)}
}

func (d *desk) ask(by, on user.User, a bypass.Asked) (approval.Outcome, error) {
	act := approval.Act{Kind: bypass.KindIssue, TenantID: on.TenantID, ActorID: by.ID, TargetID: on.ID, Reason: "left it at home"}
	return d.approvals.Submit(d.T.Context(), act.With(a))
}

// given gives a bypass that needs nobody else.
func (d *desk) given(by, on user.User, a bypass.Asked) string {
	d.T.Helper()
	out, err := d.ask(by, on, a)
	if err != nil || out.Waits() {
		d.T.Fatalf("asking for a bypass = %+v, %v", out, err)
	}
	return a.ID
}

// code gives a bypass and its code.
func (d *desk) code(by, on user.User, a bypass.Asked) (id, code string) {
	d.T.Helper()
	id = d.given(by, on, a)
	made, err := d.bypasses.Make(d.T.Context(), on.TenantID, id, by.ID, audit.Origin{})
	if err != nil {
		d.T.Fatalf("Make = %v", err)
	}
	return id, made.Code.Reveal()
}

// try signs in by a code, from the beginning.
func (d *desk) try(on user.User, code string, from signin.From) (signin.Done, error) {
	d.T.Helper()
	return d.SignIn.VerifyCode(d.T.Context(), d.Begin(on.Name, signin.Bypass, from), code, from)
}

func (d *desk) state(id string) string { return d.Text("SELECT state FROM bypasses WHERE id = ?", id) }

// reason is why the last sign-in was refused.
func (d *desk) reason() string {
	return d.Text("SELECT reason FROM audit_events WHERE action = ? ORDER BY occurred_at DESC, id DESC LIMIT 1", audit.SignInRefused)
}

// at moves the clock and gives the moment.
func (d *desk) forward(by time.Duration) { d.Clock.Forward(by) }
