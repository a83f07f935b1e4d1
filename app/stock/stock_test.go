package stock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/feature"
	. "latchkey/app/signin/signintest"
	"latchkey/app/stock"
	"latchkey/app/user"
)

// TestASheetFromItsMakingToItsUser follows one paper.
func TestASheetFromItsMakingToItsUser(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		ctx, nurse := t.Context(), d.nurses[0]
		batch := d.started(d.admin, stock.Choice{GroupID: "field", Paper: stock.Letter, Instructions: "Keep it in your locker.\r\nCall 1234."})
		if got := d.Text("SELECT state FROM code_sheet_batches"); got != stock.Making {
			t.Fatalf("it is %s", got)
		}
		_, err := d.print(d.admin, batch)
		WantCode(t, "printing what is not made", err, "stock.not_made")
		d.make()
		if d.Events(audit.SheetBatchMade) != 1 || d.Events(audit.CodeSheetPrepared) != 3 || d.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", audit.SheetBatchMade, d.admin.ID) != 1 {
			t.Error("it is told otherwise than once that it is made")
		}
		_, err = d.print(d.security, batch)
		WantCode(t, "printing another one's", err, "stock.not_yours")
		p, err := d.print(d.admin, batch)
		if err != nil || len(p.Sheets) != 3 || p.Paper != stock.Letter || p.Instructions != "Keep it in your locker.\nCall 1234." || p.Left != 0 {
			t.Fatalf("Print = %+v, %v", p, err)
		}
		_, err = d.print(d.admin, batch)
		WantCode(t, "printing again", err, "http.not_found")
		if d.Count("SELECT count(*) FROM code_sheets WHERE sealed <> ''") != 0 {
			t.Error("codes can be opened still")
		}
		paper := p.Sheets[0]
		if paper.Name != nurse.Name || len(paper.Codes) != codesheet.Codes {
			t.Fatalf("the first sheet is %s's, with %d codes", paper.Name, len(paper.Codes))
		}
		first := paper.Codes[0].Reveal()
		nothing := func(where string) {
			t.Helper()
			if _, err := d.signs(nurse, first); !errors.Is(err, fault.Refused) {
				t.Errorf("%s a code of it signs in: %v", where, err)
			}
			if d.Count("SELECT ways FROM users WHERE id = ?", nurse.ID)&int(user.WithPrintedCode) != 0 {
				t.Errorf("%s it counts as a way in", where)
			}
		}
		nothing("at the printer")
		// No step is left out.
		d.refused("stock.moved", d.desk, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		WantCode(t, "confirming a paper at the printer", d.confirm(nurse, first), "http.not_found")
		d.toAgent(d.admin, d.desk, p.Sheets...)
		nothing("with the agent")
		WantCode(t, "confirming a paper of the agent's", d.confirm(nurse, first), "http.not_found")
		d.refused("stock.moved", d.admin, stock.KindToAgent, user.User{}, stock.ToAgent{Sheets: []string{paper.ID}, Agent: d.desk.Name})
		d.refused("stock.not_holder", d.desk2, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		d.refused("stock.not_holder", d.desk2, stock.KindToAgent, user.User{}, stock.ToAgent{Sheets: []string{paper.ID}, Agent: d.desk2.Name})
		d.toAgent(d.desk, d.desk2, paper)
		d.refused("stock.not_holder", d.desk, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		d.does(d.desk2, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		nothing("with its user")
		d.refused("stock.moved", d.desk2, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		d.refused("stock.moved", d.admin, stock.KindToAgent, user.User{}, stock.ToAgent{Sheets: []string{paper.ID}, Agent: d.desk.Name})
		if got := d.state(paper); got != "with_user user "+nurse.ID {
			t.Errorf("it is %s", got)
		}
		handed, ok, err := d.Sheets.HandedTo(ctx, nurse.TenantID, nurse.ID)
		if err != nil || !ok || handed.Number != 1 || handed.HandedBy != d.desk2.ID || handed.Serial != paper.Serial {
			t.Errorf("HandedTo = %+v, %t, %v", handed, ok, err)
		}
		WantCode(t, "somebody else with the paper", d.confirm(d.nurses[1], first), "http.not_found")
		WantCode(t, "the second code", d.confirm(nurse, paper.Codes[1].Reveal()), "form.wrong")
		if err := d.confirm(nurse, strings.ToLower(first)); err != nil {
			t.Fatal(err)
		}
		if got := d.state(paper); got != "active user "+nurse.ID {
			t.Errorf("then it is %s", got)
		}
		if asked, err := d.signs(nurse, first); asked != 2 || err == nil {
			t.Errorf("a sign-in asks for number %d, and takes the code that confirmed it: %v", asked, err)
		}
		if asked, err := d.signs(nurse, paper.Codes[1].Reveal()); asked != 2 || err != nil {
			t.Errorf("number %d = %v", asked, err)
		}
		if got := d.steps(paper); got != "unprinted printed with_agent with_user active" {
			t.Errorf("its steps are %s", got)
		}
		for action, want := range map[audit.Action]int{
			audit.SheetBatchDrafted: 1, audit.SheetBatchStarted: 1, audit.SheetBatchPrinted: 1, audit.CodeSheetPrinted: 3, audit.CodeSheetToAgent: 4, audit.CodeSheetToUser: 1,
			audit.CodeSheetRefused: 1, audit.CodeSheetActivated: 1,
		} {
			if got := d.Events(action); got != want {
				t.Errorf("%d events %s, want %d", got, action, want)
			}
		}
		for action, who := range map[audit.Action]user.User{audit.CodeSheetToAgent: d.desk2, audit.CodeSheetToUser: nurse, audit.CodeSheetActivated: nurse} {
			if d.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", action, who.ID) != 1 {
				t.Errorf("%s is not told of %s", who.Name, action)
			}
		}
	})
}

// TestWhoGetsNoneAndWhy, and that exactly those get one who were seen.
func TestWhoGetsNoneAndWhy(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		d.group("all", append([]user.User{d.admin, d.lead, d.security}, d.nurses...)...)
		locked, has, low, coming := d.User(d.Alder, "locked"), d.User(d.Alder, "has"), d.User(d.Alder, "low"), d.User(d.Alder, "coming")
		d.Lock(locked)
		d.SheetOf(has)
		d.SheetOf(low)
		d.Set("UPDATE code_sheets SET codes_left = 3 WHERE user_id = ?", low.ID)
		one, err := d.draw(d.lead, stock.Choice{Names: coming.Name})
		if err != nil {
			t.Fatal(err)
		}
		d.does(d.lead, stock.KindPrint, user.User{}, stock.Start{Batch: one, Digest: d.judge(d.lead, one).Digest})
		d.make()
		names := strings.Join([]string{locked.Name, has.Name, low.Name, coming.Name, d.nurses[0].Name, has.Name}, "\r\n")
		batch, err := d.draw(d.lead, stock.Choice{GroupID: "all", Names: names})
		if err != nil {
			t.Fatal(err)
		}
		j := d.judge(d.lead, batch)
		for who, want := range map[string]string{
			d.admin.ID: stock.WhyRank, d.lead.ID: stock.WhySelf, d.security.ID: stock.WhyRank, locked.ID: stock.WhyLocked, has.ID: stock.WhyHas, low.ID: "", coming.ID: stock.WhyComing, d.nurses[0].ID: "",
		} {
			if got := left(j, user.User{ID: who}); got != want {
				t.Errorf("%s is left out because of %q, want %q", who, got, want)
			}
		}
		if j.Getting != 4 || len(j.People) != 10 || j.Eyes {
			t.Errorf("%d of %d get one, four eyes: %t", j.Getting, len(j.People), j.Eyes)
		}
		renews, err := d.draw(d.lead, stock.Choice{Names: has.Name, Renews: true})
		if err != nil || d.judge(d.lead, renews).Getting != 1 {
			t.Errorf("who has a sheet gets none when they are renewed: %v", err)
		}
		// Something changes before it is started.
		d.Lock(d.nurses[2])
		d.refused("stock.changed", d.lead, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: j.Digest})
		d.refused("stock.not_yours", d.admin, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: j.Digest})
		d.refused("access.forbidden", d.desk, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: j.Digest})
		d.refused("http.not_found", d.lead, stock.KindPrint, user.User{}, stock.Start{Batch: "nothing"})
		d.does(d.lead, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: d.judge(d.lead, batch).Digest})
		d.refused("stock.started", d.lead, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: j.Digest})
		// And before it is made, and before it is printed.
		d.Lock(d.nurses[1])
		d.make()
		if got := d.Text("SELECT CAST(total AS text) || ' ' || CAST(done AS text) || ' ' || CAST(skipped AS text) FROM code_sheet_batches WHERE id = ?", batch); got != "3 3 1" {
			t.Errorf("of %s got one", got)
		}
		d.Lock(low)
		p, err := d.print(d.lead, batch)
		if err != nil || len(p.Sheets) != 1 || p.Left != 1 || d.Count("SELECT count(*) FROM code_sheets WHERE batch_id = ? AND state = 'voided' AND user_id = ?", batch, low.ID) != 1 {
			t.Errorf("Print = %d sheets, %d left out, %v", len(p.Sheets), p.Left, err)
		}
		for claim, c := range map[string]stock.Choice{
			"nobody": {}, "a name of nobody": {Names: "nobody@alder.example"}, "a group of another tenant": {GroupID: "elsewhere"}, "a paper that is none": {GroupID: "field", Paper: "a5"},
			"too many words": {GroupID: "field", Instructions: strings.Repeat("x", 601)}, "too many lines": {GroupID: "field", Instructions: strings.Repeat("x\n", 9)},
		} {
			if _, err := d.draw(d.lead, c); !errors.Is(err, fault.Invalid) {
				t.Errorf("a batch for %s = %v", claim, err)
			}
		}
	})
}

