// Package signin serves the pages that lead from a name to a session.
package signin

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/breakglass"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/vouch"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

// Pages are the sign-in pages.
type Pages struct {
	Site   *web.Site
	SignIn *signin.Service
	Checks *callercheck.Service
	Cases  *cases.Service

	Vouches *vouch.Service

	BreakGlass *breakglass.Service
}

// Routes is the map of the sign-in pages.
func (h *Pages) Routes() []web.Route {
	return []web.Route{
		web.Get("/signin", access.Anyone, h.name),
		web.Post("/signin", access.Anyone, h.begin),
		web.Post("/passkey", access.Anyone, h.byPasskey),
		web.Get("/signin/:attempt", access.Anyone, h.attempt),
		web.Post("/signin/:attempt/method", access.Anyone, h.choose),
		web.Post("/signin/:attempt/verify", access.Anyone, h.verify),
		web.Get("/signin/:attempt/events", access.Anyone, h.events),
		web.Get("/signin/:attempt/state", access.Anyone, h.state),
		web.Post("/signin/:attempt/finish", access.Anyone, h.finish),
		web.Get("/signin/:attempt/help", access.Anyone, h.help),
		web.Get("/signin/:attempt/ask", access.Anyone, h.ask),
		web.Post("/signin/:attempt/ask", access.Anyone, h.sendAsk),
		web.Get("/signin/:attempt/ask/events", access.Anyone, h.askEvents),
		web.Get("/signin/:attempt/ask/state", access.Anyone, h.askState),
		web.Get(BreakGlassPath, access.Anyone, h.breakGlass),
		web.Post(BreakGlassPath, access.Anyone, h.byBreakGlass),
		web.Leave("/signout", h.signOut),
		web.Get("/signed-out", access.Anyone, h.signedOut),
		web.Get("/step-up", access.AccountView, h.stepUp),
		web.Post("/step-up", access.AccountView, h.beginStepUp),
		web.Post(vouchPath, access.AccountView, h.askVouch),
		web.Get(vouchPath+"/:vouch", access.AccountView, h.vouch),
		web.Get(vouchPath+"/:vouch/state", access.AccountView, h.vouchState),
		web.Get(vouchPath+"/:vouch/events", access.AccountView, h.vouchEvents),
		web.Post(callBackPath, access.AccountView, h.askCallBack),
		web.Get(callBackPath+"/:vouch", access.AccountView, h.vouch),
		web.Get(callBackPath+"/:vouch/state", access.AccountView, h.vouchState),
		web.Get(callBackPath+"/:vouch/events", access.AccountView, h.vouchEvents),
	}
}

func (h *Pages) name(c echo.Context) error {
	return h.showName(c, http.StatusOK, views.Name{Identifier: clip(c.QueryParam("login_hint"), 254), ReturnTo: signin.LocalPath(c.QueryParam("return_to"))})
}

// showName shows the first page, which also takes a passkey without a name.
func (h *Pages) showName(c echo.Context, status int, v views.Name) error {
	options, err := h.SignIn.AskNameless(c.Request().Context(), web.From(c))
	if err != nil {
		return err
	}
	page := h.Site.BrowserPage(c)
	if page.Application, err = h.SignIn.ApplicationFor(c.Request().Context(), v.ReturnTo, web.From(c)); err != nil {
		return err
	}
	v.Passkey, v.PasskeyLife = options, strconv.Itoa(int(signin.NamelessLife.Seconds()))
	return web.Render(c, status, views.NamePage(page, v))
}

// byPasskey signs in whoever has the passkey, without a name.
func (h *Pages) byPasskey(c echo.Context) error {
	if err := h.Site.Begins.Take(web.Origin(c).IP, h.Site.DB.Now()); err != nil {
		return err
	}
	back := signin.LocalPath(web.Form(c, "return_to"))
	done, err := h.SignIn.ByPasskey(c.Request().Context(), web.Form(c, "credential"), back, web.From(c))
	if errors.Is(err, fault.Refused) {
		return h.showName(c, http.StatusUnauthorized, views.Name{ReturnTo: back, PasskeyError: words.Say(web.Context(c), "signin.passkey.wrong")})
	}
	if err != nil {
		return err
	}
	return h.finished(c, done)
}

