// Package help serves the pages that tell people how to sign in. They are for everybody,
// so that they are there on the day when nobody gets in.
package help

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/web"
	views "latchkey/views/help"
)

// Pages are the pages of help.
type Pages struct{ Site *web.Site }

// Routes is the map of the help.
func (h *Pages) Routes() []web.Route {
	return []web.Route{
		web.Get("/help", access.Anyone, h.topics),
		web.Get("/help/:topic", access.Anyone, h.topic),
	}
}

func (h *Pages) topics(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.TopicsPage(h.Site.BrowserPage(c), views.Topics))
}

func (h *Pages) topic(c echo.Context) error {
	t, ok := views.Of(c.Param("topic"))
	if !ok {
		return fault.New(fault.NotFound, "http.not_found")
	}
	return web.Render(c, http.StatusOK, views.TopicPage(h.Site.BrowserPage(c), t))
}
