package cases_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// lost is what somebody asks.
var lost = cases.Ask{Cause: "lost", Words: "Left on the bus"}

// asks lets a browser ask in a name, and gives who that is.
func (d *desk) asks(name string, from signin.From, a cases.Ask) (signin.Asker, error) {
	d.T.Helper()
	by := d.asker(d.Begin(name, signin.Password, from), from)
	err := d.cases.Ask(d.T.Context(), by, a, from.Origin)
	d.Clock.Forward(time.Second)
	return by, err
}

func (d *desk) asker(attempt string, from signin.From) signin.Asker {
	d.T.Helper()
	by, err := d.SignIn.Asker(d.T.Context(), d.Attempt(attempt, from), from)
	d.must(err)
	return by
}

func (d *desk) asked(by signin.Asker) cases.Asked {
	d.T.Helper()
	asked, there, err := d.cases.AskedIn(d.T.Context(), by)
	d.must(err)
	if !there {
		d.T.Fatal("nothing was asked")
	}
	return asked
}

// knows lets a browser be one in which somebody has been.
func (d *desk) knows(userID string, from signin.From) {
	d.T.Helper()
	d.Act(func(tx *store.Tx) error {
		_, _, err := session.Begin(tx, session.Beginning{TenantID: d.Alder.ID, UserID: userID, AMR: "pwd", BrowserDigest: from.BrowserDigest})
		return err
	})
}

func TestWhoAsksTheHelpdeskGetsACase(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		at := Browser("home")
		d.knows(d.nurse.ID, at)
		by, err := d.asks(d.nurse.Name, at, cases.Ask{Cause: "lost", Words: "  Left on\u202e the bus\r\n<b>now</b>\x07 "})
		d.must(err)
		if got := d.asked(by); got.Number != "C-1001" || got.State != cases.AskWaits {
			t.Errorf("who asked is told %+v", got)
		}
		d.must(d.cases.TakeIn(t.Context()))
		d.must(d.cases.TakeIn(t.Context()))
		of := cases.Of{Case: d.Text("SELECT id FROM cases")}
		w := d.whole(of, d.agent)
		if w.Name() != "C-1001" || w.UserID != d.nurse.ID || w.OwnerID != "" || w.OpenedBy != "" || w.Origin != cases.FromPerson || w.State != cases.Open || w.Proved || w.Words != "Left on the bus\n<b>now</b>" || w.Cause != "lost" {
			t.Errorf("the case is %+v", w.Row)
		}
		if len(w.Asks) != 1 || w.Asks[0].Number != "C-1001" || !w.Asks[0].Opened || w.Asks[0].Proved != "" || w.Asks[0].IP == at.IP {
			t.Errorf("it came of %+v", w.Asks)
		}
		if d.told(d.nurse, audit.CaseAsked) != 1 || d.Events(audit.CaseOpened) != 1 || d.Events(audit.CaseAsked) != 1 {
			t.Error("the person is not told once, or it is not recorded once")
		}
		// Nobody has it, so every agent finds it on their board.
		board, err := d.cases.Board(t.Context(), d.Rules.Standing(d.agent.TenantID, d.agent.ID), cases.Filter{}, cases.Position{})
		if err != nil || len(board.Rows) != 1 || board.Filter.Owner != cases.Desk {
			t.Errorf("the agent's board has %+v, %v", board, err)
		}

		// Asking again adds to it, under a number of its own that leads there.
		d.Clock.Forward(time.Minute)
		again, err := d.asks(d.nurse.Name, Browser("elsewhere"), cases.Ask{Cause: "other", Words: "I am at the gate"})
		d.must(err)
		d.must(d.cases.TakeIn(t.Context()))
		if w = d.whole(of, d.agent); len(w.Notes) != 1 || w.Notes[0].Words != "I am at the gate" || w.Notes[0].AuthorID != "" || w.Notes[0].AskID == "" || len(w.Asks) != 2 || w.Asks[1].Opened {
			t.Errorf("asked again it is %+v %+v", w.Notes, w.Asks)
		}
		if n := d.Count("SELECT count(*) FROM cases"); n != 1 {
			t.Errorf("there are %d cases", n)
		}
		if got := d.asked(again); got.Number != "C-1002" {
			t.Errorf("asked again it has the number %s", got.Number)
		}
		found, err := d.cases.Numbered(t.Context(), d.Rules.Standing(d.agent.TenantID, d.agent.ID), "c1002")
		if err != nil || len(found) != 1 || found[0].ID != of.Case {
			t.Errorf("by the second number are found %+v, %v", found, err)
		}

		// Who has it is told in a browser that the person has been in, and in no other.
		d.must(d.act(d.agent, cases.KindTake, d.nurse, cases.WithoutWords, of))
		if got := d.asked(by); got.State != cases.AskTaken || got.Agent != d.Text("SELECT display_name FROM users WHERE id = ?", d.agent.ID) || strings.Contains(got.Agent, "@") {
			t.Errorf("the browser that is known is told %+v", got)
		}
		if got := d.asked(again); got.State != cases.AskWaits || got.Agent != "" {
			t.Errorf("a browser that is not known is told %+v", got)
		}
		d.must(d.act(d.agent, cases.KindClose, d.nurse, cases.WithoutWords, of))
		if got := d.asked(by); got.State != cases.AskClosed || got.Agent != "" {
			t.Errorf("when it is closed it is told %+v", got)
		}
		// The next one is another case, and a repeat.
		_, err = d.asks(d.nurse.Name, Browser("home"), lost)
		d.must(err)
		d.must(d.cases.TakeIn(t.Context()))
		if n := d.Count("SELECT count(*) FROM cases WHERE repeats = 1 AND number = 1003"); n != 1 {
			t.Error("after the case is closed there is no other one")
		}
	})
}

