package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/ramp"
	"latchkey/app/rollout"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const rampPath = rolloutPath + "/:feature/ramp"

func (h *Pages) rampRoutes() []web.Route {
	const path = "/admin/:tenant" + rampPath
	return []web.Route{
		web.Get(path, access.RolloutEdit, h.rampForm),
		web.Post(path, access.RolloutEdit, h.beginRamp),
		web.Post(path+"/:ramp/change", access.RolloutEdit, h.changeRamp),
		web.Post(path+"/:ramp/pause", access.RolloutEdit, h.pauseRamp),
		web.Post(path+"/:ramp/resume", access.RolloutEdit, h.resumeRamp),
		web.Post(path+"/:ramp/next", access.RolloutEdit, h.nextRamp),
		web.Post(path+"/:ramp/cancel", access.RolloutEdit, h.cancelRamp),
	}
}

// To stop is nothing to prove anything for; what opens a feature further is.

func (h *Pages) pauseRamp(c echo.Context) error {
	return h.actOnRamp(c, "pause", ramp.KindPause, false, "?done=ramp_pause")
}

func (h *Pages) resumeRamp(c echo.Context) error {
	return h.actOnRamp(c, "resume", ramp.KindResume, true, "?done=ramp_resume")
}

func (h *Pages) nextRamp(c echo.Context) error {
	return h.actOnRamp(c, "next", ramp.KindNext, true, "?done=ramp_next")
}

func (h *Pages) cancelRamp(c echo.Context) error {
	return h.actOnRamp(c, "cancel", ramp.KindCancel, false, "?done=ramp_cancel")
}

func (h *Pages) actOnRamp(c echo.Context, name string, kind approval.Kind, fresh bool, done string) error {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return err
	}
	if fresh {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
	}
	step, _ := strconv.Atoi(web.Form(c, "step"))
	err = h.submit(c, h.act(c, kind, "").With(ramp.On{Feature: now.Feature, Ramp: c.Param("ramp"), Step: step}), rolloutPath+"/"+url.PathEscape(string(now.Feature))+done)
	if fields, ok := wrong(c, err); ok {
		return h.showRollout(c, http.StatusUnprocessableEntity, now, rolloutForm{
			draft: rollout.Draft{Feature: now.Feature, Rule: now.Rule, Version: now.Version}, rampForm: name, rampTyped: web.Form(c, "reason"), rampWrong: fields,
		})
	}
	return err
}

// rampPart shows how a feature opens by itself.
func (h *Pages) rampPart(c echo.Context, now rollout.Rollout, names map[string]string, form rolloutForm) (views.Ramp, error) {
	v := views.Ramp{Base: h.featurePath(c, now.Feature) + "/ramp", Begin: h.featurePath(c, now.Feature) + "/ramp", Typed: form.rampTyped, Returned: views.Returned{Form: form.rampForm, Errors: form.rampWrong}}
	l, err := h.Ramps.Look(c.Request().Context(), web.Here(c).ID, now.Feature)
	if err != nil || l == nil {
		return v, err
	}
	ctx := web.Context(c)
	v.Base += "/" + url.PathEscape(l.ID)
	v.There, v.State, v.Tone = true, words.Say(ctx, "ramp.state."+string(l.State)), rampTones[l.State]
	if l.Note != "" || l.NotedBy != "" {
		v.Note = words.Say(ctx, "ramp.note", "name", l.NotedBy, "reason", l.Note)
	}
	if l.State == ramp.Halted {
		v.Halted = words.Say(ctx, "ramp.halted."+l.Cause)
	}
	over := l.State.Over()
	v.Steps = append(v.Steps, rampStepBefore(c, l.Ramp, names))
	for i, step := range l.Plan.Steps {
		v.Steps = append(v.Steps, rampStep(c, l.Ramp, i, step, names))
	}
	for _, wait := range l.Waits {
		v.Waits = append(v.Waits, views.Condition{Met: wait.Met, Text: words.Say(ctx, "ramp.wait."+wait.For,
			"have", strconv.Itoa(wait.Have), "need", strconv.Itoa(wait.Need), "zone", l.Plan.Hours.Zone)})
	}
	figures := l.Now
	if l.State == ramp.Halted && l.Figures != nil {
		figures = *l.Figures
	}
	if !over && (l.State != ramp.Halted || l.Figures != nil) {
		guard := l.Plan.Guard
		v.Guard = []views.RampFigures{
			figuresOf(c, "failure", figures.Ring.Failed, figures.Ring.Tries, figures.Baseline.Failed, figures.Baseline.Tries, guard, guard.Failure),
			figuresOf(c, "bypass", figures.Ring.Bypassed, figures.Ring.SignIns, figures.Baseline.Bypassed, figures.Baseline.SignIns, guard, guard.Bypass),
		}
		v.Based = words.Say(ctx, "ramp.based."+figures.By, "window", minutesOf(c, guard.Window), "sample", strconv.Itoa(guard.Sample))
		if l.State == ramp.Halted {
			v.Based = words.Say(ctx, "ramp.decided_on") + " " + v.Based
		}
	}
	v.Pausing, v.Resuming, v.Canceling = l.State == ramp.Running, l.State == ramp.Paused || l.State == ramp.Halted, !over
	v.Resume = words.Say(ctx, "ramp.act.resume."+string(l.State))
	if !over && l.State != ramp.Halted && !l.Last() {
		v.Next, v.NextRule = strconv.Itoa(l.Step+1), stageOf(c, l.Rule(l.Step+1), names)
	}
	return v, nil
}

