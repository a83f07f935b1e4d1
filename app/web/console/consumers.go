package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/consumer"
	"latchkey/app/eventform"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// consumersPath is the place of the console for who gets every event (http.md).
const consumersPath = "/webhooks"

func (h *Pages) consumerRoutes() []web.Route {
	const list = "/admin/:tenant" + consumersPath
	return []web.Route{
		web.Get(list, access.IntegrationEdit, h.consumers),
		web.Post(list, access.IntegrationEdit, h.addConsumer),
		web.Get(list+"/:consumer", access.IntegrationEdit, h.consumer),
		web.Post(list+"/:consumer/test", access.IntegrationEdit, h.testConsumer),
		web.Post(list+"/:consumer/pause", access.IntegrationEdit, h.pauseConsumer),
		web.Post(list+"/:consumer/resume", access.IntegrationEdit, h.resumeConsumer),
		web.Post(list+"/:consumer/secret", access.IntegrationEdit, h.renewConsumer),
		web.Post(list+"/:consumer/remove", access.IntegrationEdit, h.removeConsumer),
	}
}

func (h *Pages) consumers(c echo.Context) error {
	return h.showConsumers(c, http.StatusOK, consumer.Settings{Kind: consumer.Webhook, Form: eventform.JSONL}, nil)
}

func (h *Pages) showConsumers(c echo.Context, status int, typed consumer.Settings, errors map[string]string) error {
	ctx := web.Context(c)
	all, err := h.Consumers.List(ctx, web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.Consumers{Base: h.path(c, consumersPath), Full: len(all) >= consumer.Most, Typed: views.ConsumerTyped{Name: typed.Name, URL: typed.URL, Roots: typed.Roots}, Errors: errors}
	for _, one := range all {
		v.Rows = append(v.Rows, h.consumerRow(c, one))
	}
	v.Kinds = component.Choices{Name: "kind", Legend: words.Say(ctx, "consumer.kind"), Error: errors["kind"]}
	for _, kind := range consumer.Kinds {
		v.Kinds.Choices = append(v.Kinds.Choices, component.Choice{Value: string(kind), Label: words.Say(ctx, "consumer.kind."+string(kind)), Hint: words.Say(ctx, "consumer.kind_hint."+string(kind)), Chosen: kind == typed.Kind})
	}
	for _, form := range consumer.Syslog.Forms() { // it takes those of the webhook, too
		v.Forms = append(v.Forms, component.Choice{Value: string(form), Label: words.Say(ctx, "eventform."+string(form)), Chosen: form == typed.Form})
	}
	v.From = component.Choices{Name: "from", Legend: words.Say(ctx, "consumer.from"), Choices: []component.Choice{
		{Value: "now", Label: words.Say(ctx, "consumer.from.now"), Chosen: !typed.FromStart},
		{Value: "start", Label: words.Say(ctx, "consumer.from.start"), Hint: words.Say(ctx, "consumer.from_hint.start"), Chosen: typed.FromStart},
	}}
	v.Data = component.Check{Name: "personal", Value: "yes", Label: words.Say(ctx, "consumer.personal.yes"), Hint: words.Say(ctx, "consumer.personal.hint"), Checked: typed.Personal}
	return web.Render(c, status, views.ConsumersPage(h.page(c, consumersPath), v))
}

func (h *Pages) consumerRow(c echo.Context, one consumer.Consumer) views.ConsumerRow {
	ctx := web.Context(c)
	row := views.ConsumerRow{
		Name: one.Name, Href: h.path(c, consumersPath+"/"+url.PathEscape(one.ID)), Kind: words.Say(ctx, "consumer.kind."+string(one.Kind)), Form: words.Say(ctx, "eventform."+string(one.Form)), Host: one.Host(),
		State: words.Say(ctx, "consumer.state.active"), Tone: "good", Behind: words.Say(ctx, "consumer.behind", "count", strconv.FormatInt(one.Behind(), 10)),
	}
	if one.DeliveredAt != nil {
		row.DeliveredAt = *one.DeliveredAt
	}
	switch {
	case one.State == consumer.Paused:
		row.State, row.Tone = words.Say(ctx, "consumer.state.paused"), ""
	case one.Silent(h.Site.DB.Now()):
		row.State, row.Tone = words.Say(ctx, "consumer.state.silent"), "bad"
	case one.Failures > 0:
		row.State, row.Tone = words.Say(ctx, "consumer.state.failing"), "warn"
	}
	return row
}

func (h *Pages) addConsumer(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	next := consumer.Settings{
		Kind: consumer.Kind(web.Form(c, "kind")), Name: web.Form(c, "name"), Form: eventform.Form(web.Form(c, "form")), URL: web.Form(c, "url"), Roots: web.Form(c, "roots"),
		Personal: web.Form(c, "personal") == "yes", FromStart: web.Form(c, "from") == "start",
	}
	id, made, err := h.Consumers.Add(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, next, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showConsumers(c, http.StatusUnprocessableEntity, next, fields)
	}
	if err != nil {
		return err
	}
	if !made.Empty() {
		h.Site.ShowOnce(c, made.Reveal())
	}
	return web.Redirect(c, h.path(c, consumersPath+"/"+url.PathEscape(id)+"?done=consumer_added"))
}

// consumer is the page of one, which shows a secret that was made, once.
func (h *Pages) consumer(c echo.Context) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	one, err := h.Consumers.Find(ctx, tenantID, c.Param("consumer"))
	if err != nil {
		return err
	}
	v := views.Consumer{
		ConsumerRow: h.consumerRow(c, one), Back: h.path(c, consumersPath), Version: strconv.Itoa(one.Version), Webhook: one.Kind == consumer.Webhook, Paused: one.State == consumer.Paused, Personal: one.Personal,
		First: strconv.FormatInt(one.FirstN, 10), Next: strconv.FormatInt(one.NextN, 10), By: one.ChangedBy, At: one.ChangedAt,
	}
	v.Base = v.Href
	if one.Failures > 0 && one.FailingSince != nil {
		v.Why, v.Failures, v.FailingSince = whyConsumer(c, one.Fault), words.Say(ctx, "consumer.failures", "count", strconv.Itoa(one.Failures)), *one.FailingSince
	}
	if one.TestedAt != nil {
		v.TestedAt = *one.TestedAt
		if one.TestFault != "" {
			v.TestWhy = whyConsumer(c, one.TestFault)
		}
	}
	if shown := h.Site.Shown(c); shown != "" {
		fits, err := h.Consumers.Fits(ctx, tenantID, one.ID, shown)
		if err != nil {
			return err
		}
		if fits {
			v.Secret = shown
		}
	}
	return web.Render(c, http.StatusOK, views.ConsumerPage(h.page(c, consumersPath), v))
}

