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
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/device"
	"latchkey/app/people"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const casesPath = "/cases"

func (h *Pages) caseRoutes() []web.Route {
	const one = "/admin/:tenant" + casesPath + "/:case"
	return []web.Route{
		web.Get("/admin/:tenant"+casesPath, access.CaseView, h.cases),
		web.Get(one, access.CaseView, h.oneCase),
		web.Post("/admin/:tenant/users/:user/cases", access.CaseHandle, h.openCase),
		web.Post(one+"/notes", access.CaseHandle, h.noteCase),
		web.Post(one+"/take", access.CaseHandle, h.takeCase),
		web.Post(one+"/hand-over", access.CaseHandle, h.handCaseOver),
		web.Post(one+"/devices", access.CaseHandle, h.linkCase),
		web.Post(one+"/wait", access.CaseHandle, h.stepCase(cases.KindWait, true, "?done=case_wait")),
		web.Post(one+"/resume", access.CaseHandle, h.stepCase(cases.KindResume, true, "?done=case_resume")),
		web.Post(one+"/close", access.CaseHandle, h.stepCase(cases.KindClose, true, "?done=case_close")),
		web.Post(one+"/reopen", access.CaseHandle, h.stepCase(cases.KindReopen, false, "?done=case_reopen")),
	}
}

func (h *Pages) casePath(c echo.Context, id string) string {
	return h.path(c, casesPath+"/"+url.PathEscape(id))
}

// Of the states and their colours: what waits for somebody else is no alarm.
var caseTones = map[cases.State]string{cases.Open: "warn", cases.Waiting: "", cases.Closed: "good"}

// caseRow is a case on a list.
func (h *Pages) caseRow(c echo.Context, r cases.Row) views.CaseRow {
	ctx := web.Context(c)
	row := views.CaseRow{
		Name: r.Name(), Href: h.casePath(c, r.ID), Person: cmp.Or(r.DisplayName, r.UserName), PersonHref: h.personPath(c, r.UserID), Cause: words.Say(ctx, "cases.cause."+string(r.Cause)),
		Words: r.Words, GivenBy: r.ReasonWords, Ticket: h.ticketRef(c, r.Ticket), State: caseState(ctx, r.Case), Tone: caseTones[r.State], Owner: r.OwnerName, OpenedAt: r.OpenedAt,
	}
	if r.Repeats > 0 {
		row.Repeats = words.Say(ctx, "cases.repeats", "count", strconv.Itoa(r.Repeats))
	}
	if r.ClosedAt != nil {
		row.ClosedAt = *r.ClosedAt
	}
	if r.Origin != cases.FromDesk {
		row.Asked = words.Say(ctx, "cases.origin."+string(r.Origin))
		if r.State != cases.Closed && !r.Proved {
			row.Unproved = words.Say(ctx, "cases.unproved")
		}
	}
	if r.Disowned {
		row.Disowned = words.Say(ctx, "cases.disowned")
	}
	return row
}

// caseState says the state of a case, and for whom it waits.
func caseState(ctx context.Context, c cases.Case) string {
	if c.State == cases.Waiting && c.WaitsFor != "" {
		return words.Say(ctx, "cases.waits_for."+string(c.WaitsFor))
	}
	return words.Say(ctx, "cases.state."+string(c.State))
}

