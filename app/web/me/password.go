package me

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/password"
	"latchkey/app/web"
	views "latchkey/views/me"
)

func (h *Pages) passwordRoutes() []web.Route {
	return []web.Route{
		web.Get("/me/password", access.AccountView, h.password),
		web.Post("/me/password", access.AuthenticatorBind, h.changePassword),
	}
}

func (h *Pages) password(c echo.Context) error { return h.showPassword(c, http.StatusOK, nil) }

func (h *Pages) showPassword(c echo.Context, status int, codes map[string]string) error {
	who := web.Session(c)
	kept, err := h.Passwords.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.Password{UserName: who.UserName, Set: kept.Set, SetAt: kept.SetAt, Least: kept.Least, Errors: map[string]string{}}
	for field, code := range codes {
		v.Errors[field] = web.Sentence(c, code, "")
	}
	return web.Render(c, status, views.PasswordPage(h.Site.Page(c), v))
}

// changePassword asks for no old password: the step-up before it has asked for
// the strongest that its user has.
func (h *Pages) changePassword(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who := web.Session(c)
	err := h.Passwords.Change(c.Request().Context(), password.Owner{TenantID: who.TenantID, UserID: who.UserID, SessionID: who.ID},
		web.Form(c, "password"), web.Form(c, "password_again"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPassword(c, http.StatusUnprocessableEntity, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/password?done=password_changed")
}
