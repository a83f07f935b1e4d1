package alarm_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/alarm"
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

// house is one with two security administrators, an agent and somebody who is helped.
type house struct {
	*House
	security, second, agent, person user.User

	seals     *checkpoint.Service
	consumers *consumer.Service
	alarms    *alarm.Service

	changed int // how often it set a rule, which raised an alarm that was acknowledged
}

func each(t *testing.T, story func(h *house)) {
	t.Helper()
	Each(t, func(base *House) {
		h := &house{House: base, person: base.User(base.Alder, "person")}
		h.security = h.Admin(h.Alder, "security", access.RoleSecurityAdministrator)
		h.second = h.Admin(h.Alder, "second", access.RoleSecurityAdministrator)
		h.agent = h.Admin(h.Alder, "agent", access.RoleHelpdesk)
		h.seals = &checkpoint.Service{DB: h.DB, Keys: h.Keys, Log: slog.New(slog.DiscardHandler)}
		outside := notify.Outside{Allowed: notify.Loopback}
		h.consumers = &consumer.Service{DB: h.DB, Keys: h.Keys, Secrets: secret.System, Outside: outside, Client: outside.Client(), Log: slog.New(slog.DiscardHandler)}
		h.alarms = h.replica()
		h.round() // what the making of the house left
		story(h)
	})
}

// replica is another process at the same alarms, or this one after a restart.
func (h *house) replica() *alarm.Service {
	return &alarm.Service{DB: h.DB, Secrets: secret.System, Consumers: h.consumers, Log: slog.New(slog.DiscardHandler)}
}

// happens records n events of an action, by somebody and about somebody, in one act.
func (h *house) happens(n int, action audit.Action, by, about user.User) {
	h.T.Helper()
	h.Act(func(tx *store.Tx) error {
		for range n {
			if err := audit.Record(tx, audit.Event{TenantID: h.Alder.ID, Action: action, Actor: audit.User(by.ID), Target: audit.User(about.ID), Subject: about.ID, Origin: audit.Origin{IP: "203.0.113.9"}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// bypasses has an agent give n of them to as many people.
func (h *house) bypasses(n int) {
	h.T.Helper()
	for range n {
		h.happens(1, audit.BypassIssued, h.agent, user.User{ID: secret.System.ID()})
	}
}

func (h *house) seal() {
	h.T.Helper()
	if err := h.seals.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

// round seals what there is and looks at it.
func (h *house) round() {
	h.T.Helper()
	h.seal()
	if err := h.alarms.Round(h.T.Context()); err != nil {
		h.T.Fatal(err)
	}
}

func (h *house) open() []alarm.Alarm {
	h.T.Helper()
	open, _, err := h.alarms.Lists(h.T.Context(), h.Alder.ID)
	if err != nil {
		h.T.Fatal(err)
	}
	return open
}

// one gives the only open alarm, which is of a rule.
func (h *house) one(rule string) alarm.Alarm {
	h.T.Helper()
	open := h.open()
	if len(open) != 1 || open[0].Rule != rule {
		h.T.Fatalf("open are %+v, want one of %s", open, rule)
	}
	return open[0]
}

func (h *house) set(rule string, change func(s *alarm.Setting)) {
	h.T.Helper()
	set, err := h.alarms.SettingOf(h.T.Context(), h.Alder.ID, rule)
	if err != nil {
		h.T.Fatal(err)
	}
	change(&set.Setting)
	if err := h.alarms.Save(h.T.Context(), h.Alder.ID, h.security.ID, rule, set.Setting, set.Version, audit.Origin{}); err != nil {
		h.T.Fatal(err)
	}
	h.changed++
	h.round()
	for _, a := range h.open() {
		if a.Rule == "watching" {
			if err := h.acknowledge(h.second.ID, a.ID); err != nil {
				h.T.Fatal(err)
			}
		}
	}
}

// raised counts the alarms that were raised, but for those of the rules that were set.
func (h *house) raised() int { return h.Events(audit.AlarmRaised) - h.changed }

func (h *house) acknowledge(by, id string) error {
	return h.alarms.Acknowledge(h.T.Context(), h.Alder.ID, by, id, "I asked them", audit.Origin{})
}

// noticed counts the notices of an alarm that somebody has, but for those of the rules that
// were set.
func (h *house) noticed(u user.User) int {
	return h.Count("SELECT count(*) FROM notices WHERE user_id = ? AND action IN ('alarm.raised', 'alarm.tested') AND detail <> 'watching'", u.ID)
}

// hook is a webhook that gets the events already, and keeps what it is sent.
type hook struct {
	*httptest.Server
	id     string
	secret secret.Token
	mu     sync.Mutex
	heads  []http.Header
	bodies []string
	says   int
}

func (h *house) hook() *hook {
	h.T.Helper()
	k := &hook{says: http.StatusNoContent}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.heads, k.bodies = append(k.heads, r.Header), append(k.bodies, string(body))
		w.WriteHeader(k.says)
	}))
	h.T.Cleanup(k.Close)
	var err error
	k.id, k.secret, err = h.consumers.Add(h.T.Context(), h.Alder.ID, h.security.ID, consumer.Settings{Kind: consumer.Webhook, Name: "SIEM", Form: eventform.JSONL, URL: k.URL}, audit.Origin{})
	if err != nil {
		h.T.Fatal(err)
	}
	return k
}

// owed gives what waits to be sent to webhooks.
func (h *house) owed() (all []notify.Owed) {
	h.T.Helper()
	if err := h.DB.View(h.T.Context()).All(&all, "SELECT tenant_id, id, kind, target, body FROM outbox WHERE kind = 'alarm' AND sent_at IS NULL ORDER BY created_at"); err != nil {
		h.T.Fatal(err)
	}
	return all
}

func minutes(n int) time.Duration { return time.Duration(n) * time.Minute }
