package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/server/servertest"
	"latchkey/app/store"
	"latchkey/app/store/storetest"
)

// carriers are an API like Twilio's and a mail server that behave alike: both are slow,
// away, lying or honest.
type carriers struct {
	t        *testing.T
	api, box *door

	mu    sync.Mutex
	how   string
	over  chan struct{}                  // closed when how is another
	seen  map[string]map[string][]string // what came, by door, by the key that it came under
	taken map[string]map[string]bool     // what was taken and said to be, likewise
	lies  map[string]int                 // told, by door
}

const (
	slow   = "slow"   // takes what comes, and never says so
	lying  = "lying"  // says what it likes
	honest = "honest" // says that it took what it took
)

// door is the address of a carrier, which stays the same while nobody is there.
type door struct {
	address string
	serve   func(net.Listener) func()
	leave   func()
}

func (d *door) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	d.leave = d.serve(listener)
}

func (d *door) close() {
	if d.leave != nil {
		d.leave()
	}
	d.leave = nil
}

func openCarriers(t *testing.T) *carriers {
	t.Helper()
	c := &carriers{t: t, how: slow, over: make(chan struct{}), seen: map[string]map[string][]string{"api": {}, "box": {}}, taken: map[string]map[string]bool{"api": {}, "box": {}}, lies: map[string]int{}}
	c.api = &door{address: servertest.FreeAddress(t), serve: func(l net.Listener) func() {
		s := &http.Server{Handler: http.HandlerFunc(c.message)}
		go func() { _ = s.Serve(l) }()
		return func() { _ = s.Close() }
	}}
	c.box = &door{address: servertest.FreeAddress(t), serve: func(l net.Listener) func() {
		s := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) { return &talk{c, conn}, nil }))
		s.ErrorLog = smtp.Logger(quietly{})
		go func() { _ = s.Serve(l) }()
		return func() { _ = s.Close() }
	}}
	c.api.open(t)
	c.box.open(t)
	t.Cleanup(func() { c.are(honest); c.api.close(); c.box.close() })
	return c
}

type quietly struct{}

func (quietly) Printf(string, ...any) {}
func (quietly) Println(...any)        {}

// are changes how they behave.
func (c *carriers) are(how string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.over)
	c.how, c.over = how, make(chan struct{})
}

// came notes that something came to a door, and gives how to answer it: lie is which
// one to tell.
func (c *carriers) came(door, key, text string) (how string, lie int, over <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[door][key] = append(c.seen[door][key], text)
	switch c.how {
	case honest:
		c.taken[door][key] = true
	case lying:
		c.lies[door]++
	}
	return c.how, c.lies[door], c.over
}

func (c *carriers) message(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	how, lie, over := c.came("api", r.Header.Get("Idempotency-Key"), form.Get("Body"))
	switch how {
	case slow:
		select {
		case <-over:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case lying:
		switch lie % 5 {
		case 0: // with nothing
		case 1:
			fmt.Fprint(w, "<html>Welcome to the network</html>")
		case 2:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"sid":"SM1","status":"failed"}`)
		case 3: // it begins well and breaks off
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"sid":`)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 4: // twice at once
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"sid":"SM1","status":"queued"}{"sid":"SM2","status":"queued"}`)
		}
	case honest:
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"SM1","status":"queued"}`)
	}
}

// talk is a conversation with the mail server.
type talk struct {
	of   *carriers
	conn *smtp.Conn
}

func (*talk) Reset()                               {}
func (*talk) Logout() error                        { return nil }
func (*talk) Mail(string, *smtp.MailOptions) error { return nil }
func (*talk) Rcpt(string, *smtp.RcptOptions) error { return nil }

var messageID = regexp.MustCompile(`(?m)^Message-ID: <([^@>]+)@`)

func (s *talk) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	key := messageID.FindStringSubmatch(string(text))
	if key == nil {
		s.of.t.Errorf("a mail without a Message-ID:\n%s", text)
		return nil
	}
	how, lie, over := s.of.came("box", key[1], string(text))
	switch how {
	case slow:
		<-over
		return s.conn.Close()
	case lying:
		switch lie % 3 {
		case 0: // after it took the mail
			return &smtp.SMTPError{Code: 451, Message: "later"}
		case 1:
			_, _ = io.WriteString(s.conn.Conn(), "all is well\r\n")
		}
		_ = s.conn.Close()
		return io.EOF
	}
	return nil
}

// keys is how many keys came to a door.
func (c *carriers) keys(door string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen[door])
}

// lied is how many lies were told at both doors at least.
func (c *carriers) lied() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.lies["api"], c.lies["box"])
}

