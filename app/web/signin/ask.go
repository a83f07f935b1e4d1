package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/web"
	views "latchkey/views/signin"
	"latchkey/views/words"
)

func askPath(attempt string) string { return "/signin/" + url.PathEscape(attempt) + "/ask" }

// asker finds who asks in the attempt of the path. Its page outlives it: a request that
// was made in it is looked at for longer than an attempt lives.
func (h *Pages) asker(c echo.Context) (a signin.Attempt, by signin.Asker, open bool, err error) {
	ctx := c.Request().Context()
	a, now, err := h.SignIn.Find(ctx, c.Param("attempt"), web.From(c).BrowserDigest)
	if err == nil && a.Purpose != signin.ToSignIn {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	if err != nil {
		return a, by, false, err
	}
	by, err = h.SignIn.Asker(ctx, a, web.From(c))
	return a, by, a.Open(now), err
}

// ask shows what became of the request of the attempt, or the form of one.
func (h *Pages) ask(c echo.Context) error {
	a, by, open, err := h.asker(c)
	if err != nil {
		return err
	}
	asked, there, err := h.Cases.AskedIn(c.Request().Context(), by)
	switch {
	case err != nil:
		return err
	case there:
		return h.showAsked(c, a, by, asked)
	case !open:
		return fault.New(fault.Refused, "signin.refused")
	case !by.May:
		return fault.New(fault.NotFound, "http.not_found")
	}
	return h.showAsk(c, http.StatusOK, a, by, nil)
}

func (h *Pages) showAsk(c echo.Context, status int, a signin.Attempt, by signin.Asker, wrong map[string]string) error {
	v := views.Ask{Asking: web.Asking(c, wrong), Attempt: a.ID, UserName: a.Name, Action: askPath(a.ID)}
	before, there, err := h.Cases.AskedBefore(c.Request().Context(), by)
	if err != nil {
		return err
	}
	if there {
		v.Before, v.BeforeAt = before.Number, before.At
	}
	return web.Render(c, status, views.AskPage(h.page(c, a), v))
}

// showAsked shows the number, what to do next, and who has it where that may be told.
func (h *Pages) showAsked(c echo.Context, a signin.Attempt, by signin.Asker, asked cases.Asked) error {
	ctx := web.Context(c)
	desk, err := tenant.HelpdeskOf(h.Site.DB.View(c.Request().Context()), a.TenantID)
	if err != nil {
		return store.Unusable(err)
	}
	v := views.Asked{
		Attempt: a.ID, Here: askPath(a.ID), UserName: a.Name, Number: asked.Number, At: asked.At, State: string(asked.State), Known: by.Known, Agent: asked.Agent,
		Call: words.Say(ctx, "signin.asked.call"),
	}
	if v.Agent == "" && asked.State == cases.AskTaken {
		v.Agent = words.Say(ctx, "signin.help.check.somebody")
	}
	switch {
	case desk.Number == "":
	case desk.Hours == "":
		v.Call = words.Say(ctx, "signin.asked.call_number", "number", desk.Number)
	default:
		v.Call = words.Say(ctx, "signin.asked.call_hours", "number", desk.Number, "hours", desk.Hours)
	}
	return web.Render(c, http.StatusOK, views.AskedPage(h.page(c, a), v))
}

func (h *Pages) sendAsk(c echo.Context) error {
	a, by, open, err := h.asker(c)
	if err != nil {
		return err
	}
	if !open {
		return fault.New(fault.Refused, "signin.refused")
	}
	err = h.Cases.Ask(c.Request().Context(), by, cases.Ask{Cause: cases.Cause(web.Form(c, "cause")), Words: web.Form(c, "words")}, web.Origin(c))
	if errors.Is(err, fault.Invalid) {
		return h.showAsk(c, http.StatusUnprocessableEntity, a, by, fault.Of(err).Fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, askPath(a.ID))
}

// asked is the request of the attempt of the path. While there is none it is not there.
func (h *Pages) asked(c echo.Context) (by signin.Asker, asked cases.Asked, err error) {
	_, by, _, err = h.asker(c)
	if err != nil {
		return by, asked, err
	}
	asked, there, err := h.Cases.AskedIn(c.Request().Context(), by)
	if err == nil && !there {
		err = fault.New(fault.NotFound, "http.not_found")
	}
	return by, asked, err
}

// askState is how far the request is, for polling.
func (h *Pages) askState(c echo.Context) error {
	_, asked, err := h.asked(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"state": string(asked.State)})
}

// askEvents tells the page of a request that an agent has taken it, or that it is closed,
// and ends. Where nothing of that is told, after it was, and when it is waited for no more,
// there is nothing to come back for.
func (h *Pages) askEvents(c echo.Context) error {
	by, asked, err := h.asked(c)
	if err != nil {
		return err
	}
	if !by.Known || asked.State != cases.AskWaits || asked.Shut || asked.Over(h.Site.DB.Now()) {
		return c.NoContent(http.StatusNoContent) // which a browser does not ask for again
	}
	attempt, from, said := c.Param("attempt"), web.From(c), false
	return h.Site.Serve(c, "browser "+by.Browser, []string{cases.AskKey(by.TenantID, asked.ID)}, func(ctx context.Context, stream *web.Stream) (bool, error) {
		a, now, err := h.SignIn.Find(ctx, attempt, from.BrowserDigest)
		if err != nil {
			return true, err
		}
		// Who was known when it began may have been shut out since.
		by, err := h.SignIn.Asker(ctx, a, from)
		if err != nil || !by.Known {
			return true, err
		}
		asked, there, err := h.Cases.AskedIn(ctx, by)
		if err != nil || !there || asked.Shut {
			return true, err
		}
		if over := asked.State != cases.AskWaits; over || !said {
			said = true
			return over || asked.Over(now), stream.Event("state", string(asked.State))
		}
		return asked.Over(now), nil
	})
}