func (h *Pages) begin(c echo.Context) error {
	typed := views.Name{Identifier: web.Form(c, "identifier"), ReturnTo: signin.LocalPath(web.Form(c, "return_to"))}
	if err := h.Site.Begins.Take(web.Origin(c).IP, h.Site.DB.Now()); err != nil {
		return err
	}
	attempt, err := h.SignIn.Begin(c.Request().Context(), typed.Identifier, typed.ReturnTo, web.From(c))
	if errors.Is(err, fault.Invalid) {
		typed.Identifier = clip(typed.Identifier, 254)
		typed.Error = web.Sentence(c, fault.Of(err).Fields["identifier"], "")
		return h.showName(c, http.StatusUnprocessableEntity, typed)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/signin/"+attempt)
}

// clip gives at most the first bytes of text, in whole letters.
func clip(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// attempt shows the page of the way now in use.
func (h *Pages) attempt(c echo.Context) error {
	a, now, err := h.SignIn.Find(c.Request().Context(), c.Param("attempt"), web.From(c).BrowserDigest)
	if err != nil {
		return err
	}
	if a.State == "finished" {
		return web.Redirect(c, a.ReturnTo)
	}
	if !a.Open(now) {
		return fault.New(fault.Refused, "signin.refused")
	}
	if a.Stuck() {
		return web.Redirect(c, "/signin/"+a.ID+"/help")
	}
	if a.Way == signin.Phone {
		return h.phone(c, a, now)
	}
	return h.typed(c, http.StatusOK, a, now, "")
}

// typed shows the page on which a secret is typed, or a passkey is asked for, with
// what was wrong with the last one.
func (h *Pages) typed(c echo.Context, status int, a signin.Attempt, now time.Time, wrong string) error {
	page := h.page(c, a)
	stay := stayOf(web.Context(c), a, a.Stay || web.From(c).Stay)
	if a.Way == signin.Passkey {
		options, err := h.SignIn.AskPasskey(c.Request().Context(), a, now, web.From(c))
		if err != nil {
			return err
		}
		return web.Render(c, status, views.PasskeyPage(page, views.Passkey{
			Attempt: a.ID, UserName: a.Name, Options: options, Error: wrong, Halfway: a.Halfway(), OtherWays: otherWays(a), Stay: stay, ByPassword: a.Begins(signin.Password),
		}))
	}
	if a.Way == signin.SMS || a.Way == signin.Voice {
		return h.phoneCode(c, status, a, wrong)
	}
	if a.Way == signin.PrintedCode {
		return web.Render(c, status, views.PrintedCodePage(page, views.PrintedCode{
			Attempt: a.ID, UserName: a.Name, Number: strconv.Itoa(a.CodeNumber), Error: wrong, Halfway: a.Halfway(), OtherWays: otherWays(a), Stay: stay, ByPassword: a.Begins(signin.Password),
		}))
	}
	if a.Way == signin.Bypass {
		return h.bypass(c, status, a, wrong)
	}
	if a.Way == signin.StaticPasscode {
		return web.Render(c, status, views.PasscodePage(page, views.Passcode{Attempt: a.ID, UserName: a.Name, Error: wrong, ByPassword: a.Begins(signin.Password)}))
	}
	if a.Way == signin.TOTP {
		return web.Render(c, status, views.CodePage(page, views.Code{
			Attempt: a.ID, UserName: a.Name, Error: wrong, Halfway: a.Halfway(), OtherWays: otherWays(a), Stay: stay, ByPassword: a.Begins(signin.Password),
		}))
	}
	return web.Render(c, status, views.PasswordPage(page, views.Password{
		Attempt: a.ID, UserName: a.Name, Error: wrong, Halfway: a.Halfway(), OtherWays: otherWays(a), Stay: stay, ByPhone: a.Begins(signin.Phone),
	}))
}

// bypass shows the page that takes the code of the helpdesk, or none where the next sign-in
// needs none.
func (h *Pages) bypass(c echo.Context, status int, a signin.Attempt, wrong string) error {
	skips, err := h.SignIn.Skips(c.Request().Context(), a)
	if err != nil {
		return err
	}
	return web.Render(c, status, views.BypassPage(h.page(c, a), views.Bypass{
		Attempt: a.ID, UserName: a.Name, Error: wrong, Skips: skips, Halfway: a.Halfway(), ByPassword: a.Begins(signin.Password),
	}))
}

// page is the frame of the pages of an attempt: a step-up is its session's, and a
// sign-in is nobody's yet.
func (h *Pages) page(c echo.Context, a signin.Attempt) component.Page {
	page := h.Site.BrowserPage(c)
	if a.Purpose == signin.ToStepUp {
		page = h.Site.Page(c)
	}
	page.TenantName, page.SignedInAs, page.Application = a.TenantName, "", a.Application
	return web.WithOutage(web.Context(c), page, a.Outage)
}

// phone shows the number and what became of the request. The hint does not say
// how the number is given back: that would tell administrators from others.
func (h *Pages) phone(c echo.Context, a signin.Attempt, now time.Time) error {
	page := h.page(c, a)
	v := views.Phone{
		Attempt: a.ID, UserName: a.Name, State: string(a.PhoneState(now)), Number: a.Number,
		StartedAt: a.PromptEndsAt.Add(-prompt.Life), ExpiresAt: a.PromptEndsAt, OtherWays: otherWays(a), SecondFactor: a.Halfway(), ByPassword: a.Begins(signin.Password),
		Stay: stayOf(web.Context(c), a, a.Stay),
	}
	if a.Purpose == signin.ToApprove {
		act, err := h.SignIn.Asks(c.Request().Context(), a)
		if err != nil {
			return err
		}
		if act.Over {
			return web.Redirect(c, a.ReturnTo) // by somebody else, say: that page tells how
		}
		v.Approves, v.Request = web.ActOn(web.Context(c), approval.Kind(act.Kind), act.Target), a.ReturnTo
	}
	status := http.StatusOK
	if v.State == string(prompt.Held) {
		pause, err := h.SignIn.HeldUntil(c.Request().Context(), a)
		if err != nil {
			return err
		}
		wait := max(pause.Until.Sub(now), time.Second)
		v.RetryAt = now.Add(wait)
		status = http.StatusTooManyRequests
		c.Response().Header().Set("Retry-After", seconds(wait))
	}
	return web.Render(c, status, views.PhonePage(page, v))
}

// stayOf offers to stay signed in, where the attempt is to sign in.
func stayOf(ctx context.Context, a signin.Attempt, chosen bool) component.Check {
	if a.Purpose != signin.ToSignIn {
		return component.Check{}
	}
	offer := component.Check{Name: "stay", Value: "yes", Checked: chosen, Label: words.Say(ctx, "signin.stay", "count", strconv.Itoa(a.StayHours))}
	if a.TrustDays > 0 {
		offer.Hint = words.Say(ctx, "signin.stay_hint", "count", strconv.Itoa(a.TrustDays))
	}
	return offer
}

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

func (h *Pages) choose(c echo.Context) error {
	if err := h.SignIn.Choose(c.Request().Context(), c.Param("attempt"), signin.Way(web.Form(c, "method")), web.Form(c, "phone"), web.From(c)); err != nil {
		return err
	}
	return web.Redirect(c, "/signin/"+url.PathEscape(c.Param("attempt")))
}

// verify checks what was typed, by the field that it was typed into. An attempt
// that is halfway goes on to its other factor.
func (h *Pages) verify(c echo.Context) error {
	ctx, addressed, from := c.Request().Context(), c.Param("attempt"), web.From(c)
	verify, field := h.SignIn.VerifyPassword, "password"
	if _, typed := c.Request().PostForm["code"]; typed {
		verify, field = h.SignIn.VerifyCode, "code"
	}
	if field == "code" {
		// The page says which code it is; a wrong one is refused alike.
		if a, _, err := h.SignIn.Find(ctx, addressed, from.BrowserDigest); err != nil {
			return err
		} else if a.Way == signin.SMS || a.Way == signin.Voice {
			verify = h.SignIn.VerifyPhoneCode
		}
	}
	if _, signed := c.Request().PostForm["credential"]; signed {
		verify, field = h.SignIn.VerifyPasskey, "credential"
	}
	done, err := verify(ctx, addressed, web.Form(c, field), from)
	if err == nil && done.Halfway {
		return web.Redirect(c, "/signin/"+url.PathEscape(addressed))
	}
	if err == nil {
		return h.finished(c, done)
	}
	if !errors.Is(err, fault.Refused) {
		return err
	}
	a, now, again := h.SignIn.Find(ctx, addressed, from.BrowserDigest)
	if again != nil {
		return again
	}
	wrong := wrongs[a.Way]
	if !a.Open(now) || wrong == "" {
		return err
	}
	return h.typed(c, http.StatusUnauthorized, a, now, words.Say(web.Context(c), wrong))
}

// wrongs are the words for what was typed and did not work.
var wrongs = map[signin.Way]string{signin.Bypass: "signin.bypass.wrong", signin.StaticPasscode: "signin.passcode.wrong", signin.Password: "signin.password.wrong", signin.TOTP: "signin.totp.wrong", signin.PrintedCode: "signin.printed.wrong", signin.Passkey: "signin.passkey.wrong", signin.SMS: "signin.code.wrong", signin.Voice: "signin.code.wrong"}

func (h *Pages) finish(c echo.Context) error {
	done, err := h.SignIn.Finish(c.Request().Context(), c.Param("attempt"), web.From(c))
	if err != nil {
		return err
	}
	return h.finished(c, done)
}

func (h *Pages) finished(c echo.Context, done signin.Done) error {
	if !done.Cookie.Empty() {
		h.Site.SignIn(c, done.Cookie, done.Life)
	}
	if done.Trust.ID != "" {
		h.Site.Trust(c, done.Trust)
	}
	return web.Redirect(c, signin.LocalPath(done.ReturnTo))
}

func (h *Pages) state(c echo.Context) error {
	a, now, err := h.SignIn.Find(c.Request().Context(), c.Param("attempt"), web.From(c).BrowserDigest)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"state": stateOf(a, now)})
}

