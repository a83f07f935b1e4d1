package alarm_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/alarm"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store"
)

// TestSomebodyAcknowledgesAnAlarm, once, with a note; what comes afterwards is another one.
func TestSomebodyAcknowledgesAnAlarm(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.bypasses(10)
		h.round()
		a := h.one("bypasses_by_agent")
		for _, note := range []string{"", "  ", strings.Repeat("x", alarm.NoteMost+1)} {
			if err := h.alarms.Acknowledge(t.Context(), h.Alder.ID, h.security.ID, a.ID, note, audit.Origin{}); !errors.Is(err, fault.Invalid) {
				t.Errorf("with the note %.3q: %v", note, err)
			}
		}
		if got := Tally(AtOnce(6, func(i int) error { return h.acknowledge([]string{h.security.ID, h.second.ID}[i%2], a.ID) })); got["done"] != 1 || got["alarm.acknowledged_already"] != 5 {
			t.Errorf("six at once are %v", got)
		}
		open, done, err := h.alarms.Lists(t.Context(), h.Alder.ID)
		if err != nil || len(open) != 0 || len(done) != 1 || done[0].Note != "I asked them" || done[0].AcknowledgedBy == "" || h.Events(audit.AlarmAcknowledged) != 1 {
			t.Fatalf("open are %d, acknowledged %+v, %v", len(open), done, err)
		}
		h.bypasses(9)
		h.round()
		if len(h.open()) != 0 {
			t.Error("what was counted counts again")
		}
		h.bypasses(1)
		h.round()
		if next := h.one("bypasses_by_agent"); next.Count != 10 || next.ID == a.ID {
			t.Errorf("the next one is %+v", next)
		}
	})
}

// TestNobodyAcknowledgesAnAlarmAboutThemselves.
func TestNobodyAcknowledgesAnAlarmAboutThemselves(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.happens(1, audit.AccessAlarm, h.security, h.security)
		h.round()
		a := h.one("refusals")
		if err := h.acknowledge(h.security.ID, a.ID); !errors.Is(err, fault.Forbidden) {
			t.Errorf("it is %v", err)
		}
		if h.one("refusals").AcknowledgedAt != nil || h.Events(audit.AlarmAcknowledged) != 0 {
			t.Error("it is acknowledged")
		}
		if err := h.acknowledge(h.second.ID, a.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestASettingKeepsToItsBounds, and to what cannot be turned off.
func TestASettingKeepsToItsBounds(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		for _, row := range []struct {
			claim, rule string
			change      func(s *alarm.Setting)
			wrong       []string
		}{
			{"at its least", "bypasses_by_agent", func(s *alarm.Setting) { s.Threshold = 2 }, nil},
			{"below", "bypasses_by_agent", func(s *alarm.Setting) { s.Threshold = 1 }, []string{"threshold"}},
			{"at its most", "bypasses_by_agent", func(s *alarm.Setting) { s.Threshold = 50 }, nil},
			{"above", "bypasses_by_agent", func(s *alarm.Setting) { s.Threshold = 51 }, []string{"threshold"}},
			{"a window that is not offered", "bypasses_by_agent", func(s *alarm.Setting) { s.Window = 61 * time.Minute }, []string{"window"}},
			{"a window that is too long", "bypasses_by_agent", func(s *alarm.Setting) { s.Window = 7 * 24 * time.Hour }, []string{"window"}},
			{"a webhook that is not there", "bypasses_by_agent", func(s *alarm.Setting) { s.ConsumerID = "none" }, []string{"consumer"}},
			{"all of it", "bypasses_by_agent", func(s *alarm.Setting) { s.Threshold, s.Window, s.ConsumerID = 0, 0, "none" }, []string{"consumer", "threshold", "window"}},
			{"off", "bypasses_by_agent", func(s *alarm.Setting) { s.Active = false }, nil},
		} {
			set, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, row.rule)
			if err != nil {
				t.Fatal(err)
			}
			next := set.Setting
			row.change(&next)
			err = h.alarms.Save(t.Context(), h.Alder.ID, h.security.ID, row.rule, next, set.Version, audit.Origin{})
			var wrong []string
			if f := fault.Of(err); f != nil {
				for field := range f.Fields {
					wrong = append(wrong, field)
				}
				slices.Sort(wrong)
			}
			if !slices.Equal(wrong, row.wrong) {
				t.Errorf("%s: wrong is %q, want %q", row.claim, wrong, row.wrong)
			}
		}
		for _, rule := range alarm.Rules {
			set, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, rule.Name)
			if err != nil {
				t.Fatal(err)
			}
			next := set.Setting
			next.Active, next.Mail = false, !rule.Always
			if err := h.alarms.Save(t.Context(), h.Alder.ID, h.security.ID, rule.Name, next, set.Version, audit.Origin{}); err != nil {
				t.Errorf("%s: %v", rule.Name, err)
			}
			if set, err = h.alarms.SettingOf(t.Context(), h.Alder.ID, rule.Name); err != nil || set.Active != rule.Always || set.Mail == rule.Told {
				t.Errorf("%s is then %+v, %v", rule.Name, set.Setting, err)
			}
		}
		if _, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, "none"); !errors.Is(err, fault.NotFound) {
			t.Errorf("a rule that there is not: %v", err)
		}
		if err := h.alarms.Save(t.Context(), h.Alder.ID, h.security.ID, "none", alarm.Setting{}, 0, audit.Origin{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("a rule that there is not: %v", err)
		}
	})
}