// What is somebody's and what is nobody's differ in nothing that is written while
// whoever asked waits.
func TestAskingIsTheSameForEverybody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Lock(d.porter)
		gone := d.User(d.Alder, "gone")
		d.Set("UPDATE users SET state = 'disabled' WHERE id = ?", gone.ID)
		for i, name := range []string{d.nurse.Name, "nobody@alder.example", d.porter.Name, gone.Name} {
			by, err := d.asks(name, Browser(name), lost)
			d.must(err)
			if got, want := d.asked(by).Number, cases.Name(1001+i); got != want {
				t.Errorf("%s is given %s, want %s", name, got, want)
			}
		}
		strange, err := d.asks("nobody@fir.example", Browser("fir"), lost)
		d.must(err)
		if got := d.asked(strange).Number; got != "C-1001" {
			t.Errorf("of a domain that is nobody's it is given %s", got)
		}
		if n := d.Count("SELECT count(*) FROM case_asks WHERE state = 'asked' AND user_id = '' AND case_id = '' AND words = ?", lost.Words); n != 5 || d.Count("SELECT count(*) FROM cases") != 0 || d.Count("SELECT count(*) FROM notices WHERE action = ?", audit.CaseAsked) != 0 {
			t.Errorf("%d of 5 wait alike", n)
		}
		d.must(d.cases.TakeIn(t.Context()))
		// Who is locked is helped, who is gone is not.
		if got := d.Count("SELECT count(*) FROM cases"); got != 2 || d.Count("SELECT count(*) FROM case_asks WHERE state = 'nobody' AND words = ''") != 3 {
			t.Errorf("%d cases came of it", got)
		}
		d.Clock.Forward(8 * 24 * time.Hour)
		d.must(cases.Forget(t.Context(), d.DB))
		if d.Count("SELECT count(*) FROM case_asks") != 2 || d.Count("SELECT count(*) FROM case_ask_counts") != 0 {
			t.Error("what is nobody's is not forgotten, or what is somebody's is")
		}
	})
}

