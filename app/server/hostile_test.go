package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/app/access"
)

// parcel is a body with what its headers say of it.
type parcel struct {
	media   string // Content-Type; empty: none
	body    string
	chunked bool
}

// malformed is a family of bodies that no honest client sends.
type malformed struct {
	claim string
	// of makes some from an honest body, of fields by their names.
	of func(fields map[string]string) []parcel
	// want is what every route that reads a body answers; with none, anything
	// but a success that did what was asked wrongly, and never a 5xx.
	want int
}

func form(text string) parcel { return parcel{media: formType, body: text} }

// encoded is an honest form, with its fields in no order.
func encoded(fields map[string]string) string {
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	return values.Encode()
}

var malformedForms = []malformed{
	{"bad UTF-8", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + "&x=%ff%fe"), form(encoded(f) + "&x=\xc0\xaf"), form(encoded(f) + "&%ed%a0%80=x"), form(encoded(f) + "&x=%c3")}
	}, http.StatusBadRequest},
	{"NUL", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + "&x=%00"), form(encoded(f) + "&x=\x00"), form(encoded(f) + "&x%00y=1")}
	}, http.StatusBadRequest},
	{"bad percent-encoding", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + "&x=%zz"), form(encoded(f) + "&x=%"), form(encoded(f) + "&x=%4"), form(encoded(f) + "&%=1")}
	}, http.StatusBadRequest},
	{"semicolons for ampersands", func(f map[string]string) []parcel {
		return []parcel{form(strings.ReplaceAll(encoded(f)+"&a=b", "&", ";"))}
	}, http.StatusBadRequest},
	{"another content type", func(f map[string]string) []parcel {
		var all []parcel
		for _, media := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x", "multipart/form-data", "application/xml", "*/*", "application/x-www-form-urlencoded/x", ";", formType + "; charset"} {
			all = append(all, parcel{media: media, body: encoded(f)})
		}
		return all
	}, http.StatusUnsupportedMediaType},
	{"too large", func(f map[string]string) []parcel {
		text := encoded(f) + "&x=" + strings.Repeat("x", 64<<10)
		return []parcel{form(text), {media: formType, body: text, chunked: true}, form("&" + strings.Repeat("=&", 64<<10))}
	}, http.StatusRequestEntityTooLarge},
	{"empty", func(map[string]string) []parcel {
		return []parcel{form(""), {media: formType, chunked: true}, form("&&&&"), form("====")}
	}, http.StatusForbidden},
	{"a huge field", func(f map[string]string) []parcel {
		var all []parcel
		for name := range f {
			if name != "csrf" {
				all = append(all, form(strings.Replace(encoded(f), name+"=", name+"="+strings.Repeat("x", 60<<10), 1)))
			}
		}
		return all
	}, 0},
	{"thousands of fields", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + strings.Repeat("&a=1", 15_000)), form(encoded(f) + strings.Repeat("&", 60_000))}
	}, 0},
	{"the same field twice, and lists", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + "&" + encoded(f)), form(strings.ReplaceAll(encoded(f), "=", "[]=") + "&csrf=" + url.QueryEscape(f["csrf"]))}
	}, 0},
	{"garbage at the end", func(f map[string]string) []parcel {
		return []parcel{form(encoded(f) + "&\r\n\r\nPOST /signout HTTP/1.1\r\n\r\n"), form(encoded(f) + `&{"a":1}`)}
	}, 0},
}

// nested is valid JSON of depth n.
func nested(n int, open, end string) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }

func object(text string) parcel { return parcel{media: "application/json", body: text} }

var malformedJSON = []malformed{
	{"bad UTF-8", func(map[string]string) []parcel {
		return []parcel{object("{\"answer\":\"\xff\"}"), object("{\"\xc0\xaf\":1}"), object("\xff\xfe{\x00}\x00"), object("\xef\xbb\xbf{}")}
	}, http.StatusBadRequest},
	{"NUL", func(map[string]string) []parcel {
		return []parcel{object("{\"pin\":\"\x00\"}"), object(`{"pin":"\u0000"}`), object("{}\x00"), object(`{"name":"a\u0000b"}`)}
	}, http.StatusBadRequest},
	{"cut short", func(map[string]string) []parcel {
		return []parcel{object(`{`), object(`{"answer"`), object(`{"answer":`), object(`{"answer":"x`), object(`{"answer":"x\u12"}`), object(`{"answer":"x",}`), object(`[`), object(`nul`)}
	}, http.StatusBadRequest},
	{"garbage at the end", func(map[string]string) []parcel {
		return []parcel{object(`{} {}`), object(`{}x`), object(`{}]`), object("{}\n{}"), object(`{}//`)}
	}, http.StatusBadRequest},
	{"no JSON", func(map[string]string) []parcel {
		return []parcel{object(`answer=x`), object(`<a/>`), object(`{answer:1}`), object(`{'answer':1}`), object(`NaN`), object(`{"a":01}`), object(`{"a":+1}`), object(`{"a":.5}`), object(`{"a":Infinity}`)}
	}, http.StatusBadRequest},
	{"deep", func(map[string]string) []parcel {
		return []parcel{object(nested(30_000, "[", "]")), object(`{"x":` + nested(12_000, `{"x":`, "}")[:60_000] + `}`), object(`{"answer":` + nested(11_000, "[", "]") + `}`)}
	}, http.StatusBadRequest},
	{"empty", func(map[string]string) []parcel {
		return []parcel{object(""), object(" \n"), {media: "application/json", chunked: true}}
	}, http.StatusBadRequest},
	{"an array for the object", func(map[string]string) []parcel {
		return []parcel{object(`[]`), object(`[{}]`), object(`"text"`), object(`7`), object(`true`)}
	}, http.StatusUnprocessableEntity},
	{"another content type", func(map[string]string) []parcel {
		var all []parcel
		for _, media := range []string{"", "text/plain", formType, "text/json", "application/jwt", "multipart/form-data; boundary=x", "*/*", ";"} {
			all = append(all, parcel{media: media, body: `{}`})
		}
		return all
	}, http.StatusUnsupportedMediaType},
	{"too large", func(map[string]string) []parcel {
		text := `{"x":"` + strings.Repeat("x", 64<<10) + `"}`
		return []parcel{object(text), {media: "application/json", body: text, chunked: true}}
	}, http.StatusRequestEntityTooLarge},
}

