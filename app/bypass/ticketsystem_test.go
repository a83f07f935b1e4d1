package bypass_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/ticketsystem"
)

// tickets is a ticket system, with what it was sent last.
type tickets struct {
	*httptest.Server
	mu     sync.Mutex // over what both the program and the test use
	answer http.HandlerFunc
	secret string
	signed atomic.Bool // whether the last request was
	last   map[string]any
	key    string
	asked  atomic.Int64
}

func (d *desk) tickets(down ticketsystem.WhenDown, tells ticketsystem.Tells) *tickets {
	d.T.Helper()
	s := &tickets{answer: says(http.StatusOK, `{"answer":"open"}`)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(s.secret))
		mac.Write([]byte(r.Header.Get("Latchkey-Timestamp") + "." + string(body)))
		s.signed.Store(r.Header.Get("Latchkey-Signature") == "v1="+hex.EncodeToString(mac.Sum(nil)))
		s.mu.Lock()
		s.last = map[string]any{}
		_ = json.Unmarshal(body, &s.last)
		s.key = r.Header.Get("Idempotency-Key")
		answer := s.answer
		s.mu.Unlock()
		s.asked.Add(1)
		answer(w, r)
	}))
	d.T.Cleanup(s.Close)
	made, err := d.bypasses.Tickets.Save(d.T.Context(), d.Alder.ID, d.admin.ID, ticketsystem.Settings{URL: s.URL, Tells: tells, WhenDown: down}, 0, audit.Origin{})
	if err != nil || made.Empty() {
		d.T.Fatalf("Save = %v", err)
	}
	s.secret = made.Reveal()
	return s
}

// answers says how it answers from now on.
func (s *tickets) answers(how http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = how
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (d *desk) under(ticket string) (string, approval.Outcome, error) {
	d.T.Helper()
	a := d.wants(d.agent, d.nurse)
	out, err := d.bypasses.Ask(d.T.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "left it at home", Ticket: ticket}, a)
	return a.ID, out, err
}

// TestTheTicketSystemIsAskedFirst, and what it says holds; while it is asked no
// transaction waits for it.
func TestTheTicketSystemIsAskedFirst(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		system := d.tickets(ticketsystem.Block, ticketsystem.Name)
		refused := func(claim, ticket, code string) {
			t.Helper()
			_, _, err := d.under(ticket)
			if f := fault.Of(err); !errors.Is(err, fault.Invalid) || f.Fields["ticket"] != code {
				t.Errorf("%s = %v %+v, want %s", claim, err, f, code)
			}
		}
		refused("without a ticket", "", "desk.ticket_needed")
		if system.asked.Load() != 0 {
			t.Error("it was asked about nothing")
		}
		for claim, row := range map[string]struct {
			answer http.HandlerFunc
			code   string
			fault  string
		}{
			"one that is not open":    {says(200, `{"answer":"not_open"}`), "ticketsystem.not_open", ""},
			"one of somebody else":    {says(200, `{"answer":"not_theirs"}`), "ticketsystem.not_theirs", ""},
			"an answer of no kind":    {says(200, `{"answer":"maybe"}`), "ticketsystem.none", "garbage"},
			"no JSON":                 {says(200, `open`), "ticketsystem.none", "garbage"},
			"nothing at all":          {says(204, ``), "ticketsystem.none", "garbage"},
			"open, by another status": {says(201, `{"answer":"open"}`), "ticketsystem.none", "garbage"},
			"an error that says open": {says(500, `{"answer":"open"}`), "ticketsystem.none", "status"},
			"a signature it refuses":  {says(401, `{"answer":"open"}`), "ticketsystem.none", "credentials"},
			"a redirect":              {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/open", http.StatusFound) }, "ticketsystem.none", "redirect"},
			"one that hangs up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "ticketsystem.none", "unreachable"},
		} {
			system.answers(row.answer)
			refused(claim, "INC-1", row.code)
			if got := d.Text("SELECT fault FROM ticket_answers ORDER BY asked_at DESC, id LIMIT 1"); got != row.fault {
				t.Errorf("%s is kept as %q, want %q", claim, got, row.fault)
			}
			d.forward(time.Second)
		}
		if d.Count("SELECT count(*) FROM bypasses")+d.Count("SELECT count(*) FROM outbox WHERE kind = 'ticket_note'") != 0 {
			t.Error("something was given, or told")
		}
		// Somebody writes while it is asked: nothing holds them up.
		system.answers(func(w http.ResponseWriter, r *http.Request) {
			d.Set("UPDATE tenants SET trust_days = trust_days")
			says(200, `{"answer":"open"}`)(w, r)
		})
		id, _, err := d.under("INC-1")
		if err != nil {
			t.Fatal(err)
		}
		if !system.signed.Load() || system.key != id || system.last["person"] != d.nurse.Name || system.last["agent"] != d.agent.Name || system.last["ticket"] != "INC-1" || system.last["tenant"] != "alder" || system.last["kind"] != "check" {
			t.Errorf("it was asked %v, signed: %t", system.last, system.signed.Load())
		}
		if d.Text("SELECT ticket_check FROM bypasses WHERE id = ?", id) != "open" {
			t.Error("the bypass does not say what it rests on")
		}
		// And it is told, by a note that is owed.
		var o struct{ ID, Body string }
		if _, err := d.DB.View(t.Context()).One(&o, "SELECT id, body FROM outbox WHERE kind = 'ticket_note'"); err != nil || o.ID == "" {
			t.Fatalf("no note is owed: %v", err)
		}
		owed := notify.Owed{TenantID: d.Alder.ID, ID: o.ID, Kind: ticketsystem.Kind, Body: o.Body}
		var failed *notify.Failed
		system.answers(says(503, ""))
		if err := d.bypasses.Tickets.Send(t.Context(), owed); !errors.As(err, &failed) || failed.Final {
			t.Errorf("a note that is not taken now = %v", err)
		}
		system.answers(says(404, ""))
		if err := d.bypasses.Tickets.Send(t.Context(), owed); !errors.As(err, &failed) || !failed.Final {
			t.Errorf("a note that is never taken = %v", err)
		}
		system.answers(says(204, ""))
		if err := d.bypasses.Tickets.Send(t.Context(), owed); err != nil || !system.signed.Load() || system.key != o.ID {
			t.Errorf("a note = %v, signed: %t", err, system.signed.Load())
		}
		if system.last["sequence"] != 1.0 || system.last["bypass"] != id || system.last["given"] != "pass_code" || system.last["minutes"] != 60.0 || system.last["reason"] != "left it at home" {
			t.Errorf("it is told %v", system.last)
		}
		d.gone()
		system.answers(says(200, `{"answer":"open"}`))
		if _, _, err := d.under("INC-2"); err != nil || d.Count("SELECT notes FROM ticket_systems WHERE tenant_id = ?", d.Alder.ID) != 2 {
			t.Errorf("the next note has no next number: %v", err)
		}
	})
}

