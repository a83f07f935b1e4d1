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
	"latchkey/app/role"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// roleAssign asks to whom, or shows the form for somebody. It asks for fresh proof
// before the form is filled in, so that nothing typed is lost to it.
func (h *Pages) roleAssign(c echo.Context) error {
	v := views.RoleAssign{FindAction: h.path(c, "/roles/assign"), Typed: strings.TrimSpace(c.QueryParam("user"))}
	found := map[string]string{}
	id, err := h.somebody(c, "user", &v.Typed, found)
	if err != nil {
		return err
	}
	if id != "" {
		if err := h.Site.NeedFresh(c); err != nil {
			return err
		}
		who, err := h.Roles.PersonOf(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, id)
		if err != nil {
			return err
		}
		return h.showAssign(c, who, views.RoleAssign{})
	}
	status := http.StatusOK
	if v.FindError = found["user"]; v.FindError != "" {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(c, status, views.RoleAssignPage(h.page(c, "/roles"), v))
}

// Choices of when an assignment ends, beside some lives.
const (
	endsNever = "never"
	endsAsNow = "as_now"
	endsOnDay = "on" // at the end of a day
)

var (
	ends        = map[string]time.Duration{"shift": 8 * time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}
	endsInOrder = []string{endsNever, endsAsNow, "shift", "day", "week", endsOnDay}
)

// assignRole reads the form and hands the assignment in, or shows the form again
// as it was typed.
func (h *Pages) assignRole(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	ctx, at, form := c.Request().Context(), web.Here(c), c.Request().PostForm
	who, err := h.Roles.PersonOf(ctx, at.ID, web.Session(c).UserID, c.Param("user"))
	if err != nil {
		return err
	}
	names := namesIn(form.Get("group_names"))
	more, err := h.Roles.GroupsNamed(ctx, at.ID, web.Session(c).UserID, names)
	if err != nil {
		return err
	}
	if len(more) < len(names) {
		return h.showAssign(c, who, views.RoleAssign{Errors: map[string]string{"group_names": web.Sentence(c, "group.unknown", "")}})
	}
	a := role.Assignment{Role: access.Role(form.Get("role")), Groups: append(form["groups"], more...), EndsAt: endOf(form, h.Site.DB.Now(), who.Standing)}
	err = h.submit(c, h.act(c, role.KindAssign, who.ID).With(a), "/roles/assign?done=role_given"+"&user="+url.QueryEscape(who.ID))
	if fields, ok := wrong(c, err); ok {
		return h.showAssign(c, who, views.RoleAssign{Errors: fields})
	}
	return err
}

// endOf reads when an assignment is to end. What is no day gives a time that is
// over, which is refused like any other one.
func endOf(form url.Values, now time.Time, was access.Standing) *time.Time {
	var at time.Time
	switch choice := form.Get("ends_at"); choice {
	case endsOnDay:
		day, err := time.Parse(time.DateOnly, form.Get("ends_on"))
		if err == nil {
			at = day.AddDate(0, 0, 1)
		}
	case endsAsNow:
		at = was.EndsAt
	default:
		life, ok := ends[choice]
		if !ok {
			return nil
		}
		at = now.Add(life)
	}
	return &at
}

// namesIn gives the names of groups that were typed, each once.
func namesIn(typed string) (names []string) {
	for name := range strings.SplitSeq(typed, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (h *Pages) takeRole(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	who, err := h.Roles.PersonOf(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, c.Param("user"))
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, role.KindTake, who.ID), "/roles/assign?done=role_taken"+"&user="+url.QueryEscape(who.ID))
	if fields, ok := wrong(c, err); ok {
		return h.showAssign(c, who, views.RoleAssign{Taking: true, TakeReason: web.Form(c, "reason"), TakeError: fields["reason"]})
	}
	return err
}

// showAssign shows the form for a person: what they hold, and what this actor may
// give and take. It is filled with what they hold, or, when it failed, with what
// was typed.
func (h *Pages) showAssign(c echo.Context, who role.Person, v views.RoleAssign) error {
	ctx, at, me := web.Context(c), web.Here(c), h.Site.Standing(c)
	givable, err := h.Roles.Givable(ctx, at.ID, me.UserID, who.ID)
	if err != nil {
		return err
	}
	groups, more, err := h.Roles.GroupsFor(ctx, at.ID, me.UserID)
	if err != nil {
		return err
	}
	own := who.Standing
	mine := own.Administrator() && own.Through == ""
	v.Found, v.Name, v.Display, v.Href, v.Held = true, who.Name, who.DisplayName, h.path(c, "/users/"+url.PathEscape(who.ID)), heldBy(ctx, who)
	if who.State != user.Active {
		v.State = words.Say(ctx, "roles.state."+who.State)
	}
	if web.Session(c).TenantID == at.ID { // an operator who was let in is nobody whom one could ask about here
		v.WhyHref = h.path(c, "/roles/why?permission="+string(access.RoleAssign)+"&user="+url.QueryEscape(me.UserID)+"&target="+url.QueryEscape(who.ID))
	}
	v.Action, v.Within, v.MoreNames = h.path(c, "/users/"+url.PathEscape(who.ID)+"/role"), len(me.Scope) > 0, more
	form := assignForm(c, who, mine, groups)
	v.Names, v.EndsOn = form.Get("group_names"), form.Get("ends_on")
	if v.Errors != nil {
		v.Reason = form.Get("reason")
	}
	for _, g := range givable {
		if g.Answer == access.Yes || g.Answer == access.FourEyes {
			v.Roles = append(v.Roles, givableRole(ctx, g, form.Get("role")))
		}
	}
	for _, g := range groups {
		v.Groups = append(v.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(form["groups"], g.ID)})
	}
	for _, value := range endsInOrder {
		if value != endsAsNow || mine && !own.EndsAt.IsZero() {
			v.Ends = append(v.Ends, component.Choice{Value: value, Label: words.Say(ctx, "roles.ends."+value), Chosen: form.Get("ends_at") == value})
		}
	}
	if mine && who.ID != me.UserID && len(v.Roles) > 0 {
		v.TakeAction, v.TakeText = v.Action+"/take", words.Say(ctx, "roles.take.text", "name", who.Name, "role", v.Held.Role)
	}
	status := http.StatusOK
	if v.Errors != nil || v.Taking {
		status = http.StatusUnprocessableEntity
	}
	return web.Render(c, status, views.RoleAssignPage(h.page(c, "/roles"), v))
}