var rampTones = map[ramp.State]string{ramp.Running: "good", ramp.Done: "good", ramp.Paused: "warn", ramp.Halted: "bad", ramp.Overtaken: "warn"}

func rampStepBefore(c echo.Context, r ramp.Ramp, names map[string]string) views.RampStep {
	ctx := web.Context(c)
	step := views.RampStep{Rule: stageOf(c, r.Before, names), Text: words.Say(ctx, "ramp.before"), At: r.BegunAt, When: words.Say(ctx, "ramp.begun_at")}
	return placed(ctx, step, map[bool]string{true: "now", false: "done"}[r.Step < 0])
}

// placed says where a step stands.
func placed(ctx context.Context, v views.RampStep, place string) views.RampStep {
	v.Place, v.Now, v.Good = words.Say(ctx, "ramp.place."+place), place == "now", place == "now" || place == "done"
	return v
}

func rampStep(c echo.Context, r ramp.Ramp, i int, step ramp.Step, names map[string]string) views.RampStep {
	ctx := web.Context(c)
	last := i == len(r.Plan.Steps)-1
	key := map[bool]string{false: "ramp.lasts", true: "ramp.watched"}[last]
	v := views.RampStep{Rule: stageOf(c, step.Rule, names), Text: words.Say(ctx, key, "time", minutesOf(c, step.Stay))}
	if step.Sample > 0 && !last {
		v.Text += " " + words.Say(ctx, "ramp.lasts_sample", "count", strconv.Itoa(step.Sample))
	}
	switch {
	case i < r.Step, i == r.Step && r.State == ramp.Done:
		return placed(ctx, v, "done")
	case i == r.Step:
		v.At, v.When = r.EnteredAt, words.Say(ctx, "ramp.since")
		return placed(ctx, v, "now")
	case i == r.Step+1 && !r.State.Over():
		if r.State == ramp.Running {
			v.At, v.When = r.Plan.Hours.Next(r.DueAt()), words.Say(ctx, "ramp.earliest")
		}
		return placed(ctx, v, "next")
	}
	return placed(ctx, v, "ahead")
}

// figuresOf is one line of a guard's figures.
func figuresOf(c echo.Context, name string, n, all, m, others int, g ramp.Guard, margin int) views.RampFigures {
	ctx := web.Context(c)
	share := func(n, all int) string {
		if all == 0 {
			return words.Say(ctx, "ramp.figure.none")
		}
		return words.Say(ctx, "ramp.figure", "n", component.Thousands(n), "all", component.Thousands(all), "share", tenths(n*1000/all))
	}
	return views.RampFigures{
		What: words.Say(ctx, "ramp.guard."+name), Ring: share(n, all), Baseline: share(m, others), Limit: words.Say(ctx, "ramp.figure.limit", "share", tenths(g.Limit(m, others, margin))),
		Above: g.Above(n, all, m, others, margin), TooSmall: all < g.Sample,
	}
}

// tenths says thousandths as percent: 155 is 15.5.
func tenths(thousandths int) string {
	if thousandths%10 == 0 {
		return strconv.Itoa(thousandths / 10)
	}
	return strconv.Itoa(thousandths/10) + "." + strconv.Itoa(thousandths%10)
}

// minutesOf says a span in hours and minutes.
func minutesOf(c echo.Context, d time.Duration) string {
	return web.SayMinutes(web.Context(c), int(d/time.Minute))
}

