package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/fault"
	"latchkey/app/prompt"
	"latchkey/app/session"
	"latchkey/app/vouch"
	"latchkey/app/web"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

// Where somebody else is asked for their word.
const (
	vouchPath    = "/step-up/manager"
	callBackPath = "/step-up/call-back"
)

// offerVouch offers the word of somebody else to who was let in by the helpdesk: of their
// manager, or of a colleague of the helpdesk who calls them back. Or it says why it cannot
// be asked.
func (h *Pages) offerVouch(c echo.Context, who session.Session, v *views.StepUp) error {
	offer, err := h.Vouches.Offered(c.Request().Context(), who)
	if err != nil {
		return err
	}
	ctx := web.Context(c)
	switch {
	case offer.Stops == "":
		v.Vouch, v.VouchText = vouchPath, words.Say(ctx, "stepup.manager.text", "name", offer.Manager)
	case offer.Manager != "":
		v.VouchStops = web.Sentence(c, offer.Stops, "")
	}
	stops, err := h.Vouches.CallOffered(c.Request().Context(), who)
	if stops == "" {
		v.CallBack = callBackPath
	} else {
		v.CallStops = web.Sentence(c, stops, "")
	}
	return err
}

// askCallBack asks the helpdesk to call back, in a session that a bypass made.
func (h *Pages) askCallBack(c echo.Context) error {
	who := web.Session(c)
	if !who.Restricted() {
		return fault.New(fault.NotFound, "http.not_found")
	}
	id, err := h.Vouches.AskCall(c.Request().Context(), who, web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, callBackPath+"/"+url.PathEscape(id))
}

// askVouch asks the manager, in a session that a bypass made and in no other one.
func (h *Pages) askVouch(c echo.Context) error {
	who := web.Session(c)
	if !who.Restricted() {
		return fault.New(fault.NotFound, "http.not_found")
	}
	id, err := h.Vouches.Ask(c.Request().Context(), who, web.Origin(c))
	if err != nil {
		return err
	}
	return web.Redirect(c, vouchPath+"/"+url.PathEscape(id))
}

func (h *Pages) vouch(c echo.Context) error {
	v, number, err := h.Vouches.Find(c.Request().Context(), web.Session(c), c.Param("vouch"))
	if err != nil {
		return err
	}
	state := string(v.Live(h.Site.DB.Now()))
	if v.Kind == vouch.CallBack {
		shown := views.Vouch{
			Here: callBackPath + "/" + url.PathEscape(v.ID), State: state, Number: number, From: v.BegunAt, To: v.ExpiresAt, Again: callBackPath, Outcome: words.Say(web.Context(c), "callback.state."+state),
		}
		if state == string(prompt.Pending) {
			shown.Letters = h.Vouches.CallLetters(v)
		}
		return web.Render(c, http.StatusOK, views.CallBackPage(h.Site.Page(c), shown))
	}
	return web.Render(c, http.StatusOK, views.VouchPage(h.Site.Page(c), views.Vouch{
		Here: vouchPath + "/" + url.PathEscape(v.ID), State: state, Number: number, From: v.BegunAt, To: v.ExpiresAt, Again: vouchPath, Outcome: words.Say(web.Context(c), "vouch.state."+state),
	}))
}

func (h *Pages) vouchState(c echo.Context) error {
	v, _, err := h.Vouches.Find(c.Request().Context(), web.Session(c), c.Param("vouch"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"state": string(v.Live(h.Site.DB.Now()))})
}

// vouchEvents tells the state, at once when it changes, and ends with any state that
// nothing follows.
func (h *Pages) vouchEvents(c echo.Context) error {
	who, id := web.Session(c), c.Param("vouch")
	if _, _, err := h.Vouches.Find(c.Request().Context(), who, id); err != nil {
		return err
	}
	last := ""
	return h.Site.Serve(c, who.UserID, vouch.Keys(who.TenantID, id), func(ctx context.Context, stream *web.Stream) (bool, error) {
		v, _, err := h.Vouches.Find(ctx, who, id)
		if err != nil {
			return errors.Is(err, fault.NotFound), err
		}
		state := string(v.Live(h.Site.DB.Now()))
		if state != last {
			if err := stream.Event("state", state); err != nil {
				return true, err
			}
		}
		last = state
		return state != string(prompt.Pending), nil
	})
}
