// Package openid is the OpenID provider of each tenant: for browsers the pages that lead
// from an application to its user and back, for applications the addresses at which they
// redeem what they were given.
//
// The protocol is spoken by the library of zitadel/oidc; what is given, to whom and for
// how long is said by package application. The library's answers are held back until
// all is done, so that a failure of ours is answered as everywhere else.
package openid

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"latchkey/app/access"
	"latchkey/app/application"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/tenant"
	"latchkey/app/web"
)

// scopeGroups names the groups of the user.
const scopeGroups = "groups"

// scopes are those that are given.
var scopes = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, scopeGroups, oidc.ScopeOfflineAccess}

// Pages are the pages and addresses of the provider.
type Pages struct {
	Site         *web.Site
	Applications *application.Service

	provider *op.Provider
}

// New makes the provider of all tenants.
func New(site *web.Site, applications *application.Service) (*Pages, error) {
	key := site.Keys.Tokens()
	provider, err := op.NewProvider(
		&op.Config{CryptoKey: key, CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true, DefaultLogoutRedirectURI: "/signed-out", SupportedScopes: scopes},
		&storage{service: applications},
		op.StaticIssuer(site.PublicURL), // each call names that of its tenant
		op.WithAllowInsecure(),          // the settings refuse plain http off loopback
		op.WithCrypto(op.NewAES256GCMCrypto(key, "")),
		op.WithIDTokenHintVerifierOpts(op.WithSupportedIDTokenHintSigningAlgorithms("ES256")),
		op.WithCustomEndpoints(op.NewEndpoint("authorize"), op.NewEndpoint("token"), op.NewEndpoint("userinfo"), op.NewEndpoint("revoke"), op.NewEndpoint("end-session"), op.NewEndpoint("keys")),
	)
	return &Pages{Site: site, Applications: applications, provider: provider}, err
}

// Routes is the map of the provider.
func (h *Pages) Routes() []web.Route {
	const at = "/t/:tenant"
	routes := []web.Route{
		web.Get(at+"/.well-known/openid-configuration", access.Application, h.discovery),
		web.Get(at+"/keys", access.Application, h.keys),
		web.Get(at+"/authorize", access.Anyone, h.authorize),
		web.Post(at+"/authorize", access.Application, h.asGet("authorize")),
		web.Get(at+"/authorize/resume", access.Anyone, h.resume),
		web.Post(at+"/token", access.Application, h.token),
		web.Post(at+"/revoke", access.Application, h.revoke),
		web.Get(at+"/userinfo", access.Application, h.userinfo),
		web.Post(at+"/userinfo", access.Application, h.userinfo),
		web.Get(at+"/end-session", access.Anyone, h.askEnd),
		web.Post(at+"/end-session", access.Application, h.asGet("end-session")),
		web.Leave(at+"/end-session/confirm", h.end),
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token", "/revoke", "/userinfo"} {
		routes = append(routes, web.Route{Method: http.MethodOptions, Path: at + path, Needs: access.Application, Do: h.preflight})
	}
	return routes
}

// preflight lets scripts of applications ask (Fetch §3.2): no cookie comes with it.
func (h *Pages) preflight(c echo.Context) error {
	if _, err := h.begin(c); err != nil {
		return err
	}
	shared(c)
	header := c.Response().Header()
	header.Set(echo.HeaderAccessControlAllowMethods, "GET, POST")
	header.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type")
	header.Set(echo.HeaderAccessControlMaxAge, "600")
	return c.NoContent(http.StatusNoContent)
}

// shared says that scripts of others may read the answer, which nothing in their
// browser had a part in.
func shared(c echo.Context) {
	header := c.Response().Header()
	header.Set(echo.HeaderAccessControlAllowOrigin, "*")
}

// formMost is how much of a form becomes an address.
const formMost = 8 << 10

// asGet takes a form of another site for the same request by an address: then the
// browser sends its cookies along, and nothing is done by a form of others.
func (h *Pages) asGet(page string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := h.begin(c); err != nil {
			return err
		}
		if err := web.ReadForm(c.Request()); err != nil {
			return err
		}
		query := c.Request().PostForm.Encode()
		if len(query) > formMost {
			return fault.New(fault.TooLarge, "http.too_large")
		}
		return web.Redirect(c, "/t/"+url.PathEscape(c.Param("tenant"))+"/"+page+"?"+query)
	}
}

