package consumer_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"latchkey/app/audit"
	"latchkey/app/consumer"
	"latchkey/app/eventform"
	"latchkey/app/fault"
)

// TestAWebhookCanProveThatItHasAll: in order, without a gap, signed, and with bytes from
// which it reckons the root that the checkpoint names.
func TestAWebhookCanProveThatItHasAll(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		h.happens(230)
		id, made := h.add(h.settings())
		h.seal()
		h.Clock.Forward(2 * time.Minute)
		h.seal() // with a checkpoint over all of it
		h.round()
		var hashes []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			var all []tlog.Hash
			for _, i := range indexes {
				all = append(all, hashes[i])
			}
			return all, nil
		})
		next, note := int64(0), ""
		all := h.hook.taken()
		for _, got := range all {
			stamp := got.header.Get("Latchkey-Timestamp")
			mac := hmac.New(sha256.New, []byte(made.Reveal()))
			mac.Write([]byte(stamp + "." + got.body))
			if got.header.Get("Latchkey-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) {
				t.Fatal("a batch is not signed under the secret")
			}
			if got.Kind != "events" || got.First != next || got.header.Get("Idempotency-Key") == "" {
				t.Fatalf("a batch begins at %d, want %d", got.First, next)
			}
			for _, e := range got.Events {
				if e.N != next || e.Sequence != next+1 {
					t.Fatalf("event %d has the sequence %d, want %d", e.N, e.Sequence, next+1)
				}
				more, err := tlog.StoredHashes(e.N, []byte(e.Record), reader)
				if err != nil {
					t.Fatal(err)
				}
				hashes, next = append(hashes, more...), next+1
			}
			if got.Next != next {
				t.Errorf("the batch says that %d is next, want %d", got.Next, next)
			}
			note = got.Note
		}
		if len(all) < 3 || next != h.size() {
			t.Fatalf("it got %d of %d events in %d batches", next, h.size(), len(all))
		}
		lines := strings.Split(note, "\n")
		size, _ := strconv.ParseInt(lines[1], 10, 64)
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if size < 230 || root.String() != lines[2] {
			t.Errorf("the root over %d is %s, and the checkpoint says %s", size, root, lines[2])
		}
		var told eventform.Event
		if err := json.Unmarshal(all[0].Events[len(all[0].Events)-1].Event, &told); err != nil {
			t.Fatal(err)
		}
		if told.Actor.Name != h.security.Name || told.IP != "203.0.113.9" || told.Reason != "line\nbreak | = \\" || told.Tenant != h.Alder.Slug || told.Details["ticket"] != "INC-1" {
			t.Errorf("an event is %+v", told)
		}
		if c := h.find(id); c.NextN != next || c.Behind() != 0 || c.DeliveredAt == nil {
			t.Errorf("it stands at %d, %d behind", c.NextN, c.Behind())
		}
		h.round()
		if more := h.hook.taken(); len(more) != 0 {
			t.Errorf("it is handed %d batches of nothing", len(more))
		}
	})
}

// TestWhatIsNotTakenComesAgain, later each time; after an hour somebody is told, once; and
// when it is taken nothing is missing.
func TestWhatIsNotTakenComesAgain(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		id, _ := h.add(h.settings())
		h.happens(3)
		h.hook.says(func(took) int { return http.StatusInternalServerError })
		for range 40 {
			h.round()
			h.Clock.Forward(5 * time.Minute)
		}
		tries := h.hook.taken()
		if len(tries) < 10 || len(tries) > 39 {
			t.Errorf("in 200 minutes it is asked %d times", len(tries))
		}
		for _, got := range tries {
			if got.First != 0 {
				t.Fatalf("it goes on to %d although nothing was taken", got.First)
			}
		}
		c := h.find(id)
		if c.NextN != 0 || c.Fault != "status" || !c.Silent(h.DB.Now()) || c.Failures != len(tries) {
			t.Errorf("it stands as %+v", c)
		}
		if n, err := consumer.Silent(t.Context(), h.DB); err != nil || n != 1 {
			t.Errorf("the health counts %d, %v", n, err)
		}
		if h.Events(audit.ConsumerSilent) != 1 || h.Count("SELECT count(*) FROM notices WHERE action = 'consumer.silent'") != 1 {
			t.Errorf("it is said %d times, with %d notices", h.Events(audit.ConsumerSilent), h.Count("SELECT count(*) FROM notices WHERE action = 'consumer.silent'"))
		}
		h.hook.says(func(took) int { return http.StatusOK })
		h.Clock.Forward(16 * time.Minute)
		h.seal()
		h.round()
		got := h.hook.taken()
		if len(got) != 1 || got[0].First != 0 || got[0].Next != h.size() {
			t.Errorf("then it gets %d batches", len(got))
		}
		if h.Events(audit.ConsumerWorks) != 1 || h.find(id).Failures != 0 {
			t.Error("nobody hears that it works again")
		}
	})
}

