package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/store"
	"latchkey/app/user"
)

func otherKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// forgeries are JWS that are not what an honest phone signs, made from one that
// is. Each name says what was done.
func forgeries(honest signed) map[string]string {
	with := func(header string, value any) string {
		s := signed{header: maps.Clone(honest.header), claims: honest.claims, key: honest.key}
		s.header[header] = value
		return s.compact()
	}
	good := honest.compact()
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	unsigned := func(alg string) string {
		header := maps.Clone(honest.header)
		header["alg"] = alg
		return part(header) + "." + payload
	}
	public := jwk(honest.key)
	publicText, _ := json.Marshal(public)
	point, _ := honest.key.PublicKey.Bytes()
	hs256 := func(secret []byte) string {
		input := unsigned("HS256")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + encode(mac.Sum(nil))
	}
	es384 := func(key *ecdsa.PrivateKey) string {
		input := unsigned("ES384")
		sum := sha512.Sum384([]byte(input))
		r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
		return input + "." + encode(r.FillBytes(make([]byte, 48))) + encode(s.FillBytes(make([]byte, 48)))
	}
	der := func() string {
		input := head + "." + payload
		sum := sha256.Sum256([]byte(input))
		text, _ := ecdsa.SignASN1(rand.Reader, honest.key, sum[:])
		return input + "." + encode(text)
	}
	// r and s of which one is zero hold for every message in a careless check.
	var zero struct{ R, S *big.Int }
	zero.R, zero.S = new(big.Int), new(big.Int)
	zeroDER, _ := asn1.Marshal(zero)
	stranger := signed{header: maps.Clone(honest.header), claims: honest.claims, key: otherKey(elliptic.P256())}
	strangerEmbedded := signed{header: maps.Clone(honest.header), claims: honest.claims, key: stranger.key}
	strangerEmbedded.header["jwk"] = jwk(stranger.key)
	p384 := signed{header: honest.header, claims: honest.claims, key: otherKey(elliptic.P384())}
	flipped := []byte(signature)
	if flipped[10]++; flipped[10] == '{' || flipped[10] == '[' || flipped[10] == ':' {
		flipped[10] = 'A'
	}
	whole, _ := json.Marshal(map[string]any{"protected": head, "payload": payload, "signature": signature})
	b64 := func() string {
		header := maps.Clone(honest.header)
		header["b64"], header["crit"] = false, []string{"b64"}
		claims, _ := json.Marshal(honest.claims)
		return part(header) + "." + payload + "." + encode(es256(honest.key, part(header)+"."+string(claims)))
	}
	return map[string]string{
		"nothing":                                       "",
		"not a JWS":                                     "honestly",
		"dots":                                          "..",
		"without a signature":                           head + "." + payload + ".",
		"two parts":                                     head + "." + payload,
		"four parts":                                    good + ".AAAA",
		"five parts, as if encrypted":                   good + ".AAAA.AAAA",
		"a space within":                                head + ". " + rest,
		"padding":                                       good + "==",
		"one letter of the signature changed":           head + "." + payload + "." + string(flipped),
		"a signature cut short":                         good[:len(good)-4],
		"a signature of zeroes":                         head + "." + payload + "." + encode(make([]byte, 64)),
		"a signature of zeroes in DER":                  head + "." + payload + "." + encode(zeroDER),
		"a right signature in DER":                      der(),
		"a signature twice as long":                     good + signature,
		"the JSON form":                                 string(whole),
		"alg none without a signature":                  unsigned("none") + ".",
		"alg none with the signature":                   unsigned("none") + "." + signature,
		"alg None":                                      unsigned("None") + ".",
		"alg HS256 with the JWK as secret":              hs256(publicText),
		"alg HS256 with the point as secret":            hs256(point),
		"alg HS256 with the key id as secret":           hs256([]byte(honest.header["kid"].(string))),
		"alg HS256 with no secret":                      hs256(nil),
		"alg ES384 with the same key":                   es384(honest.key),
		"alg ES384 with a key on P-384":                 es384(p384.key),
		"alg ES512 over a right signature":              unsigned("ES512") + "." + signature,
		"alg RS256 over a right signature":              unsigned("RS256") + "." + signature,
		"alg es256 in small letters":                    with("alg", "es256"),
		"alg missing":                                   with("alg", nil),
		"alg a number":                                  with("alg", 256),
		"alg a list":                                    with("alg", []string{"ES256"}),
		"signed by another key":                         stranger.compact(),
		"signed by a key on P-384":                      p384.compact(),
		"signed by the key that it embeds":              strangerEmbedded.compact(),
		"another key embedded":                          with("jwk", jwk(stranger.key)),
		"a key on P-384 embedded":                       with("jwk", jwk(p384.key)),
		"a secret embedded":                             with("jwk", map[string]any{"kty": "oct", "k": encode(publicText)}),
		"the embedded key is no key":                    with("jwk", "none"),
		"crit exp":                                      with("crit", []string{"exp"}),
		"crit of something unknown":                     with("crit", []string{"http://example.com/unknown"}),
		"crit empty":                                    with("crit", []string{}),
		"crit no list":                                  with("crit", "exp"),
		"b64 false":                                     b64(),
		"a header that is no object":                    part([]any{"ES256"}) + "." + payload + "." + signature,
		"a header that is no JSON":                      encode([]byte("{alg")) + "." + payload + "." + signature,
		"a payload of another proof under this signing": head + "." + part(map[string]any{"jti": "x"}) + "." + signature,
		"very long":                                     with("pad", strings.Repeat("x", 20_000)),
	}
}

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
			"iat":      {nil, now - 301, now + 301, 0, -now, now * 1000, "now", time.Now().Format(time.RFC3339), true, 1e300, -1e300},
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