// TestSecurityAdministratorsPrintForEachOtherByFourEyes.
func TestSecurityAdministratorsPrintForEachOtherByFourEyes(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		other, third := d.Admin(d.Alder, "security2", access.RoleSecurityAdministrator), d.Admin(d.Alder, "security3", access.RoleSecurityAdministrator)
		batch, err := d.draw(d.security, stock.Choice{Names: other.Name + "\n" + d.nurses[0].Name})
		if err != nil {
			t.Fatal(err)
		}
		j := d.judge(d.security, batch)
		if !j.Eyes || j.Getting != 2 {
			t.Fatalf("%d get one, four eyes: %t", j.Getting, j.Eyes)
		}
		out, err := d.try(d.security, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: j.Digest})
		if err != nil || !out.Waits() || d.Text("SELECT state FROM code_sheet_batches") != stock.Draft {
			t.Fatalf("Submit = %+v, %v", out, err)
		}
		if err := d.approvals.Approve(t.Context(), d.Alder.ID, out.RequestID, other.ID, approval.Given{}); err == nil {
			t.Error("who gets a sheet approves it")
		}
		if err := d.approvals.Approve(t.Context(), d.Alder.ID, out.RequestID, third.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		d.make()
		if p, err := d.print(d.security, batch); err != nil || len(p.Sheets) != 2 {
			t.Errorf("Print = %d sheets, %v", len(p.Sheets), err)
		}
	})
}