func (h *Pages) cases(c echo.Context) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	at, id := position(c.QueryParam("after"))
	page, err := h.Cases.Board(c.Request().Context(), who, cases.Filter{State: c.QueryParam("state"), Owner: strings.TrimSpace(c.QueryParam("owner")), Age: c.QueryParam("age")}, cases.Position{At: at, ID: id})
	if err != nil {
		return err
	}
	f, list := page.Filter, h.path(c, casesPath)
	v := views.Cases{Action: list, All: cases.Sees(who)}
	chosen := []string{"state", f.State, "owner", f.Owner, "age", f.Age}
	if page.More {
		last := page.Rows[len(page.Rows)-1]
		v.Next = address(list, append(chosen, "after", strconv.FormatInt(last.OpenedAt.UnixMicro(), 10)+"."+last.ID)...)
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, map[string]any{"cases": h.casesJSON(c, page.Rows), "next": v.Next})
	}
	if !at.IsZero() {
		v.First = address(list, chosen...)
	}
	for _, state := range append([]string{cases.Standing}, string(cases.Open), string(cases.Waiting), string(cases.Closed)) {
		v.States = append(v.States, component.Choice{Value: state, Label: words.Say(ctx, "cases.state."+state), Chosen: state == f.State})
	}
	owners := []string{cases.Anyone, cases.Mine, cases.Nobody}
	if !v.All {
		owners = []string{cases.Desk, cases.Mine, cases.Nobody}
	}
	known := len(owners)
	if !slices.Contains(owners, f.Owner) {
		owners = append(owners, f.Owner)
	}
	for i, owner := range owners {
		label := owner
		if i < known {
			label = words.Say(ctx, "cases.owner."+owner)
		}
		v.Owners = append(v.Owners, component.Choice{Value: owner, Label: label, Chosen: owner == f.Owner})
	}
	v.Ages = []component.Choice{{Label: words.Say(ctx, "cases.age.any"), Chosen: f.Age == ""}}
	for _, age := range cases.Ages {
		v.Ages = append(v.Ages, component.Choice{Value: age, Label: words.Say(ctx, "cases.age."+age), Chosen: age == f.Age})
	}
	v.Filtered = f.State != cases.Standing || f.Age != "" || f.Owner != owners[0]
	for _, r := range page.Rows {
		row := h.caseRow(c, r)
		if v.All && r.OwnerName != "" {
			row.OwnerHref = address(list, "state", f.State, "owner", r.OwnerName, "age", f.Age)
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.CasesPage(h.page(c, casesPath), v))
}

// caseJSON is a case for a program.
type caseJSON struct {
	ID       string     `json:"id"`
	Number   string     `json:"number"`
	User     string     `json:"user"` // sign-in name
	Cause    string     `json:"cause"`
	Words    string     `json:"words"`
	Ticket   string     `json:"ticket"`
	Reason   string     `json:"reason_code,omitempty"` // of the organisation's, by which something was given last
	State    string     `json:"state"`
	WaitsFor string     `json:"waits_for,omitempty"` // person, delivery, manager, other_desk
	Owner    string     `json:"owner"`               // sign-in name; empty: nobody has taken it
	Origin   string     `json:"origin"`              // desk, self_service, account
	Proved   bool       `json:"proved"`              // somebody was proved to be the person, in a caller check of this case
	Repeats  int        `json:"repeats"`
	OpenedAt time.Time  `json:"opened_at"`
	ClosedAt *time.Time `json:"closed_at"`
	Href     string     `json:"href"`
}

func (h *Pages) casesJSON(c echo.Context, rows []cases.Row) []caseJSON {
	all := make([]caseJSON, len(rows))
	for i, r := range rows {
		all[i] = caseJSON{
			ID: r.ID, Number: r.Name(), User: r.UserName, Cause: string(r.Cause), Words: r.Words, Ticket: r.Ticket, Reason: r.ReasonCode, State: string(r.State), WaitsFor: string(r.WaitsFor), Owner: r.OwnerName, Origin: string(r.Origin), Proved: r.Proved,
			Repeats: r.Repeats, OpenedAt: r.OpenedAt, ClosedAt: r.ClosedAt, Href: h.casePath(c, r.ID),
		}
	}
	return all
}

// oneCase shows a case, as a page or as JSON.
func (h *Pages) oneCase(c echo.Context) error { return h.showCase(c, http.StatusOK, "", nil) }

