package console

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	named "latchkey/app/place"
	"latchkey/app/settings"
	"latchkey/app/tenant"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

// placesPath is the place of the console for what the tenant calls its networks.
const placesPath = "/settings/places"

func (h *Pages) placeRoutes() []web.Route {
	const list = "/admin/:tenant" + placesPath
	return []web.Route{
		web.Get(list, access.PolicyEdit, h.places),
		web.Post(list, access.PolicyEdit, h.addPlace),
		web.Get(list+"/new", access.PolicyEdit, h.newPlace),
		web.Post(list+"/elsewhere", access.PolicyEdit, h.changeElsewhere),
		web.Get(list+"/:place", access.PolicyEdit, h.place),
		web.Post(list+"/:place", access.PolicyEdit, h.changePlace),
		web.Post(list+"/:place/remove", access.PolicyEdit, h.removePlace),
	}
}

func (h *Pages) places(c echo.Context) error {
	now, err := h.Settings.Places(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showPlaces(c, http.StatusOK, now, now.Elsewhere, nil)
}

func (h *Pages) showPlaces(c echo.Context, status int, now settings.Places, chosen tenant.MatchMode, errors map[string]string) error {
	ctx := web.Context(c)
	v := views.Places{
		Base: h.path(c, placesPath), Full: len(now.Named) >= named.NamedMost, Reason: web.Form(c, "reason"), Errors: errors,
		Address: web.Origin(c).IP, Where: web.SayPlace(ctx, h.Site.Atlas.Of(web.Origin(c).IP, now.Named)),
	}
	for _, s := range now.Named {
		row := views.PlaceRow{ID: s.ID, Name: s.Name, Networks: texts(s.Networks)}
		for _, code := range s.Countries {
			row.Countries = append(row.Countries, words.Country(ctx, code))
		}
		v.Rows = append(v.Rows, row)
	}
	v.Modes = []component.Choice{{Label: words.Say(ctx, "places.elsewhere.same"), Chosen: chosen == ""}}
	for _, mode := range tenant.MatchModes[1:] {
		v.Modes = append(v.Modes, component.Choice{
			Value: string(mode), Label: words.Say(ctx, "console.settings.mode."+string(mode)), Chosen: mode == chosen,
		})
	}
	return web.Render(c, status, views.PlacesPage(h.page(c, placesPath), v))
}

// newPlace asks for a fresh proof before anything is typed, so that nothing is lost.
func (h *Pages) newPlace(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.showPlace(c, http.StatusOK, "", views.PlaceTyped{}, nil)
}

func (h *Pages) place(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	s, err := h.placeOf(c)
	if err != nil {
		return err
	}
	return h.showPlace(c, http.StatusOK, s.ID, views.PlaceTyped{
		Name: s.Name, Networks: strings.Join(texts(s.Networks), "\n"), Countries: strings.Join(s.Countries, ", "), Version: s.Version(),
	}, nil)
}

// placeOf is the place that the path names.
func (h *Pages) placeOf(c echo.Context) (named.Site, error) {
	now, err := h.Settings.Places(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return named.Site{}, err
	}
	s, ok := now.Named.Of(c.Param("place"))
	if !ok {
		return named.Site{}, fault.New(fault.NotFound, "http.not_found")
	}
	return s, nil
}

func (h *Pages) showPlace(c echo.Context, status int, id string, typed views.PlaceTyped, errors map[string]string) error {
	base := h.path(c, placesPath)
	v := views.PlaceForm{Base: base, Action: base, Title: words.Say(web.Context(c), "places.new"), Typed: typed, Known: h.Site.Atlas.Known(), Errors: errors}
	if id != "" {
		v.Action, v.Title = base+"/"+id, words.Say(web.Context(c), "places.change_title")
	}
	return web.Render(c, status, views.PlacePage(h.page(c, placesPath), v))
}

func (h *Pages) addPlace(c echo.Context) error { return h.setPlace(c, "") }

func (h *Pages) changePlace(c echo.Context) error {
	s, err := h.placeOf(c)
	if err != nil {
		return err
	}
	return h.setPlace(c, s.ID)
}

func (h *Pages) setPlace(c echo.Context, id string) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	typed := views.PlaceTyped{
		Name: strings.TrimSpace(web.Form(c, "name")), Networks: web.Form(c, "networks"), Countries: web.Form(c, "countries"),
		Reason: web.Form(c, "reason"), Version: web.Form(c, "version"),
	}
	networks, err := named.ParseNetworks(typed.Networks)
	if err != nil {
		return h.showPlace(c, http.StatusUnprocessableEntity, id, typed, map[string]string{"networks": web.Sentence(c, "place.networks_form", "")})
	}
	change := settings.PlaceChange{Version: typed.Version, Site: named.Site{ID: id, Name: typed.Name, Networks: networks, Countries: named.ParseCountries(typed.Countries)}}
	err = h.submit(c, h.act(c, settings.KindSetPlace, "").With(change), placesPath+"?done=saved")
	if fields, ok := wrong(c, err); ok {
		return h.showPlace(c, http.StatusUnprocessableEntity, id, typed, fields)
	}
	return err
}

func (h *Pages) removePlace(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	return h.submit(c, h.act(c, settings.KindRemovePlace, "").With(named.Site{ID: c.Param("place")}), placesPath+"?done=place_removed")
}

func (h *Pages) changeElsewhere(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	mode := tenant.MatchMode(web.Form(c, "match_mode_elsewhere"))
	err := h.submit(c, h.act(c, settings.KindElsewhere, "").With(settings.Elsewhere{Mode: mode}), placesPath+"?done=saved")
	fields, ok := wrong(c, err)
	if !ok {
		return err
	}
	now, err := h.Settings.Places(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	return h.showPlaces(c, http.StatusUnprocessableEntity, now, mode, fields)
}

func texts(networks []netip.Prefix) []string {
	all := make([]string, len(networks))
	for i, network := range networks {
		all[i] = named.NetworkText(network)
	}
	return all
}
