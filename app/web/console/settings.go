package console

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/settings"
	"latchkey/app/tenant"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) settingsRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/settings", access.PolicyEdit, h.settings),
		web.Post("/admin/:tenant/settings", access.PolicyEdit, h.changeSettings),
	}
}

func (h *Pages) settings(c echo.Context) error {
	now, err := h.Settings.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showSettings(c, http.StatusOK, now, "", nil)
}

func (h *Pages) changeSettings(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := settings.Settings{MatchMode: tenant.MatchMode(web.Form(c, "match_mode"))}
	for _, platform := range settings.Platforms {
		if slices.Contains(c.Request().PostForm["platforms"], platform) {
			typed.Platforms = append(typed.Platforms, platform)
		}
	}
	err := h.submit(c, h.act(c, settings.KindChange, "").With(typed), "/settings?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showSettings(c, http.StatusUnprocessableEntity, typed, web.Form(c, "reason"), fields)
	}
	return err
}

func (h *Pages) showSettings(c echo.Context, status int, s settings.Settings, reason string, errors map[string]string) error {
	ctx := web.Context(c)
	v := views.Settings{Action: h.path(c, "/settings"), Reason: reason, Errors: errors}
	for _, m := range settings.Modes {
		v.Modes = append(v.Modes, component.Choice{
			Value: string(m.Mode), Label: words.Say(ctx, "console.settings.mode."+string(m.Mode)),
			Hint: words.Say(ctx, "console.settings.bound", "count", component.Thousands(m.Among)), Chosen: m.Mode == s.MatchMode,
		})
	}
	for _, platform := range settings.Platforms {
		v.Platforms = append(v.Platforms, component.Choice{
			Value: platform, Label: words.Say(ctx, "console.settings.platform."+platform), Chosen: slices.Contains(s.Platforms, platform),
		})
	}
	return web.Render(c, status, views.SettingsPage(h.page(c, "/settings"), v))
}
