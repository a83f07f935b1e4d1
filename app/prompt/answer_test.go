package prompt_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/phone"
	"latchkey/app/place"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// stateOf is what the database keeps of a prompt.
func stateOf(h *House, id string) prompt.State {
	h.T.Helper()
	return prompt.State(h.Text("SELECT state FROM prompts WHERE id = ?", id))
}

// decisions counts the events that say what became of a prompt.
func decisions(h *House, id string) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM audit_events WHERE target_id = ? AND action IN (?, ?, ?, ?)", id,
		audit.PromptApproved, audit.PromptDenied, audit.PromptReported, audit.PromptExpired)
}

// tries is the count of PINs that stand against the phones of an organisation.
func tries(h *House) int {
	h.T.Helper()
	return h.Count("SELECT COALESCE(sum(pin_tries), 0) FROM devices")
}

func TestARightNumberApproves(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		pc := Browser("a PC")
		phone := h.Hub.Wait(device.UserKey(u.TenantID, u.ID))
		defer phone.Done()
		attempt := h.Begin(u.Name, signin.Phone, pc)
		if !rung(phone) {
			t.Error("the phone was not woken")
		}
		r := p.Open()
		number := h.Attempt(attempt, pc).Number
		page := h.Hub.Wait(h.Attempt(attempt, pc).WaitKey())
		defer page.Done()

		if r.Kind != string(prompt.SignIn) || r.Application != "Latchkey" || r.Browser != pc.Browser || r.IP != pc.IP || r.Place != place.Internet || !r.NewBrowser {
			t.Errorf("the phone is asked %+v", r)
		}
		if life := r.ExpiresAt.Sub(r.CreatedAt); life != 120*time.Second {
			t.Errorf("the request lives %v, want 120 s", life)
		}
		if len(r.Nonce) != 43 { // 256 bits, base64url
			t.Errorf("the nonce is %q", r.Nonce)
		}
		three := strings.Split(r.Numbers, ",")
		slices.Sort(three)
		if r.Mode != "pick3" || len(slices.Compact(three)) != 3 || !slices.Contains(three, number) {
			t.Errorf("mode %s with the numbers %q, want three with %s among them", r.Mode, r.Numbers, number)
		}

		state, err := p.Answer(r, prompt.Approve, number, PIN)
		if state != prompt.Approved || err != nil {
			t.Fatalf("Answer = %s, %v", state, err)
		}
		if got := h.State(attempt, pc); got != prompt.Approved || !rung(page) {
			t.Errorf("the page learns %s", got)
		}
		open, err := h.Prompts.Open(t.Context(), p.ID)
		if err != nil || len(open) != 0 {
			t.Errorf("afterwards the phone shows %d requests, %v", len(open), err)
		}
		for _, decision := range []prompt.Decision{prompt.Approve, prompt.Deny, prompt.Report} {
			_, err := p.Answer(r, decision, number, PIN)
			WantCode(t, "another answer", err, "prompt.decided")
		}
		var e struct{ ActorKind, ActorID, SubjectID, ThreadID, Outcome string }
		if _, err := h.DB.View(t.Context()).One(&e, "SELECT actor_kind, actor_id, subject_id, thread_id, outcome FROM audit_events WHERE action = ?", audit.PromptApproved); err != nil {
			t.Fatal(err)
		}
		_, thread, _ := strings.Cut(attempt, "-")
		if e.ActorKind != audit.KindDevice || e.ActorID != a.AccountID || e.SubjectID != u.ID || e.ThreadID != thread || e.Outcome != "success" {
			t.Errorf("the audit says %+v", e)
		}
		if got := decisions(h, r.ID); got != 1 {
			t.Errorf("%d events of the end of the request, want 1", got)
		}
		if got := tries(h); got != 0 {
			t.Errorf("%d PINs count against the phone, want none", got)
		}
	})
}

