package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/method"
	"latchkey/app/outage"
	"latchkey/app/relaxation"
	"latchkey/app/store"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const outagePath = "/outage"

func (h *Pages) outageRoutes() []web.Route {
	const path = "/admin/:tenant" + outagePath
	return []web.Route{
		web.Get(path, access.OutageHandle, h.outages),
		web.Post(path, access.OutageDeclare, h.declareOutage),
		web.Get(path+"/new", access.OutageDeclare, h.outageForm),
		web.Get(path+"/drill", access.OutageHandle, h.drillForm),
		web.Post(path+"/drill", access.OutageHandle, h.rehearse),
		web.Get(path+"/:outage", access.OutageHandle, h.outage),
		web.Post(path+"/:outage/end", access.OutageHandle, h.endOutage),
		web.Post(path+"/:outage/sign", access.OutageHandle, h.signOutage),
	}
}

func (h *Pages) outageHref(c echo.Context, id string) string {
	return h.path(c, outagePath+"/"+url.PathEscape(id))
}

// outages is how the channels do, what runs, and what was.
func (h *Pages) outages(c echo.Context) error {
	ctx, read, here := web.Context(c), c.Request().Context(), web.Here(c)
	channels, err := h.Outages.Health(read, here.ID)
	if err != nil {
		return err
	}
	all, err := h.Outages.History(read, here.ID)
	if err != nil {
		return err
	}
	somebody, theirs, err := h.Outages.On(read, here.ID, web.Session(c).UserID)
	if err != nil {
		return err
	}
	now := h.Site.DB.Now()
	v := views.Outages{On: somebody, May: theirs, New: h.path(c, outagePath+"/new"), Drill: h.path(c, outagePath+"/drill"), Feature: h.path(c, rolloutPath+"/outage_mode")}
	var failing []string
	for _, ch := range channels {
		row := views.OutageChannel{
			Icon: web.ChannelIcons[string(ch.Channel)], Name: words.Say(ctx, "outage.channel_named."+string(ch.Channel)), State: words.Say(ctx, "outage.health.quiet"),
		}
		if ch.Tried > 0 {
			row.Note = words.Say(ctx, "outage.health.figures", "tried", strconv.Itoa(ch.Tried), "failed", strconv.Itoa(ch.Failed), "percent", strconv.Itoa(ch.Percent()))
		}
		switch {
		case ch.FailingSince != nil:
			row.State, row.Tone, row.Since = words.Say(ctx, "outage.health.failing"), "bad", *ch.FailingSince
			failing = append(failing, string(ch.Channel))
		case ch.Tried > 0 && ch.Failed > 0:
			row.State, row.Tone = words.Say(ctx, "outage.health.some"), "warn"
		case ch.Tried > 0:
			row.State, row.Tone = words.Say(ctx, "outage.health.works"), "good"
		}
		v.Channels = append(v.Channels, row)
	}
	for _, o := range all {
		row := h.outageRow(c, o.Outage, now)
		if o.Unsigned > 0 || !o.Drill && o.SignedAt == nil && !o.Runs(now) {
			row.ToSign = words.Say(ctx, "outage.to_sign", "count", strconv.Itoa(o.Unsigned))
		}
		if o.Runs(now) && somebody {
			v.Running = &row
			continue
		}
		v.Rows = append(v.Rows, row)
	}
	if len(failing) > 0 && v.Running == nil && somebody && theirs {
		v.Proposal, v.Proposed = words.Say(ctx, "outage.proposal", "what", web.SayChannels(ctx, strings.Join(failing, ","))), v.New+"?"+url.Values{"failed": failing}.Encode()
	}
	v.Rates = words.Say(ctx, "outage.health.rates", "percent", strconv.Itoa(outage.RateMost), "sample", strconv.Itoa(outage.SampleLeast), "minutes", strconv.Itoa(int(outage.Window/time.Minute)))
	return web.Render(c, http.StatusOK, views.OutagesPage(h.page(c, outagePath), v))
}

