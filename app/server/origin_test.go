package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
	"latchkey/app/web"
)

// filled gives a route's path with ids that are there where they can be.
func (s *scene) filled(path string) string {
	return strings.NewReplacer(
		":attempt", strings.TrimPrefix(s.attempt, "/signin/"), ":device", s.ph.account, ":session", strings.Repeat("a", 26), ":enrolment", strings.Repeat("a", 26),
		":account", s.ph.account, ":request", strings.Repeat("a", 26), ":tenant", "alder", ":domain", "alder.example", ":grant", strings.Repeat("a", 26), ":token", strings.Repeat("A", 43), "*", "style.css",
		":user", s.other, ":notice", strings.Repeat("a", 26), ":browser", strings.Repeat("a", 26), ":totp", strings.Repeat("a", 26), ":passkey", strings.Repeat("a", 26), ":group", strings.Repeat("a", 10), ":import", strings.Repeat("a", 26), ":replay", strings.Repeat("a", 26), ":check", strings.Repeat("a", 26), ":message", strings.Repeat("a", 26), ":backup", strings.Repeat("a", 26),
	).Replace(path)
}

func TestOtherSitesCannotAct(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		s.pc.get(t, "/me/phones").want(t, http.StatusOK)
		stranger := w.browser(t)
		stranger.get(t, "/signin")
		loose := w.browser(t) // without a session, with a browser of its own
		loose.get(t, "/signin")
		evil, here := "https://evil.example", w.URL
		before := w.standing(t)
		for _, route := range w.Site.Routes() {
			if route.Method == http.MethodGet {
				continue
			}
			path := s.filled(route.Path)
			if route.Needs == access.Application {
				// Applications ask from anywhere, and no cookie of ours counts there: what another
				// site brings along does nothing, which is seen at the end.
				r := s.pc.request(t, route.Method, path, strings.NewReader(s.pc.form().Encode()), "Content-Type", formType, "Sec-Fetch-Site", "cross-site", "Origin", evil)
				if a := send(t, s.pc.client, r); a.status >= 500 || a.header.Get("Set-Cookie") != "" {
					t.Errorf("%s from another site = %d, with a cookie: %q", a.asked, a.status, a.header.Get("Set-Cookie"))
				}
				continue
			}
			t.Run(route.Method+" "+route.Path, func(t *testing.T) {
				for _, c := range []struct {
					claim  string
					header []string
				}{
					{"from another site", []string{"Sec-Fetch-Site", "cross-site"}},
					{"from a neighbouring host", []string{"Sec-Fetch-Site", "same-site"}},
					{"from another site that says it is ours", []string{"Sec-Fetch-Site", "cross-site", "Referer", here}},
					{"with another origin", []string{"Origin", evil}},
					{"with no origin to speak of", []string{"Origin", "null"}},
					{"with our host on another port", []string{"Origin", "http://localhost:1"}},
					{"with our origin as a prefix", []string{"Origin", here + ".evil.example"}},
					{"from another site with a right origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}},
				} {
					t.Run(c.claim, func(t *testing.T) {
						r := s.pc.request(t, route.Method, path, strings.NewReader(s.pc.form("method", "phone", "password", "x").Encode()), c.header...)
						r.Header.Set("Content-Type", formType)
						if route.Needs == access.Phone {
							r = s.ph.request(t, route.Method, strings.TrimPrefix(path, api), map[string]any{})
							for i := 0; i < len(c.header); i += 2 {
								r.Header.Set(c.header[i], c.header[i+1])
							}
						}
						send(t, s.pc.client, r).is(t, http.StatusForbidden)
					})
				}
				if route.Needs == access.Phone {
					return // no cookie counts there, so no other site can borrow one
				}
				forms := map[string]url.Values{
					"without the token":         {},
					"with an empty token":       {"csrf": {""}},
					"with a made-up token":      {"csrf": {strings.Repeat("a", 43)}},
					"with another browser's":    {"csrf": {stranger.csrf}},
					"with the token cut short":  {"csrf": {s.pc.csrf[:42]}},
					"with a token in two parts": {"csrf": {s.pc.csrf[:20], s.pc.csrf[20:]}},
					"with the token of before":  {"csrf": {tokenBefore(t, s)}},
				}
				if route.Needs == access.Anyone && !route.Leaves {
					delete(forms, "with the token of before") // what belongs to no session goes on when one begins
				}
				for claim, form := range forms {
					t.Run(claim, func(t *testing.T) {
						r := s.pc.request(t, route.Method, path, strings.NewReader(form.Encode()), "Content-Type", formType)
						send(t, s.pc.client, r).is(t, http.StatusForbidden)
					})
				}
				t.Run("with the token in the address", func(t *testing.T) {
					r := s.pc.request(t, route.Method, path+"?csrf="+url.QueryEscape(s.pc.csrf), strings.NewReader(""), "Content-Type", formType)
					send(t, s.pc.client, r).is(t, http.StatusForbidden)
				})
				t.Run("without a cookie", func(t *testing.T) {
					r := s.pc.request(t, route.Method, path, strings.NewReader(s.pc.form().Encode()), "Content-Type", formType)
					a := send(t, &http.Client{Transport: transport, CheckRedirect: s.pc.client.CheckRedirect}, r)
					if route.Leaves && a.location() == "/signed-out" {
						return // nobody was signed in there
					}
					if a.status != http.StatusForbidden && !strings.HasPrefix(a.location(), "/signin?return_to=") {
						t.Errorf("%s = %d to %q, want 403 or the way to sign in", a.asked, a.status, a.location())
					}
				})
			})
		}
		w.unchanged(t, "another site", before)
	})
}

