package journey

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// patience is how long one step may take before the test fails. The two
	// cores of a test machine also run the server and the database.
	patience = 20 * time.Second
	// glance is the pause between two looks at a page.
	glance = 20 * time.Millisecond
)

// Options say what kind of browser a tab looks like. The zero value is a PC
// with a light screen of 1280 × 900.
type Options struct {
	Width, Height int
	Mobile        bool // touch and a phone's viewport; 390 × 844 unless told otherwise
	Dark          bool
	NoScript      bool
	Notified      bool   // in a browser that shows notifications
	Agent         string // what the browser calls itself; "" is what it is
	still         bool   // nothing moves
}

// Android is an Agent: a phone with Chrome.
const Android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"

// Tab is one page of a browser, driven by one test. Its methods fail the test
// when a step does not succeed in time, so a story reads as a list of steps;
// call them from the test's own goroutine only.
//
// At the end of the test, every error that the page wrote to its console fails
// the test too: exceptions, violations of the content security policy, and
// files that did not load. The status of a page itself is no such error.
// Forgive names the errors that belong to the story.
type Tab struct {
	t       testing.TB
	ctx     context.Context
	options Options

	mu       sync.Mutex
	errors   []consoleError
	visited  map[string]bool // addresses of documents
	forgiven []string

	workers map[target.ID]context.Context // the service workers that are watched
}

type consoleError struct{ source, text, url string }

func (e consoleError) String() string { return strings.TrimSpace(e.text + " " + e.url) }

// NewTab opens a tab that shares nothing with any other: no cookies, no keys,
// no service worker. It is closed at the end of the test.
func NewTab(t testing.TB, o Options) *Tab {
	t.Helper()
	return newTab(t, theBrowser(t, o.Notified), o, chromedp.WithNewBrowserContext())
}

// Another opens a second tab of the same person: with the cookies, the keys
// and the service workers of the first.
func (tab *Tab) Another(o Options) *Tab {
	tab.t.Helper()
	return newTab(tab.t, tab.ctx, o)
}

func newTab(t testing.TB, parent context.Context, o Options, how ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(parent, how...)
	tab := &Tab{t: t, ctx: ctx, options: o, visited: map[string]bool{}, workers: map[target.ID]context.Context{}}
	t.Cleanup(func() {
		t.Helper()
		tab.leave()
		closeTab()
	})
	if err := chromedp.Do(ctx); err != nil { // opens it; a time limit would close it again
		t.Fatalf("new tab: %v", err)
	}
	tab.listen()
	tab.dress(o)
	if o.Agent != "" {
		call(tab, "agent", emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: o.Agent})
	}
	if o.NoScript {
		call(tab, "no script", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	return tab
}

// listen collects the errors of the console and the addresses of documents.
func (tab *Tab) listen() {
	tab.t.Helper()
	err := chromedp.Listen(tab.ctx, func(event any) {
		if e, ok := event.(*page.EventFrameNavigated); ok && e.Frame.ParentID == "" {
			tab.mu.Lock()
			tab.visited[e.Frame.URL] = true
			tab.mu.Unlock()
		}
	})
	if err != nil {
		tab.t.Fatalf("new tab: %v", err)
	}
	tab.hear(tab.ctx)
}

// hear collects the errors that a page or a worker writes.
func (tab *Tab) hear(ctx context.Context) {
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == "error" || m.Type == "assert" || m.IsException() {
				tab.mu.Lock()
				tab.errors = append(tab.errors, consoleError{m.Source, m.Text, m.URL})
				tab.mu.Unlock()
			}
		}
	}()
}

// leave looks back at the end of a test: the console must be clean, and a
// failed test leaves a picture and the words of the page behind.
func (tab *Tab) leave() {
	tab.t.Helper()
	if tab.t.Failed() {
		tab.lastSight()
	}
	for _, e := range tab.ConsoleErrors() {
		tab.t.Errorf("console: %s", e)
	}
}

func (tab *Tab) lastSight() {
	ctx, cancel := context.WithTimeout(tab.ctx, 5*time.Second)
	defer cancel()
	sight, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return
	}
	tab.t.Logf("the tab was at %s", sight)
	if picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)); err == nil {
		name := filepath.Join(tab.t.ArtifactDir(), "failed.png")
		if os.WriteFile(name, picture, 0o644) == nil {
			tab.t.Logf("picture of it (kept with go test -artifacts): %s", name)
		}
	}
}

// ConsoleErrors returns what the page has complained of so far, without what
// is forgiven.
func (tab *Tab) ConsoleErrors() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	var left []string
	for _, e := range tab.errors {
		ofThePage := e.source == "network" && tab.visited[e.url]
		forgiven := slices.ContainsFunc(tab.forgiven, func(part string) bool { return strings.Contains(e.String(), part) })
		if !ofThePage && !forgiven {
			left = append(left, e.String())
		}
	}
	return left
}

// Forgive lets console errors pass that contain part, in text or address. It
// counts for the whole test, before and after the call.
func (tab *Tab) Forgive(part string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.forgiven = append(tab.forgiven, part)
}

// Open goes to an address and waits until it has loaded. Use localhost, not
// 127.0.0.1: passkeys want a name.
func (tab *Tab) Open(url string) {
	tab.t.Helper()
	tab.do("open "+url, chromedp.Navigate(url))
}

// Reload loads the page again.
func (tab *Tab) Reload() {
	tab.t.Helper()
	tab.do("reload", chromedp.Reload())
}