// TestABatchIsMadeOnceAmongReplicas, and goes on after one of them has stopped.
func TestABatchIsMadeOnceAmongReplicas(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		var many []user.User
		for _, name := range strings.Fields("a b c d e f g h i j k l") {
			many = append(many, d.User(d.Alder, "many-"+name))
		}
		d.group("many", many...)
		batch := d.started(d.admin, stock.Choice{GroupID: "many"})
		// One stops in the middle.
		ctx, stop := context.WithCancel(t.Context())
		stopping := stock.New(d.DB, d.Keys, &hasher{Hasher: d.Passwords, after: 45, then: stop}, d.Rules, d.Hub, nil)
		_ = stopping.TakeUp(ctx)
		done := d.Count("SELECT done FROM code_sheet_batches")
		if done != 4 || d.Count("SELECT count(*) FROM code_sheets") != 4 || d.Text("SELECT state FROM code_sheet_batches") != stock.Making {
			t.Fatalf("after 45 codes %d of 12 are made", done)
		}
		replicas := []*depot{d, open(d.Replica()), open(d.Replica())}
		for _, err := range AtOnce(12, func(i int) error { return replicas[i%3].stock.TakeUp(t.Context()) }) {
			if err != nil {
				t.Error(err)
			}
		}
		if d.Count("SELECT count(*) FROM code_sheets") != 12 || d.Count("SELECT count(DISTINCT user_id) FROM code_sheets") != 12 || d.Count("SELECT count(*) FROM printed_codes WHERE hash LIKE '$argon2id$%'") != 120 {
			t.Errorf("%d sheets were made", d.Count("SELECT count(*) FROM code_sheets"))
		}
		if d.Events(audit.SheetBatchMade) != 1 || d.Events(audit.CodeSheetPrepared) != 12 || d.Text("SELECT state FROM code_sheet_batches") != stock.Made {
			t.Error("it was made otherwise than once")
		}
		// Of many who print it one has the codes.
		prints := make([]stock.Print, 20)
		tally := Tally(AtOnce(20, func(i int) (err error) { prints[i], err = replicas[i%3].print(d.admin, batch); return err }))
		if tally["done"] != 1 || tally["http.not_found"] != 19 {
			t.Errorf("printed by 20 at once: %v", tally)
		}
	})
}

// hasher stops the world after so many codes.
type hasher struct {
	stock.Hasher
	after int
	then  func()
}

func (h *hasher) HashPatiently(ctx context.Context, code string) (string, error) {
	if h.after--; h.after < 0 {
		h.then()
		return "", context.Canceled
	}
	return h.Hasher.HashPatiently(ctx, code)
}