// tokenBefore is the token that the forms of this browser had before it signed in.
func tokenBefore(t testing.TB, s *scene) string {
	t.Helper()
	for _, c := range s.pc.client.Jar.Cookies(must(url.Parse(s.pc.base))) {
		if strings.HasSuffix(c.Name, "latchkey_browser") {
			return s.Keys.FormToken(c.Value)
		}
	}
	t.Fatal("the browser has no cookie of its own")
	return ""
}

func TestForgedHostIsNeverRepeated(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		const evil = "evil.example"
		home := must(url.Parse(w.URL))
		// A client would take the cookies of the forged host, so they are handed over.
		client := &http.Client{Transport: transport, CheckRedirect: s.pc.client.CheckRedirect}
		pc := s.pc
		forge := func(r *http.Request) *http.Request {
			r.Host = evil
			for _, c := range pc.client.Jar.Cookies(home) {
				r.AddCookie(c)
			}
			return r
		}
		check := func(r *http.Request) {
			t.Helper()
			forge(r)
			for _, name := range []string{"X-Forwarded-Host", "X-Original-Host", "X-Host", "Forwarded-Host", "X-Forwarded-Server"} {
				r.Header.Set(name, evil)
			}
			r.Header.Set("Forwarded", "host="+evil+";proto=https")
			r.Header.Set("X-Forwarded-Proto", "https")
			a := send(t, client, r)
			if a.status >= 500 {
				t.Errorf("%s = %d", a.asked, a.status)
			}
			for name, values := range a.header {
				if strings.Contains(strings.Join(values, " "), evil) {
					t.Errorf("%s: the header %s says %q", a.asked, name, values)
				}
			}
			if strings.Contains(a.body, evil) {
				t.Errorf("%s shows the forged host", a.asked)
			}
		}
		for _, route := range w.Site.Routes() {
			path := s.filled(route.Path)
			switch {
			case strings.HasSuffix(path, "/events") || strings.HasSuffix(path, "/live") || path == "/signout":
			case route.Method == http.MethodGet && strings.HasPrefix(path, api):
				check(s.ph.request(t, route.Method, strings.TrimPrefix(path, api), nil))
			case route.Method == http.MethodGet:
				check(s.pc.request(t, route.Method, path, nil))
			case route.Needs != access.Phone && !strings.HasSuffix(path, "/revoke"):
				check(s.pc.request(t, route.Method, path, strings.NewReader(s.pc.form("identifier", "user1@alder.example", "method", "phone").Encode()), "Content-Type", formType))
			}
		}
		check(s.pc.request(t, http.MethodGet, "/nowhere", nil))
		check(w.browser(t).request(t, http.MethodGet, "/", nil))
		// A link that somebody will open says the public address.
		pc = w.browser(t).signIn(t, "user9@alder.example")
		r := pc.request(t, http.MethodPost, "/me/phones", strings.NewReader(pc.form().Encode()), "Content-Type", formType)
		if a := send(t, client, forge(r)).want(t, http.StatusOK); first(linkMark, a) != w.URL+"/phone" {
			t.Errorf("the enrolment link leads to %q", first(linkMark, a))
		}
	})
}

