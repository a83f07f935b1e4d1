package me

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/signin"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/me"
	"latchkey/views/words"
)

const preferencesPath = "/me/preferences"

func (h *Pages) preferenceRoutes() []web.Route {
	return []web.Route{
		web.Get(preferencesPath, access.AccountView, h.preferences),
		web.Post(preferencesPath, access.AccountView, h.savePreferences),
		web.Post(preferencesPath+"/features/:feature", access.AccountView, h.choose),
	}
}

func (h *Pages) preferences(c echo.Context) error {
	return h.showPreferences(c, http.StatusOK, nil)
}

func (h *Pages) showPreferences(c echo.Context, status int, wrong map[string]string) error {
	who := web.Session(c)
	way, err := h.SignIn.Habit(c.Request().Context(), who.TenantID, who.UserName)
	if err != nil {
		return err
	}
	may, err := h.SignIn.Preferable(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	ctx, page := web.Context(c), h.Site.Page(c)
	v := views.Preferences{Theme: page.Theme, Errors: wrong}
	for _, w := range may {
		choice := component.Choice{Value: string(w), Label: words.Say(ctx, "me.preferences."+string(w)), Chosen: w == way}
		if hint := "me.preferences." + string(w) + "_hint"; words.Has(ctx, hint) {
			choice.Hint = words.Say(ctx, hint)
		}
		v.Ways = append(v.Ways, choice)
	}
	if v.Features, err = h.choices(c); err != nil {
		return err
	}
	return web.Render(c, status, views.PreferencesPage(page, v))
}

// choices are the features that the one who asks turns on and off by themselves.
func (h *Pages) choices(c echo.Context) (all []views.Feature, err error) {
	ctx, who := web.Context(c), web.Session(c)
	found, err := h.Rollout.Choices(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		shown := views.Feature{
			Name: words.Say(ctx, "feature."+string(f.Feature)), About: words.Say(ctx, "me.choice.about."+string(f.Feature)), On: f.On,
			Action: preferencesPath + "/features/" + url.PathEscape(string(f.Feature)),
		}
		var names, means []string
		lost := f.Way
		for _, gone := range f.Gone {
			names = append(names, words.Say(ctx, "feature."+string(gone)))
			if e, ok := feature.Find(gone); ok {
				lost |= e.Way
			}
		}
		if len(names) > 0 {
			means = append(means, words.Say(ctx, "me.choice.with_it", "features", strings.Join(names, ", ")))
		}
		if f.On && who.MadeWith(lost) {
			means = append(means, words.Say(ctx, "me.choice.ends"))
		}
		shown.Means = strings.Join(means, " ")
		all = append(all, shown)
	}
	return all, nil
}

func (h *Pages) savePreferences(c echo.Context) error {
	who := web.Session(c)
	err := h.SignIn.Prefer(c.Request().Context(), who.TenantID, who.UserID, who.UserName, signin.Way(web.Form(c, "default_way")), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPreferences(c, http.StatusUnprocessableEntity, map[string]string{"default_way": web.Sentence(c, "preference.way_unknown", "")})
	}
	if err != nil {
		return err
	}
	h.Site.SetTheme(c, web.Form(c, "theme"))
	return web.Redirect(c, preferencesPath+"?done=saved")
}

// choose turns a feature on or off for the one who asks. Where that takes a safeguard
// away they prove themselves first, as for taking a way in off their account.
func (h *Pages) choose(c echo.Context) error {
	who, on := web.Session(c), web.Form(c, "on") == "yes"
	e, ok := feature.Find(feature.Feature(c.Param("feature")))
	switch {
	case !ok:
		return fault.New(fault.NotFound, "http.not_found")
	case !on && web.Form(c, "on") != "no":
		return fault.New(fault.Malformed, "http.malformed")
	}
	if e.Guarded(on) {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
	}
	if err := h.Rollout.Choose(c.Request().Context(), who.TenantID, who.UserID, e.Feature, on, web.Origin(c)); err != nil {
		return err
	}
	if on {
		return web.Redirect(c, preferencesPath+"?done=choice_on")
	}
	return web.Redirect(c, preferencesPath+"?done=choice_off")
}
