package approval_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// approver is an administrator at a PC, with a phone.
type approver struct {
	*office
	user.User
	pc     signin.From
	phone  *Phone
	signed session.Session
	cookie secret.Token
}

func (o *office) approver(u user.User) *approver {
	o.T.Helper()
	a := &approver{office: o, User: u, pc: Browser("the PC of " + u.DisplayName)}
	a.phone, _ = o.PhoneOf(u)
	_, a.cookie = o.Session(u)
	a.signed = a.current()
	return a
}

func (a *approver) current() session.Session {
	a.T.Helper()
	s, err := session.Find(a.T.Context(), a.DB, a.cookie)
	if err != nil {
		a.T.Fatalf("the session is gone: %v", err)
	}
	return s
}

func (a *approver) ask(id string) (string, error) {
	return a.SignIn.BeginApproval(a.T.Context(), a.signed, signin.RequestRef{TenantID: a.Alder.ID, ID: id}, "/admin/alder/approvals/"+id, a.pc)
}

// asksPhone asks the phone, and gives the attempt and what the phone shows.
func (a *approver) asksPhone(id string) (signin.Attempt, prompt.Request) {
	a.T.Helper()
	addressed, err := a.ask(id)
	if err != nil {
		a.T.Fatalf("BeginApproval = %v", err)
	}
	return a.Attempt(addressed, a.pc), a.phone.Open()
}

func (a *approver) finish(addressed string) (signin.Done, error) {
	return a.SignIn.Finish(a.T.Context(), addressed, a.pc)
}

func TestAnApprovalOnThePhone(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		at, r := second.asksPhone(id)
		if at.Purpose != signin.ToApprove || at.Way != signin.Phone || at.PhoneState(o.Clock.Now()) != prompt.Pending || len(at.Number) != 2 || at.Approves.ID != id {
			t.Errorf("the attempt is %+v", at)
		}
		if r.Kind != string(prompt.Approval) || r.Mode != "type2" || r.Numbers != "" || r.Act == nil {
			t.Fatalf("the phone shows %+v", r)
		}
		want := prompt.Act{
			Kind: string(renaming), Target: "person (person@alder.example)", Requester: "security (security@alder.example)", Reason: "a wedding",
			Lines: []prompt.ActLine{{Field: "name", Before: "person", After: "Renamed"}}, Hash: o.seen(id, o.second).Digest,
		}
		if got := *r.Act; got.Kind != want.Kind || got.Target != want.Target || got.Requester != want.Requester || got.Reason != want.Reason || len(got.Lines) != 1 || got.Lines[0] != want.Lines[0] || got.Hash != want.Hash {
			t.Errorf("the act is %+v, want %+v", got, want)
		}
		if _, err := second.finish(at.ID); !errors.Is(err, fault.Refused) || o.state(id) != approval.Pending {
			t.Errorf("Finish before the answer = %v", err)
		}
		if state, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); state != prompt.Approved || err != nil {
			t.Fatalf("Answer = %s, %v", state, err)
		}
		if o.state(id) != approval.Pending {
			t.Errorf("after the answer it is %s", o.state(id))
		}
		if _, err := o.SignIn.Finish(t.Context(), at.ID, Browser("another PC")); !errors.Is(err, fault.Refused) && !errors.Is(err, fault.NotFound) {
			t.Errorf("Finish in another browser = %v", err)
		}
		before := o.Count("SELECT count(*) FROM sessions")
		done, err := second.finish(at.ID)
		if err != nil || !done.Cookie.Empty() || done.ReturnTo != "/admin/alder/approvals/"+id {
			t.Errorf("Finish = %+v, %v", done, err)
		}
		if o.state(id) != approval.Done || o.called(o.person) != "Renamed" || o.seen(id, o.security).DecidedBy != o.second.ID {
			t.Errorf("it is %s, and they are called %q", o.state(id), o.called(o.person))
		}
		if o.detail(audit.ApprovalGiven, "prompt") != r.ID || o.detail(audit.ApprovalGiven, "digest") != want.Hash {
			t.Errorf("the audit says %q over %q", o.detail(audit.ApprovalGiven, "prompt"), o.detail(audit.ApprovalGiven, "digest"))
		}
		if got := o.Text("SELECT target_id || ' ' || actor_kind FROM audit_events WHERE action = ?", audit.ApprovalSent); got != id+" claimant" {
			t.Errorf("the asking is recorded as %q", got)
		}
		if o.Count("SELECT count(*) FROM sessions") != before {
			t.Error("the approval made a session")
		}
		if now := second.current(); !now.ProvedAt.Equal(second.signed.ProvedAt) || now.ProvedBy != second.signed.ProvedBy {
			t.Error("the approval of an act made the session fresh for others")
		}
		if way, err := o.SignIn.Habit(t.Context(), o.Alder.ID, o.second.Name); way != signin.Password || err != nil {
			t.Errorf("the next sign-in begins with %s, %v", way, err)
		}
		if _, err := second.finish(at.ID); !errors.Is(err, fault.Refused) || o.Events(renamed) != 1 {
			t.Errorf("Finish again = %v, and it ran %d times", err, o.Events(renamed))
		}
	})
}

