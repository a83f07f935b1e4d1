package provider_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/provider"
)

const (
	account = "AC0123456789abcdef0123456789abcdef"
	token   = "canary-of-a-credential"
)

func twilioAt(url string) provider.Settings {
	return provider.Settings{Driver: provider.Twilio, URL: url, Account: account, Sender: "+15550100"}
}

const (
	sent   = "SELECT id FROM outbox WHERE sent_at IS NOT NULL"
	dead   = "SELECT id FROM outbox WHERE failed_at IS NOT NULL"
	putOff = "SELECT id FROM outbox WHERE tries = 1 AND fault <> ''"
)

// TestAnSMSGoesOut: as Twilio's API wants it, and nothing secret stays behind.
func TestAnSMSGoesOut(t *testing.T) {
	each(t, func(h *house) {
		a := serve(h.T)
		h.save(provider.SMS, twilioAt(a.URL), token)
		h.code(provider.SMS, "493817")
		for _, column := range []string{"body", "target", "fault"} {
			if text := h.text("SELECT " + column + " FROM outbox"); strings.Contains(text, "493817") {
				h.Errorf("the code stands in %s: %s", column, text)
			}
		}
		h.working(sent)
		got := a.all()
		if len(got) != 1 {
			h.Fatalf("%d requests were made, want 1", len(got))
		}
		r := got[0]
		form, _ := url.ParseQuery(r.body)
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" || user != account || password != token {
			h.Errorf("%s %s by %s", r.Method, r.URL.Path, user)
		}
		if form.Get("To") != "+4930901820" || form.Get("From") != "+15550100" || form.Get("Body") != "ALDER says 493817" {
			h.Errorf("the message is %v", form)
		}
		if got, want := r.Header.Get("Idempotency-Key"), h.text("SELECT id FROM outbox"); got != want {
			h.Errorf("its idempotency key is %q, want the id %q", got, want)
		}
		if body := h.text("SELECT body FROM outbox"); body != "" {
			h.Errorf("what was sent is kept: %q", body)
		}
		do, err := h.HealthOf(h.Context(), "alder")
		if err != nil || do[0].LastSuccessAt == nil || do[0].FailuresInRow != 0 || do[0].Failing() {
			h.Errorf("the health is %+v, %v", do, err)
		}
	})
}

// TestACallSaysTheDigitsTwice, and a name with an ampersand does not break it.
func TestACallSaysTheDigitsTwice(t *testing.T) {
	each(t, func(h *house) {
		a := serve(h.T)
		h.save(provider.Voice, twilioAt(a.URL), token)
		h.code(provider.Voice, "4 9 3")
		h.working(sent)
		r := a.all()[0]
		form, _ := url.ParseQuery(r.body)
		var said struct {
			Say []string `xml:"Say"`
		}
		if err := xml.Unmarshal([]byte(form.Get("Twiml")), &said); err != nil {
			h.Fatalf("%q: %v", form.Get("Twiml"), err)
		}
		if want := "ALDER & co|4 9 3.|ALDER & co|4 9 3."; strings.Join(said.Say, "|") != want || !strings.HasSuffix(r.URL.Path, "/Calls.json") {
			h.Errorf("%s says %q, want %q", r.URL.Path, said.Say, want)
		}
	})
}

