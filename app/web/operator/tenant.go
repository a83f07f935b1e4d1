package operator

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/operator"
	"latchkey/app/secret"
	"latchkey/app/tenant"
	"latchkey/app/web"
	views "latchkey/views/operator"
	"latchkey/views/words"
)

func (h *Pages) tenant(c echo.Context) error {
	return h.show(c, http.StatusOK, func(*views.Tenant) {})
}

// show shows the page of a tenant, changed by what became of a form on it.
func (h *Pages) show(c echo.Context, status int, change func(*views.Tenant)) error {
	ctx := web.Context(c)
	d, err := h.Operator.Tenant(ctx, c.Param("tenant"))
	if err != nil {
		return err
	}
	page := h.frame(c, "/operator/tenants")
	v := views.Tenant{
		Name: d.Name, Slug: d.Slug, Base: base(d.Slug), Region: words.Say(ctx, "setup.region."+d.Region), Ring: words.Say(ctx, "operator.ring."+d.Ring),
		State: words.Say(ctx, "operator.state."+d.State), Tone: tones[d.State], Suspended: d.State == tenant.Suspended, CreatedAt: d.CreatedAt,
		People: words.Say(ctx, "operator.people.count", "count", strconv.Itoa(d.People)), Administrators: strconv.Itoa(d.Administrators),
		Change: views.Change{
			Typed:   views.TenantForm{Name: d.Name, Version: strconv.Itoa(d.Version)},
			Regions: choices(c, tenant.Regions, "setup.region.", d.Region), Rings: choices(c, tenant.Rings, "operator.ring.", d.Ring),
		},
	}
	turn := "suspend"
	if v.Suspended {
		turn = "resume"
	}
	v.TurnText = words.Say(ctx, "operator."+turn+".text", "count", strconv.Itoa(d.People))
	if d.StateChangedAt != nil && v.Suspended {
		v.StateReason, v.StateChangedAt = d.StateReason, *d.StateChangedAt
	}
	for i, domain := range d.Domains {
		v.Domains = append(v.Domains, shown(ctx, d, domain, strconv.Itoa(i+1)))
	}
	for _, g := range d.Grants {
		v.Grants = append(v.Grants, granted(ctx, g, page.Now))
	}
	for _, e := range d.History {
		v.History = append(v.History, happened(ctx, e))
	}
	if v.Link, err = h.linkOf(c, d); err != nil {
		return err
	}
	change(&v)
	return web.Render(c, status, views.TenantPage(page, v))
}

// linkOf is the set-up link of a tenant that has no administrator yet. Its text
// is there once, on the page that follows its making.
func (h *Pages) linkOf(c echo.Context, d operator.Details) (views.Link, error) {
	link := views.Link{Needed: !d.Secured && d.State == tenant.Active}
	if d.LinkEndsAt != nil {
		link.EndsAt = *d.LinkEndsAt
	}
	token := secret.TokenOf(h.Site.Shown(c))
	if !link.Needed || token.Empty() {
		return link, nil
	}
	i, err := h.Setup.Check(c.Request().Context(), token)
	if errors.Is(err, fault.NotFound) {
		return link, nil
	}
	if err == nil && i.TenantID == d.ID {
		link.Text = h.Site.PublicURL + "/setup/" + token.Reveal()
	}
	return link, err
}

func shown(ctx context.Context, d operator.Details, domain operator.Domain, id string) views.Domain {
	v := views.Domain{
		ID: id, Name: domain.Domain, Verified: domain.Verified, At: domain.At, CanRemove: d.CanRemove(domain),
		People: words.Say(ctx, "operator.people.count", "count", strconv.Itoa(domain.People)), RemoveText: words.Say(ctx, "operator.domain.remove.claim"),
	}
	switch {
	case domain.Verified:
		v.State, v.Tone = words.Say(ctx, "operator.domain.verified"), "good"
		v.RemoveText = words.Say(ctx, "operator.domain.remove.text", "domain", domain.Domain, "count", strconv.Itoa(domain.People))
	case domain.Taken:
		v.State, v.Tone = words.Say(ctx, "operator.domain.taken"), "bad"
	default:
		v.State, v.Tone = words.Say(ctx, "operator.domain.unproved"), "warn"
		v.RecordName, v.RecordValue = domain.Record.Name, domain.Record.Value
	}
	return v
}

