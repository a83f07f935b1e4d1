package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/codesheet"
	"latchkey/app/stock"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const stockPath = "/code-sheets"

func (h *Pages) stockRoutes() []web.Route {
	const all, one = "/admin/:tenant" + stockPath, "/admin/:tenant" + stockPath + "/:sheet"
	return append(
		h.sheetBatchRoutes(),
		web.Get(all, access.AuthenticatorView, h.stock),
		web.Post(all+"/hand-over", access.CodeSheetHandOver, h.handSheetsOver),
		web.Get(one, access.AuthenticatorView, h.onePaper),
		web.Post(one+"/to-agent", access.CodeSheetHandOver, h.onPaper(stock.KindToAgent, "to_agent", "?done=sheet_to_agent")),
		web.Post(one+"/to-user", access.CodeSheetHandOver, h.onPaper(stock.KindToUser, "to_user", "?done=sheet_to_user")),
		web.Post(one+"/lost", access.CodeSheetHandOver, h.onPaper(stock.KindLost, "lost", "?done=sheet_lost")),
		web.Post(one+"/destroyed", access.CodeSheetHandOver, h.onPaper(stock.KindDestroyed, "destroyed", "?done=sheet_destroyed")),
		web.Post(one+"/void", access.CodeSheetVoid, h.onPaper(stock.KindVoid, "void", "?done=sheet_void")),
	)
}

func (h *Pages) paperPath(c echo.Context, id string) string {
	return h.path(c, stockPath+"/"+url.PathEscape(id))
}

// sheetTones are the colours of the states of a sheet: what works, what waits for
// somebody, what is a risk.
var sheetTones = map[string]string{codesheet.Active: "good", codesheet.WithUser: "warn", codesheet.Lost: "bad"}

func sheetState(ctx context.Context, state string) string {
	return words.Say(ctx, "codesheet.state."+state)
}

// paperRow says a sheet on a list.
func (h *Pages) paperRow(c echo.Context, p stock.Paper) views.PaperRow {
	ctx := web.Context(c)
	row := views.PaperRow{
		ID: p.ID, Href: h.paperPath(c, p.ID), Serial: codesheet.Parted(p.Serial), Person: p.UserName, PersonHref: h.personPath(c, p.UserID),
		State: sheetState(ctx, p.State), Tone: sheetTones[p.State], Batch: stock.Name(p.BatchNumber), MovedAt: p.CreatedAt,
		Where: words.Say(ctx, "stock.custody."+p.Custody, "name", cmp.Or(p.HolderName, words.Say(ctx, "stock.somebody"))),
	}
	if p.MovedAt != nil {
		row.MovedAt = *p.MovedAt
	}
	if h.Site.Standing(c).May.Has(access.CodeSheetPrintBatch) {
		row.BatchHref = h.sheetBatchPath(c, p.BatchID)
	}
	row.Chooses = slices.Contains(h.paperActs(c, p), "to_agent")
	return row
}

// paperActs are what the reader may try with a sheet, as it is. Whether it is done is
// asked again when it is.
func (h *Pages) paperActs(c echo.Context, p stock.Paper) (acts []string) {
	who := h.Site.Standing(c)
	mine, hands := p.HolderID == who.UserID && p.Custody != codesheet.AtUser, who.May.Has(access.CodeSheetHandOver)
	voids := who.May.Has(access.CodeSheetVoid)
	if p.UserID == who.UserID || codesheet.Ended(p.State) {
		return nil
	}
	if hands && p.State == codesheet.WithAgent && mine {
		acts = append(acts, "to_user")
	}
	if hands && (p.State == codesheet.Printed || p.State == codesheet.WithAgent) && (mine || who.May.Has(access.CodeSheetPrintBatch)) {
		acts = append(acts, "to_agent")
	}
	if p.State != codesheet.Unprinted && (voids || hands && mine) {
		acts = append(acts, "lost", "destroyed")
	}
	if voids {
		acts = append(acts, "void")
	}
	return acts
}

func (h *Pages) stock(c echo.Context) error { return h.showStock(c, http.StatusOK, nil) }