// rampTyped is the form of a ramp as it was typed.
type rampTyped struct {
	version, turn, reason                          string
	stages, percentages, hours, minutes, samples   [ramp.StepsMost]string
	include, exclude                               []string
	window, sample, failure, bypass, working, zone string
	wrong                                          map[string]string
	preview                                        *rollout.Preview
}

// rampOf reads the form. What is no number is one that is refused by name.
func rampOf(form url.Values) (typed rampTyped, p ramp.Plan) {
	typed = rampTyped{
		version: form.Get("version"), turn: form.Get("turn"), reason: form.Get("reason"), include: chosenIn(form["include_groups"]), exclude: chosenIn(form["exclude_groups"]),
		window: form.Get("window"), sample: form.Get("sample"), failure: form.Get("failure"), bypass: form.Get("bypass"), working: form.Get("working"), zone: strings.TrimSpace(form.Get("zone")),
	}
	number := func(text string, empty int) int {
		if text = strings.TrimSpace(text); text == "" {
			return empty
		}
		n, err := strconv.Atoi(text)
		if err != nil || n > 1_000_000 {
			return -1
		}
		return n
	}
	for i := range ramp.StepsMost {
		n := strconv.Itoa(i + 1)
		get := func(field string) string { return form.Get(field + "_" + n) }
		typed.stages[i], typed.percentages[i], typed.hours[i], typed.minutes[i], typed.samples[i] = get("stage"), get("percentage"), get("hours"), get("minutes"), get("sample")
		if typed.stages[i] == "" {
			continue
		}
		step := ramp.Step{Rule: feature.Rule{Stage: feature.Stage(typed.stages[i]), Include: typed.include, Exclude: typed.exclude}, Sample: number(typed.samples[i], 0)}
		if step.Rule.Stage == feature.Percentage {
			step.Rule.Share = number(typed.percentages[i], -1)
		}
		hours, minutes := number(typed.hours[i], 0), number(typed.minutes[i], 0)
		step.Stay = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if hours < 0 || minutes < 0 {
			step.Stay = -1
		}
		p.Steps = append(p.Steps, step)
	}
	p.Guard = ramp.Guard{Window: time.Duration(number(typed.window, -1)) * time.Minute, Sample: number(typed.sample, -1), Failure: number(typed.failure, -1), Bypass: number(typed.bypass, -1)}
	if typed.working != "" {
		p.Hours = ramp.Hours{Working: true, Zone: typed.zone}
	}
	return typed, p
}

// typedOf fills the form with a plan.
func typedOf(p ramp.Plan) rampTyped {
	typed := rampTyped{
		window: strconv.Itoa(int(p.Guard.Window / time.Minute)), sample: strconv.Itoa(p.Guard.Sample), failure: strconv.Itoa(p.Guard.Failure), bypass: strconv.Itoa(p.Guard.Bypass),
		zone: p.Hours.Zone,
	}
	if typed.zone == "" {
		typed.zone = "UTC"
	}
	if p.Hours.Working {
		typed.working = "yes"
	}
	for i, s := range p.Steps {
		typed.stages[i], typed.hours[i], typed.minutes[i], typed.samples[i] = string(s.Rule.Stage), strconv.Itoa(int(s.Stay/time.Hour)), strconv.Itoa(int(s.Stay%time.Hour/time.Minute)), strconv.Itoa(s.Sample)
		if s.Rule.Stage == feature.Percentage {
			typed.percentages[i] = strconv.Itoa(s.Rule.Share)
		}
		// Groups are chosen for all steps at once; “Everyone” includes none, and “Off” has none.
		if len(s.Rule.Include) > len(typed.include) {
			typed.include = s.Rule.Include
		}
		if len(s.Rule.Exclude) > len(typed.exclude) {
			typed.exclude = s.Rule.Exclude
		}
	}
	return typed
}

// query is a plan as an address, so that a look at it can be reloaded.
func (t rampTyped) query() url.Values {
	q := url.Values{
		"version": {t.version}, "turn": {t.turn}, "reason": {t.reason}, "include_groups": t.include, "exclude_groups": t.exclude,
		"window": {t.window}, "sample": {t.sample}, "failure": {t.failure}, "bypass": {t.bypass}, "working": {t.working}, "zone": {t.zone},
	}
	for i := range ramp.StepsMost {
		n := strconv.Itoa(i + 1)
		for field, value := range map[string]string{"stage_": t.stages[i], "percentage_": t.percentages[i], "hours_": t.hours[i], "minutes_": t.minutes[i], "sample_": t.samples[i]} {
			if value != "" {
				q.Set(field+n, value)
			}
		}
	}
	return q
}

