package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/backupphone"
	"latchkey/app/bypass"
	"latchkey/app/callercheck"
	"latchkey/app/cases"
	"latchkey/app/desk"
	"latchkey/app/people"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const bypassesPath = "/bypasses"

func (h *Pages) bypassRoutes() []web.Route {
	const one = "/admin/:tenant" + bypassesPath + "/:bypass"
	return []web.Route{
		web.Get("/admin/:tenant"+bypassesPath, access.CaseView, h.bypasses),
		web.Get(one, access.CaseView, h.oneBypass),
		web.Post(one+"/make", access.BypassIssue, h.makeBypass),
		web.Post(one+"/revoke", access.BypassRevoke, h.revokeBypass),
		web.Get("/admin/:tenant/users/:user/desk", access.CallerCheck, h.desk),
		web.Post("/admin/:tenant/users/:user/bypasses", access.BypassIssue, h.issueBypass),
	}
}

func (h *Pages) bypassPath(c echo.Context, id string) string {
	return h.path(c, bypassesPath+"/"+url.PathEscape(id))
}

// bypassTones are the colours of the states: what still lets somebody in is a risk.
var bypassTones = map[bypass.State]string{bypass.Ready: "warn", bypass.Active: "bad", bypass.Used: "", bypass.Expired: "", bypass.Revoked: "", bypass.Replaced: ""}

// bypassRow says a bypass on a list.
func (h *Pages) bypassRow(c echo.Context, r bypass.Row, now time.Time) views.BypassRow {
	ctx, state := web.Context(c), r.StateAt(now)
	row := views.BypassRow{
		ID: r.ID, Href: h.bypassPath(c, r.ID), Person: r.UserName, PersonHref: h.personPath(c, r.UserID), Kind: words.Say(ctx, "bypass.kind."+string(r.Kind)),
		State: words.Say(ctx, "bypass.state."+string(state)), Tone: bypassTones[state], AskedBy: r.RequestedName, ApprovedBy: r.ApprovedName, Reason: r.Reason, Ticket: h.ticketRef(c, r.Ticket),
		Check: words.Say(ctx, "callercheck.via."+string(r.CheckVia)), StartsAt: r.StartsAt, EndsAt: r.EndsAt, CreatedAt: r.CreatedAt, Ahead: r.StartsAt.After(now),
		Network: r.Network, Application: r.Application, Uses: words.Say(ctx, "bypass.uses_left", "left", strconv.Itoa(r.UsesLeft), "count", strconv.Itoa(r.Uses)), EndedBy: r.EndedName, Ending: r.Ending,
	}
	if r.Delivery != "" {
		row.Delivery = words.Say(ctx, "bypass.delivery."+string(r.Delivery))
	}
	if r.TicketCheck != "" {
		row.TicketAnswer = words.Say(ctx, "ticketsystem.answer."+r.TicketCheck)
	}
	if r.CaseID != "" {
		row.CaseHref = h.casePath(c, r.CaseID)
	}
	if r.CheckID != "" && h.Site.Standing(c).May.Has(access.CallerCheck) {
		row.CheckHref = h.checkPath(c, r.CheckID)
	}
	for at, to := range map[*time.Time]*time.Time{r.LastUsedAt: &row.LastUsedAt, r.EndedAt: &row.EndedAt} {
		if at != nil {
			*to = *at
		}
	}
	return row
}

func (h *Pages) bypasses(c echo.Context) error {
	at, id := position(c.QueryParam("after"))
	open := c.QueryParam("state") == "open"
	page, err := h.Bypasses.List(c.Request().Context(), h.Site.Standing(c), open, bypass.Position{At: at, ID: id})
	if err != nil {
		return err
	}
	list := h.path(c, bypassesPath)
	v := views.Bypasses{List: list, Open: open}
	for _, r := range page.Rows {
		v.Rows = append(v.Rows, h.bypassRow(c, r, page.Now))
	}
	chosen := []string{}
	if open {
		chosen = []string{"state", "open"}
	}
	if !at.IsZero() {
		v.First = address(list, chosen...)
	}
	if page.More {
		last := page.Rows[len(page.Rows)-1]
		v.Next = address(list, append(chosen, "after", strconv.FormatInt(last.CreatedAt.UnixMicro(), 10)+"."+last.ID)...)
	}
	if web.WantsJSON(c) {
		all := []bypassJSON{}
		for _, r := range page.Rows {
			all = append(all, h.bypassJSON(c, r, page.Now))
		}
		return c.JSON(http.StatusOK, map[string]any{"bypasses": all, "next": v.Next})
	}
	return web.Render(c, http.StatusOK, views.BypassesPage(h.page(c, bypassesPath), v))
}