func granted(ctx context.Context, g operator.Granted, now time.Time) views.Grant {
	v := views.Grant{
		Operator: g.Operator, Role: words.Say(ctx, "role."+string(g.Role)), Reason: g.Reason, GrantedAt: g.GrantedAt, EndsAt: g.EndsAt,
		State: words.Say(ctx, "grant.state.active"), Tone: "warn",
	}
	if !g.Active(now) {
		v.State, v.Tone = words.Say(ctx, "grant.state.over"), ""
	}
	if g.EndedAt != nil {
		v.EndsAt = *g.EndedAt
	}
	return v
}

func happened(ctx context.Context, e operator.Happened) views.Event {
	v := views.Event{At: e.At, What: words.Say(ctx, "activity."+string(e.Action)), Detail: e.Details["domain"], Who: e.Operator, Why: e.Reason}
	if e.Action == audit.TenantChanged {
		v.Detail = changed(ctx, e.Details)
	}
	if v.Who == "" {
		v.Who = words.Say(ctx, "operator.history.tenant")
	}
	if key := "failure." + e.Reason; e.Outcome != audit.Success && words.Has(ctx, key) {
		v.Why = words.Say(ctx, key)
	}
	if e.Action == audit.GrantEnded && e.Reason != "" {
		v.Who, v.Why = words.Say(ctx, "operator.history.clock"), ""
	}
	return v
}

// changed says what is new of the facts of a tenant, and what it was before.
func changed(ctx context.Context, details map[string]string) string {
	var all []string
	for _, fact := range []struct{ name, family string }{{"name", ""}, {"region", "setup.region."}, {"ring", "operator.ring."}} {
		is, was := details[fact.name], details[fact.name+"_was"]
		if is == was {
			continue
		}
		if fact.family != "" {
			is, was = words.Say(ctx, fact.family+is), words.Say(ctx, fact.family+was)
		}
		all = append(all, words.Say(ctx, "operator.history.change", "what", words.Say(ctx, "operator."+fact.name), "is", is, "was", was))
	}
	return strings.Join(all, ". ")
}

func (h *Pages) claim(c echo.Context) error {
	typed := web.Form(c, "domain")
	err := h.Operator.Claim(c.Request().Context(), c.Param("tenant"), typed, by(c), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.show(c, unprocessable, func(v *views.Tenant) {
			v.Claim = views.Claim{Typed: typed, Error: sentences(c, err)["domain"]}
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=domain_claimed")
}

func (h *Pages) verify(c echo.Context) error {
	err := h.Operator.Verify(c.Request().Context(), c.Param("tenant"), c.Param("domain"), by(c), web.Origin(c))
	if err != nil {
		return h.refusedDomain(c, err)
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=domain_verified")
}

func (h *Pages) remove(c echo.Context) error {
	err := h.Operator.Remove(c.Request().Context(), c.Param("tenant"), c.Param("domain"), by(c), web.Origin(c))
	if err != nil {
		return h.refusedDomain(c, err)
	}
	return web.Redirect(c, base(c.Param("tenant"))+"?done=domain_removed")
}

// refusedDomain says beside the domain why nothing was done with it.
func (h *Pages) refusedDomain(c echo.Context, err error) error {
	if !errors.Is(err, fault.Invalid) {
		return err
	}
	return h.show(c, unprocessable, func(v *views.Tenant) {
		for i := range v.Domains {
			if v.Domains[i].Name == c.Param("domain") {
				v.Domains[i].Error = sentences(c, err)["domain"]
			}
		}
	})
}