func TestAHundredAnswersAtOnceMakeOne(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		b := w.browser(t)
		attempt := b.askPhone(t, name)
		r := ph.asks(t)
		decision := ph.decision(r, "approve", number(b.get(t, attempt)))
		calls := make([]*http.Request, 100)
		for i := range calls {
			calls[i] = ph.request(t, http.MethodPost, "/requests/"+r.ID+"/answer", map[string]any{"answer": decision.compact(), "pin": ph.pin})
		}
		counts := atOnce(t, ph.client, calls)
		if counts[http.StatusOK] != 1 || counts[http.StatusOK]+counts[http.StatusConflict]+counts[http.StatusTooManyRequests] != len(calls) {
			t.Errorf("100 answers at once = %v, want one 200 and the others 409 or 429", counts)
		}
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
	})
}

// atOnce sends every request in the same moment and counts the statuses.
func atOnce(t *testing.T, client *http.Client, requests []*http.Request) map[int]int {
	t.Helper()
	counts := map[int]int{}
	for _, a := range allAtOnce(t, client, requests) {
		counts[a.status]++
	}
	return counts
}

func allAtOnce(t *testing.T, client *http.Client, requests []*http.Request) []answer {
	t.Helper()
	answers, errs := make([]answer, len(requests)), make([]error, len(requests))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			answers[i], errs[i] = try(client, r)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

func (w *world) lock(t testing.TB, name string) {
	t.Helper()
	tenantID, userID := w.person(t, name)
	err := w.DB.Act(t.Context(), func(tx *store.Tx) error {
		return user.Lock(tx, tenantID, userID, "a test", audit.Service, audit.Origin{})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// scene is somebody at the number page with their phone in hand.
type scene struct {
	*world
	name    string
	pc, b   *browser // the one that added the phone, and the one that signs in
	ph      *phone
	attempt string
}

func (w *world) scene(t testing.TB, name string) *scene {
	t.Helper()
	s := &scene{world: w, name: name, b: w.browser(t)}
	s.ph, s.pc = w.withPhone(t, name)
	s.attempt = s.b.askPhone(t, name)
	return s
}

// revoke removes the phone on the page of the one who has it.
func (s *scene) revoke(t testing.TB) {
	t.Helper()
	s.pc.post(t, "/me/phones/"+s.ph.account+"/revoke").want(t, http.StatusSeeOther)
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
