package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/settings"
	"latchkey/app/signals"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const agentsPath = insightsPath + "/agents"

// signalRanges are the weeks that the pages go back, the usual first.
var signalRanges = []int{signals.WeeksUsual, signals.WeeksMost}

func (h *Pages) signalRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+agentsPath, access.AuditRead, h.signals),
		web.Get("/admin/:tenant"+agentsPath+"/:user", access.AuditRead, h.signalsOf),
		web.Get("/admin/:tenant/settings/desk-hours", access.PolicyEdit, h.deskHours),
		web.Post("/admin/:tenant/settings/desk-hours", access.PolicyEdit, h.changeDeskHours),
	}
}

// weeksAsked are the weeks of the address, and the choice of them.
func (h *Pages) weeksAsked(c echo.Context, here string, pairs ...string) (weeks int, ranges []views.InsightRange) {
	weeks = signalRanges[0]
	for _, n := range signalRanges {
		if c.QueryParam("weeks") == strconv.Itoa(n) {
			weeks = n
		}
	}
	for _, n := range signalRanges {
		ranges = append(ranges, views.InsightRange{
			Label: words.Say(web.Context(c), "signals.range_weeks", "count", strconv.Itoa(n)), Href: address(here, append(slices.Clone(pairs), "weeks", strconv.Itoa(n))...), Current: n == weeks,
		})
	}
	return weeks, ranges
}

func (h *Pages) agentPath(c echo.Context, id string) string {
	return h.path(c, agentsPath+"/"+url.PathEscape(id))
}

// signals shows the figures of all agents that somebody sees.
func (h *Pages) signals(c echo.Context) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	weeks, ranges := h.weeksAsked(c, h.path(c, agentsPath))
	r, err := h.Signals.Of(c.Request().Context(), who, weeks, web.Origin(c))
	if err != nil {
		return err
	}
	v := views.Signals{
		Ranges: ranges, Own: r.Own, Rule: signalRule(ctx), Hours: sayHours(ctx, r.Hours), Weeks: weeksOf(ctx, r.Weeks, r.ByWeek),
		Proof: words.Say(ctx, "signals.proof_of", "count", component.Thousands(r.All.Of[signals.Unchecked]), "all", component.Thousands(r.All.Given)), ProofTone: "good",
		All: component.Bars{Title: words.Say(ctx, "signals.all")},
	}
	if r.All.Of[signals.Unchecked] > 0 {
		v.ProofTone = "bad"
	}
	if who.May.Has(access.PolicyEdit) {
		v.HoursHref = h.path(c, "/settings/desk-hours")
	}
	v.Heads = []string{words.Say(ctx, "signals.given"), words.Say(ctx, "signals.checks")}
	for _, s := range signals.Signals {
		v.Heads = append(v.Heads, words.Say(ctx, "signals.short."+string(s)))
		v.All.Rows = append(v.All.Rows, component.Bar{Label: words.Say(ctx, "signals.title."+string(s)), Of: r.All.Base(s), Parts: []int{r.All.Of[s]}, Text: ofAll(ctx, r.All.Of[s], r.All.Base(s))})
	}
	for _, a := range r.Agents {
		here := h.agentPath(c, a.ID)
		row := views.SignalAgent{Name: a.Name, Href: address(here, "weeks", strconv.Itoa(weeks)), Cells: []views.SignalCell{
			{Head: v.Heads[0], Text: component.Thousands(a.All.Given)}, {Head: v.Heads[1], Text: component.Thousands(a.All.Checks)},
		}}
		for i, s := range signals.Signals {
			row.Cells = append(row.Cells, views.SignalCell{Head: v.Heads[i+2], Text: component.Thousands(a.All.Of[s]), Flagged: flagged(a.Flags, s)})
		}
		v.Agents = append(v.Agents, row)
		for _, f := range a.Flags {
			v.Flagged = append(v.Flagged, signalFlag(ctx, f, a.Name, address(here, "weeks", strconv.Itoa(weeks), "signal", string(f.Signal))))
		}
	}
	return web.Render(c, http.StatusOK, views.SignalsPage(h.page(c, agentsPath), v))
}

func flagged(flags []signals.Flag, s signals.Signal) bool {
	return slices.ContainsFunc(flags, func(f signals.Flag) bool { return f.Signal == s })
}

func signalFlag(ctx context.Context, f signals.Flag, name, href string) views.SignalFlag {
	text := words.Say(ctx, "signals.flag", "own", component.Thousands(f.N), "own_of", component.Thousands(f.Of), "percent", percentOf(f.N, f.Of),
		"others", component.Thousands(f.PeersN), "others_of", component.Thousands(f.PeersOf), "others_percent", percentOf(f.PeersN, f.PeersOf), "count", strconv.Itoa(f.Peers))
	if f.WithoutComparing {
		text = words.Say(ctx, "signals.flag_as_it_is", "own", component.Thousands(f.N), "own_of", component.Thousands(f.Of))
	}
	return views.SignalFlag{Name: name, Href: href, Signal: words.Say(ctx, "signals.title."+string(f.Signal)), Text: text}
}

