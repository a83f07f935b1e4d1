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
	"latchkey/app/group"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) groupRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/groups", access.AuthenticatorView, h.groups),
		web.Post("/admin/:tenant/groups", access.GroupEdit, h.makeGroup),
		web.Get("/admin/:tenant/groups/:group", access.AuthenticatorView, h.group),
		web.Post("/admin/:tenant/groups/:group/rename", access.GroupEdit, h.renameGroup),
		web.Post("/admin/:tenant/groups/:group/role", access.RoleAssign, h.setGroupRole),
		web.Post("/admin/:tenant/groups/:group/delete", access.GroupEdit, h.deleteGroup),
		web.Post("/admin/:tenant/groups/:group/members", access.GroupEdit, h.addMember),
		web.Post("/admin/:tenant/groups/:group/members/:user/remove", access.GroupEdit, h.removeMember),
	}
}

func (h *Pages) groups(c echo.Context) error { return h.showGroups(c, http.StatusOK, views.Groups{}) }

func (h *Pages) showGroups(c echo.Context, status int, v views.Groups) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	v.Href, v.Prefix = h.path(c, "/groups"), c.QueryParam("name")
	after := c.QueryParam("after")
	rows, more, err := h.Groups.List(ctx, who, v.Prefix, after)
	if err != nil {
		return err
	}
	v.CanMake = who.May.Has(access.GroupEdit) && len(who.Scope) == 0
	for _, g := range rows {
		v.Rows = append(v.Rows, views.GroupRow{
			Name: g.Name, Href: h.path(c, "/groups/"+url.PathEscape(g.ID)), Members: counted(ctx, g.Members), Role: groupRole(ctx, g.Role, g.RoleName), CreatedAt: g.CreatedAt,
		})
	}
	if after != "" {
		v.First = address(v.Href, "name", v.Prefix)
	}
	if more {
		v.Next = address(v.Href, "name", v.Prefix, "after", rows[len(rows)-1].Name)
	}
	return web.Render(c, status, views.GroupsPage(h.page(c, "/groups"), v))
}

// counted is the number of members as a list shows it.
func counted(ctx context.Context, n int) string {
	if n > group.CountMost {
		return words.Say(ctx, "console.groups.many")
	}
	return strconv.Itoa(n)
}

// groupRole gives the words for the role of a group; empty for none.
func groupRole(ctx context.Context, role access.Role, name string) string {
	switch {
	case role == "":
		return ""
	case name != "":
		return name
	}
	return words.Say(ctx, "role."+string(role))
}

