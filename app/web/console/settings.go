package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/decision"
	"latchkey/app/replay"
	"latchkey/app/session"
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
		web.Post("/admin/:tenant/settings/decisions", access.PolicyEdit, h.changeDecisions),
		web.Post("/admin/:tenant/settings/helpdesk", access.PolicyEdit, h.changeHelpdesk),
	}
}

func (h *Pages) settings(c echo.Context) error {
	now, err := h.Settings.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showSettings(c, http.StatusOK, now, nil)
}

func (h *Pages) changeSettings(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	now, err := h.Settings.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	typed := settings.Settings{MatchMode: tenant.MatchMode(web.Form(c, "match_mode")), Sessions: settings.Sessions{
		IdleMinutes:  count(c, "idle_minutes", now.IdleMinutes),
		SessionHours: count(c, "session_hours", now.SessionHours),
		TrustDays:    count(c, "trust_days", now.TrustDays),
	}}
	for _, platform := range settings.Platforms {
		if slices.Contains(c.Request().PostForm["platforms"], platform) {
			typed.Platforms = append(typed.Platforms, platform)
		}
	}
	err = h.submit(c, h.act(c, settings.KindChange, "").With(typed), "/settings?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showSettings(c, http.StatusUnprocessableEntity, typed, fields)
	}
	return err
}

// changeDecisions changes how long decisions are kept, and whether a replay is wanted.
func (h *Pages) changeDecisions(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := settings.Decisions{Days: count(c, "decision_days", -1), ReplayFirst: web.Form(c, "replay_first") == "yes"}
	err := h.submit(c, h.act(c, settings.KindDecisions, "").With(typed), "/settings?done=saved")
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

// count reads a number of a form; what is none is -1, and a field that is not there
// leaves what is.
func count(c echo.Context, field string, now int) int {
	if !c.Request().PostForm.Has(field) {
		return now
	}
	n, err := strconv.Atoi(strings.TrimSpace(web.Form(c, field)))
	if err != nil {
		return -1
	}
	return n
}

func (h *Pages) showSettings(c echo.Context, status int, s settings.Settings, errors map[string]string) error {
	ctx := web.Context(c)
	v := views.Settings{Action: h.path(c, "/settings"), HoursHref: h.path(c, "/settings/desk-hours")}
	if err := h.showDecisions(c, &v.Decisions, errors); err != nil {
		return err
	}
	if err := h.showHelpdesk(c, &v.Helpdesk, errors); err != nil {
		return err
	}
	if v.Decisions.Errors == nil && v.Helpdesk.Errors == nil { // it is this form that came back
		v.Reason, v.Errors = web.Form(c, "reason"), errors
	}
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
	v.Times = []component.Field{
		{
			Name: "idle_minutes", Label: words.Say(ctx, "console.settings.idle_minutes"), Typed: typedCount(c, "idle_minutes", s.IdleMinutes),
			Hint: words.Say(ctx, "console.settings.idle_hint", "least", strconv.Itoa(session.IdleMinutesLeast), "most", strconv.Itoa(session.IdleMinutesMost)),
		},
		{
			Name: "session_hours", Label: words.Say(ctx, "console.settings.session_hours"), Typed: typedCount(c, "session_hours", s.SessionHours),
			Hint: words.Say(ctx, "console.settings.hours_hint", "least", strconv.Itoa(session.SessionHoursLeast), "most", strconv.Itoa(session.SessionHoursMost)),
		},
		{
			Name: "trust_days", Label: words.Say(ctx, "console.settings.trust_days"), Typed: typedCount(c, "trust_days", s.TrustDays),
			Hint: words.Say(ctx, "console.settings.days_hint", "most", strconv.Itoa(session.TrustDaysMost)),
		},
	}
	for i := range v.Times {
		v.Times[i].InputMode, v.Times[i].Required, v.Times[i].MaxLength, v.Times[i].Error = "numeric", true, "2", errors[v.Times[i].Name]
	}
	return web.Render(c, status, views.SettingsPage(h.page(c, "/settings"), v))
}

// showDecisions fills the form of what is kept of sign-ins in.
func (h *Pages) showDecisions(c echo.Context, v *views.DecisionSettings, errors map[string]string) error {
	ctx := web.Context(c)
	now, err := h.Settings.Decisions(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v.Action = h.path(c, "/settings/decisions")
	if again := c.Request().Method == http.MethodPost && c.Request().URL.Path == v.Action; again {
		now.ReplayFirst, v.Reason, v.Errors = web.Form(c, "replay_first") == "yes", web.Form(c, "reason"), errors
		v.Problems = component.Problems(map[string]string{"decision_days": errors["decision_days"], "decisions-reason": errors["reason"], "decisions-ticket": errors["ticket"]}, "decision_days", "decisions-reason", "decisions-ticket")
	}
	v.Days = component.Field{
		Name: "decision_days", Label: words.Say(ctx, "console.settings.decision_days"), Typed: typedCount(c, "decision_days", now.Days), Error: v.Errors["decision_days"],
		Hint:      words.Say(ctx, "console.settings.decision_days_hint", "least", strconv.Itoa(decision.DaysLeast), "most", strconv.Itoa(decision.DaysMost)),
		InputMode: "numeric", MaxLength: "2", Required: true,
	}
	v.ReplayFirst = component.Choices{Name: "replay_first", Legend: words.Say(ctx, "console.settings.replay_first"), Choices: []component.Choice{{
		Value: "yes", Label: words.Say(ctx, "console.settings.replay_first_yes"), Chosen: now.ReplayFirst,
		Hint: words.Say(ctx, "console.settings.replay_first_hint", "days", strconv.Itoa(replay.FreshDays), "count", component.Thousands(replay.FreshMost)),
	}}}
	v.ReplayHref = h.path(c, replayPath)
	return nil
}

// typedCount is a number as it was typed, else as it is.
func typedCount(c echo.Context, field string, now int) string {
	if form := c.Request().PostForm; form.Has(field) {
		return form.Get(field)
	}
	return strconv.Itoa(now)
}
