package signin

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/web"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

// BreakGlassPath is where the sheet of a break-glass account is used. It stands on the
// sheet, and no other page leads there.
const BreakGlassPath = "/break-glass"

func (h *Pages) breakGlass(c echo.Context) error {
	return h.showBreakGlass(c, http.StatusOK, views.BreakGlass{})
}

func (h *Pages) showBreakGlass(c echo.Context, status int, v views.BreakGlass) error {
	return web.Render(c, status, views.BreakGlassPage(h.Site.BrowserPage(c), v))
}

// byBreakGlass signs in whoever holds the sheet. Nothing that was typed is shown again but
// the name.
func (h *Pages) byBreakGlass(c echo.Context) error {
	if err := h.Site.Begins.Take(web.Origin(c).IP, h.Site.DB.Now()); err != nil {
		return err
	}
	name := web.Form(c, "identifier")
	in, err := h.BreakGlass.SignIn(c.Request().Context(), name, web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Refused) {
		return h.showBreakGlass(c, http.StatusUnauthorized, views.BreakGlass{Identifier: clip(name, 254), Error: words.Say(web.Context(c), "signin.break_glass.wrong")})
	}
	if err != nil {
		return err
	}
	h.Site.SignIn(c, in.Cookie, 0)
	return web.Redirect(c, "/admin")
}
