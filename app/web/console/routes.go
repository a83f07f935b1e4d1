// Package console serves the administrators: for now the frame, in which each
// place of the console has its address and its permission.
package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// Pages are the pages of the console.
type Pages struct {
	Site     *web.Site
	Operator *operator.Service
}

// place is a part of the console: its address, its name in the catalogue, who
// may open it.
type place struct {
	path, name, icon string
	needs            access.Permission
}

var places = []place{
	{"", "overview", "home", access.ConsoleEnter},
	{"/users", "users", "users", access.AuthenticatorView},
	{"/bypasses", "bypasses", "shield", access.BypassIssue},
	{"/rollout", "rollout", "chart", access.RolloutEdit},
	{"/policy", "policy", "sliders", access.PolicyEdit},
	{"/audit", "audit", "list", access.AuditRead},
	{"/roles", "roles", "key", access.RoleAssign},
	{grantsPath, "grants", "monitor", access.OperatorGrant},
}

// Routes is the map of the console.
func (h *Pages) Routes() []web.Route {
	routes := []web.Route{web.Get("/admin", access.ConsoleEnter, h.chooser)}
	for _, p := range places {
		do := h.open(p)
		if p.path == grantsPath {
			do = h.grants
		}
		routes = append(routes, web.Get("/admin/:tenant"+p.path, p.needs, do))
	}
	return append(routes, h.grantRoutes()...)
}

func (h *Pages) chooser(c echo.Context) error {
	who := web.Session(c)
	page := h.Site.Page(c)
	return web.Render(c, http.StatusOK, views.ChooserPage(page, views.Chooser{Tenants: []views.Tenant{
		{Name: who.TenantName, Slug: who.TenantSlug, Role: page.Role, Href: "/admin/" + who.TenantSlug},
	}}))
}

// frame is the page around a place of the own tenant. Another tenant's is not there.
func (h *Pages) frame(c echo.Context, here string) (component.Page, error) {
	ctx, who := web.Context(c), web.Session(c)
	if c.Param("tenant") != who.TenantSlug {
		return component.Page{}, fault.New(fault.NotFound, "http.not_found")
	}
	page := h.Site.Page(c)
	for _, other := range places {
		if h.Site.Rules.Allow(who.TenantID, who.UserID, other.needs) == nil {
			page.Menu = append(page.Menu, component.MenuItem{
				Label: words.Say(ctx, "console."+other.name+".title"), Icon: other.icon, Href: "/admin/" + who.TenantSlug + other.path, Current: other.path == here,
			})
		}
	}
	return page, nil
}

// open shows a place that has nothing of its own yet.
func (h *Pages) open(p place) echo.HandlerFunc {
	return func(c echo.Context) error {
		page, err := h.frame(c, p.path)
		if err != nil {
			return err
		}
		ctx := web.Context(c)
		return web.Render(c, http.StatusOK, views.FramePage(page, views.Section{
			Heading: words.Say(ctx, "console."+p.name+".title"), Lead: words.Say(ctx, "console."+p.name+".text"), Empty: words.Say(ctx, "console.empty.text"),
		}))
	}
}