func TestAskingHasItsLimits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, wrong := range []cases.Ask{{Cause: "eaten", Words: "x"}, {Cause: "lost", Words: " \n\u200f"}, {Cause: "lost", Words: strings.Repeat("ä", 501)}} {
			if _, err := d.asks(d.nurse.Name, Browser("x"), wrong); fault.Of(err) == nil || fault.Of(err).Kind != fault.Invalid {
				t.Errorf("%.20q = %v", wrong.Words, err)
			}
		}
		d.knows(d.nurse.ID, Browser("known"))
		for i := range 5 {
			_, err := d.asks(d.nurse.Name, Browser(cases.Name(i)), lost)
			d.must(err)
			_, err = d.asks("nobody@alder.example", Browser(cases.Name(i)), lost)
			d.must(err)
		}
		for _, name := range []string{d.nurse.Name, "nobody@alder.example"} {
			_, err := d.asks(name, Browser("one more"), lost)
			WantCode(t, "the sixth in the name of "+name, err, "case.ask_often")
			if f := fault.Of(err); f != nil && (f.RetryAfter < 23*time.Hour || f.RetryAfter > 24*time.Hour) {
				t.Errorf("it is to wait for %s", f.RetryAfter)
			}
		}
		if n := d.Count("SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'failure'", audit.CaseAsked); n != 2 {
			t.Errorf("%d refusals are recorded", n)
		}
		// What others did in the name does not stop its owner where they are known.
		_, err := d.asks(d.nurse.Name, Browser("known"), lost)
		d.must(err)
		// One browser, whatever the names.
		for i := range 10 {
			_, err := d.asks(cases.Name(i)+"@alder.example", Browser("one"), lost)
			d.must(err)
		}
		_, err = d.asks("another@alder.example", Browser("one"), lost)
		WantCode(t, "the eleventh of a browser", err, "case.ask_often")
		// One address, whatever the browsers: 23 were counted.
		for i := range 7 {
			_, err := d.asks("far"+cases.Name(i)+"@alder.example", Browser("far"+cases.Name(i)), lost)
			d.must(err)
		}
		_, err = d.asks("last@alder.example", Browser("last"), lost)
		WantCode(t, "of one address", err, "case.ask_often")
		elsewhere := Browser("last")
		elsewhere.IP = "2001:db8::7"
		_, err = d.asks("last@alder.example", elsewhere, lost)
		d.must(err)
		d.Clock.Forward(time.Hour)
		_, err = d.asks("last@alder.example", Browser("last"), lost)
		d.must(err)
	})
}

// TestWhoIsHeldBackUsesUpNobodyElses: a browser that is full asks in a name that it does not
// have, again and again.
func TestWhoIsHeldBackUsesUpNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		thief := Browser("thief")
		for i := range 10 {
			_, err := d.asks(cases.Name(i)+"@alder.example", thief, lost)
			d.must(err)
		}
		by := d.asker(d.Begin(d.nurse.Name, signin.Password, thief), thief)
		for range 9 {
			WantCode(t, "a browser that is full", d.cases.Ask(t.Context(), by, lost, thief.Origin), "case.ask_often")
		}
		if n := d.Count("SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'failure'", audit.CaseAsked); n != 5 {
			t.Errorf("nine refusals in one attempt are %d events, want 5", n)
		}
		_, err := d.asks(d.nurse.Name, Browser("own"), lost)
		d.must(err)
		if n := d.Count("SELECT asks FROM case_ask_counts WHERE kind = 'address'"); n != 11 {
			t.Errorf("the address is counted %d times, want 11", n)
		}
	})
}

func TestARequestIsAskedOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		at := Browser("home")
		attempt := d.Begin(d.nurse.Name, signin.Password, at)
		by := d.asker(attempt, at)
		for _, err := range AtOnce(4, func(int) error { return d.cases.Ask(t.Context(), by, lost, at.Origin) }) {
			d.must(err)
		}
		d.must(d.cases.Ask(t.Context(), by, lost, at.Origin))
		if n := d.Count("SELECT count(*) FROM case_asks"); n != 1 {
			t.Errorf("four at once are %d requests", n)
		}
		// Another browser, even with the attempt in hand, asks nothing in it.
		stolen := by
		stolen.Browser = Browser("thief").BrowserDigest
		d.Set("DELETE FROM case_asks")
		d.Set("DELETE FROM case_ask_counts")
		WantCode(t, "another browser", d.cases.Ask(t.Context(), stolen, lost, at.Origin), "signin.refused")
		d.Set("UPDATE attempts SET state = 'ended'")
		WantCode(t, "an attempt that is over", d.cases.Ask(t.Context(), by, lost, at.Origin), "signin.refused")
		other := d.asker(d.Begin(d.porter.Name, signin.Password, at), at)
		d.Clock.Forward(16 * time.Minute)
		WantCode(t, "an attempt whose time is over", d.cases.Ask(t.Context(), other, lost, at.Origin), "signin.refused")

		// Many sweeps at once, and an agent who opens one at the same moment: one case.
		for i := range 4 {
			_, err := d.asks(d.porter.Name, Browser(cases.Name(i)), lost)
			d.must(err)
		}
		AtOnce(6, func(i int) error {
			if i == 0 {
				return d.act(d.agent, cases.KindOpen, d.porter, "on the line", cases.NewOpening("lost", ""))
			}
			return d.cases.TakeIn(t.Context())
		})
		d.must(d.cases.TakeIn(t.Context()))
		if n, asked := d.Count("SELECT count(*) FROM cases WHERE user_id = ?", d.porter.ID), d.Count("SELECT count(*) FROM case_asks WHERE user_id = ? AND case_id = (SELECT id FROM cases WHERE user_id = ?)", d.porter.ID, d.porter.ID); n != 1 || asked != 4 {
			t.Errorf("there are %d cases, with %d of 4 requests", n, asked)
		}
		if got := d.told(d.porter, audit.CaseAsked); got != 4 {
			t.Errorf("the person is told %d times", got)
		}
	})
}

func TestAskingNeedsTheFeature(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','ward',?)", d.Alder.ID, d.Clock.Now())
		d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", d.Alder.ID, d.porter.ID, d.porter.Name)
		rule := func(r feature.Rule, version int) {
			d.Act(func(tx *store.Tx) error {
				return feature.Store(tx, d.Alder.ID, feature.SelfServiceRecovery, r, version)
			})
		}
		rule(feature.Rule{Stage: feature.Everyone, Exclude: []string{"ward"}}, 1)
		// Who has it not is told nothing else than others, and gets no case.
		by, err := d.asks(d.porter.Name, Browser("a"), lost)
		d.must(err)
		d.must(d.cases.TakeIn(t.Context()))
		if d.asked(by).Number != "C-1001" || d.Count("SELECT count(*) FROM cases") != 0 {
			t.Error("somebody who has not the feature got a case, or no number")
		}
		d.knows(d.porter.ID, Browser("a"))
		_, err = d.asks(d.porter.Name, Browser("a"), lost)
		WantCode(t, "where they are known", err, "feature.off")
		// Turned off between asking and taking in.
		_, err = d.asks(d.nurse.Name, Browser("b"), lost)
		d.must(err)
		rule(feature.Rule{Stage: feature.Off}, 2)
		d.must(d.cases.TakeIn(t.Context()))
		if d.Count("SELECT count(*) FROM cases") != 0 {
			t.Error("a case came of it after the feature was turned off")
		}
		for _, name := range []string{d.nurse.Name, "nobody@alder.example"} {
			_, err = d.asks(name, Browser("c"), lost)
			WantCode(t, "turned off for everybody", err, "feature.off")
		}
		WantCode(t, "signed in", d.asksSignedIn(d.nurse.ID, d.nurse.Name, "pwd"), "feature.off")
	})
}

