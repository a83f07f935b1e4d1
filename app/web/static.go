package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/app/access"
	"latchkey/app/fault"
	"latchkey/views/phone"
)

// Files serves the static files: under an address with their common hash for
// ever, under the plain address for as long as they are.
type Files struct {
	Site    *Site
	Version string // of all files together
	files   map[string][]byte
}

// NewFiles reads every file once.
func NewFiles(s *Site, from fs.FS) (*Files, error) {
	f := &Files{Site: s, files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		f.files[name] = body
		sum.Write([]byte(name + "\x00"))
		sum.Write(body)
		return nil
	})
	f.Version = hex.EncodeToString(sum.Sum(nil))[:8]
	return f, err
}

// Prefix is the address under which files never change.
func (f *Files) Prefix() string { return "/static/" + f.Version + "/" }

// Routes is the map of the files and of the shell of the phone app.
func (f *Files) Routes() []Route {
	return []Route{
		Get("/static/*", access.Phone, f.file),
		Get("/favicon.ico", access.Phone, f.favicon),
		Get("/phone", access.Phone, f.app),
		Get("/phone/", access.Phone, f.app),
		Get("/phone/manifest.webmanifest", access.Phone, f.manifest),
		Get("/phone/service-worker.js", access.Phone, f.worker),
	}
}

func (f *Files) file(c echo.Context) error {
	name, lasting := strings.CutPrefix(c.Param("*"), f.Version+"/")
	body, ok := f.files[name]
	if !ok {
		return fault.New(fault.NotFound, "http.not_found")
	}
	caching := "no-cache"
	if lasting {
		caching = "public, max-age=31536000, immutable"
	}
	return f.send(c, name, body, caching)
}

func (f *Files) send(c echo.Context, name string, body []byte, caching string) error {
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, caching)
	h.Set("ETag", `"`+f.Version+`"`)
	if c.Request().Header.Get("If-None-Match") == `"`+f.Version+`"` {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, mediaType(name), body)
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return mime.TypeByExtension(path.Ext(name))
}

func (f *Files) favicon(c echo.Context) error {
	return f.send(c, "icons/favicon.svg", f.files["icons/favicon.svg"], "public, max-age=86400")
}

func (f *Files) app(c echo.Context) error {
	if err := Render(c, http.StatusOK, phone.AppPage(phone.App{
		PublicURL: f.Site.PublicURL, Version: f.Version, Styles: f.Prefix() + "phone/phone.css", Script: f.Prefix() + "phone/app.js",
	})); err != nil {
		return err
	}
	return nil
}

func (f *Files) manifest(c echo.Context) error {
	return f.send(c, "phone/manifest.webmanifest", f.files["phone/manifest.webmanifest"], "no-cache")
}

// worker is the service worker, told which version of the files it keeps.
func (f *Files) worker(c echo.Context) error {
	body := bytes.ReplaceAll(f.files["phone/service-worker.js"], []byte("__VERSION__"), []byte(f.Version))
	c.Response().Header().Set("Service-Worker-Allowed", "/phone")
	return f.send(c, "phone/service-worker.js", body, "no-cache")
}
