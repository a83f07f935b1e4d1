package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// checkAsked is a caller check as the phone is told of it.
type checkAsked struct {
	asked
	ActHash   string `json:"act_hash"`
	Act       string
	Requester string
	Role      string
	Case      string
	Ticket    string
	AgentCode string `json:"agent_code"`
	Person    string
	Binds     bool
}

// asksCheck gives the one request that waits, a caller check.
func (ph *phone) asksCheck(t testing.TB) checkAsked {
	t.Helper()
	var list []checkAsked
	ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &list)
	if len(list) != 1 || list[0].Kind != "caller_check" {
		t.Fatalf("the phone shows %+v, want one caller check", list)
	}
	return list[0]
}

// answersCheck decides a caller check.
func (ph *phone) answersCheck(t testing.TB, r checkAsked, decision, number string) answer {
	t.Helper()
	said := ph.decision(r.asked, decision, number)
	if decision == "approve" {
		said.claims["act"] = r.ActHash
	}
	return ph.deliver(t, r.ID, said.compact())
}

// vouches answers the check with the number on the agent's page.
func (ph *phone) vouches(t testing.TB, desk *browser, check string) {
	t.Helper()
	shown := number(desk.get(t, check).want(t, http.StatusOK))
	if shown == "" {
		t.Fatalf("%s shows no number", check)
	}
	var said struct{ State string }
	ph.answersCheck(t, ph.asksCheck(t), "approve", shown).want(t, http.StatusOK).decode(t, &said)
	if said.State != "approved" {
		t.Fatalf("the answer is %s", said.State)
	}
}

var agentCodeMark = regexp.MustCompile(`id="agent-code">([A-Z]{4})<`)

func TestACallerCheckOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user3@alder.example"
		ph, own := w.withPhone(t, name)
		desk, lead := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "lead@alder.example")
		page := w.at(t, "user3")
		if a := desk.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, `action="`+page+`/caller-checks"`) || !strings.Contains(a.body, `name="via" value="phone"`) {
			t.Error("the page of the person does not offer to check the caller")
		}
		if a := own.get(t, "/me").want(t, http.StatusOK); strings.Contains(a.body, "Is it you") {
			t.Error("the person's page speaks of a check before there is one")
		}
		a := desk.post(t, page+"/caller-checks", "via", "pigeon", "ticket", "no ticket", "reason", "the <dog>").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(a.body, "the &lt;dog&gt;") || !strings.Contains(a.body, `value="no ticket"`) {
			t.Errorf("the form came back as %s", excerpt(a.body))
		}
		check := desk.post(t, page+"/caller-checks", "via", "phone", "ticket", "CHG-7", "cause", "lost").want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(check, "/admin/alder/caller-checks/") {
			t.Fatalf("it leads to %s", check)
		}
		shown := desk.get(t, check).want(t, http.StatusOK)
		if number(shown) == "" || first(stateMark, shown) != "pending" || desk.state(t, check) != "pending" {
			t.Errorf("the page shows %s", excerpt(shown.body))
		}
		if theirs := lead.get(t, check).want(t, http.StatusOK); number(theirs) != "" || first(agentCodeMark, theirs) != "" || !strings.Contains(theirs.body, "desk@alder.example") {
			t.Error("somebody else is shown the number, or not who has it")
		}
		r := ph.asksCheck(t)
		if r.Requester == "" || !strings.Contains(r.Requester, "desk@alder.example") || r.Role != "Helpdesk" || r.Case != "C-1001" || r.Ticket != "CHG-7" || r.AgentCode == "" ||
			r.AgentCode != first(agentCodeMark, shown) || r.Browser != "" || r.IP != "" || r.Person != "" {
			t.Errorf("the phone is told %+v", r)
		}
		lead.post(t, check+"/withdraw").is(t, http.StatusConflict)

		live := desk.watch(t, check)
		live.says(t, "state pending")
		ph.answersCheck(t, r, "approve", number(shown)).want(t, http.StatusOK)
		live.says(t, "state approved")
		after := desk.get(t, check).want(t, http.StatusOK)
		if first(stateMark, after) != "approved" || number(after) != "" || desk.state(t, check) != "approved" || !strings.Contains(after.body, `href="`+page+`/desk"`) {
			t.Errorf("after the answer it shows %s", excerpt(after.body))
		}
		if a := desk.get(t, page).want(t, http.StatusOK); !strings.Contains(a.body, "proved who they are with their phone") {
			t.Error("the page of the person does not say that there is a proof")
		}
		if a := lead.get(t, page).want(t, http.StatusOK); strings.Contains(a.body, "proved who they are with their phone") {
			t.Error("the proof of one agent is shown to another as theirs")
		}
		var one struct {
			Links []struct{ Kind, ID string }
		}
		desk.get(t, "/admin/alder/cases").want(t, http.StatusOK)
		caseAt := "/admin/alder/cases/"
		var id string
		w.one(t, &id, "SELECT id FROM cases")
		desk.get(t, caseAt+id, "Accept", "application/json").want(t, http.StatusOK).decode(t, &one)
		if len(one.Links) != 1 || one.Links[0].Kind != "caller_check" || !strings.HasSuffix(check, one.Links[0].ID) {
			t.Errorf("the case links %+v", one.Links)
		}
		if a := desk.get(t, caseAt+id).want(t, http.StatusOK); !strings.Contains(a.body, `href="`+check+`"`) || !strings.Contains(a.body, "Caller proved to the helpdesk") {
			t.Error("the page of the case does not tell of the check")
		}

		w.forward(t, 10*time.Minute)
		if desk.state(t, check) != "expired" {
			t.Errorf("after ten minutes it is %s", desk.state(t, check))
		}

		// "It is not me" warns at once, on both pages.
		check = desk.post(t, page+"/caller-checks", "via", "phone").want(t, http.StatusSeeOther).location()
		ph.answersCheck(t, ph.asksCheck(t), "report", "").want(t, http.StatusOK)
		if a := desk.get(t, check).want(t, http.StatusOK); first(stateMark, a) != "denied" || !strings.Contains(a.body, "End the call") {
			t.Errorf("after a report it shows %s", excerpt(a.body))
		}
		for _, at := range []string{page, caseAt + id} {
			if a := desk.get(t, at).want(t, http.StatusOK); !strings.Contains(a.body, "Do nothing for that caller") {
				t.Errorf("%s does not warn", at)
			}
		}
		if a := desk.post(t, page+"/caller-checks", "via", "phone"); !a.is(t, http.StatusTooManyRequests) || a.header.Get("Retry-After") == "" {
			t.Error("nobody is told when the phone can be asked again")
		}
		for _, who := range []string{"security@birch.example", "desk@birch.example"} {
			b := w.browser(t).signIn(t, who)
			b.get(t, check).is(t, http.StatusNotFound)
			b.get(t, strings.Replace(check, "/alder/", "/birch/", 1)).is(t, http.StatusNotFound)
		}
		own.get(t, check).is(t, http.StatusForbidden)
		w.browser(t).signIn(t, "auditor@alder.example").get(t, check).is(t, http.StatusForbidden)
	})
}

// codeToCaller is the code in the last message to a number, for a caller to read out.
func (w *world) codeToCaller(t testing.TB, number string) string {
	t.Helper()
	parts := strings.Split(w.codeTo(t, number), " ")
	if len(parts) != 3 || parts[0] != "caller" {
		t.Fatalf("the last message to %s is no code for a caller", number)
	}
	return parts[2]
}

