package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var consumerSecret = regexp.MustCompile(`id="consumer-secret"[^>]*>([^<]+)<`)

// TestAReceiverOfEventsFromItsPageToTheFirstEvent: added, its secret shown once, tested,
// fed, paused and removed.
func TestAReceiverOfEventsFromItsPageToTheFirstEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/webhooks"
		came := make(chan string, 64)
		siem := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			came <- string(body)
		}))
		defer siem.Close()
		security := w.browser(t).signIn(t, firstSecurity)
		for _, other := range []string{"admin@alder.example", deskOf, "auditor@alder.example"} {
			w.browser(t).signIn(t, other).get(t, list).want(t, http.StatusForbidden)
		}
		bad := security.post(t, list, "name", "<i>", "kind", "webhook", "url", "https://10.0.0.1/in", "form", "cef", "from", "start").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, "&lt;i&gt;") || strings.Count(bad.body, "field-error") < 2 {
			t.Error("the form does not come back as it was typed, with what is wrong")
		}
		one := security.post(t, list, "name", "Our SIEM", "kind", "webhook", "url", siem.URL, "form", "jsonl", "from", "start", "personal", "yes").want(t, http.StatusSeeOther).location()
		one, _, _ = strings.Cut(one, "?")
		made := security.get(t, one).want(t, http.StatusOK)
		secret := strings.TrimSpace(first(consumerSecret, made))
		if len(secret) < 32 || made.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("the secret is %q, kept by caches as %q", secret, made.header.Get("Cache-Control"))
		}
		if again := security.get(t, one); strings.Contains(again.body, secret) {
			t.Error("the secret is shown twice")
		}
		security.post(t, one+"/test").want(t, http.StatusSeeOther)
		if page := security.get(t, one).want(t, http.StatusOK); !strings.Contains(page.body, "arrived") {
			t.Error("the page does not say that the test arrived")
		}
		wait := time.After(time.Minute)
		for tested, fed := false, false; !tested || !fed; {
			select {
			case body := <-came:
				tested = tested || strings.Contains(body, `"kind":"test"`)
				fed = fed || strings.Contains(body, `"kind":"events"`) && strings.Contains(body, "consumer.added") && strings.Contains(body, firstSecurity)
			case <-wait:
				t.Fatalf("tested %t, fed %t", tested, fed)
			}
		}
		security.post(t, one+"/pause").want(t, http.StatusSeeOther)
		security.post(t, one+"/pause").want(t, http.StatusConflict)
		if page := security.get(t, list).want(t, http.StatusOK); !strings.Contains(page.body, "paused") || !strings.Contains(page.body, "Our SIEM") {
			t.Error("the list does not say that it is paused")
		}
		security.post(t, one+"/resume").want(t, http.StatusSeeOther)
		security.get(t, "/admin/alder/webhooks/none").want(t, http.StatusNotFound)
		security.post(t, one+"/remove").want(t, http.StatusSeeOther)
		security.get(t, one).want(t, http.StatusNotFound)
	})
}
