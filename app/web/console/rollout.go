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
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/replay"
	"latchkey/app/rollout"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const rolloutPath = "/rollout"

func (h *Pages) rolloutRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+rolloutPath, access.RolloutEdit, h.rollouts),
		web.Get("/admin/:tenant"+rolloutPath+"/:feature", access.RolloutEdit, h.rollout),
		web.Post("/admin/:tenant"+rolloutPath+"/:feature", access.RolloutEdit, h.changeRollout),
		web.Post("/admin/:tenant"+rolloutPath+"/:feature/schedule/:schedule/cancel", access.RolloutEdit, h.unscheduleRollout),
		web.Get("/admin/:tenant"+rolloutPath+"/:feature/explain", access.RolloutEdit, h.explainRollout),
	}
}

func (h *Pages) featurePath(c echo.Context, f feature.Feature) string {
	return h.path(c, rolloutPath+"/"+url.PathEscape(string(f)))
}

// rollouts lists the features of the tenant.
func (h *Pages) rollouts(c echo.Context) error {
	all, err := h.Rollout.All(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	names, err := h.groupNames(c)
	if err != nil {
		return err
	}
	later, err := h.Rollout.Schedules(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	ramps, err := h.Ramps.All(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	ctx, v := web.Context(c), views.Rollouts{Insights: h.path(c, insightsPath)}
	for _, r := range all {
		line := views.RolloutLine{
			Title: featureName(c, r.Feature), Text: words.Say(ctx, "feature.about."+string(r.Feature)), Href: h.featurePath(c, r.Feature),
			Stage: stageOf(c, r.Rule, names), Tone: openness[r.Rule.Stage], ChangedAt: r.ChangedAt,
		}
		if !r.Released {
			line.Stage, line.Tone = words.Say(ctx, "rollout.not_released"), "warn"
		}
		if waiting, ok := later[r.Feature]; ok {
			line.UnderWay = words.Say(ctx, map[bool]string{true: "rollout.brief.waits", false: "rollout.brief.holds"}[waiting.Waits])
		}
		for _, under := range ramps {
			if under.Feature == r.Feature {
				line.UnderWay = words.Say(ctx, "ramp.brief."+string(under.State), "step", strconv.Itoa(under.Step), "steps", strconv.Itoa(under.Steps))
				line.UnderWayTone = rampTones[under.State]
			}
		}
		v.Lines = append(v.Lines, line)
	}
	return web.Render(c, http.StatusOK, views.RolloutsPage(h.page(c, rolloutPath), v))
}

// openness is how stages look in a list; one that is on its way is plain.
var openness = map[feature.Stage]string{feature.Everyone: "good", feature.Off: "warn"}

func featureName(c echo.Context, f feature.Feature) string {
	return words.Say(web.Context(c), "feature."+string(f))
}

// stageOf says a rule in a few words.
func stageOf(c echo.Context, r feature.Rule, names map[string]string) string {
	return web.SayRule(web.Context(c), rollout.Said(r, names))
}

func (h *Pages) groupNames(c echo.Context) (map[string]string, error) {
	groups, err := h.Rollout.Groups(c.Request().Context(), web.Here(c).ID)
	names := map[string]string{}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	return names, err
}

// rollout shows one feature: the rule as it is, or, when the address carries another
// one, what that would do.
func (h *Pages) rollout(c echo.Context) error {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return err
	}
	shown := rolloutForm{draft: rollout.Draft{Feature: now.Feature, Rule: now.Rule, Version: now.Version}}
	if !c.QueryParams().Has("stage") {
		return h.showRollout(c, http.StatusOK, now, shown)
	}
	shown = rolloutFormOf(now.Feature, c.QueryParams())
	return h.preview(c, now, shown)
}

// preview shows a draft with what it would do.
func (h *Pages) preview(c echo.Context, now rollout.Rollout, shown rolloutForm) error {
	if shown.wrong == nil {
		found, err := h.Rollout.Preview(c.Request().Context(), web.Here(c).ID, shown.draft)
		if fields, ok := wrong(c, err); ok {
			shown.wrong = fields
		} else if err != nil {
			return err
		}
		shown.preview = &found
	}
	status := http.StatusOK
	if len(shown.wrong) > 0 {
		status, shown.preview = http.StatusUnprocessableEntity, nil
		for field, code := range shown.wrong {
			if code == "rollout.percentage_form" || code == "rollout.time_form" {
				shown.wrong[field] = web.Sentence(c, code, "")
			}
		}
	}
	return h.showRollout(c, status, now, shown)
}

// rolloutForm is the form as it was typed.
type rolloutForm struct {
	draft      rollout.Draft
	percentage string
	starts     string
	ends       string
	reason     string
	wrong      map[string]string
	lacks      *views.Lacks // a replay of it, which has to stand first
	preview    *rollout.Preview

	rampForm, rampTyped string // the act on a ramp that was refused, and its reason
	rampWrong           map[string]string

	scheduleTyped string // the reason with which a schedule was to be cancelled, and what is wrong with it
	scheduleWrong map[string]string
}

func rolloutFormOf(f feature.Feature, form url.Values) rolloutForm {
	typed := rolloutForm{
		draft: rollout.Draft{Feature: f, Rule: feature.Rule{
			Stage: feature.Stage(form.Get("stage")), Include: chosenIn(form["include_groups"]), Exclude: chosenIn(form["exclude_groups"]),
		}},
		percentage: strings.TrimSpace(form.Get("percentage")), reason: form.Get("reason"), starts: strings.TrimSpace(form.Get("starts_at")), ends: strings.TrimSpace(form.Get("ends_at")),
	}
	typed.draft.Version, _ = strconv.Atoi(form.Get("version"))
	if stage := typed.draft.Stage; stage == feature.Percentage || stage == feature.ReportOnly {
		share, err := strconv.Atoi(typed.percentage)
		if err != nil {
			typed.wrong = map[string]string{"percentage": "rollout.percentage_form"}
		}
		typed.draft.Share = share
	}
	for field, text := range map[string]string{"starts_at": typed.starts, "ends_at": typed.ends} {
		at, ok := web.Moment(text)
		if !ok {
			if typed.wrong == nil {
				typed.wrong = map[string]string{}
			}
			typed.wrong[field] = "rollout.time_form"
		}
		if field == "starts_at" {
			typed.draft.StartsAt = at
		} else {
			typed.draft.EndsAt = at
		}
	}
	return typed
}

// chosenIn drops the empty values of a field.
func chosenIn(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
}

func (h *Pages) changeRollout(c echo.Context) error {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return err
	}
	typed := rolloutFormOf(now.Feature, c.Request().PostForm)
	switch web.Form(c, "do") {
	case "preview":
		return web.Redirect(c, h.featurePath(c, now.Feature)+"?"+typed.query().Encode()+"#preview")
	case "replay":
		return h.replayRollout(c, now, typed)
	}
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err = nil
	if typed.wrong != nil {
		err = fault.Wrong("form.wrong", typed.wrong)
	} else {
		done := "?done=saved"
		if typed.draft.StartsAt != nil {
			done = "?done=scheduled"
		}
		err = h.submit(c, h.act(c, rollout.KindChange, "").With(typed.draft), rolloutPath+"/"+url.PathEscape(string(now.Feature))+done)
	}
	if fields, ok := wrong(c, err); ok {
		typed.wrong = fields
		return h.showRollout(c, http.StatusUnprocessableEntity, now, typed)
	}
	if running, lacks := replay.Lacks(err); lacks {
		typed.lacks = h.lacks(c, err, running)
		return h.showRollout(c, http.StatusConflict, now, typed)
	}
	return err
}

// replayRollout tries a draft on sign-ins that were, and goes to where its report grows.
func (h *Pages) replayRollout(c echo.Context, now rollout.Rollout, typed rolloutForm) error {
	if err := h.Site.Rules.Allow(web.Here(c).ID, web.Session(c).UserID, access.PolicyEdit); err != nil {
		return err
	}
	err := h.Rollout.Check(c.Request().Context(), web.Here(c).ID, typed.draft)
	if typed.wrong != nil {
		err = fault.Wrong("form.wrong", typed.wrong)
	}
	if fields, ok := wrong(c, err); ok {
		typed.wrong = fields
		return h.showRollout(c, http.StatusUnprocessableEntity, now, typed)
	}
	if err != nil {
		return err
	}
	return h.replayDraft(c, typed.draft.Put)
}

// query is a draft as an address, so that a preview can be passed on and reloaded.
func (f rolloutForm) query() url.Values {
	q := url.Values{"stage": {string(f.draft.Stage)}, "version": {strconv.Itoa(f.draft.Version)}, "include_groups": f.draft.Include, "exclude_groups": f.draft.Exclude}
	for name, value := range map[string]string{"percentage": f.percentage, "reason": f.reason, "starts_at": f.starts, "ends_at": f.ends} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (h *Pages) showRollout(c echo.Context, status int, now rollout.Rollout, form rolloutForm) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	groups, err := h.Rollout.Groups(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	history, err := h.Rollout.History(c.Request().Context(), tenantID, now.Feature)
	if err != nil {
		return err
	}
	entry, _ := feature.Find(now.Feature)
	path := h.featurePath(c, now.Feature)
	v := views.Rollout{
		Title: featureName(c, now.Feature), Text: words.Say(ctx, "feature.about."+string(now.Feature)), Back: h.path(c, rolloutPath), Action: path,
		Explain: path + "/explain", Now: stageOf(c, now.Rule, names), Released: now.Released, Version: strconv.Itoa(form.draft.Version),
		Errors: form.wrong, Reason: form.reason, Lacks: form.lacks, MayReplay: h.Site.Rules.Allow(tenantID, web.Session(c).UserID, access.PolicyEdit) == nil,
	}
	if now.Feature == feature.RegistrationCampaign {
		v.Campaign = h.path(c, campaignPath)
	}
	if entry.Widens || entry.Narrows {
		v.Loosening = words.Say(ctx, map[bool]string{true: "rollout.loosening.widens", false: "rollout.loosening.narrows"}[entry.Widens])
	}
	for _, needed := range entry.Needs {
		v.Needs = append(v.Needs, featureName(c, needed))
	}
	if v.Report, err = h.report(c, now); err != nil {
		return err
	}
	v.Stages = component.Choices{Name: "stage", Legend: words.Say(ctx, "rollout.stage"), Error: form.wrong["stage"]}
	for _, stage := range feature.Stages {
		v.Stages.Choices = append(v.Stages.Choices, component.Choice{
			Value: string(stage), Label: words.Say(ctx, "rollout.stage."+string(stage)), Hint: words.Say(ctx, "rollout.stage_hint."+string(stage)), Chosen: stage == form.draft.Stage,
		})
	}
	typed := form.percentage
	if typed == "" && form.draft.Share > 0 {
		typed = strconv.Itoa(form.draft.Share)
	}
	v.Percentage = component.Field{Name: "percentage", Label: words.Say(ctx, "rollout.percentage"), Hint: words.Say(ctx, "rollout.percentage_hint"), Typed: typed, Error: form.wrong["percentage"], InputMode: "numeric", MaxLength: "3"}
	v.Include, v.Exclude = ruleGroups(c, groups, "include_groups", form.draft.Include, form.wrong), ruleGroups(c, groups, "exclude_groups", form.draft.Exclude, form.wrong)
	v.Starts = component.Field{Name: "starts_at", Label: words.Say(ctx, "rollout.starts_at"), Hint: words.Say(ctx, "rollout.starts_at_hint"), Type: "datetime-local", Typed: form.starts, Error: form.wrong["starts_at"]}
	v.Ends = component.Field{Name: "ends_at", Label: words.Say(ctx, "rollout.ends_at"), Hint: words.Say(ctx, "rollout.ends_at_hint"), Type: "datetime-local", Typed: form.ends, Error: form.wrong["ends_at"]}
	v.Problems = component.Problems(form.wrong, "stage", "percentage", "include_groups", "exclude_groups", "starts_at", "ends_at", "reason", "ticket")
	if form.preview != nil {
		v.Preview = previewOf(c, *form.preview)
	}
	if v.Schedule, err = h.schedulePart(c, now, names, form); err != nil {
		return err
	}
	if v.Ramp, err = h.rampPart(c, now, names, form); err != nil {
		return err
	}
	for _, version := range history {
		shown := views.RolloutVersion{
			Title: words.Say(ctx, "policy.history.version", "number", strconv.Itoa(version.Version)), At: version.ChangedAt,
			By: version.ChangedBy, Approved: version.ApprovedBy, Reason: version.Reason, Ticket: h.ticketRef(c, version.Ticket),
		}
		if shown.By == "" {
			shown.By = words.Say(ctx, "rollout.by_schedule")
			if words.Has(ctx, "rollout.reason."+version.Reason) {
				shown.Reason = words.Say(ctx, "rollout.reason."+version.Reason)
			}
		}
		for _, d := range version.Difference {
			shown.Before, shown.After = web.SayRule(ctx, d.Before), web.SayRule(ctx, d.After)
		}
		if version.Version != now.Version {
			again := rolloutForm{draft: rollout.Draft{Feature: now.Feature, Rule: version.Rule, Version: now.Version}, reason: words.Say(ctx, "rollout.restoring", "number", strconv.Itoa(version.Version))}
			if version.Rule.Share > 0 {
				again.percentage = strconv.Itoa(version.Rule.Share)
			}
			shown.Restore = path + "?" + again.query().Encode() + "#preview"
		}
		v.History = append(v.History, shown)
	}
	return web.Render(c, status, views.RolloutPage(h.page(c, rolloutPath), v))
}

func previewOf(c echo.Context, p rollout.Preview) *views.RolloutPreview {
	ctx := web.Context(c)
	v := &views.RolloutPreview{People: p.People, Touched: p.Touched, Shut: p.LockedOut > 0, TooFew: p.TooFew}
	line := func(name string, n int, names []string, of ...string) {
		v.Lines = append(v.Lines, views.RolloutCount{Label: words.Say(ctx, "rollout.preview."+name, of...), N: n, Names: strings.Join(names, ", "), More: n - len(names)})
	}
	line("have", p.Have, nil)
	line("gain", p.Gain, p.Gaining)
	line("lose", p.Lose, p.Losing)
	line("locked_out", p.LockedOut, p.Shut)
	if len(p.Needs) > 0 {
		line("lacking", p.Lacking, nil)
	}
	for _, along := range p.Along {
		if along.Gain > 0 {
			line("gain_along", along.Gain, nil, "feature", featureName(c, along.Feature))
		}
		if along.Lose > 0 {
			line("lose_along", along.Lose, nil, "feature", featureName(c, along.Feature))
		}
	}
	line("administrators", p.Administrators, nil)
	return v
}

// explainRollout says why somebody has a feature, or not: every condition of it.
func (h *Pages) explainRollout(c echo.Context) error {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return err
	}
	ctx, typed := web.Context(c), c.QueryParam("user")
	v := views.Explanation{
		Feature: featureName(c, now.Feature), Back: h.featurePath(c, now.Feature), Action: h.featurePath(c, now.Feature) + "/explain",
		User: component.Field{Name: "user", Label: words.Say(ctx, "rollout.explain.user"), Typed: typed, Required: true, Autofocus: typed == ""},
	}
	status := http.StatusOK
	if typed != "" {
		found, err := h.Rollout.Explain(c.Request().Context(), web.Here(c).ID, now.Feature, typed)
		if fields, ok := wrong(c, err); ok {
			status, v.User.Error = http.StatusUnprocessableEntity, fields["user"]
		} else if err != nil {
			return err
		} else if err := h.explained(c, &v, found); err != nil {
			return err
		}
	}
	return web.Render(c, status, views.ExplainPage(h.page(c, rolloutPath), v))
}

func (h *Pages) explained(c echo.Context, v *views.Explanation, found rollout.Explained) error {
	names, err := h.groupNames(c)
	if err != nil {
		return err
	}
	ctx := web.Context(c)
	v.Name, v.Href, v.Has = found.Name, h.personPath(c, found.UserID), found.Has
	for _, condition := range found.Conditions {
		v.Conditions = append(v.Conditions, views.Condition{Met: condition.Met, Text: conditionText(ctx, condition, names)})
	}
	return nil
}

// conditionText says what a condition of a feature is.
func conditionText(ctx context.Context, c feature.Condition, groups map[string]string) string {
	needed := ""
	if c.Needed != "" {
		needed = words.Say(ctx, "feature."+string(c.Needed))
	}
	return words.Say(ctx, "rollout.condition."+c.Name, "group", groups[c.Group], "place", percent(c.Place), "share", percent(c.Share), "feature", needed)
}

// schedulePart shows the change of a feature that waits for its time.
func (h *Pages) schedulePart(c echo.Context, now rollout.Rollout, names map[string]string, form rolloutForm) (*views.Schedule, error) {
	all, err := h.Rollout.Schedules(c.Request().Context(), web.Here(c).ID)
	waiting, ok := all[now.Feature]
	if err != nil || !ok {
		return nil, err
	}
	ctx := web.Context(c)
	v := &views.Schedule{
		Action: h.featurePath(c, now.Feature) + "/schedule/" + url.PathEscape(waiting.ID) + "/cancel", At: waiting.At, Reason: waiting.Reason, Typed: form.scheduleTyped, Error: form.scheduleWrong["reason"],
		Open: form.scheduleWrong != nil, By: words.Say(ctx, "policy.history.by", "name", waiting.MadeBy),
	}
	if waiting.Approved != "" {
		v.By = words.Say(ctx, "policy.history.by_two", "name", waiting.MadeBy, "other", waiting.Approved)
	}
	if waiting.Waits {
		v.Text, v.Cancel = words.Say(ctx, "rollout.schedule.waits", "rule", stageOf(c, waiting.Rule, names)), words.Say(ctx, "rollout.schedule.cancel.waits")
		if waiting.EndsAt != nil {
			v.EndsAt = *waiting.EndsAt
		}
	} else {
		v.Text, v.Cancel = words.Say(ctx, "rollout.schedule.holds", "rule", stageOf(c, waiting.Before, names)), words.Say(ctx, "rollout.schedule.cancel.holds")
	}
	return v, nil
}

func (h *Pages) unscheduleRollout(c echo.Context) error {
	now, err := h.Rollout.Of(c.Request().Context(), web.Here(c).ID, feature.Feature(c.Param("feature")))
	if err != nil {
		return err
	}
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err = h.submit(c, h.act(c, rollout.KindUnschedule, "").With(rollout.Unschedule{Feature: now.Feature, ID: c.Param("schedule")}), rolloutPath+"/"+url.PathEscape(string(now.Feature))+"?done=unscheduled")
	if fields, ok := wrong(c, err); ok {
		return h.showRollout(c, http.StatusUnprocessableEntity, now, rolloutForm{
			draft: rollout.Draft{Feature: now.Feature, Rule: now.Rule, Version: now.Version}, scheduleTyped: web.Form(c, "reason"), scheduleWrong: fields,
		})
	}
	return err
}
