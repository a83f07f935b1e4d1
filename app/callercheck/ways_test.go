package callercheck_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/callercheck"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/prompt"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

const mobile = "+4915112345678"

// message is what was sent last to a number: the letters of the agent, and the code.
func (d *desk) message(number string) (letters, code string) {
	d.T.Helper()
	id := d.Text("SELECT id FROM outbox WHERE target = ? ORDER BY created_at DESC, id LIMIT 1", number)
	body, err := d.Keys.Open(d.Alder.ID, "outbox.body "+id, d.Text("SELECT body FROM outbox WHERE id = ?", id))
	d.must(err)
	parts := strings.Split(body, " ")
	if len(parts) != 3 || parts[0] != "caller" {
		d.T.Fatalf("the message is %q", body)
	}
	return parts[1], parts[2]
}

func (d *desk) typed(by user.User, id, code string) error {
	return d.checks.Verify(d.T.Context(), d.Rules.Standing(by.TenantID, by.ID), id, code, audit.Origin{})
}

func TestACallerIsProvedByACodeToTheirBackupPhone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
		letters, code := d.message(mobile)
		seen := d.seen(d.agent, id)
		if seen.Number != "" || seen.AgentCode != letters || !strings.HasSuffix(seen.SentTo, "78") || strings.Contains(seen.SentTo, "1234") {
			t.Errorf("the agent sees %+v, and %s was sent", seen, letters)
		}
		WantCode(t, "another agent types it", d.typed(d.other, id, code), "callercheck.not_yours")
		WantCode(t, "a wrong one", d.typed(d.agent, id, Other(code)), "callercheck.code_wrong")
		if d.Count("SELECT tries FROM caller_checks WHERE id = ?", id) != 1 {
			t.Error("the try is not counted")
		}
		d.Clock.Forward(backupphone.CodeLife - time.Microsecond)
		d.must(d.typed(d.agent, id, code[:3]+" "+code[3:]))
		proof := d.fresh(d.nurse, d.agent)
		if proof == nil || proof.Via != callercheck.BackupPhone || proof.Strength != callercheck.Weaker {
			t.Fatalf("the proof is %+v", proof)
		}
		WantCode(t, "the same code again", d.typed(d.agent, id, code), "callercheck.code_wrong")
		if n := d.Events(audit.CallerCheckRefused); n != 2 {
			t.Errorf("%d refusals are remembered", n)
		}
		var records []string
		d.must(d.DB.View(t.Context()).All(&records, "SELECT record FROM audit_events"))
		said := regexp.MustCompile(`\b` + code + `\b`) // a time or a digest may have its digits among others
		if len(records) == 0 || said.MatchString(strings.Join(records, "\n")) {
			t.Errorf("the code is in one of the %d records of the audit", len(records))
		}
		if _, err := d.spend(id, d.nurse, d.agent, "a"); err != nil {
			t.Error(err)
		}
	})
}

// TestFiveHundredWrongCodesProveNothing: five are counted, and then the right one is late.
func TestFiveHundredWrongCodesProveNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
		_, code := d.message(mobile)
		tally := Tally(AtOnce(500, func(int) error { return d.typed(d.agent, id, Other(code)) }))
		if tally["callercheck.code_wrong"] != 500 {
			t.Errorf("500 wrong ones give %v", tally)
		}
		if tries := d.Count("SELECT tries FROM caller_checks WHERE id = ?", id); tries != callercheck.CodeTries {
			t.Errorf("%d tries are counted", tries)
		}
		WantCode(t, "the right one then", d.typed(d.agent, id, code), "callercheck.code_wrong")
		if seen := d.seen(d.agent, id); seen.State != callercheck.Failed || d.fresh(d.nurse, d.agent) != nil || d.Events(audit.CallerCheckFailed) != 1 {
			t.Errorf("it is %s, with %d events", seen.State, d.Events(audit.CallerCheckFailed))
		}
		if n := d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", d.nurse.ID, audit.CallerCheckFailed); n != 1 {
			t.Errorf("the person is told %d times that somebody tried", n)
		}
	})
}

// TestOfManyRightCodesOneProves.
func TestOfManyRightCodesOneProves(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
		_, code := d.message(mobile)
		if tally := Tally(AtOnce(50, func(int) error { return d.typed(d.agent, id, code) })); tally["done"] != 1 || d.Events(audit.CallerCheckProved) != 1 {
			t.Errorf("of 50 right ones %v", tally)
		}
	})
}

