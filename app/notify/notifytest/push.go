// Package notifytest plays what stands outside of Web Push: the push service, and
// the browser that has subscribed at it.
package notifytest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"latchkey/app/notify"
)

// Service is a push service on loopback (RFC 8030) that keeps what it is sent.
type Service struct {
	*httptest.Server
	Answer atomic.Int64 // the status that it answers with
	Got    chan Delivery
}

// Delivery is one message as it came.
type Delivery struct {
	Header http.Header
	Body   []byte
	Path   string // with the verb before it
}

// PushService starts one that takes everything.
func PushService(t testing.TB) *Service {
	t.Helper()
	s := &Service{Got: make(chan Delivery, 100)}
	s.Answer.Store(http.StatusCreated)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.Got <- Delivery{r.Header, body, r.Method + " " + r.URL.Path}
		status := int(s.Answer.Load())
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s
}

// Browser is a browser that has subscribed: the keys of RFC 8291 §2.1.
type Browser struct {
	t       testing.TB
	private *ecdh.PrivateKey
	auth    []byte
}

// Subscribe makes the keys of one subscription.
func Subscribe(t testing.TB) *Browser {
	t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t, private: private, auth: make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	return b
}

// Key is the public key of the subscription, p256dh.
func (b *Browser) Key() string {
	return base64.RawURLEncoding.EncodeToString(b.private.PublicKey().Bytes())
}

// Auth is the secret of the subscription, auth.
func (b *Browser) Auth() string { return base64.RawURLEncoding.EncodeToString(b.auth) }

// At is the subscription at an endpoint, as the browser would give it.
func (b *Browser) At(endpoint string) string {
	b.t.Helper()
	text, err := json.Marshal(map[string]any{
		"endpoint": endpoint, "expirationTime": nil,
		"keys": map[string]string{"p256dh": b.Key(), "auth": b.Auth()},
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

// Read decrypts a message as RFC 8291 §3.4 and RFC 8188 §2 say.
func (b *Browser) Read(message []byte) string {
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
