package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/people"
	"latchkey/app/user"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) peopleRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/users", access.AuthenticatorView, h.people),
		web.Get("/admin/:tenant/users/new", access.UserInvite, h.newInvite),
		web.Post("/admin/:tenant/users", access.UserInvite, h.sendInvite),
		web.Get("/admin/:tenant/users/:user", access.AuthenticatorView, h.person),
		web.Post("/admin/:tenant/users/:user/lock", access.UserLock, h.lock),
		web.Post("/admin/:tenant/users/:user/unlock", access.UserUnlock, h.unlock),
		web.Post("/admin/:tenant/users/:user/disable", access.UserDisable, h.disable),
		web.Post("/admin/:tenant/users/:user/enable", access.UserDisable, h.enable),
		web.Post("/admin/:tenant/users/:user/end-sessions", access.SessionEnd, h.endSessions),
		web.Post("/admin/:tenant/users/:user/devices/:device/revoke", access.AuthenticatorReset, h.revokeDevice),
		web.Post("/admin/:tenant/users/:user/totp/revoke", access.AuthenticatorReset, h.revokeTOTP),
		web.Post("/admin/:tenant/users/:user/codes/revoke", access.AuthenticatorReset, h.revokeSheet),
		web.Post("/admin/:tenant/users/:user/passkeys/:passkey/revoke", access.AuthenticatorReset, h.revokePasskey),
		web.Post("/admin/:tenant/users/:user/backup-phone/ask", access.UserInvite, h.askBackup),
		web.Post("/admin/:tenant/users/:user/manager", access.UserInvite, h.setManager),
		web.Post("/admin/:tenant/users/:user/photo", access.UserInvite, h.setPhoto),
		web.Post("/admin/:tenant/users/:user/mfa", access.PolicyEdit, h.setMFA),
		web.Post("/admin/:tenant/users/:user/invitation", access.UserInvite, h.renewInvitation),
		web.Post("/admin/:tenant/users/:user/password-link", access.UserInvite, h.sendPasswordLink),
	}
}

// filterOf reads the filter of the list out of an address. What is none of the
// values narrows nothing, and is not carried on.
func filterOf(c echo.Context) people.Filter {
	query := []rune(strings.TrimSpace(c.QueryParam("q")))
	f := people.Filter{Group: c.QueryParam("group"), AtRisk: c.QueryParam("risk") == "1", Query: string(query[:min(len(query), queryMost)])}
	for _, one := range []struct {
		to    *string
		name  string
		known []string
	}{
		{&f.State, "state", people.States},
		{&f.MFA, "mfa", people.MFAStates},
		{&f.Way, "way", people.Ways},
		{&f.SignIn, "signin", people.SignIns},
	} {
		for _, value := range one.known {
			if c.QueryParam(one.name) == value {
				*one.to = value
			}
		}
	}
	return f
}

// queryMost is how many letters of a search count.
const queryMost = 100

// address is the page of the list with a filter, from a position on.
func (h *Pages) listAddress(c echo.Context, f people.Filter, side string, at people.Position) string {
	values := url.Values{}
	for name, value := range map[string]string{"q": f.Query, "state": f.State, "mfa": f.MFA, "way": f.Way, "group": f.Group, "signin": f.SignIn} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if f.AtRisk {
		values.Set("risk", "1")
	}
	if side != "" {
		if at == (people.Position{}) {
			return ""
		}
		values.Set(side, at.String())
	}
	if len(values) == 0 {
		return h.path(c, "/users")
	}
	return h.path(c, "/users?"+values.Encode())
}

