package server_test

import (
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/session"
)

const (
	otherDesk = "desk2@alder.example"
	leadOf    = "lead@alder.example"
)

// waitsForACall is somebody who is in by a bypass that an agent gave and waits to be called
// back, with the page of the desk.
type waitsForACall struct {
	*browser
	page, call, number string
	bypass             string // page of it
	phone              string // id of the backup phone
}

// waitsForACall lets somebody in who has a backup phone, and asks for a call.
func (w *world) waitsForACall(t *testing.T, desk *browser, agent, name, number string) waitsForACall {
	t.Helper()
	w.withBackup(t, name, number, "voice")
	given, code := desk.bypassFor(t, w, agent, name)
	s := waitsForACall{browser: w.browser(t).byBypass(t, name, code), bypass: given}
	w.one(t, &s.phone, "SELECT id FROM backup_phones WHERE number = ?", number)
	return s.asks(t)
}

// asks asks for a call, once more.
func (s waitsForACall) asks(t *testing.T) waitsForACall {
	t.Helper()
	s.page = s.post(t, "/step-up/call-back").want(t, http.StatusSeeOther).location()
	s.call = "/admin/alder/call-backs/" + path.Base(s.page)
	s.number = number(s.get(t, s.page).want(t, http.StatusOK))
	return s
}

// says says that somebody was called, and what number they said.
func (s waitsForACall) says(t *testing.T, by *browser, number string) answer {
	t.Helper()
	return by.post(t, s.call, "phone", s.phone, "number", number, "reason", "it is their voice", "ticket", "INC-7")
}

// bound says whether the session binds a phone now.
func (s waitsForACall) bound(t *testing.T) bool {
	t.Helper()
	a := s.post(t, "/me/phones")
	a.is(t, http.StatusOK, http.StatusSeeOther)
	return a.status == http.StatusOK
}

// TestACallBackIsASecondProof: the person asks, the agent who gave the bypass has no word,
// a lead who calls them has one, and by it one phone is bound.
func TestACallBackIsASecondProof(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name, digits = "user23@alder.example", "+4930901823"
		desk, lead := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, leadOf)
		whole := w.browser(t).signIn(t, name)
		whole.get(t, "/me")
		whole.post(t, "/step-up/call-back").is(t, http.StatusNotFound)
		s := w.waitsForACall(t, desk, deskOf, name, digits)
		to := s.post(t, "/me/phones").want(t, http.StatusSeeOther).location()
		if a := s.get(t, to).want(t, http.StatusOK); !strings.Contains(a.body, `action="/step-up/call-back"`) {
			t.Errorf("the page of the second proof says %s", excerpt(a.body))
		}
		// It is the session's own, and has the letters of whoever calls.
		whole.get(t, s.page).is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "user24@alder.example").get(t, s.page).is(t, http.StatusNotFound)
		letters := first(agentCodeMark, s.get(t, s.page).want(t, http.StatusOK))
		stream := s.watch(t, s.page)
		stream.says(t, "state pending")

		// Everybody of the desk finds it, and it says whose it is not.
		if a := desk.get(t, "/admin/alder").want(t, http.StatusOK); !strings.Contains(a.body, `href="/admin/alder/call-backs"`) || !strings.Contains(a.body, "1 person waits for a call") {
			t.Error("the overview does not say that somebody waits")
		}
		if a := desk.get(t, "/admin/alder/call-backs").want(t, http.StatusOK); !strings.Contains(a.body, s.call) {
			t.Error("the list does not lead to it")
		}
		if a := desk.get(t, s.call).want(t, http.StatusOK); !strings.Contains(a.body, "Somebody else has to call") || strings.Contains(a.body, `name="number"`) || strings.Contains(a.body, digits) {
			t.Errorf("who gave the bypass is shown %s", excerpt(a.body))
		}
		s.says(t, desk, s.number).is(t, http.StatusConflict)
		if w.events(t, audit.CallBackRefused, "callback.had_part") != 1 {
			t.Error("that they tried is not remembered")
		}
		w.browser(t).signIn(t, "auditor@alder.example").get(t, s.call).is(t, http.StatusForbidden)

		page := lead.get(t, s.call).want(t, http.StatusOK)
		if first(agentCodeMark, page) != letters || letters == "" || !strings.Contains(page.body, digits) || number(page) != "" {
			t.Errorf("the lead is shown %s", excerpt(page.body))
		}
		if w.events(t, audit.CallBackLooked, "") != 1 {
			t.Error("that a number was shown whole is not an event")
		}
		lead.post(t, s.call, "phone", s.phone, "number", s.number, "reason", "").is(t, http.StatusUnprocessableEntity)
		lead.post(t, s.call, "phone", "another", "number", s.number, "reason", "a test").is(t, http.StatusUnprocessableEntity)
		if s.bound(t) {
			t.Error("something is bound before anybody gave their word")
		}
		s.says(t, lead, s.number).want(t, http.StatusSeeOther)
		stream.says(t, "state approved")
		s.says(t, lead, s.number).is(t, http.StatusConflict)
		if w.events(t, audit.CallBackLooked, "") != 3 { // its page, and twice with what was wrong
			t.Error("an act shows no number, and is no event of one")
		}
		if w.events(t, audit.CallBackGiven, "it is their voice") != 1 {
			t.Error("it is not recorded once, with its reason")
		}
		if a := whole.get(t, "/").want(t, http.StatusOK); !strings.Contains(a.body, "The helpdesk called you") {
			t.Errorf("the person is not told: %s", excerpt(a.body))
		}
		if a := s.get(t, s.page).want(t, http.StatusOK); !strings.Contains(a.body, `href="/me/phones"`) {
			t.Errorf("the page goes on with %s", excerpt(a.body))
		}
		ph := w.newPhone(t)
		if a := ph.enrol(t, s.invite(t)); a.status != http.StatusCreated {
			t.Errorf("the next phone = %d", a.status)
		}
		if s.bound(t) {
			t.Error("a second phone is bound by the same word")
		}
	})
}