// TestAProviderThatIsDownSlowOrLying: what it did not plainly take is owed on, and
// what it refuses for good is given up; the administrator learns which.
func TestAProviderThatIsDownSlowOrLying(t *testing.T) {
	answers := func(status int, body string) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for _, c := range []struct {
		claim string
		reply func(int, http.ResponseWriter)
		fault string
		final bool
	}{
		{"an error", answers(500, ""), "status", false},
		{"an error with our own words", answers(503, `{"message":"493817"}`), "status", false},
		{"a wrong credential", answers(401, `{"code":20003}`), "credentials", false},
		{"too many", answers(429, `{"code":20429}`), "busy", false},
		{"too many, as a bad request", answers(400, `{"code":14107}`), "status", false},
		{"a redirect", answers(302, ""), "redirect", false},
		{"a permanent redirect with the same method", answers(308, ""), "redirect", false},
		{"success with an error inside", answers(200, `{"code":21211,"message":"invalid","status":400}`), "garbage", false},
		{"success that failed at once", answers(201, `{"sid":"SM1","status":"failed","error_code":30008}`), "not_taken", false},
		{"success with an error code", answers(201, `{"sid":"SM1","status":"queued","error_code":30008}`), "not_taken", false},
		{"success of a captive portal", answers(200, "<html>Please log in</html>"), "garbage", false},
		{"success with nothing", answers(200, ""), "garbage", false},
		{"a number that is none", answers(400, `{"code":21211,"message":"invalid To","status":400}`), "refused", true},
		{"a bad request in other words", answers(400, "no"), "status", false},
		{"no end", func(_ int, w http.ResponseWriter) {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Second)
		}, "slow", false},
		{"a connection that breaks", func(_ int, w http.ResponseWriter) { panic(http.ErrAbortHandler) }, "unreachable", false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			each(t, func(h *house) {
				a := serve(h.T)
				a.reply = c.reply
				if c.fault == "slow" {
					h.Client.Timeout = 2 * time.Second // to arrive in, and well before there is an end
				}
				h.save(provider.SMS, twilioAt(a.URL), token)
				h.code(provider.SMS, "493817")
				if c.final {
					h.working(dead)
				} else {
					h.working(putOff)
				}
				if got := h.text("SELECT fault FROM outbox"); got != c.fault {
					h.Errorf("its fault is %q, want %q", got, c.fault)
				}
				if n := len(a.all()); n != 1 {
					h.Errorf("%d requests were made, want 1", n)
				}
				do, err := h.HealthOf(h.Context(), "alder")
				if failures := do[0].FailuresInRow; err != nil || failures != 1 && !c.final || failures != 0 && c.final {
					h.Errorf("%d failures in a row, %v", failures, err)
				}
				if c.final {
					unsent, err := h.UnsentOf(h.Context(), "alder")
					if err != nil || len(unsent) != 1 || unsent[0].Fault != "refused" || unsent[0].Again {
						h.Errorf("what did not go out is %+v, %v", unsent, err)
					}
					if body := h.text("SELECT body FROM outbox"); body != "" {
						h.Errorf("the code is kept with what will never be sent: %q", body)
					}
					return
				}
				// It recovers, and what was owed is sent under the same key.
				h.Client.Timeout = 10 * time.Second
				a.mu.Lock()
				a.reply = func(_ int, w http.ResponseWriter) { taken(w) }
				a.mu.Unlock()
				h.clock.Forward(time.Minute)
				h.working(sent)
				if got := a.all(); len(got) != 2 || got[0].Header.Get("Idempotency-Key") != got[1].Header.Get("Idempotency-Key") {
					h.Errorf("%d requests, and the keys differ", len(got))
				}
			})
		})
	}
}

// TestACodeIsNotSentWhenItsTimeIsOver, however long its provider was away.
func TestACodeIsNotSentWhenItsTimeIsOver(t *testing.T) {
	each(t, func(h *house) {
		a := serve(h.T)
		a.reply = func(_ int, w http.ResponseWriter) { w.WriteHeader(500) }
		h.save(provider.SMS, twilioAt(a.URL), token)
		h.code(provider.SMS, "493817")
		h.working(putOff)
		h.clock.Forward(10 * time.Minute)
		h.working(dead)
		if n := len(a.all()); n != 1 {
			h.Errorf("%d requests were made, want 1", n)
		}
		if got := h.text("SELECT fault || body FROM outbox"); got != "status" {
			h.Errorf("what is told of it is %q, want why it failed and nothing else", got)
		}
	})
}

// TestAWebhookCanTellThatItIsUs: the signature is checked as its contract says, by
// other code than ours.
func TestAWebhookCanTellThatItIsUs(t *testing.T) {
	each(t, func(h *house) {
		a := serve(h.T)
		a.reply = func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }
		h.save(provider.SMS, provider.Settings{Driver: provider.Webhook, URL: a.URL + "/take?x=1"}, token)
		h.code(provider.SMS, "493817")
		h.working(sent)
		r := a.all()[0]
		at := r.Header.Get("Latchkey-Timestamp")
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write([]byte(at + "." + r.body))
		if got, want := r.Header.Get("Latchkey-Signature"), "v1="+hex.EncodeToString(mac.Sum(nil)); got != want {
			h.Errorf("the signature is %q, want %q", got, want)
		}
		if at != fmt.Sprint(h.clock.Now().Unix()) || r.URL.RequestURI() != "/take?x=1" {
			h.Errorf("at %s to %s", at, r.URL.RequestURI())
		}
		var said map[string]string
		if err := json.Unmarshal([]byte(r.body), &said); err != nil || said["to"] != "+4930901820" || said["code"] != "493817" || said["channel"] != "sms" || said["id"] != r.Header.Get("Idempotency-Key") {
			h.Errorf("it says %v, %v", said, err)
		}
	})
}

func TestWhatAWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		ends   string
		fault  string
	}{
		{200, "", sent, ""},
		{202, `{"ok":true}`, sent, ""},
		{200, `{"error":null}`, sent, ""},
		{200, `{"error":"no credit"}`, putOff, "not_taken"},
		{200, "OK", putOff, "garbage"},
		{500, "", putOff, "status"},
		{403, "", putOff, "credentials"},
		{422, "", dead, "refused"},
		{410, "", dead, "refused"},
		{301, "", putOff, "redirect"},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			each(t, func(h *house) {
				a := serve(h.T)
				a.reply = func(_ int, w http.ResponseWriter) { w.WriteHeader(c.status); fmt.Fprint(w, c.body) }
				h.save(provider.SMS, provider.Settings{Driver: provider.Webhook, URL: a.URL}, token)
				h.code(provider.SMS, "493817")
				h.working(c.ends)
				if got := h.text("SELECT fault FROM outbox"); got != c.fault {
					h.Errorf("its fault is %q, want %q", got, c.fault)
				}
			})
		})
	}
}

