package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// applicationsPath is the place of the console for what people sign in to.
const applicationsPath = "/applications"

func (h *Pages) applicationRoutes() []web.Route {
	const list = "/admin/:tenant" + applicationsPath
	return []web.Route{
		web.Get(list, access.IntegrationEdit, h.applications),
		web.Post(list, access.IntegrationEdit, h.registerApplication),
		web.Get(list+"/new", access.IntegrationEdit, h.newApplication),
		web.Get(list+"/:application", access.IntegrationEdit, h.application),
		web.Post(list+"/:application", access.IntegrationEdit, h.changeApplication),
		web.Post(list+"/:application/on", access.IntegrationEdit, h.turnApplication(false)),
		web.Post(list+"/:application/off", access.IntegrationEdit, h.turnApplication(true)),
		web.Post(list+"/:application/secret", access.IntegrationEdit, h.newApplicationSecret),
		web.Post(list+"/:application/delete", access.IntegrationEdit, h.deleteApplication),
	}
}

func (h *Pages) applications(c echo.Context) error {
	ctx, tenantID := web.Context(c), web.Here(c).ID
	all, err := h.Applications.List(ctx, tenantID)
	if err != nil {
		return err
	}
	groups, err := h.Applications.Groups(ctx, tenantID)
	if err != nil {
		return err
	}
	v := views.Applications{Base: h.path(c, applicationsPath), Issuer: h.Site.Issuer(web.Here(c).Slug)}
	for _, a := range all {
		row := views.ApplicationRow{
			Name: a.Name, Href: h.path(c, applicationsPath+"/"+url.PathEscape(a.ID)), State: words.Say(ctx, "applications.state.on"), Tone: "good",
			Kind: words.Say(ctx, "applications.kind."+string(a.Kind)), For: words.Say(ctx, "applications.everybody"),
			Frequency: words.Say(ctx, "applications.again.never"), Strength: words.Say(ctx, "applications.strength."+strengthKey(a.Strength)),
		}
		if !a.On() {
			row.State, row.Tone = words.Say(ctx, "applications.state.off"), ""
		}
		if a.Frequency > 0 {
			row.Frequency = words.Say(ctx, "applications.again.after", "count", strconv.Itoa(a.Frequency))
		}
		if len(a.Groups) > 0 {
			var names []string
			for _, g := range groups {
				if slices.Contains(a.Groups, g.ID) {
					names = append(names, g.Name)
				}
			}
			row.For = strings.Join(names, ", ")
		}
		v.Rows = append(v.Rows, row)
	}
	return web.Render(c, http.StatusOK, views.ApplicationsPage(h.page(c, applicationsPath), v))
}

// strengthKey is the last part of the words of an acr value.
func strengthKey(acr string) string {
	if acr == "" {
		return "any"
	}
	return acr
}

// newApplication asks for a fresh proof before anything is typed, so that nothing is lost.
func (h *Pages) newApplication(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showApplication(c, http.StatusOK, nil, application.Settings{}, views.ApplicationTyped{Frequency: "0"}, application.Confidential, nil)
}

func (h *Pages) application(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	a, err := h.applicationOf(c)
	if err != nil {
		return err
	}
	return h.showApplication(c, http.StatusOK, &a, a.Settings, views.ApplicationTyped{
		Name: a.Name, Redirects: strings.Join(a.Redirects, "\n"), Logouts: strings.Join(a.Logouts, "\n"), Start: a.Start,
		Frequency: strconv.Itoa(a.Frequency), Version: strconv.Itoa(a.Version),
	}, a.Kind, nil)
}

// applicationOf is the application that the path names.
func (h *Pages) applicationOf(c echo.Context) (application.Application, error) {
	return h.Applications.Of(c.Request().Context(), web.Here(c).ID, c.Param("application"))
}