// TestTheHelpdeskRequestsWhatALeadApproves: who may only request a rebinding says what they
// were told, and it counts when somebody approves it who may, and had no part either.
func TestTheHelpdeskRequestsWhatALeadApproves(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.promote(t, "user30@alder.example", access.RoleHelpdeskLead)
		desk, other, lead, made := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, otherDesk), w.browser(t).signIn(t, leadOf), w.browser(t).signIn(t, "user30@alder.example")
		const digits = "+4930901824"
		s := w.waitsForACall(t, desk, deskOf, "user25@alder.example", digits)
		if a := other.get(t, s.call).want(t, http.StatusOK); strings.Contains(a.body, digits) || !strings.Contains(a.body, digits[len(digits)-2:]) {
			t.Errorf("the helpdesk is shown %s", excerpt(a.body))
		}
		request := s.says(t, other, s.number).want(t, http.StatusSeeOther).location()
		if !strings.HasPrefix(request, "/admin/alder/approvals/") || s.bound(t) {
			t.Fatalf("it leads to %s, or counts already", request)
		}
		s.says(t, other, s.number).is(t, http.StatusConflict)
		for who, b := range map[string]*browser{"who requested it": other, "who gave the bypass": desk} {
			if a := b.post(t, request+"/approve", "reason", "a test"); a.status == http.StatusSeeOther {
				t.Errorf("%s approves it", who)
			}
		}
		// Somebody who may approve, and whom the agent of the bypass made.
		_, agent := w.person(t, deskOf)
		w.act(t, "UPDATE users SET created_by = ?, created_at = ? WHERE name = 'user30@alder.example'", agent, w.DB.Now())
		made.get(t, request).want(t, http.StatusOK)
		made.post(t, request+"/approve", "reason", "a test").is(t, http.StatusConflict)
		lead.get(t, request).want(t, http.StatusOK)
		lead.post(t, request+"/approve", "reason", "I rang them, too").want(t, http.StatusSeeOther)
		if !s.bound(t) {
			t.Error("approved, it binds nothing")
		}
		if a := lead.post(t, request+"/approve", "reason", "again"); a.status != http.StatusConflict {
			t.Errorf("approved a second time = %d", a.status)
		}
	})
}

