package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
)

// Limits (product.md §9).
const (
	BodyMost   = 64 << 10
	HeaderMost = 16 << 10
)

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Use puts the middleware of every request in its order.
func (s *Site) Use(e *echo.Echo) {
	e.HTTPErrorHandler = s.Fail
	// Echo builds the chain of these anew for every request, so what can be made
	// once is made here.
	e.Pre(s.observe, s.headers, s.recover, s.inTime, s.readable, s.sameSite(), s.body)
}

// observe names the request, and logs and measures it when it is answered.
func (s *Site) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := s.DB.Now()
		r := c.Request()
		callOf(c).origin = audit.Origin{IP: c.RealIP(), Browser: BrowserOf(r.UserAgent()), RequestID: secret.System.ShortID()}
		c.Response().Header().Set("X-Request-Id", Origin(c).RequestID)
		// Phones set their clocks by this, so it must be the one that judges their proofs.
		c.Response().Header().Set("Date", started.Format(http.TimeFormat))
		if err := next(c); err != nil {
			s.Fail(err, c)
		}
		if s.Observe != nil {
			s.Observe(c.Path(), c.Response().Status, s.DB.Now().Sub(started))
		}
		return nil
	}
}

// headers stand on every answer, errors and static files too.
func (s *Site) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "geolocation=(), microphone=(), camera=(self), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}

func (s *Site) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				err = fault.New(fault.Defect, "defect").Because(panicError(p))
			}
		}()
		return next(c)
	}
}

// answerWait is how long a request may work. One that waits longer for the
// database is told to come again, before its client and its proxy give up.
const answerWait = 10 * time.Second

func (s *Site) inTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		wait := answerWait
		if uploads(c.Request()) {
			wait = uploadWait
			if err := s.giveTime(c); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), max(wait, s.Patience))
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

func panicError(p any) error {
	if err, ok := p.(error); ok {
		return err
	}
	text, _ := p.(string)
	return errors.New("panic: " + text)
}

// readable refuses addresses and cookies that no honest client sends and that
// no database column takes.
func (s *Site) readable(next echo.HandlerFunc) echo.HandlerFunc {
	malformed := fault.New(fault.Malformed, "http.malformed")
	return func(c echo.Context) error {
		r := c.Request()
		if !plain(r.URL.Path) {
			return malformed
		}
		if r.URL.RawQuery != "" {
			values, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil || !plainValues(values) {
				return malformed
			}
		}
		for _, cookie := range r.Header["Cookie"] {
			if !plain(cookie) {
				return malformed
			}
		}
		return next(c)
	}
}

func plain(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func plainValues(values url.Values) bool {
	for key, all := range values {
		if !plain(key) {
			return false
		}
		for _, value := range all {
			if !plain(value) {
				return false
			}
		}
	}
	return true
}

// sameSite is the first layer against requests from other sites: what the
// browser says about where a request came from.
func (s *Site) sameSite() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(s.PublicURL); err != nil {
		panic("web: public url: " + err.Error())
	}
	// Applications ask from anywhere, and browsers bring no cookie of ours along.
	for _, page := range []string{"authorize", "token", "revoke", "userinfo", "end-session"} {
		protection.AddInsecureBypassPattern("POST /t/{tenant}/" + page)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return fault.New(fault.Forbidden, "http.cross_site").Because(err)
			}
			return next(c)
		}
	}
}

// body bounds what is read and reads forms, so that handlers find them whole.
func (s *Site) body(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return next(c)
		}
		most := int64(BodyMost)
		if uploads(r) {
			most = UploadMost
		}
		if r.ContentLength > most {
			return fault.New(fault.TooLarge, "http.too_large")
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, most)
		return next(c)
	}
}

// ReadForm parses a form or says what is wrong with it.
func ReadForm(r *http.Request) error {
	if uploads(r) {
		return readUpload(r)
	}
	if mediaOf(r) != formMedia {
		return fault.New(fault.WrongType, "http.wrong_type")
	}
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return fault.New(fault.TooLarge, "http.too_large")
		}
		return fault.New(fault.Malformed, "http.malformed").Because(err)
	}
	if !plainValues(r.PostForm) {
		return fault.New(fault.Malformed, "http.malformed")
	}
	return nil
}