// outageRow is an outage in a list.
func (h *Pages) outageRow(c echo.Context, o outage.Outage, now time.Time) views.OutageRow {
	ctx := web.Context(c)
	row := views.OutageRow{
		ID: o.ID, Href: h.outageHref(c, o.ID), What: web.NameChannels(ctx, channelsOf(o)), Reason: o.Reason, Ticket: h.ticketRef(c, o.Ticket),
		AskedBy: o.AskedName, ApprovedBy: o.OtherName, BeganAt: o.BeganAt, EndsAt: o.EndsAt, Drill: o.Drill, Scope: web.SayOutageScope(ctx, o.Scope),
	}
	for _, r := range o.Relaxes {
		row.Relaxes = append(row.Relaxes, words.Say(ctx, "outage.relaxation."+string(r)))
	}
	state, tone := "ended", ""
	switch {
	case o.Drill:
		state = "drill"
	case o.Runs(now):
		state, tone = "running", "bad"
	case o.SignedAt != nil:
		state, tone = "signed", "good"
	default:
		tone = "warn"
	}
	row.State, row.Tone, row.Runs = words.Say(ctx, "outage.state."+state), tone, o.Runs(now)
	if !row.Runs && !o.Drill {
		row.EndedAt = o.OverAt()
		ending := o.Ending
		if ending == "" {
			ending = outage.ByClock
		}
		row.Ending = words.Say(ctx, "outage.ending."+ending, "name", o.EndedName, "reason", o.EndReason)
	}
	if o.SignedAt != nil {
		row.SignedBy, row.SignedAt = o.SignedName, *o.SignedAt
	}
	return row
}

// channelsOf are what failed, as web.SayChannels takes it.
func channelsOf(o outage.Outage) string {
	parts := make([]string, len(o.Failed))
	for i, ch := range o.Failed {
		parts[i] = string(ch)
	}
	return strings.Join(parts, ",")
}

// outageAsked reads what is asked for: of a form that came back, or of the address, which
// the proposal fills in.
func outageAsked(c echo.Context) outage.Asked {
	from := c.QueryParams()
	if c.Request().Method == http.MethodPost {
		from = c.Request().PostForm
	}
	asked := outage.Asked{Minutes: outage.MinutesUsual, Groups: from["groups"]}
	for _, name := range from["failed"] {
		asked.Failed = append(asked.Failed, outage.Channel(name))
	}
	for _, name := range from["relaxes"] {
		asked.Relaxes = append(asked.Relaxes, relaxation.Relaxation(name))
	}
	if c.Request().Method == http.MethodPost {
		asked.Minutes = count(c, "minutes", 0)
	}
	return asked
}

func (h *Pages) outageForm(c echo.Context) error {
	asked := outageAsked(c)
	if len(asked.Relaxes) == 0 {
		asked.Relaxes = []relaxation.Relaxation{relaxation.HeldBackWays}
	}
	return h.showOutageForm(c, http.StatusOK, asked, nil)
}

func (h *Pages) declareOutage(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	asked := outageAsked(c)
	err := h.submit(c, h.act(c, outage.KindDeclare, "").With(asked), outagePath)
	if fields, ok := wrong(c, err); ok {
		return h.showOutageForm(c, http.StatusUnprocessableEntity, asked, fields)
	}
	return err
}

func (h *Pages) showOutageForm(c echo.Context, status int, asked outage.Asked, errors map[string]string) error {
	ctx := web.Context(c)
	_, theirs, err := h.Outages.On(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID)
	if err != nil {
		return err
	}
	groups, err := h.Policy.Groups(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.OutageForm{
		Action: h.path(c, outagePath), Back: h.path(c, outagePath), May: theirs, Reason: web.Form(c, "reason"), Errors: errors, Problems: component.Problems(errors, "failed", "relaxes", "groups", "minutes", "reason", "ticket"),
		Failed: failedChoices(ctx, asked, errors), Relaxes: relaxesChoices(ctx, asked, errors, relaxation.All),
		Groups: component.Choices{Name: "groups", Legend: words.Say(ctx, "outage.groups"), Hint: words.Say(ctx, "outage.groups.hint"), Error: errors["groups"]},
		Minutes: component.Field{
			Name: "minutes", Label: words.Say(ctx, "approval.field.outage_minutes"), Typed: typedCount(c, "minutes", asked.Minutes), Error: errors["minutes"], InputMode: "numeric", Required: true, MaxLength: "3",
			Hint: words.Say(ctx, "outage.minutes.hint", "least", strconv.Itoa(outage.MinutesLeast), "most", strconv.Itoa(outage.MinutesMost)),
		},
	}
	for _, g := range groups {
		v.Groups.Choices = append(v.Groups.Choices, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(asked.Groups, g.ID)})
	}
	return web.Render(c, status, views.OutageFormPage(h.page(c, outagePath), v))
}

