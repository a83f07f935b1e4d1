package cases_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/role"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// desk is a house with a helpdesk.
type desk struct {
	*House
	cases     *cases.Service
	approvals *approval.Service

	agent, other, lead, admin, auditor, nurse, porter user.User
}

func each(t *testing.T, story func(t *testing.T, d *desk)) {
	t.Helper()
	Each(t, func(h *House) {
		d := &desk{House: h, cases: &cases.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, AskMost: 30}}
		d.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: d.cases.Performers()}
		maps.Copy(d.approvals.Performers, (&role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: d.approvals}).Performers())
		d.agent, d.other = h.Admin(h.Alder, "agent", access.RoleHelpdesk), h.Admin(h.Alder, "other", access.RoleHelpdesk)
		d.lead, d.admin = h.Admin(h.Alder, "lead", access.RoleHelpdeskLead), h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		d.auditor = h.Admin(h.Alder, "auditor", access.RoleAuditor)
		d.nurse, d.porter = h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		story(h.T, d)
	})
}

// act hands an act on a person in.
func (d *desk) act(by user.User, kind approval.Kind, on user.User, reason string, parameters any) error {
	act := approval.Act{Kind: kind, TenantID: d.Alder.ID, ActorID: by.ID, TargetID: on.ID, Reason: reason}
	_, err := d.approvals.Submit(d.T.Context(), act.With(parameters))
	d.Clock.Forward(time.Microsecond)
	return err
}

func (d *desk) must(err error) {
	d.T.Helper()
	if err != nil {
		d.T.Fatal(err)
	}
}

// opened opens a case by the agent.
func (d *desk) opened(on user.User, device string) cases.Of {
	d.T.Helper()
	o := cases.NewOpening("lost", device)
	d.must(d.act(d.agent, cases.KindOpen, on, "lost it", o))
	return cases.Of{Case: o.ID}
}

func (d *desk) whole(of cases.Of, by user.User) cases.Whole {
	d.T.Helper()
	w, err := d.cases.Find(d.T.Context(), d.Rules.Standing(by.TenantID, by.ID), of.Case, cases.Position{})
	d.must(err)
	return w
}

func (d *desk) told(u user.User, action audit.Action) int {
	return d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", u.ID, action)
}

// TestEveryStepIsAsDrawn walks every pair of state and step.
func TestEveryStepIsAsDrawn(t *testing.T) {
	drawn := map[string]cases.State{"open wait": cases.Waiting, "open close": cases.Closed, "waiting resume": cases.Open, "waiting close": cases.Closed, "closed reopen": cases.Open}
	for _, state := range cases.States {
		for _, step := range []cases.Step{cases.Wait, cases.Resume, cases.Close, cases.Reopen} {
			next, ok := state.After(step)
			if want, possible := drawn[fmt.Sprint(state, " ", step)]; ok != possible || next != want {
				t.Errorf("%s after %s = %q, %t", step, state, next, ok)
			}
		}
	}
}

func TestACaseFromTheCallToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, phone := d.PhoneOf(d.nurse)
		d.Set("UPDATE devices SET phone_sign_in = TRUE")
		of := d.opened(d.nurse, phone.AccountID)
		w := d.whole(of, d.agent)
		if w.Name() != "C-1001" || w.OwnerID != d.agent.ID || w.State != cases.Open || w.Words != "lost it" || w.Repeats != 0 || len(w.Links) != 1 || len(w.Phones) != 0 || !w.May {
			t.Errorf("the case is %+v", w)
		}
		if d.told(d.nurse, audit.CaseOpened) != 1 || d.Text("SELECT detail FROM notices WHERE user_id = ?", d.nurse.ID) != "C-1001" {
			t.Error("the person is not told its number")
		}
		WantCode(t, "a second one", d.act(d.agent, cases.KindOpen, d.nurse, "again", cases.NewOpening("lost", "")), "case.one")

		d.must(d.act(d.agent, cases.KindNote, d.nurse, "Calls back at noon", of))
		d.must(d.act(d.agent, cases.KindWait, d.nurse, cases.WithoutWords, of))
		WantCode(t, "waiting twice", d.act(d.agent, cases.KindWait, d.nurse, cases.WithoutWords, of), "case.changed")
		d.must(d.act(d.other, cases.KindTake, d.nurse, cases.WithoutWords, of))
		WantCode(t, "taking it twice", d.act(d.other, cases.KindTake, d.nurse, cases.WithoutWords, of), "case.owner_already")
		if d.whole(of, d.other).OwnerID != d.other.ID || d.told(d.agent, audit.CaseTaken) != 1 || d.told(d.other, audit.CaseTaken) != 0 {
			t.Error("who had it is not told, or it is not taken")
		}
		to := func(name string) error {
			return d.act(d.other, cases.KindHandOver, d.nurse, cases.WithoutWords, cases.HandOver{Of: of, To: name})
		}
		WantCode(t, "to a user", to(d.porter.Name), "form.wrong")
		WantCode(t, "to the person", to(d.nurse.Name), "form.wrong")
		WantCode(t, "to an auditor", to(d.auditor.Name), "form.wrong")
		WantCode(t, "to nobody", to("nobody@alder.example"), "form.wrong")
		d.must(to(" " + strings.ToUpper(d.lead.Name)))
		if d.told(d.lead, audit.CaseHandedOver) != 1 || d.whole(of, d.lead).OwnerID != d.lead.ID {
			t.Error("it is not handed over")
		}

		d.must(d.act(d.lead, cases.KindResume, d.nurse, cases.WithoutWords, of))
		WantCode(t, "closing while the phone signs in", d.act(d.lead, cases.KindClose, d.nurse, cases.WithoutWords, of), "form.wrong")
		d.Set("UPDATE devices SET state = 'revoked' WHERE account_id = ?", phone.AccountID)
		d.must(d.act(d.lead, cases.KindClose, d.nurse, cases.WithoutWords, of))
		w = d.whole(of, d.lead)
		if w.State != cases.Closed || w.ClosedBy != d.lead.ID || w.Ending != "" || w.ClosedAt == nil || d.told(d.nurse, audit.CaseClosed) != 1 {
			t.Errorf("the closed case is %+v", w.Case)
		}
		WantCode(t, "closing twice", d.act(d.lead, cases.KindClose, d.nurse, "x", of), "case.closed")
		WantCode(t, "taking a closed one", d.act(d.agent, cases.KindTake, d.nurse, cases.WithoutWords, of), "case.closed")
		WantCode(t, "opening it again without a word", d.act(d.agent, cases.KindReopen, d.nurse, cases.WithoutWords, of), "form.wrong")
		if len(w.Notes) != 1 || w.Notes[0].Words != "Calls back at noon" || w.Names[w.Notes[0].AuthorID] != d.agent.Name {
			t.Errorf("the notes are %+v", w.Notes)
		}
		// Every act is in the story, with the case as its thread.
		var actions []string
		for i := len(w.Story) - 1; i >= 0; i-- {
			actions = append(actions, string(w.Story[i].Action))
		}
		if got := strings.Join(actions, " "); got != "case.opened case.waits case.taken case.handed_over case.resumed case.closed" {
			t.Errorf("the story is %q", got)
		}

		// The next one within 30 days says so, and the old one cannot stand beside it.
		second := d.opened(d.nurse, "")
		if w := d.whole(second, d.agent); w.Repeats != 1 || w.Number != 1002 {
			t.Errorf("the next case is %+v", w.Case)
		}
		WantCode(t, "opening the first again beside it", d.act(d.agent, cases.KindReopen, d.nurse, "once more", of), "case.one")
		d.must(d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, second))
		d.must(d.act(d.agent, cases.KindReopen, d.nurse, "once more", of))
		if w := d.whole(of, d.agent); w.State != cases.Open || w.ClosedAt != nil || d.told(d.nurse, audit.CaseReopened) != 1 {
			t.Errorf("the case that is open again is %+v", w.Case)
		}
		d.must(d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, of))
		d.Clock.Forward(cases.RepeatSpan + time.Second)
		if w := d.whole(d.opened(d.nurse, ""), d.agent); w.Repeats != 0 {
			t.Errorf("after 30 days it is a repeat of %d", w.Repeats)
		}
	})
}

