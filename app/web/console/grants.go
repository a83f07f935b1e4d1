package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// grantsPath is the place of the console for whom the tenant lets in.
const grantsPath = "/settings/grants"

func (h *Pages) grantRoutes() []web.Route {
	const list = "/admin/:tenant" + grantsPath
	return []web.Route{
		web.Get(list, access.OperatorGrant, h.grants),
		web.Post(list, access.OperatorGrant, h.grant),
		web.Get(list+"/new", access.OperatorGrant, h.newGrant),
		web.Post(list+"/:grant/end", access.OperatorGrant, h.endGrant),
	}
}

func grantsAt(c echo.Context) string { return "/admin/" + web.Here(c).Slug + grantsPath }

func (h *Pages) grants(c echo.Context) error {
	page := h.page(c, grantsPath)
	ctx := web.Context(c)
	grants, err := h.Operator.GrantsOf(ctx, web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.Grants{Base: grantsAt(c)}
	for _, g := range grants {
		row := views.GrantRow{
			ID: g.ID, Operator: g.Operator, Role: words.Say(ctx, "role."+string(g.Role)), Reason: g.Reason, Ticket: h.ticketRef(c, g.Ticket), By: g.GrantedBy, GrantedAt: g.GrantedAt, EndsAt: g.EndsAt,
			State: words.Say(ctx, "grant.state.over"),
		}
		if g.Active(page.Now) {
			row.State, row.Tone, row.CanEnd = words.Say(ctx, "grant.state.active"), "warn", true
			row.EndText = words.Say(ctx, "grant.end.text", "name", g.Operator)
		} else if g.EndedAt != nil {
			row.EndsAt = *g.EndedAt
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.GrantsPage(page, v))
}

// newGrant asks for a fresh proof before anything is typed, so that nothing is lost.
func (h *Pages) newGrant(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showGrant(c, http.StatusOK, views.GrantForm{Hours: strconv.Itoa(operator.GrantHours)}, access.RoleAuditor, nil)
}

func (h *Pages) showGrant(c echo.Context, status int, typed views.GrantForm, role access.Role, codes map[string]string) error {
	page := h.page(c, grantsPath)
	v := views.NewGrant{Base: grantsAt(c), Typed: typed, Errors: map[string]string{}}
	for field, code := range codes {
		v.Errors[field] = web.Sentence(c, code, "")
	}
	ctx := web.Context(c)
	for _, r := range operator.GrantRoles {
		v.Roles = append(v.Roles, component.Choice{
			Value: string(r), Label: words.Say(ctx, "role."+string(r)), Hint: words.Say(ctx, "grant.role."+string(r)), Chosen: r == role,
		})
	}
	return web.Render(c, status, views.NewGrantPage(page, v))
}

func (h *Pages) grant(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who := web.Session(c)
	typed := views.GrantForm{Operator: web.Form(c, "operator"), Hours: web.Form(c, "hours"), Reason: web.Form(c, "reason")}
	hours, _ := strconv.Atoi(strings.TrimSpace(typed.Hours)) // what is no number is no length either
	offer := operator.Offer{Operator: typed.Operator, Role: access.Role(web.Form(c, "role")), Hours: hours, Reason: typed.Reason, Ticket: web.Form(c, "ticket")}
	_, err := h.Operator.Grant(c.Request().Context(), web.Here(c).ID, who.UserID, offer, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showGrant(c, http.StatusUnprocessableEntity, typed, offer.Role, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, grantsAt(c)+"?done=grant_given")
}

// endGrant asks for no fresh proof: to shut a door must be easy.
func (h *Pages) endGrant(c echo.Context) error {
	who := web.Session(c)
	if err := h.Operator.EndGrant(c.Request().Context(), web.Here(c).ID, who.UserID, c.Param("grant"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, grantsAt(c)+"?done=grant_ended")
}
