package callercheck_test

import (
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/prompt"
	"latchkey/app/role"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// desk is a house with a helpdesk and somebody who calls it.
type desk struct {
	*House
	checks    *callercheck.Service
	approvals *approval.Service

	agent, other, lead, nurse, porter user.User
	phone                             *Phone
	account                           device.Account
}

func each(t *testing.T, story func(t *testing.T, d *desk)) {
	t.Helper()
	Each(t, func(h *House) {
		d := &desk{House: h}
		d.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: map[approval.Kind]approval.Performer{}}
		d.checks = &callercheck.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Cases: &cases.Service{DB: h.DB, Rules: h.Rules}, Backups: h.Backups, Approvals: d.approvals}
		h.Prompts.Ended = map[prompt.Kind]func(*store.Tx, prompt.End) error{prompt.CallerCheck: d.checks.Ended}
		maps.Copy(d.approvals.Performers, d.checks.Performers())
		maps.Copy(d.approvals.Performers, (&role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: d.approvals}).Performers())
		d.agent, d.other = h.Admin(h.Alder, "agent", access.RoleHelpdesk), h.Admin(h.Alder, "other", access.RoleHelpdesk)
		d.lead = h.Admin(h.Alder, "lead", access.RoleHelpdeskLead)
		d.nurse, d.porter = h.User(h.Alder, "nurse"), h.User(h.Alder, "porter")
		d.phone, d.account = h.PhoneOf(d.nurse)
		story(h.T, d)
	})
}

func (d *desk) must(err error) {
	d.T.Helper()
	if err != nil {
		d.T.Fatal(err)
	}
}

// try begins a check and gives its id.
func (d *desk) try(by, on user.User, via callercheck.Via) (string, error) {
	b := callercheck.New(callercheck.Beginning{Via: via, Cause: "lost"})
	_, err := d.checks.Begin(d.T.Context(), approval.Act{TenantID: by.TenantID, ActorID: by.ID, TargetID: on.ID}, b)
	return b.ID, err
}

func (d *desk) begun(by, on user.User, via callercheck.Via) string {
	d.T.Helper()
	id, err := d.try(by, on, via)
	d.must(err)
	return id
}

func (d *desk) seen(by user.User, id string) callercheck.Seen {
	d.T.Helper()
	seen, err := d.checks.Find(d.T.Context(), d.Rules.Standing(by.TenantID, by.ID), id)
	d.must(err)
	return seen
}

// answered lets a phone answer the one request that it shows.
func (d *desk) answered(ph *Phone, decision prompt.Decision, number string) prompt.State {
	d.T.Helper()
	state, err := ph.Answer(ph.Open(), decision, number, PIN)
	d.must(err)
	return state
}

// proved has somebody prove who they are by their phone.
func (d *desk) proved(by, on user.User, ph *Phone) string {
	d.T.Helper()
	id := d.begun(by, on, callercheck.Phone)
	if state := d.answered(ph, prompt.Approve, d.seen(by, id).Number); state != prompt.Approved {
		d.T.Fatalf("the answer is %s", state)
	}
	return id
}

// spend takes a proof for an act.
func (d *desk) spend(id string, on, by user.User, act string) (proof callercheck.Proof, err error) {
	err = d.DB.Act(d.T.Context(), func(tx *store.Tx) error {
		proof, err = callercheck.Spend(tx, on.TenantID, id, on.ID, by.ID, act)
		return err
	})
	return proof, err
}

func (d *desk) fresh(on, by user.User) *callercheck.Proof {
	d.T.Helper()
	proof, err := callercheck.Fresh(d.DB.View(d.T.Context()), on.TenantID, on.ID, by.ID)
	d.must(err)
	return proof
}

// rule makes a rule the one of alder for caller checks.
func (d *desk) rule(stage feature.Stage) {
	d.T.Helper()
	d.Act(func(tx *store.Tx) error {
		return feature.Store(tx, d.Alder.ID, feature.CallerCheck, feature.Rule{Stage: stage}, 1)
	})
}

