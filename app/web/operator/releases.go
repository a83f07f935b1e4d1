package operator

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/release"
	"latchkey/app/tenant"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/operator"
	"latchkey/views/words"
)

const releasesPath = "/operator/releases"

func releaseBase(f feature.Feature) string { return releasesPath + "/" + string(f) }

func (h *Pages) releases(c echo.Context) error {
	ctx := web.Context(c)
	all, err := h.Releases.List(ctx)
	if err != nil {
		return err
	}
	var v views.Releases
	for _, r := range all {
		row := views.ReleaseRow{
			Name: words.Say(ctx, "feature."+string(r.Entry.Feature)), About: words.Say(ctx, "feature.about."+string(r.Entry.Feature)), Href: releaseBase(r.Entry.Feature),
			Reached: component.Thousands(r.Reach.Reached), Tenants: component.Thousands(r.Reach.Tenants), ChangedAt: r.ChangedAt,
		}
		row.State, row.Tone = stateOf(ctx, r.Rule)
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.ReleasesPage(h.frame(c, releasesPath), v))
}

// stateOf says how far a rule goes.
func stateOf(ctx context.Context, r release.Rule) (state, tone string) {
	switch {
	case r.Stopped:
		return words.Say(ctx, "release.state.stopped"), "bad"
	case r.Everywhere():
		return words.Say(ctx, "release.state.everywhere"), "good"
	case r.Nowhere():
		return words.Say(ctx, "release.state.nowhere"), ""
	}
	return words.Say(ctx, "release.state.partly"), "warn"
}

func (h *Pages) release(c echo.Context) error {
	return h.showRelease(c, http.StatusOK, func(*views.Release) error { return nil })
}

// showRelease shows the page of a feature, changed by what became of a form on it.
func (h *Pages) showRelease(c echo.Context, status int, change func(*views.Release) error) error {
	ctx, f := web.Context(c), feature.Feature(c.Param("feature"))
	d, err := h.Releases.Find(ctx, f)
	if err != nil {
		return err
	}
	v := views.Release{
		Name: words.Say(ctx, "feature."+string(f)), About: words.Say(ctx, "feature.about."+string(f)), Base: releaseBase(f), Stopped: d.Rule.Stopped,
		Reaches: words.Say(ctx, "release.reaches", "some", component.Thousands(d.Reach.Reached), "all", component.Thousands(d.Reach.Tenants)),
		Version: strconv.Itoa(d.Version), StopText: words.Say(ctx, "release.stop.text", "count", component.Thousands(d.Reach.Reached)),
	}
	v.Starts = component.Field{Name: "starts_at", Label: words.Say(ctx, "rollout.starts_at"), Hint: words.Say(ctx, "rollout.starts_at_hint"), Type: "datetime-local"}
	v.Ends = component.Field{Name: "ends_at", Label: words.Say(ctx, "rollout.ends_at"), Hint: words.Say(ctx, "rollout.ends_at_hint"), Type: "datetime-local"}
	v.Schedule = scheduleOf(ctx, f, d.Schedule)
	if v.Stopped {
		v.StopText = words.Say(ctx, "release.resume.text")
	}
	v.State, v.Tone = stateOf(ctx, d.Rule)
	for _, ring := range tenant.Rings {
		v.Rings = append(v.Rings, words.Say(ctx, "operator.ring."+ring))
	}
	v.Rows = grid(ctx, d.Reach)
	for _, version := range d.Versions {
		v.Versions = append(v.Versions, versionOf(ctx, version, d.Version))
	}
	if len(d.Versions) > 0 && d.Versions[len(d.Versions)-1].Version == 1 {
		v.Versions = append(v.Versions, views.ReleaseVersion{Title: words.Say(ctx, "release.version.first"), Difference: []string{words.Say(ctx, "release.state.everywhere")}})
	}
	if err := change(&v); err != nil {
		return err
	}
	return web.Render(c, status, views.ReleasePage(h.frame(c, releasesPath), v))
}