func TestReturnToStaysHere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		home := must(url.Parse(w.URL))
		// stays follows one redirect as a browser does.
		stays := func(t *testing.T, from, location string) {
			t.Helper()
			// Browsers take a backslash for a slash and drop tabs and line ends.
			like := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(strings.TrimSpace(location))
			to, err := url.Parse(like)
			if err != nil || !strings.HasPrefix(like, "/") || home.ResolveReference(to).Host != home.Host || home.ResolveReference(to).Scheme != home.Scheme {
				t.Errorf("return_to=%q leads to %q", from, location)
			}
		}
		for _, to := range []string{
			"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\\evil.example`, `/\/evil.example`,
			`\/evil.example`, "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example", "/%5cevil.example", "/%2fevil.example",
			"/%2f%2fevil.example", "javascript:alert(1)", "data:text/html,x", "evil.example", "@evil.example", "/@evil.example", "https:evil.example", "https:/evil.example",
			"/..//evil.example", "/.//evil.example", "/./%2fevil.example", "/x/..//evil.example", "http:///evil.example", "://evil.example", "/:@evil.example", "/\r\nLocation: https://evil.example",
			"/\r\nSet-Cookie: a=b", "/" + strings.Repeat("a", 5000), "//user:word@evil.example", "/\u2215/evil.example", "/\u3000/evil.example", "\u2028//evil.example", "https://localhost.evil.example",
			w.URL + "@evil.example", w.URL + ".evil.example", "?//evil.example", "#//evil.example", "", "/",
		} {
			a := b.get(t, "/signin?return_to="+url.QueryEscape(to))
			if a.status == http.StatusOK {
				field := first(returnTo, a)
				if field != "/" && strings.HasPrefix(field, "/%") == false && !strings.HasPrefix(field, "/") {
					t.Errorf("the form for return_to=%q carries %q", to, field)
				}
			}
			// In the form, at the end of the sign-in, and after a step-up.
			b.get(t, "/me")
			a = b.post(t, "/step-up", "return_to", to, "method", "password").want(t, http.StatusSeeOther)
			attempt := a.location()
			stays(t, to, attempt)
			a = b.post(t, "/signin", "identifier", "nobody@alder.example", "return_to", to)
			if a.is(t, http.StatusSeeOther) {
				stays(t, to, a.location())
			}
		}
		// Carried out to the end with the ones that come nearest.
		for _, to := range []string{`/\evil.example`, "//evil.example", "/.//evil.example", "/%2f%2fevil.example", "/me?next=//evil.example", "/\t/evil.example"} {
			c := w.browser(t)
			c.get(t, "/signin")
			attempt := c.post(t, "/signin", "identifier", "user1@alder.example", "return_to", to).want(t, http.StatusSeeOther).location()
			a := c.post(t, attempt+"/verify", "password", passwordOfAll).want(t, http.StatusSeeOther)
			stays(t, to, a.location())
			stays(t, to, c.get(t, attempt).want(t, http.StatusSeeOther).location())
		}
		// And an honest one leads where it says.
		c := w.browser(t)
		to := c.get(t, "/me/activity?after=1.x").want(t, http.StatusSeeOther).location()
		if to != "/signin?return_to=%2Fme%2Factivity%3Fafter%3D1.x" {
			t.Errorf("a page for the signed-in leads to %q", to)
		}
		back := first(returnTo, c.get(t, to))
		attempt := c.post(t, "/signin", "identifier", "user1@alder.example", "return_to", back).want(t, http.StatusSeeOther).location()
		if got := c.post(t, attempt+"/verify", "password", passwordOfAll).location(); got != "/me/activity?after=1.x" {
			t.Errorf("after signing in one is at %q", got)
		}
	})
}

// headersOf checks what stands on every answer.
func headersOf(t testing.TB, a answer) {
	t.Helper()
	policy := a.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s = %d: the content policy lacks %s: %q", a.asked, a.status, part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("%s: the content policy is loose: %q", a.asked, policy)
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s = %d: %s is %q, want %q once", a.asked, a.status, name, got, want)
		}
	}
	for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if got := a.header.Get(name); got != "" && !(got == "*" && forApplications.MatchString(a.asked)) {
			t.Errorf("%s: %s says %q", a.asked, name, got)
		}
	}
	if a.header.Get("X-Request-Id") == "" || a.header.Get("Cache-Control") == "" {
		t.Errorf("%s = %d: X-Request-Id %q, Cache-Control %q", a.asked, a.status, a.header.Get("X-Request-Id"), a.header.Get("Cache-Control"))
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") && a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s = %d: a page may be kept: %q", a.asked, a.status, a.header.Get("Cache-Control"))
	}
}

func TestHeadersStandOnEveryAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		statuses := map[int]bool{}
		check := func(client *http.Client, r *http.Request) {
			t.Helper()
			a := send(t, client, r)
			statuses[a.status] = true
			headersOf(t, a)
		}
		of := func(route web.Route) {
			t.Helper()
			path := s.filled(route.Path)
			loose := w.browser(t)
			check(loose.client, loose.request(t, route.Method, path, nil)) // nobody
			for _, verb := range []string{http.MethodPatch, http.MethodOptions, http.MethodHead, http.MethodTrace, "LINK"} {
				check(s.pc.client, s.pc.request(t, verb, path, nil))
			}
			switch {
			case strings.HasSuffix(path, "/events") || strings.HasSuffix(path, "/live"): // has no end; see below
			case route.Needs == access.Phone && strings.HasPrefix(path, api):
				check(s.ph.client, s.ph.request(t, route.Method, strings.TrimPrefix(path, api), map[string]any{}))
			default:
				check(s.pc.client, s.pc.request(t, route.Method, path, strings.NewReader(s.pc.form().Encode()), "Content-Type", formType))
			}
		}
		// What takes the phone or the session away comes last.
		var last []web.Route
		for _, route := range w.Site.Routes() {
			if route.Path == "/signout" || strings.HasSuffix(route.Path, "/revoke") || strings.HasSuffix(route.Path, "/self") {
				last = append(last, route)
				continue
			}
			of(route)
		}
		for _, path := range []string{
			"/nowhere", "/static/nothing.css", "/static/", "/static/../go.mod", "/static/%2e%2e/go.mod", "/phone", "/phone/", "/phone/nowhere", api, api + "/nowhere",
			"/favicon.ico", "/phone/manifest.webmanifest", "/phone/service-worker.js", "/static/style.css", "/healthz", "/readyz", "/%zz", "//", "/%00", "/?a=%zz", "/.", "/..;/",
		} {
			r := s.pc.request(t, http.MethodGet, "/", nil)
			r.URL.Opaque = path
			if strings.HasPrefix(path, "//") {
				r.URL.Opaque, r.URL.Path = "", path
			}
			a, err := try(s.pc.client, r)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/%zz" { // net/http answers that itself, in plain text
				if a.status != http.StatusBadRequest {
					t.Errorf("GET %s = %d, want 400", path, a.status)
				}
				continue
			}
			statuses[a.status] = true
			headersOf(t, a)
		}
		check(s.pc.client, s.pc.request(t, http.MethodPost, "/signin", strings.NewReader(strings.Repeat("a", 70_000)), "Content-Type", formType))
		check(s.pc.client, s.pc.request(t, http.MethodPost, "/signin", strings.NewReader("csrf=none"), "Content-Type", formType))
		check(s.pc.client, s.pc.request(t, http.MethodPost, "/signin", strings.NewReader("{}"), "Content-Type", "application/json"))
		check(s.pc.client, s.pc.request(t, http.MethodGet, w.asset(t), nil, "If-None-Match", "*"))
		desk := w.browser(t).signIn(t, "desk@alder.example")
		streams := []*stream{s.b.watch(t, s.attempt), s.ph.listen(t), open(t, desk.client, desk.request(t, http.MethodGet, inbox+"/live", nil))}
		for _, open := range streams {
			open.answer.want(t, http.StatusOK)
			headersOf(t, open.answer)
			if got := open.answer.header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("%s is of type %q", open.answer.asked, got)
			}
		}
		for _, ends := range []string{"/self", "/revoke", "/signout"} {
			if ends == "/revoke" { // of a phone that is not yet gone
				s.ph, s.pc = w.withPhone(t, "user2@alder.example")
			}
			count := 0
			for _, route := range last {
				if strings.HasSuffix(route.Path, ends) {
					of(route)
					count++
				}
			}
			if count == 0 {
				t.Errorf("no route ends with %s", ends)
			}
		}
		if s.pc.signedIn(t) {
			t.Error("signing out did not, so the headers of that answer were not looked at")
		}
		s.ph.call(t, http.MethodGet, "/requests", nil).is(t, http.StatusUnauthorized)
		for _, status := range []int{200, 204, 303, 400, 401, 403, 404, 405, 413, 415, 422} {
			if !statuses[status] {
				t.Errorf("no answer was %d, so its headers were not looked at", status)
			}
		}
	})
}

