package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// providersPath is the place of the console for who carries SMS, calls and mail.
const providersPath = "/settings/providers"

func (h *Pages) providerRoutes() []web.Route {
	const list = "/admin/:tenant" + providersPath
	routes := []web.Route{
		web.Get(list, access.IntegrationEdit, h.providers),
		web.Post(list+"/limits", access.IntegrationEdit, h.limitMessages),
		web.Post(list+"/messages/:message/again", access.IntegrationEdit, h.sendAgain),
	}
	for _, c := range provider.Channels {
		at := list + "/" + string(c)
		routes = append(routes,
			web.Get(at, access.IntegrationEdit, func(e echo.Context) error { return h.provider(e, c) }),
			web.Post(at, access.IntegrationEdit, func(e echo.Context) error { return h.saveProvider(e, c) }),
			web.Post(at+"/remove", access.IntegrationEdit, func(e echo.Context) error { return h.removeProvider(e, c) }),
		)
	}
	return routes
}

// channelIcons are the drawings for channels.
var channelIcons = map[provider.Channel]string{provider.SMS: "message", provider.Voice: "call", provider.Mail: "mail"}

func (h *Pages) providers(c echo.Context) error {
	limits, err := h.Providers.LimitsOf(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	typed := views.MessageLimits{Countries: strings.Join(limits.Countries, ", "), Daily: strconv.Itoa(limits.Daily)}
	return h.showProviders(c, http.StatusOK, typed, nil)
}

func (h *Pages) showProviders(c echo.Context, status int, typed views.MessageLimits, wrong map[string]string) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	health, err := h.Providers.HealthOf(ctx, tenantID)
	if err != nil {
		return err
	}
	unsent, err := h.Providers.UnsentOf(ctx, tenantID)
	if err != nil {
		return err
	}
	today, err := h.Providers.SentToday(ctx, tenantID)
	if err != nil {
		return err
	}
	v := views.Providers{Base: h.path(c, providersPath), Limits: typed, Errors: wrong, Today: strconv.Itoa(today)}
	for _, do := range health {
		set, ok, err := h.Providers.Of(ctx, tenantID, do.Channel)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, providerRow(c, do, set, ok))
	}
	for _, m := range unsent {
		row := views.UnsentRow{
			ID: m.ID, Channel: words.Say(ctx, "provider.channel."+string(m.Kind)), To: provider.Mask(m.Target), Why: why(c, m.Fault),
			Tries: strconv.Itoa(m.Tries), At: m.FailedAt, Icon: channelIcons[provider.Channel(m.Kind)],
		}
		if m.Again {
			row.Again = v.Base + "/messages/" + url.PathEscape(m.ID) + "/again"
		}
		v.Unsent = append(v.Unsent, row)
	}
	return web.Render(c, status, views.ProvidersPage(h.page(c, providersPath), v))
}

// why says why a message was not taken.
func why(c echo.Context, code string) string {
	if key := "provider.fault." + code; words.Has(web.Context(c), key) {
		return words.Say(web.Context(c), key)
	}
	return words.Say(web.Context(c), "provider.fault.other")
}

func providerRow(c echo.Context, do provider.Health, set provider.Set, ok bool) views.ProviderRow {
	ctx := web.Context(c)
	row := views.ProviderRow{
		Channel: string(do.Channel), Name: words.Say(ctx, "provider.channel."+string(do.Channel)), Icon: channelIcons[do.Channel],
		State: words.Say(ctx, "provider.state.none"), Note: words.Say(ctx, "provider.none."+string(do.Channel)), Set: ok,
	}
	if do.Waiting > 0 {
		row.Waiting = words.Say(ctx, "provider.waiting", "count", strconv.Itoa(do.Waiting))
	}
	if !ok {
		return row
	}
	row.Note = words.Say(ctx, "provider.driver."+string(set.Driver))
	if u, err := url.Parse(set.URL); err == nil && u.Host != "" {
		row.Note += " · " + u.Host
	}
	if do.LastSuccessAt != nil {
		row.LastSuccessAt = *do.LastSuccessAt
	}
	if do.LastFailureAt != nil {
		row.LastFailureAt = *do.LastFailureAt
	}
	if do.Middle > 0 || do.LastSuccessAt != nil {
		row.Middle = strconv.FormatInt(do.Middle.Milliseconds(), 10)
	}
	row.InRow = strconv.Itoa(do.FailuresInRow)
	switch {
	case do.Failing():
		row.State, row.Tone, row.Fault = words.Say(ctx, "provider.state.failing"), "bad", why(c, do.LastFault)
	case do.FailuresInRow > 0:
		row.State, row.Tone, row.Fault = words.Say(ctx, "provider.state.shaky"), "warn", why(c, do.LastFault)
	case do.LastSuccessAt != nil:
		row.State, row.Tone = words.Say(ctx, "provider.state.works"), "good"
	default:
		row.State = words.Say(ctx, "provider.state.unproved")
	}
	return row
}