// stockFilter reads which sheets are asked for. Who prints no batches begins with those
// that they have.
func (h *Pages) stockFilter(c echo.Context) (f stock.Filter, chosen []string) {
	q := c.QueryParam
	f = stock.Filter{State: q("state"), Holder: strings.TrimSpace(q("holder")), Batch: q("batch"), Query: strings.TrimSpace(q("q"))}
	if f.State != stock.Open && !slices.Contains(codesheet.States, f.State) {
		f.State = ""
	}
	untouched := f == (stock.Filter{}) && q("mine") == "" && q("all") == ""
	who := h.Site.Standing(c)
	if q("mine") != "" || untouched && who.May.Has(access.CodeSheetHandOver) && !who.May.Has(access.CodeSheetPrintBatch) {
		f.Holder = stock.Mine
	}
	chosen = []string{"state", f.State, "batch", f.Batch, "q", f.Query}
	if f.Holder == stock.Mine {
		return f, append(chosen, "mine", "1")
	}
	return f, append(chosen, "holder", f.Holder, "all", q("all"))
}

// showStock shows the list; fields are what is wrong with the form under it.
func (h *Pages) showStock(c echo.Context, status int, fields map[string]string) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	f, chosen := h.stockFilter(c)
	at, id := position(c.QueryParam("after"))
	page, err := h.Stock.List(c.Request().Context(), who, f, stock.Position{At: at, ID: id})
	if err != nil {
		return err
	}
	list := h.path(c, stockPath)
	v := views.Stock{
		List: list, Query: f.Query, Mine: f.Holder == stock.Mine, Filtered: f != (stock.Filter{}), Agent: web.Form(c, "agent"), Typed: web.Form(c, "reason"), Errors: fields,
	}
	if !v.Mine {
		v.Holder = f.Holder
	}
	if f.Batch != "" {
		if b, err := h.Stock.Find(c.Request().Context(), who, f.Batch); err == nil {
			v.Batch, v.BatchID = b.Name(), b.ID
		}
	}
	for _, state := range append([]string{"", stock.Open}, codesheet.States...) {
		label := words.Say(ctx, "stock.state.any")
		switch state {
		case "":
		case stock.Open:
			label = words.Say(ctx, "stock.state.open")
		default:
			label = sheetState(ctx, state)
		}
		v.States = append(v.States, component.Choice{Value: state, Label: label, Chosen: state == f.State})
	}
	if who.May.Has(access.CodeSheetPrintBatch) {
		v.BatchesHref = h.path(c, stockPath+"/batches")
		v.NewHref = v.BatchesHref + "/new"
	}
	again := c.Request().PostForm["sheet"]
	for _, p := range page.Papers {
		row := h.paperRow(c, p)
		row.Chosen = slices.Contains(again, p.ID)
		if row.Chooses {
			v.HandAction = list + "/hand-over"
		}
		v.Papers = append(v.Papers, row)
	}
	if !at.IsZero() {
		v.First = address(list, chosen...)
	}
	if page.More {
		last := page.Papers[len(page.Papers)-1]
		v.Next = address(list, append(chosen, "after", strconv.FormatInt(last.CreatedAt.UnixMicro(), 10)+"."+last.ID)...)
	}
	if web.WantsJSON(c) && fields == nil {
		all := []paperJSON{}
		for _, p := range page.Papers {
			all = append(all, h.paperJSON(c, p))
		}
		return c.JSON(http.StatusOK, map[string]any{"code_sheets": all, "next": v.Next})
	}
	return web.Render(c, status, views.StockPage(h.page(c, stockPath), v))
}

