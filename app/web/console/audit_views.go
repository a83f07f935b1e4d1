package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/trailview"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// auditViewsPath is the place of the console for saved views of the audit.
const auditViewsPath = auditPath + "/views"

// openView is the parameter of the audit for the view that is open. It narrows nothing: what
// stands beside it does.
const openView = "view"

// viewLinksMost is how many views the page of the audit offers; the others are a page further.
const viewLinksMost = 12

func (h *Pages) auditViewRoutes() []web.Route {
	const list, one = "/admin/:tenant" + auditViewsPath, "/admin/:tenant" + auditViewsPath + "/:view"
	return []web.Route{
		web.Get(list, access.AuditRead, h.listViews),
		web.Post(list, access.AuditRead, h.saveView),
		web.Get(one, access.AuditRead, h.view),
		web.Post(one+"/rename", access.AuditRead, h.renameView),
		web.Post(one+"/filters", access.AuditRead, h.replaceView),
		web.Post(one+"/share", access.AuditRead, h.shareView),
		web.Post(one+"/unshare", access.AuditRead, h.unshareView),
		web.Post(one+"/delete", access.AuditRead, h.deleteView),
	}
}

// askedBy are the filters of a view as they stand in an address.
func askedBy(f trailview.Filters) asked {
	a := asked{"q": f.Text, "action": f.Action, "outcome": string(f.Outcome), "actor": f.Actor, "target": f.Target, "thread": f.Thread, "by": f.By, "range": f.Range}
	for name, at := range map[string]string{"from": exact(f.From), "to": exact(f.To)} {
		a[name] = at
	}
	return a
}

// filters are those of a view, from a page or a form. What is no time is none of the page: ok
// is false then.
func (a asked) filters() (f trailview.Filters, ok bool) {
	f = trailview.Filters{Text: a["q"], Action: a["action"], Outcome: audit.Outcome(a["outcome"]), Actor: a["actor"], Target: a["target"], Thread: a["thread"], By: a["by"], Range: a["range"]}
	var begins, ends bool
	f.From, begins = moment(a["from"])
	f.To, ends = moment(a["to"])
	return f, begins && ends
}

// typedFilters are the filters of a form, as they came.
func typedFilters(c echo.Context) asked {
	a := asked{}
	for _, name := range auditFields {
		a[name] = web.Form(c, name)
	}
	return a
}

// opens is the address of the audit with the filters of a view.
func (h *Pages) opens(c echo.Context, v trailview.View) string {
	a := askedBy(v.Filters)
	a[openView] = v.ID
	return h.with(c, a)
}

func (h *Pages) viewPath(c echo.Context, id string) string {
	return h.path(c, auditViewsPath+"/"+url.PathEscape(id))
}

// auditViews are what the page of the audit has of views.
func (h *Pages) auditViews(c echo.Context, a asked) (v views.AuditViews, err error) {
	own, shared, err := h.Views.List(c.Request().Context(), h.Site.Standing(c))
	if err != nil {
		return v, err
	}
	ctx, set := web.Context(c), asked{}
	for _, f := range filtersSaid(ctx, a) {
		set[f.Name] = f.Value
	}
	v.Base = h.path(c, auditViewsPath)
	for i, one := range append(own, shared...) {
		current := one.ID == a[openView]
		if i < viewLinksMost || current {
			v.Open = append(v.Open, views.AuditViewLink{Name: one.Name, Href: h.opens(c, one), Shared: one.Shared, Current: current})
		}
		if now, ok := set.filters(); current && ok && i < len(own) && len(set) > 0 && now != one.Filters {
			v.Into = &views.AuditViewInto{Action: h.viewPath(c, one.ID) + "/filters", Name: one.Name, Version: strconv.Itoa(one.Version), Filters: filtersSaid(ctx, a)}
		}
	}
	if len(set) > 0 {
		v.Save = &views.AuditViewForm{Action: v.Base, Filters: filtersSaid(ctx, a)}
	}
	return v, nil
}

func (h *Pages) listViews(c echo.Context) error {
	return h.showViews(c, http.StatusOK, askedOf(c), nil)
}

// showViews lists views, below the form for filters that come along.
func (h *Pages) showViews(c echo.Context, status int, a asked, errors map[string]string) error {
	ctx, me := web.Context(c), h.Site.Standing(c)
	own, shared, err := h.Views.List(ctx, me)
	if err != nil {
		return err
	}
	v := views.AuditViewList{Back: h.path(c, auditPath), Full: len(own) >= trailview.OwnMost}
	if set := filtersSaid(ctx, a); status != http.StatusOK || len(set) > 0 && !v.Full {
		v.Save = &views.AuditViewForm{Action: h.path(c, auditViewsPath), Filters: set, Typed: web.Form(c, "name"), Errors: errors}
	}
	for _, one := range own {
		v.Own = append(v.Own, h.viewRow(c, one, me))
	}
	for _, one := range shared {
		v.Shared = append(v.Shared, h.viewRow(c, one, me))
	}
	return web.Render(c, status, views.AuditViewsPage(h.page(c, auditPath), v))
}

