// Package web speaks HTTP: routes with their permissions, middleware, forms,
// one table from kinds of failure to statuses. Its subfolders serve one
// audience each. It decides nothing about sign-in; it translates.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/place"
	"latchkey/app/relaxation"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/wake"
	"latchkey/views/component"
	"latchkey/views/words"
)

// Site is what all audiences share.
type Site struct {
	DB        *store.DB
	Keys      *secret.Keys
	Rules     *access.Rules
	Hub       *wake.Hub
	Log       *slog.Logger
	PublicURL string // scheme and host, no slash at the end
	Streams   *Streams
	Begins    *Begins
	Observe   func(route string, status int, took time.Duration)

	Atlas *place.Atlas // where addresses are

	// Remember records what was refused to somebody signed in, with its details.
	Remember func(ctx context.Context, tenantID, userID string, details map[string]string, from audit.Origin) error

	// Patience is how long a request may work where that is longer than usual, in tests.
	Patience time.Duration

	routes []Route
	pages  map[string]bool // by their address, with the names of its parts
}

// Issuer is how applications of a tenant know this program.
func (s *Site) Issuer(slug string) string { return s.PublicURL + "/t/" + url.PathEscape(slug) }

func (s *Site) secure() bool { return strings.HasPrefix(s.PublicURL, "https://") }

// call is what the middleware learnt about one request.
type call struct {
	origin     audit.Origin
	browser    secret.Token
	trusted    secret.Token
	session    session.Session
	left       session.Session // see Left
	place      Place
	signedIn   bool
	lookedUp   bool
	newBrowser bool
	language   *words.Catalogue // see Context
}

const callKey = "latchkey.call"

func callOf(c echo.Context) *call {
	found, ok := c.Get(callKey).(*call)
	if !ok {
		found = &call{}
		c.Set(callKey, found)
	}
	return found
}

// Origin is where the request came from.
func Origin(c echo.Context) audit.Origin { return callOf(c).origin }

// Session is the session of a route that needs one.
func Session(c echo.Context) session.Session { return callOf(c).session }

// From is the browser that acts. The digest is empty for one without a cookie,
// and belongs to nobody then.
func From(c echo.Context) signin.From {
	call := callOf(c)
	if call.browser.Empty() {
		return signin.From{Origin: call.origin, BrowserDigest: "none"}
	}
	return signin.From{
		Origin: call.origin, BrowserDigest: call.browser.Digest(), Trusted: call.trusted, Stay: c.Request().PostForm.Get("stay") == "yes",
	}
}

// Peek gives the session of a route that does not need one, if there is one.
func (s *Site) Peek(c echo.Context) (session.Session, bool, error) {
	call := callOf(c)
	if call.lookedUp {
		return call.session, call.signedIn, nil
	}
	cookie, err := c.Cookie(s.cookieName(sessionCookie))
	if err != nil {
		call.lookedUp = true
		return session.Session{}, false, nil
	}
	find := session.Find
	if quiet(c) {
		find = session.Look
	}
	found, err := find(c.Request().Context(), s.DB, secret.TokenOf(cookie.Value))
	if f := fault.Of(err); f != nil && f.Kind == fault.SignIn {
		call.lookedUp = true
		return session.Session{}, false, nil
	}
	if err != nil {
		return session.Session{}, false, err
	}
	call.session, call.signedIn, call.lookedUp = found, true, true
	return found, true, nil
}

// Left is Peek for who leaves: the session of this browser has not ended, but may open
// nothing any more, and is to be ended all the same.
func (s *Site) Left(c echo.Context) (session.Session, bool, error) {
	if found, ok, err := s.Peek(c); err != nil || ok {
		return found, ok, err
	}
	call := callOf(c)
	cookie, err := c.Cookie(s.cookieName(sessionCookie))
	if err != nil || call.left.ID != "" {
		return call.left, call.left.ID != "", nil
	}
	found, ok, err := session.Left(c.Request().Context(), s.DB, secret.TokenOf(cookie.Value))
	if ok {
		call.left = found
	}
	return found, ok, err
}

// Page is the frame of a page for whoever asks.
func (s *Site) Page(c echo.Context) component.Page {
	call := callOf(c)
	p := component.Page{CSRF: s.formToken(c), RequestID: call.origin.RequestID, Now: s.DB.Now(), Theme: s.theme(c)}
	if call.signedIn {
		p.TenantName, p.SignedInAs, p.Restricted = call.session.TenantName, call.session.UserName, call.session.Restricted()
		standing := s.Rules.Standing(call.session.TenantID, call.session.UserID)
		if standing.Administrator() {
			p.Role = RoleName(Context(c), standing.Role, standing.Name)
			p.ConsoleHref = "/admin/" + call.session.TenantSlug
			if p.Restricted {
				p.ConsoleHref = ""
			} else if standing.Role == access.RoleOperator {
				p.ConsoleHref = "/operator/tenants"
			}
		}
		p.Flash = flash(c)
		p = WithOutage(Context(c), p, call.session.Running)
	}
	return p
}

// WithOutage has a page say which outage runs in its tenant, and until when.
func WithOutage(ctx context.Context, p component.Page, r relaxation.Running) component.Page {
	p.Banner, p.BannerUntil = "", time.Time{}
	if r.OutageEndsAt != nil {
		p.Banner, p.BannerUntil = words.Say(ctx, "outage.banner", "what", SayChannels(ctx, r.OutageFailed)), *r.OutageEndsAt
	}
	return p
}

// RoleName is a role in words: a built-in one from the catalogue, a custom one as
// its tenant calls it.
func RoleName(ctx context.Context, role access.Role, custom string) string {
	if custom != "" {
		return custom
	}
	return words.Say(ctx, "role."+string(role))
}

// CheckRole is the role of an agent in words, as caller checks keep it.
func CheckRole(ctx context.Context, role string) string {
	if name, custom := strings.CutPrefix(role, access.CustomPrefix); custom {
		return name
	}
	return words.Say(ctx, "role."+role)
}

// BrowserPage is the frame of a page that belongs to a browser and to no session,
// whether or not somebody is signed in.
func (s *Site) BrowserPage(c echo.Context) component.Page {
	return component.Page{CSRF: s.browserToken(c), RequestID: callOf(c).origin.RequestID, Now: s.DB.Now(), Theme: s.theme(c)}
}

func (s *Site) theme(c echo.Context) string {
	cookie, err := c.Cookie(s.cookieName(themeCookie))
	if err != nil || (cookie.Value != "light" && cookie.Value != "dark") {
		return ""
	}
	return cookie.Value
}

// flash is what a page says after a redirect, by a word in the address, so that
// nobody can make us show words of theirs.
func flash(c echo.Context) string {
	ctx, done := Context(c), c.QueryParam("done")
	if done == "" || !words.Has(ctx, "flash."+done) {
		return ""
	}
	return words.Say(ctx, "flash."+done)
}

// Render renders into a buffer and then writes, so that a component that fails
// becomes an error page and not half a page. The page that says that the time is
// over is written when it is over.
func Render(c echo.Context, status int, page templ.Component) error {
	b := templ.GetBuffer()
	defer templ.ReleaseBuffer(b)
	if err := page.Render(context.WithoutCancel(Context(c)), b); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "no-store")
	return c.HTMLBlob(status, b.Bytes())
}

// Redirect answers a successful POST.
func Redirect(c echo.Context, to string) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Redirect(http.StatusSeeOther, to)
}
