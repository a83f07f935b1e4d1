package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/provider"
	"latchkey/app/secret"
)

// TestACredentialIsWrittenAndNeverRead: it is sealed for its place, and goes with the
// address that it was typed for.
func TestACredentialIsWrittenAndNeverRead(t *testing.T) {
	each(t, func(h *house) {
		a, other := serve(h.T), serve(h.T)
		h.save(provider.SMS, twilioAt(a.URL), token)
		kept := h.text("SELECT credential FROM providers")
		if kept == "" || strings.Contains(kept, token) {
			h.Fatalf("the credential is kept as %q", kept)
		}
		set, ok, err := h.Of(h.Context(), "alder", provider.SMS)
		if err != nil || !ok || !set.Credential || strings.Contains(fmt.Sprintf("%+v", set), token) {
			h.Errorf("Of = %+v, %t, %v", set, ok, err)
		}
		save := func(s provider.Settings, credential string, version int) error {
			return h.Save(h.Context(), "alder", "alder-user1", provider.SMS, s, secret.TokenOf(credential), version, audit.Origin{})
		}
		// Another sender keeps it.
		s := twilioAt(a.URL)
		s.Sender = "+15550199"
		if err := save(s, "", 1); err != nil {
			h.Fatal(err)
		}
		// Another address, account or driver does not.
		elsewhere, account, driver := s, s, provider.Settings{Driver: provider.Webhook, URL: a.URL}
		elsewhere.URL, account.Account = other.URL, "AC9"
		for _, changed := range []provider.Settings{elsewhere, account, driver} {
			if err := save(changed, "", 2); !errors.Is(err, fault.Invalid) || fault.Of(err).Fields["credential"] != "provider.credential_again" {
				h.Errorf("%+v without a credential = %v", changed, err)
			}
		}
		// It does not open in another place, nor for another tenant.
		h.set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) SELECT 'birch', channel, driver, url, account, sender, credential, 1, '', changed_at FROM providers")
		h.set("INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at) SELECT 'alder', 'voice', driver, url, account, sender, credential, 1, '', changed_at FROM providers WHERE tenant_id = 'alder'")
		h.code(provider.Voice, "111111")
		h.working(dead)
		if got := h.text("SELECT fault FROM outbox"); got != "unreadable" || len(a.all()) != 0 {
			h.Errorf("a credential that was carried elsewhere: %q, %d requests", got, len(a.all()))
		}
		if err := save(elsewhere, "another", 2); err != nil {
			h.Fatal(err)
		}
		h.code(provider.SMS, "222222")
		h.working(sent)
		if _, password, _ := other.all()[0].BasicAuth(); password != "another" {
			h.Error("the new address was not asked with the new credential")
		}
		// No credential is in the audit.
		if got := h.text("SELECT count(*) FROM audit_events WHERE CAST(record AS text) LIKE '%canary%'"); got != "0" {
			h.Errorf("%s events have the credential", got)
		}
		// A mail server that needs none keeps none.
		if err := h.Remove(h.Context(), "alder", "alder-user1", provider.SMS, audit.Origin{}); err != nil {
			h.Fatal(err)
		}
		if err := h.Remove(h.Context(), "alder", "alder-user1", provider.SMS, audit.Origin{}); !errors.Is(err, fault.NotFound) {
			h.Errorf("removed twice: %v", err)
		}
	})
}

// TestTwoAdministratorsAtOnce: one saves, the other learns of it.
func TestTwoAdministratorsAtOnce(t *testing.T) {
	each(t, func(h *house) {
		for version := range 2 {
			var won, lost int
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					err := h.Save(h.Context(), "alder", "alder-user1", provider.SMS, twilioAt("https://sms.example"), secret.TokenOf(token), version, audit.Origin{})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
					case errors.Is(err, fault.Conflict):
						lost++
					default:
						h.Error(err)
					}
				})
			}
			all.Wait()
			if won != 1 || lost != 7 {
				h.Errorf("from version %d on %d saved and %d were told, want 1 and 7", version, won, lost)
			}
		}
	})
}

