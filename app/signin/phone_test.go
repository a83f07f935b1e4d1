package signin_test

import (
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/prompt"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/user"
)

// approved begins an attempt of a user by phone and has p approve it.
func approved(h *House, u user.User, p *Phone, from signin.From) string {
	h.T.Helper()
	addressed := h.Begin(u.Name, signin.Phone, from)
	r := p.Open()
	if state, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); state != prompt.Approved || err != nil {
		h.T.Fatalf("Answer = %s, %v", state, err)
	}
	return addressed
}

// byPhone counts the sessions that phones approved.
func byPhone(h *House) int {
	h.T.Helper()
	return h.Count("SELECT count(*) FROM sessions WHERE amr = ?", session.ByPhone)
}

func TestAnApprovalMakesASession(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, account := h.PhoneOf(u)
		pc := Browser("a PC")
		addressed := h.Begin(u.Name, signin.Phone, pc)
		_, err := h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "Finish before the answer", err, "signin.refused")
		r := p.Open()
		if !r.NewBrowser {
			t.Error("the phone is told that this browser is known")
		}
		if _, err := p.Answer(r, prompt.Approve, h.Number(r.ID), PIN); err != nil {
			t.Fatal(err)
		}
		if byPhone(h) != 0 {
			t.Error("the answer alone made a session")
		}
		done, err := h.SignIn.Finish(ctx, addressed, pc)
		if err != nil || done.ReturnTo != "/" {
			t.Fatalf("Finish = %+v, %v", done, err)
		}
		s, err := session.Find(ctx, h.DB, done.Cookie)
		if err != nil || s.UserID != u.ID || s.AMR != session.ByPhone || s.AccountID != account.AccountID || !s.Fresh(h.Clock.Now()) {
			t.Errorf("the session is %+v, %v", s, err)
		}
		_, err = h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "Finish a second time", err, "signin.refused")
		if got := byPhone(h); got != 1 {
			t.Errorf("%d sessions, want 1", got)
		}
		if finished, refused := h.Events(audit.SignInFinished), h.Events(audit.SignInRefused); finished != 1 || refused != 2 {
			t.Errorf("%d finished and %d refused in the audit, want 1 and 2", finished, refused)
		}
		h.Begin(u.Name, signin.Phone, pc)
		if p.Open().NewBrowser {
			t.Error("the phone is told that the browser of a session is new")
		}
	})
}

func TestTwoThatFinishAtOnceMakeOneSession(t *testing.T) {
	Each(t, func(h *House) {
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		replicas := []*House{h, h.Replica()}
		for _, many := range []int{8, 500} {
			before := byPhone(h)
			addressed := approved(h, u, p, pc)
			cookies := make([]secret.Token, many)
			got := Tally(AtOnce(many, func(i int) error {
				done, err := replicas[i%2].SignIn.Finish(h.T.Context(), addressed, pc)
				cookies[i] = done.Cookie
				return err
			}))
			if got["done"] != 1 || got["signin.refused"] != many-1 || byPhone(h)-before != 1 {
				h.T.Errorf("%d at once: %v and %d sessions, want one", many, got, byPhone(h)-before)
			}
			given := 0
			for _, cookie := range cookies {
				if !cookie.Empty() {
					given++
				}
			}
			if given != 1 {
				h.T.Errorf("%d cookies were given, want one", given)
			}
			h.Clock.Forward(10 * time.Minute)
		}
	})
}