func failedChoices(ctx context.Context, asked outage.Asked, errors map[string]string) component.Choices {
	all := component.Choices{Name: "failed", Legend: words.Say(ctx, "outage.failed"), Error: errors["failed"]}
	for _, ch := range outage.Channels {
		all.Choices = append(all.Choices, component.Choice{Value: string(ch), Label: words.Say(ctx, "outage.channel_named."+string(ch)), Chosen: slices.Contains(asked.Failed, ch)})
	}
	return all
}

func relaxesChoices(ctx context.Context, asked outage.Asked, errors map[string]string, offered []relaxation.Entry) component.Choices {
	all := component.Choices{Name: "relaxes", Legend: words.Say(ctx, "outage.relaxes"), Hint: words.Say(ctx, "outage.relaxes.hint"), Error: errors["relaxes"]}
	for _, e := range offered {
		all.Choices = append(all.Choices, component.Choice{
			Value: string(e.Relaxation), Label: words.Say(ctx, "outage.relaxation."+string(e.Relaxation)), Hint: words.Say(ctx, "outage.relaxation_means."+string(e.Relaxation)), Chosen: slices.Contains(asked.Relaxes, e.Relaxation),
		})
	}
	return all
}

func (h *Pages) drillForm(c echo.Context) error {
	return h.showDrillForm(c, http.StatusOK, outage.Asked{Failed: []outage.Channel{outage.Push, outage.SMS, outage.Voice}}, nil)
}

