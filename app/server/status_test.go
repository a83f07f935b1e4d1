package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/server/servertest"
	"latchkey/app/store/storetest"
	"latchkey/app/web"
)

// The table Answers of product.md §10, row by row.

// TestAFactorThatFailed: one 401, whatever the cause.
func TestAFactorThatFailed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		var passwords, ends []answer
		verify := func(b *browser, attempt, password string) answer {
			t.Helper()
			return b.post(t, attempt+"/verify", "password", password)
		}

		// A password that does not fit, of whomever: the page with its form again.
		b := w.browser(t)
		passwords = append(passwords, verify(b, b.begin(t, name), "wrong"))
		passwords = append(passwords, verify(b, b.begin(t, name), ""))
		passwords = append(passwords, verify(b, b.begin(t, name), strings.Repeat("long ", 5000)))
		passwords = append(passwords, verify(b, b.begin(t, "user0@alder.example"), passwordOfAll))
		w.lock(t, "user3@alder.example")
		passwords = append(passwords, verify(b, b.begin(t, "user3@alder.example"), passwordOfAll))
		early := w.browser(t)
		begun := early.begin(t, "user4@alder.example")
		w.lock(t, "user4@alder.example")
		passwords = append(passwords, verify(early, begun, passwordOfAll))
		w.act(t, "UPDATE users SET password_hash = '' WHERE name = 'user5@alder.example'")
		passwords = append(passwords, verify(b, b.begin(t, "user5@alder.example"), passwordOfAll))
		w.act(t, "UPDATE users SET state = 'disabled' WHERE name = 'user6@alder.example'")
		passwords = append(passwords, verify(b, b.begin(t, "user6@alder.example"), passwordOfAll))

		// An attempt that leads nowhere any more: the way back to the beginning.
		ph, _ := w.withPhone(t, name)
		phone := func(meets func(b *browser, attempt string)) {
			t.Helper()
			b := w.browser(t)
			attempt := b.askPhone(t, name)
			meets(b, attempt)
			ends = append(ends, b.post(t, attempt+"/finish"))
			if b.signedIn(t) {
				t.Error("signed in after all")
			}
			w.forward(t, 11*time.Minute)
		}
		phone(func(*browser, string) {}) // nobody answered
		phone(func(_ *browser, _ string) { ph.answers(t, ph.asks(t), "deny", "").want(t, http.StatusOK) })
		phone(func(*browser, string) { w.forward(t, 2*time.Minute) })
		phone(func(b *browser, attempt string) {
			shown := number(b.get(t, attempt))
			ph.answers(t, ph.asks(t), "approve", "10"+shown).want(t, http.StatusOK)
		})
		used := w.browser(t)
		attempt := used.askPhone(t, name)
		ph.approves(t, used, attempt)
		used.post(t, attempt+"/finish").want(t, http.StatusSeeOther)
		used.get(t, "/me").want(t, http.StatusOK)
		ends = append(ends, used.post(t, attempt+"/finish"), verify(used, attempt, passwordOfAll)) // used already
		old := w.browser(t)
		attempt = old.begin(t, "user7@alder.example")
		w.forward(t, 15*time.Minute)
		ends = append(ends, verify(old, attempt, passwordOfAll), old.get(t, attempt), old.get(t, attempt+"/help"), old.post(t, attempt+"/method", "method", "phone"), old.post(t, attempt+"/finish"))

		for what, answers := range map[string][]answer{"a password": passwords, "an attempt": ends} {
			for _, a := range answers {
				a.is(t, http.StatusUnauthorized)
				// Around the page may stand the frame of somebody signed in.
				if content(a) != content(answers[0]) || content(a) == "" {
					t.Errorf("%s that failed shows more than one page:\n%s\n%s", what, excerpt(a.body), excerpt(answers[0].body))
				}
				if len(a.cookies()) > 0 {
					t.Errorf("%s = 401 and sets %v", a.asked, a.cookies())
				}
			}
		}
	})
}

// content is what a page says to everybody.
func content(a answer) string {
	a.body = mainPart.FindString(a.body)
	return plainBody(a)
}

