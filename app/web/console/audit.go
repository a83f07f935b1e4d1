package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const auditPath = "/audit"

func (h *Pages) auditRoutes() []web.Route {
	return []web.Route{ // those of views are in audit_views.go
		web.Get("/admin/:tenant"+auditPath, access.AuditRead, h.audit),
		web.Get("/admin/:tenant"+auditPath+"/live", access.AuditRead, h.liveAudit),
		web.Get("/admin/:tenant"+chartsPath, access.AuditRead, h.auditCharts),
		web.Get("/admin/:tenant"+auditPath+"/values", access.AuditRead, h.auditValues),
		web.Get("/admin/:tenant"+auditPath+"/:event", access.AuditRead, h.auditEvent),
	}
}

// auditFields are the filters of an address, in the order of the form.
var auditFields = []string{"q", "action", "outcome", "actor", "target", "from", "to", "range", "thread", "by"}

// countMost is up to where a page counts.
const countMost = 1000

// asked is what somebody asks the audit for, as it stands in the address.
type asked map[string]string

// askedOf reads the filters of an address.
func askedOf(c echo.Context) asked {
	a := asked{}
	for _, name := range auditFields {
		if value := strings.TrimSpace(c.QueryParam(name)); value != "" && len(value) <= 200 {
			a[name] = value
		}
	}
	if id := c.QueryParam(openView); len(id) <= 64 {
		a[openView] = id
	}
	return a
}

// query is what it asks for. A time that is none, or a range or an outcome that there is not,
// is no limit, and is not carried on.
func (a asked) query(now time.Time) trail.Query {
	q := trail.Query{
		From: a.moment("from"), To: a.moment("to"), Actor: a["actor"], Target: a["target"], Action: a["action"], Text: a["q"], Thread: a["thread"], By: a["by"],
	}
	if outcome := audit.Outcome(a["outcome"]); slices.Contains(audit.Outcomes, outcome) {
		q.Outcome = outcome
	} else {
		delete(a, "outcome")
	}
	if back, known := trail.RangeNamed(a["range"]); !known {
		delete(a, "range")
	} else if q.From.IsZero() {
		q.From = back.From(now)
	}
	return q
}

// moment is the time of a filter; the zero one is none.
func (a asked) moment(name string) time.Time {
	at, ok := moment(a[name])
	if !ok {
		delete(a, name)
	}
	return at
}