// signalRule says by which rule figures are flagged.
func signalRule(ctx context.Context) string {
	return words.Say(ctx, "signals.rule", "sample", strconv.Itoa(signals.SampleLeast), "least", strconv.Itoa(signals.FlagLeast),
		"agents", strconv.Itoa(signals.PeersLeast), "others", strconv.Itoa(signals.PeersSample), "factor", strconv.Itoa(signals.Factor))
}

// weeksOf draws bypasses by the week, with what their checks were worth.
func weeksOf(ctx context.Context, weeks []time.Time, counts []signals.Count) component.Chart {
	chart := component.Chart{ID: "bypasses", Title: words.Say(ctx, "signals.weeks"), Head: words.Say(ctx, "signals.week")}
	series := []component.Series{{Name: words.Say(ctx, "callercheck.via.phone")}, {Name: words.Say(ctx, "callercheck.via.manager")}, {Name: words.Say(ctx, "callercheck.via.backup_phone")}}
	beside := []component.Series{{Name: words.Say(ctx, "signals.checks")}}
	all := 0
	for n, at := range weeks {
		c := counts[n]
		chart.Labels = append(chart.Labels, words.Say(ctx, "insight.on", "day", strconv.Itoa(at.Day()), "month", words.Say(ctx, "insight.month."+strconv.Itoa(int(at.Month())))))
		weakest := c.Of[signals.Weakest]
		for i, n := range []int{c.Given - c.Weaker - weakest, weakest, c.Weaker} {
			series[i].Values = append(series[i].Values, float64(n))
		}
		beside[0].Values = append(beside[0].Values, float64(c.Checks))
		all += c.Given
	}
	for _, s := range signals.Signals {
		one := component.Series{Name: words.Say(ctx, "signals.short."+string(s))}
		for n := range weeks {
			one.Values = append(one.Values, float64(counts[n].Of[s]))
		}
		beside = append(beside, one)
	}
	series[1].Bad = true // the weakest
	chart.Series, chart.Beside = series, beside
	chart.Said = words.Say(ctx, "signals.weeks_said", "count", component.Thousands(all), "weeks", strconv.Itoa(len(weeks)))
	return chart
}

// sayHours says when the desk works.
func sayHours(ctx context.Context, hours signals.Hours) string {
	if !hours.Set() {
		return words.Say(ctx, "signals.hours.none")
	}
	return words.Say(ctx, "signals.hours.are", "hours", web.SayHours(ctx, hours))
}

// signalsOf shows an agent, and what is behind one figure.
func (h *Pages) signalsOf(c echo.Context) error {
	ctx, who, id := web.Context(c), h.Site.Standing(c), c.Param("user")
	here, signal := h.agentPath(c, id), signals.Signal(c.QueryParam("signal"))
	chosen := []string{}
	if signal != "" {
		chosen = []string{"signal", string(signal)}
	}
	weeks, ranges := h.weeksAsked(c, here, chosen...)
	b, err := h.Signals.Agent(c.Request().Context(), who, id, signal, weeks, web.Origin(c))
	if err != nil {
		return err
	}
	v := views.SignalsOf{
		Name: b.Agent.Name, List: address(h.path(c, agentsPath), "weeks", strconv.Itoa(weeks)), Ranges: ranges, Own: b.Own, Rule: signalRule(ctx), Weeks: weeksOf(ctx, b.Weeks, b.Agent.Weeks),
		Shown: words.Say(ctx, "signals.rows.bypasses"),
	}
	if signal != "" {
		v.Shown, v.ShownAll = words.Say(ctx, "signals.title."+string(signal)), address(here, "weeks", strconv.Itoa(weeks))
	}
	for _, f := range b.Agent.Flags {
		v.Flagged = append(v.Flagged, signalFlag(ctx, f, "", address(here, "weeks", strconv.Itoa(weeks), "signal", string(f.Signal))))
	}
	others := b.Others()
	for _, s := range signals.Signals {
		f := views.SignalFigure{
			Title: words.Say(ctx, "signals.title."+string(s)), Text: words.Say(ctx, "signals.text."+string(s)), Current: s == signal, Count: component.Thousands(b.Agent.All.Of[s]),
			Share: share(ctx, b.Agent.All, s), Else: share(ctx, others, s), Flagged: flagged(b.Agent.Flags, s),
		}
		if b.Agent.All.Of[s] > 0 {
			f.Href = address(here, "weeks", strconv.Itoa(weeks), "signal", string(s)) + "#signal-rows"
		}
		v.Figures = append(v.Figures, f)
	}
	for _, r := range b.Rows {
		v.Rows = append(v.Rows, h.signalRow(c, r))
	}
	if b.More {
		v.More = words.Say(ctx, "signals.rows.more", "count", strconv.Itoa(signals.RowsMost))
	}
	return web.Render(c, http.StatusOK, views.SignalsOfPage(h.page(c, agentsPath), v))
}

