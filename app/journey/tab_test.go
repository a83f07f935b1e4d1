package journey

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/app/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Dialects = storetest.Both
	os.Exit(Main(m))
}

// policy is the one that the program itself sends, in short.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'"

// site is a small one with a form, a worker and a few faults.
func site(t *testing.T) string {
	t.Helper()
	files := map[string][2]string{
		"/": {"text/html", `<!doctype html><html lang=en><title>Start</title><link rel=icon href=data:,>
			<link rel=manifest href=/app.webmanifest><meta name=viewport content="width=device-width">
			<main><h1>Start</h1><form action=/next><label>Name <input id=name name=name value=old></label><button id=go>Go</button></form>
			<p id=late hidden>late</p><noscript><p id=without>without script</p></noscript></main><script type=module src=/start.js></script>`},
		"/start.js": {"text/javascript", `setTimeout(() => document.querySelector("#late").hidden = false, 50);
			navigator.serviceWorker.register("/worker.js");`},
		"/worker.js": {"text/javascript", `addEventListener("install", e => e.waitUntil(caches.open("shell").then(c => c.addAll(["/", "/start.js"]))));
			addEventListener("fetch", e => e.respondWith(fetch(e.request).catch(async () => await caches.match(e.request) ?? Response.error())));
			addEventListener("push", e => e.waitUntil(registration.showNotification(e.data.text())
				.then(() => caches.open("shown")).then(c => c.put("/shown", new Response(e.data.text())))));`},
		"/app.webmanifest": {"application/manifest+json", `{"name":"Start","start_url":"/","scope":"/","display":"standalone","icons":[
			{"src":"/icon.svg","sizes":"any","type":"image/svg+xml"},{"src":"/icon.svg","sizes":"512x512","type":"image/svg+xml"}]}`},
		"/icon.svg":  {"image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512"><rect width="512" height="512"/></svg>`},
		"/inline":    {"text/html", `<!doctype html><html lang=en><title>Inline</title><link rel=icon href=data:,><main><h1>Inline</h1></main><script>console.log(1)</script>`},
		"/throws":    {"text/html", `<!doctype html><html lang=en><title>Throws</title><link rel=icon href=data:,><main><h1>Throws</h1></main><script src=/throws.js></script><script src=/lost.js></script>`},
		"/throws.js": {"text/javascript", `throw new Error("thrown on purpose")`},
		"/nameless":  {"text/html", `<!doctype html><html lang=en><title>Nameless</title><link rel=icon href=data:,><main><h1>Nameless</h1><input></main>`},
	}
	mux := http.NewServeMux()
	for path, file := range files {
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("Content-Type", file[0])
			w.Write([]byte(file[1]))
		})
	}
	mux.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Path: "/"})
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`<!doctype html><html lang=en><title>Next</title><link rel=icon href=data:,><main><h1 id=hello>Hello ` + r.FormValue("name") + `</h1></main>`))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

func TestTabReadsFillsAndFollows(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{})
	tab.Open(url + "/")
	if got := tab.Text("#late"); got != "late" {
		t.Errorf("text of what shows late: %q", got)
	}
	tab.Fill("#name", "Ada & co")
	tab.Follow("#go")
	if got := tab.Text("#hello"); got != "Hello Ada & co" {
		t.Errorf("after the form: %q", got)
	}
	if !strings.HasPrefix(tab.URL(), url+"/next?name=Ada") {
		t.Errorf("address after the form: %s", tab.URL())
	}
	if n := Eval[int](tab, "Promise.resolve(41 + 1)"); n != 42 {
		t.Errorf("a promise gives %d, want 42", n)
	}
}

func TestTabsAreIsolatedUnlessTheyAreTheSamePersons(t *testing.T) {
	url := site(t)
	one := NewTab(t, Options{})
	one.Open(url + "/next")
	for name, tab := range map[string]*Tab{"yes": one.Another(Options{}), "": NewTab(t, Options{})} {
		tab.Open(url + "/nameless")
		if got := strings.TrimPrefix(Eval[string](tab, "document.cookie"), "seen="); got != name {
			t.Errorf("cookie %q, want %q", got, name)
		}
	}
}

func TestOptionsShapeTheTab(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{Mobile: true, Dark: true})
	tab.Open(url + "/")
	if w := Eval[int](tab, "innerWidth"); w != 390 {
		t.Errorf("width of a phone: %d, want 390", w)
	}
	if !Eval[bool](tab, `matchMedia("(prefers-color-scheme: dark)").matches && navigator.maxTouchPoints > 0`) {
		t.Error("not dark, or no touch")
	}
	path := filepath.Join(t.TempDir(), "folder", "phone.png")
	tab.Screenshot(path)
	if picture, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Errorf("screenshot: %d bytes, %v", len(picture), err)
	}
}

func TestTabWithoutScript(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{NoScript: true})
	tab.Open(url + "/")
	if got := tab.Text("#without"); got != "without script" {
		t.Errorf("noscript shows %q", got)
	}
	tab.Fill("#name", "Bo")
	tab.Follow("#go")
	if got := tab.Text("#hello"); got != "Hello Bo" {
		t.Errorf("a plain form gives %q", got)
	}
	if tab.Has("#late") {
		t.Error("this is still the first page")
	}
}

func TestConsoleErrorsAreSeen(t *testing.T) {
	url := site(t)
	tests := []struct {
		name, path string
		want       []string
	}{
		{"a violation of the policy", "/inline", []string{"Content Security Policy"}},
		{"an exception and a lost file", "/throws", []string{"thrown on purpose", "/lost.js"}},
		{"the status of the page itself is none", "/next", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tab := NewTab(t, Options{})
			tab.Open(url + test.path)
			waitForErrors(tab, len(test.want))
			all := strings.Join(tab.ConsoleErrors(), "\n")
			if (all == "") != (test.want == nil) {
				t.Errorf("console errors: %q", all)
			}
			for _, part := range test.want {
				if !strings.Contains(all, part) {
					t.Errorf("no error with %q in %q", part, all)
				}
				tab.Forgive(part)
			}
		})
	}
}

// waitForErrors looks at the page until n errors have come in; a slow machine
// delivers them after the page.
func waitForErrors(tab *Tab, n int) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		Eval[bool](tab, "new Promise(next => setTimeout(() => next(true), 20))")
		if len(tab.ConsoleErrors()) >= n {
			return
		}
	}
}

func TestAxeFindsAFieldWithoutAName(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{})
	tab.Open(url + "/")
	tab.Accessible()
	tab.Open(url + "/nameless")
	found := tab.Axe()
	if len(found) != 1 || found[0].ID != "label" || len(found[0].Nodes) != 1 {
		t.Errorf("axe: %v, want one label", found)
	}
}

func TestWorkerServesTheShellOffline(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{Mobile: true})
	tab.Open(url + "/")
	tab.WaitForServiceWorker()
	tab.Reload()
	tab.Offline(true)
	if Eval[bool](tab, "navigator.onLine") {
		t.Error("the page believes that it is online")
	}
	tab.Reload()
	tab.WaitFor("#name")
	if got := Eval[string](tab, `fetch("/icon.svg").then(() => "came", () => "failed")`); got != "failed" {
		t.Errorf("a file that is not in the cache %s", got)
	}
	tab.Offline(false)
	if got := Eval[string](tab, `fetch("/icon.svg").then(() => "came", () => "failed")`); got != "came" {
		t.Errorf("online again, a file %s", got)
	}
}

func TestWorkerShowsAPush(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{Notified: true})
	tab.Grant(url, "notifications")
	tab.Open(url + "/")
	tab.WaitForServiceWorker()
	tab.Push(url, "a request waits")
	tab.WaitUntil(`caches.match("/shown").then(r => r !== undefined)`)
	got := Eval[string](tab, `caches.match("/shown").then(r => r?.text() ?? "")`)
	if got != "a request waits" {
		t.Errorf("notification %q", got)
	}
}

func TestInstallability(t *testing.T) {
	url := site(t)
	tab := NewTab(t, Options{})
	tab.Open(url + "/")
	if obstacles := tab.Installable(); len(obstacles) > 0 {
		t.Errorf("obstacles to installing: %v", obstacles)
	}
	tab.Open(url + "/nameless")
	if obstacles := tab.Installable(); len(obstacles) == 0 {
		t.Error("a page without a manifest can be installed")
	}
}
