package signin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/session"
	"latchkey/app/signin"
	"latchkey/app/web"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

// stepUp offers the ways that would do for what is asked, as far as the user has
// them, and says why another one is missing.
func (h *Pages) stepUp(c echo.Context) error {
	ctx, who := web.Context(c), web.Session(c)
	v := views.StepUp{UserName: who.UserName, ReturnTo: signin.LocalPath(c.QueryParam("return_to")), Limited: who.Limited, Restricted: who.Restricted(), Asked: c.QueryParam("acr_values")}
	for _, by := range waysFor(who, c.QueryParam("acr_values")) {
		switch by {
		case session.ByPasskey:
			if !h.SignIn.Passkeys.Usable() {
				continue
			}
			v.Passkey = true
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup.passkey.title"), Advice: words.Say(ctx, "stepup.passkey.text"), Method: string(signin.Passkey), Button: words.Say(ctx, "stepup.passkey.act"), Icon: "passkey",
			})
		case session.ByPhone:
			v.Phone = true
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup.phone.title"), Advice: words.Say(ctx, "stepup.phone.text"), Method: string(signin.Phone), Button: words.Say(ctx, "stepup.phone.act"), Icon: "phone",
			})
		case session.ByTOTP:
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup.totp.title"), Advice: words.Say(ctx, "stepup.totp.text"), Method: string(signin.TOTP), Button: words.Say(ctx, "stepup.totp.act"), Icon: "clock",
			})
		case session.ByPrintedCode:
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup.printed_code.title"), Advice: words.Say(ctx, "stepup.printed_code.text"), Method: string(signin.PrintedCode), Button: words.Say(ctx, "stepup.printed_code.act"), Icon: "printer",
			})
		case session.BySMS, session.ByVoice:
			name := map[string]signin.Way{session.BySMS: signin.SMS, session.ByVoice: signin.Voice}[by]
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup."+string(name)+".title"), Advice: words.Say(ctx, "stepup."+string(name)+".text"), Method: string(name), Button: words.Say(ctx, "stepup."+string(name)+".act"),
				Icon: map[signin.Way]string{signin.SMS: "message", signin.Voice: "call"}[name], Weaker: true,
			})
		case session.ByPassword:
			v.Ways = append(v.Ways, views.Way{
				Title: words.Say(ctx, "stepup.password.title"), Method: string(signin.Password), Button: words.Say(ctx, "stepup.password.act"), Icon: "key",
			})
			v.Password = true
		}
	}
	if who.Restricted() {
		if err := h.offerVouch(c, who, &v); err != nil {
			return err
		}
	}
	v.Lost = len(v.Ways) == 0 && !who.Restricted()
	loss, err := session.AfterLoss(c.Request().Context(), h.Site.DB, who)
	if err != nil {
		return err
	}
	v.LostHelps = loss.HelpsItself()
	return web.Render(c, http.StatusOK, views.StepUpPage(h.Site.Page(c), v))
}

// waysFor gives the ways by which the user of a session can prove it for an act
// that takes those of asked; without any, those that do for every act. What
// asked says opens nothing: the act itself looks at the proof.
// A limited session is proved by the strongest alone, whatever is asked.
func waysFor(who session.Session, asked string) []string {
	if who.Restricted() {
		return who.Seconds()
	}
	if ways := who.Offers(strings.Fields(asked)); len(ways) > 0 && !who.Limited {
		return ways
	}
	return who.Offers(who.Proofs(who.Strongest()))
}

func (h *Pages) beginStepUp(c echo.Context) error {
	who, way := web.Session(c), signin.Way(web.Form(c, "method"))
	if !slices.Contains(waysFor(who, web.Form(c, "acr_values")), way.Proves()) {
		return fault.Wrong("form.wrong", map[string]string{"method": "signin.way_unknown"})
	}
	attempt, err := h.SignIn.BeginStepUp(c.Request().Context(), who, web.Form(c, "return_to"), way, web.From(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, "/signin/"+attempt)
}

// otherWays is the page where a step-up takes another way: not every way that
// signs somebody in does for it. For a sign-in it is empty.
func otherWays(a signin.Attempt) string {
	if a.Purpose != signin.ToStepUp {
		return ""
	}
	return "/step-up?return_to=" + url.QueryEscape(a.ReturnTo)
}
