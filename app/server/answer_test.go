package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
)

func TestTamperedAnswersAreRefusedAndTheRequestStaysOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		stranger, _ := w.withPhone(t, "user2@alder.example")
		b := w.browser(t)

		// An earlier request, answered, of the same phone.
		earlier := b.askPhone(t, name)
		old := ph.asks(t)
		oldAnswer := ph.decision(old, "approve", number(b.get(t, earlier))).compact()
		ph.deliver(t, old.ID, oldAnswer).want(t, http.StatusOK)
		b.post(t, earlier+"/finish").want(t, http.StatusSeeOther)

		b = w.browser(t)
		attempt := b.askPhone(t, name)
		r, shown := ph.asks(t), number(b.get(t, attempt))
		honest := ph.decision(r, "approve", shown)
		refused := func(t *testing.T, jws string) {
			t.Helper()
			if a := ph.deliver(t, r.ID, jws); a.is(t, http.StatusUnauthorized, http.StatusNotFound) && !strings.Contains(a.body, `"error":`) {
				t.Errorf("the answer names no error: %s", a.body)
			}
		}

		now := w.now().Unix()
		for claim, wrong := range map[string][]any{
			"iss":      {nil, "", stranger.device, ph.account, 7, []string{ph.device}, strings.ToUpper(ph.device)},
			"aud":      {nil, "", "https://localhost", "http://evil.example", w.URL + ".evil.example", w.URL + "@evil.example", w.URL + "/t/birch", []string{w.URL}, "//" + w.URL[7:], strings.Replace(w.URL, "http:", "https:", 1)},
			"sub":      {nil, "", stranger.account, ph.device, "user1@alder.example", 7, ph.account + "\x00"},
			"jti":      {nil, "", old.ID, r.ID + "x", strings.ToUpper(r.ID), 7},
			"nonce":    {nil, "", old.Nonce, r.Nonce + "x", r.Nonce[:len(r.Nonce)-1], r.Nonce[1:], []string{r.Nonce}},
			"tenant":   {nil, "", "birch", "ALDER", "Alder Health", map[string]any{"slug": "alder"}},
			"decision": {nil, "", "approved", "APPROVE", "approve ", "deny\x00", true, []string{"approve"}, "yes"},
			"number":   {42, true, []string{shown}, map[string]any{"is": shown}},
			"iat":      {nil, now - 301, now + 900, 0, -now, now * 1000, "now", time.Now().Format(time.RFC3339), true, 1e300, -1e300},
		} {
			t.Run(claim, func(t *testing.T) {
				for _, value := range wrong {
					s := signed{header: honest.header, claims: maps.Clone(honest.claims), key: ph.key}
					s.claims[claim] = value
					refused(t, s.compact())
				}
				if claim != "number" { // without a number it is a wrong number, see below
					s := signed{header: honest.header, claims: maps.Clone(honest.claims), key: ph.key}
					delete(s.claims, claim)
					refused(t, s.compact())
				}
			})
		}
		t.Run("form", func(t *testing.T) {
			for what, jws := range forgeries(honest) {
				t.Run(what, func(t *testing.T) { refused(t, jws) })
			}
		})
		t.Run("of something else", func(t *testing.T) {
			refused(t, oldAnswer)
			refused(t, ph.proof(http.MethodPost, "/requests/"+r.ID+"/answer").compact())
			other := signed{header: honest.header, claims: honest.claims, key: stranger.key}
			refused(t, other.compact())
		})
		t.Run("delivered to another request", func(t *testing.T) {
			ph.deliver(t, old.ID, honest.compact()).is(t, http.StatusUnauthorized, http.StatusNotFound)
			ph.deliver(t, "no-such-request", honest.compact()).is(t, http.StatusNotFound)
		})
		t.Run("with a wrong PIN", func(t *testing.T) {
			for _, pin := range []any{"", "000000", "1357900", " 135790", strings.Repeat("1", 5000)} {
				a := ph.call(t, http.MethodPost, "/requests/"+r.ID+"/answer", map[string]any{"answer": honest.compact(), "pin": pin})
				if a.is(t, http.StatusUnauthorized) && !strings.Contains(a.body, `"error":"pin_wrong"`) {
					t.Errorf("PIN %.10v: %s", pin, a.body)
				}
			}
		})

		if got := b.state(t, attempt); got != "pending" {
			t.Fatalf("after all this the attempt is %s, want pending", got)
		}
		ph.deliver(t, r.ID, honest.compact()).want(t, http.StatusOK)
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
	})
}

func TestAnAnswerCountsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		b := w.browser(t)
		attempt := b.askPhone(t, name)
		r := ph.asks(t)
		jws := ph.decision(r, "approve", number(b.get(t, attempt))).compact()
		ph.deliver(t, r.ID, jws).want(t, http.StatusOK)
		for _, again := range []string{jws, ph.decision(r, "deny", "").compact(), ph.decision(r, "report", "").compact()} {
			if a := ph.deliver(t, r.ID, again); a.is(t, http.StatusConflict) && !strings.Contains(a.body, `"error":"decided"`) {
				t.Errorf("a second answer = %s", a.body)
			}
		}
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		ph.deliver(t, r.ID, jws).is(t, http.StatusConflict)
	})
}

