package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// phone is a phone, written from http.md alone.
type phone struct {
	base, publicURL string
	now             func() time.Time
	key             *ecdsa.PrivateKey
	device          string
	account, tenant string
	pin             string
	client          *http.Client
	more            *url.Values // fields that every body has besides, see browser
}

const api = "/phone/api/v1"

func (w *world) newPhone(t testing.TB) *phone {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{more: &w.more, base: w.URL, publicURL: w.Settings.PublicURL, now: w.now, key: key, pin: "135790", client: &http.Client{Transport: w.wire, Timeout: 2 * time.Minute}}
}

// on is the same phone, speaking to another replica.
func (ph *phone) on(w *world) *phone {
	other := *ph
	other.base = w.URL
	return &other
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is the public half of key.
func jwk(key *ecdsa.PrivateKey) map[string]any {
	size := (key.Curve.Params().BitSize + 7) / 8
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]any{"kty": "EC", "crv": key.Curve.Params().Name, "x": encode(point[1 : 1+size]), "y": encode(point[1+size:])}
}

// enrol uses a token up and fails with the answer of the service.
func (ph *phone) enrol(t testing.TB, token string) answer {
	t.Helper()
	return ph.plain(t, http.MethodPost, "/enrolments", map[string]any{
		"token": token, "name": "Phone of a test", "platform": "android", "public_key": jwk(ph.key), "pin": ph.pin,
	})
}

// enrolled reads the answer of an enrolment.
func (ph *phone) enrolled(t testing.TB, a answer) *phone {
	t.Helper()
	var done struct {
		DeviceID  string `json:"device_id"`
		PublicURL string `json:"public_url"`
		Account   struct{ ID, Tenant string }
	}
	a.want(t, http.StatusCreated).decode(t, &done)
	ph.device, ph.account, ph.tenant, ph.publicURL = done.DeviceID, done.Account.ID, done.Account.Tenant, done.PublicURL
	return ph
}

// plain makes a call without a proof.
func (ph *phone) plain(t testing.TB, method, path string, body any) answer {
	t.Helper()
	text, err := json.Marshal(ph.stuffed(body))
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(t, method, ph.base+api+path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	return send(t, ph.client, r)
}

// stuffed puts more fields into a body or into claims, where it has none of that name.
func (ph *phone) stuffed(body any) any {
	object, is := body.(map[string]any)
	if ph.more == nil || len(*ph.more) == 0 || !is && body != nil {
		return body
	}
	all := map[string]any{}
	for name, values := range *ph.more {
		all[name] = values[0]
	}
	maps.Copy(all, object)
	return all
}

// signed is a JWS before it is signed: what a test may tamper with.
type signed struct {
	header, claims map[string]any
	key            *ecdsa.PrivateKey
}

// compact signs with ES256 whatever the header says.
func (s signed) compact() string {
	input := part(s.header) + "." + part(s.claims)
	return input + "." + encode(es256(s.key, input))
}

func part(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return encode(text)
}

// es256 is r and s, 32 bytes each, of SHA-256 (RFC 7518 §3.4); with another
// curve, as many bytes as it has.
func es256(key *ecdsa.PrivateKey, input string) []byte {
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

// proof is a DPoP proof (RFC 9449 §4.2) for a call.
func (ph *phone) proof(method, path string) signed {
	address, _, _ := strings.Cut(ph.publicURL+api+path, "?")
	return signed{
		header: map[string]any{"typ": "dpop+jwt", "alg": "ES256", "kid": ph.device},
		claims: map[string]any{"jti": rand.Text(), "htm": method, "htu": address, "iat": ph.now().Unix()},
		key:    ph.key,
	}
}

// request makes a call with a proof, ready to send.
func (ph *phone) request(t testing.TB, method, path string, body any) *http.Request {
	t.Helper()
	var content io.Reader
	if method != http.MethodGet {
		body = ph.stuffed(body)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	r := newRequest(t, method, ph.base+api+path, content)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("DPoP", ph.proof(method, path).compact())
	return r
}

func (ph *phone) call(t testing.TB, method, path string, body any) answer {
	t.Helper()
	return send(t, ph.client, ph.request(t, method, path, body))
}

// asked is a request as the phone is told of it.
type asked struct {
	ID, Kind, Tenant, User, Application, Browser, Place, IP, Nonce, Mode string
	TenantName                                                           string `json:"tenant_name"`
	NewBrowser                                                           bool   `json:"new_browser"`
	Numbers                                                              []string
	CreatedAt                                                            time.Time `json:"created_at"`
	ExpiresAt                                                            time.Time `json:"expires_at"`
}

func (ph *phone) requests(t testing.TB) []asked {
	t.Helper()
	var list []asked
	ph.call(t, http.MethodGet, "/requests", nil).want(t, http.StatusOK).decode(t, &list)
	return list
}

// asks gives the one request that waits.
func (ph *phone) asks(t testing.TB) asked {
	t.Helper()
	list := ph.requests(t)
	if len(list) != 1 {
		t.Fatalf("the phone is asked for %d answers, want 1", len(list))
	}
	return list[0]
}

// decision is the signed answer to a request.
func (ph *phone) decision(r asked, decision, number string) signed {
	claims := map[string]any{
		"iss": ph.device, "aud": ph.publicURL, "sub": ph.account, "jti": r.ID, "nonce": r.Nonce, "tenant": ph.tenant,
		"decision": decision, "iat": ph.now().Unix(),
	}
	if decision == "approve" {
		claims["number"] = number
	}
	claims, _ = ph.stuffed(claims).(map[string]any)
	return signed{header: map[string]any{"alg": "ES256", "kid": ph.device}, claims: claims, key: ph.key}
}

// deliver sends a signed answer.
func (ph *phone) deliver(t testing.TB, id, jws string) answer {
	t.Helper()
	return ph.call(t, http.MethodPost, "/requests/"+id+"/answer", map[string]any{"answer": jws, "pin": ph.pin})
}

// answers decides a request.
func (ph *phone) answers(t testing.TB, r asked, decision, number string) answer {
	t.Helper()
	return ph.deliver(t, r.ID, ph.decision(r, decision, number).compact())
}

// approves approves what the page of attempt asks for.
func (ph *phone) approves(t testing.TB, b *browser, attempt string) {
	t.Helper()
	shown := number(b.get(t, attempt))
	if shown == "" {
		t.Fatalf("%s shows no number", attempt)
	}
	a := ph.answers(t, ph.asks(t), "approve", shown).want(t, http.StatusOK)
	var said struct{ State string }
	if a.decode(t, &said); said.State != "approved" {
		t.Fatalf("answer with the number shown = %q, want approved", said.State)
	}
}

// withPhone gives a user a phone with phone sign-in on, and the browser that
// added it, signed in by password.
func (w *world) withPhone(t testing.TB, name string) (*phone, *browser) {
	t.Helper()
	b := w.browser(t).signIn(t, name)
	ph := w.newPhone(t)
	ph.enrolled(t, ph.enrol(t, b.invite(t)))
	ph.call(t, http.MethodPut, "/accounts/"+ph.account+"/phone-sign-in", nil).want(t, http.StatusNoContent)
	return ph, b
}

// byPhone signs a browser in by phone.
func (b *browser) byPhone(t testing.TB, ph *phone, name string) *browser {
	t.Helper()
	attempt := b.askPhone(t, name)
	ph.approves(t, b, attempt)
	b.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
	b.get(t, "/me").want(t, http.StatusOK)
	return b
}
