package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/role"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) roleRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/roles", access.RoleView, h.roles),
		web.Get("/admin/:tenant/roles/why", access.RoleView, h.roleWhy),
		web.Get("/admin/:tenant/roles/assign", access.RoleAssign, h.roleAssign),
		web.Post("/admin/:tenant/users/:user/role", access.RoleAssign, h.assignRole),
		web.Post("/admin/:tenant/users/:user/role/take", access.RoleAssign, h.takeRole),
		web.Get("/admin/:tenant/roles/custom/new", access.RoleCompose, h.newCustomRole),
		web.Get("/admin/:tenant/roles/custom/:role", access.RoleView, h.customRole),
		web.Post("/admin/:tenant/roles/custom", access.RoleCompose, h.composeRole),
		web.Post("/admin/:tenant/roles/custom/:role/change", access.RoleCompose, h.changeRole),
		web.Post("/admin/:tenant/roles/custom/:role/retire", access.RoleCompose, h.retireRole),
	}
}

const (
	roleRows   = 50
	groupsLine = 3 // names of groups in a row; of more, how many
)

// roles says who holds which role, and what each may.
func (h *Pages) roles(c echo.Context) error {
	ctx, at, me := web.Context(c), web.Here(c), h.Site.Standing(c)
	which := role.Which{Role: access.Role(c.QueryParam("role")), After: c.QueryParam("after"), Limit: roleRows + 1}
	holders, err := h.Roles.Holders(ctx, at.ID, me.UserID, which)
	if err != nil {
		return err
	}
	carriers, err := h.Roles.Carriers(ctx, at.ID, me.UserID)
	if err != nil {
		return err
	}
	customs, err := h.Roles.Customs(ctx, at.ID)
	if err != nil {
		return err
	}
	v := views.Roles{
		Action: h.path(c, "/roles"), Filter: roleFilter(ctx, customs, which.Role), Filtered: which.Role != "", WhyHref: h.path(c, "/roles/why"),
	}
	filter := "?role=" + url.QueryEscape(string(which.Role))
	if which.After != "" {
		v.First = h.path(c, "/roles"+filter)
	}
	if len(holders) > roleRows {
		holders = holders[:roleRows]
		v.Next = h.path(c, "/roles"+filter+"&after="+url.QueryEscape(holders[roleRows-1].UserName))
	}
	if me.May.Has(access.RoleAssign) {
		v.AssignHref = h.path(c, "/roles/assign")
	}
	for _, one := range holders {
		v.Holders = append(v.Holders, h.roleHolder(c, one, me))
	}
	v.Carriers, v.Customs, v.BuiltIn = h.roleCarriers(c, carriers), h.customRoles(c, customs), h.builtIn(ctx)
	if me.May.Has(access.RoleCompose) {
		v.NewHref = h.path(c, "/roles/custom/new")
	}
	return web.Render(c, http.StatusOK, views.RolesPage(h.page(c, "/roles"), v))
}

func (h *Pages) roleCarriers(c echo.Context, carriers []role.Carrier) (all []views.RoleCarrier) {
	ctx := web.Context(c)
	for _, g := range carriers {
		shown := views.RoleCarrier{
			Name: g.Name, Href: h.path(c, "/groups/"+url.PathEscape(g.GroupID)), Role: web.RoleName(ctx, g.Role, g.RoleName),
			Members: words.Say(ctx, "roles.members", "count", component.Thousands(g.Members)), GivenBy: giver(ctx, role.Giver{ID: g.GiverID, Name: g.GiverName}),
		}
		if g.GivenAt != nil {
			shown.GivenAt = *g.GivenAt
		}
		all = append(all, shown)
	}
	return all
}

func (h *Pages) customRoles(c echo.Context, customs []role.CustomRole) (all []views.RoleSummary) {
	ctx := web.Context(c)
	for _, custom := range customs {
		all = append(all, views.RoleSummary{
			Name: custom.Name, Href: h.path(c, customPath(custom.ID)), Rank: rankIn(ctx, custom.Rank), Holders: holdersOf(ctx, custom), May: may(ctx, custom.Permissions),
		})
	}
	return all
}

func (h *Pages) builtIn(ctx context.Context) (all []views.RoleSummary) {
	for _, r := range builtInRoles {
		all = append(all, views.RoleSummary{
			Name: web.RoleName(ctx, r, ""), Rank: rankIn(ctx, access.Ranks[r]), May: may(ctx, administering(h.Site.Rules, h.Site.Rules.Of(r))),
		})
	}
	return all
}

