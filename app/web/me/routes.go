// Package me serves a signed-in user their own pages: home, My security info,
// phones, sessions, recent activity, preferences.
package me

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
	"latchkey/app/application"
	"latchkey/app/audit"
	"latchkey/app/backupphone"
	"latchkey/app/bypass"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/passkey"
	"latchkey/app/password"
	"latchkey/app/rollout"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/totp"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/me"
	"latchkey/views/words"
)

// Pages are the pages of one's own account.
type Pages struct {
	Site    *web.Site
	Devices *device.Service
	SignIn  *signin.Service
	TOTPs   *totp.Service
	Backups *backupphone.Service

	Passkeys  *passkey.Service
	Passwords *password.Service
	Cases     *cases.Service
	Bypasses  *bypass.Service
	Checks    *callercheck.Service
	Sheets    *codesheet.Service

	Applications *application.Service
	Rollout      *rollout.Service
}

// Routes is the map of My account.
func (h *Pages) Routes() []web.Route {
	return append(slices.Concat(h.totpRoutes(), h.codeRoutes(), h.backupRoutes(), h.passkeyRoutes(), h.passwordRoutes(), h.sessionRoutes(), h.preferenceRoutes(), h.registerRoutes()), []web.Route{
		web.Get("/", access.AccountView, h.home),
		web.Get("/me", access.AccountView, h.overview),
		web.Get("/me/phones", access.AccountView, h.phones),
		web.Post("/me/phones", access.AuthenticatorBind, h.addPhone),
		web.Get("/me/phones/enrolments/:enrolment", access.AuthenticatorBind, h.enrolment),
		web.Post("/me/phones/:device/rename", access.AuthenticatorBind, h.rename),
		web.Post("/me/phones/:device/default", access.AuthenticatorBind, h.prefer),
		web.Post("/me/phones/:device/revoke", access.AuthenticatorRemove, h.revoke),
		web.Get("/me/activity", access.AuditReadOwn, h.activity),
		web.Get("/me/lost-phone", access.AccountView, h.lostPhone),
		web.Post("/me/lost-phone/ask", access.AccountView, h.askDesk),
		web.Post("/me/bypass/revoke", access.BypassRevokeOwn, h.revokeBypass),
		web.Post("/me/notices/:notice/seen", access.AccountView, h.putAway),
	}...)
}