// TestWhenACodeIsWorthNothing: the one answer to all of it.
func TestWhenACodeIsWorthNothing(t *testing.T) {
	for name, spoil := range map[string]func(d *desk, id string){
		"its time is over":       func(d *desk, _ string) { d.Clock.Forward(backupphone.CodeLife) },
		"the number was removed": func(d *desk, _ string) { d.Set("UPDATE backup_phones SET state = 'ended'") },
		"it was taken back": func(d *desk, id string) {
			d.must(d.checks.Withdraw(d.T.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), id, audit.Origin{}))
		},
		"another one was begun":    func(d *desk, _ string) { d.begun(d.agent, d.nurse, callercheck.BackupPhone) },
		"it ran out and was swept": func(d *desk, _ string) { d.Clock.Forward(backupphone.CodeLife); d.must(d.checks.Lapse(d.T.Context())) },
		"it is the code of a sign-in": func(d *desk, id string) {
			d.Set("UPDATE phone_codes SET attempt_id = 'another' WHERE attempt_id = ?", id)
		},
		"five were wrong before": func(d *desk, id string) { d.Set("UPDATE caller_checks SET tries = 5 WHERE id = ?", id) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.BackupPhoneOf(d.nurse, mobile, "sms")
				id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
				_, code := d.message(mobile)
				d.Clock.Forward(time.Microsecond)
				spoil(d, id)
				WantCode(t, "the right code", d.typed(d.agent, id, code), "callercheck.code_wrong")
				if d.fresh(d.nurse, d.agent) != nil {
					t.Error("there is a proof")
				}
			})
		})
	}
	for name, spoil := range map[string]func(d *desk){
		"locked":  func(d *desk) { d.Lock(d.nurse) },
		"off":     func(d *desk) { d.rule(feature.Off) },
		"stopped": func(d *desk) { d.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", d.Alder.ID) },
	} {
		t.Run(name+" in between", func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.BackupPhoneOf(d.nurse, mobile, "sms")
				id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
				_, code := d.message(mobile)
				spoil(d)
				_ = d.typed(d.agent, id, code)
				if d.Events(audit.CallerCheckProved) != 0 || d.seen(d.agent, id).State != callercheck.Failed {
					t.Errorf("it is %s", d.seen(d.agent, id).State)
				}
			})
		})
	}
	each(t, func(t *testing.T, d *desk) { // and after the proof
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		id := d.begun(d.agent, d.nurse, callercheck.BackupPhone)
		_, code := d.message(mobile)
		d.must(d.typed(d.agent, id, code))
		d.Set("UPDATE backup_phones SET state = 'ended'")
		_, err := d.spend(id, d.nurse, d.agent, "a")
		WantCode(t, "after the number was removed", err, "callercheck.none")
	})
}

// TestCodesToCallersHaveBrakesOfTheirOwn.
func TestCodesToCallersHaveBrakesOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		_, err := d.try(d.agent, d.nurse, callercheck.BackupPhone)
		WantCode(t, "without a number", err, "callercheck.no_backup_phone")
		d.BackupPhoneOf(d.nurse, mobile, "sms")
		// As if somebody had asked for codes to sign in until nobody gets one.
		for _, who := range []string{"name " + d.Keys.Subject(d.nurse.Name), "number " + d.Keys.Subject(mobile)} {
			now := d.Clock.Now()
			d.Set("INSERT INTO code_times (tenant_id, who, at1, at2, at3, at4, at5) VALUES (?,?,?,?,?,?,?)", d.Alder.ID, who, now, now, now, now, now)
		}
		for range 3 {
			d.begun(d.agent, d.nurse, callercheck.BackupPhone)
			d.Clock.Forward(time.Second)
		}
		_, err = d.try(d.agent, d.nurse, callercheck.BackupPhone)
		WantCode(t, "the fourth in ten minutes", err, "callercheck.codes_held")
		if f := fault.Of(err); f.RetryAfter <= 0 {
			t.Error("nobody is told how long")
		}
		d.Clock.Forward(10 * time.Minute)
		d.Set("INSERT INTO message_days (tenant_id, day, sent, unproved) VALUES (?,?,100000,0) ON CONFLICT (tenant_id, day) DO UPDATE SET sent = 100000", d.Alder.ID, d.Clock.Now().Format(time.DateOnly))
		_, err = d.try(d.agent, d.nurse, callercheck.BackupPhone)
		WantCode(t, "over the budget of the day", err, "backupphone.budget")
	})
	for name, spoil := range map[string]func(d *desk){
		"a way that is turned off": func(d *desk) {
			d.Act(func(tx *store.Tx) error {
				return feature.Store(tx, d.Alder.ID, feature.SMS, feature.Rule{Stage: feature.Off}, 1)
			})
		},
		"backup phones turned off": func(d *desk) {
			d.Act(func(tx *store.Tx) error {
				return feature.Store(tx, d.Alder.ID, feature.BackupPhones, feature.Rule{Stage: feature.Off}, 1)
			})
		},
		"a way that is off in every use": func(d *desk) { d.Set("UPDATE tenants SET no_sign_in = 64, no_second = 64, no_recovery = 64") },
		"nobody who carries it":          func(d *desk) { d.Set("DELETE FROM providers") },
		"a country that is not chosen":   func(d *desk) { d.Set("UPDATE backup_phones SET number = '+12125550100'") },
		"a number that has ended":        func(d *desk) { d.Set("UPDATE backup_phones SET state = 'ended'") },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.BackupPhoneOf(d.nurse, mobile, "sms")
				spoil(d)
				_, err := d.try(d.agent, d.nurse, callercheck.BackupPhone)
				WantCode(t, "a code", err, "callercheck.no_backup_phone")
				if d.Count("SELECT count(*) FROM outbox") != 0 {
					t.Error("something is sent")
				}
			})
		})
	}
}

