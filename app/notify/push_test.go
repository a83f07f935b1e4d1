package notify_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/app/notify"
	"latchkey/app/secret"
)

// service is a push service on loopback (RFC 8030) that keeps what it is sent.
type service struct {
	*httptest.Server
	answer atomic.Int64 // the status that it answers with
	got    chan delivery
}

type delivery struct {
	header http.Header
	body   []byte
	path   string
}

func pushService(t *testing.T) *service {
	t.Helper()
	s := &service{got: make(chan delivery, 100)}
	s.answer.Store(http.StatusCreated)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.got <- delivery{r.Header, body, r.Method + " " + r.URL.Path}
		status := int(s.answer.Load())
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// browser is a browser that has subscribed: the keys of RFC 8291 §2.1.
type browser struct {
	t       *testing.T
	private *ecdh.PrivateKey
	auth    []byte
}

func subscribe(t *testing.T) *browser {
	t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, private: private, auth: make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	return b
}

// at is the subscription at an endpoint, as the browser would give it.
func (b *browser) at(endpoint string) string {
	b.t.Helper()
	text, err := json.Marshal(map[string]any{
		"endpoint": endpoint, "expirationTime": nil,
		"keys": map[string]string{"p256dh": encode(b.private.PublicKey().Bytes()), "auth": encode(b.auth)},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	kept, err := notify.CheckSubscription(text)
	if err != nil {
		b.t.Fatalf("CheckSubscription = %v", err)
	}
	return kept
}

// read decrypts a message as RFC 8291 §3.4 and RFC 8188 §2 say.
func (b *browser) read(message []byte) string {
	b.t.Helper()
	must := func(err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatalf("the message does not open: %v", err)
		}
	}
	if len(message) < 21+65 {
		b.t.Fatalf("a message of %d bytes", len(message))
	}
	salt, size, keyID := message[:16], binary.BigEndian.Uint32(message[16:20]), int(message[20])
	if keyID != 65 || size < uint32(len(message)-21-keyID) {
		b.t.Errorf("a record of %d bytes is said to have %d, under a key of %d", len(message)-21-keyID, size, keyID)
	}
	sender, err := ecdh.P256().NewPublicKey(message[21 : 21+keyID])
	must(err)
	shared, err := b.private.ECDH(sender)
	must(err)
	info := "WebPush: info\x00" + string(b.private.PublicKey().Bytes()) + string(sender.Bytes())
	ikm, err := hkdf.Key(sha256.New, shared, b.auth, info, 32)
	must(err)
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	must(err)
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	must(err)
	block, err := aes.NewCipher(key)
	must(err)
	gcm, err := cipher.NewGCM(block)
	must(err)
	plain, err := gcm.Open(nil, nonce, message[21+keyID:], nil)
	must(err)
	text := bytes.TrimRight(plain, "\x00")
	if len(text) == 0 || text[len(text)-1] != 2 { // the last record
		b.t.Fatal("the padding has no end")
	}
	return string(text[:len(text)-1])
}

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
	s, b, p := pushService(t), subscribe(t), sender(t)
	const body = `{"request":"a request"}`
	if err := p.Send(t.Context(), notify.Owed{Target: b.at(s.URL + "/send/one"), Body: body, Life: 119*time.Second + time.Millisecond}); err != nil {
		t.Fatalf("Send = %v", err)
	}
	d := <-s.got
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "Ttl": "119", "Urgency": "high"} {
		if got := d.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if d.path != "POST /send/one" {
		t.Errorf("it came as %s", d.path)
	}
	if got := b.read(d.body); got != body {
		t.Errorf("the browser reads %q", got)
	}
	if bytes.Contains(d.body, []byte("request")) {
		t.Error("the push service can read it")
	}
	again := s.got
	if err := p.Send(t.Context(), notify.Owed{Target: b.at(s.URL + "/send/one"), Body: body, Life: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if e := <-again; bytes.Equal(e.body[:100], d.body[:100]) {
		t.Error("two messages begin alike")
	}

	// VAPID (RFC 8292 §2): who sends it, to whom, and for how long.
	token, key, ok := strings.Cut(strings.TrimPrefix(d.header.Get("Authorization"), "vapid t="), ", k=")
	if !ok || key != p.Public {
		t.Fatalf("Authorization is %q", d.header.Get("Authorization"))
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
		s, b := pushService(t), subscribe(t)
		s.answer.Store(int64(row.answer))
		err := sender(t).Send(t.Context(), notify.Owed{Target: b.at(s.URL + "/one"), Body: "{}", Life: time.Minute})
		if (err == nil) != row.ok || errors.Is(err, notify.ErrGone) != row.gone {
			t.Errorf("after %d Send = %v, want ok %t, gone %t", row.answer, err, row.ok, row.gone)
		}
		if d := <-s.got; d.path != "POST /one" || len(s.got) != 0 {
			t.Errorf("after %d it came as %s, and then %d more", row.answer, d.path, len(s.got))
		}
	}
}

func TestSubscriptionsThatAreNone(t *testing.T) {
	t.Parallel()
	b := subscribe(t)
	good := b.at("https://push.example/one")
	for claim, text := range map[string]string{
		"nothing":                "",
		"no JSON":                "{",
		"no endpoint":            strings.ReplaceAll(good, "https://push.example/one", ""),
		"plain http":             strings.ReplaceAll(good, "https://", "http://"),
		"another scheme":         strings.ReplaceAll(good, "https://", "file://"),
		"no host":                strings.ReplaceAll(good, "https://push.example/one", "https:///one"),
		"no key":                 strings.ReplaceAll(good, encode(b.private.PublicKey().Bytes()), ""),
		"no secret":              strings.ReplaceAll(good, encode(b.auth), ""),
		"longer than any other":  strings.ReplaceAll(good, "/one", "/"+strings.Repeat("x", 5000)),
		"a number":               "42",
		"an endpoint of numbers": `{"endpoint":42}`,
	} {
		if kept, err := notify.CheckSubscription([]byte(text)); err == nil {
			t.Errorf("%s: CheckSubscription keeps %q", claim, kept)
		}
	}
	// One whose keys do not encrypt will never take a message.
	s := pushService(t)
	for claim, broken := range map[string]string{
		"a key that is no point": strings.ReplaceAll(b.at(s.URL), encode(b.private.PublicKey().Bytes()), encode(make([]byte, 65))),
		"no text of a key":       strings.ReplaceAll(b.at(s.URL), encode(b.private.PublicKey().Bytes()), "!"),
		"no subscription at all": "{",
	} {
		if err := sender(t).Send(t.Context(), notify.Owed{Target: broken, Body: "{}", Life: time.Minute}); !errors.Is(err, notify.ErrGone) {
			t.Errorf("%s: Send = %v, want ErrGone", claim, err)
		}
	}
	if len(s.got) != 0 {
		t.Error("something was sent all the same")
	}
}

// TestNoCallGoesToAnAddressOfTheHouse: whoever names an endpoint names a public one.
func TestNoCallGoesToAnAddressOfTheHouse(t *testing.T) {
	t.Parallel()
	s := pushService(t)
	port := must(url.Parse(s.URL)).Port()
	call := func(client *http.Client, host string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
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
	if len(s.got) != 0 {
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
	s.answer.Store(http.StatusFound)
	if err := call(lenient, "127.0.0.1"); err != nil {
		t.Errorf("a call to loopback where it is allowed = %v", err)
	}
	if d := <-s.got; d.path != "POST /" || len(s.got) != 0 {
		t.Errorf("the redirect was followed: %s and %d more", d.path, len(s.got))
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
		err := sender(t).Send(t.Context(), notify.Owed{Target: subscribe(t).at(s.URL + "/canary-path?canary-query=1"), Body: "{}", Life: time.Minute})
		if err == nil || errors.Is(err, notify.ErrGone) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: Send = %v", claim, err)
		}
	}
	// An address that is none is not named either.
	err := sender(t).Send(t.Context(), notify.Owed{Target: strings.Replace(subscribe(t).at("https://push.example/one"), "https://push.example/one", "https://push.example:canary/canary", 1), Body: "{}", Life: time.Minute})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("no address: Send = %v", err)
	}
}