// TestTwoReplicasFeedOne: each event is handed over by one of them.
func TestTwoReplicasFeedOne(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		id, _ := h.add(h.settings())
		h.happens(350)
		var working sync.WaitGroup
		for range 4 {
			other := h.replica()
			working.Go(func() {
				if err := other.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		h.round()
		next := int64(0)
		for _, got := range h.hook.taken() {
			if got.First != next {
				t.Errorf("a batch begins at %d, want %d", got.First, next)
			}
			next = got.Next
		}
		if next != h.size() || h.find(id).NextN != next {
			t.Errorf("%d of %d came", next, h.size())
		}
	})
}

// TestWhoWasFedStandsBehindTheOthers, so that nobody waits for ever behind those who always
// have more to take.
func TestWhoWasFedStandsBehindTheOthers(t *testing.T) {
	each(t, func(h *house) {
		h.add(h.settings())
		h.happens(1)
		h.Clock.Forward(time.Minute)
		h.round()
		if h.Count("SELECT count(*) FROM consumers WHERE due_at >= ?", h.DB.Now()) != 1 {
			h.T.Error("who was fed is still the first")
		}
	})
}

// TestWhoDiedInBetween has handed over what comes again: the same, by the same key.
func TestWhoDiedInBetween(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		id, _ := h.add(h.settings())
		h.happens(5)
		// Somebody else is at it, and takes it away from whoever comes back late.
		h.hook.says(func(took) int {
			h.Set("UPDATE consumers SET claim = 'another', claimed_until = ?", h.DB.Now().Add(time.Minute))
			return http.StatusOK
		})
		h.round()
		if h.find(id).NextN != 0 {
			t.Error("it moves although it was not its own any more")
		}
		h.hook.says(func(took) int { return http.StatusOK })
		h.round()
		first := h.hook.taken()
		if len(first) != 1 {
			t.Fatalf("while another one is at it %d come", len(first))
		}
		h.Clock.Forward(2 * time.Minute)
		h.round()
		again := h.hook.taken()
		if len(again) != 1 || again[0].header.Get("Idempotency-Key") != first[0].header.Get("Idempotency-Key") || h.find(id).NextN != h.size() {
			t.Errorf("what was handed over comes again as %d batches", len(again))
		}
	})
}

// TestPausedInTheMiddle stays where it was, and goes on from there.
func TestPausedInTheMiddle(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		id, _ := h.add(h.settings())
		h.happens(2)
		h.hook.says(func(took) int {
			if err := h.consumers.Pause(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); err != nil {
				t.Error(err)
			}
			return http.StatusOK
		})
		h.round()
		if c := h.find(id); c.State != consumer.Paused || c.NextN != 0 {
			t.Errorf("it is %s at %d", c.State, c.NextN)
		}
		h.hook.says(func(took) int { return http.StatusOK })
		h.hook.taken()
		h.round()
		if len(h.hook.taken()) != 0 {
			t.Error("one that is paused gets events")
		}
		if err := h.consumers.Pause(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("it is paused twice: %v", err)
		}
		if err := h.consumers.Resume(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		h.round()
		if got := h.hook.taken(); len(got) != 1 || got[0].First != 0 {
			t.Errorf("it goes on with %d batches", len(got))
		}
	})
}

