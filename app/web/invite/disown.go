package invite

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/bypass"
	"latchkey/app/web"
	views "latchkey/views/invite"
	"latchkey/views/words"
)

// disown asks once more, because programs that read mails follow links; what is done
// about it is done by the form.
func (h *Pages) disown(c echo.Context) error {
	about, err := h.Bypasses.Look(c.Request().Context(), c.Param("link"))
	if err != nil {
		return err
	}
	page, action := h.Site.BrowserPage(c), c.Request().URL.EscapedPath()
	page.TenantName = about.TenantName
	if about.Kind == "" {
		return web.Render(c, http.StatusOK, views.DisownAskPage(page, views.DisownAsk{Action: action, At: about.At, Given: about.Given}))
	}
	return web.Render(c, http.StatusOK, views.DisownPage(page, views.Disown{
		Action: action, Kind: words.Say(web.Context(c), "bypass.kind."+string(about.Kind)), At: about.At, Reason: about.Reason,
	}))
}

// ends is where it is said what came of it.
var ends = map[bypass.Ended]string{bypass.Locked: "/not-me", bypass.Unlocked: "/not-me/open", bypass.Warned: "/not-me/asked"}

func (h *Pages) doDisown(c echo.Context) error {
	ended, err := h.Bypasses.Disown(c.Request().Context(), c.Param("link"), web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, ends[ended])
}

func (h *Pages) disowned(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.DisownedPage(h.Site.BrowserPage(c)))
}

// disownedOpen is disowned for the last who run their tenant: nobody locks them.
func (h *Pages) disownedOpen(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.DisownedOpenPage(h.Site.BrowserPage(c)))
}

func (h *Pages) askDisowned(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.AskDisownedPage(h.Site.BrowserPage(c)))
}