// showCase shows a case; form is the one that was refused, with the words for its fields.
func (h *Pages) showCase(c echo.Context, status int, form string, fields map[string]string) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	before, beforeID := position(c.QueryParam("after"))
	w, err := h.Cases.Find(c.Request().Context(), who, c.Param("case"), cases.Position{At: before, ID: beforeID})
	if err != nil {
		return err
	}
	if web.WantsJSON(c) && form == "" {
		notes := make([]map[string]any, len(w.Notes))
		for i, n := range w.Notes {
			notes[i] = map[string]any{"at": n.At, "author": w.Names[n.AuthorID], "words": n.Words, "unverified": n.AskID != ""}
		}
		devices := []map[string]any{}
		for _, l := range w.Links {
			devices = append(devices, map[string]any{"kind": l.Kind, "id": l.ID, "state": l.State})
		}
		return c.JSON(http.StatusOK, map[string]any{"case": h.casesJSON(c, []cases.Row{w.Row})[0], "notes": notes, "links": devices})
	}
	v := views.Case{
		CaseRow: h.caseRow(c, w.Row), Here: h.casePath(c, w.ID), List: h.path(c, casesPath), UserName: w.UserName, OpenedBy: w.Names[w.OpenedBy], ClosedBy: w.Names[w.ClosedBy], Ending: w.Ending,
		Standing: w.State != cases.Closed, Waits: w.State == cases.Waiting, Mine: w.OwnerID == who.UserID, May: w.May, Returned: views.Returned{Form: form, Errors: fields},
		Typed: web.Form(c, "reason"), To: web.Form(c, "to"),
	}
	checks, err := h.Checks.OfCase(c.Request().Context(), who, w.ID)
	if err != nil {
		return err
	}
	if v.Checks = h.checkRows(c, checks); w.State != cases.Closed {
		if _, ok := callercheck.Warned(checks); ok {
			v.Alarm = words.Say(ctx, "callercheck.alarm", "name", v.Person, "case", w.Name())
		}
	}
	for _, l := range w.Links {
		if l.Kind != cases.LinkDevice {
			continue // it has a list of its own
		}
		v.Links = append(v.Links, linkedPhone(ctx, l))
		v.DeviceActive = v.DeviceActive || l.State == device.Active && l.PhoneSignIn
	}
	for _, l := range w.Phones {
		shown := linkedPhone(ctx, l)
		v.Phones = append(v.Phones, component.Choice{Value: l.ID, Label: words.Say(ctx, "cases.phone", "name", shown.Name, "kind", shown.Kind), Chosen: l.ID == web.Form(c, "device")})
	}
	for _, n := range w.Notes {
		v.Notes = append(v.Notes, views.CaseNote{Author: w.Names[n.AuthorID], Words: n.Words, At: n.At, Unverified: n.AskID != ""})
	}
	v.For = component.Choices{Name: "for", Legend: words.Say(ctx, "cases.waits_for"), Error: v.Errors["for"]}
	for _, waits := range cases.Fors {
		v.For.Choices = append(v.For.Choices, component.Choice{Value: string(waits), Label: words.Say(ctx, "cases.for."+string(waits)), Chosen: web.Form(c, "for") == string(waits)})
	}
	page, of, err := h.deskPage(c, casesPath)
	if err != nil {
		return err
	}
	v.Reasons = reasonsOf(c, of)
	if err := h.caseBypasses(c, &v, w.ID); err != nil {
		return err
	}
	h.askRows(c, w, &v)
	for _, e := range w.Story {
		event := h.happened(c, w.UserID, w.Names, e)
		if strings.EqualFold(e.Ticket, w.Ticket) {
			event.Ticket = component.TicketRef{} // it stands above
		}
		v.Story = append(v.Story, event)
	}
	v.StoryHref = h.storyOfCase(c, w)
	if w.Older {
		last := w.Story[len(w.Story)-1]
		v.Older = h.casePath(c, w.ID) + "?after=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "." + url.QueryEscape(last.ID) + "#history"
	}
	if !before.IsZero() {
		v.Newest = h.casePath(c, w.ID) + "#history"
	}
	return web.Render(c, status, views.CasePage(page, v))
}

