package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/server/servertest"
)

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

// browser is a browser without script: it keeps cookies, follows no redirect by
// itself, and sends the token of the form it saw last.
type browser struct {
	base   string
	client *http.Client
	csrf   string
	agent  string
	more   *url.Values // fields that every form has besides, where it has none of that name
}

func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{base: w.URL, more: &w.more, agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", client: &http.Client{
		Jar: jar, Transport: w.wire, Timeout: 2 * time.Minute,
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
	for name, values := range *b.more {
		if !form.Has(name) {
			form[name] = values
		}
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
	b.byPassword(t, name).get(t, "/me").want(t, http.StatusOK)
	return b
}

// byPassword signs in by password, whatever comes then.
func (b *browser) byPassword(t testing.TB, name string) *browser {
	t.Helper()
	attempt := b.begin(t, name)
	if step(b.get(t, attempt)) != "password" {
		b.post(t, attempt+"/method", "method", "password").want(t, http.StatusSeeOther)
	}
	b.post(t, attempt+"/verify", "password", servertest.Password).want(t, http.StatusSeeOther)
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