// TestFiveHundredAnswersAtOnceMakeOne, whether the number is right or wrong.
func TestFiveHundredAnswersAtOnceMakeOne(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		b := w.browser(t)
		attempt := b.askPhone(t, name)
		r := ph.asks(t)
		answers := func(r asked, number string) {
			t.Helper()
			decision := ph.decision(r, "approve", number)
			calls := make([]*http.Request, 500)
			for i := range calls {
				calls[i] = ph.request(t, http.MethodPost, "/requests/"+r.ID+"/answer", map[string]any{"answer": decision.compact(), "pin": ph.pin})
			}
			counts := atOnce(t, ph.client, calls)
			if counts[http.StatusOK] != 1 || counts[http.StatusOK]+counts[http.StatusConflict]+counts[http.StatusTooManyRequests] != len(calls) {
				t.Errorf("500 answers at once = %v, want one 200 and the others 409 or 429", counts)
			}
		}
		answers(r, number(b.get(t, attempt)))
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		var events int
		w.one(t, &events, "SELECT count(*) FROM audit_events WHERE action = ?", audit.PromptApproved)
		if events != 1 {
			t.Errorf("%d events say that it was approved, want 1", events)
		}
		// None of the lost tries stands against the phone.
		other := w.browser(t)
		attempt = other.askPhone(t, name)
		ph.approves(t, other, attempt)

		// Of so many wrong numbers one is looked at: it ends the request.
		other = w.browser(t)
		attempt = other.askPhone(t, name)
		r = ph.asks(t)
		answers(r, "09") // no number that is shown
		other.post(t, attempt+"/finish").want(t, http.StatusUnauthorized)
		w.one(t, &events, "SELECT count(*) FROM audit_events WHERE action = ? AND reason = 'prompt.wrong_number'", audit.PromptDenied)
		if events != 1 {
			t.Errorf("%d wrong numbers were looked at, want 1", events)
		}
	})
}

func TestAnswersThatComeTooLate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i, c := range []struct {
			claim string
			meets func(t *testing.T, s *scene)
			want  int
		}{
			{"after a lock the phone is unknown", func(t *testing.T, s *scene) { s.lock(t, s.name) }, http.StatusUnauthorized},
			{"a revoked phone is unknown", func(t *testing.T, s *scene) { s.revoke(t) }, http.StatusUnauthorized},
			{"a removed phone is unknown", func(t *testing.T, s *scene) {
				s.ph.call(t, http.MethodDelete, "/devices/self", nil).want(t, http.StatusNoContent)
			}, http.StatusUnauthorized},
			{"a suspended organisation has no phones", func(t *testing.T, s *scene) {
				s.act(t, "UPDATE tenants SET state = 'suspended' WHERE slug = 'alder'")
				t.Cleanup(func() { s.act(t, "UPDATE tenants SET state = 'active' WHERE slug = 'alder'") })
			}, http.StatusUnauthorized},
			{"with phone sign-in off there is nothing to answer", func(t *testing.T, s *scene) {
				s.ph.call(t, http.MethodDelete, "/accounts/"+s.ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
			}, http.StatusNotFound},
			{"the last instant is too late", func(t *testing.T, s *scene) {
				s.forward(t, 120*time.Second)
				if got := s.b.state(t, s.attempt); got != "expired" {
					t.Errorf("state = %q, want expired", got)
				}
			}, http.StatusGone},
			{"a request that was taken back has expired", func(t *testing.T, s *scene) {
				s.b.post(t, s.attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
			}, http.StatusGone},
			{"a request that the same browser asked anew has expired", func(t *testing.T, s *scene) { s.b.begin(t, s.name) }, http.StatusGone},
		} {
			t.Run(c.claim, func(t *testing.T) {
				s := w.scene(t, fmt.Sprintf("user%d@alder.example", i+1))
				r, shown := s.ph.asks(t), number(s.b.get(t, s.attempt))
				c.meets(t, s)
				s.ph.answers(t, r, "approve", shown).is(t, c.want)
				s.b.post(t, s.attempt+"/finish").is(t, http.StatusUnauthorized)
				if s.b.signedIn(t) {
					t.Error("signed in after all")
				}
			})
		}
	})
}

