package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/cases"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const storyPath = auditPath + "/story"

func (h *Pages) storyRoutes() []web.Route {
	const all = "/admin/:tenant" + storyPath + "/"
	return []web.Route{
		web.Get(all+string(trail.SignIn)+"/:thread", access.AuditRead, h.story(trail.SignIn, "thread")),
		web.Get(all+string(trail.Case)+"/:case", access.AuditRead, h.story(trail.Case, "case")),
		web.Get(all+string(trail.Person)+"/:user", access.AuditRead, h.story(trail.Person, "user")),
		web.Get(all+string(trail.Agent)+"/:user", access.AuditRead, h.story(trail.Agent, "user")),
		web.Get(all+string(trail.Ticket)+"/:ticket", access.AuditRead, h.story(trail.Ticket, "ticket")),
	}
}

// storyOf is the page of a story.
func (h *Pages) storyOf(c echo.Context, kind trail.Kind, id string) string {
	return h.path(c, storyPath+"/"+string(kind)+"/"+url.PathEscape(id))
}

// storyFrom is the page of a story of which the reader was shown an event of some time, or
// empty when that is further back than they see of the audit.
func (h *Pages) storyFrom(c echo.Context, kind trail.Kind, id string, newest time.Time) string {
	if newest.IsZero() || newest.Before(h.sight(c).Since) {
		return ""
	}
	return h.storyOf(c, kind, id)
}

// storyOfCase is the page of the story of a case, for who sees an event of it.
func (h *Pages) storyOfCase(c echo.Context, w cases.Whole) string {
	sight := h.sight(c)
	handles := (w.OwnerID == sight.ReaderID || w.OpenedBy == sight.ReaderID) && (w.ClosedAt == nil || h.Site.DB.Now().Sub(*w.ClosedAt) < trail.CaseAfter)
	for _, e := range w.Story {
		if e.Thread == w.ID && (sight.Told != people.OwnActs || handles || e.ActorID == sight.ReaderID) && !sight.Blind() {
			return h.storyFrom(c, trail.Case, w.ID, e.At)
		}
	}
	return ""
}

// story tells the story of something from its first event on, as a page or as JSON.
func (h *Pages) story(kind trail.Kind, param string) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, read, sight := web.Context(c), c.Request().Context(), h.sight(c)
		id, err := url.PathUnescape(c.Param(param))
		if err != nil {
			return fault.New(fault.NotFound, "http.not_found")
		}
		after, before := trail.ParsePosition(c.QueryParam("after")), trail.ParsePosition(c.QueryParam("before"))
		t, err := h.Trail.Story(read, sight, kind, id, after, before)
		if err != nil {
			return err
		}
		q, _ := kind.Asks(id)
		if err := h.Trail.Looked(read, sight, "story "+string(kind), q, web.Origin(c)); err != nil {
			return err
		}
		here := h.storyOf(c, kind, id)
		side := func(name string, at trail.Position) string {
			if at.None() {
				return ""
			}
			return address(here, name, at.String())
		}
		earlier, later := side("before", t.Earlier), side("after", t.Later)
		if web.WantsJSON(c) {
			return c.JSON(http.StatusOK, map[string]any{"story": string(kind), "id": id, "events": h.auditJSON(c, t.Rows), "previous": earlier, "next": later})
		}
		v := views.Story{Title: storyTitle(ctx, kind, id, t.Rows), Lead: words.Say(ctx, "story.lead."+string(kind)), Earlier: earlier, Later: later, List: h.path(c, auditPath)}
		if sight.Told != "" && words.Has(ctx, "audit.part_of."+string(sight.Told)) {
			v.PartOf, v.Since = words.Say(ctx, "audit.part_of."+string(sight.Told)), sight.Since
		}
		if earlier != "" {
			v.First = here
		}
		h.tell(c, &v, kind, id, t.Rows)
		if v.Related = h.related(c, kind, id, t.Rows); kind == trail.SignIn && len(t.Rows) > 0 {
			if v.Decided, err = h.whySo(c, sight, t.Rows[len(t.Rows)-1]); err != nil {
				return err
			}
		}
		return web.Render(c, http.StatusOK, views.StoryPage(h.page(c, auditPath), v))
	}
}

// storyTitle says whose story it is, by the names in it: a person is not looked up beyond what
// the reader sees.
func storyTitle(ctx context.Context, kind trail.Kind, id string, rows []trail.Row) string {
	name := ""
	for _, r := range rows {
		switch {
		case kind == trail.Agent && r.ActorName != "":
			name = r.ActorName
		case kind != trail.Agent && r.SubjectName != "":
			name = r.SubjectName
		}
		if name != "" {
			break
		}
	}
	if kind == trail.Ticket {
		name = id
	}
	if name == "" {
		return words.Say(ctx, "story.title."+string(kind)+".unnamed")
	}
	return words.Say(ctx, "story.title."+string(kind), "name", name)
}