// stateOf is what the waiting page is told.
func stateOf(a signin.Attempt, now time.Time) string {
	switch {
	case a.State == "finished":
		return string(prompt.Approved)
	case !a.Open(now):
		return string(prompt.Expired)
	case a.Way != signin.Phone:
		return string(prompt.Pending)
	case a.Stuck():
		return string(prompt.Expired) // by this way; its page leads on to the others
	}
	return string(a.PhoneState(now))
}

// events tells the waiting page the state, at once when it changes, and ends
// with any state that nothing follows.
func (h *Pages) events(c echo.Context) error {
	addressed, browser := c.Param("attempt"), web.From(c).BrowserDigest
	a, now, err := h.SignIn.Find(c.Request().Context(), addressed, browser)
	if err != nil {
		return err
	}
	last, first := stateOf(a, now), true
	// Counted by browser: anybody can wait for any name, and must not take the
	// places of the one who has it.
	return h.Site.Serve(c, "browser "+browser, []string{a.WaitKey()}, func(ctx context.Context, stream *web.Stream) (bool, error) {
		// Asked again also the first time: the answer may have come in between.
		a, now, err := h.SignIn.Watched(ctx, addressed, browser)
		if err != nil {
			return errors.Is(err, fault.NotFound), err
		}
		state := stateOf(a, now)
		if state != last || first {
			if err := stream.Event("state", state); err != nil {
				return true, err
			}
		}
		last, first = state, false
		return state != string(prompt.Pending), nil
	})
}

