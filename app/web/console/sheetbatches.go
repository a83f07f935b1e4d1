package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/stock"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) sheetBatchRoutes() []web.Route {
	const all, one = "/admin/:tenant" + stockPath + "/batches", "/admin/:tenant" + stockPath + "/batches/:batch"
	return []web.Route{
		web.Get(all, access.CodeSheetPrintBatch, h.sheetBatches),
		web.Get(all+"/new", access.CodeSheetPrintBatch, h.newSheetBatch),
		web.Post(all, access.CodeSheetPrintBatch, h.drawSheetBatch),
		web.Get(one, access.CodeSheetPrintBatch, h.oneSheetBatch),
		web.Get(one+"/state", access.CodeSheetPrintBatch, h.sheetBatchState),
		web.Post(one+"/start", access.CodeSheetPrintBatch, h.startSheetBatch),
		web.Post(one+"/print", access.CodeSheetPrintBatch, h.printSheetBatch),
		web.Post(one+"/hand-over", access.CodeSheetPrintBatch, h.handSheetBatchOver),
		web.Post(one+"/void", access.CodeSheetVoid, h.voidSheetBatch),
	}
}

func (h *Pages) sheetBatchPath(c echo.Context, id string) string {
	return h.path(c, stockPath+"/batches/"+url.PathEscape(id))
}

// offeredGroups are the groups that somebody may choose from.
func offeredGroups(tx *store.Tx, who access.Standing) ([]group.Named, error) {
	all, err := group.Offered(tx, who.TenantID, "FALSE")
	return slices.DeleteFunc(all, func(g group.Named) bool { return !who.Covers([]string{g.ID}) }), err
}

var sheetBatchTones = map[string]string{stock.Making: "warn", stock.Made: "warn", stock.Printed: "good"}

// sheetBatchRow says a batch on a list.
func (h *Pages) sheetBatchRow(c echo.Context, b stock.Batch) views.SheetBatchRow {
	ctx := web.Context(c)
	row := views.SheetBatchRow{
		Href: h.sheetBatchPath(c, b.ID), Name: b.Name(), State: words.Say(ctx, "stock.batch.state."+b.State), Tone: sheetBatchTones[b.State], By: b.CreatedBy, At: b.CreatedAt,
	}
	var whom []string
	if b.GroupName != "" {
		whom = append(whom, words.Say(ctx, "stock.for.group", "name", b.GroupName))
	}
	if b.Named > 0 {
		whom = append(whom, words.Say(ctx, "stock.for.people", "count", strconv.Itoa(b.Named)))
	}
	if row.For = strings.Join(whom, ", "); row.For == "" {
		row.For = words.Say(ctx, "stock.for.gone")
	}
	if b.State != stock.Draft {
		row.Sheets = component.Count(b.Total - b.Skipped)
	}
	return row
}

func (h *Pages) sheetBatches(c echo.Context) error {
	before, _ := strconv.Atoi(c.QueryParam("before"))
	page, more, err := h.Stock.Batches(c.Request().Context(), h.Site.Standing(c), before)
	if err != nil {
		return err
	}
	list := h.path(c, stockPath+"/batches")
	v := views.SheetBatches{NewHref: list + "/new", StockHref: h.path(c, stockPath)}
	for _, b := range page {
		v.Rows = append(v.Rows, h.sheetBatchRow(c, b))
	}
	if before > 0 {
		v.First = list
	}
	if more {
		v.Next = address(list, "before", strconv.Itoa(page[len(page)-1].Number))
	}
	return web.Render(c, http.StatusOK, views.SheetBatchesPage(h.page(c, stockPath), v))
}

func (h *Pages) newSheetBatch(c echo.Context) error {
	return h.showNewSheetBatch(c, http.StatusOK, stock.Choice{GroupID: c.QueryParam("group"), Paper: stock.A4}, nil)
}

func (h *Pages) showNewSheetBatch(c echo.Context, status int, typed stock.Choice, fields map[string]string) error {
	ctx := web.Context(c)
	groups, err := h.groupChoices(c, typed.GroupID)
	if err != nil {
		return err
	}
	list := h.path(c, stockPath+"/batches")
	v := views.NewSheetBatch{Action: list, Back: list, Groups: groups, Names: typed.Names, Renews: typed.Renews, Instructions: typed.Instructions, Errors: fields}
	for _, paper := range stock.Papers {
		v.Papers = append(v.Papers, component.Choice{Value: paper, Label: words.Say(ctx, "stock.paper."+paper), Chosen: paper == typed.Paper})
	}
	return web.Render(c, status, views.NewSheetBatchPage(h.page(c, stockPath), v))
}

