package prompt_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/tenant"
	"latchkey/app/wake"
)

// rung says whether somebody who waits was woken.
func rung(w *wake.Waiter) bool {
	select {
	case <-w.Bell():
		return true
	default:
		return false
	}
}

func TestARequestLapsesOnceWithItsEvent(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		attempt := h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		h.Begin("nobody@alder.example", signin.Phone, Browser("another PC"))
		other := h.Replica()
		key := h.Attempt(attempt, pc).WaitKey()
		waiting, elsewhere := h.Hub.Wait(key), other.Hub.Wait(key)
		defer waiting.Done()
		defer elsewhere.Done()

		h.Clock.Forward(prompt.Life - time.Microsecond)
		if err := h.Prompts.Lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if stateOf(h, r.ID) != prompt.Pending || rung(waiting) {
			t.Error("the sweep ended a request an instant early")
		}
		h.Clock.Forward(time.Microsecond)
		replicas := []*House{h, other}
		if got := Tally(AtOnce(6, func(i int) error { return replicas[i%2].Prompts.Lapse(t.Context()) })); got["done"] != 6 {
			t.Fatalf("six sweeps at once: %v", got)
		}
		if got := h.Count("SELECT count(*) FROM prompts WHERE state = 'expired' AND decided_at = expires_at"); got != 2 {
			t.Errorf("%d requests lapsed at their time, want 2", got)
		}
		if got := h.Events(audit.PromptExpired); got != 2 {
			t.Errorf("%d events of it, want one a request", got)
		}
		if !rung(waiting) && !rung(elsewhere) { // by the replica that ended it; NOTIFY does the rest
			t.Error("the waiting page was not woken")
		}
		if got := h.State(attempt, pc); got != prompt.Expired {
			t.Errorf("the page learns %s", got)
		}
	})
}

func TestARequestThatWasAnsweredDoesNotLapse(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		h.Begin(u.Name, signin.Phone, Browser("a PC"))
		r := p.Open()
		if _, err := p.Answer(r, prompt.Deny, "", ""); err != nil {
			h.T.Fatal(err)
		}
		h.Clock.Forward(prompt.Life)
		if err := h.Prompts.Lapse(h.T.Context()); err != nil {
			h.T.Fatal(err)
		}
		if state, said := stateOf(h, r.ID), decisions(h, r.ID); state != prompt.Denied || said != 1 {
			h.T.Errorf("the request is %s with %d events, want denied with one", state, said)
		}
	})
}

// TestAnAnswerAndTheSweepAtOnce: at the very end of a request one of the two
// ends it, and one event says so.
func TestAnAnswerAndTheSweepAtOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		h.Begin(u.Name, signin.Phone, Browser("a PC"))
		r := p.Open()
		signed := p.Sign(p.Claims(r, prompt.Approve, h.Number(r.ID)))
		late := h.Replica()
		errs := AtOnce(6, func(i int) error {
			switch {
			case i == 0:
				h.Clock.Forward(prompt.Life)
				return nil
			case i%2 == 0:
				return late.Prompts.Lapse(t.Context())
			}
			_, err := h.Prompts.Answer(t.Context(), p.Proof(), r.ID, signed, device.Unlocking{PIN: PIN}, audit.Origin{})
			return err
		})
		if err := h.Prompts.Lapse(t.Context()); err != nil {
			t.Fatal(err)
		}
		won := 0
		for _, i := range []int{1, 3, 5} {
			if errs[i] == nil {
				won++
			} else if !errors.Is(errs[i], fault.Expired) && !errors.Is(errs[i], fault.Conflict) {
				t.Errorf("an answer that lost = %v", errs[i])
			}
		}
		want := prompt.Expired
		if won == 1 {
			want = prompt.Approved
		}
		if state, said := stateOf(h, r.ID), decisions(h, r.ID); won > 1 || state != want || said != 1 {
			t.Errorf("%d answers won, the request is %s with %d events", won, state, said)
		}
	})
}

