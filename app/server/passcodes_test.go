package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var passcodeMark = regexp.MustCompile(`id="static-passcode"[^>]*>([A-Z2-9-]+)<`)

// TestAStaticPasscodeOnItsPages: asked for by one, approved and shown by another,
// typed by its user, withdrawn by a third.
func TestAStaticPasscodeOnItsPages(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		_, id := w.person(t, name)
		person, list := "/admin/alder/users/"+id, "/admin/alder/passcodes"
		admin, security, desk := w.browser(t).signIn(t, "admin@alder.example"), w.browser(t).signIn(t, firstSecurity), w.browser(t).signIn(t, deskOfAlder)
		if strings.Contains(admin.get(t, person).want(t, http.StatusOK).body, person+"/passcodes") {
			t.Error("it is offered where it is off")
		}
		admin.post(t, person+"/passcodes", "hours", "1", "reason", "a test").want(t, http.StatusConflict)
		w.act(t, "UPDATE tenants SET no_sign_in = 0 WHERE slug = 'alder'")
		request := admin.post(t, person+"/passcodes", "hours", "1", "reason", "the phone fell into the sea").want(t, http.StatusSeeOther).location()
		security.get(t, request).want(t, http.StatusOK)
		security.post(t, request+"/approve", "reason", "seen").want(t, http.StatusSeeOther)
		ways := func() string {
			t.Helper()
			_, after, _ := strings.Cut(desk.get(t, person).want(t, http.StatusOK).body, `<h2 id="ways">`)
			section, _, _ := strings.Cut(after, "</section>")
			return section
		}
		if says := ways(); !strings.Contains(says, "Static passcode") || !strings.Contains(says, "waits to be shown") {
			t.Errorf("the helpdesk is told %s", excerpt(says))
		}
		page := security.get(t, list).want(t, http.StatusOK).body
		show := regexp.MustCompile(list + `/[a-z0-9]+/show`).FindString(page)
		if show == "" || !strings.Contains(page, "the phone fell into the sea") {
			t.Fatalf("the list says %s", excerpt(page))
		}
		if strings.Contains(admin.get(t, list).want(t, http.StatusOK).body, show) {
			t.Error("who asked may see it")
		}
		admin.post(t, show).want(t, http.StatusForbidden)
		a := security.post(t, show).want(t, http.StatusOK)
		code := first(passcodeMark, a)
		if len(code) != 23 || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
			t.Fatalf("it is shown as %q, with %q", code, a.header.Get("Cache-Control"))
		}
		security.post(t, show).want(t, http.StatusConflict)
		if says := ways(); !strings.Contains(says, "works") || strings.Contains(says, code) {
			t.Errorf("the helpdesk is told %s", excerpt(says))
		}
		if strings.Contains(security.get(t, list).body, code) {
			t.Error("the list shows it")
		}
		if !strings.Contains(security.get(t, "/admin/alder").body, list) {
			t.Error("the overview does not warn of it")
		}
		b := w.browser(t)
		attempt := b.begin(t, name)
		b.post(t, attempt+"/method", "method", "static_passcode").want(t, http.StatusSeeOther)
		if got := step(b.get(t, attempt)); got != "static_passcode" {
			t.Errorf("the page is of the step %q", got)
		}
		b.post(t, attempt+"/verify", "code", "ABCDE").want(t, http.StatusUnauthorized)
		b.post(t, attempt+"/verify", "code", code).want(t, http.StatusSeeOther)
		b.get(t, "/me").want(t, http.StatusOK)
		// It opens nothing that asks for a fresh proof.
		if to := b.post(t, "/me/totp").location(); !strings.HasPrefix(to, "/step-up") {
			t.Errorf("setting up an app leads to %s", to)
		}
		desk.post(t, person+"/passcodes/withdraw", "reason", "a test").want(t, http.StatusSeeOther)
		if b.signedIn(t) {
			t.Error("withdrawn, its session goes on")
		}
		if strings.Contains(ways(), "Static passcode") {
			t.Error("withdrawn, it is still among their ways")
		}
	})
}