// Form gives a field of the form, from the body alone.
func Form(c echo.Context, name string) string { return c.Request().PostFormValue(name) }

const (
	browserCookie = "latchkey_browser"
	sessionCookie = "latchkey_session"
	trustedCookie = "latchkey_trusted_" // and whose it is
	themeCookie   = "theme"
)

func (s *Site) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// SetCookie sets a cookie that scripts cannot read; a negative age forgets it.
func (s *Site) SetCookie(c echo.Context, name, value string, age time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// SignIn gives the browser the cookie of its new session; without an age the
// browser forgets it when it is closed.
func (s *Site) SignIn(c echo.Context, token secret.Token, age time.Duration) {
	s.SetCookie(c, sessionCookie, token.Reveal(), age)
}

// Trust lets the browser keep the trust of a user in it, in a cookie of its own: that
// of somebody who signs in at the same moment stays as it is. Where there are too many
// the oldest go; browsers send them in the order in which they came.
func (s *Site) Trust(c echo.Context, t session.Trust) {
	own := trustedCookie + t.Of()
	s.SetCookie(c, own, t.Kept().Reveal(), session.TrustDaysMost*24*time.Hour)
	others := slices.DeleteFunc(s.trusts(c), func(cookie *http.Cookie) bool { return cookie.Name == s.cookieName(own) })
	for len(others) >= session.TrustsKept {
		forgotten := *others[0]
		forgotten.Value, forgotten.Path, forgotten.MaxAge, forgotten.HttpOnly, forgotten.Secure, forgotten.SameSite = "", "/", -1, true, s.secure(), http.SameSiteLaxMode
		c.SetCookie(&forgotten)
		others = others[1:]
	}
}

// trusts are the cookies of those who trust the browser.
func (s *Site) trusts(c echo.Context) []*http.Cookie {
	return slices.DeleteFunc(c.Cookies(), func(cookie *http.Cookie) bool { return !strings.HasPrefix(cookie.Name, s.cookieName(trustedCookie)) })
}

// SignOut forgets it.
func (s *Site) SignOut(c echo.Context) { s.SetCookie(c, sessionCookie, "", -time.Second) }

// SetTheme keeps the colours that somebody chose, light or dark; anything else
// forgets them. The switch on the pages writes this cookie too.
func (s *Site) SetTheme(c echo.Context, theme string) {
	cookie := &http.Cookie{Name: s.cookieName(themeCookie), Path: "/", MaxAge: -1, Secure: s.secure(), SameSite: http.SameSiteLaxMode}
	if theme == "light" || theme == "dark" {
		cookie.Value, cookie.MaxAge = theme, 365*24*3600
	}
	c.SetCookie(cookie)
}

const browserLife = 400 * 24 * time.Hour

// Browser gives the cookie that binds attempts to this browser, a new one to a
// browser that has none.
func (s *Site) knowBrowser(c echo.Context) {
	call := callOf(c)
	var kept []string
	for _, cookie := range s.trusts(c) {
		kept = append(kept, cookie.Value)
	}
	call.trusted = session.Trusts(kept)
	if cookie, err := c.Cookie(s.cookieName(browserCookie)); err == nil && len(cookie.Value) == 43 {
		call.browser = secret.TokenOf(cookie.Value)
		return
	}
	if c.Request().Method == http.MethodGet {
		call.browser, call.newBrowser = secret.System.Token(), true
		s.SetCookie(c, browserCookie, call.browser.Reveal(), browserLife)
	}
}

// formToken is the second layer against requests from other sites: it is bound to
// the browser, and to the session while there is one.
func (s *Site) formToken(c echo.Context) string {
	call := callOf(c)
	id := call.left.ID
	if call.signedIn {
		id = call.session.ID
	}
	if call.browser.Empty() || id == "" {
		return s.browserToken(c)
	}
	return s.Keys.FormToken(call.browser.Reveal() + "\x00" + id)
}

// browserToken is the token of pages that belong to no session, such as those of
// a sign-in. It holds when somebody signs in or out in another window meanwhile.
func (s *Site) browserToken(c echo.Context) string {
	call := callOf(c)
	if call.browser.Empty() {
		return ""
	}
	return s.Keys.FormToken(call.browser.Reveal())
}

// ownForm says whether a form came from a page of ours that may act here.
func (s *Site) ownForm(c echo.Context, r Route) bool {
	given := Form(c, "csrf")
	fits := func(token string) bool { return token != "" && secret.Same(given, token) }
	return fits(s.formToken(c)) || r.Needs == access.Anyone && !r.Leaves && fits(s.browserToken(c))
}

// allow stands before every handler: who is this, may they, and did the form
// come from our own page. Whoever is signed in meets the wall of the tenant that
// they are in here; the session itself was found outside of it.
func (s *Site) allow(r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if r.Needs == access.Phone || r.Needs == access.Application {
			return next // what they show is asked by their protocol itself
		}
		return func(c echo.Context) error {
			s.knowBrowser(c)
			found, signedIn, err := s.Peek(c)
			if err != nil {
				return err
			}
			if r.Needs != access.Anyone && !signedIn {
				return fault.New(fault.SignIn, "session.none")
			}
			if r.Leaves {
				if _, left, err := s.Left(c); err != nil {
					return err
				} else if !left {
					return next(c)
				}
			}
			permitted := func() error { return s.permit(c, r, found) }
			ours := func() error { return s.fromOurPage(c, r) }
			first, second := ours, permitted
			if uploads(c.Request()) {
				first, second = permitted, ours // a file is read for who may bring one
			}
			if err := first(); err != nil {
				return err
			}
			if err := second(); err != nil {
				return err
			}
			if answered, err := s.asked(c, r, found); err != nil || answered {
				return err
			}
			return next(c)
		}
	}
}