// whyConsumer says why one did not take what it was sent.
func whyConsumer(c echo.Context, code string) string {
	if key := "consumer.fault." + code; words.Has(web.Context(c), key) {
		return words.Say(web.Context(c), key)
	}
	return words.Say(web.Context(c), "consumer.fault.other")
}

// toConsumer does something to a consumer and goes back to its page.
func (h *Pages) toConsumer(c echo.Context, done string, do func(tenantID, id, userID string) error) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := do(web.Here(c).ID, c.Param("consumer"), web.Session(c).UserID); err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, consumersPath+"/"+url.PathEscape(c.Param("consumer"))+done))
}

func (h *Pages) testConsumer(c echo.Context) error {
	return h.toConsumer(c, "?done=consumer_tested", func(tenantID, id, userID string) error {
		_, err := h.Consumers.Test(c.Request().Context(), tenantID, id, userID, web.Origin(c))
		return err
	})
}

func (h *Pages) pauseConsumer(c echo.Context) error {
	return h.toConsumer(c, "?done=consumer_paused", func(tenantID, id, userID string) error {
		return h.Consumers.Pause(c.Request().Context(), tenantID, id, userID, web.Origin(c))
	})
}

func (h *Pages) resumeConsumer(c echo.Context) error {
	return h.toConsumer(c, "?done=consumer_resumed", func(tenantID, id, userID string) error {
		return h.Consumers.Resume(c.Request().Context(), tenantID, id, userID, web.Origin(c))
	})
}

func (h *Pages) renewConsumer(c echo.Context) error {
	return h.toConsumer(c, "?done=saved", func(tenantID, id, userID string) error {
		version, _ := strconv.Atoi(web.Form(c, "version")) // what is no number is no version either
		made, err := h.Consumers.Renew(c.Request().Context(), tenantID, id, userID, version, web.Origin(c))
		if err == nil {
			h.Site.ShowOnce(c, made.Reveal())
		}
		return err
	})
}

func (h *Pages) removeConsumer(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Consumers.Remove(c.Request().Context(), web.Here(c).ID, c.Param("consumer"), web.Session(c).UserID, web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, consumersPath+"?done=consumer_removed"))
}