func (h *Pages) rehearse(c echo.Context) error {
	asked := outageAsked(c)
	asked.Groups = nil
	out, err := h.Outages.Rehearse(c.Request().Context(), h.act(c, outage.KindRehearse, ""), asked)
	if fields, ok := wrong(c, err); ok {
		return h.showDrillForm(c, http.StatusUnprocessableEntity, asked, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.outageHref(c, out)+"?done=outage_rehearsed")
}

func (h *Pages) showDrillForm(c echo.Context, status int, asked outage.Asked, errors map[string]string) error {
	ctx := web.Context(c)
	_, theirs, err := h.Outages.On(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID)
	if err != nil {
		return err
	}
	v := views.OutageForm{
		Action: h.path(c, outagePath+"/drill"), Back: h.path(c, outagePath), May: theirs, Drill: true, Reason: web.Form(c, "reason"), Errors: errors, Problems: component.Problems(errors, "failed", "relaxes", "reason", "ticket"),
		Failed: failedChoices(ctx, asked, errors), Relaxes: relaxesChoices(ctx, asked, errors, relaxation.All[:1]),
	}
	return web.Render(c, status, views.OutageFormPage(h.page(c, outagePath), v))
}

// outage is one of them: what came of a drill, or what was done while it ran.
func (h *Pages) outage(c echo.Context) error { return h.showOutage(c, http.StatusOK, "", nil) }

func (h *Pages) showOutage(c echo.Context, status int, form string, errors map[string]string) error {
	ctx, read, here, me := web.Context(c), c.Request().Context(), web.Here(c), web.Session(c).UserID
	o, err := h.Outages.Find(read, here.ID, c.Param("outage"))
	if err != nil {
		return err
	}
	now := h.Site.DB.Now()
	v := views.Outage{OutageRow: h.outageRow(c, o, now), Back: h.path(c, outagePath), Typed: web.Form(c, "reason"), Returned: views.Returned{Form: form, Errors: errors}}
	v.Title = words.Say(ctx, "outage.of", "what", web.SayChannels(ctx, channelsOf(o)))
	v.EndAction, v.SignAction = v.Href+"/end", v.Href+"/sign"
	if o.Drill {
		v.Report = reportOf(c, o)
		return web.Render(c, status, views.OutagePage(h.page(c, outagePath), v))
	}
	open := c.QueryParam("open") == "yes"
	review, err := h.Outages.Review(read, here.ID, o.ID, c.QueryParam("after"), open)
	if err != nil {
		return err
	}
	v.Left = words.Say(ctx, "outage.review.left", "count", strconv.Itoa(review.Unsigned))
	v.Total = words.Say(ctx, "outage.review.total", "count", strconv.Itoa(review.Total))
	v.Any, v.Open = review.Total > 0, review.Unsigned > 0
	switch {
	case o.SignedAt != nil:
	case o.Declared(me):
		v.WhyNot = words.Say(ctx, "outage.review.own")
	default:
		v.MaySign = review.Unsigned > 0 || !o.Runs(now)
	}
	for _, u := range review.Uses {
		row := views.OutageUse{
			ID: u.ID, Name: u.UserName, Href: h.path(c, "/users/"+url.PathEscape(u.UserID)), At: u.At, Relaxation: words.Say(ctx, "outage.relaxation."+string(u.Relaxation)), Agent: u.AgentName, SignedBy: u.SignedName,
			MaySign: v.MaySign && u.SignedAt == nil && !u.Own(me),
		}
		if u.Way != "" {
			row.Way = web.How(ctx, u.Way)
		}
		if u.BypassID != "" {
			row.Bypass = h.path(c, bypassesPath+"/"+url.PathEscape(u.BypassID))
		}
		if u.SignedAt != nil {
			row.SignedAt = *u.SignedAt
		}
		v.Uses = append(v.Uses, row)
	}
	query := url.Values{}
	if v.OnlyOpen = open; open {
		query.Set("open", "yes")
		v.Toggle = v.Href
	} else {
		v.Toggle = v.Href + "?open=yes"
	}
	if c.QueryParam("after") != "" {
		v.First = v.Href + "?" + query.Encode()
	}
	if review.After != "" {
		query.Set("after", review.After)
		v.Next = v.Href + "?" + query.Encode()
	}
	return web.Render(c, status, views.OutagePage(h.page(c, outagePath), v))
}

// reportOf shows what a drill found.
func reportOf(c echo.Context, o outage.Outage) *views.OutageReport {
	if o.Report == nil {
		return nil
	}
	ctx, found := web.Context(c), *o.Report
	r := &views.OutageReport{People: found.People, Able: found.Able, Unable: found.Unable, Sample: found.Sample, Administrators: found.Administrators}
	if found.Lifted > 0 {
		r.Lifted = words.Say(ctx, "outage.report.lifted", "count", strconv.Itoa(found.Lifted))
	}
	for _, w := range method.Ways {
		if n := found.ByWay[w.Name]; n > 0 {
			r.Ways = append(r.Ways, views.OutageWay{Name: words.Say(ctx, "policy.way."+w.Name), Count: n})
		}
	}
	return r
}

// endOutage tightens, so it asks for no fresh proof.
func (h *Pages) endOutage(c echo.Context) error {
	err := h.submit(c, h.act(c, outage.KindEnd, "").With(outage.On{Outage: c.Param("outage")}), outagePath+"/"+url.PathEscape(c.Param("outage"))+"?done=outage_ended")
	if fields, ok := wrong(c, err); ok {
		return h.showOutage(c, http.StatusUnprocessableEntity, "end", fields)
	}
	return err
}

func (h *Pages) signOutage(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	on := outage.On{Outage: c.Param("outage"), Use: web.Form(c, "use")}
	err := h.submit(c, h.act(c, outage.KindSign, "").With(on), outagePath+"/"+url.PathEscape(on.Outage)+"?done=outage_signed")
	if fields, ok := wrong(c, err); ok {
		return h.showOutage(c, http.StatusUnprocessableEntity, "sign"+on.Use, fields)
	}
	return err
}

// outageBanner is what every page of a tenant says while an outage runs there.
func (h *Pages) outageBanner(c echo.Context, page component.Page) component.Page {
	if here := web.Here(c); here.ID != web.Session(c).TenantID {
		running, err := relaxation.Here(h.Site.DB.View(c.Request().Context()), here.ID)
		if store.Unusable(err) == nil {
			return web.WithOutage(web.Context(c), page, running)
		}
	}
	return page
}