func TestAWrongNumberEndsTheRequestAndTheNextIsTyped(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		attempt := h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		number := h.Number(r.ID)
		h.Clock.Forward(time.Minute)
		if state, err := p.Answer(r, prompt.Approve, Other(number), PIN); state != prompt.Denied || err != nil {
			t.Fatalf("Answer with a wrong number = %s, %v; want an outcome", state, err)
		}
		_, err := p.Answer(r, prompt.Approve, number, PIN)
		WantCode(t, "the right number afterwards", err, "prompt.decided")
		if got := h.State(attempt, pc); got != prompt.Denied {
			t.Errorf("the page learns %s, want denied", got)
		}
		if got := h.Text("SELECT reason FROM audit_events WHERE action = ? AND outcome = 'failure'", audit.PromptDenied); got != "prompt.wrong_number" {
			t.Errorf("the audit gives the reason %q", got)
		}

		// A blind pick wins one time in three, typed digits one in ninety.
		for _, row := range []struct {
			claim   string
			forward time.Duration
			mode    string
		}{
			{"at once", 0, "type2"},
			{"an instant short of an hour after it", time.Hour - time.Microsecond, "type2"},
			{"an hour after it", time.Microsecond, "pick3"},
		} {
			h.Clock.Forward(row.forward)
			h.Begin(u.Name, signin.Phone, pc)
			next := p.Open()
			if next.Mode != row.mode || (next.Numbers != "") != (row.mode == "pick3") {
				t.Errorf("%s the mode is %s with the numbers %q, want %s", row.claim, next.Mode, next.Numbers, row.mode)
			}
			if _, err := p.Answer(next, prompt.Deny, "", ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWhoSaysNoNeedsNoPIN(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for i, row := range []struct {
			claim    string
			decision prompt.Decision
			pin      string
			state    prompt.State
			code     string
		}{
			{"a decline", prompt.Deny, "", prompt.Denied, ""},
			{"a report", prompt.Report, "", prompt.Reported, ""},
			{"a decline with the PIN", prompt.Deny, PIN, prompt.Denied, ""},
			{"a decline with a wrong PIN", prompt.Deny, "111222", prompt.Pending, "device.pin_wrong"},
			{"an approval without a PIN", prompt.Approve, "", prompt.Pending, "device.pin_wrong"},
			{"an approval with a wrong PIN", prompt.Approve, "111222", prompt.Pending, "device.pin_wrong"},
			{"something that is no decision", "shrug", PIN, prompt.Pending, "phone.answer_refused"},
			{"no decision", "", PIN, prompt.Pending, "phone.answer_refused"},
		} {
			u := h.User(h.Alder, "user"+string(rune('a'+i)))
			p, _ := h.PhoneOf(u)
			h.Begin(u.Name, signin.Phone, Browser("a PC"))
			r := p.Open()
			_, err := p.Answer(r, row.decision, h.Number(r.ID), row.pin)
			if row.code == "" && err != nil {
				t.Errorf("%s = %v", row.claim, err)
			} else if row.code != "" {
				WantCode(t, row.claim, err, row.code)
			}
			want := 1
			if row.state == prompt.Pending {
				want = 0
			}
			if state, said := stateOf(h, r.ID), decisions(h, r.ID); state != row.state || said != want {
				t.Errorf("%s: the request is %s with %d events, want %s with %d", row.claim, state, said, row.state, want)
			}
		}
	})
}

// TestTwentyAnswersAtOnce: of all phones of a user, each answering several times
// and on two replicas, one answer counts.
func TestTwentyAnswersAtOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		var phones []*Phone
		for range device.PhonesMost {
			p, _ := h.PhoneOf(u)
			phones = append(phones, p)
		}
		replicas := []*House{h, h.Replica()}
		pc := Browser("a PC")
		attempt := h.Begin(u.Name, signin.Phone, pc)
		number := h.Attempt(attempt, pc).Number
		type answer struct {
			phone *Phone
			r     prompt.Request
			said  prompt.Decision
		}
		decided := []prompt.Decision{prompt.Approve, prompt.Approve, prompt.Deny, prompt.Report}
		var answers []answer
		for i := range 20 {
			p := phones[i%len(phones)]
			answers = append(answers, answer{p, p.Open(), decided[i%len(decided)]})
		}
		states := make([]prompt.State, len(answers))
		errs := AtOnce(len(answers), func(i int) (err error) {
			a := answers[i]
			states[i], err = replicas[i%2].Prompts.Answer(t.Context(), a.phone.Proof(), a.r.ID, a.phone.Sign(a.phone.Claims(a.r, a.said, number)), device.Unlocking{PIN: PIN}, audit.Origin{})
			return err
		})
		got := Tally(errs)
		if got["done"] != 1 || got["prompt.decided"] != 19 {
			t.Errorf("twenty at once: %v, want one done and nineteen that came too late", got)
		}
		won := states[slices.Index(errs, nil)]
		id := answers[0].r.ID
		if kept := stateOf(h, id); kept != won {
			t.Errorf("the request is %s, and the one who won was told %s", kept, won)
		}
		if got := decisions(h, id); got != 1 {
			t.Errorf("%d events of the end of the request, want 1", got)
		}
		if got := tries(h); got != 0 {
			t.Errorf("%d right PINs count against the phones, want none", got)
		}
	})
}

