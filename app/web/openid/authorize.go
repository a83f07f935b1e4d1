package openid

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"latchkey/app/application"
	"latchkey/app/fault"
	"latchkey/app/web"
	views "latchkey/views/openid"
)

// authorize takes the request of an application. Nothing goes to its redirect URI before
// that one, and the application, are known; and then it is decided at once, where nobody
// has to be asked anything.
func (h *Pages) authorize(c echo.Context) error {
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	if _, signedIn, err := h.Site.Peek(c); err != nil {
		return err
	} else if !signedIn {
		if err := h.Site.Begins.Take(one.from.IP, h.Site.DB.Now()); err != nil {
			return err
		}
	}
	a := h.ask(c, func(w http.ResponseWriter, r *http.Request) { op.Authorize(w, r, h.provider) })
	if err := one.unavailable(); err != nil {
		return err
	}
	to := a.header.Get(echo.HeaderLocation)
	if a.status != http.StatusFound || to == "" {
		if one.failed != nil {
			return one.failed
		}
		return fault.New(fault.Malformed, "application.request_wrong")
	}
	_, id, ours := application.RequestOf(to)
	if !ours {
		return found(c, h.from(one, to)) // the application is told what is wrong
	}
	return h.decide(c, one, id, true)
}

// resume goes on with a request when its user is signed in, or has proved it again.
func (h *Pages) resume(c echo.Context) error {
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	return h.decide(c, one, c.QueryParam("id"), false)
}

// found sends a browser on, by an address of somebody else that was checked.
func found(c echo.Context, to string) error { return c.Redirect(http.StatusFound, to) }

// decide sends the user of a request where they have to go: to sign in, to prove it again,
// or back to the application. straight says that no form of ours led here.
func (h *Pages) decide(c echo.Context, one *call, id string, straight bool) error {
	ctx := c.Request().Context()
	z, a, err := h.Applications.Request(ctx, one.tenantID, id, one.browserDigest)
	if err != nil {
		return err
	}
	back := url.QueryEscape(application.PathOf(one.slug, z.ID))
	who, signedIn, err := h.Site.Peek(c)
	switch {
	case err != nil:
		return err
	case !signedIn && z.Silent:
		return h.tell(c, one, z, a, "application.login_required", oidc.ErrLoginRequired())
	case !signedIn:
		to := "/signin?return_to=" + back
		if z.LoginHint != "" {
			to += "&login_hint=" + url.QueryEscape(z.LoginHint)
		}
		return web.Redirect(c, to)
	case who.TenantID != one.tenantID && z.Silent:
		return h.tell(c, one, z, a, "application.other_tenant", oidc.ErrLoginRequired())
	case who.TenantID != one.tenantID:
		return h.refuse(c, one, z, "", fault.New(fault.Forbidden, "application.other_tenant"))
	}
	missing, err := h.Applications.Judge(ctx, z, a, who)
	if err != nil {
		return err
	}
	asksPhone, err := h.Site.AsksPhone(c, who)
	switch {
	case err != nil:
		return err
	case missing.Fault != nil && z.Silent:
		return h.tell(c, one, z, a, fault.Of(missing.Fault).Code, oidc.ErrAccessDenied())
	case missing.Fault != nil:
		return h.refuse(c, one, z, who.UserID, missing.Fault)
	case asksPhone && z.Silent:
		return h.tell(c, one, z, a, "campaign.first", oidc.ErrInteractionRequired())
	case asksPhone:
		return web.Redirect(c, web.RegisterPath+"?return_to="+back)
	case missing.Less && z.Silent:
		return h.tell(c, one, z, a, "application.proof_less", oidc.ErrInteractionRequired())
	case missing.Older && z.Silent:
		return h.tell(c, one, z, a, "application.proof_older", oidc.ErrLoginRequired())
	case !missing.Nothing() && len(missing.Proof) == 0 && !who.Limited:
		return h.refuse(c, one, z, who.UserID, fault.New(fault.Forbidden, "application.proof_missing"))
	case !missing.Nothing():
		return web.Redirect(c, "/step-up?return_to="+back+"&acr_values="+url.QueryEscape(strings.Join(missing.Proof, " ")))
	}
	one.authorization, one.who = z, who
	query := c.Request().URL.Query()
	query.Set("id", z.ID)
	r := c.Request().Clone(ctx)
	r.URL.RawQuery, r.Form = query.Encode(), nil
	c.SetRequest(r)
	answered := h.ask(c, func(w http.ResponseWriter, r *http.Request) { op.AuthorizeCallback(w, r, h.provider) })
	if one.failed != nil {
		return one.failed
	}
	to := answered.header.Get(echo.HeaderLocation)
	if answered.status != http.StatusFound || to == "" {
		return fault.New(fault.Defect, "defect")
	}
	if to = h.from(one, to); straight {
		return found(c, to)
	}
	return h.goOn(c, one.slug, a.Name, to)
}

// goOn leads to an application from a page of ours, which a form may have led to:
// browsers let a form lead to other sites only where our policy names them.
func (h *Pages) goOn(c echo.Context, slug, name, to string) error {
	return web.Render(c, http.StatusOK, views.GoOnPage(h.Site.BrowserPage(c), views.GoOn{Application: name, Href: to}))
}

// tell gives the application an error, where no page may be shown.
func (h *Pages) tell(c echo.Context, one *call, z application.Authorization, a application.Application, code string, e *oidc.Error) error {
	if err := h.Applications.Refused(c.Request().Context(), one.tenantID, z, "", code, one.from); err != nil {
		return err
	}
	answered := h.ask(c, func(w http.ResponseWriter, r *http.Request) {
		op.AuthRequestError(w, r, &signed{Authorization: z}, e, h.provider)
	})
	to := answered.header.Get(echo.HeaderLocation)
	if to == "" {
		return fault.New(fault.Defect, "defect")
	}
	return found(c, h.from(one, to))
}

// from says in an answer to an application who gives it (RFC 9207): one that knows
// several providers must not take one's code to another. It stands where the rest of
// the answer does, in the query or in the fragment.
func (h *Pages) from(one *call, to string) string {
	return to + "&iss=" + url.QueryEscape(h.Site.Issuer(one.slug))
}

// refuse shows a page that says why the application is not for who asks, and remembers it.
func (h *Pages) refuse(c echo.Context, one *call, z application.Authorization, userID string, why error) error {
	if err := h.Applications.Refused(c.Request().Context(), one.tenantID, z, userID, fault.Of(why).Code, one.from); err != nil {
		return err
	}
	return why
}
