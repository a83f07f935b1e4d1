package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/export"
	"latchkey/app/fault"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// exportsPath is the place of the console for files of the audit (http.md).
const exportsPath = "/audit/export"

func (h *Pages) exportRoutes() []web.Route {
	const list = "/admin/:tenant" + exportsPath
	return []web.Route{
		web.Get(list, access.AuditExport, h.exports),
		web.Post(list, access.AuditExport, h.beginExport),
		web.Get(list+"/:export", access.AuditExport, h.export),
		web.Post(list+"/:export/ask", access.AuditExport, h.askExport),
		web.Post(list+"/:export/link", access.AuditExport, h.linkExport),
		web.Get(list+"/:export/file/:key", access.AuditExport, h.fetchExport),
	}
}

// exportOf is the form for an export of exactly what a query asks for. A range that goes back
// from now begins where it begins on the page that leads here.
func (h *Pages) exportOf(c echo.Context, q trail.Query) string {
	return address(h.path(c, exportsPath), "q", q.Text, "action", q.Action, "outcome", string(q.Outcome), "actor", q.Actor, "target", q.Target, "thread", q.Thread, "by", q.By, "from", exact(q.From), "to", exact(q.To))
}

func (h *Pages) exports(c echo.Context) error { return h.showExports(c, http.StatusOK, nil) }

func (h *Pages) showExports(c echo.Context, status int, errors map[string]string) error {
	ctx := web.Context(c)
	all, err := h.Exports.List(ctx, h.Site.Standing(c))
	if err != nil {
		return err
	}
	typed := func(name string) string {
		if status == http.StatusOK {
			return c.QueryParam(name) // as the page of the audit was filtered
		}
		return web.Form(c, name)
	}
	v := views.Exports{Action: h.path(c, exportsPath), Errors: errors, Typed: views.ExportTyped{
		From: typed("from"), To: typed("to"), Actor: typed("actor"), Target: typed("target"), Name: typed("action"), Thread: typed("thread"), By: typed("by"), Words: typed("q"),
	}, Outcomes: outcomeChoices(ctx, typed("outcome"))}
	for _, form := range eventform.Forms {
		v.Formats = append(v.Formats, component.Choice{Value: string(form), Label: words.Say(ctx, "eventform."+string(form)), Chosen: string(form) == typed("format")})
	}
	for _, e := range all {
		v.Rows = append(v.Rows, h.exportRow(c, e))
	}
	return web.Render(c, status, views.ExportsPage(h.page(c, exportsPath), v))
}

func (h *Pages) exportRow(c echo.Context, e export.Export) views.ExportRow {
	ctx := web.Context(c)
	row := views.ExportRow{
		Href: h.path(c, exportsPath+"/"+url.PathEscape(e.ID)), Title: words.Say(ctx, "export.of", "form", words.Say(ctx, "eventform."+string(e.Form))), By: e.CreatedName,
		State: words.Say(ctx, "export.state."+string(e.State)), Count: words.Say(ctx, "export.rows", "count", strconv.FormatInt(e.Done, 10)), At: e.CreatedAt,
	}
	switch e.State {
	case export.Done:
		row.Tone = "good"
	case export.Failed:
		row.Tone = "bad"
	case export.Draft:
		row.Tone = "warn"
	}
	return row
}

// beginExport takes the filters of the page of the audit.
func (h *Pages) beginExport(c echo.Context) error {
	q := trail.Query{Actor: web.Form(c, "actor"), Target: web.Form(c, "target"), Action: web.Form(c, "action"), Outcome: audit.Outcome(web.Form(c, "outcome")), Text: web.Form(c, "q"), Thread: web.Form(c, "thread"), By: web.Form(c, "by")}
	ill := map[string]string{}
	for field, into := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		at, ok := moment(web.Form(c, field))
		if !ok {
			ill[field] = "export.time_form"
		}
		*into = at
	}
	if len(ill) > 0 {
		fields, _ := wrong(c, fault.Wrong("form.wrong", ill))
		return h.showExports(c, http.StatusUnprocessableEntity, fields)
	}
	id, err := h.Exports.Begin(c.Request().Context(), h.Site.Standing(c), eventform.Form(web.Form(c, "format")), q, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showExports(c, http.StatusUnprocessableEntity, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, exportsPath+"/"+url.PathEscape(id)))
}

