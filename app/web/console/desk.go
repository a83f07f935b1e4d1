package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/desk"
	"latchkey/app/fault"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// deskRulesPath is the place of the console for what the tenant says of its desk.
const deskRulesPath = "/settings/desk"

func (h *Pages) deskRoutes() []web.Route {
	const all = "/admin/:tenant" + deskRulesPath
	return []web.Route{
		web.Get(all, access.PolicyEdit, h.deskRules),
		web.Post(all, access.PolicyEdit, h.changeDeskRules),
		web.Get(all+"/reasons/new", access.PolicyEdit, h.newReason),
		web.Post(all+"/reasons", access.PolicyEdit, h.addReason),
		web.Get(all+"/reasons/:reason", access.PolicyEdit, h.reason),
		web.Post(all+"/reasons/:reason", access.PolicyEdit, h.changeReason),
		web.Post(all+"/reasons/:reason/remove", access.PolicyEdit, h.removeReason),
	}
}

func (h *Pages) deskRules(c echo.Context) error {
	now, err := h.Desk.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showDeskRules(c, http.StatusOK, now, desk.Change{Rules: now.Rules, Version: now.Version()}, nil)
}

// showDeskRules shows the form as it was typed, over the list of reasons as it is.
func (h *Pages) showDeskRules(c echo.Context, status int, now desk.Desk, typed desk.Change, errors map[string]string) error {
	ctx := web.Context(c)
	say := func(key string, pairs ...string) string { return words.Say(ctx, "desk.rules."+key, pairs...) }
	v := views.DeskRules{Base: h.path(c, deskRulesPath), Version: typed.Version, Reason: web.Form(c, "reason"), Errors: errors, Full: len(now.Reasons) >= desk.ReasonsMost}
	number := func(name string, n, least, most int) component.Field {
		return component.Field{
			Name: name, Label: say(name), Hint: words.Say(ctx, "desk.rules.hint."+name, "least", strconv.Itoa(least), "most", strconv.Itoa(most)), Typed: typedCount(c, name, n), Error: errors[name],
			InputMode: "numeric", MaxLength: "3", Required: true, Autocomplete: "off",
		}
	}
	v.Numbers = []component.Field{
		number("bypass_minutes", typed.Minutes, desk.MinutesLeast, desk.MinutesMost), number("bypass_uses", typed.Uses, 1, desk.UsesMost),
	}
	choices := func(name, prefix string, all, chosen []string) component.Choices {
		list := component.Choices{Name: name, Legend: say(name), Hint: words.Say(ctx, "desk.rules.hint."+name), Error: errors[name]}
		for _, one := range all {
			list.Choices = append(list.Choices, component.Choice{Value: one, Label: words.Say(ctx, prefix+one), Chosen: slices.Contains(chosen, one)})
		}
		return list
	}
	v.Given = []component.Choices{
		choices("desk_kinds", "bypass.kind.", desk.Kinds, typed.Kinds), choices("desk_deliveries", "desk.delivery.", desk.Deliveries, typed.Deliveries),
	}
	v.Ways = []component.Choices{
		choices("desk_ways", "callercheck.via.", desk.Ways, typed.Ways), choices("desk_privileged", "callercheck.via.", desk.Ways, typed.Privileged),
	}
	v.Own = component.Check{Name: "own_reasons", Value: "yes", Label: say("own_reasons"), Hint: words.Say(ctx, "desk.rules.hint.own_reasons"), Checked: typed.OwnReasons}
	v.Pattern = component.Field{Name: "ticket_pattern", Label: say("ticket_pattern"), Hint: words.Say(ctx, "desk.rules.hint.ticket_pattern"), Typed: typed.Pattern, Error: errors["ticket_pattern"], Autocomplete: "off", MaxLength: "100"}
	v.Example = component.Field{Name: "ticket_example", Label: say("ticket_example"), Hint: words.Say(ctx, "desk.rules.hint.ticket_example"), Typed: typed.Example, Error: errors["ticket_example"], Autocomplete: "off", MaxLength: "64"}
	for _, r := range now.Reasons {
		v.Rows = append(v.Rows, views.ReasonRow{Code: r.Code, Words: r.Words, Usual: usual(ctx, r), Ticket: r.Ticket, Version: now.Reasons.Version()})
	}
	return web.Render(c, status, views.DeskRulesPage(h.page(c, deskRulesPath), v))
}