// paperJSON is a sheet for a program.
type paperJSON struct {
	ID        string     `json:"id"`
	Serial    string     `json:"serial"`
	User      string     `json:"user"` // sign-in name
	State     string     `json:"state"`
	Custody   string     `json:"custody"`
	Holder    string     `json:"holder,omitempty"` // sign-in name
	Batch     string     `json:"batch"`
	CodesLeft int        `json:"codes_left"`
	CreatedAt time.Time  `json:"created_at"`
	MovedAt   *time.Time `json:"moved_at,omitempty"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Href      string     `json:"href"`
}

func (h *Pages) paperJSON(c echo.Context, p stock.Paper) paperJSON {
	return paperJSON{
		ID: p.ID, Serial: codesheet.Parted(p.Serial), User: p.UserName, State: p.State, Custody: p.Custody, Holder: p.HolderName, Batch: stock.Name(p.BatchNumber),
		CodesLeft: p.CodesLeft, CreatedAt: p.CreatedAt, MovedAt: p.MovedAt, EndedAt: p.EndedAt, Href: h.paperPath(c, p.ID),
	}
}

// handSheetsOver gives what was chosen in the list to an agent.
func (h *Pages) handSheetsOver(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	sheets := slices.Compact(slices.Sorted(slices.Values(form["sheet"])))
	err = h.submit(c, h.act(c, stock.KindToAgent, "").With(stock.ToAgent{Sheets: sheets, Agent: web.Form(c, "agent")}), stockPath+"?all=1&done=sheets_handed")
	if fields, ok := wrong(c, err); ok {
		return h.showStock(c, http.StatusUnprocessableEntity, fields)
	}
	return err
}

func (h *Pages) onePaper(c echo.Context) error { return h.showPaper(c, http.StatusOK, "", nil) }

// showPaper shows a sheet; form is the act that was refused, with the words for its fields.
func (h *Pages) showPaper(c echo.Context, status int, form string, fields map[string]string) error {
	ctx := web.Context(c)
	p, steps, err := h.Stock.Paper(c.Request().Context(), h.Site.Standing(c), c.Param("sheet"))
	if err != nil {
		return err
	}
	if web.WantsJSON(c) && form == "" {
		all := []map[string]any{}
		for _, step := range steps {
			all = append(all, map[string]any{"state": step.State, "by": step.By, "to": step.To, "reason": step.Reason, "at": step.At})
		}
		return c.JSON(http.StatusOK, map[string]any{"code_sheet": h.paperJSON(c, p), "steps": all})
	}
	v := views.Paper{
		PaperRow: h.paperRow(c, p), Here: h.paperPath(c, p.ID), List: h.path(c, stockPath), CreatedAt: p.CreatedAt, Typed: web.Form(c, "reason"), Agent: web.Form(c, "agent"), Returned: views.Returned{Form: form, Errors: fields},
	}
	v.Person = user.Full(p.UserName, p.DisplayName)
	if p.State == codesheet.Active {
		v.Left = words.Say(ctx, "me.codes.left", "count", strconv.Itoa(p.CodesLeft))
	}
	for at, to := range map[*time.Time]*time.Time{p.EndedAt: &v.EndedAt, p.LastUsedAt: &v.UsedAt} {
		if at != nil {
			*to = *at
		}
	}
	for _, step := range steps {
		shown := views.PaperStep{State: sheetState(ctx, step.State), Tone: sheetTones[step.State], By: step.By, To: step.To, Reason: step.Reason, At: step.At}
		if step.State == codesheet.Unprinted {
			shown.State = words.Say(ctx, "stock.step.unprinted")
		}
		if shown.By == "" {
			shown.By = words.Say(ctx, "stock.itself")
		}
		if words.Has(ctx, "stock.reason."+step.Reason) {
			shown.Reason = words.Say(ctx, "stock.reason."+step.Reason)
		}
		v.Steps = append(v.Steps, shown)
	}
	for _, act := range h.paperActs(c, p) {
		v.Acts = append(v.Acts, views.PaperAct{Name: act, Path: "/" + strings.ReplaceAll(act, "_", "-"), Danger: act != "to_agent" && act != "to_user"})
	}
	page, _, err := h.deskPage(c, stockPath)
	if err != nil {
		return err
	}
	return web.Render(c, status, views.PaperPage(page, v))
}

// onPaper does an act on one sheet, and shows its page again.
func (h *Pages) onPaper(kind approval.Kind, form, done string) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, _, err := h.Stock.Paper(c.Request().Context(), h.Site.Standing(c), c.Param("sheet"))
		if err != nil {
			return err
		}
		act := h.act(c, kind, p.UserID).With(stock.Of{Sheet: p.ID})
		if kind == stock.KindToAgent {
			act = h.act(c, kind, "").With(stock.ToAgent{Sheets: []string{p.ID}, Agent: web.Form(c, "agent")})
		}
		err = h.submit(c, act, stockPath+"/"+url.PathEscape(p.ID)+done)
		if fields, ok := wrong(c, err); ok {
			return h.showPaper(c, http.StatusUnprocessableEntity, form, fields)
		}
		return err
	}
}

// groupChoices are the groups that a form of batches offers.
func (h *Pages) groupChoices(c echo.Context, chosen string) ([]component.Choice, error) {
	who := h.Site.Standing(c)
	all, err := offeredGroups(h.Site.DB.View(c.Request().Context()), who)
	choices := []component.Choice{{Value: "", Label: words.Say(web.Context(c), "stock.group.none"), Chosen: chosen == ""}}
	for _, g := range all {
		choices = append(choices, component.Choice{Value: g.ID, Label: g.Name, Chosen: g.ID == chosen})
	}
	return choices, store.Unusable(err)
}
