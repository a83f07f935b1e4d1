package console

import (
	"context"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/decision"
	"latchkey/app/feature"
	"latchkey/app/insight"
	"latchkey/app/rollout"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// reportDays is how far the report of a feature goes back.
const reportDays = 30

// report shows what a feature would have changed while it was only reported: as long as
// it is, and while there are figures of it.
func (h *Pages) report(c echo.Context, now rollout.Rollout) (*views.RolloutReport, error) {
	found, err := h.Insights.Report(c.Request().Context(), web.Here(c).ID, now.Feature, reportDays)
	if err != nil || now.Rule.Stage != feature.ReportOnly && !found.Any() {
		return nil, err
	}
	ctx := web.Context(c)
	v := &views.RolloutReport{AsOf: found.AsOf, Chart: component.Chart{ID: "report-chart", Title: words.Say(ctx, "rollout.report.chart"), Head: words.Say(ctx, "insight.day")}}
	var touched, would, most int64
	series := func(name string, of func(insight.Report) int64) component.Series {
		s := component.Series{Name: words.Say(ctx, "rollout.report."+name)}
		for _, d := range found.Days {
			s.Values = append(s.Values, float64(of(d)))
		}
		return s
	}
	for _, d := range found.Days {
		touched, would, most = touched+d.Touched, would+d.Would(), max(most, d.People)
		v.Chart.Labels = append(v.Chart.Labels, dayText(ctx, d.Day))
	}
	v.Chart.Series = []component.Series{
		series("same", func(d insight.Report) int64 { return d.Touched - d.Would() }),
		series("stop", func(d insight.Report) int64 { return d.Stop }),
		series("let_in", func(d insight.Report) int64 { return d.LetIn }),
		series("ask_more", func(d insight.Report) int64 { return d.AskMore }),
	}
	v.Chart.Series[1].Bad = true
	v.Chart.Beside = []component.Series{
		series("people", func(d insight.Report) int64 { return d.People }),
		series("sign_ins", func(d insight.Report) int64 { return d.SignIns }),
	}
	n := func(of int64) string { return component.Thousands(int(of)) }
	v.Text = words.Say(ctx, "rollout.report.text", "days", strconv.Itoa(reportDays), "touched", n(touched), "would", n(would), "people", n(most))
	v.Chart.Said = v.Text
	for _, s := range found.Samples {
		v.Samples = append(v.Samples, views.RolloutSample{Name: s.Name, Href: h.personPath(c, s.UserID), At: s.At, Effect: effectText(ctx, s), Tone: effectTone(s)})
	}
	return v, nil
}

// effectText says what would have become of a sign-in.
func effectText(ctx context.Context, s insight.Sample) string {
	if s.Was != s.Would {
		return words.Say(ctx, "replay.move", "from", words.Say(ctx, "replay.was."+s.Was.String()), "to", words.Say(ctx, "replay.now."+s.Would.String()))
	}
	return words.Say(ctx, map[bool]string{true: "rollout.report.gets", false: "rollout.report.loses"}[s.Gets])
}

func effectTone(s insight.Sample) string {
	if s.Was == s.Would {
		return ""
	}
	return map[decision.Outcome]string{decision.Passed: "good", decision.Asked: "warn", decision.Blocked: "bad"}[s.Would]
}

// dayText says a day in few words.
func dayText(ctx context.Context, d insight.Day) string {
	at := d.Begin()
	return words.Say(ctx, "insight.on", "day", strconv.Itoa(at.Day()), "month", words.Say(ctx, "insight.month."+strconv.Itoa(int(at.Month()))))
}
