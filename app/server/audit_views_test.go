package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"latchkey/app/audit"
)

const viewsOf = "/admin/alder/audit/views"

// openedView is where a page leads that opens a view, and viewAt the address of a view.
var (
	openedView = regexp.MustCompile(`<a class="tag chip[^"]*" href="([^"]+)"[^>]* data-view>`)
	viewAt     = regexp.MustCompile(`/audit/views/([a-z2-7]+)/filters`)
)

// saveView saves filters, and gives the id of the view and where that leads.
func saveView(t *testing.T, b *browser, pairs ...string) (id, to string) {
	t.Helper()
	to = b.post(t, viewsOf, pairs...).want(t, http.StatusSeeOther).location()
	at, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return at.Query().Get("view"), to
}

func version(w *world, t *testing.T, id string) string {
	t.Helper()
	text := ""
	w.one(t, &text, "SELECT CAST(version AS text) FROM audit_views WHERE id = ?", id)
	return text
}

// TestAViewIsSavedOpenedAndChangedOverHTTP: each act by its form, as the page makes it.
func TestAViewIsSavedOpenedAndChangedOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		security, auditor, desk := w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, "auditor@alder.example"), w.browser(t).signIn(t, deskOf)
		if page := security.get(t, "/admin/alder/audit").want(t, http.StatusOK); strings.Contains(page.body, "save-view") || !strings.Contains(page.body, viewsOf) {
			t.Error("without a filter there is a form to save some, or no way to the views")
		}
		page := security.get(t, "/admin/alder/audit?range=week&outcome=denied").want(t, http.StatusOK)
		if !strings.Contains(page.body, `action="`+viewsOf+`"`) || !strings.Contains(page.body, `name="range" value="week"`) {
			t.Error("the page has no form that saves its filters")
		}
		bad := security.post(t, viewsOf, "name", "<i>\a", "outcome", "denied", "range", "year").want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(bad.body, "&lt;i&gt;") || !strings.Contains(bad.body, "80 letters") || !strings.Contains(bad.body, "none that the audit knows") || !strings.Contains(bad.body, `name="outcome" value="denied"`) {
			t.Error("the form does not come back as it was typed, with all that is wrong")
		}
		security.post(t, viewsOf, "name", "Late", "from", "yesterday").want(t, http.StatusUnprocessableEntity)
		id, to := saveView(t, security, "name", "Denied <i>", "outcome", "denied", "range", "week")
		opened := security.get(t, to).want(t, http.StatusOK)
		if !strings.Contains(opened.body, "Denied &lt;i&gt;") || !strings.Contains(opened.body, `aria-current="page" data-view`) || !strings.Contains(opened.body, `role="status"`) || viewAt.MatchString(opened.body) {
			t.Error("the view is not open, or is said to have other filters than it has")
		}
		if link := html.UnescapeString(first(openedView, security.get(t, "/admin/alder/audit").want(t, http.StatusOK))); link != strings.TrimSuffix(to, "&done=view_saved") {
			t.Errorf("the page opens it by %s, want %s", link, to)
		}

		// Its filters are changed where they are set.
		other := security.get(t, "/admin/alder/audit?action=access.refused&view="+id).want(t, http.StatusOK)
		if first(viewAt, other) != id {
			t.Fatal("the page does not offer to put the filters into the view")
		}
		into := security.post(t, viewsOf+"/"+id+"/filters", "action", "access.refused", "version", "1").want(t, http.StatusSeeOther).location()
		if !strings.Contains(into, "action=access.refused") || strings.Contains(into, "outcome") || !strings.Contains(security.get(t, into).body, "has these filters now") {
			t.Errorf("it leads to %s", into)
		}
		security.post(t, viewsOf+"/"+id+"/filters", "action", "user.locked", "version", "1").want(t, http.StatusConflict)
		if none := security.post(t, viewsOf+"/"+id+"/filters", "version", "2").want(t, http.StatusUnprocessableEntity); !strings.Contains(none.body, "at least one filter") {
			t.Error("without filters it does not say what is wrong")
		}
		security.post(t, viewsOf+"/"+id+"/filters", "to", "soon", "version", "2").want(t, http.StatusUnprocessableEntity)

		one := security.get(t, viewsOf+"/"+id).want(t, http.StatusOK)
		for _, want := range []string{viewsOf + "/" + id + "/rename", viewsOf + "/" + id + "/share", viewsOf + "/" + id + "/delete", "Only you see it", "told security events"} {
			if !strings.Contains(one.body, want) {
				t.Errorf("its page has no %s", want)
			}
		}
		if bad := security.post(t, viewsOf+"/"+id+"/rename", "name", "<b>\a", "version", "2").want(t, http.StatusUnprocessableEntity); !strings.Contains(bad.body, "&lt;b&gt;") || !strings.Contains(bad.body, "field-error") {
			t.Error("the form of its name does not come back as it was typed")
		}
		security.post(t, viewsOf+"/"+id+"/rename", "name", "Refusals", "version", "2").want(t, http.StatusSeeOther)
		auditor.get(t, viewsOf+"/"+id).want(t, http.StatusNotFound)
		security.post(t, viewsOf+"/"+id+"/share", "version", "3").want(t, http.StatusSeeOther)

		// An auditor sees it, changes nothing of it, and may delete it; an agent does not know of it.
		theirs := auditor.get(t, viewsOf).want(t, http.StatusOK)
		if !strings.Contains(theirs.body, "Refusals") || !strings.Contains(theirs.body, firstSecurity) {
			t.Error("an auditor is not told of it, or not whose it is")
		}
		if one := auditor.get(t, viewsOf+"/"+id).want(t, http.StatusOK); strings.Contains(one.body, "/rename") || !strings.Contains(one.body, "/delete") {
			t.Error("an auditor may rename it, or not delete it")
		}
		refused := w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.AccessRefused)
		auditor.post(t, viewsOf+"/"+id+"/rename", "name", "Mine", "version", "4").want(t, http.StatusForbidden)
		if w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", audit.AccessRefused) != refused+1 {
			t.Error("that they tried is no event")
		}
		if list := desk.get(t, viewsOf).want(t, http.StatusOK); strings.Contains(list.body, "Refusals") || strings.Contains(list.body, firstSecurity) {
			t.Error("an agent is told of a question for security events")
		}
		desk.get(t, viewsOf+"/"+id).want(t, http.StatusNotFound)
		if page := desk.get(t, "/admin/alder/audit?view="+id).want(t, http.StatusOK); strings.Contains(page.body, "Refusals") {
			t.Error("an agent learns its name by its id")
		}

		// With filters for more people it is private; with sharing again it is the agent's, too.
		private := security.post(t, viewsOf+"/"+id+"/filters", "outcome", "failure", "version", "4").want(t, http.StatusSeeOther).location()
		if !strings.Contains(security.get(t, private).body, "private again") {
			t.Errorf("%s does not say that it is private again", private)
		}
		security.post(t, viewsOf+"/"+id+"/share", "version", "5").want(t, http.StatusSeeOther)
		if list := desk.get(t, "/admin/alder/audit").want(t, http.StatusOK); !strings.Contains(list.body, "Refusals") || strings.Contains(list.body, firstSecurity) {
			t.Error("an agent does not see a question for everybody, or is told whose it is")
		}
		desk.post(t, viewsOf+"/"+id+"/delete", "version", "6").want(t, http.StatusForbidden)
		security.post(t, viewsOf+"/"+id+"/unshare").want(t, http.StatusSeeOther)
		security.post(t, viewsOf+"/"+id+"/unshare").want(t, http.StatusConflict)
		security.post(t, viewsOf+"/"+id+"/share", "version", "7").want(t, http.StatusSeeOther)
		auditor.post(t, viewsOf+"/"+id+"/delete", "version", "7").want(t, http.StatusConflict)
		auditor.post(t, viewsOf+"/"+id+"/delete", "version", version(w, t, id)).want(t, http.StatusSeeOther)
		security.get(t, viewsOf+"/"+id).want(t, http.StatusNotFound)
		for action, n := range map[audit.Action]int{audit.ViewSaved: 1, audit.ViewChanged: 3, audit.ViewShared: 3, audit.ViewUnshared: 1, audit.ViewDeleted: 1} {
			if got := w.count(t, "SELECT count(*) FROM audit_events WHERE action = ?", action); got != n {
				t.Errorf("%d events %s, want %d", got, action, n)
			}
		}
		w.browser(t).signIn(t, "user1@alder.example").get(t, viewsOf).want(t, http.StatusForbidden)
	})
}