// asset is the address of the stylesheet as pages name it.
func (w *world) asset(t testing.TB) string {
	t.Helper()
	address := first(stylesheet, w.browser(t).get(t, "/signin"))
	if address == "" {
		t.Fatal("the sign-in page names no stylesheet")
	}
	return address
}

func TestStaticFilesMayBeKeptWhenTheirNameHasTheirHash(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		a := b.get(t, w.asset(t)).want(t, http.StatusOK)
		if !strings.Contains(a.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
			t.Errorf("%s: Cache-Control %q, Content-Type %q", a.asked, a.header.Get("Cache-Control"), a.header.Get("Content-Type"))
		}
		b.get(t, w.asset(t), "If-None-Match", a.header.Get("ETag")).is(t, http.StatusNotModified)
		if got := b.get(t, "/static/style.css").want(t, http.StatusOK).header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("/static/style.css may be kept: %q", got)
		}
		if len(a.header.Values("Set-Cookie")) != 0 {
			t.Error("a static file sets a cookie")
		}
	})
}

func TestCookiesOnLoopback(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		cookies := b.get(t, "/signin").cookies()
		attempt := b.begin(t, "user1@alder.example")
		cookies = append(cookies, b.post(t, attempt+"/verify", "password", passwordOfAll).cookies()...)
		b.get(t, "/me")
		cookies = append(cookies, b.post(t, "/me/preferences", "default_way", "phone", "theme", "dark").want(t, http.StatusSeeOther).cookies()...)
		out := b.post(t, "/signout").want(t, http.StatusSeeOther).cookies()
		names := []string{}
		for _, c := range slices.Concat(cookies, out) {
			names = append(names, c.Name)
			if c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !c.HttpOnly && c.Name != "theme" || c.Secure {
				t.Errorf("cookie %s", c.Raw)
			}
		}
		if !slices.Equal(names, []string{"latchkey_browser", "latchkey_session", "theme", "latchkey_session"}) {
			t.Errorf("cookies set: %v", names)
		}
		if out[0].MaxAge >= 0 || out[0].Value != "" {
			t.Errorf("signing out leaves %s", out[0].Raw)
		}
	})
}

func (a answer) cookies() []*http.Cookie { return (&http.Response{Header: a.header}).Cookies() }

func TestOnHTTPSEveryCookieIsBoundToTheHost(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
			b := w.browser(t)
			set := map[string]string{}
			look := func(a answer) answer {
				t.Helper()
				if got := a.header.Get("Strict-Transport-Security"); !strings.HasPrefix(got, "max-age=31536000") {
					t.Errorf("%s: Strict-Transport-Security is %q", a.asked, got)
				}
				headersOf(t, a)
				for _, c := range a.cookies() {
					if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || !c.HttpOnly && c.Name != "__Host-theme" {
						t.Errorf("%s sets %s", a.asked, c.Raw)
					}
					set[c.Name] = c.Value
				}
				return a
			}
			look(b.get(t, "/signin"))
			attempt := look(b.post(t, "/signin", "identifier", "user1@alder.example")).want(t, http.StatusSeeOther).location()
			look(b.post(t, attempt+"/verify", "password", passwordOfAll)).want(t, http.StatusSeeOther)
			look(b.get(t, "/me/preferences")).want(t, http.StatusOK)
			look(b.post(t, "/me/preferences", "default_way", "password", "theme", "dark")).want(t, http.StatusSeeOther)
			if a := look(b.get(t, "/me/preferences")); !strings.Contains(a.body, `data-theme="dark"`) {
				t.Error("the colours chosen are not kept")
			}
			if a := look(b.post(t, "/me/phones")).want(t, http.StatusOK); first(linkMark, a) != w.URL+"/phone" {
				t.Errorf("the enrolment link leads to %q", first(linkMark, a))
			}
			look(b.get(t, "/nowhere")).want(t, http.StatusNotFound)
			look(b.get(t, "/static/style.css")).want(t, http.StatusOK)
			for _, name := range []string{"__Host-latchkey_browser", "__Host-latchkey_session", "__Host-theme"} {
				if set[name] == "" {
					t.Errorf("there is no cookie %s", name)
				}
			}
			// What another host of the domain could have planted counts for nothing.
			planted := w.browser(t)
			planted.get(t, "/me", "Cookie", "latchkey_session="+set["__Host-latchkey_session"]).is(t, http.StatusSeeOther)
			planted.get(t, "/me", "Cookie", "__Host-latchkey_session="+set["__Host-latchkey_session"]).is(t, http.StatusOK)
		})
	}
}
