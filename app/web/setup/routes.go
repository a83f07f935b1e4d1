// Package setup serves the one-time set-up of a new installation.
package setup

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/setup"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/setup"
	"latchkey/views/words"
)

// Pages are the set-up pages.
type Pages struct {
	Site  *web.Site
	Setup *setup.Service
}

// Routes is the map of the set-up.
func (h *Pages) Routes() []web.Route {
	return []web.Route{
		web.Get("/setup/:token", access.Anyone, h.form),
		web.Post("/setup/:token", access.Anyone, h.redeem),
		web.Get("/setup/:token/done", access.Anyone, h.done),
	}
}

func (h *Pages) form(c echo.Context) error {
	if err := h.Setup.Check(c.Request().Context(), secret.TokenOf(c.Param("token"))); err != nil {
		return err
	}
	return h.show(c, http.StatusOK, views.Form{Region: "eu"}, nil)
}

func (h *Pages) show(c echo.Context, status int, typed views.Form, codes map[string]string) error {
	ctx, wrong := web.Context(c), map[string]string{}
	for field, code := range codes {
		wrong[field] = web.Sentence(c, code, "")
	}
	return web.Render(c, status, views.SetupPage(h.Site.BrowserPage(c), views.Setup{
		Action: c.Request().URL.Path, Typed: typed, Errors: wrong, Regions: []component.Choice{
			{Value: "eu", Label: words.Say(ctx, "setup.region.eu"), Chosen: typed.Region == "eu"},
			{Value: "us", Label: words.Say(ctx, "setup.region.us"), Chosen: typed.Region == "us"},
			{Value: "apac", Label: words.Say(ctx, "setup.region.apac"), Chosen: typed.Region == "apac"},
		},
	}))
}

func (h *Pages) redeem(c echo.Context) error {
	typed := views.Form{
		TenantName: web.Form(c, "tenant_name"), TenantSlug: web.Form(c, "tenant_slug"), Domain: web.Form(c, "domain"),
		Region: web.Form(c, "region"), AdminName: web.Form(c, "admin_name"),
	}
	_, err := h.Setup.Redeem(c.Request().Context(), secret.TokenOf(c.Param("token")), setup.First{
		TenantName: typed.TenantName, TenantSlug: typed.TenantSlug, Domain: typed.Domain, Region: typed.Region, AdminName: typed.AdminName,
		Password: web.Form(c, "password"), PasswordAgain: web.Form(c, "password_again"),
	}, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.show(c, http.StatusUnprocessableEntity, typed, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/setup/"+url.PathEscape(c.Param("token"))+"/done")
}

// done says what was made. The link is dead, and this page can be loaded again.
func (h *Pages) done(c echo.Context) error {
	made, err := h.Setup.MadeBy(c.Request().Context(), secret.TokenOf(c.Param("token")))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.SetupDonePage(h.Site.BrowserPage(c), views.Done{
		TenantName: made.TenantName, TenantSlug: made.TenantSlug, AdminName: made.AdminName,
		SignInURL: "/signin?login_hint=" + url.QueryEscape(made.AdminName), ConsoleURL: "/admin/" + made.TenantSlug,
	}))
}