// TestACallBackThatCountsForNothing: what was not said by them, too late, taken back, of
// another session, of another tenant, or by who may not.
func TestACallBackThatCountsForNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		desk, lead := w.browser(t).signIn(t, deskOf), w.browser(t).signIn(t, leadOf)
		s := w.waitsForACall(t, desk, deskOf, "user26@alder.example", "+4930901825")
		// In another tenant there is none such.
		w.browser(t).signIn(t, "lead@birch.example").get(t, strings.Replace(s.call, "alder", "birch", 1)).is(t, http.StatusNotFound)
		// Another number ends it.
		wrong := "10"
		if s.number == wrong {
			wrong = "11"
		}
		s.says(t, lead, wrong).is(t, http.StatusConflict)
		s.says(t, lead, s.number).is(t, http.StatusConflict)
		if a := s.get(t, s.page).want(t, http.StatusOK); !strings.Contains(a.body, "did not give their word") || w.events(t, audit.CallBackDenied, "callback.number") != 1 {
			t.Errorf("a wrong number leaves %s", excerpt(a.body))
		}
		// It is not them.
		s = s.asks(t)
		desk.post(t, s.call+"/not-them", "reason", "").is(t, http.StatusUnprocessableEntity)
		desk.post(t, s.call+"/not-them", "reason", "they never called").want(t, http.StatusSeeOther)
		s.says(t, lead, s.number).is(t, http.StatusConflict)
		// Whoever approved the bypass had a part in it.
		s = s.asks(t)
		_, leadID := w.person(t, leadOf)
		w.act(t, "UPDATE bypasses SET approved_by = ?", leadID)
		s.says(t, lead, s.number).is(t, http.StatusConflict)
		w.act(t, "UPDATE bypasses SET approved_by = ''")
		// Three times is enough.
		s.post(t, "/step-up/call-back").is(t, http.StatusConflict)
		// Another session of theirs is not proved by it.
		w.forward(t, 2*time.Second)
		_, code := desk.bypassFor(t, w, deskOf, "user26@alder.example")
		elsewhere := waitsForACall{browser: w.browser(t).byBypass(t, "user26@alder.example", code)}
		s.says(t, lead, s.number).want(t, http.StatusSeeOther)
		if elsewhere.bound(t) {
			t.Error("another session binds by it")
		}
		// After the bypass was taken back there is nothing left to say.
		other := w.waitsForACall(t, desk, deskOf, "user27@alder.example", "+4930901827")
		desk.post(t, other.bypass+"/revoke", "reason", "a test").want(t, http.StatusSeeOther)
		other.says(t, lead, other.number).is(t, http.StatusConflict)
		// The number by which they came in is no second proof.
		third := w.waitsForACall(t, desk, deskOf, "user28@alder.example", "+4930901828")
		w.act(t, "UPDATE bypasses SET phone_id = ?", third.phone)
		third.says(t, lead, third.number).is(t, http.StatusUnprocessableEntity)
		third.post(t, "/step-up/call-back").is(t, http.StatusConflict)
		w.act(t, "UPDATE bypasses SET phone_id = ''")
		// Nor one that was added since.
		w.act(t, "UPDATE backup_phones SET confirmed_at = ? WHERE id = ?", w.DB.Now().Add(time.Minute), third.phone)
		third.post(t, "/step-up/call-back").is(t, http.StatusConflict)
		w.act(t, "UPDATE backup_phones SET confirmed_at = created_at WHERE id = ?", third.phone)
		// Nobody calls a person of their own rank.
		w.promote(t, "user28@alder.example", access.RoleHelpdeskLead)
		third.says(t, lead, third.number).is(t, http.StatusForbidden)
		w.act(t, "DELETE FROM role_assignments WHERE user_id = (SELECT id FROM users WHERE name = 'user28@alder.example')")
		// Too late.
		w.forward(t, session.RebindLife)
		lead = w.browser(t).signIn(t, leadOf)
		lead.get(t, third.call).want(t, http.StatusOK)
		third.says(t, lead, third.number).is(t, http.StatusConflict)
		third.post(t, "/step-up/call-back").is(t, http.StatusForbidden)
	})
}
