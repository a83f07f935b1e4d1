package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const passcodesPath = "/passcodes"

// Asking for one is a request by some and an issue by others, which the act itself
// asks; both may edit the policy.
func (h *Pages) passcodeRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+passcodesPath, access.PolicyEdit, h.passcodes),
		web.Post("/admin/:tenant"+passcodesPath+"/:passcode/show", access.StaticPasscodeIssue, h.showPasscode),
		web.Post("/admin/:tenant/users/:user/passcodes", access.PolicyEdit, h.askPasscode),
		web.Post("/admin/:tenant/users/:user/passcodes/withdraw", access.AuthenticatorReset, h.withdrawPasscode),
	}
}

// passcodes is the list of what is open until it is gone.
func (h *Pages) passcodes(c echo.Context) error {
	ctx := web.Context(c)
	all, err := h.Passcodes.List(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	var v views.Passcodes
	issues := h.Site.Standing(c).May.Has(access.StaticPasscodeIssue)
	for _, p := range all {
		row := views.PasscodeRow{
			ID: p.ID, Name: p.UserName, Href: h.personPath(c, p.UserID), State: words.Say(ctx, "passcodes.state."+p.State), Tone: passcodeTones[p.State],
			AskedBy: p.RequestedBy, ApprovedBy: p.ApprovedBy, ShownBy: p.ShownBy, Reason: p.Reason, Ticket: h.ticketRef(c, p.Ticket), Hours: strconv.Itoa(p.Hours),
			Uses: words.Say(ctx, "passcodes.uses", "count", strconv.Itoa(p.Uses)), ExpiresAt: p.ExpiresAt,
		}
		if p.EndedAt != nil {
			row.EndedAt = *p.EndedAt
		}
		if p.LastUsedAt != nil {
			row.LastUsedAt = *p.LastUsedAt
		}
		if p.State == "approved" && issues && p.UserID != web.Session(c).UserID {
			row.ShowAction = h.path(c, passcodesPath+"/"+url.PathEscape(p.ID)+"/show")
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.PasscodesPage(h.page(c, passcodesPath), v))
}

// passcodeTones are the colours of the states: what is open is a risk.
var passcodeTones = map[string]string{"approved": "warn", "active": "bad", "withdrawn": "", "expired": ""}

// showPasscode makes the passcode and shows it, once.
func (h *Pages) showPasscode(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	shown, err := h.People.ShowPasscode(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("passcode"), web.Origin(c))
	if errors.Is(err, fault.Forbidden) {
		details := map[string]string{"kind": "static_passcode.show"}
		return errors.Join(err, h.Approvals.Remember(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, details, web.Origin(c)))
	}
	if err != nil {
		return err
	}
	name, err := h.People.NameOf(c.Request().Context(), web.Here(c).ID, shown.UserID)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.PasscodeShownPage(h.page(c, passcodesPath), views.PasscodeShown{
		Name: name, Code: shown.Code.Reveal(), ExpiresAt: shown.ExpiresAt, Back: h.path(c, passcodesPath),
	}))
}

func (h *Pages) askPasscode(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	hours, _ := strconv.Atoi(web.Form(c, "hours"))
	return h.actOn(c, people.KindPasscode, "passcode", people.Passcode{Hours: hours}, "?done=passcode_approved")
}

// withdrawPasscode protects, so it asks for no fresh proof.
func (h *Pages) withdrawPasscode(c echo.Context) error {
	return h.actOn(c, people.KindWithdrawPasscode, "withdraw_passcode", nil, "?done=passcode_withdrawn")
}