// rampForm shows the form: the proposal, what lies ahead of a ramp that is under way, or
// a plan in the address with what its last step would do.
func (h *Pages) rampForm(c echo.Context) error {
	now, under, err := h.underRamp(c)
	if err != nil {
		return err
	}
	if c.QueryParams().Has("stage_1") || c.QueryParams().Has("window") {
		typed, plan := rampOf(c.QueryParams())
		if len(plan.Steps) > 0 {
			last := plan.Steps[len(plan.Steps)-1].Rule
			found, err := h.Rollout.Preview(c.Request().Context(), web.Here(c).ID, rollout.Draft{Feature: now.Feature, Rule: last, Version: now.Version})
			switch {
			case errors.Is(err, fault.Invalid):
				typed.wrong, _ = wrong(c, ramp.OfStep(err, len(plan.Steps)-1))
				return h.showRamp(c, http.StatusUnprocessableEntity, now, under, typed)
			case err != nil:
				return err
			}
			typed.preview = &found
		}
		return h.showRamp(c, http.StatusOK, now, under, typed)
	}
	plan := ramp.Proposed(now.Rule.Include)
	if under != nil {
		plan = under.Plan
	}
	typed := typedOf(plan)
	if under == nil && len(typed.include) == 0 {
		typed.exclude = now.Rule.Exclude
	}
	typed.version = strconv.Itoa(now.Version)
	if under != nil {
		typed.turn = strconv.Itoa(under.Turn)
	}
	return h.showRamp(c, http.StatusOK, now, under, typed)
}

func (h *Pages) underRamp(c echo.Context) (rollout.Rollout, *ramp.Ramp, error) {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return now, nil, err
	}
	under, err := h.Ramps.UnderWay(c.Request().Context(), web.Here(c).ID, now.Feature)
	return now, under, err
}

func (h *Pages) beginRamp(c echo.Context) error {
	return h.submitRamp(c, "?done=ramp_begun", func(now rollout.Rollout, typed rampTyped, plan ramp.Plan) approval.Act {
		version, err := strconv.Atoi(typed.version)
		if err != nil {
			version = -1
		}
		return h.act(c, ramp.KindBegin, "").With(ramp.Begin{Feature: now.Feature, Version: version, Plan: plan})
	})
}

func (h *Pages) changeRamp(c echo.Context) error {
	return h.submitRamp(c, "?done=ramp_changed", func(now rollout.Rollout, typed rampTyped, plan ramp.Plan) approval.Act {
		turn, _ := strconv.Atoi(typed.turn)
		return h.act(c, ramp.KindChange, "").With(ramp.Change{Feature: now.Feature, Ramp: c.Param("ramp"), Turn: turn, Plan: plan})
	})
}

func (h *Pages) submitRamp(c echo.Context, done string, act func(rollout.Rollout, rampTyped, ramp.Plan) approval.Act) error {
	now, under, err := h.underRamp(c)
	if err != nil {
		return err
	}
	typed, plan := rampOf(c.Request().PostForm)
	if under != nil { // what is behind it has no fields
		behind := min(under.Step+1, len(under.Plan.Steps))
		for i := range behind {
			typed.stages[i] = string(under.Plan.Steps[i].Rule.Stage)
		}
		if web.Form(c, "do") != "preview" {
			form := c.Request().PostForm
			for i := range behind {
				form.Set("stage_"+strconv.Itoa(i+1), typed.stages[i])
				form.Set("percentage_"+strconv.Itoa(i+1), strconv.Itoa(under.Plan.Steps[i].Rule.Share))
			}
			typed, plan = rampOf(form)
		}
	}
	if web.Form(c, "do") == "preview" {
		return web.Redirect(c, h.featurePath(c, now.Feature)+"/ramp?"+typed.query().Encode()+"#preview")
	}
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err = h.submit(c, act(now, typed, plan), rolloutPath+"/"+url.PathEscape(string(now.Feature))+done)
	if fields, ok := wrong(c, err); ok {
		typed.wrong = fields
		return h.showRamp(c, http.StatusUnprocessableEntity, now, under, typed)
	}
	return err
}