// TestTheSignatureCoversTheAct: who did not see the act approves nothing by it,
// and the request stays open.
func TestTheSignatureCoversTheAct(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		other := o.asks(o.rename(o.security, o.desk, newName{Name: "Other", Loosens: true}))
		at, r := second.asksPhone(id)
		tries := func() int {
			return o.Count("SELECT pin_tries FROM devices WHERE account_id = ?", r.Account.AccountID)
		}
		for claim, act := range map[string]string{
			"a phone that knows of no acts":  "",
			"the digest of another request":  o.seen(other, o.second).Digest,
			"half of the digest":             r.Act.Hash[:len(r.Act.Hash)/2],
			"the digest and something more":  r.Act.Hash + "0",
			"the digest in large letters":    upper(r.Act.Hash),
			"something that is no digest":    "x",
			"something that no column takes": "\x00" + r.Act.Hash,
		} {
			claims := second.phone.Claims(r, prompt.Approve, at.Number)
			claims.Act = act
			_, err := second.phone.Send(r, claims, PIN)
			WantCode(t, claim, err, "phone.answer_refused")
			_, err = second.phone.Send(r, claims, "999999")
			WantCode(t, claim+", and a wrong PIN", err, "phone.answer_refused")
		}
		if tries() != 0 {
			t.Errorf("%d tries of the PIN were counted, and none was checked", tries())
		}
		if second.Attempt(at.ID, second.pc).PhoneState(o.Clock.Now()) != prompt.Pending || o.state(id) != approval.Pending {
			t.Fatal("the request is not open any more")
		}
		_, err := second.phone.Answer(r, prompt.Approve, at.Number, "999999")
		WantCode(t, "the act, and a wrong PIN", err, "device.pin_wrong")
		if tries() != 1 {
			t.Errorf("%d wrong PINs were counted, want 1", tries())
		}
		if state, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); state != prompt.Approved || err != nil {
			t.Errorf("then the right one = %s, %v", state, err)
		}
		if _, err := second.finish(at.ID); err != nil || o.state(id) != approval.Done || o.state(other) != approval.Pending {
			t.Errorf("Finish = %v; they are %s and %s", err, o.state(id), o.state(other))
		}
	})
}

func upper(hex string) string {
	letters := []byte(hex)
	for i, c := range letters {
		if c >= 'a' && c <= 'f' {
			letters[i] = c - 'a' + 'A'
			return string(letters)
		}
	}
	return hex + "A"
}

// TestAnOldPhoneCanStillSayNo: a denial and a report are signed over no act.
func TestAnOldPhoneCanStillSayNo(t *testing.T) {
	for _, decision := range []prompt.Decision{prompt.Deny, prompt.Report} {
		t.Run(string(decision), func(t *testing.T) { oldPhoneSays(t, decision) })
	}
}

func oldPhoneSays(t *testing.T, decision prompt.Decision) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		at, r := second.asksPhone(id)
		claims := second.phone.Claims(r, decision, "")
		claims.Act = ""
		if state, err := second.phone.Send(r, claims, PIN); state == prompt.Approved || err != nil {
			t.Errorf("%s = %s, %v", decision, state, err)
		}
		if got := second.Attempt(at.ID, second.pc).PhoneState(o.Clock.Now()); got != prompt.Denied {
			t.Errorf("the page says %s", got)
		}
		if _, err := second.finish(at.ID); !errors.Is(err, fault.Refused) || o.state(id) != approval.Pending || o.Events(renamed) != 0 {
			t.Errorf("Finish = %v, and it is %s", err, o.state(id))
		}
		// The limits of prompts hold: none for an hour after a report.
		again, err := second.ask(id)
		if err != nil {
			t.Fatal(err)
		}
		want := prompt.Pending
		if decision == prompt.Report {
			want = prompt.Held
		}
		if got := o.State(again, second.pc); got != want {
			t.Errorf("asked again after %s: %s, want %s", decision, got, want)
		}
	})
}