// showApplication shows the form of an application, or of a new one where a is nil:
// what was typed, with the boxes of s ticked.
func (h *Pages) showApplication(c echo.Context, status int, a *application.Application, s application.Settings, typed views.ApplicationTyped, kind application.Kind, errors map[string]string) error {
	ctx, base := web.Context(c), h.path(c, applicationsPath)
	groups, err := h.Applications.Groups(ctx, web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.ApplicationForm{Base: base, Action: base, Title: words.Say(ctx, "applications.new"), Typed: typed, Errors: errors}
	for _, k := range application.Kinds {
		v.Kinds = append(v.Kinds, component.Choice{
			Value: string(k), Label: words.Say(ctx, "applications.kind."+string(k)), Hint: words.Say(ctx, "applications.kind_hint."+string(k)), Chosen: k == kind,
		})
	}
	for _, acr := range []string{"", session.MultiFactor.ACR(), session.PhishingResistant.ACR()} {
		v.Strength = append(v.Strength, component.Choice{
			Value: acr, Label: words.Say(ctx, "applications.strength."+strengthKey(acr)), Hint: words.Say(ctx, "applications.strength_hint."+strengthKey(acr)), Chosen: acr == s.Strength,
		})
	}
	for _, g := range groups {
		v.Groups = append(v.Groups, component.Choice{Value: g.ID, Label: g.Name, Chosen: slices.Contains(s.Groups, g.ID)})
	}
	if a != nil {
		issuer := h.Site.Issuer(web.Here(c).Slug)
		v.Action, v.Title = base+"/"+url.PathEscape(a.ID), a.Name
		v.Set = &views.ApplicationSet{
			ID: a.ID, Kind: words.Say(ctx, "applications.kind."+string(a.Kind)), Issuer: issuer, Discovery: issuer + "/.well-known/openid-configuration",
			Name: a.Name, Off: !a.On(), Secret: a.Kind == application.Confidential,
		}
		if a.SecretAt != nil {
			v.Set.SecretAt = *a.SecretAt
		}
	}
	return web.Render(c, status, views.ApplicationPage(h.page(c, applicationsPath), v))
}

// applicationTyped reads the form: the settings, and the form as it was typed. What is
// no number is -1.
func applicationTyped(c echo.Context) (application.Settings, views.ApplicationTyped) {
	typed := views.ApplicationTyped{
		Name: web.Form(c, "name"), Redirects: web.Form(c, "redirects"), Logouts: web.Form(c, "logouts"), Start: web.Form(c, "start"),
		Frequency: strings.TrimSpace(web.Form(c, "frequency")), Reason: web.Form(c, "reason"), Version: web.Form(c, "version"),
	}
	minutes, err := strconv.Atoi(typed.Frequency)
	if err != nil {
		minutes = -1
	}
	return application.Settings{
		Name: typed.Name, Redirects: strings.Split(typed.Redirects, "\n"), Logouts: strings.Split(typed.Logouts, "\n"), Start: typed.Start,
		Frequency: minutes, Strength: web.Form(c, "strength"), Groups: c.Request().PostForm["groups"],
	}, typed
}

// registerApplication registers one, and shows its secret, if it has one: once.
func (h *Pages) registerApplication(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	next, typed := applicationTyped(c)
	asked := application.Registration{ID: application.NewID(), Kind: application.Kind(web.Form(c, "kind")), Settings: next}
	var made secret.Token
	if asked.Kind == application.Confidential {
		made = application.NewSecret()
		asked.SecretDigest = made.Digest()
	}
	act := h.act(c, application.KindRegister, "").With(asked)
	var err error
	if made.Empty() {
		err = h.submit(c, act, applicationsPath+"/"+url.PathEscape(asked.ID)+"?done=application_registered")
	} else {
		err = h.submitAndShow(c, act, made, asked.ID, next.Name)
	}
	if fields, ok := wrong(c, err); ok {
		typed.Version = ""
		return h.showApplication(c, http.StatusUnprocessableEntity, nil, next, typed, asked.Kind, fields)
	}
	return err
}

// submitAndShow carries an act out that makes a secret, and shows it. An act that
// waited would lose it; these never wait.
func (h *Pages) submitAndShow(c echo.Context, act approval.Act, made secret.Token, id, name string) error {
	out, err := h.Approvals.Submit(c.Request().Context(), act)
	if err != nil {
		return err
	}
	if out.Waits() {
		return web.Redirect(c, h.path(c, "/approvals/"+url.PathEscape(out.RequestID)))
	}
	return web.Render(c, http.StatusOK, views.ApplicationSecretPage(h.page(c, applicationsPath), views.ApplicationSecret{
		Name: name, ID: id, Secret: made.Reveal(), Back: h.path(c, applicationsPath+"/"+url.PathEscape(id)),
	}))
}

func (h *Pages) changeApplication(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	a, err := h.applicationOf(c)
	if err != nil {
		return err
	}
	next, typed := applicationTyped(c)
	next.SignInsOff = a.SignInsOff
	change := application.Change{ID: a.ID, Settings: next}
	change.Version, _ = strconv.Atoi(typed.Version)
	err = h.submit(c, h.act(c, application.KindChange, "").With(change), applicationsPath+"/"+url.PathEscape(a.ID)+"?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showApplication(c, http.StatusUnprocessableEntity, &a, next, typed, a.Kind, fields)
	}
	return err
}

// turnApplication turns sign-ins to an application on or off. To turn them off protects, so it
// asks for no fresh proof.
func (h *Pages) turnApplication(off bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !off {
			if err := h.Site.NeedFresh(c); err != nil {
				return err
			}
		}
		a, err := h.applicationOf(c)
		if err != nil {
			return err
		}
		change := application.Change{ID: a.ID, Settings: a.Settings}
		change.SignInsOff = off
		change.Version, _ = strconv.Atoi(web.Form(c, "version"))
		return h.submit(c, h.act(c, application.KindChange, "").With(change), applicationsPath+"/"+url.PathEscape(a.ID)+"?done=saved")
	}
}

func (h *Pages) newApplicationSecret(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	a, err := h.applicationOf(c)
	if err != nil {
		return err
	}
	made := application.NewSecret()
	act := h.act(c, application.KindSecret, "").With(application.NewSecretOf{ID: a.ID, SecretDigest: made.Digest()})
	return h.submitAndShow(c, act, made, a.ID, a.Name)
}

func (h *Pages) deleteApplication(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.submit(c, h.act(c, application.KindDelete, "").With(application.Deletion{ID: c.Param("application")}), applicationsPath+"?done=application_deleted")
}
