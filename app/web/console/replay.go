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
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/group"
	"latchkey/app/method"
	"latchkey/app/replay"
	"latchkey/app/rollout"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const replayPath = policyPath + "/replay"

func (h *Pages) replayRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+replayPath, access.PolicyEdit, h.replays),
		web.Post("/admin/:tenant"+replayPath, access.PolicyEdit, h.beginReplay),
		web.Get("/admin/:tenant"+replayPath+"/:replay", access.PolicyEdit, h.replayPage),
		web.Get("/admin/:tenant"+replayPath+"/:replay/state", access.PolicyEdit, h.replayState),
	}
}

// replayUses are the uses of ways that decide a sign-in.
var replayUses = []method.Use{method.SignIn, method.Second}

// tried are the features by which somebody signs in.
func tried() (all []feature.Entry) {
	for _, e := range feature.Catalogue {
		if e.Way != 0 || e.Feature == feature.BackupPhones || e.Feature == feature.TypedNumberMatch {
			all = append(all, e)
		}
	}
	return all
}

func (h *Pages) replays(c echo.Context) error { return h.showReplays(c, http.StatusOK, nil) }

// beginReplay reads the draft, and goes to where its report grows.
func (h *Pages) beginReplay(c echo.Context) error {
	now, err := h.Replays.Current(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	drafts, fields, err := h.replayDrafts(c, now)
	if err != nil {
		return err
	}
	form := c.Request().PostForm
	change := func(r *decision.Rules) {
		for _, d := range drafts {
			d.Put(r)
		}
		for _, w := range method.Ways {
			for _, use := range w.Uses {
				if !slices.Contains(replayUses, use) {
					continue
				}
				off := &r.Ways.NoSignIn
				if use == method.Second {
					off = &r.Ways.NoSecond
				}
				if *off |= w.Bit; form.Has(w.Name + "." + string(use)) {
					*off &^= w.Bit
				}
			}
		}
	}
	if len(fields) > 0 {
		err = fault.Wrong("form.wrong", fields)
	}
	var id string
	if err == nil {
		id, err = h.Replays.Begin(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, replay.Range{Days: count(c, "days", 0), Most: count(c, "most", 0)}, change, web.Origin(c))
	}
	if fields, ok := wrong(c, err); ok {
		return h.showReplays(c, http.StatusUnprocessableEntity, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, replayPath+"/"+url.PathEscape(id)))
}

// replayDrafts reads the features of the form that are drawn otherwise than they are, and
// says by field what of them cannot be.
func (h *Pages) replayDrafts(c echo.Context, now *decision.Rules) (drafts []rollout.Draft, fields map[string]string, err error) {
	form := c.Request().PostForm
	fields = map[string]string{}
	for _, e := range tried() {
		name := string(e.Feature)
		if !form.Has("stage_" + name) {
			continue
		}
		d := rollout.Draft{Feature: e.Feature, Rule: feature.Rule{
			Stage: feature.Stage(web.Form(c, "stage_"+name)), Include: chosenIn(form["include_"+name]), Exclude: chosenIn(form["exclude_"+name]),
		}}
		if d.Stage == feature.Percentage || d.Stage == feature.ReportOnly {
			d.Share = count(c, "share_"+name, 0)
		}
		if was := (rollout.Draft{Feature: e.Feature, Rule: now.Features.Rule(e.Feature)}); was.Same(d) {
			continue
		}
		err := h.Rollout.Check(c.Request().Context(), web.Here(c).ID, d)
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid {
			if err != nil {
				return nil, nil, err
			}
			drafts = append(drafts, d)
			continue
		}
		for field, code := range fault.Of(err).Fields {
			as := map[string]string{"stage": "stage_", "percentage": "share_", "include_groups": "groups_", "exclude_groups": "groups_"}[field]
			fields[as+name] = code
		}
	}
	return drafts, fields, nil
}

// Of a replay that is begun from another form than its own.
const replayMost = 1_000_000

// replayDraft tries a draft on all sign-ins that are kept, and goes to where its report
// grows.
func (h *Pages) replayDraft(c echo.Context, change func(*decision.Rules)) error {
	kept, err := h.Settings.Decisions(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	id, err := h.Replays.Begin(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, replay.Range{Days: kept.Days, Most: replayMost}, change, web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, replayPath+"/"+url.PathEscape(id)))
}

// lacks says that a replay has to stand before a draft is saved.
func (h *Pages) lacks(c echo.Context, err error, running string) *views.Lacks {
	l := &views.Lacks{Text: web.Sentence(c, fault.Of(err).Code, "")}
	if running != "" {
		l.Running = h.path(c, replayPath+"/"+url.PathEscape(running))
	}
	return l
}

func (h *Pages) showReplays(c echo.Context, status int, errors map[string]string) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	now, err := h.Replays.Current(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	earlier, err := h.Replays.List(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	groups, err := h.Rollout.Groups(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	wants, err := h.Settings.Decisions(c.Request().Context(), tenantID)
	if err != nil {
		return err
	}
	form := c.Request().PostForm
	again := c.Request().Method == http.MethodPost
	typed := func(name, usual string) string {
		if again {
			return web.Form(c, name)
		}
		return usual
	}
	v := views.Replays{Action: h.path(c, replayPath), Differences: h.path(c, differencesPath), PolicyHref: h.path(c, policyPath), Errors: errors, Days: typed("days", "7"), Most: typed("most", "100000"), First: wants.ReplayFirst, SettingsHref: h.path(c, "/settings#decisions")}
	order := []string{}
	for _, e := range tried() {
		name, rule := string(e.Feature), now.Features.Rule(e.Feature)
		row := views.ReplayFeature{
			Title: words.Say(ctx, "feature."+name), StageName: "stage_" + name, StageError: errors["stage_"+name], ShareName: "share_" + name,
			Share: typed("share_"+name, strconv.Itoa(rule.Share)), ShareError: errors["share_"+name], GroupsName: "groups_" + name, GroupsError: errors["groups_"+name],
		}
		order = append(order, row.StageName, row.ShareName, row.GroupsName)
		stage := typed("stage_"+name, string(rule.Stage))
		for _, s := range feature.Stages {
			row.Stages = append(row.Stages, component.Choice{Value: string(s), Label: words.Say(ctx, "rollout.stage."+string(s)), Chosen: string(s) == stage})
		}
		if again {
			rule.Include, rule.Exclude = form["include_"+name], form["exclude_"+name]
		}
		row.Include, row.Exclude = groupChoices(ctx, "include", name, groups, rule.Include), groupChoices(ctx, "exclude", name, groups, rule.Exclude)
		row.For = saidGroups(ctx, groups, rule)
		v.Features = append(v.Features, row)
	}
	v.Problems = component.Problems(errors, append(order, "days", "most")...)
	for _, use := range replayUses {
		v.Uses = append(v.Uses, words.Say(ctx, "policy.use."+string(use)))
	}
	for _, w := range method.Ways {
		row := views.ReplayWay{Title: words.Say(ctx, "policy.way."+w.Name)}
		for i, use := range replayUses {
			box := views.PolicyUse{Label: v.Uses[i], Heard: words.Say(ctx, "policy.use_of", "way", row.Title, "use", v.Uses[i])}
			if slices.Contains(w.Uses, use) {
				box.Name = w.Name + "." + string(use)
				off := now.Ways.NoSignIn
				if use == method.Second {
					off = now.Ways.NoSecond
				}
				if box.On = !off.Has(w.Bit); again {
					box.On = form.Has(box.Name)
				}
			}
			row.Uses = append(row.Uses, box)
		}
		v.Ways = append(v.Ways, row)
	}
	for _, r := range earlier {
		v.Earlier = append(v.Earlier, views.ReplayLine{
			Href: h.path(c, replayPath+"/"+url.PathEscape(r.ID)), At: r.CreatedAt, By: r.CreatedBy, State: words.Say(ctx, "replay.state."+r.State), Tone: replayTones[r.State],
			Text: replaySummary(ctx, r),
		})
	}
	return web.Render(c, status, views.ReplaysPage(h.page(c, policyPath), v))
}

// groupChoices offers the groups that a draft of a feature may speak of.
func groupChoices(ctx context.Context, side, name string, groups []group.Named, chosen []string) component.Choices {
	all := component.Choices{Name: side + "_" + name, Legend: words.Say(ctx, "rollout."+side+"_groups")}
	for _, g := range groups {
		all.Choices = append(all.Choices, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(chosen, g.ID)})
	}
	return all
}

// saidGroups says the groups of a rule in few words.
func saidGroups(ctx context.Context, groups []group.Named, r feature.Rule) string {
	var parts []string
	for _, g := range groups {
		if slices.Contains(r.Include, g.ID) {
			parts = append(parts, words.Say(ctx, "rollout.with_group", "group", g.Name))
		}
	}
	for _, g := range groups {
		if slices.Contains(r.Exclude, g.ID) {
			parts = append(parts, words.Say(ctx, "rollout.without_group", "group", g.Name))
		}
	}
	if len(parts) == 0 {
		return words.Say(ctx, "replay.no_groups")
	}
	return strings.Join(parts, ", ")
}

var replayTones = map[string]string{replay.Running: "warn", replay.Done: "good", replay.Failed: "bad"}

func replaySummary(ctx context.Context, r replay.Replay) string {
	n := func(o decision.Outcome) string { return strconv.Itoa(r.Tally.Newly(o)) }
	return words.Say(ctx, "replay.summary", "seen", strconv.Itoa(r.Done), "blocked", n(decision.Blocked), "asked", n(decision.Asked), "passed", n(decision.Passed))
}

func (h *Pages) replayPage(c echo.Context) error {
	ctx := web.Context(c)
	r, err := h.Replays.Find(c.Request().Context(), web.Here(c).ID, c.Param("replay"))
	if err != nil {
		return err
	}
	v := views.Replay{
		List: h.path(c, replayPath), Differences: h.path(c, differencesPath), Href: h.path(c, replayPath+"/"+url.PathEscape(r.ID)), State: r.State, Done: r.Done, Total: r.Total, Progress: progress(ctx, r.Done, r.Total),
		At: r.CreatedAt, By: r.CreatedBy, Summary: replaySummary(ctx, r), Same: r.Same(), Defects: r.Tally.Defects, Modes: r.Tally.Modes,
		Running: r.State == replay.Running, Failed: r.State == replay.Failed,
	}
	groups, err := h.Policy.GroupNames(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v.Changes = draftChanges(c, r, groups)
	if r.State == replay.Done && !v.Same {
		if v.Saving, err = h.saving(c, r); err != nil {
			return err
		}
	}
	for _, to := range []decision.Outcome{decision.Blocked, decision.Asked, decision.Passed} {
		for _, from := range decision.Outcomes {
			m := r.Tally.Moves[replay.MoveOf(from, to)]
			if m == nil {
				continue
			}
			move := views.ReplayMove{
				Title: words.Say(ctx, "replay.move", "from", words.Say(ctx, "replay.was."+from.String()), "to", words.Say(ctx, "replay.now."+to.String())),
				Count: m.Count, Stranded: m.Stranded, Tone: outcomeTones[to],
			}
			for _, e := range m.Examples {
				move.Examples = append(move.Examples, h.replayExample(c, r, e))
			}
			v.Moves = append(v.Moves, move)
		}
	}
	for _, e := range r.Tally.Odd {
		v.Odd = append(v.Odd, h.replayExample(c, r, e))
	}
	page := h.page(c, policyPath)
	return web.Render(c, http.StatusOK, views.ReplayPage(page, v))
}

func (h *Pages) replayExample(c echo.Context, r replay.Replay, e replay.Example) views.ReplayExample {
	ctx := web.Context(c)
	link := ""
	if e.ID != "" {
		link = h.differencePath(c, decision.Address(e.At, e.ID))
	}
	return views.ReplayExample{
		Link: link, Name: r.Names[e.UserID], Href: h.path(c, "/users/"+url.PathEscape(e.UserID)), At: e.At, Way: wayTitles(ctx, user.Ways(e.Way)),
		Why: words.Say(ctx, "replay.why."+e.Why.String()), Left: wayTitles(ctx, user.Ways(e.Usable)),
	}
}

// draftChanges says in what a draft differs from the rules that held.
func draftChanges(c echo.Context, r replay.Replay, groups map[string]string) (all []string) {
	ctx := web.Context(c)
	change := func(what, before, after string) {
		all = append(all, words.Say(ctx, "replay.change", "what", what, "before", before, "after", after))
	}
	for _, e := range feature.Catalogue {
		was, now := r.Base.Features.Rule(e.Feature), r.Draft.Features.Rule(e.Feature)
		if !decision.Same(was, now) {
			change(words.Say(ctx, "feature."+string(e.Feature)), stageOf(c, was, groups), stageOf(c, now, groups))
		}
	}
	off := func(r *decision.Rules, use method.Use) user.Ways {
		return map[method.Use]user.Ways{method.SignIn: r.Ways.NoSignIn, method.Second: r.Ways.NoSecond, method.Recovery: r.Ways.NoRecovery}[use]
	}
	onOff := map[bool]string{true: words.Say(ctx, "replay.off"), false: words.Say(ctx, "replay.on")}
	for _, w := range method.Ways {
		title := words.Say(ctx, "policy.way."+w.Name)
		for _, use := range w.Uses {
			if was, now := off(r.Base, use).Has(w.Bit), off(r.Draft, use).Has(w.Bit); was != now {
				change(words.Say(ctx, "policy.use_of", "way", title, "use", words.Say(ctx, "policy.use."+string(use))), onOff[was], onOff[now])
			}
		}
		limited := func(r *decision.Rules) string {
			for _, l := range r.Ways.Limits {
				if l.Way == w.Bit {
					var names []string
					for _, g := range l.Groups {
						names = append(names, groups[g])
					}
					slices.Sort(names)
					return strings.Join(names, ", ")
				}
			}
			return words.Say(ctx, "policy.everybody")
		}
		if was, now := limited(r.Base), limited(r.Draft); was != now {
			change(title, was, now)
		}
	}
	return all
}

// saving is where a draft that was tried can be saved, if it is one that one form saves:
// a feature alone, or the ways in alone.
func (h *Pages) saving(c echo.Context, r replay.Replay) (string, error) {
	ctx, tenantID := c.Request().Context(), web.Here(c).ID
	var features []feature.Feature
	for _, e := range feature.Catalogue {
		if !decision.Same(r.Base.Features.Rule(e.Feature), r.Draft.Features.Rule(e.Feature)) {
			features = append(features, e.Feature)
		}
	}
	ways := *r.Base
	ways.Features = r.Draft.Features
	otherWays := ways.Fingerprint() != r.Draft.Fingerprint()
	switch {
	case len(features) == 1 && !otherWays:
		now, err := h.Rollout.Of(ctx, tenantID, features[0])
		if err != nil {
			return "", err
		}
		form := rolloutForm{draft: rollout.Draft{Feature: now.Feature, Rule: r.Draft.Features.Rule(now.Feature), Version: now.Version}}
		if form.draft.Stage == feature.Percentage || form.draft.Stage == feature.ReportOnly {
			form.percentage = strconv.Itoa(form.draft.Share)
		}
		return h.featurePath(c, now.Feature) + "?" + form.query().Encode() + "#preview", nil
	case len(features) == 0 && otherWays:
		p, err := h.Policy.Of(ctx, tenantID)
		return h.path(c, policyPath) + "?" + policyQuery(p.As(r.Draft.Ways)).Encode(), err
	}
	return "", nil
}

func (h *Pages) replayState(c echo.Context) error {
	r, err := h.Replays.Find(c.Request().Context(), web.Here(c).ID, c.Param("replay"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		State string `json:"state"`
		Done  int    `json:"done"`
		Total int    `json:"total"`
		Said  string `json:"said"`
	}{r.State, r.Done, r.Total, progress(web.Context(c), r.Done, r.Total)})
}
