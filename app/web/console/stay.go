package console

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/web"
)

// stayRoutes are what the warning asks before the console closes. The second one
// ends like what pages ask by themselves, and keeps nothing open.
func (h *Pages) stayRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/stay", access.ConsoleEnter, h.stay),
		web.Get("/admin/:tenant/stay/state", access.ConsoleEnter, h.stay),
	}
}

// stay says how long the console stays open: whole seconds, and whether it then
// closes for good. Asking for it is a use of the console.
func (h *Pages) stay(c echo.Context) error {
	ends, last := web.Session(c).ConsoleEndsAt()
	return c.JSON(http.StatusOK, struct {
		EndsIn  int  `json:"ends_in"`
		ForGood bool `json:"for_good"`
	}{max(0, int(ends.Sub(h.Site.DB.Now())/time.Second)), last})
}
