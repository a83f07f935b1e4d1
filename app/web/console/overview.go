package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) chooser(c echo.Context) error {
	who, page := web.Session(c), h.Site.Page(c)
	return web.Render(c, http.StatusOK, views.ChooserPage(page, views.Chooser{Tenants: []views.Tenant{
		{Name: who.TenantName, Role: page.Role, Href: "/admin/" + who.TenantSlug},
	}}))
}

// overview says what needs attention.
func (h *Pages) overview(c echo.Context) error {
	at, who := web.Here(c), web.Session(c)
	var v views.Overview
	waiting, err := h.Approvals.Inbox(c.Request().Context(), at.ID, who.UserID)
	if err != nil {
		return err
	}
	_ = waiting
	_ = words.Say
	return web.Render(c, http.StatusOK, views.OverviewPage(h.page(c, ""), v))
}