// TestSyslogOverTLS: one message for each event; who breaks off, or is not who they say,
// has taken nothing.
func TestSyslogOverTLS(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		siem := listen(t)
		h.happens(3)
		first := h.size()
		s := consumer.Settings{Kind: consumer.Syslog, Name: "Collector", Form: eventform.CEF, URL: siem.URL, Roots: siem.Roots}
		id, made := h.add(s)
		if !made.Empty() {
			t.Error("syslog has a secret")
		}
		h.happens(2)
		h.round()
		if h.find(id).NextN != h.size() {
			t.Fatalf("it stands at %d of %d: %s", h.find(id).NextN, h.size(), h.find(id).Fault)
		}
		messages := frames(t, <-siem.messages)
		if int64(len(messages)) != h.size()-first {
			t.Fatalf("%d messages came", len(messages))
		}
		for i, m := range messages {
			if !strings.Contains(m, ` id.example latchkey - `) || !strings.Contains(m, `[meta sequenceId="`+strconv.Itoa(i+1)+`"] CEF:0|Latchkey|`) || !strings.Contains(m, "cn1="+strconv.FormatInt(first+int64(i), 10)+" ") || strings.Contains(m, "\n") {
				t.Errorf("message %d is %q", i, m)
			}
			if strings.Contains(m, h.security.Name) || strings.Contains(m, "203.0.113.9") {
				t.Error("personal data go along")
			}
		}
		siem.breaks.Store(true)
		h.happens(1)
		h.round()
		if c := h.find(id); c.NextN == h.size() || c.Fault != "unreachable" {
			t.Errorf("who broke off has taken it: at %d, %q", c.NextN, c.Fault)
		}
		// Somebody else in its place.
		h.Set("UPDATE consumers SET roots = ?, due_at = ?", listen(t).Roots, h.DB.Now())
		siem.breaks.Store(false)
		h.round()
		if c := h.find(id); c.NextN == h.size() || c.Fault != "certificate" {
			t.Errorf("somebody else has taken it: at %d, %q", c.NextN, c.Fault)
		}
		if why, err := h.consumers.Test(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); err != nil || why != "certificate" {
			t.Errorf("a test says %q, %v", why, err)
		}
	})
}

