package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/risk"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const risksPath = "/risks"

func (h *Pages) riskRoutes() []web.Route {
	const path = "/admin/:tenant" + risksPath
	return []web.Route{
		web.Get(path, access.AuditVerify, h.register),
		web.Post(path+"/:risk", access.PolicyEdit, h.acknowledgeRisk),
	}
}

// remedies are the pages on which something is done about a risk, by its name.
var remedies = map[string]struct {
	path  string
	needs access.Permission
}{
	"break_glass_few": {breakGlassPath, access.OutageHandle}, "break_glass_used": {breakGlassPath, access.OutageHandle}, "break_glass_drill": {breakGlassPath, access.OutageHandle}, "break_glass_key": {breakGlassPath, access.OutageHandle},
	"outage": {outagePath, access.OutageHandle}, "static_passcodes_out": {passcodesPath, access.PolicyEdit}, "static_passcodes": {policyPath, access.PolicyEdit},
	"sms": {policyPath, access.PolicyEdit}, "voice": {policyPath, access.PolicyEdit}, "mfa_disabled": {"/users?mfa=disabled", access.AuthenticatorView}, "excluded": {rolloutPath, access.RolloutEdit},
	"match_mode": {"/settings", access.PolicyEdit}, "trust_days": {"/settings", access.PolicyEdit},
	"bypass_minutes": {deskRulesPath, access.PolicyEdit}, "bypass_uses": {deskRulesPath, access.PolicyEdit}, "bypass_read_out": {deskRulesPath, access.PolicyEdit},
}

// register is what is on although it is discouraged, now.
func (h *Pages) register(c echo.Context) error { return h.showRegister(c, http.StatusOK, "", nil) }

func (h *Pages) showRegister(c echo.Context, status int, form string, errors map[string]string) error {
	ctx := web.Context(c)
	all, err := h.Risks.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	me, now := h.Site.Standing(c), h.Site.DB.Now()
	v := views.Risks{May: me.May.Has(access.PolicyEdit), Reason: web.Form(c, "reason"), Until: web.Form(c, "until"), Returned: views.Returned{Form: form, Errors: errors}, Looked: len(risk.Risks)}
	for _, e := range all {
		row := views.RiskRow{
			Name: e.Risk, Title: words.Say(ctx, "risk.title."+e.Risk), Means: words.Say(ctx, "risk.means."+e.Risk), Concerns: words.Say(ctx, "risk.concerns."+e.Risk, "count", strconv.Itoa(e.Found.People)),
			By: e.ByName, Action: h.path(c, risksPath+"/"+url.PathEscape(e.Risk)), Acknowledger: e.Acknowledger, Reason: e.Reason, Ticket: h.ticketRef(c, e.Ticket),
		}
		if e.Found.Since != nil {
			row.Since = *e.Found.Since
		}
		if e.Until != nil {
			row.Until, row.At = *e.Until, *e.At
			row.Over, row.More = !now.Before(*e.Until), e.Found.People > e.People
		}
		if to := remedies[e.Risk]; me.May.Has(to.needs) {
			row.Href, row.Act = h.path(c, to.path), words.Say(ctx, "risk.act."+e.Risk)
		}
		if e.Rests(now) {
			v.Resting = append(v.Resting, row)
		} else {
			v.Rows = append(v.Rows, row)
		}
	}
	return web.Render(c, status, views.RisksPage(h.page(c, risksPath), v))
}

// acknowledgeRisk notes that a risk is to stay for a while. It takes nothing away, so it
// asks for no fresh proof.
func (h *Pages) acknowledgeRisk(c echo.Context) error {
	act := h.act(c, risk.KindAcknowledge, "").With(risk.Acknowledged{Risk: c.Param("risk"), Until: web.Form(c, "until")})
	err := h.submit(c, act, risksPath+"?done=risk_acknowledged")
	if fields, ok := wrong(c, err); ok {
		return h.showRegister(c, http.StatusUnprocessableEntity, c.Param("risk"), fields)
	}
	return err
}
