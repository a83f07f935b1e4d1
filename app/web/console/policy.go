package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/method"
	"latchkey/app/policy"
	"latchkey/app/replay"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const policyPath = "/policy"

func (h *Pages) policyRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+policyPath, access.PolicyEdit, h.policy),
		web.Post("/admin/:tenant"+policyPath, access.PolicyEdit, h.changePolicy),
		web.Get("/admin/:tenant"+whatIfPath, access.PolicyEdit, h.whatIf),
	}
}

func (h *Pages) policy(c echo.Context) error {
	if form := c.QueryParams(); form.Has("version") { // a draft that was tried
		typed, numbers := policyOf(form)
		return h.showPolicy(c, http.StatusOK, policyForm{Policy: typed, numbers: numbers, reason: form.Get("reason")})
	}
	now, err := h.Policy.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showPolicy(c, http.StatusOK, policyForm{Policy: now})
}

// policyForm is the form as it was typed.
type policyForm struct {
	policy.Policy
	numbers map[string]string // of limits, letter by letter
	reason  string
	wrong   map[string]string
	lacks   *views.Lacks // a replay of it, which has to stand first
}

func (h *Pages) changePolicy(c echo.Context) error {
	form := c.Request().PostForm
	typed := policyForm{reason: web.Form(c, "reason")}
	typed.Policy, typed.numbers = policyOf(form)
	var err error
	if form.Get("do") == "replay" {
		err = h.Policy.Check(c.Request().Context(), web.Here(c).ID, typed.Policy)
		if err == nil {
			return h.replayDraft(c, typed.Put)
		}
	} else {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
		err = h.submit(c, h.act(c, policy.KindChange, "").With(typed.Policy), policyPath+"?done=saved")
	}
	if fields, ok := wrong(c, err); ok {
		typed.wrong = fields
		return h.showPolicy(c, http.StatusUnprocessableEntity, typed)
	}
	if running, lacks := replay.Lacks(err); lacks {
		typed.lacks = h.lacks(c, err, running)
		return h.showPolicy(c, http.StatusConflict, typed)
	}
	return err
}

// policyOf reads the form, and gives the numbers as they were typed. What is no
// number is none that is allowed.
func policyOf(form url.Values) (policy.Policy, map[string]string) {
	numbers := map[string]string{}
	p := policy.Policy{Rules: map[string]policy.Rule{}, StrongestFirst: form.Get("order") == "strongest"}
	p.Version, _ = strconv.Atoi(form.Get("version"))
	for _, w := range method.Ways {
		r := policy.Rule{Groups: form["groups_"+w.Name]}
		for _, use := range w.Uses {
			if form.Has(w.Name + "." + string(use)) {
				r = r.With(use)
			}
		}
		p.Rules[w.Name] = r
	}
	for _, l := range policy.Limits {
		numbers[l.Name] = strings.TrimSpace(form.Get(l.Name))
		*p.Number(l.Name), _ = strconv.Atoi(numbers[l.Name])
	}
	return p, numbers
}

// query is a policy as an address that shows it in the form.
func policyQuery(p policy.Policy) url.Values {
	q := url.Values{"version": {strconv.Itoa(p.Version)}, "order": {"habit"}}
	if p.StrongestFirst {
		q.Set("order", "strongest")
	}
	for _, w := range method.Ways {
		r := p.Rules[w.Name]
		for _, use := range w.Uses {
			if r.For(use) {
				q.Set(w.Name+"."+string(use), "on")
			}
		}
		if len(r.Groups) > 0 {
			q["groups_"+w.Name] = r.Groups
		}
	}
	for _, l := range policy.Limits {
		q.Set(l.Name, strconv.Itoa(*p.Number(l.Name)))
	}
	return q
}

func (h *Pages) showPolicy(c echo.Context, status int, form policyForm) error {
	p, numbers, errors := form.Policy, form.numbers, form.wrong
	ctx, tenantID := web.Context(c), web.Here(c).ID
	groups, err := h.Policy.Groups(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	history, err := h.Policy.History(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	v := views.Policy{Action: h.path(c, policyPath), WhatIfHref: h.path(c, whatIfPath), ReplayHref: h.path(c, replayPath), Version: strconv.Itoa(p.Version), Reason: form.reason, Errors: errors, Lacks: form.lacks}
	order := []string{"sign_in"}
	uses := []method.Use{method.SignIn, method.Second, method.Recovery}
	for _, use := range uses {
		v.Uses = append(v.Uses, words.Say(ctx, "policy.use."+string(use)))
	}
	for _, w := range method.Ways {
		rule := p.Rules[w.Name]
		row := views.PolicyWay{
			Name: "groups_" + w.Name, Title: words.Say(ctx, "policy.way."+w.Name), Text: words.Say(ctx, "policy.about."+w.Name),
			For: words.Say(ctx, "policy.everybody"), Error: errors["groups_"+w.Name], Open: errors["groups_"+w.Name] != "",
		}
		for i, use := range uses {
			box := views.PolicyUse{Label: v.Uses[i], On: rule.For(use), Heard: words.Say(ctx, "policy.use_of", "way", row.Title, "use", v.Uses[i])}
			if slices.Contains(w.Uses, use) {
				box.Name = w.Name + "." + string(use)
			}
			row.Uses = append(row.Uses, box)
		}
		var chosen []string
		for _, g := range groups {
			in := slices.Contains(rule.Groups, g.ID)
			if in {
				chosen = append(chosen, g.Name)
			}
			row.Groups = append(row.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: in})
		}
		if len(chosen) > 0 {
			row.For = strings.Join(chosen, ", ")
		}
		v.Ways, order = append(v.Ways, row), append(order, row.Name)
	}
	v.Order = []component.Choice{
		{Value: "habit", Label: words.Say(ctx, "policy.order.habit"), Chosen: !p.StrongestFirst},
		{Value: "strongest", Label: words.Say(ctx, "policy.order.strongest"), Hint: words.Say(ctx, "policy.order.strongest_hint"), Chosen: p.StrongestFirst},
	}
	for _, l := range policy.Limits {
		typed, ok := numbers[l.Name]
		if !ok {
			typed = strconv.Itoa(*p.Number(l.Name))
		}
		v.Limits, order = append(v.Limits, component.Field{
			Name: l.Name, Label: words.Say(ctx, "policy.limit."+l.Name), Typed: typed, Error: errors[l.Name], InputMode: "numeric", Required: true, MaxLength: "3",
			Hint: words.Say(ctx, "policy.limit.range", "least", strconv.Itoa(l.Least), "most", strconv.Itoa(l.Most)),
		}), append(order, l.Name)
	}
	v.Problems = component.Problems(errors, append(order, "reason", "ticket")...)
	for _, version := range history {
		shown := views.PolicyVersion{
			Title: words.Say(ctx, "policy.history.version", "number", strconv.Itoa(version.Version)), At: version.ChangedAt,
			By: version.ChangedBy, Approved: version.ApprovedBy, Reason: version.Reason, Ticket: h.ticketRef(c, version.Ticket),
		}
		for _, d := range version.Difference {
			field, before, after := web.Changed(ctx, d.Field, d.Before, d.After)
			shown.Lines = append(shown.Lines, views.PolicyLine{Field: field, Before: before, After: after})
		}
		v.History = append(v.History, shown)
	}
	return web.Render(c, status, views.PolicyPage(h.page(c, policyPath), v))
}
