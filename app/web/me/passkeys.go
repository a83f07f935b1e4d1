package me

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/passkey"
	"latchkey/app/session"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/me"
	"latchkey/views/words"
)

func (h *Pages) passkeyRoutes() []web.Route {
	return []web.Route{
		web.Get("/me/passkeys", access.AccountView, h.passkeys),
		web.Post("/me/passkeys", access.AuthenticatorBind, h.bindPasskey),
		web.Get("/me/passkeys/new", access.AuthenticatorBind, h.newPasskey),
		web.Post("/me/passkeys/:passkey/rename", access.AuthenticatorBind, h.renamePasskey),
		web.Post("/me/passkeys/:passkey/remove", access.AuthenticatorRemove, h.removePasskey),
	}
}

// passkeyOwner is whoever asks, with the session that they ask in.
func passkeyOwner(c echo.Context) passkey.Owner {
	who := web.Session(c)
	return passkey.Owner{TenantID: who.TenantID, UserID: who.UserID, UserName: who.UserName, DisplayName: who.DisplayName, SessionID: who.ID}
}

func (h *Pages) passkeys(c echo.Context) error {
	return h.showPasskeys(c, http.StatusOK, views.Passkeys{})
}

func (h *Pages) showPasskeys(c echo.Context, status int, v views.Passkeys) error {
	ctx, who := web.Context(c), web.Session(c)
	bound, err := h.Passkeys.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	switch {
	case !h.Passkeys.Usable():
		v.WhyNotAdd = web.Sentence(c, "passkey.off", "")
	case who.Off&user.WithPasskey != 0:
		v.WhyNotAdd = web.Sentence(c, "method.off", "")
	case len(bound) >= passkey.Most:
		v.WhyNotAdd = web.Sentence(c, "passkey.too_many", "")
	default:
		v.CanAdd = true
	}
	text := words.Say(ctx, "me.passkeys.remove.text")
	if len(bound) == 1 && who.Ways&^user.WithPasskey == user.WithPassword {
		text = words.Say(ctx, "me.passkeys.remove.last")
	}
	for _, b := range bound {
		r := views.PasskeyRow{ID: b.ID, Name: b.Name, Synced: b.Synced, AddedAt: b.CreatedAt, RemoveText: text}
		if b.LastUsedAt != nil {
			r.LastUsedAt = *b.LastUsedAt
		}
		v.Rows = append(v.Rows, r)
	}
	return web.Render(c, status, views.PasskeysPage(h.Site.Page(c), v))
}

// newPasskey shows the page on which the browser makes one. What it is to make is
// good in the session that asked alone, so the proof that the page takes is that of the form.
func (h *Pages) newPasskey(c echo.Context) error {
	if err := h.Site.NeedToBind(c); err != nil {
		return err
	}
	return h.showNewPasskey(c, http.StatusOK, views.NewPasskey{Name: web.SayBrowser(web.Context(c), web.Session(c).Browser)})
}

func (h *Pages) showNewPasskey(c echo.Context, status int, v views.NewPasskey) error {
	options, err := h.Passkeys.Begin(c.Request().Context(), passkeyOwner(c))
	if err != nil {
		return err
	}
	v.Options = options
	return web.Render(c, status, views.NewPasskeyPage(h.Site.Page(c), v))
}

func (h *Pages) bindPasskey(c echo.Context) error {
	name := web.Form(c, "name")
	if web.Session(c).Restricted() {
		if err := h.Site.NeedToBind(c); err != nil {
			return err // it may have been revoked, or its ten minutes be over, since the page
		}
	}
	_, err := h.Passkeys.Bind(c.Request().Context(), passkeyOwner(c), name, web.Form(c, "credential"), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		if fresh := h.Site.NeedToBind(c); fresh != nil {
			return fresh // what the page asks anew, it asks of who may still begin
		}
		v, fields := views.NewPasskey{Name: name}, fault.Of(err).Fields
		if code := fields["name"]; code != "" {
			v.NameError = web.Sentence(c, code, "")
		}
		if code := fields["credential"]; code != "" {
			v.Error = web.Sentence(c, code, "")
		}
		return h.showNewPasskey(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/passkeys?done=passkey_bound")
}

func (h *Pages) renamePasskey(c echo.Context) error {
	if err := h.Site.NeedFreshBy(c, session.Weak); err != nil {
		return err
	}
	name := web.Form(c, "name")
	err := h.Passkeys.Rename(c.Request().Context(), passkeyOwner(c), c.Param("passkey"), name, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPasskeys(c, http.StatusUnprocessableEntity, views.Passkeys{
			RenameError: web.Sentence(c, fault.Of(err).Fields["name"], ""), RenameID: c.Param("passkey"), RenameTyped: name,
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/passkeys?done=passkey_renamed")
}

func (h *Pages) removePasskey(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Passkeys.Remove(c.Request().Context(), passkeyOwner(c), c.Param("passkey"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/passkeys?done=passkey_removed")
}