// assignForm gives what stands in the form: what was typed, or what the person
// holds by themselves. Groups beyond those that are shown stand there by name.
func assignForm(c echo.Context, who role.Person, mine bool, shown []role.Group) url.Values {
	if form := c.Request().PostForm; form.Has("role") || form.Has("ends_at") {
		return form
	}
	form := url.Values{"ends_at": {endsNever}}
	if !mine {
		return form
	}
	form.Set("role", string(who.Standing.Role))
	form["groups"] = who.Standing.Scope
	if !who.Standing.EndsAt.IsZero() {
		form.Set("ends_at", endsAsNow)
	}
	var others []string
	for _, name := range who.Scope {
		if !slices.ContainsFunc(shown, func(g role.Group) bool { return g.Name == name }) {
			others = append(others, name)
		}
	}
	form.Set("group_names", strings.Join(others, ", "))
	return form
}

func givableRole(ctx context.Context, g access.Givable, chosen string) component.Choice {
	hint := rankIn(ctx, g.Rank)
	if g.Answer == access.FourEyes {
		hint = words.Say(ctx, "roles.assign.four_eyes", "rank", hint)
	}
	return component.Choice{Value: string(g.Role), Label: web.RoleName(ctx, g.Role, g.Name), Hint: hint, Chosen: chosen == string(g.Role)}
}
