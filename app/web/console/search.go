package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/codesheet"
	"latchkey/app/search"
	"latchkey/app/user"
	"latchkey/app/web"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) searchRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/search", access.ConsoleEnter, h.search),
	}
}

// search shows what is found as a page, or as JSON to the box that lists it while
// somebody types.
func (h *Pages) search(c echo.Context) error {
	typed := c.QueryParam("q")
	found, err := h.Search.Find(c.Request().Context(), h.Site.Standing(c), typed)
	if err != nil {
		return err
	}
	v := views.Search{Typed: typed, Sections: h.sections(c, found), Full: full(found)}
	for _, section := range v.Sections {
		v.Count += len(section.Rows)
	}
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, listed(web.Context(c), v))
	}
	page := h.page(c, "/search")
	page.Searched = typed
	return web.Render(c, http.StatusOK, views.SearchPage(page, v))
}

// full says whether there may be more than is shown.
func full(f search.Found) bool {
	return len(f.People) == search.Most || len(f.Groups) == search.Most || len(f.Phones) == search.Most || len(f.Sheets) == search.Most || len(f.Tickets) == search.Most
}

// sections puts what was found into words, and says where each leads.
func (h *Pages) sections(c echo.Context, f search.Found) []views.FoundSection {
	ctx := web.Context(c)
	people, groups := views.FoundSection{Kind: "people"}, views.FoundSection{Kind: "groups"}
	phones, sheets := views.FoundSection{Kind: "phones"}, views.FoundSection{Kind: "sheets"}
	requests, tickets := views.FoundSection{Kind: "requests"}, views.FoundSection{Kind: "tickets"}
	for _, p := range f.People {
		people.Rows = append(people.Rows, h.foundPerson(c, p))
	}
	for _, g := range f.Groups {
		groups.Rows = append(groups.Rows, views.FoundRow{
			Title: g.Name, Note: words.Say(ctx, "console.search.members", "number", counted(ctx, g.Members)), Tag: groupRole(ctx, g.Role, g.RoleName), Href: h.path(c, "/groups/"+url.PathEscape(g.ID)),
		})
	}
	for _, p := range f.Phones {
		row := h.foundPerson(c, p.Person)
		row.Note = words.Say(ctx, "console.search.phone", "platform", words.Say(ctx, "platform."+p.Platform), "id", p.AccountID[:8])
		phones.Rows = append(phones.Rows, row)
	}
	for _, s := range f.Sheets {
		row := h.foundPerson(c, s.Person)
		row.Note = words.Say(ctx, "console.search.sheet", "serial", codesheet.Parted(s.Serial), "state", words.Say(ctx, "codesheet.state."+s.CodeState))
		sheets.Rows = append(sheets.Rows, row)
	}
	for _, r := range f.Requests {
		requests.Rows = append(requests.Rows, views.FoundRow{Title: words.Say(ctx, "console.search.request"), Note: r.Reason, Href: h.path(c, "/approvals/"+url.PathEscape(r.ID))})
	}
	found := views.FoundSection{Kind: "cases"}
	for _, r := range f.Cases {
		row := h.caseRow(c, r)
		found.Rows = append(found.Rows, views.FoundRow{Title: row.Name, Note: row.Person + " · " + row.Cause, Tag: row.State, Href: row.Href})
	}
	for _, name := range f.Tickets {
		tickets.Rows = append(tickets.Rows, views.FoundRow{Title: name, Note: words.Say(ctx, "console.search.ticket"), Href: h.ticketPath(c, name)})
	}
	var all []views.FoundSection
	for _, section := range []views.FoundSection{people, groups, found, phones, sheets, requests, tickets} {
		if len(section.Rows) > 0 {
			section.Title = words.Say(ctx, "console.search."+section.Kind)
			all = append(all, section)
		}
	}
	return all
}

func (h *Pages) foundPerson(c echo.Context, p search.Person) views.FoundRow {
	row := views.FoundRow{Title: cmp.Or(p.DisplayName, p.Name), Note: p.Name, Href: h.path(c, "/users/"+url.PathEscape(p.ID))}
	if p.State != user.Active {
		row.Tag = words.Say(web.Context(c), "console.group.state."+p.State)
	}
	return row
}

// A list is what the box under the search shows.
type list struct {
	Said     string        `json:"said"` // for those who hear the page
	Sections []listSection `json:"sections"`
}

type listSection struct {
	Kind    string    `json:"kind"`
	Title   string    `json:"title"`
	Results []listRow `json:"results"`
}

type listRow struct {
	Title string `json:"title"`
	Note  string `json:"note"`
	Tag   string `json:"tag,omitempty"`
	Href  string `json:"href"`
}

func listed(ctx context.Context, v views.Search) list {
	all := list{Said: words.Say(ctx, "console.search.count", "count", strconv.Itoa(v.Count)), Sections: []listSection{}}
	if v.Count == 0 {
		all.Said = words.Say(ctx, "console.search.nothing")
	}
	for _, section := range v.Sections {
		s := listSection{Kind: section.Kind, Title: section.Title}
		for _, row := range section.Rows {
			s.Results = append(s.Results, listRow(row))
		}
		all.Sections = append(all.Sections, s)
	}
	return all
}
