package server_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// withProof makes a call with the DPoP headers given.
func (ph *phone) withProof(t testing.TB, method, path string, proofs ...string) answer {
	t.Helper()
	r := ph.request(t, method, path, nil)
	r.Header["Dpop"] = proofs
	return send(t, ph.client, r)
}

func TestTamperedProofsAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user1@alder.example")
		other, _ := w.withPhone(t, "user2@alder.example")
		refused := func(t *testing.T, proofs ...string) {
			t.Helper()
			ph.withProof(t, http.MethodGet, "/requests", proofs...).is(t, http.StatusUnauthorized, http.StatusRequestHeaderFieldsTooLarge)
		}
		proof := func() signed { return ph.proof(http.MethodGet, "/requests") }
		now, here := w.now().Unix(), w.URL+api+"/requests"
		for claim, wrong := range map[string][]any{
			"htm": {nil, "", "POST", "get", "GET ", 7, []string{"GET"}},
			"htu": {
				nil, "", api + "/requests", w.URL, w.URL + api + "/accounts", w.URL + "/phone/api/v2/requests", "http://evil.example" + api + "/requests",
				strings.Replace(here, "http:", "https:", 1), strings.Replace(here, "localhost", "localhost.evil.example", 1), strings.Replace(here, "http://", "http://x@", 1),
				here + "/x", here + "%2f", strings.Replace(here, "localhost:", "localhost:1", 1),
				[]string{here},
				"\x7f:", "http://[::1",
			},
			"iat": {nil, now - 301, now + 900, 0, -now, now * 1000, "now", true, 1e300, -1e300},
			"jti": {nil, "", strings.Repeat("x", 201), 7, []string{"x"}},
		} {
			t.Run(claim, func(t *testing.T) {
				for _, value := range wrong {
					s := proof()
					s.claims[claim] = value
					refused(t, s.compact())
				}
				s := proof()
				delete(s.claims, claim)
				refused(t, s.compact())
			})
		}
		t.Run("within five minutes it is fresh", func(t *testing.T) {
			for _, at := range []int64{w.now().Unix() - 270, w.now().Unix() + 270} {
				s := proof()
				s.claims["iat"] = at
				ph.withProof(t, http.MethodGet, "/requests", s.compact()).is(t, http.StatusOK)
			}
		})
		t.Run("the query is not part of htu", func(t *testing.T) {
			ph.withProof(t, http.MethodGet, "/requests?a=b", proof().compact()).is(t, http.StatusOK)
		})
		t.Run("form", func(t *testing.T) {
			for what, jws := range forgeries(proof()) {
				t.Run(what, func(t *testing.T) { refused(t, jws) })
			}
		})
		t.Run("header", func(t *testing.T) {
			for field, wrong := range map[string][]any{
				"typ": {nil, "", "JWT", "jwt", "dpop", "at+jwt", "DPOP+JWT", 7, []string{"dpop+jwt"}},
				"kid": {nil, "", other.device, ph.account, strings.Repeat("x", 65), "\x00", "x\x00", 7, []string{ph.device}, map[string]any{"id": ph.device}},
			} {
				for _, value := range wrong {
					s := proof()
					s.header[field] = value
					refused(t, s.compact())
				}
				s := proof()
				delete(s.header, field)
				refused(t, s.compact())
			}
		})
		t.Run("another phone's kid", func(t *testing.T) {
			s := proof()
			s.header["kid"], s.header["jwk"] = other.device, jwk(ph.key)
			refused(t, s.compact())
		})
		t.Run("missing, twice, and not a proof", func(t *testing.T) {
			refused(t)
			refused(t, proof().compact(), proof().compact())
			refused(t, proof().compact()+", "+proof().compact())
			refused(t, "Bearer "+proof().compact())
			r := ph.request(t, http.MethodGet, "/requests", nil)
			r.Header.Set("Authorization", "DPoP "+r.Header.Get("DPoP"))
			r.Header.Del("DPoP")
			send(t, ph.client, r).is(t, http.StatusUnauthorized)
		})
		t.Run("an answer is no proof", func(t *testing.T) {
			s := ph.decision(asked{ID: "x"}, "deny", "")
			maps.Copy(s.claims, proof().claims)
			refused(t, s.compact())
		})
		t.Run("every call asks for one", func(t *testing.T) {
			for _, route := range w.Site.Routes() {
				path, ok := strings.CutPrefix(route.Path, api)
				if !ok || path == "/enrolments" || path == "/push-key" {
					continue
				}
				path = strings.NewReplacer(":account", ph.account, ":request", strings.Repeat("a", 26)).Replace(path)
				ph.withProof(t, route.Method, path).is(t, http.StatusUnauthorized)
				ph.withProof(t, route.Method, path, other.proof(route.Method, "/nowhere").compact()).is(t, http.StatusUnauthorized)
			}
		})
		t.Run("with its own key embedded it is as good", func(t *testing.T) {
			s := proof()
			s.header["jwk"] = jwk(ph.key)
			ph.withProof(t, http.MethodGet, "/requests", s.compact()).is(t, http.StatusOK)
			ph.withProof(t, http.MethodGet, "/requests", s.compact()).is(t, http.StatusUnauthorized)
		})
		ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK)
	})
}

func TestAProofWorksOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ph, _ := w.withPhone(t, "user1@alder.example")
		r := ph.proof(http.MethodGet, "/accounts")
		once := r.compact()
		ph.withProof(t, http.MethodGet, "/accounts", once).want(t, http.StatusOK)
		ph.withProof(t, http.MethodGet, "/accounts", once).is(t, http.StatusUnauthorized)
		ph.withProof(t, http.MethodGet, "/accounts", r.compact()).is(t, http.StatusUnauthorized) // signed anew, the same jti
		other, _ := w.withPhone(t, "user2@alder.example")
		s := other.proof(http.MethodGet, "/accounts")
		s.claims["jti"] = r.claims["jti"]
		other.withProof(t, http.MethodGet, "/accounts", s.compact()).is(t, http.StatusOK) // a jti is the phone's own

		s = ph.proof(http.MethodGet, "/accounts")
		twenty := make([]*http.Request, 20)
		for i := range twenty {
			twenty[i] = ph.request(t, http.MethodGet, "/accounts", nil)
			twenty[i].Header.Set("DPoP", s.compact())
		}
		if counts := atOnce(t, ph.client, twenty); counts[http.StatusOK] != 1 || counts[http.StatusUnauthorized] != 19 {
			t.Errorf("one proof twenty times at once = %v, want one 200 and 401 for the others", counts)
		}
	})
}

func TestAPhoneThatNobodyEnrolledLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		stranger := w.newPhone(t)
		sum := sha256.Sum256([]byte(fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, jwk(stranger.key)["x"], jwk(stranger.key)["y"])))
		stranger.device = encode(sum[:]) // RFC 7638
		for range 3 {
			s := stranger.proof(http.MethodGet, "/accounts")
			stranger.withProof(t, http.MethodGet, "/accounts", s.compact()).is(t, http.StatusUnauthorized)
			s.header["jwk"] = jwk(stranger.key)
			stranger.withProof(t, http.MethodGet, "/accounts", s.compact()).is(t, http.StatusUnauthorized)
		}
		var proofs int
		if w.one(t, &proofs, "SELECT count(*) FROM proofs"); proofs != 0 {
			t.Errorf("%d proofs of a phone that nobody enrolled are kept", proofs)
		}
	})
}

func TestAProofSeenByOneReplicaIsSeenByAll(t *testing.T) {
	w := onPostgres(t)
	second := w.beside(t)
	ph, _ := w.withPhone(t, "user1@alder.example")
	once := ph.proof(http.MethodGet, "/accounts").compact()
	ph.withProof(t, http.MethodGet, "/accounts", once).want(t, http.StatusOK)
	ph.on(second).withProof(t, http.MethodGet, "/accounts", once).is(t, http.StatusUnauthorized)
	ph.on(second).call(t, http.MethodGet, "/accounts", nil).is(t, http.StatusOK)
}

func TestOnlyAPublicKeyOnP256IsEnrolled(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		token, ph := w.browser(t).signIn(t, "user1@alder.example").invite(t), w.newPhone(t)
		with := func(field string, value any) map[string]any {
			key := jwk(ph.key)
			if key[field] = value; value == nil {
				delete(key, field)
			}
			return key
		}
		x, y := jwk(ph.key)["x"].(string), jwk(ph.key)["y"].(string)
		private, _ := ph.key.Bytes()
		p384 := jwk(otherKey(elliptic.P384()))
		named := maps.Clone(p384)
		named["crv"] = "P-256"
		for claim, key := range map[string]any{
			"a key on P-384":                         p384,
			"a key on P-384 that says P-256":         named,
			"a key on P-521":                         jwk(otherKey(elliptic.P521())),
			"a key on P-224":                         jwk(otherKey(elliptic.P224())),
			"a key that says secp256k1":              with("crv", "secp256k1"),
			"a key without a curve":                  with("crv", nil),
			"a key without y":                        with("y", nil),
			"a key without x":                        with("x", nil),
			"a point that is not on the curve":       with("y", x),
			"the point at infinity":                  map[string]any{"kty": "EC", "crv": "P-256", "x": "", "y": ""},
			"a point of zeroes":                      map[string]any{"kty": "EC", "crv": "P-256", "x": encode(make([]byte, 32)), "y": encode(make([]byte, 32))},
			"a coordinate with a byte before":        with("x", "AA"+x),
			"a coordinate with padding":              with("x", x+"="),
			"a coordinate in another alphabet":       with("y", strings.Repeat("+", len(y))),
			"a private key":                          with("d", encode(private)),
			"a secret":                               map[string]any{"kty": "oct", "k": x},
			"an RSA key":                             map[string]any{"kty": "RSA", "n": x + x + x + x, "e": "AQAB"},
			"an OKP key":                             map[string]any{"kty": "OKP", "crv": "Ed25519", "x": x},
			"a list":                                 []any{jwk(ph.key)},
			"a text":                                 "P-256",
			"a key as a text":                        string(must(json.Marshal(jwk(ph.key)))),
			"a number":                               256,
			"nothing":                                nil,
			"a key whose coordinates are no strings": map[string]any{"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
		} {
			t.Run(claim, func(t *testing.T) {
				a := ph.plain(t, http.MethodPost, "/enrolments", map[string]any{"token": token, "name": "x", "platform": "ios", "public_key": key, "pin": ph.pin})
				if a.is(t, http.StatusUnprocessableEntity) && !strings.Contains(a.body, "public_key") {
					t.Errorf("the answer does not name the field: %s", a.body)
				}
			})
		}
		ph.enrol(t, token).want(t, http.StatusCreated)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
