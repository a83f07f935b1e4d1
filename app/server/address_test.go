package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/app/access"
)

var parameter = regexp.MustCompile(`:[a-z]+`)

// TestAddressesThatNobodyWrote: an id is an opaque string, so whatever stands in
// its place is an id that nothing has.
func TestAddressesThatNobodyWrote(t *testing.T) {
	odd := []string{
		"x", "-", "--", "a-b", "0", "-1", "null", "undefined", "..", "%2e%2e", "%2e%2e%2f%2e%2e", "%2F", "a%2Fb", "%25", "%2500", "%20", "a;b", "a,b", "*", "'", "%22",
		"'%20OR%20'1'='1", "1;DROP%20TABLE%20users", "%3Cscript%3E", "ü", "%C3%BC", "%F0%9F%98%80", "%E2%80%AE", "%EF%BF%BF", "\u0301", "{id}", "$%7Bid%7D", "%s", "%25s",
		strings.Repeat("a", 26), strings.Repeat("A", 43), strings.Repeat("x", 5000), "nowhere-" + strings.Repeat("a", 26), "aaaaaaaaaa-" + strings.Repeat("a", 26), "a-" + strings.Repeat("%20", 26),
	}
	walking(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		operator := w.browser(t).signIn(t, "operator@latchkey.example")
		w.act(t, "UPDATE sessions SET proved_by = 'phone'") // as strong as they can
		before := w.standing(t)
		for _, route := range w.Site.Routes() {
			pc := s.pc
			if route.Needs == access.OperatorEnter {
				pc = operator
			}
			for _, name := range parameter.FindAllString(route.Path, -1) {
				t.Run(route.Method+" "+route.Path+" with another "+name[1:], func(t *testing.T) {
					for _, value := range odd {
						path := s.filled(strings.Replace(route.Path, name, "MARK", 1))
						r := pc.request(t, route.Method, "/", nil)
						switch {
						case route.Needs == access.Phone:
							r = s.ph.request(t, route.Method, "/", map[string]string{"answer": s.ph.decision(asked{ID: value}, "deny", "").compact()})
							proof := s.ph.proof(route.Method, strings.TrimPrefix(strings.Replace(path, "MARK", value, 1), api))
							r.Header.Set("DPoP", proof.compact())
						case route.Method != http.MethodGet:
							r = pc.request(t, route.Method, "/", strings.NewReader(pc.form("name", "x", "method", "phone").Encode()), "Content-Type", formType)
						}
						r.URL.Opaque = strings.Replace(path, "MARK", value, 1)
						if _, err := url.ParseRequestURI(r.URL.Opaque); err != nil {
							continue // see TestRequestsThatAreNoHTTP
						}
						// An address that is none of the table's leads nowhere either; a
						// phone signs addresses as they are sent.
						send(t, pc.client, r).is(t, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized)
					}
				})
			}
		}
		// Whoever asks for somebody who is not there is remembered.
		w.unchanged(t, "an address that nobody wrote", before, remembered)
	})
}

func TestQueriesThatNobodyWrote(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "security@alder.example")
		for _, path := range []string{"/signin", "/step-up", "/me", "/me/activity", "/admin/alder", "/nowhere", "/static/style.css"} {
			for _, query := range []string{"a=%zz", "%zz", "a=%ff", "a=%00", "%00=a", "a=\xff", "a;b", "return_to=%c3%28"} {
				r := b.request(t, http.MethodGet, path, nil)
				r.URL.RawQuery = query
				send(t, b.client, r).is(t, http.StatusBadRequest)
			}
		}
		for _, c := range []struct {
			path string
			want int
		}{
			{"/me/activity?after=", 200},
			{"/me/activity?after=x", 200},
			{"/me/activity?after=-1.x", 200},
			{"/me/activity?after=9223372036854775807.x", 200},
			{"/me/activity?after=99999999999999999999.x", 200},
			{"/me/activity?after=4503599627370496.x", 200},
			{"/me/activity?after=1." + strings.Repeat("x", 5000), 200},
			{"/me/activity?after=1.%27%20OR%201=1", 200},
			{"/me/activity?after=1.x&after=2.y", 200},
			{"/me/phones?done=%3Cscript%3E", 200},
			{"/admin/alder/users?q=%3Cscript%3E&state=x&mfa=%27&way=1&group=%27%20OR%201=1&signin=99&risk=2", 200},
			{"/admin/alder/users?q=" + strings.Repeat("%C3%A4", 300), 200},
			{"/admin/alder/users?q=%25&after=x&before=y", 200},
			{"/admin/alder/users?after=" + strings.Repeat("x", 5000), 200},
			{"/admin/alder/users?signin=30&after=9223372036854775807,x", 200},
			{"/admin/alder/users?signin=30&before=-1,%27", 200},
			{"/admin/alder/users?q=u&after=%F4%8F%BF%BF,x", 200},
			{"/signin?login_hint=a" + strings.Repeat("%C3%A4", 300), 200},
			{"/signin?login_hint=%3Cscript%3Ealert(1)%3C/script%3E", 200},
		} {
			a := b.get(t, c.path)
			if a.is(t, c.want) && (strings.Contains(a.body, "<script>") || !utf8.ValidString(a.body)) {
				t.Errorf("%s repeats what it should not, or cuts a letter in two", a.asked)
			}
		}
	})
}

func TestHeadersThatNobodyWrote(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		for _, c := range []struct {
			claim, name, value, path string

			want int
		}{
			{"a session that is none", "Cookie", "latchkey_session=x", "/me", 303},
			{"a session of nowhere", "Cookie", "latchkey_session=nowhere." + strings.Repeat("A", 43), "/me", 303},
			{"a session that is very long", "Cookie", "latchkey_session=" + strings.Repeat("a.", 3000), "/me", 303},
			{"a session of quotes", "Cookie", `latchkey_session="' OR 1=1 --.x"`, "/me", 303},
			{"a session in bad UTF-8", "Cookie", "latchkey_session=\xff\xfe", "/me", 400},
			{"a browser that is very long", "Cookie", "latchkey_browser=" + strings.Repeat("a", 3000), "/signin", 200},
			{"a thousand cookies", "Cookie", strings.Repeat("a=b; ", 1000), "/signin", 200},
			{"a theme that is none", "Cookie", "theme=<script>", "/signin", 200},
			{"a browser that calls itself badly", "User-Agent", "<script>\xff" + strings.Repeat("x", 5000), "/signin", 200},
			{"a language that is none", "Accept-Language", strings.Repeat("*;q=9,", 1000), "/signin", 200},
			{"a language in bad UTF-8", "Accept-Language", "\xff\xfe", "/signin", 200},
			{"a type that is none", "Accept", "application/json;;;", "/nowhere", 404},
			{"an origin that is none", "Origin", "%%%", "/signin", 200},
		} {
			t.Run(c.claim, func(t *testing.T) {
				client := w.browser(t)
				r := client.request(t, http.MethodGet, c.path, nil)
				r.Header.Set(c.name, c.value)
				a := send(t, client.client, r)
				if a.is(t, c.want) && strings.Contains(a.body, "<script>") {
					t.Errorf("%s repeats it", a.asked)
				}
			})
		}
		// In a form the browser's name goes into the records.
		b.agent = "Evil \xff\xfe <script> Firefox/1 " + strings.Repeat("x", 3000)
		attempt := b.post(t, "/signin", "identifier", "user1@alder.example").want(t, http.StatusSeeOther).location()
		b.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
		if a := b.get(t, "/me/sessions").want(t, http.StatusOK); strings.Contains(a.body, "Evil") {
			t.Error("a browser's own words are shown")
		}
	})
}
