// Package console serves the administrators: for now the frame, in which each
// place of the console has its address and its permission.
package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
)

// Pages are the pages of the console.
type Pages struct{ Site *web.Site }

// place is a part of the console: its address, who may open it, its words.
type place struct {
	path, label, icon, lead string
	needs                   access.Permission
}

var places = []place{
	{"", "Overview", "home", "What needs attention in this organisation.", access.ConsoleEnter},
	{"/users", "People", "users", "Everybody who signs in here, and the ways they have.", access.AuthenticatorView},
	{"/bypasses", "Bypasses", "shield", "Permissions to get past the phone, once.", access.BypassIssue},
	{"/rollout", "Rollout", "chart", "Which features reach whom.", access.RolloutEdit},
	{"/policy", "Policy", "sliders", "The ways in, and their limits.", access.PolicyEdit},
	{"/audit", "Audit", "list", "What happened, who did it, and the proof.", access.AuditRead},
	{"/roles", "Roles", "key", "Who may do what.", access.RoleAssign},
}

// Routes is the map of the console.
func (h *Pages) Routes() []web.Route {
	routes := []web.Route{web.Get("/admin", access.ConsoleEnter, h.chooser)}
	for _, p := range places {
		routes = append(routes, web.Get("/admin/:tenant"+p.path, p.needs, h.open(p)))
	}
	return routes
}

func (h *Pages) chooser(c echo.Context) error {
	who := web.Session(c)
	page := h.Site.Page(c, "")
	return web.Render(c, http.StatusOK, views.ChooserPage(page, views.Chooser{Tenants: []views.Tenant{
		{Name: who.TenantName, Slug: who.TenantSlug, Role: page.Role, Href: "/admin/" + who.TenantSlug},
	}}))
}

// open shows a place of the own tenant. Another tenant's is not there.
func (h *Pages) open(p place) echo.HandlerFunc {
	return func(c echo.Context) error {
		who := web.Session(c)
		if c.Param("tenant") != who.TenantSlug {
			return fault.New(fault.NotFound, "http.not_found")
		}
		page := h.Site.Page(c, p.label)
		for _, other := range places {
			if h.Site.Rules.Allow(who.TenantID, who.UserID, other.needs) == nil {
				page.Menu = append(page.Menu, component.MenuItem{
					Label: other.label, Icon: other.icon, Href: "/admin/" + who.TenantSlug + other.path, Current: other.path == p.path,
				})
			}
		}
		return web.Render(c, http.StatusOK, views.FramePage(page, views.Section{Heading: p.label, Lead: p.lead, Empty: "There is nothing to do here yet."}))
	}
}