// TestNothingOwedIsLostWhenTheProgramIsKilled: messages and mails are on their way when
// the process dies without a word, one process after another, while their carriers are
// slow, away and lying. What was not noted as sent is sent again, under the same key,
// and nothing secret is left in the log or in the database.
func TestNothingOwedIsLostWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			const owed, canary = 12, "canary-of-a-credential"
			codes := regexp.MustCompile(`9090(0\d|1[01])`) // the whole of each: ports, which the log has too, are shorter
			out := openCarriers(t)
			address, master := storetest.Address(t, dialect), []byte("a master key that only tests have")
			db, err := store.Open(t.Context(), address, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			must(t, db.Migrate(t.Context()), audit.EnsureMonths(t.Context(), db))
			keys, err := secret.NewKeys(master)
			must(t, err)
			s := &provider.Service{DB: db, Keys: keys, Outside: notify.Outside{Allowed: notify.Loopback}}
			set := func(statement string, values ...any) {
				t.Helper()
				must(t, db.Act(t.Context(), func(tx *store.Tx) error { return tx.Exec(statement, values...).Error }))
			}
			set("INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES ('alder','alder','Alder','eu','stable','active','pick3','ios',?)", db.Now())
			set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES ('alder','user1','user1@alder.example','','active','disabled','',?)", db.Now())
			must(t,
				s.Save(t.Context(), "alder", "", provider.SMS, provider.Settings{Driver: provider.Twilio, URL: "http://" + out.api.address, Account: "AC1", Sender: "+15550100"}, secret.TokenOf(canary), 0, audit.Origin{}),
				s.Save(t.Context(), "alder", "", provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://" + out.box.address, Sender: "id@alder.example"}, secret.TokenOf(""), 0, audit.Origin{}))
			for i := range owed {
				must(t, db.Act(t.Context(), func(tx *store.Tx) error {
					if err := s.QueueCode(tx, "alder", provider.SMS, "+4930901820", secret.TokenOf(fmt.Sprintf("9090%02d", i)), 10*time.Minute); err != nil {
						return err
					}
					return notify.Tell(tx, "alder", "user1", notify.Notice{Action: audit.UserLocked, Reason: fmt.Sprintf("reason number %02d", i)})
				}))
			}
			count := func(where string) (n int) {
				t.Helper()
				if _, err := db.View(t.Context()).One(&n, "SELECT count(*) FROM outbox WHERE "+where); err != nil {
					t.Fatal(err)
				}
				return n
			}
			both := func(fault string) bool {
				return count("kind = 'sms' AND fault = '"+fault+"'") > 0 && count("kind = 'mail' AND fault = '"+fault+"'") > 0
			}

			environment := []string{"LATCHKEY_LISTEN=" + servertest.FreeAddress(t), "LATCHKEY_DATA=" + t.TempDir(), "LATCHKEY_DATABASE_URL=" + address, "LATCHKEY_MASTER_KEY=" + hex.EncodeToString(master), "LATCHKEY_LOG_LEVEL=debug"}
			var logs []string
			dies := func(while string, holds func() bool) {
				t.Helper()
				p := begin(t, environment, "serve")
				eventually(t, while, holds)
				must(t, p.command.Process.Kill())
				<-p.ended
				logs = append(logs, p.out.String())
				if n := count("sent_at IS NOT NULL OR failed_at IS NOT NULL"); n != 0 {
					t.Fatalf("%s: %d are noted as over though nobody took one", while, n)
				}
				set("UPDATE outbox SET due_at = ?", db.Now()) // the claims of the dead lapse after half a minute
			}
			dies("both on their way", func() bool { return out.keys("api") > 0 && out.keys("box") > 0 })
			out.are(lying)
			dies("every lie told", func() bool { return out.lied() >= 5 })
			out.api.close()
			out.box.close()
			dies("nobody there", func() bool { return both("unreachable") })
			out.are(honest)
			out.api.open(t)
			out.box.open(t)

			last := begin(t, environment, "serve")
			eventually(t, "everything to be sent", func() bool { return count("sent_at IS NOT NULL") == 2*owed })
			last.stop(t)
			out.mu.Lock()
			defer out.mu.Unlock()
			for door, seen := range out.seen {
				texts, again := map[string]bool{}, 0
				for key, all := range seen {
					for _, text := range all {
						if text = said(door, text); text != said(door, all[0]) {
							t.Errorf("the key %s stands for %q and %q", key, said(door, all[0]), text)
						}
						texts[text] = true
					}
					if len(all) > 1 {
						again++
					}
					if !out.taken[door][key] {
						t.Errorf("%s was never taken", key)
					}
				}
				if len(seen) != owed || len(texts) != owed || again == 0 {
					t.Errorf("%s: %d keys and %d texts, %d of them again; want %d", door, len(seen), len(texts), again, owed)
				}
			}
			for _, log := range append(logs, last.out.String()) {
				if strings.Contains(log, canary) || codes.MatchString(log) || strings.Contains(log, "+4930901820") || strings.Contains(log, "reason number") {
					t.Errorf("the log has what is secret:\n%s", log)
				}
			}
			if n := count("body <> ''"); n != 0 {
				t.Errorf("%d bodies are kept", n)
			}
		})
	}
}

var numbered = regexp.MustCompile(`reason number \d\d`)

// said is what tells a message from the others: its text, or of a mail the reason.
func said(door, text string) string {
	if door == "box" {
		return numbered.FindString(text)
	}
	return text
}

func must(t *testing.T, all ...error) {
	t.Helper()
	for _, err := range all {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	// Longer than the claim of a dead process, which may be written when it is gone.
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("for two minutes there was no sign of: %s", what)
}
