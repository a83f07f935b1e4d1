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

// chromiums are the names that a browser may have, $CHROME before them. The one without
// windows of its own comes first: the stories take less than half of the time in it.
var chromiums = []string{"chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

var (
	browserOnce = sync.OnceValues(startBrowser)
	running     context.Context // of the browser, once it is started
	runningMu   sync.Mutex
)

// Main runs the tests and closes the browser, if one was started. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(journey.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	runningMu.Lock()
	browser := running
	runningMu.Unlock()
	if browser != nil {
		if err := chromedp.Cancel(browser); err != nil {
			fmt.Fprintln(os.Stderr, "journey: closing the browser:", err)
		}
	}
	return code
}

// theBrowser is the one headless Chromium of this test binary. Tabs get
// isolated contexts in it, as good as a profile each, and far cheaper.
func theBrowser(t testing.TB) context.Context {
	t.Helper()
	browser, err := browserOnce()
	if err != nil {
		t.Fatal(err)
	}
	return browser
}

func startBrowser() (context.Context, error) {
	path, err := findChromium(os.Getenv("CHROME"))
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
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,CertificateTransparencyComponentUpdater"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"))
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil { // no time limit: the browser would end with it
		return nil, fmt.Errorf("journey: start %s: %w", path, err)
	}
	runningMu.Lock()
	running = browser
	runningMu.Unlock()
	return browser, nil
}

func findChromium(wanted string) (string, error) {
	if wanted != "" {
		path, err := exec.LookPath(wanted)
		if err != nil {
			return "", fmt.Errorf("journey: CHROME: %w", err)
		}
		return path, nil
	}
	for _, name := range chromiums {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("journey: no Chromium for the browser tests: apt-get install chromium, or set CHROME to one")
}
