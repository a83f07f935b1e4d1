package stock_test

import (
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/feature"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/stock"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// depot is a house that prints sheets for others.
type depot struct {
	*House
	stock     *stock.Service
	approvals *approval.Service

	admin, lead, desk, desk2, security user.User
	nurses                             []user.User // in the group field
}

func each(t *testing.T, story func(t *testing.T, d *depot)) {
	t.Helper()
	Each(t, func(h *House) {
		d := open(h)
		d.admin, d.lead = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator), h.Admin(h.Alder, "lead", access.RoleHelpdeskLead)
		d.desk, d.desk2 = h.Admin(h.Alder, "desk", access.RoleHelpdesk), h.Admin(h.Alder, "desk2", access.RoleHelpdesk)
		d.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		for _, name := range []string{"nurse1", "nurse2", "nurse3"} {
			d.nurses = append(d.nurses, h.User(h.Alder, name))
		}
		d.group("field", d.nurses...)
		story(h.T, d)
	})
}

// open is a replica that makes batches when it is told to.
func open(h *House) *depot {
	d := &depot{House: h}
	d.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
	d.stock = stock.New(h.DB, h.Keys, h.Passwords, h.Rules, h.Hub, slog.New(slog.DiscardHandler))
	maps.Copy(d.approvals.Performers, d.stock.Performers())
	return d
}

// group makes a group of people; its name is its id.
func (d *depot) group(name string, people ...user.User) {
	d.T.Helper()
	d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", d.Alder.ID, name, name, d.Clock.Now())
	for _, u := range people {
		d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,?,?,?,?)", d.Alder.ID, name, u.ID, u.Name, d.Clock.Now())
	}
}

func (d *depot) standing(u user.User) access.Standing {
	d.T.Helper()
	if err := d.Rules.Reload(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
	return d.Rules.Standing(d.Alder.ID, u.ID)
}

func (d *depot) draw(by user.User, c stock.Choice) (string, error) {
	if c.Paper == "" {
		c.Paper = stock.A4
	}
	return d.stock.Draw(d.T.Context(), d.standing(by), c, audit.Origin{})
}

func (d *depot) judge(by user.User, batch string) stock.Judged {
	d.T.Helper()
	j, err := d.stock.Judge(d.T.Context(), d.standing(by), batch)
	if err != nil {
		d.T.Fatal(err)
	}
	return j
}

// try asks for an act of somebody.
func (d *depot) try(by user.User, kind approval.Kind, target user.User, parameters any) (approval.Outcome, error) {
	act := approval.Act{Kind: kind, TenantID: by.TenantID, ActorID: by.ID, TargetID: target.ID, Reason: "for a story"}
	return d.approvals.Submit(d.T.Context(), act.With(parameters))
}

func (d *depot) does(by user.User, kind approval.Kind, target user.User, parameters any) {
	d.T.Helper()
	if out, err := d.try(by, kind, target, parameters); err != nil || out.Waits() {
		d.T.Fatalf("%s by %s on %s = %+v, %v", kind, by.Name, target.Name, out, err)
	}
}

func (d *depot) refused(code string, by user.User, kind approval.Kind, target user.User, parameters any) {
	d.T.Helper()
	_, err := d.try(by, kind, target, parameters)
	WantCode(d.T, string(kind)+" by "+by.Name+" on "+target.Name, err, code)
}

// started is a batch for the group field that is being made.
func (d *depot) started(by user.User, c stock.Choice) string {
	d.T.Helper()
	id, err := d.draw(by, c)
	if err != nil {
		d.T.Fatal(err)
	}
	d.does(by, stock.KindPrint, user.User{}, stock.Start{Batch: id, Digest: d.judge(by, id).Digest})
	return id
}

func (d *depot) make() {
	d.T.Helper()
	if err := d.stock.TakeUp(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
}

func (d *depot) print(by user.User, batch string) (stock.Print, error) {
	return d.stock.Print(d.T.Context(), d.Alder.ID, by.ID, batch, audit.Origin{})
}

// printed is a batch for the group field on paper.
func (d *depot) printed() (batch string, papers []stock.Sheet) {
	d.T.Helper()
	batch = d.started(d.admin, stock.Choice{GroupID: "field"})
	d.make()
	p, err := d.print(d.admin, batch)
	if err != nil || len(p.Sheets) != len(d.nurses) {
		d.T.Fatalf("Print = %d sheets, %v", len(p.Sheets), err)
	}
	return batch, p.Sheets
}

// toAgent and toUser hand a sheet on.
func (d *depot) toAgent(by, agent user.User, sheets ...stock.Sheet) {
	d.T.Helper()
	of := stock.ToAgent{Agent: agent.Name}
	for _, s := range sheets {
		of.Sheets = append(of.Sheets, s.ID)
	}
	d.does(by, stock.KindToAgent, user.User{}, of)
}

// handed is a batch of which the desk has handed everything over.
func (d *depot) handed() (batch string, papers []stock.Sheet) {
	d.T.Helper()
	batch, papers = d.printed()
	d.toAgent(d.admin, d.desk, papers...)
	for i, s := range papers {
		d.does(d.desk, stock.KindToUser, d.nurses[i], stock.Of{Sheet: s.ID})
	}
	return batch, papers
}

func (d *depot) owner(u user.User) codesheet.Owner {
	id, _ := d.Session(u)
	return codesheet.Owner{TenantID: u.TenantID, UserID: u.ID, SessionID: id}
}

func (d *depot) confirm(u user.User, code string) error {
	return d.Sheets.Confirm(d.T.Context(), d.owner(u), code, audit.Origin{})
}

func (d *depot) state(s stock.Sheet) string {
	d.T.Helper()
	return d.Text("SELECT state || ' ' || custody || ' ' || holder_id FROM code_sheets WHERE id = ?", s.ID)
}

// signs tries to sign somebody in by a printed code, and gives the number that is asked for.
func (d *depot) signs(u user.User, code string) (asked int, err error) {
	d.T.Helper()
	pc := Browser("a PC of " + u.Name)
	a := d.Attempt(d.Begin(u.Name, signin.PrintedCode, pc), pc)
	_, err = d.SignIn.VerifyCode(d.T.Context(), a.ID, code, pc)
	return a.CodeNumber, err
}

// left gives why somebody gets none.
func left(j stock.Judged, u user.User) string {
	for _, p := range j.People {
		if p.ID == u.ID {
			return p.Why
		}
	}
	return "not chosen"
}

// steps are those of a sheet, in their order.
func (d *depot) steps(s stock.Sheet) string {
	d.T.Helper()
	var all []string
	err := d.DB.View(d.T.Context()).All(&all, "SELECT state FROM code_sheet_steps WHERE sheet_id = ? ORDER BY step", s.ID)
	if err != nil {
		d.T.Fatal(err)
	}
	return strings.Join(slices.Compact(all), " ")
}

func (d *depot) rule(r feature.Rule) {
	d.T.Helper()
	d.Act(func(tx *store.Tx) error { return feature.Store(tx, d.Alder.ID, feature.PrintedCodes, r, 1) })
}