// TestABatchIsTakenUpWhereItIs: somebody else was at it since it was found to wait.
func TestABatchIsTakenUpWhereItIs(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		other, porter := open(d.Replica()), d.User(d.Alder, "porter")
		d.started(d.admin, stock.Choice{Names: porter.Name})
		d.Clock.Forward(time.Second)
		second := d.started(d.admin, stock.Choice{GroupID: "field"})
		// While this one makes the first, another replica makes a part of the second, and stops.
		meanwhile := func() {
			stopping := stock.New(other.DB, other.Keys, &hasher{Hasher: other.Passwords, after: 25, then: func() {}}, other.Rules, other.Hub, nil)
			_ = stopping.TakeUp(t.Context())
		}
		d.stock.Passwords = &hook{Hasher: d.Passwords, then: meanwhile}
		d.make()
		if got := d.Text("SELECT state || ' ' || CAST(total AS text) || ' ' || CAST(done AS text) || ' ' || CAST(skipped AS text) FROM code_sheet_batches WHERE id = ?", second); got != "made 3 3 0" {
			t.Errorf("the second is %s", got)
		}
		if n := d.Count("SELECT count(*) FROM code_sheets WHERE batch_id = ?", second); n != 3 {
			t.Errorf("it has %d sheets", n)
		}
	})
}

// hook does something before the first code.
type hook struct {
	stock.Hasher
	once sync.Once
	then func()
}

func (h *hook) HashPatiently(ctx context.Context, code string) (string, error) {
	h.once.Do(h.then)
	return h.Hasher.HashPatiently(ctx, code)
}

// TestWhoeverHoldsABatchAndIsGoneLosesIt, after a minute.
func TestWhoeverHoldsABatchAndIsGoneLosesIt(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		d.started(d.admin, stock.Choice{GroupID: "field"})
		d.Set("UPDATE code_sheet_batches SET held_at = ?", d.Clock.Now())
		d.make()
		if d.Count("SELECT count(*) FROM code_sheets") != 0 {
			t.Error("it was taken from who is at it")
		}
		d.Clock.Forward(61 * time.Second)
		d.make()
		if d.Count("SELECT count(*) FROM code_sheets") != 3 {
			t.Error("nobody has taken it up")
		}
	})
}

// TestVoidingABatchKillsEveryCode, wherever its sheets are.
func TestVoidingABatchKillsEveryCode(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		batch, papers := d.printed()
		d.toAgent(d.admin, d.desk, papers[0], papers[1])
		d.does(d.desk, stock.KindToUser, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		if err := d.confirm(d.nurses[0], papers[0].Codes[0].Reveal()); err != nil {
			t.Fatal(err)
		}
		_, cookie := d.Session(d.nurses[0])
		d.Set("UPDATE sessions SET amr = 'pwd,printed_code', proved_by = 'pwd,printed_code' WHERE user_id = ?", d.nurses[0].ID)
		d.refused("access.forbidden", d.desk, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch})
		d.does(d.lead, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch})
		d.refused("stock.over", d.lead, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch})
		if d.Count("SELECT count(*) FROM printed_codes WHERE hash <> ''") != 0 || d.Count("SELECT count(*) FROM code_sheets WHERE state = 'voided' AND ended_by = ?", d.lead.ID) != 3 {
			t.Error("codes are alive")
		}
		if d.Alive(cookie) {
			t.Error("a session that a code of it made is alive")
		}
		for i, nurse := range d.nurses {
			for _, code := range papers[i].Codes {
				if _, err := d.signs(nurse, code.Reveal()); !errors.Is(err, fault.Refused) && !errors.Is(err, fault.Throttled) {
					t.Fatalf("a code of %s = %v", nurse.Name, err)
				}
			}
			d.Clock.Forward(24 * time.Hour)
			d.Set("DELETE FROM throttles")
		}
		// Where the papers are, it is known still, and their holders are told.
		if d.state(papers[1]) != "voided agent "+d.desk.ID || d.state(papers[2]) != "voided printer "+d.admin.ID || d.state(papers[0]) != "voided user "+d.nurses[0].ID {
			t.Errorf("the papers are %s, %s, %s", d.state(papers[0]), d.state(papers[1]), d.state(papers[2]))
		}
		for action, who := range map[audit.Action][]user.User{audit.CodeSheetVoided: {d.nurses[0]}, audit.SheetBatchVoided: {d.desk, d.admin}} {
			for _, u := range who {
				if d.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", action, u.ID) != 1 {
					t.Errorf("%s is not told", u.Name)
				}
			}
		}
		if d.Events(audit.CodeSheetVoided) != 3 || d.Events(audit.SheetBatchVoided) != 1 {
			t.Error("the audit has it otherwise than once for each")
		}
	})
}

