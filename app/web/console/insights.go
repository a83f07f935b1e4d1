package console

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/insight"
	"latchkey/app/people"
	"latchkey/app/rollout"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const insightsPath = "/insights"

// insightRanges are the days that the page goes back, the usual first.
var insightRanges = []int{7, 30}

func (h *Pages) insightRoutes() []web.Route {
	return []web.Route{web.Get("/admin/:tenant"+insightsPath, access.RolloutEdit, h.insights)}
}

// insights shows how the rollout goes. What it shows was counted beforehand.
func (h *Pages) insights(c echo.Context) error {
	ctx, read, tenantID := web.Context(c), c.Request().Context(), web.Here(c).ID
	days := insightRanges[0]
	for _, n := range insightRanges {
		if c.QueryParam("days") == strconv.Itoa(n) {
			days = n
		}
	}
	found, err := h.Insights.Of(read, tenantID, days)
	if err != nil {
		return err
	}
	rules, err := h.Rollout.All(read, tenantID)
	if err != nil {
		return err
	}
	names, err := h.groupNames(c)
	if err != nil {
		return err
	}
	v := views.Insights{AsOf: found.AsOf, RolloutHref: h.path(c, rolloutPath)}
	for _, n := range insightRanges {
		v.Ranges = append(v.Ranges, views.InsightRange{Label: words.Say(ctx, "insight.days", "count", strconv.Itoa(n)), Href: h.path(c, insightsPath) + "?days=" + strconv.Itoa(n), Current: n == days})
	}
	if v.Counted = !found.AsOf.IsZero(); v.Counted {
		h.risks(c, &v, found.Crowd)
		funnelOf(ctx, &v, found.Crowd.Funnel)
		h.adoption(c, &v, found.Crowd, rules, names)
	}
	ramps, err := h.Ramps.All(read, tenantID)
	if err != nil {
		return err
	}
	for _, r := range ramps {
		v.Ramps = append(v.Ramps, views.InsightRamp{
			Title: featureName(c, r.Feature), Href: h.featurePath(c, r.Feature), Tone: rampTones[r.State],
			Text: words.Say(ctx, "ramp.brief."+string(r.State), "step", strconv.Itoa(r.Step), "steps", strconv.Itoa(r.Steps)),
		})
	}
	signInsOf(ctx, &v, found)
	return web.Render(c, http.StatusOK, views.InsightsPage(h.page(c, insightsPath), v))
}

// risks says who may be left without a way in, and where they stand.
func (h *Pages) risks(c echo.Context, v *views.Insights, crowd insight.Crowd) {
	ctx := web.Context(c)
	hrefs := map[insight.Risk]string{
		insight.NoWay: "/users?risk=1", insight.OneWay: "/users?risk=1", insight.Weak: "/users?way=" + people.WithoutStrong, insight.Administers: "/roles",
	}
	tones := map[insight.Risk]string{insight.NoWay: "bad", insight.Administers: "bad", insight.OneWay: "warn", insight.Weak: "warn"}
	v.People = words.Say(ctx, "insight.people", "count", component.Thousands(crowd.People))
	for _, r := range insight.Risks {
		at := crowd.Risks[r]
		if at == nil {
			continue
		}
		row := views.InsightRisk{
			Title: words.Say(ctx, "insight.risk."+string(r)), Text: words.Say(ctx, "insight.risk_text."+string(r)), Count: component.Thousands(at.Count), Tone: tones[r],
			Href: h.path(c, hrefs[r]), Label: words.Say(ctx, "insight.risk_list."+string(r)), More: at.Count - len(at.Some),
		}
		if at.Count == 0 {
			row.Tone, row.Href = "good", ""
		}
		for _, who := range at.Some {
			row.Some = append(row.Some, views.InsightWho{Name: who.Name, Href: h.personPath(c, who.ID)})
		}
		v.Risks = append(v.Risks, row)
	}
}

func funnelOf(ctx context.Context, v *views.Insights, f insight.Funnel) {
	v.Funnel.Title = words.Say(ctx, "insight.funnel")
	for _, step := range []struct {
		name string
		n    int
	}{{"may", f.May}, {"phone", f.Phone}, {"on", f.On}, {"sign_in", f.SignIn}} {
		v.Funnel.Rows = append(v.Funnel.Rows, component.Bar{Label: words.Say(ctx, "insight.funnel."+step.name), Of: f.May, Parts: []int{step.n}, Text: ofAll(ctx, step.n, f.May)})
	}
}

// ofAll says a number and which share of all it is.
func ofAll(ctx context.Context, n, all int) string {
	if all == 0 {
		return component.Thousands(n)
	}
	return words.Say(ctx, "insight.of_all", "count", component.Thousands(n), "percent", strconv.Itoa(100*n/all))
}