func TestTheLastInstantIsTooLate(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, row := range []struct {
			claim string
			after time.Duration
			code  string
		}{
			{"an instant before", 120*time.Second - time.Microsecond, ""},
			{"the last instant", 120 * time.Second, "prompt.expired"},
		} {
			u := h.User(h.Alder, "user"+row.claim[:2])
			p, _ := h.PhoneOf(u)
			pc := Browser("a PC")
			attempt := h.Begin(u.Name, signin.Phone, pc)
			r := p.Open()
			claims := p.Claims(r, prompt.Approve, h.Number(r.ID))
			h.Clock.Forward(row.after)
			_, err := p.Send(r, claims, PIN)
			if row.code == "" {
				if err != nil || stateOf(h, r.ID) != prompt.Approved {
					t.Errorf("%s: Answer = %v", row.claim, err)
				}
				continue
			}
			WantCode(t, row.claim, err, row.code)
			if got := h.State(attempt, pc); got != prompt.Expired {
				t.Errorf("%s the page learns %s, want expired", row.claim, got)
			}
			if open, err := h.Prompts.Open(t.Context(), p.ID); err != nil || len(open) != 0 {
				t.Errorf("%s the phone shows %d requests, %v", row.claim, len(open), err)
			}
			// The sweep changes nothing of what the phone is told.
			if err := h.Prompts.Lapse(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = p.Send(r, claims, PIN)
			WantCode(t, "after the sweep", err, row.code)
			if got := tries(h); got != 0 {
				t.Errorf("%d PINs were looked at for a request that was over", got)
			}
		}
	})
}

// TestWhatEndsBetweenTheRequestAndItsAnswer: the phone has its request and its
// accounts were read; what happens then still counts.
func TestWhatEndsBetweenTheRequestAndItsAnswer(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		for i, row := range []struct {
			claim string
			end   func(u user.User, a device.Account)
		}{
			{"the user is locked", func(u user.User, _ device.Account) { h.Lock(u) }},
			{"the user is disabled", func(u user.User, _ device.Account) { h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", u.ID) }},
			{"the phone is revoked", func(u user.User, a device.Account) {
				if err := h.Devices.Revoke(ctx, u.TenantID, u.ID, a.AccountID, audit.Origin{}); err != nil {
					t.Fatal(err)
				}
			}},
			{"the account is removed on the phone", func(_ user.User, a device.Account) {
				if err := h.Devices.Remove(ctx, []device.Account{a}, audit.Origin{}); err != nil {
					t.Fatal(err)
				}
			}},
			{"phone sign-in is turned off", func(_ user.User, a device.Account) {
				if err := h.Devices.DisablePhoneSignIn(ctx, a, audit.Origin{}); err != nil {
					t.Fatal(err)
				}
			}},
			{"the organisation is suspended", func(u user.User, _ device.Account) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			}},
		} {
			u := h.User(h.Birch, "user"+string(rune('a'+i)))
			p, a := h.PhoneOf(u)
			h.Begin(u.Name, signin.Phone, Browser("a PC"))
			r := p.Open()
			row.end(u, a)
			for decision, pin := range map[prompt.Decision]string{prompt.Approve: PIN, prompt.Deny: ""} {
				if state, err := p.Answer(r, decision, h.Number(r.ID), pin); err == nil {
					t.Errorf("%s: the answer %s was taken as %s", row.claim, decision, state)
				}
			}
			if open, err := h.Prompts.Open(ctx, p.ID); len(open) != 0 || err != nil && !errors.Is(err, fault.Refused) {
				t.Errorf("%s: the phone shows %d requests, %v", row.claim, len(open), err)
			}
			if state, said := stateOf(h, r.ID), decisions(h, r.ID); state != prompt.Pending || said != 0 {
				t.Errorf("%s: the request is %s with %d events, want untouched", row.claim, state, said)
			}
			h.Set("UPDATE tenants SET state = 'active'")
		}
	})
}

