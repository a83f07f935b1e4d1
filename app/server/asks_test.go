package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
	mepages "latchkey/app/web/me"
)

// asksDesk lets a browser ask the helpdesk in a name, and gives the page of the request.
func (b *browser) asksDesk(t testing.TB, name, words string) (page string) {
	t.Helper()
	page = b.begin(t, name) + "/ask"
	b.get(t, page).want(t, http.StatusOK)
	if to := b.post(t, page, "cause", "lost", "words", words).want(t, http.StatusSeeOther).location(); to != page {
		t.Errorf("who asked is led to %s", to)
	}
	return page
}

func (w *world) takeIn(t testing.TB) {
	t.Helper()
	if err := w.Cases.TakeIn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Who cannot sign in asks in writing, and an agent takes it: their page says who, in a
// browser that knows them.
func TestAskingTheHelpdeskOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user3@alder.example"
		w.act(t, "UPDATE tenants SET helpdesk_number = '+49 30 1234', helpdesk_hours = 'around the clock' WHERE slug = 'alder'")
		own := w.browser(t).signIn(t, name)
		own.post(t, "/signout").want(t, http.StatusSeeOther)
		own.get(t, "/signin")
		help := own.get(t, own.begin(t, name)+"/help").want(t, http.StatusOK)
		if !strings.Contains(help.body, "/ask\"") || !strings.Contains(help.body, "Call +49 30 1234, around the clock.") {
			t.Errorf("the page of other ways says %s", excerpt(help.body))
		}
		page := own.asksDesk(t, name, "Left on the <bus>")
		a := own.get(t, page).want(t, http.StatusOK)
		if !strings.Contains(a.body, `id="case-number">C-1001<`) || !strings.Contains(a.body, "+49 30 1234 (around the clock)") || !strings.Contains(a.body, "Nobody has taken it yet") {
			t.Errorf("the page of the request says %s", excerpt(a.body))
		}
		w.takeIn(t)
		stranger := w.browser(t)
		strange := stranger.asksDesk(t, name, "It is me, really")
		w.takeIn(t)
		another := w.browser(t)
		another.get(t, page).is(t, http.StatusNotFound)
		another.post(t, page, "cause", "lost", "words", "x").is(t, http.StatusNotFound)
		stream := own.watch(t, page)
		stream.says(t, "state waits")
		stranger.get(t, strange+"/events").want(t, http.StatusNoContent) // nothing is ever told there
		if a := stranger.get(t, strange); strings.Contains(a.body, "ask-wait") {
			t.Error("the page of a browser that does not know them waits for something")
		}

		desk := w.browser(t).signIn(t, "desk@alder.example")
		board := desk.get(t, "/admin/alder/cases").want(t, http.StatusOK)
		for _, want := range []string{"C-1001", "Asked for by themselves, without signing in", "not proved", "nobody yet"} {
			if !strings.Contains(board.body, want) {
				t.Errorf("the board does not say %q", want)
			}
		}
		if got := desk.search(t, "c1002").of("cases"); !strings.HasPrefix(got, "C-1001 ") {
			t.Errorf("by the number of the second request the search finds %q", got)
		}
		at := strings.Fields(desk.search(t, "c1001").of("cases"))[1]
		a = desk.get(t, at).want(t, http.StatusOK)
		for _, want := range []string{"Left on the &lt;bus&gt;", "It is me, really", "unverified", "Given the number C-1002", "Nothing was proved"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("the case does not say %q", want)
			}
		}
		desk.post(t, at+"/take").want(t, http.StatusSeeOther)
		stream.says(t, "state taken")
		own.get(t, page+"/events").want(t, http.StatusNoContent)
		// One that nobody takes is waited for by a stream for an hour, and its page looks on.
		other := w.browser(t).signIn(t, "user4@alder.example")
		other.post(t, "/signout").want(t, http.StatusSeeOther)
		untaken := other.asksDesk(t, "user4@alder.example", "Nobody is there")
		waiting := other.watch(t, untaken)
		waiting.says(t, "state waits")
		w.act(t, "UPDATE case_asks SET asked_at = ? WHERE number = 1003", w.DB.Now().Add(-time.Hour))
		waiting.ends(t, 30*time.Second)
		other.get(t, untaken+"/events").want(t, http.StatusNoContent)
		if a := own.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "Helpdesk has it") || strings.Contains(a.body, "desk@alder.example") {
			t.Errorf("the page does not say who has it: %s", excerpt(a.body))
		}
		if a := stranger.get(t, strange).want(t, http.StatusOK); strings.Contains(a.body, "desk@") || strings.Contains(plainBody(a), "taken") {
			t.Errorf("a browser that does not know them is told: %s", excerpt(a.body))
		}
		if a := stranger.get(t, strange+"/state").want(t, http.StatusOK); !strings.Contains(a.body, `"waits"`) {
			t.Errorf("its state is %s", a.body)
		}

		// The mail of the notice leads to a page that warns the desk, and names no number.
		link := w.disowning(t, name)
		told := w.browser(t)
		if a := told.get(t, link).want(t, http.StatusOK); !strings.Contains(a.body, "Nothing was given to anybody yet") || strings.Contains(a.body, "C-100") {
			t.Errorf("the link shows %s", excerpt(a.body))
		}
		if to := told.post(t, link).want(t, http.StatusSeeOther).location(); to != "/not-me/asked" {
			t.Errorf("it leads to %s", to)
		}
		told.get(t, "/not-me/asked").want(t, http.StatusOK)
		told.post(t, link).is(t, http.StatusNotFound)
		told.get(t, link).is(t, http.StatusNotFound)
		if a := desk.get(t, at).want(t, http.StatusOK); !strings.Contains(a.body, "says that it was not them who asked") {
			t.Error("the agent is not warned")
		}
		if a := desk.get(t, w.at(t, "user3")+"/desk").want(t, http.StatusOK); !strings.Contains(a.body, "says that it was not them who asked") {
			t.Error("the desk is not warned")
		}
		if got := w.events(t, audit.CaseAskDisowned, ""); got != 1 {
			t.Errorf("it is recorded %d times", got)
		}
	})
}

