package vouch_test

import (
	"os"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
	"latchkey/app/vouch"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// ward is a house in which the helpdesk let a nurse in, whose manager is the matron.
type ward struct {
	*House
	vouches                    *vouch.Service
	agent, lead, nurse, matron user.User
	phone                      *Phone
	cookie                     secret.Token
	bypass                     string
}

func each(t *testing.T, story func(t *testing.T, w *ward)) {
	t.Helper()
	Each(t, func(h *House) {
		approvals := &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub}
		w := &ward{House: h, vouches: &vouch.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Approvals: approvals}}
		approvals.Performers = w.vouches.Performers()
		h.Prompts.Ended = map[prompt.Kind]func(*store.Tx, prompt.End) error{prompt.CallerCheck: w.vouches.Ended}
		w.agent, w.lead = h.Admin(h.Alder, "agent", access.RoleHelpdesk), h.Admin(h.Alder, "lead", access.RoleHelpdeskLead)
		w.nurse, w.matron = h.User(h.Alder, "nurse"), h.User(h.Alder, "matron")
		w.phone, _ = h.PhoneOf(w.matron)
		h.Set("UPDATE users SET manager_id = ? WHERE id = ?", w.matron.ID, w.nurse.ID)
		w.letIn()
		story(h.T, w)
	})
}

// letIn gives the nurse a session that a bypass made.
func (w *ward) letIn() {
	w.T.Helper()
	w.bypass = secret.System.ID()
	now := w.Clock.Now()
	w.Set(`INSERT INTO bypasses (tenant_id, id, user_id, kind, state, delivery, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, approved_by, starts_at, ends_at, created_at)
		VALUES (?,?,?,'pass_code','used','read_out',60,1,0,'','','phone','strong',?,'',?,?,?)`, w.Alder.ID, w.bypass, w.nurse.ID, w.agent.ID, now, now.Add(time.Hour), now)
	w.Act(func(tx *store.Tx) (err error) {
		_, w.cookie, err = session.Begin(tx, session.Beginning{TenantID: w.Alder.ID, UserID: w.nurse.ID, AMR: session.ByBypass, BrowserDigest: "here", BypassID: w.bypass, EndsAt: now.Add(time.Hour)})
		return err
	})
}

func (w *ward) must(err error) {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
}

func (w *ward) who() session.Session {
	w.T.Helper()
	s, err := session.Find(w.T.Context(), w.DB, w.cookie)
	w.must(err)
	return s
}

// asked asks the matron and gives the id, and the number that the nurse sees.
func (w *ward) asked() (id, number string) {
	w.T.Helper()
	id, err := w.vouches.Ask(w.T.Context(), w.who(), audit.Origin{})
	w.must(err)
	_, number, err = w.vouches.Find(w.T.Context(), w.who(), id)
	w.must(err)
	return id, number
}

func (w *ward) answers(decision prompt.Decision, number string) prompt.State {
	w.T.Helper()
	state, err := w.phone.Answer(w.phone.Open(), decision, number, PIN)
	w.must(err)
	return state
}

// binds adds a phone by what the session has proved.
func (w *ward) binds() error {
	who := w.who()
	if err := who.Rebinds(w.Clock.Now()); err != nil {
		return err
	}
	_, err := w.Devices.Invite(w.T.Context(), who.TenantID, who.UserID, who.ID, audit.Origin{})
	return err
}

func (w *ward) state(id string) string { return w.Text("SELECT state FROM vouches WHERE id = ?", id) }

func TestAManagersWordBindsOneThing(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		if err := w.binds(); fault.Of(err) == nil || fault.Of(err).Kind != fault.StepUp {
			t.Errorf("by the bypass alone: %v", err)
		}
		offer, err := w.vouches.Offered(t.Context(), w.who())
		if err != nil || offer.Stops != "" || offer.Manager != "matron (matron@alder.example)" {
			t.Errorf("it is offered as %+v, %v", offer, err)
		}
		id, number := w.asked()
		r := w.phone.Open()
		if r.Kind != string(prompt.CallerCheck) || r.Act == nil || r.Act.Kind != vouch.ActKind || r.Act.Target != "nurse (nurse@alder.example)" || !r.Act.Vouch {
			t.Errorf("the manager's phone shows %+v, %+v", r, r.Act)
		}
		if got := w.answers(prompt.Approve, number); got != prompt.Approved || w.state(id) != "given" {
			t.Fatalf("the answer is %s, the word %s", got, w.state(id))
		}
		who := w.who()
		if who.ProvedBy != session.ByManager || who.Level() != session.OneFactor || who.Fresh(w.Clock.Now()) || !who.Restricted() {
			t.Errorf("the session is proved by %q", who.ProvedBy)
		}
		if w.Events(audit.VouchAsked) != 1 || w.Events(audit.VouchGiven) != 1 || w.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ?", audit.VouchGiven, w.nurse.ID) != 1 {
			t.Error("it is not recorded, or the person is not told")
		}
		// Of many at once one has it, and then it is used.
		got := Tally(AtOnce(6, func(int) error {
			_, err := w.Devices.Invite(t.Context(), who.TenantID, who.UserID, who.ID, audit.Origin{})
			return err
		}))
		if w.Count("SELECT count(*) FROM vouches WHERE used_at IS NOT NULL") != 1 || got["done"] != 1 || got["vouch.used"] != 5 {
			t.Errorf("six at once: %v", got)
		}
		if err := w.binds(); fault.Of(err) == nil || fault.Of(err).Kind != fault.StepUp {
			t.Errorf("a second thing: %v", err)
		}
	})
}