func TestAnAnswerIsForOneRequestOneAccountAndUs(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		sibling := p.Enrol(h.User(h.Alder, "user2")) // another user's account on the same phone
		second, b := h.PhoneOf(u)
		stranger, _ := h.PhoneOf(h.User(h.Alder, "user3"))
		elsewhere, _ := h.PhoneOf(h.User(h.Birch, "user1"))
		h.Begin(u.Name, signin.Phone, Browser("a PC"))
		r, ofSecond := p.Open(), second.Open()
		number := h.Number(r.ID)

		for _, row := range []struct {
			claim  string
			change func(c *phone.Claims)
		}{
			{"another device", func(c *phone.Claims) { c.Issuer = second.ID }},
			{"no device", func(c *phone.Claims) { c.Issuer = "" }},
			{"another address", func(c *phone.Claims) { c.Audience = "https://evil.example" }},
			{"another scheme", func(c *phone.Claims) { c.Audience = "http://id.example" }},
			{"the account of another phone", func(c *phone.Claims) { c.Subject = b.AccountID }},
			{"another account of this phone", func(c *phone.Claims) { c.Subject = sibling.AccountID }},
			{"another request", func(c *phone.Claims) { c.ID = "another" }},
			{"another nonce", func(c *phone.Claims) { c.Nonce = strings.Repeat("A", 43) }},
			{"no nonce", func(c *phone.Claims) { c.Nonce = "" }},
			{"another organisation", func(c *phone.Claims) { c.Tenant = "birch" }},
			{"a clock five minutes slow", func(c *phone.Claims) { c.IssuedAt -= 301 }},
			{"a clock five minutes fast", func(c *phone.Claims) { c.IssuedAt += 302 }},
		} {
			claims := p.Claims(r, prompt.Approve, number)
			row.change(&claims)
			_, err := p.Send(r, claims, PIN)
			WantCode(t, row.claim, err, "phone.answer_refused")
		}
		_, err := p.Send(r, second.Claims(ofSecond, prompt.Approve, number), PIN)
		WantCode(t, "what another phone of the user would sign", err, "phone.answer_refused")
		honest := p.Claims(r, prompt.Approve, number)
		_, err = h.Prompts.Answer(t.Context(), p.Proof(), r.ID, stranger.Sign(honest), device.Unlocking{PIN: PIN}, audit.Origin{})
		WantCode(t, "signed by another key", err, "phone.answer_refused")
		_, err = h.Prompts.Answer(t.Context(), p.Proof(), r.ID, nil, device.Unlocking{PIN: PIN}, audit.Origin{})
		WantCode(t, "something that is not signed", err, "phone.answer_refused")

		// Each is remembered, in the story of the user and of the attempt.
		remembered := func(reason string) int {
			return h.Count(`SELECT count(*) FROM audit_events e JOIN prompts p ON p.id = e.target_id AND p.attempt_id = e.thread_id
				WHERE e.action = ? AND e.outcome = 'failure' AND e.reason = ? AND e.subject_id = ? AND e.target_id = ?`, audit.PromptRefused, reason, u.ID, r.ID)
		}
		if claims, signatures := remembered("prompt.claims_wrong"), remembered("prompt.signature_wrong"); claims != 13 || signatures != 2 {
			t.Errorf("%d answers with wrong claims and %d with wrong signatures in the audit, want 13 and 2", claims, signatures)
		}

		for claim, errOf := range map[string]func() error{
			"the phone of another user": func() error { _, err := stranger.Send(r, honest, PIN); return err },
			"the phone of another organisation's user": func() error {
				_, err := elsewhere.Send(r, honest, PIN)
				return err
			},
			"a request that nobody made": func() error {
				none := r
				none.ID = "none"
				_, err := p.Send(none, honest, PIN)
				return err
			},
		} {
			if err := errOf(); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s = %v, want fault.NotFound", claim, err)
			}
		}
		if got := h.Events(audit.PromptRefused); got != 15 {
			t.Errorf("%d answers in the audit, want none of those for a request that is not theirs", got-15)
		}
		if got := tries(h); got != 0 {
			t.Errorf("%d PINs were looked at behind answers that were refused", got)
		}
		if state, err := p.Send(r, honest, PIN); state != prompt.Approved || err != nil {
			t.Errorf("the honest answer afterwards = %s, %v", state, err)
		}
	})
}