// TestTheAuditSaysWhatARuleWas and what it is, of who was first.
func TestTheAuditSaysWhatARuleWas(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		save := func(threshold, version int) error {
			return h.alarms.Save(t.Context(), h.Alder.ID, h.security.ID, "not_them", alarm.Setting{Active: true, Threshold: threshold, Window: time.Hour, Mail: true}, version, audit.Origin{})
		}
		if err := save(3, 0); err != nil || h.Events(audit.AlarmRuleChanged) != 0 {
			t.Errorf("what changes nothing is %v, with %d events", err, h.Events(audit.AlarmRuleChanged))
		}
		for version := range 2 { // the first change, and one of what was changed before
			got := Tally(AtOnce(5, func(i int) error { return save(10*(version+1)+i, version) }))
			if got["done"] != 1 || got["alarm.changed_meanwhile"] != 4 {
				t.Errorf("five at once are %v", got)
			}
		}
		if n := h.Events(audit.AlarmRuleChanged); n != 2 {
			t.Errorf("%d events", n)
		}
		var records []string
		if err := h.DB.View(t.Context()).All(&records, "SELECT CAST(record AS text) FROM audit_events WHERE action = ? ", audit.AlarmRuleChanged); err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(records, " "); h.DB.Dialect == store.SQLite && (!strings.Contains(all, `"threshold":"3 → 1`) || strings.Contains(all, `"minutes"`)) {
			t.Errorf("they say %s", all)
		}
	})
}

