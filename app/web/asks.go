package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/campaign"
	"latchkey/app/fault"
	"latchkey/app/session"
)

// RegisterPath is where somebody is asked to register a phone, before they go on.
const RegisterPath = "/register"

// registering are the routes that stay open to somebody who is asked to: what it
// takes to register, to put it off and to ask for help. Routes that need nobody
// signed in, such as those of a proof and of signing out, stay open anyway.
var registering = map[string]bool{
	"GET " + RegisterPath: true, "POST " + RegisterPath: true, "GET " + RegisterPath + "/help": true, "POST " + RegisterPath + "/help": true,
	"POST /me/phones": true, "GET /me/phones/enrolments/:enrolment": true, "GET /step-up": true, "POST /step-up": true,
	"POST /step-up/manager": true, "GET /step-up/manager/:vouch": true, "GET /step-up/manager/:vouch/state": true, "GET /step-up/manager/:vouch/events": true,
	"POST /step-up/call-back": true, "GET /step-up/call-back/:vouch": true, "GET /step-up/call-back/:vouch/state": true, "GET /step-up/call-back/:vouch/events": true,
}

// restricted are the routes that stay open to a session that a bypass made: where it
// leads on to applications, and what it takes to bind something new. Every other one is
// closed (session.Restricted).
var restricted = map[string]bool{
	"GET /": true, "GET /step-up": true, "POST /step-up": true,
	"POST /step-up/manager": true, "GET /step-up/manager/:vouch": true, "GET /step-up/manager/:vouch/state": true, "GET /step-up/manager/:vouch/events": true,
	"POST /step-up/call-back": true, "GET /step-up/call-back/:vouch": true, "GET /step-up/call-back/:vouch/state": true, "GET /step-up/call-back/:vouch/events": true,
	"GET /me/phones": true, "POST /me/phones": true, "GET /me/phones/enrolments/:enrolment": true,
	"GET /me/passkeys": true, "POST /me/passkeys": true, "GET /me/passkeys/new": true,
}

// open says whether a route is open to a session, whatever its user may.
func open(r Route, found session.Session) error {
	if found.Restricted() && r.Needs != access.Anyone && !restricted[r.Method+" "+r.Path] {
		return fault.New(fault.Forbidden, "session.restricted")
	}
	if found.BreakGlass() && (r.Needs == access.AuthenticatorBind || r.Needs == access.CodeSheetPrintOwn) && !strings.HasPrefix(r.Path, "/me/passkeys") {
		return fault.New(fault.Forbidden, "break_glass.passkeys_only")
	}
	return nil
}

// asked leads somebody who is asked to register a phone to the page that asks, and
// lets everybody else pass. Who is asked the session says, so nobody else's page asks
// the database; that it still is so is asked anew each time, because whoever turns the
// campaign off does so at once.
func (s *Site) asked(c echo.Context, r Route, found session.Session) (answered bool, err error) {
	if r.Needs == access.Anyone || registering[r.Method+" "+r.Path] {
		return false, nil
	}
	if still, err := s.AsksPhone(c, found); err != nil || !still {
		return false, err
	}
	if r.Method != http.MethodGet || WantsJSON(c) || wantsEvents(c) || quiet(c) {
		return false, fault.New(fault.Forbidden, "campaign.first")
	}
	return true, Redirect(c, RegisterPath+"?return_to="+url.QueryEscape(s.here(c)))
}

// AsksPhone says whether somebody is to register a phone before anything else. A route
// that needs nobody signed in, and leads them on all the same, asks it itself.
func (s *Site) AsksPhone(c echo.Context, who session.Session) (bool, error) {
	if !who.AsksPhone {
		return false, nil
	}
	return campaign.Still(c.Request().Context(), s.DB, who.TenantID, who.UserID)
}