func (h *Pages) people(c echo.Context) error {
	ctx, at, who := web.Context(c), web.Here(c), web.Session(c)
	f := filterOf(c)
	after, before := people.ParsePosition(c.QueryParam("after")), people.ParsePosition(c.QueryParam("before"))
	page, err := h.People.List(c.Request().Context(), at.ID, who.UserID, f, after, before)
	if err != nil {
		return err
	}
	next, previous := h.listAddress(c, f, "after", page.Next), h.listAddress(c, f, "before", page.Previous)
	if web.WantsJSON(c) {
		return c.JSON(http.StatusOK, map[string]any{"users": h.peopleJSON(c, page.Rows), "next": next, "previous": previous, "complete": !page.Cut})
	}
	groups, err := h.People.GroupsOf(c.Request().Context(), at.ID, who.UserID)
	if err != nil {
		return err
	}
	v := views.People{
		Action: h.path(c, "/users"), Query: f.Query, AtRisk: f.AtRisk, Filtered: f.Active(), Next: next, Previous: previous, Cut: page.Cut,
		States:  choices(ctx, f.State, people.States, func(v string) string { return words.Say(ctx, "console.people.state."+v) }),
		MFA:     choices(ctx, f.MFA, people.MFAStates, func(v string) string { return words.Say(ctx, "console.people.mfa."+v) }),
		Ways:    choices(ctx, f.Way, people.Ways, func(v string) string { return words.Say(ctx, "console.people.way."+v) }),
		SignIns: choices(ctx, f.SignIn, people.SignIns, func(v string) string { return words.Say(ctx, "console.people.signin."+v) }),
	}
	if len(groups) > 0 {
		v.Groups = append(v.Groups, component.Choice{Label: words.Say(ctx, "console.people.any")})
		for _, g := range groups {
			v.Groups = append(v.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: g.ID == f.Group})
		}
	}
	if after != (people.Position{}) || before != (people.Position{}) {
		v.First = h.listAddress(c, f, "", people.Position{})
	}
	if h.Site.Standing(c).May.Has(access.UserInvite) {
		v.InviteHref = h.path(c, "/users/new")
	}
	if h.Site.Standing(c).May.Has(access.UserImport) {
		v.ImportHref = h.path(c, "/users/import")
	}
	for _, r := range page.Rows {
		v.Rows = append(v.Rows, h.personRow(c, r))
	}
	return web.Render(c, http.StatusOK, views.PeoplePage(h.page(c, "/users"), v))
}

// choices are the values of a filter in words, below the one that narrows nothing.
func choices(ctx context.Context, chosen string, values []string, say func(value string) string) []component.Choice {
	all := []component.Choice{{Label: words.Say(ctx, "console.people.any")}}
	for _, value := range values {
		all = append(all, component.Choice{Value: value, Label: say(value), Chosen: value == chosen})
	}
	return all
}

// userJSON is one person of the list for a program.
type userJSON struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	DisplayName  string     `json:"display_name"`
	State        string     `json:"state"`
	MFAState     string     `json:"mfa_state"`
	Ways         []string   `json:"ways"`
	Groups       []string   `json:"groups"` // the first ones
	MoreGroups   int        `json:"more_groups,omitempty"`
	LastSignInAt *time.Time `json:"last_signin_at"`
	Href         string     `json:"href"`
}

func (h *Pages) peopleJSON(c echo.Context, rows []people.Row) []userJSON {
	all := make([]userJSON, 0, len(rows))
	for _, r := range rows {
		u := userJSON{
			ID: r.ID, Name: r.Name, DisplayName: r.DisplayName, State: r.State, MFAState: r.MFAState, Ways: r.Has(), Groups: r.Groups,
			MoreGroups: r.More, LastSignInAt: r.LastSignInAt, Href: h.personPath(c, r.ID),
		}
		if u.Groups == nil {
			u.Groups = []string{}
		}
		all = append(all, u)
	}
	return all
}

func (h *Pages) personPath(c echo.Context, userID string) string {
	return h.path(c, "/users/"+url.PathEscape(userID))
}

// stateTones are the colours of the states.
var stateTones = map[string]string{user.Active: "good", user.Locked: "bad", user.Disabled: ""}

func (h *Pages) personRow(c echo.Context, r people.Row) views.PersonRow {
	ctx := web.Context(c)
	row := views.PersonRow{
		Href: h.personPath(c, r.ID), Name: r.Name, DisplayName: r.DisplayName, State: words.Say(ctx, "console.people.state."+r.State),
		Tone: stateTones[r.State], MFA: words.Say(ctx, "console.people.mfa."+r.MFAState), Ways: waysInWords(ctx, r.Has()), AtRisk: r.AtRisk(),
		Groups: strings.Join(r.Groups, ", "),
	}
	if r.More > 0 {
		row.Groups = words.Say(ctx, "console.people.more_groups", "groups", row.Groups, "count", component.Count(r.More))
	}
	if r.LastSignInAt != nil {
		row.LastSignInAt = *r.LastSignInAt
	}
	return row
}

// waysInWords says which ways a person has.
func waysInWords(ctx context.Context, names []string) string {
	if len(names) == 0 {
		return words.Say(ctx, "console.people.has_none")
	}
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = words.Say(ctx, "console.people.has."+name)
	}
	return strings.Join(all, ", ")
}