func TestAWrongNumberApprovesNothing(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		at, r := second.asksPhone(id)
		if state, err := second.phone.Answer(r, prompt.Approve, Other(at.Number), PIN); state != prompt.Denied || err != nil {
			t.Errorf("a wrong number = %s, %v", state, err)
		}
		if _, err := second.finish(at.ID); !errors.Is(err, fault.Refused) || o.state(id) != approval.Pending {
			t.Errorf("Finish = %v, and it is %s", err, o.state(id))
		}
		if err := o.SignIn.Choose(t.Context(), at.ID, signin.Phone, "", second.pc); err != nil {
			t.Fatalf("a new request = %v", err)
		}
		WantCode(t, "the password instead", o.SignIn.Choose(t.Context(), at.ID, signin.Password, "", second.pc), "form.wrong")
		at = o.Attempt(at.ID, second.pc)
		if _, err := o.SignIn.VerifyPassword(t.Context(), at.ID, Password, second.pc); !errors.Is(err, fault.Refused) {
			t.Errorf("a password for it = %v", err)
		}
		r = second.phone.Open()
		if state, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); state != prompt.Approved || err != nil || r.Act == nil {
			t.Errorf("the new one = %s, %v", state, err)
		}
		if _, err := second.finish(at.ID); err != nil || o.state(id) != approval.Done {
			t.Errorf("Finish = %v, and it is %s", err, o.state(id))
		}
	})
}

// TestTheLimitsOfPromptsHoldForApprovals: with sign-ins they share them.
func TestTheLimitsOfPromptsHoldForApprovals(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		signIn := o.Begin(o.second.Name, signin.Phone, Browser("another PC"))
		if got := o.State(signIn, Browser("another PC")); got != prompt.Pending {
			t.Fatalf("the sign-in is %s", got)
		}
		held, err := second.ask(id)
		if err != nil || o.State(held, second.pc) != prompt.Held {
			t.Fatalf("while a sign-in is on the phone: %v, %s", err, o.State(held, second.pc))
		}
		o.Clock.Forward(prompt.Life)
		if err := o.Prompts.Lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := o.SignIn.Release(t.Context()); err != nil || o.State(held, second.pc) != prompt.Pending {
			t.Errorf("in its turn: %v, %s", err, o.State(held, second.pc))
		}
		if r := second.phone.Open(); r.Act == nil || r.Act.Hash != o.seen(id, o.second).Digest {
			t.Errorf("the phone shows %+v", r)
		}
		for range 2 {
			o.Clock.Forward(prompt.Life)
			if held, err = second.ask(id); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.State(held, second.pc); got != prompt.Held {
			t.Errorf("the fourth in ten minutes is %s", got)
		}
		// What is held is not asked for when it cannot be approved any more.
		if err := o.Approvals.Refuse(t.Context(), o.Alder.ID, id, o.third.ID, approval.Given{Reason: "no", Origin: from}); err != nil {
			t.Fatal(err)
		}
		o.Clock.Forward(11 * time.Minute)
		if err := o.SignIn.Release(t.Context()); err != nil || o.State(held, second.pc) != prompt.Held {
			t.Errorf("of a refused request: %v, %s", err, o.State(held, second.pc))
		}
	})
}

func TestWhoMayNotApproveIsNotAskedOnThePhone(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		security, desk := o.approver(o.security), o.approver(o.desk)
		id := o.waits()
		_, err := security.ask(id)
		WantCode(t, "the requester", err, "access.requester")
		_, err = desk.ask(id)
		WantCode(t, "somebody who may not see it", err, "http.not_found")
		if got := o.Events(audit.AccessRefused); got != 2 {
			t.Errorf("%d refusals are remembered, want 2", got)
		}
		_, err = desk.ask("nothing")
		WantCode(t, "no request", err, "http.not_found")

		_, cookie := o.Session(o.third)
		s, err := session.Find(t.Context(), o.DB, cookie)
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.SignIn.BeginApproval(t.Context(), s, signin.RequestRef{TenantID: o.Alder.ID, ID: id}, "/", Browser("a PC"))
		WantCode(t, "somebody without a phone", err, "approval.no_phone")
		if n := o.Count("SELECT count(*) FROM prompts WHERE kind = 'approval'") + o.Count("SELECT count(*) FROM attempts"); n != 0 {
			t.Errorf("%d prompts and attempts were made", n)
		}
	})
}

