package notify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/app/notify"
	"latchkey/app/notify/notifytest"
	"latchkey/app/secret"
)

func keysOf(t *testing.T) *secret.Keys {
	t.Helper()
	keys, err := secret.NewKeys([]byte("a master key that only stories have"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sender is what the program sends with.
func sender(t *testing.T) *notify.Push {
	t.Helper()
	public, private := keysOf(t).Push()
	return &notify.Push{Client: notify.Outside{Allowed: notify.Loopback}.Client(), Subscriber: "mailto:postmaster@id.example", Public: public, Private: private}
}

func TestAPushSaysWhoSendsItAndOpensForItsBrowserAlone(t *testing.T) {
	t.Parallel()
	s, b, p := notifytest.PushService(t), notifytest.Subscribe(t), sender(t)
	const body = `{"request":"a request"}`
	if err := p.Send(t.Context(), notify.Owed{Target: b.At(s.URL + "/send/one"), Body: body, Life: 119*time.Second + time.Millisecond}); err != nil {
		t.Fatalf("Send = %v", err)
	}
	d := <-s.Got
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "Ttl": "119", "Urgency": "high"} {
		if got := d.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if d.Path != "POST /send/one" {
		t.Errorf("it came as %s", d.Path)
	}
	if got := b.Read(d.Body); got != body {
		t.Errorf("the browser reads %q", got)
	}
	if bytes.Contains(d.Body, []byte("request")) {
		t.Error("the push service can read it")
	}
	again := s.Got
	if err := p.Send(t.Context(), notify.Owed{Target: b.At(s.URL + "/send/one"), Body: body, Life: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if e := <-again; bytes.Equal(e.Body[:100], d.Body[:100]) {
		t.Error("two messages begin alike")
	}

	// VAPID (RFC 8292 §2): who sends it, to whom, and for how long.
	token, key, ok := strings.Cut(strings.TrimPrefix(d.Header.Get("Authorization"), "vapid t="), ", k=")
	if !ok || key != p.Public {
		t.Fatalf("Authorization is %q", d.Header.Get("Authorization"))
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(public)
	if err != nil {
		t.Fatalf("the token is not signed by the key beside it: %v", err)
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Aud != s.URL || claims.Sub != "mailto:postmaster@id.example" {
		t.Errorf("the token is for %q and from %q", claims.Aud, claims.Sub)
	}
	if life := time.Until(time.Unix(claims.Exp, 0)); life <= 0 || life > 24*time.Hour {
		t.Errorf("the token lives %v, want a day at most", life)
	}
}

func TestWhatAPushServiceAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		answer int
		ok     bool
		gone   bool
	}{
		{http.StatusCreated, true, false},
		{http.StatusAccepted, true, false},
		{http.StatusFound, false, false},
		{http.StatusBadRequest, false, false},
		{http.StatusForbidden, false, false},
		{http.StatusNotFound, false, true},
		{http.StatusGone, false, true},
		{http.StatusRequestEntityTooLarge, false, false},
		{http.StatusTooManyRequests, false, false},
		{http.StatusInternalServerError, false, false},
	} {
		s, b := notifytest.PushService(t), notifytest.Subscribe(t)
		s.Answer.Store(int64(row.answer))
		err := sender(t).Send(t.Context(), notify.Owed{Target: b.At(s.URL + "/one"), Body: "{}", Life: time.Minute})
		if (err == nil) != row.ok || errors.Is(err, notify.ErrGone) != row.gone {
			t.Errorf("after %d Send = %v, want ok %t, gone %t", row.answer, err, row.ok, row.gone)
		}
		if d := <-s.Got; d.Path != "POST /one" || len(s.Got) != 0 {
			t.Errorf("after %d it came as %s, and then %d more", row.answer, d.Path, len(s.Got))
		}
	}
}

func TestSubscriptionsThatAreNone(t *testing.T) {
	t.Parallel()
	b := notifytest.Subscribe(t)
	good := b.At("https://push.example/one")
	for claim, text := range map[string]string{
		"nothing":                "",
		"no JSON":                "{",
		"no endpoint":            strings.ReplaceAll(good, "https://push.example/one", ""),
		"plain http":             strings.ReplaceAll(good, "https://", "http://"),
		"another scheme":         strings.ReplaceAll(good, "https://", "file://"),
		"no host":                strings.ReplaceAll(good, "https://push.example/one", "https:///one"),
		"no key":                 strings.ReplaceAll(good, b.Key(), ""),
		"no secret":              strings.ReplaceAll(good, b.Auth(), ""),
		"longer than any other":  strings.ReplaceAll(good, "/one", "/"+strings.Repeat("x", 5000)),
		"a number":               "42",
		"an endpoint of numbers": `{"endpoint":42}`,
	} {
		if kept, err := notify.CheckSubscription([]byte(text)); err == nil {
			t.Errorf("%s: CheckSubscription keeps %q", claim, kept)
		}
	}
	// One whose keys do not encrypt will never take a message.
	s := notifytest.PushService(t)
	for claim, broken := range map[string]string{
		"a key that is no point": strings.ReplaceAll(b.At(s.URL), b.Key(), base64.RawURLEncoding.EncodeToString(make([]byte, 65))),
		"no text of a key":       strings.ReplaceAll(b.At(s.URL), b.Key(), "!"),
		"no subscription at all": "{",
	} {
		if err := sender(t).Send(t.Context(), notify.Owed{Target: broken, Body: "{}", Life: time.Minute}); !errors.Is(err, notify.ErrGone) {
			t.Errorf("%s: Send = %v, want ErrGone", claim, err)
		}
	}
	if len(s.Got) != 0 {
		t.Error("something was sent all the same")
	}
}

// TestNoCallGoesToAnAddressOfTheHouse: whoever names an endpoint names a public one.
func TestNoCallGoesToAnAddressOfTheHouse(t *testing.T) {
	t.Parallel()
	s := notifytest.PushService(t)
	port := must(url.Parse(s.URL)).Port()
	call := func(client *http.Client, host string) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host+":"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	strict, lenient := notify.Outside{}.Client(), notify.Outside{Allowed: notify.Loopback}.Client()
	for _, host := range []string{"127.0.0.1", "localhost", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]"} {
		if err := call(strict, host); err == nil || !strings.Contains(err.Error(), "not a public address") {
			t.Errorf("a call to %s = %v, want a refusal", host, err)
		}
	}
	if len(s.Got) != 0 {
		t.Error("loopback was called")
	}
	for _, client := range []*http.Client{strict, lenient} {
		for _, host := range []string{
			"0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255",
			"198.18.0.1", "192.0.0.8", "224.0.0.1", "240.0.0.1", "255.255.255.255",
			"[::]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[ff02::1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
			"[64:ff9b::a00:1]", "[64:ff9b:1::1]", "[2002:a00:1::1]", "[2001::a00:1]",
		} {
			if err := call(client, host); err == nil || !strings.Contains(err.Error(), "not a public address") {
				t.Errorf("a call to %s = %v, want a refusal", host, err)
			}
		}
	}
	// Where the whole program is on loopback, push services of tests are too; but
	// no answer leads on to another address.
	s.Answer.Store(http.StatusFound)
	if err := call(lenient, "127.0.0.1"); err != nil {
		t.Errorf("a call to loopback where it is allowed = %v", err)
	}
	if d := <-s.Got; d.Path != "POST /" || len(s.Got) != 0 {
		t.Errorf("the redirect was followed: %s and %d more", d.Path, len(s.Got))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestWhyAPushFailedDoesNotNameItsEndpoint: who knows an endpoint may use it, and
// failures are logged.
func TestWhyAPushFailedDoesNotNameItsEndpoint(t *testing.T) {
	t.Parallel()
	for claim, answer := range map[string]http.HandlerFunc{
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a broken redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://%zz/canary-path")
			w.WriteHeader(http.StatusFound)
		},
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"nobody":   nil,
	} {
		s := httptest.NewServer(answer)
		if answer == nil {
			s.Close()
		} else {
			t.Cleanup(s.Close)
		}
		err := sender(t).Send(t.Context(), notify.Owed{Target: notifytest.Subscribe(t).At(s.URL + "/canary-path?canary-query=1"), Body: "{}", Life: time.Minute})
		if err == nil || errors.Is(err, notify.ErrGone) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: Send = %v", claim, err)
		}
	}
	// An address that is none is not named either.
	err := sender(t).Send(t.Context(), notify.Owed{Target: strings.Replace(notifytest.Subscribe(t).At("https://push.example/one"), "https://push.example/one", "https://push.example:canary/canary", 1), Body: "{}", Life: time.Minute})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("no address: Send = %v", err)
	}
}

// TestANoticeIsWrittenWhenItIsSent: what is owed has an id, and the phone gets words.
func TestANoticeIsWrittenWhenItIsSent(t *testing.T) {
	t.Parallel()
	s, b, p := notifytest.PushService(t), notifytest.Subscribe(t), sender(t)
	owed := notify.Owed{TenantID: "alder", Target: b.At(s.URL + "/send/one"), Body: `{"notice":{"action":"bypass.issued","agent":"somebody","disowning":"an id"}}`, Life: time.Hour}
	var failed *notify.Failed
	if err := p.Send(t.Context(), owed); !errors.As(err, &failed) || !failed.Final {
		t.Errorf("without words it is %v, want given up", err)
	}
	p.Write = func(_ context.Context, tenantID string, n notify.Told) (notify.Pushed, error) {
		return notify.Pushed{Title: tenantID, Text: n.Agent + " did it", Link: "/" + n.Disowning}, nil
	}
	if err := p.Send(t.Context(), owed); err != nil {
		t.Fatal(err)
	}
	if got := b.Read((<-s.Got).Body); got != `{"title":"alder","text":"somebody did it","link":"/an id"}` {
		t.Errorf("the phone reads %s", got)
	}
	p.Write = func(context.Context, string, notify.Told) (notify.Pushed, error) {
		return notify.Pushed{}, errors.New("no database")
	}
	if err := p.Send(t.Context(), owed); err == nil || errors.As(err, &failed) && failed.Final {
		t.Errorf("when it cannot be written now it is %v, want put off", err)
	}
}
