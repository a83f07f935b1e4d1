package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// world is the whole program on a database of its own, with a clock that runs
// and can be moved on.
type world struct {
	*servertest.Program
	ahead *atomic.Int64 // nanoseconds
}

// onBoth runs a story against a program on SQLite and one on PostgreSQL.
func onBoth(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) { story(t, newWorld(t, servertest.Start(t, dialect), &atomic.Int64{})) })
	}
}

// onPostgres runs the first of several replicas.
func onPostgres(t testing.TB) *world {
	t.Helper()
	return newWorld(t, servertest.Start(t, store.Postgres), &atomic.Int64{})
}

func newWorld(t testing.TB, p *servertest.Program, ahead *atomic.Int64) *world {
	w := &world{Program: p, ahead: ahead}
	t.Cleanup(transport.CloseIdleConnections) // so that the program need not wait for them
	p.DB.SetClock(w.now)
	return w
}

// beside starts another replica over the database of w, on w's clock.
func (w *world) beside(t testing.TB) *world {
	t.Helper()
	return newWorld(t, servertest.Replica(t, w.DB.DSN, w.URL), w.ahead)
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// forward moves the clock on. The table of rules has a best-before date of its
// own and is read again, as it is every two seconds.
func (w *world) forward(t testing.TB, d time.Duration) {
	t.Helper()
	w.ahead.Add(int64(d))
	if err := w.Rules.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// act runs a statement on the database behind the program's back.
func (w *world) act(t testing.TB, statement string, values ...any) {
	t.Helper()
	if err := w.DB.Act(context.Background(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// one reads one value.
func (w *world) one(t testing.TB, dest any, query string, values ...any) {
	t.Helper()
	if _, err := w.DB.View(t.Context()).One(dest, query, values...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// person gives the tenant and the id of a user.
func (w *world) person(t testing.TB, name string) (tenantID, userID string) {
	t.Helper()
	var row struct{ TenantID, ID string }
	w.one(t, &row, "SELECT tenant_id, id FROM users WHERE name = ?", name)
	if row.ID == "" {
		t.Fatalf("nobody is called %s", name)
	}
	return row.TenantID, row.ID
}

// until waits for a condition, ten seconds at most.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited ten seconds for: %s", what)
		}
	}
}

// answer is what came back, read whole.
type answer struct {
	asked  string
	status int
	header http.Header
	body   string
}

func (a answer) location() string { return a.header.Get("Location") }

// want checks the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s = %d, want %d\n%s", a.asked, a.status, status, excerpt(a.body))
	}
	return a
}

// is checks the status and lets the test go on.
func (a answer) is(t testing.TB, status ...int) bool {
	t.Helper()
	for _, s := range status {
		if a.status == s {
			return true
		}
	}
	t.Errorf("%s = %d, want %v\n%s", a.asked, a.status, status, excerpt(a.body))
	return false
}

// decode reads a JSON body.
func (a answer) decode(t testing.TB, dest any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), dest); err != nil {
		t.Fatalf("%s: %v\n%s", a.asked, err, excerpt(a.body))
	}
}

var (
	mainPart = regexp.MustCompile(`(?s)<main.*</main>`)
	tag      = regexp.MustCompile(`<[^>]*>`)
)

func excerpt(body string) string {
	if found := mainPart.FindString(body); found != "" {
		body = strings.Join(strings.Fields(tag.ReplaceAllString(found, " ")), " ")
	}
	return body[:min(len(body), 400)]
}

// transport does not keep connections apart by test: a test that opens many
// streams must not find the next one waiting for a free one.
var transport = &http.Transport{MaxIdleConnsPerHost: 200, DisableCompression: true}