// TestTheWeakerWaysOverHTTP: a code to a backup phone, and the word of the manager whom an
// administrator named.
func TestTheWeakerWaysOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, boss = "user3@alder.example", "user1@alder.example"
		desk, admin := w.browser(t).signIn(t, "desk@alder.example"), w.browser(t).signIn(t, "admin@alder.example")
		page := w.at(t, "user3")
		w.act(t, "UPDATE users SET manager_id = ''")
		if a := desk.get(t, page).want(t, http.StatusOK); strings.Count(a.body, `name="via"`) != 3 || !strings.Contains(a.body, "no phone that answers") || !strings.Contains(a.body, "no backup phone") || !strings.Contains(a.body, "Nobody is named") {
			t.Errorf("ways that are not there are offered, or without a reason: %s", excerpt(a.body))
		}
		desk.post(t, page+"/caller-checks", "via", "backup_phone").is(t, http.StatusConflict)
		desk.post(t, page+"/caller-checks", "via", "manager").is(t, http.StatusConflict)

		own := w.withBackup(t, name, mobile, "sms")
		check := desk.post(t, page+"/caller-checks", "via", "backup_phone").want(t, http.StatusSeeOther).location()
		code := w.codeToCaller(t, mobile)
		shown := desk.get(t, check).want(t, http.StatusOK)
		if number(shown) != "" || !strings.Contains(shown.body, `name="code"`) || strings.Contains(shown.body, mobile) || strings.Contains(strings.ReplaceAll(shown.body, desk.csrf, ""), code) {
			t.Errorf("the page shows %s", excerpt(shown.body))
		}
		if a := desk.post(t, check+"/verify", "code", wrongCode(code)).want(t, http.StatusUnauthorized); !strings.Contains(a.body, "That code does not work") || !strings.Contains(a.body, "4 tries are left") {
			t.Errorf("a wrong code: %s", excerpt(a.body))
		}
		w.browser(t).signIn(t, "lead@alder.example").post(t, check+"/verify", "code", code).is(t, http.StatusConflict)
		w.browser(t).signIn(t, "desk@birch.example").post(t, check+"/verify", "code", code).is(t, http.StatusNotFound)
		me := own.get(t, "/me").want(t, http.StatusOK)
		if !strings.Contains(me.body, "desk@alder.example") || !strings.Contains(me.body, "C-1001") || first(agentCodeMark, me) == "" || first(agentCodeMark, me) != first(agentCodeMark, shown) {
			t.Errorf("the person sees %s", excerpt(me.body))
		}
		if a := w.browser(t).signIn(t, "user4@alder.example").get(t, "/me"); first(agentCodeMark, a) != "" {
			t.Error("somebody else sees the letters")
		}
		desk.post(t, check+"/verify", "code", code).want(t, http.StatusSeeOther)
		if desk.state(t, check) != "approved" {
			t.Errorf("it is %s", desk.state(t, check))
		}
		desk.post(t, check+"/verify", "code", code).is(t, http.StatusUnauthorized)
		if a := own.get(t, "/me"); !strings.Contains(a.body, "you were proved") {
			t.Error("the person is not shown that they were proved")
		}

		ph, _ := w.withPhone(t, boss)
		admin.get(t, page)
		w.act(t, "UPDATE sessions SET proved_at = ?", w.now())
		for _, typed := range []string{"nobody@alder.example", "not a name", name, "user1@birch.example", ""} {
			admin.post(t, page+"/manager", "manager", typed, "reason", "a test").is(t, http.StatusUnprocessableEntity)
		}
		admin.post(t, page+"/manager", "manager", boss, "reason", "a test").want(t, http.StatusSeeOther)
		desk.post(t, page+"/manager", "manager", "desk@alder.example", "reason", "a test").is(t, http.StatusForbidden)
		check = desk.post(t, page+"/caller-checks", "via", "manager").want(t, http.StatusSeeOther).location()
		if r := ph.asksCheck(t); !strings.Contains(r.Person, name) || !strings.Contains(r.Act, name) || r.User != boss {
			t.Errorf("the manager is asked %+v", r)
		}
		ph.vouches(t, desk, check)
		if a := desk.get(t, check).want(t, http.StatusOK); first(stateMark, a) != "approved" || !strings.Contains(a.body, "weakest") {
			t.Errorf("after the word of the manager: %s", excerpt(a.body))
		}
	})
}

// TestTheSignInHelpNamesTheAgentToWhoHasProvedSomething, and nobody else.
func TestTheSignInHelpNamesTheAgentToWhoHasProvedSomething(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user3@alder.example"
		w.withPhone(t, name)
		desk := w.browser(t).signIn(t, "desk@alder.example")
		page := w.at(t, "user3")
		desk.get(t, page)
		check := desk.post(t, page+"/caller-checks", "via", "phone").want(t, http.StatusSeeOther).location()
		letters := first(agentCodeMark, desk.get(t, check))
		b, attempt := w.halfway(t, name, "code", "000000")
		var agent string
		w.one(t, &agent, "SELECT display_name FROM users WHERE name = 'desk@alder.example'")
		if a := b.get(t, attempt+"/help").want(t, http.StatusOK); !strings.Contains(a.body, agent) || strings.Contains(a.body, "desk@alder.example") || !strings.Contains(a.body, "C-1001") || strings.Contains(a.body, letters) {
			t.Errorf("after one factor it says %s", excerpt(a.body))
		}
		other := w.browser(t)
		if a := other.get(t, other.begin(t, name)+"/help").want(t, http.StatusOK); strings.Contains(a.body, "desk@alder.example") || strings.Contains(a.body, "C-1001") {
			t.Error("who has proved nothing is told of the check")
		}
	})
}
