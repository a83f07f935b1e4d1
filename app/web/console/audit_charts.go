package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/audit"
	"latchkey/app/insight"
	"latchkey/app/people"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const chartsPath = auditPath + "/charts"

// chartRange is how far back the charts go: one day by the hour, several by the day.
type chartRange struct {
	name string
	days int
}

// chartRanges are all, the shortest first, and chartUsual is where it is not said.
var (
	chartRanges = []chartRange{{"day", 1}, chartUsual, {"month", 30}, {"quarter", 90}}
	chartUsual  = chartRange{"week", 7}
)

// auditCharts are the charts of actions: those that are drawn, and those that stand beside
// them in the table alone.
var auditCharts = []struct {
	id            string
	drawn, beside []audit.Action
}{
	{"outcomes", []audit.Action{audit.SignInFinished, audit.SignInRefused}, nil},
	{
		"refusals",
		[]audit.Action{audit.PromptDenied, audit.PromptReported, audit.WayPaused, audit.WayTurnedOff, audit.AccessRefused},
		without(audit.Actions(audit.ClassRefusal), audit.SignInRefused, audit.PromptDenied, audit.PromptReported, audit.WayPaused, audit.WayTurnedOff, audit.AccessRefused),
	},
	{
		"bypasses",
		[]audit.Action{audit.BypassIssued, audit.BypassUsed, audit.BypassExpired, audit.BypassRevoked},
		[]audit.Action{audit.BypassMade, audit.BypassReplaced},
	},
	{
		"agents",
		[]audit.Action{audit.BypassDisowned, audit.CaseAskDisowned, audit.CallerCheckReported, audit.VouchReported, audit.SignalsFlagged},
		[]audit.Action{audit.CallerCheckDenied, audit.CallerCheckRefused, audit.CallerCheckFailed, audit.VouchDenied, audit.VouchFailed, audit.CallBackDenied, audit.CallBackRefused},
	},
}

// drawnBad are what stands out among what is drawn with it.
var drawnBad = []audit.Action{audit.SignInRefused, audit.PromptReported, audit.BypassDisowned}

func without(all []audit.Action, some ...audit.Action) []audit.Action {
	return slices.DeleteFunc(all, func(a audit.Action) bool { return slices.Contains(some, a) })
}

// waysDrawn is how many ways have a part of their own in a column: those that were used most.
const waysDrawn = 4

// charts are figures on their way to a page.
type charts struct {
	h      *Pages
	c      echo.Context
	ctx    context.Context // of the words
	edges  []time.Time
	labels []string
	head   string
	short  bool // a figure is less than what there may be
}

// auditCharts draws what the reader sees of the audit, by the hour or by the day.
func (h *Pages) auditCharts(c echo.Context) error {
	ctx, read, sight := web.Context(c), c.Request().Context(), h.sight(c)
	asked := chartUsual
	for _, r := range chartRanges {
		if c.QueryParam("range") == r.name {
			asked = r
		}
	}
	of := &charts{h: h, c: c, ctx: ctx}
	of.divide(h.Site.DB.Now(), asked.days)
	from, to := of.edges[0], of.edges[len(of.edges)-1]
	if err := h.Trail.Looked(read, sight, "charts", trail.Query{From: from, To: to}, web.Origin(c)); err != nil {
		return err
	}
	seen := sight.Actions()
	var every []audit.Action
	for _, chart := range auditCharts {
		every = append(append(every, chart.drawn...), chart.beside...)
	}
	figures, err := h.Trail.Actions(read, sight, every, of.edges)
	if err != nil {
		return err
	}
	ways, more, err := h.Trail.Ways(read, sight, of.edges)
	if err != nil {
		return err
	}
	v := views.AuditCharts{ListHref: h.path(c, auditPath), AgentsHref: h.path(c, agentsPath), Since: sight.Since}
	if sight.Told != people.Everything {
		v.PartOf = words.Say(ctx, "audit.part_of."+string(sight.Told))
	}
	for _, r := range chartRanges {
		v.Ranges = append(v.Ranges, views.InsightRange{Label: words.Say(ctx, "audit.range."+r.name), Href: address(h.path(c, chartsPath), "range", r.name), Current: r == asked})
	}
	for _, chart := range auditCharts {
		series := func(actions []audit.Action) (all []component.Series) {
			for _, a := range actions {
				if slices.Contains(seen, a) { // of what somebody cannot see they are not told that it is none
					s := of.series(words.Say(ctx, "activity."+string(a)), figures[string(a)], "action", string(a))
					s.Bad = slices.Contains(drawnBad, a)
					all = append(all, s)
				}
			}
			return all
		}
		beside := slices.DeleteFunc(series(chart.beside), func(s component.Series) bool { return s.Href == "" }) // what there was none of
		v.Charts = append(v.Charts, of.chart(chart.id, series(chart.drawn), beside))
		if chart.id == "outcomes" {
			drawn, beside := of.ways(ways, more)
			v.Charts = append(v.Charts, of.chart("ways", drawn, beside))
		}
	}
	v.Short = of.short
	return web.Render(c, http.StatusOK, views.AuditChartsPage(h.page(c, auditPath), v))
}

