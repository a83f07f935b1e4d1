package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/breakglass"
	"latchkey/app/fault"
	"latchkey/app/outage"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const breakGlassPath = "/break-glass"

// Making an account, sealing it and removing it take two people, which the acts ask.
func (h *Pages) breakGlassRoutes() []web.Route {
	const path = "/admin/:tenant" + breakGlassPath
	return []web.Route{
		web.Get(path, access.OutageHandle, h.breakGlass),
		web.Post(path, access.OutageDeclare, h.makeBreakGlass),
		web.Post(path+"/:glass/seal", access.OutageDeclare, h.sealBreakGlass),
		web.Post(path+"/:glass/print", access.OutageDeclare, h.printBreakGlass),
		web.Post(path+"/:glass/remove", access.OutageDeclare, h.removeBreakGlass),
		web.Post(path+"/:glass/drill", access.OutageHandle, h.drillBreakGlass),
		web.Get("/admin/:tenant/approvals/:request/sheet", access.OutageDeclare, h.bySheet),
		web.Post("/admin/:tenant/approvals/:request/sheet", access.OutageDeclare, h.approveBySheet),
	}
}

// breakGlass is the list of the accounts, with what each of them needs.
func (h *Pages) breakGlass(c echo.Context) error { return h.showBreakGlass(c, http.StatusOK, "", nil) }

func (h *Pages) showBreakGlass(c echo.Context, status int, form string, wrongs map[string]string) error {
	ctx, here, me := web.Context(c), web.Here(c), web.Session(c).UserID
	all, err := h.BreakGlass.List(c.Request().Context(), here.ID)
	if err != nil {
		return err
	}
	v := views.BreakGlass{
		Action: h.path(c, breakGlassPath), Declares: h.Site.Standing(c).May.Has(access.OutageDeclare), Returned: views.Returned{Form: form, Errors: wrongs},
		Name: web.Form(c, "name"), DisplayName: web.Form(c, "display_name"), Reason: web.Form(c, "reason"),
	}
	working := 0
	for _, a := range all {
		if a.Works() {
			working++
		}
		v.Rows = append(v.Rows, h.glassRow(c, a, me))
	}
	if working < breakglass.Advised {
		v.Few = words.Say(ctx, "breakglass.few", "count", strconv.Itoa(working), "advised", strconv.Itoa(breakglass.Advised))
	}
	return web.Render(c, status, views.BreakGlassPage(h.page(c, breakGlassPath), v))
}

func (h *Pages) glassRow(c echo.Context, a breakglass.Account, me string) views.GlassRow {
	ctx, now := web.Context(c), h.Site.DB.Now()
	action := h.path(c, breakGlassPath+"/"+url.PathEscape(a.UserID))
	row := views.GlassRow{
		ID: a.UserID, Name: a.Name, DisplayName: a.DisplayName, Href: h.personPath(c, a.UserID), Serial: breakglass.Parted(a.Serial), MadeAt: a.MadeAt,
		Passkeys: words.Say(ctx, "breakglass.passkeys", "count", strconv.Itoa(a.Passkeys)), SealAction: action + "/seal", RemoveAction: action + "/remove", WaitsToPrint: a.WaitsUntil != nil,
	}
	state, tone := "sealed", "good"
	switch {
	case a.State != user.Active:
		state, tone = "locked", "bad"
	case a.Serial == "" && a.UsedAt != nil:
		state, tone = "used", "bad"
	case a.Serial == "":
		state, tone = "unsealed", "warn"
	}
	row.State, row.Tone = words.Say(ctx, "breakglass.state."+state), tone
	if a.SealedAt != nil {
		row.SealedAt = *a.SealedAt
	}
	if a.UsedAt != nil {
		row.UsedAt, row.UsedFor = *a.UsedAt, words.Say(ctx, "breakglass.used_for."+a.UsedFor)
	}
	if a.DrilledAt != nil {
		row.DrilledAt = *a.DrilledAt
	}
	warn := func(key string) { row.Warnings = append(row.Warnings, words.Say(ctx, key)) }
	if a.SignedIn {
		warn("breakglass.warn.signed_in")
	}
	if state == "used" {
		warn("breakglass.warn.used")
	}
	if a.Passkeys == 0 {
		warn("breakglass.warn.no_passkey")
	}
	if a.DrillDue(now) {
		warn("breakglass.warn.drill_due")
	}
	if a.MayPrint(me, now) {
		row.PrintAction, row.PrintUntil = action+"/print", *a.WaitsUntil
	} else if a.WaitsUntil != nil {
		warn("breakglass.warn.to_print")
	}
	if a.Works() {
		row.DrillAction = action + "/drill"
	}
	return row
}

