package journey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// whole are the names that a browser may have, and shells those of one without windows of
// its own, in which the stories take less than half of the time. It shows no notifications,
// so the stories of these take a whole one. $CHROME goes before all of them.
var (
	whole  = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	shells = append([]string{"chromium-headless-shell", "chrome-headless-shell"}, whole...)
)

var (
	shellOnce = sync.OnceValues(func() (context.Context, error) { return startBrowser(shells) })
	wholeOnce = sync.OnceValues(func() (context.Context, error) { return startBrowser(whole) })
	running   []context.Context // of the browsers that are started
	runningMu sync.Mutex
)

// Main runs the tests and closes the browsers that were started. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(journey.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	runningMu.Lock()
	browsers := running
	runningMu.Unlock()
	for _, browser := range browsers {
		if err := chromedp.Cancel(browser); err != nil {
			fmt.Fprintln(os.Stderr, "journey: closing the browser:", err)
		}
	}
	return code
}

// theBrowser is the headless Chromium of this test binary, or the one that shows
// notifications. Tabs get isolated contexts in it, as good as a profile each, and far cheaper.
func theBrowser(t testing.TB, notified bool) context.Context {
	t.Helper()
	start := shellOnce
	if notified {
		start = wholeOnce
	}
	browser, err := start()
	if err != nil {
		t.Fatal(err)
	}
	return browser
}

func startBrowser(names []string) (context.Context, error) {
	path, err := findChromium(os.Getenv("CHROME"), names)
	if err != nil {
		return nil, err
	}
	// Without a sandbox, because containers often have none to give and only
	// our own pages are opened: no other host name is found.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("allow-pre-commit-input", true), // or a key or a click before the first frame of a page is lost
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,CertificateTransparencyComponentUpdater"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil { // no time limit: the browser would end with it
		return nil, fmt.Errorf("journey: start %s: %w", path, err)
	}
	runningMu.Lock()
	running = append(running, browser)
	runningMu.Unlock()
	return browser, nil
}

func findChromium(wanted string, names []string) (string, error) {
	if wanted != "" {
		path, err := exec.LookPath(wanted)
		if err != nil {
			return "", fmt.Errorf("journey: CHROME: %w", err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("journey: no Chromium for the browser tests: apt-get install chromium, or set CHROME to one")
}