// reasonsOf are the organisation's own reasons, to choose from; none where it has none.
func reasonsOf(c echo.Context, of desk.Desk) (all []component.Choice) {
	if len(of.Reasons) == 0 {
		return nil
	}
	all = []component.Choice{{Label: words.Say(web.Context(c), "cases.reason.own")}}
	for _, r := range of.Reasons {
		all = append(all, component.Choice{Value: r.Code, Label: r.Words, Chosen: web.Form(c, "reason_code") == r.Code})
	}
	return all
}

// caseBypasses are the bypasses that were given under a case.
func (h *Pages) caseBypasses(c echo.Context, v *views.Case, caseID string) error {
	rows, err := h.Bypasses.OfCase(c.Request().Context(), web.Here(c).ID, caseID, 20)
	if err != nil {
		return err
	}
	now := h.Site.DB.Now()
	for _, r := range rows {
		v.Bypasses = append(v.Bypasses, h.bypassRow(c, r, now))
	}
	return nil
}

// askRows says who asked for a case, and that nobody was proved by asking.
func (h *Pages) askRows(c echo.Context, w cases.Whole, v *views.Case) {
	ctx := web.Context(c)
	for _, a := range w.Asks {
		row := views.CaseAsk{Number: a.Number, At: a.At, Where: strings.Join(slicesWithout(web.SayBrowser(ctx, a.Browser), a.IP), " · "), How: words.Say(ctx, "cases.asked.unproved"), DisownedAt: a.DisownedAt}
		switch {
		case a.SignedIn:
			row.How = words.Say(ctx, "cases.asked.signed_in", "how", web.How(ctx, a.Proved))
		case a.Proved != "":
			row.How = words.Say(ctx, "cases.asked.halfway", "how", web.How(ctx, a.Proved))
		}
		v.Asks = append(v.Asks, row)
	}
	v.Unverified = w.Origin != cases.FromDesk
	if w.Disowned && v.Alarm == "" && w.State != cases.Closed {
		v.Alarm = disownedAlarm(ctx, w.Row, v.Person)
	}
}

// disownedAlarm says that a person did not ask for their case, and how much that is worth.
func disownedAlarm(ctx context.Context, r cases.Row, name string) string {
	if r.OnPhone {
		return words.Say(ctx, "cases.disowned.on_phone", "name", name)
	}
	return words.Say(ctx, "cases.disowned.alarm", "name", name)
}

// linkedPhone is a phone that a case is about, in words.
func linkedPhone(ctx context.Context, l cases.Linked) views.CaseLink {
	shown := phoneOf(ctx, people.Phone{Name: l.Name, Platform: l.Platform, State: l.State, PhoneSignIn: l.PhoneSignIn})
	link := views.CaseLink{Name: shown.Name, Kind: shown.Platform, State: shown.State, AddedAt: l.AddedAt}
	if l.State == device.Active && l.PhoneSignIn {
		link.State, link.Tone = words.Say(ctx, "cases.phone.on"), "bad"
	}
	return link
}

// personCases puts the cases of a person on their page, and the form of a new one
// where none stands.
func (h *Pages) personCases(c echo.Context, v *views.Person, p people.Person, of desk.Desk, back failed) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	rows, err := h.Cases.OfPerson(c.Request().Context(), who, p.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		v.Cases = append(v.Cases, h.caseRow(c, r))
	}
	v.CasesShown = who.May.Has(access.CaseView)
	if len(rows) > 0 && rows[0].State != cases.Closed {
		return nil
	}
	may, err := h.Cases.May(c.Request().Context(), who, p.ID)
	if err != nil || !may {
		return err
	}
	form := views.CaseOpen{Action: h.personPath(c, p.ID) + "/cases", Name: p.Name, Open: back.form == "case"}
	if form.Open {
		form.Typed, form.Errors = back.typed, back.wrong
	}
	form.Causes = component.Choices{Name: "cause", Legend: words.Say(ctx, "cases.cause"), Error: form.Errors["cause"]}
	for _, cause := range cases.Causes {
		form.Causes.Choices = append(form.Causes.Choices, component.Choice{Value: string(cause), Label: words.Say(ctx, "cases.cause."+string(cause)), Chosen: form.Open && web.Form(c, "cause") == string(cause)})
	}
	for _, phone := range p.Phones {
		if phone.State == device.Active {
			shown := phoneOf(ctx, phone)
			form.Phones = append(form.Phones, component.Choice{
				Value: phone.AccountID, Label: words.Say(ctx, "cases.phone", "name", shown.Name, "kind", shown.Platform), Chosen: form.Open && web.Form(c, "device") == phone.AccountID,
			})
		}
	}
	form.Reasons = reasonsOf(c, of)
	if len(form.Phones) > 0 {
		form.Phones = append([]component.Choice{{Label: words.Say(ctx, "cases.phone.none")}}, form.Phones...)
	}
	v.CaseOpen = &form
	return nil
}

