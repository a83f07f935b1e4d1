package server_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var exportHere = regexp.MustCompile(`href="(/admin/alder/audit/export\?[^"]*)"`)

// TestTheFiltersOfTheListGoAlong: the list leads whoever may export to a form with just its
// filters, and what was typed stays text.
func TestTheFiltersOfTheListGoAlong(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		auditor := w.browser(t).signIn(t, "auditor@alder.example")
		const filters = "?q=%22%3E%3Cscript%3E&action=user.&outcome=denied&actor=admin%40alder.example&target=user6%40alder.example&thread=case%3A7&from=2026-11-01T10%3A00&to=2026-11-30T10%3A00&range=day"
		page := auditor.get(t, "/admin/alder/audit"+filters).want(t, http.StatusOK)
		form := auditor.get(t, html.UnescapeString(first(exportHere, page))).want(t, http.StatusOK)
		for _, want := range []string{
			`name="q" type="text" value="&#34;&gt;&lt;script&gt;"`, `name="action" type="text" value="user."`, `<option value="denied" selected>`, `name="actor" type="text" value="admin@alder.example"`,
			`name="target" type="text" value="user6@alder.example"`, `name="thread" type="text" value="case:7"`, `name="from" type="text" value="2026-11-01T10:00:00Z"`, `name="to" type="text" value="2026-11-30T10:00:00Z"`,
		} {
			if !strings.Contains(form.body, want) {
				t.Errorf("the form has not %s: %s", want, form.body)
			}
		}
		relative := auditor.get(t, html.UnescapeString(first(exportHere, auditor.get(t, "/admin/alder/audit?range=hour&outcome=none").want(t, http.StatusOK)))).want(t, http.StatusOK)
		if !regexp.MustCompile(`name="from" type="text" value="\d{4}-`).MatchString(relative.body) || strings.Contains(relative.body, `value="none"`) {
			t.Error("a range does not begin where the page begins, or an outcome that is none goes along")
		}
		for _, other := range []string{"admin@alder.example", deskOf} {
			if page := w.browser(t).signIn(t, other).get(t, "/admin/alder/audit").want(t, http.StatusOK); strings.Contains(page.body, "/audit/export") {
				t.Errorf("%s is led to what is not for them", other)
			}
		}
	})
}

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
			until(t, form+" to be written", func() bool { return strings.Contains(auditor.get(t, one).body, "/link") })
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
