// Package console serves the administrators of a tenant. A file for each subject
// has its routes and its handlers; the route lists together are the map.
//
// A handler reads the form, hands one act to a feature and shows what became of
// it. Who may do what is answered by access, which the features ask.
package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/alarm"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/breakglass"
	"latchkey/app/bypass"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/census"
	"latchkey/app/checkpoint"
	"latchkey/app/consumer"
	"latchkey/app/desk"
	"latchkey/app/export"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/importing"
	"latchkey/app/insight"
	"latchkey/app/operator"
	"latchkey/app/outage"
	"latchkey/app/passcode"
	"latchkey/app/people"
	"latchkey/app/policy"
	"latchkey/app/provider"
	"latchkey/app/ramp"
	"latchkey/app/replay"
	"latchkey/app/retention"
	"latchkey/app/risk"
	"latchkey/app/role"
	"latchkey/app/rollout"
	"latchkey/app/search"
	"latchkey/app/settings"
	"latchkey/app/signals"
	"latchkey/app/signin"
	"latchkey/app/stock"
	"latchkey/app/ticket"
	"latchkey/app/ticketsystem"
	"latchkey/app/trail"
	"latchkey/app/trailview"
	"latchkey/app/vouch"
	"latchkey/app/web"
	"latchkey/views/component"
	"latchkey/views/words"
)

// Pages are the pages of the console.
type Pages struct {
	Site      *web.Site
	Approvals *approval.Service
	Roles     *role.Service
	People    *people.Service
	Groups    *group.Service
	Imports   *importing.Service
	Search    *search.Service
	Settings  *settings.Service

	Applications *application.Service

	Policy    *policy.Service
	Rollout   *rollout.Service
	Ramps     *ramp.Service
	Passcodes *passcode.Service
	Bypasses  *bypass.Service
	Operator  *operator.Service
	SignIn    *signin.Service
	Providers *provider.Service
	Tickets   *ticket.Service
	Cases     *cases.Service
	Desk      *desk.Service
	Checks    *callercheck.Service
	Vouches   *vouch.Service
	Replays   *replay.Service
	Insights  *insight.Service
	Outages   *outage.Service
	Signals   *signals.Service
	Stock     *stock.Service

	BreakGlass *breakglass.Service
	Censuses   *census.Service
	Risks      *risk.Service

	TicketSystems *ticketsystem.Service
	Consumers     *consumer.Service
	Alarms        *alarm.Service
	Exports       *export.Service
	Retention     *retention.Service
	Checkpoints   *checkpoint.Service
	Trail         *trail.Service
	Views         *trailview.Service
}

// place is a part of the console: its address, its name in the catalogue, who
// may open it.
type place struct {
	path, name, icon string
	needs            access.Permission
}

// places are the lines of the navigation, under their heads and in their order.
var places = []struct {
	head  string
	lines []place
}{
	{"", []place{
		{"", "overview", "home", access.ConsoleEnter},
		{approvalsPath, "approvals", "check", access.ConsoleEnter},
	}},
	{"people", []place{
		{"/users", "people", "users", access.AuthenticatorView},
		{"/groups", "groups", "grid", access.AuthenticatorView},
		{"/roles", "roles", "shield", access.RoleView},
		{stockPath, "stock", "printer", access.AuthenticatorView},
	}},
	{"helpdesk", []place{
		{casesPath, "cases", "case", access.CaseView},
		{bypassesPath, "bypasses", "key", access.CaseView},
		{callBacksPath, "call_backs", "call", access.RebindRequest},
		{agentsPath, "agents", "chart", access.AuditRead},
	}},
	{"evidence", []place{
		{alarmsPath, "alarms", "warn", access.AuditReadPersonal},
		{auditPath, "audit", "clock", access.AuditRead},
		{exportsPath, "exports", "list", access.AuditExport},
		{retentionPath, "retention", "pause", access.AuditReadPersonal},
		{insightsPath, "insights", "chart", access.RolloutEdit},
		{risksPath, "risks", "warn", access.AuditVerify},
		{censusPath, "census", "list", access.AuditVerify},
	}},
	{"rules", []place{
		{rolloutPath, "rollout", "list", access.RolloutEdit},
		{policyPath, "policy", "key", access.PolicyEdit},
		{campaignPath, "campaign", "phone", access.RolloutEdit},
		{passcodesPath, "passcodes", "warn", access.PolicyEdit},
		{placesPath, "places", "globe", access.PolicyEdit},
		{deskRulesPath, "desk", "call", access.PolicyEdit},
		{"/settings", "settings", "sliders", access.PolicyEdit},
	}},
	{"emergencies", []place{
		{outagePath, "outage", "warn", access.OutageHandle},
		{breakGlassPath, "break_glass", "key", access.OutageHandle},
	}},
	{"connections", []place{
		{providersPath, "providers", "message", access.IntegrationEdit},
		{ticketSystemPath, "ticket_system", "case", access.IntegrationEdit},
		{applicationsPath, "applications", "grid", access.IntegrationEdit},
		{consumersPath, "consumers", "monitor", access.IntegrationEdit},
		{grantsPath, "grants", "monitor", access.OperatorGrant},
	}},
}

