package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/app/importing"
	"latchkey/app/web"
	"latchkey/views/component"
	views "latchkey/views/console"
	"latchkey/views/words"
)

func (h *Pages) importRoutes() []web.Route {
	return []web.Route{
		web.Get("/admin/:tenant/users/import", access.UserImport, h.imports),
		web.Post("/admin/:tenant/users/import", access.UserImport, h.checkImport),
		web.Get("/admin/:tenant/users/imports/:import", access.UserImport, h.importPage),
		web.Get("/admin/:tenant/users/imports/:import/state", access.UserImport, h.importState),
		web.Get("/admin/:tenant/users/imports/:import/problems.csv", access.UserImport, h.importProblems),
		web.Post("/admin/:tenant/users/imports/:import/run", access.UserImport, h.runImport),
	}
}

func (h *Pages) imports(c echo.Context) error {
	return h.showImports(c, http.StatusOK, "")
}

func (h *Pages) showImports(c echo.Context, status int, problem string) error {
	recent, err := h.Imports.Recent(c.Request().Context(), web.Here(c).ID)
	if err != nil {
		return err
	}
	v := views.Imports{Action: h.path(c, "/users/import"), Error: problem}
	for _, name := range importing.Columns {
		v.Columns = append(v.Columns, views.ImportColumn{Name: name, Text: words.Say(web.Context(c), "console.import.columns."+name)})
	}
	for _, i := range recent {
		state, tone := stateOfImport(web.Context(c), i)
		v.Rows = append(v.Rows, views.ImportRow{
			Href: h.path(c, "/users/imports/"+url.PathEscape(i.ID)), FileName: i.FileName, State: state, Tone: tone,
			People: strconv.Itoa(i.Total), By: i.CreatedBy, At: i.CreatedAt,
		})
	}
	return web.Render(c, status, views.ImportsPage(h.page(c, "/users"), v))
}

// stateOfImport gives the words for the state of an import, and their tone.
func stateOfImport(ctx context.Context, i importing.Import) (word, tone string) {
	if i.State == importing.Checked && i.Wrong {
		return words.Say(ctx, "console.import.state.wrong"), "bad"
	}
	tones := map[importing.State]string{importing.Running: "warn", importing.Done: "good", importing.Failed: "bad"}
	return words.Say(ctx, "console.import.state."+string(i.State)), tones[i.State]
}

// checkImport takes a list, judges it and goes on to what was found.
func (h *Pages) checkImport(c echo.Context) error {
	name, body, err := upload(c, "file")
	if errors.Is(err, http.ErrMissingFile) {
		return h.showImports(c, http.StatusUnprocessableEntity, web.Sentence(c, "import.no_file", ""))
	}
	if err != nil {
		return err
	}
	id, err := h.Imports.Check(c.Request().Context(), importing.Upload{
		TenantID: web.Here(c).ID, ActorID: web.Session(c).UserID, FileName: name, Body: body, Origin: web.Origin(c),
	})
	if err != nil {
		return err
	}
	return web.Redirect(c, h.path(c, "/users/imports/"+url.PathEscape(id)))
}

// upload gives the name and the bytes of a file of the form, which stands in
// memory. It fails with http.ErrMissingFile when none was chosen.
func upload(c echo.Context, field string) (name string, body []byte, err error) {
	file, header, err := c.Request().FormFile(field)
	if errors.Is(err, http.ErrNotMultipart) {
		return "", nil, fault.New(fault.WrongType, "http.wrong_type")
	}
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if header.Filename == "" {
		return "", nil, http.ErrMissingFile
	}
	if header.Size > importing.BytesMost {
		return "", nil, fault.New(fault.TooLarge, "http.too_large")
	}
	body, err = io.ReadAll(file)
	return header.Filename, body, err
}

func (h *Pages) importPage(c echo.Context) error { return h.showImport(c, http.StatusOK, nil) }

// problemsShown is how many problems stand on the page; all are in the file.
const problemsShown = 100