func TestTwoEndsAtOnceMakeOneSession(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for way, s := range map[string]*scene{"phone": w.scene(t, "user1@alder.example"), "password": {world: w, b: w.browser(t)}} {
			t.Run(way, func(t *testing.T) {
				path := s.attempt + "/finish"
				if way == "phone" {
					s.ph.approves(t, s.b, s.attempt)
				} else {
					path = s.b.begin(t, "user2@alder.example") + "/verify"
				}
				var before, after int
				w.one(t, &before, "SELECT count(*) FROM sessions")
				form := s.b.form("password", passwordOfAll).Encode()
				ten := make([]*http.Request, 4)
				for i := range ten {
					ten[i] = s.b.request(t, http.MethodPost, path, strings.NewReader(form), "Content-Type", formType)
				}
				// Each has the cookies of the same browser, but none keeps what the others got.
				alone := &http.Client{Transport: transport, CheckRedirect: s.b.client.CheckRedirect}
				for _, r := range ten {
					for _, c := range s.b.client.Jar.Cookies(r.URL) {
						r.AddCookie(c)
					}
				}
				if counts := atOnce(t, alone, ten); counts[http.StatusSeeOther] != 1 || counts[http.StatusUnauthorized] != 3 {
					t.Errorf("four ends at once = %v, want one 303 and 401 for the others", counts)
				}
				w.one(t, &after, "SELECT count(*) FROM sessions")
				if after != before+1 {
					t.Errorf("%d sessions were made, want 1", after-before)
				}
			})
		}
	})
}

func TestManyBeginningsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const name = "user1@alder.example"
		ph, _ := w.withPhone(t, name)
		b := w.browser(t)
		b.askPhone(t, name) // the phone is the way now
		same, others := make([]*http.Request, 30), make([]*http.Request, 30)
		for i := range same {
			same[i] = b.request(t, http.MethodPost, "/signin", strings.NewReader(b.form("identifier", name).Encode()), "Content-Type", formType)
			other := w.browser(t)
			other.get(t, "/signin")
			others[i] = other.request(t, http.MethodPost, "/signin", strings.NewReader(other.form("identifier", name).Encode()), "Content-Type", formType)
			for _, c := range other.client.Jar.Cookies(others[i].URL) {
				others[i].AddCookie(c)
			}
		}
		alone := &http.Client{Transport: transport, CheckRedirect: b.client.CheckRedirect}
		for claim, counts := range map[string]map[int]int{"one browser": atOnce(t, b.client, same), "thirty browsers": atOnce(t, alone, others)} {
			if counts[http.StatusSeeOther] != 30 {
				t.Errorf("thirty beginnings at once by %s = %v, want 303 for each", claim, counts)
			}
		}
		if got := len(ph.requests(t)); got > 1 {
			t.Errorf("the phone shows %d requests at once", got)
		}
	})
}

func TestNotPermittedAndNotThere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		user, desk := w.browser(t).signIn(t, "user1@alder.example"), w.browser(t).signIn(t, "desk@alder.example")
		for _, c := range []struct {
			claim string
			b     *browser
			path  string
			want  int
		}{
			{"a user in the console", user, "/admin", http.StatusForbidden},
			{"a user in their own tenant", user, "/admin/alder", http.StatusForbidden},
			{"a user in another tenant", user, "/admin/birch", http.StatusNotFound},
			{"the helpdesk at a page of others", desk, "/admin/alder/settings", http.StatusForbidden},
			{"the helpdesk at its own", desk, "/admin/alder", http.StatusOK},
			{"another tenant", desk, "/admin/birch/users", http.StatusNotFound},
			{"no tenant", desk, "/admin/nowhere/users", http.StatusNotFound},
			{"no page", desk, "/admin/alder/nowhere", http.StatusNotFound},
			{"nobody signed in", w.browser(t), "/admin/alder", http.StatusSeeOther},
		} {
			t.Run(c.claim, func(t *testing.T) {
				c.b.get(t, c.path).is(t, c.want)
				want := c.want
				if want == http.StatusSeeOther {
					want = http.StatusUnauthorized
				}
				if want == http.StatusOK {
					return
				}
				// A program gets the same in JSON.
				a := c.b.get(t, c.path, "Accept", "application/json")
				if a.is(t, want) && (!strings.HasPrefix(a.body, `{"error":"`) || !strings.HasPrefix(a.header.Get("Content-Type"), "application/json")) {
					t.Errorf("%s as JSON = %s %s", a.asked, a.header.Get("Content-Type"), a.body)
				}
			})
		}
		if birch, none := desk.get(t, "/admin/birch/users"), desk.get(t, "/admin/nowhere/users"); plainBody(birch) != plainBody(none) {
			t.Error("another tenant reads unlike none")
		}
		var refusals int
		w.one(t, &refusals, "SELECT count(*) FROM audit_events WHERE action = 'access.refused'")
		if refusals != 6 {
			t.Errorf("%d refusals are remembered, want 6", refusals)
		}
	})
}