// divide divides the time until now into days of UTC, or one day into hours.
func (of *charts) divide(now time.Time, days int) {
	if of.head = words.Say(of.ctx, "audit.charts.day"); days > 1 {
		for _, d := range insight.Last(days, now) {
			of.edges, of.labels = append(of.edges, d.Begin()), append(of.labels, dayText(of.ctx, d))
		}
		of.edges = append(of.edges, insight.DayOf(now).Next().Begin())
		return
	}
	of.head = words.Say(of.ctx, "audit.charts.hour")
	for at := now.UTC().Truncate(time.Hour).Add(-23 * time.Hour); !at.After(now); at = at.Add(time.Hour) {
		of.edges, of.labels = append(of.edges, at), append(of.labels, at.Format("15:04"))
	}
	of.edges = append(of.edges, of.edges[len(of.edges)-1].Add(time.Hour))
}

// series are the figures of a kind of events, each with the list of just these.
func (of *charts) series(name string, figures []trail.Figure, filters ...string) component.Series {
	list := func(from, to time.Time) string {
		return address(of.h.path(of.c, auditPath), append(slices.Clone(filters), "from", exact(from), "to", exact(to))...)
	}
	s := component.Series{Name: name}
	all := trail.Figure{}
	for i, f := range figures {
		href := ""
		if f.N > 0 || f.More {
			href = list(of.edges[i], of.edges[i+1])
		}
		s.Values, s.Texts, s.Hrefs = append(s.Values, float64(f.N)), append(s.Texts, figureText(of.ctx, f)), append(s.Hrefs, href)
		all.N, all.More = all.N+f.N, all.More || f.More
	}
	of.short = of.short || all.More
	if s.All = figureText(of.ctx, all); all.N > 0 || all.More {
		s.Href = list(of.edges[0], of.edges[len(of.edges)-1])
	}
	return s
}

func figureText(ctx context.Context, f trail.Figure) string {
	switch {
	case !f.More:
		return component.Thousands(f.N)
	case f.N == 0:
		return words.Say(ctx, "audit.charts.not_counted")
	}
	return words.Say(ctx, "audit.charts.at_least", "count", component.Thousands(f.N))
}

// ways are sign-ins by what they were proved with. Those that are rare are one part of the
// columns, and stand in the table each.
func (of *charts) ways(figures trail.Figures, more []bool) (drawn, beside []component.Series) {
	sum := map[string]int{}
	var names []string
	for by, each := range figures {
		names = append(names, by)
		for _, f := range each {
			sum[by] += f.N
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(sum[b]-sum[a], strings.Compare(a, b)) })
	others := make([]trail.Figure, len(more))
	for i, by := range names {
		s := of.series(provedBy(of.ctx, by), figures[by], "action", string(audit.SignInFinished), "by", by)
		if by == "" { // nothing to ask for
			s.Href, s.Hrefs = "", nil
		}
		if i < waysDrawn || len(names) == waysDrawn+1 {
			drawn = append(drawn, s)
			continue
		}
		beside = append(beside, s)
		for part, f := range figures[by] {
			others[part] = trail.Figure{N: others[part].N + f.N, More: f.More}
		}
	}
	if len(beside) > 0 {
		s := of.series(words.Say(of.ctx, "audit.charts.other_ways"), others)
		s.Href, s.Hrefs = "", nil
		drawn = append(drawn, s)
	}
	of.short = of.short || slices.Contains(more, true)
	return drawn, beside
}

// provedBy says what a sign-in was proved with. What has no words stands as it is.
func provedBy(ctx context.Context, by string) string {
	for part := range strings.SplitSeq(by, ",") {
		if !words.Has(ctx, "me.sessions.how."+part) {
			return cmp.Or(by, words.Say(ctx, "audit.charts.no_way"))
		}
	}
	return web.How(ctx, by)
}

func (of *charts) chart(id string, drawn, beside []component.Series) component.Chart {
	chart := component.Chart{
		ID: "chart-" + id, Title: words.Say(of.ctx, "audit.charts."+id), Head: of.head, Labels: of.labels, Series: drawn, Beside: beside, None: words.Say(of.ctx, "audit.charts.none"),
	}
	if of.short {
		chart.None = words.Say(of.ctx, "audit.charts.none_counted")
	}
	var said []string
	for _, s := range drawn {
		said = append(said, words.Say(of.ctx, "audit.charts.said", "name", s.Name, "count", s.All))
	}
	chart.Said = chart.Title + ". " + strings.Join(said, "; ")
	return chart
}