// TestAConsumerIsKept: with its secret sealed, of one tenant alone, and ten at most.
func TestAConsumerIsKept(t *testing.T) {
	each(t, func(h *house) {
		t := h.T
		id, made := h.add(h.settings())
		if sealed := h.Text("SELECT secret FROM consumers"); sealed == "" || strings.Contains(sealed, made.Reveal()) {
			t.Error("the secret is not sealed")
		}
		fits := func(text string) bool {
			is, err := h.consumers.Fits(t.Context(), h.Alder.ID, id, text)
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		if !fits(made.Reveal()) || fits("") || fits("made up") {
			t.Error("what fits is not the secret alone")
		}
		if why, err := h.consumers.Test(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); err != nil || why != "" {
			t.Errorf("a test says %q, %v", why, err)
		}
		if got := h.hook.taken(); len(got) != 1 || got[0].Kind != "test" || len(got[0].Events) != 0 {
			t.Errorf("a test is %d requests", len(got))
		}
		other, err := h.consumers.Renew(t.Context(), h.Alder.ID, id, h.security.ID, h.find(id).Version, audit.Origin{})
		if err != nil || !fits(other.Reveal()) || fits(made.Reveal()) {
			t.Errorf("another secret: %v", err)
		}
		if _, err := h.consumers.Renew(t.Context(), h.Alder.ID, id, h.security.ID, 1, audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("by a page of before: %v", err)
		}
		for what, do := range map[string]func() error{
			"found":   func() error { _, err := h.consumers.Find(t.Context(), h.Birch.ID, id); return err },
			"paused":  func() error { return h.consumers.Pause(t.Context(), h.Birch.ID, id, "x", audit.Origin{}) },
			"removed": func() error { return h.consumers.Remove(t.Context(), h.Birch.ID, id, "x", audit.Origin{}) },
			"tested":  func() error { _, err := h.consumers.Test(t.Context(), h.Birch.ID, id, "x", audit.Origin{}); return err },
		} {
			if err := do(); !errors.Is(err, fault.NotFound) {
				t.Errorf("it is %s by another tenant: %v", what, err)
			}
		}
		for range consumer.Most - 1 {
			h.add(h.settings())
		}
		if _, _, err := h.consumers.Add(t.Context(), h.Alder.ID, h.security.ID, h.settings(), audit.Origin{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("an eleventh: %v", err)
		}
		if err := h.consumers.Remove(t.Context(), h.Alder.ID, id, h.security.ID, audit.Origin{}); err != nil {
			t.Fatal(err)
		}
		if all, err := h.consumers.List(t.Context(), h.Alder.ID); err != nil || len(all) != consumer.Most-1 {
			t.Errorf("%d are left, %v", len(all), err)
		}
		if h.Events(audit.ConsumerAdded) != consumer.Most || h.Events(audit.ConsumerRemoved) != 1 || h.Events(audit.ConsumerTested) != 1 || h.Events(audit.ConsumerSecretMade) != 1 {
			t.Error("not each act is an event")
		}
	})
}

func TestWhatASettingMayBe(t *testing.T) {
	each(t, func(h *house) {
		for what, change := range map[string]struct {
			do    func(s *consumer.Settings)
			field string
		}{
			"no name":                {func(s *consumer.Settings) { s.Name = " " }, "name"},
			"a name of two lines":    {func(s *consumer.Settings) { s.Name = "a\nb" }, "name"},
			"no kind":                {func(s *consumer.Settings) { s.Kind = "pigeon" }, "kind"},
			"a private address":      {func(s *consumer.Settings) { s.URL = "https://10.0.0.1/in" }, "url"},
			"no TLS":                 {func(s *consumer.Settings) { s.URL = "http://siem.example/in" }, "url"},
			"CEF to a webhook":       {func(s *consumer.Settings) { s.Form = eventform.CEF }, "form"},
			"a table":                {func(s *consumer.Settings) { s.Form = eventform.CSV }, "form"},
			"a webhook's authority":  {func(s *consumer.Settings) { s.Roots = "x" }, "roots"},
			"syslog to https":        {func(s *consumer.Settings) { s.Kind = consumer.Syslog }, "url"},
			"syslog without a port":  {func(s *consumer.Settings) { s.Kind, s.URL = consumer.Syslog, "tls://siem.example" }, "url"},
			"syslog with a path":     {func(s *consumer.Settings) { s.Kind, s.URL = consumer.Syslog, "tls://siem.example:6514/x" }, "url"},
			"syslog to the metadata": {func(s *consumer.Settings) { s.Kind, s.URL = consumer.Syslog, "tls://169.254.169.254:6514" }, "url"},
			"roots that are no PEM":  {func(s *consumer.Settings) { s.Kind, s.URL, s.Roots = consumer.Syslog, "tls://siem.example:6514", "x" }, "roots"},
			"syslog of a wrong form": {func(s *consumer.Settings) {
				s.Kind, s.URL, s.Form = consumer.Syslog, "tls://siem.example:6514", eventform.CSV
			}, "form"},
			"a name of somebody else": {func(s *consumer.Settings) { s.Kind, s.URL = consumer.Syslog, "tls://user@siem.example:6514" }, "url"},
		} {
			s := h.settings()
			change.do(&s)
			_, _, err := h.consumers.Add(h.T.Context(), h.Alder.ID, h.security.ID, s, audit.Origin{})
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Fields[change.field] == "" {
				h.T.Errorf("%s: %v", what, err)
			}
		}
	})
}
