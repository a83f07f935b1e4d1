package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/fault"
	"latchkey/app/importing"
	"latchkey/app/outage"
	"latchkey/app/people"
	"latchkey/app/signin"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const approvalsPath = "/approvals"

func (h *Pages) approvalRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/approvals", access.ConsoleEnter, h.approvals),
		web.Get("/admin/:tenant/approvals/live", access.ConsoleEnter, h.liveApprovals),
		web.Get("/admin/:tenant/approvals/:request", access.ConsoleEnter, h.approval),
		web.Get("/admin/:tenant/approvals/:request/people", access.ConsoleEnter, h.approvalPeople),
		web.Post("/admin/:tenant/approvals/:request/approve", access.ConsoleEnter, h.approve),
		web.Post("/admin/:tenant/approvals/:request/refuse", access.ConsoleEnter, h.refuse),
		web.Post("/admin/:tenant/approvals/:request/withdraw", access.ConsoleEnter, h.withdraw),
		web.Post("/admin/:tenant/approvals/:request/phone", access.ConsoleEnter, h.approveByPhone),
	}
}

// waiting is the badge beside the approvals, on every page of the console. A count
// that cannot be read now is none.
func (h *Pages) waiting(c echo.Context) string {
	n, err := h.Approvals.Waiting(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// liveApprovals tells the count, at once when it changes.
func (h *Pages) liveApprovals(c echo.Context) error {
	tenantID, userID, last := web.Here(c).ID, web.Session(c).UserID, -1
	return h.Site.ServeSeated(c, access.ConsoleEnter, []string{approval.InboxKey(tenantID)}, func(ctx context.Context, stream *web.Stream) (bool, error) {
		n, err := h.Approvals.Waiting(ctx, tenantID, userID)
		if err != nil || n == last {
			return false, err
		}
		last = n
		return false, stream.Event("count", strconv.Itoa(n))
	})
}

func (h *Pages) approvals(c echo.Context) error {
	ctx, before := web.Context(c), positionOf(c.QueryParam("after"))
	box, err := h.Approvals.Inbox(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, before)
	if err != nil {
		return err
	}
	list := h.path(c, approvalsPath)
	v := views.Approvals{Yours: h.rows(c, box.Yours), Own: h.rows(c, box.Own), Others: h.rows(c, box.Others)}
	for i, row := range h.rows(c, box.Decided) {
		r := box.Decided[i]
		row.At, row.EndsAt, row.Decider = r.DecidedAt, time.Time{}, called(r.Decider)
		row.State, row.Tone = stateOf(ctx, r.State)
		v.Decided = append(v.Decided, row)
	}
	if !before.At.IsZero() {
		v.Newest = list
	}
	if box.More {
		last := box.Decided[len(box.Decided)-1]
		v.Older = list + "?after=" + url.QueryEscape(strconv.FormatInt(last.DecidedAt.UnixMicro(), 10)+"-"+last.ID)
	}
	return web.Render(c, http.StatusOK, views.ApprovalsPage(h.page(c, approvalsPath), v))
}

// positionOf reads where a page begins: microseconds and an id. Anything else is
// the beginning.
func positionOf(text string) approval.Position {
	micros, id, ok := strings.Cut(text, "-")
	at, err := strconv.ParseInt(micros, 10, 64)
	if !ok || err != nil || at <= 0 || len(id) > 64 {
		return approval.Position{}
	}
	return approval.Position{At: time.UnixMicro(at).UTC(), ID: id}
}

func (h *Pages) rows(c echo.Context, requests []approval.Seen) (rows []views.ApprovalRow) {
	for _, r := range requests {
		rows = append(rows, views.ApprovalRow{
			Href: h.path(c, approvalsPath+"/"+url.PathEscape(r.ID)), Icon: web.ActIcon(r.Kind), Act: web.Act(web.Context(c), r.Kind),
			Target: r.Target.DisplayName, Requester: called(r.Requester), At: r.CreatedAt, EndsAt: r.ExpiresAt,
		})
	}
	return rows
}

// called is how somebody is called. Who decided nothing is nobody.
func called(p approval.Person) string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return p.Name
}

var requestTones = map[approval.State]string{approval.Pending: "warn", approval.Done: "good", approval.Refused: "bad", approval.Void: "bad"}

func stateOf(ctx context.Context, s approval.State) (word, tone string) {
	return words.Say(ctx, "approval.state."+string(s)), requestTones[s]
}

func (h *Pages) approval(c echo.Context) error {
	return h.showApproval(c, http.StatusOK, typed{})
}

// typed is what was typed on the page of a request, and what was wrong with it.
type typed struct{ words, wordsWrong, reason, reasonWrong, problem string }

func (h *Pages) showApproval(c echo.Context, status int, t typed) error {
	ctx, who, at := web.Context(c), web.Session(c), web.Here(c)
	r, err := h.Approvals.Find(c.Request().Context(), at.ID, c.Param("request"), who.UserID)
	if err != nil {
		return err
	}
	v := views.Approval{
		Act: web.ActOn(ctx, r.Kind, r.Target.DisplayName), Requester: somebody(ctx, r.Requester), AskedAt: r.CreatedAt, EndsAt: r.ExpiresAt,
		Reason: r.Reason, Ticket: h.ticketRef(c, r.Ticket), Waits: r.State == approval.Pending, DecidedAt: r.DecidedAt, Words: r.DecisionReason,
		Here: h.path(c, approvalsPath+"/"+url.PathEscape(r.ID)), List: h.path(c, approvalsPath),
		Problem: t.problem, Typed: t.reason, Error: t.reasonWrong, WordsTyped: t.words, WordsError: t.wordsWrong,
	}
	v.State, v.Tone = stateOf(ctx, r.State)
	if r.TargetID != "" {
		v.Target = somebody(ctx, r.Target)
	}
	if r.DecidedBy != "" {
		v.Decider = somebody(ctx, r.Decider)
	}
	if r.State == approval.Expired && v.DecidedAt.IsZero() {
		v.DecidedAt = r.ExpiresAt
	}
	if key := "approval.after." + string(r.State); words.Has(ctx, key) {
		v.After = words.Say(ctx, key)
	}
	for _, line := range r.Lines {
		name, was, is := web.Changed(ctx, line.Field, line.Before, line.After)
		v.Lines = append(v.Lines, views.Line{Field: name, Before: was, After: is, Same: line.Before == line.After})
	}
	if r.Kind == importing.KindImport && readsList(r, who.UserID) {
		v.People = v.Here + "/people"
	}
	if v.Waits && r.Kind == people.KindPhoto {
		var asked people.Photo
		if err := json.Unmarshal(r.Parameters, &asked); err != nil {
			return err
		}
		v.Photo = asked.JPEG
	}
	if v.Waits {
		h.mayDecide(c, r, &v)
		if r.Kind == outage.KindDeclare && r.RequesterID == who.UserID && h.Site.Standing(c).May.Has(access.OutageDeclare) {
			v.Sheet = v.Here + "/sheet"
		}
	}
	return web.Render(c, status, views.ApprovalPage(h.page(c, approvalsPath), v))
}

// readsList says whether somebody may read every line of a list that waits: who asked
// for it, and who may approve it.
func readsList(r approval.Seen, userID string) bool {
	return r.State == approval.Pending && (r.RequesterID == userID || r.Verdict.Err() == nil)
}

// approvalPeople shows whom a list that waits makes and changes, and how: what the
// request covers by its hash, and what runs when it is approved.
func (h *Pages) approvalPeople(c echo.Context) error {
	ctx, who, at := web.Context(c), web.Session(c), web.Here(c)
	r, err := h.Approvals.Find(c.Request().Context(), at.ID, c.Param("request"), who.UserID)
	if err != nil {
		return err
	}
	here := h.path(c, approvalsPath+"/"+url.PathEscape(r.ID))
	switch {
	case r.Kind != importing.KindImport || r.State != approval.Pending:
		return web.Redirect(c, here) // the list serves no more
	case !readsList(r, who.UserID):
		return r.Verdict.Err()
	}
	var act importing.Act
	if err := r.Read(&act); err != nil {
		return err
	}
	from, _ := strconv.Atoi(c.QueryParam("from"))
	page, err := h.Imports.EffectsOf(c.Request().Context(), at.ID, act, from)
	if f := fault.Of(err); errors.Is(err, fault.Conflict) {
		return h.showApproval(c, http.StatusConflict, typed{problem: web.Sentence(c, f.Code, f.Detail)})
	}
	if err != nil {
		return err
	}
	v := views.ImportPeople{
		Back: here, Act: web.ActOn(ctx, r.Kind, ""), FileName: page.FileName, From: page.From + 1, To: page.From + len(page.Rows), Total: page.Total,
	}
	there := func(from int) string { return here + "/people?from=" + strconv.Itoa(from) }
	if page.From > 0 {
		v.Previous = there(max(0, page.From-importing.PageMost))
	}
	if v.To < page.Total {
		v.Next = there(v.To)
	}
	for _, e := range page.Rows {
		row := views.ImportPerson{Row: component.Count(e.Row), Name: e.Name, New: e.New, Was: e.Was, Called: e.Called, Manager: e.Manager}
		for _, g := range e.Joins {
			row.Joins = append(row.Joins, views.ImportGroup{Name: g.Name, Role: groupRole(ctx, g.Role, titled(g.Title))})
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.ImportPeoplePage(h.page(c, approvalsPath), v))
}

// mayDecide says what this person can do about a request that waits, or rule by
// rule why they cannot.
func (h *Pages) mayDecide(c echo.Context, r approval.Seen, v *views.Approval) {
	ctx, who := web.Context(c), web.Session(c)
	v.MayUndo = r.RequesterID == who.UserID
	if v.MayDecide = r.Verdict.Err() == nil; v.MayDecide {
		v.HasPhone = who.Ways.Has(user.WithPhone)
		return
	}
	for _, f := range r.Verdict.Findings {
		if f.Says == access.Yes {
			v.Findings = append(v.Findings, views.Finding{Text: words.Say(ctx, "approval.rule.yes."+f.Detail), Holds: true})
		} else {
			v.Findings = append(v.Findings, views.Finding{Text: words.Say(ctx, "approval.rule.no."+f.Detail)})
		}
	}
}

func somebody(ctx context.Context, p approval.Person) views.Somebody {
	switch {
	case p.Name == "":
		return views.Somebody{Name: words.Say(ctx, "approval.somebody")}
	case p.DisplayName == "":
		return views.Somebody{Name: p.Name}
	}
	return views.Somebody{Name: p.DisplayName, Sign: p.Name}
}

func (h *Pages) approve(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	reason := web.Form(c, "reason")
	err := h.Approvals.Approve(c.Request().Context(), web.Here(c).ID, c.Param("request"), web.Session(c).UserID, approval.Given{Reason: reason, Ticket: web.Form(c, "ticket"), Origin: web.Origin(c)})
	if fields, ok := wrong(c, err); ok {
		return h.showApproval(c, http.StatusUnprocessableEntity, typed{words: reason, wordsWrong: fields["reason"]})
	}
	return h.settled(c, err, "?done=approved")
}

// refuse needs no fresh proof: it lets nothing happen.
func (h *Pages) refuse(c echo.Context) error {
	reason := web.Form(c, "reason")
	err := h.Approvals.Refuse(c.Request().Context(), web.Here(c).ID, c.Param("request"), web.Session(c).UserID, approval.Given{Reason: reason, Ticket: web.Form(c, "ticket"), Origin: web.Origin(c)})
	if fields, ok := wrong(c, err); ok {
		return h.showApproval(c, http.StatusUnprocessableEntity, typed{reason: reason, reasonWrong: fields["reason"]})
	}
	return h.settled(c, err, "?done=refused")
}

func (h *Pages) withdraw(c echo.Context) error {
	err := h.Approvals.Withdraw(c.Request().Context(), web.Here(c).ID, c.Param("request"), web.Session(c).UserID, web.Origin(c))
	return h.settled(c, err, "?done=withdrawn")
}

// approveByPhone goes on to the page with the number. It needs no fresh proof: what
// the phone signs is one, and for this act alone.
func (h *Pages) approveByPhone(c echo.Context) error {
	request := signin.RequestRef{TenantID: web.Here(c).ID, ID: c.Param("request")}
	attempt, err := h.SignIn.BeginApproval(c.Request().Context(), web.Session(c), request, h.path(c, approvalsPath+"/"+url.PathEscape(request.ID)), web.From(c))
	if err != nil {
		return h.settled(c, err, "")
	}
	return web.Redirect(c, "/signin/"+attempt)
}

// settled goes back to the request. What could not be done is said on its page,
// above how it stands now.
func (h *Pages) settled(c echo.Context, err error, done string) error {
	switch f := fault.Of(err); {
	case errors.Is(err, fault.Conflict):
		return h.showApproval(c, http.StatusConflict, typed{problem: web.Sentence(c, f.Code, f.Detail)})
	case err != nil:
		return err
	}
	return web.Redirect(c, h.path(c, approvalsPath+"/"+url.PathEscape(c.Param("request"))+done))
}