func TestARequestThatIsTakenBack(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		attempt := h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		waiting := h.Hub.Wait(device.UserKey(u.TenantID, u.ID))
		defer waiting.Done()
		if err := h.SignIn.Choose(t.Context(), attempt, signin.Password, "", pc); err != nil {
			t.Fatal(err)
		}
		if !rung(waiting) {
			t.Error("the phone was not told")
		}
		if open, err := h.Prompts.Open(t.Context(), p.ID); err != nil || len(open) != 0 {
			t.Errorf("the phone still shows %d requests, %v", len(open), err)
		}
		_, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN)
		WantCode(t, "an answer to it", err, "prompt.expired")
		if state, said := stateOf(h, r.ID), decisions(h, r.ID); state != prompt.Expired || said != 1 {
			t.Errorf("it is %s with %d events, want expired with one", state, said)
		}
		if got := h.Text("SELECT reason FROM audit_events WHERE action = ?", audit.PromptExpired); got != "prompt.withdrawn" {
			t.Errorf("the audit gives the reason %q", got)
		}
	})
}

func TestANewPhoneIsTested(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		h.Set("UPDATE tenants SET match_mode = ? WHERE id = ?", tenant.Type6, h.Alder.ID)
		p := h.NewPhone()
		a := p.Enrol(u) // phone sign-in is off
		id, err := h.Prompts.Test(ctx, a, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Prompts.Test(ctx, a, audit.Origin{})
		if f := fault.Of(err); f == nil || f.Kind != fault.Throttled || f.Code != "prompt.held" || f.RetryAfter != prompt.Life {
			t.Errorf("a second test while one is shown = %v, want to wait for it", err)
		}
		r := p.Open()
		if r.ID != id || r.Kind != string(prompt.Test) || r.Mode != "pick3" {
			t.Errorf("the phone shows %+v, want the test with three numbers", r)
		}
		if held := heldBy(h, u.Name, "a PC"); held != "" {
			t.Errorf("a sign-in beside the test is held by %q", held)
		}
		if state, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); state != prompt.Approved || err != nil {
			t.Errorf("Answer = %s, %v", state, err)
		}
		h.Clock.Forward(device.EnrolmentLife - time.Microsecond)
		if _, err := h.Prompts.Test(ctx, a, audit.Origin{}); err != nil {
			t.Errorf("a test within the time of the link = %v", err)
		}
		again := p.Open()
		if err := h.Devices.Remove(ctx, []device.Account{a}, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if state, err := p.Answer(again, prompt.Deny, "", ""); err == nil {
			t.Errorf("the answer of a phone that was removed in its test was taken as %s", state)
		}
		h.Clock.Forward(time.Microsecond)
		if _, err := h.Prompts.Test(ctx, a, audit.Origin{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("a test of a phone that is not new = %v, want fault.NotFound", err)
		}
		if got := h.Events(audit.PromptSent); got != 2 {
			t.Errorf("%d tests in the audit, want 2", got)
		}
	})
}

func TestHowManyDigitsAndWhoTypesThem(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for i, row := range []struct {
			claim  string
			of     tenant.MatchMode
			admin  bool
			mode   string
			digits int
		}{
			{"by default", tenant.Pick3, false, "pick3", 2},
			{"an administrator", tenant.Pick3, true, "type2", 2},
			{"where two are typed", tenant.Type2, false, "type2", 2},
			{"where six are typed", tenant.Type6, false, "type6", 6},
		} {
			h.Set("UPDATE tenants SET match_mode = ? WHERE id = ?", row.of, h.Alder.ID)
			u := h.User(h.Alder, "user"+string(rune('a'+i)))
			if row.admin {
				u = h.Admin(h.Alder, "desk", "helpdesk")
			}
			p, _ := h.PhoneOf(u)
			pc := Browser("a PC")
			attempt := h.Begin(u.Name, signin.Phone, pc)
			r, number := p.Open(), h.Attempt(attempt, pc).Number
			if r.Mode != row.mode || len(number) != row.digits || (r.Numbers == "") != (row.mode != "pick3") {
				t.Errorf("%s: mode %s, number %q, choice %q", row.claim, r.Mode, number, r.Numbers)
			}
		}
	})
}

