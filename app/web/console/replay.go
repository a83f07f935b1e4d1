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
	"latchkey/app/feature"
	"latchkey/app/method"
	"latchkey/app/replay"
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
	days, _ := strconv.Atoi(strings.TrimSpace(web.Form(c, "days")))
	most, _ := strconv.Atoi(strings.TrimSpace(web.Form(c, "most")))
	form := c.Request().PostForm
	change := func(r *decision.Rules) {
		for _, e := range tried() {
			rule := r.Features.Rule(e.Feature)
			if stage := feature.Stage(web.Form(c, "stage_"+string(e.Feature))); slices.Contains(feature.Stages, stage) {
				rule.Stage = stage
			}
			if share, err := strconv.Atoi(strings.TrimSpace(web.Form(c, "share_"+string(e.Feature)))); err == nil {
				rule.Share = min(max(share, 0), 100)
			}
			if rule.Stage != feature.Percentage && rule.Stage != feature.ReportOnly {
				rule.Share = 0
			}
			r.Features = *r.Features.With(e.Feature, rule)
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
	id, err := h.Replays.Begin(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, replay.Range{Days: days, Most: most}, change, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showReplays(c, http.StatusUnprocessableEntity, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, replayPath+"/"+url.PathEscape(id)))
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
	again := c.Request().Method == http.MethodPost
	typed := func(name, usual string) string {
		if again {
			return web.Form(c, name)
		}
		return usual
	}
	v := views.Replays{Action: h.path(c, replayPath), PolicyHref: h.path(c, policyPath), Errors: errors, Problems: component.Problems(errors, "days", "most"), Days: typed("days", "7"), Most: typed("most", "100000")}
	for _, e := range tried() {
		name, rule := string(e.Feature), now.Features.Rule(e.Feature)
		row := views.ReplayFeature{Title: words.Say(ctx, "feature."+name), StageName: "stage_" + name, ShareName: "share_" + name, Share: typed("share_"+name, strconv.Itoa(rule.Share))}
		stage := typed("stage_"+name, string(rule.Stage))
		for _, s := range feature.Stages {
			row.Stages = append(row.Stages, component.Choice{Value: string(s), Label: words.Say(ctx, "rollout.stage."+string(s)), Chosen: string(s) == stage})
		}
		v.Features = append(v.Features, row)
	}
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
					box.On = c.Request().PostForm.Has(box.Name)
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
		List: h.path(c, replayPath), Href: h.path(c, replayPath+"/"+url.PathEscape(r.ID)), State: r.State, Done: r.Done, Total: r.Total, Progress: progress(ctx, r.Done, r.Total),
		At: r.CreatedAt, By: r.CreatedBy, Summary: replaySummary(ctx, r), Same: r.Same(), Defects: r.Tally.Defects, Modes: r.Tally.Modes,
		Running: r.State == replay.Running, Failed: r.State == replay.Failed,
	}
	v.Changes = draftChanges(ctx, r)
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
	return views.ReplayExample{
		Name: r.Names[e.UserID], Href: h.path(c, "/users/"+url.PathEscape(e.UserID)), At: e.At, Way: wayTitles(ctx, user.Ways(e.Way)),
		Why: words.Say(ctx, "replay.why."+e.Why.String()), Left: wayTitles(ctx, user.Ways(e.Usable)),
	}
}

// draftChanges says in what a draft differs from the rules that held.
func draftChanges(ctx context.Context, r replay.Replay) (all []string) {
	for _, e := range tried() {
		was, now := r.Base.Features.Rule(e.Feature), r.Draft.Features.Rule(e.Feature)
		if decision.Same(was, now) {
			continue
		}
		all = append(all, words.Say(ctx, "replay.change", "what", words.Say(ctx, "feature."+string(e.Feature)), "before", stageText(ctx, was), "after", stageText(ctx, now)))
	}
	for _, w := range method.Ways {
		for _, use := range replayUses {
			was, now := r.Base.Ways.NoSignIn, r.Draft.Ways.NoSignIn
			if use == method.Second {
				was, now = r.Base.Ways.NoSecond, r.Draft.Ways.NoSecond
			}
			if was.Has(w.Bit) == now.Has(w.Bit) {
				continue
			}
			onOff := func(off bool) string {
				if off {
					return words.Say(ctx, "replay.off")
				}
				return words.Say(ctx, "replay.on")
			}
			all = append(all, words.Say(ctx, "replay.change", "what", words.Say(ctx, "policy.use_of", "way", words.Say(ctx, "policy.way."+w.Name), "use", words.Say(ctx, "policy.use."+string(use))),
				"before", onOff(was.Has(w.Bit)), "after", onOff(now.Has(w.Bit))))
		}
	}
	return all
}

func stageText(ctx context.Context, r feature.Rule) string {
	text := words.Say(ctx, "rollout.stage."+string(r.Stage))
	if r.Stage == feature.Percentage || r.Stage == feature.ReportOnly {
		text += " " + words.Say(ctx, "replay.percent", "share", strconv.Itoa(r.Share))
	}
	return text
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
