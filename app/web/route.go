package web

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
)

// Route is one line of the map: a verb and path, the permission it needs, and
// what it does.
type Route struct {
	Method, Path string
	Needs        access.Permission
	Do           echo.HandlerFunc
	Leaves       bool // ends the session: a form of it is that session's, and without one there is nothing to guard
}

// Get is a route that changes nothing.
func Get(path string, needs access.Permission, do echo.HandlerFunc) Route {
	return Route{Method: http.MethodGet, Path: path, Needs: needs, Do: do}
}

// Post is a route that takes a form or a body.
func Post(path string, needs access.Permission, do echo.HandlerFunc) Route {
	return Route{Method: http.MethodPost, Path: path, Needs: needs, Do: do}
}

// Put and Delete are for the phone protocol.
func Put(path string, needs access.Permission, do echo.HandlerFunc) Route {
	return Route{Method: http.MethodPut, Path: path, Needs: needs, Do: do}
}

func Delete(path string, needs access.Permission, do echo.HandlerFunc) Route {
	return Route{Method: http.MethodDelete, Path: path, Needs: needs, Do: do}
}

// Leave is Post for signing out.
func Leave(path string, do echo.HandlerFunc) Route {
	return Route{Method: http.MethodPost, Path: path, Needs: access.Anyone, Do: do, Leaves: true}
}

// Mount adds routes, each behind its permission. A route without one is a
// mistake of ours, and the program does not start.
func (s *Site) Mount(e *echo.Echo, routes ...Route) error {
	if s.pages == nil {
		s.pages = map[string]bool{}
	}
	for _, r := range routes {
		if r.Needs == "" || !known[r.Needs] {
			return fmt.Errorf("web: %s %s names no permission", r.Method, r.Path)
		}
		e.Add(r.Method, r.Path, r.Do, s.allow(r))
		s.routes = append(s.routes, r)
		if r.Method == http.MethodGet {
			s.pages[r.Path] = true
		}
	}
	return nil
}

// Routes is everything that was mounted.
func (s *Site) Routes() []Route { return s.routes }

var known = func() map[access.Permission]bool {
	set := map[access.Permission]bool{access.Anyone: true, access.Phone: true, access.Application: true}
	for _, p := range access.Permissions {
		set[p] = true
	}
	return set
}()
