package consumer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/consumer"
	"latchkey/app/eventform"
	"latchkey/app/notify"
	"latchkey/app/secret"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is one with somebody who may add consumers, and a webhook to be one.
type house struct {
	*House
	security  user.User
	seals     *checkpoint.Service
	consumers *consumer.Service
	hook      *hook
}

func each(t *testing.T, story func(h *house)) {
	t.Helper()
	Each(t, func(base *House) {
		h := &house{House: base, security: base.Admin(base.Alder, "security", access.RoleSecurityAdministrator)}
		h.seals = &checkpoint.Service{DB: h.DB, Keys: h.Keys, Log: slog.New(slog.DiscardHandler)}
		h.consumers = h.replica()
		h.hook = open(h.T)
		story(h)
	})
}

// replica is another process at the same consumers.
func (h *house) replica() *consumer.Service {
	outside := notify.Outside{Allowed: notify.Loopback}
	return &consumer.Service{DB: h.DB, Keys: h.Keys, Secrets: secret.System, Outside: outside, Client: outside.Client(), Host: "id.example", Goodbye: 10 * time.Second, Log: slog.New(slog.DiscardHandler)}
}

// happens records n events, and seals them.
func (h *house) happens(n int) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error {
		for range n {
			err := audit.Record(tx, audit.Event{
				TenantID: h.Alder.ID, Action: audit.UserLocked, Actor: audit.User(h.security.ID), Target: audit.User(h.security.ID), Subject: h.security.ID, Reason: "line\nbreak | = \\",
				Origin: audit.Origin{IP: "203.0.113.9", Browser: "firefox/windows"}, Details: map[string]string{"ticket": "INC-1"},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.seal()
}

func (h *house) seal() {
	h.T.Helper()
	if err := h.seals.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

func (h *house) size() int64 {
	h.T.Helper()
	n, err := checkpoint.Size(h.DB.View(h.T.Context()), h.Alder.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return n
}

func (h *house) settings() consumer.Settings {
	return consumer.Settings{Kind: consumer.Webhook, Name: "SIEM", Form: eventform.JSONL, URL: h.hook.URL, Personal: true, FromStart: true}
}

func (h *house) add(s consumer.Settings) (id string, made secret.Token) {
	h.T.Helper()
	id, made, err := h.consumers.Add(h.T.Context(), h.Alder.ID, h.security.ID, s, audit.Origin{})
	if err != nil {
		h.T.Fatal(err)
	}
	return id, made
}

func (h *house) find(id string) consumer.Consumer {
	h.T.Helper()
	c, err := h.consumers.Find(h.T.Context(), h.Alder.ID, id)
	if err != nil {
		h.T.Fatal(err)
	}
	return c
}

func (h *house) round() {
	h.T.Helper()
	if err := h.consumers.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

// took is what a webhook was handed.
type took struct {
	header http.Header
	body   string
	Kind   string `json:"kind"`
	First  int64  `json:"first"`
	Next   int64  `json:"next"`
	Note   string `json:"checkpoint"`
	Events []struct {
		Sequence int64           `json:"sequence"`
		N        int64           `json:"n"`
		Record   string          `json:"record"`
		Event    json.RawMessage `json:"event"`
	} `json:"events"`
}

// hook is a webhook that answers as it is told.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	all    []took
	answer func(t took) int
}

func open(t *testing.T) *hook {
	h := &hook{answer: func(took) int { return http.StatusNoContent }}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := took{header: r.Header, body: string(body)}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("it is handed %q: %v", body, err)
		}
		h.mu.Lock()
		h.all = append(h.all, got)
		answer := h.answer
		h.mu.Unlock()
		w.WriteHeader(answer(got))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) says(answer func(t took) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func (h *hook) taken() []took {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.all
	h.all = nil
	return all
}

// collector is a receiver of syslog over TLS, with a certificate of its own.
type collector struct {
	URL, Roots string
	messages   chan string // of a connection, all
	breaks     atomic.Bool // it hangs up
}

func listen(t *testing.T) *collector {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "siem"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	line, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{URL: "tls://" + line.Addr().String(), Roots: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), messages: make(chan string, 64)}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := line.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer conn.Close()
				if c.breaks.Load() {
					_ = conn.(*tls.Conn).Handshake()
					_ = conn.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
					_ = conn.(*tls.Conn).NetConn().Close()
					return
				}
				all, err := io.ReadAll(conn)
				if err == nil && len(all) > 0 {
					c.messages <- string(all)
				}
			})
		}
	})
	t.Cleanup(func() { _ = line.Close(); open.Wait() })
	return c
}

// frames takes a stream apart by the count of its octets.
func frames(t *testing.T, stream string) (all []string) {
	t.Helper()
	for stream != "" {
		count, rest, _ := strings.Cut(stream, " ")
		n := 0
		for _, digit := range count {
			n = n*10 + int(digit-'0')
		}
		if n > len(rest) || n == 0 {
			t.Fatalf("a frame says %q", count)
		}
		all, stream = append(all, rest[:n]), rest[n:]
	}
	return all
}