// builtInRoles are those that a tenant gives, the highest first.
var builtInRoles = []access.Role{
	access.RoleSecurityAdministrator, access.RoleTenantAdministrator, access.RoleAuditor, access.RoleHelpdeskLead, access.RoleHelpdesk,
}

// administering is what is in a set beyond what everybody may.
func administering(rules *access.Rules, set access.Set) []access.Permission {
	return (set &^ rules.Of(access.RoleUser)).List()
}

func (h *Pages) roleHolder(c echo.Context, one role.Holder, me access.Standing) views.RoleHolder {
	ctx := web.Context(c)
	shown := views.RoleHolder{
		Name: one.UserName, Display: one.DisplayName, Href: h.path(c, "/users/"+url.PathEscape(one.UserID)), Role: web.RoleName(ctx, one.Role, one.RoleName),
		Scope: scopeOf(ctx, one.Groups), GivenBy: giver(ctx, one.GivenBy), GivenAt: one.GivenAt,
	}
	if one.State != user.Active {
		shown.State = words.Say(ctx, "roles.state."+one.State)
	}
	if one.EndsAt != nil {
		shown.EndsAt = *one.EndsAt
	}
	if me.May.Has(access.RoleAssign) && one.UserID != me.UserID {
		shown.ChangeHref = h.path(c, "/roles/assign?user="+url.QueryEscape(one.UserID))
		shown.ChangeLabel = words.Say(ctx, "form.act_on", "act", words.Say(ctx, "roles.change"), "what", one.UserName)
	}
	return shown
}

func roleFilter(ctx context.Context, customs []role.CustomRole, chosen access.Role) []component.Choice {
	all := []component.Choice{{Label: words.Say(ctx, "roles.filter.all"), Chosen: chosen == ""}}
	for _, r := range builtInRoles {
		all = append(all, component.Choice{Value: string(r), Label: web.RoleName(ctx, r, ""), Chosen: r == chosen})
	}
	for _, custom := range customs {
		all = append(all, component.Choice{Value: string(custom.ID), Label: custom.Name, Chosen: custom.ID == chosen})
	}
	return all
}

// scopeOf is the groups of a role in words: the first ones, and how many more.
func scopeOf(ctx context.Context, groups []string) string {
	switch more := len(groups) - groupsLine; {
	case len(groups) == 0:
		return words.Say(ctx, "roles.scope.all")
	case more > 0:
		return words.Say(ctx, "roles.scope.more", "names", strings.Join(groups[:groupsLine], ", "), "count", strconv.Itoa(more))
	}
	return strings.Join(groups, ", ")
}

// giver is who gave a role, in words. An operator is a user of the platform, whom
// nobody sees from here.
func giver(ctx context.Context, g role.Giver) string {
	switch {
	case g.Program():
		return words.Say(ctx, "roles.given_by.program")
	case g.Name == "":
		return words.Say(ctx, "roles.given_by.somebody")
	}
	return g.Name
}

func rankIn(ctx context.Context, rank int) string {
	return words.Say(ctx, "roles.rank", "rank", strconv.Itoa(rank))
}

func holdersOf(ctx context.Context, c role.CustomRole) string {
	if c.Groups > 0 {
		return words.Say(ctx, "roles.holders_and_groups", "people", strconv.Itoa(c.Holders), "groups", strconv.Itoa(c.Groups))
	}
	return words.Say(ctx, "roles.holders_count", "count", strconv.Itoa(c.Holders))
}

// may is permissions in words.
func may(ctx context.Context, permissions []access.Permission) []string {
	all := make([]string, len(permissions))
	for i, p := range permissions {
		all[i] = words.Say(ctx, "permission."+string(p))
	}
	return all
}

// heldBy is what somebody holds, in words.
func heldBy(ctx context.Context, p role.Person) views.RoleHeld {
	s := p.Standing
	held := views.RoleHeld{Role: web.RoleName(ctx, s.Role, s.Name), EndsAt: s.EndsAt}
	if !s.Administrator() {
		return held
	}
	held.Origin, held.Scope = words.Say(ctx, "roles.origin.own"), scopeOf(ctx, p.Scope)
	if s.Through != "" {
		held.Origin = words.Say(ctx, "roles.origin.group", "name", p.Through)
	}
	return held
}
