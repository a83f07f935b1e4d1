package openid

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/web"
	views "latchkey/views/openid"
)

// ending is what an application asks for at the end of a session (OpenID Connect
// RP-Initiated Logout 1.0).
type ending struct {
	application.Application
	to string // where the browser goes then; on this server where nothing else was asked
}

// fields are those of such a request.
var fields = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint"}

// ending reads a request, and checks it whole: an address that is not registered is
// not one to go to.
func (h *Pages) ending(c echo.Context, one *call, values url.Values) (e ending, err error) {
	wrong := fault.New(fault.Malformed, "application.request_wrong")
	r := c.Request().Clone(c.Request().Context())
	r.Method, r.Body, r.Form, r.PostForm = http.MethodGet, nil, nil, nil
	r.URL.RawQuery = values.Encode()
	request, err := op.ParseEndSessionRequest(r, h.provider.Decoder())
	if err != nil {
		return e, wrong
	}
	checked, err := op.ValidateEndSessionRequest(r.Context(), request, h.provider)
	if ours := one.unavailable(); ours != nil {
		return e, ours
	}
	if err != nil {
		return e, wrong
	}
	e.to = checked.RedirectURI
	if checked.ClientID != "" {
		e.Application, err = h.Applications.Of(r.Context(), one.tenantID, checked.ClientID)
	}
	return e, err
}

// askEnd asks the user: an application that could end a session by itself could do so
// whenever it likes.
func (h *Pages) askEnd(c echo.Context) error {
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	e, err := h.ending(c, one, c.QueryParams())
	if err != nil {
		return err
	}
	who, signedIn, err := h.Site.Left(c)
	if err != nil {
		return err
	}
	if !signedIn || who.TenantID != one.tenantID {
		return found(c, e.to)
	}
	v := views.End{Action: "/t/" + url.PathEscape(one.slug) + "/end-session/confirm", Application: e.Name, UserName: who.UserName}
	for _, name := range fields {
		if value := c.QueryParam(name); value != "" {
			v.Fields = append(v.Fields, views.Hidden{Name: name, Value: value})
		}
	}
	return web.Render(c, http.StatusOK, views.EndPage(h.Site.Page(c), v))
}

// end ends the session of this browser, and leads back to the application.
func (h *Pages) end(c echo.Context) error {
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	values := url.Values{}
	for _, name := range fields {
		if value := web.Form(c, name); value != "" {
			values.Set(name, value)
		}
	}
	e, err := h.ending(c, one, values)
	if err != nil {
		return err
	}
	who, signedIn, err := h.Site.Left(c)
	if err != nil {
		return err
	}
	if signedIn && who.TenantID == one.tenantID {
		if err := session.End(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, who.ID, audit.User(who.UserID), web.Origin(c)); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		h.Site.SignOut(c)
	}
	if u, err := url.Parse(e.to); err != nil || u.Host == "" {
		return web.Redirect(c, "/signed-out")
	}
	return h.goOn(c, one.slug, e.Name, e.to)
}