// TestARequestIsWaitedForWhileItsPersonMayAsk: what waits for it is told when that changes,
// and only then.
func TestARequestIsWaitedForWhileItsPersonMayAsk(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		by, err := d.asks(d.nurse.Name, Browser("home"), lost)
		d.must(err)
		nobody, err := d.asks("nobody@alder.example", Browser("home"), lost)
		d.must(err)
		look := func(claim string, by signin.Asker, told, shut bool) {
			t.Helper()
			asked := d.asked(by)
			key := cases.AskKey(by.TenantID, asked.ID)
			changed, err := d.cases.AskChanged(t.Context(), []string{key})
			d.must(err)
			if is := slices.Contains(changed, key); is != told || asked.Shut != shut {
				t.Errorf("%s: told %t, shut %t; want %t and %t", claim, is, asked.Shut, told, shut)
			}
		}
		look("before it is taken in", by, false, false)
		d.must(d.cases.TakeIn(t.Context()))
		look("nobody has taken it", by, false, false)
		look("it is nobody's", nobody, false, false)
		for _, row := range []struct {
			claim, set, unset string
			told, shut        bool
		}{
			{"an agent has it", "cases SET owner_id = 'somebody'", "cases SET owner_id = ''", true, false},
			{"its case is closed", "cases SET state = 'closed'", "cases SET state = 'open'", true, false},
			{"its person is locked, whom nobody else helps", "users SET state = 'locked'", "users SET state = 'active'", false, false},
			{"its person is disabled", "users SET state = 'disabled'", "users SET state = 'active'", true, true},
			{"their organisation is suspended", "tenants SET state = 'suspended'", "tenants SET state = 'active'", true, true},
		} {
			d.Set("UPDATE " + row.set)
			look(row.claim, by, row.told, row.shut)
			d.Set("UPDATE " + row.unset)
		}
		d.Act(func(tx *store.Tx) error {
			return feature.Store(tx, d.Alder.ID, feature.SelfServiceRecovery, feature.Rule{Stage: feature.Off}, 1)
		})
		look("the feature is off for them", by, true, true)
		d.Clock.Forward(time.Hour)
		look("an hour later, of nobody", nobody, true, false)
	})
}

// asksSignedIn asks in a session, some time after whatever was asked before.
func (d *desk) asksSignedIn(userID, name, amr string) error {
	d.T.Helper()
	d.Clock.Forward(11 * time.Second)
	var id string
	d.Act(func(tx *store.Tx) (err error) {
		id, _, err = session.Begin(tx, session.Beginning{TenantID: d.Alder.ID, UserID: userID, AMR: amr, BrowserDigest: "home"})
		return err
	})
	who := session.Session{TenantID: d.Alder.ID, UserID: userID, UserName: name, ID: id, AMR: amr}
	return d.cases.AskSignedIn(d.T.Context(), who, "home", lost, audit.Origin{IP: "203.0.113.9"})
}