func TestACaseClosesWithAReasonWhileThePhoneSignsIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, phone := d.PhoneOf(d.nurse)
		_, others := d.PhoneOf(d.porter)
		d.Set("UPDATE devices SET phone_sign_in = TRUE")
		WantCode(t, "about somebody else's phone", d.act(d.agent, cases.KindOpen, d.nurse, "lost it", cases.NewOpening("lost", others.AccountID)), "form.wrong")
		WantCode(t, "for no cause there is", d.act(d.agent, cases.KindOpen, d.nurse, "lost it", cases.NewOpening("eaten", "")), "form.wrong")
		of := d.opened(d.nurse, "")
		WantCode(t, "linking somebody else's", d.act(d.agent, cases.KindLink, d.nurse, cases.WithoutWords, cases.Link{Of: of, Device: others.AccountID}), "form.wrong")
		d.must(d.act(d.agent, cases.KindLink, d.nurse, cases.WithoutWords, cases.Link{Of: of, Device: phone.AccountID}))
		WantCode(t, "linking it twice", d.act(d.agent, cases.KindLink, d.nurse, cases.WithoutWords, cases.Link{Of: of, Device: phone.AccountID}), "case.linked_already")
		WantCode(t, "closing without a word", d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, of), "form.wrong")
		d.must(d.act(d.agent, cases.KindClose, d.nurse, "It was found in the canteen", of))
		if w := d.whole(of, d.agent); w.State != cases.Closed || w.Ending != "It was found in the canteen" {
			t.Errorf("the case is %+v", w.Case)
		}
	})
}

func TestOfManyAtOnceOneCaseIsOpenedAndOneTakesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		errs := AtOnce(16, func(i int) error {
			return d.act([]user.User{d.agent, d.other}[i%2], cases.KindOpen, d.nurse, "lost it", cases.NewOpening("lost", ""))
		})
		if got := Tally(errs); got["done"] != 1 || got["case.one"] != 15 {
			t.Errorf("sixteen at once: %v", got)
		}
		of := cases.Of{Case: d.Text("SELECT id FROM cases")}
		errs = AtOnce(12, func(int) error { return d.act(d.lead, cases.KindTake, d.nurse, cases.WithoutWords, of) })
		if got := Tally(errs); got["done"] != 1 || d.Events(audit.CaseTaken) != 1 {
			t.Errorf("twelve take it at once: %v", got)
		}
		errs = AtOnce(12, func(int) error { return d.act(d.lead, cases.KindClose, d.nurse, cases.WithoutWords, of) })
		if got := Tally(errs); got["done"] != 1 || d.Events(audit.CaseClosed) != 1 || d.told(d.nurse, audit.CaseClosed) != 1 {
			t.Errorf("twelve close it at once: %v", got)
		}
		// Numbers have no gaps and no twins.
		people := make([]user.User, 10)
		for i := range people {
			people[i] = d.User(d.Alder, fmt.Sprintf("many%d", i))
		}
		for _, err := range AtOnce(len(people), func(i int) error {
			return d.act(d.agent, cases.KindOpen, people[i], "lost it", cases.NewOpening("lost", ""))
		}) {
			d.must(err)
		}
		if got := d.Text("SELECT CAST(count(DISTINCT number) AS text) || ' ' || CAST(min(number) AS text) || ' ' || CAST(max(number) AS text) FROM cases"); got != "11 1001 1011" {
			t.Errorf("the numbers are %s", got)
		}
	})
}

func TestNotesStay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.must(d.act(d.agent, cases.KindNote, d.nurse, "First", d.opened(d.nurse, "")))
		for _, statement := range []string{"UPDATE case_notes SET words = 'Second'", "DELETE FROM case_notes"} {
			err := d.DB.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement).Error })
			if err == nil || !strings.Contains(err.Error(), "never changed or deleted") {
				t.Errorf("%s = %v", statement, err)
			}
		}
	})
}