// provider asks for a fresh proof before anything is typed, so that nothing is lost.
func (h *Pages) provider(c echo.Context, channel provider.Channel) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	set, ok, err := h.Providers.Of(c.Request().Context(), web.Here(c).ID, channel)
	if err != nil {
		return err
	}
	if !ok {
		set.Driver = channel.Drivers(h.Providers.Kept != nil)[0]
	}
	typed := views.ProviderForm{
		Driver: string(set.Driver), URL: set.URL, Account: set.Account, Sender: set.Sender, Version: strconv.Itoa(set.Version), Set: ok, Credential: set.Credential, By: set.ChangedBy, At: set.ChangedAt,
	}
	return h.showProvider(c, http.StatusOK, channel, typed, nil)
}

func (h *Pages) showProvider(c echo.Context, status int, channel provider.Channel, typed views.ProviderForm, wrong map[string]string) error {
	ctx := web.Context(c)
	typed.Back, typed.Action, typed.Errors = h.path(c, providersPath), h.path(c, providersPath+"/"+string(channel)), wrong
	typed.Title = words.Say(ctx, "provider.title."+string(channel))
	typed.URLHint, typed.SenderHint = words.Say(ctx, "provider.url.hint."+string(channel)), words.Say(ctx, "provider.sender.hint."+string(channel))
	for _, d := range channel.Drivers(h.Providers.Kept != nil) {
		typed.Drivers = append(typed.Drivers, component.Choice{
			Value: string(d), Label: words.Say(ctx, "provider.driver."+string(d)), Hint: words.Say(ctx, "provider.driver.hint."+string(d)), Chosen: string(d) == typed.Driver,
		})
	}
	return web.Render(c, status, views.ProviderPage(h.page(c, providersPath), typed))
}

func (h *Pages) saveProvider(c echo.Context, channel provider.Channel) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	ctx, at := c.Request().Context(), web.Here(c).ID
	typed := views.ProviderForm{
		Driver: web.Form(c, "driver"), URL: web.Form(c, "url"), Account: web.Form(c, "account"), Sender: web.Form(c, "sender"), Version: web.Form(c, "version"),
	}
	version, _ := strconv.Atoi(typed.Version) // what is no number is no version either
	next := provider.Settings{Driver: provider.Driver(typed.Driver), URL: typed.URL, Account: typed.Account, Sender: typed.Sender}
	err := h.Providers.Save(ctx, at, web.Session(c).UserID, channel, next, secret.TokenOf(c.Request().PostForm.Get("credential")), version, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		set, there, err := h.Providers.Of(ctx, at, channel)
		if err != nil {
			return err
		}
		typed.Set, typed.Credential, typed.By, typed.At = there, set.Credential, set.ChangedBy, set.ChangedAt
		return h.showProvider(c, http.StatusUnprocessableEntity, channel, typed, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, providersPath+"?done=provider_saved"))
}

func (h *Pages) removeProvider(c echo.Context, channel provider.Channel) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Providers.Remove(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, channel, web.Origin(c)); err != nil {
		if errors.Is(err, fault.NotFound) { // somebody was quicker
			return web.Redirect(c, h.path(c, providersPath))
		}
		return err
	}
	return web.Redirect(c, h.path(c, providersPath+"?done=provider_removed"))
}

func (h *Pages) limitMessages(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := views.MessageLimits{Countries: web.Form(c, "countries"), Daily: web.Form(c, "daily")}
	daily, err := strconv.Atoi(strings.TrimSpace(typed.Daily))
	if err != nil {
		daily = -1
	}
	countries := slices.DeleteFunc(strings.FieldsFunc(strings.ToUpper(typed.Countries), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == ';' }), func(s string) bool { return s == "" })
	err = h.Providers.Limit(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, provider.Limits{Countries: countries, Daily: daily}, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showProviders(c, http.StatusUnprocessableEntity, typed, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, providersPath+"?done=saved"))
}

func (h *Pages) sendAgain(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	if err := h.Providers.Again(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("message"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, providersPath+"?done=message_again"))
}