// TestABatchThatIsVoidedInTheMakingIsMadeNoFurther, nor is one that nobody prints kept.
func TestABatchThatIsVoidedInTheMakingIsMadeNoFurther(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		batch := d.started(d.admin, stock.Choice{GroupID: "field"})
		voiding := stock.New(d.DB, d.Keys, &hasher{Hasher: d.Passwords, after: 15, then: func() { d.does(d.admin, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch}) }}, d.Rules, d.Hub, nil)
		_ = voiding.TakeUp(t.Context())
		d.Clock.Forward(2 * time.Minute)
		d.make()
		if d.Count("SELECT count(*) FROM code_sheets") != 1 || d.Count("SELECT count(*) FROM code_sheets WHERE state <> 'voided' OR sealed <> ''") != 0 {
			t.Error("it was made further, or what was made is alive")
		}
		_, err := d.print(d.admin, batch)
		WantCode(t, "printing it", err, "http.not_found")
		batch = d.started(d.admin, stock.Choice{GroupID: "field"})
		d.make()
		d.Clock.Forward(stock.MadeLife - time.Second)
		if err := d.stock.Lapse(t.Context()); err != nil || d.Count("SELECT count(*) FROM code_sheets WHERE state = 'unprinted'") != 3 {
			t.Errorf("Lapse before its time: %v", err)
		}
		d.Clock.Forward(time.Second)
		_, err = d.print(d.admin, batch)
		WantCode(t, "printing it too late", err, "http.not_found")
		for _, err := range AtOnce(4, func(int) error { return d.stock.Lapse(t.Context()) }) {
			if err != nil {
				t.Error(err)
			}
		}
		if d.Count("SELECT count(*) FROM code_sheets WHERE sealed <> '' OR state = 'unprinted'") != 0 || d.Events(audit.SheetBatchVoided) != 2 {
			t.Error("codes that nobody prints are kept")
		}
		draft, err := d.draw(d.admin, stock.Choice{GroupID: "field"})
		if err != nil {
			t.Fatal(err)
		}
		digest := d.judge(d.admin, draft).Digest
		d.Clock.Forward(stock.DraftLife)
		d.refused("stock.draft_old", d.admin, stock.KindPrint, user.User{}, stock.Start{Batch: draft, Digest: digest})
		d.Clock.Forward(stock.DraftLife + time.Second)
		if err := d.stock.Lapse(t.Context()); err != nil || d.Count("SELECT count(*) FROM code_sheet_batches WHERE id = ?", draft) != 0 {
			t.Errorf("an old draft is kept: %v", err)
		}
	})
}

// TestANewerSheetTakesThePlaceOfTheOlderOneWhenItIsConfirmed, not before.
func TestANewerSheetTakesThePlaceOfTheOlderOneWhenItIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		nurse := d.nurses[0]
		own := d.SheetOf(nurse)
		batch, err := d.draw(d.admin, stock.Choice{Names: nurse.Name, Renews: true})
		if err != nil {
			t.Fatal(err)
		}
		d.does(d.admin, stock.KindPrint, user.User{}, stock.Start{Batch: batch, Digest: d.judge(d.admin, batch).Digest})
		d.make()
		p, err := d.print(d.admin, batch)
		if err != nil {
			t.Fatal(err)
		}
		paper := p.Sheets[0]
		d.toAgent(d.admin, d.admin, paper)
		d.does(d.admin, stock.KindToUser, nurse, stock.Of{Sheet: paper.ID})
		if _, err := d.signs(nurse, own.Codes[0].Reveal()); err != nil {
			t.Errorf("the older sheet before = %v", err)
		}
		tally := Tally(AtOnce(500, func(int) error { return d.confirm(nurse, paper.Codes[0].Reveal()) }))
		if tally["done"] != 1 || d.Events(audit.CodeSheetActivated) != 1 {
			t.Errorf("confirmed by 500 at once: %v", tally)
		}
		if d.Text("SELECT state FROM code_sheets WHERE id = ?", own.ID) != codesheet.Replaced || d.Count("SELECT count(*) FROM printed_codes WHERE sheet_id = ? AND hash <> ''", own.ID) != 0 {
			t.Error("the older sheet lives")
		}
		if d.Count("SELECT codes_left FROM code_sheets WHERE id = ?", paper.ID) != 9 || d.Count("SELECT count(*) FROM printed_codes WHERE sheet_id = ? AND hash <> ''", paper.ID) != 9 {
			t.Error("other than one code of the newer one is used")
		}
		// One that they make themselves takes its place in turn.
		d.SheetOf(nurse)
		if got := d.state(paper); got != "replaced user "+nurse.ID || d.steps(paper) != "unprinted printed with_agent with_user active replaced" {
			t.Errorf("it is %s after %s", got, d.steps(paper))
		}
	})
}

