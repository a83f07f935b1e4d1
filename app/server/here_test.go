package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/app/access"
)

// TestThePageThatAFormStoodOn is where somebody comes back to who has to sign in, or to
// prove it again, before their form counts: to a page that there is, whatever the form.
func TestThePageThatAFormStoodOn(t *testing.T) {
	walking(t, func(t *testing.T, w *world) {
		b := w.browser(t)
		b.get(t, "/signin")
		back := func(path string) string {
			t.Helper()
			to, ok := strings.CutPrefix(b.post(t, path).want(t, http.StatusSeeOther).location(), "/signin?return_to=")
			page, err := url.QueryUnescape(to)
			if !ok || err != nil {
				t.Fatalf("%s leads to %q, %v", path, to, err)
			}
			return page
		}
		for path, want := range map[string]string{
			"/me/phones":                                       "/me/phones",
			"/me/phones/d/revoke":                              "/me/phones",
			"/me/totp":                                         "/me/totp",
			"/me/totp/new/t":                                   "/me/totp/new/t",
			"/me/totp/remove":                                  "/me/totp",
			"/me/codes":                                        "/me/codes",
			"/me/codes/remove":                                 "/me/codes",
			"/me/passkeys":                                     "/me/passkeys/new",
			"/me/passkeys/p/rename":                            "/me/passkeys",
			"/me/backup-phones":                                "/me/backup-phones",
			"/me/browsers/b/forget":                            "/me/sessions",
			"/me/sessions/end-others":                          "/me/sessions",
			"/me/lost-phone/ask":                               "/me/lost-phone",
			"/me/notices/n/seen":                               "/",
			"/step-up/manager":                                 "/",
			"/admin/alder/settings":                            "/admin/alder/settings",
			"/admin/alder/settings/desk":                       "/admin/alder/settings/desk",
			"/admin/alder/settings/desk/reasons":               "/admin/alder/settings/desk/reasons/new",
			"/admin/alder/settings/desk/reasons/r":             "/admin/alder/settings/desk/reasons/r",
			"/admin/alder/settings/desk/reasons/r/remove":      "/admin/alder/settings/desk",
			"/admin/alder/settings/ticket-system":              "/admin/alder/settings/ticket-system",
			"/admin/alder/webhooks":                            "/admin/alder/webhooks",
			"/admin/alder/webhooks/c/test":                     "/admin/alder/webhooks/c",
			"/admin/alder/settings/providers/sms":              "/admin/alder/settings/providers/sms",
			"/admin/alder/settings/providers/messages/m/again": "/admin/alder/settings/providers",
			"/admin/alder/settings/places":                     "/admin/alder/settings/places/new",
			"/admin/alder/settings/places/elsewhere":           "/admin/alder/settings/places",
			"/admin/alder/settings/grants":                     "/admin/alder/settings/grants/new",
			"/admin/alder/settings/grants/g/end":               "/admin/alder/settings/grants",
			"/admin/alder/policy":                              "/admin/alder/policy",
			"/admin/alder/users":                               "/admin/alder/users/new",
			"/admin/alder/users/u/bypasses":                    "/admin/alder/users/u/desk",
			"/admin/alder/users/u/lock":                        "/admin/alder/users/u",
			"/admin/alder/users/u/devices/d/revoke":            "/admin/alder/users/u",
			"/admin/alder/users/u/passkeys/p/revoke":           "/admin/alder/users/u",
			"/admin/alder/users/u/totp/revoke":                 "/admin/alder/users/u",
			"/admin/alder/users/u/codes/revoke":                "/admin/alder/users/u",
			"/admin/alder/groups/g/members/u/remove":           "/admin/alder/groups/g",
			"/admin/alder/groups/g/members":                    "/admin/alder/groups/g",
			"/admin/alder/passcodes/p/show":                    "/admin/alder/passcodes",
			"/admin/alder/rollout/totp/schedule/s/cancel":      "/admin/alder/rollout/totp",
			"/admin/alder/outage":                              "/admin/alder/outage/new",
			"/admin/alder/outage/o/sign":                       "/admin/alder/outage/o",
			"/admin/alder/break-glass":                         "/admin/alder/break-glass",
			"/admin/alder/break-glass/b/seal":                  "/admin/alder/break-glass",
			"/admin/alder/call-backs/c":                        "/admin/alder/call-backs/c",
			"/admin/alder/code-sheets/batches/b/print":         "/admin/alder/code-sheets/batches/b",
			"/operator/tenants":                                "/operator/tenants/new",
			"/operator/tenants/birch/domains/d.ex/verify":      "/operator/tenants/birch",
			"/operator/releases/totp/stop":                     "/operator/releases/totp",
		} {
			if got := back(path); got != want {
				t.Errorf("%s: back to %s, want %s", path, got, want)
			}
		}
		pages := map[string]bool{}
		for _, route := range w.Site.Routes() {
			pages[route.Path] = pages[route.Path] || route.Method == http.MethodGet
		}
		tried := 0
		for _, route := range w.Site.Routes() {
			if route.Method != http.MethodPost || slices.Contains([]access.Permission{access.Anyone, access.Phone, access.Application}, route.Needs) {
				continue
			}
			tried++
			if page := back(route.Path); !pages[page] { // each part by its own name is as good as any
				t.Errorf("%s: back to %s, where there is nothing", route.Path, page)
			}
		}
		if tried < 100 {
			t.Errorf("only %d forms were tried", tried)
		}
	})
}