// TestARequestIsWaitedForWhileItsPersonMayAsk: its page is known here still, and nobody takes
// it any more.
func TestARequestIsWaitedForWhileItsPersonMayAsk(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user3@alder.example"
		own := w.browser(t).signIn(t, name)
		own.post(t, "/signout").want(t, http.StatusSeeOther)
		page := own.asksDesk(t, name, "Left on the bus")
		w.takeIn(t)
		waiting := own.watch(t, page)
		waiting.says(t, "state waits")
		w.rule(t, feature.SelfServiceRecovery, feature.Rule{Stage: feature.Off})
		waiting.ends(t, 30*time.Second)
		own.get(t, page+"/events").want(t, http.StatusNoContent)
		w.rule(t, feature.SelfServiceRecovery, feature.Rule{Stage: feature.Everyone})
		own.watch(t, page).says(t, "state waits")
	})
}

// TestWhatPhonesAreToldLeadsSomewhere follows the link of every notice that a phone is owed.
func TestWhatPhonesAreToldLeadsSomewhere(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org")) // nothing owed is sent
			const name = "user1@alder.example"
			phone := w.newPhone(t)
			phone.enrolled(t, phone.enrol(t, w.browser(t).signIn(t, name).invite(t)))
			w.act(t, "UPDATE devices SET push_subscription = '{}' WHERE user_id = (SELECT id FROM users WHERE name = ?)", name)
			w.browser(t).signIn(t, deskOf).bypassFor(t, w, deskOf, name)
			w.browser(t).asksDesk(t, name, "Let me in")
			w.takeIn(t)
			var owed []struct{ TenantID, Body string }
			if err := w.DB.View(t.Context()).All(&owed, "SELECT tenant_id, body FROM outbox WHERE kind = 'web_push' AND body LIKE '%notice%'"); err != nil {
				t.Fatal(err)
			}
			letters := &provider.Service{DB: w.DB, Keys: w.Keys, Words: mepages.Letters{}}
			led := map[audit.Action]bool{}
			for _, o := range owed {
				var of notify.Pushed
				if err := json.Unmarshal([]byte(o.Body), &of); err != nil || of.Notice == nil {
					t.Fatalf("%s, %v", o.Body, err)
				}
				said, err := letters.Pushed(t.Context(), o.TenantID, *of.Notice)
				if err != nil || said.Link == "" {
					t.Errorf("of %s is said %+v, %v", of.Notice.Action, said, err)
					continue
				}
				w.browser(t).get(t, said.Link).is(t, http.StatusOK)
				led[of.Notice.Action] = true
			}
			if !led[audit.BypassIssued] || !led[audit.CaseAsked] {
				t.Errorf("led somewhere: %v", led)
			}
		})
	}
}

