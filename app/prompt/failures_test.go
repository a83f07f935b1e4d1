package prompt_test

import (
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// wrongNumbers is the count that stands against the phone way of a name.
func wrongNumbers(h *House, name string) int {
	h.T.Helper()
	return h.Count("SELECT COALESCE(sum(in_a_row), 0) FROM throttles WHERE way = 'phone' AND subject = ?", h.Keys.Subject(name))
}

// answerOf has the phone of a user answer to a new request, after as much time as
// the limits on requests want.
func answerOf(h *House, u user.User, p *Phone, decision prompt.Decision, number func(right string) string) {
	h.T.Helper()
	h.Clock.Forward(3 * time.Hour)
	h.Begin(u.Name, signin.Phone, Browser("a PC"))
	r := p.Open()
	if _, err := p.Answer(r, decision, number(h.Number(r.ID)), PIN); err != nil {
		h.T.Fatal(err)
	}
}

func right(number string) string { return number }

// TestTenWrongNumbersInARowPauseThePhone: as ten wrong passwords pause that way,
// and a hundred turn it off.
func TestTenWrongNumbersInARowPauseThePhone(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		p, a := h.PhoneOf(u)
		h.PhoneOf(other)

		// What is no wrong number does not count, and a right one begins anew.
		id, err := h.Prompts.Test(t.Context(), a, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Answer(p.Open(), prompt.Approve, Other(h.Number(id)), PIN); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			answerOf(h, u, p, prompt.Approve, Other)
		}
		answerOf(h, u, p, prompt.Deny, Other)
		answerOf(h, u, p, prompt.Report, Other)
		if got := wrongNumbers(h, u.Name); got != 3 {
			t.Errorf("%d wrong numbers count, want the three of sign-ins", got)
		}
		answerOf(h, u, p, prompt.Approve, right)
		if got := wrongNumbers(h, u.Name); got != 0 {
			t.Errorf("after a right one %d count", got)
		}

		for range 10 {
			if got := h.Events(audit.WayPaused); got != 0 {
				t.Errorf("after %d wrong numbers the way is paused", wrongNumbers(h, u.Name))
			}
			answerOf(h, u, p, prompt.Approve, Other)
		}
		if got := h.Events(audit.WayPaused); got != 1 {
			t.Errorf("the audit tells of %d pauses, want one", got)
		}
		h.Clock.Forward(time.Second)
		if held := heldBy(h, u.Name, "a PC"); held != "failures" {
			t.Errorf("after ten wrong numbers it is held by %q, want failures", held)
		}
		from := Browser("a second PC")
		waiting := h.Begin(u.Name, signin.Phone, from)
		h.Clock.Forward(15*time.Minute - time.Second - time.Microsecond)
		if err := h.SignIn.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.State(waiting, from); got != prompt.Held {
			t.Errorf("an instant before the pause is over the attempt is %s, want held", got)
		}
		if held := heldBy(h, other.Name, "a PC"); held != "" {
			t.Errorf("another user meanwhile is held by %q", held)
		}
		h.Clock.Forward(time.Microsecond)
		if err := h.SignIn.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := p.Open() // the first of the two that waited
		if _, err := p.Answer(r, prompt.Deny, "", ""); err != nil {
			t.Fatal(err)
		}

		h.Set("UPDATE throttles SET in_a_row = 99")
		answerOf(h, u, p, prompt.Approve, Other)
		if got := h.Events(audit.WayTurnedOff); got != 1 {
			t.Errorf("the audit tells of %d ways turned off, want one", got)
		}
		for _, wait := range []time.Duration{time.Second, time.Hour, 400 * 24 * time.Hour} {
			h.Clock.Forward(wait)
			if held := heldBy(h, u.Name, "a third PC"); held != "off" {
				t.Errorf("%v after a hundred wrong numbers it is held by %q, want off", wait, held)
			}
		}
	})
}
