package me

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/session"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// sessionRoutes are where somebody is signed in, and which browsers they trust.
func (h *Pages) sessionRoutes() []web.Route {
	return []web.Route{
		web.Get("/me/sessions", access.AccountView, h.sessions),
		web.Post("/me/sessions/:session/end", access.SessionEndOwn, h.endSession),
		web.Post("/me/sessions/:session/undo", access.SessionEndOwn, h.undoSession),
		web.Post("/me/sessions/end-others", access.SessionEndOwn, h.endOthers),
		web.Post("/me/browsers/:browser/forget", access.SessionEndOwn, h.forgetBrowser),
		web.Get("/me/secure", access.AccountView, h.secure),
	}
}

func (h *Pages) sessions(c echo.Context) error {
	ctx, who := web.Context(c), web.Session(c)
	list, err := session.Of(ctx, h.Site.DB, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	trusted, err := session.TrustedBrowsers(ctx, h.Site.DB, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	where, err := h.Site.Whereabouts(c)
	if err != nil {
		return err
	}
	entered, err := h.Applications.InSessions(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	var v views.Sessions
	for _, s := range list {
		row := views.SessionRow{
			ID: s.ID, This: s.ID == who.ID, Browser: web.SayBrowser(ctx, s.Browser), IP: where(s.IP), SinceAt: s.CreatedAt, SeenAt: s.LastSeenAt,
			How: web.How(ctx, s.AMR), Weaker: s.AMR == session.ByPassword, CanEnd: true,
			Applications: strings.Join(entered[s.ID], ", "),
		}
		row.EndsAt, row.EndsAnyway = s.EndsAt()
		if s.Limited {
			row.Restrict = words.Say(ctx, "me.sessions.limited")
		}
		if s.Idle {
			row.Restrict = words.Say(ctx, "me.sessions.idle")
		}
		v.Rows = append(v.Rows, row)
	}
	for _, b := range trusted {
		v.Browsers = append(v.Browsers, views.BrowserRow{
			ID: b.ID, This: b.ID == who.TrustedID, Browser: web.SayBrowser(ctx, b.Browser), SinceAt: b.CreatedAt, UsedAt: b.LastUsedAt, EndsAt: b.EndsAt, Off: b.Off,
		})
	}
	return web.Render(c, http.StatusOK, views.SessionsPage(h.Site.Page(c), v))
}

func (h *Pages) endSession(c echo.Context) error {
	who := web.Session(c)
	if err := session.End(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, c.Param("session"), audit.User(who.UserID), web.Origin(c)); err != nil {
		return err
	}
	if c.Param("session") == who.ID {
		h.Site.SignOut(c)
		return web.Redirect(c, "/signed-out")
	}
	return web.Redirect(c, "/me/sessions?done=ended")
}

func (h *Pages) endOthers(c echo.Context) error {
	who := web.Session(c)
	if err := session.EndOthers(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, who.ID, audit.User(who.UserID), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/sessions?done=others_ended")
}

// undoSession takes back a sign-in that its user knows nothing about, and leads on
// to what they should look at now.
func (h *Pages) undoSession(c echo.Context) error {
	who := web.Session(c)
	if err := session.Undo(c.Request().Context(), h.Site.DB, who, c.Param("session"), web.Origin(c)); err != nil {
		return err
	}
	if c.Param("session") == who.ID {
		h.Site.SignOut(c)
		return web.Redirect(c, "/signed-out")
	}
	return web.Redirect(c, "/me/secure?done=undone")
}

func (h *Pages) forgetBrowser(c echo.Context) error {
	who := web.Session(c)
	if err := session.ForgetBrowser(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, c.Param("browser"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/sessions?done=forgotten")
}

// secure is what to do when somebody else was signed in.
func (h *Pages) secure(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.SecurePage(h.Site.Page(c)))
}