// TestWhatChangesBetweenThePromptAndTheEnd is asked at the end.
func TestWhatChangesBetweenThePromptAndTheEnd(t *testing.T) {
	for _, row := range []meanwhile{
		{"nothing", func(*office, *approver, string) {}, "", approval.Done},
		{"something that the request changes", func(o *office, _ *approver, _ string) {
			o.Set("UPDATE users SET display_name = 'Other' WHERE id = ?", o.person.ID)
		}, "", approval.Void},
		{"the requester is locked", func(o *office, _ *approver, _ string) {
			o.Set("UPDATE users SET state = 'locked' WHERE id = ?", o.security.ID)
		}, "", approval.Void},
		{"the request is refused", func(o *office, _ *approver, id string) {
			if err := o.Approvals.Refuse(o.T.Context(), o.Alder.ID, id, o.third.ID, approval.Given{Reason: "no", Origin: from}); err != nil {
				o.T.Fatal(err)
			}
		}, "approval.decided", approval.Refused},
		{"the approver is demoted", func(o *office, a *approver, _ string) {
			o.Set("UPDATE role_assignments SET role = 'auditor' WHERE user_id = ?", a.ID)
		}, "access.forbidden", approval.Pending},
		{"the approver is locked", func(o *office, a *approver, _ string) { o.Lock(a.User) }, "signin.refused", approval.Pending},
		{"the session of the approver ends", func(o *office, a *approver, _ string) {
			if err := session.End(o.T.Context(), o.DB, a.TenantID, a.ID, a.signed.ID, audit.Service, from); err != nil {
				o.T.Fatal(err)
			}
		}, "signin.refused", approval.Pending},
		{"the phone is revoked", func(o *office, a *approver, _ string) {
			o.Set("UPDATE devices SET state = 'revoked' WHERE user_id = ?", a.ID)
		}, "signin.refused", approval.Pending},
		{"a minute passes", func(o *office, _ *approver, _ string) { o.Clock.Forward(time.Minute) }, "signin.refused", approval.Pending},
		{"it cannot be done now", func(o *office, _ *approver, _ string) { o.Approvals.Performers[renaming] = stuck }, "role.two_administrators", approval.Pending},
	} {
		t.Run(row.claim, row.tell)
	}
}

// meanwhile is what happens between the answer of the phone and the end.
type meanwhile struct {
	claim  string
	change func(o *office, a *approver, id string)
	want   string // code of the failure; empty: none
	is     approval.State
}

func (row meanwhile) tell(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		at, r := second.asksPhone(id)
		if state, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); state != prompt.Approved || err != nil {
			t.Fatalf("Answer = %s, %v", state, err)
		}
		row.change(o, second, id)
		refused := o.Events(audit.AccessRefused)
		done, err := second.finish(at.ID)
		if row.want == "" && (err != nil || done.ReturnTo != "/admin/alder/approvals/"+id) {
			t.Errorf("%s: Finish = %+v, %v", row.claim, done, err)
		}
		if row.want != "" {
			WantCode(t, row.claim, err, row.want)
		}
		if o.state(id) != row.is || (o.Events(renamed) == 1) != (row.is == approval.Done) {
			t.Errorf("%s: it is %s and ran %d times", row.claim, o.state(id), o.Events(renamed))
		}
		if remembered := o.Events(audit.AccessRefused) - refused; (remembered == 1) != errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: %d refusals are remembered", row.claim, remembered)
		}
	})
}

func TestFinishedAtOnceOnPageAndPhoneItRunsOnce(t *testing.T) {
	offices(t, func(o *office) {
		t := o.T
		second := o.approver(o.second)
		id := o.waits()
		at, r := second.asksPhone(id)
		if state, err := second.phone.Answer(r, prompt.Approve, at.Number, PIN); state != prompt.Approved || err != nil {
			t.Fatalf("Answer = %s, %v", state, err)
		}
		replica := o.replica()
		errs := AtOnce(20, func(i int) error {
			switch i % 4 {
			case 0:
				return o.approve(id, o.third)
			case 1:
				return replica.approve(id, o.admin)
			case 2:
				_, err := replica.SignIn.Finish(t.Context(), at.ID, second.pc)
				return err
			}
			_, err := second.finish(at.ID)
			return err
		})
		if got := Tally(errs); got["done"] != 1 || got["approval.decided"]+got["signin.refused"] != 19 {
			t.Errorf("twenty at once: %v", got)
		}
		if acts, given := o.Events(renamed), o.Events(audit.ApprovalGiven); acts != 1 || given != 1 {
			t.Errorf("%d acts and %d approvals, want one of each", acts, given)
		}
	})
}
