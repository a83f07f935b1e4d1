package signin_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
)

// release does what the sweep does each second.
func release(h *House) {
	h.T.Helper()
	if err := h.Prompts.Lapse(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
	if err := h.SignIn.Release(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

func TestWhoIsHeldIsAskedWhenTheirTurnComes(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		first, second := Browser("a PC"), Browser("another PC")
		h.Begin(u.Name, signin.Phone, first)
		held := h.Begin(u.Name, signin.Phone, second)
		waiting := h.Hub.Wait(h.Attempt(held, second).WaitKey())
		defer waiting.Done()

		release(h)
		if got := h.State(held, second); got != prompt.Held {
			t.Errorf("while the first request is on the phone the second is %s", got)
		}
		h.Clock.Forward(prompt.Life - time.Microsecond)
		release(h)
		if got := h.State(held, second); got != prompt.Held || h.Events(audit.PromptSent) != 0 {
			t.Errorf("an instant too early it is %s", got)
		}
		h.Clock.Forward(time.Microsecond)
		replicas := []*House{h, h.Replica()}
		for _, replica := range replicas {
			if err := replica.Prompts.Lapse(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		elsewhere := replicas[1].Hub.Wait(h.Attempt(held, second).WaitKey())
		defer elsewhere.Done()
		if got := Tally(AtOnce(4, func(i int) error { return replicas[i%2].SignIn.Release(t.Context()) })); got["done"] != 4 {
			t.Errorf("four sweeps at once: %v", got)
		}
		if got := h.State(held, second); got != prompt.Pending {
			t.Errorf("in its turn it is %s, want pending", got)
		}
		if len(waiting.Bell())+len(elsewhere.Bell()) == 0 {
			t.Error("the waiting page was not woken")
		}
		if got := h.Events(audit.PromptSent); got != 1 {
			t.Errorf("%d requests sent in the audit, want 1", got)
		}
		r := p.Open()
		if r.Browser != second.Browser || r.IP != second.IP {
			t.Errorf("the phone is told of %q at %s, want the browser that was held", r.Browser, r.IP)
		}
		if a := h.Attempt(held, second); a.PromptID != r.ID || a.Number != h.Number(r.ID) {
			t.Errorf("the page shows %q of the request %s, the phone that of %s", a.Number, a.PromptID, r.ID)
		}
		if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
			t.Fatal(err)
		}
		if _, err := h.SignIn.Finish(t.Context(), held, second); err != nil {
			t.Errorf("Finish = %v", err)
		}
	})
}

// TestWhoIsAskedNoMore: what is held waits no longer than its attempt, and only
// while it waits for the phone.
func TestWhoIsAskedNoMore(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		pc, other := Browser("a PC"), Browser("another PC")
		for i, row := range []struct {
			claim string
			end   func(addressed string)
		}{
			{"the password was chosen", func(addressed string) {
				if err := h.SignIn.Choose(t.Context(), addressed, signin.Password, "", other); err != nil {
					t.Fatal(err)
				}
			}},
			{"the attempt is over", func(string) { h.Clock.Forward(15 * time.Minute) }},
			{"the attempt has ended", func(addressed string) { h.Set("UPDATE attempts SET state = 'ended'") }},
		} {
			u := h.User(h.Alder, fmt.Sprint("user", i))
			h.PhoneOf(u)
			h.Begin(u.Name, signin.Phone, pc)
			held := h.Begin(u.Name, signin.Phone, other)
			row.end(held)
			h.Clock.Forward(prompt.Life)
			release(h)
			if got := h.Count("SELECT count(*) FROM prompts WHERE user_id = ?", u.ID); got != 1 {
				t.Errorf("%s: %d requests were made, want the first alone", row.claim, got)
			}
		}
	})
}

// TestWhoCannotBeAskedHoldsUpNobody: names whose phones are left alone for long
// do not stand before one whose turn has come.
func TestWhoCannotBeAskedHoldsUpNobody(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		victim, u := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		p, _ := h.PhoneOf(victim)
		h.PhoneOf(u)
		pc, other := Browser("a PC"), Browser("another PC")
		h.Begin(victim.Name, signin.Phone, pc)
		if _, err := p.Answer(p.Open(), prompt.Report, "", ""); err != nil {
			t.Fatal(err)
		}
		for range 120 {
			if _, err := h.SignIn.Begin(t.Context(), victim.Name, "/", pc); err != nil {
				t.Fatal(err)
			}
		}
		h.Begin(u.Name, signin.Phone, pc)
		held := h.Begin(u.Name, signin.Phone, other)
		h.Clock.Forward(prompt.Life)
		release(h)
		if got := h.State(held, other); got != prompt.Pending {
			t.Errorf("behind 120 that cannot be asked it is %s, want pending", got)
		}
	})
}

func TestHeldNamesThatNobodyAnswersForAreReleasedAlike(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		locked := h.User(h.Alder, "locked")
		h.PhoneOf(locked)
		h.Lock(locked)
		pc, other := Browser("a PC"), Browser("another PC")
		for _, name := range []string{"nobody@alder.example", "nobody@nowhere.example", locked.Name, h.User(h.Alder, "phoneless").Name} {
			h.Begin(name, signin.Phone, pc)
			held := h.Begin(name, signin.Phone, other)
			if got := h.State(held, other); got != prompt.Held {
				t.Errorf("%s: the second browser is %s, want held", name, got)
			}
			h.Clock.Forward(prompt.Life)
			release(h)
			if got, number := h.State(held, other), h.Attempt(held, other).Number; got != prompt.Pending || len(number) != 2 {
				t.Errorf("%s: in its turn it is %s with the number %q", name, got, number)
			}
		}
	})
}

// TestALockReachesWhatIsHeld: who may not sign in any more is not asked, though
// their page waits on.
func TestALockReachesWhatIsHeld(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc, other := Browser("a PC"), Browser("another PC")
		h.Begin(u.Name, signin.Phone, pc)
		held := h.Begin(u.Name, signin.Phone, other)
		h.Lock(u)
		h.Clock.Forward(prompt.Life)
		release(h)
		if got := h.State(held, other); got != prompt.Pending {
			t.Errorf("the page of a locked user learns %s, want what everybody's does", got)
		}
		if open, err := h.Prompts.Open(t.Context(), p.ID); err == nil && len(open) > 0 {
			t.Error("the phone of a locked user is asked")
		}
		if got := h.Count("SELECT count(*) FROM prompts WHERE state = 'pending' AND user_id = ?", u.ID); got != 0 {
			t.Errorf("%d requests are for the locked user", got)
		}
	})
}