// sendParcel sends a parcel with a request that is otherwise in order.
func sendParcel(t testing.TB, client *http.Client, r *http.Request, p parcel) answer {
	t.Helper()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(p.body)), int64(len(p.body))
	if p.chunked {
		r.ContentLength = -1
	}
	r.Header.Del("Content-Type")
	if p.media != "" {
		r.Header.Set("Content-Type", p.media)
	}
	return send(t, client, r)
}

func TestMalformedForms(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		s := w.scene(t, "security@alder.example")
		fields := map[string]string{
			"identifier": "user1@alder.example", "return_to": "/me", "method": "none", "password": "wrong", "name": "", "default_way": "none", "theme": "dark",
		}
		for _, route := range w.Site.Routes() {
			if route.Method == http.MethodGet || route.Needs == access.Phone {
				continue
			}
			t.Run(route.Method+" "+route.Path, func(t *testing.T) {
				path := s.filled(route.Path)
				for _, m := range malformedForms {
					b := s.pc
					if strings.HasPrefix(route.Path, "/signin/") {
						b = s.b
					}
					if route.Leaves || route.Path == "/me/sessions/end-others" {
						b = w.browser(t).signIn(t, "user9@alder.example")
					}
					if m.want == 0 && changesAnyhow[route.Path] {
						continue
					}
					for _, p := range m.of(withToken(fields, b.csrf)) {
						if bringsFile[route.Path] && strings.HasPrefix(p.media, "multipart/") {
							continue // see TestWhatIsNoListIsRefused
						}
						a := sendParcel(t, b.client, b.request(t, route.Method, path, nil), p)
						if m.want != 0 && a.status != m.want && route.Needs != access.Application || a.status >= 500 {
							t.Errorf("%s: %s with %q %.60q = %d, want %d", m.claim, a.asked, p.media, p.body, a.status, m.want)
						}
					}
				}
			})
		}
		if !s.pc.signedIn(t) || len(s.ph.requests(t)) != 1 {
			t.Error("a malformed form signed the user out, or took the request back")
		}
	})
}

