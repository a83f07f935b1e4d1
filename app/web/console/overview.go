package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/breakglass"
	"latchkey/app/cases"
	"latchkey/app/overview"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// chooser lists the tenants that a person may enter: their own, where they hold a
// role, and for an operator those that let them in. It is no page of a tenant, so
// no permission in one opens it.
func (h *Pages) chooser(c echo.Context) error {
	ctx, who, me := web.Context(c), web.Session(c), h.Site.Standing(c)
	v := views.Chooser{Operator: who.TenantID == access.Platform && me.Role == access.RoleOperator}
	if me.May.Has(access.ConsoleEnter) {
		v.Tenants = append(v.Tenants, views.Tenant{Name: who.TenantName, Role: web.RoleName(ctx, me.Role, me.Name), Href: "/admin/" + url.PathEscape(who.TenantSlug), EndsAt: me.EndsAt})
	}
	if v.Operator {
		doors, err := h.Operator.Doors(ctx, who.UserID)
		if err != nil {
			return err
		}
		for _, d := range doors {
			// The table that opens them may be two seconds older than what was read here.
			if h.Site.Rules.Allow(d.TenantID, who.UserID, access.ConsoleEnter) == nil {
				v.Tenants = append(v.Tenants, views.Tenant{
					Name: d.Name, Role: web.RoleName(ctx, d.Role, ""), Region: words.Say(ctx, "setup.region."+d.Region), Href: "/admin/" + url.PathEscape(d.Slug), EndsAt: d.EndsAt,
				})
			}
		}
	}
	if len(v.Tenants) == 0 && !v.Operator {
		return h.Site.Forbid(c, access.ConsoleEnter)
	}
	return web.Render(c, http.StatusOK, views.ChooserPage(h.Site.Page(c), v))
}

// overview says what needs attention: requests that wait for this person, and,
// to those who look after the whole tenant, who may be left without a way in.
func (h *Pages) overview(c echo.Context) error {
	ctx, at, who := web.Context(c), web.Here(c), web.Session(c)
	n, err := h.Approvals.Waiting(ctx, at.ID, who.UserID)
	if err != nil {
		return err
	}
	var v views.Overview
	if n > 0 {
		v.Attention = append(v.Attention, views.Attention{
			Text: words.Say(ctx, "console.overview.approvals.title", "count", strconv.Itoa(n)), Why: words.Say(ctx, "console.overview.approvals.text"),
			Href: h.path(c, "/approvals"), Label: words.Say(ctx, "console.overview.approvals.act"), Tone: "warn",
		})
	}
	me := h.Site.Standing(c)
	if me.May.Has(access.RebindRequest) {
		waits, err := h.Vouches.Waiting(ctx, me)
		if err != nil {
			return err
		}
		if waits > 0 {
			v.Attention = append(v.Attention, views.Attention{
				Text: words.Say(ctx, "console.overview.call_backs.title", "count", strconv.Itoa(waits)), Why: words.Say(ctx, "console.overview.call_backs.text"),
				Href: h.path(c, callBacksPath), Label: words.Say(ctx, "console.overview.look"), Tone: "bad",
			})
		}
	}
	if me.May.Has(access.AuditReadPersonal) {
		open, err := h.Alarms.Open(ctx, at.ID)
		if err != nil {
			return err
		}
		if open > 0 {
			v.Attention = append(v.Attention, views.Attention{
				Text: words.Say(ctx, "console.overview.alarms.title", "count", strconv.Itoa(open)), Why: words.Say(ctx, "console.overview.alarms.text"),
				Href: h.path(c, alarmsPath), Label: words.Say(ctx, "console.overview.look"), Tone: "bad",
			})
		}
	}
	if len(me.Scope) == 0 && me.May.Has(access.AuthenticatorView) {
		counts, err := overview.Of(ctx, h.Site.DB, h.Site.Rules, at.ID)
		if err != nil {
			return err
		}
		v.Attention = append(v.Attention, h.attention(ctx, c, counts, me.May.Has(access.RoleAssign))...)
	}
	return web.Render(c, http.StatusOK, views.OverviewPage(h.page(c, ""), v))
}