// TestFiveWrongCodesVoidASheet, also five hundred at once.
func TestFiveWrongCodesVoidASheet(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		_, papers := d.handed()
		nurse := d.nurses[0]
		tally := Tally(AtOnce(500, func(int) error { return d.confirm(nurse, papers[0].Codes[1].Reveal()) }))
		if tally["form.wrong"] != 4 || tally["codesheet.confirm_over"] != 1 || d.Events(audit.CodeSheetRefused) != 5 {
			t.Errorf("500 wrong ones at once: %v, and %d events", tally, d.Events(audit.CodeSheetRefused))
		}
		WantCode(t, "the right one then", d.confirm(nurse, papers[0].Codes[0].Reveal()), "http.not_found")
		if !strings.HasPrefix(d.state(papers[0]), "voided") || d.Count("SELECT count(*) FROM printed_codes WHERE sheet_id = ? AND hash <> ''", papers[0].ID) != 0 {
			t.Errorf("it is %s", d.state(papers[0]))
		}
		for range 4 {
			_ = d.confirm(d.nurses[1], "7777-7777-7777-7777")
		}
		if err := d.confirm(d.nurses[1], papers[1].Codes[0].Reveal()); err != nil {
			t.Errorf("the right one after four wrong ones = %v", err)
		}
	})
}

// TestLostAndDestroyedPapersAreDead, by whom they may be reported.
func TestLostAndDestroyedPapersAreDead(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		_, papers := d.printed()
		d.toAgent(d.admin, d.desk, papers[0], papers[1])
		// An agent says what became of what they have, and of nothing else.
		d.refused("stock.not_holder", d.desk, stock.KindLost, d.nurses[2], stock.Of{Sheet: papers[2].ID})
		d.refused("stock.not_holder", d.desk2, stock.KindDestroyed, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		d.refused("access.forbidden", d.desk, stock.KindVoid, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		d.refused("http.not_found", d.desk, stock.KindLost, d.nurses[1], stock.Of{Sheet: papers[0].ID})
		d.does(d.desk, stock.KindDestroyed, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		d.refused("stock.moved", d.lead, stock.KindLost, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		d.refused("stock.moved", d.lead, stock.KindToAgent, user.User{}, stock.ToAgent{Sheets: []string{papers[0].ID}, Agent: d.desk.Name})
		d.does(d.desk, stock.KindToUser, d.nurses[1], stock.Of{Sheet: papers[1].ID})
		d.refused("stock.not_holder", d.desk, stock.KindLost, d.nurses[1], stock.Of{Sheet: papers[1].ID}) // it is the user's now
		WantCode(t, "reporting another one's", d.Sheets.ReportLost(t.Context(), d.owner(d.nurses[0]), papers[1].ID, audit.Origin{}), "http.not_found")
		if err := d.Sheets.ReportLost(t.Context(), d.owner(d.nurses[1]), papers[1].ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		WantCode(t, "confirming what is lost", d.confirm(d.nurses[1], papers[1].Codes[0].Reveal()), "http.not_found")
		d.does(d.lead, stock.KindVoid, d.nurses[2], stock.Of{Sheet: papers[2].ID})
		if d.Count("SELECT count(*) FROM printed_codes WHERE hash <> ''") != 0 {
			t.Error("codes are alive")
		}
		for i, want := range []string{"destroyed agent " + d.desk.ID, "lost user " + d.nurses[1].ID, "voided printer " + d.admin.ID} {
			if got := d.state(papers[i]); got != want {
				t.Errorf("the paper is %s, want %s", got, want)
			}
		}
		// The last way in is taken all the same when the paper is lost.
		own := d.SheetOf(d.nurses[0])
		d.Set("UPDATE users SET password_hash = '' WHERE id = ?", d.nurses[0].ID)
		WantCode(t, "removing the only way in", d.Sheets.Remove(t.Context(), d.owner(d.nurses[0]), audit.Origin{}), "codesheet.last_way")
		if err := d.Sheets.ReportLost(t.Context(), d.owner(d.nurses[0]), own.ID, audit.Origin{}); err != nil {
			t.Errorf("losing the only way in = %v", err)
		}
		// Of two who say different things one is heard.
		_, papers = d.printed()
		tally := Tally(AtOnce(8, func(i int) error {
			_, err := d.try(d.lead, []approval.Kind{stock.KindLost, stock.KindDestroyed, stock.KindVoid}[i%3], d.nurses[2], stock.Of{Sheet: papers[len(papers)-1].ID})
			return err
		}))
		if tally["done"] != 1 || tally["stock.moved"] != 7 {
			t.Errorf("eight at once: %v", tally)
		}
	})
}

// TestAPaperIsGivenAwayOnce: whoever has it gives it to several at the same moment.
func TestAPaperIsGivenAwayOnce(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		_, papers := d.printed()
		d.toAgent(d.admin, d.desk, papers[0])
		tally := Tally(AtOnce(8, func(i int) error {
			to := []user.User{d.desk2, d.lead}[i%2]
			_, err := d.try(d.desk, stock.KindToAgent, user.User{}, stock.ToAgent{Sheets: []string{papers[0].ID}, Agent: to.Name})
			return err
		}))
		if tally["done"] != 1 || tally["stock.moved"]+tally["stock.not_holder"] != 7 || d.Count("SELECT count(*) FROM code_sheet_steps WHERE sheet_id = ? AND state = 'with_agent'", papers[0].ID) != 2 {
			t.Errorf("given away eight times at once: %v, %s", tally, d.steps(papers[0]))
		}
	})
}

// TestAFeatureThatIsOffHoldsAtOnce, at every step.
func TestAFeatureThatIsOffHoldsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		batch, papers := d.printed()
		d.toAgent(d.admin, d.desk, papers...)
		d.does(d.desk, stock.KindToUser, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		other := d.User(d.Alder, "other")
		next := d.started(d.admin, stock.Choice{Names: other.Name})
		d.make()
		draft, err := d.draw(d.admin, stock.Choice{Names: d.User(d.Alder, "third").Name})
		if err != nil {
			t.Fatal(err)
		}
		digest := d.judge(d.admin, draft).Digest
		d.rule(feature.Rule{Stage: feature.Off})
		WantCode(t, "confirming", d.confirm(d.nurses[0], papers[0].Codes[0].Reveal()), "method.off")
		d.refused("method.off", d.desk, stock.KindToUser, d.nurses[1], stock.Of{Sheet: papers[1].ID})
		d.refused("stock.nobody", d.admin, stock.KindPrint, user.User{}, stock.Start{Batch: draft, Digest: digest})
		_, err = d.print(d.admin, next)
		WantCode(t, "printing", err, "method.off")
		if got := d.judge(d.admin, draft); got.Getting != 0 || got.People[0].Why != stock.WhyOff {
			t.Errorf("the draft says %+v", got)
		}
		d.does(d.admin, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch})
		d.rule(feature.Rule{Stage: feature.Everyone})
		if p, err := d.print(d.admin, next); err != nil || len(p.Sheets) != 1 {
			t.Errorf("printing when it is on again = %v", err)
		}
	})
}