// tell puts events into days, with what lies between them.
func (h *Pages) tell(c echo.Context, v *views.Story, kind trail.Kind, id string, rows []trail.Row) {
	ctx := web.Context(c)
	last := time.Time{}
	for _, r := range rows {
		e := views.StoryEvent{AuditRow: h.auditRow(c, asked{}, r), Gap: gapText(ctx, last, r.At)}
		e.WhoHref, e.WhomHref = "", "" // they stand at the top
		e.Why, e.WhyCode = whyText(ctx, r.Reason)
		if of := r.ThreadKind(); of != "" && r.Thread != id {
			e.Thread = views.Fact{Name: words.Say(ctx, "audit.story.link."+string(of)), Href: h.storyOf(c, of, r.Thread)}
		}
		day := storyDay(ctx, r.At)
		if n := len(v.Days); n == 0 || v.Days[n-1].Title != day {
			v.Days = append(v.Days, views.StoryDay{Title: day})
		}
		on := &v.Days[len(v.Days)-1]
		on.Events = append(on.Events, e)
		last = r.At
	}
}

func storyDay(ctx context.Context, at time.Time) string {
	return words.Say(ctx, "story.day", "day", strconv.Itoa(at.Day()), "month", words.Say(ctx, "insight.month."+strconv.Itoa(int(at.Month()))), "year", strconv.Itoa(at.Year()))
}

// gapLeast is how long nothing happens before that is said.
const gapLeast = time.Hour

// gapText says how much later something happened; within an hour it need not be said.
func gapText(ctx context.Context, last, at time.Time) string {
	gap := at.Sub(last)
	switch {
	case last.IsZero() || gap < gapLeast:
		return ""
	case gap < 48*time.Hour:
		return words.Say(ctx, "story.later.hours", "count", strconv.Itoa(int(gap/time.Hour)))
	}
	return words.Say(ctx, "story.later.days", "count", component.Thousands(int(gap/(24*time.Hour))))
}

// whyText is a reason in words: those of whoever gave it, or those of a code. A code that has
// none stands as it is.
func whyText(ctx context.Context, reason string) (text, code string) {
	key := "audit.reason." + reason
	switch {
	case !audit.IsCode(reason):
		return reason, ""
	case words.Has(ctx, key):
		return words.Say(ctx, key), reason
	}
	return "", reason
}

// relatedMost is how many of each a story leads to.
const relatedMost = 8

// related are the other stories that these events belong to, and the pages of what they are
// about.
func (h *Pages) related(c echo.Context, kind trail.Kind, id string, rows []trail.Row) (all []views.Fact) {
	ctx, may := web.Context(c), h.Site.Standing(c).May
	found, counts := map[string]bool{}, map[trail.Kind]int{}
	add := func(of trail.Kind, other, text string) {
		if of == kind && other == id || found[string(of)+other] || counts[of] >= relatedMost {
			return
		}
		found[string(of)+other] = true
		counts[of]++
		all = append(all, views.Fact{Name: text, Href: h.storyOf(c, of, other)})
	}
	for _, r := range rows {
		if r.SubjectName != "" {
			add(trail.Person, r.Subject, words.Say(ctx, "story.related.person", "name", r.SubjectName))
		}
		if r.ActorName != "" && r.Actor.ID != r.Subject {
			add(trail.Agent, r.Actor.ID, words.Say(ctx, "story.related.agent", "name", r.ActorName))
		}
		if r.ThreadKind() == trail.Case {
			add(trail.Case, r.Thread, words.Say(ctx, "story.related.case"))
		}
		if name := r.Details["ticket"]; name != "" {
			add(trail.Ticket, name, words.Say(ctx, "story.related.ticket", "name", name))
		}
	}
	page := func(key, href string, allowed bool) {
		if allowed {
			all = append(all, views.Fact{Name: words.Say(ctx, key), Href: href})
		}
	}
	switch kind {
	case trail.Case:
		page("story.page.case", h.casePath(c, id), may.Has(access.CaseView) && slices.ContainsFunc(rows, func(r trail.Row) bool { return r.ThreadKind() == trail.Case }))
	case trail.Person:
		page("story.page.person", h.personPath(c, id), may.Has(access.AuthenticatorView) && slices.ContainsFunc(rows, func(r trail.Row) bool { return r.SubjectName != "" }))
	case trail.Ticket:
		page("story.page.ticket", h.ticketPath(c, id), true)
	}
	return all
}