// TestWhatEndsBetweenTheAnswerAndTheSession: Finish asks everything again.
func TestWhatEndsBetweenTheAnswerAndTheSession(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		pc := Browser("a PC")
		none := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			claim string
			end   func(u user.User, a device.Account, addressed string)
			lives bool
		}{
			{"nothing", func(user.User, device.Account, string) {}, true},
			{"59 seconds and all but an instant of another", func(user.User, device.Account, string) { h.Clock.Forward(time.Minute - time.Microsecond) }, true},
			{"a minute", func(user.User, device.Account, string) { h.Clock.Forward(time.Minute) }, false},
			{"the user is locked", func(u user.User, _ device.Account, _ string) { h.Lock(u) }, false},
			{"the user is disabled", func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE users SET state = 'disabled' WHERE id = ?", u.ID)
			}, false},
			{"the phone is revoked", func(u user.User, a device.Account, _ string) {
				none(h.Devices.Revoke(ctx, u.TenantID, u.ID, a.AccountID, audit.Origin{}))
			}, false},
			{"the account is removed on the phone", func(_ user.User, a device.Account, _ string) {
				none(h.Devices.Remove(ctx, []device.Account{a}, audit.Origin{}))
			}, false},
			{"phone sign-in is turned off", func(_ user.User, a device.Account, _ string) {
				none(h.Devices.DisablePhoneSignIn(ctx, a, audit.Origin{}))
			}, false},
			{"the organisation is suspended", func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", u.TenantID)
			}, false},
			{"the password is chosen", func(_ user.User, _ device.Account, addressed string) {
				none(h.SignIn.Choose(ctx, addressed, signin.Password, "", pc))
			}, false},
			{"the password is chosen, and the phone again", func(_ user.User, _ device.Account, addressed string) {
				none(h.SignIn.Choose(ctx, addressed, signin.Password, "", pc))
				none(h.SignIn.Choose(ctx, addressed, signin.Phone, "", pc))
			}, true},
			{"five wrong passwords", func(_ user.User, _ device.Account, addressed string) {
				none(h.SignIn.Choose(ctx, addressed, signin.Password, "", pc))
				for range 5 {
					WantCode(t, "a wrong password", verify(h, h.Attempt(addressed, pc), wrong, pc), "signin.refused")
				}
				h.Set("UPDATE attempts SET way = 'phone'")
			}, false},
			{"another prompt of the user is put under it", func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE prompts SET attempt_id = 'another' WHERE user_id = ?", u.ID)
			}, false},
			{"a prompt of another user is put under it", func(u user.User, _ device.Account, _ string) {
				h.Set("UPDATE prompts SET user_id = 'another' WHERE user_id = ?", u.ID)
			}, false},
		} {
			h.SignIn.Passwords = plain{}
			u := h.User(h.Birch, secret.System.ShortID())
			p, a := h.PhoneOf(u)
			addressed := approved(h, u, p, pc)
			before, refused := byPhone(h), h.Events(audit.SignInRefused)
			row.end(u, a, addressed)
			during := h.Events(audit.SignInRefused) - refused
			_, err := h.SignIn.Finish(ctx, addressed, pc)
			switch {
			case row.lives && (err != nil || byPhone(h)-before != 1):
				t.Errorf("%s: Finish = %v", row.claim, err)
			case !row.lives:
				WantCode(t, row.claim, err, "signin.refused")
				if byPhone(h) != before || h.Events(audit.SignInRefused)-refused-during != 1 {
					t.Errorf("%s: %d sessions were made and %d refusals recorded, want none and one", row.claim, byPhone(h)-before, h.Events(audit.SignInRefused)-refused-during)
				}
			}
			h.Set("UPDATE tenants SET state = 'active'")
		}
	})
}