// Back goes one page back in the history, wherever that leads.
func (tab *Tab) Back() {
	tab.t.Helper()
	history := call(tab, "history", page.GetNavigationHistory, cdp.Empty{})
	if history.CurrentIndex == 0 {
		tab.t.Fatal("back: this is the first page")
	}
	tab.leads(func() {
		call(tab, "back", page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	})
}

// URL returns the address of the page.
func (tab *Tab) URL() string {
	tab.t.Helper()
	return Eval[string](tab, "location.href")
}

// Text waits for an element and returns its text, as it is shown.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	tab.WaitFor(selector)
	return strings.TrimSpace(Eval[string](tab, one(selector)+".innerText"))
}

// Attribute waits for an element and returns one attribute, "" when absent.
func (tab *Tab) Attribute(selector, name string) string {
	tab.t.Helper()
	tab.WaitFor(selector)
	return Eval[string](tab, one(selector)+".getAttribute("+quote(name)+") ?? ''")
}

// Has says whether the page has such an element now, seen or not.
func (tab *Tab) Has(selector string) bool {
	tab.t.Helper()
	return Eval[bool](tab, one(selector)+" !== null")
}

// Count returns how many such elements the page has now.
func (tab *Tab) Count(selector string) int {
	tab.t.Helper()
	return Eval[int](tab, "document.querySelectorAll("+quote(selector)+").length")
}

// WaitFor waits until the page shows such an element; pages may change
// meanwhile.
func (tab *Tab) WaitFor(selector string) {
	tab.t.Helper()
	tab.WaitUntil(one(selector) + "?.checkVisibility({visibilityProperty: true}) ?? false")
}

// WaitGone waits until the page shows no such element.
func (tab *Tab) WaitGone(selector string) {
	tab.t.Helper()
	tab.WaitUntil("!(" + one(selector) + "?.checkVisibility({visibilityProperty: true}) ?? false)")
}

// WaitForText waits until an element that the page shows contains a text.
func (tab *Tab) WaitForText(selector, part string) {
	tab.t.Helper()
	tab.WaitUntil("(" + one(selector) + "?.innerText ?? '').includes(" + quote(part) + ")")
}

// WaitForURL waits until the address of a loaded page contains part.
func (tab *Tab) WaitForURL(part string) {
	tab.t.Helper()
	tab.WaitUntil("document.readyState === 'complete' && location.href.includes(" + quote(part) + ")")
}

// WaitUntil waits until an expression holds. It is asked anew in every
// document, and works on pages that may not run script; a promise is waited for.
func (tab *Tab) WaitUntil(expression string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	var last error
	for {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise))
		if holds && err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err // a document that is going away cannot answer
		}
		select {
		case <-ctx.Done():
			tab.t.Fatalf("waited %v in vain until %s: %v", patience, expression, cmp.Or(last, ctx.Err()))
		case <-time.After(glance):
		}
	}
}

// Click waits for an element and clicks on it with the mouse. Where the document
// is replaced between the two, it waits for the element of the next one.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	for {
		tab.WaitFor(selector)
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		if err == nil {
			return
		}
		var refused *cdproto.Error
		if !errors.As(err, &refused) || refused.Message != nodeGone {
			tab.t.Fatalf("click %s: %v", selector, err)
		}
	}
}

// nodeGone is how the browser answers for an element of an earlier document. It
// says so while it looks for the place to click, so nothing was clicked.
const nodeGone = "Could not find node with given id"

// Follow clicks on a link or button and waits until another document has
// loaded, so that the next step cannot look at the old one.
func (tab *Tab) Follow(selector string) {
	tab.t.Helper()
	tab.leads(func() { tab.Click(selector) })
}

// Submit presses Enter where the focus is and waits until another document has
// loaded.
func (tab *Tab) Submit() {
	tab.t.Helper()
	tab.leads(func() { tab.Press(kb.Enter) })
}

// leads does a step and waits until another document has loaded.
func (tab *Tab) leads(step func()) {
	tab.t.Helper()
	before := Eval[float64](tab, "performance.timeOrigin")
	step()
	tab.WaitUntil(fmt.Sprintf("performance.timeOrigin !== %v && document.readyState === 'complete'", before))
}

// Fill waits for a field and puts text into it, as if it were pasted, in place
// of what it held.
func (tab *Tab) Fill(selector, text string) {
	tab.t.Helper()
	tab.WaitFor(selector)
	tab.WaitUntil("(field => { field?.focus(); field?.select(); return field !== null && document.activeElement === field; })(" + one(selector) + ")")
	tab.Paste(text)
}

// Paste puts text where the focus is, all at once: what the page offers for it is then
// for all of it, and not for its first letters.
func (tab *Tab) Paste(text string) {
	tab.t.Helper()
	call(tab, "paste "+text, input.InsertText, input.InsertTextParams{Text: text})
}

// Press sends keys to whatever has the focus; the names of special keys are in
// the package chromedp/kb.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	tab.do("press keys", chromedp.KeyEvent(keys))
}

// Eval evaluates an expression in the page and waits for the promise, if it is
// one.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// Visited returns the addresses of the documents that the tab has shown, in
// alphabetical order.
func (tab *Tab) Visited() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Sorted(maps.Keys(tab.visited))
}

func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
}

func call[P, R any](tab *Tab, what string, command cdp.Command[P, R], params P) R {
	tab.t.Helper()
	return callIn(tab, tab.ctx, what, command, params)
}

func callIn[P, R any](tab *Tab, target context.Context, what string, command cdp.Command[P, R], params P) R {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(target, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
	return result
}

func one(selector string) string { return "document.querySelector(" + quote(selector) + ")" }

// quote makes a JavaScript string.
func quote(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}