// bypassJSON is a bypass for a program, without its code.
type bypassJSON struct {
	ID          string     `json:"id"`
	User        string     `json:"user"` // sign-in name
	Kind        string     `json:"kind"`
	State       string     `json:"state"`
	Delivery    string     `json:"delivery,omitempty"`
	Minutes     int        `json:"minutes"`
	Uses        int        `json:"uses"`
	UsesLeft    int        `json:"uses_left"`
	Network     string     `json:"network,omitempty"`
	Application string     `json:"application,omitempty"`
	CallerCheck string     `json:"caller_check"`
	RequestedBy string     `json:"requested_by"` // sign-in name
	ApprovedBy  string     `json:"approved_by,omitempty"`
	Reason      string     `json:"reason"`
	ReasonCode  string     `json:"reason_code,omitempty"` // of the organisation's reasons
	Ticket      string     `json:"ticket,omitempty"`
	TicketCheck string     `json:"ticket_check,omitempty"` // what the ticket system answered: open, or none
	StartsAt    time.Time  `json:"starts_at"`
	EndsAt      time.Time  `json:"ends_at"`
	LastUsedAt  *time.Time `json:"last_used_at,omitempty"`
	EndedAt     *time.Time `json:"ended_at,omitempty"`
	Href        string     `json:"href"`
}

func (h *Pages) bypassJSON(c echo.Context, r bypass.Row, now time.Time) bypassJSON {
	return bypassJSON{
		ID: r.ID, User: r.UserName, Kind: string(r.Kind), State: string(r.StateAt(now)), Delivery: string(r.Delivery), Minutes: r.Minutes, Uses: r.Uses, UsesLeft: r.UsesLeft,
		Network: r.Network, Application: r.Application, CallerCheck: string(r.CheckVia), RequestedBy: r.RequestedName, ApprovedBy: r.ApprovedName, Reason: r.Reason, ReasonCode: r.ReasonCode, Ticket: r.Ticket, TicketCheck: r.TicketCheck,
		StartsAt: r.StartsAt, EndsAt: r.EndsAt, LastUsedAt: r.LastUsedAt, EndedAt: r.EndedAt, Href: h.bypassPath(c, r.ID),
	}
}

// oneBypass shows a bypass, and once the agent's part of its code.
func (h *Pages) oneBypass(c echo.Context) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	r, now, err := h.Bypasses.Find(c.Request().Context(), who, c.Param("bypass"))
	if err != nil {
		return err
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, h.bypassJSON(c, r, now))
	}
	v := views.Bypass{BypassRow: h.bypassRow(c, r, now), List: h.path(c, bypassesPath), Sending: c.QueryParam("sent") != ""}
	if code := h.Site.Shown(c); code != "" {
		fits, err := h.Bypasses.Fits(c.Request().Context(), r.TenantID, r.ID, code)
		if err != nil {
			return err
		}
		if fits {
			v.Code, v.Half = code, r.Delivery == bypass.Split
		}
	}
	if r.StateAt(now) == bypass.Ready && r.RequestedBy == who.UserID {
		v.MakeAction = h.bypassPath(c, r.ID) + "/make"
		v.MakeText = words.Say(ctx, "bypass.make.text."+string(r.Delivery))
	}
	if r.Revocable(now) && who.May.Has(access.BypassRevoke) && r.UserID != who.UserID {
		v.RevokeAction = h.bypassPath(c, r.ID) + "/revoke"
	}
	page, _, err := h.deskPage(c, bypassesPath)
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, views.BypassPage(page, v))
}

// makeBypass makes the code of one that is ready, for who asked for it.
func (h *Pages) makeBypass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.made(c, c.Param("bypass"))
}