// TestANoticeGoesOutAsMail: to the sign-in name, once a tenant has a mail server.
func TestANoticeGoesOutAsMail(t *testing.T) {
	each(t, func(h *house) {
		h.tell()
		if got := h.text("SELECT id FROM outbox"); got != "" {
			h.Error("a mail is owed though nobody carries mails")
		}
		box := receive(h.T)
		h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: box.address, Account: "id", Sender: "id@alder.example"}, "a mail password")
		h.tell()
		h.working(sent)
		mails := box.all()
		if len(mails) != 1 || box.to[0] != "user1@alder.example" {
			h.Fatalf("%d mails to %v", len(mails), box.to)
		}
		for _, want := range []string{"Subject: ALDER: user.locked", "because a reason", "<id@alder.example>", "Message-ID: <" + h.text("SELECT id FROM outbox") + "@id.example>", "Auto-Submitted: auto-generated"} {
			if !strings.Contains(mails[0], want) {
				h.Errorf("the mail has no %q:\n%s", want, mails[0])
			}
		}
		if strings.Contains(mails[0], "a mail password") || box.logins[0] != "id:a mail password" {
			h.Errorf("the login was %v", box.logins)
		}
	})
}

// TestAMailServerThatSaysNo: for now, for good, and to us.
func TestAMailServerThatSaysNo(t *testing.T) {
	for _, c := range []struct {
		claim, password, ends, fault string
		wrong                        error
	}{
		{"for now", "a mail password", putOff, "not_taken", &smtp.SMTPError{Code: 450, Message: "later"}},
		{"for good", "a mail password", dead, "refused", &smtp.SMTPError{Code: 550, Message: "nobody"}},
		{"to us", "another password", putOff, "credentials", nil},
	} {
		t.Run(c.claim, func(t *testing.T) {
			each(t, func(h *house) {
				box := receive(h.T)
				if c.wrong != nil {
					box.wrong = func() error { return c.wrong }
				}
				h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: box.address, Account: "id", Sender: "id@alder.example"}, c.password)
				h.tell()
				h.working(c.ends)
				if got := h.text("SELECT fault FROM outbox"); got != c.fault {
					h.Errorf("its fault is %q, want %q", got, c.fault)
				}
				if c.ends != dead {
					return
				}
				// The address is mended, and the mail is sent again: once, by its own tenant.
				box.mu.Lock()
				box.wrong = nil
				box.mu.Unlock()
				id := h.text("SELECT id FROM outbox")
				if err := h.Again(h.Context(), "birch", "birch-user1", id, audit.Origin{}); !errors.Is(err, fault.NotFound) {
					h.Errorf("another tenant sends it again: %v", err)
				}
				if err := h.Again(h.Context(), "alder", "alder-user1", id, audit.Origin{}); err != nil {
					h.Fatal(err)
				}
				if err := h.Again(h.Context(), "alder", "alder-user1", id, audit.Origin{}); !errors.Is(err, fault.NotFound) {
					h.Errorf("it is sent again twice: %v", err)
				}
				h.working(sent)
				if len(box.all()) != 1 {
					h.Errorf("%d mails", len(box.all()))
				}
			})
		})
	}
}

// TestAMailServerOfTheHouseIsNotReached, unless its network is allowed.
func TestAMailServerOfTheHouseIsNotReached(t *testing.T) {
	each(t, func(h *house) {
		box := receive(h.T)
		h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: strings.Replace(box.address, "127.0.0.1", "localhost", 1), Sender: "id@alder.example"}, "")
		h.Outside.Allowed = nil
		h.tell()
		h.working(putOff)
		if got := h.text("SELECT fault FROM outbox"); got != "unreachable" || len(box.all()) != 0 {
			h.Errorf("its fault is %q", got)
		}
	})
}

// TestAMailServerWithoutTLSIsNotTrusted: beyond this machine nothing goes out in the
// clear.
func TestAMailServerWithoutTLSIsNotTrusted(t *testing.T) {
	each(t, func(h *house) {
		box := receive(h.T)
		h.save(provider.Mail, provider.Settings{Driver: provider.SMTP, URL: strings.Replace(box.address, "smtp:", "smtps:", 1), Account: "id", Sender: "id@alder.example"}, "a mail password")
		h.tell()
		h.working(putOff)
		if len(box.all()) != 0 || len(box.logins) != 0 {
			h.Errorf("%d mails and the logins %v", len(box.all()), box.logins)
		}
	})
}