// drawSheetBatch draws a batch up, and goes on to what it would make.
func (h *Pages) drawSheetBatch(c echo.Context) error {
	typed := stock.Choice{
		GroupID: web.Form(c, "group"), Names: web.Form(c, "names"), Renews: web.Form(c, "renews") == "yes", Paper: web.Form(c, "paper"), Instructions: web.Form(c, "instructions"),
	}
	id, err := h.Stock.Draw(c.Request().Context(), h.Site.Standing(c), typed, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		return h.showNewSheetBatch(c, http.StatusUnprocessableEntity, typed, fields)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, h.sheetBatchPath(c, id))
}

func (h *Pages) oneSheetBatch(c echo.Context) error {
	return h.showSheetBatch(c, http.StatusOK, "", nil)
}

// showSheetBatch shows a batch; form is the one that was refused.
func (h *Pages) showSheetBatch(c echo.Context, status int, form string, fields map[string]string) error {
	ctx, asked, who := web.Context(c), c.Request().Context(), h.Site.Standing(c)
	b, err := h.Stock.Find(asked, who, c.Param("batch"))
	if err != nil {
		return err
	}
	v := views.SheetBatch{
		SheetBatchRow: h.sheetBatchRow(c, b), Here: h.sheetBatchPath(c, b.ID), Back: h.path(c, stockPath+"/batches"), StockHref: address(h.path(c, stockPath), "batch", b.ID),
		Is: b.State, Paper: words.Say(ctx, "stock.paper."+b.Paper), Instructions: b.Instructions, Renews: b.Renews, Reason: b.Reason, Ticket: h.ticketRef(c, b.Ticket),
		ApprovedBy: b.ApprovedBy, EndedBy: b.EndedBy, PrintsUntil: b.PrintsUntil(), Total: b.Total, Done: b.Done, Skipped: b.Skipped, Mine: b.CreatedByID == who.UserID,
		CanHand: who.May.Has(access.CodeSheetHandOver), CanVoid: who.May.Has(access.CodeSheetVoid) && b.State != stock.Draft && b.State != stock.Voided,
		Agent: web.Form(c, "agent"), Typed: web.Form(c, "reason"), Returned: views.Returned{Form: form, Errors: fields},
	}
	if b.MadeAt != nil {
		v.MadeAt = *b.MadeAt
	}
	if b.PrintedAt != nil {
		v.PrintedAt = *b.PrintedAt
	}
	if b.EndedAt != nil {
		v.EndedAt = *b.EndedAt
	}
	live := 0
	for _, state := range codesheet.States {
		if n := b.Counts[state]; n > 0 {
			v.Counts = append(v.Counts, views.SheetCount{State: sheetState(ctx, state), Tone: sheetTones[state], Sheets: n, Href: address(h.path(c, stockPath), "batch", b.ID, "state", state)})
			if !codesheet.Ended(state) {
				live += n
			}
		}
	}
	v.ToHandOut = b.Counts[codesheet.Printed]
	v.CanVoid = v.CanVoid && (b.State != stock.Printed || live > 0)
	if b.State == stock.Draft {
		if err := h.judgeSheetBatch(c, &v, b); err != nil {
			return err
		}
	}
	return web.Render(c, status, views.SheetBatchPage(h.page(c, stockPath), v))
}

// judgeSheetBatch says what a draft would make.
func (h *Pages) judgeSheetBatch(c echo.Context, v *views.SheetBatch, b stock.Batch) error {
	ctx := web.Context(c)
	j, err := h.Stock.Judge(c.Request().Context(), h.Site.Standing(c), b.ID)
	if err != nil {
		return err
	}
	v.Getting, v.Eyes, v.Digest = j.Getting, j.Eyes, j.Digest
	switch {
	case !v.Mine:
		v.WhyNot = web.Sentence(c, "stock.not_yours", "")
	case !h.Site.DB.Now().Before(b.CreatedAt.Add(stock.DraftLife)):
		v.WhyNot = web.Sentence(c, "stock.draft_old", "")
	case len(j.People) > stock.PeopleMost || j.Getting > stock.SheetsMost:
		v.WhyNot = web.Sentence(c, "stock.too_many", "")
	case j.Getting == 0:
		v.WhyNot = web.Sentence(c, "stock.nobody", "")
	}
	for _, left := range j.Left() {
		row := views.SheetLeft{Name: user.Full(left.Name, left.DisplayName), Why: words.Say(ctx, "stock.why."+left.Why)}
		if left.Why != stock.WhyScope {
			row.Href = h.personPath(c, left.ID)
		}
		v.Left = append(v.Left, row)
	}
	return nil
}

