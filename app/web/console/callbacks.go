package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/prompt"
	"latchkey/app/vouch"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const callBacksPath = "/call-backs"

func (h *Pages) callBackRoutes() []web.Route {
	const one = "/admin/:tenant" + callBacksPath + "/:call"
	return []web.Route{
		web.Get("/admin/:tenant"+callBacksPath, access.RebindRequest, h.callBacks),
		web.Get(one, access.RebindRequest, h.callBack),
		web.Post(one, access.RebindRequest, h.calledBack),
		web.Post(one+"/not-them", access.CaseHandle, h.notThem),
	}
}

func (h *Pages) callBackPath(c echo.Context, id string) string {
	return h.path(c, callBacksPath+"/"+url.PathEscape(id))
}

// calling is the badge beside the call-backs. A count that cannot be read now is none.
func (h *Pages) calling(c echo.Context) string {
	n, err := h.Vouches.Waiting(c.Request().Context(), h.Site.Standing(c))
	if err != nil || n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (h *Pages) callBacks(c echo.Context) error {
	all, err := h.Vouches.Inbox(c.Request().Context(), h.Site.Standing(c))
	if err != nil {
		return err
	}
	var v views.CallBacks
	for _, one := range all {
		v.Rows = append(v.Rows, h.callBackRow(c, one))
	}
	return web.Render(c, http.StatusOK, views.CallBacksPage(h.page(c, callBacksPath), v))
}

func (h *Pages) callBackRow(c echo.Context, one vouch.Call) views.CallBackRow {
	row := views.CallBackRow{
		Href: h.callBackPath(c, one.ID), Person: one.PersonName, PersonHref: h.personPath(c, one.UserID), AskedAt: one.BegunAt, EndsAt: one.ExpiresAt,
		BypassHref: h.bypassPath(c, one.BypassID),
	}
	if one.CaseID != "" {
		row.CaseName, row.CaseHref = one.CaseName, h.casePath(c, one.CaseID)
	}
	return row
}

func (h *Pages) callBack(c echo.Context) error { return h.showCallBack(c, http.StatusOK, nil) }

func (h *Pages) showCallBack(c echo.Context, status int, fields map[string]string) error {
	ctx := web.Context(c)
	one, err := h.Vouches.FindCall(c.Request().Context(), h.Site.Standing(c), c.Param("call"), web.Origin(c))
	if err != nil {
		return err
	}
	state := string(one.Live(h.Site.DB.Now()))
	v := views.CallBack{
		CallBackRow: h.callBackRow(c, one), List: h.path(c, callBacksPath), State: state, Outcome: words.Say(ctx, "callback.desk.state."+state), CalledBy: one.CalledBy,
		Waits: state == string(prompt.Pending), Letters: one.Letters, FourEyes: one.FourEyes, Whole: one.Whole, Errors: fields, Typed: web.Form(c, "reason"), Number: web.Form(c, "number"),
	}
	if one.Stops != "" {
		v.Stops = web.Sentence(c, one.Stops, "")
	}
	v.Numbers = component.Choices{Name: "phone", Legend: words.Say(ctx, "callback.phone"), Error: fields["phone"]}
	for _, n := range one.Numbers {
		v.Numbers.Choices = append(v.Numbers.Choices, component.Choice{
			Value: n.ID, Label: n.Number, Chosen: n.ID == web.Form(c, "phone"),
		})
	}
	page, _, err := h.deskPage(c, callBacksPath)
	if err != nil {
		return err
	}
	return web.Render(c, status, views.CallBackPage(page, v))
}

// called finds the person of the call-back of the path, for an act on them.
func (h *Pages) called(c echo.Context) (userID string, err error) {
	return h.Vouches.PersonOf(c.Request().Context(), h.Site.Standing(c), c.Param("call"))
}

// calledBack takes the word of who called; where a second person must approve it, it goes
// on to the request.
func (h *Pages) calledBack(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	person, err := h.called(c)
	if err != nil {
		return err
	}
	out, err := h.Vouches.CallBack(c.Request().Context(), h.act(c, vouch.KindCallBack, person), vouch.Called{Vouch: c.Param("call"), Phone: web.Form(c, "phone"), Number: web.Form(c, "number")})
	if fields, ok := wrong(c, err); ok {
		return h.showCallBack(c, http.StatusUnprocessableEntity, fields)
	}
	switch {
	case err != nil:
		return err
	case out.Waits():
		return web.Redirect(c, h.path(c, approvalsPath+"/"+url.PathEscape(out.RequestID)))
	}
	return web.Redirect(c, h.callBackPath(c, c.Param("call")))
}

// notThem protects, so it asks for no fresh proof.
func (h *Pages) notThem(c echo.Context) error {
	person, err := h.called(c)
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, vouch.KindNotThem, person).With(vouch.Called{Vouch: c.Param("call")}), callBacksPath+"/"+url.PathEscape(c.Param("call")))
	if fields, ok := wrong(c, err); ok {
		return h.showCallBack(c, http.StatusUnprocessableEntity, map[string]string{"not-them": fields["reason"], "ticket": fields["ticket"]})
	}
	return err
}