func TestACallerIsProvedByTheirPhone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id := d.begun(d.agent, d.nurse, callercheck.Phone)
		seen := d.seen(d.agent, id)
		if seen.Number == "" || seen.AgentCode == "" || seen.CaseName != "C-1001" || seen.Live(d.Clock.Now()) != prompt.Pending || seen.UserName != d.nurse.Name || !seen.Own {
			t.Errorf("the agent sees %+v", seen)
		}
		if other := d.seen(d.other, id); other.Number != "" || other.AgentCode != "" || other.Own || other.AgentName != d.agent.Name {
			t.Errorf("another agent sees %+v", other)
		}
		r := d.phone.Open()
		if r.Kind != string(prompt.CallerCheck) || r.Mode != "pick3" || r.IP != "" || r.Browser != "" || r.Act == nil {
			t.Fatalf("the phone shows %+v", r)
		}
		if a := r.Act; a.Role != "helpdesk" || a.Requester != "agent (agent@alder.example)" || a.Case != "C-1001" || a.AgentCode != seen.AgentCode || a.Vouch {
			t.Errorf("it shows of the agent %+v", a)
		}
		own, ok, err := d.checks.OwnOf(t.Context(), d.nurse.TenantID, d.nurse.ID)
		if err != nil || !ok || own.AgentCode != seen.AgentCode || own.Case != "C-1001" || !own.Waits || own.Role != "helpdesk" {
			t.Errorf("the person sees %+v, %t, %v", own, ok, err)
		}
		if d.fresh(d.nurse, d.agent) != nil {
			t.Error("there is a proof before there is an answer")
		}
		if state := d.answered(d.phone, prompt.Approve, seen.Number); state != prompt.Approved {
			t.Fatalf("the answer is %s", state)
		}
		if seen = d.seen(d.agent, id); seen.State != callercheck.Proved || seen.Live(d.Clock.Now()) != prompt.Approved || seen.Number != "" {
			t.Errorf("after the answer it is %+v", seen)
		}
		proof := d.fresh(d.nurse, d.agent)
		if proof == nil || proof.ID != id || proof.Strength != callercheck.Strong || proof.Via != callercheck.Phone || !proof.ProvedAt.Equal(d.Clock.Now()) || proof.CaseID != seen.CaseID {
			t.Fatalf("the proof is %+v", proof)
		}
		if d.fresh(d.nurse, d.other) != nil || d.fresh(d.porter, d.agent) != nil {
			t.Error("it is a proof for another agent, or of another person")
		}
		d.Clock.Forward(callercheck.FreshLife - time.Microsecond)
		got, err := d.spend(id, d.nurse, d.agent, "bypass-1")
		if err != nil || got.ID != id || got.CaseID != seen.CaseID {
			t.Errorf("the last moment: %+v, %v", got, err)
		}
		for action, want := range map[audit.Action]int{audit.CallerCheckBegun: 1, audit.CallerCheckProved: 1, audit.CallerCheckSpent: 1, audit.CaseOpened: 1} {
			if n := d.Count("SELECT count(*) FROM audit_events WHERE action = ? AND thread_id = ?", action, seen.CaseID); n != want {
				t.Errorf("%s stands %d times in the case", action, n)
			}
		}
		if d.Count("SELECT count(*) FROM case_links WHERE kind = 'caller_check' AND target_id = ? AND case_id = ?", id, seen.CaseID) != 1 {
			t.Error("the case does not link the check")
		}
		if d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ? AND detail = 'C-1001'", d.nurse.ID, audit.CallerCheckProved) != 1 {
			t.Error("the person is not told")
		}
		d.Clock.Forward(callercheck.OwnLife)
		if _, ok, _ := d.checks.OwnOf(t.Context(), d.nurse.TenantID, d.nurse.ID); ok {
			t.Error("an hour later the person's page still names the agent")
		}
	})
}