func (h *Pages) makeBreakGlass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	act := h.act(c, breakglass.KindMake, "").With(breakglass.Made{Name: web.Form(c, "name"), DisplayName: web.Form(c, "display_name")})
	return h.onBreakGlass(c, act, "new", "")
}

func (h *Pages) sealBreakGlass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.onBreakGlass(c, h.act(c, breakglass.KindSeal, c.Param("glass")).With(nil), "seal-"+c.Param("glass"), "")
}

func (h *Pages) removeBreakGlass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.onBreakGlass(c, h.act(c, breakglass.KindRemove, c.Param("glass")).With(nil), "remove-"+c.Param("glass"), "")
}

// onBreakGlass carries an act out; a form that fails comes back.
func (h *Pages) onBreakGlass(c echo.Context, act approval.Act, form, done string) error {
	err := h.submit(c, act, breakGlassPath+done)
	if fields, ok := wrong(c, err); ok {
		return h.showBreakGlass(c, http.StatusUnprocessableEntity, form, fields)
	}
	return err
}

// drillBreakGlass proves that a sheet is where it should be. It changes nothing that lets
// anybody in, so it asks for no fresh proof.
func (h *Pages) drillBreakGlass(c echo.Context) error {
	id := c.Param("glass")
	err := h.BreakGlass.Drill(c.Request().Context(), h.act(c, breakglass.KindDrill, ""), id, web.Form(c, "outside"))
	if fields, ok := wrong(c, err); ok {
		return h.showBreakGlass(c, http.StatusUnprocessableEntity, "drill-"+id, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, breakGlassPath)+"?done=break_glass_drilled")
}

// printBreakGlass makes the sheet and shows it, once.
func (h *Pages) printBreakGlass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	// What could fail comes first: the code is shown once.
	address := h.Site.PublicURL + "/break-glass"
	dark, err := web.QR(address)
	if err != nil {
		return err
	}
	sheet, err := h.BreakGlass.Print(c.Request().Context(), web.Here(c).ID, c.Param("glass"), web.Session(c).UserID, web.Origin(c))
	if errors.Is(err, fault.Forbidden) {
		return errors.Join(err, h.Approvals.Remember(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, map[string]string{"kind": "break_glass.print"}, web.Origin(c)))
	}
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.GlassSheetPage(h.page(c, breakGlassPath), views.GlassSheet{
		TenantName: web.Here(c).Name, Name: sheet.Name, DisplayName: sheet.DisplayName, Serial: breakglass.Parted(sheet.Serial), Code: sheet.Code.Reveal(), Outside: sheet.Outside.Reveal(),
		MadeAt: sheet.At, MadeOn: sheet.At.UTC().Format("2006-01-02"), Address: address, QR: dark, Back: h.path(c, breakGlassPath),
	}))
}

// bySheet asks for the sealed sheet that stands for the second person of an outage.
func (h *Pages) bySheet(c echo.Context) error { return h.showBySheet(c, http.StatusOK, "") }

func (h *Pages) showBySheet(c echo.Context, status int, problem string) error {
	r, err := h.Approvals.Find(c.Request().Context(), web.Here(c).ID, c.Param("request"), web.Session(c).UserID)
	if err != nil {
		return err
	}
	here := h.path(c, approvalsPath+"/"+url.PathEscape(r.ID))
	if r.Kind != outage.KindDeclare || r.State != approval.Pending {
		return web.Redirect(c, here)
	}
	return web.Render(c, status, views.BySheetPage(h.page(c, approvalsPath), views.BySheet{Action: here + "/sheet", Back: here, Identifier: web.Form(c, "identifier"), Error: problem}))
}

// approveBySheet spends the sheet for it. What was typed of the code is not shown again.
func (h *Pages) approveBySheet(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err := h.BreakGlass.DeclareOutage(c.Request().Context(), web.Here(c).ID, c.Param("request"), web.Session(c).UserID, web.Form(c, "identifier"), web.Form(c, "code"), web.Origin(c))
	if errors.Is(err, fault.Refused) {
		return h.showBySheet(c, http.StatusUnauthorized, words.Say(web.Context(c), "signin.break_glass.wrong"))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, outagePath)+"?done=outage_by_sheet")
}

// glassBanner is what every page of the console says while an account was used and not
// sealed again.
func (h *Pages) glassBanner(c echo.Context, page component.Page) component.Page {
	since, err := breakglass.Open(h.Site.DB.View(c.Request().Context()), web.Here(c).ID)
	if store.Unusable(err) == nil && since != nil {
		page.Alarm, page.AlarmAt = words.Say(web.Context(c), "breakglass.banner"), *since
	}
	return page
}
