package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/campaign"
	"latchkey/app/feature"
	"latchkey/app/people"
	"latchkey/app/settings"
	"latchkey/app/store"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const campaignPath = "/campaign"

func (h *Pages) campaignRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant"+campaignPath, access.RolloutEdit, h.campaign),
		web.Post("/admin/:tenant"+campaignPath, access.RolloutEdit, h.changeCampaign),
		web.Post("/admin/:tenant/users/:user/campaign/postpone", access.CaseHandle, h.postpone),
	}
}

func (h *Pages) campaign(c echo.Context) error {
	now, err := h.Settings.Campaign(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showCampaign(c, http.StatusOK, now, "", nil)
}

func (h *Pages) changeCampaign(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := settings.Campaign{SnoozeDays: count(c, "snooze_days", -1), Skips: count(c, "skips", -1)}
	err := h.submit(c, h.act(c, settings.KindCampaign, "").With(typed), campaignPath+"?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showCampaign(c, http.StatusUnprocessableEntity, typed, web.Form(c, "reason"), fields)
	}
	return err
}

func (h *Pages) showCampaign(c echo.Context, status int, now settings.Campaign, reason string, errors map[string]string) error {
	ctx, read, tenantID, chosen := web.Context(c), c.Request().Context(), web.Here(c).ID, c.QueryParam("group")
	groups, err := h.Policy.Groups(read, tenantID)
	if err != nil {
		return err
	}
	v := views.Campaign{Action: h.path(c, campaignPath), Feature: h.featurePath(c, feature.RegistrationCampaign), Reason: reason, Errors: errors, Problems: component.Problems(errors, "snooze_days", "skips", "reason", "ticket")}
	v.Groups = append(v.Groups, component.Choice{Label: words.Say(ctx, "campaign.everybody"), Chosen: chosen == ""})
	of := words.Say(ctx, "campaign.everybody")
	known := ""
	for _, g := range groups {
		if g.ID == chosen {
			known, of = g.ID, g.Name
		}
		v.Groups = append(v.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: g.ID == chosen})
	}
	f, err := campaign.FunnelOf(read, h.Site.DB, tenantID, known)
	if err != nil {
		return err
	}
	v.Title = words.Say(ctx, "campaign.funnel_of", "who", of)
	for _, step := range []struct {
		name string
		n    int64
	}{{"asked", f.Asked}, {"skipped", f.Skipped}, {"started", f.Started}, {"registered", f.Registered}} {
		v.Steps = append(v.Steps, views.CampaignStep{
			Label: words.Say(ctx, "campaign.step."+step.name), Text: words.Say(ctx, "campaign.about."+step.name), Count: int(step.n), Of: int(f.Asked),
		})
	}
	v.Required, v.InNeed = int(f.Required), int(f.InNeed)
	table, err := feature.Load(h.Site.DB.View(read), tenantID)
	if err != nil {
		return store.Unusable(err)
	}
	v.Stage = words.Say(ctx, "campaign.stage."+string(table.Rule(feature.RegistrationCampaign).Stage))
	waiting, err := campaign.PeopleInNeed(read, h.Site.DB, tenantID)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		v.Waiting = append(v.Waiting, views.CampaignWaits{Name: p.Name, DisplayName: p.DisplayName, Href: h.path(c, "/users/"+url.PathEscape(p.UserID)), At: p.HelpAskedAt})
	}
	number := func(field string, n, most int) component.Field {
		return component.Field{
			Name: field, Label: words.Say(ctx, "approval.field."+field), Typed: typedCount(c, field, n), Error: errors[field], InputMode: "numeric", Required: true, MaxLength: "2",
			Hint: words.Say(ctx, "campaign.hint."+field, "most", strconv.Itoa(most)),
		}
	}
	v.Fields = []component.Field{number("snooze_days", now.SnoozeDays, campaign.SnoozeDaysMost), number("skips", now.Skips, campaign.SkipsMost)}
	return web.Render(c, status, views.CampaignPage(h.page(c, campaignPath), v))
}

// postpone gives a person more time to register. It is for who calls and cannot, so it
// asks for no fresh proof.
func (h *Pages) postpone(c echo.Context) error {
	days, _ := strconv.Atoi(web.Form(c, "days"))
	return h.actOn(c, people.KindPostpone, "postpone", people.Postpone{Days: days}, "?done=postponed")
}
