package server_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
)

var (
	hintMark = regexp.MustCompile(`href="(/signin\?login_hint=[^"]*)"`)
	nameMark = regexp.MustCompile(`name="identifier"[^>]*value="([^"]*)"|value="([^"]*)"[^>]*name="identifier"`)
)

func TestTheFirstDay(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Empty(t, dialect, "https://id.example.org"))
			older, needed, err := w.Setup.Link(t.Context())
			if err != nil || !needed {
				t.Fatalf("Link = %t, %v", needed, err)
			}
			link, _, err := w.Setup.Link(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b := w.browser(t)
			page := "/setup/" + link.Reveal()
			none := b.get(t, "/setup/"+strings.Repeat("A", 43)).want(t, http.StatusNotFound)
			dead := b.get(t, "/setup/"+older.Reveal()).want(t, http.StatusNotFound)
			if plainBody(none) != plainBody(dead) {
				t.Error("a link that a later one replaced reads unlike none")
			}
			b.get(t, page).want(t, http.StatusOK)

			// What is wrong comes back as it was typed, without the secrets.
			a := b.post(t, page, "tenant_name", "Cedar <b>", "tenant_slug", "Not A Slug", "domain", "cedar.example", "region", "eu",
				"admin_name", "chief@elsewhere.example", "password", "too short", "password_again", "too short").want(t, http.StatusUnprocessableEntity)
			for _, typed := range []string{"Cedar &lt;b&gt;", "Not A Slug", "chief@elsewhere.example"} {
				if !strings.Contains(a.body, typed) {
					t.Errorf("the form does not show %q again", typed)
				}
			}
			if strings.Contains(a.body, "too short") {
				t.Error("the form shows the password again")
			}

			fill := func() answer {
				return b.post(t, page, "tenant_name", "Cedar", "tenant_slug", "cedar", "domain", "cedar.example", "region", "eu",
					"admin_name", "chief+security", "password", passwordOfAll, "password_again", passwordOfAll)
			}
			b.get(t, page+"/done").want(t, http.StatusNotFound)
			if to := fill().want(t, http.StatusSeeOther).location(); to != page+"/done" {
				t.Errorf("set-up leads to %q", to)
			}
			fill().want(t, http.StatusNotFound) // the link is used up
			b.get(t, page).want(t, http.StatusNotFound)
			b.get(t, page+"/done").want(t, http.StatusOK)
			a = b.get(t, page+"/done").want(t, http.StatusOK)
			for _, made := range []string{"Cedar", "chief+security@cedar.example", "/admin/cedar"} {
				if !strings.Contains(a.body, made) {
					t.Errorf("the page does not say %q:\n%s", made, excerpt(a.body))
				}
			}
			w.browser(t).get(t, "/setup/"+older.Reveal()+"/done").want(t, http.StatusNotFound)
			next := b.get(t, html.UnescapeString(first(hintMark, a))).want(t, http.StatusOK)
			found := nameMark.FindStringSubmatch(next.body)
			if found == nil || html.UnescapeString(found[1]+found[2]) != "chief+security@cedar.example" {
				t.Errorf("the link to sign in fills in %q", found)
			}
			chief := w.browser(t).signIn(t, "chief+security@cedar.example")
			chief.get(t, "/admin/cedar/settings").want(t, http.StatusOK)
			w.forward(t, time.Hour)
			b.get(t, page+"/done").want(t, http.StatusNotFound)
			if _, needed, err := w.Setup.Link(t.Context()); needed || err != nil {
				t.Errorf("after set-up another link is made: %t, %v", needed, err)
			}
		})
	}
}