// TestAProofIsForOneActOfOneAgentOnOnePerson: whatever is not as it was proved, there
// is none.
func TestAProofIsForOneActOfOneAgentOnOnePerson(t *testing.T) {
	for name, spoil := range map[string]func(d *desk){
		"the person is locked":         func(d *desk) { d.Lock(d.nurse) },
		"the person is disabled":       func(d *desk) { d.Set("UPDATE users SET state = 'disabled' WHERE id = ?", d.nurse.ID) },
		"the organisation is stopped":  func(d *desk) { d.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", d.Alder.ID) },
		"the feature is off":           func(d *desk) { d.rule(feature.Off) },
		"the feature is only reported": func(d *desk) { d.rule(feature.ReportOnly) },
		"the platform has stopped it": func(d *desk) {
			d.Act(func(tx *store.Tx) error {
				return feature.Release(tx, feature.CallerCheck, []feature.Cell{{Region: "eu", Ring: "stable"}})
			})
		},
		"the phone is revoked":         func(d *desk) { d.Set("UPDATE devices SET state = 'revoked' WHERE user_id = ?", d.nurse.ID) },
		"phone sign-in is turned off":  func(d *desk) { d.Set("UPDATE devices SET phone_sign_in = FALSE WHERE user_id = ?", d.nurse.ID) },
		"the ten minutes are over":     func(d *desk) { d.Clock.Forward(callercheck.FreshLife) },
		"it was swept after that time": func(d *desk) { d.Clock.Forward(callercheck.FreshLife); d.must(d.checks.Lapse(d.T.Context())) },
		"a later question is reported": func(d *desk) {
			d.begun(d.other, d.nurse, callercheck.Phone)
			d.answered(d.phone, prompt.Report, "")
		},
		"another act has it": func(d *desk) {
			_, err := d.spend(d.Text("SELECT id FROM caller_checks"), d.nurse, d.agent, "another")
			d.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				id := d.proved(d.agent, d.nurse, d.phone)
				if d.fresh(d.nurse, d.agent) == nil {
					t.Fatal("there is no proof to begin with")
				}
				before := d.Events(audit.CallerCheckSpent)
				spoil(d)
				spent := d.Events(audit.CallerCheckSpent)
				_, err := d.spend(id, d.nurse, d.agent, "bypass-1")
				WantCode(t, "spending it", err, "callercheck.none")
				if d.fresh(d.nurse, d.agent) != nil {
					t.Error("pages show a proof")
				}
				if d.Events(audit.CallerCheckSpent) != spent || spent-before > 1 {
					t.Error("an event says that it was spent")
				}
			})
		})
	}
	each(t, func(t *testing.T, d *desk) {
		id := d.proved(d.agent, d.nurse, d.phone)
		birch := d.Admin(d.Birch, "agent", access.RoleHelpdesk)
		for name, spend := range map[string]func() (callercheck.Proof, error){
			"another person":    func() (callercheck.Proof, error) { return d.spend(id, d.porter, d.agent, "a") },
			"another agent":     func() (callercheck.Proof, error) { return d.spend(id, d.nurse, d.other, "a") },
			"another check":     func() (callercheck.Proof, error) { return d.spend("none", d.nurse, d.agent, "a") },
			"another tenant":    func() (callercheck.Proof, error) { return d.spend(id, birch, d.agent, "a") },
			"no act":            func() (callercheck.Proof, error) { return d.spend(id, d.nurse, d.agent, "") },
			"swapped the other": func() (callercheck.Proof, error) { return d.spend(id, d.agent, d.nurse, "a") },
		} {
			_, err := spend()
			WantCode(t, name, err, "callercheck.none")
		}
		if _, err := d.spend(id, d.nurse, d.agent, "a"); err != nil {
			t.Errorf("after all of that: %v", err)
		}
	})
}

// TestAnActThatWaitsKeepsItsProof: it spends it when it is asked for, and again when it
// is carried out.
func TestAnActThatWaitsKeepsItsProof(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id := d.proved(d.agent, d.nurse, d.phone)
		first, err := d.spend(id, d.nurse, d.agent, "request-1")
		d.must(err)
		d.Clock.Forward(3 * time.Hour)
		d.must(d.checks.Lapse(t.Context()))
		again, err := d.spend(id, d.nurse, d.agent, "request-1")
		if err != nil || again != first {
			t.Errorf("later the same act has %+v, %v; it had %+v", again, err, first)
		}
		if n := d.Events(audit.CallerCheckSpent); n != 1 {
			t.Errorf("it was spent %d times", n)
		}
		_, err = d.spend(id, d.nurse, d.agent, "request-2")
		WantCode(t, "another act", err, "callercheck.none")
		d.Lock(d.nurse)
		_, err = d.spend(id, d.nurse, d.agent, "request-1")
		WantCode(t, "the same act for somebody who is locked now", err, "callercheck.none")
	})
}

// TestOfFiveHundredActsOneHasTheProof at once.
func TestOfFiveHundredActsOneHasTheProof(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id := d.proved(d.agent, d.nurse, d.phone)
		tally := Tally(AtOnce(500, func(i int) error {
			_, err := d.spend(id, d.nurse, d.agent, fmt.Sprint("act-", i))
			return err
		}))
		if tally["done"] != 1 || tally["callercheck.none"] != 499 || d.Events(audit.CallerCheckSpent) != 1 {
			t.Errorf("of 500 at once %v, with %d events", tally, d.Events(audit.CallerCheckSpent))
		}
	})
}