// TestWhatAProviderMayBe: addresses of the house and ways around them are none.
func TestWhatAProviderMayBe(t *testing.T) {
	each(t, func(h *house) {
		h.Outside.Allowed = nil
		for _, c := range []struct {
			channel provider.Channel
			s       provider.Settings
			field   string
		}{
			{provider.SMS, twilioAt("https://api.twilio.com/"), ""},
			{provider.SMS, twilioAt("http://api.twilio.com"), "url"},
			{provider.SMS, twilioAt("https://user:password@api.twilio.com"), "url"},
			{provider.SMS, twilioAt("https://api.twilio.com/2010#x"), "url"},
			{provider.SMS, twilioAt("https://127.0.0.1"), "url"},
			{provider.SMS, twilioAt("https://[::1]"), "url"},
			{provider.SMS, twilioAt("https://[::ffff:10.0.0.1]"), "url"},
			{provider.SMS, twilioAt("https://169.254.169.254"), "url"},
			{provider.SMS, twilioAt("http://localhost:8080"), "url"},
			{provider.SMS, twilioAt("file:///etc/passwd"), "url"},
			{provider.SMS, twilioAt("https://a b.example"), "url"},
			{provider.SMS, twilioAt(""), "url"},
			{provider.SMS, provider.Settings{Driver: provider.Webhook, URL: "https://sms.example/take?key=1"}, ""},
			{provider.SMS, provider.Settings{Driver: provider.SMTP, URL: "smtp://mail.example:25", Sender: "a@b.example"}, "driver"},
			{provider.SMS, provider.Settings{Driver: provider.Keep}, "driver"},
			{provider.SMS, provider.Settings{Driver: provider.Twilio, URL: "https://a.example", Account: "../x", Sender: "+15550100"}, "account"},
			{provider.SMS, provider.Settings{Driver: provider.Twilio, URL: "https://a.example", Account: "AC1", Sender: "not a number at all"}, "sender"},
			{provider.Voice, provider.Settings{Driver: provider.Twilio, URL: "https://a.example", Account: "AC1", Sender: "Alder"}, "sender"},
			{provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://mail.example:587", Account: "x", Sender: "id@alder.example"}, ""},
			{provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://mail.example", Account: "x", Sender: "id@alder.example"}, "url"},
			{provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "https://mail.example:587", Account: "x", Sender: "id@alder.example"}, "url"},
			{provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://10.0.0.1:25", Account: "x", Sender: "id@alder.example"}, "url"},
			{provider.Mail, provider.Settings{Driver: provider.SMTP, URL: "smtp://mail.example:587", Account: "x", Sender: "Alder <id@alder.example>\r\nBcc: a@b.example"}, "sender"},
		} {
			err := h.Save(h.Context(), "alder", "alder-user1", c.channel, c.s, secret.TokenOf(token), 0, audit.Origin{})
			if err == nil {
				if err := h.Remove(h.Context(), "alder", "alder-user1", c.channel, audit.Origin{}); err != nil {
					h.Fatal(err)
				}
			}
			var fields map[string]string
			if f := fault.Of(err); f != nil {
				fields = f.Fields
			}
			if (c.field == "") != (err == nil) || c.field != "" && fields[c.field] == "" {
				h.Errorf("%s %+v = %v with the fields %v, want %q", c.channel, c.s, err, fields, c.field)
			}
		}
	})
}

// TestAProviderOfOneHoldsUpNoOther: three hands at most are one tenant's.
func TestAProviderOfOneHoldsUpNoOther(t *testing.T) {
	each(t, func(h *house) {
		h.Client.Timeout = 10 * time.Second
		release := make(chan struct{})
		a := serve(h.T)
		a.reply = func(_ int, w http.ResponseWriter) { <-release; taken(w) }
		quick := serve(h.T)
		h.save(provider.SMS, twilioAt(a.URL), token)
		if err := h.Save(h.Context(), "birch", "birch-user1", provider.Mail, provider.Settings{Driver: provider.Webhook, URL: quick.URL}, secret.TokenOf("x"), 0, audit.Origin{}); err != nil {
			h.Fatal(err)
		}
		for range 20 {
			h.code(provider.SMS, "493817")
		}
		h.set("INSERT INTO outbox (tenant_id, id, kind, target, body, created_at, due_at, expires_at) VALUES ('birch','mail','mail','a@birch.example','{}',?,?,?)", h.clock.Now(), h.clock.Now(), h.clock.Now().Add(time.Hour))
		h.working("SELECT id FROM outbox WHERE id = 'mail' AND sent_at IS NOT NULL")
		if n := len(a.all()); n > 3 {
			h.Errorf("%d of one tenant were under way at once, want 3", n)
		}
		close(release)
	})
}

// TestTheMiddleOfWhatItTakes: over the last messages, whoever sent them.
func TestTheMiddleOfWhatItTakes(t *testing.T) {
	each(t, func(h *house) {
		a := serve(h.T)
		h.save(provider.SMS, twilioAt(a.URL), token)
		var took time.Duration
		a.reply = func(_ int, w http.ResponseWriter) { h.clock.Forward(took); taken(w) }
		for _, took = range []time.Duration{40 * time.Millisecond, 10 * time.Millisecond, 3 * time.Second, 20 * time.Millisecond, 30 * time.Millisecond} {
			err := h.Send(h.Context(), notify.Owed{TenantID: "alder", ID: "m", Kind: "sms", Target: "+4930901820", Body: must(h.Keys.Seal("alder", "outbox.body m", "1"))})
			if err != nil {
				h.Fatal(err)
			}
		}
		do, err := h.HealthOf(h.Context(), "alder")
		if err != nil || do[0].Middle != 30*time.Millisecond {
			h.Errorf("the middle is %v, %v, want 30 ms", do[0].Middle, err)
		}
		for range 200 { // the list is as long as it may be, and no longer
			if err := h.Send(h.Context(), notify.Owed{TenantID: "alder", ID: "m", Kind: "sms", Target: "+4930901820", Body: must(h.Keys.Seal("alder", "outbox.body m", "1"))}); err != nil {
				h.Fatal(err)
			}
		}
		if list := h.text("SELECT latencies FROM provider_health"); len(list) > 200 {
			h.Errorf("the list has %d letters", len(list))
		}
	})
}

func TestLimitsOfATenant(t *testing.T) {
	each(t, func(h *house) {
		l, err := h.LimitsOf(h.Context(), "alder")
		if err != nil || l.Daily != 1000 || !strings.Contains(strings.Join(l.Countries, " "), "DE") || strings.Contains(strings.Join(l.Countries, " "), "US") {
			h.Errorf("of its region: %v, %v", l, err)
		}
		limit := func(daily int, countries ...string) error {
			return h.Limit(h.Context(), "alder", "alder-user1", provider.Limits{Countries: countries, Daily: daily}, audit.Origin{})
		}
		for _, err := range []error{limit(-1, "DE"), limit(1_000_001, "DE"), limit(10, "XX"), limit(10, "de"), limit(10, "001")} {
			if !errors.Is(err, fault.Invalid) {
				h.Errorf("a limit that is none = %v", err)
			}
		}
		if err := limit(5, "US", "DE", "US"); err != nil {
			h.Fatal(err)
		}
		if l, _ := h.LimitsOf(h.Context(), "alder"); l.Daily != 5 || strings.Join(l.Countries, " ") != "DE US" {
			h.Errorf("of its own: %v", l)
		}
		if err := limit(0); err != nil {
			h.Fatal(err)
		}
		if l, _ := h.LimitsOf(h.Context(), "alder"); l.Daily != 0 || len(l.Countries) != 0 {
			h.Errorf("nothing to nobody: %v", l)
		}
		if l, _ := h.LimitsOf(h.Context(), "birch"); l.Daily != 1000 {
			h.Errorf("of another tenant: %v", l)
		}
	})
}

func TestMask(t *testing.T) {
	for of, want := range map[string]string{
		"+4930901820": "+49 … 20", "+15550100": "+1 … 00", "+1": "…", "": "…", "user1@alder.example": "us…@alder.example", "a@b.example": "a…@b.example",
	} {
		if got := provider.Mask(of); got != want {
			t.Errorf("Mask(%q) = %q, want %q", of, got, want)
		}
	}
}

func TestTheDemonstrationKeepsWhatItDoesNotSend(t *testing.T) {
	each(t, func(h *house) {
		h.Kept = &provider.Kept{}
		h.save(provider.SMS, provider.Settings{Driver: provider.Keep}, "")
		h.save(provider.Voice, provider.Settings{Driver: provider.Keep}, "")
		h.code(provider.SMS, "493817")
		h.working(sent)
		h.code(provider.Voice, "555555")
		h.working("SELECT id FROM outbox WHERE kind = 'voice' AND sent_at IS NOT NULL")
		all := h.Kept.All()
		if len(all) != 2 || all[0].Text != "ALDER & co 555555." || all[1].Text != "ALDER says 493817" {
			h.Errorf("it kept %v", all)
		}
		// Where nothing is a demonstration any more, nothing is kept.
		h.Kept = nil
		h.code(provider.SMS, "493817")
		h.working("SELECT id FROM outbox WHERE fault = 'no_provider'")
	})
}

// TestPatiently: longer each time, never beyond a quarter of an hour, never all at once.
func TestPatiently(t *testing.T) {
	seen := map[time.Duration]bool{}
	for tries := 1; tries < 40; tries++ {
		wait, more := notify.Patiently(tries)
		most := min(2*time.Second<<min(tries-1, 20), 15*time.Minute)
		if !more || wait > most || wait < most*3/4 {
			t.Errorf("after %d tries it waits %v, %t; want %v to %v", tries, wait, more, most*3/4, most)
		}
		seen[wait] = true
	}
	if len(seen) < 30 {
		t.Errorf("forty waits are %d different ones", len(seen))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
