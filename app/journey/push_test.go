package journey

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"latchkey/app/audit"
	"latchkey/app/notify"
	"latchkey/app/notify/notifytest"
	"latchkey/app/store"
)

// inWorker evaluates an expression in the service worker of the phone.
func inWorker[T any](p *handset, expression string) T {
	p.t.Helper()
	for _, worker := range p.workers {
		ctx, cancel := context.WithTimeout(worker, patience)
		defer cancel()
		value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		if err != nil {
			p.t.Fatalf("evaluate in the service worker %s: %v", expression, err)
		}
		return value
	}
	p.t.Fatal("the phone has no service worker")
	panic("unreachable")
}

// untilWorker waits until an expression holds in the service worker.
func (p *handset) untilWorker(expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); !inWorker[bool](p, expression); time.Sleep(glance) {
		if time.Now().After(end) {
			there := inWorker[string](p, `JSON.stringify((self.shown ?? []).map(({ tag, title }) => ({ tag, title })))`)
			p.t.Fatalf("waited %v in vain until in the service worker %s; it has shown %s", patience, expression, there)
		}
	}
}

// The app subscribes, the program sends, and the service worker of the app shows it
// and wakes the app, which asks what waits. Only what needs the network beyond this
// machine is played: subscribing, and the way from the push service to the worker.
func TestAPushWakesThePhone(t *testing.T) {
	t.Parallel()
	h := open(t, store.SQLite)
	const name = "user12@alder.example"
	p, phone := h.pc(), h.handsetLike(Options{Mobile: true, Agent: Android, Notified: true})
	service, browser := notifytest.PushService(t), notifytest.Subscribe(t)
	p.enter(name)
	phone.Grant(h.URL, "notifications")
	call(phone.Tab, "script", page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		PushManager.prototype.subscribe = async function ({ userVisibleOnly, applicationServerKey }) {
			(window.subscribed ??= []).push({ userVisibleOnly, key: btoa(String.fromCharCode(...new Uint8Array(applicationServerKey))) });
			return { toJSON: () => (` + browser.At(service.URL+"/one") + `) };
		};
		navigator.serviceWorker?.addEventListener("message", ({ data }) => (window.heard ??= []).push(data));
	`})
	phone.enrol(p.link())
	p.WaitFor("body[data-state=test] #match-number")
	phone.approve(p.Text("#match-number"))
	phone.ended("approved")
	phone.enable()
	p.out()

	// Subscribed with the key of this program, and the program keeps it.
	phone.WaitUntil("window.subscribed?.length > 0")
	public, _ := h.Keys.Push()
	raw, err := base64.RawURLEncoding.DecodeString(public)
	if err != nil {
		t.Fatal(err)
	}
	if !Eval[bool](phone.Tab, `subscribed.every(({ userVisibleOnly, key }) => userVisibleOnly && key === `+quote(base64.StdEncoding.EncodeToString(raw))+`)`) {
		t.Errorf("subscribed with %s", Eval[string](phone.Tab, "JSON.stringify(subscribed)"))
	}
	var stored string
	for end := time.Now().Add(patience); !strings.Contains(stored, service.URL); time.Sleep(glance) {
		_, err := h.DB.View(t.Context()).One(&stored, "SELECT push_subscription FROM devices WHERE state = 'active' AND user_id = (SELECT id FROM users WHERE name = ?)", name)
		if err != nil || time.Now().After(end) {
			t.Fatalf("the program keeps the subscription %q: %v", stored, err)
		}
	}

	// From here on the app hears nothing but pushes: no stream, and no poll.
	phone.WaitForServiceWorker()
	call(phone.Tab, "script", page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		const reach = window.fetch;
		window.fetch = (to, how) => String(to).endsWith("/events") ? Promise.reject(new TypeError("no stream")) : reach(to, how);
		window.setInterval = () => 0;
	`})
	phone.Reload()
	phone.at("menu", "")
	phone.WaitUntil("window.subscribed?.length > 0") // anew at each start
	inWorker[bool](phone, `(() => {
		self.shown = [];
		const show = registration.showNotification;
		registration.showNotification = (title, options) => show.call(registration, title, options).then(() => shown.push({ title, ...options }));
		return true;
	})()`)
	number := p.ask(name)
	var sent notifytest.Delivery
	select {
	case sent = <-service.Got:
	case <-time.After(patience):
		t.Fatal("the program sends no push message")
	}
	if by := sent.Header.Get("Authorization"); sent.Path != "POST /one" || !strings.HasPrefix(by, "vapid t=") || !strings.HasSuffix(by, ", k="+public) {
		t.Errorf("it came as %s by %q, want POST /one by the key that was subscribed with, %s", sent.Path, by, public)
	}
	message := browser.Read(sent.Body)
	if phone.Has("main[data-screen=request]") {
		t.Error("the app hears of requests in other ways, so this shows nothing")
	}
	phone.Push(h.URL, message)
	phone.at("request", "[data-stage=number]")
	request := phone.Attribute("main", "data-request")
	if message != `{"request":"`+request+`"}` {
		t.Errorf("the push says %s, the request is %s", message, request)
	}
	if heard := Eval[string](phone.Tab, "JSON.stringify(heard)"); heard != `[{"kind":"refresh","request":"`+request+`"}]` {
		t.Errorf("the app heard %s", heard)
	}
	phone.untilWorker("shown.length > 0")
	type notification struct{ Title, Body, Tag string }
	if got, want := inWorker[[]notification](phone, "shown"), (notification{"Is this you?", "A request is waiting for your answer.", request}); len(got) != 1 || got[0] != want {
		t.Errorf("shown is %+v, want %+v", got, want)
	}

	// A click closes it and leads to the app: the open one, else a new one. Only a
	// person can click, so what a click may do is noted down and not done. It is on what
	// the worker had shown, because the browser forgets now and then what it shows.
	click := `(async () => {
		self.led = "";
		let closed = 0, done;
		WindowClient.prototype.focus = function () { led = "focus " + new URL(this.url).pathname; return this; };
		clients.openWindow = async (url) => (led = "open " + url);
		const event = new Event("notificationclick");
		event.notification = { ...shown.at(-1), close: () => closed++ };
		event.waitUntil = (promise) => (done = promise);
		dispatchEvent(event);
		await done;
		return led + ", " + closed + " closed";
	})()`
	if got := inWorker[string](phone, click); got != "focus /phone, 1 closed" {
		t.Errorf("a click with the app open: %s", got)
	}
	phone.WaitUntil("heard.length === 2 && heard[1].kind === 'refresh'")
	phone.approve(number)
	phone.ended("approved")
	p.signedIn(name)

	// A notice says what it is about, and a click on it leads to where it is taken back.
	var of struct{ TenantID, ID string }
	if _, err := h.DB.View(t.Context()).One(&of, "SELECT tenant_id, id FROM users WHERE name = ?", name); err != nil {
		t.Fatal(err)
	}
	err = h.DB.Act(t.Context(), func(tx *store.Tx) error {
		until := tx.Now.Add(time.Hour)
		_, err := notify.TellPhones(tx, of.TenantID, of.ID, notify.Told{Action: audit.BypassIssued, Detail: "skip", Agent: "desk@alder.example", Case: "C-1001", Until: &until, Disowning: "a-link"}, nil, notify.Told{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case sent = <-service.Got:
	case <-time.After(patience):
		t.Fatal("the program pushes no notice")
	}
	inWorker[bool](phone, "((shown.length = 0), true)")
	phone.Push(h.URL, browser.Read(sent.Body))
	phone.untilWorker("shown.length > 0")
	link := "/not-me/" + h.Keys.ShortDisowning(of.TenantID, "a-link")
	for _, part := range []string{"desk@alder.example", "C-1001", "skipping it once", "UTC"} {
		if got := inWorker[[]notification](phone, "shown"); len(got) != 1 || got[0].Title != "Alder Health" || !strings.Contains(got[0].Body, part) {
			t.Errorf("shown is %+v, which does not say %q", got, part)
		}
	}
	if got := inWorker[string](phone, click); got != "open "+link+", 1 closed" {
		t.Errorf("a click on a notice: %s, want open %s", got, link)
	}

	inWorker[bool](phone, `registration.showNotification("again", { tag: "again" }).then(() => true)`)
	worker := *phone
	phone.Open("about:blank")
	worker.untilWorker(`clients.matchAll({ type: "window" }).then((all) => all.every(({ url }) => new URL(url).pathname !== "/phone"))`)
	if got := inWorker[string](&worker, click); got != "open /phone, 1 closed" {
		t.Errorf("a click with no app open: %s", got)
	}
}