// sheetBatchState says how far a batch is, to the page that waits for its end.
func (h *Pages) sheetBatchState(c echo.Context) error {
	state, done, total, err := h.Stock.Progress(c.Request().Context(), h.Site.Standing(c), c.Param("batch"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		State string `json:"state"`
		Done  int    `json:"done"`
		Total int    `json:"total"`
		Said  string `json:"said"`
	}{state, done, total, sheetProgress(web.Context(c), done, total)})
}

func sheetProgress(ctx context.Context, done, total int) string {
	return words.Say(ctx, "stock.progress", "done", strconv.Itoa(done), "total", strconv.Itoa(total))
}

// startSheetBatch has a batch made in the background.
func (h *Pages) startSheetBatch(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	b, err := h.Stock.Find(c.Request().Context(), h.Site.Standing(c), c.Param("batch"))
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, stock.KindPrint, "").With(stock.Start{Batch: b.ID, Digest: web.Form(c, "digest")}), stockPath+"/batches/"+url.PathEscape(b.ID))
	if fields, ok := wrong(c, err); ok {
		return h.showSheetBatch(c, http.StatusUnprocessableEntity, "start", fields)
	}
	return err
}

// printSheetBatch shows a batch with its codes, once, ready to be printed.
func (h *Pages) printSheetBatch(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	// What could fail comes first: the codes are shown once.
	signIn := h.Site.PublicURL + "/signin"
	dark, err := web.QR(signIn)
	if err != nil {
		return err
	}
	asked, who := c.Request().Context(), h.Site.Standing(c)
	b, err := h.Stock.Find(asked, who, c.Param("batch"))
	if err != nil {
		return err
	}
	p, err := h.Stock.Print(asked, web.Here(c).ID, web.Session(c).UserID, b.ID, web.Origin(c))
	if errors.Is(err, fault.Forbidden) {
		return errors.Join(err, h.Approvals.Remember(asked, web.Here(c).ID, web.Session(c).UserID, map[string]string{"kind": "code_sheet.print"}, web.Origin(c)))
	}
	if err != nil {
		return err
	}
	v := views.SheetPrint{Name: stock.Name(p.Number), Left: p.Left, Done: h.sheetBatchPath(c, b.ID)}
	for _, s := range p.Sheets {
		sheet := component.Sheet{
			TenantName: web.Here(c).Name, Serial: codesheet.Parted(s.Serial), MadeAt: p.PrintedAt, MadeOn: p.PrintedAt.UTC().Format("2006-01-02"), Address: signIn, QR: dark,
			Person: user.Full(s.Name, s.DisplayName), Instructions: p.Instructions, Confirms: true, ConfirmAt: h.Site.PublicURL + "/me/codes", Paper: p.Paper, Many: true,
		}
		for i, code := range s.Codes {
			sheet.Codes = append(sheet.Codes, component.SheetCode{Number: strconv.Itoa(i + 1), Code: code.Reveal()})
		}
		v.Sheets = append(v.Sheets, sheet)
	}
	return web.Render(c, http.StatusOK, views.SheetPrintPage(h.page(c, stockPath), v))
}

// handSheetBatchOver gives an agent every sheet of a batch that its printer still has.
func (h *Pages) handSheetBatchOver(c echo.Context) error {
	asked, who := c.Request().Context(), h.Site.Standing(c)
	b, err := h.Stock.Find(asked, who, c.Param("batch"))
	if err != nil {
		return err
	}
	sheets, err := h.Stock.ToHandOut(asked, who, b.ID)
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, stock.KindToAgent, "").With(stock.ToAgent{Sheets: sheets, Agent: web.Form(c, "agent")}), stockPath+"/batches/"+url.PathEscape(b.ID)+"?done=sheets_handed")
	if fields, ok := wrong(c, err); ok {
		return h.showSheetBatch(c, http.StatusUnprocessableEntity, "hand", fields)
	}
	return err
}

// voidSheetBatch protects, so it asks for no fresh proof.
func (h *Pages) voidSheetBatch(c echo.Context) error {
	b, err := h.Stock.Find(c.Request().Context(), h.Site.Standing(c), c.Param("batch"))
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, stock.KindVoidBatch, "").With(stock.OfBatch{Batch: b.ID}), stockPath+"/batches/"+url.PathEscape(b.ID)+"?done=batch_voided")
	if fields, ok := wrong(c, err); ok {
		return h.showSheetBatch(c, http.StatusUnprocessableEntity, "void", fields)
	}
	return err
}
