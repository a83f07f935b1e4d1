package me

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/totp"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

func (h *Pages) totpRoutes() []web.Route {
	return []web.Route{
		web.Get("/me/totp", access.AccountView, h.totp),
		web.Post("/me/totp", access.AuthenticatorBind, h.beginTOTP),
		web.Get("/me/totp/new/:totp", access.AuthenticatorBind, h.newTOTP),
		web.Post("/me/totp/new/:totp", access.AuthenticatorBind, h.confirmTOTP),
		web.Post("/me/totp/remove", access.AuthenticatorRemove, h.removeTOTP),
	}
}

// owner is whoever asks, with the session that they ask in.
func owner(c echo.Context) totp.Owner {
	who := web.Session(c)
	return totp.Owner{TenantID: who.TenantID, UserID: who.UserID, SessionID: who.ID}
}

func (h *Pages) totp(c echo.Context) error {
	who := web.Session(c)
	bound, ok, err := h.TOTPs.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.TOTP{Bound: ok, AddedAt: bound.ConfirmedAt}
	if bound.LastUsedAt != nil {
		v.LastUsedAt = *bound.LastUsedAt
	}
	if who.Off&user.WithTOTP != 0 {
		v.WhyNotAdd = web.Sentence(c, "method.off", "")
	}
	if v.RemoveText = words.Say(web.Context(c), "me.totp.remove.text"); who.Ways&^user.WithTOTP == user.WithPassword {
		v.RemoveText = words.Say(web.Context(c), "me.totp.remove.last")
	}
	return web.Render(c, http.StatusOK, views.TOTPPage(h.Site.Page(c), v))
}

// beginTOTP makes a seed. The page that shows it is for the session that began it alone.
func (h *Pages) beginTOTP(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	id, err := h.TOTPs.Begin(c.Request().Context(), owner(c), web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/totp/new/"+id)
}

func (h *Pages) newTOTP(c echo.Context) error { return h.showNewTOTP(c, http.StatusOK, "") }

func (h *Pages) showNewTOTP(c echo.Context, status int, wrong string) error {
	who := web.Session(c)
	fresh, err := h.TOTPs.Show(c.Request().Context(), owner(c), c.Param("totp"), who.TenantName, who.UserName)
	if err != nil {
		return err
	}
	dark, err := web.QR(fresh.Link)
	if err != nil {
		return err
	}
	return web.Render(c, status, views.NewTOTPPage(h.Site.Page(c), views.NewTOTP{
		Action: "/me/totp/new/" + url.PathEscape(c.Param("totp")), QR: dark, PhoneHref: "/phone#codes=" + url.QueryEscape(fresh.Link), Seed: inFours(fresh.Seed.Reveal()), Error: wrong,
		StartedAt: fresh.ExpiresAt.Add(-totp.ProofLife), ExpiresAt: fresh.ExpiresAt, Instead: who.Ways.Has(user.WithTOTP),
	}))
}

// inFours parts a text that is to be typed.
func inFours(text string) string {
	var parts []string
	for len(text) > 4 {
		parts, text = append(parts, text[:4]), text[4:]
	}
	return strings.Join(append(parts, text), " ")
}

// confirmTOTP binds what was begun in the session of the call, after the proof that beginning
// it took.
func (h *Pages) confirmTOTP(c echo.Context) error {
	err := h.TOTPs.Confirm(c.Request().Context(), owner(c), c.Param("totp"), web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showNewTOTP(c, http.StatusUnprocessableEntity, web.Sentence(c, fault.Of(err).Fields["code"], ""))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/totp?done=totp_bound")
}

func (h *Pages) removeTOTP(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.TOTPs.Remove(c.Request().Context(), owner(c), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/totp?done=totp_removed")
}