// permit asks whether whoever asks may come here.
func (s *Site) permit(c echo.Context, r Route, found session.Session) error {
	if r.Needs == access.Anyone {
		return nil
	}
	if err := open(r, found); err != nil {
		return s.refuse(c, r.Needs, err)
	}
	if changes(r) {
		if err := found.Unlimited(); err != nil {
			return err
		}
	}
	if err := s.locate(c, found); err != nil {
		return err
	}
	// Operators work on all tenants from outside. Everybody else, and so an operator
	// whom a tenant let in, is behind the wall of the tenant that they are in.
	if !strings.HasPrefix(c.Path(), "/operator") {
		Within(c, Here(c).ID)
	}
	if err := s.Rules.Allow(Here(c).ID, found.UserID, r.Needs); err != nil {
		return s.refuse(c, r.Needs, err)
	}
	return nil
}

// changes says whether a route is more than to look: whatever changes something, but to prove it again, and the consoles.
func changes(r Route) bool {
	if strings.HasPrefix(r.Path, "/admin") || strings.HasPrefix(r.Path, "/operator") {
		return true
	}
	return r.Needs == access.AuthenticatorBind || r.Method != http.MethodGet && r.Path != "/step-up"
}

// fromOurPage reads a form, and sees that it came from our own page.
func (s *Site) fromOurPage(c echo.Context, r Route) error {
	if c.Request().Method == http.MethodGet {
		return nil
	}
	if err := ReadForm(c.Request()); err != nil {
		return err
	}
	if !s.ownForm(c, r) {
		return fault.New(fault.Forbidden, "http.form_token")
	}
	return nil
}

// Within puts a request behind the wall of a tenant (store.Within): that of the
// session, until a route that is another tenant's has seen that its caller may
// enter there. A stream that the request opens stays behind it.
func Within(c echo.Context, tenantID string) {
	r := c.Request()
	c.SetRequest(r.WithContext(store.Within(r.Context(), tenantID)))
}

// Forbid refuses what a route's permission alone does not, and remembers it.
func (s *Site) Forbid(c echo.Context, needs access.Permission) error {
	return s.refuse(c, needs, fault.New(fault.Forbidden, "access.forbidden"))
}

// refuse remembers that somebody tried what they may not.
func (s *Site) refuse(c echo.Context, needs access.Permission, refusal error) error {
	if !errors.Is(refusal, fault.Forbidden) {
		return refusal
	}
	if err := s.Remember(c.Request().Context(), Here(c).ID, Session(c).UserID, map[string]string{"permission": string(needs)}, Origin(c)); err != nil {
		return err
	}
	return refusal
}