func (h *Pages) showRamp(c echo.Context, status int, now rollout.Rollout, under *ramp.Ramp, typed rampTyped) error {
	ctx := web.Context(c)
	groups, err := h.Rollout.Groups(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	path := h.featurePath(c, now.Feature)
	v := views.RampForm{
		Feature: featureName(c, now.Feature), Back: path, Action: path + "/ramp", Version: typed.version, Turn: typed.turn, Reason: typed.reason, Errors: typed.wrong,
	}
	if under != nil {
		v.Changing, v.Action = true, path+"/ramp/"+url.PathEscape(under.ID)+"/change"
	}
	if entry, _ := feature.Find(now.Feature); entry.Widens || entry.Narrows {
		v.Loosening = words.Say(ctx, map[bool]string{true: "rollout.loosening.widens", false: "rollout.loosening.narrows"}[entry.Widens])
	}
	field := func(name, label, text, hint string) component.Field {
		return component.Field{Name: name, Label: words.Say(ctx, label), Hint: hint, Typed: text, Error: typed.wrong[name], InputMode: "numeric", MaxLength: "5", Autocomplete: "off"}
	}
	var order []string
	for i := range ramp.StepsMost {
		n := strconv.Itoa(i + 1)
		step := views.RampStepForm{Legend: words.Say(ctx, "ramp.form.step", "number", n)}
		if under != nil && i <= under.Step {
			step.Past = stageOf(c, under.Plan.Steps[i].Rule, names)
		}
		step.Stage = component.Field{Name: "stage_" + n, Label: words.Say(ctx, "rollout.stage"), Error: typed.wrong["stage_"+n]}
		step.Stages = append(step.Stages, component.Choice{Label: words.Say(ctx, "ramp.form.no_step"), Chosen: typed.stages[i] == ""})
		for _, stage := range []feature.Stage{feature.Pilot, feature.Percentage, feature.Everyone, feature.Off} {
			step.Stages = append(step.Stages, component.Choice{Value: string(stage), Label: words.Say(ctx, "rollout.stage."+string(stage)), Chosen: string(stage) == typed.stages[i]})
		}
		step.Percentage, step.Hours = field("percentage_"+n, "ramp.form.percentage", typed.percentages[i], ""), field("hours_"+n, "ramp.form.hours", typed.hours[i], "")
		step.Minutes, step.Sample = field("minutes_"+n, "ramp.form.minutes", typed.minutes[i], ""), field("sample_"+n, "ramp.form.sample", typed.samples[i], "")
		order = append(order, "stage_"+n, "percentage_"+n, "hours_"+n, "sample_"+n)
		v.Steps = append(v.Steps, step)
	}
	v.Include, v.Exclude = ruleGroups(c, groups, "include_groups", typed.include, typed.wrong), ruleGroups(c, groups, "exclude_groups", typed.exclude, typed.wrong)
	v.Window, v.Sample = field("window", "ramp.form.window", typed.window, ""), field("sample", "ramp.form.least", typed.sample, "")
	v.Failure, v.Bypass = field("failure", "ramp.form.failure", typed.failure, ""), field("bypass", "ramp.form.bypass", typed.bypass, "")
	v.Working = component.Check{Name: "working", Value: "yes", Label: words.Say(ctx, "ramp.form.working"), Hint: words.Say(ctx, "ramp.form.working_hint"), Checked: typed.working != ""}
	v.Zone = component.Field{Name: "zone", Label: words.Say(ctx, "ramp.form.zone"), Hint: words.Say(ctx, "ramp.form.zone_hint"), Typed: typed.zone, Error: typed.wrong["zone"], Autocomplete: "off", MaxLength: "64"}
	v.Problems = component.Problems(typed.wrong, append(order, "include_groups", "exclude_groups", "window", "sample", "failure", "bypass", "zone", "reason", "ticket")...)
	if typed.preview != nil {
		v.Preview = previewOf(c, *typed.preview)
	}
	return web.Render(c, status, views.RampPage(h.page(c, rolloutPath), v))
}

// ruleGroups offers the groups that rules may speak of.
func ruleGroups(c echo.Context, groups []group.Named, name string, chosen []string, wrong map[string]string) component.Choices {
	ctx := web.Context(c)
	all := component.Choices{Name: name, Legend: words.Say(ctx, "rollout."+name), Hint: words.Say(ctx, "rollout."+name+"_hint"), Error: wrong[name]}
	for _, g := range groups {
		all.Choices = append(all.Choices, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(chosen, g.ID)})
	}
	return all
}