// attention puts the counts that are not as they should be into words; those of
// administrators for people who give roles alone.
func (h *Pages) attention(ctx context.Context, c echo.Context, n overview.Counts, givesRoles bool) []views.Attention {
	people := func(filter string) string { return h.path(c, "/users?"+filter) }
	look := words.Say(ctx, "console.overview.look")
	var all []views.Attention
	if givesRoles && n.SecurityAdministrators < 2 {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.security.title"), Why: words.Say(ctx, "console.overview.security.text"),
			Href: h.path(c, "/roles"), Label: look, Tone: "bad",
		})
	}
	if givesRoles && n.WithoutPhone > 0 {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.without_phone.title", "count", strconv.Itoa(n.WithoutPhone)), Why: words.Say(ctx, "console.overview.without_phone.text"),
			Href: h.path(c, "/roles"), Label: look, Tone: "warn",
		})
	}
	if n.Untaken > 0 && h.Site.Standing(c).May.Has(access.CaseHandle) {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.untaken.title", "count", capped(n.Untaken)), Why: words.Say(ctx, "console.overview.untaken.text"),
			Href: h.path(c, casesPath+"?owner="+cases.Nobody), Label: look, Tone: "warn",
		})
	}
	if n.Passcodes > 0 && h.Site.Standing(c).May.Has(access.PolicyEdit) {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.passcodes.title", "count", strconv.Itoa(n.Passcodes)), Why: words.Say(ctx, "console.overview.passcodes.text"),
			Href: h.path(c, passcodesPath), Label: look, Tone: "bad",
		})
	}
	if h.Site.Standing(c).May.Has(access.OutageHandle) {
		if n.Failing > 0 {
			all = append(all, views.Attention{
				Text: words.Say(ctx, "console.overview.failing.title", "count", strconv.Itoa(n.Failing)), Why: words.Say(ctx, "console.overview.failing.text"),
				Href: h.path(c, outagePath), Label: look, Tone: "bad",
			})
		}
		if n.Unsigned > 0 {
			all = append(all, views.Attention{
				Text: words.Say(ctx, "console.overview.unsigned.title", "count", strconv.Itoa(n.Unsigned)), Why: words.Say(ctx, "console.overview.unsigned.text"),
				Href: h.path(c, outagePath), Label: look, Tone: "warn",
			})
		}
		if n.BreakGlass < breakglass.Advised {
			all = append(all, views.Attention{
				Text: words.Say(ctx, "console.overview.break_glass.title", "count", strconv.Itoa(n.BreakGlass)), Why: words.Say(ctx, "console.overview.break_glass.text"),
				Href: h.path(c, breakGlassPath), Label: look, Tone: "warn",
			})
		}
		if n.DrillsDue > 0 {
			all = append(all, views.Attention{
				Text: words.Say(ctx, "console.overview.drill_due.title", "count", strconv.Itoa(n.DrillsDue)), Why: words.Say(ctx, "console.overview.drill_due.text"),
				Href: h.path(c, breakGlassPath), Label: look, Tone: "warn",
			})
		}
	}
	if n.Consumers > 0 && h.Site.Standing(c).May.Has(access.IntegrationEdit) {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.consumers.title", "count", strconv.Itoa(n.Consumers)), Why: words.Say(ctx, "console.overview.consumers.text"),
			Href: h.path(c, consumersPath), Label: look, Tone: "bad",
		})
	}
	if n.Differing > 0 && h.Site.Standing(c).May.Has(access.PolicyEdit) {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.differ.title", "count", capped(n.Differing)), Why: words.Say(ctx, "console.overview.differ.text"),
			Href: h.path(c, differencesPath), Label: look, Tone: "bad",
		})
	}
	if n.NoWay > 0 {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.no_way.title", "count", capped(n.NoWay)), Why: words.Say(ctx, "console.overview.no_way.text"),
			Href: people("risk=1"), Label: look, Tone: "bad",
		})
	}
	if n.Locked > 0 {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.locked.title", "count", capped(n.Locked)), Why: words.Say(ctx, "console.overview.locked.text"),
			Href: people("state=locked"), Label: look,
		})
	}
	if n.AtRisk > 0 {
		all = append(all, views.Attention{
			Text: words.Say(ctx, "console.overview.at_risk.title", "count", capped(n.AtRisk)), Why: words.Say(ctx, "console.overview.at_risk.text"),
			Href: people("risk=1"), Label: look,
		})
	}
	return all
}

// capped is a count that stopped early, such as "1000+".
func capped(n int) string {
	if n >= overview.Most {
		return strconv.Itoa(overview.Most) + "+"
	}
	return strconv.Itoa(n)
}