func TestWhoIsSignedInAsks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.must(d.asksSignedIn(d.nurse.ID, d.nurse.Name, "pwd,otp"))
		w := d.whole(cases.Of{Case: d.Text("SELECT id FROM cases")}, d.agent)
		if w.Origin != cases.FromAccount || w.OpenedBy != d.nurse.ID || w.Proved || len(w.Asks) != 1 || !w.Asks[0].SignedIn || w.Asks[0].Proved != "pwd,otp" || d.told(d.nurse, audit.CaseAsked) != 1 {
			t.Errorf("the case is %+v %+v", w.Row, w.Asks)
		}
		d.must(d.asksSignedIn(d.nurse.ID, d.nurse.Name, "pwd"))
		if d.Count("SELECT count(*) FROM cases") != 1 || d.Count("SELECT count(*) FROM case_notes WHERE ask_id <> ''") != 1 {
			t.Error("asked again it is not added")
		}
		d.Clock.Forward(11 * time.Second)
		ended := session.Session{TenantID: d.Alder.ID, UserID: d.nurse.ID, UserName: d.nurse.Name, ID: "gone", AMR: "pwd"}
		WantCode(t, "a session that is over", d.cases.AskSignedIn(t.Context(), ended, "home", lost, audit.Origin{}), "feature.off")
		ended.ID, _ = d.Session(d.porter)
		WantCode(t, "a session of somebody else", d.cases.AskSignedIn(t.Context(), ended, "home", lost, audit.Origin{}), "feature.off")
		for range 6 {
			d.must(d.asksSignedIn(d.nurse.ID, d.nurse.Name, "pwd"))
		}
		WantCode(t, "the eleventh", d.asksSignedIn(d.nurse.ID, d.nurse.Name, "pwd"), "case.ask_often")
		if n := d.Count("SELECT count(*) FROM audit_events WHERE action = ? AND outcome = 'failure' AND reason = 'case.ask_often' AND subject_id = ?", audit.CaseAsked, d.nurse.ID); n != 1 {
			t.Errorf("the refusal is %d events", n)
		}
	})
}

// TestAButtonPressedTwiceAsksOnce, also at the same moment; and an address has its limit
// here as well.
func TestAButtonPressedTwiceAsksOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id, _ := d.Session(d.nurse)
		who := session.Session{TenantID: d.Alder.ID, UserID: d.nurse.ID, UserName: d.nurse.Name, ID: id, AMR: "pwd"}
		asks := func() error {
			return d.cases.AskSignedIn(t.Context(), who, "home", lost, audit.Origin{IP: "203.0.113.9"})
		}
		for _, err := range AtOnce(4, func(int) error { return asks() }) {
			d.must(err)
		}
		if n, told := d.Count("SELECT count(*) FROM case_asks"), d.told(d.nurse, audit.CaseAsked); n != 1 || told != 1 {
			t.Errorf("pressed four times it is %d requests, told %d times", n, told)
		}
		d.Clock.Forward(11 * time.Second)
		d.must(asks())
		if n := d.Count("SELECT count(*) FROM case_asks"); n != 2 {
			t.Errorf("asked later again it is %d requests", n)
		}
		d.Set("UPDATE case_ask_counts SET asks = 30 WHERE kind = 'address'")
		d.Set("UPDATE case_ask_counts SET asks = 0 WHERE kind <> 'address'")
		d.Clock.Forward(11 * time.Second)
		WantCode(t, "from an address that asks often", asks(), "case.ask_often")
	})
}

// TestRequestsThatAreStuckKeepNobodyOut: those that cannot be taken in come last.
func TestRequestsThatAreStuckKeepNobodyOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		by, err := d.asks(d.nurse.Name, Browser("own"), lost)
		d.must(err)
		// Older ones of a person whose number is taken already: none of them becomes a case.
		d.opened(d.porter, "")
		d.Set("UPDATE cases SET state = 'closed'")
		for i := range 60 {
			at := Browser("other")
			other := d.asker(d.Begin(d.porter.Name, signin.Password, at), at)
			d.Set(`INSERT INTO case_asks (tenant_id, id, number, attempt_id, subject, browser_digest, cause, words, state, ip, browser, asked_at)
				SELECT tenant_id, ?, (SELECT number FROM cases WHERE user_id = ?), id, subject, 'x', 'lost', '', 'asked', '', '', ? FROM attempts WHERE id = ?`,
				cases.Name(i), d.porter.ID, d.Clock.Now().Add(-time.Hour), other.AttemptID)
		}
		for range 3 {
			_ = d.cases.TakeIn(t.Context())
			d.Clock.Forward(time.Second)
		}
		if d.asked(by); d.Count("SELECT count(*) FROM case_asks WHERE user_id = ? AND state = 'opened'", d.nurse.ID) != 1 {
			t.Error("one that can be taken in waits behind those that cannot")
		}
		if n := d.Count("SELECT count(*) FROM case_asks WHERE state = 'asked'"); n != 60 {
			t.Errorf("%d of the others wait still, want 60", n)
		}
	})
}