// TestAPushSaysNothingOfTheSignIn: the phone asks what it is about, signed.
func TestAPushSaysNothingOfTheSignIn(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		_, first := h.PhoneOf(u)
		h.Clock.Forward(time.Minute)
		p, preferred := h.PhoneOf(u)
		pc := Browser("a PC")
		h.Begin(u.Name, signin.Phone, pc)
		if got := h.Count("SELECT count(*) FROM outbox"); got != 0 {
			t.Fatalf("%d notices for phones that take none", got)
		}
		for subscription, a := range map[string]device.Account{"to the first": first, "to the preferred": preferred} {
			if err := h.Devices.PutPush(ctx, []device.Account{a}, subscription, audit.Origin{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Devices.Prefer(ctx, u.TenantID, u.ID, preferred.AccountID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		h.Set("DELETE FROM outbox") // of the phones themselves
		attempt := h.Begin(u.Name, signin.Phone, pc)
		a, r := h.Attempt(attempt, pc), p.Open()
		var notice struct {
			Target, Body string
			ExpiresAt    time.Time
		}
		if _, err := h.DB.View(ctx).One(&notice, "SELECT target, body, expires_at FROM outbox"); err != nil {
			t.Fatal(err)
		}
		if notice.Target != "to the preferred" || !notice.ExpiresAt.Equal(a.PromptEndsAt) || !strings.Contains(notice.Body, r.ID) {
			t.Errorf("the notice is %+v", notice)
		}
		if body := strings.ReplaceAll(notice.Body, r.ID, ""); strings.Contains(body, a.Number) || strings.Contains(body, r.Nonce) ||
			strings.Contains(body, pc.IP) || strings.Contains(body, u.Name) || strings.Contains(body, "Alder") {
			t.Errorf("the notice tells %q", notice.Body)
		}
		select {
		case <-h.Prompts.Nudge:
		default:
			t.Error("the outbox was not woken")
		}
		h.Begin("nobody@alder.example", signin.Phone, pc)
		if got := h.Count("SELECT count(*) FROM outbox"); got != 1 {
			t.Errorf("%d notices, want 1", got)
		}
	})
}

func TestTheSlowLookFindsWhatWasMissed(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		looked := func(look wake.Look, keys ...string) []string {
			changed, err := look(t.Context(), keys)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(changed)
			return changed
		}
		same := func(claim string, got []string, want ...string) {
			t.Helper()
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", claim, got, want)
			}
		}
		u, other := h.User(h.Alder, "user1"), h.User(h.Birch, "user2")
		p, _ := h.PhoneOf(u)
		_, b := h.PhoneOf(other)
		pc := Browser("a PC")
		mine, theirs := h.Attempt(h.Begin(u.Name, signin.Phone, pc), pc).WaitKey(), h.Attempt(h.Begin(other.Name, signin.Phone, pc), pc).WaitKey()
		keys := []string{mine, theirs, "attempt:nobody:none", "attempt:", "attempt"}
		same("before an answer", looked(h.Prompts.Decided, keys...))
		if _, err := p.Answer(p.Open(), prompt.Deny, "", ""); err != nil {
			t.Fatal(err)
		}
		same("after an answer", looked(h.Prompts.Decided, keys...), mine)

		alder, birch := device.UserKey(u.TenantID, u.ID), device.UserKey(other.TenantID, other.ID)
		swapped := device.UserKey(other.TenantID, u.ID) // a user of one organisation, asked for in another
		users := []string{alder, birch, swapped, "user:", "user"}
		same("who has a request", looked(h.Prompts.Asked, users...), birch)
		h.Clock.Forward(prompt.Life)
		same("after its time", looked(h.Prompts.Decided, keys...), mine, theirs)
		same("nobody has a request", looked(h.Prompts.Asked, users...))
		if err := h.Devices.Revoke(t.Context(), other.TenantID, other.ID, b.AccountID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		same("whose phone has just ended", looked(h.Prompts.Asked, users...), birch)
		h.Clock.Forward(time.Minute)
		h.Lock(u)
		same("who is locked", looked(h.Prompts.Asked, users...), alder)

		if err := h.DB.Close(); err != nil {
			t.Fatal(err)
		}
		for name, look := range map[string]wake.Look{"Decided": h.Prompts.Decided, "Asked": h.Prompts.Asked} {
			if _, err := look(context.WithoutCancel(t.Context()), keys); err == nil {
				t.Errorf("%s of a database that is gone says that nothing changed", name)
			}
		}
	})
}