// Who is signed in asks on the page of a lost phone.
func TestAskingTheHelpdeskSignedIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		own := w.browser(t).signIn(t, "user3@alder.example")
		if a := own.get(t, "/me/lost-phone").want(t, http.StatusOK); !strings.Contains(a.body, `action="/me/lost-phone/ask"`) {
			t.Error("the page of a lost phone does not lead to the helpdesk")
		}
		a := own.post(t, "/me/lost-phone/ask", "cause", "", "words", "the <dog>").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, "the &lt;dog&gt;") || !strings.Contains(a.body, "Choose what happened") {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		own.post(t, "/me/lost-phone/ask", "cause", "stolen", "words", "the <dog>").want(t, http.StatusSeeOther)
		if a := own.get(t, "/me").want(t, http.StatusOK); !strings.Contains(a.body, "C-1001") || !strings.Contains(a.body, "Nobody has taken it yet") {
			t.Errorf("their page says %s", excerpt(a.body))
		}
		var board struct {
			Cases []struct {
				Number, User, Owner, Origin, Cause string
				Proved                             bool
			}
		}
		w.browser(t).signIn(t, "lead@alder.example").get(t, "/admin/alder/cases?owner="+cases.Nobody, "Accept", "application/json").want(t, http.StatusOK).decode(t, &board)
		if len(board.Cases) != 1 || board.Cases[0].Origin != "account" || board.Cases[0].Owner != "" || board.Cases[0].Proved || board.Cases[0].User != "user3@alder.example" || board.Cases[0].Cause != "stolen" {
			t.Errorf("the board says %+v", board)
		}
		w.rule(t, feature.SelfServiceRecovery, feature.Rule{Stage: feature.Off})
		own.post(t, "/me/lost-phone/ask", "cause", "lost", "words", "x").is(t, http.StatusConflict)
		if a := own.get(t, "/me/lost-phone").want(t, http.StatusOK); strings.Contains(a.body, "/me/lost-phone/ask") {
			t.Error("it is offered where the feature is off")
		}
		pc := w.browser(t)
		attempt := pc.begin(t, "user4@alder.example")
		pc.get(t, attempt+"/ask").is(t, http.StatusNotFound)
		pc.post(t, attempt+"/ask", "cause", "lost", "words", "x").is(t, http.StatusConflict)
		if a := pc.get(t, attempt+"/help").want(t, http.StatusOK); strings.Contains(a.body, "/ask\"") {
			t.Error("it is offered on the page of other ways where the feature is off")
		}
	})
}

func TestWhereTheHelpdeskAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const form = "/admin/alder/settings/helpdesk"
		admin := w.browser(t).signIn(t, "admin@alder.example")
		change := func(number, hours string) answer {
			return admin.post(t, form, "helpdesk_number", number, "helpdesk_hours", hours, "reason", "a test")
		}
		admin.get(t, "/admin/alder/settings")
		a := change("call me", strings.Repeat("x", 81)).want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, `value="call me"`) || !strings.Contains(a.body, "as people dial it, such as") || !strings.Contains(a.body, "at most 80 letters") {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		if a := change("+49 30 1234", "7 to \u202e91").want(t, http.StatusUnprocessableEntity); !strings.Contains(a.body, "at most 80 letters") {
			t.Errorf("hours that read the other way round came back as %s", excerpt(a.body))
		}
		// Whatever is new takes a second person, also when it was emptied first.
		w.act(t, "UPDATE tenants SET helpdesk_number = '+49 30 1234', helpdesk_hours = '7 to 19' WHERE slug = 'alder'")
		for _, step := range []struct{ number, hours, leads string }{
			{"+49 30 6666", "7 to 19", "/approvals/"},
			{"+49 30 1234", "today +49 30 6666", "/approvals/"},
			{"+49 30 1234", "", "done=saved"},
			{"+49 30 1234", "today +49 30 6666", "/approvals/"},
			{"", "", "done=saved"},
			{"+49 30 6666", "", "/approvals/"},
		} {
			if to := change(step.number, step.hours).want(t, http.StatusSeeOther).location(); !strings.Contains(to, step.leads) {
				t.Errorf("%q and %q lead to %s, want %s", step.number, step.hours, to, step.leads)
			}
		}
		change("", "").is(t, http.StatusConflict)
		var at struct{ Number, Hours string }
		if w.one(t, &at, "SELECT helpdesk_number AS number, helpdesk_hours AS hours FROM tenants WHERE slug = 'alder'"); at.Number != "" || at.Hours != "" {
			t.Errorf("the helpdesk answers at %+v", at)
		}
	})
}
