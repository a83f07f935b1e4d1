package journey

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"
)

// Offline takes the network from the tab and from the service workers that are
// active, or gives it back. What then fails to load is forgiven.
func (tab *Tab) Offline(on bool) {
	tab.t.Helper()
	if on {
		tab.Forgive("net::ERR_INTERNET_DISCONNECTED")
		tab.Forgive("net::ERR_FAILED") // where a worker stands between
	}
	tab.watchWorkers()
	for _, ctx := range append(slices.Collect(maps.Values(tab.workers)), tab.ctx) {
		callIn(tab, ctx, "offline", emulate, conditions{
			Offline: on, Matched: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: -1, Offline: on}},
		})
	}
	call(tab, "offline", network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: on, DownloadThroughput: -1, UploadThroughput: -1,
	})
}

// conditions are those of network.EmulateNetworkConditionsByRuleParams, with what
// browsers before version 150 want beside them.
type conditions struct {
	Offline bool                  `json:"offline"`
	Matched []*network.Conditions `json:"matchedNetworkConditions"`
}

var emulate = cdp.Command[conditions, network.EmulateNetworkConditionsByRuleResult]{Method: network.CommandEmulateNetworkConditionsByRule}

// WaitForServiceWorker waits until a service worker is active; it controls the
// page from its next load on, or at once if it claims it. From here on the
// worker's console counts too.
func (tab *Tab) WaitForServiceWorker() {
	tab.t.Helper()
	state := Eval[string](tab, `navigator.serviceWorker.ready.then(async r => {
		while (r.active.state === "activating") await new Promise(next => setTimeout(next, 10));
		return r.active.state;
	})`)
	if state != "activated" {
		tab.t.Fatalf("the service worker is %s, not activated", state)
	}
	tab.watchWorkers()
}

// watchWorkers attaches to the service workers of this tab's person. The
// protocol gives a worker a network and a console of its own.
func (tab *Tab) watchWorkers() {
	tab.t.Helper()
	targets, err := chromedp.Targets(tab.ctx)
	if err != nil {
		tab.t.Fatalf("service workers: %v", err)
	}
	for _, info := range targets {
		if info.Type != "service_worker" || info.BrowserContextID != chromedp.FromContext(tab.ctx).BrowserContextID {
			continue
		}
		if _, known := tab.workers[info.TargetID]; known {
			continue
		}
		ctx, detach := chromedp.NewContext(tab.ctx, chromedp.WithTargetID(info.TargetID))
		tab.t.Cleanup(detach)
		if err := chromedp.Do(ctx); err != nil {
			tab.t.Fatalf("service worker %s: %v", info.URL, err)
		}
		tab.hear(ctx)
		tab.workers[info.TargetID] = ctx
	}
}

// Push hands a push message to the service worker of an origin, as if it had
// come from the push service, which a test cannot reach. Look for what the
// worker does with it elsewhere than in getNotifications: a headless browser
// forgets now and then what it shows.
func (tab *Tab) Push(origin, data string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	updates := chromedp.Events(ctx, serviceworker.WorkerRegistrationUpdated)
	call(tab, "service workers", serviceworker.Disable, cdp.Empty{}) // it tells of what there is when it begins
	call(tab, "service workers", serviceworker.Enable, cdp.Empty{})
	for update, err := range updates {
		if err != nil {
			tab.t.Fatalf("push: no service worker of %s: %v", origin, err)
		}
		for _, r := range update.Registrations {
			if !r.IsDeleted && strings.HasPrefix(r.ScopeURL, origin+"/") {
				call(tab, "push", serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{
					Origin: origin, RegistrationID: r.RegistrationID, Data: data,
				})
				return
			}
		}
	}
}

// Installable returns what keeps the browser from offering to install the page
// as an app, and nothing for a page in order: its manifest as the browser read
// it, and the browser's own list of obstacles.
func (tab *Tab) Installable() []string {
	tab.t.Helper()
	manifest := call(tab, "manifest", page.GetAppManifest, page.GetAppManifestParams{})
	var obstacles []string
	if manifest.URL == "" {
		obstacles = append(obstacles, "no manifest")
	}
	for _, e := range manifest.Errors {
		obstacles = append(obstacles, "manifest: "+e.Message)
	}
	for _, e := range call(tab, "installability", page.GetInstallabilityErrors, cdp.Empty{}).InstallabilityErrors {
		if e.ErrorID != "in-incognito" { // what an isolated context is to the browser
			obstacles = append(obstacles, e.ErrorID)
		}
	}
	return obstacles
}

// Grant gives an origin a permission of the browser, such as "notifications",
// in this tab and those that share with it.
func (tab *Tab) Grant(origin, permission string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: permission},
		Setting:    browser.PermissionSettingGranted, Origin: origin,
		BrowserContextID: chromedp.FromContext(tab.ctx).BrowserContextID,
	})
	if err != nil {
		tab.t.Fatalf("grant %s: %v", permission, err)
	}
}