// moment reads a time as people, forms and programs write one; without a zone it is UTC, and
// none is the zero one.
func moment(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1970 && at.Year() < 9999 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// with gives an address of the list with these filters and some others; one without a
// value is taken away.
func (h *Pages) with(c echo.Context, a asked, pairs ...string) string {
	all := make([]string, 0, 2*len(auditFields)+2+len(pairs))
	for _, name := range auditFields {
		if !slices.Contains(pairs, name) {
			all = append(all, name, a[name])
		}
	}
	all = append(all, openView, a[openView])
	return address(h.path(c, auditPath), append(all, pairs...)...)
}

// sight is what somebody sees of the audit here, now.
func (h *Pages) sight(c echo.Context) trail.Sight {
	return trail.SightOf(h.Site.Standing(c), h.Site.DB.Now())
}

// audit lists events, as a page or as JSON.
func (h *Pages) audit(c echo.Context) error {
	ctx, sight, a := c.Request().Context(), h.sight(c), askedOf(c)
	q := a.query(h.Site.DB.Now())
	if err := h.Trail.Looked(ctx, sight, "list", q, web.Origin(c)); err != nil {
		return err
	}
	after, before := trail.ParsePosition(c.QueryParam("after")), trail.ParsePosition(c.QueryParam("before"))
	page, err := h.Trail.Find(ctx, sight, q, after, before)
	if err != nil {
		return err
	}
	counted := -1
	if c.QueryParam("count") != "" {
		if counted, err = h.Trail.Count(ctx, sight, q, countMost); err != nil {
			return err
		}
	}
	side := func(name string, at trail.Position) string {
		if at.None() {
			return ""
		}
		return h.with(c, a, name, at.String())
	}
	older, newer := side("after", page.Older), side("before", page.Newer)
	if web.WantsJSON(c) {
		shown := map[string]any{"events": h.auditJSON(c, page.Rows), "next": older, "previous": newer}
		if !page.LookedTo.None() {
			shown["looked_to"] = component.Machine(page.LookedTo.At)
		}
		if counted >= 0 {
			shown["count"], shown["more"] = min(counted, countMost), counted > countMost
		}
		return c.JSON(http.StatusOK, shown)
	}
	v := h.auditForm(c, a, sight)
	v.ChartsHref = h.path(c, chartsPath)
	if v.Views, err = h.auditViews(c, a); err != nil {
		return err
	}
	if h.Site.Standing(c).May.Has(access.AuditExport) {
		v.ExportHref = h.exportOf(c, q)
	}
	if h.Site.Standing(c).May.Has(access.AuditReadPersonal) {
		v.RetentionHref = h.path(c, retentionPath)
	}
	v.Older, v.Newer, v.CountHref = older, newer, h.with(c, a, "count", "1")
	if !page.LookedTo.None() {
		v.LookedTo = page.LookedTo.At
	}
	if counted >= 0 {
		v.Count = sayCount(web.Context(c), counted)
	}
	if !after.None() || !before.None() {
		v.Newest = h.with(c, a)
	} else {
		v.LiveHref = strings.Replace(h.with(c, a), h.path(c, auditPath), h.path(c, auditPath+"/live"), 1)
	}
	if older != "" {
		v.Oldest = h.with(c, a, "before", trail.Beginning.String())
	}
	v.Rows = make([]views.AuditRow, 0, len(page.Rows))
	for _, r := range page.Rows {
		row := h.auditRow(c, a, r)
		v.Rows = append(v.Rows, row)
		for _, name := range []string{r.ActorName, r.SubjectName} {
			if name != "" && !slices.Contains(v.Names, name) {
				v.Names = append(v.Names, name)
			}
		}
	}
	slices.Sort(v.Names)
	return web.Render(c, http.StatusOK, views.AuditPage(h.page(c, auditPath), v))
}

func sayCount(ctx context.Context, n int) string {
	if n > countMost {
		return words.Say(ctx, "audit.count.more", "most", component.Thousands(countMost))
	}
	return words.Say(ctx, "audit.count.all", "count", component.Thousands(n))
}

// auditForm is the filters as they are, with what can be typed into them.
func (h *Pages) auditForm(c echo.Context, a asked, sight trail.Sight) views.Audit {
	ctx := web.Context(c)
	v := views.Audit{Action: h.path(c, auditPath), ValuesHref: h.path(c, auditPath+"/values"), Personal: sight.Personal, Since: sight.Since}
	if sight.Told != people.Everything {
		v.PartOf = words.Say(ctx, "audit.part_of."+string(sight.Told))
	}
	field := func(name, list string) component.Field {
		return component.Field{Name: name, ID: "filter-" + name, Label: words.Say(ctx, "audit.field."+name), Typed: a[name], Autocomplete: "off", MaxLength: "200", List: list}
	}
	v.Query, v.What, v.Actor, v.Target = field("q", "audit-reasons"), field("action", "audit-actions"), field("actor", "audit-names"), field("target", "audit-names")
	v.Query.Type = "search"
	v.From, v.To = field("from", ""), field("to", "")
	for _, f := range []*component.Field{&v.From, &v.To} {
		f.Type, f.MaxLength = "datetime-local", ""
		if at := a.moment(f.Name); !at.IsZero() {
			f.Typed = at.Format("2006-01-02T15:04")
		}
	}
	v.Outcomes = outcomeChoices(ctx, a["outcome"])
	actions := sight.Actions()
	v.Actions = make([]component.Choice, 0, len(actions))
	for _, action := range actions {
		v.Actions = append(v.Actions, component.Choice{Value: string(action), Label: words.Say(ctx, "activity."+string(action))})
	}
	for _, r := range trail.Ranges {
		v.Ranges = append(v.Ranges, views.InsightRange{Label: words.Say(ctx, "audit.range."+r.Name), Href: h.with(c, a, "range", r.Name, "from", "", "to", ""), Current: a["range"] == r.Name && a["from"] == ""})
	}
	for _, f := range filtersSaid(ctx, a) {
		v.Chips = append(v.Chips, views.AuditChip{Text: chip(ctx, f), Href: h.with(c, a, f.Name, "")})
	}
	for _, name := range []string{"thread", "range", "by", openView} {
		if a[name] != "" {
			v.Kept = append(v.Kept, views.AuditFilter{Name: name, Value: a[name]})
		}
	}
	return v
}

// filtersSaid are the filters that are set, with what each says.
func filtersSaid(ctx context.Context, a asked) (all []views.AuditFilter) {
	for _, name := range auditFields {
		says := a[name]
		switch {
		case says == "" || name == "range" && a["from"] != "":
			continue
		case name == "range":
			says = words.Say(ctx, "audit.range."+says)
		case name == "by":
			says = provedBy(ctx, says)
		case name == "outcome":
			says = words.Say(ctx, "me.activity.outcome."+says)
		case name == "action" && words.Has(ctx, "activity."+says):
			says = words.Say(ctx, "activity."+says)
		}
		all = append(all, views.AuditFilter{Name: name, Value: a[name], Label: words.Say(ctx, "audit.field."+name), Says: says})
	}
	return all
}

func chip(ctx context.Context, f views.AuditFilter) string {
	return words.Say(ctx, "audit.chip", "field", f.Label, "value", f.Says)
}

// outcomeChoices are the outcomes to choose from, and any of them.
func outcomeChoices(ctx context.Context, chosen string) []component.Choice {
	all := []component.Choice{{Value: "", Label: words.Say(ctx, "audit.any")}}
	for _, o := range audit.Outcomes {
		all = append(all, component.Choice{Value: string(o), Label: words.Say(ctx, "me.activity.outcome."+string(o)), Chosen: chosen == string(o)})
	}
	return all
}

// auditRow is an event in a list.
func (h *Pages) auditRow(c echo.Context, a asked, r trail.Row) views.AuditRow {
	ctx := web.Context(c)
	row := views.AuditRow{
		Href: h.eventPath(c, r), At: r.At, What: words.Say(ctx, "activity."+string(r.Action)), Code: string(r.Action), Who: partyName(ctx, r.Actor, r.ActorName),
		Outcome: words.Say(ctx, "me.activity.outcome."+string(r.Outcome)), Tone: tones[r.Outcome], Where: strings.Join(slicesWithout(web.SayBrowser(ctx, r.Browser), r.IP), " · "),
		Why: r.Reason, Ticket: h.ticketRef(c, r.Details["ticket"]),
	}
	if r.ActorName != "" {
		row.WhoHref = h.with(c, a, "actor", r.ActorName)
	}
	switch {
	case r.SubjectName != "" && r.Subject != r.Actor.ID:
		row.Whom, row.WhomHref = r.SubjectName, h.with(c, a, "target", r.SubjectName)
	case r.Target.Kind != audit.KindTenant && r.Target != r.Actor && r.Target.ID != r.Subject:
		row.Whom, row.WhomHref = partyName(ctx, r.Target, r.TargetName), h.with(c, a, "target", r.Target.Kind+":"+r.Target.ID)
	}
	return row
}

// partyName says who or what a party is.
func partyName(ctx context.Context, p audit.Party, name string) string {
	switch {
	case name != "":
		return name
	case p.Kind == audit.KindUser:
		return words.Say(ctx, "console.person.who.gone")
	case actors[p.Kind] != "":
		return words.Say(ctx, "console.person.who."+actors[p.Kind])
	}
	return kindName(ctx, p.Kind)
}

func kindName(ctx context.Context, kind string) string {
	if key := "audit.kind." + kind; kind != "" && words.Has(ctx, key) {
		return words.Say(ctx, key)
	}
	return kind
}

func (h *Pages) eventPath(c echo.Context, r trail.Row) string {
	return h.path(c, auditPath+"/"+url.PathEscape(r.Position().String()))
}

// auditEventJSON is an event for a program.
type auditEventJSON struct {
	ID      string            `json:"id"`
	Href    string            `json:"href"`
	At      string            `json:"at"`
	Action  string            `json:"action"`
	Outcome string            `json:"outcome"`
	Reason  string            `json:"reason"`
	Actor   partyJSON         `json:"actor"`
	Target  partyJSON         `json:"target"`
	Subject partyJSON         `json:"subject"`
	Thread  string            `json:"thread"`
	Request string            `json:"request"`
	IP      string            `json:"ip"`
	Browser string            `json:"browser"`
	Typed   string            `json:"typed"`
	Details map[string]string `json:"details"`
}

type partyJSON struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *Pages) auditJSON(c echo.Context, rows []trail.Row) []auditEventJSON {
	all := make([]auditEventJSON, len(rows))
	for i, r := range rows {
		all[i] = auditEventJSON{
			ID: r.ID, Href: h.eventPath(c, r), At: r.At.Format("2006-01-02T15:04:05.000000Z"), Action: string(r.Action), Outcome: string(r.Outcome), Reason: r.Reason,
			Actor: partyJSON{r.Actor.Kind, r.Actor.ID, r.ActorName}, Target: partyJSON{r.Target.Kind, r.Target.ID, r.TargetName},
			Thread: r.Thread, Request: r.Request, IP: r.IP, Browser: r.Browser, Typed: r.Typed, Details: r.Details,
		}
		if r.Subject != "" {
			all[i].Subject = partyJSON{audit.KindUser, r.Subject, r.SubjectName}
		}
	}
	return all
}
