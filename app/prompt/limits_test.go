package prompt_test

import (
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/prompt"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
)

// heldBy begins an attempt and gives why its request is held, or "" when the
// phone was asked.
func heldBy(h *House, name, browser string) string {
	h.T.Helper()
	from := Browser(browser)
	a := h.Attempt(h.Begin(name, signin.Phone, from), from)
	pause, err := h.SignIn.HeldUntil(h.T.Context(), a)
	if err != nil {
		h.T.Fatal(err)
	}
	if held := a.PhoneState(h.Clock.Now()) == prompt.Held; held != (a.PromptID == "") || (held && pause.Reason == "") {
		h.T.Errorf("the attempt has the request %q, and is held %t by %q", a.PromptID, held, pause.Reason)
	} else if !held {
		return ""
	}
	return pause.Reason
}

// sentOf counts the requests that were made for a name.
func sentOf(h *House, name string) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM prompts WHERE subject = ?", h.Keys.Subject(name))
}

// everybody is a name of each kind; the first three are answered for by nobody.
func everybody(h *House) []string {
	locked, phoneless, u := h.User(h.Alder, "locked"), h.User(h.Alder, "phoneless"), h.User(h.Alder, "user1")
	h.PhoneOf(locked)
	h.PhoneOf(u)
	h.Lock(locked)
	return []string{"nobody@alder.example", "nobody@nowhere.example", locked.Name, phoneless.Name, u.Name}
}

func TestAPhoneIsAskedThreeTimesInTenMinutes(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, name := range everybody(h) {
			began := h.Clock.Now()
			for i := range 3 {
				if held := heldBy(h, name, "a PC"); held != "" {
					t.Fatalf("%s: request %d is held: %s", name, i+1, held)
				}
				h.Clock.Forward(prompt.Life)
			}
			if held := heldBy(h, name, "a PC"); held != "often" {
				t.Errorf("%s: the fourth is held by %q, want often", name, held)
			}
			h.Clock.Forward(10*time.Minute - h.Clock.Now().Sub(began) - time.Microsecond)
			if held := heldBy(h, name, "another PC"); held != "often" {
				t.Errorf("%s: an instant before ten minutes it is held by %q, want often", name, held)
			}
			h.Clock.Forward(time.Microsecond)
			if held := heldBy(h, name, "a third PC"); held != "" {
				t.Errorf("%s: after ten minutes it is held by %q", name, held)
			}
			if got := sentOf(h, name); got != 4 {
				t.Errorf("%s: %d requests were made, want 4", name, got)
			}
		}
	})
}

func TestAPhoneIsAskedTenTimesADayWithoutASuccess(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, name := range everybody(h) {
			began := h.Clock.Now()
			for i := range 10 {
				if held := heldBy(h, name, "a PC"); held != "" {
					t.Fatalf("%s: request %d is held: %s", name, i+1, held)
				}
				h.Clock.Forward(time.Hour)
			}
			if held := heldBy(h, name, "a PC"); held != "many" {
				t.Errorf("%s: the eleventh is held by %q, want many", name, held)
			}
			h.Clock.Forward(24*time.Hour - h.Clock.Now().Sub(began))
			if held := heldBy(h, name, "a PC"); held != "" {
				t.Errorf("%s: after a day it is held by %q", name, held)
			}
		}
		// A success starts the count again.
		u := h.User(h.Alder, "user2")
		p, _ := h.PhoneOf(u)
		for i := range 12 {
			if held := heldBy(h, u.Name, "a PC"); held != "" {
				t.Fatalf("request %d is held: %s", i+1, held)
			}
			if i == 8 {
				r := p.Open()
				if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
					t.Fatal(err)
				}
			}
			h.Clock.Forward(time.Hour)
		}
	})
}

func TestOneRequestIsVisible(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, name := range everybody(h) {
			first := Browser("a PC")
			attempt := h.Begin(name, signin.Phone, first)
			if held := heldBy(h, name, "another PC"); held != "visible" {
				t.Errorf("%s: the second browser is held by %q, want visible", name, held)
			}
			// The same browser takes its own back and asks again.
			if held := heldBy(h, name, "a PC"); held != "" {
				t.Errorf("%s: the same browser again is held by %q", name, held)
			}
			if got := h.State(attempt, first); got != prompt.Expired {
				t.Errorf("%s: the request that was taken back is %s", name, got)
			}
			if got := h.Count("SELECT count(*) FROM prompts WHERE state = 'pending' AND subject = ?", h.Keys.Subject(name)); got != 1 {
				t.Errorf("%s: %d requests are visible, want 1", name, got)
			}
		}
		if got := h.Count("SELECT count(*) FROM audit_events WHERE action = ? AND reason = 'prompt.withdrawn'", audit.PromptExpired); got != 5 {
			t.Errorf("%d requests were taken back in the audit, want 5", got)
		}
	})
}

func TestEightBrowsersAtOnceAskOnce(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		for _, name := range everybody(h) {
			h.Begin(name, signin.Password, Browser("an earlier one"))
			h.Set("UPDATE habits SET way = 'phone'")
			attempts := make([]string, 8)
			replicas := []*House{h, h.Replica()}
			browsers := "abcdefgh"
			got := Tally(AtOnce(8, func(i int) (err error) {
				attempts[i], err = replicas[i%2].SignIn.Begin(t.Context(), name, "/", Browser(browsers[i:i+1]))
				return err
			}))
			if got["done"] != 8 {
				t.Fatalf("%s: eight at once: %v", name, got)
			}
			states := map[prompt.State]int{}
			for i, attempt := range attempts {
				states[h.State(attempt, Browser(browsers[i:i+1]))]++
			}
			if states[prompt.Pending] != 1 || states[prompt.Held] != 7 || sentOf(h, name) != 1 {
				t.Errorf("%s: eight at once: %v and %d requests, want one pending and seven held", name, states, sentOf(h, name))
			}
		}
	})
}

func TestAfterItIsNotMeThePhoneIsLeftAloneForAnHour(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		attempt := h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		h.Clock.Forward(time.Minute)
		if state, err := p.Answer(r, prompt.Report, "", ""); state != prompt.Reported || err != nil {
			t.Fatalf("Answer = %s, %v", state, err)
		}
		if got := h.State(attempt, pc); got != prompt.Denied {
			t.Errorf("the page learns %s; it must not tell a report from a decline", got)
		}
		if got := h.Events(audit.PromptReported); got != 1 {
			t.Errorf("%d reports in the audit, want 1", got)
		}
		for _, row := range []struct {
			claim   string
			forward time.Duration
			held    string
		}{
			{"at once", 0, "reported"},
			{"an instant short of an hour", time.Hour - time.Microsecond, "reported"},
			{"an hour later", time.Microsecond, ""},
		} {
			h.Clock.Forward(row.forward)
			if held := heldBy(h, u.Name, row.claim); held != row.held {
				t.Errorf("%s: held by %q, want %q", row.claim, held, row.held)
			}
		}
	})
}

func TestRequestsOfOthersDoNotCount(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		for range 3 {
			heldBy(h, u.Name, "a PC")
			h.Clock.Forward(prompt.Life)
		}
		for claim, name := range map[string]string{
			"another user": h.User(h.Alder, "user2").Name,
			"the same person's name in another organisation": h.User(h.Birch, "user1").Name,
		} {
			if held := heldBy(h, name, "a PC"); held != "" {
				h.T.Errorf("%s is held by %q", claim, held)
			}
		}
	})
}
