package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/secret"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
)

// newInvite shows the form for somebody new. It asks for a fresh proof before
// anything is typed.
func (h *Pages) newInvite(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showInvite(c, http.StatusOK, secret.System.ID(), nil)
}

func (h *Pages) showInvite(c echo.Context, status int, once string, errs map[string]string) error {
	at, who := web.Here(c), web.Session(c)
	groups, err := h.People.GroupsOf(c.Request().Context(), at.ID, who.UserID)
	if err != nil {
		return err
	}
	domain, err := h.People.DomainOf(c.Request().Context(), at.ID)
	if err != nil {
		return err
	}
	v := views.Invite{
		Action: h.path(c, "/users"), Once: once, Back: h.path(c, "/users"), Domain: domain, Errors: errs,
		Typed: views.InviteForm{Name: web.Form(c, "name"), DisplayName: web.Form(c, "display_name"), Reason: web.Form(c, "reason")},
	}
	for _, g := range groups {
		v.Groups = append(v.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(c.Request().PostForm["groups"], g.ID)})
	}
	return web.Render(c, status, views.InvitePage(h.page(c, "/users"), v))
}

// sendInvite makes the user and shows the link to their first password, once.
func (h *Pages) sendInvite(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	at := web.Here(c)
	once := web.Form(c, "once")
	link, token := people.NewLink(at.ID, once)
	act := h.act(c, people.KindInvite, "").With(people.Invite{
		Link: link, Name: web.Form(c, "name"), DisplayName: web.Form(c, "display_name"), Groups: c.Request().PostForm["groups"],
	})
	out, err := h.Approvals.Submit(c.Request().Context(), act)
	if fields, ok := wrong(c, err); ok {
		return h.showInvite(c, http.StatusUnprocessableEntity, once, fields)
	}
	if err != nil {
		return h.shownBefore(c, err, "")
	}
	if out.Waits() {
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	id, err := h.People.IDOf(c.Request().Context(), at.ID, web.Form(c, "name"))
	if err != nil {
		return err
	}
	return h.showLink(c, web.Form(c, "name"), id, token)
}

// renewInvitation makes a new link for somebody who never had a way in.
func (h *Pages) renewInvitation(c echo.Context) error {
	return h.newLink(c, people.KindInvitation, "invitation")
}

// sendPasswordLink makes a link by which somebody sets another password.
func (h *Pages) sendPasswordLink(c echo.Context) error {
	return h.newLink(c, people.KindPasswordLink, "password_link")
}

func (h *Pages) newLink(c echo.Context, kind approval.Kind, form string) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	link, token := people.NewLink(web.Here(c).ID, web.Form(c, "once"))
	out, err := h.Approvals.Submit(c.Request().Context(), h.act(c, kind, c.Param("user")).With(link))
	if fields, ok := wrong(c, err); ok {
		return h.showPerson(c, http.StatusUnprocessableEntity, failed{form: form, typed: web.Form(c, "reason"), wrong: fields})
	}
	if err != nil {
		return h.shownBefore(c, err, c.Param("user"))
	}
	if out.Waits() {
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	return h.showLink(c, "", c.Param("user"), token)
}

func (h *Pages) showLink(c echo.Context, name, userID string, token secret.Token) error {
	return web.Render(c, http.StatusOK, views.InvitedPage(h.page(c, "/users"), views.Invited{
		Name: strings.TrimSpace(name), Link: h.Site.PublicURL + "/invite/" + token.Reveal(), ExpiresAt: h.Site.DB.Now().Add(people.InvitationLife),
		Href: h.personPath(c, userID),
	}))
}

// shownBefore answers a form that comes a second time: its link was shown.
func (h *Pages) shownBefore(c echo.Context, err error, userID string) error {
	if f := fault.Of(err); !errors.Is(err, fault.Conflict) || f.Code != "invitation.shown" {
		return err
	}
	v := views.Invited{}
	if userID != "" {
		v.Href = h.personPath(c, userID)
	}
	return web.Render(c, http.StatusOK, views.InvitedPage(h.page(c, "/users"), v))
}