// made makes the code and leads to the page that shows it.
func (h *Pages) made(c echo.Context, id string) error {
	made, err := h.Bypasses.Make(c.Request().Context(), web.Here(c).ID, id, web.Session(c).UserID, web.Origin(c))
	if err != nil {
		return err
	}
	to := h.bypassPath(c, id)
	if !made.Code.Empty() {
		h.Site.ShowOnce(c, made.Code.Reveal())
	}
	if made.SentTo != "" {
		to += "?sent=yes"
	}
	return web.Redirect(c, to)
}

// revokeBypass protects, so it asks for no fresh proof.
func (h *Pages) revokeBypass(c echo.Context) error {
	r, _, err := h.Bypasses.Find(c.Request().Context(), h.Site.Standing(c), c.Param("bypass"))
	if err != nil {
		return err
	}
	return h.submit(c, h.act(c, bypass.KindRevoke, r.UserID).With(bypass.Of{ID: r.ID}), bypassesPath+"/"+url.PathEscape(r.ID)+"?done=bypass_revoked")
}

// bypassForm is what was typed for a bypass.
type bypassForm struct {
	kind, minutes, uses, startsAt, network, application, delivery, phone, check, replaces, reason, code string
	wrong                                                                                               map[string]string
}

func bypassFormOf(c echo.Context) bypassForm {
	return bypassForm{
		kind: web.Form(c, "kind"), minutes: strings.TrimSpace(web.Form(c, "minutes")), uses: strings.TrimSpace(web.Form(c, "uses")), startsAt: strings.TrimSpace(web.Form(c, "starts_at")),
		network: web.Form(c, "network"), application: web.Form(c, "application"), delivery: web.Form(c, "delivery"), phone: web.Form(c, "backup_phone"), check: web.Form(c, "caller_check"),
		replaces: web.Form(c, "replaces"), reason: web.Form(c, "reason"), code: web.Form(c, "reason_code"),
	}
}

// asked reads the form. A number that is none is -1, which no rule allows.
func (f bypassForm) asked() (bypass.Asked, string) {
	number := func(text string) int {
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return -1
		}
		return n
	}
	a := bypass.Asked{
		ID: secret.System.ID(), Kind: bypass.Kind(f.kind), Minutes: number(f.minutes), Uses: number(f.uses), Network: f.network, Application: f.application,
		Delivery: bypass.Delivery(f.delivery), Phone: f.phone, Check: f.check, Replaces: f.replaces, Reason: f.code,
	}
	if f.startsAt == "" {
		return a, ""
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, f.startsAt); err == nil {
			at = at.UTC()
			a.StartsAt = &at
			return a, ""
		}
	}
	return a, "starts_at"
}