// TestAWebhookIsTold, signed under its own secret, of ids and nothing else; it is tried again
// until it takes it, and one that is gone is not.
func TestAWebhookIsTold(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		k := h.hook()
		h.set("bypasses_by_agent", func(s *alarm.Setting) { s.ConsumerID, s.Mail = k.id, false })
		h.bypasses(10)
		h.round()
		owed := h.owed()
		if len(owed) != 1 || h.noticed(h.security) != 0 {
			t.Fatalf("%d are owed, and %d notices", len(owed), h.noticed(h.security))
		}
		k.says = http.StatusInternalServerError
		var failed *notify.Failed
		if err := h.alarms.Send(t.Context(), owed[0]); !errors.As(err, &failed) || failed.Final {
			t.Errorf("one that answers with an error: %v", err)
		}
		k.says = http.StatusNoContent
		if err := h.alarms.Send(t.Context(), owed[0]); err != nil {
			t.Fatal(err)
		}
		head, body := k.heads[1], k.bodies[1]
		mac := hmac.New(sha256.New, []byte(k.secret.Reveal()))
		mac.Write([]byte(head.Get("Latchkey-Timestamp") + "." + body))
		if head.Get("Latchkey-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) || head.Get("Idempotency-Key") != k.heads[0].Get("Idempotency-Key") {
			t.Error("it is not signed under the secret, or has another key the second time")
		}
		var said struct {
			Kind, Tenant, Rule, Severity string
			About                        audit.Party
			Count                        int
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			t.Fatal(err)
		}
		if said.Kind != "alarm" || said.Tenant != h.Alder.Slug || said.Rule != "bypasses_by_agent" || said.Severity != "high" || said.About != audit.User(h.agent.ID) || said.Count != 10 {
			t.Errorf("it says %+v", said)
		}
		if strings.Contains(body, h.agent.Name) || strings.Contains(body, "203.0.113.9") {
			t.Errorf("personal data go along: %s", body)
		}
		if err := h.consumers.Pause(t.Context(), h.Alder.ID, k.id, h.security.ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if err := h.alarms.Send(t.Context(), owed[0]); !errors.As(err, &failed) || failed.Final || failed.Code != "paused" {
			t.Errorf("one that is paused: %v", err)
		}
		if err := h.consumers.Remove(t.Context(), h.Alder.ID, k.id, h.security.ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if err := h.alarms.Send(t.Context(), owed[0]); !errors.As(err, &failed) || !failed.Final {
			t.Errorf("one that is gone: %v", err)
		}
		if set, err := h.alarms.SettingOf(t.Context(), h.Alder.ID, "bypasses_by_agent"); err != nil || set.ConsumerID != "" {
			t.Errorf("the rule still names it: %+v, %v", set.Setting, err)
		}
	})
}

// TestATestGoesWhereAnAlarmWould, and is none: it stands beside one, and counts in none.
func TestATestGoesWhereAnAlarmWould(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		k := h.hook()
		h.set("not_them", func(s *alarm.Setting) { s.ConsumerID = k.id })
		try := func() error {
			_, err := h.alarms.Test(t.Context(), h.Alder.ID, h.security.ID, "not_them", audit.Origin{})
			return err
		}
		got := Tally(AtOnce(4, func(int) error { return try() }))
		if got["done"] != 1 || got["alarm.tested_just_now"] != 3 {
			t.Errorf("four at once are %v", got)
		}
		a := h.one("not_them")
		if !a.Test || h.Events(audit.AlarmTested) != 1 || h.raised() != 0 || h.noticed(h.second) != 1 || len(h.owed()) != 1 || !strings.Contains(h.owed()[0].Body, `"test":true`) {
			t.Errorf("it is %+v, with %d notices and %d owed", a, h.noticed(h.second), len(h.owed()))
		}
		h.happens(2, audit.PromptReported, h.person, h.person)
		h.round()
		if a := h.one("not_them"); a.Count != 1 {
			t.Errorf("events count in a test: %d", a.Count)
		}
		h.happens(1, audit.PromptReported, h.person, h.person)
		h.round()
		if len(h.open()) != 2 {
			t.Error("a test stands in the way of an alarm")
		}
		h.Clock.Forward(time.Minute)
		if err := try(); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if _, err := h.alarms.Test(t.Context(), h.Alder.ID, h.security.ID, "none", audit.Origin{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("of a rule that there is not: %v", err)
		}
	})
}

// TestEveryRuleCanRaiseAnAlarm: its actions are actions, its setting is within its bounds, and
// it counts as it says.
func TestEveryRuleCanRaiseAnAlarm(t *testing.T) {
	names := map[string]bool{}
	for _, r := range alarm.Rules {
		if names[r.Name] {
			t.Errorf("%s stands twice", r.Name)
		}
		names[r.Name] = true
		if d := r.Default; !r.Fixed() && (d.Threshold < r.Least || d.Threshold > r.Most || !slices.Contains(r.Windows(), d.Window)) || d.Mail == r.Told || r.Always && !d.Active {
			t.Errorf("%s is by itself %+v", r.Name, d)
		}
		for _, a := range r.Actions {
			if a.Class() == "" {
				t.Errorf("%s counts %s, which is no action", r.Name, a)
			}
		}
	}
}