// usual says what is usual for a reason, such as "Code, 60 minutes, half and half".
func usual(ctx context.Context, r desk.Reason) string {
	var parts []string
	add := func(is bool, text string) {
		if is {
			parts = append(parts, text)
		}
	}
	if r.Kind != "" {
		add(true, words.Say(ctx, "bypass.kind."+r.Kind))
	}
	add(r.Minutes > 0, words.Say(ctx, "desk.usual.minutes", "count", strconv.Itoa(r.Minutes)))
	add(r.Uses > 1, words.Say(ctx, "desk.usual.uses", "count", strconv.Itoa(r.Uses)))
	if r.Delivery != "" {
		add(true, words.Say(ctx, "desk.delivery."+r.Delivery))
	}
	return strings.Join(parts, " · ")
}

func (h *Pages) changeDeskRules(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	now, err := h.Desk.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	form := c.Request().PostForm
	typed := desk.Change{Version: web.Form(c, "version"), Rules: desk.Rules{
		Minutes: count(c, "bypass_minutes", now.Minutes), Uses: count(c, "bypass_uses", now.Uses), Kinds: form["desk_kinds"], Deliveries: form["desk_deliveries"],
		Ways: form["desk_ways"], Privileged: form["desk_privileged"], OwnReasons: web.Form(c, "own_reasons") == "yes", Pattern: web.Form(c, "ticket_pattern"), Example: web.Form(c, "ticket_example"),
	}}
	err = h.submit(c, h.act(c, desk.KindChange, "").With(typed), deskRulesPath+"?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showDeskRules(c, http.StatusUnprocessableEntity, now, typed, fields)
	}
	return err
}

// newReason asks for a fresh proof before anything is typed, so that nothing is lost.
func (h *Pages) newReason(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	now, err := h.Desk.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showReason(c, http.StatusOK, now, desk.ReasonChange{Place: len(now.Reasons) + 1, Version: now.Reasons.Version()}, nil)
}

func (h *Pages) reason(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	now, r, err := h.reasonOf(c)
	if err != nil {
		return err
	}
	return h.showReason(c, http.StatusOK, now, desk.ReasonChange{Reason: r, Was: r.Code, Place: now.Reasons.Place(r.Code), Version: now.Reasons.Version()}, nil)
}

// reasonOf is the reason that the path names.
func (h *Pages) reasonOf(c echo.Context) (now desk.Desk, r desk.Reason, err error) {
	if now, err = h.Desk.Of(c.Request().Context(), web.Here(c).ID); err != nil {
		return now, r, err
	}
	r, ok := now.Reasons.Of(c.Param("reason"))
	if !ok {
		return now, r, fault.New(fault.NotFound, "http.not_found")
	}
	return now, r, nil
}