// TestWhenNobodyAnswers: as the organisation chose; who approves reads it.
func TestWhenNobodyAnswers(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		system := d.tickets(ticketsystem.Pass, ticketsystem.ID)
		quit := make(chan struct{})
		system.answers(func(_ http.ResponseWriter, r *http.Request) { // for ever
			select {
			case <-r.Context().Done():
			case <-quit:
			}
		})
		defer close(quit)
		d.bypasses.Tickets.Wait = 0 // as it is outside of tests
		id, _, err := d.under("INC-1")
		if err != nil || d.Text("SELECT ticket_check FROM bypasses WHERE id = ?", id) != "none" || d.Text("SELECT fault FROM ticket_answers") != "slow" {
			t.Fatalf("one that hangs, where that passes: %v, %s", err, d.Text("SELECT fault FROM ticket_answers"))
		}
		if system.last["person"] != d.nurse.ID || system.last["agent"] != d.agent.ID {
			t.Errorf("it was told %v", system.last)
		}
		d.gone()
		system.Close()
		a := d.wants(d.agent, d.nurse)
		a.Minutes = 120
		out, err := d.bypasses.Ask(t.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "x", Ticket: "INC-1"}, a)
		if err != nil || !out.Waits() {
			t.Fatalf("two hours = %+v, %v", out, err)
		}
		seen, err := d.approvals.Find(t.Context(), d.Alder.ID, out.RequestID, d.lead.ID)
		if err != nil || !strings.Contains(toText(seen.Lines), `"bypass_ticket","before":"","after":"none"`) {
			t.Errorf("who approves reads %+v, %v", seen.Lines, err)
		}
		d.forward(time.Hour)
		if err := d.approvals.Approve(t.Context(), d.Alder.ID, out.RequestID, d.lead.ID, approval.Given{}); err != nil || d.Text("SELECT ticket_check FROM bypasses WHERE id = ?", a.ID) != "none" {
			t.Errorf("approved an hour later: %v", err)
		}
		// A private address is not called, whoever names it.
		d.gone()
		d.bypasses.Tickets.Client = notify.Outside{}.Client()
		d.Set("UPDATE ticket_systems SET when_down = 'block'")
		_, _, err = d.under("INC-1")
		if f := fault.Of(err); !errors.Is(err, fault.Invalid) || f.Fields["ticket"] != "ticketsystem.none" {
			t.Errorf("one that is down, where that blocks = %v", err)
		}
	})
}

func toText(lines []approval.Change) string {
	text, _ := json.Marshal(lines)
	return strings.ReplaceAll(string(text), `"field":`, "")
}