// help offers the ways that there are. Before somebody has proved who they are it
// offers everybody the same, so that it does not tell what a name has; a browser in
// which its user has been is shown what they really have.
func (h *Pages) help(c echo.Context) error {
	a, now, err := h.SignIn.Find(c.Request().Context(), c.Param("attempt"), web.From(c).BrowserDigest)
	if err != nil {
		return err
	}
	if !a.Open(now) {
		return fault.New(fault.Refused, "signin.refused")
	}
	if a.Purpose == signin.ToApprove {
		return web.Redirect(c, a.ReturnTo) // the other way is on that page
	}
	if other := otherWays(a); other != "" {
		return web.Redirect(c, other)
	}
	offered, err := h.SignIn.Helps(c.Request().Context(), a)
	if err != nil {
		return err
	}
	v := views.Help{
		Attempt: a.ID, UserName: a.Name, Halfway: a.Halfway(),
	}
	if may, err := h.SignIn.MayRecover(c.Request().Context(), a); err != nil {
		return err
	} else if may {
		v.Lost = "/me/lost-phone"
		if a.Purpose == signin.ToSignIn {
			v.Ask = askPath(a.ID)
		}
	}
	desk, err := tenant.HelpdeskOf(h.Site.DB.View(c.Request().Context()), a.TenantID)
	if err != nil {
		return store.Unusable(err)
	}
	v.HelpdeskPhone, v.HelpdeskHours = desk.Number, desk.Hours
	for _, way := range offered {
		v.Ways = append(v.Ways, wayOf(web.Context(c), way))
	}
	if userID := a.Proved(); userID != "" {
		// Without the letters: those are for who is signed in.
		check, there, err := h.Checks.OwnOf(c.Request().Context(), a.TenantID, userID)
		if err != nil {
			return err
		}
		if there {
			// Nor with a name that signs in: nobody has signed in yet.
			v.Check = words.Say(web.Context(c), "signin.help.check", "agent", cmp.Or(check.Title, words.Say(web.Context(c), "signin.help.check.somebody")), "role", web.CheckRole(web.Context(c), check.Role), "case", check.Case)
		}
	}
	return web.Render(c, http.StatusOK, views.HelpPage(h.page(c, a), v))
}

