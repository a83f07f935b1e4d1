package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/role"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// roleWhy says why somebody may, or may not, rule by rule. Whoever sees who holds
// which role may ask; helpdesk and leads do not.
func (h *Pages) roleWhy(c echo.Context) error {
	ctx, at, me := web.Context(c), web.Here(c), web.Session(c)
	asked := access.Permission(c.QueryParam("permission"))
	v := views.RoleWhy{
		Action: h.path(c, "/roles/why"), User: c.QueryParam("user"), Target: c.QueryParam("target"), Errors: map[string]string{},
	}
	for _, p := range access.Permissions {
		v.Permissions = append(v.Permissions, component.Choice{Value: string(p), Label: words.Say(ctx, "permission."+string(p)), Chosen: p == asked})
	}
	status := http.StatusOK
	if v.User != "" && asked != "" {
		who, err := h.somebody(c, "user", &v.User, v.Errors)
		if err != nil {
			return err
		}
		whom, err := h.somebody(c, "target", &v.Target, v.Errors)
		if err != nil {
			return err
		}
		if len(v.Errors) == 0 {
			reason, err := h.Roles.Why(ctx, at.ID, me.UserID, role.Why{UserID: who, Permission: asked, TargetID: whom})
			if fields, ok := wrong(c, err); ok {
				v.Errors = fields
			} else if err != nil {
				return err
			} else {
				answerWhy(ctx, &v, reason)
			}
		}
		if len(v.Errors) > 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	return web.Render(c, status, views.RoleWhyPage(h.page(c, "/roles"), v))
}

var whyTones = map[access.Answer]string{access.Yes: "good", access.FourEyes: "warn", access.No: "bad", access.Nobody: "bad"}

func answerWhy(ctx context.Context, v *views.RoleWhy, r role.Reason) {
	v.Answered, v.Tone, v.Held = true, whyTones[r.Verdict.Answer], heldBy(ctx, r.Person)
	v.Answer = words.Say(ctx, "access.answer."+string(r.Verdict.Answer), "name", r.Person.Name)
	for _, f := range r.Verdict.Findings {
		v.Findings = append(v.Findings, views.RoleFinding{
			Rule: words.Say(ctx, "access.rule."+string(f.Rule)), Says: words.Say(ctx, "access.says."+string(f.Says)), Tone: whyTones[f.Says],
			Why: words.Say(ctx, "access.why."+f.Detail),
		})
	}
}

// somebody finds the person whom a field names, by sign-in name or by id, and puts
// the name into it; an empty field names nobody. Whoever is not found is an error
// of the field.
func (h *Pages) somebody(c echo.Context, field string, typed *string, wrong map[string]string) (id string, err error) {
	if *typed == "" {
		return "", nil
	}
	find := h.Roles.PersonOf
	if strings.Contains(*typed, "@") {
		find = h.Roles.PersonNamed
	}
	found, err := find(c.Request().Context(), web.Here(c).ID, web.Session(c).UserID, *typed)
	if errors.Is(err, fault.NotFound) {
		wrong[field] = web.Sentence(c, "role.nobody", "")
		return "", nil
	}
	if err == nil {
		*typed = found.Name
	}
	return found.ID, err
}
