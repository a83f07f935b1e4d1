package me

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/campaign"
	"latchkey/app/device"
	"latchkey/app/signin"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// The pages between a sign-in and where it leads, for who is asked to register a phone.

func (h *Pages) registerRoutes() []web.Route {
	return []web.Route{
		web.Get(web.RegisterPath, access.AccountView, h.register),
		web.Post(web.RegisterPath, access.AccountView, h.skipRegistering),
		web.Get(web.RegisterPath+"/help", access.AccountView, h.registerHelp),
		web.Post(web.RegisterPath+"/help", access.AccountView, h.askRegisterHelp),
	}
}

// leadsOn is where somebody goes who is not asked, or not any more: never to a page
// that asks.
func leadsOn(typed string) string {
	to := signin.LocalPath(typed)
	if at, err := url.Parse(to); err != nil || at.Path == web.RegisterPath || at.Path == web.RegisterPath+"/help" {
		return "/"
	}
	return to
}

// isAsked says whether whoever asks for one of these pages is to register still; who
// is not is led on.
func (h *Pages) isAsked(c echo.Context, returnTo string) (bool, error) {
	who := web.Session(c)
	if who.AsksPhone {
		still, err := campaign.Still(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID)
		if err != nil || still {
			return still, err
		}
	}
	return false, web.Redirect(c, returnTo)
}

func (h *Pages) register(c echo.Context) error {
	ctx, who, to := web.Context(c), web.Session(c), leadsOn(c.QueryParam("return_to"))
	if asked, err := h.isAsked(c, to); err != nil || !asked {
		return err
	}
	at, err := campaign.Of(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.Register{ReturnTo: to, TenantName: who.TenantName, Required: at.SkipsLeft == 0, Help: web.RegisterPath + "/help?return_to=" + url.QueryEscape(to)}
	for _, p := range phones {
		if p.State == device.Active && !p.PhoneSignIn {
			v.Added = p.Name
			break
		}
	}
	if !v.Required {
		v.Left = words.Say(ctx, "register.left", "count", strconv.Itoa(at.SkipsLeft))
		v.Skip = words.Say(ctx, "register.skip_next")
		if at.SnoozeDays > 0 {
			v.Skip = words.Say(ctx, "register.skip", "count", strconv.Itoa(at.SnoozeDays))
		}
	}
	return web.Render(c, http.StatusOK, views.RegisterPage(h.Site.Page(c), v))
}

func by(c echo.Context) campaign.By {
	who := web.Session(c)
	return campaign.By{TenantID: who.TenantID, UserID: who.UserID, SessionID: who.ID}
}

func (h *Pages) skipRegistering(c echo.Context) error {
	if err := campaign.Skip(c.Request().Context(), h.Site.DB, by(c), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, leadsOn(web.Form(c, "return_to")))
}

func (h *Pages) registerHelp(c echo.Context) error {
	ctx, who, to := web.Context(c), web.Session(c), leadsOn(c.QueryParam("return_to"))
	if asked, err := h.isAsked(c, to); err != nil || !asked {
		return err
	}
	at, err := campaign.Of(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.RegisterHelp{
		ReturnTo: to, Back: web.RegisterPath + "?return_to=" + url.QueryEscape(to), TenantName: who.TenantName,
		Platforms: words.Say(ctx, "me.add.platforms"),
	}
	if at.HelpAskedAt != nil {
		v.AskedAt = *at.HelpAskedAt
	}
	return web.Render(c, http.StatusOK, views.RegisterHelpPage(h.Site.Page(c), v))
}

func (h *Pages) askRegisterHelp(c echo.Context) error {
	if err := campaign.AskHelp(c.Request().Context(), h.Site.DB, by(c), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, web.RegisterPath+"/help?return_to="+url.QueryEscape(leadsOn(web.Form(c, "return_to"))))
}
