package provider_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// house is a tenant, its providers and the worker that sends.
type house struct {
	*testing.T
	*provider.Service
	clock *storetest.Clock
	work  *notify.Worker
	nudge chan struct{}
}

// anyway keeps nobody: the providers of these stories are nobody's way in.
func anyway(_ *store.Tx, _ string, change func() error) error { return change() }

// plain writes what people read, so that a test can read it too.
type plain struct{}

func (plain) Code(tenantName, code string) string { return tenantName + " says " + code }
func (plain) Spoken(tenantName, code string) []string {
	return []string{tenantName + " & co", code + "."}
}

func (plain) ToCaller(tenantName, code, letters string) (string, []string) {
	return tenantName + " asks for " + code + " as " + letters, []string{tenantName, code}
}

func (plain) Handed(tenantName, code string, half bool) (string, []string) {
	return fmt.Sprintf("%s hands %s, half: %t", tenantName, code, half), []string{tenantName, code}
}

func (plain) Mail(tenantName string, n notify.Told) (string, string) {
	return tenantName + ": " + string(n.Action), "because " + n.Reason + " " + n.Detail
}

func (plain) Told(tenantName string, n notify.Told) string {
	return tenantName + " tells of " + string(n.Action) + " by " + n.Agent + ": " + n.Disowning
}

func (plain) Pushed(tenantName string, n notify.Told) notify.Pushed {
	return notify.Pushed{Title: tenantName, Text: string(n.Action) + " by " + n.Agent, Link: n.Disowning}
}

func each(t *testing.T, story func(h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		keys, err := secret.NewKeys([]byte("a master key that only stories have"))
		if err != nil {
			t.Fatal(err)
		}
		outside := notify.Outside{Allowed: notify.Loopback}
		client := outside.Client()
		client.Timeout = 10 * time.Second // a busy machine is no slow provider
		h := &house{T: t, clock: clock, nudge: make(chan struct{}, 1)}
		h.Service = &provider.Service{DB: db, Keys: keys, Outside: outside, Client: client, Words: plain{}, Helo: "id.example", Nudge: h.nudge, Keeping: anyway}
		h.work = &notify.Worker{
			DB: db, Log: slog.New(slog.DiscardHandler), Nudge: h.nudge, OfOne: 3,
			Again:   func(tries int) (time.Duration, bool) { return time.Minute, true },
			Senders: map[string]notify.Sender{notify.KindSMS: h, notify.KindVoice: h, notify.KindMail: h},
		}
		for _, slug := range []string{"alder", "birch"} {
			h.set("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,'eu','stable','active','pick3','ios',?)", slug, slug, strings.ToUpper(slug), clock.Now())
			h.set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,'','active','disabled','',?)", slug, slug+"-user1", "user1@"+slug+".example", clock.Now())
		}
		story(h)
	})
}

func (h *house) set(statement string, values ...any) {
	h.Helper()
	if err := h.DB.Act(h.Context(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }); err != nil {
		h.Fatal(err)
	}
}

func (h *house) text(query string, values ...any) (text string) {
	h.Helper()
	if _, err := h.DB.View(h.Context()).One(&text, query, values...); err != nil {
		h.Fatal(err)
	}
	return text
}

// save sets a provider of alder that is not there yet.
func (h *house) save(c provider.Channel, s provider.Settings, credential string) {
	h.Helper()
	if err := h.Save(h.Context(), "alder", "alder-user1", c, s, secret.TokenOf(credential), 0, audit.Origin{}); err != nil {
		h.Fatalf("save %s: %v", c, err)
	}
}

// code owes a code to a number of alder's.
func (h *house) code(c provider.Channel, code string) {
	h.Helper()
	err := h.DB.Act(h.Context(), func(tx *store.Tx) error {
		return h.QueueCode(tx, "alder", c, "+4930901820", secret.TokenOf(code), 10*time.Minute)
	})
	if err != nil {
		h.Fatal(err)
	}
}

// tell owes a notice to user1 of alder.
func (h *house) tell() {
	h.Helper()
	err := h.DB.Act(h.Context(), func(tx *store.Tx) error {
		return notify.Tell(tx, "alder", "alder-user1", notify.Notice{Action: audit.UserLocked, Reason: "a reason"})
	})
	if err != nil {
		h.Fatal(err)
	}
}

// working lets the worker work until a query finds a row.
func (h *house) working(until string, values ...any) {
	h.Helper()
	ctx, stop := context.WithCancel(h.Context())
	ended := make(chan struct{})
	go func() { h.work.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case h.nudge <- struct{}{}:
		default:
		}
		if h.text(until, values...) != "" {
			return
		}
	}
	h.Fatalf("for a minute there was none of: %s\nfault %q, failed_at %q", until, h.text("SELECT fault FROM outbox"), h.text("SELECT COALESCE(CAST(failed_at AS text), '') FROM outbox"))
}

// api is a provider's HTTP side.
type api struct {
	*httptest.Server
	mu    sync.Mutex
	got   []request
	reply func(n int, w http.ResponseWriter) // to the n-th request, from 1 on
}

type request struct {
	*http.Request
	body string
}

func serve(t *testing.T) *api {
	t.Helper()
	a := &api{reply: func(_ int, w http.ResponseWriter) { taken(w) }}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a.mu.Lock()
		a.got = append(a.got, request{r, string(body)})
		n, reply := len(a.got), a.reply
		a.mu.Unlock()
		reply(n, w)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) all() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]request(nil), a.got...)
}

// taken answers as Twilio does when it takes a message.
func taken(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "error_code": nil})
}

// mailbox is a mail server that keeps what it takes.
type mailbox struct {
	address string
	mu      sync.Mutex
	mails   []string
	to      []string
	wrong   func() error // what it says to the receiver
	logins  []string
}

func receive(t *testing.T) *mailbox {
	t.Helper()
	return receiveOver(t, nil)
}

// receiveOver is a mail server that speaks TLS from the first byte on, unless over is
// nil.
func receiveOver(t *testing.T, over *tls.Config) *mailbox {
	t.Helper()
	box := &mailbox{}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &conversation{box: box}, nil }))
	s.AllowInsecureAuth = true
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box.address = "smtp://" + listener.Addr().String()
	if over != nil {
		box.address = "smtps://" + strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1)
		listener = tls.NewListener(listener, over)
	}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return box
}

func (b *mailbox) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.mails...)
}

type conversation struct {
	box *mailbox
	to  string
}

func (c *conversation) Reset()                               {}
func (c *conversation) Logout() error                        { return nil }
func (c *conversation) Mail(string, *smtp.MailOptions) error { return nil }
func (c *conversation) AuthMechanisms() []string             { return []string{sasl.Plain} }
func (c *conversation) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		c.box.mu.Lock()
		defer c.box.mu.Unlock()
		c.box.logins = append(c.box.logins, user+":"+password)
		if password != "a mail password" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	c.to = to
	if c.box.wrong != nil {
		return c.box.wrong()
	}
	return nil
}

func (c *conversation) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	c.box.mails, c.box.to = append(c.box.mails, string(text)), append(c.box.to, c.to)
	return nil
}
