package console

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/settings"
	"latchkey/app/tenant"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// changeHelpdesk changes where the helpdesk answers, as everybody is told it.
func (h *Pages) changeHelpdesk(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := tenant.Helpdesk{Number: web.Form(c, "helpdesk_number"), Hours: web.Form(c, "helpdesk_hours")}
	err := h.submit(c, h.act(c, settings.KindHelpdesk, "").With(typed), "/settings?done=saved")
	fields, ok := wrong(c, err)
	if !ok {
		return err
	}
	now, err := h.Settings.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showSettings(c, http.StatusUnprocessableEntity, now, fields)
}

// showHelpdesk fills the form in.
func (h *Pages) showHelpdesk(c echo.Context, v *views.HelpdeskSettings, errors map[string]string) error {
	ctx := web.Context(c)
	now, err := h.Settings.Helpdesk(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v.Action = h.path(c, "/settings/helpdesk")
	if c.Request().Method == http.MethodPost && c.Request().URL.Path == v.Action {
		now.Number, now.Hours, v.Reason, v.Errors = web.Form(c, "helpdesk_number"), web.Form(c, "helpdesk_hours"), web.Form(c, "reason"), errors
		v.Problems = component.Problems(map[string]string{
			"helpdesk_number": errors["helpdesk_number"], "helpdesk_hours": errors["helpdesk_hours"], "helpdesk-reason": errors["reason"], "helpdesk-ticket": errors["ticket"],
		}, "helpdesk_number", "helpdesk_hours", "helpdesk-reason", "helpdesk-ticket")
	}
	v.Number = component.Field{
		Name: "helpdesk_number", Label: words.Say(ctx, "console.settings.helpdesk_number"), Hint: words.Say(ctx, "console.settings.helpdesk_number_hint"),
		Typed: now.Number, Error: v.Errors["helpdesk_number"], InputMode: "tel", Autocomplete: "off", MaxLength: "40",
	}
	v.Hours = component.Field{
		Name: "helpdesk_hours", Label: words.Say(ctx, "console.settings.helpdesk_hours"), Hint: words.Say(ctx, "console.settings.helpdesk_hours_hint"),
		Typed: now.Hours, Error: v.Errors["helpdesk_hours"], Autocomplete: "off", MaxLength: "80",
	}
	return nil
}