// begin finds the tenant of the path, and puts the request behind its wall.
func (h *Pages) begin(c echo.Context) (*call, error) {
	t, err := tenant.BySlug(c.Request().Context(), h.Site.DB, c.Param("tenant"))
	if err != nil {
		return nil, err
	}
	web.Within(c, t.ID)
	one := &call{tenantID: t.ID, slug: t.Slug, from: web.Origin(c), browserDigest: web.From(c).BrowserDigest}
	ctx := context.WithValue(c.Request().Context(), callKey{}, one)
	c.SetRequest(c.Request().WithContext(op.ContextWithIssuer(ctx, h.Site.Issuer(t.Slug))))
	return one, nil
}

// answer is what the library wrote, held back.
type answer struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// ask lets the library answer a request.
func (h *Pages) ask(c echo.Context, do func(w http.ResponseWriter, r *http.Request)) *answer {
	a := &answer{header: http.Header{}}
	do(a, c.Request())
	return a
}

// unavailable gives the failure that is ours, and no fault of who asked.
func (one *call) unavailable() error {
	if errors.Is(one.failed, fault.Unavailable) {
		return one.failed
	}
	return nil
}

// deliver gives an application what the library answered.
func deliver(c echo.Context, one *call, a *answer) error {
	if err := one.unavailable(); err != nil {
		return err
	}
	if a.status >= http.StatusInternalServerError {
		return fault.New(fault.Defect, "defect").Because(errors.New("openid: " + a.body.String()))
	}
	if challenge := a.header.Get(echo.HeaderWWWAuthenticate); challenge != "" {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
	}
	if strings.HasPrefix(a.header.Get(echo.HeaderContentType), "application/json") {
		return c.JSONBlob(a.status, a.body.Bytes())
	}
	return c.NoContent(a.status)
}

func (h *Pages) discovery(c echo.Context) error {
	shared(c)
	if _, err := h.begin(c); err != nil {
		return err
	}
	d := op.CreateDiscoveryConfig(c.Request().Context(), h.provider, h.provider.Storage())
	d.IntrospectionEndpoint, d.DeviceAuthorizationEndpoint, d.CheckSessionIframe = "", "", ""
	d.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	d.ResponseTypesSupported, d.ResponseModesSupported = []string{string(oidc.ResponseTypeCode)}, []string{"query"}
	d.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone}
	d.RevocationEndpointAuthMethodsSupported = d.TokenEndpointAuthMethodsSupported
	d.TokenEndpointAuthSigningAlgValuesSupported, d.RevocationEndpointAuthSigningAlgValuesSupported = nil, nil
	d.IntrospectionEndpointAuthMethodsSupported, d.IntrospectionEndpointAuthSigningAlgValuesSupported = nil, nil
	d.RequestObjectSigningAlgValuesSupported, d.RequestParameterSupported, d.RequestURIParameterSupported = nil, false, false
	d.ClaimsSupported = []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash", "name", "preferred_username", "email", "email_verified", "groups"}
	for _, level := range session.Levels {
		d.ACRValuesSupported = append(d.ACRValuesSupported, level.ACR)
	}
	return c.JSON(http.StatusOK, struct {
		*oidc.DiscoveryConfiguration
		SaysIssuer bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	}{d, true})
}

func (h *Pages) keys(c echo.Context) error {
	shared(c)
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	return deliver(c, one, h.ask(c, func(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, h.provider.Storage()) }))
}

