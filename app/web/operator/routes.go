// Package operator serves the platform operator: tenants from outside, and the
// health of the platform.
package operator

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/release"
	"latchkey/app/setup"
	"latchkey/app/web"
	"latchkey/views/component"
	"latchkey/views/words"
)

// Pages are the pages of the operator console.
type Pages struct {
	Site     *web.Site
	Operator *operator.Service
	Setup    *setup.Service
	Releases *release.Service
}

// Routes is the map of the operator console.
func (h *Pages) Routes() []web.Route {
	look := func(path string, do echo.HandlerFunc) web.Route {
		return web.Get(path, access.OperatorEnter, h.ofPlatform(do))
	}
	act := func(path string, do echo.HandlerFunc) web.Route {
		return web.Post(path, access.OperatorEnter, h.ofPlatform(h.fresh(do)))
	}
	return []web.Route{
		look("/operator", h.home),
		look("/operator/tenants", h.tenants),
		act("/operator/tenants", h.create),
		look("/operator/tenants/new", h.fresh(h.newTenant)),
		look("/operator/tenants/:tenant", h.tenant),
		act("/operator/tenants/:tenant/change", h.change),
		act("/operator/tenants/:tenant/suspend", h.suspend),
		act("/operator/tenants/:tenant/resume", h.resume),
		act("/operator/tenants/:tenant/links", h.link),
		act("/operator/tenants/:tenant/domains", h.claim),
		act("/operator/tenants/:tenant/domains/:domain/verify", h.verify),
		act("/operator/tenants/:tenant/domains/:domain/remove", h.remove),
		look("/operator/releases", h.releases),
		look("/operator/releases/:feature", h.release),
		act("/operator/releases/:feature", h.changeRelease),
		act("/operator/releases/:feature/stop", h.stopRelease),
		act("/operator/releases/:feature/resume", h.resumeRelease),
		act("/operator/releases/:feature/restore", h.restoreRelease),
		act("/operator/releases/:feature/schedule/:schedule/cancel", h.unscheduleRelease),
		look("/operator/health", h.health),
	}
}

// ofPlatform is the second lock: the permission counts for those of the platform
// alone, whatever role somebody may hold in a tenant.
func (h *Pages) ofPlatform(do echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if web.Session(c).TenantID != access.Platform {
			return h.Site.Forbid(c, access.OperatorEnter)
		}
		return do(c)
	}
}

// fresh asks for a proof that is not older than five minutes: what operators do,
// they do to whole organisations.
func (h *Pages) fresh(do echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
		return do(c)
	}
}

func (h *Pages) home(c echo.Context) error { return web.Redirect(c, "/operator/tenants") }

// by is the operator who acts.
func by(c echo.Context) audit.Party { return audit.Operator(web.Session(c).UserID) }

// places are the parts of the console, with their names in the catalogue.
var places = []struct{ path, name, icon string }{
	{"/operator/tenants", "tenants", "grid"},
	{"/operator/releases", "releases", "layers"},
	{"/admin", "inside", "users"},
	{"/operator/health", "health", "chart"},
}

// frame is the page around everything; here is the place that it belongs to.
func (h *Pages) frame(c echo.Context, here string) component.Page {
	page := h.Site.Page(c)
	for _, p := range places {
		page.Menu = append(page.Menu, component.MenuItem{
			Label: words.Say(web.Context(c), "operator."+p.name+".title"), Icon: p.icon, Href: p.path, Current: p.path == here,
		})
	}
	return page
}

// sentences puts the codes of a failed form into words.
func sentences(c echo.Context, err error) map[string]string {
	wrong := map[string]string{}
	for field, code := range fault.Of(err).Fields {
		wrong[field] = web.Sentence(c, code, "")
	}
	return wrong
}

// choices makes a list to choose from out of values and a family of words.
func choices(c echo.Context, values []string, family, chosen string) []component.Choice {
	var all []component.Choice
	for _, value := range values {
		all = append(all, component.Choice{Value: value, Label: words.Say(web.Context(c), family+value), Chosen: value == chosen})
	}
	return all
}

const unprocessable = http.StatusUnprocessableEntity