func (h *Pages) showImport(c echo.Context, status int, fields map[string]string) error {
	i, err := h.Imports.Find(c.Request().Context(), web.Here(c).ID, c.Param("import"))
	if err != nil {
		return err
	}
	ctx, base := web.Context(c), h.path(c, "/users/imports/"+url.PathEscape(i.ID))
	v := views.Import{
		Href: base, UploadHref: h.path(c, "/users/import"), PeopleHref: h.path(c, "/users"), FileName: i.FileName, State: string(i.State),
		By: i.CreatedBy, At: i.CreatedAt,
		New: i.New, Changed: i.Changed, Unchanged: i.Unchanged, Total: i.Total, Done: i.Done, Reason: i.Reason, Ticket: h.ticketRef(c, i.Ticket), Errors: fields, Typed: web.Form(c, "reason"),
	}
	v.StateWord, v.Tone = stateOfImport(ctx, i)
	if i.EndedAt != nil {
		v.EndedAt = *i.EndedAt
	}
	for _, g := range i.Joined {
		v.Joined = append(v.Joined, views.ImportGroup{Name: g.Name, Href: h.path(c, "/groups/"+url.PathEscape(g.ID)), Role: groupRole(ctx, g.Role, titled(g.Title)), People: strconv.Itoa(g.People)})
	}
	shown := i.Problems[:min(len(i.Problems), problemsShown)]
	for _, p := range shown {
		v.Problems = append(v.Problems, importProblem(c, p))
	}
	v.ProblemCount, v.MoreProblems = len(i.Problems), len(i.Problems)-len(shown)
	if v.ProblemCount > 0 {
		v.ProblemsHref = base + "/problems.csv"
	}
	if i.State == importing.Checked && v.ProblemCount == 0 && i.Total > 0 {
		v.CanRun = i.CreatedByID == web.Session(c).UserID && h.Site.DB.Now().Before(i.CreatedAt.Add(importing.CheckedLife))
		if !v.CanRun && i.CreatedByID != web.Session(c).UserID {
			v.WhyNot = web.Sentence(c, "import.of_another", "")
		} else if !v.CanRun {
			v.WhyNot = web.Sentence(c, "import.old", "")
		}
	}
	return web.Render(c, status, views.ImportPage(h.page(c, "/users"), v))
}

// titled gives the name of a custom role by its title; empty for a built-in one.
func titled(title string) string {
	name, custom := strings.CutPrefix(title, access.CustomPrefix)
	if !custom {
		return ""
	}
	return name
}

// importProblem puts a problem into words.
func importProblem(c echo.Context, p importing.Problem) views.ImportProblem {
	shown := views.ImportProblem{Field: p.Field, Value: p.Value, Text: web.Sentence(c, p.Code, "")}
	if p.Row > 0 {
		shown.Row = component.Count(p.Row)
	}
	return shown
}

// importState says how far an import is, to the page that waits for its end.
func (h *Pages) importState(c echo.Context) error {
	state, done, total, err := h.Imports.Progress(c.Request().Context(), web.Here(c).ID, c.Param("import"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		State string `json:"state"`
		Done  int    `json:"done"`
		Total int    `json:"total"`
		Said  string `json:"said"`
	}{string(state), done, total, progress(web.Context(c), done, total)})
}

func progress(ctx context.Context, done, total int) string {
	return words.Say(ctx, "console.import.progress", "done", strconv.Itoa(done), "total", strconv.Itoa(total))
}

// importProblems is all problems of an import, as a file.
func (h *Pages) importProblems(c echo.Context) error {
	i, err := h.Imports.Find(c.Request().Context(), web.Here(c).ID, c.Param("import"))
	if err != nil {
		return err
	}
	if len(i.Problems) == 0 {
		return fault.New(fault.NotFound, "http.not_found")
	}
	ctx := web.Context(c)
	rows := [][]string{{
		words.Say(ctx, "console.import.row"), words.Say(ctx, "console.import.field"), words.Say(ctx, "console.import.value"), words.Say(ctx, "console.import.problem"),
	}}
	for _, p := range i.Problems {
		shown := importProblem(c, p)
		rows = append(rows, []string{shown.Row, shown.Field, shown.Value, shown.Text})
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentDisposition, `attachment; filename="problems.csv"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", importing.Table(rows))
}

// runImport asks for a list to be run. It goes on in the background, and the page
// of the import shows how far it is.
func (h *Pages) runImport(c echo.Context) error {
	if err := h.Site.NeedFresh(c); err != nil {
		return err
	}
	i, err := h.Imports.Find(c.Request().Context(), web.Here(c).ID, c.Param("import"))
	if err != nil {
		return err
	}
	err = h.submit(c, h.act(c, importing.KindImport, "").With(i.Act), "/users/imports/"+url.PathEscape(i.ID))
	if fields, failed := wrong(c, err); failed {
		return h.showImport(c, http.StatusUnprocessableEntity, fields)
	}
	return err
}
