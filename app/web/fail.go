package web

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/views/problem"
	"latchkey/views/words"
)

// statuses is the table Answers of product.md §10, and the only place where a
// kind of failure becomes a status.
var statuses = map[fault.Kind]int{
	fault.Refused:     http.StatusUnauthorized,
	fault.StepUp:      http.StatusUnauthorized,
	fault.SignIn:      http.StatusUnauthorized,
	fault.Throttled:   http.StatusTooManyRequests,
	fault.Forbidden:   http.StatusForbidden,
	fault.NotFound:    http.StatusNotFound,
	fault.Malformed:   http.StatusBadRequest,
	fault.Invalid:     http.StatusUnprocessableEntity,
	fault.Conflict:    http.StatusConflict,
	fault.Expired:     http.StatusGone,
	fault.TooLarge:    http.StatusRequestEntityTooLarge,
	fault.WrongType:   http.StatusUnsupportedMediaType,
	fault.Unavailable: http.StatusServiceUnavailable,
	fault.Defect:      http.StatusInternalServerError,
	methodNotAllowed:  http.StatusMethodNotAllowed,
}

// Fail is echo's error handler. Handlers return errors; none writes a page of
// its own for them.
func (s *Site) Fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	f := asFault(err)
	status := statuses[f.Kind]
	s.Log.Log(c.Request().Context(), level(status), "request failed",
		"status", status, "code", f.Code, "route", c.Path(), "method", c.Request().Method, "request", Origin(c).RequestID, "error", err)
	if f.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	var written error
	switch {
	case WantsJSON(c):
		written = s.failJSON(c, status, f)
	case (f.Kind == fault.SignIn || f.Kind == fault.StepUp) && wantsEvents(c):
		// HTML §9.2: 204 tells a page to stop reconnecting. Sent elsewhere, it would
		// read a page as events, and complain.
		written = c.NoContent(http.StatusNoContent)
	case f.Kind == fault.SignIn:
		written = Redirect(c, "/signin?return_to="+url.QueryEscape(s.here(c)))
	case f.Kind == fault.StepUp:
		written = Redirect(c, s.stepUpPage(c, f))
	default:
		written = s.failPage(c, status, f)
	}
	if written != nil && !c.Response().Committed {
		written = errors.Join(written, c.String(status, Sentence(c, f.Code, f.Detail)+"\n"))
	}
	if written != nil {
		s.Log.Warn("answer not written", "request", Origin(c).RequestID, "error", written)
	}
}

// asFault gives every error a kind; what has none is a defect.
func asFault(err error) *fault.Error {
	if f := fault.Of(err); f != nil {
		return f
	}
	var fromEcho *echo.HTTPError
	if errors.As(err, &fromEcho) {
		switch fromEcho.Code {
		case http.StatusNotFound:
			return fault.New(fault.NotFound, "http.not_found")
		case http.StatusMethodNotAllowed:
			return fault.New(methodNotAllowed, "http.method")
		case http.StatusRequestEntityTooLarge:
			return fault.New(fault.TooLarge, "http.too_large")
		case http.StatusUnsupportedMediaType:
			return fault.New(fault.WrongType, "http.wrong_type")
		case http.StatusBadRequest:
			return fault.New(fault.Malformed, "http.malformed")
		}
	}
	return fault.New(fault.Defect, "defect").Because(err)
}

// methodNotAllowed is a kind that only the router knows.
const methodNotAllowed fault.Kind = "method_not_allowed"

// standing has forms that stand on another page than the nearest in their address.
var standing = map[string]string{
	"/me/browsers": "/me/sessions", "/me/notices": "/", "/step-up": "/",
	"/admin/:tenant/users/:user/bypasses":                 "/admin/:tenant/users/:user/desk",
	"/admin/:tenant/settings/desk/reasons/:reason/remove": "/admin/:tenant/settings/desk",
}

// here is the page to come back to: this one, or the one that a form stood on.
func (s *Site) here(c echo.Context) string {
	if c.Request().Method == http.MethodGet {
		return c.Request().URL.RequestURI()
	}
	parts := strings.Split(s.pageOf(c.Path()), "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = url.PathEscape(c.Param(name))
		}
	}
	return strings.Join(parts, "/")
}

// pageOf is the page on which the form of a route stands: the nearest in its address. That
// is where something new is made, else the thing itself, else what it is a part of.
func (s *Site) pageOf(route string) string {
	if s.pages[route+"/new"] {
		return route + "/new"
	}
	for at := route; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		if page := standing[at]; page != "" {
			return page
		}
		if s.pages[at] {
			return at
		}
	}
	return "/"
}

// WantsJSON says whether a program asks, and not a person.
func WantsJSON(c echo.Context) bool {
	path := c.Request().URL.Path
	return strings.HasPrefix(path, "/phone/api/") || forApplication(path) || strings.HasPrefix(c.Request().Header.Get("Accept"), "application/json")
}

// forApplication says whether a path is one at which applications, and no people, ask.
func forApplication(path string) bool {
	_, page, ok := strings.Cut(strings.TrimPrefix(path, "/t/"), "/")
	return ok && strings.HasPrefix(path, "/t/") && slices.Contains([]string{".well-known/openid-configuration", "keys", "token", "revoke", "userinfo"}, page)
}

// oauthCodes are the failures of ours that have a name in OAuth (RFC 6749 §5.2).
var oauthCodes = map[fault.Kind]string{
	fault.Unavailable: "temporarily_unavailable", fault.Throttled: "slow_down", fault.Defect: "server_error",
	fault.Malformed: "invalid_request", fault.WrongType: "invalid_request", fault.TooLarge: "invalid_request",
}

// wantsEvents says whether an open page asks for what is new.
func wantsEvents(c echo.Context) bool {
	return strings.HasPrefix(c.Request().Header.Get(echo.HeaderAccept), "text/event-stream")
}

func (s *Site) failJSON(c echo.Context, status int, f *fault.Error) error {
	code := f.Code
	if known := phoneCodes[code]; known != "" {
		code = known
	}
	if known := oauthCodes[f.Kind]; known != "" && forApplication(c.Request().URL.Path) {
		code = known
	}
	answer := map[string]any{"error": code, "message": Sentence(c, f.Code, f.Detail)}
	switch f.Kind {
	case fault.StepUp:
		answer["error"] = "insufficient_user_authentication"
		c.Response().Header().Set("WWW-Authenticate", challenge(f))
	case fault.Invalid:
		fields := map[string]string{}
		for field, code := range f.Fields {
			fields[field] = Sentence(c, code, f.Detail)
		}
		answer["fields"] = fields
	case fault.Conflict:
		if f.Detail != "" {
			answer["tenant_name"] = f.Detail
		}
	}
	return c.JSON(status, answer)
}

func (s *Site) failPage(c echo.Context, status int, f *fault.Error) error {
	shown := problem.Problem{Status: status}
	if f.Kind != fault.Refused && f.Kind != fault.Defect && words.Has(Context(c), "failure."+f.Code) {
		shown.Sentence = Sentence(c, f.Code, f.Detail)
	}
	if f.RetryAfter > 0 {
		shown.RetryAt = s.DB.Now().Add(f.RetryAfter)
	}
	return Render(c, status, problem.Page(s.Page(c), shown))
}

func level(status int) slog.Level {
	switch {
	case status >= 500:
		return slog.LevelError
	case status == http.StatusForbidden || status == http.StatusTooManyRequests:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
