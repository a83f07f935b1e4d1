// Package invite serves those who come by a one-time link: to set their password, or to
// say that a bypass, or a request to the helpdesk, was not asked for by them.
package invite

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/bypass"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/secret"
	"latchkey/app/web"
	views "latchkey/views/invite"
)

// Pages are the pages behind such a link.
type Pages struct {
	Site   *web.Site
	People *people.Service

	Bypasses *bypass.Service
}

// Routes is the map of these links.
func (h *Pages) Routes() []web.Route {
	return []web.Route{
		web.Get("/invite/:token", access.Anyone, h.form),
		web.Post("/invite/:token", access.Anyone, h.accept),
		web.Get("/not-me", access.Anyone, h.disowned),
		web.Get("/not-me/open", access.Anyone, h.disownedOpen),
		web.Get("/not-me/asked", access.Anyone, h.askDisowned),
		web.Get("/not-me/:link", access.Anyone, h.disown),
		web.Post("/not-me/:link", access.Anyone, h.doDisown),
	}
}

func (h *Pages) form(c echo.Context) error { return h.show(c, http.StatusOK, nil) }

func (h *Pages) show(c echo.Context, status int, codes map[string]string) error {
	who, err := h.People.Welcome(c.Request().Context(), secret.TokenOf(c.Param("token")))
	if err != nil {
		return err
	}
	wrong := map[string]string{}
	for field, code := range codes {
		wrong[field] = web.Sentence(c, code, "")
	}
	page := h.Site.Page(c)
	page.TenantName = who.TenantName
	return web.Render(c, status, views.FirstPasswordPage(page, views.FirstPassword{
		Action: c.Request().URL.Path, TenantName: who.TenantName, Name: who.Name, DisplayName: who.DisplayName, Renews: who.Renews, Least: who.Least, Errors: wrong,
	}))
}

// accept sets the password. Signing in with it is the next step, so that
// nobody is signed in by a link.
func (h *Pages) accept(c echo.Context) error {
	name, err := h.People.Accept(c.Request().Context(), secret.TokenOf(c.Param("token")), web.Form(c, "password"), web.Form(c, "password_again"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.show(c, http.StatusUnprocessableEntity, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/signin?login_hint="+url.QueryEscape(name))
}