// TestWhoIsLimitedToGroupsSeesTheirSheetsAlone, and nobody those of another tenant.
func TestWhoIsLimitedToGroupsSeesTheirSheetsAlone(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		ctx := t.Context()
		batch, papers := d.printed()
		d.group("ward", d.nurses[1])
		limited := d.Admin(d.Alder, "limited", access.RoleTenantAdministrator)
		d.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", d.Alder.ID, limited.ID)
		who := d.standing(limited)
		page, err := d.stock.List(ctx, who, stock.Filter{}, stock.Position{})
		if err != nil || len(page.Papers) != 1 || page.Papers[0].ID != papers[1].ID {
			t.Errorf("they see %+v, %v", page.Papers, err)
		}
		if b, err := d.stock.Find(ctx, who, batch); err != nil || b.Counts[codesheet.Printed] != 1 {
			t.Errorf("of the batch they see %v, %v", b.Counts, err)
		}
		_, _, err = d.stock.Paper(ctx, who, papers[0].ID)
		WantCode(t, "a sheet of somebody else's", err, "http.not_found")
		for i, nurse := range d.nurses[:2] { // the second one is in their group
			if p, err := d.stock.Coming(ctx, who, nurse.ID); err != nil || (p != nil) != (i == 1) || p != nil && p.ID != papers[1].ID {
				t.Errorf("on its way to %s they see %+v, %v", nurse.Name, p, err)
			}
		}
		d.refused("http.not_found", limited, stock.KindVoidBatch, user.User{}, stock.OfBatch{Batch: batch})
		d.refused("http.not_found", limited, stock.KindVoid, d.nurses[0], stock.Of{Sheet: papers[0].ID})
		d.does(limited, stock.KindVoid, d.nurses[1], stock.Of{Sheet: papers[1].ID})
		_, err = d.draw(limited, stock.Choice{GroupID: "field"})
		WantCode(t, "a group that they do not see", err, "form.wrong")
		if drawn, err := d.draw(limited, stock.Choice{GroupID: "ward"}); err != nil || d.judge(limited, drawn).Getting != 1 {
			t.Errorf("their own group = %v", err)
		}
		theirs := d.Admin(d.Birch, "admin", access.RoleTenantAdministrator)
		there := access.Standing{TenantID: d.Birch.ID, UserID: theirs.ID}
		if page, err := d.stock.List(ctx, there, stock.Filter{Batch: batch}, stock.Position{}); err != nil || len(page.Papers) != 0 {
			t.Errorf("another tenant sees %d of them, %v", len(page.Papers), err)
		}
		if p, err := d.stock.Coming(ctx, there, d.nurses[0].ID); err != nil || p != nil {
			t.Errorf("another tenant sees what is on its way: %+v, %v", p, err)
		}
		_, err = d.stock.Find(ctx, there, batch)
		WantCode(t, "another tenant's batch", err, "http.not_found")
		_, err = d.stock.Print(ctx, d.Birch.ID, theirs.ID, batch, audit.Origin{})
		WantCode(t, "printing another tenant's", err, "http.not_found")
		for kind, parameters := range map[approval.Kind]any{
			stock.KindVoidBatch: stock.OfBatch{Batch: batch}, stock.KindToAgent: stock.ToAgent{Sheets: []string{papers[0].ID}, Agent: theirs.Name}, stock.KindPrint: stock.Start{Batch: batch},
		} {
			d.refused("http.not_found", theirs, kind, user.User{}, parameters)
		}
	})
}