// grid is the form of the shares, with what they reach now.
func grid(ctx context.Context, reach release.Reach) (rows []views.ReleaseRegion) {
	for _, region := range tenant.Regions {
		row := views.ReleaseRegion{Name: words.Say(ctx, "setup.region."+region)}
		for _, cell := range reach.Cells {
			if cell.Region == region {
				ring := words.Say(ctx, "operator.ring."+cell.Ring)
				row.Cells = append(row.Cells, views.ReleaseCell{
					Field: fieldOf(region, cell.Ring), Label: words.Say(ctx, "release.cell", "region", row.Name, "ring", ring), Ring: ring, Typed: strconv.Itoa(cell.Share),
					Reaching: words.Say(ctx, "release.of", "some", component.Thousands(cell.Reaching), "all", component.Thousands(cell.Tenants)),
				})
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func fieldOf(region, ring string) string { return "share." + region + "." + ring }

func versionOf(ctx context.Context, v release.Version, current int) views.ReleaseVersion {
	shown := views.ReleaseVersion{
		Number: v.Version, Title: words.Say(ctx, "release.version.number", "version", strconv.Itoa(v.Version)), Reason: v.Reason, Who: v.By, At: v.ChangedAt, Current: v.Version == current,
	}
	if shown.Who == "" {
		shown.Who = words.Say(ctx, "operator.history.clock")
	}
	for _, change := range v.Difference {
		if change.Region == "" {
			key := "release.difference.stopped"
			if change.After > 0 {
				key = "release.difference.resumed"
			}
			shown.Difference = append(shown.Difference, words.Say(ctx, key))
			continue
		}
		shown.Difference = append(shown.Difference, words.Say(ctx, "release.difference", "region", words.Say(ctx, "setup.region."+change.Region),
			"ring", words.Say(ctx, "operator.ring."+change.Ring), "before", strconv.Itoa(change.Before), "after", strconv.Itoa(change.After)))
	}
	return shown
}

// releaseAct reads what every form on the page says.
func releaseAct(c echo.Context) release.Act {
	version, err := strconv.Atoi(web.Form(c, "version"))
	if err != nil || version < 0 {
		version = -2 // what is no number is no version either
	}
	return release.Act{Feature: feature.Feature(c.Param("feature")), Version: version, Reason: web.Form(c, "reason"), By: by(c), From: web.Origin(c)}
}

// cellsOf reads the shares; what is no number is no percentage.
func cellsOf(c echo.Context) (cells []feature.Cell) {
	for _, region := range tenant.Regions {
		for _, ring := range tenant.Rings {
			share, err := strconv.Atoi(strings.TrimSpace(web.Form(c, fieldOf(region, ring))))
			if err != nil {
				share = -1
			}
			cells = append(cells, feature.Cell{Region: region, Ring: ring, Share: share})
		}
	}
	return cells
}

func (h *Pages) changeRelease(c echo.Context) error {
	act, cells := releaseAct(c), cellsOf(c)
	preview := web.Form(c, "preview") != ""
	times, wrong := timesOf(c)
	var reach release.Reach
	var err error
	switch {
	case preview:
		reach, err = h.Releases.Preview(c.Request().Context(), act.Feature, cells)
	case len(wrong) > 0:
		err = fault.Wrong("form.wrong", wrong)
	default:
		err = h.Releases.ChangeAt(c.Request().Context(), act, cells, times)
	}
	switch {
	case errors.Is(err, fault.Invalid):
		return h.showRelease(c, unprocessable, func(v *views.Release) error { return typedAgain(c, v, fault.Of(err).Fields) })
	case err != nil:
		return err
	case preview:
		return h.showRelease(c, http.StatusOK, func(v *views.Release) error {
			v.Preview = words.Say(web.Context(c), "release.would_reach", "some", component.Thousands(reach.Reached), "all", component.Thousands(reach.Tenants),
				"more", component.Thousands(reach.More), "fewer", component.Thousands(reach.Fewer))
			return typedAgain(c, v, nil)
		})
	}
	if times.Starts != nil {
		return web.Redirect(c, releaseBase(act.Feature)+"?done=scheduled")
	}
	return web.Redirect(c, releaseBase(act.Feature)+"?done=release_changed")
}

// typedAgain puts back what was typed, with what is wrong with it. The version stays the
// one that it was typed over.
func typedAgain(c echo.Context, v *views.Release, wrong map[string]string) error {
	v.Typed, v.Version, v.Errors = web.Form(c, "reason"), web.Form(c, "version"), map[string]string{}
	order := []string{}
	for i := range v.Rows {
		for j := range v.Rows[i].Cells {
			cell := &v.Rows[i].Cells[j]
			cell.Typed = web.Form(c, cell.Field)
			if code := wrong[strings.TrimPrefix(cell.Field, "share.")]; code != "" {
				cell.Error = web.Sentence(c, code, "")
				v.Errors[cell.Field] = cell.Error
			}
			order = append(order, cell.Field)
		}
	}
	for _, field := range []*component.Field{&v.Starts, &v.Ends} {
		field.Typed = web.Form(c, field.Name)
		if code := wrong[field.Name]; code != "" {
			field.Error = web.Sentence(c, code, "")
			v.Errors[field.Name] = field.Error
		}
	}
	if code := wrong["reason"]; code != "" {
		v.Errors["reason"] = web.Sentence(c, code, "")
	}
	v.Problems = component.Problems(v.Errors, append(order, "starts_at", "ends_at", "reason")...)
	return nil
}

func (h *Pages) stopRelease(c echo.Context) error {
	return h.turnRelease(c, h.Releases.Stop, "?done=release_stopped")
}

func (h *Pages) resumeRelease(c echo.Context) error {
	return h.turnRelease(c, h.Releases.Resume, "?done=release_resumed")
}

func (h *Pages) turnRelease(c echo.Context, do func(context.Context, release.Act) error, done string) error {
	act := releaseAct(c)
	err := do(c.Request().Context(), act)
	if errors.Is(err, fault.Invalid) {
		return h.showRelease(c, unprocessable, func(v *views.Release) error {
			v.Stop = views.Reason{Typed: act.Reason, Error: sentences(c, err)["reason"], Open: true}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, releaseBase(act.Feature)+done)
}

func (h *Pages) restoreRelease(c echo.Context) error {
	act := releaseAct(c)
	to, err := strconv.Atoi(web.Form(c, "to"))
	if err != nil {
		return fault.New(fault.NotFound, "http.not_found")
	}
	err = h.Releases.Restore(c.Request().Context(), act, to)
	if errors.Is(err, fault.Invalid) {
		return h.showRelease(c, unprocessable, func(v *views.Release) error {
			for i := range v.Versions {
				if v.Versions[i].Number == to {
					v.Versions[i].Typed, v.Versions[i].Error = act.Reason, sentences(c, err)["reason"]
				}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, releaseBase(act.Feature)+"?done=release_changed")
}

// timesOf reads when a change begins and ends.
func timesOf(c echo.Context) (times release.Times, wrong map[string]string) {
	wrong = map[string]string{}
	for field, into := range map[string]**time.Time{"starts_at": &times.Starts, "ends_at": &times.Ends} {
		at, ok := web.Moment(strings.TrimSpace(web.Form(c, field)))
		if !ok {
			wrong[field] = "rollout.time_form"
		}
		*into = at
	}
	return times, wrong
}

// scheduleOf says what waits for its time.
func scheduleOf(ctx context.Context, f feature.Feature, s *release.Scheduled) *views.ReleaseSchedule {
	if s == nil {
		return nil
	}
	v := &views.ReleaseSchedule{At: s.At, Note: words.Say(ctx, "release.schedule.note", "name", s.By, "reason", s.Reason), Action: releaseBase(f) + "/schedule/" + s.ID + "/cancel"}
	if !s.Waits {
		v.Text, v.Cancel = words.Say(ctx, "release.schedule.holds"), words.Say(ctx, "release.schedule.cancel.holds")
		return v
	}
	var shares []string
	for _, c := range s.Cells {
		shares = append(shares, words.Say(ctx, "release.schedule.cell", "region", words.Say(ctx, "setup.region."+c.Region), "ring", words.Say(ctx, "operator.ring."+c.Ring), "share", strconv.Itoa(c.Share)))
	}
	said := strings.Join(shares, "; ")
	if said == "" {
		said = words.Say(ctx, "release.state.everywhere")
	}
	v.Text, v.Cancel = words.Say(ctx, "release.schedule.waits", "shares", said), words.Say(ctx, "release.schedule.cancel.waits")
	if s.EndsAt != nil {
		v.EndsAt = *s.EndsAt
	}
	return v
}

func (h *Pages) unscheduleRelease(c echo.Context) error {
	act := releaseAct(c)
	err := h.Releases.Unschedule(c.Request().Context(), act, c.Param("schedule"))
	if errors.Is(err, fault.Invalid) {
		return h.showRelease(c, unprocessable, func(v *views.Release) error {
			if v.Schedule != nil {
				v.Schedule.Reason = views.Reason{Typed: act.Reason, Error: sentences(c, err)["reason"], Open: true}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, releaseBase(act.Feature)+"?done=unscheduled")
}
