package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// listed is what the box under the search is told.
type listed struct {
	Said     string
	Sections []struct {
		Kind, Title string
		Results     []struct{ Title, Note, Tag, Href string }
	}
}

// of gives the notes of what was found of a kind, one after the other.
func (l listed) of(kind string) string {
	var all []string
	for _, section := range l.Sections {
		if section.Kind == kind {
			for _, r := range section.Results {
				all = append(all, r.Title+" "+r.Href)
			}
		}
	}
	return strings.Join(all, "\n")
}

func (b *browser) search(t testing.TB, typed string) (found listed) {
	t.Helper()
	b.get(t, "/admin/alder/search?q="+url.QueryEscape(typed), "Accept", "application/json").want(t, http.StatusOK).decode(t, &found)
	return found
}

func TestSearchOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.act(t, "UPDATE users SET display_name = '<b>Bold</b> & Co' WHERE name = 'user7@alder.example'")
		_, user7 := w.person(t, "user7@alder.example")
		pilot := w.group(t, "alder", "pilot")
		ph, _ := w.withPhone(t, "user3@alder.example")
		b := w.browser(t).signIn(t, "desk@alder.example")
		if got := b.search(t, "user7@al").of("people"); got != "<b>Bold</b> & Co /admin/alder/users/"+user7 {
			t.Errorf("a person is listed as %q", got)
		}
		if got := b.search(t, "Pil").of("groups"); got != "pilot /admin/alder/groups/"+pilot {
			t.Errorf("a group is listed as %q", got)
		}
		if got := b.search(t, ph.device[:8]).of("phones"); !strings.HasPrefix(got, "User 3 ") {
			t.Errorf("a phone is listed as %q", got)
		}
		for _, typed := range []string{"user1@birch.example", "security@birch", "nobody", "", strings.Repeat("x", 7000), "'; DROP TABLE users; --", `\`, "%", "*"} {
			if found := b.search(t, typed); len(found.Sections) != 0 || found.Said != "Nothing is found" {
				t.Errorf("%.30q finds %+v", typed, found)
			}
		}
		a := b.get(t, "/admin/alder/search?q=%3Cb%3Ebold").want(t, http.StatusOK)
		if strings.Contains(a.body, "<b>") || !strings.Contains(a.body, `value="&lt;b&gt;bold"`) {
			t.Error("the page does not escape what was typed")
		}
		if a := b.get(t, "/admin/alder/search?q=user7%40al").want(t, http.StatusOK); !strings.Contains(a.body, "&lt;b&gt;Bold&lt;/b&gt; &amp; Co") {
			t.Errorf("the page shows %s", excerpt(a.body))
		}
		b.get(t, "/admin/alder/search?q=%00").is(t, http.StatusBadRequest)
		b.get(t, "/admin/alder/search?q=%ff").is(t, http.StatusBadRequest)
		b.get(t, "/admin/birch/search?q=user1").is(t, http.StatusNotFound)
		b.get(t, "/admin/alder/search?q=user1&tenant=birch&tenant_id=birch").is(t, http.StatusOK)

		user := w.browser(t).signIn(t, "user1@alder.example")
		user.get(t, "/admin/alder/search?q=user").is(t, http.StatusForbidden)
		user.get(t, "/admin/birch/search?q=user").is(t, http.StatusNotFound)
		w.browser(t).get(t, "/admin/alder/search?q=user").is(t, http.StatusSeeOther)
		w.browser(t).get(t, "/admin/alder/search?q=user", "Accept", "application/json").is(t, http.StatusUnauthorized)
	})
}

func TestWhoIsLimitedToAGroupFindsNobodyElseOverHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		tenantID, desk := w.person(t, "desk@alder.example")
		w.act(t, "INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", tenantID, desk, w.group(t, "alder", "pilot"))
		w.forward(t, 0)
		b := w.browser(t).signIn(t, "desk@alder.example")
		if got := b.search(t, "user1").of("people"); !strings.HasPrefix(got, "User 1 ") || strings.Contains(got, "\n") {
			t.Errorf("found %q, want the one in the group", got)
		}
		if got := b.search(t, "security"); len(got.Sections) != 0 {
			t.Errorf("found %+v outside the group", got)
		}
		if got := b.search(t, "field"); len(got.Sections) != 0 {
			t.Errorf("found another group: %+v", got)
		}
	})
}

func TestStayingInTheConsole(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "desk@alder.example")
		left := func(path string) time.Duration {
			t.Helper()
			var said struct {
				EndsIn  int  `json:"ends_in"`
				ForGood bool `json:"for_good"`
			}
			b.get(t, "/admin/alder/stay"+path, "Accept", "application/json").want(t, http.StatusOK).decode(t, &said)
			if said.ForGood {
				t.Error("it closes for good")
			}
			return time.Duration(said.EndsIn) * time.Second
		}
		around := func(got, want time.Duration) {
			t.Helper()
			if got > want || got < want-20*time.Second {
				t.Errorf("the console stays open for %s, want %s", got, want)
			}
		}
		around(left(""), 15*time.Minute)
		w.forward(t, 14*time.Minute)
		around(left("/state"), time.Minute)
		around(left("/state"), time.Minute) // asking keeps nothing open
		around(left(""), 15*time.Minute)
		around(left("/state"), 15*time.Minute)
		w.forward(t, 16*time.Minute)
		for _, path := range []string{"/state", ""} {
			b.get(t, "/admin/alder/stay"+path, "Accept", "application/json").is(t, http.StatusUnauthorized)
		}
		b.get(t, "/admin/birch/stay").is(t, http.StatusNotFound)
		w.browser(t).signIn(t, "user1@alder.example").get(t, "/admin/alder/stay").is(t, http.StatusForbidden)
	})
}
