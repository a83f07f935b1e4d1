package vouch_test

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/vouch"
)

// reachable gives the nurse a number that was on file before.
func (w *ward) reachable() {
	w.T.Helper()
	now := w.Clock.Now().Add(-time.Hour)
	w.Set(`INSERT INTO backup_phones (tenant_id, id, user_id, session_id, number, channel, state, digest, created_at, expires_at, confirmed_at) VALUES (?,'theirs',?,'','+4930901823','voice','active','',?,?,?)`,
		w.Alder.ID, w.nurse.ID, now, now, now)
}

// asksCall asks for a call, and gives its id and the number of the page.
func (w *ward) asksCall() (id, number string) {
	w.T.Helper()
	id, err := w.vouches.AskCall(w.T.Context(), w.who(), audit.Origin{})
	w.must(err)
	_, number, err = w.vouches.Find(w.T.Context(), w.who(), id)
	w.must(err)
	return id, number
}

// calls says for somebody that they called the nurse.
func (w *ward) calls(by user.User, id, number string) (approval.Outcome, error) {
	act := approval.Act{TenantID: w.Alder.ID, ActorID: by.ID, TargetID: w.nurse.ID, Reason: "their voice"}
	return w.vouches.CallBack(w.T.Context(), act, vouch.Called{Vouch: id, Phone: "theirs", Number: number})
}

func TestACallBackCountsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.reachable()
		id, number := w.asksCall()
		if w.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ? AND detail = ?", audit.CallBackAsked, w.lead.ID, w.nurse.ID) != 1 {
			t.Error("the leads are not told")
		}
		if err := w.binds(); err == nil {
			t.Error("it binds before anybody called")
		}
		got := Tally(AtOnce(6, func(int) error { _, err := w.calls(w.lead, id, number); return err }))
		if got["done"] != 1 || got["callback.over"] != 5 || w.Events(audit.CallBackGiven) != 1 || w.state(id) != "given" {
			t.Errorf("six at once: %v", got)
		}
		who := w.who()
		if who.ProvedBy != session.ByCallBack || who.Level() != session.OneFactor || who.Fresh(w.Clock.Now()) || !who.Restricted() {
			t.Errorf("the session is proved by %q", who.ProvedBy)
		}
		w.must(w.binds())
		WantCode(t, "a second thing", w.binds(), "session.rebind")
		if w.Count("SELECT count(*) FROM vouches WHERE used_at IS NOT NULL") != 1 {
			t.Error("the word is not used")
		}
	})
}

// A session waits for one word at a time: what it asks next takes the place of what it asked.
func TestASessionWaitsForOneWord(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.reachable()
		call, number := w.asksCall()
		manager, _ := w.asked()
		if w.state(call) != "withdrawn" || w.Events(audit.CallBackWithdrawn) != 1 {
			t.Errorf("asked of the manager, the call is %s", w.state(call))
		}
		_, err := w.calls(w.lead, call, number)
		WantCode(t, "one that was taken back", err, "callback.over")
		call, number = w.asksCall()
		if w.state(manager) != "withdrawn" {
			t.Errorf("asked for a call, the word of the manager is %s", w.state(manager))
		}
		w.Clock.Forward(session.RebindLife)
		w.must(w.vouches.Lapse(t.Context()))
		if w.state(call) != "expired" || w.Events(audit.CallBackExpired) != 1 {
			t.Errorf("nobody called: %s", w.state(call))
		}
		_, err = w.calls(w.lead, call, number)
		WantCode(t, "too late", err, "callback.over")
	})
}

