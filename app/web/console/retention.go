package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/retention"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// retentionPath is the place of the console for how long the audit is kept. Whom security
// events are told sees it: who holds the audit, and why, is one.
const retentionPath = auditPath + "/retention"

func (h *Pages) retentionRoutes() []web.Route {
	const path = "/admin/:tenant" + retentionPath
	return []web.Route{
		web.Get(path, access.AuditReadPersonal, h.retention),
		web.Post(path, access.IntegrationEdit, h.changeRetention),
		web.Post(path+"/holds", access.IntegrationEdit, h.holdAudit),
		web.Post(path+"/holds/:hold/end", access.IntegrationEdit, h.releaseAudit),
	}
}

func (h *Pages) retention(c echo.Context) error {
	return h.showRetention(c, http.StatusOK, views.Returned{})
}

func (h *Pages) showRetention(c echo.Context, status int, back views.Returned) error {
	ctx, tenantID := c.Request().Context(), web.Here(c).ID
	k, err := h.Retention.Of(ctx, tenantID)
	if err != nil {
		return err
	}
	next, err := h.Retention.Next(ctx, tenantID, k)
	if err != nil {
		return err
	}
	standing, ended, err := h.Retention.Holds(ctx, tenantID)
	if err != nil {
		return err
	}
	drops, err := h.Retention.Drops(ctx, tenantID)
	if err != nil {
		return err
	}
	said := web.Context(c)
	v := views.Retention{
		May: h.Site.Standing(c).May.Has(access.IntegrationEdit), Action: h.path(c, retentionPath), Back: h.path(c, auditPath), Version: strconv.Itoa(k.Version), HoldAction: h.path(c, retentionPath+"/holds"),
		Reason: web.Form(c, "reason"), Returned: back, SignIns: monthsField(c, back, "signins", k.SignIns, retention.SignInsLeast), Administration: monthsField(c, back, "administration", k.Administration, retention.AdministrationLeast),
	}
	if back.Form == "months" {
		v.Version = web.Form(c, "version")
	}
	if k.Fault != "" {
		v.Fault = words.Say(said, "retention.fault."+k.Fault)
	}
	if k.ChangedAt != nil {
		names, err := user.NamesOf(h.Site.DB.View(ctx), tenantID, k.ChangedBy)
		if err != nil {
			return store.Unusable(err)
		}
		v.At, v.By = *k.ChangedAt, names[k.ChangedBy]
	}
	for _, n := range next {
		class := views.RetentionClass{
			Name: string(n.Class), Title: words.Say(said, "retention.class."+string(n.Class)), Means: words.Say(said, "retention.means."+string(n.Class)), Keeps: web.SayMonths(said, strconv.Itoa(k.Months.Of(n.Class))), At: n.At,
		}
		if !n.Month.IsZero() {
			class.Month = n.Month.Format("2006-01")
		}
		v.Classes = append(v.Classes, class)
	}
	for _, hold := range standing {
		row := h.holdRow(c, hold)
		if v.May {
			row.Action = h.path(c, retentionPath+"/holds/"+url.PathEscape(hold.ID)+"/end")
		}
		v.Standing = append(v.Standing, row)
	}
	for _, hold := range ended {
		v.Ended = append(v.Ended, h.holdRow(c, hold))
	}
	for _, d := range drops {
		v.Drops = append(v.Drops, views.DropRow{
			Title:  words.Say(said, "retention.drop", "class", words.Say(said, "retention.class."+string(d.Class)), "month", d.Month.Format("2006-01"), "part", strconv.Itoa(d.Part)),
			Events: words.Say(said, "retention.events", "count", strconv.FormatInt(d.Events, 10)), File: d.File, Host: d.Host, Digest: d.ArchiveDigest(), At: d.At,
		})
	}
	return web.Render(c, status, views.RetentionPage(h.page(c, retentionPath), v))
}

// monthsField asks for how many months a class is kept.
func monthsField(c echo.Context, back views.Returned, name string, months, least int) component.Field {
	typed := strconv.Itoa(months)
	if back.Form == "months" {
		typed = web.Form(c, name)
	}
	ctx := web.Context(c)
	return component.Field{
		Name: name, Label: words.Say(ctx, "retention.class."+name), Hint: words.Say(ctx, "retention.months.hint", "least", strconv.Itoa(least), "most", strconv.Itoa(retention.Most)),
		Typed: typed, Error: back.Errors[name], InputMode: "numeric", Autocomplete: "off", MaxLength: "3", Required: true,
	}
}

func (h *Pages) holdRow(c echo.Context, hold retention.Hold) views.HoldRow {
	row := views.HoldRow{ID: hold.ID, Reason: hold.Reason, Ticket: h.ticketRef(c, hold.Ticket), By: hold.BegunBy, At: hold.BegunAt}
	if hold.EndedAt != nil {
		row.EndedBy, row.EndedAt, row.EndedReason = hold.EndedBy, *hold.EndedAt, hold.EndedReason
	}
	return row
}

// changeRetention says for how long each class is kept. What is no number is none that is
// allowed.
func (h *Pages) changeRetention(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	months := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(web.Form(c, name)))
		if err != nil {
			return -1
		}
		return n
	}
	version, err := strconv.Atoi(web.Form(c, "version"))
	if err != nil {
		version = -1
	}
	act := h.act(c, retention.KindChange, "").With(retention.Change{Months: retention.Months{SignIns: months(string(audit.KeepSignIns)), Administration: months(string(audit.KeepAdministration))}, Version: version})
	return h.submitRetention(c, act, "months", "?done=saved")
}

// holdAudit protects, so it asks for no fresh proof.
func (h *Pages) holdAudit(c echo.Context) error {
	return h.submitRetention(c, h.act(c, retention.KindHold, "").With(struct{}{}), "hold", "?done=audit_held")
}

func (h *Pages) releaseAudit(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.submitRetention(c, h.act(c, retention.KindRelease, "").With(retention.Release{Hold: c.Param("hold")}), c.Param("hold"), "?done=audit_released")
}

// submitRetention submits an act of one of the forms of the page.
func (h *Pages) submitRetention(c echo.Context, act approval.Act, form, done string) error {
	err := h.submit(c, act, retentionPath+done)
	if fields, ok := wrong(c, err); ok {
		return h.showRetention(c, http.StatusUnprocessableEntity, views.Returned{Form: form, Errors: fields})
	}
	return err
}
