package operator

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/tenant"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/operator"
	"latchkey/views/words"
)

// textMost is how much of what is searched for counts.
const textMost = 100

var states = []string{tenant.Active, tenant.Suspended}

// tones of the states of a tenant.
var tones = map[string]string{tenant.Active: "good", tenant.Suspended: "bad"}

func (h *Pages) tenants(c echo.Context) error {
	ctx := web.Context(c)
	f := operator.Filter{
		Text: clip(c.QueryParam("q"), textMost), Region: c.QueryParam("region"), Ring: c.QueryParam("ring"), State: c.QueryParam("state"), After: c.QueryParam("after"),
	}
	rows, next, err := h.Operator.Tenants(ctx, f)
	if err != nil {
		return err
	}
	any := func(family string, values []string, chosen string) []component.Choice {
		all := component.Choice{Label: words.Say(ctx, "operator.filter.any"), Chosen: chosen == ""}
		return append([]component.Choice{all}, choices(c, values, family, chosen)...)
	}
	v := views.Tenants{
		Text: f.Text, Regions: any("setup.region.", tenant.Regions, f.Region), Rings: any("operator.ring.", tenant.Rings, f.Ring), States: any("operator.state.", states, f.State),
		None: len(rows) == 0 && f == operator.Filter{},
	}
	for _, r := range rows {
		row := views.TenantRow{
			Name: r.Name, Slug: r.Slug, Href: base(r.Slug), Region: words.Say(ctx, "setup.region."+r.Region), Ring: words.Say(ctx, "operator.ring."+r.Ring),
			State: words.Say(ctx, "operator.state."+r.State), Tone: tones[r.State], CreatedAt: r.CreatedAt,
		}
		for _, d := range r.Domains {
			row.Domains = append(row.Domains, views.DomainName{Name: d.Domain, Unproved: !d.Verified})
		}
		v.Rows = append(v.Rows, row)
	}
	if f.After != "" {
		v.First = listAt(f, "")
	}
	if next != "" {
		v.Next = listAt(f, next)
	}
	return web.Render(c, http.StatusOK, views.TenantsPage(h.frame(c, "/operator/tenants"), v))
}

// listAt is the address of a page of the list, filtered as it is.
func listAt(f operator.Filter, after string) string {
	query := url.Values{}
	for name, value := range map[string]string{"q": f.Text, "region": f.Region, "ring": f.Ring, "state": f.State, "after": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return "/operator/tenants"
	}
	return "/operator/tenants?" + query.Encode()
}

// clip gives at most the first letters of text.
func clip(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most])
	}
	return text
}

func base(slug string) string { return "/operator/tenants/" + url.PathEscape(slug) }

func (h *Pages) newTenant(c echo.Context) error {
	return h.showNew(c, http.StatusOK, views.NewTenant{
		Regions: choices(c, tenant.Regions, "setup.region.", tenant.Regions[0]),
		Rings:   choices(c, tenant.Rings, "operator.ring.", tenant.Rings[len(tenant.Rings)-1]),
	})
}

func (h *Pages) showNew(c echo.Context, status int, v views.NewTenant) error {
	return web.Render(c, status, views.NewTenantPage(h.frame(c, "/operator/tenants"), v))
}

func (h *Pages) create(c echo.Context) error {
	n := operator.New{
		Name: web.Form(c, "tenant_name"), Slug: web.Form(c, "tenant_slug"), Domain: web.Form(c, "domain"), Region: web.Form(c, "region"), Ring: web.Form(c, "ring"),
	}
	made, err := h.Operator.Create(c.Request().Context(), n, by(c), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showNew(c, unprocessable, views.NewTenant{
			Typed: views.TenantForm{Name: n.Name, Slug: n.Slug, Domain: n.Domain}, Errors: sentences(c, err),
			Regions: choices(c, tenant.Regions, "setup.region.", n.Region), Rings: choices(c, tenant.Rings, "operator.ring.", n.Ring),
		})
	}
	if err != nil {
		return err
	}
	h.Site.ShowOnce(c, made.Link.Reveal())
	return web.Redirect(c, base(made.Slug)+"?done=tenant_made")
}

func (h *Pages) change(c echo.Context) error {
	version, _ := strconv.Atoi(web.Form(c, "version")) // what is no number is no version either
	f := operator.Facts{Name: web.Form(c, "tenant_name"), Region: web.Form(c, "region"), Ring: web.Form(c, "ring"), Version: version}
	err := h.Operator.Change(c.Request().Context(), c.Param("tenant"), f, by(c), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.show(c, unprocessable, func(v *views.Tenant) {
			v.Change = views.Change{
				Typed: views.TenantForm{Name: f.Name, Version: web.Form(c, "version")}, Errors: sentences(c, err),
				Regions: choices(c, tenant.Regions, "setup.region.", f.Region), Rings: choices(c, tenant.Rings, "operator.ring.", f.Ring),
			}
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=tenant_changed")
}

func (h *Pages) suspend(c echo.Context) error {
	reason := web.Form(c, "reason")
	err := h.Operator.Suspend(c.Request().Context(), c.Param("tenant"), reason, by(c), web.Origin(c))
	if err != nil {
		return h.noReason(c, err, reason)
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=tenant_suspended")
}

func (h *Pages) resume(c echo.Context) error {
	reason := web.Form(c, "reason")
	err := h.Operator.Resume(c.Request().Context(), c.Param("tenant"), reason, by(c), web.Origin(c))
	if err != nil {
		return h.noReason(c, err, reason)
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=tenant_resumed")
}

// noReason shows the question for the reason again, when that was what failed.
func (h *Pages) noReason(c echo.Context, err error, typed string) error {
	if !errors.Is(err, fault.Invalid) {
		return err
	}
	return h.show(c, unprocessable, func(v *views.Tenant) {
		v.Turn = views.Reason{Typed: typed, Error: sentences(c, err)["reason"], Open: true}
	})
}

func (h *Pages) link(c echo.Context) error {
	link, err := h.Operator.Invite(c.Request().Context(), c.Param("tenant"), by(c), web.Origin(c))
	if err != nil {
		return err
	}
	h.Site.ShowOnce(c, link.Reveal())
	return web.Redirect(c, base(c.Param("tenant"))+"?done=link_made")
}
