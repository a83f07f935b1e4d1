// Package me serves a signed-in user their own pages: home, My security info,
// phones, sessions, recent activity, preferences.
package me

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"rsc.io/qr"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/me"
)

// Pages are the pages of one's own account.
type Pages struct {
	Site    *web.Site
	Devices *device.Service
	SignIn  *signin.Service
}

// Routes is the map of My account.
func (h *Pages) Routes() []web.Route {
	return []web.Route{
		web.Get("/", access.AccountView, h.home),
		web.Get("/me", access.AccountView, h.overview),
		web.Get("/me/phones", access.AccountView, h.phones),
		web.Post("/me/phones", access.AuthenticatorBind, h.addPhone),
		web.Get("/me/phones/enrolments/:enrolment", access.AuthenticatorBind, h.enrolment),
		web.Post("/me/phones/:device/rename", access.AuthenticatorBind, h.rename),
		web.Post("/me/phones/:device/default", access.AuthenticatorBind, h.prefer),
		web.Post("/me/phones/:device/revoke", access.AuthenticatorRemove, h.revoke),
		web.Get("/me/sessions", access.AccountView, h.sessions),
		web.Post("/me/sessions/:session/end", access.SessionEndOwn, h.endSession),
		web.Post("/me/sessions/end-others", access.SessionEndOwn, h.endOthers),
		web.Get("/me/activity", access.AuditReadOwn, h.activity),
		web.Get("/me/preferences", access.AccountView, h.preferences),
		web.Post("/me/preferences", access.AccountView, h.savePreferences),
	}
}