// besideAnID says whether an address is read as that of a thing with an id where a
// verb is not its own: the thing is not there then.
func besideAnID(takes map[string][]string, path, verb string) bool {
	mine := strings.Split(path, "/")
	for other := range takes {
		theirs := strings.Split(other, "/")
		last := len(theirs) - 1
		if other != path && len(theirs) == len(mine) && strings.HasPrefix(theirs[last], ":") && slices.Equal(theirs[:last], mine[:last]) && slices.Contains(takes[other], verb) {
			return true
		}
	}
	return false
}

func TestVerbsThatAnAddressDoesNotTake(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t).signIn(t, "user1@alder.example")
		takes := map[string][]string{}
		for _, route := range w.Site.Routes() {
			takes[route.Path] = append(takes[route.Path], route.Method)
		}
		for path, verbs := range takes {
			for _, verb := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, "PROPFIND", "LINK"} {
				if slices.Contains(verbs, verb) || besideAnID(takes, path, verb) {
					continue
				}
				filled := strings.NewReplacer(":", "", "*", "style.css").Replace(path)
				a := send(t, b.client, b.request(t, verb, filled, nil))
				if a.status == http.StatusNotFound && takes["/me/sessions/:session/end"] != nil && strings.HasPrefix(path, "/me/sessions/end-others") {
					continue // stands beside a longer address with an id
				}
				if a.status == http.StatusNotFound && (strings.HasPrefix(path, "/admin/:tenant/audit/export/:export/") || strings.HasPrefix(path, "/admin/:tenant/audit/retention/holds") || strings.HasPrefix(path, "/admin/:tenant/audit/views/:view/")) {
					continue // stands beside /audit/:event
				}
				if !a.is(t, http.StatusMethodNotAllowed) {
					continue
				}
				for _, takes := range verbs {
					if !strings.Contains(a.header.Get("Allow"), takes) {
						t.Errorf("%s = 405 with Allow %q, want %s in it", a.asked, a.header.Get("Allow"), verbs)
					}
				}
				headersOf(t, a)
			}
		}
	})
}

// TestADefectIsToldToNobody: a 500 says that it is noted and nothing else.
func TestADefectIsToldToNobody(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(string(dialect), func(t *testing.T) {
			w := quiet(servertest.Quiet(t, dialect, "https://id.example.org"))
			e := w.Handler.(*echo.Echo)
			for path, do := range map[string]echo.HandlerFunc{
				"/panic": func(echo.Context) error { panic("pgx: secret of the house") },
				"/oddly": func(c echo.Context) error { return c.(interface{ SecretOfTheHouse() error }).SecretOfTheHouse() },
				"/error": func(echo.Context) error { return http.ErrBodyNotAllowed },
			} {
				if err := w.Site.Mount(e, web.Get(path, access.Anyone, do)); err != nil {
					t.Fatal(err)
				}
				for _, accept := range []string{"text/html", "application/json"} {
					a := w.browser(t).get(t, path, "Accept", accept).want(t, http.StatusInternalServerError)
					headersOf(t, a)
					if inside.MatchString(excerpt(a.body)) || strings.Contains(a.body, "secret of the house") || strings.Contains(a.body, "SecretOfTheHouse") {
						t.Errorf("%s tells: %s", a.asked, excerpt(a.body))
					}
				}
			}
			w.browser(t).get(t, "/signin").want(t, http.StatusOK)
		})
	}
}