// address is a path with the fields that are not empty, in pairs.
func address(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

func (h *Pages) makeGroup(c echo.Context) error {
	made := group.New(web.Form(c, "name"))
	err := h.submit(c, h.act(c, group.KindCreate, "").With(made), "/groups/"+made.ID+"?done=group_made")
	fields, failed := wrong(c, err)
	if !failed {
		return err
	}
	return h.showGroups(c, http.StatusUnprocessableEntity, views.Groups{Refused: true, Errors: fields, Typed: groupTyped(c)})
}

func groupTyped(c echo.Context) views.GroupTyped {
	return views.GroupTyped{Name: web.Form(c, "name"), Confirmed: web.Form(c, "confirmed"), Reason: web.Form(c, "reason")}
}

func (h *Pages) group(c echo.Context) error { return h.showGroup(c, http.StatusOK, "", nil) }

// showGroup shows a group; form is the one that was refused, with the words for
// its fields.
func (h *Pages) showGroup(c echo.Context, status int, form string, fields map[string]string) error {
	ctx, who := web.Context(c), h.Site.Standing(c)
	g, err := h.Groups.Find(ctx, who, c.Param("group"))
	if err != nil {
		return err
	}
	v := views.Group{
		Href: h.path(c, "/groups/"+url.PathEscape(g.ID)), ListHref: h.path(c, "/groups"), Name: g.Name, Role: groupRole(ctx, g.Role, g.RoleName), RoleBy: g.RoleBy,
		CreatedAt: g.CreatedAt, CreatedBy: g.CreatedBy, Empty: g.Members == 0, After: c.QueryParam("after"), Form: form, Typed: groupTyped(c), Errors: fields,
	}
	v.Members = words.Say(ctx, "console.group.members", "count", strconv.Itoa(g.Members))
	if g.Members > group.CountMost {
		v.Members = words.Say(ctx, "console.group.members.many")
	}
	if g.RoleAt != nil {
		v.RoleAt = *g.RoleAt
	}
	if v.RoleBy == "" {
		v.RoleBy = words.Say(ctx, "console.group.somebody")
	}
	if g.Limits > 0 {
		v.Limited = words.Say(ctx, "console.group.limited.count", "count", strconv.Itoa(g.Limits))
	}
	if form != "" && v.After == "" {
		v.After = web.Form(c, "after")
	}
	if err := h.mayChange(ctx, who, g, &v, web.Form(c, "role")); err != nil {
		return err
	}
	if err := h.membersOf(c, g, &v); err != nil {
		return err
	}
	return web.Render(c, status, views.GroupPage(h.page(c, "/groups"), v))
}

// mayChange says what somebody is offered on the page of a group. Whether they
// may is asked when they do it.
func (h *Pages) mayChange(ctx context.Context, who access.Standing, g group.Group, v *views.Group, chosen string) error {
	roles, err := h.Groups.Carriable(ctx, who)
	if err != nil {
		return err
	}
	reaches := g.Role == "" || g.Retired || slices.ContainsFunc(roles, func(r group.Role) bool { return r.Role == g.Role })
	v.CanEdit = who.May.Has(access.GroupEdit) && reaches
	v.CanGive, v.CanDelete = v.CanEdit && len(roles) > 0, v.CanEdit && g.Limits == 0
	if who.May.Has(access.GroupEdit) && !reaches {
		v.Untouchable = words.Say(ctx, "console.group.untouchable")
	}
	if v.Form != "role" {
		chosen = string(g.Role)
	}
	v.Roles = []component.Choice{{Label: words.Say(ctx, "console.group.give.none"), Chosen: chosen == ""}}
	for _, r := range roles {
		v.Roles = append(v.Roles, component.Choice{Value: string(r.Role), Label: groupRole(ctx, r.Role, r.Name), Chosen: chosen == string(r.Role)})
	}
	return nil
}

// membersOf adds a page of members.
func (h *Pages) membersOf(c echo.Context, g group.Group, v *views.Group) error {
	ctx := web.Context(c)
	members, more, err := h.Groups.Members(ctx, web.Here(c).ID, g.ID, v.After)
	if err != nil {
		return err
	}
	for _, m := range members {
		row := views.GroupMember{ID: m.UserID, Name: m.Name, DisplayName: m.DisplayName, Href: h.path(c, "/users/"+url.PathEscape(m.UserID)), AddedBy: m.AddedBy}
		if row.DisplayName == "" {
			row.DisplayName = m.Name
		}
		if m.State != user.Active {
			row.State = words.Say(ctx, "console.group.state."+m.State)
		}
		row.AddedAt = instant(m.AddedAt)
		v.People = append(v.People, row)
	}
	if v.After != "" {
		v.First = v.Href
	}
	if more {
		v.Next = address(v.Href, "after", members[len(members)-1].Name)
	}
	return nil
}

// instant gives the time that may not be there; zero for none.
func instant(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

// change carries out an act on a group, and shows the group again when the form
// is refused. What concerns a role asks for a fresh proof first.
func (h *Pages) change(c echo.Context, form string, role bool, do func(g group.Group) error) error {
	g, err := h.Groups.Find(c.Request().Context(), h.Site.Standing(c), c.Param("group"))
	if err != nil {
		return err
	}
	if role || g.Role != "" {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
	}
	err = do(g)
	if fields, failed := wrong(c, err); failed {
		return h.showGroup(c, http.StatusUnprocessableEntity, form, fields)
	}
	return err
}

func (h *Pages) renameGroup(c echo.Context) error {
	return h.change(c, "rename", false, func(g group.Group) error {
		act := h.act(c, group.KindRename, "").With(group.Renaming{Group: g.ID, Name: web.Form(c, "name")})
		return h.submit(c, act, "/groups/"+g.ID+"?done=group_renamed")
	})
}

func (h *Pages) setGroupRole(c echo.Context) error {
	return h.change(c, "role", true, func(g group.Group) error {
		act := h.act(c, group.KindSetRole, "").With(group.Carrying{Group: g.ID, Role: access.Role(web.Form(c, "role"))})
		return h.submit(c, act, "/groups/"+g.ID+"?done=group_role_set")
	})
}

func (h *Pages) deleteGroup(c echo.Context) error {
	return h.change(c, "delete", false, func(g group.Group) error {
		act := h.act(c, group.KindDelete, "").With(group.Deletion{Group: g.ID, Confirmed: web.Form(c, "confirmed")})
		return h.submit(c, act, "/groups?done=group_deleted")
	})
}

func (h *Pages) addMember(c echo.Context) error {
	return h.change(c, "add", false, func(g group.Group) error {
		person, err := h.Groups.Person(c.Request().Context(), h.Site.Standing(c), web.Form(c, "name"))
		if err != nil {
			return err
		}
		act := h.act(c, group.KindAddMember, person).With(group.Membership{Group: g.ID})
		return h.submit(c, act, "/groups/"+g.ID+"?done=member_added")
	})
}

func (h *Pages) removeMember(c echo.Context) error {
	return h.change(c, c.Param("user"), false, func(g group.Group) error {
		act := h.act(c, group.KindRemoveMember, c.Param("user")).With(group.Membership{Group: g.ID})
		return h.submit(c, act, "/groups/"+g.ID+"?done=member_removed")
	})
}