// TestWhenceARequestCameIsForgotten: of one that was taken in, after ninety days.
func TestWhenceARequestCameIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, err := d.asks(d.nurse.Name, Browser("own"), lost)
		d.must(err)
		d.must(d.cases.TakeIn(t.Context()))
		d.Clock.Forward(90*24*time.Hour - time.Minute)
		d.must(cases.Forget(t.Context(), d.DB))
		if d.Count("SELECT count(*) FROM case_asks WHERE ip <> '' AND browser <> ''") != 1 {
			t.Error("it is forgotten too early")
		}
		d.Clock.Forward(2 * time.Minute)
		d.must(cases.Forget(t.Context(), d.DB))
		if d.Count("SELECT count(*) FROM case_asks WHERE ip = '' AND browser = '' AND browser_digest = '' AND state = 'opened'") != 1 {
			t.Error("it is not forgotten, or not kept as a request")
		}
	})
}

// pushes are the notices of requests that the phones are owed, by their subscriptions.
func (d *desk) pushes() map[string]notify.Told {
	d.T.Helper()
	var rows []struct{ Target, Body string }
	d.must(d.DB.View(d.T.Context()).All(&rows, "SELECT target, body FROM outbox WHERE kind = 'web_push'"))
	all := map[string]notify.Told{}
	for _, r := range rows {
		var p notify.Pushed
		d.must(json.Unmarshal([]byte(r.Body), &p))
		all[r.Target] = *p.Notice
	}
	return all
}

// TestWhatAPersonIsToldOfARequest: by no channel the number, which is of whoever asked; and
// by a phone that is gone no link.
func TestWhatAPersonIsToldOfARequest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, gone := d.PhoneOf(d.nurse)
		_, own := d.PhoneOf(d.nurse)
		for _, phone := range []string{gone.AccountID, own.AccountID} {
			d.Set("UPDATE devices SET push_subscription = ? WHERE account_id = ?", phone, phone)
		}
		d.Set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) VALUES (?,'mail','kept','','','','',1,'',?)", d.Alder.ID, d.Clock.Now())
		d.opened(d.nurse, gone.AccountID)
		d.Set("DELETE FROM notices")
		d.Set("DELETE FROM outbox")
		_, err := d.asks(d.nurse.Name, Browser("a"), lost)
		d.must(err)
		d.must(d.cases.TakeIn(t.Context()))
		link := d.Text("SELECT id FROM disownings WHERE user_id = ? AND ask_id = (SELECT id FROM case_asks)", d.nurse.ID)
		told := d.pushes()
		if n := told[own.AccountID]; n.Action != audit.CaseAsked || n.Disowning != link {
			t.Errorf("their phone is told %+v", n)
		}
		if n := told[gone.AccountID]; n.Action != audit.CaseAsked || n.Disowning != "" {
			t.Errorf("the phone that is gone is told %+v", n)
		}
		if body := d.Text("SELECT body FROM outbox WHERE kind = 'mail' AND target = ?", d.nurse.Name); !strings.Contains(body, link) {
			t.Errorf("the mail is %s", body)
		}
		if n := d.Count("SELECT count(*) FROM outbox WHERE body LIKE '%C-1002%'") + d.Count("SELECT count(*) FROM notices WHERE detail LIKE '%C-1002%' OR of_case <> ''"); n != 0 {
			t.Errorf("%d tell the number that whoever asked was given", n)
		}
		// Its agent hears that more was said, and not that somebody asked in their name.
		if d.told(d.agent, audit.CaseAsked) != 0 || d.told(d.agent, audit.CaseNoted) != 1 {
			t.Error("the agent is told that their own account is asked for")
		}
	})
}
