package console

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/role"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// customPath is the page of a custom role, whose address leaves out what all their
// ids begin with.
func customPath(id access.Role) string {
	return "/roles/custom/" + strings.TrimPrefix(string(id), access.CustomPrefix)
}

func customID(c echo.Context) access.Role {
	return access.CustomPrefix + access.Role(c.Param("role"))
}

func (h *Pages) newCustomRole(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showCustom(c, http.StatusOK, role.CustomRole{}, views.CustomRole{New: true})
}

func (h *Pages) customRole(c echo.Context) error {
	found, err := h.Roles.Custom(c.Request().Context(), web.Here(c).ID, customID(c))
	if err != nil {
		return err
	}
	return h.showCustom(c, http.StatusOK, found, views.CustomRole{Typed: found.Name})
}

// composed reads the form of a custom role.
func composed(c echo.Context) role.Custom {
	version, _ := strconv.Atoi(web.Form(c, "version"))
	made := role.Custom{Name: web.Form(c, "name"), Version: version}
	for _, p := range c.Request().PostForm["permissions"] {
		made.Permissions = append(made.Permissions, access.Permission(p))
	}
	return made
}

func (h *Pages) composeRole(c echo.Context) error {
	return h.saveCustom(c, role.KindCompose, composed(c), "/roles?done=role_composed")
}

func (h *Pages) changeRole(c echo.Context) error {
	made := composed(c)
	made.ID = customID(c)
	return h.saveCustom(c, role.KindChange, made, customPath(made.ID)+"?done=role_changed")
}

// saveCustom hands a custom role in, or shows the form again as it was typed.
func (h *Pages) saveCustom(c echo.Context, kind approval.Kind, made role.Custom, to string) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	err := h.submit(c, h.act(c, kind, "").With(made), to)
	fields, ok := wrong(c, err)
	if !ok {
		return err
	}
	typed := views.CustomRole{New: made.ID == "", Typed: web.Form(c, "name"), Reason: web.Form(c, "reason"), Errors: fields}
	return h.showCustomAgain(c, made, typed)
}

func (h *Pages) retireRole(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	made := composed(c)
	made.ID = customID(c)
	err := h.submit(c, h.act(c, role.KindRetire, "").With(role.Custom{ID: made.ID, Version: made.Version}), "/roles?done=role_retired")
	fields, ok := wrong(c, err)
	if !ok {
		return err
	}
	return h.showCustomAgain(c, made, views.CustomRole{Retiring: true, RetireReason: web.Form(c, "reason"), RetireError: fields["reason"]})
}

// showCustomAgain shows a form that failed: a version that is older than the role
// stays as it was sent, so that it fails again rather than undo what it has not seen.
func (h *Pages) showCustomAgain(c echo.Context, made role.Custom, typed views.CustomRole) error {
	found := role.CustomRole{}
	if made.ID != "" {
		var err error
		if found, err = h.Roles.Custom(c.Request().Context(), web.Here(c).ID, made.ID); err != nil {
			return err
		}
		found.Version = made.Version
	}
	if typed.Retiring {
		typed.Typed = found.Name
	} else {
		found.Permissions = made.Permissions
	}
	return h.showCustom(c, http.StatusUnprocessableEntity, found, typed)
}

// showCustom shows a custom role: its form to those who compose roles, to others
// what it may.
func (h *Pages) showCustom(c echo.Context, status int, found role.CustomRole, v views.CustomRole) error {
	ctx, me := web.Context(c), h.Site.Standing(c)
	v.Name, v.Rank, v.Holders, v.Version = found.Name, strconv.Itoa(found.Rank), holdersOf(ctx, found), strconv.Itoa(found.Version)
	v.Editable, v.Action, v.May = me.May.Has(access.RoleCompose), h.path(c, "/roles/custom"), may(ctx, found.Permissions)
	composable := h.Site.Rules.Composable()
	for _, p := range byRank(composable) {
		rank := composable[p]
		choice := component.Choice{
			Value: string(p), Label: words.Say(ctx, "permission."+string(p)), Hint: words.Say(ctx, "roles.custom.brings", "rank", strconv.Itoa(rank)),
			Chosen: slices.Contains(found.Permissions, p),
		}
		if !me.May.Has(p) {
			choice.Blocked, choice.Hint = true, words.Say(ctx, "roles.custom.not_yours")
		}
		v.Choices = append(v.Choices, choice)
	}
	if !v.New {
		v.Action = h.path(c, customPath(found.ID)+"/change")
		if v.Editable {
			v.RetireAction = h.path(c, customPath(found.ID)+"/retire")
			v.RetireText = words.Say(ctx, "roles.custom.retire.text", "holders", v.Holders)
		}
	}
	return web.Render(c, status, views.CustomRolePage(h.page(c, "/roles"), v))
}

// byRank puts permissions into the order of what they bring, and then their own.
func byRank(ranks map[access.Permission]int) []access.Permission {
	all := slices.DeleteFunc(slices.Clone(access.Permissions), func(p access.Permission) bool { return ranks[p] == 0 })
	slices.SortStableFunc(all, func(a, b access.Permission) int { return ranks[a] - ranks[b] })
	return all
}