func (d *desk) managed(u, by user.User) {
	d.T.Helper()
	d.Set("UPDATE users SET manager_id = ? WHERE tenant_id = ? AND id = ?", by.ID, u.TenantID, u.ID)
}

func TestACallerIsProvedByTheWordOfTheirManager(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ph, _ := d.PhoneOf(d.lead)
		d.managed(d.porter, d.lead)
		id := d.begun(d.agent, d.porter, callercheck.Manager)
		r := ph.Open()
		if r.Act == nil || !r.Act.Vouch || r.Act.Target != "porter (porter@alder.example)" || r.Kind != string(prompt.CallerCheck) || r.Mode != "type2" {
			t.Errorf("the manager's phone shows %+v, %+v", r, r.Act)
		}
		if seen := d.seen(d.agent, id); seen.Manager != "lead (lead@alder.example)" || seen.Number == "" || seen.AgentCode != r.Act.AgentCode {
			t.Errorf("the agent sees %+v", seen)
		}
		if state := d.answered(ph, prompt.Approve, d.seen(d.agent, id).Number); state != prompt.Approved {
			t.Fatalf("the answer is %s", state)
		}
		proof := d.fresh(d.porter, d.agent)
		if proof == nil || proof.Strength != callercheck.Weakest || proof.Via != callercheck.Manager {
			t.Fatalf("the proof is %+v", proof)
		}
		if d.fresh(d.lead, d.agent) != nil {
			t.Error("it proves the manager")
		}
		if d.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action = ?", d.porter.ID, audit.CallerCheckProved) != 1 {
			t.Error("the person is not told")
		}
		for name, spoil := range map[string]func(){
			"a manager who is locked":     func() { d.Set("UPDATE users SET state = 'locked' WHERE id = ?", d.lead.ID) },
			"one who is theirs no more":   func() { d.Set("UPDATE users SET manager_id = '' WHERE id = ?", d.porter.ID) },
			"one whose phone was revoked": func() { d.Set("UPDATE devices SET state = 'revoked' WHERE user_id = ?", d.lead.ID) },
		} {
			spoil()
			if d.fresh(d.porter, d.agent) != nil {
				t.Errorf("%s still vouches", name)
			}
			_, err := d.spend(id, d.porter, d.agent, "a")
			WantCode(t, name, err, "callercheck.none")
			d.Set("UPDATE users SET state = 'active', manager_id = CASE WHEN id = ? THEN ? ELSE manager_id END WHERE id IN (?, ?)", d.porter.ID, d.lead.ID, d.lead.ID, d.porter.ID)
			d.Set("UPDATE devices SET state = 'active' WHERE user_id = ?", d.lead.ID)
		}
		if _, err := d.spend(id, d.porter, d.agent, "a"); err != nil {
			t.Error(err)
		}
	})
}