// issueBypass asks for a bypass; one that needs no second person is made at once.
func (h *Pages) issueBypass(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := bypassFormOf(c)
	asked, unread := typed.asked()
	asked.Unread = unread
	out, err := h.Bypasses.Ask(c.Request().Context(), h.act(c, bypass.KindIssue, c.Param("user")), asked)
	if fields, ok := wrong(c, err); ok && !web.WantsJSON(c) {
		typed.wrong = fields
		return h.showDesk(c, http.StatusUnprocessableEntity, typed)
	}
	switch {
	case err != nil:
		return err
	case out.Waits():
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	given, _, err := h.Bypasses.Find(c.Request().Context(), h.Site.Standing(c), asked.ID)
	switch {
	case err != nil:
		return err
	case given.Kind == bypass.Skip: // as was asked for, or as is usual for the reason
		return web.Redirect(c, h.bypassPath(c, asked.ID)+"?done=bypass_given")
	}
	return h.made(c, asked.ID)
}

// desk leads through the whole of it: who it is, proof of the caller, the bypass.
func (h *Pages) desk(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showDesk(c, http.StatusOK, bypassForm{})
}

func (h *Pages) showDesk(c echo.Context, status int, typed bypassForm) error {
	ctx, at, who, me := web.Context(c), web.Here(c), web.Session(c), h.Site.Standing(c)
	p, err := h.People.Find(c.Request().Context(), at.ID, who.UserID, c.Param("user"), time.Time{}, "", web.Origin(c))
	if err != nil {
		return err
	}
	v := views.Desk{
		PersonHref: h.personPath(c, p.ID), Name: p.Name, DisplayName: p.DisplayName, State: words.Say(ctx, "console.people.state."+p.State), Tone: stateTones[p.State],
		Role: roleInWords(ctx, p.Standing), Ways: waysInWords(ctx, people.WaysOf(p.Ways)), IssueAction: h.personPath(c, p.ID) + "/bypasses", Photo: component.Picture(p.Photo.JPEG),
	}
	if p.LastSignInAt != nil {
		v.LastAt = *p.LastSignInAt
	}
	if p.Standing.Administrator() {
		v.Warnings = append(v.Warnings, words.Say(ctx, "desk.warn.privileged"))
	}
	if p.State != user.Active {
		v.Warnings = append(v.Warnings, words.Say(ctx, "desk.warn.state"))
	}
	for _, t := range throttlesOf(ctx, p) {
		v.Warnings = append(v.Warnings, t.Text)
	}
	if err := h.deskCase(c, &v, p, me); err != nil {
		return err
	}
	last, err := h.Bypasses.OfPerson(c.Request().Context(), at.ID, p.ID, 5)
	if err != nil {
		return err
	}
	now := h.Site.DB.Now()
	for _, r := range last {
		row := h.bypassRow(c, r, now)
		v.Before = append(v.Before, row)
		if state := r.StateAt(now); state == bypass.Ready || state == bypass.Active {
			v.Standing = &row
		}
	}
	standing := ""
	if v.Case != nil {
		standing = v.Case.Name
	}
	check, proof, err := h.checkOf(c, p, standing, failed{})
	if err != nil {
		return err
	}
	v.Check = check
	page, _, err := h.deskPage(c, "/users")
	if err != nil {
		return err
	}
	if proof == nil {
		return web.Render(c, status, views.DeskPage(page, v))
	}
	if v.Case != nil && page.Ticket.Action == "" {
		page.Ticket.Action, page.Ticket.Typed = v.IssueAction, v.Case.Ticket.Name // it is about the same thing
	}
	v.Proof = &views.DeskProof{
		ID: proof.ID, Via: words.Say(ctx, "callercheck.via."+string(proof.Via)), Strength: words.Say(ctx, "callercheck.strength."+string(proof.Strength)),
		Weak: proof.Strength != callercheck.Strong, Until: proof.ProvedAt.Add(callercheck.FreshLife),
	}
	if v.Form, err = h.deskForm(c, p, me, typed, v.Standing); err != nil {
		return err
	}
	return web.Render(c, status, views.DeskPage(page, v))
}

// deskCase says which case the person has.
func (h *Pages) deskCase(c echo.Context, v *views.Desk, p people.Person, me access.Standing) error {
	rows, err := h.Cases.OfPerson(c.Request().Context(), me, p.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.State != cases.Closed {
			row := h.caseRow(c, r)
			v.Case = &row
			if r.Disowned {
				v.Warnings = append(v.Warnings, disownedAlarm(web.Context(c), r, row.Person))
			}
			if r.Repeats > 0 {
				v.Warnings = append(v.Warnings, words.Say(web.Context(c), "cases.repeats", "count", strconv.Itoa(r.Repeats)))
			}
			return nil
		}
	}
	return nil
}

// deskForm is the form of the bypass, with what may be chosen for this person.
func (h *Pages) deskForm(c echo.Context, p people.Person, me access.Standing, typed bypassForm, standing *views.BypassRow) (*views.BypassForm, error) {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	knobs, err := h.Bypasses.Knobs(c.Request().Context(), me, p.ID)
	if err != nil {
		return nil, err
	}
	phones, err := backupphone.Reachable(h.Site.DB.View(c.Request().Context()), tenantID, p.ID, "")
	if err != nil {
		return nil, err
	}
	apps, err := h.Applications.For(c.Request().Context(), tenantID, p.ID)
	if err != nil {
		return nil, err
	}
	f := &views.BypassForm{
		Minutes: typed.minutes, Uses: typed.uses, StartsAt: typed.startsAt, Network: typed.network, Typed: typed.reason, Errors: typed.wrong, Free: knobs.Free(),
		Alone: words.Say(ctx, "bypass.minutes.hint", "alone", strconv.Itoa(knobs.Alone), "most", strconv.Itoa(knobs.Minutes)), UsesMost: strconv.Itoa(knobs.Uses), Places: knobs.Places,
		Eyes: p.Standing.Administrator(),
	}
	if standing != nil {
		f.Replaces = standing.ID
	}
	f.Kinds = component.Choices{Name: "kind", Legend: words.Say(ctx, "bypass.kind"), Error: typed.wrong["kind"]}
	f.Deliveries = component.Choices{Name: "delivery", Legend: words.Say(ctx, "bypass.delivery"), Error: typed.wrong["delivery"]}
	kind, delivery := typed.kind, typed.delivery
	if h.presets(c, f, knobs.Desk, typed); len(f.Presets) > 0 {
		asUsual := func(chosen string) component.Choice {
			return component.Choice{Label: words.Say(ctx, "bypass.as_usual"), Chosen: chosen == ""}
		}
		f.Kinds.Choices, f.Deliveries.Choices = append(f.Kinds.Choices, asUsual(kind)), append(f.Deliveries.Choices, asUsual(delivery))
		f.Alone = words.Say(ctx, "bypass.minutes.usual") + " " + f.Alone
	} else {
		f.Minutes, f.Uses = cmp.Or(f.Minutes, strconv.Itoa(min(bypass.MinutesUsual, knobs.Minutes))), cmp.Or(f.Uses, "1")
		if kind == "" && len(knobs.Kinds) > 0 {
			kind = knobs.Kinds[0]
		}
	}
	for _, k := range bypass.Kinds {
		off, hint := !slices.Contains(knobs.Kinds, string(k)), "bypass.kind_hint."+string(k)
		if off {
			hint = "bypass.not_allowed"
		}
		f.Kinds.Choices = append(f.Kinds.Choices, component.Choice{
			Value: string(k), Label: words.Say(ctx, "bypass.kind."+string(k)), Hint: words.Say(ctx, hint), Blocked: off, Chosen: !off && kind == string(k),
		})
	}
	for _, d := range bypass.Deliveries {
		hint := "bypass.delivery_hint." + string(d)
		off, unreachable := !slices.Contains(knobs.Deliveries, string(d)), d != bypass.ReadOut && len(phones) == 0
		switch {
		case off:
			hint = "bypass.not_allowed"
		case unreachable:
			hint = "bypass.unreachable"
		case delivery == "" && len(f.Presets) == 0:
			delivery = string(d) // the safest that is possible
		}
		f.Deliveries.Choices = append(f.Deliveries.Choices, component.Choice{
			Value: string(d), Label: words.Say(ctx, "bypass.delivery."+string(d)), Hint: words.Say(ctx, hint), Blocked: off || unreachable, Chosen: !off && !unreachable && delivery == string(d),
		})
	}
	for _, phone := range phones {
		f.Phones = append(f.Phones, component.Choice{Value: phone.ID, Label: provider.MaskNumber(phone.Number), Chosen: phone.ID == typed.phone})
	}
	f.Applications = []component.Choice{{Label: words.Say(ctx, "bypass.application.any")}}
	for _, a := range apps {
		f.Applications = append(f.Applications, component.Choice{Value: a.ID, Label: a.Name, Chosen: a.ID == typed.application})
	}
	return f, nil
}

// presets puts the reasons of the tenant on the form: each with what is usual for it, and
// a key that chooses it.
func (h *Pages) presets(c echo.Context, f *views.BypassForm, of desk.Desk, typed bypassForm) {
	ctx, again := web.Context(c), c.Request().PostForm.Has("reason_code")
	for i, r := range of.Reasons {
		preset := views.Preset{Value: r.Code, Words: r.Words, Usual: usual(ctx, r), Ticket: r.Ticket, Chosen: r.Code == typed.code}
		if i < 9 {
			preset.Key = strconv.Itoa(i + 1)
		}
		f.Presets = append(f.Presets, preset)
	}
	if len(f.Presets) > 0 && of.Free() {
		f.Presets = append(f.Presets, views.Preset{Words: words.Say(ctx, "bypass.reason.other"), Usual: words.Say(ctx, "bypass.reason.other_text"), Key: "0", Chosen: again && typed.code == ""})
	}
}