func TestAnAnswerThatIsNoApprovalMakesNoSession(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		pc := Browser("a PC")
		for _, row := range []struct {
			claim    string
			decision prompt.Decision
			number   func(right string) string
			state    prompt.State
		}{
			{"a wrong number", prompt.Approve, Other, prompt.Denied},
			{"no number", prompt.Approve, func(string) string { return "" }, prompt.Denied},
			{"a decline with the right number", prompt.Deny, func(right string) string { return right }, prompt.Denied},
			{"a report", prompt.Report, func(right string) string { return right }, prompt.Denied},
		} {
			u := h.User(h.Alder, secret.System.ShortID())
			p, _ := h.PhoneOf(u)
			addressed := h.Begin(u.Name, signin.Phone, pc)
			r := p.Open()
			if _, err := p.Answer(r, row.decision, row.number(h.Number(r.ID)), PIN); err != nil {
				t.Fatalf("%s: %v", row.claim, err)
			}
			if got := h.State(addressed, pc); got != row.state {
				t.Errorf("%s: the page learns %s, want %s", row.claim, got, row.state)
			}
			_, err := h.SignIn.Finish(ctx, addressed, pc)
			WantCode(t, row.claim, err, "signin.refused")
			if a := h.Attempt(addressed, pc); !a.Open(h.Clock.Now()) {
				t.Errorf("%s: no other way can be taken", row.claim)
			} else if err := h.SignIn.Choose(ctx, addressed, signin.Password, "", pc); err != nil {
				t.Errorf("%s: another way = %v", row.claim, err)
			}
		}
		// The test of a new phone is an approval, and of no sign-in.
		u := h.User(h.Alder, "user1")
		p, a := h.PhoneOf(u)
		addressed := h.Begin(u.Name, signin.Phone, pc)
		r := p.Open()
		if _, err := p.Answer(r, prompt.Deny, "", ""); err != nil {
			t.Fatal(err)
		}
		id, err := h.Prompts.Test(ctx, a, audit.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if state, err := p.Answer(p.Open(), prompt.Approve, h.Number(id), PIN); state != prompt.Approved || err != nil {
			t.Fatalf("Answer to the test = %s, %v", state, err)
		}
		h.Set("UPDATE attempts SET prompt_id = ? WHERE name = ?", id, u.Name)
		_, err = h.SignIn.Finish(ctx, addressed, pc)
		WantCode(t, "the test of a phone under a sign-in", err, "signin.refused")
		if got := byPhone(h); got != 0 {
			t.Errorf("%d sessions were made", got)
		}
	})
}

// TestTheApprovalOfOneAttemptIsOfNoOther: an approved number does not carry over
// to what the same browser begins next.
func TestTheApprovalOfOneAttemptIsOfNoOther(t *testing.T) {
	Each(t, func(h *House) {
		t, ctx := h.T, h.T.Context()
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc, other := Browser("a PC"), Browser("another PC")
		first := approved(h, u, p, pc)
		for claim, from := range map[string]signin.From{"the same browser": pc, "another browser": other} {
			next := h.Begin(u.Name, signin.Phone, from)
			_, err := h.SignIn.Finish(ctx, next, from)
			WantCode(t, "the next attempt of "+claim, err, "signin.refused")
			h.Clock.Forward(time.Second)
			if r := p.Open(); r.ID != "" {
				if _, err := p.Answer(r, prompt.Deny, "", ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := h.SignIn.Finish(ctx, first, pc); err != nil {
			t.Errorf("the attempt that was approved = %v", err)
		}
	})
}

// TestAPhoneSignInIsThreeActs: begin, answer, finish, each with its event in the
// same transaction, and no more (architecture.md, Speed).
func TestAPhoneSignInIsThreeActs(t *testing.T) {
	Each(t, func(h *House) {
		t := h.T
		u := h.User(h.Alder, "user1")
		p, _ := h.PhoneOf(u)
		pc := Browser("a PC")
		before := h.Count("SELECT count(*) FROM audit_events")
		addressed := approved(h, u, p, pc)
		if _, err := h.SignIn.Finish(t.Context(), addressed, pc); err != nil {
			t.Fatal(err)
		}
		if got := h.Count("SELECT count(*) FROM audit_events") - before; got != 3 {
			t.Errorf("a sign-in leaves %d events, want three", got)
		}
		if h.DB.Dialect != store.Postgres {
			return
		}
		// Each event carries the transaction that wrote it.
		if got := h.Count("SELECT count(DISTINCT e.xmin::text) FROM audit_events e WHERE action IN (?, ?, ?)", audit.SignInBegun, audit.PromptApproved, audit.SignInFinished); got != 3 {
			t.Errorf("the three events are of %d transactions", got)
		}
		same := h.Count(`SELECT count(*) FROM audit_events e JOIN attempts a ON a.xmin::text = e.xmin::text WHERE e.action = ?`, audit.SignInFinished) +
			h.Count(`SELECT count(*) FROM audit_events e JOIN prompts p ON p.xmin::text = e.xmin::text WHERE e.action = ?`, audit.PromptApproved) +
			h.Count(`SELECT count(*) FROM audit_events e JOIN sessions s ON s.xmin::text = e.xmin::text WHERE e.action = ? AND s.amr = 'phone'`, audit.SignInFinished)
		if same != 3 {
			t.Errorf("%d of three changes are of the transaction of their event", same)
		}
	})
}