func TestWhoHandlesAndSeesCases(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		of := d.opened(d.nurse, "")
		mine := d.opened(d.porter, "")
		d.must(d.act(d.lead, cases.KindTake, d.porter, cases.WithoutWords, mine))
		stranger := d.Admin(d.Birch, "security", access.RoleSecurityAdministrator)
		limited := d.Admin(d.Alder, "limited", access.RoleHelpdeskLead)
		d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", d.Alder.ID, d.Clock.Now())
		d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", d.Alder.ID, d.porter.ID, d.porter.Name)
		d.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", d.Alder.ID, limited.ID)
		d.must(d.Rules.Reload(t.Context()))
		for _, row := range []struct {
			by          user.User
			acts, finds string
			board       int
		}{
			{d.agent, "", "", 1}, // their own alone; the other they find by its number
			{d.other, "", "", 0},
			{d.lead, "", "", 2},
			{d.admin, "", "", 2},
			{d.auditor, "access.forbidden", "", 2},
			{d.nurse, "access.self", "access.forbidden", -1},
			{d.porter, "access.forbidden", "access.forbidden", -1},
			{limited, "http.not_found", "http.not_found", 1},
			{stranger, "access.forbidden", "http.not_found", 0},
		} {
			err := d.act(row.by, cases.KindNote, d.nurse, "a note", of)
			if row.acts == "" {
				d.must(err)
			} else if row.by.ID != d.nurse.ID {
				WantCode(t, row.by.Name+" adds a note", err, row.acts)
			} else if err == nil {
				t.Error("somebody adds to their own case")
			}
			who := d.Rules.Standing(row.by.TenantID, row.by.ID)
			_, err = d.cases.Find(t.Context(), who, of.Case, cases.Position{})
			if row.finds == "" {
				d.must(err)
			} else {
				WantCode(t, row.by.Name+" looks at it", err, row.finds)
			}
			found, err := d.cases.Numbered(t.Context(), who, "c-1001")
			if (len(found) == 1) != (row.finds == "") || err != nil {
				t.Errorf("%s finds %d by its number, %v", row.by.Name, len(found), err)
			}
			board, err := d.cases.Board(t.Context(), who, cases.Filter{Owner: cases.Anyone}, cases.Position{})
			if row.board < 0 {
				WantCode(t, "the board of "+row.by.Name, err, "access.forbidden")
			} else if err != nil || len(board.Rows) != row.board {
				t.Errorf("the board of %s has %d, %v; want %d", row.by.Name, len(board.Rows), err, row.board)
			}
		}
		// Nobody's rank or above, and no case under another person.
		WantCode(t, "for a lead", d.act(d.agent, cases.KindOpen, d.lead, "lost it", cases.NewOpening("lost", "")), "access.rank")
		WantCode(t, "for oneself", d.act(d.agent, cases.KindOpen, d.agent, "lost it", cases.NewOpening("lost", "")), "access.self")
		WantCode(t, "a case of somebody else", d.act(d.agent, cases.KindNote, d.porter, "a note", of), "http.not_found")
		// An agent who does not handle it reads their own part of the story alone.
		if n := len(d.whole(of, d.other).Story); n != 0 {
			t.Errorf("another agent is told %d events", n)
		}
		if own, ok, err := d.cases.Own(t.Context(), d.Alder.ID, d.nurse.ID); err != nil || !ok || own.OwnerName != d.agent.Name {
			t.Errorf("the person sees %+v, %t, %v", own, ok, err)
		}
	})
}

func TestTheBoardIsCutAndComesPageByPage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for i := range cases.PageLength + 7 {
			u := fmt.Sprintf("b%03d", i)
			d.Set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", d.Alder.ID, u, u+"@alder.example", d.Clock.Now())
			state := []string{"open", "waiting", "closed"}[i%3]
			d.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,?,?,?,'lost','',?,?,'',?)",
				d.Alder.ID, "case-"+u, i, u, state, []string{d.agent.ID, d.other.ID}[i%2], d.Clock.Now().Add(time.Duration(i/4)*-24*time.Hour))
		}
		who := d.Rules.Standing(d.lead.TenantID, d.lead.ID)
		for _, row := range []struct {
			f    cases.Filter
			want int
		}{
			{cases.Filter{}, 38},
			{cases.Filter{State: "open"}, 19},
			{cases.Filter{State: "closed"}, 19},
			{cases.Filter{State: "nonsense", Age: "nonsense"}, 38},
			{cases.Filter{Owner: d.agent.Name}, 19},
			{cases.Filter{Owner: "nobody@alder.example"}, 0},
			{cases.Filter{Owner: cases.Mine}, 0},
			{cases.Filter{Age: "week"}, 16},
			{cases.Filter{State: "waiting", Owner: d.other.Name, Age: "day"}, 8},
		} {
			p, err := d.cases.Board(t.Context(), who, row.f, cases.Position{})
			if err != nil || len(p.Rows) != row.want {
				t.Errorf("%+v has %d, %v; want %d", row.f, len(p.Rows), err, row.want)
			}
			for i := 1; i < len(p.Rows); i++ {
				if closed := row.f.State == "closed"; p.Rows[i].OpenedAt.Before(p.Rows[i-1].OpenedAt) != closed && !p.Rows[i].OpenedAt.Equal(p.Rows[i-1].OpenedAt) {
					t.Errorf("%+v is not in its order", row.f)
					break
				}
			}
		}
		d.Set("UPDATE cases SET state = 'open'")
		first, err := d.cases.Board(t.Context(), who, cases.Filter{}, cases.Position{})
		if err != nil || len(first.Rows) != cases.PageLength || !first.More {
			t.Fatalf("the first page has %d, %v", len(first.Rows), err)
		}
		last := first.Rows[cases.PageLength-1]
		second, err := d.cases.Board(t.Context(), who, cases.Filter{}, cases.Position{At: last.OpenedAt, ID: last.ID})
		if err != nil || len(second.Rows) != 7 || second.More {
			t.Errorf("the second has %d, %v", len(second.Rows), err)
		}
	})
}