func TestWhatIsNoWord(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		id, number := w.asked()
		if got := w.answers(prompt.Approve, Other(number)); got != prompt.Denied || w.state(id) != "denied" {
			t.Errorf("a wrong number is %s, %s", got, w.state(id))
		}
		id, _ = w.asked()
		if w.answers(prompt.Deny, ""); w.state(id) != "denied" {
			t.Errorf("denied it is %s", w.state(id))
		}
		w.Clock.Forward(11 * time.Minute)
		w.letIn()
		first, _ := w.asked()
		if id, _ = w.asked(); w.state(first) != "withdrawn" || w.Events(audit.VouchWithdrawn) != 1 {
			t.Errorf("asked anew the first is %s", w.state(first))
		}
		w.Clock.Forward(prompt.Life)
		w.must(w.vouches.Lapse(t.Context()))
		if w.state(id) != "expired" {
			t.Errorf("nobody answered: %s", w.state(id))
		}
		if err := w.binds(); err == nil {
			t.Error("something is bound by none of it")
		}
	})
}

// What changes between the question and the answer makes the word worth nothing.
func TestAWordIsAskedAgainWhenItIsGiven(t *testing.T) {
	for name, change := range map[string]func(w *ward){
		"the manager is theirs no more": func(w *ward) { w.Set("UPDATE users SET manager_id = '' WHERE id = ?", w.nurse.ID) },
		"another manager":               func(w *ward) { w.Set("UPDATE users SET manager_id = ? WHERE id = ?", w.lead.ID, w.nurse.ID) },
		"the person is locked":          func(w *ward) { w.Set("UPDATE users SET state = 'locked' WHERE id = ?", w.nurse.ID) },
		"the bypass is revoked":         func(w *ward) { w.Set("UPDATE bypasses SET state = 'revoked' WHERE id = ?", w.bypass) },
		"the session has ended":         func(w *ward) { w.Set("UPDATE sessions SET ended_at = ? WHERE bypass_id = ?", w.Clock.Now(), w.bypass) },
		"ten minutes are over": func(w *ward) {
			w.Set("UPDATE sessions SET created_at = ? WHERE bypass_id = ?", w.Clock.Now().Add(-session.RebindLife), w.bypass)
		},
		"the agent is made their manager": func(w *ward) { w.Set("UPDATE bypasses SET requested_by = ? WHERE id = ?", w.matron.ID, w.bypass) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *ward) {
				id, number := w.asked()
				change(w)
				w.answers(prompt.Approve, number)
				if w.state(id) != "failed" || w.Events(audit.VouchFailed) != 1 || w.Count("SELECT count(*) FROM sessions WHERE proved_by = 'manager'") != 0 {
					t.Errorf("the word is %s", w.state(id))
				}
			})
		})
	}
}

