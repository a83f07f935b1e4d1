package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var exportLink = regexp.MustCompile(`id="export-link" href="([^"]+)"`)

// TestAnExportOverHTTP: by whoever may, written in the background, fetched once.
func TestAnExportOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const list = "/admin/alder/audit/export"
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		for _, other := range []string{"admin@alder.example", deskOf} {
			w.browser(t).signIn(t, other).post(t, list, "format", "csv").want(t, http.StatusForbidden)
		}
		bad := auditor.post(t, list, "format", "xlsx", "from", "yesterday").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, `value="yesterday"`) || !strings.Contains(bad.body, "field-error") {
			t.Error("the form does not come back as it was typed, with what is wrong")
		}
		for _, form := range []string{"csv", "jsonl", "ocsf", "cef"} {
			one := auditor.post(t, list, "format", form, "action", "signin.finished").want(t, http.StatusSeeOther).location()
			for until := time.Now().Add(30 * time.Second); !strings.Contains(auditor.get(t, one).body, "/link"); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(until) {
					t.Fatalf("%s is not written", form)
				}
			}
			auditor.post(t, one+"/link").want(t, http.StatusSeeOther)
			link := first(exportLink, auditor.get(t, one).want(t, http.StatusOK))
			file := auditor.get(t, link).want(t, http.StatusOK)
			if !strings.Contains(file.body, "signin.finished") || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment;") || file.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s is %.200q with %v", form, file.body, file.header)
			}
			auditor.get(t, link).want(t, http.StatusNotFound)
		}
	})
}