// TestAViewLeadsWhereverItsFiltersAreTaken: every filter of the page comes back from a view,
// the export is asked for with them, and the JSON of the audit knows of no views.
func TestAViewLeadsWhereverItsFiltersAreTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		security := w.browser(t).signIn(t, firstSecurity)
		filters := url.Values{
			"q": {"lost & found"}, "action": {"user."}, "outcome": {"success"}, "actor": {deskOf}, "target": {"user1@alder.example"}, "thread": {"case-1"},
			"from": {"2026-11-01T00:00:00Z"}, "to": {"2026-11-02T12:30:00Z"},
		}
		pairs := []string{"name", "All of it"}
		for name, values := range filters {
			pairs = append(pairs, name, values[0])
		}
		id, to := saveView(t, security, pairs...)
		at, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range filters {
			if got := at.Query().Get(name); got != values[0] {
				t.Errorf("%s is %q in %s, want %q", name, got, to, values[0])
			}
		}
		page := security.get(t, to).want(t, http.StatusOK)
		if viewAt.MatchString(page.body) {
			t.Error("its own filters are taken for others")
		}
		export := html.UnescapeString(first(regexp.MustCompile(`href="(/admin/alder/audit/export\?[^"]+)"`), page))
		for name, values := range filters {
			if at, err := url.Parse(export); err != nil || at.Query().Get(name) != values[0] {
				t.Errorf("the export is asked for with %s, %v, and %s is not %q", export, err, name, values[0])
			}
		}
		with, without := security.get(t, to, "Accept", "application/json").want(t, http.StatusOK), security.get(t, "/admin/alder/audit?"+filters.Encode(), "Accept", "application/json").want(t, http.StatusOK)
		if with.body != without.body || strings.Contains(with.body, id) {
			t.Errorf("the JSON of a view is\n%s\nand of its filters\n%s", with.body, without.body)
		}
	})
}