// TestWhatIsNoProof: every other end of a check.
func TestWhatIsNoProof(t *testing.T) {
	for name, at := range map[string]struct {
		end   func(d *desk, id string)
		state callercheck.State
		event audit.Action
	}{
		"denied":   {func(d *desk, _ string) { d.answered(d.phone, prompt.Deny, "") }, callercheck.Denied, audit.CallerCheckDenied},
		"reported": {func(d *desk, _ string) { d.answered(d.phone, prompt.Report, "") }, callercheck.Reported, audit.CallerCheckReported},
		"a wrong number": {func(d *desk, id string) {
			d.answered(d.phone, prompt.Approve, Other(d.seen(d.agent, id).Number))
		}, callercheck.Denied, audit.CallerCheckDenied},
		"no answer": {func(d *desk, _ string) {
			d.Clock.Forward(prompt.Life)
			d.must(d.Prompts.Lapse(d.T.Context()))
		}, callercheck.Expired, audit.CallerCheckExpired},
		"no answer, and no sweep of requests": {func(d *desk, _ string) {
			d.Clock.Forward(prompt.Life)
			d.must(d.checks.Lapse(d.T.Context()))
			d.must(d.Prompts.Lapse(d.T.Context()))
		}, callercheck.Expired, audit.CallerCheckExpired},
		"taken back": {func(d *desk, id string) {
			d.must(d.checks.Withdraw(d.T.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), id, audit.Origin{}))
		}, callercheck.Withdrawn, audit.CallerCheckWithdrawn},
		"locked before the answer": {func(d *desk, id string) {
			r := d.phone.Open()
			d.Lock(d.nurse)
			if _, err := d.phone.Answer(r, prompt.Approve, d.Number(r.ID), PIN); err == nil {
				d.T.Error("the phone of somebody who is locked answers")
			}
			d.Clock.Forward(prompt.Life)
			d.must(d.Prompts.Lapse(d.T.Context()))
		}, callercheck.Expired, audit.CallerCheckExpired},
		"withdrawn by what locks the person": {func(d *desk, id string) {
			waiting := d.Hub.Wait(prompt.CheckKey(d.Alder.ID, id))
			defer waiting.Done()
			r := d.phone.Open()
			d.Act(func(tx *store.Tx) error {
				return d.Prompts.Withdraw(tx, d.Alder.ID, r.ID, d.nurse.ID, audit.User(d.lead.ID), audit.Origin{})
			})
			select {
			case <-waiting.Bell():
			case <-time.After(time.Minute):
				d.T.Error("the page of the agent is not told")
			}
		}, callercheck.Expired, audit.CallerCheckExpired},
		"turned off before the answer": {func(d *desk, id string) {
			d.rule(feature.Off)
			d.answered(d.phone, prompt.Approve, d.seen(d.agent, id).Number)
		}, callercheck.Failed, audit.CallerCheckFailed},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				id := d.begun(d.agent, d.nurse, callercheck.Phone)
				at.end(d, id)
				if seen := d.seen(d.agent, id); seen.State != at.state || seen.Number != "" || seen.AgentCode != "" {
					t.Errorf("it is %+v", seen)
				}
				if d.fresh(d.nurse, d.agent) != nil {
					t.Error("there is a proof")
				}
				_, err := d.spend(id, d.nurse, d.agent, "a")
				WantCode(t, "spending it", err, "callercheck.none")
				if n := d.Count("SELECT count(*) FROM audit_events WHERE action = ? AND target_id = ? AND outcome = 'failure' AND thread_id <> ''", at.event, id); n != 1 {
					t.Errorf("%s stands %d times", at.event, n)
				}
				if told := d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", d.lead.ID, audit.CallerCheckReported); (told == 1) != (at.state == callercheck.Reported) {
					t.Errorf("the lead is told %d times", told)
				}
			})
		})
	}
}

