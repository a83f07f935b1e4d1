package web

import (
	"time"

	"github.com/labstack/echo/v4"
)

// onceCookie carries a secret from a form to the page that it leads to.
const onceCookie = "latchkey_once"

// onceLife is how long that page may be in coming.
const onceLife = time.Minute

// ShowOnce keeps a secret for the page that a redirect leads to. It stays in
// this browser, where it is about to be shown, and in no address.
func (s *Site) ShowOnce(c echo.Context, text string) { s.SetCookie(c, onceCookie, text, onceLife) }

// Shown gives what ShowOnce kept, and forgets it; empty when there is nothing. A
// browser may send anything here, so it is to be checked before it is shown.
func (s *Site) Shown(c echo.Context) string {
	cookie, err := c.Cookie(s.cookieName(onceCookie))
	if err != nil || cookie.Value == "" {
		return ""
	}
	s.SetCookie(c, onceCookie, "", -time.Second)
	return cookie.Value
}