func TestAnApprovalIsWorthNothingAfterwards(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i, c := range []struct {
			claim string
			meets func(t *testing.T, s *scene)
		}{
			{"when the user is locked before the end", func(t *testing.T, s *scene) { s.lock(t, s.name) }},
			{"when the phone is revoked before the end", func(t *testing.T, s *scene) { s.revoke(t) }},
			{"when nobody finishes within a minute", func(t *testing.T, s *scene) { s.forward(t, 60*time.Second) }},
			{"when another way was chosen meanwhile", func(t *testing.T, s *scene) {
				s.b.post(t, s.attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
			}},
		} {
			t.Run(c.claim, func(t *testing.T) {
				s := w.scene(t, fmt.Sprintf("user%d@alder.example", i+1))
				s.ph.approves(t, s.b, s.attempt)
				c.meets(t, s)
				s.b.post(t, s.attempt+"/finish").is(t, http.StatusUnauthorized)
			})
		}
	})
}

func TestAnAttemptBelongsToItsBrowser(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		b, thief := w.browser(t), w.browser(t)
		attempt := b.askPhone(t, name)
		thief.get(t, "/signin")
		ph.approves(t, b, attempt)
		none := thief.get(t, "/signin/nowhere-aaaaaaaaaaaaaaaaaaaaaaaaaa").want(t, http.StatusNotFound)
		for _, path := range []string{"", "/state", "/events", "/help"} {
			if a := thief.get(t, attempt+path); a.is(t, http.StatusNotFound) && path == "" && plainBody(a) != plainBody(none) {
				t.Errorf("another's attempt reads unlike none:\n%s\n%s", plainBody(a), plainBody(none))
			}
		}
		thief.post(t, attempt+"/method", "method", "password").is(t, http.StatusNotFound)
		thief.post(t, attempt+"/verify", "password", "x").is(t, http.StatusNotFound)
		thief.post(t, attempt+"/finish").is(t, http.StatusNotFound, http.StatusUnauthorized)
		if thief.signedIn(t) {
			t.Fatal("another browser finished the attempt")
		}
		b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
	})
}

func TestAnotherTenantsRequestIsNotThere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, pc := w.withPhone(t, "user1@alder.example")
		other, otherPC := w.withPhone(t, "user1@birch.example")
		colleague, _ := w.withPhone(t, "user2@alder.example")
		b := w.browser(t)
		attempt := b.askPhone(t, "user1@alder.example")
		r, shown := ph.asks(t), number(b.get(t, attempt))

		// To answer it.
		for claim, stranger := range map[string]*phone{"another tenant's phone": other, "a colleague's phone": colleague} {
			posing := *stranger
			posing.tenant = "alder"
			for _, s := range []signed{stranger.decision(r, "approve", shown), posing.decision(r, "approve", shown), ph.decision(r, "approve", shown)} {
				a := stranger.deliver(t, r.ID, s.compact())
				none := stranger.deliver(t, strings.Repeat("a", 26), s.compact())
				if a.status != http.StatusNotFound || none.status != http.StatusNotFound || a.body != none.body {
					t.Errorf("%s: %d %s, and for none %d %s; want 404 and the same body", claim, a.status, a.body, none.status, none.body)
				}
			}
		}
		if len(other.requests(t)) != 0 || len(colleague.requests(t)) != 0 {
			t.Error("another phone sees the request")
		}

		// To turn its account on or off, to rename, prefer or revoke it, to end its session, to see its enrolment.
		same := func(a, none answer) {
			t.Helper()
			if a.status != http.StatusNotFound || none.status != http.StatusNotFound || plainBody(a) != plainBody(none) {
				t.Errorf("%s = %d, %s = %d; want 404 and the same body\n%s\n%s", a.asked, a.status, none.asked, none.status, plainBody(a), plainBody(none))
			}
		}
		nobody := strings.Repeat("a", 26)
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			same(other.call(t, method, "/accounts/"+ph.account+"/phone-sign-in", nil), other.call(t, method, "/accounts/"+nobody+"/phone-sign-in", nil))
		}
		same(other.call(t, http.MethodPost, "/accounts/"+ph.account+"/test", nil), other.call(t, http.MethodPost, "/accounts/"+nobody+"/test", nil))
		w.act(t, "UPDATE sessions SET proved_by = 'phone', proved_at = ?", w.now())
		for _, act := range []string{"rename", "default", "revoke"} {
			same(otherPC.post(t, "/me/phones/"+ph.account+"/"+act, "name", "mine"), otherPC.post(t, "/me/phones/"+nobody+"/"+act, "name", "mine"))
		}
		var session, enrolment string
		_, userID := w.person(t, "user1@alder.example")
		w.one(t, &session, "SELECT id FROM sessions WHERE user_id = ?", userID)
		w.one(t, &enrolment, "SELECT id FROM enrolments WHERE user_id = ?", userID)
		same(otherPC.post(t, "/me/sessions/"+session+"/end"), otherPC.post(t, "/me/sessions/"+nobody+"/end"))
		same(otherPC.get(t, "/me/phones/enrolments/"+enrolment), otherPC.get(t, "/me/phones/enrolments/"+nobody))
		if !pc.signedIn(t) {
			t.Error("a stranger ended the session")
		}
		ph.answers(t, r, "approve", shown).want(t, http.StatusOK)
	})
}