// TestWhoMayCheckWhom: ranks, oneself, another tenant, and what the person must have.
func TestWhoMayCheckWhom(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		bad := func(what string, by, on user.User, code string) {
			t.Helper()
			_, err := d.try(by, on, callercheck.Phone)
			WantCode(t, what, err, code)
		}
		d.PhoneOf(d.other)
		d.PhoneOf(d.lead)
		bad("a colleague", d.agent, d.other, "access.rank")
		bad("somebody above", d.agent, d.lead, "access.rank")
		bad("oneself", d.agent, d.agent, "access.self")
		bad("without a role", d.porter, d.nurse, "access.forbidden")
		bad("without a phone", d.agent, d.porter, "callercheck.no_phone")
		birch := d.User(d.Birch, "nurse")
		d.PhoneOf(birch)
		_, err := d.checks.Begin(t.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: birch.ID}, callercheck.New(callercheck.Beginning{Via: callercheck.Phone}))
		WantCode(t, "somebody of another tenant", err, "http.not_found")
		_, err = d.try(d.agent, d.nurse, "letter")
		WantCode(t, "by another way", err, "form.wrong")
		_, err = d.checks.Begin(t.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID}, callercheck.New(callercheck.Beginning{Via: callercheck.Phone, Case: "another"}))
		WantCode(t, "in another case", err, "form.wrong")
		d.Set("UPDATE devices SET phone_sign_in = FALSE WHERE user_id = ?", d.nurse.ID)
		bad("a phone that is not asked", d.agent, d.nurse, "callercheck.no_phone")
		d.Set("UPDATE devices SET phone_sign_in = TRUE WHERE user_id = ?", d.nurse.ID)
		d.rule(feature.Off)
		bad("turned off", d.agent, d.nurse, "feature.off")
		d.rule(feature.Everyone)
		d.Lock(d.nurse)
		bad("locked", d.agent, d.nurse, "callercheck.inactive")
		if n := d.Count("SELECT count(*) FROM caller_checks"); n != 0 {
			t.Errorf("%d checks were begun", n)
		}
		if n := d.Count("SELECT count(*) FROM cases"); n != 0 {
			t.Errorf("%d cases were opened", n)
		}
		if n := d.Events(audit.AccessRefused); n < 4 {
			t.Errorf("%d refusals are remembered", n)
		}
	})
}

// TestWhoHasMoreToLoseTypesTheNumber: of those with a role two digits are typed.
func TestWhoHasMoreToLoseTypesTheNumber(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ph, _ := d.PhoneOf(d.agent)
		id := d.begun(d.lead, d.agent, callercheck.Phone)
		if r := ph.Open(); r.Mode != "type2" || r.Numbers != "" {
			t.Errorf("the phone is asked by %s", r.Mode)
		}
		if state := d.answered(ph, prompt.Approve, d.seen(d.lead, id).Number); state != prompt.Approved {
			t.Errorf("the answer is %s", state)
		}
	})
}

// TestOneCheckOfAPersonWaits: an agent takes their own back, and nobody another's.
func TestOneCheckOfAPersonWaits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first := d.begun(d.agent, d.nurse, callercheck.Phone)
		_, err := d.try(d.other, d.nurse, callercheck.Phone)
		WantCode(t, "another agent", err, "callercheck.under_way")
		second := d.begun(d.agent, d.nurse, callercheck.Phone)
		if d.seen(d.agent, first).State != callercheck.Withdrawn || d.phone.Open().ID == "" {
			t.Error("the one before stands")
		}
		if d.seen(d.agent, second).CaseID != d.seen(d.agent, first).CaseID || d.Count("SELECT count(*) FROM cases") != 1 {
			t.Error("there are two cases of one person")
		}
		WantCode(t, "taking back another's", d.checks.Withdraw(t.Context(), d.Rules.Standing(d.Alder.ID, d.other.ID), second, audit.Origin{}), "callercheck.not_yours")
		d.must(d.checks.Withdraw(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), second, audit.Origin{}))
		WantCode(t, "taking it back twice", d.checks.Withdraw(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), second, audit.Origin{}), "callercheck.over")
		third := d.begun(d.other, d.nurse, callercheck.Phone)
		d.Clock.Forward(prompt.Life) // and nobody sweeps
		d.Clock.Forward(10 * time.Minute)
		fourth := d.begun(d.agent, d.nurse, callercheck.Phone)
		if d.seen(d.agent, third).State != callercheck.Expired || d.seen(d.agent, fourth).State != callercheck.Pending {
			t.Error("what another agent began and nobody answered is in the way")
		}
	})
}