func (h *Pages) viewRow(c echo.Context, v trailview.View, me access.Standing) views.AuditViewRow {
	ctx := web.Context(c)
	row := views.AuditViewRow{
		AuditViewLink: views.AuditViewLink{Name: v.Name, Href: h.opens(c, v), Shared: v.Shared},
		Says:          sayFilters(ctx, v.Filters), State: words.Say(ctx, "audit.views.private"), At: v.ChangedAt,
	}
	if v.Shared {
		row.State, row.Tone = words.Say(ctx, "audit.views.is_shared"), "good"
	}
	if v.OwnerID != me.UserID {
		row.By = v.OwnerName
	}
	if v.OwnerID == me.UserID || v.DeletableBy(me) {
		row.Page = h.viewPath(c, v.ID)
	}
	return row
}

func sayFilters(ctx context.Context, f trailview.Filters) string {
	var all []string
	for _, set := range filtersSaid(ctx, askedBy(f)) {
		all = append(all, chip(ctx, set))
	}
	return strings.Join(all, " · ")
}

func (h *Pages) view(c echo.Context) error { return h.showView(c, http.StatusOK, nil) }

func (h *Pages) showView(c echo.Context, status int, errors map[string]string) error {
	ctx, me := web.Context(c), h.Site.Standing(c)
	one, err := h.Views.Find(c.Request().Context(), me, c.Param("view"))
	if err != nil {
		return err
	}
	audience := string(one.Filters.Audience())
	says := words.Say(ctx, "audit.views.would."+audience)
	if one.Shared {
		says = words.Say(ctx, "audit.views.for."+audience)
	}
	v := views.AuditView{
		AuditViewRow: h.viewRow(c, one, me), Back: h.path(c, auditViewsPath), Filters: filtersSaid(ctx, askedBy(one.Filters)), For: says,
		Mine: one.OwnerID == me.UserID, Deletable: one.DeletableBy(me), Version: strconv.Itoa(one.Version), Typed: one.Name, Errors: errors,
	}
	v.Page = h.viewPath(c, one.ID)
	if errors["name"] != "" {
		v.Typed, v.Version = web.Form(c, "name"), web.Form(c, "version")
	}
	return web.Render(c, status, views.AuditViewPage(h.page(c, auditPath), v))
}

func (h *Pages) saveView(c echo.Context) error {
	a := typedFilters(c)
	filters, ok := a.filters()
	if !ok {
		return h.showViews(c, http.StatusUnprocessableEntity, a, map[string]string{"filters": web.Sentence(c, "view.filters_form", "")})
	}
	id, err := h.Views.Save(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, web.Form(c, "name"), filters, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showViews(c, http.StatusUnprocessableEntity, a, fields)
	}
	if err != nil {
		return err
	}
	return h.toView(c, id, "?done=view_saved")
}

// toView goes on to the audit with the filters of a view, and says what was done.
func (h *Pages) toView(c echo.Context, id, done string) error {
	v, err := h.Views.Find(c.Request().Context(), h.Site.Standing(c), id)
	if err != nil {
		return err
	}
	return web.Redirect(c, h.opens(c, v)+strings.Replace(done, "?", "&", 1)) // it has a query
}

func (h *Pages) renameView(c echo.Context) error {
	err := h.Views.Rename(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("view"), web.Form(c, "name"), viewVersion(c), web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showView(c, http.StatusUnprocessableEntity, fields)
	}
	return h.changedView(c, err, "?done=view_renamed")
}

func (h *Pages) replaceView(c echo.Context) error {
	id := c.Param("view")
	filters, ok := typedFilters(c).filters()
	if !ok {
		return h.showView(c, http.StatusUnprocessableEntity, map[string]string{"": web.Sentence(c, "view.filters_form", "")})
	}
	private, err := h.Views.Replace(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, id, filters, viewVersion(c), web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showView(c, http.StatusUnprocessableEntity, map[string]string{"": fields["filters"]}) // of the page of the audit
	}
	switch {
	case err != nil:
		return h.notYours(c, err)
	case private:
		return h.toView(c, id, "?done=view_private")
	}
	return h.toView(c, id, "?done=view_replaced")
}

func (h *Pages) shareView(c echo.Context) error {
	err := h.Views.Share(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("view"), viewVersion(c), web.Origin(c))
	return h.changedView(c, err, "?done=view_shared")
}

func (h *Pages) unshareView(c echo.Context) error {
	err := h.Views.Unshare(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("view"), web.Origin(c))
	return h.changedView(c, err, "?done=view_unshared")
}

func (h *Pages) deleteView(c echo.Context) error {
	err := h.Views.Delete(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("view"), viewVersion(c), web.Origin(c))
	if err != nil {
		return h.notYours(c, err)
	}
	return web.Redirect(c, h.path(c, auditViewsPath+"?done=view_deleted"))
}

// viewVersion is the version that a form was made with. What is no number is none.
func viewVersion(c echo.Context) int {
	version, _ := strconv.Atoi(web.Form(c, "version"))
	return version
}

// changedView goes back to the page of a view after an act on it.
func (h *Pages) changedView(c echo.Context, err error, done string) error {
	if err != nil {
		return h.notYours(c, err)
	}
	return web.Redirect(c, h.viewPath(c, c.Param("view"))+done)
}

// notYours remembers that somebody tried to change what another one saved.
func (h *Pages) notYours(c echo.Context, err error) error {
	if errors.Is(err, fault.Forbidden) {
		return errors.Join(err, h.Approvals.Remember(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, map[string]string{"kind": "audit_view.change"}, web.Origin(c)))
	}
	return err
}