// changesAnyhow are acts that ask for no field, so that a form with fields too
// many is still one.
var changesAnyhow = map[string]bool{"/me/phones/:device/revoke": true}

func withToken(fields map[string]string, token string) map[string]string {
	all := map[string]string{"csrf": token}
	for name, value := range fields {
		all[name] = value
	}
	return all
}

func TestMalformedCallsOfAPhone(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		s := w.scene(t, "user1@alder.example")
		reads := map[string]bool{"/enrolments": true, "/push": true, "/requests/:request/answer": true}
		seen := 0
		for _, route := range w.Site.Routes() {
			path, ok := strings.CutPrefix(s.filled(route.Path), api)
			if !ok || route.Method == http.MethodGet {
				continue
			}
			t.Run(route.Method+" "+route.Path, func(t *testing.T) {
				body := reads[strings.TrimPrefix(route.Path, api)]
				if body {
					seen++
				}
				if path == "/devices/self" {
					path += "?account=none"
				}
				for _, m := range malformedJSON {
					for _, p := range m.of(nil) {
						a := sendParcel(t, s.ph.client, s.ph.request(t, route.Method, path, nil), p)
						declared := m.want == http.StatusRequestEntityTooLarge && !p.chunked
						if (body || declared) && a.status != m.want || a.status >= 500 {
							t.Errorf("%s: %s with %q %.60q = %d, want %d", m.claim, a.asked, p.media, p.body, a.status, m.want)
						}
						if a.status >= 400 && !strings.HasPrefix(a.body, `{"error":"`) {
							t.Errorf("%s: %s = %d, which names no error: %.100s", m.claim, a.asked, a.status, a.body)
						}
					}
				}
			})
		}
		if seen != len(reads) {
			t.Errorf("%d routes read a body, want %d", seen, len(reads))
		}
		if got := len(s.ph.requests(t)); got != 1 {
			t.Errorf("after malformed calls the phone has %d requests, want 1", got)
		}
	})
}