func TestWhoseWordCounts(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		for _, row := range []struct {
			what, code string
			set, unset func()
		}{
			{"without a manager", "vouch.no_manager", func() { w.Set("UPDATE users SET manager_id = '' WHERE id = ?", w.nurse.ID) }, func() { w.Set("UPDATE users SET manager_id = ? WHERE id = ?", w.matron.ID, w.nurse.ID) }},
			{"one who is not there", "vouch.no_manager", func() { w.Set("UPDATE users SET manager_id = 'gone' WHERE id = ?", w.nurse.ID) }, func() { w.Set("UPDATE users SET manager_id = ? WHERE id = ?", w.matron.ID, w.nurse.ID) }},
			{"where a manager's word counts for nothing", "vouch.off", func() { w.Set("UPDATE tenants SET check_ways = 'phone,backup_phone'") }, func() { w.Set("UPDATE tenants SET check_ways = 'phone,backup_phone,manager'") }},
			{"the agent", "vouch.manager_agent", func() { w.Set("UPDATE bypasses SET requested_by = ?", w.matron.ID) }, func() { w.Set("UPDATE bypasses SET requested_by = ?", w.agent.ID) }},
			{"who approved it", "vouch.manager_agent", func() { w.Set("UPDATE bypasses SET approved_by = ?", w.matron.ID) }, func() { w.Set("UPDATE bypasses SET approved_by = ''") }},
			{"who proved the caller", "vouch.same_proof", func() { w.Set("UPDATE bypasses SET check_via = 'manager'") }, func() { w.Set("UPDATE bypasses SET check_via = 'phone'") }},
			{"made by the agent", "vouch.manager_made", func() { w.Set("UPDATE users SET created_by = ? WHERE id = ?", w.agent.ID, w.matron.ID) }, func() { w.Set("UPDATE users SET created_by = '' WHERE id = ?", w.matron.ID) }},
			{"made by who approved it", "vouch.manager_made", func() {
				w.Set("UPDATE users SET created_by = ? WHERE id = ?", w.lead.ID, w.matron.ID)
				w.Set("UPDATE bypasses SET approved_by = ?", w.lead.ID)
			}, func() {
				w.Set("UPDATE users SET created_by = '' WHERE id = ?", w.matron.ID)
				w.Set("UPDATE bypasses SET approved_by = ''")
			}},
			{"one who is locked", "vouch.manager_phone", func() { w.Set("UPDATE users SET state = 'locked' WHERE id = ?", w.matron.ID) }, func() { w.Set("UPDATE users SET state = 'active' WHERE id = ?", w.matron.ID) }},
			{"one without a phone", "vouch.manager_phone", func() { w.Set("UPDATE devices SET phone_sign_in = FALSE") }, func() { w.Set("UPDATE devices SET phone_sign_in = TRUE") }},
			{"when it was revoked", "session.rebind_over", func() { w.Set("UPDATE bypasses SET state = 'revoked'") }, func() { w.Set("UPDATE bypasses SET state = 'used'") }},
		} {
			row.set()
			_, err := w.vouches.Ask(t.Context(), w.who(), audit.Origin{})
			WantCode(t, row.what, err, row.code)
			if offer, err := w.vouches.Offered(t.Context(), w.who()); err != nil || offer.Stops != row.code {
				t.Errorf("%s: it is offered as %+v, %v", row.what, offer, err)
			}
			row.unset()
		}
		// Whoever made them the manager lately could have made them up.
		w.Act(func(tx *store.Tx) error {
			return audit.Record(tx, audit.Event{TenantID: w.Alder.ID, Action: audit.UserManagerChanged, Actor: audit.User(w.agent.ID), Target: audit.User(w.nurse.ID), Subject: w.nurse.ID})
		})
		_, err := w.vouches.Ask(t.Context(), w.who(), audit.Origin{})
		WantCode(t, "made the manager by the agent", err, "vouch.manager_made")
		w.Clock.Forward(72*time.Hour + time.Second)
		w.letIn()
		// Another session asks for itself alone, and no other one sees what it asked.
		id, number := w.asked()
		mine := w.cookie
		w.letIn()
		if _, _, err := w.vouches.Find(t.Context(), w.who(), id); fault.Of(err) == nil || fault.Of(err).Kind != fault.NotFound {
			t.Errorf("another session finds it: %v", err)
		}
		w.answers(prompt.Approve, number)
		if err := w.binds(); err == nil {
			t.Error("another session binds by it")
		}
		w.cookie = mine
		w.must(w.binds())
		// Nor is it asked in a session that no bypass made.
		sessionID, _ := w.Session(w.nurse)
		_, err = w.vouches.Ask(t.Context(), session.Session{TenantID: w.Alder.ID, UserID: w.nurse.ID, ID: sessionID}, audit.Origin{})
		WantCode(t, "in another session", err, "session.rebind_over")
		w.Clock.Forward(session.RebindLife)
		w.cookie = mine
		_, err = w.vouches.Ask(t.Context(), w.who(), audit.Origin{})
		WantCode(t, "after ten minutes", err, "session.rebind_over")
	})
}

func TestAWordIsWorthNothingOnceTheBypassIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		_, number := w.asked()
		w.answers(prompt.Approve, number)
		who := w.who()
		w.Set("UPDATE bypasses SET state = 'revoked'")
		_, err := w.Devices.Invite(t.Context(), who.TenantID, who.UserID, who.ID, audit.Origin{})
		WantCode(t, "a phone", err, "vouch.used")
		if w.Count("SELECT count(*) FROM enrolments WHERE session_id = ?", who.ID) != 0 {
			t.Error("there is a link all the same")
		}
	})
}

func TestAManagerReports(t *testing.T) {
	each(t, func(t *testing.T, w *ward) {
		id, _ := w.asked()
		w.answers(prompt.Report, "")
		if w.state(id) != "reported" || w.Count("SELECT count(*) FROM notices WHERE action = ? AND user_id = ? AND detail = ?", audit.VouchReported, w.lead.ID, w.nurse.ID) != 1 {
			t.Errorf("reported it is %s, or the leads are not told", w.state(id))
		}
		_, err := w.vouches.Ask(t.Context(), w.who(), audit.Origin{})
		WantCode(t, "asked again", err, "vouch.held")
	})
}
