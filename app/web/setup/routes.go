// Package setup serves the one-time set-up: of a new installation, and of a tenant
// that an operator made.
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
	"latchkey/app/tenant"
	"latchkey/app/user"
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
	i, err := h.Setup.Check(c.Request().Context(), secret.TokenOf(c.Param("token")))
	if err != nil {
		return err
	}
	return h.show(c, http.StatusOK, i, views.Form{Region: tenant.Regions[0]}, nil)
}

func (h *Pages) show(c echo.Context, status int, i setup.Invited, typed views.Form, codes map[string]string) error {
	ctx, wrong := web.Context(c), map[string]string{}
	for field, code := range codes {
		wrong[field] = web.Sentence(c, code, "")
	}
	v := views.Setup{
		Action: c.Request().URL.Path, Typed: typed, Errors: wrong, Tenant: i.Name, Operator: i.Operator(), Least: user.PasswordLeastAlone, AsksTenant: i.TenantID == "", AsksDomain: i.AsksDomain(),
	}
	for _, region := range tenant.Regions {
		v.Regions = append(v.Regions, component.Choice{Value: region, Label: words.Say(ctx, "setup.region."+region), Chosen: typed.Region == region})
	}
	for _, d := range i.Domains {
		v.Domains = append(v.Domains, d.Domain)
	}
	return web.Render(c, status, views.SetupPage(h.Site.BrowserPage(c), v))
}

func (h *Pages) redeem(c echo.Context) error {
	typed := views.Form{
		TenantName: web.Form(c, "tenant_name"), TenantSlug: web.Form(c, "tenant_slug"), Domain: web.Form(c, "domain"),
		Region: web.Form(c, "region"), AdminName: web.Form(c, "admin_name"),
	}
	ctx, token := c.Request().Context(), secret.TokenOf(c.Param("token"))
	_, err := h.Setup.Redeem(ctx, token, setup.First{
		TenantName: typed.TenantName, TenantSlug: typed.TenantSlug, Domain: typed.Domain, Region: typed.Region, AdminName: typed.AdminName,
		Password: web.Form(c, "password"), PasswordAgain: web.Form(c, "password_again"),
	}, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		i, again := h.Setup.Check(ctx, token)
		if again != nil {
			return again
		}
		return h.show(c, http.StatusUnprocessableEntity, i, typed, fault.Of(err).Fields)
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
	v := views.Done{
		TenantName: made.TenantName, TenantSlug: made.TenantSlug, AdminName: made.AdminName, Operator: made.Operator, Unproved: !made.Proved,
		SignInURL: "/signin?login_hint=" + url.QueryEscape(made.AdminName), ConsoleURL: "/admin/" + made.TenantSlug,
	}
	if made.Operator {
		v.ConsoleURL = "/operator/tenants"
	}
	return web.Render(c, http.StatusOK, views.SetupDonePage(h.Site.BrowserPage(c), v))
}
