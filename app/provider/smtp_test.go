package provider_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/provider"
)

// certified is a certificate for a host by an authority of its own.
func certified(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	sure := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	sure(err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	sure(err)
	authority, err = x509.ParseCertificate(der)
	sure(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	sure(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{host}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err = x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	sure(err)
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// TestSMTPSIsTLSFromTheFirstByteOn: who proves to be the host gets the mail and the
// login, and nobody else gets either.
func TestSMTPSIsTLSFromTheFirstByteOn(t *testing.T) {
	own, roots := certified(t, "localhost")
	foreign, _ := certified(t, "localhost")
	cross, crossRoots := certified(t, "mail.birch.example")
	for _, c := range []struct {
		claim, account string
		shows          tls.Certificate
		trusts         *x509.CertPool
		comes          bool
	}{
		{"its certificate, with an account", "id", own, roots, true},
		{"its certificate, without one", "", own, roots, true},
		{"a certificate of an unknown authority", "id", foreign, roots, false},
		{"one that the system does not know", "", own, nil, false},
		{"a certificate for another host", "id", cross, crossRoots, false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			each(t, func(h *house) {
				box := receiveOver(h.T, &tls.Config{Certificates: []tls.Certificate{c.shows}})
				h.Roots = c.trusts
				password := ""
				if c.account != "" {
					password = "a mail password"
				}
				h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: box.address, Account: c.account, Sender: "id@alder.example"}, password)
				h.tell()
				if c.comes {
					h.working(sent)
				} else {
					h.working(putOff)
				}
				mails, logins, want := len(box.all()), len(box.logins), 0
				if c.comes {
					want = 1
				}
				if mails != want || logins > want || c.comes && (logins == 1) != (c.account != "") {
					h.Errorf("%d mails and %d logins", mails, logins)
				}
				if got := h.text("SELECT fault FROM outbox"); c.comes != (got == "") {
					h.Errorf("its fault is %q", got)
				}
			})
		})
	}
}

// TestAPlainServerBehindSMTPSGetsNothing: not the mail, not the login, and not who we
// are, whatever it says first.
func TestAPlainServerBehindSMTPSGetsNothing(t *testing.T) {
	for _, account := range []string{"id", ""} {
		t.Run("account "+account, func(t *testing.T) {
			each(t, func(h *house) {
				box := receive(h.T)
				password := ""
				if account != "" {
					password = "a mail password"
				}
				address := strings.Replace(strings.Replace(box.address, "smtp:", "smtps:", 1), "127.0.0.1", "localhost", 1)
				h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: address, Account: account, Sender: "id@alder.example"}, password)
				h.tell()
				h.working(putOff)
				if len(box.all()) != 0 || len(box.logins) != 0 {
					h.Errorf("%d mails and the logins %v", len(box.all()), box.logins)
				}
				if got := h.text("SELECT fault FROM outbox"); got != "unreachable" {
					h.Errorf("its fault is %q", got)
				}
			})
		})
	}
}

// TestAServerThatNeverStopsTalkingIsLeft: a reply is not read to an end that never
// comes, in the greeting or later.
func TestAServerThatNeverStopsTalkingIsLeft(t *testing.T) {
	for claim, greeting := range map[string]string{"in one line": "", "in many lines": "220-still here\r\n", "after a greeting": "220 hello\r\n"} {
		t.Run(claim, func(t *testing.T) {
			each(t, func(h *house) {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					h.Fatal(err)
				}
				h.Cleanup(func() { _ = listener.Close() })
				told := make(chan int64, 100)
				go func() {
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						go func() {
							defer conn.Close()
							chunk := strings.Repeat("x", 1<<10)
							if strings.HasPrefix(greeting, "220-") {
								chunk = strings.Repeat(greeting, 64)
							}
							n, _ := io.WriteString(conn, greeting)
							all := int64(n)
							for all < 64<<20 { // what our side does not read stays in buffers far smaller
								n, err := io.WriteString(conn, chunk)
								all += int64(n)
								if err != nil {
									break
								}
							}
							told <- all
						}()
					}
				}()
				h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://" + listener.Addr().String(), Sender: "id@alder.example"}, "")
				h.tell()
				h.working(putOff)
				if all := <-told; all >= 64<<20 {
					h.Errorf("it was listened to for %d bytes", all)
				}
				if got := h.text("SELECT fault FROM outbox"); got != "unreachable" {
					h.Errorf("its fault is %q", got)
				}
			})
		})
	}
}

// written is a log that a test reads while others write.
type written struct {
	mu sync.Mutex
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Buffer.Write(p)
}

// TestTheLogHasNoSecretAddress: the path and the query of a webhook stay out of it,
// also when the server repeats them.
func TestTheLogHasNoSecretAddress(t *testing.T) {
	for claim, answer := range map[string]string{
		"a connection that breaks":  "",
		"a redirect that is broken": "HTTP/1.1 302 Found\r\nLocation: http://%zz/canary-path?canary-query\r\n\r\n",
		"no HTTP":                   "canary-path canary-query\r\n\r\n",
		"no answer in time":         "wait",
	} {
		t.Run(claim, func(t *testing.T) {
			each(t, func(h *house) {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					h.Fatal(err)
				}
				h.Cleanup(func() { _ = listener.Close() })
				go func() {
					for {
						conn, err := listener.Accept()
						if err != nil {
							return
						}
						_, _ = conn.Read(make([]byte, 4096))
						if answer == "wait" {
							h.Cleanup(func() { _ = conn.Close() })
							continue
						}
						_, _ = io.WriteString(conn, answer)
						_ = conn.Close()
					}
				}()
				if answer == "wait" {
					h.Client.Timeout = 500 * time.Millisecond
				}
				log := &written{}
				h.work.Log = slog.New(slog.NewTextHandler(log, nil))
				h.save(provider.SMS, provider.Settings{Driver: provider.Webhook, URL: "http://" + listener.Addr().String() + "/canary-path?key=canary-query"}, token)
				h.code(provider.SMS, "493817")
				h.working(putOff)
				h.clock.Forward(10 * time.Minute)
				h.working(dead)
				text := log.String()
				if !strings.Contains(text, "notice put off") || !strings.Contains(text, "notice not sent") || strings.Contains(text, "canary") || strings.Contains(text, "493817") {
					h.Errorf("the log says\n%s", text)
				}
			})
		})
	}
}