func TestFieldsOfTheWrongKind(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		token := w.browser(t).signIn(t, "user2@alder.example").invite(t)
		s := w.scene(t, "user1@alder.example")
		r := s.ph.asks(t)
		jws := s.ph.decision(r, "deny", "").compact()
		key := string(must(json.Marshal(jwk(s.ph.key))))
		for _, c := range []struct {
			claim, path, body string
			want              int
		}{
			{"a PIN that is a number", "/requests/" + r.ID + "/answer", `{"answer":"` + jws + `","pin":135790}`, http.StatusUnprocessableEntity},
			{"an answer that is a number", "/requests/" + r.ID + "/answer", `{"answer":7}`, http.StatusUnprocessableEntity},
			{"an answer that is an object", "/requests/" + r.ID + "/answer", `{"answer":{"jws":"x"}}`, http.StatusUnprocessableEntity},
			{"an answer that is a list", "/requests/" + r.ID + "/answer", `{"answer":["` + jws + `"]}`, http.StatusUnprocessableEntity},
			{"an answer that is null", "/requests/" + r.ID + "/answer", `{"answer":null}`, http.StatusUnauthorized},
			{"no field at all", "/requests/" + r.ID + "/answer", `{}`, http.StatusUnauthorized},
			{"null for the object", "/requests/" + r.ID + "/answer", `null`, http.StatusUnauthorized},
			{"a huge answer", "/requests/" + r.ID + "/answer", `{"answer":"` + strings.Repeat("a", 60<<10) + `"}`, http.StatusUnauthorized},
			{"a lone surrogate", "/requests/" + r.ID + "/answer", `{"answer":"\ud800"}`, http.StatusUnauthorized},
			{"the last of two answers counts, and it is none", "/requests/" + r.ID + "/answer", `{"answer":"` + jws + `","answer":"x"}`, http.StatusUnauthorized},

			{"a token that is a number", "/enrolments", `{"token":1}`, http.StatusUnprocessableEntity},
			{"a PIN that is a number, to enrol", "/enrolments", `{"token":"x","pin":135790}`, http.StatusUnprocessableEntity},
			{"a name that is an object", "/enrolments", `{"token":"x","name":{"first":"x"}}`, http.StatusUnprocessableEntity},
			{"a platform that is a list", "/enrolments", `{"token":"x","platform":["ios"]}`, http.StatusUnprocessableEntity},
			{"no field to enrol", "/enrolments", `{}`, http.StatusUnprocessableEntity},
			{"a huge token", "/enrolments", `{"token":"` + strings.Repeat("a", 50<<10) + `","name":"x","platform":"ios","pin":"135790","public_key":` + key + `}`, http.StatusUnauthorized},
			{"a huge name", "/enrolments", `{"token":"` + token + `","name":"` + strings.Repeat("a", 50<<10) + `","platform":"ios","pin":"135790","public_key":` + key + `}`, http.StatusUnprocessableEntity},
			{"a huge PIN", "/enrolments", `{"token":"` + token + `","name":"x","platform":"ios","pin":"` + strings.Repeat("1357", 10<<10) + `","public_key":` + key + `}`, http.StatusUnprocessableEntity},
			{"a platform that is none", "/enrolments", `{"token":"` + token + `","name":"x","platform":"toaster","pin":"135790","public_key":` + key + `}`, http.StatusUnprocessableEntity},
			{"a token of another shape", "/enrolments", `{"token":"'; DROP TABLE users; --","name":"x","platform":"ios","pin":"135790","public_key":` + key + `}`, http.StatusUnauthorized},

			{"a subscription that is empty", "/push", `{}`, http.StatusUnprocessableEntity},
			{"a subscription that is null", "/push", `null`, http.StatusUnprocessableEntity},
			{"a subscription in plain http", "/push", `{"endpoint":"http://push.example/1","keys":{"p256dh":"x","auth":"y"}}`, http.StatusUnprocessableEntity},
			{"a subscription with a number for its address", "/push", `{"endpoint":1,"keys":{}}`, http.StatusUnprocessableEntity},
			{"a subscription without keys", "/push", `{"endpoint":"https://push.example/1","keys":{}}`, http.StatusUnprocessableEntity},
			{"a subscription to this very computer", "/push", `{"endpoint":"file:///etc/passwd","keys":{"p256dh":"x","auth":"y"}}`, http.StatusUnprocessableEntity},
		} {
			t.Run(c.claim, func(t *testing.T) {
				method := http.MethodPost
				if c.path == "/push" {
					method = http.MethodPut
				}
				sendParcel(t, s.ph.client, s.ph.request(t, method, c.path, nil), object(c.body)).is(t, c.want)
			})
		}
		// What is unknown is ignored, so that old services take new phones.
		a := sendParcel(t, s.ph.client, s.ph.request(t, http.MethodPost, "/requests/"+r.ID+"/answer", nil), object(`{"new":{"a":[1,2]},"answer":"`+jws+`"}`))
		a.is(t, http.StatusOK)
	})
}

// raw speaks to the listener without a client that would keep it from doing wrong.
func (w *world) raw(t testing.TB, text string, hangUp bool) (status string, took time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if hangUp {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "(" + err.Error() + ")", time.Since(started)
	}
	return strings.TrimSpace(line), time.Since(started)
}