// What changes between the question and the call makes it worth nothing.
func TestACallIsAskedAgainWhenItIsGiven(t *testing.T) {
	for name, row := range map[string]struct {
		change func(w *ward)
		code   string
	}{
		"the person is locked":              {func(w *ward) { w.Set("UPDATE users SET state = 'locked' WHERE id = ?", w.nurse.ID) }, "callback.over"},
		"the bypass is revoked":             {func(w *ward) { w.Set("UPDATE bypasses SET state = 'revoked' WHERE id = ?", w.bypass) }, "callback.over"},
		"the bypass is replaced":            {func(w *ward) { w.Set("UPDATE bypasses SET state = 'replaced' WHERE id = ?", w.bypass) }, "callback.over"},
		"the session has ended":             {func(w *ward) { w.Set("UPDATE sessions SET ended_at = ? WHERE bypass_id = ?", w.Clock.Now(), w.bypass) }, "callback.over"},
		"the number is gone":                {func(w *ward) { w.Set("UPDATE backup_phones SET state = 'ended'") }, "form.wrong"},
		"the number is new":                 {func(w *ward) { w.Set("UPDATE backup_phones SET confirmed_at = ?", w.Clock.Now().Add(time.Second)) }, "form.wrong"},
		"the number got a part of the code": {func(w *ward) { w.Set("UPDATE bypasses SET phone_id = 'theirs'") }, "form.wrong"},
		"the number proved the caller": {func(w *ward) {
			now := w.Clock.Now()
			w.Set("INSERT INTO cases (tenant_id, id, number, user_id, cause, words, state, owner_id, opened_by, opened_at) VALUES (?,'case',1,?,'lost','','open','','',?)", w.Alder.ID, w.nurse.ID, now)
			w.Set("INSERT INTO caller_checks (tenant_id, id, user_id, agent_id, case_id, via, asked_id, state, phone_id, begun_at, expires_at) VALUES (?,'check',?,?,'case','backup_phone','','proved','theirs',?,?)", w.Alder.ID, w.nurse.ID, w.agent.ID, now, now)
			w.Set("UPDATE bypasses SET check_id = 'check'")
		}, "form.wrong"},
		"the lead gave the bypass":     {func(w *ward) { w.Set("UPDATE bypasses SET requested_by = ?", w.lead.ID) }, "callback.had_part"},
		"the lead approved the bypass": {func(w *ward) { w.Set("UPDATE bypasses SET approved_by = ?", w.lead.ID) }, "callback.had_part"},
		"the agent made the lead":      {func(w *ward) { w.Set("UPDATE users SET created_by = ? WHERE id = ?", w.agent.ID, w.lead.ID) }, "callback.made"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *ward) {
				w.reachable()
				id, number := w.asksCall()
				row.change(w)
				_, err := w.calls(w.lead, id, number)
				WantCode(t, name, err, row.code)
				if w.state(id) != "pending" || w.Count("SELECT count(*) FROM sessions WHERE proved_by = 'call_back'") != 0 {
					t.Errorf("the word is %s", w.state(id))
				}
				if refused := w.Events(audit.CallBackRefused); (refused == 1) != (row.code == "callback.had_part" || row.code == "callback.made") {
					t.Errorf("%d refusals are remembered", refused)
				}
			})
		})
	}
}

func TestWhoCallsBack(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		w.reachable()
		colleague, auditor := w.Admin(w.Alder, "colleague", access.RoleHelpdesk), w.Admin(w.Alder, "auditor", access.RoleAuditor)
		id, number := w.asksCall()
		for claim, row := range map[string]struct {
			by   user.User
			code string
		}{
			"an auditor": {auditor, "access.forbidden"}, "somebody without a role": {w.matron, "access.forbidden"}, "the person": {w.nurse, "access.forbidden"},
			"the agent of the bypass": {w.agent, "callback.had_part"},
		} {
			_, err := w.calls(row.by, id, number)
			WantCode(t, claim, err, row.code)
		}
		out, err := w.calls(colleague, id, number)
		if err != nil || !out.Waits() || w.state(id) != "pending" {
			t.Fatalf("a colleague: %+v, %v, %s", out, err, w.state(id))
		}
		approves := func(by user.User) error {
			return w.vouches.Approvals.Approve(t.Context(), w.Alder.ID, out.RequestID, by.ID, approval.Given{Reason: "seen"})
		}
		WantCode(t, "approved by who asked", approves(colleague), "access.forbidden")
		w.Set("UPDATE bypasses SET approved_by = ?", w.lead.ID)
		WantCode(t, "approved by who approved the bypass", approves(w.lead), "callback.had_part")
		w.Set("UPDATE bypasses SET approved_by = ''")
		if w.Text("SELECT state FROM approval_requests") != "pending" {
			t.Error("one who may not decide has decided it")
		}
		w.must(approves(w.lead))
		w.must(w.binds())
		if got := w.Text("SELECT given_by FROM vouches WHERE id = ?", id); got != colleague.ID {
			t.Errorf("it was given by %q", got)
		}
		// In a role of their own rank nobody says who they are.
		w.Clock.Forward(11 * time.Minute)
		w.letIn()
		w.nurse = w.Admin(w.Alder, "second-lead", access.RoleHelpdeskLead)
		w.Set("DELETE FROM backup_phones")
		w.reachable()
		w.letIn()
		_, err = w.vouches.AskCall(t.Context(), w.who(), audit.Origin{})
		WantCode(t, "of a lead, where nobody is above them", err, "callback.nobody")
	})
}

// TestASessionThatStandsKnowsHowItCameToBe: also where it is read for what lives by it
// elsewhere, a message to a number that had its part in the bypass is no second proof.
func TestASessionThatStandsKnowsHowItCameToBe(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		for delivery, want := range map[string]bool{"read_out": true, "split": false} {
			w.Set("UPDATE bypasses SET delivery = ?", delivery)
			w.Act(func(tx *store.Tx) error {
				s, ok, err := session.Standing(tx, w.Alder.ID, w.who().ID)
				if !ok || s.TakesCodes() != want {
					t.Errorf("%s: it takes codes: %t", delivery, s.TakesCodes())
				}
				return err
			})
		}
	})
}