// TestTwentyBeginningsAtOnceAreOne by the same agents.
func TestTwentyBeginningsAtOnceAreOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		tally := Tally(AtOnce(20, func(i int) error {
			_, err := d.try([]user.User{d.agent, d.other}[i%2], d.nurse, callercheck.Phone)
			return err
		}))
		if n := d.Count("SELECT count(*) FROM caller_checks WHERE state = 'pending'"); n != 1 {
			t.Errorf("%d wait after %v", n, tally)
		}
		if n := d.Count("SELECT count(*) FROM prompts WHERE state = 'pending'"); n != 1 {
			t.Errorf("%d requests wait after %v", n, tally)
		}
		if tally["done"] < 1 || tally["done"] > 3 {
			t.Errorf("of 20 at once %v: a phone is asked three times at most", tally)
		}
		if d.Count("SELECT count(*) FROM cases") != 1 {
			t.Error("there are several cases")
		}
	})
}

// TestLimitsAreOfChecksAlone: sign-ins that somebody makes up hold no check, a desk asks
// three times in ten minutes, and a report gives the phone an hour of rest.
func TestLimitsAreOfChecksAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for range 4 {
			from := Browser("somebody's PC")
			d.Begin(d.nurse.Name, "phone", from)
			d.Clock.Forward(prompt.Life)
			d.must(d.Prompts.Lapse(t.Context()))
		}
		from := Browser("another PC")
		if d.State(d.Begin(d.nurse.Name, "phone", from), from) != prompt.Held {
			t.Fatal("sign-ins are not held")
		}
		for i := range 3 {
			if _, err := d.try(d.agent, d.nurse, callercheck.Phone); err != nil {
				t.Fatalf("check %d: %v", i+1, err)
			}
			d.answered(d.phone, prompt.Deny, "")
		}
		_, err := d.try(d.other, d.nurse, callercheck.Phone)
		WantCode(t, "the fourth, by another agent", err, "callercheck.held")
		if f := fault.Of(err); f.RetryAfter <= 0 || d.Events(audit.CallerCheckRefused) != 1 {
			t.Errorf("it is refused until %s, with %d events", f.RetryAfter, d.Events(audit.CallerCheckRefused))
		}
		what, err := d.checks.For(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), d.nurse.ID)
		d.must(err)
		if !what.May || what.Offers[0].Stops != "callercheck.held" || what.Offers[0].Until.IsZero() || len(what.Last) != 3 {
			t.Errorf("the page offers %+v", what)
		}
		d.Clock.Forward(10 * time.Minute)
		d.begun(d.agent, d.nurse, callercheck.Phone)
		d.answered(d.phone, prompt.Report, "")
		d.Clock.Forward(59 * time.Minute)
		_, err = d.try(d.agent, d.nurse, callercheck.Phone)
		WantCode(t, "within an hour of a report", err, "callercheck.held")
		what, err = d.checks.For(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), d.nurse.ID)
		d.must(err)
		if _, alarmed := callercheck.Warned(what.Last); !alarmed {
			t.Error("the page does not warn")
		}
		d.Clock.Forward(2 * time.Minute)
		d.begun(d.agent, d.nurse, callercheck.Phone)
	})
}

// TestAnOldPhoneConfirmsNothingItDidNotShow: a phone that does not sign over what it was
// asked cannot have shown who asks.
func TestAnOldPhoneConfirmsNothingItDidNotShow(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		id := d.begun(d.agent, d.nurse, callercheck.Phone)
		r := d.phone.Open()
		claims := d.phone.Claims(r, prompt.Approve, d.seen(d.agent, id).Number)
		claims.Act = ""
		if _, err := d.phone.Send(r, claims, PIN); err == nil {
			t.Error("it is taken")
		}
		if d.seen(d.agent, id).State != callercheck.Pending {
			t.Error("the check has ended")
		}
	})
}

// TestAgentsOfGroupsFindNobodyOutside.
func TestAgentsOfGroupsFindNobodyOutside(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'ward','Ward',?)", d.Alder.ID, d.Clock.Now())
		d.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,'ward',?,?)", d.Alder.ID, d.nurse.ID, d.nurse.Name)
		d.PhoneOf(d.porter)
		elsewhere := d.begun(d.agent, d.porter, callercheck.Phone)
		d.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'ward')", d.Alder.ID, d.other.ID)
		d.must(d.Rules.Reload(t.Context()))
		d.begun(d.other, d.nurse, callercheck.Phone)
		_, err := d.try(d.other, d.porter, callercheck.Phone)
		WantCode(t, "outside", err, "http.not_found")
		_, err = d.checks.Find(t.Context(), d.Rules.Standing(d.Alder.ID, d.other.ID), elsewhere)
		WantCode(t, "a check outside", err, "http.not_found")
	})
}
