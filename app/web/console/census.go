package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/census"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

const (
	censusPath = "/census"

	// StatementKeyPath is where anybody gets the public key that censuses are signed by.
	StatementKeyPath = "/.well-known/latchkey-statement-key.json"
)

func (h *Pages) censusRoutes() []web.Route {
	const path = "/admin/:tenant" + censusPath
	return []web.Route{
		web.Get(StatementKeyPath, access.Phone, h.statementKey),
		web.Get(path, access.AuditVerify, h.censuses),
		web.Post(path, access.PolicyEdit, h.takeCensus),
		web.Get(path+"/:census", access.AuditVerify, h.census),
		web.Get(path+"/:census/file", access.AuditVerify, h.censusFile),
	}
}

// statementKey is the public key as a JSON Web Key (RFC 8037).
func (h *Pages) statementKey(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": h.Site.Keys.StatementKey()})
}

// censuses is the list of them, with how the figures went.
func (h *Pages) censuses(c echo.Context) error { return h.showCensuses(c, http.StatusOK, nil) }

func (h *Pages) showCensuses(c echo.Context, status int, errors map[string]string) error {
	ctx := web.Context(c)
	all, err := h.Censuses.List(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.Censuses{
		Action: h.path(c, censusPath), May: h.Site.Standing(c).May.Has(access.PolicyEdit), Open: errors != nil, Reason: web.Form(c, "reason"), Errors: errors,
		Key: h.Site.PublicURL + StatementKeyPath, Figures: figureNames(ctx),
	}
	for _, t := range all {
		v.Rows = append(v.Rows, h.censusRow(c, t))
	}
	if len(all) > 1 {
		v.Chart = censusChart(ctx, all)
	}
	return web.Render(c, status, views.CensusesPage(h.page(c, censusPath), v))
}

func figureNames(ctx context.Context) (all []string) {
	for _, name := range census.Names {
		all = append(all, words.Say(ctx, "census.figure."+name))
	}
	return all
}

// censusChart draws the figures, the oldest census first. A chart has room for five lines;
// the table behind it has all.
func censusChart(ctx context.Context, all []census.Taken) component.Chart {
	chart := component.Chart{ID: "census-chart", Title: words.Say(ctx, "census.chart"), Said: words.Say(ctx, "census.chart.said", "count", strconv.Itoa(len(all))), Head: words.Say(ctx, "census.number")}
	for i := len(all) - 1; i >= 0; i-- {
		chart.Labels = append(chart.Labels, words.Say(ctx, "census.of", "number", strconv.Itoa(all[i].Number)))
	}
	for _, name := range census.Names {
		s := component.Series{Name: words.Say(ctx, "census.figure."+name)}
		for i := len(all) - 1; i >= 0; i-- {
			s.Values = append(s.Values, float64(all[i].Statement.Count(name)))
		}
		if len(chart.Series) < 5 {
			chart.Series = append(chart.Series, s)
		} else {
			chart.Beside = append(chart.Beside, s)
		}
	}
	return chart
}

func (h *Pages) censusRow(c echo.Context, t census.Taken) views.CensusRow {
	ctx := web.Context(c)
	row := views.CensusRow{
		Number: strconv.Itoa(t.Number), Href: h.path(c, censusPath+"/"+strconv.Itoa(t.Number)), Title: words.Say(ctx, "census.of", "number", strconv.Itoa(t.Number)),
		Week: t.Week, MadeBy: t.MadeBy, MadeAt: t.MadeAt,
	}
	if t.MadeBy == "" {
		row.MadeBy = words.Say(ctx, "census.by_itself")
	}
	for _, name := range census.Names {
		n := t.Statement.Count(name)
		f := views.CensusFigure{Name: words.Say(ctx, "census.figure."+name), Count: component.Thousands(n), Rising: t.Rising(name)}
		if t.Before != nil && t.Before.Count(name) != n {
			f.Change = signed(n - t.Before.Count(name))
		}
		row.Figures = append(row.Figures, f)
		row.Rising = row.Rising || f.Rising
	}
	return row
}

// signed is a difference as people read it: +3, −2.
func signed(n int) string {
	if n < 0 {
		return "−" + component.Thousands(-n)
	}
	return "+" + component.Thousands(n)
}

func (h *Pages) takeCensus(c echo.Context) error {
	err := h.submit(c, h.act(c, census.KindTake, "").With(nil), censusPath+"?done=census_taken")
	if fields, ok := wrong(c, err); ok {
		return h.showCensuses(c, http.StatusUnprocessableEntity, fields)
	}
	return err
}

// census is one of them, with who is behind each figure for those who may see people.
func (h *Pages) census(c echo.Context) error {
	ctx := web.Context(c)
	t, err := h.Censuses.Find(c.Request().Context(), web.Here(c).ID, c.Param("census"))
	if err != nil {
		return err
	}
	me := h.Site.Standing(c)
	sees := len(me.Scope) == 0 && (me.May.Has(access.AuthenticatorView) || me.May.Has(access.AuditReadPersonal))
	v := views.Census{
		CensusRow: h.censusRow(c, t), Back: h.path(c, censusPath), File: h.path(c, censusPath+"/"+strconv.Itoa(t.Number)+"/file"), Sees: sees,
		Signature: t.Signature, Key: h.Site.Keys.StatementKey(), KeyHref: StatementKeyPath, FirstOne: t.Before == nil, Broken: t.Before != nil && !t.BeforeKnown,
	}
	for i, name := range census.Names {
		f := &v.Figures[i]
		f.Means = words.Say(ctx, "census.means."+name)
		if !sees {
			continue
		}
		for _, b := range t.Names[name] {
			behind := views.CensusBehind{Name: b.Name}
			if census.OfPeople(name) && me.May.Has(access.AuthenticatorView) {
				behind.Href = h.path(c, "/users/"+url.PathEscape(b.ID))
			}
			f.Behind = append(f.Behind, behind)
		}
		if more := t.Statement.Count(name) - len(t.Names[name]); more > 0 && len(t.Names[name]) > 0 {
			f.More = words.Say(ctx, "census.more", "count", strconv.Itoa(more))
		}
	}
	return web.Render(c, http.StatusOK, views.CensusPage(h.page(c, censusPath), v))
}

// censusFile is the signed statement, to be kept elsewhere and checked there.
func (h *Pages) censusFile(c echo.Context) error {
	file, t, err := h.Censuses.File(c.Request().Context(), web.Here(c).ID, c.Param("census"))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="census-`+t.Statement.Tenant+"-"+strconv.Itoa(t.Number)+`.json"`)
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, append(text, '\n'))
}