// TestTheFormOfATicketIsAskedWhenItIsTyped: a case that stands under one of before goes on.
func TestTheFormOfATicketIsAskedWhenItIsTyped(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		under := func(ticket string, kind approval.Kind, on user.User, parameters any) error {
			act := approval.Act{Kind: kind, TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: on.ID, Reason: "a story", Ticket: ticket}
			_, err := d.approvals.Submit(t.Context(), act.With(parameters))
			return err
		}
		unfit := func(claim string, err error) {
			t.Helper()
			if f := fault.Of(err); !errors.Is(err, fault.Invalid) || f.Fields["ticket"] != "desk.ticket_unfit" || f.Detail != "INC-1042" {
				t.Errorf("%s = %v", claim, err)
			}
		}
		before := cases.NewOpening("lost", "")
		d.must(under("OLD-1", cases.KindOpen, d.nurse, before))
		d.Set("UPDATE tenants SET ticket_pattern = 'INC-[0-9]+', ticket_example = 'INC-1042' WHERE id = ?", d.Alder.ID)
		unfit("opened under another one", under("CHG-1", cases.KindOpen, d.porter, cases.NewOpening("lost", "")))
		of := cases.Of{Case: before.ID}
		unfit("noted under another one", under("CHG-1", cases.KindNote, d.nurse, of))
		unfit("closed under another one", under("CHG-1", cases.KindClose, d.nurse, of))
		if n := d.Count("SELECT count(*) FROM cases WHERE state = 'open'"); n != 1 || d.Count("SELECT count(*) FROM case_notes") != 0 {
			t.Errorf("%d cases are open", n)
		}
		d.must(under("inc-7", cases.KindNote, d.nurse, of))
		d.must(under("OLD-1", cases.KindClose, d.nurse, of))
		d.must(under("INC-8", cases.KindOpen, d.porter, cases.NewOpening("lost", "")))
	})
}

func TestACaseClosesWithAReasonWhileABypassLetsIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		of := d.opened(d.nurse, "")
		bypass := func(id, state string, ends time.Time) {
			d.Set(`INSERT INTO bypasses (tenant_id, id, user_id, case_id, kind, state, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at)
				VALUES (?,?,?,?,'pass_code',?,60,1,1,'','','phone','strong',?,?,?,?)`, d.Alder.ID, id, d.nurse.ID, of.Case, state, d.agent.ID, d.Clock.Now(), ends, d.Clock.Now())
		}
		bypass("over", "revoked", d.Clock.Now().Add(time.Hour))
		bypass("standing", "active", d.Clock.Now().Add(time.Hour))
		WantCode(t, "closing without a word", d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, of), "form.wrong")
		d.must(d.act(d.agent, cases.KindClose, d.nurse, "It ends by itself in a moment", of))
		d.must(d.act(d.agent, cases.KindReopen, d.nurse, "once more", of))
		// One whose time is over lets nobody in, whoever has written that down.
		d.Clock.Forward(time.Hour)
		d.must(d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, of))
	})
}