func (h *Pages) home(c echo.Context) error {
	who := web.Session(c)
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	v := views.Home{Applications: []views.Application{
		{Name: "My security info", Text: "Your phones, sessions and what happened lately.", Href: "/me"},
	}}
	if h.Site.Rules.Allow(who.TenantID, who.UserID, access.ConsoleEnter) == nil {
		v.Applications = append(v.Applications, views.Application{Name: "Console", Text: "Administer " + who.TenantName + ".", Href: "/admin/" + who.TenantSlug})
	}
	switch active, signing := count(phones); {
	case active == 0:
		v.Attention = append(v.Attention, views.Attention{Text: "Sign in without a password", Why: "Add your phone, and signing in takes one look at a number.", Href: "/me/phones", Label: "Add a phone"})
	case signing == 0:
		v.Attention = append(v.Attention, views.Attention{Text: "Phone sign-in is not on yet", Why: "Your phone is here, but you have not turned phone sign-in on in its app.", Href: "/me/phones", Label: "See my phones", Tone: "warn"})
	case active == 1:
		v.Attention = append(v.Attention, views.Attention{Text: "You have one phone", Why: "With a second one you can still sign in on the day you lose the first.", Href: "/me/phones", Label: "Add another"})
	}
	return web.Render(c, http.StatusOK, views.HomePage(h.Site.Page(c, ""), v))
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

func (h *Pages) overview(c echo.Context) error {
	who := web.Session(c)
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	active, signing := count(phones)
	phone := views.Authenticator{Icon: "phone", Name: "Phone", Detail: plural(active, "phone"), State: "Not set up", Href: "/me/phones", Label: "Manage phones"}
	ready := views.Readiness{Word: "At risk", Sentence: "Your password is the only way in. Add a phone.", Steps: []views.ReadyStep{
		{Text: "A password", Done: true},
		{Text: "A phone with phone sign-in", Done: signing > 0, Href: "/me/phones", Label: "Add a phone"},
		{Text: "A second phone, for the day the first is lost", Done: signing > 1, Href: "/me/phones", Label: "Add another"},
	}}
	switch {
	case signing > 1:
		ready.Word, ready.Sentence = "Ready", "You have ways in that do not depend on one phone."
	case signing == 1:
		ready.Word, ready.Sentence = "Nearly there", "You can sign in by phone and by password. A second phone makes you safe against losing the first."
	}
	if active > 0 {
		phone.State, phone.Tone = "Phone sign-in is off", "warn"
	}
	if signing > 0 {
		phone.State, phone.Tone = "On", "good"
	}
	for _, p := range phones {
		if p.LastUsedAt != nil && p.LastUsedAt.After(phone.LastUsedAt) {
			phone.LastUsedAt = *p.LastUsedAt
		}
	}
	way, err := h.SignIn.Habit(c.Request().Context(), who.TenantID, who.UserName)
	if err != nil {
		return err
	}
	phone.Default = way == signin.Phone
	v := views.Overview{Ready: ready, LastSignInAt: who.CreatedAt, LastSignInHow: howWords[who.AMR] + ", " + who.Browser, Authenticators: []views.Authenticator{
		phone,
		{Icon: "key", Name: "Password", Detail: "Weaker: it can be told to others", State: "On", Default: way != signin.Phone},
	}}
	return web.Render(c, http.StatusOK, views.OverviewPage(h.Site.Page(c, ""), v))
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

var howWords = map[string]string{session.ByPhone: "by phone", session.ByPassword: "by password"}

func (h *Pages) phones(c echo.Context) error { return h.showPhones(c, http.StatusOK, views.Phones{}) }

var platformWords = map[string]string{"ios": "iPhone or iPad", "android": "Android", "desktop": "Computer", "terminal": "Terminal"}

func (h *Pages) showPhones(c echo.Context, status int, v views.Phones) error {
	who := web.Session(c)
	phones, err := h.Devices.Of(c.Request().Context(), who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	active, _ := count(phones)
	v.CanAdd = active < device.PhonesMost
	if !v.CanAdd {
		v.WhyNotAdd = web.Sentence("device.too_many", "")
	}
	for _, p := range phones {
		v.Rows = append(v.Rows, row(p, active))
	}
	return web.Render(c, status, views.PhonesPage(h.Site.Page(c, ""), v))
}

func row(p device.Phone, active int) views.PhoneRow {
	r := views.PhoneRow{
		ID: p.AccountID, Name: p.Name, Platform: platformWords[p.Platform], Default: p.Preferred, PhoneSignIn: p.PhoneSignIn, AddedAt: p.CreatedAt,
		CanRevoke: p.State == device.Active, CanDefault: p.State == device.Active && !p.Preferred,
		RevokeText: "It can no longer answer, and sessions that it approved end.",
	}
	if active == 1 {
		r.RevokeText = "This is your only phone: afterwards you sign in with your password. Sessions that it approved end."
	}
	if p.LastUsedAt != nil {
		r.LastUsedAt = *p.LastUsedAt
	}
	switch {
	case p.State == device.Disabled:
		r.State, r.Tone = "Turned off after too many wrong PINs", "bad"
	case p.State != device.Active:
		r.State, r.Tone = "Removed", ""
	case p.PhoneSignIn:
		r.State, r.Tone = "Ready", "good"
	default:
		r.State, r.Tone = "Phone sign-in is off", "warn"
	}
	return r
}

// addPhone makes an enrolment link and shows it, once.
func (h *Pages) addPhone(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who := web.Session(c)
	e, err := h.Devices.Invite(c.Request().Context(), who.TenantID, who.UserID, who.ID, web.Origin(c))
	if err != nil {
		return err
	}
	link := h.Site.PublicURL + "/phone#enrol=" + e.Token.Reveal()
	picture, err := qr.Encode(link, qr.M)
	if err != nil {
		return err
	}
	dark := make([][]bool, picture.Size)
	for y := range dark {
		dark[y] = make([]bool, picture.Size)
		for x := range dark[y] {
			dark[y][x] = picture.Black(x, y)
		}
	}
	self := "/me/phones/enrolments/" + e.ID
	return web.Render(c, http.StatusOK, views.AddPhonePage(h.Site.Page(c, ""), views.AddPhone{
		State: views.Waiting, Link: link, QR: dark, StartedAt: e.ExpiresAt.Add(-device.EnrolmentLife), ExpiresAt: e.ExpiresAt,
		StateURL: self, SelfURL: self, Platforms: "iPhone and Android", SameHost: strings.HasPrefix(h.Site.PublicURL, "http://"),
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
		return c.JSON(http.StatusOK, map[string]string{"state": states[p.State], "number": p.Number, "device": p.Name})
	}
	return web.Render(c, http.StatusOK, views.AddPhonePage(h.Site.Page(c, ""), views.AddPhone{
		State: states[p.State], Number: p.Number, Device: p.Name, StartedAt: p.ExpiresAt.Add(-device.EnrolmentLife), ExpiresAt: p.ExpiresAt,
		StateURL: c.Request().URL.Path, SelfURL: c.Request().URL.Path, Platforms: "iPhone and Android",
	}))
}

func (h *Pages) rename(c echo.Context) error {
	who, name := web.Session(c), web.Form(c, "name")
	err := h.Devices.Rename(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), name, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPhones(c, http.StatusUnprocessableEntity, views.Phones{
			RenameError: web.Sentence(fault.Of(err).Fields["name"], ""), RenameDevice: c.Param("device"), RenameTyped: name,
		})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/me/phones?done=renamed")
}

func (h *Pages) prefer(c echo.Context) error {
	who := web.Session(c)
	if err := h.Devices.Prefer(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/phones?done=preferred")
}

func (h *Pages) revoke(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who := web.Session(c)
	if err := h.Devices.Revoke(c.Request().Context(), who.TenantID, who.UserID, c.Param("device"), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/phones?done=revoked")
}

func (h *Pages) sessions(c echo.Context) error {
	who := web.Session(c)
	list, err := session.Of(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID)
	if err != nil {
		return err
	}
	var v views.Sessions
	for _, s := range list {
		v.Rows = append(v.Rows, views.SessionRow{
			ID: s.ID, This: s.ID == who.ID, Browser: s.Browser, IP: s.IP, SinceAt: s.CreatedAt, SeenAt: s.LastSeenAt, EndsAt: s.ExpiresAt,
			How: strings.TrimPrefix(howWords[s.AMR], "by "), Weaker: s.AMR == session.ByPassword, CanEnd: true,
		})
	}
	return web.Render(c, http.StatusOK, views.SessionsPage(h.Site.Page(c, ""), v))
}

func (h *Pages) endSession(c echo.Context) error {
	who := web.Session(c)
	if err := session.End(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, c.Param("session"), audit.User(who.UserID), web.Origin(c)); err != nil {
		return err
	}
	if c.Param("session") == who.ID {
		h.Site.SignOut(c)
		return web.Redirect(c, "/signed-out")
	}
	return web.Redirect(c, "/me/sessions?done=ended")
}

func (h *Pages) endOthers(c echo.Context) error {
	who := web.Session(c)
	if err := session.EndOthers(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, who.ID, audit.User(who.UserID), web.Origin(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/me/sessions?done=others-ended")
}

const activityRows = 30

func (h *Pages) activity(c echo.Context) error {
	who := web.Session(c)
	before, id := position(c.QueryParam("after"))
	entries, err := audit.Story(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, before, id, activityRows)
	if err != nil {
		return err
	}
	var v views.Activity
	for _, e := range entries {
		v.Events = append(v.Events, event(e))
	}
	if len(entries) == activityRows {
		last := entries[len(entries)-1]
		v.Older = "/me/activity?after=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "." + last.ID
	}
	if !before.IsZero() {
		v.Newest = "/me/activity"
	}
	return web.Render(c, http.StatusOK, views.ActivityPage(h.Site.Page(c, ""), v))
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

func (h *Pages) preferences(c echo.Context) error {
	return h.showPreferences(c, http.StatusOK, nil)
}

func (h *Pages) showPreferences(c echo.Context, status int, wrong map[string]string) error {
	who := web.Session(c)
	way, err := h.SignIn.Habit(c.Request().Context(), who.TenantID, who.UserName)
	if err != nil {
		return err
	}
	page := h.Site.Page(c, "")
	return web.Render(c, status, views.PreferencesPage(page, views.Preferences{Theme: page.Theme, Errors: wrong, Ways: []component.Choice{
		{Value: string(signin.Phone), Label: "Phone", Hint: "We show a number, your phone gives it back.", Chosen: way == signin.Phone},
		{Value: string(signin.Password), Label: "Password", Chosen: way != signin.Phone},
	}}))
}

func (h *Pages) savePreferences(c echo.Context) error {
	who := web.Session(c)
	err := h.SignIn.Prefer(c.Request().Context(), who.TenantID, who.UserID, who.UserName, signin.Way(web.Form(c, "default_way")), web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showPreferences(c, http.StatusUnprocessableEntity, map[string]string{"default_way": web.Sentence("preference.way_unknown", "")})
	}
	if err != nil {
		return err
	}
	h.Site.SetTheme(c, web.Form(c, "theme"))
	return web.Redirect(c, "/me/preferences?done=saved")
}
