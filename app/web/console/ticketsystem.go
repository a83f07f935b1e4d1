package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/ticketsystem"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// ticketSystemPath is the place of the console for the ticket system that is asked.
const ticketSystemPath = "/settings/ticket-system"

func (h *Pages) ticketSystemRoutes() []web.Route {
	const at = "/admin/:tenant" + ticketSystemPath
	return []web.Route{
		web.Get(at, access.IntegrationEdit, h.ticketSystem),
		web.Post(at, access.IntegrationEdit, h.saveTicketSystem),
		web.Post(at+"/secret", access.IntegrationEdit, h.renewTicketSecret),
		web.Post(at+"/remove", access.IntegrationEdit, h.removeTicketSystem),
	}
}

func (h *Pages) ticketSystem(c echo.Context) error {
	set, ok, err := h.TicketSystems.Of(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	if !ok {
		set.Settings = ticketsystem.Settings{Tells: ticketsystem.Name, WhenDown: ticketsystem.Block}
	}
	return h.showTicketSystem(c, http.StatusOK, set, ok, nil)
}

func (h *Pages) showTicketSystem(c echo.Context, status int, set ticketsystem.Set, there bool, wrong map[string]string) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	v := views.TicketSystem{Base: h.path(c, ticketSystemPath), URL: set.URL, Version: strconv.Itoa(set.Version), Set: there, By: set.ChangedBy, At: set.ChangedAt, Errors: wrong}
	v.Tells = component.Choices{Name: "tells", Legend: words.Say(ctx, "ticketsystem.tells"), Error: wrong["tells"]}
	for _, one := range []ticketsystem.Tells{ticketsystem.Name, ticketsystem.ID} {
		v.Tells.Choices = append(v.Tells.Choices, component.Choice{Value: string(one), Label: words.Say(ctx, "ticketsystem.tells."+string(one)), Chosen: one == set.Tells})
	}
	v.WhenDown = component.Choices{Name: "when_down", Legend: words.Say(ctx, "ticketsystem.when_down"), Error: wrong["when_down"]}
	for _, one := range []ticketsystem.WhenDown{ticketsystem.Block, ticketsystem.Pass} {
		v.WhenDown.Choices = append(v.WhenDown.Choices, component.Choice{
			Value: string(one), Label: words.Say(ctx, "ticketsystem.when_down."+string(one)), Hint: words.Say(ctx, "ticketsystem.when_down_hint."+string(one)), Chosen: one == set.WhenDown,
		})
	}
	if shown := h.Site.Shown(c); shown != "" {
		fits, err := h.TicketSystems.Fits(ctx, tenantID, shown)
		if err != nil {
			return err
		}
		if fits {
			v.Secret = shown
		}
	}
	last, err := h.TicketSystems.Last(ctx, tenantID)
	if err != nil {
		return err
	}
	for _, a := range last {
		row := views.TicketAnswer{Ticket: h.ticketRef(c, a.Ticket), Person: a.UserName, Agent: a.AgentName, Answer: words.Say(ctx, "ticketsystem.answer."+string(a.Answer)), Took: strconv.Itoa(a.Milliseconds), At: a.AskedAt, Tone: "good"}
		switch a.Answer {
		case ticketsystem.NotOpen, ticketsystem.NotTheirs:
			row.Tone = "warn"
		case ticketsystem.None:
			row.Tone, row.Why = "bad", whyTicket(c, a.Fault)
		}
		v.Answers = append(v.Answers, row)
	}
	unsent, err := h.TicketSystems.Unsent(ctx, tenantID)
	if err != nil {
		return err
	}
	for _, n := range unsent {
		row := views.TicketNote{Ticket: h.ticketRef(c, n.Ticket), Why: whyTicket(c, n.Fault), Tries: strconv.Itoa(n.Tries), At: n.CreatedAt, State: words.Say(ctx, "ticketsystem.note.again"), Tone: "warn"}
		if n.FailedAt != nil {
			row.State, row.Tone = words.Say(ctx, "ticketsystem.note.failed"), "bad"
		}
		v.Notes = append(v.Notes, row)
	}
	return web.Render(c, status, views.TicketSystemPage(h.page(c, ticketSystemPath), v))
}

// whyTicket says why a ticket system gave no answer.
func whyTicket(c echo.Context, code string) string {
	if key := "ticketsystem.fault." + code; words.Has(web.Context(c), key) {
		return words.Say(web.Context(c), key)
	}
	return words.Say(web.Context(c), "ticketsystem.fault.other")
}

func (h *Pages) saveTicketSystem(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	ctx, at := c.Request().Context(), web.Here(c).ID
	version, _ := strconv.Atoi(web.Form(c, "version")) // what is no number is no version either
	next := ticketsystem.Settings{URL: web.Form(c, "url"), Tells: ticketsystem.Tells(web.Form(c, "tells")), WhenDown: ticketsystem.WhenDown(web.Form(c, "when_down"))}
	made, err := h.TicketSystems.Save(ctx, at, web.Session(c).UserID, next, version, web.Origin(c))
	if fields, ok := wrong(c, err); ok {
		set, there, err := h.TicketSystems.Of(ctx, at)
		if err != nil {
			return err
		}
		set.Settings, set.Version = next, version
		return h.showTicketSystem(c, http.StatusUnprocessableEntity, set, there, fields)
	}
	return h.savedTicketSystem(c, made, err)
}

// savedTicketSystem goes back to the page, which shows a secret that was made, once.
func (h *Pages) savedTicketSystem(c echo.Context, made secret.Token, err error) error {
	if err != nil {
		return err
	}
	if !made.Empty() {
		h.Site.ShowOnce(c, made.Reveal())
	}
	return web.Redirect(c, h.path(c, ticketSystemPath+"?done=saved"))
}

func (h *Pages) renewTicketSecret(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	version, _ := strconv.Atoi(web.Form(c, "version"))
	made, err := h.TicketSystems.Renew(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, version, web.Origin(c))
	return h.savedTicketSystem(c, made, err)
}

func (h *Pages) removeTicketSystem(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err := h.TicketSystems.Remove(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, web.Origin(c))
	if err != nil && !errors.Is(err, fault.NotFound) { // else somebody was quicker
		return err
	}
	return web.Redirect(c, h.path(c, ticketSystemPath+"?done=ticket_system_removed"))
}