// TestTheStockIsFilteredAndPaged.
func TestTheStockIsFilteredAndPaged(t *testing.T) {
	each(t, func(t *testing.T, d *depot) {
		ctx := t.Context()
		var many []user.User
		for i := range stock.PageLength + 5 {
			many = append(many, d.User(d.Alder, "many-"+string(rune('a'+i/26))+string(rune('a'+i%26))))
		}
		d.group("many", many...)
		batch := d.started(d.admin, stock.Choice{GroupID: "many"})
		d.make()
		p, err := d.print(d.admin, batch)
		if err != nil {
			t.Fatal(err)
		}
		d.toAgent(d.admin, d.desk, p.Sheets[0], p.Sheets[1])
		d.does(d.desk, stock.KindLost, many[1], stock.Of{Sheet: p.Sheets[1].ID})
		who := d.standing(d.admin)
		seen, after := map[string]bool{}, stock.Position{}
		for pages := 0; ; pages++ {
			page, err := d.stock.List(ctx, who, stock.Filter{}, after)
			if err != nil || pages > 2 {
				t.Fatalf("page %d: %v", pages, err)
			}
			for _, paper := range page.Papers {
				if seen[paper.ID] {
					t.Errorf("%s is listed twice", paper.Serial)
				}
				seen[paper.ID] = true
				after = stock.Position{At: paper.CreatedAt, ID: paper.ID}
			}
			if !page.More {
				break
			}
		}
		if len(seen) != len(many) {
			t.Errorf("%d are listed of %d", len(seen), len(many))
		}
		for claim, row := range map[string]struct {
			who  user.User
			f    stock.Filter
			want int
		}{
			"lost":                {d.admin, stock.Filter{State: codesheet.Lost}, 1},
			"what the desk has":   {d.admin, stock.Filter{Holder: d.desk.Name}, 2},
			"what I have":         {d.desk, stock.Filter{Holder: stock.Mine, State: stock.Open}, 1},
			"what nobody has":     {d.admin, stock.Filter{Holder: "nobody@alder.example"}, 0},
			"of a batch, with it": {d.admin, stock.Filter{Batch: batch, State: codesheet.WithAgent}, 1},
			"of another batch":    {d.admin, stock.Filter{Batch: "nothing"}, 0},
			"by number":           {d.admin, stock.Filter{Query: strings.ToLower(p.Sheets[3].Serial[:6])}, 1},
			"by whole number":     {d.admin, stock.Filter{Query: codesheet.Parted(p.Sheets[3].Serial)}, 1},
			"by name":             {d.admin, stock.Filter{Query: many[7].Name}, 1},
			"by nothing of it":    {d.admin, stock.Filter{Query: "%"}, 0},
			"by a dash":           {d.admin, stock.Filter{Query: "-"}, 0},
		} {
			page, err := d.stock.List(ctx, d.standing(row.who), row.f, stock.Position{})
			if err != nil || len(page.Papers) != row.want {
				t.Errorf("%s: %d are listed, %v; want %d", claim, len(page.Papers), err, row.want)
			}
		}
		if page, more, err := d.stock.Batches(ctx, who, 0); err != nil || more || len(page) != 1 || page[0].Name() != "B-1" || page[0].Counts[codesheet.Printed] != len(many)-2 {
			t.Errorf("Batches = %+v, %t, %v", page, more, err)
		}
	})
}