func TestRequestsThatAreNoHTTP(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		b.get(t, "/signin")
		var cookies bytes.Buffer
		for _, c := range b.client.Jar.Cookies(must(url.Parse(w.URL))) {
			fmt.Fprintf(&cookies, "%s=%s; ", c.Name, c.Value)
		}
		head := "POST /signin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: " + formType + "\r\nCookie: " + cookies.String() + "\r\n"
		fields := b.form("identifier", "user1@alder.example").Encode()
		chunk := func(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }
		for _, c := range []struct {
			claim, text string
			want        string
		}{
			{"an honest request", head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(fields), fields), "303"},
			{"honest chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(fields) + "0\r\n\r\n", "303"},
			{"chunks without an end", head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(fields), "400"},
			{"a chunk cut short", head + "Transfer-Encoding: chunked\r\n\r\nffff\r\n" + fields, "400"},
			{"a chunk of no size", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + fields + "\r\n0\r\n\r\n", "400"},
			{"chunks past the limit", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk(strings.Repeat("x", 4096)), 20), "413"},
			{"a body shorter than it says", head + "Content-Length: 60000\r\n\r\n" + fields, "400"},
			{"a body that says it is larger than allowed", head + "Content-Length: 99999999\r\n\r\n" + fields, "413"},
			{"two lengths", head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + fields, "400"},
			{"a negative length", head + "Content-Length: -1\r\n\r\n" + fields, "400"},
			{"a length that is no number", head + "Content-Length: many\r\n\r\n" + fields, "400"},
			{"both a length and chunks", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(fields) + "0\r\n\r\n", "303"},
			{"no host", "GET /signin HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
			{"two hosts", "GET /signin HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400"},
			{"a host that is none", "GET /signin HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", "400"},
			{"bad percent-encoding in the path", "GET /sign%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400"},
			{"a control character in the path", "GET /sign\x01in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400"},
			{"bad UTF-8 in the path", "GET /%ff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400"},
			{"NUL in the path", "GET /signin/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400"},
			{"a header line without a colon", "GET /signin HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n", "400"},
			{"a header with a space before the colon", "GET /signin HTTP/1.1\r\nHost: localhost\r\nX-Y : 1\r\n\r\n", "400"},
			{"a header with NUL", "GET /signin HTTP/1.1\r\nHost: localhost\r\nX-Y: \x00\r\n\r\n", "400"},
			{"another protocol", "GET /signin SPDY/9\r\n\r\n", "400"},
			{"not even that", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", "400"},
			{"the address of somebody else", "GET http://evil.example/signin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "200"},
			{"an old client", "GET /signin HTTP/1.0\r\n\r\n", "200"},
		} {
			t.Run(c.claim, func(t *testing.T) {
				// Whoever has said all leaves the line open, or the request is dropped.
				ends := c.want != "400" && c.want != "413"
				if status, _ := w.raw(t, c.text, !ends); !strings.Contains(status, " "+c.want+" ") {
					t.Errorf("answer %q, want %s", status, c.want)
				}
			})
		}
	})
}

// TestAClientThatStalls: a body of which no more comes does not hold its place
// for ever, and a head even less. How long each is waited for is not measured more
// closely than a busy machine allows.
func TestAClientThatStalls(t *testing.T) {
	t.Parallel()
	w := onPostgres(t)
	var mu sync.Mutex
	waited := map[string]time.Duration{}
	t.Run("each", func(t *testing.T) { // returns when all have ended
		for claim, text := range map[string]string{
			"in the head": "POST /signin HTTP/1.1\r\nHost: localhost\r\nX-",
			"in the body": "POST " + api + "/enrolments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
			"in a chunk":  "POST " + api + "/enrolments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
		} {
			t.Run(claim, func(t *testing.T) {
				t.Parallel()
				status, took := w.raw(t, text, false)
				if took > 40*time.Second {
					t.Errorf("it was waited for %s (%s)", took, status)
				}
				mu.Lock()
				defer mu.Unlock()
				waited[claim] = took
			})
		}
	})
	if head, body := waited["in the head"], waited["in the body"]; len(waited) == 3 && head > body-2*time.Second {
		t.Errorf("for a head it was waited %s, for a body %s", head, body)
	}
}
