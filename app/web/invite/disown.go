package invite

import (
	"net/http"

	"github.com/labstack/echo/v4"

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
	page := h.Site.BrowserPage(c)
	page.TenantName = about.TenantName
	return web.Render(c, http.StatusOK, views.DisownPage(page, views.Disown{
		Action: c.Request().URL.EscapedPath(), TenantName: about.TenantName, Kind: words.Say(web.Context(c), "bypass.kind."+string(about.Kind)), At: about.At, Reason: about.Reason,
	}))
}

func (h *Pages) doDisown(c echo.Context) error {
	if err := h.Bypasses.Disown(c.Request().Context(), c.Param("link"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/not-me")
}

func (h *Pages) disowned(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.DisownedPage(h.Site.BrowserPage(c)))
}