// send sends a request and reads the answer.
func send(t testing.TB, client *http.Client, r *http.Request) answer {
	t.Helper()
	a, err := try(client, r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is send for goroutines, which may not end a test.
func try(client *http.Client, r *http.Request) (answer, error) {
	asked := r.Method + " " + r.URL.RequestURI()
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{asked[:min(len(asked), 200)], res.StatusCode, res.Header, string(body)}, err
}

func newRequest(t testing.TB, method, address string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// browser is a browser without script: it keeps cookies, follows no redirect by
// itself, and sends the token of the form it saw last.
type browser struct {
	base   string
	client *http.Client
	csrf   string
	agent  string
}

func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{base: w.URL, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", client: &http.Client{
		Jar: jar, Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// on is the same browser, speaking to another replica.
func (b *browser) on(w *world) *browser {
	other := *b
	other.base = w.URL
	return &other
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]*)"`)

func (b *browser) request(t testing.TB, method, path string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r := newRequest(t, method, b.base+path, body)
	r.Header.Set("User-Agent", b.agent)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func (b *browser) saw(a answer) answer {
	if found := formToken.FindStringSubmatch(a.body); found != nil {
		b.csrf = found[1]
	}
	return a
}

// get asks for a page; header are pairs.
func (b *browser) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return b.saw(send(t, b.client, b.request(t, http.MethodGet, path, nil, header...)))
}

// form makes a form of pairs, with the token.
func (b *browser) form(pairs ...string) url.Values {
	form := url.Values{"csrf": {b.csrf}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

const formType = "application/x-www-form-urlencoded"

// post sends a form of pairs.
func (b *browser) post(t testing.TB, path string, pairs ...string) answer {
	t.Helper()
	if b.csrf == "" {
		b.get(t, "/signin")
	}
	return b.saw(send(t, b.client, b.request(t, http.MethodPost, path, strings.NewReader(b.form(pairs...).Encode()), "Content-Type", formType)))
}

// begin gives a name and the address of the attempt that follows.
func (b *browser) begin(t testing.TB, name string) (attempt string) {
	t.Helper()
	b.get(t, "/signin")
	return b.post(t, "/signin", "identifier", name).want(t, http.StatusSeeOther).location()
}

// askPhone begins an attempt by phone.
func (b *browser) askPhone(t testing.TB, name string) (attempt string) {
	t.Helper()
	attempt = b.begin(t, name)
	if step(b.get(t, attempt)) != "phone" {
		b.post(t, attempt+"/method", "method", "phone").want(t, http.StatusSeeOther)
	}
	return attempt
}

// signIn signs in by password.
func (b *browser) signIn(t testing.TB, name string) *browser {
	t.Helper()
	attempt := b.begin(t, name)
	if step(b.get(t, attempt)) != "password" {
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
	}
	b.post(t, attempt+"/verify", "password", servertest.Password).want(t, http.StatusSeeOther)
	b.get(t, "/me").want(t, http.StatusOK)
	return b
}

// signedIn says whether the browser is, as a page sees it.
func (b *browser) signedIn(t testing.TB) bool {
	t.Helper()
	a := b.get(t, "/me/sessions")
	if a.status != http.StatusOK && a.location() != "/signin?return_to=%2Fme%2Fsessions" {
		t.Fatalf("%s = %d to %q", a.asked, a.status, a.location())
	}
	return a.status == http.StatusOK
}

var (
	stepMark   = regexp.MustCompile(`data-step="([a-z0-9_]*)"`)
	stateMark  = regexp.MustCompile(`data-state="([a-z]*)"`)
	numberMark = regexp.MustCompile(`id="match-number"[^>]*>(?:\s|<span>|</span>)*([0-9]+)`)
	linkMark   = regexp.MustCompile(`(https?://[^"<\s]+/phone)#enrol=([A-Za-z0-9._~-]+)`)
)

var (
	returnTo   = regexp.MustCompile(`name="return_to" value="([^"]*)"`)
	stylesheet = regexp.MustCompile(`rel="stylesheet" href="([^"]*)"`)
)

const passwordOfAll = servertest.Password

func first(pattern *regexp.Regexp, a answer) string {
	found := pattern.FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return found[1]
}

func step(a answer) string   { return first(stepMark, a) }
func number(a answer) string { return first(numberMark, a) }

// state asks for the state of an attempt.
func (b *browser) state(t testing.TB, attempt string) string {
	t.Helper()
	var said struct{ State string }
	b.get(t, attempt+"/state").want(t, http.StatusOK).decode(t, &said)
	return said.State
}

// invite makes an enrolment link and gives its token.
func (b *browser) invite(t testing.TB) (token string) {
	t.Helper()
	b.get(t, "/me/phones").want(t, http.StatusOK)
	found := linkMark.FindStringSubmatch(b.post(t, "/me/phones").want(t, http.StatusOK).body)
	if found == nil {
		t.Fatal("POST /me/phones shows no enrolment link")
	}
	return found[2]
}

// phone is a phone, written from http.md alone.
type phone struct {
	base, publicURL string
	now             func() time.Time
	key             *ecdsa.PrivateKey
	device          string
	account, tenant string
	pin             string
	client          *http.Client
}

const api = "/phone/api/v1"

func (w *world) newPhone(t testing.TB) *phone {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{base: w.URL, publicURL: w.Settings.PublicURL, now: w.now, key: key, pin: "135790", client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
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
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := newRequest(t, method, ph.base+api+path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	return send(t, ph.client, r)
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

// stream is an open stream of server-sent events.
type stream struct {
	answer answer
	events chan string // "name data"; closed when the stream ends
	close  context.CancelFunc
}

// open opens a stream; one that is refused has its answer and no events.
func open(t testing.TB, client *http.Client, r *http.Request) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	endless := *client
	endless.Timeout = 0
	res, err := endless.Do(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{answer: answer{asked: r.Method + " " + r.URL.Path, status: res.StatusCode, header: res.Header}, events: make(chan string, 100), close: cancel}
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		s.answer.body = string(body)
		res.Body.Close()
		close(s.events)
		return s
	}
	go func() {
		defer close(s.events)
		defer res.Body.Close()
		var text []byte
		chunk := make([]byte, 4096)
		for {
			n, err := res.Body.Read(chunk)
			text = append(text, chunk[:n]...)
			for {
				event, rest, whole := strings.Cut(string(text), "\n\n")
				if !whole {
					break
				}
				text = []byte(rest)
				if name, data, ok := strings.Cut(event, "\ndata: "); ok {
					s.events <- strings.TrimPrefix(name, "event: ") + " " + data
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// next gives the next event, or what is wrong with waiting for it.
func (s *stream) next(wait time.Duration) string {
	select {
	case event, ok := <-s.events:
		if !ok {
			return "(ended)"
		}
		return event
	case <-time.After(wait):
		return fmt.Sprintf("(nothing within %s)", wait)
	}
}

// says checks the next events, in their order.
func (s *stream) says(t testing.TB, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := s.next(5 * time.Second); got != w {
			t.Fatalf("%s: event %q, want %q", s.answer.asked, got, w)
		}
	}
}

// watch opens the stream of an attempt.
func (b *browser) watch(t testing.TB, attempt string) *stream {
	t.Helper()
	return open(t, b.client, b.request(t, http.MethodGet, attempt+"/events", nil))
}

// listen opens the stream of a phone.
func (ph *phone) listen(t testing.TB) *stream {
	t.Helper()
	return open(t, ph.client, ph.request(t, http.MethodGet, "/events", nil))
}