// wayOf says a way on the page of ways.
func wayOf(ctx context.Context, way signin.Way) views.Way {
	icons := map[signin.Way]string{signin.Bypass: "case", signin.Phone: "phone", signin.TOTP: "clock", signin.PrintedCode: "printer", signin.Password: "key", signin.Passkey: "passkey", signin.StaticPasscode: "warn", signin.SMS: "message", signin.Voice: "call"}
	return views.Way{
		Title: words.Say(ctx, "signin.help."+string(way)+".title"), Advice: words.Say(ctx, "signin.help."+string(way)+".text"),
		Method: string(way), Button: words.Say(ctx, "signin.help."+string(way)+".act"), Icon: icons[way], Weaker: way == signin.SMS || way == signin.Voice,
	}
}

// signOut ends the session of this browser, also one that idles. One that ended
// meanwhile, and a browser without one, are as good as signed out.
func (h *Pages) signOut(c echo.Context) error {
	if who, ok, err := h.Site.Left(c); err != nil {
		return err
	} else if ok {
		if err := session.End(c.Request().Context(), h.Site.DB, who.TenantID, who.UserID, who.ID, audit.User(who.UserID), web.Origin(c)); err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
	}
	h.Site.SignOut(c)
	return web.Redirect(c, "/signed-out")
}

func (h *Pages) signedOut(c echo.Context) error {
	return web.Render(c, http.StatusOK, views.SignedOutPage(h.Site.Page(c)))
}
