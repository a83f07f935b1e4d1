package web

import (
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestThePageThatAFormStoodOn(t *testing.T) {
	for path, want := range map[string]string{
		"/signout":                                    "/",
		"/me/phones":                                  "/me/phones",
		"/me/phones/d/revoke":                         "/me/phones",
		"/me/totp":                                    "/me/totp",
		"/me/totp/remove":                             "/me/totp",
		"/me/codes":                                   "/me/codes",
		"/me/codes/remove":                            "/me/codes",
		"/admin/alder/users/u/codes/revoke":           "/admin/alder/users/u",
		"/me/passkeys/p/rename":                       "/me/passkeys",
		"/me/backup-phones":                           "/me/backup-phones",
		"/me/browsers/b/forget":                       "/me/sessions",
		"/me/sessions/end-others":                     "/me/sessions",
		"/admin/alder/settings":                       "/admin/alder/settings",
		"/admin/alder/policy":                         "/admin/alder/policy",
		"/admin/alder/settings/places":                "/admin/alder/settings/places",
		"/admin/alder/settings/places/elsewhere":      "/admin/alder/settings/places",
		"/admin/alder/users/u/lock":                   "/admin/alder/users/u",
		"/admin/alder/users/u/devices/d/revoke":       "/admin/alder/users/u",
		"/admin/alder/users/u/passkeys/p/revoke":      "/admin/alder/users/u",
		"/admin/alder/users/u/totp/revoke":            "/admin/alder/users/u",
		"/admin/alder/groups/g/members/u/remove":      "/admin/alder/groups/g",
		"/admin/alder/groups/g/members":               "/admin/alder/groups/g",
		"/admin/alder/passcodes/p/show":               "/admin/alder/passcodes",
		"/admin/alder/settings/grants/g/end":          "/admin/alder/settings/grants/new",
		"/operator/tenants":                           "/operator/tenants/new",
		"/operator/tenants/birch/domains/d.ex/verify": "/operator/tenants/birch",
	} {
		c := echo.New().NewContext(httptest.NewRequest("POST", path, nil), httptest.NewRecorder())
		if got := here(c); got != want {
			t.Errorf("%s: back to %s, want %s", path, got, want)
		}
	}
}