func (h *Pages) export(c echo.Context) error { return h.showExport(c, http.StatusOK, nil) }

func (h *Pages) showExport(c echo.Context, status int, errors map[string]string) error {
	ctx, tenantID, me := web.Context(c), web.Here(c).ID, web.Session(c).UserID
	e, err := h.Exports.Find(ctx, h.Site.Standing(c), c.Param("export"))
	if err != nil {
		return err
	}
	q, err := e.Asked()
	if err != nil {
		return err
	}
	v := views.Export{
		ExportRow: h.exportRow(c, e), Back: h.path(c, exportsPath), Running: e.State == export.Running, Draft: e.State == export.Draft && e.CreatedBy == me, Ready: e.State == export.Done && e.CreatedBy == me,
		Digest: e.Digest, GoneAt: e.CreatedAt.Add(export.Life), Reason: web.Form(c, "reason"), Errors: errors,
	}
	v.Base = v.Href
	if e.FetchedAt != nil {
		v.FetchedAt = *e.FetchedAt
	}
	for _, f := range [][2]string{{"from", exact(q.From)}, {"to", exact(q.To)}, {"actor", q.Actor}, {"target", q.Target}, {"action", q.Action}, {"outcome", string(q.Outcome)}, {"thread", q.Thread}, {"by", q.By}, {"words", q.Text}} {
		if f[1] != "" {
			v.Facts = append(v.Facts, views.ExportFact{Name: words.Say(ctx, "export."+f[0]), Value: f[1]})
		}
	}
	if shown := h.Site.Shown(c); shown != "" {
		fits, err := h.Exports.Fits(ctx, tenantID, e.ID, me, shown)
		if err != nil {
			return err
		}
		if fits {
			v.Link = v.Base + "/file/" + url.PathEscape(shown)
		}
	}
	return web.Render(c, status, views.ExportPage(h.page(c, exportsPath), v))
}

func exact(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// askExport asks a second person for an export of many rows.
func (h *Pages) askExport(c echo.Context) error {
	id := c.Param("export")
	if _, err := h.Exports.Find(c.Request().Context(), h.Site.Standing(c), id); err != nil {
		return err
	}
	err := h.submit(c, h.act(c, export.KindExport, "").With(export.Act{Export: id}), exportsPath+"/"+url.PathEscape(id))
	if fields, ok := wrong(c, err); ok {
		return h.showExport(c, http.StatusUnprocessableEntity, fields)
	}
	return err
}

func (h *Pages) linkExport(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	made, err := h.Exports.Link(c.Request().Context(), web.Here(c).ID, c.Param("export"), web.Session(c).UserID, web.Origin(c))
	if err != nil {
		return err
	}
	h.Site.ShowOnce(c, made.Reveal())
	return web.Redirect(c, h.path(c, exportsPath+"/"+url.PathEscape(c.Param("export"))))
}

// fetchExport spends the link and sends the file, a part at a time and for as long as that
// takes. Its length goes ahead, so that nobody takes a part of it for the whole.
func (h *Pages) fetchExport(c echo.Context) error {
	ctx := c.Request().Context()
	e, err := h.Exports.Fetch(ctx, web.Here(c).ID, c.Param("export"), web.Session(c).UserID, c.Param("key"), web.Origin(c))
	if err != nil {
		return err
	}
	media, ending := e.Form.Media()
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, media)
	header.Set(echo.HeaderContentDisposition, `attachment; filename="audit-`+web.Here(c).Slug+"-"+e.CreatedAt.UTC().Format("20060102-150405")+"."+ending+`"`)
	header.Set(echo.HeaderContentLength, strconv.FormatInt(e.Size, 10))
	header.Set(echo.HeaderCacheControl, "no-store")
	c.Response().WriteHeader(http.StatusOK)
	return h.Exports.Each(context.WithoutCancel(ctx), e, func(part []byte) error { return h.Site.SendPart(c, part) })
}