// Routes is the map of the console.
func (h *Pages) Routes() []web.Route {
	routes := []web.Route{
		web.Get("/admin", access.AccountView, h.chooser),
		web.Get("/admin/:tenant", access.ConsoleEnter, h.overview),
	}
	return slices.Concat(
		routes, h.peopleRoutes(), h.groupRoutes(), h.importRoutes(), h.roleRoutes(), h.approvalRoutes(), h.settingsRoutes(), h.rolloutRoutes(), h.rampRoutes(), h.policyRoutes(), h.replayRoutes(), h.differenceRoutes(), h.insightRoutes(), h.outageRoutes(), h.breakGlassRoutes(), h.censusRoutes(), h.riskRoutes(), h.campaignRoutes(), h.passcodeRoutes(), h.providerRoutes(), h.placeRoutes(), h.applicationRoutes(), h.grantRoutes(), h.searchRoutes(), h.ticketRoutes(), h.caseRoutes(), h.callerCheckRoutes(), h.bypassRoutes(), h.callBackRoutes(), h.deskRoutes(), h.ticketSystemRoutes(), h.signalRoutes(), h.stockRoutes(), h.checkpointRoutes(), h.auditRoutes(), h.auditViewRoutes(), h.storyRoutes(), h.alarmRoutes(), h.consumerRoutes(), h.exportRoutes(), h.retentionRoutes(), h.stayRoutes(),
	)
}

// page is the frame of a page of the console: the tenant of the path, what this
// person is there, and the places that they may open. current is a place's path.
func (h *Pages) page(c echo.Context, current string) component.Page {
	ctx, at, me := web.Context(c), web.Here(c), h.Site.Standing(c)
	page := h.glassBanner(c, h.outageBanner(c, h.Site.Page(c)))
	page.TenantName, page.Role, page.RoleEndsAt = at.Name, web.RoleName(ctx, me.Role, me.Name), me.EndsAt
	if web.Session(c).TenantID != at.ID {
		page.ChooserHref = "/admin" // an operator, whom other tenants may let in too
	}
	page.Menu = h.menu(c, current)
	ends, last := web.Session(c).ConsoleEndsAt()
	page.ConsoleEndsAt, page.ConsoleEndsForGood = ends, last
	page.SearchHref, page.StayHref = h.path(c, "/search"), h.path(c, "/stay")
	if c.Request().Method == http.MethodPost {
		page.Ticket = component.Ticket{Action: c.Request().URL.EscapedPath(), Typed: web.Form(c, "ticket")}
		page.Ticket.Error, _ = c.Get(ticketWrong).(string)
	}
	return page
}

// menu is the navigation: the places that this person may open, and the heads that have any.
func (h *Pages) menu(c echo.Context, current string) (items []component.MenuItem) {
	ctx := web.Context(c)
	for _, group := range places {
		head := group.head
		for _, p := range group.lines {
			if h.Site.Rules.Allow(web.Here(c).ID, web.Session(c).UserID, p.needs) != nil {
				continue
			}
			if head != "" {
				items = append(items, component.MenuItem{Label: words.Say(ctx, "console.head."+head)})
				head = ""
			}
			item := component.MenuItem{
				Label: words.Say(ctx, "console."+p.name+".title"), Icon: p.icon, Href: h.path(c, p.path), Current: p.path == current,
			}
			if p.path == approvalsPath {
				item.Badge, item.Live = h.waiting(c), h.path(c, approvalsPath+"/live")
			}
			if p.path == callBacksPath {
				item.Badge = h.calling(c)
			}
			if p.path == alarmsPath {
				item.Badge = h.alarming(c)
			}
			items = append(items, item)
		}
	}
	return items
}

// path is an address in the console of the tenant that the request is about.
func (h *Pages) path(c echo.Context, rest string) string {
	return "/admin/" + url.PathEscape(web.Here(c).Slug) + rest
}

// act begins an act of whoever asks, in the tenant of the path.
func (h *Pages) act(c echo.Context, kind approval.Kind, targetID string) approval.Act {
	return approval.Act{
		Kind: kind, TenantID: web.Here(c).ID, ActorID: web.Session(c).UserID, TargetID: targetID,
		Reason: web.Form(c, "reason"), Ticket: web.Form(c, "ticket"), Origin: web.Origin(c),
	}
}

// submit carries an act out and goes on to a page of this console, such as
// "/users/ID?done=locked"; an act that waits for approval leads to its request.
// Invalid comes back to the caller, who shows the form again.
func (h *Pages) submit(c echo.Context, act approval.Act, to string) error {
	out, err := h.Approvals.Submit(c.Request().Context(), act)
	switch {
	case err != nil:
		return err
	case out.Waits():
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	return web.Redirect(c, h.path(c, to))
}

// ticketWrong is under which a request keeps what is wrong with its ticket, for the page
// that it makes.
const ticketWrong = "console.ticket"

// wrong gives the words for the fields of a form that fails, or ok false when
// err is something else.
func wrong(c echo.Context, err error) (fields map[string]string, ok bool) {
	if !errors.Is(err, fault.Invalid) {
		return nil, false
	}
	f := fault.Of(err)
	fields = map[string]string{}
	for field, code := range f.Fields {
		fields[field] = web.Sentence(c, code, f.Detail)
	}
	c.Set(ticketWrong, fields["ticket"])
	return fields, true
}