// TestAnAnswerIsForOneQuestion: this ticket, person, agent and act, and for two minutes.
func TestAnAnswerIsForOneQuestion(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.tickets(ticketsystem.Block, ticketsystem.Name)
		q := ticketsystem.Question{TenantID: d.Alder.ID, ActID: "act", Ticket: "INC-1", UserID: d.nurse.ID, AgentID: d.agent.ID}
		if err := d.bypasses.Tickets.Ask(t.Context(), q, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		wrong := func(change func(q *ticketsystem.Question)) string {
			t.Helper()
			other := q
			change(&other)
			taken, err := ticketsystem.Took(d.DB.View(t.Context()), other)
			if err != nil {
				t.Fatal(err)
			}
			return taken.Wrong(other.Ticket)
		}
		same := func(*ticketsystem.Question) {}
		if got := wrong(same); got != "" {
			t.Errorf("the same question: %s", got)
		}
		for claim, change := range map[string]func(q *ticketsystem.Question){
			"another act": func(q *ticketsystem.Question) { q.ActID = "other" }, "another ticket": func(q *ticketsystem.Question) { q.Ticket = "INC-2" },
			"another person": func(q *ticketsystem.Question) { q.UserID = d.porter.ID }, "another agent": func(q *ticketsystem.Question) { q.AgentID = d.other.ID },
		} {
			if got := wrong(change); got != "ticketsystem.none" {
				t.Errorf("%s: %q", claim, got)
			}
		}
		d.forward(ticketsystem.AnswerLife - time.Second)
		if got := wrong(same); got != "" {
			t.Errorf("before two minutes: %s", got)
		}
		d.forward(time.Second)
		if got := wrong(same); got != "ticketsystem.none" {
			t.Errorf("after two minutes: %q", got)
		}
		// Whoever submits without asking gets nothing.
		act := approval.Act{Kind: bypass.KindIssue, TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "x", Ticket: "INC-1"}
		if _, err := d.approvals.Submit(t.Context(), act.With(d.wants(d.agent, d.nurse))); !errors.Is(err, fault.Invalid) {
			t.Errorf("without asking = %v", err)
		}
		d.forward(31 * 24 * time.Hour)
		if err := d.bypasses.Tickets.Sweep(t.Context()); err != nil || d.Count("SELECT count(*) FROM ticket_answers") != 0 {
			t.Errorf("after a month: %v", err)
		}
	})
}

// TestATicketSystemIsKept: with its secret sealed, which another address takes along.
func TestATicketSystemIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		s := d.bypasses.Tickets
		save := func(address string, version int) (secret.Token, error) {
			return s.Save(t.Context(), d.Alder.ID, d.admin.ID, ticketsystem.Settings{URL: address, Tells: ticketsystem.ID, WhenDown: ticketsystem.Block}, version, audit.Origin{})
		}
		for _, address := range []string{"", "tickets", "http://tickets.example", "https://10.0.0.1/", "https://user@tickets.example", "https://tickets.example#x", "ftp://tickets.example"} {
			if _, err := save(address, 0); !errors.Is(err, fault.Invalid) || fault.Of(err).Fields["url"] == "" {
				t.Errorf("the address %q = %v", address, err)
			}
		}
		if _, err := s.Save(t.Context(), d.Alder.ID, d.admin.ID, ticketsystem.Settings{URL: "https://tickets.example", Tells: "all", WhenDown: "never"}, 0, audit.Origin{}); !errors.Is(err, fault.Invalid) || len(fault.Of(err).Fields) != 2 {
			t.Errorf("made-up choices = %v", err)
		}
		first, err := save("https://tickets.example/in", 0)
		if err != nil || first.Empty() {
			t.Fatal(err)
		}
		fits := func(text string) bool {
			t.Helper()
			ok, err := s.Fits(t.Context(), d.Alder.ID, text)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !fits(first.Reveal()) || fits("") || strings.Contains(d.Text("SELECT secret FROM ticket_systems"), first.Reveal()) {
			t.Error("the secret is not kept, or in the open")
		}
		if _, err := save("https://tickets.example/in", 0); !errors.Is(err, fault.Conflict) {
			t.Errorf("made twice = %v", err)
		}
		if again, err := save("https://tickets.example/in", 1); err != nil || !again.Empty() || !fits(first.Reveal()) {
			t.Errorf("saved again: %v", err)
		}
		moved, err := save("https://elsewhere.example/in", 2)
		if err != nil || moved.Empty() || fits(first.Reveal()) || !fits(moved.Reveal()) {
			t.Errorf("another address: %v", err)
		}
		if _, err := s.Renew(t.Context(), d.Alder.ID, d.admin.ID, 2, audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("renewed by a page of before = %v", err)
		}
		if renewed, err := s.Renew(t.Context(), d.Alder.ID, d.admin.ID, 3, audit.Origin{}); err != nil || fits(moved.Reveal()) || !fits(renewed.Reveal()) {
			t.Errorf("renewed: %v", err)
		}
		if _, ok, err := s.Of(t.Context(), d.Birch.ID); ok || err != nil {
			t.Error("another organisation has it")
		}
		if err := s.Remove(t.Context(), d.Alder.ID, d.admin.ID, audit.Origin{}); err != nil {
			t.Error(err)
		}
		if err := s.Remove(t.Context(), d.Alder.ID, d.admin.ID, audit.Origin{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("removed twice = %v", err)
		}
		if d.Events(audit.TicketSystemChanged) != 4 || d.Events(audit.TicketSystemRemoved) != 1 {
			t.Error("the audit does not have all of it")
		}
	})
}