func (h *Pages) home(c echo.Context) error {
	ctx, who := web.Context(c), web.Session(c)
	if who.Restricted() {
		return h.restrictedHome(c)
	}
	phones, err := h.Devices.Of(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	notices, err := h.notices(c)
	if err != nil {
		return err
	}
	v := views.Home{Notices: notices, Applications: []views.Application{
		{Name: words.Say(ctx, "me.home.info.title"), Text: words.Say(ctx, "me.home.info.text"), Href: "/me"},
	}}
	theirs, err := h.Applications.For(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	for _, a := range theirs {
		v.Applications = append(v.Applications, views.Application{Name: a.Name, Text: words.Say(ctx, "me.home.application.text"), Href: a.Href})
	}
	if h.Site.Rules.Allow(who.TenantID, who.UserID, access.ConsoleEnter) == nil {
		v.Applications = append(v.Applications, views.Application{
			Name: words.Say(ctx, "me.home.console.title"), Text: words.Say(ctx, "me.home.console.text", "tenant", who.TenantName), Href: "/admin/" + who.TenantSlug,
		})
	}
	if h.Site.Rules.Allow(who.TenantID, who.UserID, access.OperatorEnter) == nil {
		v.Applications = append(v.Applications, views.Application{
			Name: words.Say(ctx, "me.home.operator.title"), Text: words.Say(ctx, "me.home.operator.text"), Href: "/operator/tenants",
		})
	}
	if who.Limited {
		v.Attention = append(v.Attention, views.Attention{
			Text: words.Say(ctx, "me.home.limited.title"), Why: words.Say(ctx, "me.home.limited.text"),
			Href: "/step-up?return_to=%2F", Label: words.Say(ctx, "me.home.limited.act"), Tone: "warn",
		})
	}
	few, err := h.fewCodes(c)
	if err != nil {
		return err
	}
	v.Attention = append(v.Attention, few...)
	switch active, signing := count(phones); {
	case active == 0:
		v.Attention = append(v.Attention, views.Attention{
			Text: words.Say(ctx, "me.home.no_phone.title"), Why: words.Say(ctx, "me.home.no_phone.text"),
			Href: "/me/phones", Label: words.Say(ctx, "me.home.no_phone.act"),
		})
	case signing == 0:
		v.Attention = append(v.Attention, views.Attention{
			Text: words.Say(ctx, "me.home.off.title"), Why: words.Say(ctx, "me.home.off.text"),
			Href: "/me/phones", Label: words.Say(ctx, "me.home.off.act"), Tone: "warn",
		})
	case active == 1:
		v.Attention = append(v.Attention, views.Attention{
			Text: words.Say(ctx, "me.home.one_phone.title"), Why: words.Say(ctx, "me.home.one_phone.text"),
			Href: "/me/phones", Label: words.Say(ctx, "me.home.one_phone.act"),
		})
	}
	return web.Render(c, http.StatusOK, views.HomePage(h.Site.Page(c), v))
}

// restrictedHome is the start page of a session that a bypass made: where it leads on to,
// until when, and how something new is bound.
func (h *Pages) restrictedHome(c echo.Context) error {
	ctx, who := web.Context(c), web.Session(c)
	theirs, err := h.Applications.For(ctx, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	ends, _ := who.EndsAt()
	v := views.Restricted{EndsAt: ends}
	for _, a := range theirs {
		if who.ApplicationID == "" || who.ApplicationID == a.ID {
			v.Applications = append(v.Applications, views.Application{Name: a.Name, Text: words.Say(ctx, "me.home.application.text"), Href: a.Href})
		}
	}
	if until := who.RebindsUntil(); h.Site.DB.Now().Before(until) {
		v.BindUntil = until
	}
	return web.Render(c, http.StatusOK, views.RestrictedPage(h.Site.Page(c), v))
}

func count(phones []device.Phone) (active, signing int) {
	for _, p := range phones {
		if p.State == device.Active {
			active++
			if p.PhoneSignIn {
				signing++
			}
		}
	}
	return active, signing
}

func (h *Pages) phones(c echo.Context) error { return h.showPhones(c, http.StatusOK, views.Phones{}) }

func (h *Pages) showPhones(c echo.Context, status int, v views.Phones) error {
	who := web.Session(c)
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	active, signing := count(phones)
	switch {
	case who.Off&user.WithPhone != 0:
		v.WhyNotAdd = web.Sentence(c, "method.off", "")
	case active >= device.PhonesMost:
		v.WhyNotAdd = web.Sentence(c, "device.too_many", "")
	default:
		v.CanAdd = true
	}
	for _, p := range phones {
		r := row(web.Context(c), p, active)
		if signing == 1 && p.PhoneSignIn && !who.Fresh(h.Site.DB.Now()) {
			r.RevokeText = words.Say(web.Context(c), "me.phones.remove.lost")
		}
		v.Rows = append(v.Rows, r)
	}
	return web.Render(c, status, views.PhonesPage(h.Site.Page(c), v))
}

func row(ctx context.Context, p device.Phone, active int) views.PhoneRow {
	r := views.PhoneRow{
		ID: p.AccountID, Name: p.Name, Platform: words.Say(ctx, "platform."+p.Platform), Default: p.Preferred, PhoneSignIn: p.PhoneSignIn, AddedAt: p.CreatedAt,
		CanRevoke: p.State == device.Active, CanDefault: p.State == device.Active && !p.Preferred,
		RevokeText: words.Say(ctx, "me.phones.remove.text"),
	}
	if active == 1 {
		r.RevokeText = words.Say(ctx, "me.phones.remove.last")
	}
	if p.LastUsedAt != nil {
		r.LastUsedAt = *p.LastUsedAt
	}
	switch {
	case p.State == device.Disabled:
		r.State, r.Tone = words.Say(ctx, "me.phones.state.disabled"), "bad"
	case p.State != device.Active:
		r.State = words.Say(ctx, "me.phones.state.removed")
	case p.PhoneSignIn:
		r.State, r.Tone = words.Say(ctx, "me.phones.state.ready"), "good"
	default:
		r.State, r.Tone = words.Say(ctx, "me.phones.state.off"), "warn"
	}
	return r
}

// phonesPage is where somebody's phones are.
const phonesPage = "/me/phones"

// addPhone makes an enrolment link and shows it, once.
func (h *Pages) addPhone(c echo.Context) error {
	who := web.Session(c)
	needed := h.Site.NeedToBind
	if who.LostPhone && !who.Restricted() {
		needed = func(c echo.Context) error { return h.Site.NeedRecovery(c, who.Strongest()) }
	}
	if err := needed(c); err != nil {
		return err
	}
	e, err := h.Devices.Invite(c.Request().Context(), who.TenantID, who.UserID, who.ID, web.Origin(c))
	if err != nil {
		return err
	}
	back := phonesPage
	self := "/me/phones/enrolments/" + e.ID
	if who.AsksPhone {
		asked := "?return_to=" + url.QueryEscape(signin.LocalPath(web.Form(c, "return_to")))
		back, self = web.RegisterPath+asked, self+asked
	}
	link := h.Site.PublicURL + "/phone#enrol=" + e.Token.Reveal()
	dark, err := web.QR(link)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.AddPhonePage(h.Site.Page(c), views.AddPhone{
		State: views.Waiting, Back: back, Asked: who.AsksPhone, ReturnTo: signin.LocalPath(web.Form(c, "return_to")), Link: link, QR: dark, StartedAt: e.ExpiresAt.Add(-device.EnrolmentLife), ExpiresAt: e.ExpiresAt,
		StateURL: self, SelfURL: self, Platforms: words.Say(web.Context(c), "me.add.platforms"), SameHost: strings.HasPrefix(h.Site.PublicURL, "http://"),
	}))
}

// states puts the progress of an enrolment into the words of the page. A phone
// that enrolled is given a moment to ask for its test.
var states = map[string]string{"waiting": views.Waiting, "enrolled": views.Waiting, "testing": views.Test, "done": views.Done, "expired": views.Expired}

func (h *Pages) enrolment(c echo.Context) error {
	who := web.Session(c)
	p, err := h.Devices.ProgressOf(c.Request().Context(), who.TenantID, who.UserID, c.Param("enrolment"))
	if err != nil {
		return err
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, map[string]string{"state": states[p.State], "number": p.Number, "heard": component.Heard(web.Context(c), p.Number), "device": p.Name})
	}
	back := phonesPage
	returnTo := signin.LocalPath(c.QueryParam("return_to"))
	if who.AsksPhone {
		back = web.RegisterPath + "?return_to=" + url.QueryEscape(returnTo)
	}
	return web.Render(c, http.StatusOK, views.AddPhonePage(h.Site.Page(c), views.AddPhone{
		State: states[p.State], Number: p.Number, Device: p.Name, StartedAt: p.ExpiresAt.Add(-device.EnrolmentLife), ExpiresAt: p.ExpiresAt,
		Back: back, Asked: who.AsksPhone, ReturnTo: returnTo,
		StateURL: c.Request().URL.RequestURI(), SelfURL: c.Request().URL.RequestURI(), Platforms: words.Say(web.Context(c), "me.add.platforms"),
	}))
}

func (h *Pages) rename(c echo.Context) error {
	if err := h.Site.NeedFreshBy(c, session.Weak); err != nil {
		return err
	}
	who, name := web.Session(c), web.Form(c, "name")
	err := h.Devices.Rename(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), name, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPhones(c, http.StatusUnprocessableEntity, views.Phones{
			RenameError: web.Sentence(c, fault.Of(err).Fields["name"], ""), RenameDevice: c.Param("device"), RenameTyped: name,
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/phones?done=renamed")
}

func (h *Pages) prefer(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who := web.Session(c)
	if err := h.Devices.Prefer(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/phones?done=preferred")
}

const activityRows = 30

func (h *Pages) activity(c echo.Context) error {
	who := web.Session(c)
	before, id := position(c.QueryParam("after"))
	entries, err := audit.Story(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, before, id, activityRows)
	if err != nil {
		return err
	}
	where, err := h.Site.Whereabouts(c)
	if err != nil {
		return err
	}
	var v views.Activity
	for _, e := range entries {
		v.Events = append(v.Events, event(web.Context(c), e, where))
	}
	if len(entries) == activityRows {
		last := entries[len(entries)-1]
		v.Older = "/me/activity?after=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "." + last.ID
	}
	if !before.IsZero() {
		v.Newest = "/me/activity"
	}
	return web.Render(c, http.StatusOK, views.ActivityPage(h.Site.Page(c), v))
}

// position reads where a page of the activity begins; what is none is the beginning.
func position(text string) (time.Time, string) {
	at, id, ok := strings.Cut(text, ".")
	micro, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || micro < 0 || micro > 1<<52 || len(id) > 40 {
		return time.Time{}, ""
	}
	return time.UnixMicro(micro).UTC(), id
}