func percentOf(n, all int) string {
	return strconv.FormatFloat(100*float64(n)/float64(max(all, 1)), 'f', 1, 64)
}

// share says which share of its base a figure is.
func share(ctx context.Context, of signals.Count, s signals.Signal) string {
	if of.Base(s) == 0 {
		return words.Say(ctx, "signals.no_share")
	}
	return words.Say(ctx, "signals.share_of", "percent", percentOf(of.Of[s], of.Base(s)), "all", component.Thousands(of.Base(s)))
}

func (h *Pages) signalRow(c echo.Context, r signals.Row) views.SignalRow {
	ctx := web.Context(c)
	row := views.SignalRow{At: r.At, Person: r.UserName, PersonHref: h.personPath(c, r.UserID)}
	if r.CaseID != "" {
		row.Case, row.CaseHref = r.CaseName, h.casePath(c, r.CaseID)
	}
	if r.Via != "" {
		row.Via = words.Say(ctx, "callercheck.via."+r.Via)
	}
	for _, s := range r.Signals {
		row.Signals = append(row.Signals, words.Say(ctx, "signals.short."+string(s)))
	}
	switch r.Kind {
	case signals.Bypass:
		row.What, row.WhatHref = words.Say(ctx, "bypass.state."+r.State), h.bypassPath(c, r.ID)
	case signals.Check:
		row.What, row.WhatHref = words.Say(ctx, "callercheck.state."+r.State), h.checkPath(c, r.ID)
	case signals.Approval:
		row.What, row.WhatHref = words.Say(ctx, "approval.state."+r.State), h.path(c, approvalsPath+"/"+url.PathEscape(r.ID))
	case signals.Hold:
		row.What = words.Say(ctx, "signals.held_by."+cmp.Or(brakes[r.State], "other"))
	}
	return row
}

// brakes are those that hold a caller check, by the code of the failure.
var brakes = map[string]string{"callercheck.held": "phone", "callercheck.codes_held": "number", "backupphone.budget": "budget"}

// deskDays are the days of a week as people count them.
var deskDays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

func (h *Pages) deskHours(c echo.Context) error {
	hours, err := h.Settings.Hours(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	if !hours.Set() {
		hours = signals.Hours{Zone: "UTC", From: 8 * 60, Until: 17 * 60} // a proposal, without a day
	}
	return h.showDeskHours(c, http.StatusOK, hours, signals.Clock(hours.From), signals.Clock(hours.Until), nil)
}

func (h *Pages) changeDeskHours(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	from, until := web.Form(c, "from"), web.Form(c, "until")
	typed := signals.Hours{Zone: web.Form(c, "zone"), From: signals.Minutes(from), Until: signals.Minutes(until)}
	for _, d := range deskDays {
		if slices.Contains(c.Request().PostForm["days"], strconv.Itoa(int(d))) {
			typed.Days = append(typed.Days, d)
		}
	}
	asked := typed
	if !asked.Set() {
		asked = signals.Hours{}
	}
	err := h.submit(c, h.act(c, settings.KindHours, "").With(asked), "/settings?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showDeskHours(c, http.StatusUnprocessableEntity, typed, from, until, fields)
	}
	return err
}

func (h *Pages) showDeskHours(c echo.Context, status int, hours signals.Hours, from, until string, errors map[string]string) error {
	ctx := web.Context(c)
	v := views.SignalHours{
		Action: h.path(c, "/settings/desk-hours"), Back: h.path(c, "/settings"), Reason: web.Form(c, "reason"), Errors: errors,
		Problems: component.Problems(errors, "days", "from", "until", "zone", "reason", "ticket"),
		From:     component.Field{Name: "from", Label: words.Say(ctx, "signals.hours.from"), Typed: from, Type: "time", Error: errors["from"], Required: true},
		Until:    component.Field{Name: "until", Label: words.Say(ctx, "signals.hours.until"), Hint: words.Say(ctx, "signals.hours.until_hint"), Typed: until, Type: "time", Error: errors["until"], Required: true},
		Zone:     component.Field{Name: "zone", Label: words.Say(ctx, "signals.hours.zone"), Hint: words.Say(ctx, "signals.hours.zone_hint"), Typed: hours.Zone, Error: errors["zone"], MaxLength: "64", Required: true},
		Days:     component.Choices{Name: "days", Legend: words.Say(ctx, "signals.hours.days"), Error: errors["days"]},
	}
	for _, d := range deskDays {
		v.Days.Choices = append(v.Days.Choices, component.Choice{Value: strconv.Itoa(int(d)), Label: words.Say(ctx, "day."+strconv.Itoa(int(d))), Chosen: slices.Contains(hours.Days, d)})
	}
	return web.Render(c, status, views.SignalHoursPage(h.page(c, "/settings"), v))
}