func (h *Pages) userinfo(c echo.Context) error {
	shared(c)
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	if wrong, err := read(c); err != nil {
		return err
	} else if wrong != nil {
		return c.JSON(http.StatusBadRequest, wrong)
	}
	a := h.ask(c, func(w http.ResponseWriter, r *http.Request) { op.Userinfo(w, r, h.provider) })
	if one.unavailable() == nil && a.status != http.StatusOK {
		// RFC 6750 §3: a token that is worth nothing is 401, whatever it was worth.
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer error="invalid_token"`)
		return c.JSON(http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
	}
	return deliver(c, one, a)
}

// token redeems a code or a refresh token, and nothing else.
func (h *Pages) token(c echo.Context) error {
	shared(c)
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	if answered, err := readAuthenticated(c); err != nil || answered {
		return err
	}
	r := c.Request()
	one.clientID = r.PostForm.Get("client_id")
	given := r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		var also error
		one.clientID, err = url.QueryUnescape(user)
		if given, also = url.QueryUnescape(password); err != nil || also != nil {
			return fault.New(fault.Malformed, "http.malformed")
		}
	}
	do := op.CodeExchange
	switch oidc.GrantType(r.PostForm.Get("grant_type")) {
	case oidc.GrantTypeCode:
		// The library looks at the code first. One that comes back ends what was made from
		// it, which is for nobody to do who is not its application.
		if err := h.authenticate(c, one, given); err != nil {
			return err
		} else if one.failed != nil {
			if err := h.remember(c, one, &answer{status: http.StatusUnauthorized}); err != nil {
				return err
			}
			return c.JSON(http.StatusUnauthorized, oidc.ErrInvalidClient())
		}
	case oidc.GrantTypeRefreshToken:
		do = op.RefreshTokenExchange
	default:
		return c.JSON(http.StatusBadRequest, oidc.ErrUnsupportedGrantType())
	}
	a := h.ask(c, func(w http.ResponseWriter, r *http.Request) { do(w, r, h.provider) })
	if err := h.remember(c, one, a); err != nil {
		return err
	}
	return deliver(c, one, a)
}

// authenticate notes in a call that it is not by the confidential application which it
// names. A public one has nothing to prove that by, and holds no code of another.
func (h *Pages) authenticate(c echo.Context, one *call, given string) error {
	a, err := h.Applications.Of(c.Request().Context(), one.tenantID, one.clientID)
	if errors.Is(err, fault.NotFound) || err == nil && a.Kind == application.Public {
		return nil
	}
	if err == nil {
		err = h.Applications.Authenticate(c.Request().Context(), one.tenantID, one.clientID, secret.TokenOf(given))
	}
	if errors.Is(err, fault.Refused) {
		one.failed, err = err, nil
	}
	return err
}

// read takes what an application sends from the body alone, and each parameter once
// (RFC 6749 §2.3.1 and §3.2): addresses are kept in logs, and of two that differ
// somebody else may have read the other one. What is wrong is for the application.
func read(c echo.Context) (wrong *oidc.Error, err error) {
	r := c.Request()
	path := *r.URL
	path.RawQuery = ""
	r.URL, r.Form = &path, nil
	if r.Method != http.MethodPost {
		return nil, nil
	}
	if err := web.ReadForm(r); err != nil {
		return nil, err
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return oidc.ErrInvalidRequest().WithDescription("A parameter is given more than once."), nil
		}
	}
	return nil, nil
}

// readAuthenticated is read where an application says who it is. It answers what is wrong.
func readAuthenticated(c echo.Context) (answered bool, err error) {
	wrong, err := read(c)
	if err != nil {
		return false, err
	}
	if wrong != nil {
		return true, c.JSON(http.StatusBadRequest, wrong)
	}
	if form := c.Request().PostForm; form.Has("client_assertion") || form.Has("client_assertion_type") {
		return true, c.JSON(http.StatusUnauthorized, oidc.ErrInvalidClient().WithDescription("Assertions are not taken."))
	}
	return false, nil
}

// remember records that an application of the tenant was given no tokens. One address
// that does so all the time has to wait: whatever it sends is worth nothing.
func (h *Pages) remember(c echo.Context, one *call, a *answer) error {
	if a.status < http.StatusBadRequest || one.unavailable() != nil || a.status >= http.StatusInternalServerError {
		return nil
	}
	if _, err := h.Applications.Of(c.Request().Context(), one.tenantID, one.clientID); err != nil {
		if errors.Is(err, fault.NotFound) {
			return nil // nobody's, so there is nobody to tell
		}
		return err
	}
	if err := h.Site.Begins.Take(one.from.IP, h.Site.DB.Now()); err != nil {
		return err
	}
	code := "application.request_wrong"
	if f := fault.Of(one.failed); f != nil {
		code = f.Code
	}
	z := one.authorization
	z.ApplicationID = one.clientID
	return h.Applications.RefusedTokens(c.Request().Context(), one.tenantID, z, code, one.from)
}

func (h *Pages) revoke(c echo.Context) error {
	shared(c)
	one, err := h.begin(c)
	if err != nil {
		return err
	}
	if answered, err := readAuthenticated(c); err != nil || answered {
		return err
	}
	return deliver(c, one, h.ask(c, func(w http.ResponseWriter, r *http.Request) { op.Revoke(w, r, h.provider) }))
}