// adoption says how far each feature has come, in all and by ring.
func (h *Pages) adoption(c echo.Context, v *views.Insights, crowd insight.Crowd, rules []rollout.Rollout, groups map[string]string) {
	ctx := web.Context(c)
	v.Adoption = component.Bars{Title: words.Say(ctx, "insight.adoption"), Parts: []string{words.Say(ctx, "insight.may"), words.Say(ctx, "insight.bound"), words.Say(ctx, "insight.used")}}
	for _, r := range rules {
		rings, way := crowd.Features[r.Feature], insight.HasWay(r.Feature)
		all := insight.Adoption{}
		row := views.InsightFeature{Title: featureName(c, r.Feature), Href: h.featurePath(c, r.Feature), Stage: stageOf(c, r.Rule, groups), Tone: openness[r.Rule.Stage]}
		if !r.Released {
			row.Stage, row.Tone = words.Say(ctx, "rollout.not_released"), "warn"
		}
		for _, ring := range feature.Rings {
			a := rings[ring]
			if a == nil || a.People == 0 {
				continue
			}
			all.People, all.May, all.Bound, all.Used = all.People+a.People, all.May+a.May, all.Bound+a.Bound, all.Used+a.Used
			row.Rings = append(row.Rings, ringOf(ctx, words.Say(ctx, "insight.ring."+string(ring)), *a, way))
		}
		whole := ringOf(ctx, words.Say(ctx, "insight.ring.all"), all, way)
		if len(row.Rings) > 1 {
			row.Rings = append(row.Rings, whole)
		} else {
			row.Rings = []views.InsightRing{whole}
		}
		v.Features = append(v.Features, row)
		if way {
			v.Adoption.Rows = append(v.Adoption.Rows, component.Bar{
				Label: row.Title, Of: crowd.People, Parts: []int{all.May, all.Bound, all.Used},
				Text: words.Say(ctx, "insight.adoption_of", "may", component.Thousands(all.May), "bound", component.Thousands(all.Bound), "used", component.Thousands(all.Used)),
			})
		}
	}
}

func ringOf(ctx context.Context, title string, a insight.Adoption, way bool) views.InsightRing {
	r := views.InsightRing{Title: title, People: component.Thousands(a.People), May: ofAll(ctx, a.May, a.People)}
	if way {
		r.Bound, r.Used = ofAll(ctx, a.Bound, a.May), ofAll(ctx, a.Used, a.May)
	}
	return r
}

// ratesMost is how many ways have a line of their own: those that are tried most.
const ratesMost = 4

// signInsOf draws sign-ins by outcome, and failures by way.
func signInsOf(ctx context.Context, v *views.Insights, found insight.Insight) {
	days := found.ByDay()
	v.SignIns = component.Chart{ID: "sign-ins", Title: words.Say(ctx, "insight.sign_ins"), Head: words.Say(ctx, "insight.day")}
	v.Failures = component.Chart{ID: "failures", Title: words.Say(ctx, "insight.failures"), Head: words.Say(ctx, "insight.day"), Unit: " %"}
	for _, d := range found.Days {
		v.SignIns.Labels = append(v.SignIns.Labels, dayText(ctx, d))
	}
	v.Failures.Labels = v.SignIns.Labels
	series := func(name string, of func(insight.Tries) int64) component.Series {
		s := component.Series{Name: words.Say(ctx, "insight.outcome."+name)}
		for _, d := range days {
			s.Values = append(s.Values, float64(of(d)))
		}
		return s
	}
	v.SignIns.Series = []component.Series{
		series("finished", func(t insight.Tries) int64 { return t.Finished }),
		series("failed", func(t insight.Tries) int64 { return t.Failed }),
		series("left", func(t insight.Tries) int64 { return t.Left }),
	}
	v.SignIns.Beside = []component.Series{series("blocked", func(t insight.Tries) int64 { return t.Blocked })}
	v.SignIns.Series[1].Bad = true
	var all insight.Tries
	for _, d := range days {
		all = all.And(d)
	}
	v.SignIns.Said = words.Say(ctx, "insight.sign_ins_said", "finished", component.Thousands(int(all.Finished)), "failed", component.Thousands(int(all.Failed)), "left", component.Thousands(int(all.Left)))
	v.Failures.Series = []component.Series{rateSeries(ctx, words.Say(ctx, "insight.every_way"), days)}
	tried := map[string]int64{}
	for _, w := range found.Ways {
		sum := w.All()
		tried[w.Name] = sum.Finished + sum.Failed
		v.Ways = append(v.Ways, views.InsightWay{
			Title: words.Say(ctx, "policy.way."+w.Name), Finished: component.Thousands(int(sum.Finished)), Failed: component.Thousands(int(sum.Failed)),
			Left: component.Thousands(int(sum.Left)), Blocked: component.Thousands(int(sum.Blocked)), Rate: rateText(ctx, sum),
		})
	}
	for _, w := range found.Ways {
		more := 0
		for _, other := range tried {
			if other > tried[w.Name] {
				more++
			}
		}
		s := rateSeries(ctx, words.Say(ctx, "policy.way."+w.Name), w.Days)
		if tried[w.Name] > 0 && more < ratesMost && len(v.Failures.Series) <= ratesMost {
			v.Failures.Series = append(v.Failures.Series, s)
		} else {
			v.Failures.Beside = append(v.Failures.Beside, s)
		}
	}
	v.Failures.Said = words.Say(ctx, "insight.failures_said", "rate", rateText(ctx, all))
}

// rateSeries is the share of failures by day. Where nothing was tried there is none.
func rateSeries(ctx context.Context, name string, days []insight.Tries) component.Series {
	s := component.Series{Name: name}
	for _, d := range days {
		rate, ok := d.Rate()
		if !ok {
			rate = math.NaN()
		}
		s.Values, s.Texts = append(s.Values, rate), append(s.Texts, rateText(ctx, d))
	}
	return s
}

func rateText(ctx context.Context, t insight.Tries) string {
	rate, ok := t.Rate()
	if !ok {
		return words.Say(ctx, "insight.no_rate")
	}
	return words.Say(ctx, "insight.rate", "percent", strconv.FormatFloat(rate, 'f', 1, 64))
}