// openCase opens a case for the person of the path, and goes on to it.
func (h *Pages) openCase(c echo.Context) error {
	opening := cases.NewOpening(web.Form(c, "cause"), web.Form(c, "device"))
	opening.Reason = web.Form(c, "reason_code")
	act := h.act(c, cases.KindOpen, c.Param("user"))
	if act.Reason = strings.TrimSpace(act.Reason); act.Reason == "" && opening.Reason != "" {
		act.Reason = cases.WithoutWords // its own reason says it
	}
	err := h.submit(c, act.With(opening), casesPath+"/"+opening.ID+"?done=case_opened")
	if fields, ok := wrong(c, err); ok {
		return h.showPerson(c, http.StatusUnprocessableEntity, failed{form: "case", typed: web.Form(c, "reason"), wrong: fields})
	}
	return err
}

// onCase carries an act on the case of the path out: under the ticket of the case where
// the form names none. Some acts may go without words.
func (h *Pages) onCase(c echo.Context, kind approval.Kind, parameters func(of cases.Of) any, wordless bool, done string) error {
	w, err := h.Cases.Find(c.Request().Context(), h.Site.Standing(c), c.Param("case"), cases.Position{})
	if err != nil {
		return err
	}
	act := h.act(c, kind, w.UserID).With(parameters(cases.Of{Case: w.ID}))
	if act.Ticket = strings.TrimSpace(act.Ticket); act.Ticket == "" {
		act.Ticket = w.Ticket
	}
	if act.Reason = strings.TrimSpace(act.Reason); act.Reason == "" && wordless {
		act.Reason = cases.WithoutWords
	}
	_, form, _ := strings.Cut(string(kind), ".")
	err = h.submit(c, act, casesPath+"/"+url.PathEscape(w.ID)+done)
	if fields, ok := wrong(c, err); ok {
		return h.showCase(c, http.StatusUnprocessableEntity, form, fields)
	}
	return err
}

func alone(of cases.Of) any { return of }

func (h *Pages) noteCase(c echo.Context) error {
	return h.onCase(c, cases.KindNote, alone, false, "?done=case_note")
}

func (h *Pages) takeCase(c echo.Context) error {
	return h.onCase(c, cases.KindTake, alone, true, "?done=case_take")
}

func (h *Pages) handCaseOver(c echo.Context) error {
	return h.onCase(c, cases.KindHandOver, func(of cases.Of) any { return cases.HandOver{Of: of, To: web.Form(c, "to")} }, true, "?done=case_hand_over")
}

func (h *Pages) linkCase(c echo.Context) error {
	return h.onCase(c, cases.KindLink, func(of cases.Of) any { return cases.Link{Of: of, Device: web.Form(c, "device")} }, true, "?done=case_link")
}

func (h *Pages) stepCase(kind approval.Kind, wordless bool, done string) func(echo.Context) error {
	moving := func(c echo.Context) func(cases.Of) any {
		return func(of cases.Of) any {
			return cases.Moving{Of: of, For: cases.For(web.Form(c, "for")), Reason: web.Form(c, "reason_code")}
		}
	}
	return func(c echo.Context) error { return h.onCase(c, kind, moving(c), wordless, done) }
}
