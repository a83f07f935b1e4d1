package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
)

// TestARouteWithoutAPermissionDoesNotStart: it is a mistake of ours, and a page
// that everybody may open must say so.
func TestARouteWithoutAPermissionDoesNotStart(t *testing.T) {
	do := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	for claim, needs := range map[string]access.Permission{
		"none":                        "",
		"one that nobody has":         "anything.at_all",
		"the name of a role":          access.Permission(access.RoleSecurityAdministrator),
		"one that is written wrongly": access.ConsoleEnter + " ",
	} {
		for _, route := range []Route{Get("/page", needs, do), Post("/page", needs, do), Put("/page", needs, do), Delete("/page", needs, do)} {
			s, e := &Site{}, echo.New()
			err := s.Mount(e, Get("/before", access.Anyone, do), route)
			if err == nil || !strings.Contains(err.Error(), route.Method+" /page") {
				t.Errorf("%s: Mount = %v, want an error that names %s /page", claim, err, route.Method)
			}
			if got := len(e.Routes()); got != 1 || len(s.Routes()) != 1 {
				t.Errorf("%s: %d routes answer, want the one before it", claim, got)
			}
		}
	}
	for _, needs := range append([]access.Permission{access.Anyone, access.Phone}, access.Permissions...) {
		if err := (&Site{}).Mount(echo.New(), Get("/page", needs, do)); err != nil {
			t.Errorf("Mount of a page for %s = %v", needs, err)
		}
	}
}
