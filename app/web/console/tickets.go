package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/ticket"
	"latchkey/app/trail"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) ticketRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/tickets/:ticket", access.AuditRead, h.ticket),
	}
}

// ticketPath is the page of a ticket.
func (h *Pages) ticketPath(c echo.Context, name string) string {
	return h.path(c, "/tickets/"+url.PathEscape(name))
}

// ticketRef is a ticket that something was done under, which leads to its page whoever
// may read what was done.
func (h *Pages) ticketRef(c echo.Context, name string) component.TicketRef {
	ref := component.TicketRef{Name: name}
	if name != "" && h.Site.Standing(c).May.Has(access.AuditRead) {
		ref.Href = h.ticketPath(c, name)
	}
	return ref
}

// ticket shows what was done under a ticket, as a page or as JSON.
func (h *Pages) ticket(c echo.Context) error {
	name, err := url.PathUnescape(c.Param("ticket"))
	if err != nil {
		return fault.New(fault.NotFound, "http.not_found")
	}
	at, id := position(c.QueryParam("after"))
	page, err := h.Tickets.Find(c.Request().Context(), h.Site.Standing(c), name, ticket.Position{At: at, ID: id})
	if err != nil {
		return err
	}
	older := ""
	if page.More {
		last := page.Events[len(page.Events)-1]
		older = h.ticketPath(c, page.Name) + "?after=" + strconv.FormatInt(last.At.UnixMicro(), 10) + "." + url.QueryEscape(last.ID)
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, map[string]any{"ticket": page.Name, "events": ticketJSON(page), "next": older})
	}
	ctx := web.Context(c)
	v := views.Ticket{Name: page.Name, Older: older, StoryHref: h.storyFrom(c, trail.Ticket, page.Name, page.Events[0].At)}
	if page.Told != people.Everything {
		v.PartOf = words.Say(ctx, "tickets.part_of."+string(page.Told))
	}
	if !at.IsZero() {
		v.Newest = h.ticketPath(c, page.Name)
	}
	for _, e := range page.Events {
		row := views.TicketEvent{PersonEvent: h.happened(c, "", page.Names, e)}
		row.Ticket = component.TicketRef{} // the whole page is about it
		if name := page.Names[e.Subject]; name != "" && (e.ActorID != e.Subject || e.Target == audit.User(e.Subject)) {
			row.Whom, row.WhomHref = name, h.personPath(c, e.Subject)
		}
		v.Events = append(v.Events, row)
	}
	return web.Render(c, http.StatusOK, views.TicketPage(h.page(c, "/tickets"), v))
}

// eventJSON is one event for a program.
type eventJSON struct {
	ID      string `json:"id"`
	At      string `json:"at"`
	Action  string `json:"action"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Actor   string `json:"actor"`  // sign-in name; empty for others than users
	Target  string `json:"target"` // sign-in name of the person; empty for none
}

func ticketJSON(page ticket.Page) []eventJSON {
	all := make([]eventJSON, len(page.Events))
	for i, e := range page.Events {
		all[i] = eventJSON{
			ID: e.ID, At: component.Machine(e.At), Action: string(e.Action), Outcome: string(e.Outcome), Reason: e.Reason,
			Actor: page.Names[e.ActorID], Target: page.Names[e.Subject],
		}
	}
	return all
}
