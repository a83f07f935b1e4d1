package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/tenant"
)

// Place is the tenant that a request is about: the one of the session, or, in
// the console, the one that the path names.
type Place struct{ ID, Slug, Name string }

// Here is the tenant that a request is about. Nothing else says so: no field,
// no header.
func Here(c echo.Context) Place { return callOf(c).place }

// Standing is what the person who asks is in the tenant that the request is about.
func (s *Site) Standing(c echo.Context) access.Standing {
	return s.Rules.Standing(Here(c).ID, Session(c).UserID)
}

// locate finds the tenant that a request is about, and sees that the console is
// open for the session. A tenant that the person has no place in is not there.
func (s *Site) locate(c echo.Context, who session.Session) error {
	call := callOf(c)
	call.place = Place{ID: who.TenantID, Slug: who.TenantSlug, Name: who.TenantName}
	console := strings.HasPrefix(c.Path(), "/admin") || strings.HasPrefix(c.Path(), "/operator")
	if !console {
		return nil
	}
	if slug := c.Param("tenant"); strings.HasPrefix(c.Path(), "/admin/") && slug != who.TenantSlug {
		found, err := s.elsewhere(c, who, slug)
		if err != nil {
			return err
		}
		call.place = found
	}
	if quiet(c) {
		if ends, _ := who.ConsoleEndsAt(); !s.DB.Now().Before(ends) {
			return fault.New(fault.SignIn, "session.none")
		}
		return nil
	}
	return session.EnterConsole(c.Request().Context(), s.DB, &call.session)
}

// elsewhere is another tenant than that of the session: there for operators
// alone, by a grant of that tenant.
func (s *Site) elsewhere(c echo.Context, who session.Session, slug string) (Place, error) {
	none := fault.New(fault.NotFound, "http.not_found")
	if who.TenantID != access.Platform {
		return Place{}, none
	}
	t, err := tenant.BySlug(c.Request().Context(), s.DB, slug)
	if err != nil {
		return Place{}, err
	}
	if !s.Rules.Standing(t.ID, who.UserID).Administrator() {
		return Place{}, none
	}
	return Place{ID: t.ID, Slug: t.Slug, Name: t.Name}, nil
}

// quiet says whether a request is one that a page makes by itself. It is no use
// of the console, and keeps no session alive.
func quiet(c echo.Context) bool {
	path := c.Path()
	if path == "/t/:tenant/authorize" && slices.Contains(strings.Fields(strings.Join(c.QueryParams()["prompt"], " ")), "none") {
		return true // an application asks by itself
	}
	return c.Request().Method == http.MethodGet && (strings.HasSuffix(path, "/live") || strings.HasSuffix(path, "/events") || strings.HasSuffix(path, "/state"))
}