func (h *Pages) showReason(c echo.Context, status int, now desk.Desk, typed desk.ReasonChange, errors map[string]string) error {
	ctx, base := web.Context(c), h.path(c, deskRulesPath)
	say := func(key string, pairs ...string) string { return words.Say(ctx, "desk.reason."+key, pairs...) }
	v := views.ReasonForm{Back: base, Action: base + "/reasons", Title: say("new"), Version: typed.Version, Reason: web.Form(c, "reason"), Errors: errors}
	last := len(now.Reasons) + 1
	if typed.Was != "" {
		v.Action, v.Title, last = base+"/reasons/"+url.PathEscape(typed.Was), say("change_title"), last-1
	}
	field := func(name, text, most string) component.Field {
		return component.Field{Name: name, Label: say(name), Hint: words.Say(ctx, "desk.reason.hint."+name), Typed: text, Error: errors[name], Autocomplete: "off", MaxLength: most}
	}
	number := func(name string, n int) component.Field {
		text := ""
		if form := c.Request().PostForm; form.Has(name) {
			text = form.Get(name)
		} else if n > 0 {
			text = strconv.Itoa(n)
		}
		f := field(name, text, "3")
		f.InputMode = "numeric"
		return f
	}
	v.Words, v.Code = field("words", typed.Words, strconv.Itoa(desk.WordsMost)), field("code", typed.Code, strconv.Itoa(desk.CodeMost))
	v.Words.Required, v.Code.Required = true, true
	v.Minutes, v.Uses = number("minutes", typed.Minutes), number("uses", typed.Uses)
	v.Ticket = component.Check{Name: "takes_ticket", Value: "yes", Label: say("ticket"), Hint: words.Say(ctx, "desk.reason.hint.ticket"), Checked: typed.Ticket}
	choices := func(name, prefix, chosen string, all, allowed []string) component.Choices {
		list := component.Choices{Name: name, Legend: words.Say(ctx, "bypass."+name), Error: errors[name], Choices: []component.Choice{{Label: say("open"), Chosen: chosen == ""}}}
		for _, one := range all {
			off := !slices.Contains(allowed, one)
			choice := component.Choice{Value: one, Label: words.Say(ctx, prefix+one), Blocked: off && one != chosen, Chosen: one == chosen}
			if off {
				choice.Hint = say("off")
			}
			list.Choices = append(list.Choices, choice)
		}
		return list
	}
	v.Kinds = choices("kind", "bypass.kind.", typed.Kind, desk.Kinds, now.Kinds)
	v.Deliveries = choices("delivery", "desk.delivery.", typed.Delivery, desk.Deliveries, now.Deliveries)
	for place := 1; place <= last; place++ {
		v.Places = append(v.Places, component.Choice{Value: strconv.Itoa(place), Label: strconv.Itoa(place), Chosen: place == typed.Place})
	}
	return web.Render(c, status, views.ReasonPage(h.page(c, deskRulesPath), v))
}

func (h *Pages) addReason(c echo.Context) error { return h.setReason(c, "") }

func (h *Pages) changeReason(c echo.Context) error {
	_, r, err := h.reasonOf(c)
	if err != nil {
		return err
	}
	return h.setReason(c, r.Code)
}

func (h *Pages) setReason(c echo.Context, was string) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	number := func(name string) int {
		if strings.TrimSpace(web.Form(c, name)) == "" {
			return 0
		}
		return count(c, name, 0)
	}
	typed := desk.ReasonChange{Was: was, Place: max(0, number("place")), Version: web.Form(c, "version"), Reason: desk.Reason{
		Code: strings.TrimSpace(web.Form(c, "code")), Words: strings.TrimSpace(web.Form(c, "words")), Ticket: web.Form(c, "takes_ticket") == "yes",
		Minutes: number("minutes"), Uses: number("uses"), Kind: web.Form(c, "kind"), Delivery: web.Form(c, "delivery"),
	}}
	err := h.submit(c, h.act(c, desk.KindSet, "").With(typed), deskRulesPath+"?done=saved")
	fields, ok := wrong(c, err)
	if !ok {
		return err
	}
	now, err := h.Desk.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showReason(c, http.StatusUnprocessableEntity, now, typed, fields)
}

func (h *Pages) removeReason(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	gone := desk.ReasonChange{Reason: desk.Reason{Code: c.Param("reason")}, Version: web.Form(c, "version")}
	return h.submit(c, h.act(c, desk.KindRemove, "").With(gone), deskRulesPath+"?done=reason_removed")
}

// deskPage is the frame of a page on which a ticket is typed that looks as those of the
// tenant do: it shows one.
func (h *Pages) deskPage(c echo.Context, current string) (page component.Page, of desk.Desk, err error) {
	page = h.page(c, current)
	of, err = h.Desk.Of(c.Request().Context(), web.Here(c).ID)
	page.Ticket.Example = of.Example
	return page, of, err
}