// TestWhoCannotVouch.
func TestWhoCannotVouch(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		bad := func(what, code string) {
			t.Helper()
			_, err := d.try(d.agent, d.porter, callercheck.Manager)
			WantCode(t, what, err, code)
			offers, err := d.checks.For(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), d.porter.ID)
			d.must(err)
			if offers.Offers[2].Stops != code {
				t.Errorf("%s: the page says %q", what, offers.Offers[2].Stops)
			}
		}
		bad("nobody", "callercheck.no_manager")
		d.managed(d.porter, d.lead)
		bad("a manager without a phone", "callercheck.manager_phone")
		d.PhoneOf(d.agent)
		d.managed(d.porter, d.agent)
		bad("the agent themselves", "callercheck.manager_agent")
		d.managed(d.porter, d.nurse)
		d.Set("UPDATE users SET state = 'locked' WHERE id = ?", d.nurse.ID)
		bad("a manager who is locked", "callercheck.manager_phone")
		d.Set("UPDATE users SET state = 'active' WHERE id = ?", d.nurse.ID)
		birch := d.Admin(d.Birch, "boss", access.RoleHelpdesk)
		d.PhoneOf(birch)
		d.managed(d.porter, birch)
		bad("somebody of another tenant", "callercheck.no_manager")

		// Who stops being the manager while their phone is asked has no word.
		d.managed(d.porter, d.nurse)
		id := d.begun(d.agent, d.porter, callercheck.Manager)
		d.managed(d.porter, d.lead)
		d.answered(d.phone, prompt.Approve, d.seen(d.agent, id).Number)
		if d.seen(d.agent, id).State != callercheck.Failed || d.fresh(d.porter, d.agent) != nil {
			t.Errorf("it is %s", d.seen(d.agent, id).State)
		}
		// What is asked of a manager is counted apart from what is asked of them as a caller.
		d.managed(d.porter, d.nurse)
		for range 2 {
			d.begun(d.agent, d.porter, callercheck.Manager)
			d.answered(d.phone, prompt.Deny, "")
		}
		bad("asked three times already", "callercheck.held")
		d.begun(d.agent, d.nurse, callercheck.Phone)
	})
}

// TestAWayThatTheOrganisationDoesNotTake is neither offered nor begun, for those for whom
// it is off.
func TestAWayThatTheOrganisationDoesNotTake(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		stops := func(on user.User) map[callercheck.Via]string {
			t.Helper()
			shown, err := d.checks.For(t.Context(), d.Rules.Standing(d.Alder.ID, d.lead.ID), on.ID)
			d.must(err)
			all := map[callercheck.Via]string{}
			for _, offer := range shown.Offers {
				all[offer.Via] = offer.Stops
			}
			return all
		}
		d.Set("UPDATE tenants SET check_ways = 'phone', check_ways_privileged = 'phone'")
		if got := stops(d.nurse); got[callercheck.Phone] != "" || got[callercheck.Manager] != "callercheck.way_off" || got[callercheck.BackupPhone] != "callercheck.way_off" {
			t.Errorf("offered: %v", got)
		}
		_, err := d.try(d.agent, d.nurse, callercheck.Manager)
		WantCode(t, "begun by a way that is off", err, "callercheck.way_off")
		d.Set("UPDATE tenants SET check_ways = 'phone,manager', check_ways_privileged = 'backup_phone'")
		if got := stops(d.agent); got[callercheck.Phone] != "callercheck.way_off" || got[callercheck.BackupPhone] != "callercheck.way_off" {
			t.Errorf("offered for somebody with a role, where no way is taken: %v", got)
		}
		d.begun(d.agent, d.nurse, callercheck.Phone)

		b := callercheck.New(callercheck.Beginning{Via: callercheck.Phone, Cause: "lost"})
		d.Set("UPDATE tenants SET ticket_pattern = 'INC-[0-9]+', ticket_example = 'INC-1042'")
		act := approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Ticket: "CHG-1"}
		if _, err := d.checks.Begin(t.Context(), act, b); !errors.Is(err, fault.Invalid) || fault.Of(err).Fields["ticket"] != "desk.ticket_unfit" || fault.Of(err).Detail != "INC-1042" {
			t.Errorf("under a ticket that looks otherwise = %v", err)
		}
		act.Ticket = "INC-7"
		if _, err := d.checks.Begin(t.Context(), act, b); err != nil {
			t.Errorf("under one that fits = %v", err)
		}
		d.Set("UPDATE cases SET ticket = 'CHG-2' WHERE user_id = ?", d.nurse.ID)
		act.Ticket, b = "CHG-2", callercheck.New(b)
		if _, err := d.checks.Begin(t.Context(), act, b); err != nil {
			t.Errorf("under that of its case, which is older than the form = %v", err)
		}
	})
}
